//! What each kind of relationship does in a flush: which other objects it brings in, what waits for what, and
//! the keys it carries from row to row.
//!
//! SQLAlchemy's `DependencyProcessor`s. Each file has, for one direction, the *presort* (what is brought in),
//! the *order* (edges between actions, for all objects at once and for single objects) and the *process*
//! (carrying keys over). What has to be loaded for the presort is asked for first, many objects at a time.

pub(super) mod key_switch;
pub(super) mod many_to_many;
pub(super) mod many_to_one;
pub(super) mod one_to_many;

use super::IdSet;
use super::links::{Links, Wanted};
use super::run::Run;
use super::work::{Batch, Processor, Side, Work};
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::{Direction, PassiveDeletes, Relationship};
use crate::session::Session;
use crate::session::state::Flags;

/// What has to be loaded before the presort of a batch.
#[derive(Default)]
pub(super) struct Loads {
    /// Relationships of objects that are not loaded.
    pub(super) whole: Vec<Id>,
    /// Objects whose reference was replaced while nobody knew to what it referred.
    pub(super) replaced: Vec<Id>,
}

/// The nodes of the sort that a relationship lies between.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) parent_save: u32,
    pub(super) child_save: u32,
    pub(super) parent_delete: u32,
    pub(super) child_delete: u32,
    pub(super) after_save: u32,
    pub(super) before_delete: u32,
    /// The UPDATEs of `post_update`, after the saves and before the deletions.
    pub(super) post_update: u32,
    pub(super) pre_update: u32,
}

/// The nodes of a single owner and one of its related objects. What does not take part is `None`.
#[derive(Clone, Copy)]
pub(super) struct OneEnds {
    /// The owner's own save or deletion.
    pub(super) owner: u32,
    /// The related object's action, and whether it is its deletion.
    pub(super) child: Option<(u32, bool)>,
    pub(super) process: u32,
    pub(super) post_update: u32,
    pub(super) pre_update: u32,
}

/// The edges of a relationship between the actions for all objects.
pub(super) fn order(relationship: &Relationship, ends: Ends, edges: &mut Vec<(u32, u32)>) {
    match relationship.direction {
        Direction::OneToMany => one_to_many::order(relationship, ends, edges),
        Direction::ManyToOne => many_to_one::order(relationship, ends, edges),
        Direction::ManyToMany => many_to_many::order(ends, edges),
    }
}

/// The edges of a relationship between the actions for single objects.
pub(super) fn order_one(
    relationship: &Relationship,
    delete: bool,
    ends: OneEnds,
    edges: &mut Vec<(u32, u32)>,
) {
    match relationship.direction {
        Direction::OneToMany => one_to_many::order_one(relationship, delete, ends, edges),
        Direction::ManyToOne => many_to_one::order_one(relationship, delete, ends, edges),
        Direction::ManyToMany => many_to_many::order_one(delete, ends, edges),
    }
}

impl Session {
    /// What has to be loaded before the presort of a batch.
    pub(super) fn wanted(&self, work: &Work, batch: &Batch, relationship: &Relationship) -> Loads {
        let mut loads = Loads::default();
        if work.processors[batch.processor].side == Side::Referred {
            return loads;
        }
        let on_delete = relationship.passive_deletes == PassiveDeletes::No
            && match relationship.direction {
                Direction::OneToMany | Direction::ManyToMany => true,
                Direction::ManyToOne => {
                    relationship.cascades.delete || relationship.cascades.delete_orphan
                }
            };
        let on_key_change =
            !relationship.passive_updates && relationship.direction != Direction::ManyToOne;
        // What was replaced may have to let go of the owner's key, or to be deleted.
        let on_replace = !relationship.holder.is_collection()
            && (relationship.direction != Direction::ManyToOne
                || !relationship.by_key
                || relationship.cascades.delete_orphan);
        if !on_delete && !on_key_change && !on_replace {
            return loads;
        }
        for &(id, mark) in &batch.objects {
            let state = self.arena.state(id);
            if state.has(Flags::FRESH) || !state.has(Flags::HAS_KEY) {
                continue;
            }
            if on_replace && self.is_replaced_unknown(id, relationship.attribute) {
                loads.replaced.push(id);
                continue;
            }
            let wanted = if mark.delete {
                on_delete
            } else {
                on_key_change && self.key_changed(id, relationship)
            };
            if wanted && !self.is_known(id, relationship.attribute) {
                loads.whole.push(id);
            }
        }
        loads
    }

    /// Whether the attributes that a relationship carries to its members (or association rows) have changed.
    pub(super) fn key_changed(&self, id: Id, relationship: &Relationship) -> bool {
        match &relationship.secondary {
            Some(secondary) => {
                self.any_changed(id, |a| secondary.local.iter().any(|(l, _)| *l == a))
            }
            None => self.any_changed(id, |a| relationship.pairs.iter().any(|(l, _)| *l == a)),
        }
    }

    /// Registers what those objects of a batch bring in that are deleted, or those that are saved; gives the orphans,
    /// whose deletion cascades.
    pub(super) fn presort_batch(
        &self,
        work: &mut Work,
        batch: &Batch,
        relationship: &Relationship,
        deletes: bool,
        links: &mut Links,
    ) -> Vec<Id> {
        let mut orphans = Vec::new();
        let cascades = relationship.cascades;
        let brings_in = match relationship.direction {
            Direction::OneToMany => true,
            Direction::ManyToOne => cascades.delete || cascades.delete_orphan,
            Direction::ManyToMany => cascades.delete_orphan,
        };
        if !brings_in || deletes && !batch.deletes {
            return orphans;
        }
        for &(id, mark) in batch.objects.iter().filter(|(_, mark)| mark.delete == deletes) {
            match relationship.direction {
                Direction::OneToMany if mark.delete => {
                    self.one_to_many_delete(work, id, relationship, links, &mut orphans);
                }
                Direction::OneToMany => {
                    self.one_to_many_save(work, id, relationship, links, &mut orphans);
                }
                Direction::ManyToOne if mark.delete => {
                    self.many_to_one_delete(id, relationship, links, &mut orphans);
                }
                Direction::ManyToOne | Direction::ManyToMany
                    if !mark.delete && cascades.delete_orphan =>
                {
                    self.links(id, relationship, Wanted::Changes, links);
                    let lost =
                        links.deleted.iter().filter(|c| !self.still_owned(**c, relationship));
                    orphans.extend(lost);
                }
                _ => {}
            }
        }
        if !deletes && !orphans.is_empty() {
            self.keep_what_is_taken(batch, relationship, links, &mut orphans);
        }
        orphans
    }

    /// Members that another of the saved owners has taken are no orphans, also where nothing else is known of them
    /// any more, being expired.
    fn keep_what_is_taken(
        &self,
        batch: &Batch,
        relationship: &Relationship,
        links: &mut Links,
        orphans: &mut Vec<Id>,
    ) {
        let mut taken = IdSet::default();
        for &(id, _) in batch.objects.iter().filter(|(_, mark)| !mark.delete) {
            self.links(id, relationship, Wanted::Changes, links);
            taken.extend(links.added.iter().copied());
        }
        orphans.retain(|orphan| !taken.contains(orphan));
    }

    /// Whether an object is known to have an owner in a relationship.
    pub(super) fn still_owned(&self, child: Id, relationship: &Relationship) -> bool {
        self.has_parent_at(child, relationship.parent, relationship.attribute, false)
    }

    /// Puts an object on the list, where it is in the session.
    pub(super) fn register(
        &self,
        work: &mut Work,
        id: Id,
        delete: bool,
        list_only: bool,
        cancel_delete: bool,
    ) -> bool {
        if !delete && work.marks.is_saved(id) {
            return false;
        }
        self.arena.holds(id)
            && self.arena.state(id).in_session()
            && work.mark(id, delete, list_only, cancel_delete)
    }

    /// Whether a relationship has anything to do for a batch, so that it takes part in the sort.
    pub(super) fn takes_part(
        &self,
        work: &Work,
        batch: &Batch,
        relationship: &Relationship,
    ) -> bool {
        for &(id, mark) in &batch.objects {
            let known = self.has_links(id, relationship)
                || mark.delete
                    && relationship.direction == Direction::ManyToOne
                    && self.peek_reference(id, relationship).flatten().is_some();
            if known {
                return true;
            }
        }
        let mappers = &work.mappers;
        mappers.at(relationship.parent).root != mappers.at(relationship.target).root
            && work.has_class(relationship.target)
    }

    /// Carries keys over, for the objects that are saved or those that are deleted.
    pub(super) fn process(
        &mut self,
        run: &mut Run,
        work: &mut Work,
        processor: &ProcessorKey,
        delete: bool,
        ids: &[Id],
    ) -> Result<()> {
        let mappers = std::sync::Arc::clone(&work.mappers);
        let Some(relationship) = mappers.at(processor.parent).relationship(processor.attribute)
        else {
            return Ok(());
        };
        match (processor.side, relationship.direction) {
            (Side::Referred, _) => self.process_key_switches(run, work, relationship, ids),
            (_, Direction::OneToMany) if delete => {
                self.process_members_gone(run, work, relationship, ids)
            }
            (_, Direction::OneToMany) => self.process_members(run, work, relationship, ids),
            (_, Direction::ManyToOne) if delete => {
                self.process_reference_gone(run, relationship, ids)
            }
            (_, Direction::ManyToOne) => self.process_reference(run, work, relationship, ids),
            (_, Direction::ManyToMany) => self.process_association(run, relationship, delete, ids),
        }
    }
}

/// Which relationship, and which side of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessorKey {
    pub(super) parent: u16,
    pub(super) attribute: u16,
    pub(super) side: Side,
}

impl From<&Processor> for ProcessorKey {
    fn from(p: &Processor) -> Self {
        Self { parent: p.parent, attribute: p.attribute, side: p.side }
    }
}
