//! Reading single attributes.

use crate::Result;
use crate::instrumentation::{Attr, Field, Handle, Id, IsA, Mapped};
use crate::session::Session;

impl Session {
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
        let (id, index) = (object.id, self.number(object.id, attribute)?);
        self.arena.check(id)?;
        let field =
            self.arena.object(id).field(index).ok_or_else(|| self.no_such_field(id, index))?;
        let plain = field.many().is_none() && field.one().is_none();
        if plain && !self.arena.is_loaded(id, index) && self.reads_database(id, index) {
            return Err(self.not_loaded(id, index));
        }
        let any: &dyn std::any::Any = field;
        any.downcast_ref().ok_or_else(|| self.wrong_type(id, index))
    }

    /// Whether reading an attribute without a value of its own means loading it.
    fn reads_database(&self, id: Id, attribute: u16) -> bool {
        match self.columns_of_composite(id, attribute) {
            Some(columns) => self.composite_needs_load(id, columns),
            None => self.needs_load(id, attribute),
        }
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
        let attribute = self.number(object.id, attribute)?;
        Ok(self.is_known(object.id, attribute))
    }
}
