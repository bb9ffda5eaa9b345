//! One object of a row: found in the identity map, or made.

use std::sync::Arc;

use aludel_sql::{Row, ValueRef};
use smallvec::SmallVec;

use super::plan::{ClassPlan, EntityPlan, UnionPlan};
use crate::Result;
use crate::attributes::delta::IdSet;
use crate::events::ObjectEvent;
use crate::instrumentation::{Id, ManyCore, NOT_IN_ROW, OneCore};
use crate::mapping::Mapper;
use crate::session::before::Before;
use crate::session::identity::{Key, Place};
use crate::session::state::Flags;
use crate::session::{ObjectState, Session};

/// Whether loaded values are overwritten, and of which objects that has been done.
#[derive(Default)]
pub(crate) struct Populate {
    pub(crate) existing: bool,
    pub(crate) done: IdSet,
}

/// The object that a row stands for; `None` where its key is NULL.
#[inline]
pub(super) fn object(
    session: &mut Session,
    plan: &EntityPlan,
    row: &dyn Row,
    populate: &mut Populate,
) -> Result<Option<Id>> {
    if let [column] = plan.key[..]
        && let Some(key) = row.integer(usize::from(column))
    {
        let place = session.identity.get(usize::from(plan.root)).and_then(|map| map.get_int(key));
        return match place {
            None => new_object(session, plan, row, KeyOf::Int(key)).map(Some),
            Some(place) => known(session, plan, place, row, populate).map(Some),
        };
    }
    object_by_values(session, plan, row, populate)
}

/// The key of a row.
enum KeyOf {
    Int(i64),
    Other,
}

/// As [`object`], for keys that are not one integer. Such a key may look otherwise in a row than in an
/// object (a UUID is text in SQLite): the object is made first, and tells it.
#[inline(never)]
fn object_by_values(
    session: &mut Session,
    plan: &EntityPlan,
    row: &dyn Row,
    populate: &mut Populate,
) -> Result<Option<Id>> {
    if let Some(union) = &plan.union {
        return object_of_union(session, plan, union, row, populate);
    }
    let mut values: SmallVec<[ValueRef<'_>; 4]> = SmallVec::new();
    for (at, column) in plan.key.iter().enumerate() {
        match row.get(usize::from(*column)) {
            Ok(ValueRef::Null) if at >= 32 || plan.nullable_key & (1 << at) == 0 => {
                return Ok(None);
            }
            Ok(value) => values.push(value),
            Err(bad) => {
                let name = row.name(usize::from(*column));
                let message = format!("the key column `{name}` {bad}");
                return Err(crate::Error::new(crate::ErrorKind::Value, message));
            }
        }
    }
    if plan.nullable_key != 0 && values.iter().all(|v| v.is_null()) {
        return Ok(None);
    }
    session.identity_mut(plan.class);
    let place = session.identity.get(usize::from(plan.root)).and_then(|map| map.get_refs(&values));
    if let Some(place) = place {
        return known(session, plan, place, row, populate).map(Some);
    }
    new_object(session, plan, row, KeyOf::Other).and_then(|id| {
        // Another object may stand for the key as the object tells it.
        let Some(key) = session.current_key(id) else { return Ok(Some(id)) };
        match session.identity_mut(plan.class).get(&key) {
            None => {
                let place = Place { slot: id.slot, class: id.class };
                session.identity_mut(plan.class).insert(&key, place);
                Ok(Some(id))
            }
            Some(place) => {
                session.arena.of_mut(id).release(id.slot);
                known(session, plan, place, row, populate).map(Some)
            }
        }
    })
}

/// As [`object`], of the table of a concrete hierarchy that the row tells.
fn object_of_union(
    session: &mut Session,
    plan: &EntityPlan,
    union: &UnionPlan,
    row: &dyn Row,
    populate: &mut Populate,
) -> Result<Option<Id>> {
    match row.get(usize::from(union.column)) {
        Ok(ValueRef::Null) | Err(_) => Ok(None),
        Ok(value) => match union.arms.iter().find(|(known, _)| is_same(known, value)) {
            Some((_, arm)) => object(session, arm, row, populate),
            None => Err(no_class_of(session, session.mappers.at(plan.class), Some(value))),
        },
    }
}

/// How objects of the row's class are made.
fn class_plan<'p>(session: &Session, plan: &'p EntityPlan, row: &dyn Row) -> Result<&'p ClassPlan> {
    let Some(discriminator) = &plan.discriminator else { return Ok(&plan.own) };
    let value = match row.get(usize::from(discriminator.column)) {
        Ok(value) if value != ValueRef::Null => value,
        _ => return Err(no_class(session, plan, row, None)),
    };
    match discriminator.classes.iter().find(|(known, _)| is_same(known, value)) {
        Some((_, class)) => Ok(class),
        None => Err(no_class(session, plan, row, Some(value))),
    }
}

/// Whether a discriminator is the one of a row.
fn is_same(known: &aludel_sql::Value, value: ValueRef<'_>) -> bool {
    match (known.as_ref(), value) {
        (ValueRef::Bool(a), ValueRef::I64(b)) => i64::from(a) == b,
        (a, b) => a == b,
    }
}

/// A row that is of no class.
#[cold]
fn no_class(
    session: &Session,
    plan: &EntityPlan,
    row: &dyn Row,
    value: Option<ValueRef<'_>>,
) -> crate::Error {
    let mapper = session.mappers.at(plan.class);
    let error = no_class_of(session, mapper, value);
    error.context(format_args!("loading {}({})", mapper.class_name(), key_text(plan, row)))
}

#[cold]
fn no_class_of(session: &Session, mapper: &Mapper, value: Option<ValueRef<'_>>) -> crate::Error {
    let on = mapper.polymorphic_on().unwrap_or("?");
    let Some(value) = value else {
        let message = format!("the discriminator `{on}` is NULL, which tells no class");
        return crate::Error::new(crate::ErrorKind::Value, message);
    };
    let hierarchy = session.mappers.self_and_descendants(mapper.root);
    let of = hierarchy
        .iter()
        .find(|m| m.polymorphic_identity().is_some_and(|known| is_same(known, value)));
    let message = match of {
        Some(other) => format!(
            "the discriminator `{on}` is {value}, which is that of class {}, no subclass of {}",
            other.class_name(),
            mapper.class_name()
        ),
        None => format!(
            "no such polymorphic identity: the discriminator `{on}` is {value}, which is that of no class: \
             name the class that has it in `subclasses(…)` of its base, or register it"
        ),
    };
    crate::Error::new(crate::ErrorKind::Value, message)
}

/// The key of a row, to be read.
fn key_text(plan: &EntityPlan, row: &dyn Row) -> String {
    let part = |column: &u16| row.get(usize::from(*column)).map_or("?".into(), |v| v.to_string());
    plan.key.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Makes an object of a row whose key is not in the identity map.
#[inline]
fn new_object(session: &mut Session, plan: &EntityPlan, row: &dyn Row, key: KeyOf) -> Result<Id> {
    let class =
        if plan.discriminator.is_none() { &plan.own } else { class_plan(session, plan, row)? };
    let tag = session.arena.session;
    let slab = session.slab_for(class.class);
    let id = slab.reserve(tag, class.class);
    if let Err(error) = slab.objects.load(id.slot, row, &class.at, class.whole) {
        slab.release(id.slot);
        return Err(explain(session, plan, class, row, error));
    }
    let state = &mut slab.states[id.slot as usize];
    state.flags.set(Flags::HAS_KEY);
    state.life = ObjectState::Persistent;
    state.loaded = class.loaded;
    state.expired = class.expired;
    if let KeyOf::Int(key) = key {
        let map = session.identity_mut(class.class);
        map.insert_int(key, Place { slot: id.slot, class: class.class });
    }
    if !class.is_plain() || !class.whole || session.listeners.hears_loading() {
        finish_new(session, class, id);
    }
    Ok(id)
}

/// What is rarely to be done for a new object.
#[inline(never)]
fn finish_new(session: &mut Session, class: &ClassPlan, id: Id) {
    let mappers = Arc::clone(&session.mappers);
    let mapper = mappers.at(class.class);
    let slab = session.arena.of_mut(id);
    for (attribute, loaded) in &class.wide {
        slab.set_loaded(id.slot, *attribute, *loaded);
        slab.set_expired(id.slot, *attribute, !loaded);
    }
    if !class.whole {
        for attribute in &mapper.relationships {
            session.arena.field_mut(id, *attribute).clear();
        }
    }
    session.loading.restrict(id, class);
    session.listeners.note(ObjectEvent::Load, id);
    session.listeners.note(ObjectEvent::LoadedAsPersistent, id);
}

/// Fills what an object that is there lacks.
#[inline]
fn known(
    session: &mut Session,
    plan: &EntityPlan,
    place: Place,
    row: &dyn Row,
    populate: &mut Populate,
) -> Result<Id> {
    let id = session.id_at(place);
    let class = if place.class == plan.own.class {
        &plan.own
    } else {
        let classes = plan.discriminator.iter().flat_map(|d| &d.classes);
        classes
            .map(|(_, class)| class)
            .find(|class| class.class == place.class)
            .unwrap_or(&plan.own)
    };
    let state = session.arena.state(id);
    let complete = state.loaded & class.loaded == class.loaded
        && (state.loaded | state.expired) & class.expired == class.expired
        && class.wide.is_empty();
    if complete && !populate.existing {
        return Ok(id);
    }
    fill(session, plan, class, id, row, populate)?;
    Ok(id)
}

#[inline(never)]
fn fill(
    session: &mut Session,
    plan: &EntityPlan,
    class: &ClassPlan,
    id: Id,
    row: &dyn Row,
    populate: &mut Populate,
) -> Result<()> {
    let overwrite = populate.existing && populate.done.insert(id);
    let before = session.before_refresh(id);
    let head = session.arena.state(id).head;
    let mut at = vec![NOT_IN_ROW; class.at.len()];
    let mut filled: SmallVec<[u16; 16]> = SmallVec::new();
    for (attribute, column) in class.at.iter().enumerate() {
        let attribute = attribute as u16;
        if *column == NOT_IN_ROW {
            continue;
        }
        let absent = || {
            !session.arena.is_loaded(id, attribute) && session.log.find(head, attribute).is_none()
        };
        if overwrite || absent() {
            at[usize::from(attribute)] = *column;
            filled.push(attribute);
        }
    }
    if overwrite {
        forget(session, id);
    }
    expire_left_out(session, class, id);
    if filled.is_empty() {
        return Ok(());
    }
    let slab = session.arena.of_mut(id);
    if let Err(error) = slab.objects.refresh(id.slot, row, &at) {
        return Err(explain(session, plan, class, row, error));
    }
    for attribute in &filled {
        slab.set_loaded(id.slot, *attribute, true);
        slab.set_expired(id.slot, *attribute, false);
        session.loading.allow(id, *attribute);
    }
    note_refresh(session, id, &filled, before);
    Ok(())
}

/// Columns that the object lacks and the row does not have are read when they are asked for.
fn expire_left_out(session: &mut Session, class: &ClassPlan, id: Id) {
    let head = session.arena.state(id).head;
    let narrow = (0..64).filter(|a| class.expired & (1 << a) != 0);
    let wide = class.wide.iter().filter(|(_, loaded)| !loaded).map(|(attribute, _)| *attribute);
    for attribute in narrow.chain(wide) {
        if !session.arena.is_loaded(id, attribute) && session.log.find(head, attribute).is_none() {
            session.arena.of_mut(id).set_expired(id.slot, attribute, true);
        }
    }
}

/// Attributes of an object have been read again; whoever refuses that finds what was before.
#[inline]
pub(super) fn note_refresh(session: &mut Session, id: Id, attributes: &[u16], before: Vec<Before>) {
    if session.listeners.hears(ObjectEvent::Refresh) {
        let mapper = session.mapper_of(id);
        let names = attributes.iter().map(|a| mapper.property(*a).name().to_owned()).collect();
        session.listeners.note_refresh(id, names, before);
    }
}

/// Pending changes and related objects are forgotten: the row is the truth.
fn forget(session: &mut Session, id: Id) {
    let mappers = Arc::clone(&session.mappers);
    for attribute in &mappers.at(id.class).relationships {
        session.arena.field_mut(id, *attribute).clear();
    }
    session.committed(id);
}

/// Names class, attribute and key in an error of decoding.
#[cold]
fn explain(
    session: &mut Session,
    plan: &EntityPlan,
    class: &ClassPlan,
    row: &dyn Row,
    error: crate::Error,
) -> crate::Error {
    let mapper = Arc::clone(session.mappers.at(class.class));
    let key = key_text(plan, row);
    let tag = session.arena.session;
    let slab = session.slab_for(class.class);
    // The attribute is found by trying each alone.
    let culprit = (0..class.at.len()).find(|attribute| {
        let mut at = vec![NOT_IN_ROW; class.at.len()];
        at[*attribute] = class.at[*attribute];
        let trial = slab.reserve(tag, class.class);
        let failed = slab.objects.load(trial.slot, row, &at, false).is_err();
        slab.release(trial.slot);
        failed
    });
    let attribute = culprit.and_then(|a| mapper.properties.get(a)).map_or("?", |p| p.name());
    error.context(format_args!("loading {0}.{attribute} of {0}({key})", mapper.class_name(),))
}

impl Session {
    /// Whether a relationship may be filled by a load: it is not loaded, and was not deleted.
    pub(crate) fn is_open(&self, id: Id, attribute: u16) -> bool {
        let Some(field) = self.arena.object(id).field(attribute) else { return false };
        if let Some(many) = field.many() {
            return !matches!(many, ManyCore::Loaded(_));
        }
        match field.one() {
            Some(OneCore::NotLoaded) => true,
            Some(OneCore::Unset) => self.log.find(self.arena.state(id).head, attribute).is_none(),
            _ => false,
        }
    }

    /// Gives a relationship what the database has.
    pub(crate) fn fill_relationship(&mut self, id: Id, attribute: u16, members: Vec<Id>) {
        let mappers = Arc::clone(&self.mappers);
        let Some(relationship) = mappers.at(id.class).relationship(attribute) else { return };
        if relationship.holder.is_collection() {
            self.load_members(id, relationship, members);
        } else if let Some(one) = self.arena.field_mut(id, attribute).one_mut() {
            *one = OneCore::Loaded(members.first().copied());
        }
    }

    /// Whether the object that stands for a key is there and need not be read again.
    pub(crate) fn present(&self, class: u16, key: &Key) -> Option<Id> {
        self.find(class, key).filter(|id| !self.is_wholly_expired(*id))
    }

    /// Whether everything of an object was expired: its key tells.
    #[inline]
    pub(crate) fn is_wholly_expired(&self, id: Id) -> bool {
        let slab = self.arena.of(id);
        if !slab.may_be_expired(id.slot) {
            return false;
        }
        self.mapper_of(id).primary_key.iter().any(|a| slab.is_expired(id.slot, *a))
    }
}
