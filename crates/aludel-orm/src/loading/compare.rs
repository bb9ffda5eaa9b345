//! Comparators: what attributes are compared by in queries, where their class says it.

use aludel_sql::{BinaryOp, Node};

use super::composite;
use super::criterion::{Ask, Criterion};
use super::hybrids::HybridLeaf;
use super::resolve::Resolver;
use super::sources::Sources;
use crate::Result;
use crate::instrumentation::AttrKind;
use crate::instrumentation::entity::AttrLeaf;
use crate::mapping::Relationship;

/// What an attribute is compared by in queries: SQLAlchemy's `comparator_factory`. It is given the operator, the
/// columns and what each is compared with; of an operator for which it gives nothing, the default holds.
///
/// A column (`#[column(comparator = …)]`) is one, with one value. A composite (`#[composite(comparator = …)]`) has a
/// column for each of its parts. A relationship by foreign keys (`#[relationship(comparator = …)]`) is compared by
/// its columns with the values that the object has for them: `is` and `contains` are [`BinaryOp::Eq`], `is_not` is
/// [`BinaryOp::Ne`].
///
/// A hybrid (`#[hybrid(comparator = …)]`) is its expression.
///
/// It is asked once for each shape of a statement, so that values are parameters to it. `IN` and `LIKE`, and
/// comparisons with NULL, are as ever.
///
/// ```
/// use aludel_orm::Comparator;
/// use aludel_sql::{BinaryOp, Expr, Expression, IntoNode, Node};
///
/// /// Equality that ignores case, of a column.
/// fn ignoring_case(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
///     let lower = |of: &[Node]| Some(Expr::<String>::from_node(of.first()?.clone()).lower().into_node());
///     (op == BinaryOp::Eq).then(|| Some(Node::eq(lower(columns)?, lower(values)?)))?
/// }
///
/// /// A point is greater than another when it lies above it and to its right: of a composite.
/// fn compare_points(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
///     (op == BinaryOp::Gt).then(|| {
///         let pairs = columns.iter().zip(values);
///         Node::and(pairs.map(|(c, v)| Node::binary(op, c.clone(), v.clone())))
///     })
/// }
/// let comparators: [Comparator; 2] = [ignoring_case, compare_points];
/// ```
pub type Comparator = fn(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node>;

/// A comparison of an attribute as its comparator says it, or of a composite as one of its columns; nothing where it
/// is another node.
pub(super) fn expand(node: &Node) -> Result<Option<Node>> {
    if let Node::Binary(op, operands) = node {
        let (left, right) = &**operands;
        let said = compared(*op, left, right);
        let said = said
            .or_else(|| is_comparison(*op).then(|| compared(mirrored(*op), right, left)).flatten());
        if said.is_some() {
            return Ok(said);
        }
    }
    composite::expand(node)
}

/// What the comparator of a column, or of a hybrid, makes of an operator.
fn compared(op: BinaryOp, operand: &Node, other: &Node) -> Option<Node> {
    if let Some(hybrid) = HybridLeaf::of(operand) {
        return hybrid.comparator?(op, &[hybrid.bare()], std::slice::from_ref(other));
    }
    let leaf = AttrLeaf::of(operand)?;
    let compare = leaf.comparator()?;
    let bare = AttrLeaf { bare: true, ..leaf.clone() }.into_node();
    compare(op, &[bare], std::slice::from_ref(other))
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Eq, Ge, Gt, IsDistinct, IsNotDistinct, Le, Lt, Ne};
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | IsDistinct | IsNotDistinct)
}

/// The operator when its operands change places.
pub(super) fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

impl Resolver<'_> {
    /// The comparison of a relationship with an object, as its comparator says it.
    pub(super) fn compared_with_object(
        &mut self,
        criterion: &Criterion,
        relationship: &Relationship,
        class: u16,
        owner: &std::sync::Arc<Sources>,
    ) -> Result<Option<Node>> {
        let op = match criterion.ask {
            Ask::Object => BinaryOp::Eq,
            Ask::NotObject => BinaryOp::Ne,
            Ask::Exists | Ask::None => return Ok(None),
        };
        let def = criterion.entity.class.attributes.get(usize::from(criterion.attribute));
        let comparator = match def.map(|def| &def.kind) {
            Some(AttrKind::Relationship(def)) => def.comparator,
            _ => None,
        };
        let by_keys = relationship.secondary.is_none() && relationship.primaryjoin.is_none();
        let Some(compare) = comparator.filter(|_| by_keys) else { return Ok(None) };
        let columns =
            relationship.pairs.iter().map(|(local, _)| self.attribute(class, *local, owner));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let values = criterion.bound.iter().map(|value| self.resolve(value));
        let values = values.collect::<Result<Vec<_>>>()?;
        match compare(op, &columns, &values) {
            Some(condition) => self.within(owner, |r| r.resolve(&condition)).map(Some),
            None => Ok(None),
        }
    }
}
