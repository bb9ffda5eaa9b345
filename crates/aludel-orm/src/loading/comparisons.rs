//! What a query compares with values: for those who decide by it where a query goes.

use aludel_sql::{BinaryOp, InSet, Junction, Node, Value};

use super::query::Query;
use crate::instrumentation::entity::AttrLeaf;

/// A comparison of an attribute with values, which must hold for all that a query finds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The name of the attribute's class.
    pub class: &'static str,
    /// The attribute's name.
    pub attribute: &'static str,
    /// How they are compared.
    pub op: BinaryOp,
    /// The value; several where it is equal to one of them (`IN`).
    pub values: Vec<Value>,
}

impl Query {
    /// The comparisons of attributes with values among its conditions: those that must all hold (`a = 1 AND b IN (2, 3)`),
    /// whatever else has to.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {
    /// let query = select::<User>().filter(User::age.eq(30) & User::name.like("s%")).into_query();
    /// let comparisons = query.comparisons();
    /// assert_eq!(comparisons.len(), 1);
    /// assert_eq!((comparisons[0].attribute, &comparisons[0].values[..]), ("age", &[30.into()][..]));
    /// # }
    /// ```
    pub fn comparisons(&self) -> Vec<Comparison> {
        let mut found = Vec::new();
        self.sql.filter.iter().for_each(|condition| compare(condition, &mut found));
        found
    }
}

fn compare(condition: &Node, found: &mut Vec<Comparison>) {
    match condition {
        Node::Junction(Junction::And, all) => all.iter().for_each(|one| compare(one, found)),
        Node::Binary(op, operands) => {
            let (left, right) = &**operands;
            if let (Some(leaf), Some(value)) = (AttrLeaf::of(left), value(right)) {
                found.push(comparison(leaf, *op, vec![value]));
            } else if let (Some(value), Some(leaf)) = (value(left), AttrLeaf::of(right))
                && let Some(op) = turned(*op)
            {
                found.push(comparison(leaf, op, vec![value]));
            }
        }
        Node::In(within) if !within.negated => {
            let values = match &within.set {
                InSet::List(values) => values.iter().map(value).collect::<Option<Vec<_>>>(),
                _ => None,
            };
            if let (Some(leaf), Some(values)) = (AttrLeaf::of(&within.operand), values) {
                found.push(comparison(leaf, BinaryOp::Eq, values));
            }
        }
        _ => {}
    }
}

fn comparison(leaf: &AttrLeaf, op: BinaryOp, values: Vec<Value>) -> Comparison {
    Comparison { class: leaf.entity.class.name, attribute: leaf.name, op, values }
}

fn value(node: &Node) -> Option<Value> {
    match node {
        Node::Literal(literal) => Some(literal.value.clone()),
        _ => None,
    }
}

/// The same with the operands in the other order.
fn turned(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::IsDistinct | BinaryOp::IsNotDistinct => op,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        _ => return None,
    })
}
