//! Statements and their text in each dialect.

mod expressions;
mod selects;
mod writes;

use crate::*;

pub(crate) fn user() -> Table {
    static TABLE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| {
        Table::build("user")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .column(Column::of::<Option<String>>("fullname"))
            .column(Column::of::<i64>("age"))
            .column(Column::of::<bool>("active"))
            .column(Column::of::<f64>("score"))
            .finish()
            .unwrap()
    });
    TABLE.clone()
}

pub(crate) fn address() -> Table {
    static TABLE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| {
        Table::build("address")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("email").unique())
            .column(Column::of::<Option<i64>>("user_id").references("user.id"))
            .finish()
            .unwrap()
    });
    TABLE.clone()
}

pub(crate) fn node() -> Table {
    static TABLE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(|| {
        Table::build("node")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<Option<i64>>("parent_id").references("node.id"))
            .finish()
            .unwrap()
    });
    TABLE.clone()
}

pub(crate) fn id() -> Expr<i64> {
    user().col("id")
}

pub(crate) fn name() -> Expr<String> {
    user().col("name")
}

fn fullname() -> Expr<Option<String>> {
    user().col("fullname")
}

pub(crate) fn age() -> Expr<i64> {
    user().col("age")
}

fn score() -> Expr<f64> {
    user().col("score")
}

pub(crate) fn email() -> Expr<String> {
    address().col("email")
}

pub(crate) fn user_id() -> Expr<Option<i64>> {
    address().col("user_id")
}

/// The text that a statement has for a dialect; an error as `! message`.
pub(crate) fn sql(statement: &Statement, dialect: &Dialect) -> String {
    match statement.render(dialect) {
        Ok(compiled) => compiled.sql.into(),
        Err(error) => format!("! {}", error.message()),
    }
}

/// Renders on SQLite, PostgreSQL and MariaDB.
#[track_caller]
fn check(statement: impl Into<Statement>, expected: [&str; 3]) {
    let statement = statement.into();
    let dialects = [Dialect::sqlite(), Dialect::postgres(), Dialect::mariadb()];
    let got = dialects.map(|dialect| sql(&statement, &dialect));
    assert_eq!(got, expected);
}
