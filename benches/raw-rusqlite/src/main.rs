//! The limit on SQLite: the driver with prepared statements, written by hand.

mod graph;

use bench_common::{Database, Peer, Person, PersonRef};
use rusqlite::{Connection, Row, params};

struct Rusqlite(Connection);

const SELECT: &str = "SELECT id, name, city, age, score FROM person";

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        id: row.get(0)?,
        name: row.get(1)?,
        city: row.get(2)?,
        age: row.get(3)?,
        score: row.get(4)?,
    })
}

impl Rusqlite {
    fn select(&mut self, sql: &str, params: impl rusqlite::Params) -> Vec<Person> {
        let mut statement = self.0.prepare_cached(sql).unwrap();
        let mut rows = statement.query(params).unwrap();
        let mut people = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            people.push(person(row).unwrap());
        }
        people
    }
}

impl Peer for Rusqlite {
    const NAME: &'static str = "raw";
    type Row = Person;
    type New = Person;
    type Loaded = Vec<Person>;

    fn open(database: &Database) -> Self {
        assert_eq!(*database, Database::Memory);
        Self(Connection::open_in_memory().unwrap())
    }

    fn sql(&mut self, sql: &str) {
        self.0.execute_batch(sql).unwrap();
    }

    fn number(&mut self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn view(row: &Person) -> PersonRef<'_> {
        row.view()
    }

    fn load(&mut self) -> Vec<Person> {
        self.select(SELECT, [])
    }

    fn get(&mut self, keys: &[i64]) -> Vec<Person> {
        let transaction = self.0.transaction().unwrap();
        let sql = format!("{SELECT} WHERE id = ?1");
        let mut people = Vec::with_capacity(keys.len());
        for key in keys {
            let mut statement = transaction.prepare_cached(&sql).unwrap();
            people.push(statement.query_row([key], person).unwrap());
        }
        transaction.commit().unwrap();
        people
    }

    fn new_row(person: Person) -> Person {
        person
    }

    fn insert(&mut self, rows: Vec<Person>) -> Vec<i64> {
        let transaction = self.0.transaction().unwrap();
        let mut keys = Vec::with_capacity(rows.len());
        {
            let sql = "INSERT INTO person (name, city, age, score) VALUES (?1, ?2, ?3, ?4)";
            let mut statement = transaction.prepare_cached(sql).unwrap();
            for row in &rows {
                statement.execute(params![row.name, row.city, row.age, row.score]).unwrap();
                keys.push(transaction.last_insert_rowid());
            }
        }
        transaction.commit().unwrap();
        keys
    }

    fn load_some(&mut self, last: i64) -> Vec<Person> {
        self.select(&format!("{SELECT} WHERE id <= ?1 ORDER BY id"), [last])
    }

    fn update(&mut self, mut loaded: Vec<Person>) {
        let transaction = self.0.transaction().unwrap();
        {
            let sql = "UPDATE person SET age = ?1 WHERE id = ?2";
            let mut statement = transaction.prepare_cached(sql).unwrap();
            for person in &mut loaded {
                person.age += 1;
                assert_eq!(statement.execute(params![person.age, person.id]).unwrap(), 1);
            }
        }
        transaction.commit().unwrap();
    }
}

fn main() {
    bench_common::main::<Rusqlite>();
}
