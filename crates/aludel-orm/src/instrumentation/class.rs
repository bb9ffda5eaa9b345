//! What the derive knows of a class: plain data, turned into a mapper at run time.
//!
//! Everything here is `const`-constructible and written with struct update syntax over the `new`
//! functions (`ColumnDef { primary_key: true, ..ColumnDef::new(…) }`), so that the derive names only what
//! the user said.

use std::any::TypeId;
use std::sync::Arc;

use aludel_sql::{DataType, Expr, Value};

use crate::mapping::PassiveDeletes;

use super::class_key::{ClassKey, ClassRef, Make};
use super::object::Objects;
use super::record::Described;
use super::{
    Collected, CollectionClass, HybridDef, InstrumentationFactory, Mapped, NewCollection,
    Numbering, RelationshipField,
};

/// A mapped class as the derive describes it, or as it was described at run time.
#[derive(Debug)]
pub struct ClassDef {
    /// The class's name.
    pub name: &'static str,
    /// The identity of the type of its objects.
    pub type_id: fn() -> TypeId,
    /// What is known of a class that was described at run time, beside its attributes.
    #[doc(hidden)]
    pub described: Option<&'static Described>,
    /// The attributes, by number: those of the base class come first, under the same numbers.
    pub attributes: &'static [AttrDef],
    /// Other names of attributes: SQLAlchemy's `synonym`. The class has those of its base as well.
    pub synonyms: &'static [SynonymDef],
    /// The hybrids without parameters. The class has those of its base as well.
    pub hybrids: &'static [&'static HybridDef],
    /// The class's own choice of how it is instrumented.
    pub instrumentation: Option<fn() -> Arc<dyn InstrumentationFactory>>,
    /// The table of the default mapping; `None` for a class mapped by hand, or one without a table.
    pub table: Option<&'static str>,
    /// What else the class is mapped to, where it is no table.
    pub source: Option<fn() -> crate::mapping::TableSource>,
    /// The schema of the table.
    pub schema: Option<&'static str>,
    /// Constraints over several columns.
    pub constraints: &'static [ConstraintDef],
    /// The base class and how this one inherits from it.
    pub inheritance: Option<InheritanceDef>,
    /// What a base class of a hierarchy says: the discriminator.
    pub polymorphic: Option<PolymorphicDef>,
    /// The subclasses that the class names, so that they are known as soon as it is.
    pub subclasses: Subclasses,
    /// An empty store for objects of the class.
    #[doc(hidden)]
    pub store: fn() -> Box<dyn Objects>,
    /// Called with the class's mapper when it is made: listeners and validators of the class itself.
    #[doc(hidden)]
    pub configure: Option<fn(&mut crate::mapping::MapperBuilder)>,
}

impl ClassDef {
    /// The class's identity.
    #[inline]
    pub fn key(&self) -> ClassKey {
        match self.described {
            None => ClassKey::Type((self.type_id)()),
            Some(described) => ClassKey::Described(described.number),
        }
    }

    /// The number of an attribute, by its name or a synonym.
    pub fn attribute(&self, name: &str) -> Option<u16> {
        self.attribute_itself(name).or_else(|| self.behind_synonym(name))
    }

    /// The number of an attribute, by its own name.
    fn attribute_itself(&self, name: &str) -> Option<u16> {
        let named = |a: &AttrDef| a.name == name && !matches!(a.kind, AttrKind::Unregistered);
        self.attributes.iter().position(named).map(|at| at as u16)
    }

    /// The attribute that a synonym comes to. One of another synonym is followed; those that go in circles name nothing.
    fn behind_synonym(&self, name: &str) -> Option<u16> {
        let mut name = name;
        for _ in self.all_synonyms() {
            name = self.all_synonyms().find(|synonym| synonym.name == name)?.attribute;
            if let Some(at) = self.attribute_itself(name) {
                return Some(at);
            }
        }
        None
    }

    /// The synonyms of the class, and of its bases.
    pub(crate) fn all_synonyms(&self) -> impl Iterator<Item = &'static SynonymDef> {
        let base = |inheritance: &InheritanceDef| {
            (inheritance.base().inheritance, inheritance.base().synonyms)
        };
        let bases =
            std::iter::successors(self.inheritance.as_ref().map(base), move |(above, _)| {
                above.as_ref().map(base)
            });
        self.synonyms.iter().chain(bases.flat_map(|(_, synonyms)| synonyms))
    }

    /// The class that a relationship refers to, where the description knows it.
    pub(crate) fn target_of(&self, attribute: u16) -> Option<&'static ClassDef> {
        match &self.attributes.get(usize::from(attribute))?.kind {
            AttrKind::Relationship(relationship) => relationship.target.get(),
            _ => None,
        }
    }

    /// There is no attribute of a name.
    #[cold]
    pub(crate) fn no_attribute(&self, name: &str) -> crate::Error {
        self.no_attribute_but(name, self.all_synonyms().map(|synonym| synonym.name))
    }

    /// There is no attribute of a name, but there are these synonyms.
    #[cold]
    pub(crate) fn no_attribute_but<'a>(
        &'a self,
        name: &str,
        synonyms: impl Iterator<Item = &'a str>,
    ) -> crate::Error {
        let names = self.attributes.iter();
        let names = names.filter(|a| !matches!(a.kind, AttrKind::Unregistered)).map(|a| a.name);
        let names = names.chain(synonyms).chain(self.all_hybrids().map(|hybrid| hybrid.name));
        let hint = aludel_sql::did_you_mean(name, names);
        let message = format!("class {} has no attribute `{name}`{hint}", self.name);
        crate::Error::new(crate::ErrorKind::Unmapped, message)
    }

    /// An empty store for objects of the class.
    pub(crate) fn objects(&'static self) -> Box<dyn Objects> {
        match self.described {
            None => (self.store)(),
            Some(_) => Box::new(super::record::Records::new(self)),
        }
    }
}

/// Another name of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynonymDef {
    /// The other name.
    pub name: &'static str,
    /// The attribute.
    pub attribute: &'static str,
}

/// The subclasses that a class names.
pub type Subclasses = &'static [fn() -> &'static ClassDef];

/// How a class inherits.
#[derive(Clone, Copy, Debug)]
pub struct InheritanceDef {
    /// The base class.
    pub base: fn() -> &'static ClassDef,
    /// The base class, where it was described at run time.
    #[doc(hidden)]
    pub described: Option<&'static ClassDef>,
    /// The value of the discriminator for objects of this class.
    pub identity: Option<fn() -> Value>,
    /// The class has a table of its own with all columns.
    pub concrete: bool,
}

impl InheritanceDef {
    /// The base class.
    pub fn base(&self) -> &'static ClassDef {
        self.described.unwrap_or_else(|| (self.base)())
    }
}

/// What a class says of the hierarchy that it is the base of.
#[derive(Clone, Copy, Debug)]
pub struct PolymorphicDef {
    /// The attribute that tells the class of a row; `None` in a concrete hierarchy, where the table does.
    pub on: Option<&'static str>,
    /// Its value for objects of the base class itself.
    pub identity: Option<fn() -> Value>,
}

/// A constraint over several columns.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ConstraintDef {
    /// The columns together are unique.
    Unique(&'static [&'static str]),
    /// An index over the columns.
    Index(&'static [&'static str]),
    /// The columns refer to columns of another table.
    ForeignKey {
        /// The columns of this table.
        columns: &'static [&'static str],
        /// `table.column` for each.
        references: &'static [&'static str],
        /// What a deletion of the referenced row does.
        on_delete: Option<&'static str>,
        /// What a change of the referenced key does.
        on_update: Option<&'static str>,
    },
    /// A condition, as SQL.
    Check(&'static str),
    /// An index of which more is said.
    IndexWith {
        /// The columns.
        columns: &'static [&'static str],
        /// Whether they are unique together.
        unique: bool,
        /// The condition of a partial index, as SQL.
        filter: Option<&'static str>,
    },
    /// A constraint, or an index, that has a name. That of an abstract base is not handed down: a name is of one table.
    Named(&'static str, &'static ConstraintDef),
}

/// An attribute of a class.
#[derive(Clone, Copy, Debug)]
pub struct AttrDef {
    /// The attribute's name.
    pub name: &'static str,
    /// What it is.
    pub kind: AttrKind,
}

/// What an attribute is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum AttrKind {
    /// It holds the value of a column.
    Column(ColumnDef),
    /// It holds the value of an expression, read with the row.
    Expression(ExpressionDef),
    /// It refers to objects of a class.
    Relationship(RelationshipDef),
    /// It is a value made of several columns.
    Composite(CompositeDef),
    /// It holds a value that the database knows nothing of: it has history and events, and is never written.
    Plain,
    /// There was an attribute of this number, and it was unregistered: numbers are never used again.
    Unregistered,
}

/// A column of the default mapping.
#[derive(Clone, Copy, Debug)]
pub struct ColumnDef {
    /// The column's name in the table; `None` for the attribute's name.
    pub name: Option<&'static str>,
    /// Other columns that the attribute stands for as well: they are kept equal.
    pub equal_to: &'static [&'static str],
    /// The type.
    pub data_type: DataType,
    /// It may be NULL.
    pub nullable: bool,
    /// It belongs to the primary key.
    pub primary_key: bool,
    /// The database generates it where it is not given (`Auto`).
    pub generated: bool,
    /// `table.column` that it refers to.
    pub foreign_key: Option<&'static str>,
    /// ON DELETE of that foreign key.
    pub on_delete: Option<&'static str>,
    /// ON UPDATE of that foreign key.
    pub on_update_key: Option<&'static str>,
    /// The foreign key is checked at commit.
    pub deferrable: bool,
    /// The foreign key is added by ALTER, since the tables refer to each other.
    pub use_alter: bool,
    /// It is unique.
    pub unique: bool,
    /// It has an index.
    pub index: bool,
    /// The value inserted where none was set.
    pub default: Option<fn() -> Value>,
    /// The SQL text of the table's own default.
    pub server_default: Option<&'static str>,
    /// The database gives it a value at an INSERT by means of its own, such as a trigger.
    pub server_generated: bool,
    /// The database gives it another value at an UPDATE by means of its own, such as a trigger.
    pub server_on_update: bool,
    /// The value written by every UPDATE that does not set the column.
    pub on_update: Option<fn() -> Value>,
    /// The SQL text of a computed column.
    pub computed: Option<&'static str>,
    /// Not loaded unless asked for.
    pub deferred: bool,
    /// Deferred columns of one group are loaded together.
    pub group: Option<&'static str>,
    /// The old value is loaded before it is replaced.
    pub active_history: bool,
    /// It is the row's version.
    pub version: bool,
    /// What makes the versions, where they are not counted.
    pub version_generator: Option<VersionDef>,
    /// A system column, which every table has.
    pub system: bool,
    /// An UPDATE sends the changed paths of the JSON document only.
    pub json_paths: bool,
    /// What it is compared by in queries, where that is not the default.
    pub comparator: Option<crate::loading::Comparator>,
}

impl ColumnDef {
    /// A plain column.
    pub const fn new(data_type: DataType, nullable: bool) -> Self {
        Self {
            name: None,
            equal_to: &[],
            data_type,
            nullable,
            primary_key: false,
            generated: false,
            foreign_key: None,
            on_delete: None,
            on_update_key: None,
            deferrable: false,
            use_alter: false,
            unique: false,
            index: false,
            default: None,
            server_default: None,
            server_generated: false,
            server_on_update: false,
            on_update: None,
            computed: None,
            deferred: false,
            group: None,
            active_history: false,
            version: false,
            version_generator: None,
            system: false,
            json_paths: false,
            comparator: None,
        }
    }
}

/// What makes the versions of rows.
#[derive(Clone, Copy, Debug)]
pub enum VersionDef {
    /// A function of the old version, which is `None` for a new row.
    Call(fn(Option<&Value>) -> Value),
    /// The database, or the program by setting the attribute.
    Database,
}

/// An attribute that reads an expression.
#[derive(Clone, Copy, Debug)]
pub struct ExpressionDef {
    /// The type of its values.
    pub data_type: DataType,
    /// Makes the expression, in terms of the class's attributes.
    pub expression: Make<aludel_sql::Node>,
    /// Not loaded unless asked for.
    pub deferred: bool,
}

/// A value made of several columns.
#[derive(Clone, Copy, Debug)]
pub struct CompositeDef {
    /// How many of the attributes after it are its parts: the columns, and the composites within it.
    pub parts: u16,
    /// All columns NULL is `None`.
    pub optional: bool,
    /// What it is compared by in queries, where that is not the default.
    pub comparator: Option<crate::loading::Comparator>,
}

impl ClassDef {
    /// The column attributes that a composite attribute is made of; none for one that is no composite.
    pub(crate) fn columns_of_composite(
        &self,
        attribute: u16,
    ) -> impl Iterator<Item = u16> + Clone + use<> {
        let attributes = self.attributes;
        let parts = match attributes.get(usize::from(attribute)).map(|def| &def.kind) {
            Some(AttrKind::Composite(composite)) => composite.parts,
            _ => 0,
        };
        (attribute + 1..=attribute + parts)
            .filter(|at| matches!(attributes[usize::from(*at)].kind, AttrKind::Column(_)))
    }

    /// The outermost composite attribute that an attribute is a part of.
    pub(crate) fn composite_over(&self, attribute: u16) -> Option<(u16, &'static CompositeDef)> {
        let attributes: &'static [AttrDef] = self.attributes;
        let before = (0..).zip(attributes).take(usize::from(attribute));
        before
            .filter_map(|(at, def)| match &def.kind {
                AttrKind::Composite(composite) => Some((at, composite)),
                _ => None,
            })
            .find(|(at, composite)| attribute <= at + composite.parts)
    }
}

/// What holds the members of a relationship to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Collection {
    /// A list.
    List,
    /// A list without a member twice.
    Set,
    /// A map, keyed by an attribute of the member.
    Keyed(&'static str),
}

/// A relationship of the default mapping.
#[derive(Clone, Copy, Debug)]
pub struct RelationshipDef {
    /// The class referred to.
    pub target: ClassRef,
    /// What holds the members; `None` for a reference to one object.
    pub collection: Option<Collection>,
    /// The collection of the user's kind that shows the members.
    #[doc(hidden)]
    pub shown: Option<NewCollection>,
    /// The attribute of the target that is the other side.
    pub back_populates: Option<&'static str>,
    /// The cascades, such as `all, delete-orphan`; `None` for `save-update, merge`.
    pub cascade: Option<&'static str>,
    /// The association table of a many-to-many: `name`, or `name(columns to here; columns to there)`.
    pub secondary: Option<&'static str>,
    /// The foreign key columns to be used, where there are several ways: columns of this class's
    /// table, or `table.column`.
    pub foreign_keys: &'static [&'static str],
    /// The columns at the far side of a self-referential relationship: attributes of the class.
    pub remote_side: &'static [&'static str],
    /// The order of the members: attributes of the target, `-` before those that descend.
    pub order_by: &'static [&'static str],
    /// A condition in place of the one derived from the foreign key.
    pub primaryjoin: Option<fn() -> Expr<bool>>,
    /// A condition between association table and target in place of the derived one.
    pub secondaryjoin: Option<fn() -> Expr<bool>>,
    /// Read, never written.
    pub viewonly: bool,
    /// Which members are left to the database when the owner is deleted.
    pub passive_deletes: PassiveDeletes,
    /// A change of the key is carried over by the database (the default).
    pub passive_updates: bool,
    /// The foreign key is written by an UPDATE of its own, after all rows are there.
    pub post_update: bool,
    /// The member belongs to one owner only.
    pub single_parent: bool,
    /// The old object is loaded before it is replaced.
    pub active_history: bool,
    /// The attribute of the members that is kept equal to their position in the list.
    pub position: Option<&'static str>,
    /// Which positions those are.
    pub numbering: &'static Numbering,
    /// How it is loaded where a query does not say it.
    pub lazy: Lazy,
    /// What it is compared with an object by in queries, where that is not the default.
    pub comparator: Option<crate::loading::Comparator>,
}

/// How a relationship is loaded where a query does not say it: SQLAlchemy's `lazy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lazy {
    /// When it is asked for: `lazy = "select"`.
    #[default]
    Select,
    /// With every query of its owners, by one more SELECT for their keys: `lazy = "selectin"`.
    SelectIn,
    /// With every query of its owners, by a left join: `lazy = "joined"`.
    Joined,
    /// With every query of its owners, by one more SELECT over the query: `lazy = "subquery"`.
    Subquery,
    /// With every query of its owners, by a SELECT for each: `lazy = "immediate"`.
    Immediate,
    /// Never: asking for it is an error, unless the query said otherwise: `lazy = "raise"`.
    Raise,
    /// Only from the identity map: asking for it is an error where that takes SQL: `lazy = "raise_on_sql"`.
    RaiseOnSql,
    /// Never, being too large: members come and go unseen, and are queried; [`WriteOnly`](super::WriteOnly) is it.
    WriteOnly,
}

impl RelationshipDef {
    /// A relationship whose members are shown by a collection of the user's kind.
    pub const fn collected<C: CollectionClass>() -> Self {
        let collection = <Collected<C> as RelationshipField>::COLLECTION;
        let new = Self::new(<C::Member as Mapped>::class, collection);
        Self { shown: <Collected<C> as RelationshipField>::SHOWN, ..new }
    }

    /// A relationship with nothing but its target.
    pub const fn new(target: fn() -> &'static ClassDef, collection: Option<Collection>) -> Self {
        Self {
            target: ClassRef::Type(target),
            collection,
            shown: None,
            back_populates: None,
            cascade: None,
            secondary: None,
            foreign_keys: &[],
            remote_side: &[],
            order_by: &[],
            primaryjoin: None,
            secondaryjoin: None,
            viewonly: false,
            passive_deletes: PassiveDeletes::No,
            passive_updates: true,
            post_update: false,
            single_parent: false,
            active_history: false,
            position: None,
            numbering: &Numbering::FROM_0,
            lazy: Lazy::Select,
            comparator: None,
        }
    }
}
