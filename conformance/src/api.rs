//! What the runner asks of a session, by id and by name.
//!
//! Everything goes through here, so that this file shows what a tool that knows classes by name needs of the
//! library.

use std::sync::Arc;

use aludel::orm::attributes::HistoryItem;
use aludel::orm::mapping::{Holder, Mapper, PropertyKind};
use aludel::orm::session::{Cascade, MergeLoad};
use aludel::orm::{Datum, History};
use aludel::{Error, ErrorKind, Id, Result, Session, Value};

use crate::zoo;

/// Loads an attribute that is not there; nothing where it is, or where there is nothing to load.
///
/// # Errors
/// When it cannot be loaded.
pub async fn load(session: &mut Session, id: Id, attribute: &str) -> Result<()> {
    session.load_named(id, attribute).await
}

/// The value of an attribute, loaded if it must be; none where it has none.
///
/// # Errors
/// When it cannot be loaded.
pub async fn read(session: &mut Session, id: Id, attribute: &str) -> Result<Option<Datum>> {
    load(session, id, attribute).await?;
    session.get_named(id, attribute)
}

/// The value of a column attribute, loaded if it must be; NULL where it has none.
///
/// # Errors
/// When it cannot be loaded.
pub async fn read_value(session: &mut Session, id: Id, attribute: &str) -> Result<Value> {
    Ok(match read(session, id, attribute).await? {
        Some(Datum::Value(value)) => value,
        _ => Value::Null,
    })
}

/// The members of a collection, loaded if they must be.
///
/// # Errors
/// When they cannot be loaded.
pub async fn members(session: &mut Session, id: Id, attribute: &str) -> Result<Vec<Id>> {
    Ok(match read(session, id, attribute).await? {
        Some(Datum::Many(ids)) => ids,
        Some(Datum::Map(entries)) => entries.into_iter().map(|(_, id)| id).collect(),
        Some(Datum::One(one)) => one.into_iter().collect(),
        _ => Vec::new(),
    })
}

/// The history of an attribute, which is loaded for it; the old object of a reference as well.
///
/// # Errors
/// When it cannot be loaded.
pub async fn load_history(
    session: &mut Session,
    id: Id,
    attribute: &str,
) -> Result<History<HistoryItem>> {
    session.load_history_named(id, attribute).await
}

/// The mapper of an object's class.
///
/// # Errors
/// When the object is not here.
pub fn mapper(session: &Session, id: Id) -> Result<Arc<Mapper>> {
    let class = session.class_name(id)?;
    let mappers = zoo::registry()?.mappers();
    let unknown = || Error::new(ErrorKind::Unmapped, format!("class {class} has no mapper"));
    mappers.named(class).cloned().ok_or_else(unknown)
}

/// What holds the objects of an attribute; none for one that holds no objects.
///
/// # Errors
/// When the object is not here.
pub fn holder(session: &Session, id: Id, attribute: &str) -> Result<Option<Holder>> {
    let mapper = mapper(session, id)?;
    let property = mapper.attribute(attribute).map(|at| &mapper.properties()[usize::from(at)]);
    Ok(match property.map(|p| p.kind()) {
        Some(PropertyKind::Relationship(relationship)) => Some(relationship.holder()),
        _ => None,
    })
}

/// Whether an attribute of that name is managed.
///
/// # Errors
/// When the object is not here.
pub fn is_managed(session: &Session, id: Id, attribute: &str) -> Result<bool> {
    session.is_instrumented(id, attribute)
}

/// The object's key as texts, as far as it has one.
///
/// # Errors
/// When the object is not here.
pub fn key(session: &Session, id: Id) -> Result<Option<(String, Vec<Value>)>> {
    Ok(session.identity_key_of(id)?.map(|(class, key)| (class.to_string(), key)))
}

/// Merges an object.
///
/// # Errors
/// When it cannot be merged.
pub async fn merge(session: &mut Session, id: Id, load: bool) -> Result<Id> {
    session.merge_at(id, if load { MergeLoad::Yes } else { MergeLoad::No }).await
}

/// A cascade by its name.
pub fn cascade(name: &str) -> Option<Cascade> {
    Some(match name {
        "save-update" => Cascade::SaveUpdate,
        "delete" => Cascade::Delete,
        "expunge" => Cascade::Expunge,
        "merge" => Cascade::Merge,
        "refresh-expire" => Cascade::RefreshExpire,
        _ => return None,
    })
}

/// Sets an attribute; the old value of one with active history is loaded first.
///
/// # Errors
/// When the value is refused, or the old one cannot be loaded.
pub async fn set(session: &mut Session, id: Id, attribute: &str, value: Datum) -> Result<()> {
    session.set_with_history_named(id, attribute, value).await
}

/// The rows of a statement written by hand, in the session's transaction.
///
/// # Errors
/// Those of the database.
pub async fn query_raw(session: &mut Session, sql: &str) -> Result<Vec<Vec<Value>>> {
    session.query_raw(sql, &[]).await
}

/// Runs a statement written by hand, in the session's transaction.
///
/// # Errors
/// Those of the database.
pub async fn execute_raw(session: &mut Session, sql: &str) -> Result<()> {
    session.execute_raw(sql).await
}
