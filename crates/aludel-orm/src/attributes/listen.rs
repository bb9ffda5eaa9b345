//! Validators: the listeners that belong to a mapping, and come before all others.

use std::sync::Arc;

use hashbrown::HashMap;

use super::events::{Incoming, Listener, Op};
use crate::instrumentation::{Attr, Field, Handle, Mapped};
use crate::mapping::{MapperBuilder, Mappers};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// A validator as it hangs on a mapping.
#[derive(Clone)]
struct Validator {
    attribute: u16,
    check: Listener,
}

/// The validators of a set of mappers, by (declaring mapper, attribute).
#[derive(Default)]
pub(crate) struct Validators(HashMap<(u16, u16), Vec<Listener>>);

impl std::fmt::Debug for Validators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Validators({})", self.0.len())
    }
}

impl Validators {
    pub(crate) fn of(mappers: &Mappers) -> Self {
        let mut found: HashMap<(u16, u16), Vec<Listener>> = HashMap::new();
        for mapper in mappers.iter() {
            for validator in mapper.attachments::<Validator>() {
                let declared = mapper.property(validator.attribute).declared_by;
                found
                    .entry((declared, validator.attribute))
                    .or_default()
                    .push(Arc::clone(&validator.check));
            }
        }
        Self(found)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, mapper: u16, attribute: u16) -> Option<&[Listener]> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(mapper, attribute)).map(Vec::as_slice)
    }
}

impl MapperBuilder {
    /// Checks every value that the program sets on a column attribute: the validator may change it, or refuse it
    /// with an error. It does not run on what is loaded. SQLAlchemy's `@validates`.
    pub fn validate<C: Mapped, V: Field>(
        &mut self,
        attribute: Attr<C, V>,
        check: impl Fn(&Session, Handle<C>, &mut V) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        let listener: Listener = Arc::new(move |session, change| {
            let target = Handle::new(change.target);
            if let Incoming::Field(field) = &mut change.new {
                let any: &mut dyn std::any::Any = &mut **field;
                if let Some(value) = any.downcast_mut::<V>() {
                    return check(session, target, value).map_err(refused);
                }
            }
            Ok(())
        });
        self.attach(Validator { attribute: attribute.index(), check: listener })
    }

    /// Checks every object that is added to a collection, or set as a reference.
    pub fn validate_member<C: Mapped, V: super::ObjectField<T>, T>(
        &mut self,
        attribute: Attr<C, V>,
        check: impl Fn(&Session, Handle<C>, Handle<T>) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        let listener: Listener = Arc::new(move |session, change| {
            let target = Handle::new(change.target);
            if change.op == Op::Remove {
                return Ok(());
            }
            if let Incoming::Object(slot) = &change.new
                && let Some(member) = **slot
            {
                return check(session, target, Handle::new(member)).map_err(refused);
            }
            Ok(())
        });
        self.attach(Validator { attribute: attribute.index(), check: listener })
    }
}

/// A validator's error is one of validation, whatever its kind was.
fn refused(error: Error) -> Error {
    if error.kind() == ErrorKind::Validation {
        return error;
    }
    Error::new(ErrorKind::Validation, error.message().to_owned()).with_cause(error)
}
