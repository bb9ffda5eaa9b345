//! FROM: what belongs into it, what is left out of it, and how it is written.

use super::Renderer;
use super::node::unresolved;
use super::select::Place;
use crate::statement::{Correlate, Select};
use crate::tree::visit::{self, Seen};
use crate::tree::{Aliased, FromItem, JoinKind, Node, Source};
use crate::{Error, ErrorKind, Result};

/// The sources of which columns stand in expressions, but not in subqueries; in order, each once.
pub(super) fn mentioned<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Vec<&'a Source> {
    let mut all: Vec<&Source> = Vec::new();
    for node in nodes {
        visit::node(node, &mut |seen| match seen {
            Seen::Node(_) => true,
            Seen::Query => false,
            Seen::Source(source) => {
                if !all.contains(&source) {
                    all.push(source);
                }
                false
            }
        });
    }
    all
}

/// Adds to items of FROM the sources that are in none of them, and takes out those that stand
/// alone though they are in a join, too.
pub(super) fn complete(given: &[FromItem], mentioned: Vec<&Source>) -> Vec<FromItem> {
    let in_joins: Vec<u32> = given
        .iter()
        .filter(|item| matches!(item, FromItem::Join(_)))
        .flat_map(|item| item.sources().into_iter().map(Source::id))
        .collect();
    let mut all: Vec<FromItem> = Vec::new();
    let mut have = in_joins.clone();
    for item in given {
        match item {
            FromItem::Source(source) if in_joins.contains(&source.id()) => continue,
            FromItem::Source(source) if have.contains(&source.id()) => continue,
            FromItem::Source(source) => have.push(source.id()),
            _ => {}
        }
        all.push(item.clone());
    }
    let missing = mentioned.into_iter().filter(|source| !have.contains(&source.id()));
    all.extend(missing.map(|source| FromItem::Source(source.clone())));
    all
}

/// The ids of all sources in FROM.
pub(super) fn ids(items: &[FromItem]) -> Vec<u32> {
    items.iter().flat_map(|item| item.sources().into_iter().map(Source::id)).collect()
}

impl Renderer<'_> {
    /// FROM of a SELECT, without what is correlated.
    pub(super) fn froms(&self, select: &Select, place: Place) -> Result<Vec<FromItem>> {
        let mentioned = mentioned(select.columns.iter().chain(&select.filter));
        let all = complete(&select.from, mentioned);
        let alone = |item: &FromItem| match item {
            FromItem::Source(source) => Some(source.id()),
            _ => None,
        };
        let enclosing = |id: u32| self.scopes.iter().any(|scope| scope.contains(&id));
        let left_out = |item: &FromItem| {
            let Some(id) = alone(item) else { return false };
            match &select.correlate {
                Correlate::Auto => self.scopes.last().is_some_and(|scope| scope.contains(&id)),
                Correlate::Only(these) => these.iter().any(|s| s.id() == id) && enclosing(id),
                Correlate::Except(these) => !these.iter().any(|s| s.id() == id) && enclosing(id),
            }
        };
        let auto = matches!(select.correlate, Correlate::Auto);
        if place == Place::Top || (auto && all.len() < 2) {
            return Ok(all);
        }
        let had_some = !all.is_empty();
        let kept: Vec<FromItem> = all.into_iter().filter(|item| !left_out(item)).collect();
        if kept.is_empty() && had_some {
            return Err(Error::new(
                ErrorKind::Argument,
                "nothing is left in FROM of a subquery, since the enclosing statement has all of \
                 it: say with `correlate` what is to be left out, or use an alias",
            ));
        }
        Ok(kept)
    }

    pub(super) fn clause_from(&mut self, items: &[FromItem]) -> Result<()> {
        if !items.is_empty() {
            self.push(" FROM ");
            self.each(items, ", ", |r, item| r.item(item))?;
        }
        Ok(())
    }

    pub(super) fn item(&mut self, item: &FromItem) -> Result<()> {
        match item {
            FromItem::Source(source) => self.source(source),
            FromItem::Custom(node) => Err(unresolved(&format!("{node:?}"))),
            FromItem::Join(join) => {
                self.item(&join.left)?;
                if join.kind == JoinKind::Full {
                    self.demand(self.dialect.capabilities.full_join, "FULL JOIN")?;
                }
                self.push(match join.kind {
                    JoinKind::Inner => " JOIN ",
                    JoinKind::Left => " LEFT JOIN ",
                    JoinKind::Full => " FULL JOIN ",
                    JoinKind::Cross => " CROSS JOIN ",
                });
                let nested = matches!(join.right, FromItem::Join(_));
                self.push(if nested { "(" } else { "" });
                self.item(&join.right)?;
                self.push(if nested { ")" } else { "" });
                match &join.on {
                    Some(on) => {
                        self.push(" ON ");
                        self.node(on)
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn source(&mut self, source: &Source) -> Result<()> {
        let Source::Alias(alias) = source else {
            self.qualifier(source);
            return Ok(());
        };
        match alias.of() {
            Aliased::Table(table) => self.dialect.quote_table(&mut self.sql, table),
            Aliased::Cte(cte) => self.quote(cte.name()),
            Aliased::Query(query) => {
                self.push("(");
                self.query(query, Place::From, Some(alias.derived()))?;
                self.push(")");
            }
            Aliased::Lateral(query) => {
                self.demand(self.dialect.capabilities.lateral, "LATERAL")?;
                self.push("LATERAL (");
                self.query(query, Place::Lateral, Some(alias.derived()))?;
                self.push(")");
            }
        }
        self.push(" AS ");
        let name = self.alias_name(alias);
        self.quote(&name);
        Ok(())
    }
}
