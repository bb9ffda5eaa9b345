//! A class without a struct, as programs name it.

use std::fmt;

use super::class_manager::ClassMember;
use aludel_sql::ColumnType;

use super::{Attr, ClassDef, ClassManager, Field, Hybrid, Record};
use crate::{Error, ErrorKind, Result};

/// A class that was described at run time: its objects are [`Record`]s.
///
/// [`Registry::describe`](crate::Registry::describe) begins one. It is a handle, and `Copy`: the description
/// stays as long as the program runs, as that of a struct does, since handles, typed attributes and compiled
/// statements refer to it. A program should describe a class once, not once a request.
#[derive(Clone, Copy)]
pub struct RecordClass(&'static ClassDef);

impl RecordClass {
    pub(crate) const fn new(class: &'static ClassDef) -> Self {
        Self(class)
    }

    /// The description of a class, where it was made at run time.
    pub fn of(class: &'static ClassDef) -> Option<Self> {
        class.described.map(|_| Self(class))
    }

    /// The class's name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The class's description.
    pub fn def(self) -> &'static ClassDef {
        self.0
    }

    /// A new object of the class, with nothing set.
    pub fn record(self) -> Record {
        let Some(manager) = self.manager() else { return Record::default() };
        match manager.member("new") {
            Some(ClassMember::Constructor(new)) => new(manager),
            _ => Record::blank(self.0),
        }
    }

    /// How the class is instrumented.
    pub fn manager(self) -> Option<&'static ClassManager> {
        self.0.described.map(|described| &*described.manager)
    }

    /// An attribute by its name and the Rust type that it was declared with: an expression in queries, and the
    /// typed door of the session (`session.set(record, age, 7)`).
    ///
    /// # Errors
    ///
    /// When the class has no such attribute, or it is of another type.
    pub fn attr<V: Field>(self, name: &str) -> Result<Attr<Record, V>> {
        let at = self.0.attribute(name).ok_or_else(|| self.0.no_attribute(name))?;
        let declared = self.0.described.and_then(|d| d.types.get(usize::from(at)));
        match declared {
            Some(declared) if declared.is::<V>() => {
                Ok(Attr::of(self.0, at, self.0.attributes[usize::from(at)].name))
            }
            declared => {
                let declared = declared.map_or_else(String::new, super::ValueType::short_name);
                let wanted = super::dict::short(std::any::type_name::<V>());
                Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "{}.{name} is declared as `{declared}`, not as `{wanted}`",
                        self.0.name
                    ),
                ))
            }
        }
    }
}

impl RecordClass {
    /// A hybrid by its name, with the type of its values.
    ///
    /// # Errors
    ///
    /// When the class has no such hybrid, or its values are of another type.
    pub fn hybrid<V: ColumnType>(self, name: &str) -> Result<Hybrid<Record, V>> {
        let hybrid = self.0.hybrid(name).ok_or_else(|| self.0.no_attribute(name))?;
        if hybrid.data_type == V::TYPE {
            return Ok(Hybrid::of(self.0, hybrid));
        }
        let wanted = super::dict::short(std::any::type_name::<V>());
        let (class, declared) = (self.0.name, hybrid.data_type);
        let message = format!("{class}.{name} is declared as {declared:?}, not as `{wanted}`");
        Err(Error::new(ErrorKind::Argument, message))
    }
}

/// The same class, whatever was registered with it since.
impl PartialEq for RecordClass {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for RecordClass {}

impl fmt::Debug for RecordClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordClass({})", self.0.name)
    }
}
