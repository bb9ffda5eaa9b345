//! What a condition of the user's own equates.

use aludel_sql::{BinaryOp, Junction, Node, Source};

use super::Build;
use super::names::TableColumn;
use crate::mapping::Mapper;

/// One operand of an equation: a column, or an attribute as the columns that it stands for.
#[derive(Debug)]
pub(super) struct End {
    pub(super) columns: Vec<TableColumn>,
    /// It is said to be at the far side.
    pub(super) remote: bool,
}

/// What a condition says.
#[derive(Debug, Default)]
pub(super) struct Condition {
    /// What it equates.
    pub(super) equations: Vec<(End, End)>,
    /// It says something else, too.
    pub(super) more: bool,
}

impl End {
    /// The attribute of a class that stands for it.
    pub(super) fn of(&self, mapper: &Mapper) -> Option<u16> {
        self.columns.iter().find_map(|(table, column)| mapper.attribute_of(table, *column))
    }

    pub(super) fn is_among(&self, columns: &[TableColumn]) -> bool {
        self.columns.iter().any(|column| columns.contains(column))
    }

    /// Whether a foreign key goes from it to the other.
    pub(super) fn refers_to(&self, other: &Self) -> bool {
        let refers = |(from, column): &TableColumn, (to, target): &TableColumn| {
            super::paths::keys_between(from, to).any(|(key, targets)| {
                key.columns.iter().zip(targets).any(|(c, t)| c == column && t == *target)
            })
        };
        self.columns.iter().any(|from| other.columns.iter().any(|to| refers(from, to)))
    }
}

impl Build<'_> {
    /// What a condition equates.
    pub(super) fn condition(&self, node: &Node) -> Condition {
        let mut condition = Condition::default();
        self.add_condition(node, &mut condition);
        condition
    }

    fn add_condition(&self, node: &Node, condition: &mut Condition) {
        match node {
            Node::Junction(Junction::And, all) => {
                all.iter().for_each(|part| self.add_condition(part, condition));
            }
            Node::Binary(BinaryOp::Eq, sides) => match (self.end(&sides.0), self.end(&sides.1)) {
                (Some(left), Some(right)) => condition.equations.push((left, right)),
                _ => condition.more = true,
            },
            _ => condition.more = true,
        }
    }

    fn end(&self, node: &Node) -> Option<End> {
        match node {
            Node::Column(column) => match &column.source {
                Source::Table(table) => {
                    Some(End { columns: vec![(table.clone(), column.column)], remote: false })
                }
                _ => None,
            },
            Node::Label(inner, _) | Node::Coerce(inner, _) => self.end(inner),
            node => self.attribute_end(node),
        }
    }

    fn attribute_end(&self, node: &Node) -> Option<End> {
        let leaf = crate::instrumentation::entity::AttrLeaf::of(node)?;
        if leaf.entity.alias.is_some() {
            return None;
        }
        let mapper = self.mapper(self.number(leaf.entity.class)?);
        let property = mapper.column(leaf.attribute)?;
        let columns = property.columns.iter().map(|at| (mapper.table_of(*at).clone(), at.column));
        Some(End { columns: columns.collect(), remote: leaf.remote })
    }
}
