//! The limit on PostgreSQL: the driver with prepared statements, and for many rows the fastest statement we
//! know, arrays of parameters by `unnest`.

mod graph;

use bench_common::{Database, Peer, Person, PersonRef};
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

struct Postgres {
    runtime: Runtime,
    client: Client,
}

const SELECT: &str = "SELECT id, name, city, age, score FROM person";
const INSERT: &str = "INSERT INTO person (name, city, age, score) \
    SELECT name, city, age, score \
    FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[]) WITH ORDINALITY AS u (name, city, age, score, o) \
    ORDER BY o RETURNING id";
const UPDATE: &str = "UPDATE person SET age = u.age \
    FROM unnest($1::int8[], $2::int8[]) AS u (id, age) WHERE person.id = u.id";

fn person(row: &Row) -> Person {
    Person {
        id: row.get(0),
        name: row.get(1),
        city: row.get(2),
        age: row.get(3),
        score: row.get(4),
    }
}

impl Postgres {
    fn select(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Person> {
        let rows = self.runtime.block_on(self.client.query(sql, params)).unwrap();
        rows.iter().map(person).collect()
    }
}

impl Peer for Postgres {
    const NAME: &'static str = "raw";
    type Row = Person;
    type New = Person;
    type Loaded = Vec<Person>;

    fn open(database: &Database) -> Self {
        let Database::Postgres(url) = database else { panic!("`--postgres URL` is missing") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(async move { connection.await.unwrap() });
            client
        });
        Self { runtime, client }
    }

    fn sql(&mut self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    fn number(&mut self, sql: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }

    fn view(row: &Person) -> PersonRef<'_> {
        row.view()
    }

    fn load(&mut self) -> Vec<Person> {
        self.select(SELECT, &[])
    }

    fn get(&mut self, keys: &[i64]) -> Vec<Person> {
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let statement = transaction.prepare(&format!("{SELECT} WHERE id = $1")).await.unwrap();
            let mut people = Vec::with_capacity(keys.len());
            for key in keys {
                people.push(person(&transaction.query_one(&statement, &[key]).await.unwrap()));
            }
            transaction.commit().await.unwrap();
            people
        })
    }

    fn new_row(person: Person) -> Person {
        person
    }

    fn insert(&mut self, rows: Vec<Person>) -> Vec<i64> {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let cities: Vec<&str> = rows.iter().map(|row| row.city.as_str()).collect();
        let ages: Vec<i64> = rows.iter().map(|row| row.age).collect();
        let scores: Vec<i64> = rows.iter().map(|row| row.score).collect();
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let keys = transaction.query(INSERT, &[&names, &cities, &ages, &scores]).await.unwrap();
            transaction.commit().await.unwrap();
            keys.iter().map(|row| row.get(0)).collect()
        })
    }

    fn load_some(&mut self, last: i64) -> Vec<Person> {
        self.select(&format!("{SELECT} WHERE id <= $1 ORDER BY id"), &[&last])
    }

    fn update(&mut self, mut loaded: Vec<Person>) {
        loaded.iter_mut().for_each(|person| person.age += 1);
        let ids: Vec<i64> = loaded.iter().map(|person| person.id).collect();
        let ages: Vec<i64> = loaded.iter().map(|person| person.age).collect();
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let updated = transaction.execute(UPDATE, &[&ids, &ages]).await.unwrap();
            assert_eq!(updated, ids.len() as u64);
            transaction.commit().await.unwrap();
        });
    }
}

fn main() {
    bench_common::main::<Postgres>();
}
