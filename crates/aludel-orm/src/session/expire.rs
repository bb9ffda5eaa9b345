//! Forgetting what was loaded.

use std::sync::Arc;

use super::Session;
use super::cascade::Cascade;
use super::owners::Owner;
use super::state::{Flags, ObjectState};
use crate::events::ObjectEvent;
use crate::instrumentation::{AttributeKey, Handle, Id, ManyCore, Mapped, OneCore};
use crate::mapping::PropertyKind;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Forgets the loaded values of an object, and its pending changes; they are read anew by
    /// [`refresh`](Self::refresh), by [`load`](Self::load), or by any query that returns the row.
    ///
    /// # Errors
    ///
    /// When the object is not persistent.
    pub fn expire<T>(&mut self, object: Handle<T>) -> Result<()> {
        self.expire_at(object.id)
    }

    /// Forgets some attributes of an object, and their pending changes.
    ///
    /// # Errors
    ///
    /// When the object is not persistent.
    pub fn expire_attributes<T: Mapped>(
        &mut self,
        object: Handle<T>,
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>,
    ) -> Result<()> {
        let attributes: Vec<u16> = attributes.into_iter().map(|a| a.into().index).collect();
        self.expire_attributes_at(object.id, &attributes)
    }

    /// Forgets the loaded values of every persistent object.
    ///
    /// # Errors
    ///
    /// When a listener refuses it for one of them: nothing is expired then.
    pub fn expire_all(&mut self) -> Result<()> {
        let all = |s: &Self| s.arena.ids(|s| s.life == ObjectState::Persistent);
        if self.listeners.hears(ObjectEvent::Expire) {
            self.scope(|s| all(s).into_iter().try_for_each(|id| s.tell(ObjectEvent::Expire, id)))?;
        }
        for id in all(self) {
            self.expire_untold(id);
        }
        self.changed.clear();
        self.sweep_log();
        self.tell_noted()
    }

    pub(crate) fn check_persistent(&self, id: Id) -> Result<()> {
        self.arena.check(id)?;
        if self.arena.state(id).life == ObjectState::Persistent {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("{} is not persistent in this session", self.describe_object(id)),
        ))
    }

    pub(crate) fn expire_at(&mut self, id: Id) -> Result<()> {
        self.check_persistent(id)?;
        let mut reached = self.cascade(id, Cascade::RefreshExpire, |_, _| false);
        if self.listeners.hears(ObjectEvent::Expire) {
            // Whoever refuses finds everything as it was.
            self.scope(|s| {
                s.tell(ObjectEvent::Expire, id)?;
                reached
                    .iter()
                    .filter(|next| s.is_expired_with(**next))
                    .copied()
                    .collect::<Vec<_>>()
                    .into_iter()
                    .try_for_each(|next| s.tell(ObjectEvent::Expire, next))
            })?;
            self.check_persistent(id)?;
            reached.retain(|next| self.arena.holds(*next));
        }
        self.expire_untold(id);
        for next in reached {
            match self.arena.state(next).life {
                ObjectState::Pending => self.expunge_pending(next),
                _ if self.is_expired_with(next) => self.expire_untold(next),
                _ => {}
            }
        }
        self.tell_noted()
    }

    /// Whether an object that the cascade reaches is expired.
    pub(super) fn is_expired_with(&self, id: Id) -> bool {
        let state = self.arena.state(id);
        state.life != ObjectState::Pending && state.has(Flags::HAS_KEY)
    }

    /// Expires all attributes of an object that has a row, which is told at the end of the operation.
    pub(crate) fn expire_whole(&mut self, id: Id) {
        self.listeners.note(ObjectEvent::Expire, id);
        self.expire_untold(id);
    }

    fn expire_untold(&mut self, id: Id) {
        let mapper = Arc::clone(self.mapper_of(id));
        self.restore_key(id);
        for (attribute, property) in mapper.properties.iter().enumerate() {
            let attribute = attribute as u16;
            match &property.kind {
                PropertyKind::Column(_) | PropertyKind::Expression { .. } => {
                    // A deferred column waits to be asked for, as it did before.
                    self.expire_column(id, attribute, !property.kind.is_deferred());
                }
                PropertyKind::Relationship(_) => self.expire_relationship(id, attribute),
                PropertyKind::Composite { .. } | PropertyKind::Unmapped => {}
            }
        }
        self.committed(id);
        if !self.arena.of(id).owners.is_empty() {
            for &(parent, attribute) in &mapper.owners {
                self.set_owner(id, parent, attribute, Owner::Unknown);
            }
        }
    }

    pub(crate) fn expire_attributes_at(&mut self, id: Id, attributes: &[u16]) -> Result<()> {
        self.check_persistent(id)?;
        let mapper = Arc::clone(self.mapper_of(id));
        if self.listeners.hears(ObjectEvent::Expire) {
            let names = attributes.iter().map(|a| mapper.property(*a).name().to_owned()).collect();
            self.scope(|s| s.tell_of_attributes(ObjectEvent::Expire, id, names))?;
            self.check_persistent(id)?;
        }
        self.expire_some(id, attributes);
        Ok(())
    }

    fn expire_some(&mut self, id: Id, attributes: &[u16]) {
        let mapper = Arc::clone(self.mapper_of(id));
        for &attribute in attributes {
            match &mapper.property(attribute).kind {
                PropertyKind::Relationship(_) => self.expire_relationship(id, attribute),
                PropertyKind::Composite { attributes } => {
                    self.expire_some(id, attributes);
                    continue;
                }
                _ => {
                    if mapper.primary_key.contains(&attribute) {
                        self.restore_key(id);
                    }
                    // A deferred column waits to be asked for, and is read alone then.
                    let deferred = mapper.property(attribute).kind.is_deferred();
                    self.expire_column(id, attribute, !deferred);
                }
            }
            self.forget_change(id, attribute);
        }
    }

    /// The key attributes of an object keep the values of its identity while it is expired.
    fn restore_key(&mut self, id: Id) {
        if let Some(key) = self.keys_aside.get(&id).cloned() {
            return self.put_key(id, &key);
        }
        let mapper = Arc::clone(self.mapper_of(id));
        for &attribute in &mapper.primary_key {
            let head = self.arena.state(id).head;
            if let Some(old) = self.log.find(head, attribute).and_then(|e| e.old.value()) {
                let old = old.clone();
                let _ = self.arena.field_mut(id, attribute).put(old);
            }
        }
    }

    fn expire_column(&mut self, id: Id, attribute: u16, expired: bool) {
        let is_key = self.mapper_of(id).primary_key.contains(&attribute);
        let slab = self.arena.of_mut(id);
        slab.set_loaded(id.slot, attribute, false);
        slab.set_expired(id.slot, attribute, expired);
        if !is_key
            && let Some(field) = slab.objects.get_mut(id.slot).and_then(|o| o.field_mut(attribute))
        {
            field.clear();
        }
    }

    pub(crate) fn expire_relationship(&mut self, id: Id, attribute: u16) {
        let field = self.arena.field_mut(id, attribute);
        if let Some(one) = field.one_mut() {
            *one = OneCore::NotLoaded;
        } else if let Some(many) = field.many_mut() {
            *many = ManyCore::NotLoaded;
        }
        self.deltas.remove(&(id, attribute));
    }

    /// The columns that a load of an expired object brings: those expired and not set since.
    pub(crate) fn expired_columns(&self, id: Id) -> Vec<u16> {
        let slab = self.arena.of(id);
        let properties = &self.mapper_of(id).properties;
        (0..properties.len() as u16).filter(|a| slab.is_expired(id.slot, *a)).collect()
    }
}
