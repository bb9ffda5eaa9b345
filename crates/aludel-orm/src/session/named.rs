//! Access by attribute name: for tools, generic code, and classes without a struct.

use std::sync::Arc;

use aludel_sql::Value;

use super::Session;
use super::cascade::Cascade;
use super::state::{Flags, State};
use crate::attributes::delta::IdSet;
use crate::attributes::{Datum, History, HistoryItem, Initiator};
use crate::instrumentation::{AttrKind, HybridDef, Id};
use crate::mapping::PropertyKind;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// The number of a named attribute of an object.
    ///
    /// # Errors
    ///
    /// When the object is not here, or its class has no such attribute; the error names the nearest ones.
    pub(crate) fn attribute_named(&self, id: Id, name: &str) -> Result<u16> {
        self.arena.check(id)?;
        let mapper = self.mapper_of(id);
        mapper.attribute(name).ok_or_else(|| mapper.no_attribute(name))
    }

    /// Whether a name is that of an attribute which the session manages: SQLAlchemy's `is_instrumented`. An attribute
    /// that the mapping leaves out is none.
    ///
    /// # Errors
    ///
    /// When the object is not here.
    pub fn is_instrumented(&self, object: impl Into<Id>, name: &str) -> Result<bool> {
        let id = object.into();
        self.arena.check(id)?;
        let mapper = self.mapper_of(id);
        let Some(attribute) = mapper.attribute(name) else { return Ok(false) };
        Ok(match mapper.property(attribute).kind {
            PropertyKind::Unmapped => {
                let def = mapper.def.attributes.get(usize::from(attribute));
                def.is_some_and(|def| matches!(def.kind, AttrKind::Plain))
            }
            _ => true,
        })
    }

    /// Makes a transient object of a class by name, with nothing set.
    ///
    /// # Errors
    ///
    /// When no class of that name is registered, or a listener refuses.
    pub fn create_named(&mut self, class: &str) -> Result<Id> {
        let index = self.mapper_named(class)?;
        self.create_told(index)
    }

    pub(crate) fn mapper_named(&self, class: &str) -> Result<u16> {
        self.mappers.by_name.get(class).copied().ok_or_else(|| {
            let hint = aludel_sql::did_you_mean(class, self.mappers.iter().map(|m| m.class_name()));
            Error::new(ErrorKind::Unmapped, format!("no class `{class}` is mapped{hint}"))
        })
    }

    /// A hybrid of an object's class, by a name that no attribute has.
    fn hybrid_named(&self, id: Id, name: &str) -> Result<Option<&'static HybridDef>> {
        self.arena.check(id)?;
        let mapper = self.mapper_of(id);
        Ok(match mapper.attribute(name) {
            None => mapper.def.hybrid(name),
            Some(_) => None,
        })
    }

    /// The value of a named attribute, or of a hybrid; `None` where it has none.
    ///
    /// # Errors
    ///
    /// When the attribute does not exist, or would have to be loaded first.
    pub fn get_named(&self, object: impl Into<Id>, name: &str) -> Result<Option<Datum>> {
        let id = object.into();
        if let Some(hybrid) = self.hybrid_named(id, name)? {
            return (hybrid.get)(self, id).map(|value| Some(Datum::Value(value)));
        }
        let attribute = self.attribute_named(id, name)?;
        match self.datum(id, attribute) {
            Some(datum) => Ok(Some(datum)),
            None if self.must_load(id, attribute) => Err(self.not_loaded(id, attribute)),
            None => Ok(None),
        }
    }

    /// Whether reading an attribute without a value means loading it.
    pub(crate) fn must_load(&self, id: Id, attribute: u16) -> bool {
        if !self.arena.state(id).has(super::state::Flags::HAS_KEY) {
            return self.expression(id, attribute).is_some();
        }
        match self.mapper_of(id).relationship(attribute) {
            Some(_) => self.is_open(id, attribute),
            None => self.needs_load(id, attribute),
        }
    }

    /// Sets a named attribute, or a hybrid that can be set.
    ///
    /// # Errors
    ///
    /// When the attribute does not exist, the value does not fit it, or somebody refuses it.
    pub fn set_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        value: impl Into<Datum>,
    ) -> Result<()> {
        let id = object.into();
        if let Some(hybrid) = self.hybrid_named(id, name)? {
            return match value.into() {
                Datum::Value(value) => self.set_hybrid(id, hybrid, value),
                Datum::One(None) => self.set_hybrid(id, hybrid, Value::Null),
                _ => {
                    let message =
                        format!("{}.{name} is a hybrid: it has a value", self.describe_object(id));
                    Err(Error::new(ErrorKind::Argument, message))
                }
            };
        }
        let attribute = self.attribute_named(id, name)?;
        self.set_datum(id, attribute, value.into())
    }

    /// As [`set_named`](Self::set_named), in a listener, as a part of the chain of events that the listener was called
    /// in; see [`set_attribute`](Self::set_attribute).
    ///
    /// # Errors
    ///
    /// As [`set_named`](Self::set_named).
    pub fn set_attribute_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        value: impl Into<Datum>,
        initiator: Initiator,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.set_datum_by(id, attribute, value.into(), Some(initiator))
    }

    /// Deletes the value of a named attribute.
    ///
    /// # Errors
    ///
    /// As [`del`](Self::del).
    pub fn del_named(&mut self, object: impl Into<Id>, name: &str) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.delete_value(id, attribute, None)
    }

    /// As [`del_named`](Self::del_named), in a listener, as a part of the chain of events that the listener was
    /// called in.
    ///
    /// # Errors
    ///
    /// As [`del`](Self::del).
    pub fn del_attribute_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        initiator: Initiator,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.delete_value(id, attribute, Some(initiator))
    }

    /// Adds a member to a named collection, at the end or at a place.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append) and [`insert_at`](Self::insert_at).
    pub fn append_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        member: Id,
        at: Option<usize>,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.append_to(id, attribute, member, at)
    }

    /// Takes a member out of a named collection.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_named(&mut self, object: impl Into<Id>, name: &str, member: Id) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.remove_from(id, attribute, member)
    }

    /// Takes the member at a place out of a named list, and gives it.
    ///
    /// # Errors
    ///
    /// When there is no such place, or the collection is not loaded.
    pub fn pop_named(&mut self, object: impl Into<Id>, name: &str, at: usize) -> Result<Id> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.remove_at(id, attribute, at)
    }

    /// Puts another member at a place of a named list.
    ///
    /// # Errors
    ///
    /// When there is no such place, or the collection is not loaded.
    pub fn replace_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        at: usize,
        member: Id,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.replace_at(id, attribute, at, member)
    }

    /// Takes the member under a key out of a named keyed collection, and gives it.
    ///
    /// # Errors
    ///
    /// When there is no such key, or the collection is not loaded.
    pub fn pop_key_named(&mut self, object: impl Into<Id>, name: &str, key: &Value) -> Result<Id> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.remove_key(id, attribute, key)
    }

    /// Takes every member out of a named collection.
    ///
    /// # Errors
    ///
    /// When the collection is not loaded, or somebody refuses.
    pub fn clear_named(&mut self, object: impl Into<Id>, name: &str) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.clear_members(id, attribute, None)
    }

    /// Whether a named attribute has a value that can be read without loading.
    ///
    /// # Errors
    ///
    /// When the attribute does not exist.
    pub fn is_loaded_named(&self, object: impl Into<Id>, name: &str) -> Result<bool> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        Ok(self.is_known(id, attribute))
    }

    /// The history of a named attribute, from what is known now.
    ///
    /// # Errors
    ///
    /// When the attribute does not exist.
    pub fn history_named(&self, object: impl Into<Id>, name: &str) -> Result<History<HistoryItem>> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.history_of(id, attribute)
    }

    /// Sets a named attribute as if it had just been loaded.
    ///
    /// # Errors
    ///
    /// As [`set_committed`](Self::set_committed).
    pub fn set_committed_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        value: impl Into<Datum>,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.set_committed_datum(id, attribute, value.into())
    }

    /// Flags a named attribute as modified.
    ///
    /// # Errors
    ///
    /// As [`flag_modified`](Self::flag_modified).
    pub fn flag_modified_named(&mut self, object: impl Into<Id>, name: &str) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.flag_modified_at(id, attribute)
    }

    /// Forgets named attributes of an object, and their pending changes.
    ///
    /// # Errors
    ///
    /// As [`expire_attributes`](Self::expire_attributes), and when an attribute does not exist.
    pub fn expire_named(&mut self, object: impl Into<Id>, names: &[&str]) -> Result<()> {
        let id = object.into();
        let attributes: Vec<u16> =
            names.iter().map(|name| self.attribute_named(id, name)).collect::<Result<_>>()?;
        self.expire_attributes_at(id, &attributes)
    }

    /// The class's name and the key's values under which the database knows an object: the class is the root
    /// of its hierarchy.
    ///
    /// # Errors
    ///
    /// When the object is not here.
    pub fn identity_key_of(&self, object: impl Into<Id>) -> Result<Option<(Arc<str>, Vec<Value>)>> {
        let id = object.into();
        self.arena.check(id)?;
        let root = self.mappers.at(self.mapper_of(id).root);
        Ok(self.identity_key(id).map(|key| (Arc::clone(&root.name), key.values().into_vec())))
    }

    /// The name of an object's class.
    ///
    /// # Errors
    ///
    /// When the object is not here.
    pub fn class_name(&self, object: impl Into<Id>) -> Result<&str> {
        let id = object.into();
        self.arena.check(id)?;
        Ok(self.mapper_of(id).class_name())
    }

    /// The objects that an operation on `object` reaches, as far as they are known without loading: SQLAlchemy's
    /// `cascade_iterator`, which for [`Cascade::Delete`] is [`load_cascade`](Self::load_cascade).
    ///
    /// # Errors
    ///
    /// When the object is not here.
    pub fn cascade_iterator(&self, object: impl Into<Id>, cascade: Cascade) -> Result<Vec<Id>> {
        let id = object.into();
        self.arena.check(id)?;
        Ok(self.cascade(id, cascade, |_, _| false))
    }

    /// As [`cascade_iterator`](Self::cascade_iterator); the relationships along which a deletion goes are loaded for
    /// that, so that what [`delete`](Self::delete) would reach is known before.
    ///
    /// # Errors
    ///
    /// When the object is not here, or loading fails.
    pub async fn load_cascade(
        &mut self,
        object: impl Into<Id>,
        cascade: Cascade,
    ) -> Result<Vec<Id>> {
        let id = object.into();
        if cascade != Cascade::Delete {
            return self.cascade_iterator(id, cascade);
        }
        self.arena.check(id)?;
        self.delete_cascade(id).await
    }

    /// The objects that are to be inserted, in their order: SQLAlchemy's `session.new`.
    pub fn new_objects(&self) -> Vec<Id> {
        self.still_listed(&self.pending, |state| state.life == super::ObjectState::Pending)
    }

    /// The objects of a list that still are what it says, each where it came last.
    fn still_listed(&self, list: &[Id], is: impl Fn(&State) -> bool) -> Vec<Id> {
        let mut seen = IdSet::default();
        let mut listed: Vec<Id> = list
            .iter()
            .rev()
            .filter(|id| self.arena.holds(**id) && is(self.arena.state(**id)) && seen.insert(**id))
            .copied()
            .collect();
        listed.reverse();
        listed
    }

    /// The persistent objects that are flagged as changed: SQLAlchemy's `session.dirty`.
    pub fn dirty_objects(&self) -> Vec<Id> {
        self.still_listed(&self.changed, |state| {
            state.life == super::ObjectState::Persistent
                && state.has(Flags::MODIFIED)
                && !state.has(Flags::DELETING)
        })
    }

    /// The objects marked by `delete`: SQLAlchemy's `session.deleted`.
    pub fn deleted_objects(&self) -> Vec<Id> {
        self.still_listed(&self.deleting, |state| state.has(Flags::DELETING))
    }

    /// The persistent objects, those marked by `delete` included: SQLAlchemy's `session.identity_map`.
    pub fn persistent_objects(&self) -> Vec<Id> {
        self.arena.ids(|s| s.life == super::ObjectState::Persistent)
    }
}
