//! Schemas there and back: created, reflected, compared, and written as source.

mod schemas;

use std::path::Path;

use aludel::prelude::*;
use aludel::sql::{DialectKind, MetaData, Table};
use aludel::{DataType, Result};
use aludel_cli::{RustNames, rust_source};
use schemas::{chinook, each, odd, sakila};

fn reflected(engine: &Engine) -> MetaData {
    engine.block_on(engine.reflect()).unwrap()
}

/// What a database makes of a type.
fn kept(engine: &Engine, data_type: DataType) -> DataType {
    match (engine.dialect().kind, data_type) {
        (DialectKind::Sqlite, DataType::SmallInt | DataType::Integer) => DataType::BigInt,
        (DialectKind::Sqlite, DataType::Real) => DataType::Double,
        (DialectKind::Sqlite, DataType::Uuid) => DataType::Text(Some(36)),
        (_, data_type) => data_type,
    }
}

/// What there is to a table, as text; without the names that databases give to constraints.
fn parts(engine: &Engine, table: &Table) -> Vec<String> {
    let names = |columns: &[u16]| -> Vec<&str> {
        columns.iter().map(|at| &*table.columns()[usize::from(*at)].name).collect()
    };
    let columns = table.columns().iter().map(|column| {
        format!(
            "{} {:?} null: {} default: {} computed: {}",
            column.name,
            kept(engine, column.data_type),
            column.nullable,
            column.has_server_value(),
            column.computed.is_some(),
        )
    });
    let mut parts: Vec<String> = columns.collect();
    parts.push(format!("key {:?} counted {:?}", table.primary_key(), table.autoincrement()));
    let mut more: Vec<String> = Vec::new();
    for key in table.foreign_keys() {
        let (target, to) = (&key.target_table, &key.target_columns);
        let (delete, update) = (key.on_delete, key.on_update);
        more.push(format!("{:?} -> {target} {to:?} {delete:?} {update:?}", key.column_names));
    }
    more.extend(
        table.uniques().iter().map(|unique| format!("unique {:?}", names(&unique.columns))),
    );
    more.extend(
        table.indexes().iter().map(|i| format!("index {} {:?}", i.name, names(&i.columns))),
    );
    more.extend(table.checks().iter().map(|check| format!("check {:?}", check.name)));
    more.sort();
    parts.extend(more);
    parts
}

fn there_and_back(engine: &Engine, made: &MetaData) -> Result<()> {
    engine.block_on(engine.create_all(made))?;
    let found = reflected(engine);
    assert_eq!(found.len(), made.len());
    for table in made {
        let found = found.table(table.full_name())?;
        assert_eq!(parts(engine, found), parts(engine, table), "{}", table.full_name());
    }
    // What was found makes the same again.
    engine.block_on(engine.drop_all(&found))?;
    assert!(reflected(engine).is_empty());
    engine.block_on(engine.create_all(&found))?;
    let again = reflected(engine);
    for table in &found {
        let again = again.table(table.full_name())?;
        assert_eq!(parts(engine, again), parts(engine, table), "{}", table.full_name());
    }
    Ok(())
}

#[test]
fn schemas_go_there_and_back() {
    each("reflect_chinook", |engine| there_and_back(engine, &chinook::tables()).unwrap());
    each("reflect_sakila", |engine| there_and_back(engine, &sakila::tables()).unwrap());
}

/// The source is the committed one. With `ALUDEL_WRITE_FIXTURES`, that is written.
fn is_committed(engine: &Engine, tables: &MetaData, fixture: &str) {
    engine.block_on(engine.create_all(tables)).unwrap();
    is_written(engine, fixture);
}

fn is_written(engine: &Engine, fixture: &str) {
    let source = rust_source(&reflected(engine), &RustNames);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    if std::env::var_os("ALUDEL_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, &source).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(source, committed.replace("\r\n", "\n"), "{fixture}");
}

#[test]
fn the_source_is_what_is_committed() {
    each("source_chinook", |engine| is_committed(engine, &chinook::tables(), "chinook.rs"));
    each("source_sakila", |engine| {
        let fixture = match engine.dialect().kind {
            DialectKind::Sqlite => "sakila_sqlite.rs",
            _ => "sakila_postgres.rs",
        };
        is_committed(engine, &sakila::tables(), fixture);
    });
    each("source_odd", |engine| {
        let (script, fixture) = match engine.dialect().kind {
            DialectKind::Sqlite => (odd::SQLITE, "odd_sqlite.rs"),
            _ => (odd::POSTGRES, "odd_postgres.rs"),
        };
        engine.block_on(async { engine.acquire().await?.execute_raw(script).await }).unwrap();
        is_written(engine, fixture);
    });
}

#[test]
fn tables_drawn_by_hand_are_read() {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    engine.block_on(async { engine.acquire().await?.execute_raw(odd::SQLITE).await }).unwrap();
    let tables = reflected(&engine);
    let order = tables.table("order").unwrap();
    // SQL takes `PERSON(Person_ID)` for `person(person_id)`.
    let keys = order.foreign_keys().iter();
    let keys: Vec<_> =
        keys.map(|k| format!("{}({})", k.target_table, k.target_columns.join(", "))).collect();
    assert_eq!(keys, ["person(person_id)", "currency(code)", "a_b(a_id, b_id)"]);
    assert!(tables.table("lost").unwrap().foreign_keys().is_empty());
    let checks = order.checks().iter().map(|check| (check.name.as_deref(), &*check.sql));
    let expected =
        [(None, "total >= 0"), (Some("a check"), "\"select\" IS NULL OR \"select\" > 0")];
    assert_eq!(checks.collect::<Vec<_>>(), expected);
    assert_eq!(order.uniques()[0].name.as_deref(), Some("two"));
    let open = &order.indexes()[0];
    assert_eq!((&*open.name, open.filter.as_deref()), ("one_open", Some("\"select\" IS NULL")));
    let twice = order.columns().iter().find(|column| &*column.name == "twice").unwrap();
    assert_eq!(&*twice.computed.as_ref().unwrap().sql, "total * 2");
}

#[test]
fn what_the_source_cannot_say_as_it_is_gets_another_name() {
    let mut tables = MetaData::new();
    let column = |name: &str| aludel::sql::Column::new(name, DataType::BigInt);
    let table = Table::build("option").schema("of a \"shop\"");
    let table =
        table.columns([column("id").primary_key(), column("Fn"), column("fn"), column("2 %")]);
    tables.add(table.finish().unwrap()).unwrap();
    let source = rust_source(&tables, &RustNames);
    for line in [
        "#[mapped(table = \"option\", schema = \"of a \\\"shop\\\"\")]",
        "pub struct OptionRow {",
        "    #[column(name = \"Fn\")]",
        "    #[column(name = \"fn\")]",
        "    pub fn_: Option<i64>,",
        "    pub fn__2: Option<i64>,",
        "    pub n2: Option<i64>,",
    ] {
        assert!(source.lines().any(|other| other == line), "{line}\n{source}");
    }
}

#[test]
fn names_of_constraints_are_kept() {
    use aludel::sql::{Check, Column, ForeignKey, Index, Unique};
    let shelf = Table::build("shelf")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("code").index())
        .column(Column::of::<Option<i64>>("row").not_null())
        .column(Column::of::<Option<i64>>("above_id"))
        .foreign_key(ForeignKey::new(["above_id"], "shelf", ["id"]).name("above"))
        .unique(Unique::on(["code", "row"]).name("once"))
        .unique(Unique::on(["code"]))
        .index(Index::on(["row"]).name("rows"))
        .index(Index::on(["above_id"]).name("lowest").unique().filter("above_id IS NOT NULL"))
        .check(Check::new("id > 0").name("counted"));
    let mut tables = MetaData::new();
    tables.add(shelf.finish().unwrap()).unwrap();
    each("reflect_names", |engine| {
        engine.block_on(engine.create_all(&tables)).unwrap();
        let source = rust_source(&reflected(engine), &RustNames);
        for line in [
            "#[mapped(unique(columns(code, row), name = \"once\"))]",
            "#[mapped(index(columns(row), name = \"rows\"))]",
            "#[mapped(foreign_key(columns(above_id), references = \"shelf(id)\", name = \"above\"))]",
            "#[mapped(check(sql = \"id > 0\", name = \"counted\"))]",
            "    #[column(unique, index)]",
        ] {
            assert!(source.lines().any(|other| other == line), "{line}\n{source}");
        }
        let partial = source.lines().find(|line| line.contains("lowest")).unwrap();
        assert!(
            partial.starts_with("#[mapped(index(columns(above_id), unique, filter = "),
            "{partial}"
        );
    });
}
