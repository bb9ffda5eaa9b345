//! Listeners that refuse, fail, or never end.

use aludel_orm::events::{AttributeEvent, ObjectEvent, SessionEvent, StatementEvent};
use aludel_orm::{ErrorKind, Id, ObjectState, Result, select};

use crate::*;

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

#[test]
fn a_failed_flush_keeps_the_errors_of_listeners() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.add(address("x"))?;
    db.run(s.commit())?;
    s.on(SessionEvent::AfterRollback, |_, _| Err(refuse()))?;
    s.add(address("x"))?;
    let error = db.run(s.flush()).unwrap_err();
    assert!(error.is_integrity(), "{error}");
    let told = error.to_string();
    assert!(told.contains("; and then a listener failed: refused"), "{told}");
    Ok(())
}
