//! Classes that show one thing each.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::{BinaryOp, Expr, IntoNode, Node};

/// A column with a comparison of its own: equality ignores case.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "words")]
pub struct Word {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(comparator = ignoring_case)]
    pub word: Option<String>,
}

fn ignoring_case(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    let lower =
        |of: &[Node]| Some(Expr::<String>::from_node(of.first()?.clone()).lower().into_node());
    match op {
        BinaryOp::Eq => Some(Node::eq(lower(columns)?, lower(values)?)),
        _ => None,
    }
}

/// A default of the server, a default of the client, and a value that every UPDATE writes.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "tickets")]
pub struct Ticket {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub title: Option<String>,
    #[column(server_default = "3")]
    pub priority: Option<i64>,
    #[column(default = 5)]
    pub severity: Option<i64>,
    #[column(onupdate = 1)]
    pub touched: Option<i64>,
}

/// Attributes with a prefix before their columns' names.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "legacy", configure = prefixed)]
pub struct Legacy {
    #[column(primary_key)]
    pub _legacy_id: Auto<i64>,
    #[column(nullable = false)]
    pub _code: Option<String>,
    pub _note: Option<String>,
    #[column(default = 0)]
    pub _flags: Option<i64>,
}

fn prefixed(mapper: &mut MapperBuilder) {
    mapper.column_prefix("_");
}

/// A second class on the same table, with some of its columns.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "legacy")]
pub struct LegacyCode {
    #[column(primary_key)]
    pub legacy_id: Auto<i64>,
    #[column(nullable = false)]
    pub code: Option<String>,
}
