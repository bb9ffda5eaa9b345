//! `backref`: one side of a relationship says what the other class gets.

use std::fmt;
use std::sync::Arc;

use aludel_sql::Table;

use super::{Attribute, Held, Kind, RecordClassBuilder, TableOf};
use crate::instrumentation::{
    ClassRef, Collection, Many, Mapped, One, Record, RelationshipDef, RelationshipField, ValueType,
};
use crate::mapping::RelationshipOptions;
use crate::{Error, ErrorKind, Result};

type Say = Arc<dyn Fn(&mut RelationshipOptions) + Send + Sync>;

/// The other side of a relationship, as it was said on this one.
#[derive(Clone)]
pub(in crate::mapping) struct Backref {
    name: String,
    say: Say,
}

impl fmt::Debug for Backref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backref({})", self.name)
    }
}

/// An attribute that a class gets when it is described.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct Expected {
    /// The class that gets it.
    pub(in crate::mapping) class: String,
    /// The class that has said it.
    by: String,
    attribute: String,
    /// What the owner's side says.
    options: RelationshipOptions,
    /// The owner has many, without an association table: this side is a reference.
    is_one: bool,
    backref: Backref,
}

impl RelationshipOptions {
    /// The attribute of the target that is the other side, which the target gets when it is described, after this class:
    /// SQLAlchemy's `backref`. It is a reference where this side is a collection, and a list where this side is a
    /// reference, or there is an association table.
    ///
    /// It is for classes described at run time; a struct has the fields that are written in it.
    ///
    /// ```
    /// use aludel_orm::{Auto, Registry};
    ///
    /// let registry = Registry::new();
    /// let user = registry.describe("User").table("users");
    /// let user = user.column::<Auto<i64>>("id", |c| c.primary_key());
    /// let user = user.many("addresses", "Address", |r| { r.backref("user"); }).finish()?;
    /// let address = registry.describe("Address").table("addresses");
    /// let address = address.column::<Auto<i64>>("id", |c| c.primary_key());
    /// let address = address.column::<Option<i64>>("user_id", |c| c.references("users.id")).finish()?;
    /// registry.configure()?;
    /// let home = address.record().with_one("user", user.record())?;
    /// # Ok::<(), aludel_orm::Error>(())
    /// ```
    pub fn backref(&mut self, attribute: impl Into<String>) -> &mut Self {
        self.backref_with(attribute, |_| {})
    }

    /// As [`backref`](Self::backref), with options of the other side.
    pub fn backref_with(
        &mut self,
        attribute: impl Into<String>,
        say: impl Fn(&mut RelationshipOptions) + Send + Sync + 'static,
    ) -> &mut Self {
        let name = attribute.into();
        self.back_populates = Some(name.clone());
        self.backref = Some(Backref { name, say: Arc::new(say) });
        self
    }
}

impl RecordClassBuilder {
    /// Gives the class the attributes that others have said of it, and finds what it says of others.
    pub(super) fn backrefs(&mut self) -> Result<Vec<Expected>> {
        let expected = self.registry.expected_of(&self.name);
        let said = self.say_backrefs();
        for expected in
            expected.into_iter().chain(said.iter().filter(|e| e.class == self.name).cloned())
        {
            let taken = self.attributes.iter().any(|a| a.name == expected.backref.name);
            if taken {
                return Err(self.wrong_backref(
                    &expected,
                    "it has this attribute already: leave out the `backref`, and say `back_populates` there",
                ));
            }
            self.attributes.push(expected.into_attribute());
        }
        let others: Vec<Expected> = said.into_iter().filter(|e| e.class != self.name).collect();
        for expected in &others {
            if self.registry.record_class(&expected.class).is_ok() {
                return Err(self.wrong_backref(
                    expected,
                    "it is described already: describe it after this class, or say the attribute there, and \
                     `back_populates` on both sides",
                ));
            }
            if self.registry.mappers().named(&expected.class).is_some() {
                return Err(self.wrong_backref(
                    expected,
                    "it is a struct, which has the fields that are written in it: say `back_populates` on both sides",
                ));
            }
        }
        Ok(others)
    }

    /// What the relationships say, looked at before they are made.
    fn say_backrefs(&mut self) -> Vec<Expected> {
        let table = match &self.table {
            Some(TableOf::Built { name, schema: Some(schema) }) => Some(format!("{schema}.{name}")),
            Some(TableOf::Built { name, schema: None }) => Some(name.clone()),
            Some(TableOf::Given(table)) => Some(Table::full_name(table).to_owned()),
            None => None,
        };
        let mut all = Vec::new();
        for attribute in &mut self.attributes {
            let Kind::Relationship(held, say) = &mut attribute.kind else { continue };
            let mut def = RelationshipDef::new(Record::class, held.collection);
            (def.target, def.shown) = (held.target, held.shown);
            let mut options = RelationshipOptions::of(&def);
            std::mem::replace(say, Box::new(|_: &mut RelationshipOptions| {}))(&mut options);
            if let Some(backref) = options.backref.take() {
                let mut given = options.clone();
                let own = |column: &mut String| {
                    if let (Some(table), false) = (&table, column.contains('.')) {
                        *column = format!("{table}.{column}");
                    }
                };
                given.foreign_keys.iter_mut().for_each(own);
                all.push(Expected {
                    class: options.target.name().to_owned(),
                    by: self.name.clone(),
                    attribute: attribute.name.clone(),
                    is_one: held.collection.is_some() && options.secondary.is_none(),
                    options: given,
                    backref,
                });
            }
            // What holds the objects is the class's manager's to say.
            *say = Box::new(move |made: &mut RelationshipOptions| {
                let (collection, shown) = (made.collection, made.shown);
                *made = RelationshipOptions { collection, shown, ..options };
            });
        }
        all
    }

    #[cold]
    fn wrong_backref(&self, expected: &Expected, why: &str) -> Error {
        let Expected { by, attribute, class, backref, .. } = expected;
        Error::new(
            ErrorKind::Configuration,
            format!(
                "{by}.{attribute}: `{class}` cannot get the attribute `{}`: {why}",
                backref.name
            ),
        )
    }
}

impl Expected {
    fn into_attribute(self) -> Attribute {
        let Self { by, attribute, options, is_one, backref, .. } = self;
        let Backref { name, say } = backref;
        let (of, collection) = match is_one {
            true => (ValueType::holder::<One<Record>>(), None),
            false => (
                ValueType::holder::<Many<Record>>(),
                <Many<Record> as RelationshipField>::COLLECTION,
            ),
        };
        let collection: Option<Collection> = collection;
        let held = Held { target: ClassRef::from(by.as_str()), collection, shown: None };
        let other_side = move |made: &mut RelationshipOptions| {
            made.back_populates = Some(attribute);
            made.foreign_keys = options.foreign_keys;
            made.primaryjoin = options.primaryjoin;
            if let Some(text) = options.secondary {
                // Its columns are said on the other side.
                made.secondary = text.split('(').next().map(|table| table.trim().to_owned());
                made.secondaryjoin = made.primaryjoin.take();
                made.primaryjoin = options.secondaryjoin;
                made.foreign_keys.clear();
            }
            made.viewonly = options.viewonly;
            made.post_update = options.post_update;
            made.passive_updates = options.passive_updates;
            say(made);
        };
        Attribute { name, of, kind: Kind::Relationship(held, Box::new(other_side)) }
    }
}
