//! Active history: attributes whose old value is loaded before it is replaced.

use crate::Result;
use crate::instrumentation::{Attr, Field, Handle, Id, IntoField, IsA, Mapped};
use crate::mapping::PropertyKind;
use crate::session::Session;

use super::Datum;

impl Session {
    /// Sets an attribute, and loads its old value before that where the attribute has *active history* and the
    /// value is not there: its history is then complete. It is what assigning an attribute is in SQLAlchemy.
    ///
    /// Columns have active history when they say so, and when they belong to the primary key; references when
    /// they say so, when the other side holds the foreign key, and when they are the single parent. Of other attributes
    /// this is a plain [`set`](Self::set), as it is of an object that has no row.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); and when the old value cannot be loaded.
    #[track_caller]
    pub fn set_with_history<S: IsA<C>, C: Mapped, V: Field>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        value: impl IntoField<V>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let mut value = value.into_field();
            let index = self.number(object.id, attribute)?;
            self.load_replaced(object.id, index).await?;
            self.set_field(object.id, index, &mut value)
        }
    }

    /// As [`set_with_history`](Self::set_with_history), by the attribute's name.
    ///
    /// # Errors
    ///
    /// As [`set_named`](Self::set_named); and when the old value cannot be loaded.
    #[track_caller]
    pub fn set_with_history_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        value: impl Into<Datum>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let (id, value) = (object.into(), value.into());
            let attribute = self.attribute_named(id, name)?;
            self.load_replaced(id, attribute).await?;
            self.set_datum(id, attribute, value)
        }
    }

    /// Loads the value of an attribute with active history that is about to be replaced.
    async fn load_replaced(&mut self, id: Id, attribute: u16) -> Result<()> {
        self.arena.check(id)?;
        let state = self.arena.state(id);
        // What an object without a session has forgotten cannot be told: loading it says so.
        let lost = !state.in_session() && self.arena.of(id).is_expired(id.slot, attribute);
        if !state.is_attached() && !lost {
            return Ok(());
        }
        let mappers = std::sync::Arc::clone(&self.mappers);
        // A listener may ask for it as well.
        let heard = self.listeners.wants_old(self.declaring(id, attribute), attribute, id, self);
        match &mappers.at(id.class).property(attribute).kind {
            PropertyKind::Column(column) if heard || column.has_active_history() => {
                self.ensure_loaded(id, attribute).await
            }
            PropertyKind::Relationship(relationship)
                if (heard || relationship.has_active_history()) && self.is_open(id, attribute) =>
            {
                self.load_committed(&[id], attribute).await
            }
            _ => Ok(()),
        }
    }
}
