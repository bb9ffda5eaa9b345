//! Expressions.

use super::{Bare, Renderer};
use crate::dialect::NullSafe;
use crate::tree::{
    BinaryOp, Direction, In, InSet, Junction, Like, LikeShape, Node, NullsOrder, Param, UnaryOp,
};
use crate::{ArrayParam, DataType, DialectKind, Error, ErrorKind, Result};

/// How tightly an expression holds together. One that holds less than its place wants is put in
/// brackets.
pub(super) type Strength = u8;

const OR: Strength = 1;
const AND: Strength = 2;
const NOT: Strength = 3;
const COMPARISON: Strength = 4;
const OTHER: Strength = 5;
const SUM: Strength = 6;
const PRODUCT: Strength = 7;
const SIGN: Strength = 8;
pub(super) const ATOM: Strength = 9;

fn strength(node: &Node) -> Strength {
    match node {
        Node::Text(_) => 0,
        Node::Junction(_, nodes) if nodes.is_empty() => COMPARISON,
        Node::Junction(Junction::Or, _) => OR,
        Node::Junction(Junction::And, _) => AND,
        Node::Unary(UnaryOp::Not, _) => NOT,
        Node::Unary(UnaryOp::Neg, _) => SIGN,
        Node::Unary(UnaryOp::IsNull | UnaryOp::IsNotNull, _)
        | Node::In(_)
        | Node::Between(_)
        | Node::Like(_) => COMPARISON,
        Node::Binary(op, _) => operator_strength(*op),
        Node::Label(node, _) | Node::Order(node, _) | Node::Coerce(node, _) => strength(node),
        _ => ATOM,
    }
}

fn operator_strength(op: BinaryOp) -> Strength {
    match op {
        BinaryOp::Add | BinaryOp::Sub => SUM,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => PRODUCT,
        BinaryOp::Concat | BinaryOp::Other(_) => OTHER,
        _ => COMPARISON,
    }
}

fn is_value(node: &Node) -> bool {
    matches!(node, Node::Literal(_) | Node::Param(_))
}

impl Renderer<'_> {
    /// An expression, in brackets if it holds together less than is wanted.
    pub(super) fn operand(&mut self, node: &Node, wanted: Strength) -> Result<()> {
        if strength(node) >= wanted {
            return self.node(node);
        }
        self.push("(");
        self.node(node)?;
        self.push(")");
        Ok(())
    }

    /// An expression in a place from which the database cannot tell the type of a parameter: there
    /// PostgreSQL is told.
    pub(super) fn typed(&mut self, node: &Node, wanted: Strength) -> Result<()> {
        let data_type = match node {
            Node::Literal(l) if !l.value.is_null() => l.data_type,
            Node::Param(p) => p.data_type,
            _ => return self.operand(node, wanted),
        };
        if !self.is(DialectKind::Postgres) || data_type == DataType::Any {
            return self.node(node);
        }
        self.cast(node, data_type)
    }

    fn cast(&mut self, node: &Node, data_type: DataType) -> Result<()> {
        self.push("CAST(");
        self.node(node)?;
        self.push(" AS ");
        self.dialect.cast_type(&mut self.sql, data_type);
        self.push(")");
        Ok(())
    }

    pub(super) fn nodes(&mut self, nodes: &[Node], between: &str) -> Result<()> {
        self.each(nodes, between, |r, node| r.node(node))
    }

    pub(super) fn node(&mut self, node: &Node) -> Result<()> {
        match node {
            Node::Column(c) => {
                let bare = self.bare == Bare::All || self.bare == Bare::Of(c.source.id());
                if !bare {
                    self.qualifier(&c.source);
                    self.push(".");
                }
                self.quote(c.name());
            }
            Node::Literal(literal) => self.constant(&literal.value),
            Node::Param(param) => self.placeholder(param.ordinal),
            Node::Null => self.push("NULL"),
            Node::Star => self.push("*"),
            Node::Unary(op, operand) => self.unary(*op, operand)?,
            Node::Binary(op, operands) => self.binary(*op, &operands.0, &operands.1)?,
            Node::Junction(kind, nodes) => self.junction(*kind, nodes)?,
            Node::In(node) => self.in_(node)?,
            Node::Between(between) => {
                self.operand(&between.operand, OTHER)?;
                self.push(if between.negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.operand(&between.low, OTHER)?;
                self.push(" AND ");
                self.operand(&between.high, OTHER)?;
            }
            Node::Like(like) => self.like(like)?,
            Node::Case(case) => {
                self.push("CASE");
                for (when, then) in &case.whens {
                    self.push(" WHEN ");
                    self.node(when)?;
                    self.push(" THEN ");
                    self.typed(then, 0)?;
                }
                if let Some(otherwise) = &case.otherwise {
                    self.push(" ELSE ");
                    self.typed(otherwise, 0)?;
                }
                self.push(" END");
            }
            Node::Cast(operand, data_type) => self.cast(operand, *data_type)?,
            Node::Coerce(operand, data_type) => {
                if self.is(DialectKind::Sqlite) {
                    self.node(operand)?;
                } else {
                    self.cast(operand, *data_type)?;
                }
            }
            Node::Function(function) => self.function(function)?,
            Node::Tuple(nodes) => {
                self.push("(");
                self.nodes(nodes, ", ")?;
                self.push(")");
            }
            Node::Subquery(query) => self.subquery(query)?,
            Node::Exists(query) => {
                self.push("EXISTS ");
                self.subquery(query)?;
            }
            Node::Label(operand, _) => self.node(operand)?,
            Node::Order(operand, direction) => self.order_item(operand, Some(*direction))?,
            Node::Excluded(table, column) => {
                let name = &table.columns()[usize::from(*column)].name;
                let mysql = self.is(DialectKind::MySql);
                self.push(if mysql { "VALUES(" } else { "excluded." });
                self.quote(name);
                if mysql {
                    self.push(")");
                }
            }
            Node::Text(text) => self.text(text)?,
            Node::Custom(node) => return Err(unresolved(&format!("{node:?}"))),
        }
        Ok(())
    }

    fn unary(&mut self, op: UnaryOp, operand: &Node) -> Result<()> {
        match op {
            UnaryOp::Not => {
                self.push("NOT ");
                self.operand(operand, ATOM)
            }
            UnaryOp::Neg => {
                self.push("-");
                self.operand(operand, ATOM)
            }
            UnaryOp::IsNull | UnaryOp::IsNotNull => {
                self.typed(operand, OTHER)?;
                self.push(if op == UnaryOp::IsNull { " IS NULL" } else { " IS NOT NULL" });
                Ok(())
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Node, right: &Node) -> Result<()> {
        let mysql = self.is(DialectKind::MySql);
        if op == BinaryOp::Concat && mysql {
            self.push("CONCAT(");
            self.concatenated(left)?;
            self.push(", ");
            self.concatenated(right)?;
            self.push(")");
            return Ok(());
        }
        let distinct = op == BinaryOp::IsDistinct;
        let sql = match op {
            BinaryOp::Eq => "=",
            BinaryOp::Ne => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Concat => "||",
            BinaryOp::Other(sql) => sql,
            BinaryOp::IsDistinct | BinaryOp::IsNotDistinct => {
                match self.dialect.capabilities.null_safe {
                    NullSafe::IsDistinctFrom if distinct => "IS DISTINCT FROM",
                    NullSafe::IsDistinctFrom => "IS NOT DISTINCT FROM",
                    NullSafe::Is if distinct => "IS NOT",
                    NullSafe::Is => "IS",
                    NullSafe::Spaceship => "<=>",
                }
            }
        };
        let negate = distinct && sql == "<=>";
        let (wanted_left, wanted_right) = match op {
            BinaryOp::Add | BinaryOp::Sub => (SUM, PRODUCT),
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => (PRODUCT, SIGN),
            BinaryOp::Concat if matches!(left, Node::Binary(BinaryOp::Concat, _)) => (OTHER, ATOM),
            BinaryOp::Concat | BinaryOp::Other(_) => (ATOM, ATOM),
            _ => (OTHER, OTHER),
        };
        // Of two values, the database cannot tell the types.
        let values = is_value(left) && is_value(right);
        self.push(if negate { "NOT (" } else { "" });
        if values {
            self.typed(left, wanted_left)?
        } else {
            self.operand(left, wanted_left)?
        }
        self.push(" ");
        self.push(sql);
        self.push(" ");
        if values {
            self.typed(right, wanted_right)?
        } else {
            self.operand(right, wanted_right)?
        }
        self.push(if negate { ")" } else { "" });
        Ok(())
    }

    /// An operand of MySQL's CONCAT, which takes any number of them.
    fn concatenated(&mut self, node: &Node) -> Result<()> {
        let Node::Binary(BinaryOp::Concat, operands) = node else { return self.node(node) };
        self.concatenated(&operands.0)?;
        self.push(", ");
        self.concatenated(&operands.1)
    }

    pub(super) fn junction(&mut self, kind: Junction, nodes: &[Node]) -> Result<()> {
        let (between, wanted, of_none) = match kind {
            Junction::And => (" AND ", NOT, "1 = 1"),
            Junction::Or => (" OR ", AND, "1 = 0"),
        };
        if nodes.is_empty() {
            self.push(of_none);
        }
        let wanted = if nodes.len() == 1 { 0 } else { wanted };
        self.each(nodes, between, |r, node| r.operand(node, wanted))
    }

    fn in_(&mut self, node: &In) -> Result<()> {
        let list = match &node.set {
            InSet::List(list) if list.is_empty() => {
                self.push(if node.negated { "1 = 1" } else { "1 = 0" });
                return Ok(());
            }
            InSet::List(list) => Some(list),
            InSet::Query(_) => None,
        };
        self.operand(&node.operand, OTHER)?;
        if let Some(array) = list.and_then(|list| self.array(&node.operand, list)) {
            self.push(if node.negated { " <> ALL(" } else { " = ANY(" });
            self.dialect.placeholder(&mut self.sql, self.known.number(array.first));
            self.order.extend(array.first..array.first + array.len);
            self.push(")");
            return Ok(());
        }
        self.push(if node.negated { " NOT IN " } else { " IN " });
        match (&node.set, list) {
            (InSet::Query(query), _) => self.subquery(query)?,
            (InSet::List(_), list) => {
                let list = list.map_or(&[][..], |list| list);
                let rows = matches!(list.first(), Some(Node::Tuple(_)));
                let values = rows && self.is(DialectKind::Sqlite);
                self.push(if values { "(VALUES " } else { "(" });
                let typed = is_value(&node.operand);
                self.each(list, ", ", |r, one| if typed { r.typed(one, 0) } else { r.node(one) })?;
                self.push(")");
            }
        }
        Ok(())
    }

    /// The values of a list as an array, where they can go as one: then the statement is short, and needs not be read
    /// anew by the server for each.
    fn array(&mut self, operand: &Node, list: &[Node]) -> Option<ArrayParam> {
        let mut params = list.iter().map(|node| match node {
            Node::Param(param) => Some(param),
            _ => None,
        });
        let first = params.next()??;
        let next = |(param, at): (Option<&Param>, u32)| {
            param.is_some_and(|p| p.ordinal == first.ordinal + at && p.data_type == first.data_type)
        };
        let can = self.takes_arrays
            && list.len() > 1
            // Of which type the array is, the operand tells.
            && !is_value(operand)
            && !matches!(first.data_type, DataType::Any | DataType::Json | DataType::Tuple);
        if !can || !params.zip(1..).all(next) {
            return None;
        }
        let array = ArrayParam { first: first.ordinal, len: u32::try_from(list.len()).ok()? };
        self.arrays.push(array);
        self.known.arrays.contains(&array).then_some(array)
    }

    fn like(&mut self, like: &Like) -> Result<()> {
        let native = self.dialect.capabilities.ilike;
        let lower = like.ignore_case && !native;
        let operator = match (like.ignore_case && native, like.negated) {
            (true, false) => " ILIKE ",
            (true, true) => " NOT ILIKE ",
            (false, false) => " LIKE ",
            (false, true) => " NOT LIKE ",
        };
        if lower {
            self.push("lower(");
            self.typed(&like.operand, 0)?;
            self.push(")");
        } else {
            self.typed(&like.operand, OTHER)?;
        }
        self.push(operator);
        self.push(if lower { "lower(" } else { "" });
        self.pattern(like, lower)?;
        self.push(if lower { ")" } else { "" });
        self.push(if like.shape == LikeShape::Pattern { "" } else { " ESCAPE '/'" });
        Ok(())
    }

    fn pattern(&mut self, like: &Like, in_call: bool) -> Result<()> {
        let (before, after) = match like.shape {
            LikeShape::Pattern | LikeShape::Escaped if in_call => {
                return self.typed(&like.pattern, 0);
            }
            LikeShape::Pattern | LikeShape::Escaped => return self.operand(&like.pattern, OTHER),
            LikeShape::StartsWith => (false, true),
            LikeShape::EndsWith => (true, false),
            LikeShape::Contains => (true, true),
        };
        let mysql = self.is(DialectKind::MySql);
        self.push(if mysql { "CONCAT(" } else { "" });
        self.push(match (before, mysql) {
            (true, true) => "'%', ",
            (true, false) => "'%' || ",
            (false, _) => "",
        });
        self.push("replace(replace(replace(");
        self.typed(&like.pattern, 0)?;
        self.push(", '/', '//'), '%', '/%'), '_', '/_')");
        self.push(match (after, mysql) {
            (true, true) => ", '%'",
            (true, false) => " || '%'",
            (false, _) => "",
        });
        self.push(if mysql { ")" } else { "" });
        Ok(())
    }

    pub(super) fn order_by(&mut self, nodes: &[Node]) -> Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        self.push(" ORDER BY ");
        self.each(nodes, ", ", |r, node| match node {
            Node::Order(operand, direction) => r.order_item(operand, Some(*direction)),
            other => r.order_item(other, None),
        })
    }

    fn order_item(&mut self, operand: &Node, direction: Option<Direction>) -> Result<()> {
        let nulls = direction.map_or(NullsOrder::Default, |d| d.nulls);
        let native = self.dialect.capabilities.nulls_ordering;
        if nulls != NullsOrder::Default && !native {
            self.order_operand(operand)?;
            self.push(if nulls == NullsOrder::Last { " IS NULL, " } else { " IS NOT NULL, " });
        }
        self.order_operand(operand)?;
        match direction {
            Some(d) if d.descending => self.push(" DESC"),
            Some(_) => self.push(" ASC"),
            None => {}
        }
        if native {
            self.push(match nulls {
                NullsOrder::Default => "",
                NullsOrder::First => " NULLS FIRST",
                NullsOrder::Last => " NULLS LAST",
            });
        }
        Ok(())
    }

    /// A label that is in the result stands for itself.
    fn order_operand(&mut self, operand: &Node) -> Result<()> {
        match operand {
            Node::Label(_, name)
                if self.bare == Bare::All || self.results.iter().any(|(n, _)| n == name) =>
            {
                self.quote(name);
                Ok(())
            }
            other => self.operand(other, OTHER),
        }
    }
}

#[cold]
pub(super) fn unresolved(what: &str) -> Error {
    let message = format!(
        "`{what}` is for a layer above SQL, and was not resolved: the statement must be run by it"
    );
    Error::new(ErrorKind::Configuration, message)
}
