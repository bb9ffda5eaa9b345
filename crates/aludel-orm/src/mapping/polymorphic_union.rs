//! The tables of a concrete hierarchy as one.

use aludel_sql::{
    Alias, Aliased, DataType, FromItem, Node, Query, Select, Selectable as _, SetOp, SetQuery,
    Table, Value,
};

/// A part of a union: what tells its rows, where they are selected from, and its columns by name.
pub(super) struct Arm {
    pub(super) tag: Value,
    pub(super) from: FromItem,
    pub(super) columns: Vec<(String, DataType, Node)>,
}

/// The rows of tables that have columns in common, as one: `UNION ALL` of all columns, NULL where a table has none of the
/// name, and a column that tells the table. SQLAlchemy's `polymorphic_union`.
///
/// Queries of the base of a concrete hierarchy select from one of themselves; this is for mappings by hand.
///
/// ```
/// use aludel_orm::mapping::polymorphic_union;
/// use aludel_sql::{Column, Table, Value};
///
/// let build = |name: &str| Table::build(name).column(Column::of::<i64>("id").primary_key());
/// let circles = build("circles").column(Column::of::<i64>("radius")).finish()?;
/// let squares = build("squares").column(Column::of::<i64>("side")).finish()?;
/// let shapes = polymorphic_union([("circle".into(), &circles), ("square".into(), &squares)], "type", "shapes");
/// assert_eq!(shapes.name(), Some("shapes"));
/// # Ok::<(), aludel_sql::Error>(())
/// ```
pub fn polymorphic_union<'t>(
    tables: impl IntoIterator<Item = (Value, &'t Table)>,
    tag: &str,
    name: &str,
) -> Alias {
    let arm = |(tag, table): (Value, &Table)| {
        let column = |(at, column): (usize, &aludel_sql::Column)| {
            (column.name.to_string(), column.data_type, Node::column(table, at as u16))
        };
        let columns = table.columns().iter().enumerate().map(column).collect();
        Arm { tag, from: table.to_from(), columns }
    };
    union(tables.into_iter().map(arm).collect(), tag, name)
}

pub(super) fn union(arms: Vec<Arm>, tag: &str, name: &str) -> Alias {
    let mut all: Vec<(String, DataType)> = Vec::new();
    for (column, data_type, _) in arms.iter().flat_map(|arm| &arm.columns) {
        if !all.iter().any(|(known, _)| known == column) {
            all.push((column.clone(), *data_type));
        }
    }
    let part = |arm: Arm| {
        let mut select = Select::new().from(arm.from);
        for (name, data_type) in &all {
            let own = arm.columns.iter().find(|(column, ..)| column == name);
            let node = match own {
                Some((_, _, node)) => node.clone(),
                None => Node::Cast(Box::new(Node::Null), *data_type),
            };
            select.columns.push(Node::Label(Box::new(node), name.as_str().into()));
        }
        let data_type = match &arm.tag {
            Value::I64(_) => DataType::BigInt,
            Value::Bool(_) => DataType::Boolean,
            _ => DataType::Text(None),
        };
        let told = Node::Cast(Box::new(Node::value(arm.tag, data_type)), data_type);
        select.columns.push(Node::Label(Box::new(told), tag.into()));
        Query::from(select)
    };
    let union = SetQuery::new(SetOp::UnionAll, arms.into_iter().map(part));
    Alias::named(name, Aliased::Query(union.into()))
}
