//! Looking at a tree without changing it.

use super::{Aliased, ColumnRef, FromItem, InSet, Node, Source, TextPart};
use crate::statement::{ConflictAction, Distinct, InsertValues, Query, Select, Statement};

/// What a visitor is shown.
pub(crate) enum Seen<'a> {
    Node(&'a Node),
    Source(&'a Source),
    Query,
}

/// What looks: shown something, it says whether its parts are to be visited, too.
pub(crate) type Visitor<'v, 'a> = &'v mut dyn FnMut(Seen<'a>) -> bool;

fn nodes<'a>(all: &'a [Node], v: Visitor<'_, 'a>) {
    for one in all {
        node(one, v);
    }
}

pub(crate) fn node<'a>(this: &'a Node, v: Visitor<'_, 'a>) {
    if !v(Seen::Node(this)) {
        return;
    }
    match this {
        Node::Column(ColumnRef { source: of, .. }) => source(of, v),
        Node::Literal(_)
        | Node::Param(_)
        | Node::Null
        | Node::Star
        | Node::Excluded(..)
        | Node::Custom(_) => {}
        Node::Unary(_, operand)
        | Node::Cast(operand, _)
        | Node::Coerce(operand, _)
        | Node::Label(operand, _)
        | Node::Order(operand, _) => node(operand, v),
        Node::Binary(_, operands) => {
            node(&operands.0, v);
            node(&operands.1, v);
        }
        Node::Junction(_, all) | Node::Tuple(all) => nodes(all, v),
        Node::In(in_) => {
            node(&in_.operand, v);
            match &in_.set {
                InSet::List(all) => nodes(all, v),
                InSet::Query(q) => query(q, v),
            }
        }
        Node::Between(between) => {
            node(&between.operand, v);
            node(&between.low, v);
            node(&between.high, v);
        }
        Node::Like(like) => {
            node(&like.operand, v);
            node(&like.pattern, v);
        }
        Node::Case(case) => {
            for (when, then) in &case.whens {
                node(when, v);
                node(then, v);
            }
            nodes(case.otherwise.as_slice(), v);
        }
        Node::Function(function) => {
            nodes(&function.args, v);
            nodes(function.filter.as_slice(), v);
            if let Some(window) = &function.over {
                nodes(&window.partition_by, v);
                nodes(&window.order_by, v);
            }
        }
        Node::Subquery(q) | Node::Exists(q) => query(q, v),
        Node::Text(text) => {
            for part in &text.parts {
                if let TextPart::Bind(_, Some(one)) = part {
                    node(one, v);
                }
            }
        }
    }
}

pub(crate) fn source<'a>(this: &'a Source, v: Visitor<'_, 'a>) {
    if !v(Seen::Source(this)) {
        return;
    }
    match this {
        Source::Table(_) => {}
        Source::Alias(alias) => match alias.of() {
            Aliased::Table(_) => {}
            Aliased::Cte(cte) => {
                if let Some(body) = cte.body() {
                    query(body, v);
                }
            }
            Aliased::Query(q) | Aliased::Lateral(q) => query(q, v),
        },
        Source::Cte(cte) => {
            if let Some(body) = cte.body() {
                query(body, v);
            }
        }
    }
}

pub(crate) fn item<'a>(this: &'a FromItem, v: Visitor<'_, 'a>) {
    match this {
        FromItem::Source(of) => source(of, v),
        FromItem::Join(join) => {
            item(&join.left, v);
            item(&join.right, v);
            nodes(join.on.as_slice(), v);
        }
        FromItem::Custom(_) => {}
    }
}

pub(crate) fn query<'a>(this: &'a Query, v: Visitor<'_, 'a>) {
    if !v(Seen::Query) {
        return;
    }
    match this {
        Query::Select(s) => select(s, v),
        Query::Set(set) => {
            for part in &set.parts {
                query(part, v);
            }
            nodes(&set.order_by, v);
            nodes(set.limit.as_slice(), v);
            nodes(set.offset.as_slice(), v);
        }
    }
}

pub(crate) fn select<'a>(this: &'a Select, v: Visitor<'_, 'a>) {
    nodes(&this.columns, v);
    for one in &this.from {
        item(one, v);
    }
    nodes(&this.filter, v);
    nodes(&this.group_by, v);
    nodes(&this.having, v);
    nodes(&this.order_by, v);
    nodes(this.limit.as_slice(), v);
    nodes(this.offset.as_slice(), v);
    if let Distinct::On(by) = &this.distinct {
        nodes(by, v);
    }
}

pub(crate) fn statement<'a>(this: &'a Statement, v: Visitor<'_, 'a>) {
    match this {
        Statement::Query(q) => query(q, v),
        Statement::Insert(insert) => {
            match &insert.values {
                InsertValues::Rows(rows) => rows.iter().for_each(|row| nodes(row, v)),
                InsertValues::Query(q) => query(q, v),
                InsertValues::Arrays(rows) => {
                    nodes(&rows.arrays, v);
                    nodes(&rows.rest, v);
                }
            }
            if let Some(conflict) = &insert.on_conflict
                && let ConflictAction::Update { set, filter } = &conflict.action
            {
                set.iter().for_each(|(_, value)| node(value, v));
                nodes(filter, v);
            }
            nodes(&insert.returning, v);
        }
        Statement::Update(update) => {
            update.set.iter().for_each(|(_, value)| node(value, v));
            update.from.iter().for_each(|one| item(one, v));
            nodes(&update.filter, v);
            nodes(&update.returning, v);
        }
        Statement::Delete(delete) => {
            delete.using.iter().for_each(|one| item(one, v));
            nodes(&delete.filter, v);
            nodes(&delete.returning, v);
        }
        Statement::Text(text) => {
            for part in &text.parts {
                if let TextPart::Bind(_, Some(one)) = part {
                    node(one, v);
                }
            }
        }
    }
}
