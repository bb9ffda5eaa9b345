//! Which columns of a table are mapped, under which names, and how.

use aludel::prelude::*;
use aludel::sql::{Column, Joinable, Table};
use aludel::{RecordClass, Value};

use crate::each;
use crate::support::Db;

/// A table that somebody else designed.
fn users() -> Table {
    let table = Table::build("co_users")
        .column(Column::of::<i64>("user_id").primary_key())
        .column(Column::of::<String>("user_name"))
        .column(Column::of::<Option<String>>("password").default("secret"))
        .column(Column::of::<Option<i64>>("logins").server_default("3"));
    table.finish().unwrap()
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
struct User {
    _user_id: Auto<i64>,
    _user_name: String,
    _password: Option<String>,
    _logins: Option<i64>,
}

fn registry() -> Registry {
    let (registry, users) = (Registry::new(), users());
    let mut mapping = registry.map::<User>();
    mapping.table(&users).column_prefix("_").active_history("_user_name");
    mapping.exclude_properties(["co_users.password", "logins"]).finish().unwrap();
    let described = registry.describe("Account").of_table(&users).column_prefix("_");
    let described = described.attribute_name("user_id", "id").without(["password"]);
    described.active_history("_user_name").finish().unwrap();
    let only = registry.describe("Password").of_table(&users);
    only.only(["co_users.user_id", "password"]).finish().unwrap();
    registry.configure().unwrap();
    registry
}

fn class(db: &Db, name: &str) -> RecordClass {
    db.registry.record_class(name).unwrap()
}

#[test]
fn names_and_subsets() {
    let registry = registry();
    let mappers = registry.mappers();
    let names = |class: &str| mappers.named(class).unwrap().column_attributes().join(" ");
    assert_eq!(names("User"), "_user_id _user_name");
    assert_eq!(names("Account"), "id _user_name _logins");
    assert_eq!(names("Password"), "user_id password");
    let user = mappers.named("User").unwrap();
    assert_eq!(user.unmapped_defaults(), ["co_users.password"]);
    let text = user.to_string();
    assert!(text.contains("_password: not mapped"), "{text}");
}

#[test]
fn defaults_of_columns_that_are_not_mapped() {
    each("mappers_columns", registry, |db| {
        let ed = User {
            _user_name: "ed".into(),
            _password: Some("not written".into()),
            ..User::default()
        };
        db.add(ed).unwrap();
        db.commit().unwrap();
        let row = db.raw("SELECT user_name, password, logins FROM co_users");
        assert_eq!(row, [vec![Value::from("ed"), "secret".into(), 3.into()]]);
        let password = class(db, "Password");
        let found = db.one(password.select()).unwrap();
        assert_eq!(db[found].value("password").unwrap(), Value::from("secret"));
        let account = class(db, "Account");
        let account = db.one(account.select()).unwrap();
        assert_eq!(db[account].value("_logins").unwrap(), Value::from(3));
    });
}

#[test]
fn the_old_value_is_known_where_it_is_wanted() {
    each("mappers_columns_history", registry, |db| {
        db.add(User { _user_name: "ed".into(), ..User::default() }).unwrap();
        db.commit().unwrap();
        db.renew();
        let user = db.one(select::<User>()).unwrap();
        db.expire(user).unwrap();
        db.set_with_history(user, User::_user_name, "edward").unwrap();
        assert_eq!(db.history(user, User::_user_name).unwrap().deleted(), ["ed"]);
        let property = db.registry.mapper::<User>().unwrap();
        let property = property.get_property("_user_name").unwrap().kind().clone();
        let aludel::orm::mapping::PropertyKind::Column(column) = property else {
            panic!("a column")
        };
        assert!(column.has_active_history());
    });
}

#[test]
fn columns_of_a_join_whose_names_collide() {
    let registry = || {
        let (registry, users) = (Registry::new(), users());
        let addresses = Table::build("co_addresses")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("user_name"))
            .column(Column::of::<i64>("user_id").references("co_users.user_id"))
            .finish()
            .unwrap();
        let join = users.join(&addresses).unwrap();
        let both = registry.describe("Both").of(join);
        both.without(["co_addresses.user_name", "password", "logins"]).finish().unwrap();
        registry.add_table(addresses).unwrap();
        registry.configure().unwrap();
        registry
    };
    each("mappers_columns_join", registry, |db| {
        db.execute("INSERT INTO co_users (user_id, user_name) VALUES (1, 'ed')");
        db.execute("INSERT INTO co_addresses (id, user_name, user_id) VALUES (7, 'hidden', 1)");
        let both = class(db, "Both");
        let found = db.one(both.select()).unwrap();
        assert_eq!(db[found].value("co_users_user_name").unwrap(), Value::from("ed"));
        assert!(db[found].value("co_addresses_user_name").is_err());
    });
}

#[test]
fn what_is_no_column() {
    let registry = Registry::new();
    let mut mapping = registry.map::<User>();
    mapping.table(users()).column_prefix("_").active_history("_user_nam");
    let error =
        mapping.exclude_properties(["users.password", "co_users.passwor"]).finish().unwrap_err();
    let lines: Vec<&str> = error.message().lines().collect();
    let expected = [
        "the mapping has 3 errors:",
        "class `User`, attribute `_user_nam`: there is no such attribute; did you mean `_user_name`?",
        "class `User`: `users.password` is to be included or excluded, but is no attribute or column; did you mean \
         `co_users.password`?",
        "class `User`: `co_users.passwor` is to be included or excluded, but is no attribute or column; did you mean \
         `co_users.password`?",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_class_in_its_bases_table() {
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(
        table = "co_bases",
        polymorphic_on = "kind",
        polymorphic_identity = "base",
        subclasses(Single, Joined)
    )]
    struct Base {
        #[column(primary_key)]
        id: Auto<i64>,
        kind: String,
        #[expression(Self::kind.upper())]
        loud: String,
    }
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(polymorphic_identity = "single")]
    struct Single {
        #[mapped(base)]
        base: Base,
    }
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(table = "co_joined", polymorphic_identity = "joined")]
    struct Joined {
        #[mapped(base)]
        base: Base,
    }
    let registry = Registry::new();
    registry.register::<Base>().unwrap();
    let mappers = registry.mappers();
    let single = |name: &str| mappers.named(name).unwrap().is_single(&mappers);
    assert_eq!([single("Base"), single("Single"), single("Joined")], [false, true, false]);
    assert_eq!(mappers.named("Base").unwrap().expression_attributes(), ["loud"]);
}

#[test]
fn constraints_with_names() {
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(polymorphic_abstract, index(columns(code), name = "of_the_base"))]
    struct Coded {
        #[column(primary_key)]
        id: Auto<i64>,
        code: String,
    }
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(table = "co_shelves", concrete)]
    #[mapped(
        unique(columns(row, above_id), name = "co_once"),
        check(sql = "row > 0", name = "co_counted")
    )]
    #[mapped(index(
        columns(above_id),
        unique,
        filter = "above_id IS NOT NULL",
        name = "co_lowest"
    ))]
    #[mapped(foreign_key(columns(above_id), references = "co_shelves(id)", name = "co_above"))]
    struct Shelf {
        #[mapped(base)]
        coded: Coded,
        row: i64,
        above_id: Option<i64>,
    }
    let registry = || {
        let registry = Registry::new();
        registry.register::<Shelf>().unwrap();
        registry
    };
    each("mappers_constraint_names", registry, |db| {
        let tables = db.reflect(&aludel::ReflectOptions::new());
        let shelf = tables.table("co_shelves").unwrap();
        assert_eq!(shelf.uniques()[0].name.as_deref(), Some("co_once"));
        assert_eq!(shelf.checks()[0].name.as_deref(), Some("co_counted"));
        assert_eq!(shelf.foreign_keys()[0].name.as_deref(), Some("co_above"));
        let mut names: Vec<&str> = shelf.indexes().iter().map(|index| &*index.name).collect();
        names.sort_unstable();
        // That of the abstract base has the name of its table.
        assert_eq!(names, ["co_lowest", "ix_co_shelves_code"]);
        let lowest = shelf.indexes().iter().find(|index| &*index.name == "co_lowest").unwrap();
        assert!(lowest.unique && lowest.filter.is_some());
    });
}
