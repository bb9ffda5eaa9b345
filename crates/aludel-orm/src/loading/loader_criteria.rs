//! Criteria that go with a class wherever a statement has it: SQLAlchemy's `with_loader_criteria`.
//!
//! ```text
//!  a query's own, a session's, those of the query that gave an owner
//!        │ with the query, in its key
//!        ▼ when a statement of a new shape is made
//!  wherever the class's tables come into FROM (the query itself, joins, eager joins, `any` and `has`,
//!  subqueries), under whatever name: one more condition
//! ```

use std::fmt;
use std::sync::Arc;

use aludel_sql::{IntoExpr, KeyWriter, Node};

use super::named::EntityRef;
use super::names::Names;
use super::query::Query;
use crate::Result;
use crate::events::Executed;
use crate::instrumentation::entity::{Entity, write_class};
use crate::instrumentation::{ClassDef, Id, Mapped, RecordClass};
use crate::mapping::Mappers;
use crate::session::Session;

/// A condition on the objects of a class and its subclasses.
#[derive(Clone, Debug)]
pub(crate) struct ClassCriterion {
    pub(crate) class: &'static ClassDef,
    pub(crate) condition: Node,
    /// Later loads of the objects that the query gives have it as well.
    pub(crate) propagates: bool,
}

/// Writes criteria, with their number.
pub(super) fn keys<'a>(criteria: &'a [ClassCriterion], key: &mut KeyWriter<'a>) {
    key.token(criteria.len() as u32);
    for criterion in criteria {
        write_class(key, criterion.class);
        key.nodes(std::slice::from_ref(&criterion.condition));
    }
}

type ForEach = Arc<dyn Fn(&EntityRef) -> Option<Node> + Send + Sync>;

/// A condition on the objects of a class, wherever a statement has that class: in a query itself, joined, loaded
/// along or lazily, in `any` and `has`, in subqueries, under its own name or another. It holds for subclasses as
/// well. For rows that are deleted softly, for tenants, for languages.
///
/// It goes with [one query](super::Select::with_criteria) and the lazy loads of its objects, or with
/// [all of a session](Session::add_criteria).
#[derive(Clone)]
#[must_use]
pub struct LoaderCriteria {
    what: What,
    propagates: bool,
}

#[derive(Clone)]
enum What {
    Class(&'static ClassDef, Node),
    Each(ForEach),
}

/// A condition on the objects of a class; see [`LoaderCriteria`].
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # async fn example(session: &mut Session) -> Result<()> {
/// let living = loader_criteria::<User>(User::deleted_at.is_null());
/// let posts = session.all(select::<Post>().with_criteria(living).options(joined(Post::author))).await?;
/// # Ok(())
/// # }
/// ```
pub fn loader_criteria<T: Mapped>(condition: impl IntoExpr<bool>) -> LoaderCriteria {
    LoaderCriteria { what: What::Class(T::class(), condition.into_node()), propagates: true }
}

/// A condition on the objects of every class for which `each` gives one: for what many classes have, such as an
/// attribute of a common name. It is given each mapped class when a query is made.
///
/// ```
/// # use aludel_orm::loader_criteria_for_each;
/// use aludel_sql::Value;
///
/// let of_tenant = |tenant: i64| {
///     loader_criteria_for_each(move |class| {
///         let attribute = class.attr("tenant_id").ok()?;
///         let value = class.value("tenant_id", Value::I64(tenant)).ok()?;
///         Some(aludel_sql::Node::eq(attribute, value))
///     })
/// };
/// # let _ = of_tenant(1);
/// ```
pub fn loader_criteria_for_each(
    each: impl Fn(&EntityRef) -> Option<Node> + Send + Sync + 'static,
) -> LoaderCriteria {
    LoaderCriteria { what: What::Each(Arc::new(each)), propagates: true }
}

impl RecordClass {
    /// A condition on the objects of the class; see [`LoaderCriteria`].
    pub fn loader_criteria(self, condition: impl IntoExpr<bool>) -> LoaderCriteria {
        LoaderCriteria { what: What::Class(self.def(), condition.into_node()), propagates: true }
    }
}

impl EntityRef {
    /// A condition on the objects of the class; see [`LoaderCriteria`].
    pub fn loader_criteria(&self, condition: Node) -> LoaderCriteria {
        LoaderCriteria { what: What::Class(self.entity.class, condition), propagates: true }
    }
}

impl LoaderCriteria {
    /// It is about the query alone, with what is loaded along: lazy loads of the query's objects do not have it.
    pub fn not_propagated(self) -> Self {
        Self { propagates: false, ..self }
    }

    /// Puts them on a query: those of one class at once, the others once the mappers are known.
    pub(super) fn put_on(self, query: &mut Query) {
        match self.what {
            What::Class(class, condition) => {
                let propagates = self.propagates;
                query.criteria.push(ClassCriterion { class, condition, propagates });
            }
            What::Each(_) => query.said.push(self),
        }
    }

    fn expand(&self, mappers: &Arc<Mappers>, to: &mut Vec<ClassCriterion>) {
        let propagates = self.propagates;
        match &self.what {
            What::Class(class, condition) => {
                to.push(ClassCriterion { class, condition: condition.clone(), propagates });
            }
            What::Each(each) => {
                // A base's condition holds for its subclasses.
                let mut said: Vec<u16> = Vec::new();
                for mapper in mappers.iter() {
                    if said.iter().any(|base| mappers.is_a(mapper.index, *base)) {
                        continue;
                    }
                    let entity =
                        EntityRef { entity: Entity::of(mapper.def), names: Names::of(mappers) };
                    if let Some(condition) = each(&entity) {
                        said.push(mapper.index);
                        to.push(ClassCriterion { class: mapper.def, condition, propagates });
                    }
                }
            }
        }
    }
}

impl fmt::Debug for LoaderCriteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Class(class, condition) => {
                write!(f, "LoaderCriteria({}: {condition:?})", class.name)
            }
            What::Each(_) => f.write_str("LoaderCriteria(each class)"),
        }
    }
}

/// Criteria of a session; [`Session::remove_criteria`] takes them away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CriteriaId {
    session: u16,
    number: u32,
}

/// What a session remembers of criteria.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Those of the session.
    own: Vec<(u32, LoaderCriteria)>,
    next: u32,
    /// Those of the session, for the mappers that it knows.
    expanded: Option<(Arc<Mappers>, Vec<ClassCriterion>)>,
    /// Those of the query that is being read, for later loads of its objects.
    pub(super) reading: Option<Arc<[ClassCriterion]>>,
    /// Those of the queries that gave objects.
    of_objects: super::memory::Map<Id, Arc<[ClassCriterion]>>,
}

impl Remembered {
    /// A new object has been read by a query whose criteria go on.
    pub(super) fn propagate(&mut self, id: Id) {
        if let Some(reading) = &self.reading {
            self.of_objects.insert(id, Arc::clone(reading));
        }
    }

    /// The criteria of the query that gave an object.
    pub(super) fn of_object(&self, id: Id) -> Option<&Arc<[ClassCriterion]>> {
        if self.of_objects.is_empty() { None } else { self.of_objects.get(&id) }
    }

    /// Forgets what was said of objects that have left.
    pub(super) fn sweep(&mut self, holds: impl Fn(Id) -> bool) {
        if self.of_objects.len() > 4096 {
            self.of_objects.retain(|id, _| holds(*id));
        }
    }
}

impl Session {
    /// Adds criteria for all that the session queries and loads from here on, also by key; and for its UPDATEs
    /// and DELETEs by criteria. What is in the identity map is not touched by them. A query does without by
    /// [`without_criteria`](super::Select::without_criteria).
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &mut Session) {
    /// session.add_criteria(loader_criteria::<User>(User::deleted_at.is_null()));
    /// # }
    /// ```
    pub fn add_criteria(&mut self, criteria: LoaderCriteria) -> CriteriaId {
        let remembered = &mut self.loading.criteria;
        remembered.next += 1;
        remembered.own.push((remembered.next, criteria));
        remembered.expanded = None;
        CriteriaId { session: self.arena.session, number: remembered.next }
    }

    /// Takes criteria away that were [added](Self::add_criteria); gives whether they were there.
    pub fn remove_criteria(&mut self, id: CriteriaId) -> bool {
        let remembered = &mut self.loading.criteria;
        let before = remembered.own.len();
        if id.session == self.arena.session {
            remembered.own.retain(|(number, _)| *number != id.number);
            remembered.expanded = None;
        }
        remembered.own.len() < before
    }

    /// Whether the session has criteria of its own.
    #[inline]
    pub(super) fn has_criteria(&self) -> bool {
        !self.loading.criteria.own.is_empty()
    }

    /// The session's criteria, for the mappers that it knows.
    pub(super) fn own_criteria(&mut self) -> &[ClassCriterion] {
        let Remembered { own, expanded, .. } = &mut self.loading.criteria;
        if expanded.as_ref().is_none_or(|(mappers, _)| !Arc::ptr_eq(mappers, &self.mappers)) {
            let mut criteria = Vec::new();
            for (_, said) in own.iter() {
                said.expand(&self.mappers, &mut criteria);
            }
            criteria.iter_mut().for_each(|criterion| criterion.propagates = false);
            *expanded = Some((Arc::clone(&self.mappers), criteria));
        }
        expanded.as_ref().map_or(&[], |(_, criteria)| criteria)
    }

    /// Gives a query the criteria that were said for it, and the session's.
    pub(super) fn add_criteria_to(&mut self, what: Executed, query: &mut Query) -> Result<()> {
        if !query.said.is_empty() {
            for said in std::mem::take(&mut query.said) {
                said.expand(&self.mappers, &mut query.criteria);
            }
        }
        if self.has_criteria() && !query.without_criteria && what != Executed::ColumnLoad {
            self.learn(query.entity.class)?;
            query.criteria.extend_from_slice(self.own_criteria());
        }
        if query.criteria.is_empty() {
            return Ok(());
        }
        let session = &*self;
        query.bind_objects(&|criterion, object| session.values_compared(criterion, object))
    }
}

/// The criteria that go on to later loads.
pub(super) fn propagated(criteria: &[ClassCriterion]) -> Option<Arc<[ClassCriterion]>> {
    let going_on = criteria.iter().filter(|criterion| criterion.propagates);
    criteria.iter().any(|criterion| criterion.propagates).then(|| going_on.cloned().collect())
}
