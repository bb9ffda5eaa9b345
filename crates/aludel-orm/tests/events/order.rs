//! When events come, and in what order.

use aludel_orm::events::{ObjectEvent, SessionEvent};
use aludel_orm::{ObjectState, Result};

use crate::*;

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
