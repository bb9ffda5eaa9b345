//! Conditions and values computed in memory, from the objects of a session: for UPDATEs and DELETEs by criteria,
//! which have to know the objects that they concern.

use std::cmp::Ordering;

use aludel_sql::{BinaryOp, In, InSet, Junction, Node, UnaryOp, Value};

use super::hybrids::HybridLeaf;
use crate::instrumentation::Id;
use crate::instrumentation::entity::AttrLeaf;
use crate::session::Session;

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Not {
    /// The object's value is not loaded.
    Loaded,
    /// The database alone can compute this.
    Computable,
}

type Outcome = Result<Value, Not>;

impl Session {
    /// Whether all conditions hold for an object.
    pub(super) fn holds_for(&self, conditions: &[Node], id: Id) -> Result<bool, Not> {
        let mut unknown = None;
        for condition in conditions {
            match self.evaluate(condition, id) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Ok(false),
                Err(Not::Computable) => return Err(Not::Computable),
                Err(not) => unknown = Some(not),
            }
        }
        unknown.map_or(Ok(true), Err)
    }

    /// The value of an expression for an object. Truth values are [`Value::Bool`], or NULL where SQL has it.
    pub(super) fn evaluate(&self, node: &Node, id: Id) -> Outcome {
        match super::compare::expand(node) {
            Ok(None) => {}
            Ok(Some(expanded)) => return self.evaluate(&expanded, id),
            Err(_) => return Err(Not::Computable),
        }
        match node {
            Node::Literal(literal) => match &literal.value {
                Value::Invalid(_) => Err(Not::Computable),
                value => Ok(value.clone()),
            },
            Node::Null => Ok(Value::Null),
            Node::Custom(_) => match HybridLeaf::of(node) {
                Some(hybrid) if hybrid.entity.alias.is_none() => self.evaluate(&hybrid.inner, id),
                _ => self.attribute_value(node, id),
            },
            Node::Label(inner, _) | Node::Coerce(inner, _) => self.evaluate(inner, id),
            Node::Unary(op, operand) => {
                let value = self.evaluate(operand, id)?;
                match (op, value) {
                    (UnaryOp::IsNull, value) => Ok(Value::Bool(value.is_null())),
                    (UnaryOp::IsNotNull, value) => Ok(Value::Bool(!value.is_null())),
                    (_, Value::Null) => Ok(Value::Null),
                    (UnaryOp::Not, Value::Bool(b)) => Ok(Value::Bool(!b)),
                    (UnaryOp::Neg, Value::I64(n)) => {
                        n.checked_neg().map(Value::I64).ok_or(Not::Computable)
                    }
                    (UnaryOp::Neg, Value::F64(x)) => Ok(Value::F64(-x)),
                    _ => Err(Not::Computable),
                }
            }
            Node::Junction(kind, nodes) => self.junction(*kind, nodes, id),
            Node::Binary(op, operands) => {
                let left = self.evaluate(&operands.0, id);
                let right = self.evaluate(&operands.1, id);
                binary(*op, either(left, right)?)
            }
            Node::In(node) => self.is_in(node, id),
            Node::Between(between) => {
                let operand = self.evaluate(&between.operand, id)?;
                let low =
                    binary(BinaryOp::Ge, (operand.clone(), self.evaluate(&between.low, id)?))?;
                let high = binary(BinaryOp::Le, (operand, self.evaluate(&between.high, id)?))?;
                let within = match (low, high) {
                    (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
                    (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
                    _ => Value::Null,
                };
                Ok(negate_if(between.negated, within))
            }
            _ => Err(Not::Computable),
        }
    }

    fn attribute_value(&self, node: &Node, id: Id) -> Outcome {
        let Some(leaf) = AttrLeaf::of(node) else { return Err(Not::Computable) };
        let class = self.mappers.by_type.get(&leaf.entity.class.key());
        let own = class.is_some_and(|class| self.mappers.is_a(id.class, *class));
        if !own || leaf.entity.alias.is_some() {
            return Err(Not::Computable);
        }
        if self.mapper_of(id).column(leaf.attribute).is_none() {
            return Err(Not::Computable);
        }
        if !self.arena.is_loaded(id, leaf.attribute) && self.needs_load(id, leaf.attribute) {
            return Err(Not::Loaded);
        }
        Ok(self.arena.field(id, leaf.attribute).value())
    }

    fn junction(&self, kind: Junction, nodes: &[Node], id: Id) -> Outcome {
        let decides = kind == Junction::Or;
        let mut outcome = Ok(Value::Bool(!decides));
        for node in nodes {
            match self.evaluate(node, id) {
                Ok(Value::Bool(b)) if b == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    if outcome.is_ok() {
                        outcome = Ok(Value::Null);
                    }
                }
                Err(Not::Computable) => return Err(Not::Computable),
                Err(not) => outcome = Err(not),
            }
        }
        outcome
    }

    fn is_in(&self, node: &In, id: Id) -> Outcome {
        let InSet::List(list) = &node.set else { return Err(Not::Computable) };
        if matches!(node.operand, Node::Tuple(_)) {
            return Err(Not::Computable);
        }
        let operand = self.evaluate(&node.operand, id)?;
        let mut found = Value::Bool(false);
        for candidate in list {
            match binary(BinaryOp::Eq, (operand.clone(), self.evaluate(candidate, id)?))? {
                Value::Bool(true) => return Ok(Value::Bool(!node.negated)),
                Value::Null => found = Value::Null,
                _ => {}
            }
        }
        Ok(negate_if(node.negated, found))
    }
}

/// Both values, or the graver reason why not.
fn either(left: Outcome, right: Outcome) -> Result<(Value, Value), Not> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(Not::Computable), _) | (_, Err(Not::Computable)) => Err(Not::Computable),
        _ => Err(Not::Loaded),
    }
}

fn negate_if(negated: bool, value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(b != negated),
        other => other,
    }
}

fn binary(op: BinaryOp, (left, right): (Value, Value)) -> Outcome {
    match op {
        BinaryOp::IsDistinct | BinaryOp::IsNotDistinct if left.is_null() || right.is_null() => {
            let same = left.is_null() && right.is_null();
            return Ok(Value::Bool(same == (op == BinaryOp::IsNotDistinct)));
        }
        _ if left.is_null() || right.is_null() => return Ok(Value::Null),
        _ => {}
    }
    let truth = |b: bool| Ok(Value::Bool(b));
    match op {
        BinaryOp::Eq | BinaryOp::IsNotDistinct => truth(equal(&left, &right)?),
        BinaryOp::Ne | BinaryOp::IsDistinct => truth(!equal(&left, &right)?),
        BinaryOp::Lt => truth(order(&left, &right)? == Ordering::Less),
        BinaryOp::Le => truth(order(&left, &right)? != Ordering::Greater),
        BinaryOp::Gt => truth(order(&left, &right)? == Ordering::Greater),
        BinaryOp::Ge => truth(order(&left, &right)? != Ordering::Less),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul => calculate(op, left, right),
        BinaryOp::Concat => match (left, right) {
            (Value::Text(a), Value::Text(b)) => Ok(Value::Text(a + &b)),
            _ => Err(Not::Computable),
        },
        _ => Err(Not::Computable),
    }
}

fn calculate(op: BinaryOp, left: Value, right: Value) -> Outcome {
    match (left, right) {
        (Value::I64(a), Value::I64(b)) => {
            let result = match op {
                BinaryOp::Add => a.checked_add(b),
                BinaryOp::Sub => a.checked_sub(b),
                _ => a.checked_mul(b),
            };
            result.map(Value::I64).ok_or(Not::Computable)
        }
        (Value::F64(a), Value::F64(b)) => Ok(Value::F64(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            _ => a * b,
        })),
        _ => Err(Not::Computable),
    }
}

/// Equality, where the database can have no other opinion of it.
fn equal(left: &Value, right: &Value) -> Result<bool, Not> {
    match (left, right) {
        (Value::I64(a), Value::F64(b)) | (Value::F64(b), Value::I64(a)) => Ok(*a as f64 == *b),
        (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => Ok(a == b),
        _ => Err(Not::Computable),
    }
}

/// Order of numbers. That of texts is the affair of the database's collation.
fn order(left: &Value, right: &Value) -> Result<Ordering, Not> {
    match (left, right) {
        (Value::I64(a), Value::I64(b)) => Ok(a.cmp(b)),
        (Value::F64(a), Value::F64(b)) => a.partial_cmp(b).ok_or(Not::Computable),
        (Value::I64(a), Value::F64(b)) => (*a as f64).partial_cmp(b).ok_or(Not::Computable),
        (Value::F64(a), Value::I64(b)) => a.partial_cmp(&(*b as f64)).ok_or(Not::Computable),
        (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
        _ => Err(Not::Computable),
    }
}
