//! Which objects a merge is of, and in which order; and what is loaded for it.
//!
//! The graph of the given objects is walked depth first, before anything is changed. What is to be loaded goes by the
//! distance from the first object instead: the objects of a level by one SELECT for those of a class that are not in the
//! session, then each relationship of theirs by one SELECT, which most often brings the objects of the next level.

use std::sync::Arc;

use hashbrown::HashSet;

use super::MergeLoad;
use crate::Result;
use crate::attributes::Datum;
use crate::instrumentation::{Id, ManyCore, OneCore};
use crate::mapping::Holder;
use crate::session::identity::Key;
use crate::session::state::Flags;
use crate::session::{FastMap, Session};

/// A step of a merge.
pub(super) enum Step {
    /// An object gets the one that it is merged onto.
    Target(Id),
    /// So have the related objects of one, and the relationship is merged.
    Relate { given: Id, attribute: u16, related: Datum },
    /// All relationships of an object have been merged: what is left of it.
    Finish(Id),
}

/// What a merge does.
#[derive(Default)]
pub(super) struct Walk {
    /// In this order.
    pub(super) steps: Vec<Step>,
    /// The given objects, with the keys that they are merged by.
    pub(super) keys: FastMap<Id, Option<Key>>,
    /// The given objects by their distance from the first.
    levels: Vec<Level>,
}

/// The objects at one distance from the first.
#[derive(Default)]
struct Level {
    objects: Vec<Id>,
    /// Their relationships that are merged.
    relationships: Vec<(Id, u16)>,
}

/// What is still to be walked.
enum Ahead {
    /// An object, with the relationship that leads to it.
    Object {
        given: Id,
        by: Option<(u16, u16)>,
        level: usize,
    },
    Relationship {
        given: Id,
        attribute: u16,
        level: usize,
    },
    Step(Step),
}

impl Session {
    /// Walks the graph of an object that is to be merged.
    pub(super) async fn walk_for_merge(&mut self, first: Id, load: MergeLoad) -> Result<Walk> {
        let mappers = Arc::clone(&self.mappers);
        let mut walk = Walk::default();
        // (object, mapper, attribute): relationships by which an object was reached.
        let mut reached_by: HashSet<(Id, u16, u16), foldhash::fast::RandomState> =
            HashSet::default();
        let mut ahead = vec![Ahead::Object { given: first, by: None, level: 0 }];
        while let Some(next) = ahead.pop() {
            match next {
                Ahead::Step(step) => walk.steps.push(step),
                Ahead::Object { given, by, level } => {
                    reached_by.extend(by.map(|(mapper, attribute)| (given, mapper, attribute)));
                    if walk.keys.contains_key(&given) {
                        continue;
                    }
                    self.arena.check(given)?;
                    let key = self.key_to_merge_by(given).await?;
                    let itself = self.target_by_key(given, key.as_ref()) == Some(given);
                    walk.keys.insert(given, key);
                    walk.steps.push(Step::Target(given));
                    if itself {
                        continue;
                    }
                    if walk.levels.len() == level {
                        walk.levels.push(Level::default());
                    }
                    walk.levels[level].objects.push(given);
                    ahead.push(Ahead::Step(Step::Finish(given)));
                    let relationships = mappers.at(given.class).relationships.iter().rev();
                    ahead.extend(relationships.map(|&attribute| Ahead::Relationship {
                        given,
                        attribute,
                        level,
                    }));
                }
                Ahead::Relationship { given, attribute, level } => {
                    let Some(relationship) = mappers.at(given.class).relationship(attribute) else {
                        continue;
                    };
                    let back = |(mapper, attribute): &(u16, u16)| {
                        reached_by.contains(&(given, *mapper, *attribute))
                    };
                    if !relationship.cascades.merge
                        || load == MergeLoad::Yes && relationship.reverse.iter().any(back)
                    {
                        continue;
                    }
                    let Some(related) = self.related_now(given, attribute) else { continue };
                    walk.levels[level].relationships.push((given, attribute));
                    let members = match &related {
                        Datum::Many(members) => members.clone(),
                        Datum::One(Some(referred)) => vec![*referred],
                        _ => Vec::new(),
                    };
                    ahead.push(Ahead::Step(Step::Relate { given, attribute, related }));
                    let by = Some((relationship.parent, attribute));
                    ahead.extend(members.into_iter().rev().map(|given| Ahead::Object {
                        given,
                        by,
                        level: level + 1,
                    }));
                }
            }
        }
        Ok(walk)
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
        let settled = mapper.primary_key.iter().all(|a| self.arena.is_loaded(given, *a));
        Ok(if settled { self.current_key(given) } else { None })
    }

    /// The session's object of a key that an object is merged by.
    pub(super) fn target_by_key(&self, given: Id, key: Option<&Key>) -> Option<Id> {
        let place = self.identity_of(given.class)?.get(key?)?;
        Some(self.id_at(place))
    }

    /// What is related to an object, where that is loaded.
    fn related_now(&self, given: Id, attribute: u16) -> Option<Datum> {
        let field = self.arena.field(given, attribute);
        match (field.many(), field.one()) {
            (Some(ManyCore::Loaded(members)), _) => Some(Datum::Many(members.to_vec())),
            (_, Some(OneCore::Loaded(referred))) => Some(Datum::One(*referred)),
            _ => None,
        }
    }

    /// Loads what a merge needs.
    pub(super) async fn load_for_merge(&mut self, walk: &Walk) -> Result<()> {
        for level in &walk.levels {
            self.load_targets(walk, level).await?;
            self.load_what_is_replaced(walk, level).await?;
        }
        Ok(())
    }

    /// Loads the objects that objects are merged onto, where they are not in the session.
    async fn load_targets(&mut self, walk: &Walk, level: &Level) -> Result<()> {
        let mut by_class: Vec<(u16, Vec<Key>)> = Vec::new();
        let mut seen: HashSet<(u16, &Key), foldhash::fast::RandomState> = HashSet::default();
        for given in &level.objects {
            let Some(key) = &walk.keys[given] else { continue };
            if self.target_by_key(*given, Some(key)).is_some() || !seen.insert((given.class, key)) {
                continue;
            }
            match by_class.iter_mut().find(|(class, _)| *class == given.class) {
                Some((_, keys)) => keys.push(key.clone()),
                None => by_class.push((given.class, vec![key.clone()])),
            }
        }
        for (class, keys) in by_class {
            self.get_all_at(class, &keys).await?;
        }
        Ok(())
    }

    /// Loads what is to be replaced: columns with active history, and collections; and the keys of members of keyed
    /// collections.
    async fn load_what_is_replaced(&mut self, walk: &Walk, level: &Level) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let mut lacking = Lacking::default();
        for &given in &level.objects {
            let Some(target) = self.loadable_target(walk, given) else { continue };
            let mapper = mappers.at(given.class);
            for &attribute in &mapper.columns {
                if mapper.column(attribute).is_some_and(|column| column.active_history)
                    && self.arena.is_loaded(given, attribute)
                    && !self.arena.is_loaded(target, attribute)
                {
                    lacking.push(target, attribute);
                }
            }
        }
        for &(given, attribute) in &level.relationships {
            if self.arena.field(given, attribute).many().is_some()
                && let Some(target) = self.loadable_target(walk, given)
            {
                lacking.push(target, attribute);
            }
            let holder = mappers.at(given.class).relationship(attribute).map(|r| &r.holder);
            if let (Some(Holder::Keyed(key)), Some(Datum::Many(members))) =
                (holder, self.related_now(given, attribute))
            {
                // The keys that are not merged with the members.
                let unkeyed = members.into_iter().filter(|m| !self.arena.is_loaded(*m, *key));
                let targets = unkeyed.filter_map(|member| self.loadable_target(walk, member));
                targets
                    .filter(|target| !self.arena.is_loaded(*target, *key))
                    .for_each(|target| lacking.push(target, *key));
            }
        }
        for (_, attribute, targets) in lacking.0 {
            self.ensure_all_loaded(&targets, attribute).await?;
        }
        Ok(())
    }

    /// The object with a row that another one is merged onto.
    fn loadable_target(&self, walk: &Walk, given: Id) -> Option<Id> {
        let target = self.target_by_key(given, walk.keys.get(&given)?.as_ref())?;
        let fits = self.mappers.is_a(target.class, given.class);
        (fits && self.arena.state(target).has(Flags::HAS_KEY)).then_some(target)
    }
}

/// (class, attribute, objects): which objects of a class lack an attribute.
#[derive(Default)]
struct Lacking(Vec<(u16, u16, Vec<Id>)>);

impl Lacking {
    fn push(&mut self, object: Id, attribute: u16) {
        let same = self.0.iter_mut().find(|(c, a, _)| (*c, *a) == (object.class, attribute));
        match same {
            Some((_, _, objects)) => objects.push(object),
            None => self.0.push((object.class, attribute, vec![object])),
        }
    }
}
