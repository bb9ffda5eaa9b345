//! Classes that are mapped to joins.

use aludel::orm::mapping::TableSource;
use aludel::prelude::*;
use aludel::sql::{Column, Joinable, Selectable, Table};
use aludel::{ErrorKind, RecordClass, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "users")]
pub(crate) struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    fullname: Option<String>,
    #[relationship(back_populates = "user", order_by = "id")]
    addresses: Many<Address>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

/// The identity is the pair of both keys.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(source = users_with_addresses)]
struct UserAddress {
    #[column(name = "users.id", equal_to("addresses.user_id"))]
    id: Auto<i64>,
    #[column(name = "addresses.id")]
    address_id: Auto<i64>,
    name: String,
    email: String,
}

fn users_with_addresses() -> aludel::orm::Select<User> {
    select::<User>().join(User::addresses)
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<UserAddress>().unwrap();
    registry
}

fn rows(db: &mut Db, sql: &str) -> Vec<Vec<Value>> {
    db.raw(sql)
}

#[test]
fn a_join_has_the_keys_of_all_its_tables() {
    each("mappers_join", registry, |db| {
        let ed = User {
            name: "ed".into(),
            addresses: many![
                Address { email: "x@x".into(), ..Address::default() },
                Address { email: "y@y".into(), ..Address::default() },
            ],
            ..User::default()
        };
        db.add(ed).unwrap();
        db.commit().unwrap();
        let all = db.all(select::<UserAddress>().order_by(UserAddress::address_id)).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((&*db[all[0]].name, &*db[all[1]].email), ("ed", "y@y"));
        let found = db.get_one::<UserAddress>((1, 2)).unwrap();
        assert_eq!(found, all[1]);
        let of = |db: &mut Db, email: &str| {
            let query = select::<UserAddress>().filter(UserAddress::email.eq(email));
            db.all(query).unwrap()
        };
        assert_eq!(of(db, "x@x"), [all[0]]);
        assert_eq!(db.count(select::<UserAddress>()).unwrap(), 2);
        let mapper = db.registry.mapper::<UserAddress>().unwrap();
        assert_eq!(mapper.primary_key_names(), ["id", "address_id"]);
        assert_eq!(mapper.column_names("id"), ["users.id", "addresses.user_id"]);
        assert_eq!(mapper.column_names("address_id"), ["addresses.id"]);
    });
}

#[test]
fn rows_of_a_join_are_written_to_each_table() {
    each("mappers_join_writes", registry, |db| {
        let one = UserAddress { name: "ed".into(), email: "x@x".into(), ..UserAddress::default() };
        let two = UserAddress { name: "al".into(), email: "z@z".into(), ..UserAddress::default() };
        let (one, two) = (db.add(one).unwrap(), db.add(two).unwrap());
        db.flush().unwrap();
        assert_eq!(db[two].id.value(), 2, "the key is in the object");
        let user = "SELECT id, name FROM users ORDER BY id";
        assert_eq!(rows(db, user), [[Value::I64(1), "ed".into()], [Value::I64(2), "al".into()]]);
        let address = "SELECT id, user_id, email FROM addresses ORDER BY id";
        let expected = [
            [Value::I64(1), Value::I64(1), "x@x".into()],
            [Value::I64(2), Value::I64(2), "z@z".into()],
        ];
        assert_eq!(rows(db, address), expected);
        db.commit().unwrap();
        db.sent();

        // Only the table is written whose columns have changed.
        db.set(one, UserAddress::email, "new").unwrap();
        db.commit().unwrap();
        let sent = db.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].contains("addresses"), "{sent:?}");
        db.edit(one, |o| {
            o.name = "edward".into();
            o.email = "newer".into();
        })
        .unwrap();
        db.commit().unwrap();
        assert_eq!(db.sent().len(), 2);
        assert_eq!(rows(db, user)[0][1], "edward".into());
        assert_eq!(rows(db, address)[0][2], "newer".into());

        db.delete(one).unwrap();
        db.commit().unwrap();
        assert_eq!((rows(db, user).len(), rows(db, address).len()), (1, 1));
    });
}

#[test]
fn aliases_subqueries_and_refreshing() {
    each("mappers_join_reads", registry, |db| {
        let add = |db: &mut Db, name: &str| {
            let row =
                UserAddress { name: name.into(), email: name.into(), ..UserAddress::default() };
            db.add(row).unwrap()
        };
        let (one, _) = (add(db, "a"), add(db, "b"));
        db.commit().unwrap();
        let other = aludel::aliased::<UserAddress>();
        let later = select::<UserAddress>()
            .join_alias_on(&other, UserAddress::id.lt(other.col(UserAddress::id)))
            .filter(other.col(UserAddress::name).eq("b"));
        assert_eq!(db.all(later).unwrap(), [one]);
        db.execute("UPDATE users SET name = 'changed' WHERE id = 1");
        db.refresh(one).unwrap();
        assert_eq!(db[one].name, "changed");
        db.expire(one).unwrap();
        assert_eq!(db.get::<UserAddress>((1, 1)).unwrap(), Some(one));
        let firsts = select::<UserAddress>().order_by(UserAddress::id).limit(1);
        assert_eq!(db.all(firsts).unwrap(), [one]);
    });
}

/// The same of tables made by hand, and without a struct.
#[test]
fn a_described_class_of_a_join() {
    let registry = || {
        let registry = Registry::new();
        let users = Table::build("users")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .finish()
            .unwrap();
        let keywords = Table::build("keywords")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("word"))
            .finish()
            .unwrap();
        let both = Table::build("user_keywords")
            .column(Column::of::<i64>("user_id").references("users.id").primary_key())
            .column(Column::of::<i64>("keyword_id").references("keywords.id").primary_key())
            .finish()
            .unwrap();
        let join = users.join(&both).unwrap().join(&keywords).unwrap();
        let class: RecordClass = registry.describe("KeywordUser").of(join).finish().unwrap();
        registry.configure().unwrap();
        let mapper = registry.mappers().named("KeywordUser").unwrap().clone();
        assert_eq!(mapper.column_names("users_id"), ["users.id", "user_keywords.user_id"]);
        assert_eq!(class.def().attribute("word"), Some(3));
        registry
    };
    each("mappers_join_records", registry, |db| {
        let class = db.registry.record_class("KeywordUser").unwrap();
        let mapper = db.registry.mappers().named("KeywordUser").unwrap().clone();
        let key = mapper.primary_key_names().join(", ");
        assert_eq!(mapper.primary_key_names().len(), 2, "{key}: {mapper}");
        let record = class.record().with("name", "ed").unwrap().with("word", "rust").unwrap();
        let ed = db.add(record).unwrap();
        db.commit().unwrap();
        let links = db.raw("SELECT user_id, keyword_id FROM user_keywords");
        assert_eq!(links, [[Value::I64(1), Value::I64(1)]]);
        db.renew();
        let all = db.all(class.select()).unwrap();
        assert_eq!(all.len(), 1);
        let word = class.attr::<String>("word").unwrap();
        assert_eq!(db.value(all[0], word).unwrap(), "rust");
        let _ = ed;
    });
}

#[test]
fn what_is_wrong_with_a_join_is_said() {
    fn ambiguous() -> TableSource {
        let one = Table::build("one")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .finish()
            .unwrap();
        let two = Table::build("two")
            .column(Column::of::<i64>("id").primary_key())
            .column(Column::of::<String>("name"))
            .finish()
            .unwrap();
        let on = one.col::<i64>("id").eq(two.col::<i64>("id"));
        one.join_on(&two, on).into()
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(source = ambiguous)]
    struct Both {
        #[column(name = "one.id")]
        id: i64,
        name: String,
    }
    let error = Registry::new().register::<Both>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let said = "class `Both`, attribute `name`: `name` is a column of several: say which, `one.name`, `two.name`";
    assert_eq!(error.message(), said);

    #[derive(Mapped, Clone, Default)]
    #[mapped(source = filtered)]
    struct Filtered {
        id: i64,
    }
    fn filtered() -> aludel::orm::Select<User> {
        select::<User>().filter(User::name.eq("x"))
    }
    let error = Registry::new().register::<Filtered>().unwrap_err();
    assert!(error.message().contains("needs to say its columns"), "{error}");
}
