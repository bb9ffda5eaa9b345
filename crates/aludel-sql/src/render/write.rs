//! INSERT, UPDATE and DELETE.

use super::select::Place;
use super::{Bare, Renderer, from};
use crate::dialect::Conflict;
use crate::statement::{ConflictAction, Delete, Insert, InsertValues, OnConflict, Query, Update};
use crate::tree::{FromItem, Node, Source};
use crate::{DialectKind, Error, ErrorKind, Result, Table};

impl Renderer<'_> {
    pub(super) fn table(&mut self, table: &Table) {
        self.dialect.quote_table(&mut self.sql, table);
    }

    pub(super) fn column(&mut self, table: &Table, column: u16) {
        self.quote(&table.columns()[usize::from(column)].name);
    }

    pub(super) fn names(&mut self, table: &Table, columns: &[u16]) -> Result<()> {
        self.each(columns, ", ", |r, &column| {
            r.column(table, column);
            Ok(())
        })
    }

    pub(super) fn insert(&mut self, insert: &Insert) -> Result<()> {
        if let InsertValues::Arrays(rows) = &insert.values {
            return self.insert_arrays(insert, rows);
        }
        let table = &insert.table;
        let mysql = self.is(DialectKind::MySql);
        if !mysql {
            self.with()?;
        }
        self.push("INSERT INTO ");
        self.table(table);
        let defaults = matches!(&insert.values, InsertValues::Rows(rows)
            if rows.is_empty() && insert.columns.is_empty());
        if defaults {
            let native = self.dialect.capabilities.default_values;
            self.push(if native { " DEFAULT VALUES" } else { " () VALUES ()" });
        } else {
            self.push(" (");
            self.names(table, &insert.columns)?;
            self.push(") ");
            match &insert.values {
                InsertValues::Rows(rows) => {
                    self.push("VALUES ");
                    self.each(rows, ", ", |r, row| {
                        r.push("(");
                        r.nodes(row, ", ")?;
                        r.push(")");
                        Ok(())
                    })?;
                }
                InsertValues::Query(query) => {
                    if mysql {
                        self.with()?;
                    }
                    self.rows_of(query, insert.on_conflict.is_some())?;
                }
                InsertValues::Arrays(_) => {}
            }
        }
        if let Some(conflict) = &insert.on_conflict {
            self.on_conflict(insert, conflict)?;
        }
        let can = self.dialect.capabilities.insert_returning;
        self.returning(table, &insert.returning, can, false)
    }

    /// SQLite would take ON behind a query without WHERE for the condition of a join.
    fn rows_of(&mut self, query: &Query, on_follows: bool) -> Result<()> {
        let unambiguous = match query {
            Query::Select(select) => !select.filter.is_empty(),
            Query::Set(_) => false,
        };
        if !on_follows || unambiguous || !self.is(DialectKind::Sqlite) {
            return self.query(query, Place::Top, None);
        }
        self.push("SELECT * FROM (");
        self.query(query, Place::Top, None)?;
        self.push(") WHERE 1 = 1");
        Ok(())
    }

    pub(super) fn on_conflict(&mut self, insert: &Insert, conflict: &OnConflict) -> Result<()> {
        let table = &insert.table;
        self.scopes.push(vec![table.id()]);
        match self.dialect.capabilities.conflict {
            Conflict::OnDuplicateKey => {
                self.push(" ON DUPLICATE KEY UPDATE ");
                match &conflict.action {
                    ConflictAction::Nothing => {
                        let key = table.primary_key().first().copied().unwrap_or(0);
                        self.column(table, key);
                        self.push(" = ");
                        self.column(table, key);
                    }
                    ConflictAction::Update { set, filter } => {
                        if !filter.is_empty() {
                            return Err(self.cannot("condition for ON DUPLICATE KEY UPDATE"));
                        }
                        self.assignments(table, set, false)?;
                    }
                }
            }
            Conflict::OnConflict => {
                self.push(" ON CONFLICT");
                if !conflict.target.is_empty() {
                    self.push(" (");
                    self.names(table, &conflict.target)?;
                    self.push(")");
                }
                match &conflict.action {
                    ConflictAction::Nothing => self.push(" DO NOTHING"),
                    ConflictAction::Update { set, filter } => {
                        self.push(" DO UPDATE SET ");
                        self.assignments(table, set, false)?;
                        self.condition(" WHERE ", filter)?;
                    }
                }
            }
        }
        self.scopes.pop();
        Ok(())
    }

    fn assignments(&mut self, table: &Table, set: &[(u16, Node)], qualified: bool) -> Result<()> {
        if set.is_empty() {
            return Err(Error::new(ErrorKind::Argument, "nothing is set"));
        }
        self.each(set, ", ", |r, (column, value)| {
            if qualified {
                r.table(table);
                r.push(".");
            }
            r.column(table, *column);
            r.push(" = ");
            r.node(value)
        })
    }

    fn returning(&mut self, table: &Table, nodes: &[Node], can: bool, joined: bool) -> Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        self.demand(can, "RETURNING for this statement")?;
        self.push(" RETURNING ");
        self.bare = if joined { Bare::Nothing } else { Bare::Of(table.id()) };
        self.scopes.push(vec![table.id()]);
        self.each(nodes, ", ", |r, node| {
            r.typed(node.unlabelled(), 0)?;
            if let Node::Label(_, name) = node {
                r.push(" AS ");
                r.quote(name);
            }
            Ok(())
        })?;
        self.scopes.pop();
        self.bare = Bare::Nothing;
        Ok(())
    }

    /// What an UPDATE or DELETE has beside its table, and the scope of all of it.
    fn others<'n>(
        &mut self,
        table: &Table,
        given: &[FromItem],
        nodes: impl IntoIterator<Item = &'n Node>,
    ) -> Vec<FromItem> {
        let mut all = from::complete(given, from::mentioned(nodes));
        all.retain(|item| !matches!(item, FromItem::Source(s) if s.id() == table.id()));
        let mut scope = from::ids(&all);
        scope.push(table.id());
        self.scopes.push(scope);
        all
    }

    pub(super) fn update(&mut self, update: &Update) -> Result<()> {
        let table = &update.table;
        let values = update.set.iter().map(|(_, value)| value);
        let others = self.others(table, &update.from, values.chain(&update.filter));
        let joined = !others.is_empty();
        let native = self.dialect.capabilities.update_from;
        self.push("UPDATE ");
        self.table(table);
        if !native {
            self.with_others(&others)?;
        }
        self.push(" SET ");
        self.assignments(table, &update.set, joined && !native)?;
        if native {
            self.clause_from(&others)?;
        }
        self.condition(" WHERE ", &update.filter)?;
        self.scopes.pop();
        let can = self.dialect.capabilities.update_returning;
        self.returning(table, &update.returning, can, joined)
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<()> {
        let table = &delete.table;
        let others = self.others(table, &delete.using, &delete.filter);
        let joined = !others.is_empty();
        self.push("DELETE FROM ");
        self.table(table);
        if joined {
            match self.dialect.kind {
                DialectKind::Sqlite => {
                    return Err(self.cannot("DELETE with other tables: use a subquery"));
                }
                DialectKind::Postgres => {
                    self.push(" USING ");
                    self.each(&others, ", ", |r, item| r.item(item))?;
                }
                DialectKind::MySql => {
                    self.push(" USING ");
                    self.item(&FromItem::Source(Source::Table(table.clone())))?;
                    self.with_others(&others)?;
                }
            }
        }
        self.condition(" WHERE ", &delete.filter)?;
        self.scopes.pop();
        let can = self.dialect.capabilities.delete_returning;
        self.returning(table, &delete.returning, can, joined)
    }

    fn with_others(&mut self, others: &[FromItem]) -> Result<()> {
        for item in others {
            self.push(", ");
            self.item(item)?;
        }
        Ok(())
    }
}
