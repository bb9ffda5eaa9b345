//! The classes of the loading tests, and a database with rows of them.

use std::sync::{Arc, Mutex};

use aludel_derive::Mapped;
use aludel_engine::{Engine, Event, Observer, Outcome};
use aludel_orm::{Auto, Deferred, Many, ManyMap, One, Registry, Result, Session};
use aludel_sql::{DialectKind, StatementKind};

use crate::databases;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    pub fullname: Option<String>,
    pub age: i32,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan", order_by = "id")]
    pub addresses: Many<Address>,
    #[relationship(back_populates = "user", order_by = "id")]
    pub orders: Many<Order>,
    #[relationship(back_populates = "user", cascade = "all")]
    pub profile: One<Profile>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "profiles")]
pub struct Profile {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub bio: Option<String>,
    #[column(foreign_key = "users.id", unique)]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "profile")]
    pub user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "addresses")]
pub struct Address {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub email: String,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    pub user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "orders")]
pub struct Order {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub description: Option<String>,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "orders")]
    pub user: One<User>,
    #[relationship(
        back_populates = "orders",
        secondary = "order_items(order_id; item_id)",
        order_by = "id"
    )]
    pub items: Many<Item>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "items")]
pub struct Item {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub description: Option<String>,
    #[relationship(
        back_populates = "items",
        secondary = "order_items(item_id; order_id)",
        order_by = "id"
    )]
    pub orders: Many<Order>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "nodes")]
pub struct Node {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "nodes.id")]
    pub parent_id: Option<i64>,
    pub name: Option<String>,
    #[relationship(back_populates = "parent", cascade = "all", order_by = "id")]
    pub children: Many<Node>,
    #[relationship(back_populates = "children", remote_side = "id")]
    pub parent: One<Node>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "documents")]
pub struct Document {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub title: String,
    pub price: Option<i64>,
    pub summary: Deferred<Option<String>>,
    #[column(group = "big")]
    pub body: Deferred<Option<String>>,
    #[column(group = "big")]
    pub attachment: Deferred<Option<Vec<u8>>>,
    #[relationship(back_populates = "document", key = "key", order_by = "id")]
    pub notes: ManyMap<String, Note>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "notes")]
pub struct Note {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub key: String,
    #[column(foreign_key = "documents.id")]
    pub document_id: Option<i64>,
    #[relationship(back_populates = "notes")]
    pub document: One<Document>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "enrollments")]
pub struct Enrollment {
    #[column(primary_key)]
    pub student: i64,
    #[column(primary_key)]
    pub course: String,
    pub grade: Option<i32>,
    #[relationship(back_populates = "enrollment", order_by = "id")]
    pub exams: Many<Exam>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    crate = aludel_orm,
    table = "exams",
    foreign_key(columns(student, course), references = "enrollments(student, course)")
)]
pub struct Exam {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub student: Option<i64>,
    pub course: Option<String>,
    #[relationship(back_populates = "exams")]
    pub enrollment: One<Enrollment>,
}

/// Notes the SELECTs of an engine.
#[derive(Clone, Default)]
pub struct Selects(Arc<Mutex<Vec<String>>>);

impl Selects {
    /// Those since it was last asked.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Selects {
    fn after(&self, event: &Event<'_>, _: &Outcome<'_>) {
        if let Event::Statement { kind: StatementKind::Select, sql, .. } = event {
            self.0.lock().unwrap().push((*sql).to_owned());
        }
    }
}

pub struct Db {
    pub engine: Engine,
    pub registry: Registry,
    pub selects: Selects,
}

/// Three users; 1 has two addresses and two orders, 2 one address, 3 nothing. A tree of nodes: 1 (2 (4), 3).
const ROWS: &str = "
    INSERT INTO users (id, name, fullname, age) VALUES
        (1, 'ed', 'Ed Jones', 30), (2, 'jack', NULL, 20), (3, 'none', NULL, 40);
    INSERT INTO profiles (id, bio, user_id) VALUES (1, 'about ed', 1);
    INSERT INTO addresses (id, email, user_id) VALUES
        (1, 'ed@x', 1), (2, 'ed@y', 1), (3, 'jack@x', 2), (4, 'nobody@x', NULL);
    INSERT INTO orders (id, description, user_id) VALUES (1, 'o1', 1), (2, 'o2', 1), (3, 'o3', NULL);
    INSERT INTO items (id, description) VALUES (1, 'i1'), (2, 'i2'), (3, 'i3');
    INSERT INTO order_items (order_id, item_id) VALUES (1, 1), (1, 2), (2, 2);
    INSERT INTO nodes (id, parent_id, name) VALUES (1, NULL, 'r'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'c');
    INSERT INTO documents (id, title, price, summary, body, attachment) VALUES (1, 't', 5, 's', 'b', x'0102');
    INSERT INTO notes (id, key, document_id) VALUES (1, 'k1', 1), (2, 'k2', 1);
    INSERT INTO enrollments (student, course, grade) VALUES (1, 'art', 5), (1, 'maths', 4), (2, 'art', NULL);
    INSERT INTO exams (id, student, course) VALUES (1, 1, 'art'), (2, 1, 'art'), (3, 2, 'art'), (4, NULL, 'art');
";

impl Db {
    pub fn new() -> Self {
        Self::on(Engine::connect_blocking("sqlite::memory:").unwrap())
    }

    /// Runs a test on each database.
    pub fn each(test: impl Fn(Self)) {
        databases::each(|engine| test(Self::on(engine)));
    }

    fn on(engine: Engine) -> Self {
        let registry = Registry::new();
        registry.register::<User>().unwrap();
        registry.register::<Node>().unwrap();
        registry.register::<Document>().unwrap();
        registry.register::<Enrollment>().unwrap();
        let db = Self { registry, engine, selects: Selects::default() };
        for sql in db.registry.metadata().create_all(db.engine.dialect()).unwrap() {
            db.sql(&sql);
        }
        let rows = match db.engine.dialect().kind {
            DialectKind::Postgres => ROWS.replace("x'0102'", r"'\x0102'"),
            _ => ROWS.to_owned(),
        };
        db.sql(&rows);
        db.engine.observe(Arc::new(db.selects.clone()));
        db
    }

    pub fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    /// Runs SQL behind the back of every session; only while none is in a transaction.
    pub fn sql(&self, sql: &str) {
        self.engine
            .block_on(async {
                let mut connection = self.engine.acquire().await?;
                connection.execute_raw(sql).await
            })
            .unwrap();
    }

    pub fn run<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        self.engine.block_on(future).unwrap()
    }

    pub fn try_run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.engine.block_on(future)
    }

    /// How many SELECTs there were since this was last asked.
    pub fn selects(&self) -> usize {
        self.selects.take().len()
    }
}
