//! What the relationships bring into a flush: members whose foreign keys change, orphans, what a deletion
//! reaches. What is not loaded and has to be known is loaded here, many objects at a time.

use aludel_sql::{Bind, ValueRef};

use super::dependency::Loads;
use super::links::Links;
use super::work::{Batch, Side, Work};
use crate::Result;
use crate::instrumentation::{Id, OneCore};
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::cascade::Cascade;
use crate::session::identity::Key;
use crate::session::state::ObjectState;

impl Session {
    /// Lets the relationships bring in what they have to, until nothing new comes.
    pub(super) async fn presort(&mut self, work: &mut Work) -> Result<()> {
        let mappers = std::sync::Arc::clone(&work.mappers);
        let mut links = Links::default();
        loop {
            let mut moved = false;
            let mut at = 0;
            while at < work.processors.len() {
                let key = (work.processors[at].parent, work.processors[at].attribute);
                let batch = work.next_batch(at);
                at += 1;
                let Some(batch) = batch else { continue };
                let Some(relationship) = mappers.at(key.0).relationship(key.1) else { continue };
                moved = true;
                // Of objects that others refer to, the relationship is not an attribute.
                if self.presort_switches(work, &batch, relationship, true)? {
                    continue;
                }
                let loads = self.wanted(work, &batch, relationship);
                self.fetch(relationship, loads).await?;
                self.load_sources(work, &batch, relationship).await?;
                self.keep_references(&batch, relationship).await?;
                // What a deleted owner has lost, another one may have.
                for deletes in [true, false] {
                    let orphans =
                        self.presort_batch(work, &batch, relationship, deletes, &mut links);
                    self.load_levels_to_delete(orphans.clone()).await?;
                    for doomed in orphans {
                        if self.is_to_cascade(work, doomed)
                            && self.arena.state(doomed).life == ObjectState::Persistent
                        {
                            for next in self.delete_cascade(doomed).await? {
                                self.register(work, next, true, false, false);
                            }
                        }
                    }
                }
                self.activate(work, &batch, relationship);
            }
            if !moved {
                work.freeze();
                return Ok(());
            }
        }
    }

    /// The same from what is known, for a plan.
    pub(super) fn presort_known(&self, work: &mut Work) {
        let mappers = std::sync::Arc::clone(&work.mappers);
        let mut links = Links::default();
        loop {
            let mut moved = false;
            let mut at = 0;
            while at < work.processors.len() {
                let key = (work.processors[at].parent, work.processors[at].attribute);
                let batch = work.next_batch(at);
                at += 1;
                let Some(batch) = batch else { continue };
                let Some(relationship) = mappers.at(key.0).relationship(key.1) else { continue };
                moved = true;
                if work.processors[batch.processor].side == Side::Referred {
                    continue;
                }
                for deletes in [true, false] {
                    for doomed in
                        self.presort_batch(work, &batch, relationship, deletes, &mut links)
                    {
                        if self.is_to_cascade(work, doomed) {
                            for next in self.cascade(doomed, Cascade::Delete, |_, _| false) {
                                self.register(work, next, true, false, false);
                            }
                        }
                    }
                }
                self.activate(work, &batch, relationship);
            }
            if !moved {
                work.freeze();
                return;
            }
        }
    }

    /// Registers an orphan to be deleted; says whether its deletion is yet to cascade. That it is registered already
    /// does not say so: it may itself have changed.
    fn is_to_cascade(&self, work: &mut Work, doomed: Id) -> bool {
        self.register(work, doomed, true, false, false);
        work.is_deleted(doomed) && work.cascaded.insert(doomed)
    }

    fn activate(&self, work: &mut Work, batch: &Batch, relationship: &Relationship) {
        if !work.processors[batch.processor].active && self.takes_part(work, batch, relationship) {
            work.processors[batch.processor].active = true;
        }
    }

    async fn fetch(&mut self, relationship: &Relationship, loads: Loads) -> Result<()> {
        for replaced in by_class(loads.replaced) {
            self.load_committed_references(&replaced, relationship.attribute).await?;
        }
        for whole in by_class(loads.whole) {
            self.load_committed(&whole, relationship.attribute).await?;
        }
        Ok(())
    }

    /// What carries keys to other rows without being a key itself may have to be loaded.
    async fn load_sources(
        &mut self,
        work: &Work,
        batch: &Batch,
        relationship: &Relationship,
    ) -> Result<()> {
        let target = work.mappers.at(relationship.target);
        let parent = work.mappers.at(relationship.parent);
        let (locals, remotes): (Vec<u16>, Vec<u16>) = match &relationship.secondary {
            Some(s) => (
                s.local.iter().map(|(a, _)| *a).collect(),
                s.remote.iter().map(|(a, _)| *a).collect(),
            ),
            None if relationship.direction == crate::mapping::Direction::OneToMany => {
                (relationship.pairs.iter().map(|(a, _)| *a).collect(), Vec::new())
            }
            None => (Vec::new(), relationship.pairs.iter().map(|(_, a)| *a).collect()),
        };
        let locals: Vec<u16> =
            locals.into_iter().filter(|a| !parent.primary_key.contains(a)).collect();
        let remotes: Vec<u16> =
            remotes.into_iter().filter(|a| !target.primary_key.contains(a)).collect();
        self.load_expired_sources(batch, relationship).await?;
        if locals.is_empty() && remotes.is_empty() {
            return Ok(());
        }
        let mut wanted: Vec<(Id, u16)> = Vec::new();
        let mut links = Links::default();
        for &(id, _) in &batch.objects {
            wanted.extend(locals.iter().map(|a| (id, *a)));
            if !remotes.is_empty() {
                self.links(id, relationship, super::links::Wanted::Changes, &mut links);
                let others = links.added.iter().filter(|o| self.arena.holds(**o));
                wanted.extend(others.flat_map(|other| remotes.iter().map(|a| (*other, *a))));
            }
        }
        self.ensure_each_loaded(wanted).await
    }

    /// An expired object whose key others are to get is read, as it is when its own row is written: one whose row
    /// is gone is found out before others refer to it.
    async fn load_expired_sources(
        &mut self,
        batch: &Batch,
        relationship: &Relationship,
    ) -> Result<()> {
        let mut sources = Vec::new();
        let mut last = None;
        for &(id, _) in batch.objects.iter().filter(|(_, mark)| !mark.delete) {
            if relationship.direction == crate::mapping::Direction::ManyToOne {
                let target = self.new_reference(id, relationship.attribute).flatten();
                // Neighbours often refer to the same.
                if target == last {
                    continue;
                }
                last = target;
                sources.extend(target.filter(|t| self.arena.holds(*t)));
            } else {
                let added =
                    self.deltas.get(&(id, relationship.attribute)).map_or(0, |d| d.added.len());
                sources.extend((added > 0).then_some(id));
            }
        }
        self.read_expired(sources).await
    }

    /// What objects that are to be deleted refer to, as far as the session knows it, stays known: their rows cannot tell
    /// any more. An expired one is read for that, as it is when its row is written.
    async fn keep_references(&mut self, batch: &Batch, relationship: &Relationship) -> Result<()> {
        if !relationship.is_by_key() || !batch.deletes {
            return Ok(());
        }
        let mut last = None;
        let mut expired = Vec::new();
        for &(id, mark) in &batch.objects {
            if mark.delete
                && !self.keep_plain_reference(id, relationship, &mut last)
                && self.is_open(id, relationship.attribute)
                && !self.keep_reference(id, relationship)
            {
                expired.push(id);
            }
        }
        let locals = relationship.pairs.iter().map(|(local, _)| *local);
        let wanted = expired.iter().flat_map(|id| locals.clone().map(|local| (*id, local)));
        self.ensure_each_loaded(wanted.collect()).await?;
        for id in expired {
            self.keep_reference(id, relationship);
        }
        Ok(())
    }

    /// Fills in a reference by its key, where that is in the identity map; says whether the key is known.
    fn keep_reference(&mut self, id: Id, relationship: &Relationship) -> bool {
        let Some(key) = self.foreign_key(id, relationship, true) else { return false };
        match key.map(|key| self.find(relationship.target, &key)) {
            None => self.fill_reference(id, relationship.attribute, None),
            Some(None) => {}
            Some(found) => self.fill_reference(id, relationship.attribute, found),
        }
        true
    }

    /// The same of an object that nothing has happened to, by far the most frequent; says whether there is nothing left
    /// to do. Neighbours often refer to the same: `last` has what was found before.
    #[inline]
    fn keep_plain_reference(
        &mut self,
        id: Id,
        relationship: &Relationship,
        last: &mut Option<(i64, Id)>,
    ) -> bool {
        let slab = self.arena.of(id);
        let state = &slab.states[id.slot as usize];
        if state.life != ObjectState::Persistent {
            return true;
        }
        let [(local, _)] = relationship.pairs.as_slice() else { return false };
        let Some(object) = slab.objects.get(id.slot).filter(|_| state.head == 0) else {
            return false;
        };
        let reference = object.field(relationship.attribute).and_then(|field| field.one());
        if !matches!(reference, Some(OneCore::NotLoaded | OneCore::Unset)) {
            return true;
        }
        let key = match object.field(*local).map(|field| field.bind()) {
            Some(Bind::Ref(ValueRef::I64(key))) if slab.is_loaded(id.slot, *local) => key,
            _ => return false,
        };
        if last.is_none_or(|(of, _)| of != key) {
            let Some(found) = self.find(relationship.target, &Key::Int(key)) else { return true };
            *last = Some((key, found));
        }
        self.fill_reference(id, relationship.attribute, last.map(|(_, found)| found));
        true
    }

    /// The expired columns of an object, without the foreign keys that its references are about to set: those
    /// are written whatever the row has.
    pub(super) fn columns_to_read(&self, id: Id) -> Vec<u16> {
        let mut columns = self.expired_columns(id);
        let mapper = self.mapper_of(id);
        for &attribute in &mapper.relationships {
            let Some(relationship) = mapper.relationship(attribute) else { continue };
            if relationship.direction == crate::mapping::Direction::ManyToOne
                && !relationship.viewonly
                && self.new_reference(id, attribute).is_some()
            {
                columns.retain(|c| !relationship.pairs.iter().any(|(local, _)| local == c));
            }
        }
        columns
    }

    /// Objects that refer to others whose key has changed. Says whether the batch was of that kind.
    fn presort_switches(
        &mut self,
        work: &mut Work,
        batch: &Batch,
        relationship: &Relationship,
        follow: bool,
    ) -> Result<bool> {
        if work.processors[batch.processor].side != Side::Referred {
            return Ok(false);
        }
        let switched = self.switched(batch, relationship);
        if switched.is_empty() {
            return Ok(true);
        }
        if relationship.passive_updates {
            work.processors[batch.processor].active = true;
        } else if follow {
            for (id, target) in self.referring_to(relationship, &switched) {
                self.register(work, id, false, false, false);
                self.follow(relationship, id, target)?;
            }
        }
        Ok(true)
    }
}

/// The objects of each class.
fn by_class(mut ids: Vec<Id>) -> Vec<Vec<Id>> {
    let mut classes = Vec::new();
    while let Some(first) = ids.first().copied() {
        let (same, others) = ids.into_iter().partition(|id| id.class == first.class);
        classes.push(same);
        ids = others;
    }
    classes
}
