//! Events: when each comes, in what order, what may be done, and that a refusal leaves everything as it was.

#[path = "flush_support.rs"]
mod support;

use std::sync::{Arc, Mutex};

use aludel_derive::Mapped;
use aludel_orm::events::{
    AttributeEvent, ConfigureEvent, Event, Executed, ObjectEvent, SessionEvent, StatementEvent,
};
use aludel_orm::{
    Auto, Error, ErrorKind, Handle, Id, Many, ManySet, ObjectState, One, Registry, Result, Session,
    select,
};
use aludel_sql::Expression;
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

// The orders are those of SQLAlchemy 2.1.9, which the same program gave; where an event has come for several objects
// at once it does not say in which order, and here it is that in which they came.
#[test]
fn the_order_of_events() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.options_mut().expire_on_commit = true;
    let heard = hear_all(&mut s)?;
    let u = s.make(user("ed"))?;
    let a = s.make(address("x"))?;
    assert_eq!(heard.take(), "user.FirstInit user.Init address.FirstInit address.Init");
    s.append(u, User::addresses, a)?;
    s.add(u)?;
    assert_eq!(
        heard.take(),
        "user.BeforeAttach user.AfterAttach user.TransientToPending \
         address.BeforeAttach address.AfterAttach address.TransientToPending"
    );
    db.run(s.commit())?;
    assert_eq!(
        heard.take(),
        "BeforeCommit BeforeFlush user.BeforeInsert user.RefreshFlush user.AfterInsert \
         address.BeforeInsert address.AfterInsert AfterFlush \
         user.PendingToPersistent address.PendingToPersistent AfterFlushPostexec AfterCommit \
         user.Expire address.Expire"
    );
    db.run(s.load(u, User::name))?;
    assert_eq!(heard.take(), "user.Refresh");
    s.set(u, User::name, "jack")?;
    db.run(s.flush())?;
    assert_eq!(
        heard.take(),
        "BeforeFlush user.BeforeUpdate user.AfterUpdate AfterFlush AfterFlushPostexec"
    );
    db.run(s.rollback())?;
    assert_eq!(heard.take(), "AfterRollback user.Expire address.Expire AfterSoftRollback");
    db.run(s.begin_nested())?;
    assert_eq!(heard.take(), "");
    let w = s.add(user("w"))?;
    db.run(s.flush())?;
    assert_eq!(
        heard.take(),
        "user.Init user.BeforeAttach user.AfterAttach user.TransientToPending BeforeFlush \
         user.BeforeInsert user.RefreshFlush user.AfterInsert AfterFlush user.PendingToPersistent \
         AfterFlushPostexec"
    );
    db.run(s.rollback_nested())?;
    assert_eq!(heard.take(), "AfterRollback user.PersistentToTransient AfterSoftRollback");
    assert_eq!(s.state(w)?, ObjectState::Transient);
    db.run(s.begin_nested())?;
    db.run(s.commit_nested())?;
    assert_eq!(heard.take(), "BeforeCommit AfterCommit");
    db.run(s.rollback())?;
    db.run(s.load(u, User::addresses))?;
    db.run(s.load(u, User::name))?;
    db.run(s.load(a, Address::email))?;
    heard.take();
    db.run(s.delete(u))?;
    db.run(s.flush())?;
    assert_eq!(
        heard.take(),
        "BeforeFlush address.BeforeDelete address.AfterDelete user.BeforeDelete user.AfterDelete \
         AfterFlush user.PersistentToDeleted address.PersistentToDeleted AfterFlushPostexec"
    );
    db.run(s.rollback())?;
    assert_eq!(
        heard.take(),
        "AfterRollback user.DeletedToPersistent address.DeletedToPersistent \
         user.Expire address.Expire AfterSoftRollback"
    );
    db.run(s.refresh(u))?;
    db.run(s.load(u, User::addresses))?;
    heard.take();
    s.expunge(u)?;
    assert_eq!(heard.take(), "user.PersistentToDetached address.PersistentToDetached");
    s.add(u)?;
    assert_eq!(
        heard.take(),
        "user.BeforeAttach user.AfterAttach user.DetachedToPersistent \
         address.BeforeAttach address.AfterAttach address.DetachedToPersistent"
    );
    db.run(s.close())?;
    assert_eq!(heard.take(), "user.PersistentToDetached address.PersistentToDetached");
    let found = db.run(s.get::<User>(1))?.unwrap();
    assert_eq!(heard.take(), "user.Load user.LoadedAsPersistent");
    let new = s.make(user("new"))?;
    heard.take();
    db.run(s.merge(new))?;
    assert_eq!(
        heard.take(),
        "user.BeforeAttach user.AfterAttach user.TransientToPending user.Load"
    );
    db.run(s.rollback())?;
    db.run(s.refresh(found))?;
    db.run(s.load(found, User::addresses))?;
    heard.take();
    db.run(s.delete(found))?;
    db.run(s.commit())?;
    assert_eq!(
        heard.take(),
        "BeforeCommit BeforeFlush address.BeforeDelete address.AfterDelete user.BeforeDelete \
         user.AfterDelete AfterFlush user.PersistentToDeleted address.PersistentToDeleted \
         AfterFlushPostexec AfterCommit user.DeletedToDetached address.DeletedToDetached"
    );
    Ok(())
}

#[test]
fn every_level_is_rolled_back_with_its_events() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    for event in [
        SessionEvent::AfterBegin,
        SessionEvent::AfterTransactionCreate,
        SessionEvent::AfterTransactionEnd,
        SessionEvent::AfterRollback,
        SessionEvent::AfterSoftRollback,
    ] {
        let heard = heard.clone();
        s.on(event, move |_, told| {
            heard.push(format!("{:?}@{}", told.event, told.depth));
            Ok(())
        })?;
    }
    db.run(s.begin_nested())?;
    assert_eq!(heard.take(), "AfterTransactionCreate@0 AfterBegin@0 AfterTransactionCreate@1");
    s.add(user("z"))?;
    db.run(s.flush())?;
    db.run(s.rollback())?;
    assert_eq!(
        heard.take(),
        "AfterRollback@1 AfterTransactionEnd@1 AfterSoftRollback@1 \
         AfterRollback@0 AfterTransactionEnd@0 AfterSoftRollback@0"
    );
    db.run(s.rollback())?;
    assert_eq!(heard.take(), "");
    Ok(())
}

#[test]
fn attribute_events_and_how_they_are_registered() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let listen = |s: &mut Session, name: &'static str, event| {
        let heard = heard.clone();
        s.on(event, move |_, _| {
            heard.push(name);
            Ok(())
        })
    };
    let second = listen(&mut s, "second", AttributeEvent::Set.of(User::name))?;
    let to_first = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).first(), move |_, change| {
        to_first.push("first");
        if let Some(name) = change.value::<String>() {
            name.make_ascii_uppercase();
        }
        Ok(())
    })?;
    let to_once = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).once(), move |_, _| {
        to_once.push("once");
        Ok(())
    })?;
    let u = s.add(user("ed"))?;
    assert_eq!(heard.take(), "first second once");
    assert_eq!(s[u].name, "ED");
    s.set(u, User::name, "x")?;
    assert_eq!(heard.take(), "first second");
    assert!(s.off(second));
    assert!(!s.off(second));
    s.set(u, User::name, "y")?;
    assert_eq!(heard.take(), "first");

    for (name, event) in [
        ("init", AttributeEvent::InitCollection),
        ("append", AttributeEvent::Append),
        ("again", AttributeEvent::AppendWithoutMutation),
        ("remove", AttributeEvent::Remove),
        ("bulk", AttributeEvent::BulkReplace),
        ("dispose", AttributeEvent::DisposeCollection),
    ] {
        listen(&mut s, name, event.of(User::tags))?;
    }
    let (one, two) = (s.make(Tag::default())?, s.make(Tag::default())?);
    s.append(u, User::tags, one)?;
    assert_eq!(heard.take(), "init append");
    s.append(u, User::tags, one)?;
    assert_eq!(heard.take(), "again");
    s.set(u, User::tags, [two])?;
    assert_eq!(heard.take(), "init bulk append remove dispose");
    Ok(())
}

#[test]
fn a_listener_of_a_base_class_hears_of_subclasses_only_when_it_propagates() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let to = |what: &'static str| {
        let heard = heard.clone();
        move |_: &mut Session, _: &mut aludel_orm::attributes::Change<'_>| {
            heard.push(what);
            Ok(())
        }
    };
    s.on(AttributeEvent::Set.of(Staff::name), to("own"))?;
    s.on(AttributeEvent::Set.of(Staff::name).propagate(), to("all"))?;
    s.on(AttributeEvent::Set.of(Staff::name).within::<Boss>(), to("boss"))?;
    let staff = s.create::<Staff>()?;
    let boss = s.create::<Boss>()?;
    s.set(staff, Staff::name, "a")?;
    assert_eq!(heard.take(), "own all");
    s.set(boss, Staff::name, "b")?;
    assert_eq!(heard.take(), "all boss");
    for (what, event) in [
        ("own", Event::first(ObjectEvent::AfterAttach.of::<Staff>())),
        ("all", ObjectEvent::AfterAttach.of::<Staff>().propagate()),
    ] {
        let heard = heard.clone();
        s.on(event, move |_, _| {
            heard.push(what);
            Ok(())
        })?;
    }
    s.add(boss)?;
    assert_eq!(heard.take(), "all");
    s.add(staff)?;
    assert_eq!(heard.take(), "own all");
    Ok(())
}

#[test]
fn values_for_what_was_not_given() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.on(AttributeEvent::InitScalar.of(User::visits), |_, change| {
        if let Some(visits) = change.value::<Option<i64>>() {
            *visits = Some(9);
        }
        Ok(())
    })?;
    let created = s.create::<User>()?;
    s.set(created, User::name, "c")?;
    s.add(created)?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name, visits FROM users"), ["c|9"]);
    Ok(())
}

#[test]
fn before_events_may_set_columns_and_after_events_may_use_the_database() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.on(ObjectEvent::BeforeInsert.of::<User>(), |s, told| {
        let name = s[told.object].name.to_uppercase();
        s.set(told.object, User::name, name)
    })?;
    s.on(ObjectEvent::BeforeUpdate.of::<User>(), |s, told| {
        s.set(told.object, User::visits, Some(77))
    })?;
    s.on_async(ObjectEvent::AfterInsert.of::<User>(), |s, _| {
        Box::pin(
            async move { s.execute_raw("INSERT INTO tags (name) SELECT name FROM users").await },
        )
    })?;
    s.on_async(SessionEvent::AfterBegin, |s, _| {
        Box::pin(async move { s.execute_raw("INSERT INTO tags (name) VALUES ('begun')").await })
    })?;
    let u = s.add(user("ed"))?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name FROM tags ORDER BY id"), ["begun", "ED"]);
    s.set(u, User::name, "jack")?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name, visits FROM users"), ["jack|77"]);
    Ok(())
}

#[test]
fn a_refused_flush_is_rolled_back() -> Result<()> {
    let events = [
        ObjectEvent::BeforeInsert,
        ObjectEvent::AfterInsert,
        ObjectEvent::RefreshFlush,
        ObjectEvent::PendingToPersistent,
    ];
    for event in events {
        let db = db();
        let mut s = db.session();
        let refusal = s.on(event, |_, _| Err(refuse()))?;
        let u = s.add(user("ed"))?;
        let error = db.run(s.flush()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{event:?}");
        assert_eq!(s.state(u)?, ObjectState::Transient, "{event:?}");
        db.run(s.rollback())?;
        assert_eq!(db.rows("SELECT * FROM users").len(), 0);
        s.off(refusal);
        s.add(u)?;
        db.run(s.commit())?;
        assert_eq!(db.rows("SELECT name FROM users"), ["ed"]);
    }
    for event in [SessionEvent::AfterFlush, SessionEvent::AfterFlushPostexec] {
        let db = db();
        let mut s = db.session();
        s.on(event, |_, _| Err(refuse()))?;
        let u = s.add(user("ed"))?;
        assert!(db.run(s.commit()).is_err());
        assert_eq!(s.state(u)?, ObjectState::Transient, "{event:?}");
        db.run(s.rollback())?;
        assert_eq!(db.rows("SELECT * FROM users").len(), 0);
    }
    Ok(())
}

#[test]
fn a_flush_that_is_refused_before_it_begins_has_not_begun() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let refusal = s.on(SessionEvent::BeforeFlush, |_, _| Err(refuse()))?;
    let u = s.add(user("ed"))?;
    assert!(db.run(s.flush()).is_err());
    assert_eq!(s.state(u)?, ObjectState::Pending);
    s.off(refusal);
    db.run(s.commit())?;
    assert_eq!(s.state(u)?, ObjectState::Persistent);
    Ok(())
}

#[test]
fn what_is_refused_on_the_way_in_stays_out() -> Result<()> {
    let events =
        [ObjectEvent::BeforeAttach, ObjectEvent::AfterAttach, ObjectEvent::TransientToPending];
    for event in events {
        let db = db();
        let mut s = db.session();
        let refusal = s.on(event.of::<Address>(), |_, _| Err(refuse()))?;
        let u = s.make(user("ed"))?;
        let a = s.make(address("x"))?;
        s.append(u, User::addresses, a)?;
        assert!(s.add(u).is_err());
        assert_eq!((s.state(u)?, s.state(a)?), (ObjectState::Transient, ObjectState::Transient));
        assert_eq!(s.new_objects(), [] as [Id; 0]);
        assert!(!s.in_transaction());
        s.off(refusal);
        s.add(u)?;
        assert_eq!(s.new_objects(), [u.id(), a.id()]);
    }
    let db = db();
    let mut s = db.session();
    s.on(ObjectEvent::Init.of::<Address>(), |_, _| Err(refuse()))?;
    let with = User { addresses: [address("x")].into(), ..user("ed") };
    assert!(s.add(with).is_err());
    assert!(s.create::<Address>().is_err());
    assert_eq!(s.new_objects(), [] as [Id; 0]);
    Ok(())
}

#[test]
fn a_detached_object_that_is_refused_stays_detached() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let u = s.add(user("ed"))?;
    db.run(s.commit())?;
    s.expunge(u)?;
    let refusal = s.on(ObjectEvent::DetachedToPersistent, |_, _| Err(refuse()))?;
    assert!(s.add(u).is_err());
    assert_eq!(s.state(u)?, ObjectState::Detached);
    s.off(refusal);
    s.add(u)?;
    assert_eq!(db.run(s.get::<User>(1))?, Some(u));
    Ok(())
}

#[test]
fn the_error_of_what_comes_after_is_given_and_changes_nothing() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let listeners = [
        s.on(SessionEvent::AfterCommit, |_, _| Err(refuse()))?,
        s.on(SessionEvent::AfterRollback, |_, _| Err(refuse()))?,
        s.on(ObjectEvent::PersistentToTransient, |_, _| Err(refuse()))?,
    ];
    let to = heard.clone();
    s.on(SessionEvent::AfterSoftRollback, move |_, _| {
        to.push("soft");
        Ok(())
    })?;
    s.add(user("ed"))?;
    assert_eq!(db.run(s.commit()).unwrap_err().kind(), ErrorKind::Validation);
    assert!(!s.in_transaction());
    assert_eq!(db.rows("SELECT name FROM users"), ["ed"]);
    let w = s.add(user("w"))?;
    db.run(s.flush())?;
    assert_eq!(db.run(s.rollback()).unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(heard.take(), "soft");
    assert_eq!(s.state(w)?, ObjectState::Transient);
    assert!(!s.in_transaction());
    listeners.into_iter().for_each(|listener| assert!(s.off(listener)));
    s.add(w)?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name FROM users ORDER BY id"), ["ed", "w"]);
    Ok(())
}

#[test]
fn the_database_is_not_to_be_used_when_the_transaction_ends() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.on_async(SessionEvent::AfterCommit, |s, _| {
        Box::pin(async move { s.execute_raw("DELETE FROM users").await })
    })?;
    s.add(user("ed"))?;
    let error = db.run(s.commit()).unwrap_err();
    assert!(error.to_string().contains("ending"), "{error}");
    assert_eq!(db.rows("SELECT name FROM users"), ["ed"]);
    db.run(s.get::<User>(1))?;
    Ok(())
}

#[test]
fn listeners_that_never_end_are_errors() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.on_async(StatementEvent::DoOrmExecute, |s, _| {
        Box::pin(async move { s.all(select::<User>()).await.map(|_| ()) })
    })?;
    let error = db.run(s.all(select::<User>())).unwrap_err();
    assert!(error.to_string().contains("deep"), "{error}");
    let mut s = db.session();
    s.on(ObjectEvent::Init, |s, _| s.make(user("again")).map(|_| ()))?;
    let error = s.make(user("ed")).unwrap_err();
    assert!(error.to_string().contains("deep"), "{error}");
    let mut s = db.session();
    s.on_async(SessionEvent::BeforeFlush, |s, _| Box::pin(async move { s.flush().await }))?;
    s.add(user("ed"))?;
    let error = db.run(s.flush()).unwrap_err();
    assert!(error.to_string().contains("flushed already"), "{error}");
    let mut s = db.session();
    s.on_async(SessionEvent::AfterSoftRollback, |s, _| {
        s.add(user("more")).unwrap();
        Box::pin(async move { s.rollback().await.map(|_| ()) })
    })?;
    s.add(user("ed"))?;
    let error = db.run(s.rollback()).unwrap_err();
    assert!(error.to_string().contains("deep"), "{error}");
    Ok(())
}

#[test]
fn statements_may_be_changed() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.add_all([user("ed"), user("jack"), user("wendy")])?;
    db.run(s.commit())?;
    s.expunge_all()?;
    let heard = Heard::default();
    let to = heard.clone();
    s.on(StatementEvent::DoOrmExecute, move |_, told| {
        to.push(format!("{:?}", told.what));
        if told.is_of::<User>() {
            told.filter(User::name.ne("jack"));
        }
        Ok(())
    })?;
    for event in [StatementEvent::AfterBulkUpdate, StatementEvent::AfterBulkDelete] {
        let to = heard.clone();
        s.on(event, move |_, told| {
            to.push(format!("{:?}:{:?}", told.event, told.rows));
            Ok(())
        })?;
    }
    assert_eq!(db.run(s.all(select::<User>()))?.len(), 2);
    assert_eq!(db.run(s.count(select::<User>()))?, 2);
    assert_eq!(db.run(s.get::<User>(2))?, None);
    assert_eq!(heard.take(), "Select Select Select");
    let older = aludel_orm::update::<User>().set(User::visits, Some(1));
    assert_eq!(db.run(s.execute_update(older))?, 2);
    assert_eq!(heard.take(), "Update AfterBulkUpdate:Some(2)");
    assert_eq!(db.run(s.execute_delete(aludel_orm::delete::<User>()))?, 2);
    assert_eq!(heard.take(), "Delete AfterBulkDelete:Some(2)");
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name FROM users"), ["jack"]);
    assert_ne!(Executed::Select, Executed::ColumnLoad);
    Ok(())
}

#[test]
fn the_old_value_for_a_listener_that_wants_it() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let to = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).active_history(), move |_, change| {
        to.push(format!("{:?}", change.old));
        Ok(())
    })?;
    let u = s.add(user("ed"))?;
    db.run(s.commit())?;
    s.expire(u)?;
    heard.take();
    db.run(s.set_with_history(u, User::name, "jack"))?;
    assert_eq!(heard.take(), r#"Some(Value(Text("ed")))"#);
    Ok(())
}

#[test]
fn listeners_of_the_registry_and_of_what_is_known() -> Result<()> {
    let db = db();
    let heard = Heard::default();
    let to = heard.clone();
    let id = db.registry.on(ObjectEvent::Init.of::<User>(), move |_, _| {
        to.push("registry");
        Ok(())
    })?;
    let mut s = db.session();
    let to = heard.clone();
    s.on(ObjectEvent::Init.of_named("User").first(), move |s, told| {
        let user: Handle<User> = s.handle_of(told.object)?;
        assert!(s.handle_of::<Tag>(user).is_err());
        to.push("session");
        Ok(())
    })?;
    s.create::<User>()?;
    assert_eq!(heard.take(), "registry session");
    assert!(db.registry.off(id));
    s.create::<User>()?;
    assert_eq!(heard.take(), "session");
    let error = s.on(ObjectEvent::Init.of_named("Usre"), |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("User"), "{error}");
    let error = s.on(AttributeEvent::Set.of_named("User", "nmae"), |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("name"), "{error}");
    let waits = s.on_async(ObjectEvent::Init, |_, _| Box::pin(async { Ok(()) }));
    assert_eq!(waits.unwrap_err().kind(), ErrorKind::Argument);
    Ok(())
}

#[test]
fn listeners_of_a_mapping_and_of_configuring() -> Result<()> {
    let heard = Heard::default();
    let registry = Registry::new();
    for event in [
        ConfigureEvent::BeforeConfigured,
        ConfigureEvent::BeforeMapperConfigured,
        ConfigureEvent::MapperConfigured,
        ConfigureEvent::AfterConfigured,
    ] {
        let to = heard.clone();
        registry.on_configure(event, move |told| {
            to.push(format!("{:?}({})", told.event, told.class.unwrap_or_default()));
            assert_eq!(told.mapper.is_some(), event == ConfigureEvent::MapperConfigured);
            Ok(())
        });
    }
    let to = heard.clone();
    let mut mapping = registry.map::<Tag>();
    mapping.on(AttributeEvent::Set.of(Tag::name), move |_, _| {
        to.push("mapping");
        Ok(())
    });
    mapping.finish()?;
    assert_eq!(
        heard.take(),
        "BeforeConfigured() BeforeMapperConfigured(Tag) MapperConfigured(Tag) AfterConfigured()"
    );
    let mut s = Session::detached(&registry);
    let tag = s.create::<Tag>()?;
    s.set(tag, Tag::name, "x")?;
    assert_eq!(heard.take(), "mapping");

    let mut wrong = Registry::new().map::<Tag>();
    wrong.on(AttributeEvent::Set.of_named("Tag", "nmae"), |_, _| Ok(()));
    wrong.on(ObjectEvent::Load.of::<User>(), |_, _| Ok(()));
    let error = wrong.finish().unwrap_err();
    assert!(error.to_string().contains("`name`") && error.to_string().contains("own class"));

    let refusing = Registry::new();
    refusing.on_configure(ConfigureEvent::BeforeConfigured, |_| Err(refuse()));
    assert!(refusing.register::<Tag>().is_err());
    assert!(refusing.mappers().named("Tag").is_none());
    Ok(())
}

#[test]
fn a_listener_that_is_refused_in_the_middle_of_an_edit() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let u = s.add(user("ed"))?;
    db.run(s.commit())?;
    s.on(AttributeEvent::Set.of(User::visits), |_, _| Err(refuse()))?;
    let result = s.edit(u, |u| {
        u.name = "jack".to_owned();
        u.visits = Some(1);
    });
    assert!(result.is_err());
    assert_eq!((s[u].name.as_str(), s[u].visits), ("ed", Some(5)));
    assert!(!s.is_dirty(u)?);
    assert!(!s.in_transaction());
    Ok(())
}
