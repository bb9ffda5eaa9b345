//! The instrumented operations as the program calls them.

use std::sync::Arc;

use aludel_sql::{Error, ErrorKind, Value};

use super::Datum;
use super::events::{Initiator, Op};
use crate::Result;
use crate::instrumentation::{
    Attr, Field, FieldType, Handle, Id, IntoField, IntoMember, IsA, Many, ManyCore, ManyMap,
    ManySet, Mapped, Member, MemberCore, Members, One, OneCore,
};
use crate::mapping::{Holder, PropertyKind, Relationship};
use crate::session::Session;

/// The holders of relationships to many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a collection of `{T}`",
    label = "not a collection",
    note = "members are added to and taken from `Many`, `ManySet` and `ManyMap`; use `set` for anything else"
)]
pub trait CollectionField<T>: Field + Sized {}
impl<T: 'static> CollectionField<T> for Many<T> {}
impl<T: 'static> CollectionField<T> for ManySet<T> {}
impl<K: 'static, T: 'static> CollectionField<T> for ManyMap<K, T> {}

/// The fields that hold objects of a class: references and collections.
pub trait ObjectField<T>: Field + Sized {}
impl<T: 'static> ObjectField<T> for One<T> {}
impl<T: 'static> ObjectField<T> for Many<T> {}
impl<T: 'static> ObjectField<T> for ManySet<T> {}
impl<K: 'static, T: 'static> ObjectField<T> for ManyMap<K, T> {}

impl Session {
    /// Sets an attribute.
    ///
    /// The value may be anything that [`IntoField`] takes: `"x"` for a `String` or an `Option<String>`, a
    /// handle or a new object for a reference, an array of them for a collection. The change is recorded in
    /// the attribute's history, and answered on the other side of a relationship.
    ///
    /// # Errors
    ///
    /// When a validator or listener refuses the value, when a collection that is to be replaced is not
    /// loaded, or when an object belongs to another session. Everything is then as it was.
    pub fn set<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        value: impl IntoField<V>,
    ) -> Result<()> {
        let mut value = value.into_field();
        self.set_field(object.id, attribute.index(), &mut value)
    }

    /// Changes an object: any number of its attributes at once.
    ///
    /// `change` gets a draft. What differs afterwards is applied by ordinary sets, attribute by attribute, so
    /// that history, events and backrefs work as ever; an error leaves the object as it was.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); and when the object is not whole (expired, or loaded in part).
    pub fn edit<T: Mapped, R>(
        &mut self,
        object: Handle<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R> {
        self.edit_with(object, |draft, _| change(draft))
    }

    /// As [`edit`](Self::edit); `change` may read the rest of the session.
    ///
    /// # Errors
    ///
    /// As [`edit`](Self::edit).
    pub fn edit_with<T: Mapped, R>(
        &mut self,
        object: Handle<T>,
        change: impl FnOnce(&mut T, &Session) -> R,
    ) -> Result<R> {
        let before = self.try_get(object)?;
        let mut draft = before.clone();
        let result = change(&mut draft, self);
        let mut changed: smallvec::SmallVec<[u16; 8]> = smallvec::SmallVec::new();
        self.try_get(object)?.diff(&draft, &mut |attribute| changed.push(attribute));
        self.apply_draft(object.id, &mut draft, &changed)?;
        Ok(result)
    }

    fn apply_draft(
        &mut self,
        id: Id,
        draft: &mut dyn crate::instrumentation::Object,
        changed: &[u16],
    ) -> Result<()> {
        if let [attribute] = changed {
            return match draft.field_mut(*attribute) {
                Some(field) => self.set_draft_field(id, *attribute, field),
                None => Ok(()),
            };
        }
        self.scope(|s| {
            for attribute in changed {
                if let Some(field) = draft.field_mut(*attribute) {
                    s.set_draft_field(id, *attribute, field)?;
                }
            }
            Ok(())
        })
    }

    /// A field of a draft that differs. A relationship put back to its default means none, or empty.
    fn set_draft_field(&mut self, id: Id, attribute: u16, field: &mut dyn Field) -> Result<()> {
        if let Some(core @ OneCore::Unset) = field.one_mut() {
            *core = OneCore::Loaded(None);
        }
        if let Some(core @ ManyCore::Unset) = field.many_mut() {
            *core = ManyCore::Loaded(Arc::default());
        }
        self.set_field(id, attribute, field)
    }

    /// Changes one attribute in place: only its value is copied. For documents, blobs and long texts.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); and when the attribute is not loaded.
    pub fn update<S: IsA<C>, C: Mapped, V: FieldType, R>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R> {
        let mut value = self.value(object, attribute)?.clone();
        let result = change(&mut value);
        self.set_field(object.id, attribute.index(), &mut value)?;
        Ok(result)
    }

    /// Reads an attribute.
    ///
    /// # Errors
    ///
    /// When it has no value: expired, deferred, or never set. Nothing is loaded.
    pub fn value<S: IsA<C>, C: Mapped, V: Field>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<&V> {
        let (id, index) = (object.id, attribute.index());
        self.arena.check(id)?;
        let field =
            self.arena.object(id).field(index).ok_or_else(|| self.no_such_field(id, index))?;
        let plain = field.many().is_none() && field.one().is_none();
        if plain && !self.arena.is_loaded(id, index) && self.needs_load(id, index) {
            return Err(self.not_loaded(id, index));
        }
        let any: &dyn std::any::Any = field;
        any.downcast_ref().ok_or_else(|| self.wrong_type(id, index))
    }

    /// Whether an attribute has a value that can be read: it is set, or loaded.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn is_loaded<S: IsA<C>, C: Mapped, V: Field>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<bool> {
        self.arena.check(object.id)?;
        Ok(self.datum(object.id, attribute.index()).is_some())
    }

    /// Adds a member to a collection. A collection that is not loaded stays so: the member waits for it.
    ///
    /// # Errors
    ///
    /// When a validator or listener refuses the member, or it belongs to another session.
    pub fn append<S: IsA<C>, C: Mapped, T, V: CollectionField<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        member: impl IntoMember<T>,
    ) -> Result<()> {
        self.append_new(object.id, attribute.index(), member.into_member(), None)
    }

    /// Adds a member to a list at a place; the members from there on move up.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); and when the collection is not loaded or has no such place.
    pub fn insert_at<S: IsA<C>, C: Mapped, T: 'static>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, Many<T>>,
        index: usize,
        member: impl IntoMember<T>,
    ) -> Result<()> {
        self.append_new(object.id, attribute.index(), member.into_member(), Some(index))
    }

    fn append_new<T>(
        &mut self,
        id: Id,
        attribute: u16,
        member: Member<T>,
        at: Option<usize>,
    ) -> Result<()> {
        self.arena.check(id)?;
        match member.core {
            MemberCore::Object(member) => self.append_to(id, attribute, member, at),
            MemberCore::New(value) => self.scope(|s| {
                let member = value.adopt(s)?;
                s.append_to(id, attribute, member, at)
            }),
        }
    }

    /// Adds an object to a collection by numbers.
    pub(crate) fn append_to(
        &mut self,
        id: Id,
        attribute: u16,
        member: Id,
        at: Option<usize>,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        self.check_target(relationship, member)?;
        if let Some(at) = at {
            match self.arena.field(id, attribute).many() {
                Some(ManyCore::Loaded(members)) if at > members.ids.len() => {
                    return Err(self.absent(id, attribute, &format!("place {at}")));
                }
                Some(ManyCore::NotLoaded) => return Err(self.not_loaded(id, attribute)),
                _ => {}
            }
        }
        self.append_member(id, relationship, member, at, None)
    }

    /// Takes a member out of a collection.
    ///
    /// # Errors
    ///
    /// When it is known not to be a member, or when a listener refuses.
    pub fn remove<S: IsA<C>, C: Mapped, T, M: IsA<T>, V: CollectionField<T>>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        member: Handle<M>,
    ) -> Result<()> {
        self.remove_from(object.id, attribute.index(), member.id)
    }

    pub(crate) fn remove_from(&mut self, id: Id, attribute: u16, member: Id) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let known = match self.arena.field(id, attribute).many() {
            Some(ManyCore::Loaded(members)) => members.ids.contains(&member),
            Some(ManyCore::NotLoaded) => true,
            _ => false,
        };
        if !known {
            return Err(self.absent(id, attribute, "that member"));
        }
        self.check_target(relationship, member)?;
        self.remove_member(id, relationship, member, None, None)
    }

    /// Takes the member at a place out of a list, and gives it.
    pub(crate) fn remove_at(&mut self, id: Id, attribute: u16, at: usize) -> Result<Id> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(&member) = members.ids.get(at) else {
            return Err(self.absent(id, attribute, &format!("place {at}")));
        };
        drop(members);
        self.remove_member(id, relationship, member, Some(at), None)?;
        Ok(member)
    }

    /// Puts another member at a place of a list: a removal and an addition.
    pub(crate) fn replace_at(
        &mut self,
        id: Id,
        attribute: u16,
        at: usize,
        member: Id,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        self.check_target(relationship, member)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(&before) = members.ids.get(at) else {
            return Err(self.absent(id, attribute, &format!("place {at}")));
        };
        drop(members);
        self.scope(|s| {
            s.remove_member(id, relationship, before, Some(at), None)?;
            s.append_member(id, relationship, member, Some(at), None)
        })
    }

    /// Takes out the member under a key.
    pub(crate) fn remove_key(&mut self, id: Id, attribute: u16, key: &Value) -> Result<Id> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        let Some(at) = members.keys.iter().position(|k| k == key) else {
            return Err(self.absent(id, attribute, "that key"));
        };
        let member = members.ids[at];
        drop(members);
        self.remove_member(id, relationship, member, Some(at), None)?;
        Ok(member)
    }

    /// Takes out every member.
    pub(crate) fn clear_members(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        let members = self.loaded_members(id, attribute)?;
        self.scope(|s| {
            members.ids.iter().try_for_each(|m| s.remove_member(id, relationship, *m, None, None))
        })
    }

    /// The members of a collection: the form for loops that change the session, since nothing of it stays
    /// borrowed. A collection never touched is empty.
    ///
    /// # Panics
    ///
    /// The iterator is made from a loaded collection.
    ///
    /// # Panics
    ///
    /// Panics when the collection is not loaded, or the handle's object is not here.
    #[track_caller]
    pub fn members<S: IsA<C>, C: Mapped, T, V: CollectionField<T>>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> impl ExactSizeIterator<Item = Handle<T>> + use<S, C, T, V> {
        match self.try_members(object.id, attribute.index()) {
            Ok(members) => (0..members.ids.len()).map(move |at| Handle::new(members.ids[at])),
            Err(error) => panic!("{error}"),
        }
    }

    fn try_members(&self, id: Id, attribute: u16) -> Result<Arc<Members>> {
        self.arena.check(id)?;
        match self.arena.object(id).field(attribute).and_then(Field::many) {
            Some(ManyCore::Unset) => Ok(Arc::default()),
            _ => self.loaded_members(id, attribute),
        }
    }

    pub(crate) fn loaded_members(&self, id: Id, attribute: u16) -> Result<Arc<Members>> {
        match self.arena.object(id).field(attribute).and_then(Field::many) {
            Some(ManyCore::Loaded(members)) => Ok(Arc::clone(members)),
            Some(ManyCore::Unset) if !self.may_have_members(id) => Ok(Arc::default()),
            Some(_) => Err(self.not_loaded(id, attribute)),
            None => Err(self.no_such_field(id, attribute)),
        }
    }

    /// Sets an attribute from a field of its own type.
    pub(crate) fn set_field(&mut self, id: Id, attribute: u16, new: &mut dyn Field) -> Result<()> {
        self.arena.check(id)?;
        if let Some(core) = new.one_mut() {
            let core = std::mem::take(core);
            return self.set_one_core(id, attribute, core);
        }
        if let Some(core) = new.many_mut() {
            let core = std::mem::take(core);
            return self.set_many_core(id, attribute, core);
        }
        self.check_writable(id, attribute)?;
        self.set_column(id, attribute, new, None)
    }

    fn set_one_core(&mut self, id: Id, attribute: u16, core: OneCore) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.at(id.class).relationship(attribute) else {
            return Err(self.no_such_field(id, attribute));
        };
        match core {
            OneCore::Loaded(new) => {
                if let Some(new) = new {
                    self.check_target(relationship, new)?;
                }
                self.set_reference(id, relationship, new, None, None)
            }
            OneCore::New(value) => self.scope(|s| {
                let new = value.adopt(s)?;
                s.set_reference(id, relationship, Some(new), None, None)
            }),
            OneCore::Unset | OneCore::NotLoaded => Ok(()),
        }
    }

    fn set_many_core(&mut self, id: Id, attribute: u16, core: ManyCore) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        match core {
            ManyCore::Loaded(members) => {
                for member in &members.ids {
                    self.check_target(relationship, *member)?;
                }
                self.replace_members(id, relationship, members.ids.clone())
            }
            ManyCore::New(members) => self.scope(|s| {
                let mut ids = Vec::with_capacity(members.len());
                for member in *members {
                    let member = match member {
                        MemberCore::Object(member) => member,
                        MemberCore::New(value) => value.adopt(s)?,
                    };
                    s.check_target(relationship, member)?;
                    ids.push(member);
                }
                s.replace_members(id, relationship, ids)
            }),
            ManyCore::Unset | ManyCore::NotLoaded => Ok(()),
        }
    }

    /// Sets an attribute by number from a value whatever its kind.
    pub(crate) fn set_datum(&mut self, id: Id, attribute: u16, value: Datum) -> Result<()> {
        self.arena.check(id)?;
        match value {
            Datum::Value(value) => {
                if self.mappers.at(id.class).relationship(attribute).is_some() {
                    return match value {
                        Value::Null => self.set_datum(id, attribute, Datum::One(None)),
                        _ => Err(self.wrong_type(id, attribute)),
                    };
                }
                self.check_writable(id, attribute)?;
                let made = self.arena.field(id, attribute).with_value(value);
                let mut field = made.map_err(|bad| {
                    Error::new(
                        ErrorKind::Value,
                        format!("{}: the value {bad}", self.describe(id, attribute)),
                    )
                })?;
                self.set_column(id, attribute, &mut *field, None)
            }
            Datum::One(new) => {
                if self
                    .mappers
                    .at(id.class)
                    .relationship(attribute)
                    .is_none_or(|r| r.holder.is_collection())
                {
                    return Err(self.wrong_type(id, attribute));
                }
                self.set_one_core(id, attribute, OneCore::Loaded(new))
            }
            Datum::Many(ids) => {
                let members = Members { ids, keys: Vec::new() };
                self.set_many_core(id, attribute, ManyCore::Loaded(Arc::new(members)))
            }
            Datum::Map(entries) => {
                let ids = entries.into_iter().map(|(_, id)| id).collect();
                self.set_datum(id, attribute, Datum::Many(ids))
            }
        }
    }

    /// Deletes an attribute's value: of a reference, like setting it to none; of a collection, like removing
    /// every member; of a column, it has no value then.
    pub(crate) fn delete_value(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        match &mappers.at(id.class).property(attribute).kind {
            PropertyKind::Relationship(r) if r.holder == Holder::One => {
                self.delete_reference(id, r)
            }
            PropertyKind::Relationship(_) => self.clear_members(id, attribute),
            _ => self.delete_column(id, attribute),
        }
    }

    /// Deletes an attribute's value. Reading it afterwards gives NULL, and the next flush writes NULL.
    ///
    /// # Errors
    ///
    /// When it has none ([`ErrorKind::NoValue`]), or a listener refuses.
    pub fn del<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<()> {
        self.delete_value(object.id, attribute.index())
    }

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
        let (id, attribute) = (object.id, attribute.index());
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
                ManyCore::Loaded(members) => Datum::Many(members.ids.clone()),
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
        self.flag_modified_at(object.id, attribute.index())
    }

    pub(crate) fn flag_modified_at(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        if self.datum(id, attribute).is_none() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} is not loaded, so that it cannot be flagged as modified",
                    self.describe(id, attribute)
                ),
            ));
        }
        if self.mappers.at(id.class).relationship(attribute).is_none()
            && !self.arena.state(id).has(crate::session::state::Flags::FRESH)
        {
            // What it was is not known any more.
            let head = self.arena.state(id).head;
            let is_key = self.mapper_of(id).primary_key.contains(&attribute);
            match self.log.find_mut(head, attribute) {
                // That of the key is needed to find the row.
                Some(_) if is_key => {}
                Some(entry) => entry.old = super::log::Old::Absent,
                None => self.write_log(id, attribute, super::log::Old::Absent),
            }
        }
        self.touch(id);
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
            self.notify(mapper, &mut change)?;
        }
        Ok(())
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

    fn collection<'m>(
        &self,
        mappers: &'m crate::mapping::Mappers,
        id: Id,
        attribute: u16,
    ) -> Result<&'m Relationship> {
        mappers
            .at(id.class)
            .relationship(attribute)
            .filter(|r| r.holder.is_collection())
            .ok_or_else(|| self.wrong_type(id, attribute))
    }

    /// Refuses a write to an attribute that only reads.
    fn check_writable(&self, id: Id, attribute: u16) -> Result<()> {
        match &self.mappers.at(id.class).property(attribute).kind {
            PropertyKind::Column(_) | PropertyKind::Composite { .. } | PropertyKind::Unmapped => {
                Ok(())
            }
            PropertyKind::Expression { .. } => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is an expression, which is only read", self.describe(id, attribute)),
            )),
            PropertyKind::Relationship(_) => Err(self.wrong_type(id, attribute)),
        }
    }

    /// Checks that an object can be the target of a relationship.
    pub(crate) fn check_target(&self, relationship: &Relationship, target: Id) -> Result<()> {
        self.arena.check(target).map_err(|e| e.context(format_args!("`{}`", relationship.name)))?;
        if self.mappers.is_a(target.class, relationship.target) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{}.{} holds objects of class {}, and this one is a {}",
                self.mappers.at(relationship.parent).class_name(),
                relationship.name,
                self.mappers.at(relationship.target).class_name(),
                self.mappers.at(target.class).class_name(),
            ),
        ))
    }
}
