//! Mappers and their properties, as they are once configured.

use crate::mapping::VersionGenerator;
use std::sync::Arc;

use aludel_sql::Node;
use aludel_sql::{Table, Value};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::builder::Attachment;
use super::{RowOptions, Selected, Union};
use crate::instrumentation::{ClassDef, ClassKey, Lazy, NewCollection, Numbering};

/// One consistent set of configured mappers. Immutable; a registry that learns a class makes a new one,
/// in which every mapper keeps its number.
#[derive(Debug, Default)]
pub struct Mappers {
    pub(crate) list: Vec<Arc<Mapper>>,
    pub(crate) by_type: HashMap<ClassKey, u16>,
    pub(crate) by_name: HashMap<Arc<str>, u16>,
    /// Every table of every mapper, and the association tables.
    pub(crate) tables: Vec<Table>,
    /// The validators of all mappers, gathered at their first use.
    pub(super) validators: std::sync::OnceLock<crate::attributes::listen::Validators>,
    /// The compiled statements of queries over the mappers.
    pub(crate) statements: crate::loading::Caches,
}

impl Mappers {
    #[inline]
    pub(crate) fn validators(&self) -> &crate::attributes::listen::Validators {
        self.validators.get_or_init(|| crate::attributes::listen::Validators::of(self))
    }

    /// The mapper of a number.
    #[inline]
    pub(crate) fn at(&self, index: u16) -> &Arc<Mapper> {
        &self.list[index as usize]
    }

    /// The same, with a relationship whose foreign keys are written at last.
    #[cold]
    pub(crate) fn with_post_update(&self, class: u16, attribute: u16) -> Self {
        let mut list = self.list.clone();
        let mapper = Arc::make_mut(&mut list[usize::from(class)]);
        let property = &mut mapper.properties[usize::from(attribute)];
        if let PropertyKind::Relationship(relationship) = &mut property.kind {
            relationship.post_update = true;
        }
        Self {
            list,
            by_type: self.by_type.clone(),
            by_name: self.by_name.clone(),
            tables: self.tables.clone(),
            validators: Default::default(),
            statements: Default::default(),
        }
    }

    /// The mapper of a class, by the class's name.
    pub fn named(&self, class: &str) -> Option<&Arc<Mapper>> {
        self.by_name.get(class).map(|index| self.at(*index))
    }

    /// Whether `class` is `base` or one of its subclasses.
    pub(crate) fn is_a(&self, class: u16, base: u16) -> bool {
        let mut at = Some(class);
        while let Some(index) = at {
            if index == base {
                return true;
            }
            at = self.at(index).base;
        }
        false
    }

    /// Whether a query of a class loads more along that it does not speak of.
    pub(crate) fn loads_along(&self, class: u16) -> bool {
        let eager = |relationship: &Relationship| {
            use Lazy::{Immediate, Joined, SelectIn, Subquery};
            matches!(relationship.lazy, Joined | SelectIn | Subquery | Immediate)
        };
        let below = self.self_and_descendants(class);
        below.iter().any(|mapper| mapper.selectin || mapper.relationships().any(eager))
    }

    /// Whether no class of a hierarchy has collections that let go of their members once these are flushed.
    pub(crate) fn keeps_members(&self, class: u16) -> bool {
        let hierarchy = self.self_and_descendants(self.at(class).root);
        hierarchy.iter().all(|mapper| mapper.write_only.is_empty())
    }

    /// All mappers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Mapper>> {
        self.list.iter()
    }
}

/// What maps a class to its tables: SQLAlchemy's `Mapper`.
#[derive(Clone, Debug)]
pub struct Mapper {
    pub(crate) index: u16,
    pub(crate) name: Arc<str>,
    pub(crate) def: &'static ClassDef,
    /// The root of the hierarchy; itself without inheritance. Identity is by root and key.
    pub(crate) root: u16,
    pub(crate) base: Option<u16>,
    /// The direct subclasses.
    pub(crate) subclasses: Vec<u16>,
    /// The discriminator: the attribute, and the value for this class.
    pub(crate) discriminator: Option<(u16, Value)>,
    /// The discriminator's values of this class and all below it, with their classes.
    pub(crate) polymorphic: Vec<(Value, u16)>,
    /// No object is of the class itself.
    pub(crate) is_abstract: bool,
    /// The subclasses whose columns queries of the class read in the same rows.
    pub(crate) read_along: Vec<u16>,
    /// What the class adds is read by one more SELECT where a query of a base finds its objects.
    pub(crate) selectin: bool,
    /// The value that tells rows of this class in the union of a concrete hierarchy.
    pub(crate) identity: Option<Value>,
    /// What queries of the class select from, where subclasses have tables of their own with all columns.
    pub(crate) union: Option<Arc<Union>>,
    /// It is abstract and has no table: its rows are those of its concrete subclasses, of which `tables` has one, to
    /// speak of columns.
    pub(crate) is_abstract_concrete: bool,
    /// The tables that hold the attributes, base table first. One, without joined inheritance; of a class that is
    /// mapped to something else than a table, those that are written.
    pub(crate) tables: Vec<Table>,
    /// What rows are selected from, where the class is mapped to something else than a table.
    pub(crate) selected: Option<Arc<Selected>>,
    /// By attribute number.
    pub(crate) properties: Vec<Property>,
    pub(crate) by_name: HashMap<Arc<str>, u16>,
    /// Other names of attributes, which are in `by_name` as well; a class's own before inherited ones.
    pub(crate) synonyms: Vec<Synonym>,
    /// The attributes of the primary key, in the order of the table's.
    pub(crate) primary_key: Vec<u16>,
    /// The parts of it that may be NULL in an object, as bits.
    pub(crate) nullable_key: u32,
    /// The attribute that holds the row's version.
    pub(crate) version: Option<u16>,
    /// What makes the versions.
    pub(crate) version_by: VersionGenerator,
    /// How its rows are written and found.
    pub(crate) rows: RowOptions,
    /// The relationships, in the order in which cascades follow them: a class's own before inherited ones.
    pub(crate) relationships: Vec<u16>,
    /// Those of them that are never loaded, being too large.
    pub(crate) write_only: Vec<u16>,
    /// The column attributes, in order of their numbers.
    pub(crate) columns: Vec<u16>,
    /// Relationships (mapper, attribute) to this class or a base of it that remember which owner a member has.
    pub(crate) owners: Vec<(u16, u16)>,
    /// Those among them that delete orphans.
    pub(crate) delete_orphans: Vec<(u16, u16)>,
    /// The columns of the tables that no attribute stands for but that have a client-side default:
    /// (table, column).
    pub(crate) hidden_defaults: Vec<(u16, u16)>,
    /// The columns that no attribute stands for but that every UPDATE gives a value: (table, column).
    pub(crate) hidden_on_updates: Vec<(u16, u16)>,
    /// The attributes of a joined subclass that stand for the column by which its table refers to the base's: each with
    /// the base's attribute, which that column is written from.
    pub(crate) key_copies: Vec<(u16, u16)>,
    /// The attributes of columns that only the database gives values, and of those copies: a program cannot set them.
    pub(crate) read_only: Vec<u16>,
    /// What extensions have hung on the mapping.
    pub(super) attachments: Vec<Attachment>,
}

impl Mapper {
    /// The class's name.
    pub fn class_name(&self) -> &str {
        &self.name
    }

    /// The table that the class's own columns are in; of a class that is mapped to something else than a table, the
    /// last of those that are written, if there is any.
    pub fn local_table(&self) -> Option<&Table> {
        self.written_tables().last()
    }

    /// The properties, by attribute number.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The number of an attribute.
    pub fn attribute(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The property of an attribute.
    #[inline]
    pub(crate) fn property(&self, attribute: u16) -> &Property {
        &self.properties[attribute as usize]
    }

    /// The attribute's relationship, where it is one.
    #[inline]
    pub(crate) fn relationship(&self, attribute: u16) -> Option<&Relationship> {
        match &self.property(attribute).kind {
            PropertyKind::Relationship(relationship) => Some(relationship),
            _ => None,
        }
    }

    /// The attribute's column property, where it is one.
    #[inline]
    pub(crate) fn column(&self, attribute: u16) -> Option<&ColumnProperty> {
        match &self.property(attribute).kind {
            PropertyKind::Column(column) => Some(column),
            _ => None,
        }
    }
}

/// An attribute as it is mapped: SQLAlchemy's `MapperProperty`.
#[derive(Clone, Debug)]
pub struct Property {
    pub(crate) name: Arc<str>,
    /// The mapper that declares it: this one or a base.
    pub(crate) declared_by: u16,
    pub(crate) kind: PropertyKind,
}

impl Property {
    /// The attribute's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the attribute is mapped to.
    pub fn kind(&self) -> &PropertyKind {
        &self.kind
    }
}

/// Another name of an attribute: SQLAlchemy's `SynonymProperty`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: Arc<str>,
    /// The attribute, or another synonym.
    pub(crate) attribute: Arc<str>,
}

/// What an attribute is mapped to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PropertyKind {
    /// One column, or several that are kept equal.
    Column(ColumnProperty),
    /// An expression over columns; read-only.
    Expression {
        /// The expression, over the mapper's tables.
        node: Node,
        /// Not loaded unless asked for.
        deferred: bool,
    },
    /// Objects of a class.
    Relationship(Box<Relationship>),
    /// A value made of several column attributes.
    Composite {
        /// The attributes.
        attributes: Vec<u16>,
    },
    /// The class has the attribute, but this mapping leaves it alone.
    Unmapped,
}

impl PropertyKind {
    /// Whether it is not loaded unless asked for.
    pub(crate) fn is_deferred(&self) -> bool {
        match self {
            Self::Column(column) => column.deferred,
            Self::Expression { deferred, .. } => *deferred,
            _ => false,
        }
    }
}

/// A column of one of the mapper's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    /// The table's place in the mapper's tables.
    pub table: u16,
    /// The column's place in the table.
    pub column: u16,
}

/// An attribute that holds the value of a column.
#[derive(Clone, Debug)]
pub struct ColumnProperty {
    /// The column; several that are kept equal (`id` of a joined subclass), the base table's first.
    pub(crate) columns: SmallVec<[ColumnRef; 1]>,
    pub(crate) deferred: bool,
    pub(crate) group: Option<Arc<str>>,
    /// The old value has to be known when it is replaced: configured so, or part of the primary key.
    pub(crate) active_history: bool,
    /// An UPDATE sends the changed paths of the JSON document only.
    pub(crate) json_paths: bool,
}

/// Which side holds the foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The target does.
    OneToMany,
    /// The owner does.
    ManyToOne,
    /// An association table does.
    ManyToMany,
}

/// What holds the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A reference to one object.
    One,
    /// A list.
    List,
    /// A list without a member twice.
    Set,
    /// A map by the value of the target's attribute.
    Keyed(u16),
}

impl Holder {
    /// Whether it holds many.
    pub fn is_collection(self) -> bool {
        self != Self::One
    }
}

/// What a deletion of the owner does with members that are not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassiveDeletes {
    /// It loads them, and deletes them or clears their foreign keys.
    No,
    /// It leaves them to the database.
    Yes,
    /// It leaves loaded ones to the database as well.
    All,
}

/// Which operations on an owner reach its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cascades {
    /// `add`.
    pub save_update: bool,
    /// `merge`.
    pub merge: bool,
    /// `refresh` and `expire`.
    pub refresh_expire: bool,
    /// `expunge`.
    pub expunge: bool,
    /// `delete`.
    pub delete: bool,
    /// A member that has lost its owner is deleted.
    pub delete_orphan: bool,
}

/// An attribute that refers to objects: SQLAlchemy's `RelationshipProperty`.
#[derive(Clone, Debug)]
pub struct Relationship {
    pub(crate) attribute: u16,
    pub(crate) name: Arc<str>,
    /// The mapper that declares it.
    pub(crate) parent: u16,
    pub(crate) target: u16,
    pub(crate) direction: Direction,
    pub(crate) holder: Holder,
    /// The collection of the user's kind that shows the members.
    pub(crate) shown: Option<NewCollection>,
    /// What is equal on both sides, without an association table: (attribute of the owner, attribute of
    /// the target).
    pub(crate) pairs: Vec<(u16, u16)>,
    pub(crate) secondary: Option<Secondary>,
    /// The other sides: (mapper, attribute).
    pub(crate) reverse: Vec<(u16, u16)>,
    pub(crate) cascades: Cascades,
    pub(crate) viewonly: bool,
    pub(crate) passive_deletes: PassiveDeletes,
    pub(crate) passive_updates: bool,
    pub(crate) post_update: bool,
    pub(crate) single_parent: bool,
    pub(crate) active_history: bool,
    /// How it is loaded where a query does not say it.
    pub(crate) lazy: Lazy,
    /// The order of the members: (attribute of the target, descending).
    pub(crate) order_by: Vec<(u16, bool)>,
    /// The attribute of the target that is kept equal to the member's position.
    pub(crate) position: Option<u16>,
    /// Which positions those are.
    pub(crate) numbering: Numbering,
    /// A condition of the user's own between owner and target (or association table), in terms of
    /// attributes of the two classes. `pairs` are then what it equates.
    pub(crate) primaryjoin: Option<Node>,
    pub(crate) secondaryjoin: Option<Node>,
    /// The target's attributes in `pairs` are exactly its primary key, in its order: a reference can be
    /// found in the identity map.
    pub(crate) by_key: bool,
}

/// The association table of a many-to-many relationship.
#[derive(Clone, Debug)]
pub struct Secondary {
    pub(crate) table: Table,
    /// (attribute of the owner, column of the association table).
    pub(crate) local: Vec<(u16, u16)>,
    /// (attribute of the target, column of the association table).
    pub(crate) remote: Vec<(u16, u16)>,
}
