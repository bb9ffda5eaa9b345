//! How the members of ordered lists are numbered.

use aludel_sql::Value;

/// Which positions the members of an ordered list have: `#[relationship(position = "place", numbering = …)]`. From 0 on,
/// if nothing is said. SQLAlchemy's `ordering_list(…, count_from=…, ordering_func=…, reorder_on_append=…)`.
///
/// ```
/// use aludel_orm::Numbering;
///
/// const FROM_1: Numbering = Numbering::count_from(1);
/// /// With room between them.
/// const TENS: Numbering = Numbering::by(|place| ((place as i64 + 1) * 10).into());
/// # drop((FROM_1, TENS));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Numbering {
    number: Number,
    reorder_on_append: bool,
}

#[derive(Clone, Copy, Debug)]
enum Number {
    From(i64),
    By(fn(usize) -> Value),
}

impl Default for Numbering {
    fn default() -> Self {
        Self::FROM_0
    }
}

impl Numbering {
    /// One after the other, from 0 on: the default.
    pub const FROM_0: Self = Self::count_from(0);

    /// One after the other, from this number on.
    pub const fn count_from(first: i64) -> Self {
        Self { number: Number::From(first), reorder_on_append: false }
    }

    /// As a function says: of the member at a place (from 0 on).
    pub const fn by(position: fn(usize) -> Value) -> Self {
        Self { number: Number::By(position), reorder_on_append: false }
    }

    /// A member that is appended gets a new position also where it has one already; so do all members of a list that
    /// replaces another.
    #[must_use]
    pub const fn reorder_on_append(mut self) -> Self {
        self.reorder_on_append = true;
        self
    }

    pub(crate) fn reorders_on_append(self) -> bool {
        self.reorder_on_append
    }

    /// The position of the member at a place.
    pub(crate) fn position(self, place: usize) -> Value {
        match self.number {
            Number::From(first) => {
                Value::I64(first.saturating_add(i64::try_from(place).unwrap_or(i64::MAX)))
            }
            Number::By(position) => position(place),
        }
    }
}
