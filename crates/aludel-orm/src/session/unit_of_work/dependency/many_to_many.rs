//! Many-to-many: an association table holds the foreign keys.

use hashbrown::HashSet;

use super::{Ends, OneEnds};
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::Relationship;
use crate::session::Session;
use crate::session::unit_of_work::association::Association;
use crate::session::unit_of_work::links::{Links, Wanted};
use crate::session::unit_of_work::run::Run;

pub(super) fn order(ends: Ends, edges: &mut Vec<(u32, u32)>) {
    let Ends {
        parent_save,
        child_save,
        parent_delete,
        child_delete,
        after_save,
        before_delete,
        ..
    } = ends;
    edges.extend([
        (parent_save, after_save),
        (child_save, after_save),
        (after_save, child_delete),
        // A row switch makes the deletion of an owner part of its save.
        (before_delete, parent_save),
        (before_delete, parent_delete),
        (before_delete, child_delete),
        (before_delete, child_save),
    ]);
}

pub(super) fn order_one(delete: bool, ends: OneEnds, edges: &mut Vec<(u32, u32)>) {
    let OneEnds { owner, child, process, .. } = ends;
    if delete {
        edges.push((process, owner));
        edges.extend(child.map(|(child, _)| (process, child)));
        return;
    }
    edges.push((owner, process));
    match child {
        Some((child, true)) => edges.push((process, child)),
        Some((child, false)) => edges.push((child, process)),
        None => {}
    }
}

impl Session {
    /// The association rows of owners: those of new members are to be inserted, those of members that have gone
    /// (or of all, where the owner is deleted) are to be deleted.
    pub(super) fn process_association(
        &mut self,
        run: &mut Run,
        relationship: &Relationship,
        delete: bool,
        ids: &[Id],
    ) -> Result<()> {
        let group = association_group(relationship);
        let two_sided = !relationship.reverse.is_empty();
        let mut rows = Association::new(relationship);
        let mut links = Links::default();
        let mut twice: HashSet<Id, foldhash::fast::RandomState> = HashSet::default();
        let mut answered = Vec::new();
        for &id in ids {
            let key_changed =
                !delete && !relationship.passive_updates && self.key_changed(id, relationship);
            let wanted = if delete || key_changed { Wanted::All } else { Wanted::Changes };
            self.links(id, relationship, wanted, &mut links);
            let processed = run.processed.get(&group).filter(|_| two_sided);
            let is_done = |child: Id| processed.is_some_and(|p| p.contains(&(id, child)));
            let takes_part =
                |s: &Self, child: Id| s.arena.holds(child) && s.arena.state(child).in_session();
            if !delete {
                twice.clear();
                let many = links.added.len() > 1;
                for &child in &links.added {
                    if !is_done(child) && takes_part(self, child) && (!many || twice.insert(child))
                    {
                        rows.inserts.push((id, child));
                    }
                }
            }
            let unchanged = links.unchanged.iter().filter(|_| delete);
            for &child in links.deleted.iter().chain(unchanged) {
                if !is_done(child) && takes_part(self, child) {
                    rows.deletes.push((id, child));
                }
            }
            if key_changed {
                rows.updates.extend(links.unchanged.iter().map(|child| (id, *child)));
            }
            if two_sided {
                let added = links.added.iter().filter(|_| !delete);
                let unchanged = links.unchanged.iter().filter(|_| delete);
                answered
                    .extend(added.chain(&links.deleted).chain(unchanged).map(|child| (*child, id)));
            }
        }
        if two_sided && !answered.is_empty() {
            run.processed.entry(group).or_default().extend(answered);
        }
        run.associations.push(rows);
        Ok(())
    }
}

/// What the two sides of a many-to-many have in common.
fn association_group(relationship: &Relationship) -> (u16, u16) {
    let own = (relationship.parent, relationship.attribute);
    relationship.reverse.iter().copied().chain([own]).min().unwrap_or(own)
}
