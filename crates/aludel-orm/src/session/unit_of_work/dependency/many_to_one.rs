//! Many-to-one: the owner holds the foreign key.

use super::{Ends, OneEnds};
use crate::Result;
use crate::attributes::log::Old;
use crate::instrumentation::{Id, OneCore};
use crate::mapping::{PassiveDeletes, Relationship};
use crate::session::Session;
use crate::session::state::Flags;
use crate::session::unit_of_work::links::{Links, Wanted};
use crate::session::unit_of_work::run::Run;
use crate::session::unit_of_work::work::Work;

pub(super) fn order(relationship: &Relationship, ends: Ends, edges: &mut Vec<(u32, u32)>) {
    let Ends {
        parent_save,
        child_save,
        parent_delete,
        child_delete,
        after_save,
        before_delete,
        ..
    } = ends;
    if relationship.post_update {
        edges.extend([
            (child_save, after_save),
            (parent_save, after_save),
            (after_save, ends.post_update),
            (after_save, ends.pre_update),
            (before_delete, ends.pre_update),
            (ends.pre_update, child_delete),
            (ends.pre_update, parent_delete),
        ]);
    } else {
        edges.extend([
            (child_save, after_save),
            (after_save, parent_save),
            (parent_save, child_delete),
            (parent_delete, child_delete),
        ]);
    }
}

pub(super) fn order_one(
    relationship: &Relationship,
    delete: bool,
    ends: OneEnds,
    edges: &mut Vec<(u32, u32)>,
) {
    let OneEnds { owner, child, process, post_update, pre_update } = ends;
    match (relationship.post_update, delete, child) {
        (true, false, Some((child, true))) => {
            edges.extend([(process, post_update), (post_update, child)]);
        }
        (true, false, child) => {
            edges.push((owner, process));
            edges.extend(child.map(|(child, _)| (child, process)));
            edges.push((process, post_update));
        }
        (true, true, child) => {
            edges.extend([(process, pre_update), (pre_update, owner)]);
            edges.extend(child.map(|(child, _)| (pre_update, child)));
        }
        (false, false, child) => {
            edges.extend(child.filter(|(_, deleted)| !deleted).map(|(child, _)| (child, process)));
            edges.push((process, owner));
        }
        (false, true, Some((child, true))) => edges.push((owner, child)),
        (false, true, _) => {}
    }
}

impl Session {
    /// An owner is to be deleted, and what it refers to with it where the cascade says so.
    pub(super) fn many_to_one_delete(
        &self,
        id: Id,
        relationship: &Relationship,
        links: &mut Links,
        orphans: &mut Vec<Id>,
    ) {
        let cascades = relationship.cascades;
        if !cascades.delete && !cascades.delete_orphan {
            return;
        }
        self.links(id, relationship, Wanted::All, links);
        orphans.extend(links.added.iter().chain(&links.unchanged));
        if cascades.delete_orphan {
            orphans.extend(&links.deleted);
        }
    }

    /// Saved owners get the keys of what they refer to.
    pub(super) fn process_reference(
        &mut self,
        run: &mut Run,
        work: &Work,
        relationship: &Relationship,
        ids: &[Id],
    ) -> Result<()> {
        let only = match relationship.pairs.as_slice() {
            &[pair] if !self.may_refuse() => Some(pair),
            _ => None,
        };
        // What the object before refers to, and its key: neighbours often refer to the same.
        let mut last: Option<(Id, i64)> = None;
        for &id in ids {
            if !relationship.post_update {
                // Mostly the other side of the relationship has carried the key over already.
                if let (Some((local, _)), Some(last)) = (only, last)
                    && self.has_key_of(id, (relationship.attribute, local), last)
                {
                    continue;
                }
                if work.is_deleted(id) {
                    continue;
                }
            }
            let Some(target) = self.new_reference(id, relationship.attribute) else {
                if relationship.post_update && self.has_links(id, relationship) {
                    run.post_update(self, relationship, id);
                }
                continue;
            };
            match target {
                Some(target) => {
                    // What is not in the session has no row to refer to.
                    if self.arena.holds(target) && self.arena.state(target).in_session() {
                        for &(local, remote) in &relationship.pairs {
                            self.carry(target, remote, id, local)?;
                        }
                        let whole = only.and_then(|(_, remote)| self.whole_key(target, remote));
                        last = whole.map(|key| (target, key));
                    }
                }
                None => {
                    let local = relationship.pairs.iter().map(|(local, _)| *local);
                    self.clear_key(relationship, id, local)?;
                }
            }
            // What it has taken over may be a key of its own.
            last = last.filter(|(target, _)| *target != id);
            if relationship.post_update {
                run.post_update(self, relationship, id);
            }
        }
        Ok(())
    }

    /// What a reference was set to, if it was.
    pub(in crate::session::unit_of_work) fn new_reference(
        &self,
        id: Id,
        attribute: u16,
    ) -> Option<Option<Id>> {
        let state = self.arena.state(id);
        let current = self.arena.field(id, attribute).one().and_then(OneCore::known);
        if state.has(Flags::FRESH) {
            return current;
        }
        let entry = self.log.find(state.head, attribute)?;
        let old = match &entry.old {
            Old::One(old) => old.known(),
            _ => None,
        };
        if current.is_none() && entry.old.was_never_set() {
            return None;
        }
        if current.is_some() && current == old { None } else { Some(current.flatten()) }
    }

    /// Deleted owners let go of what they refer to before it is deleted, where that takes an UPDATE.
    pub(super) fn process_reference_gone(
        &mut self,
        run: &mut Run,
        relationship: &Relationship,
        ids: &[Id],
    ) -> Result<()> {
        if !relationship.post_update
            || relationship.cascades.delete_orphan
            || relationship.passive_deletes == PassiveDeletes::All
        {
            return Ok(());
        }
        let mut links = Links::default();
        for &id in ids {
            self.links(id, relationship, Wanted::All, &mut links);
            let refers = !links.added.is_empty()
                || !links.unchanged.is_empty()
                || !links.deleted.is_empty()
                || self.peek_reference(id, relationship).flatten().is_some();
            let local = relationship.pairs.iter().map(|(local, _)| *local);
            self.clear_key(relationship, id, local)?;
            if refers {
                run.post_update(self, relationship, id);
            }
        }
        Ok(())
    }
}
