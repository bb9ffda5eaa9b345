//! sqlx: `query_as` with a derived `FromRow`, its statement cache, its query builder for bulk inserts.

mod graph;

use bench_common::{Database, Peer, Person, PersonRef};
use sqlx::{
    AssertSqlSafe, Connection, Executor, FromRow, PgConnection, QueryBuilder, SqliteConnection,
};
use tokio::runtime::Runtime;

#[derive(FromRow)]
struct Row {
    id: i64,
    name: String,
    city: String,
    age: i64,
    score: i64,
}

const SELECT: &str = "SELECT id, name, city, age, score FROM person";

/// Rows in one INSERT; 100 was never faster, and for SeaORM slower.
const CHUNK: usize = 1000;

struct Sqlx<C> {
    runtime: Runtime,
    db: C,
}

/// One implementation for each database, since sqlx's bounds for a generic one would hide the work.
macro_rules! peer {
    ($connection:ty) => {
        impl Peer for Sqlx<$connection> {
            const NAME: &'static str = "sqlx";
            type Row = Row;
            type New = Person;
            type Loaded = Vec<Row>;

            fn open(database: &Database) -> Self {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let url = match database {
                    Database::Memory => "sqlite::memory:",
                    Database::Postgres(url) => url,
                };
                let db = runtime.block_on(<$connection>::connect(url)).unwrap();
                Self { runtime, db }
            }

            fn sql(&mut self, sql: &str) {
                self.runtime.block_on(self.db.execute(AssertSqlSafe(sql.to_owned()))).unwrap();
            }

            fn number(&mut self, sql: &str) -> i64 {
                let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
                self.runtime.block_on(query.fetch_one(&mut self.db)).unwrap()
            }

            fn view(row: &Row) -> PersonRef<'_> {
                let Row { id, ref name, ref city, age, score } = *row;
                PersonRef { id, name, city, age, score }
            }

            fn load(&mut self) -> Vec<Row> {
                self.runtime.block_on(sqlx::query_as(SELECT).fetch_all(&mut self.db)).unwrap()
            }

            fn get(&mut self, keys: &[i64]) -> Vec<Row> {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    let mut people = Vec::with_capacity(keys.len());
                    for key in keys {
                        let sql = "SELECT id, name, city, age, score FROM person WHERE id = $1";
                        let query = sqlx::query_as(sql).bind(*key);
                        people.push(query.fetch_one(&mut *transaction).await.unwrap());
                    }
                    transaction.commit().await.unwrap();
                    people
                })
            }

            fn new_row(person: Person) -> Person {
                person
            }

            fn insert(&mut self, rows: Vec<Person>) -> Vec<i64> {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    let mut keys = Vec::with_capacity(rows.len());
                    for chunk in rows.chunks(CHUNK) {
                        let mut builder =
                            QueryBuilder::new("INSERT INTO person (name, city, age, score) ");
                        builder.push_values(chunk, |mut values, row| {
                            values.push_bind(&row.name).push_bind(&row.city);
                            values.push_bind(row.age).push_bind(row.score);
                        });
                        builder.push(" RETURNING id");
                        let query = builder.build_query_scalar::<i64>();
                        keys.extend(query.fetch_all(&mut *transaction).await.unwrap());
                    }
                    transaction.commit().await.unwrap();
                    keys
                })
            }

            fn load_some(&mut self, last: i64) -> Vec<Row> {
                let sql =
                    "SELECT id, name, city, age, score FROM person WHERE id <= $1 ORDER BY id";
                self.runtime
                    .block_on(sqlx::query_as(sql).bind(last).fetch_all(&mut self.db))
                    .unwrap()
            }

            fn update(&mut self, mut loaded: Vec<Row>) {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    for row in &mut loaded {
                        row.age += 1;
                        let query = sqlx::query("UPDATE person SET age = $1 WHERE id = $2");
                        let query = query.bind(row.age).bind(row.id);
                        let done = query.execute(&mut *transaction).await.unwrap();
                        assert_eq!(done.rows_affected(), 1);
                    }
                    transaction.commit().await.unwrap();
                });
            }
        }
    };
}

peer!(SqliteConnection);
peer!(PgConnection);

fn main() {
    if std::env::args().any(|arg| arg == "--postgres") {
        bench_common::main::<Sqlx<PgConnection>>();
    } else {
        bench_common::main::<Sqlx<SqliteConnection>>();
    }
}
