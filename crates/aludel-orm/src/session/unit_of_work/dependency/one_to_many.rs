//! One-to-many: the members hold the foreign key.

use super::{Ends, OneEnds};
use crate::Result;
use crate::instrumentation::Id;
use crate::mapping::{PassiveDeletes, Relationship};
use crate::session::Session;
use crate::session::owners::Owner;
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
            (before_delete, ends.pre_update),
            (ends.pre_update, parent_delete),
            (ends.pre_update, child_delete),
        ]);
    } else {
        edges.extend([
            (parent_save, after_save),
            (after_save, child_save),
            (after_save, child_delete),
            (child_save, parent_delete),
            (child_delete, parent_delete),
            (before_delete, child_save),
            (before_delete, child_delete),
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
    match (relationship.post_update, delete) {
        (true, false) => {
            if child.is_none_or(|(_, deleted)| !deleted) {
                edges.push((owner, process));
            }
            edges.extend(child.map(|(child, _)| (child, process)));
            edges.push((process, post_update));
        }
        (true, true) => edges.extend([(process, pre_update), (pre_update, owner)]),
        (false, false) => {
            edges.push((owner, process));
            edges.extend(child.iter().flat_map(|(child, _)| [(process, *child), (owner, *child)]));
        }
        (false, true) => {
            edges.extend(child.iter().flat_map(|(child, _)| [(process, *child), (*child, owner)]));
            if child.is_none() {
                edges.push((process, owner));
            }
        }
    }
}

impl Session {
    /// An owner is to be deleted: the foreign keys of its members will be cleared, or they are deleted as well.
    pub(super) fn one_to_many_delete(
        &self,
        work: &mut Work,
        id: Id,
        relationship: &Relationship,
        links: &mut Links,
        orphans: &mut Vec<Id>,
    ) {
        let clears =
            !relationship.cascades.delete && relationship.passive_deletes != PassiveDeletes::All;
        self.links(id, relationship, if clears { Wanted::All } else { Wanted::Changes }, links);
        for &child in &links.deleted {
            if !self.still_owned(child, relationship) {
                if relationship.cascades.delete_orphan {
                    orphans.push(child);
                } else {
                    self.register(work, child, false, false, false);
                }
            }
        }
        if clears {
            for &child in &links.unchanged {
                self.register(work, child, false, false, false);
            }
        }
    }

    /// An owner is to be saved: new members get its key, those that have gone lose it or are deleted.
    pub(super) fn one_to_many_save(
        &self,
        work: &mut Work,
        id: Id,
        relationship: &Relationship,
        links: &mut Links,
        orphans: &mut Vec<Id>,
    ) {
        let key_changed = self.key_changed(id, relationship);
        self.links(
            id,
            relationship,
            if key_changed { Wanted::All } else { Wanted::Changes },
            links,
        );
        for &child in &links.added {
            self.register(work, child, false, false, true);
        }
        for &child in &links.deleted {
            if !relationship.cascades.delete_orphan {
                if relationship.passive_deletes != PassiveDeletes::All {
                    self.register(work, child, false, false, false);
                }
            } else if !self.still_owned(child, relationship) {
                orphans.push(child);
            }
        }
        if key_changed {
            for &child in &links.unchanged {
                self.register(work, child, false, relationship.passive_updates, false);
            }
        }
    }

    /// The members of saved owners get their keys.
    pub(super) fn process_members(
        &mut self,
        run: &mut Run,
        work: &Work,
        relationship: &Relationship,
        ids: &[Id],
    ) -> Result<()> {
        let clears = !relationship.cascades.delete_orphan
            && relationship.passive_deletes != PassiveDeletes::All;
        let mut links = Links::default();
        for &id in ids {
            let key_changed = self.key_changed(id, relationship);
            let wanted = if key_changed { Wanted::All } else { Wanted::Changes };
            self.links(id, relationship, wanted, &mut links);
            // The same for all members.
            let whole = match relationship.pairs.as_slice() {
                &[(local, remote)] if !links.added.is_empty() => {
                    self.whole_key(id, local).map(|key| (key, remote))
                }
                _ => None,
            };
            for &child in &links.added {
                match whole {
                    Some((key, remote)) if self.can_write(work, relationship, child) => {
                        self.carry_whole(key, child, remote)?;
                    }
                    Some(_) => {}
                    None => self.give_key(run, work, relationship, id, child, false)?,
                }
                if relationship.post_update {
                    run.post_update(self, relationship, child);
                }
            }
            if clears {
                for &child in &links.deleted {
                    if !self.still_owned(child, relationship) {
                        self.take_key(work, relationship, child)?;
                    }
                }
            }
            if key_changed {
                for &child in &links.unchanged {
                    self.give_key(
                        run,
                        work,
                        relationship,
                        id,
                        child,
                        relationship.passive_updates,
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The members of deleted owners lose their keys.
    pub(super) fn process_members_gone(
        &mut self,
        run: &mut Run,
        work: &Work,
        relationship: &Relationship,
        ids: &[Id],
    ) -> Result<()> {
        if relationship.passive_deletes == PassiveDeletes::All && !relationship.post_update {
            return Ok(());
        }
        // Those that stayed are deleted as well.
        let go_along = relationship.cascades.delete && !relationship.post_update;
        let wanted = if go_along { Wanted::Changes } else { Wanted::All };
        let mut links = Links::default();
        for &id in ids {
            self.links(id, relationship, wanted, &mut links);
            for &child in &links.deleted {
                if !self.still_owned(child, relationship) {
                    self.take_key(work, relationship, child)?;
                    if relationship.post_update {
                        run.post_update(self, relationship, child);
                    }
                }
            }
            for &child in &links.unchanged {
                if self.has_moved(work, relationship, child, id) {
                    continue;
                }
                self.take_key(work, relationship, child)?;
                if relationship.post_update {
                    run.post_update(self, relationship, child);
                }
            }
        }
        Ok(())
    }

    /// Whether a member of a deleted owner belongs to another owner by now.
    fn has_moved(&self, work: &Work, relationship: &Relationship, child: Id, owner: Id) -> bool {
        match self.owner_of(child, relationship.parent, relationship.attribute) {
            Owner::Is(new) => new != owner && !work.is_deleted(new),
            Owner::Away => true,
            Owner::Unknown | Owner::Lost => false,
        }
    }

    /// A member gets its owner's key.
    fn give_key(
        &mut self,
        run: &mut Run,
        work: &Work,
        relationship: &Relationship,
        owner: Id,
        child: Id,
        by_database: bool,
    ) -> Result<()> {
        if !self.can_write(work, relationship, child) {
            return Ok(());
        }
        for &(local, remote) in &relationship.pairs {
            self.carry(owner, local, child, remote)?;
            if by_database
                && self.mapper_of(owner).primary_key.contains(&local)
                && self.mapper_of(child).primary_key.contains(&remote)
            {
                run.cascaded.insert((child, remote));
            }
        }
        Ok(())
    }

    /// A member loses its owner's key.
    fn take_key(&mut self, work: &Work, relationship: &Relationship, child: Id) -> Result<()> {
        if !self.can_write(work, relationship, child) {
            return Ok(());
        }
        let remote = relationship.pairs.iter().map(|(_, remote)| *remote);
        self.clear_key(relationship, child, remote)
    }

    fn can_write(&self, work: &Work, relationship: &Relationship, child: Id) -> bool {
        self.arena.holds(child)
            && self.arena.state(child).in_session()
            && (relationship.post_update || !work.is_deleted(child))
    }
}
