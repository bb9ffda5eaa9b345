//! What a flush is to do with which objects, while that is being found out.

use std::sync::Arc;

use super::IdSet;
use crate::instrumentation::Id;
use crate::mapping::{Direction, Mappers, Relationship};
use crate::session::FastMap;

/// What is to become of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its row is to be deleted; else inserted or updated.
    pub(super) delete: bool,
    /// Nothing is written for it: it is only brought in step.
    pub(super) list_only: bool,
}

impl Mark {
    #[inline]
    fn from_bits(bits: u8) -> Option<Self> {
        (bits != 0).then_some(Self {
            delete: bits & Marks::DELETE != 0,
            list_only: bits & Marks::LIST_ONLY != 0,
        })
    }

    #[inline]
    fn bits(self) -> u8 {
        let delete = if self.delete { Marks::DELETE } else { 0 };
        let list_only = if self.list_only { Marks::LIST_ONLY } else { 0 };
        Marks::MARKED | delete | list_only
    }
}

/// What is to become of which objects: a byte for each slot of the arena, up to the last one with a mark.
#[derive(Default)]
pub(super) struct Marks(Vec<Vec<u8>>);

impl Marks {
    const MARKED: u8 = 1;
    const DELETE: u8 = 2;
    const LIST_ONLY: u8 = 4;
    /// It has been sorted into those to be saved and those to be deleted.
    const SORTED: u8 = 8;

    #[inline]
    fn bits(&self, id: Id) -> u8 {
        let of_class = self.0.get(usize::from(id.class));
        of_class.and_then(|slots| slots.get(id.slot as usize)).copied().unwrap_or_default()
    }

    /// What is to become of an object, where that was said.
    #[inline]
    pub(super) fn get(&self, id: Id) -> Option<Mark> {
        Mark::from_bits(self.bits(id))
    }

    /// Whether an object is to be saved, and something is written for it.
    #[inline]
    pub(super) fn is_saved(&self, id: Id) -> bool {
        self.bits(id) == Self::MARKED
    }

    /// The byte of an object.
    #[inline]
    fn slot(&mut self, id: Id) -> &mut u8 {
        let (class, slot) = (usize::from(id.class), id.slot as usize);
        if self.0.get(class).is_none_or(|slots| slots.len() <= slot) {
            self.make_room(class, slot);
        }
        &mut self.0[class][slot]
    }

    #[cold]
    fn make_room(&mut self, class: usize, slot: usize) {
        if self.0.len() <= class {
            self.0.resize_with(class + 1, Vec::new);
        }
        let slots = &mut self.0[class];
        if slots.is_empty() {
            // Pages that nothing is written to cost nothing.
            *slots = vec![0; (slot + 1).next_power_of_two()];
        } else {
            slots.resize((slot + 1).next_power_of_two(), 0);
        }
    }

    /// The mark of an object that something is written for, the first time that it is asked for.
    fn take_once(&mut self, id: Id) -> Option<Mark> {
        let mark = self.get(id).filter(|mark| !mark.list_only)?;
        let bits = self.0.get_mut(usize::from(id.class))?.get_mut(id.slot as usize)?;
        let sorted = *bits & Self::SORTED != 0;
        *bits |= Self::SORTED;
        (!sorted).then_some(mark)
    }
}

/// The objects of one hierarchy.
pub(super) struct RootWork {
    pub(super) root: u16,
    /// No relationship concerns the hierarchy in this flush: its objects are in no [`Work::marks`], the queue
    /// has those to be saved, and `gone` those to be deleted.
    pub(super) simple: bool,
    /// The objects in the order in which they were registered; one whose mark changed is there again.
    pub(super) queue: Vec<Id>,
    /// Of a simple hierarchy, the objects to be deleted.
    pub(super) gone: Vec<Id>,
    /// Not all of the queue is to be saved, each once.
    pub(super) special: bool,
    /// The mark of an object has changed, so that it is in the queue again.
    again: bool,
    /// How many of the queue are to be deleted.
    doomed: usize,
    /// The objects to be saved: the pending ones in their order, then the others.
    pub(super) saves: Arc<Vec<Id>>,
    pub(super) deletes: Arc<Vec<Id>>,
}

/// What a processor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    /// The objects that have the relationship.
    Owners,
    /// The objects that a many-to-one refers to, whose key may have changed.
    Referred,
}

/// A relationship at work: SQLAlchemy's `DependencyProcessor`, with its `Preprocess`.
pub(super) struct Processor {
    /// The mapper that declares the relationship.
    pub(super) parent: u16,
    pub(super) attribute: u16,
    pub(super) side: Side,
    /// The hierarchy of the objects that it looks at.
    root: u16,
    /// How much of that hierarchy's queue it has seen.
    cursor: usize,
    /// It takes part in the sort.
    pub(super) active: bool,
}

/// What a processor has to look at: the part of its hierarchy's queue that is new, as far as it is concerned.
pub(super) struct Batch {
    pub(super) processor: usize,
    /// The objects, and what is to become of them.
    pub(super) objects: Vec<(Id, Mark)>,
    /// Some of them are to be deleted.
    pub(super) deletes: bool,
}

/// What a flush is to do: SQLAlchemy's `UOWTransaction` before the sort.
pub(super) struct Work {
    pub(super) mappers: Arc<Mappers>,
    pub(super) marks: Marks,
    pub(super) roots: Vec<RootWork>,
    pub(super) processors: Vec<Processor>,
    /// Objects that are not to be inserted, since they have lost their owner.
    pub(super) strays: Vec<Id>,
    /// The key of some persistent object has changed.
    pub(super) key_changes: bool,
    /// Orphans from which the deletion has gone on to what hangs on them.
    pub(super) cascaded: IdSet,
    /// How many objects there may be in a hierarchy, as far as that is known before.
    pub(super) expected: usize,
    known: FastMap<(u16, u16, Side), usize>,
    /// By class: it has been registered.
    classes: Vec<bool>,
    /// By class: the place of its root in `roots`, plus one.
    root_at: Vec<u16>,
}

impl RootWork {
    /// Whether all of the queue is to be deleted, each once.
    fn is_doomed(&self) -> bool {
        !self.again && self.doomed == self.queue.len()
    }
}

impl Work {
    pub(super) fn new(mappers: &Arc<Mappers>) -> Self {
        Self {
            marks: Marks::default(),
            roots: Vec::new(),
            processors: Vec::new(),
            strays: Vec::new(),
            key_changes: false,
            cascaded: IdSet::default(),
            expected: 0,
            known: FastMap::default(),
            classes: vec![false; mappers.list.len()],
            root_at: vec![0; mappers.list.len()],
            mappers: Arc::clone(mappers),
        }
    }

    /// The place of a class's hierarchy, made where it is new.
    #[inline]
    pub(super) fn root_of(&mut self, class: u16) -> usize {
        match self.root_at[usize::from(class)] {
            0 => self.add_root(class),
            known => usize::from(known) - 1,
        }
    }

    #[cold]
    fn add_root(&mut self, class: u16) -> usize {
        let root = self.mappers.at(class).root;
        let at = self.roots.iter().position(|r| r.root == root).unwrap_or_else(|| {
            self.roots.push(RootWork {
                root,
                simple: false,
                queue: Vec::new(),
                gone: Vec::new(),
                special: false,
                again: false,
                doomed: 0,
                saves: Arc::default(),
                deletes: Arc::default(),
            });
            self.roots.len() - 1
        });
        self.root_at[usize::from(class)] = at as u16 + 1;
        at
    }

    /// The objects of a hierarchy.
    pub(super) fn root(&self, root: u16) -> Option<&RootWork> {
        self.roots.iter().find(|of| of.root == root)
    }

    /// Puts an object on the list, or changes what is to become of it; says whether that is new.
    pub(super) fn mark(
        &mut self,
        id: Id,
        delete: bool,
        list_only: bool,
        cancel_delete: bool,
    ) -> bool {
        if !self.classes[usize::from(id.class)] {
            self.learn(id.class);
        }
        let new = Mark { delete, list_only };
        let bits = self.marks.slot(id);
        let again = match Mark::from_bits(*bits) {
            None => false,
            Some(mark) if list_only || !(delete || cancel_delete) || mark == new => return false,
            Some(_) => true,
        };
        *bits = new.bits();
        let at = self.root_of(id.class);
        let root = &mut self.roots[at];
        root.special |= again || delete || list_only;
        root.again |= again;
        root.doomed += usize::from(delete && !list_only);
        if root.queue.is_empty() {
            root.queue.reserve(self.expected);
        }
        root.queue.push(id);
        true
    }

    pub(super) fn is_deleted(&self, id: Id) -> bool {
        self.deletes(id) == Some(true)
    }

    /// Whether an object is deleted, or saved; `None` where it is not on the list.
    pub(super) fn deletes(&self, id: Id) -> Option<bool> {
        self.marks.get(id).map(|mark| mark.delete)
    }

    /// Whether some object of a class, or of one below it, is on the list.
    pub(super) fn has_class(&self, class: u16) -> bool {
        (0..self.classes.len()).any(|c| self.classes[c] && self.mappers.is_a(c as u16, class))
    }

    /// A class is new on the list: its relationships will be looked at.
    fn learn(&mut self, class: u16) {
        self.classes[usize::from(class)] = true;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        if self.key_changes {
            self.watch_references(class, &mappers);
        }
        for &attribute in &mapper.relationships {
            if let Some(relationship) = mapper.relationship(attribute)
                && !relationship.viewonly
            {
                self.processor(relationship.parent, attribute, Side::Owners, mapper.root);
            }
        }
    }

    /// The key of an object of the class may have changed: the many-to-ones that refer to such objects without
    /// being answered have to be brought in step.
    fn watch_references(&mut self, class: u16, mappers: &Mappers) {
        for mapper in mappers.iter() {
            for &attribute in &mapper.relationships {
                let Some(relationship) = mapper.relationship(attribute) else { continue };
                if relationship.parent == mapper.index
                    && relationship.direction == Direction::ManyToOne
                    && !relationship.viewonly
                    && mappers.is_a(class, relationship.target)
                    && !is_answered(relationship, mappers)
                {
                    let root = mappers.at(class).root;
                    self.processor(relationship.parent, attribute, Side::Referred, root);
                }
            }
        }
    }

    fn processor(&mut self, parent: u16, attribute: u16, side: Side, root: u16) {
        let next = self.processors.len();
        let at = *self.known.entry((parent, attribute, side)).or_insert(next);
        if at == next {
            self.processors.push(Processor {
                parent,
                attribute,
                side,
                root,
                cursor: 0,
                active: false,
            });
        }
    }

    /// What a processor has not looked at yet.
    pub(super) fn next_batch(&mut self, processor: usize) -> Option<Batch> {
        let at = &mut self.processors[processor];
        let root = self.roots.iter().find(|r| r.root == at.root)?;
        let start = std::mem::replace(&mut at.cursor, root.queue.len());
        let mut objects = Vec::with_capacity(root.queue.len() - start);
        let (mut class, mut concerned, mut deletes) = (None, false, false);
        let doomed = root.is_doomed();
        for &id in &root.queue[start..] {
            if class != Some(id.class) {
                class = Some(id.class);
                concerned = self.concerns(processor, id.class);
            }
            if !concerned {
                continue;
            }
            let mark = match root.special && !doomed {
                true => self.marks.get(id).unwrap_or_default(),
                false => Mark { delete: doomed, list_only: false },
            };
            if !mark.list_only {
                objects.push((id, mark));
                deletes |= mark.delete;
            }
        }
        (!objects.is_empty()).then_some(Batch { processor, objects, deletes })
    }

    /// Whether a processor is concerned with the objects of a class.
    pub(super) fn concerns(&self, processor: usize, class: u16) -> bool {
        let processor = &self.processors[processor];
        match processor.side {
            Side::Owners => class == processor.parent || self.mappers.is_a(class, processor.parent),
            Side::Referred => {
                let target = self.relationship_of(processor).map(|r| r.target);
                target.is_some_and(|target| self.mappers.is_a(class, target))
            }
        }
    }

    pub(super) fn relationship_of(&self, processor: &Processor) -> Option<&Relationship> {
        self.mappers.at(processor.parent).relationship(processor.attribute)
    }

    /// Sorts the objects of each hierarchy into those to be saved and those to be deleted.
    pub(super) fn freeze(&mut self) {
        for root in &mut self.roots {
            if root.simple || !root.special {
                root.saves = Arc::new(std::mem::take(&mut root.queue));
                root.deletes = Arc::new(std::mem::take(&mut root.gone));
                continue;
            }
            if root.is_doomed() {
                root.deletes = Arc::new(std::mem::take(&mut root.queue));
                continue;
            }
            let (mut saves, mut deletes) = (Vec::new(), Vec::new());
            for id in &root.queue {
                if let Some(mark) = self.marks.take_once(*id) {
                    if mark.delete { &mut deletes } else { &mut saves }.push(*id);
                }
            }
            root.saves = Arc::new(saves);
            root.deletes = Arc::new(deletes);
        }
    }

    /// The objects that a processor is concerned with: those to be saved, or those to be deleted.
    pub(super) fn objects_of(&self, processor: usize, delete: bool) -> Arc<Vec<Id>> {
        let wanted = self.processors[processor].root;
        let Some(root) = self.roots.iter().find(|r| r.root == wanted) else {
            return Arc::default();
        };
        let all = if delete { &root.deletes } else { &root.saves };
        if all.iter().all(|id| self.concerns(processor, id.class)) {
            return Arc::clone(all);
        }
        Arc::new(all.iter().copied().filter(|id| self.concerns(processor, id.class)).collect())
    }

    /// Whether nothing was collected.
    pub(super) fn is_empty(&self) -> bool {
        self.strays.is_empty() && self.roots.iter().all(|r| r.queue.is_empty() && r.gone.is_empty())
    }
}

/// Whether the other side of a many-to-one carries changes of the key over.
fn is_answered(relationship: &Relationship, mappers: &Mappers) -> bool {
    if relationship.reverse.is_empty() {
        return false;
    }
    relationship.passive_updates
        || relationship.reverse.iter().any(|(mapper, attribute)| {
            mappers.at(*mapper).relationship(*attribute).is_some_and(|r| !r.passive_updates)
        })
}
