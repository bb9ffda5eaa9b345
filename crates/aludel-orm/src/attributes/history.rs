//! History: what an attribute was, and is now.

use aludel_sql::{Bind, ColumnType, Value, ValueRef};

use super::log::Old;
use crate::Result;
use crate::instrumentation::{
    Attr, Collected, CollectionClass, Field, FieldType, Handle, Id, IsA, Many, ManyCore, ManyMap,
    ManySet, Mapped, One, OneCore, WriteOnly,
};
use crate::session::Session;
use crate::session::state::Flags;

/// The changes of an attribute since it was last in step with the database: SQLAlchemy's `History`.
#[derive(Clone, Debug, PartialEq)]
pub struct History<T> {
    added: Vec<T>,
    unchanged: Vec<T>,
    deleted: Vec<T>,
    expression: bool,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new(), Vec::new())
    }
}

impl<T> History<T> {
    pub(crate) fn new(added: Vec<T>, unchanged: Vec<T>, deleted: Vec<T>) -> Self {
        Self { added, unchanged, deleted, expression: false }
    }

    /// The history of an attribute that an SQL expression is to make.
    pub(crate) fn by_expression(deleted: Vec<T>) -> Self {
        Self { deleted, expression: true, ..Self::default() }
    }

    /// What is there now and was not.
    pub fn added(&self) -> &[T] {
        &self.added
    }

    /// What was there and still is.
    pub fn unchanged(&self) -> &[T] {
        &self.unchanged
    }

    /// What was there and is no more, as far as it is known.
    pub fn deleted(&self) -> &[T] {
        &self.deleted
    }

    /// Whether an SQL expression is to make the value ([`Session::set_expr`]): what is added is known once it is
    /// flushed. SQLAlchemy has the expression itself in `added`; here [`Session::pending_expr`] gives it.
    pub fn is_expression(&self) -> bool {
        self.expression
    }

    /// Whether anything came or went.
    pub fn has_changes(&self) -> bool {
        !self.added.is_empty() || !self.deleted.is_empty() || self.expression
    }

    /// Whether nothing is known at all: never set, or not loaded.
    pub fn is_empty(&self) -> bool {
        !self.has_changes() && self.unchanged.is_empty()
    }

    /// Everything: added, unchanged, deleted.
    pub fn sum(&self) -> impl Iterator<Item = &T> {
        self.added.iter().chain(&self.unchanged).chain(&self.deleted)
    }

    /// What is there now: added and unchanged.
    pub fn non_deleted(&self) -> impl Iterator<Item = &T> {
        self.added.iter().chain(&self.unchanged)
    }

    /// What was there before: unchanged and deleted.
    pub fn non_added(&self) -> impl Iterator<Item = &T> {
        self.unchanged.iter().chain(&self.deleted)
    }

    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> Option<U>) -> History<U> {
        let mut each = |items: Vec<T>| items.into_iter().filter_map(&mut f).collect();
        History {
            added: each(self.added),
            unchanged: each(self.unchanged),
            deleted: each(self.deleted),
            expression: self.expression,
        }
    }
}

/// An item of an untyped history.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryItem {
    /// A column's value.
    Value(Value),
    /// An object, or that there was none.
    Object(Option<Id>),
}

/// The field types that have a history, and what its items are.
pub trait Historic: Field {
    /// An item: the column's type, a handle, or an optional handle for a reference.
    type Item;
    #[doc(hidden)]
    fn item(item: HistoryItem) -> Option<Self::Item>;
}

macro_rules! historic_column {
    ($($ty:ty),*) => {$(
        impl<V: ColumnType> Historic for $ty {
            type Item = <$ty as FieldType>::Sql;
            fn item(item: HistoryItem) -> Option<Self::Item> {
                match item {
                    HistoryItem::Value(value) => <Self::Item>::from_value(value).ok(),
                    HistoryItem::Object(_) => None,
                }
            }
        }
    )*};
}
historic_column!(V, crate::instrumentation::Auto<V>, crate::instrumentation::Deferred<V>);

impl<T: 'static> Historic for One<T> {
    type Item = Option<Handle<T>>;
    fn item(item: HistoryItem) -> Option<Self::Item> {
        match item {
            HistoryItem::Object(id) => Some(id.map(Handle::new)),
            HistoryItem::Value(_) => None,
        }
    }
}

macro_rules! historic_collection {
    ($(<$($p:ident),+> $ty:ty),*) => {$(
        impl<$($p: 'static),+> Historic for $ty {
            type Item = Handle<T>;
            fn item(item: HistoryItem) -> Option<Self::Item> {
                match item {
                    HistoryItem::Object(id) => id.map(Handle::new),
                    HistoryItem::Value(_) => None,
                }
            }
        }
    )*};
}
historic_collection!(<T> Many<T>, <T> ManySet<T>, <K, T> ManyMap<K, T>, <T> WriteOnly<T>);

impl<C: CollectionClass> Historic for Collected<C> {
    type Item = Handle<C::Member>;
    fn item(item: HistoryItem) -> Option<Self::Item> {
        <Many<C::Member>>::item(item)
    }
}

impl Session {
    /// The history of an attribute, from what is known now: nothing is loaded.
    ///
    /// # Errors
    ///
    /// When the handle's object is not in this session's arena.
    pub fn history<S: IsA<C>, C: Mapped, V: Historic>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<History<V::Item>> {
        Ok(self.history_of(object.id, self.number(object.id, attribute)?)?.map(V::item))
    }

    /// The history of an attribute by its number.
    pub(crate) fn history_of(&self, id: Id, attribute: u16) -> Result<History<HistoryItem>> {
        self.arena.check(id)?;
        let field = self.arena.field(id, attribute);
        if field.many().is_some() {
            let history = self.collection_history(id, attribute);
            return Ok(history.map(|id| Some(HistoryItem::Object(Some(id)))));
        }
        if field.one().is_some() {
            return Ok(self
                .reference_history(id, attribute)
                .map(|id| Some(HistoryItem::Object(id))));
        }
        let history = match self.columns_of_composite(id, attribute) {
            Some(columns) => self.composite_history(id, columns),
            None => self.column_history(id, attribute),
        };
        Ok(history.map(|v| Some(HistoryItem::Value(v))))
    }

    pub(crate) fn column_history(&self, id: Id, attribute: u16) -> History<Value> {
        let state = self.arena.state(id);
        let field = self.arena.field(id, attribute);
        let current = self.arena.is_loaded(id, attribute).then(|| field.value());
        if state.has(Flags::FRESH) {
            return History::new(current.into_iter().collect(), Vec::new(), Vec::new());
        }
        let old = match self.log.find(state.head, attribute).map(|e| &e.old) {
            None => return History::new(Vec::new(), current.into_iter().collect(), Vec::new()),
            Some(Old::Expression(replaced)) if current.is_none() => {
                return History::by_expression(replaced.old.iter().cloned().collect());
            }
            Some(old) => old.value(),
        };
        match (current, old) {
            (Some(current), Some(old)) if self.same_value(id, attribute, old) => {
                History::new(Vec::new(), vec![current], Vec::new())
            }
            (current, old) => History::new(
                current.into_iter().collect(),
                Vec::new(),
                old.cloned().into_iter().collect(),
            ),
        }
    }

    /// Whether the field holds this value, as the column's type compares.
    pub(crate) fn same_value(&self, id: Id, attribute: u16, value: &Value) -> bool {
        let field = self.arena.field(id, attribute);
        let (now, bind) = (field.bind(), value.as_ref());
        if let (Bind::Ref(ValueRef::I64(now)), ValueRef::I64(value)) = (&now, bind) {
            return *now == value;
        }
        if now.as_ref() == bind {
            return true;
        }
        if now.as_ref().is_null() != bind.is_null() {
            return false;
        }
        // Types that compare in their own way (texts that hold documents, say) are rare.
        field.with_value(value.clone()).is_ok_and(|other| field.same(&*other))
    }

    pub(crate) fn reference_history(&self, id: Id, attribute: u16) -> History<Option<Id>> {
        let state = self.arena.state(id);
        let current = self.arena.field(id, attribute).one().and_then(OneCore::known);
        if state.has(Flags::FRESH) {
            return History::new(current.into_iter().collect(), Vec::new(), Vec::new());
        }
        let Some(entry) = self.log.find(state.head, attribute) else {
            return History::new(Vec::new(), current.into_iter().collect(), Vec::new());
        };
        let old = match &entry.old {
            Old::One(old) => old.known(),
            _ => None,
        };
        match (current, old) {
            (Some(current), Some(old)) if current == old => {
                History::new(Vec::new(), vec![current], Vec::new())
            }
            // A reference that was none does not count as something that has gone.
            (Some(current), old) => {
                let deleted = old.filter(Option::is_some).into_iter().collect();
                History::new(vec![current], Vec::new(), deleted)
            }
            (None, Some(Some(old))) => History::new(Vec::new(), Vec::new(), vec![Some(old)]),
            (None, None) if entry.old.was_never_set() => History::default(),
            // Deleted, and it was none or is not known.
            (None, _) => History::new(vec![None], Vec::new(), Vec::new()),
        }
    }

    /// The changes that wait for a collection that is not loaded.
    pub(crate) fn waiting_members(&self, id: Id, attribute: u16) -> History<Id> {
        match self.deltas.get(&(id, attribute)) {
            Some(delta) => History::new(delta.added.to_vec(), Vec::new(), delta.removed.to_vec()),
            None => History::default(),
        }
    }

    pub(crate) fn collection_history(&self, id: Id, attribute: u16) -> History<Id> {
        let state = self.arena.state(id);
        let Some(ManyCore::Loaded(members)) = self.arena.field(id, attribute).many() else {
            return History::default();
        };
        if state.has(Flags::FRESH) {
            return History::new(members.to_vec(), Vec::new(), Vec::new());
        }
        let Some(delta) = self.deltas.get(&(id, attribute)) else {
            return History::new(Vec::new(), members.to_vec(), Vec::new());
        };
        let (added, unchanged) = members.iter().partition(|m| delta.added.contains(*m));
        History::new(added, unchanged, delta.deleted())
    }

    /// Whether an attribute has a net change, from what is known: changes that wait for a collection that is not
    /// loaded may cancel out with what it has.
    pub(crate) fn has_changes(&self, id: Id, attribute: u16) -> bool {
        let field = self.arena.field(id, attribute);
        if let Some(many) = field.many() {
            let Some(members) = many.loaded() else { return false };
            return match self.deltas.get(&(id, attribute)) {
                Some(delta) => !delta.is_empty(),
                None => self.arena.state(id).has(Flags::FRESH) && !members.is_empty(),
            };
        }
        if field.one().is_some() {
            return self.reference_history(id, attribute).has_changes();
        }
        if let Some(columns) = self.columns_of_composite(id, attribute) {
            return columns.iter().any(|a| self.column_history(id, *a).has_changes());
        }
        self.column_history(id, attribute).has_changes()
    }
}
