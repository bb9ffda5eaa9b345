//! Composites in queries: what is said of a composite becomes what is said of its columns.

use aludel_sql::DataType;
use aludel_sql::{
    Bad, BinaryOp, In, InSet, Junction, Literal, Node, Param, Row, UnaryOp, Value, ValueRef,
};

use super::compare::mirrored;
use super::objects::ObjectLeaf;
use crate::instrumentation::entity::AttrLeaf;
use crate::instrumentation::{AttrKind, CompositeDef};
use crate::{Error, ErrorKind, Result};

/// A composite as a leaf of a tree.
struct Found<'n> {
    leaf: &'n AttrLeaf,
    def: &'static CompositeDef,
}

impl<'n> Found<'n> {
    fn of(node: &'n Node) -> Option<Self> {
        let leaf = AttrLeaf::of(node)?;
        match &leaf.entity.class.attributes.get(usize::from(leaf.attribute))?.kind {
            AttrKind::Composite(def) => Some(Self { leaf, def }),
            _ => None,
        }
    }

    /// The columns as leaves.
    fn columns(&self) -> Vec<Node> {
        let class = self.leaf.entity.class;
        let part = |attribute: u16| {
            let def = &class.attributes[usize::from(attribute)];
            let data_type = match &def.kind {
                AttrKind::Column(column) => Some(column.data_type),
                _ => None,
            };
            AttrLeaf { attribute, name: def.name, data_type, ..self.leaf.clone() }.into_node()
        };
        class.columns_of_composite(self.leaf.attribute).map(part).collect()
    }

    #[cold]
    fn error(&self, what: &str) -> Error {
        let class = self.leaf.entity.class.name;
        Error::new(
            ErrorKind::Argument,
            format!("{class}.{} is a composite: {what}", self.leaf.name),
        )
    }

    /// What each column is compared with, or set to.
    fn values(&self, node: &Node) -> Result<Vec<Node>> {
        let count = self.leaf.entity.class.columns_of_composite(self.leaf.attribute).count();
        let mut values = Vec::with_capacity(count);
        match node {
            _ if is_null(node) => values.resize(count, Node::Null),
            Node::Tuple(nodes) => flatten(nodes, &mut values),
            other => match Found::of(other) {
                Some(other) => values = other.columns(),
                None => return Err(self.error("it is compared with, and set to, another one")),
            },
        }
        if values.len() == count {
            return Ok(values);
        }
        Err(self.error(&format!("it is made of {count} columns, and {} are given", values.len())))
    }

    fn compare(&self, op: BinaryOp, other: &Node) -> Result<Node> {
        let (columns, values) = (self.columns(), self.values(other)?);
        if let Some(compare) = self.def.comparator
            && let Some(condition) = compare(op, &columns, &values)
        {
            return Ok(condition);
        }
        let pairs = columns.into_iter().zip(values);
        Ok(match op {
            BinaryOp::Eq => Node::and(pairs.map(|(c, v)| Node::eq(c, v))),
            BinaryOp::Ne => Node::and(pairs.map(|(c, v)| Node::ne(c, v))),
            BinaryOp::IsDistinct => {
                let each = pairs.map(|(c, v)| Node::binary(BinaryOp::IsNotDistinct, c, v));
                Node::and(each).not()
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::IsNotDistinct => {
                Node::and(pairs.map(|(c, v)| Node::binary(op, c, v)))
            }
            _ => return Err(self.error("use its parts with this operator")),
        })
    }
}

/// A NULL; once values are numbered, one that had the type of a composite.
fn is_null(node: &Node) -> bool {
    let tuple = DataType::Tuple;
    matches!(node, Node::Param(Param { data_type, .. }) if *data_type == tuple)
        || matches!(node, Node::Literal(Literal { data_type, .. }) if *data_type == tuple)
        || node.is_null()
}

fn flatten(nodes: &[Node], out: &mut Vec<Node>) {
    for node in nodes {
        match node {
            Node::Tuple(inner) => flatten(inner, out),
            other => out.push(other.clone()),
        }
    }
}

/// A comparison with a composite as one with its columns; nothing where it is another node.
pub(super) fn expand(node: &Node) -> Result<Option<Node>> {
    Ok(match node {
        Node::Binary(op, operands) => match (Found::of(&operands.0), Found::of(&operands.1)) {
            (Some(left), _) => Some(left.compare(*op, &operands.1)?),
            (None, Some(right)) => Some(right.compare(mirrored(*op), &operands.0)?),
            (None, None) => None,
        },
        Node::Unary(op @ (UnaryOp::IsNull | UnaryOp::IsNotNull), operand) => {
            let Some(found) = Found::of(operand) else { return Ok(None) };
            let columns = found.columns().into_iter();
            Some(Node::and(columns.map(|c| Node::Unary(*op, Box::new(c)))))
        }
        Node::In(node) => {
            let Some(found) = Found::of(&node.operand) else { return Ok(None) };
            let condition = match &node.set {
                InSet::List(list) => {
                    let each = list.iter().map(|one| found.compare(BinaryOp::Eq, one));
                    // Of none, false; a junction of one condition is that condition.
                    match each.collect::<Result<Vec<_>>>()? {
                        none if none.is_empty() => Node::Junction(Junction::Or, none),
                        some => Node::or(some),
                    }
                }
                InSet::Query(query) => Node::In(Box::new(In {
                    operand: Node::Tuple(found.columns()),
                    negated: false,
                    set: InSet::Query(query.clone()),
                })),
            };
            Some(if node.negated { condition.not() } else { condition })
        }
        _ => None,
    })
}

/// In a list of results, or of what orders or groups them: the columns in place of a composite.
pub(super) fn listed(node: &Node) -> Option<Vec<Node>> {
    match node {
        Node::Order(inner, direction) => {
            let columns = Found::of(inner)?.columns().into_iter();
            Some(columns.map(|c| Node::Order(Box::new(c), *direction)).collect())
        }
        node => Found::of(node).map(|found| found.columns()),
    }
}

/// What an UPDATE sets, with the columns in place of composites.
pub(super) fn assignments(
    class: &'static crate::instrumentation::ClassDef,
    set: Vec<(u16, Node)>,
) -> Result<Vec<(u16, Node)>> {
    let mut flat = Vec::with_capacity(set.len());
    for (attribute, value) in set {
        let leaf = crate::instrumentation::entity::Entity::of(class).leaf(attribute);
        match Found::of(&leaf) {
            None => flat.push((attribute, value)),
            Some(found) => {
                flat.extend(class.columns_of_composite(attribute).zip(found.values(&value)?));
            }
        }
    }
    Ok(flat)
}

/// How many columns of a row each result takes, where one of them is a composite.
pub(super) struct Shape {
    cells: Vec<Cell>,
    /// The column of the first.
    first: usize,
}

#[derive(Clone, Copy)]
enum Cell {
    Column,
    Composite { columns: usize, optional: bool },
}

impl Shape {
    /// The shape of the rows of these results; nothing where each is one column.
    pub(super) fn of(results: &[Node]) -> Option<Self> {
        let cells: Vec<Cell> = results
            .iter()
            .map(|node| match Found::of(node) {
                None => Cell::Column,
                Some(found) => {
                    Cell::Composite { columns: found.columns().len(), optional: found.def.optional }
                }
            })
            .collect();
        let first = 0;
        cells.iter().any(|c| matches!(c, Cell::Composite { .. })).then_some(Self { cells, first })
    }

    /// The shape of rows in which these results come after what makes objects.
    pub(super) fn after_objects(results: &[Node]) -> Self {
        let values = results.iter().filter(|node| ObjectLeaf::of(node).is_none());
        let values: Vec<Node> = values.cloned().collect();
        let plain = || Self { cells: vec![Cell::Column; values.len()], first: 0 };
        Self::of(&values).unwrap_or_else(plain)
    }

    pub(super) fn begin_at(&mut self, first: usize) {
        self.first = first;
    }

    /// A row with a value for each result.
    pub(super) fn shaped<'r>(&self, row: &'r dyn Row) -> Shaped<'r> {
        let mut next = self.first;
        let mut values = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            match cell {
                Cell::Column => {
                    values.push(Shown::Column(next));
                    next += 1;
                }
                Cell::Composite { columns, optional } => {
                    let value = |at| row.get(at).map(ValueRef::to_owned);
                    let parts: std::result::Result<Vec<Value>, Bad> =
                        (next..next + columns).map(value).collect();
                    next += columns;
                    values.push(Shown::Composite(parts.map(|parts| {
                        let none = *optional && parts.iter().all(Value::is_null);
                        if none { Value::Null } else { Value::Tuple(parts.into()) }
                    })));
                }
            }
        }
        Shaped { row, values }
    }
}

/// A row in which composites are single values.
pub(super) struct Shaped<'r> {
    row: &'r dyn Row,
    values: Vec<Shown>,
}

enum Shown {
    Column(usize),
    Composite(std::result::Result<Value, Bad>),
}

impl Row for Shaped<'_> {
    fn get(&self, index: usize) -> std::result::Result<ValueRef<'_>, Bad> {
        match self.values.get(index) {
            Some(Shown::Column(at)) => self.row.get(*at),
            Some(Shown::Composite(value)) => value.as_ref().map(Value::as_ref).map_err(|bad| *bad),
            None => Err(Bad::Index),
        }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn name(&self, index: usize) -> String {
        match self.values.get(index) {
            Some(Shown::Column(at)) => self.row.name(*at),
            _ => format!("#{index}"),
        }
    }
}
