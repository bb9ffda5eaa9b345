//! The flush of related objects: keys carried over, cascades, orphans, association rows, the order of tables.

#[path = "flush_support.rs"]
mod support;

use aludel_derive::Mapped;
use aludel_orm::{Auto, ErrorKind, Handle, Many, ObjectState, One, Registry, many};
use support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "users")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    addresses: Many<Address>,
    #[relationship(back_populates = "user")]
    orders: Many<Order>,
    #[relationship(back_populates = "user", cascade = "all")]
    profile: One<Profile>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "profiles")]
struct Profile {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "users.id", unique)]
    user_id: Option<i64>,
    bio: String,
    #[relationship(back_populates = "profile")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "orders")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    note: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[column(version)]
    version: i64,
    #[relationship(back_populates = "orders")]
    user: One<User>,
    #[relationship(secondary = "order_items", back_populates = "orders")]
    items: Many<Item>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "items")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(secondary = "order_items", back_populates = "items")]
    orders: Many<Order>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "parts")]
struct Part {
    #[column(primary_key, foreign_key = "items.id")]
    item_id: i64,
    #[column(primary_key)]
    n: i64,
    #[relationship]
    item: One<Item>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "countries")]
struct Country {
    #[column(primary_key)]
    code: String,
    #[relationship(back_populates = "country", passive_updates = false)]
    cities: Many<City>,
    #[relationship(back_populates = "country")]
    regions: Many<Region>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "cities")]
struct City {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "countries.code", deferrable)]
    country_code: Option<String>,
    #[relationship(back_populates = "cities")]
    country: One<Country>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "regions")]
struct Region {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "countries.code", on_update = "cascade")]
    country_code: Option<String>,
    #[relationship(back_populates = "regions")]
    country: One<Country>,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry.register::<Part>().unwrap();
    registry.register::<Country>().unwrap();
    Db::new(registry)
}

fn user(name: &str, emails: &[&str]) -> User {
    let addresses = emails.iter().map(|e| address(e));
    User { name: name.into(), addresses: Many::new(addresses), ..User::default() }
}

fn address(email: &str) -> Address {
    Address { email: email.into(), ..Address::default() }
}

fn item(name: &str) -> Item {
    Item { name: name.into(), ..Item::default() }
}

#[test]
fn a_graph_in_one_flush() {
    let db = db();
    let mut s = db.session();
    let u = s
        .add(User {
            orders: many![Order {
                note: "o".into(),
                items: many![item("i"), item("j")],
                ..Order::default()
            }],
            profile: One::default(),
            ..user("ed", &["a", "b"])
        })
        .unwrap();
    assert_eq!(
        s.plan().unwrap().to_string(),
        "INSERT users (1 row)\n\
         INSERT items (2 rows)\n\
         SYNC User.addresses (2 keys)\n\
         SYNC User.orders (1 key)\n\
         SYNC Address.user (2 keys)\n\
         SYNC Order.user (1 key)\n\
         INSERT addresses (2 rows)\n\
         INSERT orders (1 row)\n\
         INSERT order_items (2 link rows)\n"
    );
    assert_eq!(
        db.flush(&mut s),
        [
            "INSERT users (name) x1",
            "INSERT items (name) x2",
            "INSERT addresses (email, user_id) x2",
            "INSERT orders (note, user_id, version) x1",
            "INSERT order_items (orders_id, items_id) x2",
        ]
    );
    assert!(s[u].addresses.iter().all(|a| s[a].user_id == Some(1)));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT * FROM order_items"), ["1|1", "1|2"]);
    assert_eq!(db.rows("SELECT email, user_id FROM addresses"), ["a|1", "b|1"]);
}

#[test]
fn parents_come_first_whatever_was_added_first() {
    let db = db();
    let mut s = db.session();
    let a = s.add(address("x")).unwrap();
    let p = s.add(Profile { bio: "b".into(), ..Profile::default() }).unwrap();
    let u = s.add(user("ed", &[])).unwrap();
    s.set(a, Address::user, Some(u)).unwrap();
    s.set(p, Profile::user, Some(u)).unwrap();
    db.commit(&mut s);
    assert_eq!((s[a].user_id, s[p].user_id), (Some(1), Some(1)));
    assert_eq!(
        db.rows("SELECT user_id FROM addresses UNION ALL SELECT user_id FROM profiles"),
        ["1", "1"]
    );
}

#[test]
fn a_member_that_moves_is_updated_and_one_that_goes_is_deleted() {
    let db = db();
    let mut s = db.session();
    let ed = s.add(user("ed", &["a", "b"])).unwrap();
    let jack = s.add(user("jack", &[])).unwrap();
    db.commit(&mut s);
    let [a, b] = [s[ed].addresses.at(0).unwrap(), s[ed].addresses.at(1).unwrap()];
    s.set(a, Address::user, Some(jack)).unwrap();
    s.remove(ed, User::addresses, b).unwrap();
    assert_eq!(
        db.flush(&mut s),
        ["UPDATE addresses SET user_id WHERE id x1", "DELETE addresses WHERE id x1"]
    );
    assert_eq!(s.state(b).unwrap(), ObjectState::Deleted);
    assert_eq!(s[a].user_id, Some(2));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT email, user_id FROM addresses"), ["a|2"]);
}

#[test]
fn removed_and_put_back_is_nothing() {
    let db = db();
    let mut s = db.session();
    let ed = s.add(user("ed", &["a", "b"])).unwrap();
    db.commit(&mut s);
    let a = s[ed].addresses.at(0).unwrap();
    s.remove(ed, User::addresses, a).unwrap();
    s.append(ed, User::addresses, a).unwrap();
    assert!(db.flush(&mut s).is_empty());
    assert_eq!(s.state(a).unwrap(), ObjectState::Persistent);
}

#[test]
fn a_pending_member_that_is_removed_is_not_inserted() {
    let db = db();
    let mut s = db.session();
    let ed = s.add(user("ed", &[])).unwrap();
    db.commit(&mut s);
    let a = s.make(address("x")).unwrap();
    s.append(ed, User::addresses, a).unwrap();
    assert_eq!(s.state(a).unwrap(), ObjectState::Pending);
    s.remove(ed, User::addresses, a).unwrap();
    assert_eq!(s.state(a).unwrap(), ObjectState::Transient);
    assert!(db.flush(&mut s).is_empty());
    let alone = s.add(address("never had one")).unwrap();
    db.flush(&mut s);
    assert_eq!(s.state(alone).unwrap(), ObjectState::Persistent);
}

#[test]
fn deleting_an_owner_deletes_or_clears() {
    let db = db();
    let mut s = db.session();
    let ed = s
        .add(User {
            orders: many![Order { note: "o".into(), ..Order::default() }],
            ..user("ed", &["a", "b"])
        })
        .unwrap();
    db.commit(&mut s);
    let order = s[ed].orders.at(0).unwrap();
    db.run(s.delete(ed)).unwrap();
    db.told.take();
    let told = db.flush(&mut s);
    assert_eq!(
        told.into_iter().filter(|t| t != "SELECT").collect::<Vec<_>>(),
        [
            "UPDATE orders SET user_id, version WHERE id, version x1",
            "DELETE addresses WHERE id x2",
            "DELETE users WHERE id x1",
        ]
    );
    assert_eq!((s[order].user_id, s[order].version), (None, 2));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT note, user_id FROM orders"), ["o|NULL"]);
}

#[test]
fn one_to_one() {
    let db = db();
    let mut s = db.session();
    let p = s.make(Profile { bio: "1".into(), ..Profile::default() }).unwrap();
    let u = s.add(User { profile: p.into(), ..user("ed", &[]) }).unwrap();
    db.commit(&mut s);
    s.set(u, User::profile, None::<Handle<Profile>>).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE profiles SET user_id WHERE id x1"]);
    s.set(u, User::profile, Some(p)).unwrap();
    assert_eq!(db.flush(&mut s), ["UPDATE profiles SET user_id WHERE id x1"]);
    db.run(s.delete(u)).unwrap();
    db.told.take();
    let told = db.flush(&mut s);
    let writes: Vec<_> = told.into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(writes, ["DELETE profiles WHERE id x1", "DELETE users WHERE id x1"]);
}

#[test]
fn many_to_many_is_written_once() {
    let db = db();
    let mut s = db.session();
    let o = s.add(Order { note: "o".into(), ..Order::default() }).unwrap();
    let items: Vec<_> = ["i", "j", "k"].iter().map(|n| s.add(item(n)).unwrap()).collect();
    s.append(o, Order::items, items[0]).unwrap();
    s.append(o, Order::items, items[1]).unwrap();
    assert_eq!(db.flush(&mut s).last().unwrap(), "INSERT order_items (orders_id, items_id) x2");
    s.set(o, Order::items, Many::new([items[1], items[2]])).unwrap();
    assert_eq!(
        db.flush(&mut s),
        [
            "DELETE order_items WHERE items_id, orders_id x1",
            "INSERT order_items (items_id, orders_id) x1"
        ]
    );
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT orders_id, items_id FROM order_items ORDER BY 2"), ["1|2", "1|3"]);
    db.run(s.delete(items[1])).unwrap();
    db.told.take();
    let told = db.flush(&mut s);
    let writes: Vec<_> = told.into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(
        writes,
        ["DELETE order_items WHERE items_id, orders_id x1", "DELETE items WHERE id x1"]
    );
    db.commit(&mut s);
    db.sql("DELETE FROM order_items");
    s.remove(o, Order::items, items[2]).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert!(error.message().contains("of 1 association rows to be deleted"), "{error}");
}

#[test]
fn a_key_that_is_a_foreign_key_comes_from_the_reference_and_is_not_cleared() {
    let db = db();
    let mut s = db.session();
    let i = s.add(item("i")).unwrap();
    let p = s.create::<Part>().unwrap();
    s.set(p, Part::n, 1).unwrap();
    s.set(p, Part::item, Some(i)).unwrap();
    s.add(p).unwrap();
    db.commit(&mut s);
    assert_eq!((s[p].item_id, s[p].n), (1, 1));
    s.set(p, Part::item, None::<Handle<Item>>).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.message().contains("would clear Part.item_id"), "{error}");
    db.run(s.rollback()).unwrap();
    let q = s.create::<Part>().unwrap();
    s.set(q, Part::n, 2).unwrap();
    s.add(q).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotNullViolation);
    assert!(error.message().contains("or the reference `item` that gives it"), "{error}");
}

#[test]
fn a_natural_key_carried_over_by_the_session() {
    let db = db();
    let mut s = db.session();
    let at = s
        .add(Country { code: "AT".into(), cities: many![City::default()], ..Country::default() })
        .unwrap();
    db.commit(&mut s);
    let city = s[at].cities.at(0).unwrap();
    db.sql("PRAGMA foreign_keys = OFF");
    s.set(at, Country::code, "AX".to_owned()).unwrap();
    let writes: Vec<_> = db.flush(&mut s).into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(
        writes,
        ["UPDATE countries SET code WHERE code x1", "UPDATE cities SET country_code WHERE id x1"]
    );
    assert_eq!(s[city].country_code.as_deref(), Some("AX"));
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT country_code FROM cities"), ["AX"]);
}

#[test]
fn a_natural_key_carried_over_by_the_database() {
    let db = db();
    let mut s = db.session();
    let at = s
        .add(Country { code: "AT".into(), regions: many![Region::default()], ..Country::default() })
        .unwrap();
    db.commit(&mut s);
    let region = s[at].regions.at(0).unwrap();
    s.set(at, Country::code, "AX".to_owned()).unwrap();
    let writes: Vec<_> = db.flush(&mut s).into_iter().filter(|t| t != "SELECT").collect();
    assert_eq!(writes, ["UPDATE countries SET code WHERE code x1"]);
    assert_eq!(s[region].country_code.as_deref(), Some("AX"));
    assert!(!s.is_dirty(region).unwrap());
    db.commit(&mut s);
    assert_eq!(db.rows("SELECT country_code FROM regions"), ["AX"]);
}

#[test]
fn a_reference_wins_over_its_foreign_key() {
    let db = db();
    let mut s = db.session();
    let ed = s.add(user("ed", &[])).unwrap();
    let jack = s.add(user("jack", &[])).unwrap();
    db.flush(&mut s);
    let a = s.add(Address { user_id: Some(1), user: jack.into(), ..address("a") }).unwrap();
    let b = s.add(Address { user_id: Some(1), user: One::none(), ..address("b") }).unwrap();
    let c = s.add(Address { user_id: Some(1), ..address("c") }).unwrap();
    db.commit(&mut s);
    assert_eq!((s[a].user_id, s[b].user_id, s[c].user_id), (Some(2), None, Some(1)));
    let _ = ed;
    assert_eq!(db.rows("SELECT email, user_id FROM addresses"), ["a|2", "b|NULL", "c|1"]);
}

#[test]
fn tables_without_a_relationship_follow_their_foreign_keys() {
    let db = db();
    let mut s = db.session();
    // The part's key is given by hand: nothing but the table says that the item comes first.
    s.add(Part { item_id: 7, n: 1, ..Part::default() }).unwrap();
    s.add(Item { id: Auto::Set(7), ..item("seven") }).unwrap();
    assert_eq!(db.flush(&mut s), ["INSERT items (id, name) x1", "INSERT parts (item_id, n) x1"]);
}

#[test]
fn a_failed_graph_can_be_added_again() {
    let db = db();
    let mut s = db.session();
    let p = s.add(Profile { bio: "1".into(), user_id: Some(99), ..Profile::default() }).unwrap();
    let u = s.add(user("ed", &["a"])).unwrap();
    let error = db.run(s.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKeyViolation);
    db.run(s.rollback()).unwrap();
    assert_eq!(s.state(u).unwrap(), ObjectState::Transient);
    s.add(u).unwrap();
    s.set(p, Profile::user_id, None).unwrap();
    s.add(p).unwrap();
    db.commit(&mut s);
    assert_eq!(
        db.rows("SELECT u.name, a.email FROM users u JOIN addresses a ON a.user_id = u.id"),
        ["ed|a"]
    );
}
