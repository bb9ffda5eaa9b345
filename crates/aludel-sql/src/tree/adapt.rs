//! Adaption: the columns of one thing replaced by the matching columns of another.

use super::{Aliased, FromItem, Node, Rewriter, Selectable, Source};
use crate::Result;
use crate::statement::Select;

/// Replaces columns by those of aliases and derived tables that show them: the columns of a table
/// by those of an alias of it, or by those of a derived table in which they stand.
///
/// A subquery is adapted where it refers to a column of the enclosing statement, but not where it
/// has the table in a FROM of its own that was given.
///
/// ```
/// use aludel_sql::{Adapter, Column, Expression, Selectable, Table};
///
/// let user = Table::build("user").column(Column::of::<i64>("id").primary_key()).finish()?;
/// let other = user.alias_as("other");
/// let condition = user.col::<i64>("id").eq(5);
/// let adapted = Adapter::to(&other).adapt(condition.node())?;
/// # let _ = adapted; // "other"."id" = ?
/// # Ok::<(), aludel_sql::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Adapter {
    targets: Vec<Source>,
    only: Option<Vec<u32>>,
}

impl Adapter {
    /// Adapts to an alias or a derived table.
    pub fn to(target: &impl Selectable) -> Self {
        Self { targets: vec![target.to_source()], only: None }
    }

    /// Adapts to another one as well; the first that has a matching column is taken.
    #[must_use]
    pub fn and_to(mut self, target: &impl Selectable) -> Self {
        self.targets.push(target.to_source());
        self
    }

    /// Adapts only columns of these.
    #[must_use]
    pub fn only<'a, S: Selectable + 'a>(
        mut self,
        sources: impl IntoIterator<Item = &'a S>,
    ) -> Self {
        self.only = Some(sources.into_iter().map(|s| s.to_source().id()).collect());
        self
    }

    /// The node, adapted.
    ///
    /// # Errors
    /// Those of custom nodes in it.
    pub fn adapt(&self, node: &Node) -> Result<Node> {
        node.rewrite_by(&mut self.clone())
    }

    /// The SELECT, adapted.
    ///
    /// # Errors
    /// Those of custom nodes in it.
    pub fn adapt_select(&self, select: &Select) -> Result<Select> {
        select.rewrite_parts(&mut self.clone())
    }

    /// The item of FROM with the conditions of its joins adapted.
    ///
    /// # Errors
    /// Those of custom nodes in it.
    pub fn adapt_from(&self, item: &FromItem) -> Result<FromItem> {
        item.rewrite(&mut self.clone())
    }

    fn shows(&self, source: &Source) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&source.id()))
            && self.targets.iter().any(|target| {
                (0..target.width())
                    .any(|i| target.origins(i).iter().any(|(id, _)| *id == source.id()))
            })
    }
}

impl Rewriter for Adapter {
    fn node(&mut self, node: &Node) -> Result<Option<Node>> {
        let Node::Column(column) = node else { return Ok(None) };
        if self.only.as_ref().is_some_and(|only| !only.contains(&column.source.id())) {
            return Ok(Some(node.clone()));
        }
        let find = |target: &Source| target.corresponding(column).map(|i| Node::column(target, i));
        // What stands within an alias is a scope of its own, so the walk ends at the column.
        Ok(Some(self.targets.iter().find_map(find).unwrap_or_else(|| node.clone())))
    }

    fn item(&mut self, item: &FromItem) -> Result<Option<FromItem>> {
        Ok(match item {
            FromItem::Source(Source::Alias(a)) if matches!(a.of(), Aliased::Lateral(_)) => None,
            FromItem::Source(_) => Some(item.clone()),
            _ => None,
        })
    }

    fn select(&mut self, select: &Select) -> Result<Option<Select>> {
        let mut own = false;
        for item in &select.from {
            item.for_each_source(&mut |source| own |= self.shows(source));
        }
        Ok(own.then(|| select.clone()))
    }
}
