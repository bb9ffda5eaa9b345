//! Keys that change: the objects that refer to them by a many-to-one that nobody answers.

use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::session::unit_of_work::run::Run;
use crate::session::unit_of_work::work::{Batch, Work};

impl Session {
    /// The objects of a batch whose key has changed.
    pub(in crate::session::unit_of_work) fn switched(
        &self,
        batch: &Batch,
        relationship: &Relationship,
    ) -> Vec<Id> {
        let objects = batch.objects.iter();
        objects
            .filter(|(id, mark)| !mark.delete && self.referred_key_changed(*id, relationship))
            .map(|(id, _)| *id)
            .collect()
    }

    fn referred_key_changed(&self, id: Id, relationship: &Relationship) -> bool {
        self.any_changed(id, |a| relationship.pairs.iter().any(|(_, remote)| *remote == a))
    }

    /// The objects that refer to one of those whose key has changed: a search through the session.
    pub(in crate::session::unit_of_work) fn referring_to(
        &self,
        relationship: &Relationship,
        switched: &[Id],
    ) -> Vec<(Id, Id)> {
        let referring =
            self.arena.ids(|s| s.life == ObjectState::Persistent && !s.has(Flags::DELETING));
        referring
            .into_iter()
            .filter(|id| self.mappers.is_a(id.class, relationship.parent))
            .filter_map(|id| {
                let known =
                    self.arena.field(id, relationship.attribute).one().and_then(|one| one.known());
                let target = match known {
                    Some(target) => target,
                    None if relationship.passive_updates => None,
                    None => self.peek_reference(id, relationship).flatten(),
                };
                target.filter(|t| switched.contains(t)).map(|target| (id, target))
            })
            .collect()
    }

    /// Where the database carries keys over, the objects in memory follow.
    pub(super) fn process_key_switches(
        &mut self,
        run: &mut Run,
        work: &mut Work,
        relationship: &Relationship,
        ids: &[Id],
    ) -> Result<()> {
        let switched: Vec<Id> =
            ids.iter().copied().filter(|id| self.referred_key_changed(*id, relationship)).collect();
        if switched.is_empty() {
            return Ok(());
        }
        for (id, target) in self.referring_to(relationship, &switched) {
            self.register(work, id, false, relationship.passive_updates, false);
            self.follow(relationship, id, target)?;
            if relationship.passive_updates {
                for (local, _) in &relationship.pairs {
                    if self.mapper_of(id).primary_key.contains(local) {
                        run.cascaded.insert((id, *local));
                    }
                }
            }
        }
        Ok(())
    }

    /// An object takes over the new key of what it refers to.
    pub(in crate::session::unit_of_work) fn follow(
        &mut self,
        relationship: &Relationship,
        id: Id,
        target: Id,
    ) -> Result<()> {
        for &(local, remote) in &relationship.pairs {
            self.carry(target, remote, id, local)?;
        }
        Ok(())
    }
}
