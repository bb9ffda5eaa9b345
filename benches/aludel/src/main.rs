//! aludel: a derived class, a session, its unit of work.
//!
//! `blocking::Session` with its default settings is what is measured; the table is made by plain SQL, as for all.

mod graph;

use std::ops::ControlFlow;

use aludel::prelude::*;
use aludel::sql::{ErrorKind, Row, RowSink};
use bench_common::{Case, Database, Peer, PersonRef};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "person")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    city: String,
    age: i64,
    score: i64,
}

struct Aludel {
    engine: Engine,
    session: blocking::Session,
}

/// The first value of a result, as a number.
struct First(i64);

impl RowSink for First {
    fn row(&mut self, row: &dyn Row) -> aludel::Result<ControlFlow<()>> {
        let value =
            row.get(0).map_err(|bad| aludel::Error::new(ErrorKind::Value, bad.to_string()))?;
        if let aludel::sql::ValueRef::I64(n) = value {
            self.0 = n;
        }
        Ok(ControlFlow::Break(()))
    }
}

impl Aludel {
    fn connection<T>(
        &mut self,
        run: impl AsyncFnOnce(&mut aludel::engine::Connection) -> aludel::Result<T>,
    ) -> T {
        // In memory there is one connection: the session gives it back first.
        self.session.close().unwrap();
        let engine = self.engine.clone();
        self.engine
            .block_on(async {
                let mut connection = engine.acquire().await?;
                run(&mut connection).await
            })
            .unwrap()
    }
}

impl Peer for Aludel {
    const NAME: &'static str = "aludel";
    const CASES: &'static [Case] = &Case::TABLE;
    type Row = Person;
    type New = Person;
    type Loaded = Vec<Handle<Person>>;

    fn open(database: &Database) -> Self {
        let engine = Engine::connect_blocking(match database {
            Database::Memory => "sqlite::memory:",
            Database::Postgres(url) => url,
        })
        .unwrap();
        let session = blocking::Session::new(&engine);
        Self { engine, session }
    }

    fn sql(&mut self, sql: &str) {
        let sql = sql.to_owned();
        self.connection(async move |connection| connection.execute_raw(&sql).await);
    }

    fn number(&mut self, sql: &str) -> i64 {
        let sql = sql.to_owned();
        self.connection(async move |connection| {
            let mut first = First(0);
            connection.query_raw(&sql, &[], &mut first).await?;
            Ok(first.0)
        })
    }

    fn view(row: &Person) -> PersonRef<'_> {
        PersonRef {
            id: row.id.value(),
            name: &row.name,
            city: &row.city,
            age: row.age,
            score: row.score,
        }
    }

    fn load(&mut self) -> Vec<Person> {
        self.session.all_untracked(select::<Person>()).unwrap()
    }

    fn load_tracked(&mut self) -> usize {
        self.session.all(select::<Person>()).unwrap().len()
    }

    fn get(&mut self, _: &[i64]) -> Vec<Person> {
        unreachable!("an identity map is measured by `get_tracked`")
    }

    fn get_tracked(&mut self, keys: &[i64]) -> i64 {
        keys.iter()
            .map(|key| {
                let person: Handle<Person> = self.session.get_one(*key).unwrap();
                self.session[person].age
            })
            .sum()
    }

    fn get_again(&mut self, keys: &[i64]) -> i64 {
        self.get_tracked(keys)
    }

    fn new_row(person: bench_common::Person) -> Person {
        Person {
            id: Auto::Unset,
            name: person.name,
            city: person.city,
            age: person.age,
            score: person.score,
        }
    }

    fn insert(&mut self, rows: Vec<Person>) -> Vec<i64> {
        let handles: Vec<_> = rows.into_iter().map(|row| self.session.add(row).unwrap()).collect();
        self.session.commit().unwrap();
        handles.iter().map(|person| self.session[*person].id.value()).collect()
    }

    fn load_some(&mut self, last: i64) -> Vec<Handle<Person>> {
        self.session
            .all(select::<Person>().filter(Person::id.le(last)).order_by(Person::id))
            .unwrap()
    }

    fn update(&mut self, loaded: Vec<Handle<Person>>) {
        for person in loaded {
            let age = self.session[person].age + 1;
            self.session.set(person, Person::age, age).unwrap();
        }
        self.session.commit().unwrap();
    }

    /// A new session, so that the identity map is empty.
    fn forget(&mut self) {
        self.session.close().unwrap();
        self.session = blocking::Session::new(&self.engine);
    }
}

fn main() {
    bench_common::main::<Aludel>();
}
