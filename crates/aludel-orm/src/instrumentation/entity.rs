//! A class as it takes part in a query, and its attributes as leaves of the expression tree.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use aludel_sql::{Alias, Aliased, CustomNode, KeyWriter, Node, Source};
use aludel_sql::{Column, DataType, Table};

use super::{AttrKind, ClassDef};

/// A class in a query: under its own name, or under another one ([`aliased`](crate::aliased)).
///
/// The alias is only a mark: it tells the entities of one class apart, and which tables it stands for is
/// known when the mappers are.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) class: &'static ClassDef,
    pub(crate) alias: Option<Source>,
}

impl Entity {
    /// The class under its own name.
    pub(crate) const fn of(class: &'static ClassDef) -> Self {
        Self { class, alias: None }
    }

    /// The class under a name of its own.
    pub(crate) fn aliased(class: &'static ClassDef) -> Self {
        static MARK: LazyLock<Option<Table>> = LazyLock::new(|| {
            Table::build("entity").column(Column::of::<i64>("id").primary_key()).finish().ok()
        });
        let alias = MARK.as_ref().map(|mark| Alias::new(Aliased::Table(mark.clone())).into());
        Self { class, alias }
    }

    /// The number of the alias, unique in the process; 0 for the class itself.
    pub(crate) fn number(&self) -> u32 {
        self.alias.as_ref().map_or(0, Source::id)
    }

    /// Writes what tells the entity from others: aliases are numbered as they are met.
    pub(crate) fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        write_class(key, self.class);
        match &self.alias {
            None => key.token(0),
            Some(alias) => {
                key.token(1);
                key.source(alias);
            }
        }
    }

    /// An attribute of the entity as an expression.
    pub(crate) fn leaf(&self, attribute: u16) -> Node {
        let def = self.class.attributes.get(usize::from(attribute));
        let name = def.map_or("?", |a| a.name);
        let is_composite = def.is_some_and(|a| matches!(a.kind, AttrKind::Composite(_)));
        let data_type = is_composite.then_some(DataType::Tuple);
        AttrLeaf { entity: self.clone(), attribute, name, data_type, remote: false, bare: false }
            .into_node()
    }
}

impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        self.class.key() == other.class.key() && self.number() == other.number()
    }
}

/// Writes a class: by the address of its description, which is unique in the process; one described at run
/// time, whose description may be replaced, by its number. No address is odd.
pub(crate) fn write_class(key: &mut KeyWriter<'_>, class: &'static ClassDef) {
    key.number(match class.described {
        None => std::ptr::from_ref(class).addr() as u64,
        Some(described) => u64::from(described.number) << 1 | 1,
    });
}

/// An attribute of an entity, as a leaf of the expression tree.
///
/// It becomes a column (or an expression) of the entity's tables when a statement of a new shape is made.
#[derive(Clone, Debug)]
pub(crate) struct AttrLeaf {
    pub(crate) entity: Entity,
    pub(crate) attribute: u16,
    pub(crate) name: &'static str,
    pub(crate) data_type: Option<DataType>,
    /// In the condition of a relationship of a class to itself: the far side.
    pub(crate) remote: bool,
    /// Without the attribute's comparator, which is where it came from.
    pub(crate) bare: bool,
}

impl AttrLeaf {
    pub(crate) fn into_node(self) -> Node {
        Node::Custom(Arc::new(self))
    }

    /// The leaf that a node is, if it is one.
    pub(crate) fn of(node: &Node) -> Option<&Self> {
        match node {
            Node::Custom(custom) => custom.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl AttrLeaf {
    /// What the column is compared by, where its class says so.
    pub(crate) fn comparator(&self) -> Option<crate::loading::Comparator> {
        match &self.entity.class.attributes.get(usize::from(self.attribute))?.kind {
            AttrKind::Column(column) if !self.bare => column.comparator,
            _ => None,
        }
    }
}

impl CustomNode for AttrLeaf {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        let (remote, bare) = (u32::from(self.remote), u32::from(self.bare));
        key.token(u32::from(self.attribute) << 8 | bare << 2 | remote << 1);
        self.entity.key(key);
    }

    fn name(&self) -> Option<&str> {
        Some(self.name)
    }

    fn data_type(&self) -> Option<DataType> {
        self.data_type
    }

    fn compares(&self) -> bool {
        self.comparator().is_some()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
