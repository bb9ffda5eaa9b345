//! The owners that objects are known to have: what `delete-orphan` goes by.

use hashbrown::hash_map::Entry;

use super::journal::Undo;
use crate::instrumentation::{Attr, Handle, Id, IsA, Mapped, RelationshipField};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Whether an object has an owner in a relationship, as far as the session has seen it come and go; where it has
    /// seen neither, the answer is `optimistic`. SQLAlchemy's `has_parent`.
    ///
    /// # Errors
    ///
    /// When the object is not here, and when no owners are remembered for the relationship: it is many-to-one or
    /// many-to-many, and neither `single_parent` nor cascading `delete-orphan`.
    pub fn has_parent<S, C, V>(
        &mut self,
        child: Handle<S>,
        attribute: Attr<C, V>,
        optimistic: bool,
    ) -> Result<bool>
    where
        C: Mapped,
        V: RelationshipField,
        S: IsA<V::Target>,
    {
        self.arena.check(child.id)?;
        let class = self.class_of::<C>()?;
        match self.mappers.at(class).relationship(attribute.index()) {
            Some(r) if r.tracks_parents() => {
                Ok(self.has_parent_at(child.id, r.parent, r.attribute, optimistic))
            }
            _ => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{attribute:?} does not remember the owners of its objects"),
            )),
        }
    }

    /// The same by numbers.
    pub(crate) fn has_parent_at(
        &self,
        child: Id,
        parent: u16,
        attribute: u16,
        optimistic: bool,
    ) -> bool {
        self.parents.get(&(child, parent, attribute)).map_or(optimistic, Option::is_some)
    }

    /// Remembers that an object has, or has lost, its owner in a relationship.
    #[inline]
    pub(crate) fn set_parent(
        &mut self,
        child: Id,
        relationship: &Relationship,
        owner: Id,
        has: bool,
    ) {
        if !relationship.tracks_parents() {
            return;
        }
        let key = (child, relationship.parent, relationship.attribute);
        let now = has.then_some(owner);
        let old = match self.parents.entry(key) {
            // It has another owner by now.
            Entry::Occupied(entry) if !has && entry.get().is_some_and(|old| old != owner) => return,
            Entry::Occupied(mut entry) => Some(entry.insert(now)),
            Entry::Vacant(entry) => {
                entry.insert(now);
                None
            }
        };
        self.journal.write(|| Undo::Parent { key, old });
    }
}
