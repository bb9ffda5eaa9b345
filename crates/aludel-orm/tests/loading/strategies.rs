//! Eager loading: selectin, joined, subquery, immediate, contains_eager, raise.

use aludel_orm::{
    ErrorKind, Handle, Lazy, Session, contains_eager, contains_eager_as, immediate, joined,
    lazy_load, others, raise, select, selectin, subquery,
};
use aludel_sql::Expression;

use crate::zoo::{Address, Db, Item, Node, Order, Profile, User};

fn emails(s: &Session, user: Handle<User>) -> Vec<&str> {
    s[user].addresses.iter().map(|a| s[a].email.as_str()).collect()
}

fn check(db: &Db, s: &Session, users: &[Handle<User>]) {
    assert_eq!(users.len(), 3);
    assert_eq!(emails(s, users[0]), ["ed@x", "ed@y"]);
    assert_eq!(emails(s, users[1]), ["jack@x"]);
    assert!(emails(s, users[2]).is_empty());
    assert!(s.history(users[0], User::addresses).unwrap().added().is_empty());
    assert_eq!(db.selects(), 0);
}

#[test]
fn each_strategy_fills_a_collection() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<User>().order_by(User::id);
    for (options, selects) in [
        (selectin(User::addresses), 2),
        (joined(User::addresses), 1),
        (subquery(User::addresses), 2),
        (immediate(User::addresses), 4),
    ] {
        let users = db.run(s.all(query().options(options)));
        assert_eq!(db.selects(), selects);
        check(&db, &s, &users);
        s.expunge_all().unwrap();
    }
    let users = db.run(s.all(query().options(lazy_load(User::addresses))));
    assert!(!s[users[0]].addresses.is_loaded());
}

#[test]
fn references() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<Address>().order_by(Address::id);
    for options in [selectin(Address::user), joined(Address::user), subquery(Address::user)] {
        let addresses = db.run(s.all(query().options(options)));
        assert!(db.selects() <= 2);
        let ed = s[addresses[0]].user.get().unwrap();
        assert_eq!(s[ed].name, "ed");
        assert_eq!(s[addresses[1]].user.get(), Some(ed));
        assert_eq!(s[addresses[3]].user.get(), None);
        s.expunge_all().unwrap();
    }
    // What is in the identity map is not asked for.
    let _users = db.run(s.all(select::<User>()));
    db.selects();
    db.run(s.all(query().options(selectin(Address::user))));
    assert_eq!(db.selects(), 1);
    // One-to-one from the far side.
    s.expunge_all().unwrap();
    let users = db.run(s.all(select::<User>().order_by(User::id).options(joined(User::profile))));
    assert_eq!(db.selects(), 1);
    let profile: Handle<Profile> = s[users[0]].profile.get().unwrap();
    assert_eq!(s[profile].bio.as_deref(), Some("about ed"));
    assert_eq!(s[users[1]].profile.get(), None);
}

#[test]
fn joined_and_a_limit_counts_owners() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<User>().options(joined(User::addresses));
    let users = db.run(s.all(query().order_by(User::age.desc()).limit(2)));
    let names: Vec<&str> = users.iter().map(|u| s[*u].name.as_str()).collect();
    assert_eq!(names, ["none", "ed"]);
    assert_eq!(emails(&s, users[1]), ["ed@x", "ed@y"]);
    s.expunge_all().unwrap();
    let users = db.run(s.all(query().limit(1).offset(1).order_by(User::id)));
    assert_eq!(emails(&s, users[0]), ["jack@x"]);
    s.expunge_all().unwrap();
    // The query's own join neither sees the eager one, nor is seen by it.
    let both = query().join(User::addresses).filter(Address::email.eq("ed@y"));
    let users = db.run(s.all(both));
    assert_eq!(users.len(), 1);
    assert_eq!(emails(&s, users[0]), ["ed@x", "ed@y"]);
    // A reference multiplies nothing: no derived table.
    db.selects();
    db.run(s.all(select::<Address>().options(joined(Address::user)).limit(2)));
    let sql = db.selects.take();
    assert!(!sql[0].contains("FROM ("), "{sql:?}");
}

#[test]
fn nested_paths() {
    let db = Db::new();
    let mut s = db.session();
    let options = [
        selectin(User::orders).selectin(Order::items),
        selectin(User::orders).joined(Order::items),
        joined(User::orders).joined(Order::items),
        joined(User::orders).selectin(Order::items),
        subquery(User::orders).subquery(Order::items),
        immediate(User::orders).immediate(Order::items),
    ];
    for (options, selects) in options.into_iter().zip([3, 2, 1, 2, 3, 6]) {
        let users = db.run(s.all(select::<User>().order_by(User::id).options(options)));
        assert_eq!(db.selects(), selects);
        let orders: Vec<Handle<Order>> = s[users[0]].orders.to_vec();
        assert_eq!(orders.len(), 2);
        let items: Vec<Handle<Item>> = s[orders[0]].items.to_vec();
        assert_eq!(items.len(), 2);
        assert_eq!(s[orders[1]].items.to_vec(), [items[1]]);
        assert_eq!(db.selects(), 0);
        s.expunge_all().unwrap();
    }
    // With a limit, and two collections side by side.
    let query = select::<User>()
        .order_by(User::id)
        .limit(1)
        .options((joined(User::orders).joined(Order::items), joined(User::addresses)));
    let users = db.run(s.all(query));
    assert_eq!(db.selects(), 1);
    assert_eq!(emails(&s, users[0]), ["ed@x", "ed@y"]);
    assert_eq!(s[users[0]].orders.len(), 2);
    let first = s[users[0]].orders.at(0).unwrap();
    assert_eq!(s[first].items.len(), 2);
}

#[test]
fn what_is_loaded_stays_and_is_descended_into() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    db.run(s.load(ed, User::orders));
    db.selects();
    let query = || select::<User>().filter(User::id.eq(1));
    db.run(s.all(query().options(selectin(User::orders).selectin(Order::items))));
    assert_eq!(db.selects(), 2);
    let order = s[ed].orders.at(0).unwrap();
    assert_eq!(s[order].items.len(), 2);
    // A pending member waits for the load.
    let address = s.make(Address { email: "new".into(), ..Address::default() }).unwrap();
    s.options_mut().autoflush = false;
    s.append(ed, User::addresses, address).unwrap();
    for options in [selectin(User::addresses), joined(User::addresses)] {
        db.run(s.all(query().options(options)));
        assert_eq!(emails(&s, ed), ["ed@x", "ed@y", "new"]);
        assert_eq!(s.history(ed, User::addresses).unwrap().added(), [address]);
    }
}

#[test]
fn a_tree() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<Node>().filter(Node::parent.is_none());
    for (options, selects) in [
        (selectin(Node::children).selectin(Node::children), 3),
        (joined(Node::children).joined(Node::children), 1),
        (subquery(Node::children).joined(Node::children), 2),
    ] {
        let root = db.run(s.one(query().options(options)));
        assert_eq!(db.selects(), selects);
        let children: Vec<Handle<Node>> = s[root].children.to_vec();
        assert_eq!(children.len(), 2);
        assert_eq!(s[children[0]].children.len(), 1);
        assert!(s[children[1]].children.is_empty());
        s.expunge_all().unwrap();
    }
}

#[test]
fn a_join_of_the_querys_own() {
    let db = Db::new();
    let mut s = db.session();
    let query = select::<User>()
        .join(User::addresses)
        .filter(Address::email.eq("ed@y"))
        .options(contains_eager(User::addresses));
    let users = db.run(s.all(query));
    assert_eq!(emails(&s, users[0]), ["ed@y"]);
    assert!(!s.is_modified(users[0]).unwrap());
    s.expire_attributes(users[0], [User::addresses]).unwrap();
    assert_eq!(db.run(s.load(users[0], User::addresses)).len(), 2);
    s.expunge_all().unwrap();
    let address = aludel_orm::aliased::<Address>();
    let query = select::<User>()
        .outer_join_as(User::addresses, &address)
        .order_by((User::id, address.col(Address::id).desc()))
        .options(contains_eager_as(User::addresses, &address));
    let users = db.run(s.all(query));
    assert_eq!(emails(&s, users[0]), ["ed@y", "ed@x"]);
    assert!(emails(&s, users[2]).is_empty());
}

#[test]
fn forbidden_loads() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<User>().filter(User::id.eq(1));
    let ed = db.run(s.one(query().options(raise(User::addresses))));
    assert_eq!(db.try_run(s.load(ed, User::addresses)).unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(db.run(s.load(ed, User::orders)).len(), 2);
    s.expunge_all().unwrap();
    let ed = db.run(s.one(query().options((selectin(User::orders), others::<User>(Lazy::Raise)))));
    assert_eq!(s[ed].orders.len(), 2);
    assert_eq!(db.try_run(s.load(ed, User::addresses)).unwrap_err().kind(), ErrorKind::NotLoaded);
}

#[test]
fn a_thousand_keys_at_a_time() {
    let db = Db::new();
    let rows: Vec<String> = (10..2510).map(|id| format!("({id}, 'u', 1)")).collect();
    db.sql(&format!("INSERT INTO users (id, name, age) VALUES {}", rows.join(", ")));
    let rows: Vec<String> = (10..2510).map(|id| format!("('e{id}', {id})")).collect();
    db.sql(&format!("INSERT INTO addresses (email, user_id) VALUES {}", rows.join(", ")));
    let mut s = db.session();
    let query = select::<User>()
        .filter(User::id.ge(10))
        .order_by(User::id)
        .options(selectin(User::addresses));
    let users = db.run(s.all(query));
    assert_eq!(db.selects(), 4);
    assert_eq!(users.len(), 2500);
    assert!(users.iter().all(|u| s[*u].addresses.len() == 1));
}

#[test]
fn owners_that_are_expired_are_read_together() {
    let db = Db::new();
    let rows: Vec<String> = (10..60).map(|id| format!("({id}, 'u', 1)")).collect();
    db.sql(&format!("INSERT INTO users (id, name, age) VALUES {}", rows.join(", ")));
    let rows: Vec<String> = (10..60).map(|id| format!("('e{id}', {id})")).collect();
    db.sql(&format!("INSERT INTO addresses (email, user_id) VALUES {}", rows.join(", ")));
    let mut s = db.session();
    let users = db.run(s.all(select::<User>().filter(User::id.ge(10))));
    let addresses = db.run(s.all(select::<Address>().filter(Address::email.like("e%"))));
    s.expire_all().unwrap();
    db.selects();
    // To whom they refer is told by their rows.
    db.run(s.load_all(&addresses, Address::user));
    assert_eq!(db.selects(), 2);
    assert!(addresses.iter().all(|a| s[*a].user.get().is_some()));
    db.run(s.load_all(&users, User::addresses));
    assert_eq!(db.selects(), 1);
    assert!(users.iter().all(|u| s[*u].addresses.len() == 1));
}
