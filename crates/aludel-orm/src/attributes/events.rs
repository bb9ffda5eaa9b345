//! Attribute events: who is told of a change, before it happens.

use std::sync::Arc;

use crate::Result;
use crate::events::AttributeEvent;
use crate::instrumentation::{Field, Id};
use crate::mapping::Relationship;
use crate::session::Session;

/// The operation that started a chain of attribute events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A member is added.
    Append,
    /// A member is taken away, or a value deleted.
    Remove,
    /// A value or reference is replaced.
    Replace,
    /// A whole collection is replaced.
    BulkReplace,
    /// A value was changed in place, or is said to have been.
    Modified,
}

/// The token that travels along a chain of events: the attribute and the operation that started it.
/// SQLAlchemy's `AttributeEventToken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Initiator {
    /// The number of the mapper that declares the attribute.
    pub(crate) mapper: u16,
    pub(crate) attribute: u16,
    /// The operation.
    pub(crate) op: Op,
}

impl Initiator {
    /// The operation that started the chain.
    pub fn op(&self) -> Op {
        self.op
    }

    pub(crate) fn is(self, mapper: u16, attribute: u16, op: Op) -> bool {
        self == Self { mapper, attribute, op }
    }
}

/// What a listener is told of a change, and may change of it.
#[non_exhaustive]
pub struct Change<'a> {
    /// The object whose attribute changes.
    pub target: Id,
    /// The attribute's number.
    pub attribute: u16,
    /// What happens.
    pub op: Op,
    /// What started the chain of events that this one is part of.
    pub initiator: Initiator,
    /// The new value.
    pub new: Incoming<'a>,
    /// The old value, where it is known.
    pub old: Option<super::Datum>,
}

impl Change<'_> {
    /// The new value of a column, to be read or changed; `None` where it is of another type, or none.
    pub fn value<V: Field>(&mut self) -> Option<&mut V> {
        match &mut self.new {
            Incoming::Field(field) => {
                let any: &mut dyn std::any::Any = &mut **field;
                any.downcast_mut()
            }
            _ => None,
        }
    }

    /// The object that is set, that comes, or that goes.
    pub fn object(&self) -> Option<Id> {
        match &self.new {
            Incoming::Object(object) => **object,
            _ => None,
        }
    }
}

/// The new value of a [`Change`]; a listener may put another in its place.
#[non_exhaustive]
pub enum Incoming<'a> {
    /// There is none.
    None,
    /// A column's value.
    Field(&'a mut dyn Field),
    /// The SQL expression that is to make a column's value.
    Expression(&'a mut aludel_sql::Node),
    /// The object that a reference is to refer to, or the member that comes or goes.
    Object(&'a mut Option<Id>),
    /// The members that a collection is to have.
    Objects(&'a mut Vec<Id>),
}

/// A listener: called before the change with nothing borrowed, so that it may do anything with the
/// session. An error refuses the change, and everything is as it was.
pub type Listener = Arc<dyn Fn(&mut Session, &mut Change<'_>) -> Result<()> + Send + Sync>;

impl Session {
    /// Whether any operation could be refused by somebody.
    #[inline]
    pub(crate) fn may_refuse(&self) -> bool {
        self.listeners.may_refuse() || !self.mappers.validators().is_empty()
    }

    /// Whether somebody validates, or listens to, the setting of an attribute.
    pub(crate) fn is_heard(&self, mapper: u16, attribute: u16) -> bool {
        self.listeners.listens(mapper, attribute, Op::Replace)
            || self.mappers.validators().has(mapper, attribute)
    }

    /// Whether somebody validates, or listens to, the deletion of an attribute's value.
    pub(crate) fn is_removal_heard(&self, mapper: u16, attribute: u16) -> bool {
        self.listeners.listens(mapper, attribute, Op::Remove)
            || self.mappers.validators().has(mapper, attribute)
    }

    /// Calls the validators of an attribute.
    pub(crate) fn validate(&mut self, mapper: u16, change: &mut Change<'_>) -> Result<()> {
        let mappers = Arc::clone(&self.mappers);
        let mut asked = mappers.validators().of_change(mapper, change);
        asked.try_for_each(|listener| self.call_attribute(std::slice::from_ref(listener), change))
    }

    /// Tells of something that happens to a collection beside the coming and going of members.
    pub(crate) fn tell_collection(
        &mut self,
        event: AttributeEvent,
        target: Id,
        relationship: &Relationship,
        members: &[Id],
    ) -> Result<()> {
        let (mapper, attribute) = (relationship.parent, relationship.attribute);
        if !self.listeners.listens(mapper, attribute, event) {
            return Ok(());
        }
        let op = match event {
            AttributeEvent::AppendWithoutMutation => Op::Append,
            _ => Op::BulkReplace,
        };
        let mut members = members.to_vec();
        let mut member = members.first().copied();
        let new = match op {
            Op::Append => Incoming::Object(&mut member),
            _ => Incoming::Objects(&mut members),
        };
        let initiator = Initiator { mapper, attribute, op };
        let mut change = Change { target, attribute, op, initiator, new, old: None };
        self.notify_of(event, mapper, &mut change)
    }

    /// Calls the listeners of the registry and of the program.
    pub(crate) fn notify(&mut self, mapper: u16, change: &mut Change<'_>) -> Result<()> {
        self.notify_of(change.op.into(), mapper, change)
    }
}
