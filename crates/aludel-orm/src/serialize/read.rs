//! From what was written to objects.

use std::sync::Arc;

use aludel_sql::{Bind, ColumnType, TypeVisitor, Value};

use super::format::{self, Before, Collection, Column, Members, Object, Reference, Serialized};
use crate::attributes::delta::{Delta, NO_SLOT};
use crate::attributes::log::Old;
use crate::events::ObjectEvent;
use crate::instrumentation::{AttrKind, Id, ManyCore, OneCore};
use crate::loading::Restriction;
use crate::mapping::{Mapper, PropertyKind, Relationship};
use crate::session::Session;
use crate::session::identity::Key;
use crate::session::owners::{Owner, OwnerKey};
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

/// What is to be done to an object once everything has been found to be in order.
#[derive(Default)]
struct Links {
    ones: Vec<(u16, OneCore)>,
    manys: Vec<(u16, ManyCore, Option<Delta>)>,
    history: Vec<(u16, Old)>,
    owners: Vec<((u16, u16), Owned)>,
    restrictions: Vec<Restriction>,
}

/// By whom an object is owned.
enum Owned {
    Known(Owner),
    Away(Option<OwnerKey>),
}

impl Session {
    /// Makes objects of what was taken down, and gives those that had been asked for, in their order.
    ///
    /// They belong to no session's work: an object with an identity is detached, to be added or merged; one without is
    /// transient. Their classes have to be known to the registry.
    ///
    /// # Errors
    ///
    /// When a class is not known, an attribute is not there any more, or anything does not fit: nothing is made then.
    pub fn deserialize(&mut self, serialized: &Serialized) -> Result<Vec<Id>> {
        serialized.check_version()?;
        self.scope(|session| {
            let mut ids = Vec::with_capacity(serialized.objects.len());
            for object in &serialized.objects {
                let class = session.class_written(&object.class)?;
                ids.push(session.create_at(class));
            }
            let mut links = Vec::with_capacity(ids.len());
            for (id, object) in ids.iter().zip(&serialized.objects) {
                session.read_columns(*id, object)?;
                links.push(session.read_links(*id, object, &ids)?);
            }
            let roots =
                serialized.roots.iter().map(|at| at_place(&ids, *at)).collect::<Result<_>>()?;
            for ((id, object), links) in ids.iter().zip(&serialized.objects).zip(links) {
                session.link(*id, object, links)?;
            }
            for id in &ids {
                session.tell(ObjectEvent::Deserialize, *id)?;
            }
            Ok(roots)
        })
    }

    /// The class of a name that was written.
    fn class_written(&mut self, name: &str) -> Result<u16> {
        if !self.mappers.by_name.contains_key(name) {
            // The registry may have learned it since.
            let mappers = self.registry.mappers();
            self.listeners.learn(&mappers);
            self.mappers = mappers;
        }
        self.mapper_named(name)
    }

    fn read_columns(&mut self, id: Id, object: &Object) -> Result<()> {
        let mapper = Arc::clone(self.mapper_of(id));
        for &attribute in &mapper.columns {
            self.arena.of_mut(id).set_loaded(id.slot, attribute, false);
        }
        self.read_composites(id, &mapper, object)?;
        for (name, column) in &object.columns {
            let attribute = attribute_written(&mapper, name)?;
            if mapper.relationship(attribute).is_some() {
                return Err(misfit(&mapper, name, "it is a relationship now"));
            }
            match column {
                Column::Expired => self.arena.of_mut(id).set_expired(id.slot, attribute, true),
                Column::Loaded(value) => {
                    let put = self.arena.field_mut(id, attribute).put(value.clone());
                    put.map_err(|bad| misfit(&mapper, name, &format!("the value {bad}")))?;
                    self.arena.of_mut(id).set_loaded(id.slot, attribute, true);
                }
            }
        }
        Ok(())
    }

    /// Composites with a value begin as a whole, since the parts of one that is none cannot be put one by one. Parts
    /// that were not loaded hold any value.
    fn read_composites(&mut self, id: Id, mapper: &Mapper, object: &Object) -> Result<()> {
        for (attribute, property) in (0..).zip(&mapper.properties) {
            let PropertyKind::Composite { attributes } = &property.kind else { continue };
            let loaded = |attribute: &u16| {
                let name = mapper.property(*attribute).name();
                object.columns.iter().find_map(|(column, value)| match value {
                    Column::Loaded(value) if column == name => Some(value),
                    _ => None,
                })
            };
            if attributes.iter().filter_map(loaded).all(Value::is_null) {
                continue;
            }
            let value = |attribute: &u16| match loaded(attribute) {
                Some(value) => value.clone(),
                None => blank(mapper, *attribute),
            };
            let values = Value::Tuple(attributes.iter().map(value).collect());
            let put = self.arena.field_mut(id, attribute).put(values);
            put.map_err(|bad| misfit(mapper, property.name(), &format!("the value {bad}")))?;
        }
        Ok(())
    }

    fn read_links(&self, id: Id, object: &Object, ids: &[Id]) -> Result<Links> {
        let mapper = self.mapper_of(id);
        let mut links = Links::default();
        for (name, reference) in &object.references {
            let (attribute, relationship) = relationship_written(mapper, name, false)?;
            let core = match reference {
                Reference::NotLoaded => OneCore::NotLoaded,
                Reference::Loaded(to) => {
                    OneCore::Loaded(self.target_written(relationship, *to, ids)?)
                }
            };
            links.ones.push((attribute, core));
        }
        for (name, collection) in &object.collections {
            let (attribute, relationship) = relationship_written(mapper, name, true)?;
            let core = match &collection.members {
                Some(members) => {
                    ManyCore::Loaded(Arc::new(self.members_written(relationship, members, ids)?))
                }
                None if object.key.is_some() => ManyCore::NotLoaded,
                None => ManyCore::Unset,
            };
            let delta = self.delta_written(relationship, collection, ids)?;
            links.manys.push((attribute, core, delta));
        }
        for (name, before) in &object.history {
            let attribute = attribute_written(mapper, name)?;
            let relationship = mapper.relationship(attribute).filter(|r| !r.holder.is_collection());
            let old = match (before, relationship) {
                (Before::Absent, None) => Old::Absent,
                (Before::Value(value), None) => Old::Value(value.clone()),
                (Before::ReferenceUnset, Some(_)) => Old::One(OneCore::Unset),
                (Before::ReferenceNotLoaded, Some(_)) => Old::One(OneCore::NotLoaded),
                (Before::Reference(to), Some(relationship)) => {
                    Old::One(OneCore::Loaded(self.target_written(relationship, *to, ids)?))
                }
                _ => return Err(misfit(mapper, name, "its history is of another kind")),
            };
            links.history.push((attribute, old));
        }
        for (class, name, owner) in &object.owners {
            let parent = self.mappers.at(self.mapper_named(class)?);
            let attribute = attribute_written(parent, name)?;
            let Some(relationship) = parent.relationship(attribute) else {
                return Err(misfit(parent, name, "it is no relationship"));
            };
            let of_class = |class: u16| match self.mappers.is_a(class, relationship.parent) {
                true => Ok(()),
                false => Err(misfit(parent, name, "the owner is of another class")),
            };
            let owner = match owner {
                format::Owner::Lost => Owned::Known(Owner::Lost),
                format::Owner::Here(at) => {
                    let owner = at_place(ids, *at)?;
                    of_class(owner.class)?;
                    Owned::Known(Owner::Is(owner))
                }
                format::Owner::Away(class, key) => {
                    let owner = self.mappers.at(self.mapper_named(class)?);
                    // Its class may be taken down as that of its hierarchy, which keys are of.
                    let is_base = owner.index == owner.root;
                    if !(is_base && self.mappers.is_a(relationship.parent, owner.root)) {
                        of_class(owner.index)?;
                    }
                    Owned::Away(Some((owner.root, key_of_class(owner, key)?)))
                }
                format::Owner::New => Owned::Away(None),
            };
            links.owners.push(((relationship.parent, relationship.attribute), owner));
        }
        for (name, allowed) in &object.restrictions {
            links.restrictions.push(Restriction(attribute_written(mapper, name)?, *allowed));
        }
        Ok(links)
    }

    fn target_written(
        &self,
        relationship: &Relationship,
        at: Option<u32>,
        ids: &[Id],
    ) -> Result<Option<Id>> {
        let Some(at) = at else { return Ok(None) };
        let target = at_place(ids, at)?;
        self.check_target(relationship, target)?;
        Ok(Some(target))
    }

    fn ids_written(
        &self,
        relationship: &Relationship,
        places: &[u32],
        ids: &[Id],
    ) -> Result<Vec<Id>> {
        let target = |at: &u32| {
            let target = at_place(ids, *at)?;
            self.check_target(relationship, target)?;
            Ok(target)
        };
        places.iter().map(target).collect()
    }

    fn members_written(
        &self,
        relationship: &Relationship,
        members: &Members,
        ids: &[Id],
    ) -> Result<crate::instrumentation::Members> {
        let keyed = matches!(relationship.holder, crate::mapping::Holder::Keyed(_));
        let keys = if keyed { members.ids.len() } else { 0 };
        if members.keys.len() != keys {
            let parent = self.mappers.at(relationship.parent);
            let what = format!("{} keys for {} members", members.keys.len(), members.ids.len());
            return Err(misfit(parent, &relationship.name, &what));
        }
        let mut read = crate::instrumentation::Members::default();
        for (at, id) in self.ids_written(relationship, &members.ids, ids)?.into_iter().enumerate() {
            read.push(id, members.keys.get(at).cloned());
        }
        Ok(read)
    }

    fn delta_written(
        &self,
        relationship: &Relationship,
        collection: &Collection,
        ids: &[Id],
    ) -> Result<Option<Delta>> {
        let Some(change) = &collection.change else { return Ok(None) };
        let mut delta = Delta::default();
        if let Some(members) = &change.original {
            delta.original = Some(self.ids_written(relationship, members, ids)?.into());
        }
        for member in self.ids_written(relationship, &change.added, ids)? {
            if !delta.added.contains(member) {
                delta.add(member, None);
            }
        }
        for member in self.ids_written(relationship, &change.removed, ids)? {
            if !delta.removed.contains(member) {
                delta.remove(member, NO_SLOT);
            }
        }
        Ok(Some(delta))
    }

    /// Everything is in order: the object gets what belongs to it.
    fn link(&mut self, id: Id, object: &Object, links: Links) -> Result<()> {
        let mapper = Arc::clone(self.mapper_of(id));
        if let Some(key) = &object.key {
            key_written(&mapper, key)?;
            // What was not taken down is not known here.
            for &attribute in &mapper.relationships {
                let field = self.arena.field_mut(id, attribute);
                if !field.is_set() {
                    field.clear();
                }
            }
        }
        for (attribute, core) in links.ones {
            if let Some(one) = self.arena.field_mut(id, attribute).one_mut() {
                *one = core;
            }
        }
        for (attribute, core, delta) in links.manys {
            if let Some(many) = self.arena.field_mut(id, attribute).many_mut() {
                *many = core;
            }
            if let Some(relationship) = mapper.relationship(attribute) {
                self.show_all(id, relationship);
            }
            if let Some(delta) = delta {
                self.journal.write(|| crate::attributes::journal::Undo::Delta {
                    id,
                    attribute,
                    old: None,
                });
                self.deltas.insert((id, attribute), Box::new(delta));
            }
        }
        for (attribute, old) in links.history {
            self.write_log(id, attribute, old);
        }
        for ((parent, attribute), owner) in links.owners {
            match owner {
                Owned::Known(owner) => self.set_owner(id, parent, attribute, owner),
                Owned::Away(key) => self.set_owner_away(id, parent, attribute, key),
            }
        }
        self.loading.put_restrictions(id, links.restrictions);
        let state = self.arena.state_mut(id);
        for (flag, on) in [
            (Flags::FRESH, object.fresh),
            (Flags::MODIFIED, object.modified),
            (Flags::ORPHANED, object.orphaned),
        ] {
            if on { state.flags.set(flag) } else { state.flags.unset(flag) }
        }
        let Some(key) = &object.key else { return Ok(()) };
        state.flags.set(Flags::HAS_KEY);
        state.life = ObjectState::Detached;
        self.give_identity(id, key)
    }

    /// The identity that the object had: aside, where its attributes do not tell it.
    fn give_identity(&mut self, id: Id, key: &[Value]) -> Result<()> {
        let mapper = Arc::clone(self.mapper_of(id));
        let key = key_written(&mapper, key)?;
        // Key attributes that are expired keep the values of the identity.
        for (&attribute, value) in mapper.primary_key.iter().zip(key.values()) {
            if !self.arena.is_loaded(id, attribute) {
                let put = self.arena.field_mut(id, attribute).put(value);
                let name = mapper.property(attribute).name();
                put.map_err(|bad| misfit(&mapper, name, &format!("the key {bad}")))?;
            }
        }
        if self.identity_key(id).as_ref() != Some(&key) {
            self.put_key_aside(id, key);
        }
        Ok(())
    }
}

/// A key of a class.
fn key_written(mapper: &Mapper, key: &[Value]) -> Result<Key> {
    let (class, parts) = (mapper.class_name(), mapper.primary_key.len());
    if key.len() != parts {
        let what = format!("class {class}: a key of {} parts, which has {parts}", key.len());
        return Err(Error::new(ErrorKind::Value, what));
    }
    let parts: Vec<Bind<'_>> = key.iter().map(|value| Bind::Ref(value.as_ref())).collect();
    mapper.key_of(&parts).ok_or_else(|| {
        let what = format!("class {class}: a part of the key is NULL");
        Error::new(ErrorKind::Value, what)
    })
}

/// A key of a class of which no object is made: its values have to be of the types of the key's attributes.
fn key_of_class(mapper: &Mapper, key: &[Value]) -> Result<Key> {
    let written = key_written(mapper, key)?;
    let mut objects = mapper.def.objects();
    objects.put_default(0);
    for (&attribute, value) in mapper.primary_key.iter().zip(key) {
        let Some(field) = objects.get(0).and_then(|object| object.field(attribute)) else {
            continue;
        };
        if let Err(bad) = field.with_value(value.clone()) {
            let name = mapper.property(attribute).name();
            return Err(misfit(mapper, name, &format!("the key {bad}")));
        }
    }
    Ok(written)
}

/// Any value of a column's type.
fn blank(mapper: &Mapper, attribute: u16) -> Value {
    struct Blank;
    impl TypeVisitor for Blank {
        type Output = Value;
        fn visit<T: ColumnType + Default>(self) -> Value {
            T::default().into_value()
        }
    }
    match &mapper.def.attributes[usize::from(attribute)].kind {
        AttrKind::Column(column) => column.data_type.visit(Blank).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn at_place(ids: &[Id], at: u32) -> Result<Id> {
    ids.get(at as usize).copied().ok_or_else(|| {
        let what = format!("serialized objects: number {at} of {} is referred to", ids.len());
        Error::new(ErrorKind::Value, what)
    })
}

fn attribute_written(mapper: &Mapper, name: &str) -> Result<u16> {
    mapper.attribute(name).ok_or_else(|| {
        let hint = aludel_sql::did_you_mean(name, mapper.properties.iter().map(|p| p.name()));
        misfit(mapper, name, &format!("there is no such attribute any more{hint}"))
    })
}

fn relationship_written<'m>(
    mapper: &'m Mapper,
    name: &str,
    collection: bool,
) -> Result<(u16, &'m Relationship)> {
    let attribute = attribute_written(mapper, name)?;
    match mapper.relationship(attribute) {
        Some(relationship) if relationship.holder.is_collection() == collection => {
            Ok((attribute, relationship))
        }
        _ => Err(misfit(mapper, name, "it is something else now")),
    }
}

#[cold]
fn misfit(mapper: &Mapper, name: &str, what: &str) -> Error {
    let class = mapper.class_name();
    Error::new(ErrorKind::Value, format!("serialized objects: {class}.{name}: {what}"))
}
