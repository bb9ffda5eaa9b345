//! Toasty: a model, its generated queries, bulk creation; one connection, a runtime of one thread.

mod graph;

use bench_common::{Database, Peer, Person as Data, PersonRef};
use toasty::Db;
use tokio::runtime::Runtime;

#[derive(Debug, toasty::Model)]
#[table = "person"]
struct Person {
    #[key]
    #[auto]
    id: i64,
    name: String,
    city: String,
    age: i64,
    score: i64,
}

/// Rows in one INSERT; 100 was never faster, and for SeaORM slower.
const CHUNK: usize = 1000;

struct Toasty {
    runtime: Runtime,
    db: Db,
}

impl Peer for Toasty {
    const NAME: &'static str = "toasty";
    type Row = Person;
    type New = Data;
    type Loaded = Vec<Person>;

    fn open(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = match database {
            Database::Memory => "sqlite::memory:".to_owned(),
            Database::Postgres(url) => url.replacen("postgres://", "postgresql://", 1),
        };
        let mut builder = Db::builder();
        builder.models(toasty::models!(Person, graph::Parent, graph::Child)).max_pool_size(1);
        let db = runtime.block_on(builder.connect(&url)).unwrap();
        Self { runtime, db }
    }

    fn sql(&mut self, sql: &str) {
        self.runtime.block_on(toasty::sql::statement(sql).exec(&mut self.db)).unwrap();
    }

    fn number(&mut self, sql: &str) -> i64 {
        let rows = self.runtime.block_on(toasty::sql::query(sql).exec(&mut self.db)).unwrap();
        rows[0].as_record_unwrap()[0].clone().to_i64().unwrap()
    }

    fn view(row: &Person) -> PersonRef<'_> {
        let Person { id, ref name, ref city, age, score } = *row;
        PersonRef { id, name, city, age, score }
    }

    fn load(&mut self) -> Vec<Person> {
        self.runtime.block_on(Person::all().exec(&mut self.db)).unwrap()
    }

    fn get(&mut self, keys: &[i64]) -> Vec<Person> {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            let mut people = Vec::with_capacity(keys.len());
            for key in keys {
                people.push(Person::get_by_id(&mut transaction, key).await.unwrap());
            }
            transaction.commit().await.unwrap();
            people
        })
    }

    fn new_row(person: Data) -> Data {
        person
    }

    fn insert(&mut self, rows: Vec<Data>) -> Vec<i64> {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            let mut keys = Vec::with_capacity(rows.len());
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let mut insert = Person::create_many();
                for Data { id: _, name, city, age, score } in rows.by_ref().take(CHUNK) {
                    insert =
                        insert.item(Person::create().name(name).city(city).age(age).score(score));
                }
                let created = insert.exec(&mut transaction).await.unwrap();
                keys.extend(created.iter().map(|person| person.id));
            }
            transaction.commit().await.unwrap();
            keys
        })
    }

    fn load_some(&mut self, last: i64) -> Vec<Person> {
        let query =
            Person::filter(Person::fields().id().le(last)).order_by(Person::fields().id().asc());
        self.runtime.block_on(query.exec(&mut self.db)).unwrap()
    }

    fn update(&mut self, mut loaded: Vec<Person>) {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            for person in &mut loaded {
                let age = person.age + 1;
                person.update().age(age).exec(&mut transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
    }
}

fn main() {
    bench_common::main::<Toasty>();
}
