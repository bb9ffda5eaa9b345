//! Diesel: derived structs, its own statement cache, batch inserts.

mod graph;

use bench_common::{Database, Peer, Person, PersonRef};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

diesel::table! {
    person (id) {
        id -> BigInt,
        name -> Text,
        city -> Text,
        age -> BigInt,
        score -> BigInt,
    }
}

#[derive(Queryable, Selectable, Identifiable)]
#[diesel(table_name = person)]
struct Row {
    id: i64,
    name: String,
    city: String,
    age: i64,
    score: i64,
}

#[derive(Insertable)]
#[diesel(table_name = person)]
struct New {
    name: String,
    city: String,
    age: i64,
    score: i64,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

diesel::define_sql_function! {
    /// The key of the row inserted last.
    fn last_insert_rowid() -> BigInt;
}

/// On SQLite, row by row: its INSERT … RETURNING is slower, also of many rows at once (measured).
fn insert_on_sqlite(connection: &mut SqliteConnection, rows: &[New]) -> QueryResult<Vec<i64>> {
    let one = |row| {
        diesel::insert_into(person::table).values(row).execute(connection)?;
        diesel::select(last_insert_rowid()).get_result(connection)
    };
    rows.iter().map(one).collect()
}

/// On PostgreSQL, a thousand rows in one INSERT.
#[cfg(feature = "postgres")]
fn insert_on_postgres(connection: &mut PgConnection, rows: &[New]) -> QueryResult<Vec<i64>> {
    let mut keys = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(1000) {
        let insert = diesel::insert_into(person::table).values(chunk);
        keys.extend(insert.returning(person::id).get_results::<i64>(connection)?);
    }
    Ok(keys)
}

fn insert_parents_on_sqlite(
    connection: &mut SqliteConnection,
    parents: &[graph::NewParent],
) -> QueryResult<Vec<i64>> {
    let one = |parent| {
        diesel::insert_into(graph::parent::table).values(parent).execute(connection)?;
        diesel::select(last_insert_rowid()).get_result(connection)
    };
    parents.iter().map(one).collect()
}

fn insert_children_on_sqlite(
    connection: &mut SqliteConnection,
    children: &[graph::NewChild],
) -> QueryResult<()> {
    for child in children {
        diesel::insert_into(graph::child::table).values(child).execute(connection)?;
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn insert_parents_on_postgres(
    connection: &mut PgConnection,
    parents: &[graph::NewParent],
) -> QueryResult<Vec<i64>> {
    let insert = diesel::insert_into(graph::parent::table).values(parents);
    insert.returning(graph::parent::id).get_results(connection)
}

#[cfg(feature = "postgres")]
fn insert_children_on_postgres(
    connection: &mut PgConnection,
    children: &[graph::NewChild],
) -> QueryResult<()> {
    for chunk in children.chunks(1000) {
        diesel::insert_into(graph::child::table).values(chunk).execute(connection)?;
    }
    Ok(())
}

/// One type for each database: the connection is part of every query's type.
macro_rules! peer {
    ($peer:ident, $connection:ty, $insert:expr, $url:expr) => {
        struct $peer($connection);

        impl Peer for $peer {
            const NAME: &'static str = "diesel";
            type Row = Row;
            type New = New;
            type Loaded = Vec<Row>;

            fn open(database: &Database) -> Self {
                let url: fn(&Database) -> &str = $url;
                Self(<$connection>::establish(url(database)).unwrap())
            }

            fn sql(&mut self, sql: &str) {
                self.0.batch_execute(sql).unwrap();
            }

            fn number(&mut self, sql: &str) -> i64 {
                let sql = format!("SELECT ({sql}) AS number");
                diesel::sql_query(sql).get_result::<Number>(&mut self.0).unwrap().number
            }

            fn view(row: &Row) -> PersonRef<'_> {
                let Row { id, ref name, ref city, age, score } = *row;
                PersonRef { id, name, city, age, score }
            }

            fn load(&mut self) -> Vec<Row> {
                person::table.select(Row::as_select()).load(&mut self.0).unwrap()
            }

            fn get(&mut self, keys: &[i64]) -> Vec<Row> {
                let all = self.0.transaction(|connection| {
                    let one =
                        |key| person::table.find(key).select(Row::as_select()).first(connection);
                    keys.iter().map(one).collect::<QueryResult<_>>()
                });
                all.unwrap()
            }

            fn new_row(Person { id: _, name, city, age, score }: Person) -> New {
                New { name, city, age, score }
            }

            fn insert(&mut self, rows: Vec<New>) -> Vec<i64> {
                self.0.transaction(|connection| $insert(connection, &rows)).unwrap()
            }

            fn load_some(&mut self, last: i64) -> Vec<Row> {
                let query = person::table.filter(person::id.le(last)).order(person::id);
                query.select(Row::as_select()).load(&mut self.0).unwrap()
            }

            fn update(&mut self, mut loaded: Vec<Row>) {
                let done = self.0.transaction(|connection| {
                    for row in &mut loaded {
                        row.age += 1;
                        let update = diesel::update(&*row).set(person::age.eq(row.age));
                        assert_eq!(update.execute(connection)?, 1);
                    }
                    QueryResult::Ok(())
                });
                done.unwrap();
            }
        }
    };
}

peer!(OnSqlite, SqliteConnection, insert_on_sqlite, |_| ":memory:");

#[cfg(feature = "postgres")]
peer!(OnPostgres, PgConnection, insert_on_postgres, |database| match database {
    Database::Postgres(url) => url,
    Database::Memory => unreachable!(),
});

graph::graph!(OnSqlite, insert_parents_on_sqlite, insert_children_on_sqlite);

#[cfg(feature = "postgres")]
graph::graph!(OnPostgres, insert_parents_on_postgres, insert_children_on_postgres);

fn main() {
    #[cfg(feature = "postgres")]
    if std::env::args().any(|arg| arg == "--postgres") {
        return bench_common::main::<OnPostgres>();
    }
    bench_common::main::<OnSqlite>();
}
