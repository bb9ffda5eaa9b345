//! Criteria of relationships, joins, classes under other names.

use aludel_orm::{ErrorKind, Handle, Session, aliased, select};
use aludel_sql::Expression;

use crate::zoo::{Address, Db, Item, Node, Order, User};

fn ids<T: aludel_orm::Mapped>(s: &Session, found: Vec<Handle<T>>) -> Vec<i64> {
    let key = |h: &Handle<T>| match s.identity_key_of(*h).unwrap().unwrap().1[0] {
        aludel_sql::Value::I64(n) => n,
        _ => -1,
    };
    found.iter().map(key).collect()
}

macro_rules! found {
    ($db:ident, $s:ident, $query:expr) => {{
        let found = $db.run($s.all($query));
        ids(&$s, found)
    }};
}

#[test]
fn any_and_has() {
    let db = Db::new();
    let mut s = db.session();
    let users = || select::<User>().order_by(User::id);
    let addresses = || select::<Address>().order_by(Address::id);
    assert_eq!(found!(db, s, users().filter(User::addresses.any_exists())), [1, 2]);
    assert_eq!(found!(db, s, users().filter(User::addresses.any(Address::email.like("%@y")))), [1]);
    assert_eq!(
        found!(db, s, users().filter(!User::addresses.any(Address::email.like("%@x")))),
        [3]
    );
    assert_eq!(found!(db, s, addresses().filter(Address::user.has(User::name.eq("jack")))), [3]);
    let nested = Address::user.has(User::addresses.any(Address::email.eq("ed@y")));
    assert_eq!(found!(db, s, addresses().filter(nested)), [1, 2]);
    assert_eq!(found!(db, s, addresses().filter(Address::user.is_none())), [4]);
    assert_eq!(found!(db, s, addresses().filter(Address::user.is_some())), [1, 2, 3]);
    let items =
        select::<Order>().filter(Order::items.any(Item::description.eq("i2"))).order_by(Order::id);
    assert_eq!(found!(db, s, items), [1, 2]);
    // A condition may look outside as well.
    let own = User::addresses.any(Address::email.starts_with(User::name));
    assert_eq!(found!(db, s, users().filter(own)), [1, 2]);
    let query =
        users().filter(User::name.like("%e%") & User::addresses.any(Address::email.ends_with("x")));
    assert_eq!(found!(db, s, query), [1]);
    assert_eq!(found!(db, s, users().filter(User::profile.is_none())), [2, 3]);
}

#[test]
fn objects_in_criteria() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    let address = db.run(s.get::<Address>(3)).unwrap();
    let item = db.run(s.get::<Item>(2)).unwrap();
    let addresses = || select::<Address>().order_by(Address::id);
    assert_eq!(found!(db, s, addresses().filter(Address::user.is(ed))), [1, 2]);
    assert_eq!(found!(db, s, addresses().filter(Address::user.is_not(ed))), [3, 4]);
    assert_eq!(found!(db, s, addresses().filter(!Address::user.is(ed))), [3]);
    assert_eq!(found!(db, s, select::<User>().filter(User::addresses.contains(address))), [2]);
    let orders = || select::<Order>().order_by(Order::id);
    assert_eq!(found!(db, s, orders().filter(Order::items.contains(item))), [1, 2]);
    assert_eq!(found!(db, s, orders().filter(!Order::items.contains(item))), [3]);
    let inside = User::orders.any(Order::items.contains(item));
    assert_eq!(found!(db, s, select::<User>().filter(inside)), [1]);
}

#[test]
fn a_class_that_refers_to_itself() {
    let db = Db::new();
    let mut s = db.session();
    let nodes = || select::<Node>().order_by(Node::id);
    assert_eq!(found!(db, s, nodes().filter(Node::parent.has(Node::name.eq("r")))), [2, 3]);
    assert_eq!(found!(db, s, nodes().filter(Node::children.any(Node::children.any_exists()))), [1]);
    assert_eq!(found!(db, s, nodes().filter(Node::parent.is_none())), [1]);
    let child = aliased::<Node>();
    let query = nodes().join_as(Node::children, &child).filter(child.col(Node::name).eq("c"));
    assert_eq!(found!(db, s, query), [2]);
    let error = db.try_run(s.all(nodes().join(Node::children))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    // Three levels, each under its own name.
    let (a, b) = (aliased::<Node>(), aliased::<Node>());
    let query = nodes().join_as(Node::children, &a).join_as(a.rel(Node::children), &b);
    let rows = db.run(s.rows(query.columns((Node::name, a.col(Node::name), b.col(Node::name)))));
    assert_eq!(rows, [(Some("r".into()), Some("a".into()), Some("c".into()))]);
}

#[test]
fn joins() {
    let db = Db::new();
    let mut s = db.session();
    let users = || select::<User>().order_by(User::id);
    // A user with two addresses comes once.
    assert_eq!(found!(db, s, users().join(User::addresses)), [1, 2]);
    assert_eq!(found!(db, s, users().join(User::addresses).filter(Address::email.eq("ed@y"))), [1]);
    assert_eq!(
        found!(db, s, users().outer_join(User::addresses).filter(Address::id.is_null())),
        [3]
    );
    assert_eq!(db.run(s.count(users().join(User::addresses))), 3);
    let query = users().join(User::orders).join(Order::items).filter(Item::description.eq("i1"));
    assert_eq!(found!(db, s, query), [1]);
    let rows =
        users().join(User::addresses).order_by(Address::id).columns((User::name, Address::email));
    assert_eq!(db.run(s.rows(rows)).len(), 3);
    let on = Address::email.starts_with(User::name) & Address::email.ends_with("x");
    assert_eq!(found!(db, s, users().join_on::<Address>(on)), [1, 2]);
}

#[test]
fn queries_in_queries() {
    let db = Db::new();
    let mut s = db.session();
    let inner = select::<Address>().filter(Address::email.ends_with("y")).columns(Address::user_id);
    let query = select::<User>().filter(User::id.in_query(inner));
    assert_eq!(found!(db, s, query), [1]);
    let other = aliased::<User>();
    let older = other.select().filter(other.col(User::age).gt(User::age));
    use aludel_sql::IntoQuery;
    let query = select::<User>().filter(!aludel_sql::Query::from(older).exists());
    assert_eq!(found!(db, s, query), [3]);
}

#[test]
fn a_shape_seen_before_is_not_compiled_again() {
    let db = Db::new();
    let mut s = db.session();
    for name in ["ed", "jack", "zz"] {
        let other = aliased::<User>();
        let query = select::<User>().join_as(User::addresses, &aliased::<Address>()).filter(
            User::name.eq(name) & User::id.in_query(other.select().columns(other.col(User::id))),
        );
        db.run(s.all(query));
    }
    let sql = db.selects.take();
    assert_eq!(sql.len(), 3);
    assert!(sql.iter().all(|text| *text == sql[0]), "{sql:#?}");
}
