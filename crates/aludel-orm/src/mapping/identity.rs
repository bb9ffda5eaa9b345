//! Properties and identities as mappers tell them.

use std::fmt;
use std::sync::Arc;

use aludel_sql::{Value, did_you_mean};

use super::{Mapper, Mappers, Property};
use crate::instrumentation::{Handle, Id, Mapped};
use crate::loading::{IntoKey, KeyValues};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What identifies an object among all of a session: the class at the root of its hierarchy, and the values of the
/// primary key. SQLAlchemy's identity key.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityKey {
    /// The class.
    pub class: Arc<str>,
    /// The values, in the order of the mapper's primary key.
    pub values: Vec<Value>,
}

/// `User(1)`.
impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(Value::to_string).collect();
        write!(f, "{}({})", self.class, values.join(", "))
    }
}

impl Mapper {
    /// The property of an attribute: SQLAlchemy's `get_property`, or `attrs[name]`.
    ///
    /// # Errors
    ///
    /// When the class has no attribute of the name; a similar one is told.
    pub fn get_property(&self, name: &str) -> Result<&Property> {
        match self.attribute(name) {
            Some(attribute) => Ok(self.property(attribute)),
            None => {
                let near = did_you_mean(name, self.properties.iter().map(Property::name));
                let message = format!("class {} has no attribute `{name}`{near}", self.name);
                Err(Error::new(ErrorKind::Unmapped, message))
            }
        }
    }

    /// The values of an object's primary key, as it has them now.
    ///
    /// # Errors
    ///
    /// When the object is of another class.
    pub fn primary_key_from_instance<T: Mapped>(&self, object: &T) -> Result<Vec<Value>> {
        if object.own_class().key() != self.def.key() {
            let message = format!(
                "an object of class {} has no key of class {}",
                object.own_class().name,
                self.name
            );
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let value = |attribute: &u16| object.field(*attribute).map_or(Value::Null, |f| f.value());
        Ok(self.primary_key.iter().map(value).collect())
    }
}

impl Mappers {
    /// The identity key of an object, by what it has now.
    ///
    /// # Errors
    ///
    /// When its class is not mapped here.
    pub fn identity_key_from_instance<T: Mapped>(&self, object: &T) -> Result<IdentityKey> {
        let class = object.own_class();
        let Some(mapper) = self.of(class) else {
            return Err(Error::new(
                ErrorKind::Unmapped,
                format!("class {} is not mapped", class.name),
            ));
        };
        Ok(self.key_of(mapper, mapper.primary_key_from_instance(object)?))
    }

    /// The identity key of the object that has a primary key.
    ///
    /// # Errors
    ///
    /// When the key has another number of parts.
    pub fn identity_key_from_primary_key(
        &self,
        mapper: &Mapper,
        key: impl IntoKey,
    ) -> Result<IdentityKey> {
        let mut values = KeyValues::default();
        key.into_key(&mut values);
        let values = values.into_values();
        let (wanted, given) = (mapper.primary_key.len(), values.len());
        if wanted != given {
            let message =
                format!("the key of {} has {wanted} parts, and {given} are given", mapper.name);
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(self.key_of(mapper, values))
    }

    /// The identity key of the object that a row stands for: values by the names of columns or attributes.
    ///
    /// # Errors
    ///
    /// When the row lacks a part of the key.
    pub fn identity_key_from_row(
        &self,
        mapper: &Mapper,
        row: &[(&str, Value)],
    ) -> Result<IdentityKey> {
        let value = |attribute: &u16| {
            let property = mapper.property(*attribute);
            let columns =
                mapper.column(*attribute).map(|c| c.columns.as_slice()).unwrap_or_default();
            let named = |name: &str| {
                name == property.name()
                    || columns.iter().any(|at| *mapper.column_of(*at).name == *name)
            };
            let found = row.iter().find(|(name, _)| named(name));
            found.map(|(_, value)| value.clone()).ok_or_else(|| {
                let message = format!(
                    "the row has no column for {}.{}, which is of the primary key",
                    mapper.name,
                    property.name()
                );
                Error::new(ErrorKind::Argument, message)
            })
        };
        let values = mapper.primary_key.iter().map(value).collect::<Result<_>>()?;
        Ok(self.key_of(mapper, values))
    }

    fn key_of(&self, mapper: &Mapper, values: Vec<Value>) -> IdentityKey {
        IdentityKey { class: Arc::clone(&self.at(mapper.root).name), values }
    }
}

impl Session {
    /// The mapper of an object's class, be it a subclass of the handle's: SQLAlchemy's `object_mapper`.
    ///
    /// # Errors
    ///
    /// When the object is not here.
    pub fn object_mapper<T>(&self, object: Handle<T>) -> Result<&Mapper> {
        let id = Id::from(object);
        self.arena.check(id)?;
        Ok(self.mapper_of(id))
    }
}
