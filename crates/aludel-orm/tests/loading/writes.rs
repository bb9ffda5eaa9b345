//! UPDATE and DELETE by criteria, and many rows at once.

use aludel_orm::{Auto, ErrorKind, ObjectState, Synchronize, delete, select, update};
use aludel_sql::{Expression, Value};

use crate::zoo::{Address, Db, Node, User};

#[test]
fn an_update_brings_objects_up_to_date() {
    let db = Db::new();
    for how in [Synchronize::Auto, Synchronize::Evaluate, Synchronize::Fetch] {
        let mut s = db.session();
        let users = db.run(s.all(select::<User>().order_by(User::id)));
        db.selects();
        let older = update::<User>()
            .set(User::age, User::age + 1)
            .set(User::fullname, "Z")
            .filter(User::name.ne("ed") & User::age.lt(30))
            .synchronize(how);
        assert_eq!(db.run(s.execute_update(older)), 1);
        assert_eq!(s[users[0]].age, 30);
        assert_eq!(s[users[1]].age, 21);
        assert_eq!(s[users[1]].fullname.as_deref(), Some("Z"));
        assert!(s.dirty_objects().is_empty());
        assert_eq!(db.selects(), 0);
        let now = db.run(s.rows(select::<User>().order_by(User::id).columns(User::age)));
        assert_eq!(now, [30, 21, 40]);
        db.run(s.rollback());
    }
    let mut s = db.session();
    let jack = db.run(s.get::<User>(2)).unwrap();
    let all = update::<User>().set(User::age, 1).synchronize(Synchronize::None);
    assert_eq!(db.run(s.execute_update(all)), 3);
    assert_eq!(s[jack].age, 20);
    // What memory cannot compute is asked the database, or refused.
    let like =
        |how| update::<User>().set(User::age, 2).filter(User::name.like("j%")).synchronize(how);
    let error = db.try_run(s.execute_update(like(Synchronize::Evaluate))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(db.run(s.execute_update(like(Synchronize::Auto))), 1);
    assert_eq!(s[jack].age, 2);
    let own =
        update::<User>().set(User::age, 3).filter(User::addresses.any(Address::email.eq("jack@x")));
    assert_eq!(db.run(s.execute_update(own)), 1);
    assert_eq!(s[jack].age, 3);
    // A new value that only the database knows is read when it is asked for.
    let db_side = update::<User>().set(User::fullname, User::name.upper()).filter(User::id.eq(2));
    db.run(s.execute_update(db_side));
    assert!(!s.is_loaded(jack, User::fullname).unwrap());
    assert_eq!(db.run(s.load(jack, User::fullname)).as_deref(), Some("JACK"));
}

#[test]
fn a_delete_takes_objects_out() {
    let db = Db::new();
    for how in [Synchronize::Auto, Synchronize::Evaluate, Synchronize::Fetch] {
        let mut s = db.session();
        let none = db.run(s.get::<User>(3)).unwrap();
        let jack = db.run(s.get::<User>(2)).unwrap();
        let query = delete::<User>().filter(User::name.eq("none")).synchronize(how);
        assert_eq!(db.run(s.execute_delete(query)), 1);
        assert_eq!(s.state(none).unwrap(), ObjectState::Deleted);
        assert_eq!(s.state(jack).unwrap(), ObjectState::Persistent);
        assert_eq!(db.run(s.get::<User>(3)), None);
        db.run(s.rollback());
        assert_eq!(s.state(none).unwrap(), ObjectState::Persistent);
    }
}

#[test]
fn a_delete_of_what_is_not_loaded() {
    let db = Db::new();
    let gone = |how| delete::<User>().filter(User::name.eq("none")).synchronize(how);
    let mut s = db.session();
    let none = db.run(s.get::<User>(3)).unwrap();
    // In memory it cannot be told: that the row is gone is found when it is read.
    s.expire_all().unwrap();
    assert_eq!(db.run(s.execute_delete(gone(Synchronize::Evaluate))), 1);
    assert_eq!(s.state(none).unwrap(), ObjectState::Persistent);
    let error = db.try_run(s.load(none, User::name)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ObjectDeleted);
    db.run(s.rollback());
    // The database can tell.
    s.expire_all().unwrap();
    assert_eq!(db.run(s.execute_delete(gone(Synchronize::Auto))), 1);
    assert_eq!(s.state(none).unwrap(), ObjectState::Deleted);
}

#[test]
fn rows_without_objects() {
    let db = Db::new();
    let mut s = db.session();
    let nodes: Vec<Node> = (10..3000)
        .map(|id| Node {
            id: if id % 2 == 0 { Auto::Set(id) } else { Auto::Unset },
            name: Some(format!("n{id}")),
            ..Node::default()
        })
        .collect();
    db.run(s.bulk_insert(&nodes));
    assert!(s.persistent_objects().is_empty());
    assert_eq!(db.run(s.count(select::<Node>())), 4 + 2990);
    let rows = vec![
        vec![("name", Value::from("bulk")), ("age", Value::I64(7))],
        vec![("age", Value::I64(8)), ("name", Value::from("bulk")), ("fullname", Value::from("f"))],
    ];
    db.run(s.bulk_insert_named("User", rows));
    let query = || select::<User>().filter(User::name.eq("bulk")).order_by(User::id);
    let ages = db.run(s.rows(query().columns((User::age, User::fullname))));
    assert_eq!(ages, [(7, None), (8, Some("f".to_owned()))]);
    let changed = [
        User { id: Auto::Set(1), age: 1, ..User::default() },
        User { id: Auto::Set(2), age: 2, ..User::default() },
    ];
    db.run(s.bulk_update(&changed, [User::age]));
    db.run(
        s.bulk_update_named("User", vec![vec![("id", Value::I64(3)), ("name", Value::from("x"))]]),
    );
    let all = db.run(s.rows(
        select::<User>().filter(User::id.le(3)).order_by(User::id).columns((User::name, User::age)),
    ));
    assert_eq!(all, [("ed".to_owned(), 1), ("jack".to_owned(), 2), ("x".to_owned(), 40)]);
    let gone = db.try_run(
        s.bulk_update_named("User", vec![vec![("id", Value::I64(99)), ("age", Value::I64(1))]]),
    );
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Stale);
    let keyless = db.try_run(s.bulk_update_named("User", vec![vec![("age", Value::I64(1))]]));
    assert_eq!(keyless.unwrap_err().kind(), ErrorKind::Argument);
    let wrong = db.try_run(s.bulk_insert_named("User", vec![vec![("agee", Value::I64(1))]]));
    assert!(wrong.unwrap_err().message().contains("age"));
}
