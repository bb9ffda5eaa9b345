//! The keys of statements and of their parts.

use super::{KeyWriter, tag};
use crate::statement::{
    ConflictAction, Correlate, Delete, Distinct, Insert, InsertValues, Query, Select, SetQuery,
    Statement, Update,
};
use crate::tree::{FromItem, Node, Source};

impl<'a> KeyWriter<'a> {
    /// Writes items of FROM, with their number.
    pub fn items(&mut self, items: &'a [FromItem]) {
        self.token(items.len() as u32);
        for item in items {
            self.item(item);
        }
    }

    /// Writes an item of FROM.
    pub fn item(&mut self, item: &'a FromItem) {
        match item {
            FromItem::Source(source) => {
                self.token(tag::FROM_SOURCE);
                self.source(source);
            }
            FromItem::Join(join) => {
                self.tagged(tag::FROM_JOIN, join.kind as u32);
                self.item(&join.left);
                self.item(&join.right);
                self.option(join.on.as_ref());
            }
            FromItem::Custom(node) => {
                self.token(tag::FROM_CUSTOM);
                node.key(self);
            }
        }
    }

    /// Writes a query.
    pub fn query(&mut self, query: &'a Query) {
        match query {
            Query::Select(select) => self.select(select),
            Query::Set(set) => self.set(set),
        }
    }

    /// Writes a SELECT.
    pub fn select(&mut self, select: &'a Select) {
        self.token(tag::SELECT);
        self.nodes(&select.columns);
        self.items(&select.from);
        self.nodes(&select.filter);
        self.nodes(&select.group_by);
        self.nodes(&select.having);
        self.nodes(&select.order_by);
        self.option(select.limit.as_ref());
        self.option(select.offset.as_ref());
        match &select.distinct {
            Distinct::No => self.token(0),
            Distinct::Rows => self.token(1),
            Distinct::On(by) => {
                self.token(2);
                self.nodes(by);
            }
        }
        match &select.lock {
            None => self.token(0),
            Some(lock) => {
                self.token(1 | (lock.strength as u32) << 8 | (lock.wait as u32) << 16);
                self.sources(&lock.of);
            }
        }
        match &select.correlate {
            Correlate::Auto => self.token(0),
            Correlate::Only(sources) => {
                self.token(1);
                self.sources(sources);
            }
            Correlate::Except(sources) => {
                self.token(2);
                self.sources(sources);
            }
        }
        self.nodes(&select.carried);
    }

    fn sources(&mut self, sources: &'a [Source]) {
        self.token(sources.len() as u32);
        for source in sources {
            self.source(source);
        }
    }

    pub(crate) fn set(&mut self, set: &'a SetQuery) {
        self.tagged(tag::SET, set.op as u32);
        self.token(set.parts.len() as u32);
        for part in &set.parts {
            self.query(part);
        }
        self.nodes(&set.order_by);
        self.option(set.limit.as_ref());
        self.option(set.offset.as_ref());
    }

    pub(crate) fn statement_tag_of_query(&mut self) {
        self.token(tag::QUERY);
    }

    /// Writes a statement.
    pub fn statement(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Query(query) => {
                self.statement_tag_of_query();
                self.query(query);
            }
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Text(text) => {
                self.token(tag::TEXT_STATEMENT);
                self.text_node(text);
            }
        }
    }

    fn positions(&mut self, columns: &[u16]) {
        self.token(columns.len() as u32);
        self.tokens.extend(columns.iter().map(|&c| u32::from(c)));
    }

    fn assignments(&mut self, set: &'a [(u16, Node)]) {
        self.token(set.len() as u32);
        for (column, value) in set {
            self.token((*column).into());
            self.node(value);
        }
    }

    pub(crate) fn insert(&mut self, insert: &'a Insert) {
        self.token(tag::INSERT);
        self.token(insert.table.id());
        self.positions(&insert.columns);
        match &insert.values {
            InsertValues::Rows(rows) => {
                self.token(0);
                self.token(rows.len() as u32);
                for row in rows {
                    self.nodes(row);
                }
            }
            InsertValues::Query(query) => {
                self.token(1);
                self.query(query);
            }
            InsertValues::Arrays(rows) => {
                self.token(2);
                self.nodes(&rows.arrays);
                self.nodes(&rows.rest);
                self.positions(&rows.matched);
            }
        }
        match &insert.on_conflict {
            None => self.token(0),
            Some(conflict) => {
                self.token(1);
                self.positions(&conflict.target);
                match &conflict.action {
                    ConflictAction::Nothing => self.token(0),
                    ConflictAction::Update { set, filter } => {
                        self.token(1);
                        self.assignments(set);
                        self.nodes(filter);
                    }
                }
            }
        }
        self.nodes(&insert.returning);
    }

    pub(crate) fn update(&mut self, update: &'a Update) {
        self.token(tag::UPDATE);
        self.token(update.table.id());
        self.assignments(&update.set);
        self.items(&update.from);
        self.nodes(&update.filter);
        self.nodes(&update.returning);
    }

    pub(crate) fn delete(&mut self, delete: &'a Delete) {
        self.token(tag::DELETE);
        self.token(delete.table.id());
        self.items(&delete.using);
        self.nodes(&delete.filter);
        self.nodes(&delete.returning);
    }
}
