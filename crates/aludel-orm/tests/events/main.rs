//! Events: when each comes, in what order, what may be done, and that a refusal leaves everything as it was.

#[path = "../flush_support.rs"]
mod support;

mod as_before;
mod listening;
mod order;
mod refusal;
mod written;

use std::sync::{Arc, Mutex};

use aludel_derive::Mapped;
use aludel_orm::events::{ObjectEvent, SessionEvent};
use aludel_orm::{Auto, Error, ErrorKind, Many, ManySet, One, Registry, Result, Session};
use support::Db;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "users")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(default = 5)]
    visits: Option<i64>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    addresses: Many<Address>,
    #[relationship(secondary = "user_tags")]
    tags: ManySet<Tag>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    email: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "tags")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    crate = aludel_orm,
    table = "staff",
    polymorphic_on = "kind",
    polymorphic_identity = "staff",
    subclasses(Boss)
)]
struct Staff {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: Option<String>,
    name: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, polymorphic_identity = "boss")]
struct Boss {
    #[mapped(base)]
    staff: Staff,
    level: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry.register::<Staff>().unwrap();
    registry
}

fn db() -> Db {
    Db::new(registry())
}

/// What listeners have been told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

fn refuse() -> Error {
    Error::new(ErrorKind::Validation, "refused")
}

fn user(name: &str) -> User {
    User { name: name.to_owned(), ..User::default() }
}

fn address(email: &str) -> Address {
    Address { email: email.to_owned(), ..Address::default() }
}

const SESSION: [SessionEvent; 7] = [
    SessionEvent::BeforeFlush,
    SessionEvent::AfterFlush,
    SessionEvent::AfterFlushPostexec,
    SessionEvent::BeforeCommit,
    SessionEvent::AfterCommit,
    SessionEvent::AfterRollback,
    SessionEvent::AfterSoftRollback,
];

/// Listens to everything but the begin and end of transactions.
fn hear_all(session: &mut Session) -> Result<Heard> {
    let heard = Heard::default();
    for event in SESSION {
        let heard = heard.clone();
        session.on(event, move |_, told| {
            heard.push(format!("{:?}", told.event));
            Ok(())
        })?;
    }
    for event in ObjectEvent::ALL {
        let heard = heard.clone();
        session.on(*event, move |session, told| {
            let class = session.class_name(told.object)?.to_lowercase();
            heard.push(format!("{class}.{:?}", told.event));
            Ok(())
        })?;
    }
    Ok(heard)
}
