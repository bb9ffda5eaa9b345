//! The classes of these tests: each kind of attribute, and each pair of kinds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aludel_derive::Mapped;
use aludel_engine::{Engine, Event, Observer, Outcome};
use aludel_orm::{Auto, Deferred, Many, ManyMap, ManySet, One, Registry, Result, Session};
use aludel_sql::{Expression, StatementKind};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    #[column(active_history)]
    pub balance: Option<i64>,
    pub notes: Deferred<String>,
    #[expression(Self::name.concat("!"))]
    pub shout: Option<String>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan", order_by = "id")]
    pub addresses: Many<Address>,
    #[relationship(back_populates = "user")]
    pub medals: ManySet<Medal>,
    #[relationship(back_populates = "user", key = "label")]
    pub labels: ManyMap<String, Label>,
    #[relationship(back_populates = "user")]
    pub profile: One<Profile>,
    #[relationship(back_populates = "users", secondary = "user_tags")]
    pub tags: Many<Tag>,
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
#[mapped(crate = aludel_orm, table = "medals")]
pub struct Medal {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "medals")]
    pub user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "labels")]
pub struct Label {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub label: String,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "labels")]
    pub user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "profiles")]
pub struct Profile {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "profile")]
    pub user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "tags")]
pub struct Tag {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[relationship(back_populates = "tags", secondary = "user_tags")]
    pub users: ManySet<User>,
}

#[derive(Default)]
struct Selects(AtomicUsize);

impl Observer for Selects {
    fn after(&self, event: &Event<'_>, _: &Outcome<'_>) {
        if let Event::Statement { kind: StatementKind::Select, .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub struct Db {
    registry: Registry,
    engine: Engine,
    selects: Arc<Selects>,
}

/// User 1 has two addresses, a medal, a label, a profile and a tag; user 2 has nothing.
const ROWS: &str = "
    INSERT INTO users (id, name, balance, notes) VALUES (1, 'ed', 5, 'long'), (2, 'jack', NULL, '');
    INSERT INTO addresses (id, email, user_id) VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', NULL);
    INSERT INTO medals (id, user_id) VALUES (1, 1), (2, NULL);
    INSERT INTO labels (id, label, user_id) VALUES (1, 'x', 1), (2, 'y', NULL);
    INSERT INTO profiles (id, user_id) VALUES (1, 1), (2, NULL);
    INSERT INTO tags (id) VALUES (1), (2);
    INSERT INTO user_tags VALUES (1, 1);
";

impl Db {
    pub fn new() -> Self {
        let registry = Registry::new();
        registry.register::<User>().unwrap();
        let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
        let db = Self { registry, engine, selects: Arc::default() };
        for sql in db.registry.metadata().create_all(db.engine.dialect()).unwrap() {
            db.sql(&sql);
        }
        db.sql(ROWS);
        db.engine.observe(db.selects.clone());
        db
    }

    pub fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

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
        self.selects.0.swap(0, Ordering::Relaxed)
    }
}
