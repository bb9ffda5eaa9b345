//! The keys of expressions.

use super::{KeyWriter, in_bucket, tag};
use crate::tree::{BinaryOp, Direction, In, InSet, Node, Source, TextNode, TextPart, Window};
use crate::{Bind, DataType, Value};

fn type_token(t: DataType) -> u32 {
    match t {
        DataType::Boolean => 1,
        DataType::SmallInt => 2,
        DataType::Integer => 3,
        DataType::BigInt => 4,
        DataType::Real => 5,
        DataType::Double => 6,
        DataType::Numeric(None) => 7,
        DataType::Text(None) => 8,
        DataType::Bytes => 9,
        DataType::Uuid => 10,
        DataType::Date => 11,
        DataType::Time => 12,
        DataType::DateTime => 13,
        DataType::Timestamp => 14,
        DataType::Json => 15,
        DataType::Numeric(Some(_)) => 16,
        DataType::Text(Some(_)) => 17,
        DataType::Any => 18,
        DataType::Tuple => 19,
    }
}

fn binary_token(op: BinaryOp) -> u32 {
    match op {
        BinaryOp::Eq => 0,
        BinaryOp::Ne => 1,
        BinaryOp::Lt => 2,
        BinaryOp::Le => 3,
        BinaryOp::Gt => 4,
        BinaryOp::Ge => 5,
        BinaryOp::IsDistinct => 6,
        BinaryOp::IsNotDistinct => 7,
        BinaryOp::Add => 8,
        BinaryOp::Sub => 9,
        BinaryOp::Mul => 10,
        BinaryOp::Div => 11,
        BinaryOp::Rem => 12,
        BinaryOp::Concat => 13,
        BinaryOp::Other(_) => 14,
    }
}

fn direction_token(d: Direction) -> u32 {
    u32::from(d.descending) | (d.nulls as u32) << 1
}
impl<'a> KeyWriter<'a> {
    fn data_type(&mut self, t: DataType) {
        self.token(type_token(t));
        match t {
            DataType::Numeric(Some((p, s))) => self.token(u32::from(p) << 16 | u32::from(s)),
            DataType::Text(Some(n)) => self.token(n),
            _ => {}
        }
    }

    /// Writes nodes, with their number.
    pub fn nodes(&mut self, nodes: &'a [Node]) {
        self.token(nodes.len() as u32);
        for node in nodes {
            self.node(node);
        }
    }

    pub(super) fn option(&mut self, node: Option<&'a Node>) {
        self.token(u32::from(node.is_some()));
        if let Some(node) = node {
            self.node(node);
        }
    }

    fn param(&mut self, value: &'a Value) {
        self.params.push(Bind::Ref(value.as_ref()));
    }

    /// Writes a node; its values become parameters.
    pub fn node(&mut self, node: &'a Node) {
        match node {
            Node::Column(c) => match &c.source {
                Source::Table(table) => {
                    self.tagged(tag::TABLE_COLUMN, c.column.into());
                    self.token(table.id());
                }
                source => {
                    self.tagged(tag::COLUMN, c.column.into());
                    self.source(source);
                }
            },
            Node::Literal(literal) => {
                self.tagged(tag::LITERAL, type_token(literal.data_type));
                self.param(&literal.value);
            }
            Node::Param(param) => {
                self.tagged(tag::LITERAL, type_token(param.data_type));
                self.ordinals.push(param.ordinal);
            }
            Node::Null => self.token(tag::NULL),
            Node::Star => self.token(tag::STAR),
            Node::Unary(op, operand) => {
                self.tagged(tag::UNARY, *op as u32);
                self.node(operand);
            }
            Node::Binary(op, operands) => {
                self.tagged(tag::BINARY, binary_token(*op));
                if let BinaryOp::Other(text) = op {
                    self.text(text);
                }
                self.node(&operands.0);
                self.node(&operands.1);
            }
            Node::Junction(kind, nodes) => {
                self.tagged(tag::JUNCTION, *kind as u32);
                self.nodes(nodes);
            }
            Node::In(node) => self.in_(node),
            Node::Between(node) => {
                self.tagged(tag::BETWEEN, node.negated.into());
                self.node(&node.operand);
                self.node(&node.low);
                self.node(&node.high);
            }
            Node::Like(like) => {
                let how = u32::from(like.negated) | u32::from(like.ignore_case) << 1;
                self.tagged(tag::LIKE, how | (like.shape as u32) << 2);
                self.node(&like.operand);
                self.node(&like.pattern);
            }
            Node::Case(case) => {
                self.tagged(tag::CASE, case.whens.len() as u32);
                for (when, then) in &case.whens {
                    self.node(when);
                    self.node(then);
                }
                self.option(case.otherwise.as_ref());
            }
            Node::Cast(operand, data_type) => {
                self.token(tag::CAST);
                self.data_type(*data_type);
                self.node(operand);
            }
            Node::Coerce(operand, data_type) => {
                self.token(tag::COERCE);
                self.data_type(*data_type);
                self.node(operand);
            }
            Node::Function(function) => {
                self.tagged(tag::FUNCTION, function.distinct.into());
                self.text(&function.name);
                self.nodes(&function.args);
                self.option(function.filter.as_ref());
                self.window(function.over.as_ref());
            }
            Node::Tuple(nodes) => {
                self.token(tag::TUPLE);
                self.nodes(nodes);
            }
            Node::Subquery(query) => {
                self.token(tag::SUBQUERY);
                self.query(query);
            }
            Node::Exists(query) => {
                self.token(tag::EXISTS);
                self.query(query);
            }
            Node::Label(operand, name) => {
                self.token(tag::LABEL);
                self.text(name);
                self.node(operand);
            }
            Node::Order(operand, direction) => {
                self.tagged(tag::ORDER, direction_token(*direction));
                self.node(operand);
            }
            Node::Excluded(table, column) => {
                self.tagged(tag::EXCLUDED, (*column).into());
                self.token(table.id());
            }
            Node::Text(text) => {
                self.token(tag::TEXT);
                self.text_node(text);
            }
            Node::Custom(node) => {
                self.token(tag::CUSTOM);
                node.key(self);
            }
        }
    }

    fn window(&mut self, window: Option<&'a Window>) {
        self.token(u32::from(window.is_some()));
        if let Some(window) = window {
            self.nodes(&window.partition_by);
            self.nodes(&window.order_by);
        }
    }

    pub(super) fn text_node(&mut self, text: &'a TextNode) {
        self.token(text.parts.len() as u32);
        for part in &text.parts {
            match part {
                TextPart::Sql(sql) => {
                    self.token(0);
                    self.text(sql);
                }
                TextPart::Bind(_, node) => {
                    self.token(1);
                    self.option(node.as_ref());
                }
            }
        }
    }

    /// A list of values of one shape is written by the shape and the number of parameters it gets.
    fn in_(&mut self, node: &'a In) {
        let negated = u32::from(node.negated);
        match &node.set {
            InSet::Query(query) => {
                self.tagged(tag::IN_QUERY, negated);
                self.node(&node.operand);
                self.query(query);
            }
            InSet::List(list) if is_uniform(list) => {
                self.tagged(tag::IN_PADDED, negated);
                self.node(&node.operand);
                let bucket = in_bucket(list.len());
                self.token(bucket as u32);
                self.node(&list[0]);
                let end = self.tokens.len();
                for value in list[1..]
                    .iter()
                    .chain(std::iter::repeat_n(&list[list.len() - 1], bucket - list.len()))
                {
                    self.node(value);
                }
                self.tokens.truncate(end);
            }
            InSet::List(list) => {
                self.tagged(tag::IN_EXACT, negated);
                self.node(&node.operand);
                self.nodes(list);
            }
        }
    }
}

/// Whether a list consists of values, or tuples of values, of the same types.
pub(crate) fn is_uniform(list: &[Node]) -> bool {
    fn value_type(node: &Node) -> Option<DataType> {
        match node {
            Node::Literal(l) => Some(l.data_type),
            Node::Param(p) => Some(p.data_type),
            _ => None,
        }
    }
    fn same(a: &Node, b: &Node) -> bool {
        match (a, b) {
            (Node::Tuple(a), Node::Tuple(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| same(a, b) && !matches!(a, Node::Tuple(_)))
            }
            _ => value_type(a).is_some_and(|t| value_type(b) == Some(t)),
        }
    }
    list.first().is_some_and(|first| list.iter().all(|node| same(first, node)))
}
