//! Setting and deleting values, as the program calls it.

use std::sync::Arc;

use aludel_sql::{ColumnType, Error, ErrorKind, Value};

use super::Datum;
use super::backref::Side;
use super::composite::Extent;
use super::events::Initiator;
use crate::Result;
use crate::instrumentation::{
    Attr, Field, FieldType, Handle, Hybrid, HybridDef, Id, IntoField, IsA, ManyCore, Mapped,
    MemberCore, Members, OneCore,
};
use crate::mapping::{Holder, PropertyKind, Relationship};
use crate::session::Session;

/// What can be set on objects of class `C`: an attribute, or a hybrid.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be set on an object of `{C}`",
    label = "neither an attribute of `{C}` nor a hybrid of it"
)]
pub trait Assignable<C> {
    /// The type of the attribute's field, or of the hybrid's values.
    type Value;
    /// Sets it.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    #[doc(hidden)]
    fn assign(self, session: &mut Session, object: Id, value: Self::Value) -> Result<()>;
}

impl<C: Mapped, V: Field> Assignable<C> for Attr<C, V> {
    type Value = V;

    #[inline]
    fn assign(self, session: &mut Session, object: Id, mut value: V) -> Result<()> {
        let index = session.number(object, self)?;
        session.set_field(object, index, &mut value)
    }
}

impl<C: Mapped, V: ColumnType> Assignable<C> for Hybrid<C, V> {
    type Value = V;

    fn assign(self, session: &mut Session, object: Id, value: V) -> Result<()> {
        session.arena.check(object)?;
        session.set_hybrid(object, self.def(), value.into_value())
    }
}

impl Session {
    /// Sets an attribute, or a hybrid that can be set.
    ///
    /// The value may be anything that [`IntoField`] takes: `"x"` for a `String` or an `Option<String>`, a
    /// handle or a new object for a reference, an array of them for a collection. The change is recorded in
    /// the attribute's history, and answered on the other side of a relationship.
    ///
    /// # Errors
    ///
    /// When a validator or listener refuses the value, when a collection that is to be replaced is not
    /// loaded, or when an object belongs to another session. Everything is then as it was.
    pub fn set<S: IsA<C>, C, A: Assignable<C>>(
        &mut self,
        object: Handle<S>,
        attribute: A,
        value: impl IntoField<A::Value>,
    ) -> Result<()> {
        attribute.assign(self, object.id, value.into_field())
    }

    /// As [`set`](Self::set), in a listener, as a part of the chain of events that the listener was called in: with
    /// the [`Initiator`] of its [`Change`](super::Change), the attribute that started the chain does not answer.
    /// SQLAlchemy's `set_attribute`.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_attribute<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        value: impl IntoField<V>,
        initiator: Initiator,
    ) -> Result<()> {
        let mut value = value.into_field();
        let index = self.number(object.id, attribute)?;
        self.set_field_by(object.id, index, &mut value, Some(initiator))
    }

    /// Changes an object: any number of its attributes at once.
    ///
    /// `change` gets a draft. What differs afterwards is applied by ordinary sets, attribute by attribute, so
    /// that history, events and backrefs work as ever; an error leaves the object as it was. Fields that are not
    /// mapped are taken over as they are: nobody is told of them, and no rollback takes them back.
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
        self.edit_unless_refused(object, |draft, session| Ok(change(draft, session)))
    }

    /// As [`edit`](Self::edit), for a change that may be refused: where `change` gives an error, the object stays as it
    /// was.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &mut Session, ed: Handle<User>) -> Result<()> {
    /// let older = session.try_edit(ed, |user| {
    ///     user.age += 1;
    ///     if user.age > 150 {
    ///         return Err(Error::new(ErrorKind::Validation, "nobody is as old as that"));
    ///     }
    ///     Ok(user.age)
    /// })?;
    /// # let _: i64 = older;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `change`, and as [`edit`](Self::edit).
    pub fn try_edit<T: Mapped, R>(
        &mut self,
        object: Handle<T>,
        change: impl FnOnce(&mut T) -> Result<R>,
    ) -> Result<R> {
        self.edit_unless_refused(object, |draft, _| change(draft))
    }

    fn edit_unless_refused<T: Mapped, R>(
        &mut self,
        object: Handle<T>,
        change: impl FnOnce(&mut T, &Session) -> Result<R>,
    ) -> Result<R> {
        let before = self.try_get(object)?;
        let mut draft = before.clone();
        let result = change(&mut draft, self)?;
        let mut changed: smallvec::SmallVec<[u16; 8]> = smallvec::SmallVec::new();
        self.try_get(object)?.diff(&draft, &mut |attribute| changed.push(attribute));
        self.apply_draft(object.id, &mut draft, &changed)?;
        if T::UNMAPPED && self.arena.holds(object.id) {
            self.arena.object_mut(object.id).swap_unmapped(&mut draft);
        }
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
        if field.is_tracked() {
            return self.change_in_place(id, attribute, field);
        }
        if self.columns_of_composite(id, attribute).is_some() {
            self.arena.check(id)?;
            return self.set_composite(id, attribute, field, Extent::Changed, None);
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
        let index = self.number(object.id, attribute)?;
        self.set_draft_field(object.id, index, &mut value)?;
        Ok(result)
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
        let attribute = self.number(object.id, attribute)?;
        self.delete_value(object.id, attribute, None)
    }

    /// As [`del`](Self::del), in a listener, as a part of the chain of events that the listener was called in.
    /// SQLAlchemy's `del_attribute`.
    ///
    /// # Errors
    ///
    /// As [`del`](Self::del).
    pub fn del_attribute<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        initiator: Initiator,
    ) -> Result<()> {
        let attribute = self.number(object.id, attribute)?;
        self.delete_value(object.id, attribute, Some(initiator))
    }

    /// Sets a hybrid.
    pub(crate) fn set_hybrid(&mut self, id: Id, hybrid: &HybridDef, value: Value) -> Result<()> {
        match hybrid.set {
            Some(set) => set(self, id, value),
            None => {
                let message = format!(
                    "{}.{} is a hybrid that is only read: say what sets it, `#[hybrid(set = …)]`",
                    self.describe_object(id),
                    hybrid.name
                );
                Err(Error::new(ErrorKind::InvalidRequest, message))
            }
        }
    }

    /// Sets an attribute from a field of its own type.
    pub(crate) fn set_field(&mut self, id: Id, attribute: u16, new: &mut dyn Field) -> Result<()> {
        self.set_field_by(id, attribute, new, None)
    }

    fn set_field_by(
        &mut self,
        id: Id,
        attribute: u16,
        new: &mut dyn Field,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.arena.check(id)?;
        if let Some(core) = new.one_mut() {
            let core = std::mem::take(core);
            return self.set_one_core(id, attribute, core, initiator);
        }
        if let Some(core) = new.many_mut() {
            let core = std::mem::take(core);
            return self.set_many_core(id, attribute, core, initiator);
        }
        self.set_plain(id, attribute, new, initiator)
    }

    /// Sets an attribute that is no relationship.
    fn set_plain(
        &mut self,
        id: Id,
        attribute: u16,
        new: &mut dyn Field,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let mapper = self.mappers.at(id.class);
        match &mapper.property(attribute).kind {
            PropertyKind::Column(_) if mapper.read_only.contains(&attribute) => {
                Err(self.only_read(id, attribute))
            }
            PropertyKind::Column(_) | PropertyKind::Unmapped => {
                self.set_column(id, attribute, new, initiator)
            }
            PropertyKind::Composite { .. } => {
                self.set_composite(id, attribute, new, Extent::All, initiator)
            }
            PropertyKind::Expression { .. } => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{} is an expression, which is only read", self.describe(id, attribute)),
            )),
            PropertyKind::Relationship(_) => Err(self.wrong_type(id, attribute)),
        }
    }

    #[cold]
    fn only_read(&self, id: Id, attribute: u16) -> Error {
        let why = match self.mapper_of(id).is_key_copy(attribute) {
            true => "is the key of the base class, and follows it",
            false => "is given by the database, and only read",
        };
        let message = format!("{} {why}", self.describe(id, attribute));
        Error::new(ErrorKind::InvalidRequest, message)
    }

    fn set_one_core(
        &mut self,
        id: Id,
        attribute: u16,
        core: OneCore,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.side(id.class, attribute) else {
            return Err(self.no_such_field(id, attribute));
        };
        match core {
            OneCore::Loaded(new) => {
                if let Some(new) = new {
                    self.check_target(&relationship, new)?;
                }
                self.set_reference(id, relationship, new, initiator, None)
            }
            OneCore::New(value) => self.scope(|s| {
                let new = value.adopt(s)?;
                s.set_reference(id, relationship, Some(new), initiator, None)
            }),
            OneCore::Unset | OneCore::NotLoaded => Ok(()),
        }
    }

    fn set_many_core(
        &mut self,
        id: Id,
        attribute: u16,
        core: ManyCore,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.collection(&mappers, id, attribute)?;
        match core {
            ManyCore::Loaded(members) => {
                for member in members.iter() {
                    self.check_target(&relationship, member)?;
                }
                self.replace_members(id, relationship, members.to_vec(), initiator)
            }
            ManyCore::New(members) => self.scope(|s| {
                let mut ids = Vec::with_capacity(members.len());
                let mut all_new = true;
                for member in *members {
                    let member = match member {
                        MemberCore::Object(member) => {
                            all_new = false;
                            member
                        }
                        MemberCore::New(value) => value.adopt(s)?,
                    };
                    s.check_target(&relationship, member)?;
                    ids.push(member);
                }
                if all_new && s.gather_in_step(id, relationship, &ids) {
                    return Ok(());
                }
                s.replace_members(id, relationship, ids, initiator)
            }),
            ManyCore::Unset | ManyCore::NotLoaded => Ok(()),
        }
    }

    /// Sets an attribute by number from a value whatever its kind.
    pub(crate) fn set_datum(&mut self, id: Id, attribute: u16, value: Datum) -> Result<()> {
        self.set_datum_by(id, attribute, value, None)
    }

    pub(crate) fn set_datum_by(
        &mut self,
        id: Id,
        attribute: u16,
        value: Datum,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.arena.check(id)?;
        match value {
            Datum::Value(value) => {
                if self.mappers.at(id.class).relationship(attribute).is_some() {
                    return match value {
                        Value::Null => {
                            self.set_datum_by(id, attribute, Datum::One(None), initiator)
                        }
                        _ => Err(self.wrong_type(id, attribute)),
                    };
                }
                let made = self.arena.field(id, attribute).with_value(value);
                let mut field = made.map_err(|bad| {
                    Error::new(
                        ErrorKind::Value,
                        format!("{}: the value {bad}", self.describe(id, attribute)),
                    )
                })?;
                self.set_plain(id, attribute, &mut *field, initiator)
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
                self.set_one_core(id, attribute, OneCore::Loaded(new), initiator)
            }
            Datum::Many(ids) => {
                let members = Arc::new(Members::from_ids(ids));
                self.set_many_core(id, attribute, ManyCore::Loaded(members), initiator)
            }
            Datum::Map(entries) => {
                let ids = entries.into_iter().map(|(_, id)| id).collect();
                self.set_datum_by(id, attribute, Datum::Many(ids), initiator)
            }
        }
    }

    /// Deletes an attribute's value: of a reference, like setting it to none; of a collection, like removing
    /// every member; of a column, it has no value then.
    pub(crate) fn delete_value(
        &mut self,
        id: Id,
        attribute: u16,
        initiator: Option<Initiator>,
    ) -> Result<()> {
        self.arena.check(id)?;
        let mappers = Arc::clone(&self.mappers);
        match &mappers.at(id.class).property(attribute).kind {
            PropertyKind::Relationship(r) if r.holder == Holder::One => {
                let side = Side { mappers: &mappers, relationship: r };
                self.delete_reference(id, side, initiator)
            }
            PropertyKind::Relationship(_) => self.clear_members(id, attribute, initiator),
            PropertyKind::Composite { .. } => self.delete_composite(id, attribute, initiator),
            _ => self.delete_column(id, attribute, initiator),
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
