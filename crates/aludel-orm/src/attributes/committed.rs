//! Values that are no changes, and changes that the session cannot see.

use std::sync::Arc;

use aludel_sql::{Error, ErrorKind, Value};

use super::Datum;
use super::events::{Initiator, Op};
use super::journal::Undo;
use super::log::Old;
use crate::Result;
use crate::instrumentation::{
    Attr, Field, Handle, Id, IntoField, IsA, ManyCore, Mapped, MemberCore, OneCore,
};
use crate::mapping::{Holder, PropertyKind};
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Sets a value as if it had just been loaded: no events, no history, and a pending change is dropped.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here, or a member belongs to another session.
    pub fn set_committed<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        value: impl IntoField<V>,
    ) -> Result<()> {
        let (id, attribute) = (object.id, self.number(object.id, attribute)?);
        self.arena.check(id)?;
        let mut field = value.into_field();
        let datum = if let Some(core) = field.one_mut() {
            match std::mem::take(core) {
                OneCore::Loaded(target) => Datum::One(target),
                OneCore::New(value) => Datum::One(Some(value.adopt(self)?)),
                OneCore::Unset | OneCore::NotLoaded => Datum::One(None),
            }
        } else if let Some(core) = field.many_mut() {
            match std::mem::take(core) {
                ManyCore::Loaded(members) => Datum::Many(members.to_vec()),
                ManyCore::New(members) => {
                    let mut ids = Vec::with_capacity(members.len());
                    for member in *members {
                        ids.push(match member {
                            MemberCore::Object(id) => id,
                            MemberCore::New(value) => value.adopt(self)?,
                        });
                    }
                    Datum::Many(ids)
                }
                ManyCore::Unset | ManyCore::NotLoaded => Datum::Many(Vec::new()),
            }
        } else {
            Datum::Value(field.take_value())
        };
        self.set_committed_datum(id, attribute, datum)
    }

    pub(crate) fn set_committed_datum(
        &mut self,
        id: Id,
        attribute: u16,
        value: Datum,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = mappers.at(id.class).relationship(attribute);
        match (value, relationship) {
            (Datum::Value(Value::Null), Some(r)) if r.holder == Holder::One => {
                self.set_committed_reference(id, attribute, None);
            }
            (Datum::One(target), Some(r)) if r.holder == Holder::One => {
                if let Some(target) = target {
                    self.check_target(r, target)?;
                }
                self.set_committed_reference(id, attribute, target);
            }
            (Datum::Many(ids), Some(r)) if r.holder.is_collection() => {
                for member in &ids {
                    self.check_target(r, *member)?;
                }
                self.set_committed_members(id, r, ids);
            }
            (Datum::Map(entries), Some(r)) if r.holder.is_collection() => {
                let ids = entries.into_iter().map(|(_, id)| id).collect();
                return self.set_committed_datum(id, attribute, Datum::Many(ids)).map(|()| {
                    let _ = r;
                });
            }
            (Datum::Value(value), None) if self.columns_of_composite(id, attribute).is_some() => {
                return self.set_committed_composite(id, attribute, value);
            }
            (Datum::Value(value), None) => return self.set_committed_column(id, attribute, value),
            _ => return Err(self.wrong_type(id, attribute)),
        }
        Ok(())
    }

    /// Flags an attribute as changed, so that its present value is part of the next UPDATE: for changes
    /// that the session could not see.
    ///
    /// # Errors
    ///
    /// When the attribute is not loaded, or the handle's object is not here.
    pub fn flag_modified<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<()> {
        let attribute = self.number(object.id, attribute)?;
        self.flag_modified_at(object.id, attribute)
    }

    pub(crate) fn flag_modified_at(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        if !self.is_known(id, attribute) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} is not loaded, so that it cannot be flagged as modified",
                    self.describe(id, attribute)
                ),
            ));
        }
        let mapper = self.declaring(id, attribute);
        if self.listeners.listens(mapper, attribute, Op::Modified) {
            let initiator = Initiator { mapper, attribute, op: Op::Modified };
            let mut change = super::Change {
                target: id,
                attribute,
                op: Op::Modified,
                initiator,
                new: super::events::Incoming::None,
                old: None,
            };
            self.scope(|s| s.notify(mapper, &mut change))?;
        }
        if self.mappers.at(id.class).relationship(attribute).is_none()
            && !self.arena.state(id).has(Flags::FRESH)
        {
            let mappers = Arc::clone(&self.mappers);
            match &mappers.at(id.class).property(attribute).kind {
                PropertyKind::Composite { attributes } => {
                    attributes.iter().for_each(|column| self.forget_old(id, *column));
                }
                _ => self.forget_old(id, attribute),
            }
        }
        self.touch(id);
        Ok(())
    }

    /// What a column was is not known any more.
    fn forget_old(&mut self, id: Id, attribute: u16) {
        let state = self.arena.state(id);
        let head = state.head;
        if self.mapper_of(id).primary_key.contains(&attribute)
            && !state.has(Flags::KEY_ASIDE)
            && let Some(key) = self.identity_key(id)
        {
            // That of the key is needed to find the row.
            self.put_key_aside(id, key);
            self.journal.write(|| Undo::KeyPutAside { id });
        }
        match self.log.find_mut(head, attribute) {
            Some(entry) => {
                let old = std::mem::replace(&mut entry.old, Old::Absent);
                self.journal.write(|| Undo::Forgotten { id, attribute, old });
            }
            None => self.write_log(id, attribute, Old::Absent),
        }
    }

    /// Flags an object as changed without naming an attribute: the next flush looks at it, and writes
    /// nothing for it unless something did change.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn flag_dirty<T>(&mut self, object: Handle<T>) -> Result<()> {
        self.arena.check(object.id)?;
        self.touch(object.id);
        Ok(())
    }
}
