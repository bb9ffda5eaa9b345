//! The owners that objects are known to have: what `delete-orphan` goes by.

use super::events::Initiator;
use super::journal::Undo;
use crate::instrumentation::{Attr, Handle, Id, IsA, Mapped, RelationshipField};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::owners::{Owner, OwnerKey};
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

    /// What a relationship with `single_parent` takes has no owner in it yet. It is asked about changes of its own, as a
    /// validator is that does not hear of the other side's.
    pub(super) fn check_single_parent(
        &self,
        relationship: &Relationship,
        child: Id,
        initiator: Initiator,
    ) -> Result<()> {
        let (parent, attribute) = (relationship.parent, relationship.attribute);
        if !relationship.single_parent
            || !initiator.is(parent, attribute, initiator.op())
            || !self.arena.holds(child)
            || !self.has_parent_at(child, parent, attribute, false)
        {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} has an owner in `{}.{}` already, and can have one only (`single_parent`): take it from there first",
                self.describe_object(child),
                self.mappers.at(parent).class_name(),
                relationship.name
            ),
        ))
    }

    /// The same by numbers.
    pub(crate) fn has_parent_at(
        &self,
        child: Id,
        parent: u16,
        attribute: u16,
        optimistic: bool,
    ) -> bool {
        match self.owner_of(child, parent, attribute) {
            Owner::Unknown => optimistic,
            Owner::Lost => false,
            Owner::Is(_) | Owner::Away => true,
        }
    }

    /// What is known of an object's owner in a relationship. One that was elsewhere may be here by now.
    pub(crate) fn owner_of(&self, child: Id, parent: u16, attribute: u16) -> Owner {
        let Some(at) = self.owned_by(child, parent, attribute) else { return Owner::Unknown };
        match self.arena.of(child).owners.get(child.slot, at) {
            Owner::Away => self.arrived(child, at).map_or(Owner::Away, Owner::Is),
            known => known,
        }
    }

    /// The object of this session that is the owner which an object had elsewhere.
    #[cold]
    fn arrived(&self, child: Id, relationship: usize) -> Option<Id> {
        let (root, key) = self.arena.of(child).owners.away(child.slot, relationship)?;
        let place = self.identity_of(*root)?.get(key)?;
        Some(self.id_at(place))
    }

    /// Whether an object stands for the owner that another had elsewhere.
    #[cold]
    fn is_away(&self, child: Id, relationship: usize, owner: Id) -> bool {
        let away = self.arena.of(child).owners.away(child.slot, relationship);
        away.is_some_and(|(root, key)| {
            self.mappers.at(owner.class).root == *root
                && self.identity_key(owner).as_ref() == Some(key)
        })
    }

    /// Who the owner is that an object has elsewhere in a relationship, where that is known.
    pub(crate) fn owner_away(&self, child: Id, parent: u16, attribute: u16) -> Option<OwnerKey> {
        let at = self.owned_by(child, parent, attribute)?;
        self.arena.of(child).owners.away(child.slot, at).cloned()
    }

    /// Puts down that an object has an owner which is not here.
    pub(crate) fn set_owner_away(
        &mut self,
        child: Id,
        parent: u16,
        attribute: u16,
        key: Option<OwnerKey>,
    ) {
        if let (Some(at), Some(key)) = (self.owned_by(child, parent, attribute), key) {
            self.arena.of_mut(child).owners.put_away(child.slot, at, key);
        }
        self.set_owner(child, parent, attribute, Owner::Away);
    }

    /// An object that was made of another one has its owners elsewhere.
    pub(crate) fn take_owners_away(&mut self, from: Id, to: Id) {
        if self.arena.of(from).owners.is_empty() {
            return;
        }
        let owners = self.mapper_of(from).owners.clone();
        for (parent, attribute) in owners {
            let is_away = self
                .owned_by(from, parent, attribute)
                .is_some_and(|at| self.arena.of(from).owners.get(from.slot, at) == Owner::Away);
            if is_away && self.owner_of(to, parent, attribute) == Owner::Unknown {
                let key = self.owner_away(from, parent, attribute);
                self.set_owner_away(to, parent, attribute, key);
            }
        }
    }

    /// The place of a relationship among those that an object can be owned in.
    #[inline]
    pub(super) fn owned_by(&self, child: Id, parent: u16, attribute: u16) -> Option<usize> {
        self.mapper_of(child).owners.iter().position(|r| *r == (parent, attribute))
    }

    /// Whether two objects stand for one row: one of them has left the session.
    #[cold]
    fn stand_for_one_row(&self, one: Id, other: Id) -> bool {
        let root = |id: Id| self.mappers.at(id.class).root;
        self.arena.holds(one)
            && root(one) == root(other)
            && self.identity_key(one).is_some_and(|key| self.identity_key(other) == Some(key))
    }

    /// Puts down what is known of an object's owner.
    pub(crate) fn set_owner(&mut self, child: Id, parent: u16, attribute: u16, owner: Owner) {
        if let Some(relationship) = self.owned_by(child, parent, attribute) {
            let old = self.arena.of_mut(child).owners.set(child.slot, relationship, owner);
            self.journal.write(|| Undo::Owner { id: child, relationship, old });
        }
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
        let (parent, attribute) = (relationship.parent, relationship.attribute);
        let Some(relationship) = self.owned_by(child, parent, attribute) else { return };
        let now = if has {
            Owner::Is(owner)
        } else {
            let is_another = match self.arena.of(child).owners.get(child.slot, relationship) {
                Owner::Is(other) => other != owner && !self.stand_for_one_row(other, owner),
                Owner::Away => !self.is_away(child, relationship, owner),
                Owner::Unknown | Owner::Lost => false,
            };
            if is_another {
                return;
            }
            Owner::Lost
        };
        let old = self.arena.of_mut(child).owners.set(child.slot, relationship, now);
        self.journal.write(|| Undo::Owner { id: child, relationship, old });
    }
}
