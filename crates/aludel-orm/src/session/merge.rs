//! Merge: copying the state of an object onto the session's own object of the same identity.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::FastMap;
use super::Session;
use super::identity::Key;
use super::state::{Flags, ObjectState};
use crate::attributes::Datum;
use crate::attributes::composite::Extent;
use crate::events::ObjectEvent;
use crate::instrumentation::{AttrKind, Handle, Id, IntoObject, ManyCore, OneCore};
use crate::mapping::{PropertyKind, Relationship};
use crate::{Error, ErrorKind, Result};

/// Whether a merge looks in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeLoad {
    /// Objects that are not in the session are loaded, and differences become changes.
    Yes,
    /// The given state is taken as what the database has: nothing is loaded, and nothing counts as changed.
    No,
}

struct Merge {
    load: MergeLoad,
    done: FastMap<Id, Id>,
    by_key: Vec<(u16, Key, Id)>,
    /// (object, mapper, attribute): relationships by which an object was reached.
    reached_by: hashbrown::HashSet<(Id, u16, u16), foldhash::fast::RandomState>,
}

impl Session {
    /// Copies the state of an object onto the session's object of the same key, and gives that one: loaded
    /// where it is not in the session, made where there is no row. Values never set, and collections never
    /// touched, are left alone. The cascade `merge` takes related objects along.
    ///
    /// # Errors
    ///
    /// When loading fails, a validator refuses a value, the versions differ ([`ErrorKind::Stale`]), or the object
    /// has lost its row in a rollback while its key was expired ([`ErrorKind::Detached`]).
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
    /// When an object has no key, or pending changes.
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
        let risky = object.gives_objects(self);
        let given = self.guarded(risky, |s| object.into_object(s))?;
        self.merge_at(given, load).await.map(Handle::new)
    }

    /// Merges by id.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge).
    pub async fn merge_at(&mut self, given: Id, load: MergeLoad) -> Result<Id> {
        self.arena.check(given)?;
        if load == MergeLoad::Yes {
            self.autoflush().await?;
        }
        let autoflush = std::mem::replace(&mut self.options.autoflush, false);
        let mut merge = Merge {
            load,
            done: FastMap::default(),
            by_key: Vec::new(),
            reached_by: Default::default(),
        };
        let result = self.merge_one(given, &mut merge).await;
        self.options.autoflush = autoflush;
        result
    }

    fn merge_one<'a>(
        &'a mut self,
        given: Id,
        merge: &'a mut Merge,
    ) -> Pin<Box<dyn Future<Output = Result<Id>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(done) = merge.done.get(&given) {
                return Ok(*done);
            }
            let key = self.key_to_merge_by(given).await?;
            let (target, made) = self.merge_target(given, key.as_ref(), merge).await?;
            merge.done.insert(given, target);
            if let Some(key) = key {
                merge.by_key.push((self.mapper_of(target).root, key, target));
            }
            if target != given {
                self.check_merge_version(given, target)?;
                let mappers = Arc::clone(&self.mappers);
                let mapper = mappers.at(given.class);
                // Relationships come first, so that validators and listeners of theirs meet objects whose columns
                // are yet to come.
                for relationship in mapper.relationships() {
                    self.merge_relationship(given, target, relationship, merge).await?;
                }
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
                        PropertyKind::Column(_) => {
                            self.merge_column(given, target, attribute, merge.load).await?
                        }
                        _ => {}
                    }
                }
            }
            if made && target != given {
                self.take_owners_away(given, target);
            }
            if merge.load == MergeLoad::No && made {
                self.committed(target);
            }
            if made {
                self.tell_waiting(ObjectEvent::Load, target).await?;
            }
            Ok(target)
        })
    }

    /// The key that an object is merged by: that of its identity, or else of its key attributes. Where they are
    /// expired they are loaded, which fails for an object that lost its row in a rollback: nobody knows its key.
    async fn key_to_merge_by(&mut self, given: Id) -> Result<Option<Key>> {
        if let Some(key) = self.identity_key(given) {
            return Ok(Some(key));
        }
        let mapper = Arc::clone(self.mapper_of(given));
        for &attribute in &mapper.primary_key {
            if self.arena.of(given).is_expired(given.slot, attribute) {
                self.ensure_loaded(given, attribute).await?;
            }
        }
        Ok(self.settled_key(given))
    }

    /// The key of an object that has no identity yet, where its key attributes are set.
    fn settled_key(&self, id: Id) -> Option<Key> {
        let set = self.mapper_of(id).primary_key.iter().all(|a| self.arena.is_loaded(id, *a));
        if set { self.current_key(id) } else { None }
    }

    /// The object that an object is merged onto, and whether it was made for that.
    async fn merge_target(
        &mut self,
        given: Id,
        key: Option<&Key>,
        merge: &Merge,
    ) -> Result<(Id, bool)> {
        let root = self.mapper_of(given).root;
        if let Some(key) = key {
            if let Some(place) = self.identity_of(given.class).and_then(|m| m.get(key)) {
                return Ok((self.id_at(place), false));
            }
            if let Some((_, _, id)) = merge.by_key.iter().find(|(r, k, _)| *r == root && k == key) {
                return Ok((*id, false));
            }
        }
        if merge.load == MergeLoad::No {
            return self.merge_unloaded_target(given, key).map(|id| (id, true));
        }
        if let Some(key) = key
            && let Some(found) = self.get_at(given.class, key).await?
        {
            return Ok((found, false));
        }
        let made = self.create_at(given.class);
        self.guarded(false, |s| s.save_or_update(made))?;
        Ok((made, true))
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
            self.guarded(false, |s| s.attach(made))?;
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

    async fn merge_column(
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
                if !deferred {
                    self.arena.of_mut(target).set_expired(target.slot, attribute, true);
                }
            }
            return Ok(());
        }
        if load == MergeLoad::No {
            let value = self.arena.field(given, attribute).value();
            return self.set_committed_column(target, attribute, value);
        }
        let active = self.mapper_of(target).column(attribute).is_some_and(|c| c.active_history);
        if active
            && self.arena.state(target).has(Flags::HAS_KEY)
            && !self.arena.is_loaded(target, attribute)
        {
            self.ensure_loaded(target, attribute).await?;
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

    async fn merge_relationship(
        &mut self,
        given: Id,
        target: Id,
        relationship: &Relationship,
        merge: &mut Merge,
    ) -> Result<()> {
        let back = |(mapper, attribute): &(u16, u16)| {
            merge.reached_by.contains(&(given, *mapper, *attribute))
        };
        if merge.load == MergeLoad::Yes && relationship.reverse.iter().any(back) {
            return Ok(());
        }
        if !relationship.cascades.merge {
            return Ok(());
        }
        let attribute = relationship.attribute;
        let field = self.arena.field(given, attribute);
        if let Some(ManyCore::Loaded(members)) = field.many() {
            let members = members.to_vec();
            if merge.load == MergeLoad::Yes && self.arena.state(target).has(Flags::HAS_KEY) {
                self.ensure_loaded(target, attribute).await?;
            }
            let mut merged = Vec::with_capacity(members.len());
            for member in members {
                merge.reached_by.insert((member, relationship.parent, attribute));
                merged.push(self.merge_one(member, merge).await?);
            }
            return match merge.load {
                MergeLoad::Yes => self.set_datum(target, attribute, Datum::Many(merged)),
                MergeLoad::No => self.set_committed_datum(target, attribute, Datum::Many(merged)),
            };
        }
        let Some(OneCore::Loaded(referred)) = field.one() else { return Ok(()) };
        let merged = match *referred {
            None => None,
            Some(referred) => {
                merge.reached_by.insert((referred, relationship.parent, attribute));
                Some(self.merge_one(referred, merge).await?)
            }
        };
        match merge.load {
            MergeLoad::Yes => self.set_datum(target, attribute, Datum::One(merged)),
            MergeLoad::No => self.set_committed_datum(target, attribute, Datum::One(merged)),
        }
    }
}
