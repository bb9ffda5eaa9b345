//! What a statement's rows mean: which columns make which objects.

use aludel_sql::Value;
use smallvec::SmallVec;

use super::memory::Allowed;
use super::options::LoadOption;
use crate::instrumentation::NOT_IN_ROW;

/// What the rows of a statement over mapped classes mean.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The objects that the rows stand for; `None` where the rows are plain results.
    pub(crate) entity: Option<EntityPlan>,
    /// The objects among plain results.
    pub(crate) objects: Vec<EntityPlan>,
    /// The first of the results that come after the objects' columns.
    pub(crate) extras: usize,
    /// How many entities there are in all.
    pub(crate) entities: usize,
    /// How many relationships are filled from the rows.
    pub(crate) eager: usize,
    /// An object may come in several rows.
    pub(crate) repeats: bool,
}

/// An object in a row.
#[derive(Debug)]
pub(crate) struct EntityPlan {
    /// Its number in the plan.
    pub(crate) number: usize,
    pub(crate) class: u16,
    pub(crate) root: u16,
    /// The columns of the primary key.
    pub(crate) key: SmallVec<[u16; 2]>,
    /// The parts of it that may be NULL, as bits.
    pub(crate) nullable_key: u32,
    pub(crate) own: ClassPlan,
    /// What tells the class of the object, and how objects of the subclasses are made.
    pub(crate) discriminator: Option<Discriminator>,
    /// The rows are of several tables of a concrete hierarchy: the key and the classes are those of each.
    pub(crate) union: Option<Box<UnionPlan>>,
    /// The relationships that are filled from the same rows.
    pub(crate) eager: Vec<EagerPlan>,
    /// What is to be loaded once all rows are there.
    pub(crate) after: Vec<LoadOption>,
}

/// The rows of a concrete hierarchy.
#[derive(Debug)]
pub(crate) struct UnionPlan {
    /// The column that tells of which table a row is.
    pub(crate) column: u16,
    pub(crate) arms: Vec<(Value, EntityPlan)>,
}

/// The column that tells the class of a row.
#[derive(Debug)]
pub(crate) struct Discriminator {
    pub(crate) column: u16,
    pub(crate) classes: Vec<(Value, ClassPlan)>,
}

/// How an object of one class is made of a row.
#[derive(Debug)]
pub(crate) struct ClassPlan {
    pub(crate) class: u16,
    /// By attribute: its column in the row, or [`NOT_IN_ROW`].
    pub(crate) at: Box<[u16]>,
    /// The row has all that the object's fields need.
    pub(crate) whole: bool,
    /// The attributes in the row (of the first 64).
    pub(crate) loaded: u64,
    /// The attributes that the row should have had: they are left to be loaded (of the first 64).
    pub(crate) expired: u64,
    /// Attributes beyond the first 64: (attribute, in the row).
    pub(crate) wide: Vec<(u16, bool)>,
    /// Attributes left out by an option, and whether it is an error to load them.
    pub(crate) deferred: Vec<(u16, bool)>,
    /// Relationships that an option says may be loaded later, or may not.
    pub(super) spoken_of: Vec<(u16, Allowed)>,
    /// Criteria of the query go on to later loads.
    pub(super) propagates: bool,
}

impl Plan {
    /// Whether the objects come with others, from their rows or after them.
    pub(crate) fn loads_along(&self) -> bool {
        self.eager > 0 || self.entity.as_ref().is_some_and(|entity| !entity.after.is_empty())
    }
}

impl ClassPlan {
    /// The column of an attribute.
    #[inline]
    pub(crate) fn column(&self, attribute: u16) -> Option<u16> {
        self.at.get(usize::from(attribute)).copied().filter(|at| *at != NOT_IN_ROW)
    }

    /// Whether nothing is to be done for a new object beyond the bits of its state.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.wide.is_empty()
            && self.deferred.is_empty()
            && self.spoken_of.is_empty()
            && !self.propagates
    }
}

/// A relationship that is filled from the rows of its owners.
#[derive(Debug)]
pub(crate) struct EagerPlan {
    /// Its number among those of the plan.
    pub(crate) index: usize,
    /// The class that has it: owners of another class are left alone.
    pub(crate) class: u16,
    pub(crate) attribute: u16,
    pub(crate) entity: EntityPlan,
}
