//! SELECT and set operations.

use super::{Bare, Renderer, from};
use crate::statement::{Distinct, Lock, LockStrength, LockWait, Query, Select, SetOp, SetQuery};
use crate::tree::{Derived, Junction, Node};
use crate::{DialectKind, Error, ErrorKind, Result};

/// Where a query stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the statement.
    Top,
    /// In FROM or WITH, where it sees nothing of what is around it.
    From,
    /// In FROM, where it sees what is around it.
    Lateral,
    /// In an expression.
    Value,
}

impl Renderer<'_> {
    /// A query. `names` are the names that its columns must have.
    pub(super) fn query(
        &mut self,
        query: &Query,
        place: Place,
        names: Option<&[Derived]>,
    ) -> Result<()> {
        let bare = std::mem::replace(&mut self.bare, Bare::Nothing);
        let results = std::mem::take(&mut self.results);
        let scopes = match place {
            Place::From => std::mem::take(&mut self.scopes),
            _ => Vec::new(),
        };
        match query {
            Query::Select(select) => self.select(select, place, names)?,
            Query::Set(set) => self.set(set, place, names)?,
        }
        if place == Place::From {
            self.scopes = scopes;
        }
        self.bare = bare;
        self.results = results;
        Ok(())
    }

    fn select(&mut self, select: &Select, place: Place, names: Option<&[Derived]>) -> Result<()> {
        let froms = self.froms(select, place)?;
        self.scopes.push(from::ids(&froms));
        self.push("SELECT ");
        match &select.distinct {
            Distinct::No => {}
            Distinct::Rows => self.push("DISTINCT "),
            Distinct::On(by) => {
                self.demand(self.dialect.capabilities.distinct_on, "DISTINCT ON")?;
                self.push("DISTINCT ON (");
                self.nodes(by, ", ")?;
                self.push(") ");
            }
        }
        self.columns(select, names)?;
        self.clause_from(&froms)?;
        self.condition(" WHERE ", &select.filter)?;
        if !select.group_by.is_empty() {
            self.push(" GROUP BY ");
            self.each(&select.group_by, ", ", |r, node| r.group_item(node))?;
        }
        self.condition(" HAVING ", &select.having)?;
        self.order_by(&select.order_by)?;
        self.limit(select.limit.as_ref(), select.offset.as_ref())?;
        if let Some(lock) = &select.lock {
            self.lock(lock)?;
        }
        self.scopes.pop();
        Ok(())
    }

    fn columns(&mut self, select: &Select, names: Option<&[Derived]>) -> Result<()> {
        if select.columns.is_empty() {
            self.push("1");
        }
        if names.is_some_and(|names| names.len() != select.columns.len()) {
            return Err(Error::new(
                ErrorKind::Argument,
                "a derived table has not as many columns as its query: they were counted when \
                 the alias was made",
            ));
        }
        for (i, node) in select.columns.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.typed(node.unlabelled(), 0)?;
            let label = match (names, node) {
                (Some(names), Node::Column(c)) if *names[i].name == *c.name() => None,
                (Some(names), _) => Some(&*names[i].name),
                (None, Node::Label(_, name)) => Some(&**name),
                (None, _) => None,
            };
            if let Some(label) = label {
                self.push(" AS ");
                self.quote(label);
            }
        }
        // Labels stand for their expressions in GROUP BY and ORDER BY.
        self.results = select
            .columns
            .iter()
            .enumerate()
            .filter_map(|(i, node)| match node {
                Node::Label(_, name) => {
                    Some((names.map_or_else(|| name.clone(), |n| n[i].name.clone()), i))
                }
                _ => None,
            })
            .collect();
        Ok(())
    }

    pub(super) fn condition(&mut self, word: &str, conditions: &[Node]) -> Result<()> {
        if conditions.is_empty() {
            return Ok(());
        }
        self.push(word);
        self.junction(Junction::And, conditions)
    }

    /// A label in the result is named by its position, which cannot be mistaken for a column.
    fn group_item(&mut self, node: &Node) -> Result<()> {
        if let Node::Label(_, name) = node
            && let Some((_, i)) = self.results.iter().find(|(n, _)| n == name)
        {
            let position = (i + 1).to_string();
            self.push(&position);
            return Ok(());
        }
        self.node(node)
    }

    pub(super) fn limit(&mut self, limit: Option<&Node>, offset: Option<&Node>) -> Result<()> {
        match (limit, offset) {
            (Some(limit), _) => {
                self.push(" LIMIT ");
                self.operand(limit, super::node::ATOM)?;
            }
            (None, Some(_)) => self.push(match self.dialect.kind {
                DialectKind::Sqlite => " LIMIT -1",
                DialectKind::Postgres => "",
                DialectKind::MySql => " LIMIT 18446744073709551615",
            }),
            (None, None) => {}
        }
        if let Some(offset) = offset {
            self.push(" OFFSET ");
            self.operand(offset, super::node::ATOM)?;
        }
        Ok(())
    }

    fn lock(&mut self, lock: &Lock) -> Result<()> {
        let can = &self.dialect.capabilities;
        if !can.for_update {
            return Ok(());
        }
        let (nowait, skip, of, share) =
            (can.nowait, can.skip_locked, can.for_update_of, can.for_share);
        let keys = self.is(DialectKind::Postgres);
        self.push(match lock.strength {
            LockStrength::NoKeyUpdate if keys => " FOR NO KEY UPDATE",
            LockStrength::Update | LockStrength::NoKeyUpdate => " FOR UPDATE",
            LockStrength::KeyShare if keys => " FOR KEY SHARE",
            LockStrength::Share | LockStrength::KeyShare if share => " FOR SHARE",
            LockStrength::Share | LockStrength::KeyShare => " LOCK IN SHARE MODE",
        });
        if !lock.of.is_empty() {
            self.demand(of, "FOR UPDATE OF")?;
            self.push(" OF ");
            // What is locked is named as FROM names it, without a schema.
            self.each(&lock.of, ", ", |r, source| {
                match source {
                    crate::tree::Source::Table(table) => r.quote(table.name()),
                    other => r.qualifier(other),
                }
                Ok(())
            })?;
        }
        match lock.wait {
            LockWait::Wait => {}
            LockWait::NoWait => {
                self.demand(nowait, "NOWAIT")?;
                self.push(" NOWAIT");
            }
            LockWait::SkipLocked => {
                self.demand(skip, "SKIP LOCKED")?;
                self.push(" SKIP LOCKED");
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &SetQuery, place: Place, names: Option<&[Derived]>) -> Result<()> {
        let can = &self.dialect.capabilities;
        match set.op {
            SetOp::Union | SetOp::UnionAll => {}
            SetOp::Except | SetOp::Intersect => self.demand(can.except_intersect, set.op.sql())?,
            SetOp::ExceptAll | SetOp::IntersectAll => self.demand(can.except_all, set.op.sql())?,
        }
        if set.parts.is_empty() {
            return Err(Error::new(ErrorKind::Argument, "a set operation has no queries"));
        }
        for (i, part) in set.parts.iter().enumerate() {
            if i > 0 {
                self.push(" ");
                self.push(set.op.sql());
                self.push(" ");
            }
            let names = names.filter(|_| i == 0);
            let place = if place == Place::From { Place::Top } else { place };
            self.part(part, place, names)?;
        }
        self.bare = Bare::All;
        self.order_by(&set.order_by)?;
        self.bare = Bare::Nothing;
        self.limit(set.limit.as_ref(), set.offset.as_ref())
    }

    /// A query of a set operation, in brackets if its end could be taken for that of the whole.
    fn part(&mut self, part: &Query, place: Place, names: Option<&[Derived]>) -> Result<()> {
        let plain = match part {
            Query::Set(_) => false,
            Query::Select(s) => {
                s.order_by.is_empty() && s.limit.is_none() && s.offset.is_none() && s.lock.is_none()
            }
        };
        if plain {
            return self.query(part, place, names);
        }
        let nested = self.dialect.capabilities.nested_sets;
        self.push(if nested { "(" } else { "SELECT * FROM (" });
        self.query(part, place, names)?;
        self.push(")");
        Ok(())
    }
}

impl Node {
    pub(super) fn unlabelled(&self) -> &Node {
        match self {
            Node::Label(node, _) => node,
            other => other,
        }
    }
}
