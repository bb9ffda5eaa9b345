//! What there is to be flushed: the objects that are pending, changed, or marked to be deleted.

use super::work::Work;
use crate::instrumentation::Id;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};

impl Session {
    /// Collects what is to be done, as far as the objects themselves say it. Orphans among them are to be
    /// deleted, or (where they are pending) not to be inserted.
    pub(super) fn collect(&self) -> Work {
        let mut work = Work::new(&self.mappers);
        work.expected = self.pending.len() + self.changed.len() + self.deleting.len();
        self.find_simple(&mut work);
        self.collect_pending(&mut work);
        let watch_orphans = self.arena.slabs.iter().flatten().any(|s| !s.owners.is_empty());
        for &id in &self.changed {
            if !self.is_changed(id) {
                continue;
            }
            let at = work.root_of(id.class);
            if work.roots[at].simple {
                let queue = &mut work.roots[at].queue;
                if queue.is_empty() {
                    queue.reserve(self.changed.len());
                }
                queue.push(id);
            } else {
                work.mark(id, watch_orphans && self.is_orphan(id), false, false);
            }
        }
        let mut of_class = (None, 0);
        for &id in &self.deleting {
            // Of one that has left, the slot is free or another's.
            let Some(state) = self.arena.held(id) else { continue };
            if state.life != ObjectState::Persistent || !state.has(Flags::DELETING) {
                continue;
            }
            if of_class.0 != Some(id.class) {
                of_class = (Some(id.class), work.root_of(id.class));
            }
            if work.roots[of_class.1].simple {
                work.roots[of_class.1].gone.push(id);
            } else {
                work.mark(id, true, false, false);
            }
        }
        work
    }

    fn collect_pending(&self, work: &mut Work) {
        let mut seen: Vec<Seen> = Vec::new();
        let mut at = 0;
        let mut class = None;
        let each_once;
        let pending: &[Id] = if self.came_again {
            each_once = self.new_objects();
            &each_once
        } else {
            &self.pending
        };
        for &id in pending {
            let state = self.arena.slab(id.class).and_then(|s| s.states.get(id.slot as usize));
            let Some(state) = state.filter(|s| s.generation == id.generation.get()) else {
                continue;
            };
            if state.life != ObjectState::Pending {
                continue;
            }
            if state.has(Flags::ORPHANED) && self.is_orphan(id) {
                work.strays.push(id);
                continue;
            }
            if class != Some(id.class) {
                class = Some(id.class);
                at = work.root_of(id.class);
                if seen.len() <= at {
                    seen.resize_with(at + 1, Seen::default);
                }
                seen[at].turn_to(id.class);
            }
            if !work.roots[at].simple {
                work.mark(id, false, false, false);
                continue;
            }
            let queue = &mut work.roots[at].queue;
            if queue.is_empty() {
                queue.reserve(self.pending.len());
            }
            if seen[at].is_new(id, queue) {
                queue.push(id);
            }
        }
    }

    /// Whether an object from the list of changed ones is to be saved.
    fn is_changed(&self, id: Id) -> bool {
        self.arena.held(id).is_some_and(|state| {
            state.life == ObjectState::Persistent
                && state.has(Flags::MODIFIED)
                && !state.has(Flags::DELETING)
        })
    }

    /// Finds the hierarchies that no relationship concerns in this flush: what there is to be done for their
    /// objects is known at once.
    fn find_simple(&self, work: &mut Work) {
        let mut classes = vec![false; self.mappers.list.len()];
        let mut order = Vec::new();
        for &id in self.pending.iter().chain(&self.changed).chain(&self.deleting) {
            if !std::mem::replace(&mut classes[usize::from(id.class)], true) {
                order.push(id.class);
            }
        }
        work.key_changes =
            self.changed.iter().any(|id| self.is_changed(*id) && self.is_rekeyed(*id));
        if work.key_changes {
            return;
        }
        // A relationship brings in objects of its target, which may be of any class below it.
        let mut next = 0;
        let mut concerned = Vec::new();
        while let Some(&class) = order.get(next) {
            next += 1;
            let mapper = self.mappers.at(class);
            for &attribute in &mapper.relationships {
                let Some(relationship) = mapper.relationship(attribute) else { continue };
                if relationship.viewonly {
                    continue;
                }
                concerned.extend([mapper.root, self.mappers.at(relationship.target).root]);
                self.with_subclasses(relationship.target, &mut |class| {
                    if !std::mem::replace(&mut classes[usize::from(class)], true) {
                        order.push(class);
                    }
                });
            }
        }
        for class in order {
            if !concerned.contains(&self.mappers.at(class).root) {
                let at = work.root_of(class);
                work.roots[at].simple = true;
            }
        }
    }

    fn with_subclasses(&self, class: u16, each: &mut dyn FnMut(u16)) {
        let mut stack = vec![class];
        while let Some(class) = stack.pop() {
            each(class);
            stack.extend(&self.mappers.at(class).subclasses);
        }
    }
}

/// Which objects of a hierarchy have been seen, where they mostly come in the order of their slots.
#[derive(Default)]
struct Seen {
    /// By class: the last slot, plus one.
    last: Vec<(u16, u32)>,
    /// The place of the class at hand.
    at: usize,
    /// From the first object on that did not come in order: all that were seen.
    all: Option<hashbrown::HashSet<Id, foldhash::fast::RandomState>>,
}

impl Seen {
    fn turn_to(&mut self, class: u16) {
        self.at = self.last.iter().position(|(c, _)| *c == class).unwrap_or_else(|| {
            self.last.push((class, 0));
            self.last.len() - 1
        });
    }

    #[inline]
    fn is_new(&mut self, id: Id, before: &[Id]) -> bool {
        let last = &mut self.last[self.at].1;
        if self.all.is_none() && id.slot >= *last {
            *last = id.slot + 1;
            return true;
        }
        self.all.get_or_insert_with(|| before.iter().copied().collect()).insert(id)
    }
}
