//! Tables: from descriptions, by hand, and mapped by hand.

use aludel_orm::{ColumnDef, ConstraintDef, ErrorKind, Registry};
use aludel_sql::{Action, Column, DataType, Dialect, Table, Value};

use crate::class;
use crate::class::*;

class!(Ticket, "tickets", [
    id(),
    column("code", ColumnDef { name: Some("ticket_code"), unique: true, ..TEXT }),
    column("priority", ColumnDef { server_default: Some("3"), ..INT }),
    column("severity", ColumnDef { default: Some(|| Value::I64(5)), index: true, ..INT }),
    column("touched", ColumnDef { on_update: Some(|| Value::I64(1)), ..INT }),
    column("version", ColumnDef { version: true, ..INT }),
    column("owner_id", ColumnDef {
        foreign_key: Some("owners.id"),
        on_delete: Some("set null"),
        deferrable: true,
        use_alter: true,
        ..INT
    }),
], constraints: &[
    ConstraintDef::Unique(&["code", "priority"]),
    ConstraintDef::Check("severity > 0"),
]);

#[test]
fn a_table_is_made_of_a_class() {
    let registry = Registry::new();
    let (mappers, index) = registry.ensure(Ticket()).unwrap();
    let mapper = mappers.get(index).unwrap();
    let table = mapper.local_table().unwrap();
    assert_eq!(
        (table.full_name(), table.primary_key(), table.autoincrement()),
        ("tickets", &[0][..], Some(0))
    );
    assert_eq!(mapper.column_names("code"), ["tickets.ticket_code"]);
    assert_eq!(mapper.version_attribute(), Some("version"));
    assert_eq!(table.uniques().len(), 2);
    assert_eq!(table.uniques()[0].columns, [1, 2]);
    assert_eq!((table.indexes().len(), table.checks().len()), (1, 1));
    let key = &table.foreign_keys()[0];
    assert_eq!(key.on_delete, Some(Action::SetNull));
    assert!(key.deferrable && key.initially_deferred && key.use_alter);
    assert_eq!(key.name.as_deref(), Some("fk_tickets_owner_id"));
    let severity = &table.columns()[3];
    assert_eq!(severity.client_default.as_ref().unwrap().value(), Value::I64(5));
}

fn legacy() -> Table {
    Table::build("legacy")
        .column(Column::of::<i64>("legacy_id").primary_key())
        .column(Column::of::<String>("code"))
        .column(Column::of::<Option<String>>("note"))
        .column(Column::of::<Option<i64>>("flags").default(0_i64))
        .finish()
        .unwrap()
}

class!(Legacy, "", [column("_legacy_id", ID), text("_code"), text("_note")]);
class!(LegacyCode, "", [column("legacy_id", ID), text("code"), text("note")]);

#[test]
fn two_classes_on_one_table_by_hand() {
    let registry = Registry::new();
    let first = registry.map_class(Legacy()).table(legacy()).column_prefix("_").finish().unwrap();
    registry
        .map_class(LegacyCode())
        .table("legacy")
        .include_properties(["legacy_id", "code"])
        .finish()
        .unwrap();
    let expected = "\
Legacy -> legacy
  _legacy_id: legacy.legacy_id, primary key
  _code: legacy.code
  _note: legacy.note";
    assert_eq!(printed(&registry, Legacy), expected);
    let expected = "\
LegacyCode -> legacy
  legacy_id: legacy.legacy_id, primary key
  code: legacy.code
  note: not mapped";
    assert_eq!(printed(&registry, LegacyCode), expected);
    assert_eq!(registry.ensure(Legacy()).unwrap().1, first, "a mapper keeps its number");
    assert_eq!(registry.metadata().len(), 1);
    let mapper = registry.ensure(Legacy()).unwrap().0;
    assert_eq!(mapper.of(Legacy()).unwrap().unmapped_defaults(), ["legacy.flags"]);
}

class!(
    User,
    "users",
    [
        column("id", ColumnDef { name: Some("user_id"), ..ID }),
        column("name", ColumnDef { name: Some("nmae"), ..TEXT }),
    ]
);

fn users() -> Table {
    Table::build("users")
        .column(Column::of::<i64>("user_id").primary_key())
        .column(Column::of::<String>("name"))
        .finish()
        .unwrap()
}

#[test]
fn a_table_by_hand_must_have_the_columns() {
    let registry = Registry::new();
    registry.add_table(users()).unwrap();
    let expected =
        "class `User`, attribute `name`: table `users` has no column `nmae`; did you mean `name`?";
    assert_eq!(refused(&registry, User), expected);
    registry.map_class(User()).property("name", "name").finish().unwrap();
    assert_eq!(printed(&registry, User).lines().nth(2), Some("  name: users.name"));
}

#[test]
fn mistakes_by_hand() {
    let registry = Registry::new();
    registry.add_table(users()).unwrap();
    let error = registry
        .map_class(User())
        .property("nane", "name")
        .exclude_properties(["nam"])
        .version("id2")
        .relationship("name", |_| {})
        .finish()
        .unwrap_err();
    let expected = "\
the mapping has 5 errors:
class `User`, attribute `name`: it is not a relationship
class `User`, attribute `nane`: there is no such attribute; did you mean `name`?
class `User`: `nam` is to be included or excluded, but is no attribute or column; did you mean `name`?
class `User`, attribute `name`: table `users` has no column `nmae`; did you mean `name`?
class `User`: the version counter `id2` is not a column of the class; did you mean `id`?";
    assert_eq!(error.message(), expected);
    let error = registry.map_class(User()).table("user").finish().unwrap_err();
    assert_eq!(error.message(), "class `User`: there is no table `user`; did you mean `users`?");
}

class!(Keyless, "log", [text("line"), text("text")]);

#[test]
fn another_primary_key() {
    let log = Table::build("log")
        .column(Column::new("line", DataType::Text(None)))
        .column(Column::new("text", DataType::Text(None)))
        .finish()
        .unwrap();
    let registry = Registry::new();
    let without = registry.map_class(Keyless()).table(&log).finish().unwrap_err();
    assert!(without.message().contains("table `log` has no primary key"), "{without}");
    registry.map_class(Keyless()).table(&log).primary_key(["line"]).finish().unwrap();
    let (mappers, index) = registry.ensure(Keyless()).unwrap();
    assert_eq!(mappers.get(index).unwrap().primary_key_names(), ["line"]);
}

class!(Equal, "", [column("id", ID), text("name")]);

#[test]
fn several_columns_of_one_attribute() {
    let table = Table::build("pairs")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<i64>("same_id"))
        .column(Column::of::<String>("name"))
        .finish()
        .unwrap();
    let registry = Registry::new();
    registry.map_class(Equal()).table(&table).properties("id", ["same_id", "id"]).finish().unwrap();
    let (mappers, index) = registry.ensure(Equal()).unwrap();
    assert_eq!(mappers.get(index).unwrap().column_names("id"), ["pairs.id", "pairs.same_id"]);
    let property = mappers.get(index).unwrap().property_by_column(&table, "same_id").unwrap();
    assert_eq!(property.name(), "id");
}

class!(Wide, "shared", [id(), text("a"), text("b")]);
class!(Narrow, "shared", [id(), text("a")]);
class!(Other, "shared", [id(), text("c")]);

#[test]
fn two_classes_of_one_table_name() {
    let registry = Registry::new();
    registry.ensure(Wide()).unwrap();
    registry.ensure(Narrow()).unwrap();
    let error = registry.ensure(Other()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let expected = "class `Other`: table `shared` is that of class `Wide` already, and has no `c`: say \
                    `extend_existing` for the table to get them, or use another table, another registry, or a table \
                    with the columns of both added with `registry.add_table(…)`";
    assert_eq!(error.message(), expected);
}

class!(Country, "countries", [column("code", ColumnDef { primary_key: true, ..TEXT })]);
class!(
    City,
    "cities",
    [
        id(),
        foreign_key("country_code", "countries.code"),
        relationship("country", one(Country)),
        relationship(
            "twins",
            aludel_orm::RelationshipDef {
                secondary: Some("twins(city_id, twin_id)"),
                ..many(City)
            }
        ),
    ]
);

#[test]
fn all_tables_are_created_in_their_order() {
    let registry = Registry::new();
    registry.ensure(City()).unwrap();
    let first = |statements: Vec<String>| -> Vec<String> {
        statements.iter().map(|s| s.lines().next().unwrap().to_owned()).collect()
    };
    let expected = [
        "CREATE TABLE IF NOT EXISTS \"countries\" (",
        "CREATE TABLE IF NOT EXISTS \"cities\" (",
        "CREATE TABLE IF NOT EXISTS \"twins\" (",
    ];
    assert_eq!(first(registry.create_statements(&Dialect::sqlite()).unwrap()), expected);
    let dropped = registry.drop_statements(&Dialect::sqlite()).unwrap();
    assert_eq!(dropped[0], "DROP TABLE IF EXISTS \"twins\"");
}
