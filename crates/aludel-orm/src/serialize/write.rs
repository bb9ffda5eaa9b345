//! From objects to what is written of them.

use std::sync::Arc;

use super::format::{
    self, Before, Change, Collection, Column, Members, Object, Reference, Serialized,
};
use crate::Result;
use crate::attributes::delta::{Delta, IdSet};
use crate::attributes::log::Old;
use crate::events::ObjectEvent;
use crate::instrumentation::{Id, ManyCore, OneCore};
use crate::loading::{Allowed, Restriction};
use crate::mapping::PropertyKind;
use crate::session::Session;
use crate::session::owners::{Owner, OwnerKey};
use crate::session::state::Flags;

/// The objects of a graph: those that are found get places in their order.
#[derive(Default)]
struct Graph(IdSet);

impl Graph {
    fn place(&mut self, id: Id) -> u32 {
        self.0.insert_full(id).0 as u32
    }

    fn places(&mut self, ids: impl IntoIterator<Item = Id>) -> Vec<u32> {
        ids.into_iter().map(|id| self.place(id)).collect()
    }

    fn members(&mut self, members: &crate::instrumentation::Members) -> Members {
        let keys = members.entries().map(|(key, _)| key.clone()).collect();
        Members { ids: self.places(members.iter()), keys }
    }
}

impl Session {
    /// Takes down objects with everything that is known of them, and with all objects that they refer to as far as that
    /// is loaded: values, what is loaded and what is expired, identity, history, and who belongs to whom. What is shared
    /// stays shared. Owners that are not among these objects are taken down by their identities.
    ///
    /// # Errors
    ///
    /// When an object is not here, a listener refuses, or an attribute was set to an SQL expression that is not flushed
    /// yet.
    pub fn serialize<I: Into<Id>>(
        &mut self,
        objects: impl IntoIterator<Item = I>,
    ) -> Result<Serialized> {
        let mut serialized = Serialized::new();
        let mut graph = Graph::default();
        for object in objects {
            let id = object.into();
            self.arena.check(id)?;
            serialized.roots.push(graph.place(id));
        }
        while let Some(&id) = graph.0.get_index(serialized.objects.len()) {
            self.arena.check(id)?;
            self.tell(ObjectEvent::Serialize, id)?;
            self.check_values(id)?;
            serialized.objects.push(self.taken_down(id, &mut graph));
        }
        // Owners are told of where they are among the objects.
        for (at, id) in graph.0.iter().enumerate() {
            serialized.objects[at].owners = self.owners_of(*id, &graph.0);
        }
        Ok(serialized)
    }

    /// An SQL expression that waits for a flush is nothing that can be written.
    fn check_values(&self, id: Id) -> Result<()> {
        if !self.has_expression(id) {
            return Ok(());
        }
        let mut logged = self.log.chain(self.arena.state(id).head);
        match logged.find(|entry| self.expression(id, entry.attribute).is_some()) {
            Some(entry) => Err(self.not_flushed(id, entry.attribute)),
            None => Ok(()),
        }
    }

    fn taken_down(&self, id: Id, graph: &mut Graph) -> Object {
        let mapper = self.mapper_of(id);
        let state = self.arena.state(id);
        let mut object = Object {
            class: mapper.class_name().to_owned(),
            key: self.identity_key(id).map(|key| key.values().into_vec()),
            fresh: state.has(Flags::FRESH),
            modified: state.has(Flags::MODIFIED),
            orphaned: state.has(Flags::ORPHANED),
            columns: Vec::new(),
            references: Vec::new(),
            collections: Vec::new(),
            history: Vec::new(),
            owners: Vec::new(),
            restrictions: self.restrictions_of(id),
        };
        for (attribute, property) in mapper.properties.iter().enumerate() {
            let attribute = attribute as u16;
            let name = || property.name().to_owned();
            match &property.kind {
                PropertyKind::Relationship(_) => {
                    let field = self.arena.field(id, attribute);
                    if let Some(one) = field.one() {
                        let reference = match one {
                            OneCore::Loaded(to) => {
                                let to = to.filter(|to| self.arena.holds(*to));
                                Reference::Loaded(to.map(|to| graph.place(to)))
                            }
                            OneCore::NotLoaded => Reference::NotLoaded,
                            OneCore::Unset | OneCore::New(_) => continue,
                        };
                        object.references.push((name(), reference));
                    } else if let Some(many) = field.many() {
                        let delta = self.deltas.get(&(id, attribute));
                        let members = many.loaded().map(|members| graph.members(members));
                        if matches!(many, ManyCore::Unset) && delta.is_none() {
                            continue;
                        }
                        let change = delta.map(|delta| changes(delta, many.loaded(), graph));
                        object.collections.push((name(), Collection { members, change }));
                    }
                }
                PropertyKind::Column(_) | PropertyKind::Expression { .. } => {
                    let slab = self.arena.of(id);
                    if slab.is_loaded(id.slot, attribute) {
                        let value = self.arena.field(id, attribute).value();
                        object.columns.push((name(), Column::Loaded(value)));
                    } else if slab.is_expired(id.slot, attribute) {
                        object.columns.push((name(), Column::Expired));
                    }
                }
                _ => {}
            }
        }
        for entry in self.log.chain(state.head) {
            let before = match &entry.old {
                Old::Absent => Before::Absent,
                Old::Value(value) => Before::Value(value.clone()),
                Old::Expression(replaced) => match &replaced.old {
                    Some(value) => Before::Value(value.clone()),
                    None => Before::Absent,
                },
                Old::One(OneCore::Loaded(to)) => {
                    let to = to.filter(|to| self.arena.holds(*to));
                    Before::Reference(to.map(|to| graph.place(to)))
                }
                Old::One(OneCore::NotLoaded) => Before::ReferenceNotLoaded,
                Old::One(OneCore::Unset | OneCore::New(_)) => Before::ReferenceUnset,
            };
            object.history.push((mapper.property(entry.attribute).name().to_owned(), before));
        }
        object.history.reverse();
        object
    }

    /// The owners of an object: by their places among those that are taken down, or by their identities.
    fn owners_of(&self, id: Id, graph: &IdSet) -> Vec<(String, String, format::Owner)> {
        let mut owners = Vec::new();
        for (parent, attribute) in &self.mapper_of(id).owners {
            let owner = match self.owner_of(id, *parent, *attribute) {
                Owner::Unknown => continue,
                Owner::Lost => format::Owner::Lost,
                Owner::Is(owner) => match graph.get_index_of(&owner) {
                    Some(at) => format::Owner::Here(at as u32),
                    None => {
                        let here = self.arena.holds(owner);
                        let key = if here { self.identity_key(owner) } else { None };
                        self.owner_elsewhere(key.map(|key| (owner.class, key)))
                    }
                },
                Owner::Away => self.owner_elsewhere(self.owner_away(id, *parent, *attribute)),
            };
            let parent = self.mappers.at(*parent);
            let name = parent.property(*attribute).name().to_owned();
            owners.push((parent.class_name().to_owned(), name, owner));
        }
        owners.sort_by(|one: &(String, String, _), other| {
            (&one.0, &one.1).cmp(&(&other.0, &other.1))
        });
        owners
    }

    /// Which attributes may not be loaded, or may be after all, as options of queries say.
    fn restrictions_of(&self, id: Id) -> Vec<(String, Allowed)> {
        let mapper = self.mapper_of(id);
        let all = self.loading.restrictions(id, mapper.properties.len()).into_iter();
        all.map(|Restriction(attribute, allowed)| {
            (mapper.property(attribute).name().to_owned(), allowed)
        })
        .collect()
    }

    fn owner_elsewhere(&self, key: Option<OwnerKey>) -> format::Owner {
        match key {
            Some((class, key)) => {
                let class = self.mappers.at(class).class_name().to_owned();
                format::Owner::Away(class, key.values().into_vec())
            }
            None => format::Owner::New,
        }
    }
}

fn changes(
    delta: &Delta,
    present: Option<&Arc<crate::instrumentation::Members>>,
    graph: &mut Graph,
) -> Change {
    let mut delta = delta.clone();
    if let Some(present) = present.filter(|_| !delta.removed.is_empty()) {
        // Where the removed ones were cannot be told by slots of a list that is written without its holes.
        delta.keep_original(present);
    }
    Change {
        added: graph.places(delta.added.iter()),
        removed: graph.places(delta.removed.iter()),
        original: delta.original.map(|ids| graph.places(ids.iter().copied())),
    }
}
