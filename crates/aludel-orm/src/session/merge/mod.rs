//! Merge: copying the state of an object onto the session's own object of the same identity.
//!
//! ```text
//! walk     the given graph: what is merged, in which order, by which keys     (nothing is changed)
//! load     what is needed of it, level by level                               (may wait)
//! apply    every value, in one scope of the journal: all of it, or nothing
//! ```

mod walk;

use std::future::Future;
use std::sync::Arc;

use super::FastMap;
use super::Session;
use super::identity::Key;
use super::owners::Owner;
use super::state::{Flags, ObjectState};
use crate::attributes::Datum;
use crate::attributes::composite::Extent;
use crate::attributes::delta::IdSet;
use crate::attributes::journal::{Suspended, Undo};
use crate::events::ObjectEvent;
use crate::instrumentation::{AttrKind, Handle, Id, IntoObject};
use crate::mapping::{Direction, PropertyKind};
use crate::{Error, ErrorKind, Result};

use walk::{Step, Walk};

/// Whether a merge looks in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeLoad {
    /// Objects that are not in the session are loaded, and differences become changes.
    Yes,
    /// The given state is taken as what the database has: nothing is loaded, and nothing counts as changed.
    No,
}

/// What has been merged so far.
struct Merge {
    load: MergeLoad,
    /// The objects that given ones are merged onto.
    targets: FastMap<Id, Id>,
    /// The new ones among these that have a key, by the root of their hierarchy.
    by_key: FastMap<(u16, Key), Id>,
    /// The given objects for which a new one was made.
    new: IdSet,
    /// The new ones of which all has been merged, in this order.
    made: Vec<Id>,
}

impl Session {
    /// Copies the state of an object onto the session's object of the same key, and gives that one: loaded
    /// where it is not in the session, made where there is no row. Values never set, and collections never
    /// touched, are left alone. The cascade `merge` takes related objects along.
    ///
    /// What is needed of the database is loaded first, in few statements: the objects that are as far from the given one
    /// by one SELECT a class, their collections by one SELECT a relationship.
    ///
    /// # Errors
    ///
    /// When loading fails, a validator or listener refuses a value, the versions differ ([`ErrorKind::Stale`]), or the
    /// object has lost its row in a rollback while its key was expired ([`ErrorKind::Detached`]). Nothing has been merged
    /// then, whichever object of the graph it was about; what was loaded stays.
    #[track_caller]
    pub fn merge<O: IntoObject>(
        &mut self,
        object: O,
    ) -> impl Future<Output = Result<Handle<O::Class>>> {
        self.called();
        self.merge_given(object, MergeLoad::Yes)
    }

    /// As [`merge`](Self::merge), taking the given state as what the database has: for objects from a cache.
    ///
    /// # Errors
    ///
    /// When an object has no key, or pending changes; nothing has been merged then.
    #[track_caller]
    pub fn merge_without_load<O: IntoObject>(
        &mut self,
        object: O,
    ) -> impl Future<Output = Result<Handle<O::Class>>> {
        self.called();
        self.merge_given(object, MergeLoad::No)
    }

    async fn merge_given<O: IntoObject>(
        &mut self,
        object: O,
        load: MergeLoad,
    ) -> Result<Handle<O::Class>> {
        self.autoflush_for_merge(load).await?;
        let mut scope = self.open_scope();
        let gives_objects = object.gives_objects(&mut scope);
        let given = object.into_object(&mut scope, gives_objects)?;
        let given = (given, scope.suspend());
        self.merge_now(given, load).await.map(Handle::new)
    }

    /// Merges by id.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge).
    pub async fn merge_at(&mut self, given: Id, load: MergeLoad) -> Result<Id> {
        self.arena.check(given)?;
        self.autoflush_for_merge(load).await?;
        self.merge_now((given, Suspended::default()), load).await
    }

    async fn autoflush_for_merge(&mut self, load: MergeLoad) -> Result<()> {
        match load {
            MergeLoad::Yes => self.autoflush().await,
            MergeLoad::No => Ok(()),
        }
    }

    /// Merges an object; what it took to make it is undone where that is refused.
    async fn merge_now(&mut self, given: (Id, Suspended), load: MergeLoad) -> Result<Id> {
        let mut session = self.no_autoflush();
        let (given, making) = given;
        let walked = session.walk_and_load(given, load).await;
        let mut scope = session.resume_scope(making);
        let walk = walked?;
        if load == MergeLoad::No {
            // What is set as if it had been loaded is not in the journal.
            let keys = walk.keys.iter();
            let there = keys.filter_map(|(given, key)| scope.target_by_key(*given, key.as_ref()));
            let before = there.map(|target| scope.as_it_is(target)).collect();
            scope.put_back_too(before);
        }
        let mut merge = Merge {
            load,
            targets: FastMap::default(),
            by_key: FastMap::default(),
            new: IdSet::default(),
            made: Vec::new(),
        };
        for step in walk.steps {
            scope.merge_step(step, &walk.keys, &mut merge)?;
        }
        for target in merge.made {
            scope.tell_waiting(ObjectEvent::Load, target).await?;
        }
        scope.keep();
        Ok(merge.targets[&given])
    }

    async fn walk_and_load(&mut self, given: Id, load: MergeLoad) -> Result<Walk> {
        let walk = self.walk_for_merge(given, load).await?;
        if load == MergeLoad::Yes {
            self.load_for_merge(&walk).await?;
        }
        Ok(walk)
    }

    fn merge_step(
        &mut self,
        step: Step,
        keys: &FastMap<Id, Option<Key>>,
        merge: &mut Merge,
    ) -> Result<()> {
        match step {
            Step::Target(given) => {
                let target = self.merge_target(given, keys[&given].as_ref(), merge)?;
                merge.targets.insert(given, target);
                match target == given {
                    true => Ok(()),
                    false => self.check_merge_version(given, target),
                }
            }
            Step::Relate { given, attribute, related } => {
                let of = |given: Id| merge.targets[&given];
                let related = match related {
                    Datum::Many(members) => Datum::Many(members.into_iter().map(of).collect()),
                    Datum::One(referred) => Datum::One(referred.map(of)),
                    other => other,
                };
                match merge.load {
                    MergeLoad::Yes => self.set_datum(of(given), attribute, related),
                    MergeLoad::No => self.set_committed_datum(of(given), attribute, related),
                }
            }
            Step::Finish(given) => self.finish_merge(given, merge),
        }
    }

    /// Merges the columns of an object, after its relationships: so validators and listeners of these meet objects whose
    /// columns are yet to come.
    fn finish_merge(&mut self, given: Id, merge: &mut Merge) -> Result<()> {
        let target = merge.targets[&given];
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(given.class);
        for (attribute, property) in mapper.properties.iter().enumerate() {
            let attribute = attribute as u16;
            match &property.kind {
                PropertyKind::Composite { attributes } => {
                    self.merge_composite(given, target, attribute, attributes, merge.load)?;
                }
                // The columns of a composite that may be none come and go with it.
                PropertyKind::Column(_)
                    if mapper
                        .def
                        .composite_over(attribute)
                        .is_some_and(|(_, composite)| composite.optional)
                        && self.arena.is_loaded(given, attribute) => {}
                PropertyKind::Column(_)
                    if mapper.read_only.contains(&attribute) && merge.load != MergeLoad::No => {}
                PropertyKind::Column(_) if self.follows_what_is_merged(given, attribute, merge) => {
                }
                PropertyKind::Column(_) => {
                    self.merge_column(given, target, attribute, merge.load)?;
                }
                _ => {}
            }
        }
        if merge.new.contains(&given) {
            merge.made.push(target);
            self.take_owners_away(given, target);
            if merge.load == MergeLoad::No {
                self.committed(target);
            }
        }
        Ok(())
    }

    /// Whether a foreign key of a new object follows from the graph, which has what it refers to or whose member it is:
    /// as in a flush, that wins over what its field happens to hold.
    fn follows_what_is_merged(&self, given: Id, attribute: u16, merge: &Merge) -> bool {
        if self.arena.state(given).has(Flags::HAS_KEY) {
            return false;
        }
        let mapper = self.mapper_of(given);
        let is_merged = |id: Id| merge.targets.contains_key(&id);
        let refers = mapper.relationships.iter().filter_map(|a| mapper.relationship(*a)).any(|r| {
            let referred = || self.arena.field(given, r.attribute).one()?.known()?;
            r.direction == Direction::ManyToOne
                && !r.viewonly
                && r.pairs.iter().any(|(local, _)| *local == attribute)
                && referred().is_some_and(is_merged)
        });
        refers
            || mapper.owners.iter().any(|&(parent, of_parent)| {
                let Some(r) = self.mappers.at(parent).relationship(of_parent) else { return false };
                r.direction == Direction::OneToMany
                    && r.pairs.iter().any(|(_, remote)| *remote == attribute)
                    && matches!(self.owner_of(given, parent, of_parent), Owner::Is(owner) if is_merged(owner))
            })
    }

    /// The object that an object is merged onto.
    fn merge_target(&mut self, given: Id, key: Option<&Key>, merge: &mut Merge) -> Result<Id> {
        let root = self.mapper_of(given).root;
        let known = key.and_then(|key| {
            let by_key = merge.by_key.get(&(root, key.clone())).copied();
            self.target_by_key(given, Some(key)).or(by_key)
        });
        if let Some(target) = known {
            return match self.mappers.is_a(target.class, given.class) {
                true => Ok(target),
                false => Err(self.of_another_class(given, target)),
            };
        }
        let target = match merge.load {
            MergeLoad::No => self.merge_unloaded_target(given, key)?,
            MergeLoad::Yes => {
                let made = self.create_at(given.class);
                self.save_or_update(made)?;
                made
            }
        };
        merge.new.insert(given);
        merge.by_key.extend(key.map(|key| ((root, key.clone()), target)));
        Ok(target)
    }

    #[cold]
    fn of_another_class(&self, given: Id, target: Id) -> Error {
        Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} of the session is no {}, so that an object of that class cannot be merged onto it",
                self.describe_object(target),
                self.mapper_of(given).class_name()
            ),
        )
    }

    fn merge_unloaded_target(&mut self, given: Id, key: Option<&Key>) -> Result<Id> {
        let state = self.arena.state(given);
        let problem = if !state.has(Flags::HAS_KEY) {
            "it is transient"
        } else if state.has(Flags::MODIFIED) {
            "it has changes that are not flushed"
        } else {
            let made = self.create_at(given.class);
            if let Some(key) = key {
                let mapper = Arc::clone(self.mapper_of(made));
                for (attribute, value) in mapper.primary_key.iter().zip(key.values()) {
                    self.set_committed_column(made, *attribute, value)?;
                }
            }
            self.committed(made);
            let state = self.arena.state_mut(made);
            state.flags.set(Flags::HAS_KEY);
            state.life = ObjectState::Detached;
            self.attach(made)?;
            return Ok(made);
        };
        Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("{} cannot be merged without loading: {problem}", self.describe_object(given)),
        ))
    }

    fn check_merge_version(&self, given: Id, target: Id) -> Result<()> {
        let Some(version) = self.mapper_of(given).version else { return Ok(()) };
        if !self.arena.is_loaded(given, version) || !self.arena.is_loaded(target, version) {
            return Ok(());
        }
        let (theirs, ours) = (self.arena.field(given, version), self.arena.field(target, version));
        if theirs.same(ours) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Stale,
            format!(
                "{} has version {:?}, and the object merged onto it comes from version {:?}",
                self.describe_object(target),
                ours.value(),
                theirs.value()
            ),
        ))
    }

    fn merge_column(
        &mut self,
        given: Id,
        target: Id,
        attribute: u16,
        load: MergeLoad,
    ) -> Result<()> {
        if let Some(expression) = self.expression(given, attribute).cloned() {
            return self.set_expression(target, attribute, expression);
        }
        if !self.arena.is_loaded(given, attribute) {
            let state = self.arena.state(target);
            if state.has(Flags::HAS_KEY) && !self.arena.is_loaded(target, attribute) {
                let deferred = self.mapper_of(target).column(attribute).is_some_and(|c| c.deferred);
                let slab = self.arena.of_mut(target);
                if !deferred && !slab.is_expired(target.slot, attribute) {
                    slab.set_expired(target.slot, attribute, true);
                    let old = self.arena.field(target, attribute).value();
                    let (id, loaded, expired) = (target, false, false);
                    self.journal.write(|| Undo::Column { id, attribute, old, loaded, expired });
                }
            }
            return Ok(());
        }
        if load == MergeLoad::No {
            let value = self.arena.field(given, attribute).value();
            return self.set_committed_column(target, attribute, value);
        }
        let mut field = self.arena.field(given, attribute).clone_field();
        self.set_column(target, attribute, &mut *field, None)
    }

    /// Merges a composite that may be none, where it is loaded.
    fn merge_composite(
        &mut self,
        given: Id,
        target: Id,
        attribute: u16,
        columns: &[u16],
        load: MergeLoad,
    ) -> Result<()> {
        let def = &self.mapper_of(given).def.attributes[usize::from(attribute)];
        let optional = matches!(&def.kind, AttrKind::Composite(c) if c.optional);
        if !optional || !columns.iter().all(|a| self.arena.is_loaded(given, *a)) {
            return Ok(());
        }
        let mut field = self.arena.field(given, attribute).clone_field();
        match load {
            MergeLoad::Yes => {
                self.set_composite(target, attribute, &mut *field, Extent::Changed, None)
            }
            MergeLoad::No => self.set_committed_composite(target, attribute, field.take_value()),
        }
    }
}
