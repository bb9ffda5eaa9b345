//! Objects by key and by query, their attributes on demand, and reading them again.

use aludel_orm::{
    ErrorKind, Handle, ObjectState, defer, defer_raise, load_only, select, undefer, undefer_group,
};
use aludel_sql::{Expression, count_star};

use crate::zoo::{Address, Db, Document, Enrollment, Exam, Note, Order, User};

#[test]
fn a_query_gives_objects_once() {
    let db = Db::new();
    let mut s = db.session();
    let users = db.run(s.all(select::<User>().order_by(User::id)));
    assert_eq!(users.len(), 3);
    assert_eq!(s[users[0]].name, "ed");
    assert_eq!(s[users[1]].fullname, None);
    assert_eq!(s.state(users[0]).unwrap(), ObjectState::Persistent);
    assert!(!s.is_dirty(users[0]).unwrap());
    let again = db.run(s.all(select::<User>().order_by(User::id)));
    assert_eq!(users, again);
    assert_eq!(db.selects(), 2);
}

#[test]
fn conditions_order_and_limits() {
    let db = Db::new();
    let mut s = db.session();
    let names = |s: &aludel_orm::Session, users: Vec<Handle<User>>| -> Vec<String> {
        users.into_iter().map(|u| s[u].name.clone()).collect()
    };
    let query = select::<User>()
        .filter(User::name.like("%e%") & User::age.ge(30))
        .order_by(User::name.desc());
    let found = db.run(s.all(query));
    assert_eq!(names(&s, found), ["none", "ed"]);
    let query = select::<User>().filter(User::fullname.is_null()).filter(User::age.lt(30));
    let found = db.run(s.all(query));
    assert_eq!(names(&s, found), ["jack"]);
    let query = select::<User>().order_by(User::age).limit(1).offset(1);
    let found = db.run(s.all(query));
    assert_eq!(names(&s, found), ["ed"]);
    let query =
        select::<User>().filter(User::id.in_([1, 3])).order_by((User::age.desc(), User::id));
    let found = db.run(s.all(query));
    assert_eq!(names(&s, found), ["none", "ed"]);
    assert_eq!(db.run(s.count(select::<User>().filter(User::age.gt(20)))), 2);
    assert_eq!(db.run(s.count(select::<User>().limit(2))), 2);
    assert!(db.run(s.exists(select::<User>().filter(User::age.gt(20)))));
    assert!(!db.run(s.exists(select::<User>().filter(User::age.gt(200)))));
}

#[test]
fn peeking_never_asks_the_database() {
    let db = Db::new();
    let mut s = db.session();
    assert_eq!(s.peek::<User>(1).unwrap(), None);
    let user = db.run(s.get_one::<User>(1));
    db.selects();
    assert_eq!(s.peek::<User>(1).unwrap(), Some(user));
    assert_eq!(s.peek::<User>(2).unwrap(), None);
    assert_eq!(s.peek::<User>((1, 2)).unwrap_err().kind(), ErrorKind::Argument);
    s.expire(user).unwrap();
    assert_eq!(s.peek::<User>(1).unwrap(), None, "it would have to be read again");
    assert_eq!(db.selects(), 0);
}

#[test]
fn one_first_and_none() {
    let db = Db::new();
    let mut s = db.session();
    let none = || select::<User>().filter(User::name.eq("zz"));
    assert_eq!(db.try_run(s.one(none())).unwrap_err().kind(), ErrorKind::NoResult);
    assert_eq!(db.run(s.one_or_none(none())), None);
    assert_eq!(db.run(s.first(none())), None);
    let error = db.try_run(s.one(select::<User>())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MultipleResults);
    let jack = db.run(s.one(select::<User>().filter(User::name.eq("jack"))));
    assert_eq!(db.run(s.get::<User>(2)), Some(jack));
}

#[test]
fn columns_and_aggregates() {
    let db = Db::new();
    let mut s = db.session();
    let rows =
        db.run(s.rows(select::<User>().order_by(User::id).columns((User::id, User::fullname))));
    assert_eq!(rows, [(1, Some("Ed Jones".to_owned())), (2, None), (3, None)]);
    let names = db.run(s.rows(select::<User>().order_by(User::name).columns(User::name)));
    assert_eq!(names, ["ed", "jack", "none"]);
    assert_eq!(db.run(s.scalar(select::<User>().columns(User::age.sum()))), Some(Some(90)));
    assert_eq!(db.run(s.scalar(select::<User>().columns(count_star()))), Some(3));
    let query = select::<User>()
        .join(User::addresses)
        .columns((User::name, Address::id.count()))
        .group_by(User::name)
        .having(Address::id.count().expr().gt(1));
    assert_eq!(db.run(s.rows(query)), [("ed".to_owned(), 2)]);
    let older = db.run(s.rows(select::<User>().filter(User::id.eq(1)).columns(User::age + 1)));
    assert_eq!(older, [31]);
    let query = select::<User>().columns(User::fullname).distinct();
    assert_eq!(db.run(s.count(query)), 2);
}

#[test]
fn get_looks_in_the_identity_map_first() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    assert_eq!(db.selects(), 1);
    assert_eq!(db.run(s.get::<User>(1)), Some(ed));
    assert_eq!(db.selects(), 0);
    assert_eq!(db.run(s.get::<User>(99)), None);
    assert_eq!(db.selects(), 1);
    let one = db.run(s.get::<Enrollment>((1, "art"))).unwrap();
    assert_eq!(s[one].grade, Some(5));
    assert_eq!(db.run(s.get::<Enrollment>((1, "art"))), Some(one));
    assert_eq!(db.selects(), 1);
    assert_eq!(db.try_run(s.get::<Enrollment>(1)).unwrap_err().kind(), ErrorKind::Argument);
    assert_eq!(db.try_run(s.get_one::<User>(77)).unwrap_err().kind(), ErrorKind::NoResult);
}

#[test]
fn an_expired_object_is_read_again() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    s.expire(ed).unwrap();
    assert_eq!(s.try_get(ed).unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(db.run(s.get::<User>(1)), Some(ed));
    assert_eq!(s[ed].name, "ed");
    s.expire_attributes(ed, [User::name]).unwrap();
    db.selects();
    assert_eq!(db.run(s.load(ed, User::name)), "ed");
    assert_eq!(db.selects(), 1);
    // A query fills what is expired, too.
    s.expire(ed).unwrap();
    db.run(s.all(select::<User>()));
    assert_eq!(s[ed].age, 30);
}

#[test]
fn a_query_does_not_overwrite_what_is_loaded() {
    let db = Db::new();
    let mut s = db.session();
    s.options_mut().autoflush = false;
    let ed = db.run(s.get::<User>(1)).unwrap();
    s.set(ed, User::name, "mine").unwrap();
    db.run(s.all(select::<User>()));
    assert_eq!(s[ed].name, "mine");
    assert_eq!(s.history(ed, User::name).unwrap().deleted(), ["ed"]);
    db.run(s.all(select::<User>().populate_existing()));
    assert_eq!(s[ed].name, "ed");
    assert!(!s.is_dirty(ed).unwrap());
}

#[test]
fn deferred_columns() {
    let db = Db::new();
    let mut s = db.session();
    let document = db.run(s.get::<Document>(1)).unwrap();
    assert!(!s.is_loaded(document, Document::summary).unwrap());
    db.selects();
    assert_eq!(db.run(s.load(document, Document::summary)).get(), Some(&Some("s".to_owned())));
    assert!(!s.is_loaded(document, Document::body).unwrap());
    db.run(s.load(document, Document::body));
    assert_eq!(db.selects(), 2);
    assert_eq!(s[document].attachment.get(), Some(&Some(vec![1, 2])));
    db.run(s.load(document, Document::attachment));
    assert_eq!(db.selects(), 0);

    s.expunge_all().unwrap();
    let query = select::<Document>().options(undefer(Document::summary));
    let document = db.run(s.one(query));
    assert!(s.is_loaded(document, Document::summary).unwrap());
    assert!(!s.is_loaded(document, Document::body).unwrap());
    s.expunge_all().unwrap();
    let document = db.run(s.one(select::<Document>().options(undefer_group::<Document>("big"))));
    assert!(s.is_loaded(document, Document::attachment).unwrap());
    assert!(!s.is_loaded(document, Document::summary).unwrap());
}

#[test]
fn columns_left_out_by_options() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.one(select::<User>().filter(User::id.eq(1)).options(defer(User::fullname))));
    assert!(!s.is_loaded(ed, User::fullname).unwrap());
    assert!(s.is_loaded(ed, User::name).unwrap());
    assert_eq!(s.try_get(ed).unwrap_err().kind(), ErrorKind::NotLoaded);
    db.selects();
    assert_eq!(db.run(s.load(ed, User::fullname)).as_deref(), Some("Ed Jones"));
    assert_eq!(db.selects(), 1);
    assert_eq!(s[ed].name, "ed");

    s.expunge_all().unwrap();
    let query = select::<User>().filter(User::id.eq(1)).options(load_only::<User>([User::name]));
    let ed = db.run(s.one(query));
    assert_eq!(s.value(ed, User::name).unwrap(), "ed");
    assert!(!s.is_loaded(ed, User::age).unwrap());
    assert_eq!(*db.run(s.load(ed, User::age)), 30);
    assert!(!s.is_loaded(ed, User::fullname).unwrap());
    // Relationships of an object that is not whole are not loaded, like those of others.
    assert_eq!(db.run(s.load(ed, User::addresses)).len(), 2);

    s.expunge_all().unwrap();
    let query = select::<User>().filter(User::id.eq(1)).options(defer_raise(User::fullname));
    let ed = db.run(s.one(query));
    assert_eq!(db.try_run(s.load(ed, User::fullname)).unwrap_err().kind(), ErrorKind::NotLoaded);
}

#[test]
fn relationships_on_demand() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    assert_eq!(db.run(s.load(ed, User::addresses)).len(), 2);
    assert_eq!(db.selects(), 2);
    // The other side is in the identity map: no SELECT.
    let address = s[ed].addresses.at(0).unwrap();
    assert_eq!(db.run(s.load(address, Address::user)).get(), Some(ed));
    assert_eq!(db.selects(), 0);
    // A NULL needs none either.
    let nobodys = db.run(s.get::<Address>(4)).unwrap();
    assert_eq!(db.run(s.load(nobodys, Address::user)).get(), None);
    assert_eq!(db.selects(), 1);
    // One-to-one, both ways.
    let profile = db.run(s.load(ed, User::profile)).get().unwrap();
    assert_eq!(db.run(s.load(profile, crate::zoo::Profile::user)).get(), Some(ed));
    let none = db.run(s.get::<User>(3)).unwrap();
    assert_eq!(db.run(s.load(none, User::profile)).get(), None);
    // Many-to-many.
    let order = db.run(s.get::<Order>(1)).unwrap();
    let items: Vec<_> = db.run(s.load(order, Order::items)).to_vec();
    assert_eq!(items.len(), 2);
    assert_eq!(db.run(s.load(items[1], crate::zoo::Item::orders)).len(), 2);
}

#[test]
fn many_at_once() {
    let db = Db::new();
    let mut s = db.session();
    let users = db.run(s.all(select::<User>().order_by(User::id)));
    db.selects();
    db.run(s.load_all(&users, User::addresses));
    assert_eq!(db.selects(), 1);
    let counts: Vec<usize> = users.iter().map(|u| s[*u].addresses.len()).collect();
    assert_eq!(counts, [2, 1, 0]);
    db.run(s.load_all(&users, User::addresses));
    assert_eq!(db.selects(), 0);
}

#[test]
fn composite_keys() {
    let db = Db::new();
    let mut s = db.session();
    let all =
        db.run(s.all(select::<Enrollment>().order_by((Enrollment::student, Enrollment::course))));
    db.selects();
    db.run(s.load_all(&all, Enrollment::exams));
    assert_eq!(db.selects(), 1);
    let counts: Vec<usize> = all.iter().map(|e| s[*e].exams.len()).collect();
    assert_eq!(counts, [2, 0, 1]);
    let exams = db.run(s.all(select::<Exam>().order_by(Exam::id)));
    db.selects();
    db.run(s.load_all(&exams, Exam::enrollment));
    assert_eq!(db.selects(), 0);
    assert_eq!(s[exams[0]].enrollment.get(), Some(all[0]));
    assert_eq!(s[exams[3]].enrollment.get(), None);
    s.expunge_all().unwrap();
    let exams = db.run(s.all(select::<Exam>().order_by(Exam::id)));
    db.selects();
    db.run(s.load_all(&exams, Exam::enrollment));
    assert_eq!(db.selects(), 1);
    let enrollment = s[exams[2]].enrollment.get().unwrap();
    assert_eq!(s[enrollment].student, 2);
}

#[test]
fn keyed_collections() {
    let db = Db::new();
    let mut s = db.session();
    let document = db.run(s.get::<Document>(1)).unwrap();
    let note = db.run(s.load(document, Document::notes)).get(&"k2".to_owned()).unwrap();
    assert_eq!(s[note].key, "k2");
    let note: Handle<Note> = note;
    assert_eq!(db.run(s.load(note, Note::document)).get(), Some(document));
}

#[test]
fn refresh_replaces_and_forgets() {
    let db = Db::new();
    let mut s = db.session();
    s.options_mut().autoflush = false;
    let ed = db.run(s.get::<User>(1)).unwrap();
    db.run(s.load(ed, User::addresses));
    s.set(ed, User::name, "mine").unwrap();
    s.set(ed, User::age, 99).unwrap();
    db.run(s.refresh_attributes(ed, [User::name]));
    assert_eq!(s[ed].name, "ed");
    assert_eq!(s[ed].age, 99);
    db.run(s.refresh(ed));
    assert_eq!(s[ed].age, 30);
    assert!(!s[ed].addresses.is_loaded());
    db.run(s.refresh_named(ed, Some(&["addresses"])));
    assert_eq!(s[ed].addresses.len(), 2);
}

#[test]
fn a_row_that_is_gone() {
    let db = Db::new();
    let mut s = db.session();
    let none = db.run(s.get::<User>(3)).unwrap();
    db.run(s.rollback());
    db.sql("DELETE FROM users WHERE id = 3");
    let error = db.try_run(s.load(none, User::name)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ObjectDeleted);
    assert!(error.message().contains("User(3)"), "{error}");
    assert_eq!(db.try_run(s.refresh(none)).unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(db.run(s.get::<User>(3)), None);
}

#[test]
fn detached_objects_are_not_loaded() {
    let db = Db::new();
    let mut s = db.session();
    let ed = db.run(s.get::<User>(1)).unwrap();
    s.expunge(ed).unwrap();
    assert_eq!(db.try_run(s.load(ed, User::addresses)).unwrap_err().kind(), ErrorKind::Detached);
    assert_eq!(s[ed].name, "ed");
}

#[test]
fn a_value_that_does_not_fit_says_where() {
    let db = Db::new();
    db.sql("INSERT INTO users (id, name, age) VALUES (9, 'old', 5000000000)");
    let mut s = db.session();
    let error = db.try_run(s.all(select::<User>())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.message().contains("User.age of User(9)"), "{error}");
    // The session can go on, and nothing half-made is left behind.
    assert_eq!(db.run(s.all(select::<User>().filter(User::id.lt(9)))).len(), 3);
    assert!(db.try_run(s.get::<User>(9)).is_err());
}

#[test]
fn plain_structs() {
    let db = Db::new();
    let mut s = db.session();
    let users: Vec<User> = db.run(s.all_untracked(select::<User>().order_by(User::id.desc())));
    assert_eq!(users.len(), 3);
    assert_eq!(users[2].name, "ed");
    assert!(s.persistent_objects().is_empty());
}

#[test]
fn batches() {
    let db = Db::new();
    let mut s = db.session();
    let mut stream = db.run(s.stream(select::<User>().order_by(User::age.desc()), 2));
    let mut names = Vec::new();
    while let Some(batch) = db.run(stream.next(&mut s)) {
        names.push(batch.iter().map(|u| s[*u].name.clone()).collect::<Vec<_>>());
        s.expunge_all().unwrap();
    }
    assert_eq!(names, [vec!["none", "ed"], vec!["jack"]]);
}

#[test]
fn futures_can_go_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    let db = Db::new();
    let mut s = db.session();
    let mut stream = db.run(s.stream(select::<User>(), 2));
    is_send(stream.next(&mut s));
    is_send(s.all(select::<User>()));
    is_send(s.get::<User>(1));
    is_send(s.rows(select::<User>().columns(User::name)));
    is_send(s.all_untracked(select::<User>()));
    is_send(s.execute_update(aludel_orm::update::<User>().set(User::age, 1)));
    is_send(s.bulk_insert(&[User::default()]));
    let ed = db.run(s.get::<User>(1)).unwrap();
    is_send(s.load(ed, User::addresses));
    is_send(s.refresh(ed));
}

#[test]
fn who_is_told_of_loads() {
    use std::sync::{Arc, Mutex};

    use aludel_orm::events::ObjectEvent;
    let db = Db::new();
    let mut s = db.session();
    let told = Arc::new(Mutex::new(Vec::new()));
    for event in [ObjectEvent::Load, ObjectEvent::Refresh] {
        let told = Arc::clone(&told);
        s.on(event.of::<User>(), move |s, occasion| {
            let user = occasion.object;
            let name = s.value(user, User::name).cloned().unwrap_or_default();
            told.lock().unwrap().push((event, name));
            Ok(())
        })
        .unwrap();
    }
    let take = || std::mem::take(&mut *told.lock().unwrap());
    let ed = db.run(s.get::<User>(1)).unwrap();
    assert_eq!(take(), [(ObjectEvent::Load, "ed".to_owned())]);
    db.run(s.get::<User>(1));
    assert_eq!(take(), []);
    s.expire(ed).unwrap();
    db.run(s.all(select::<User>().filter(User::id.le(2)).order_by(User::id)));
    assert_eq!(
        take(),
        [(ObjectEvent::Refresh, "ed".to_owned()), (ObjectEvent::Load, "jack".to_owned())]
    );
    s.expire_attributes(ed, [User::age]).unwrap();
    db.run(s.load(ed, User::age));
    assert_eq!(take(), [(ObjectEvent::Refresh, "ed".to_owned())]);
    db.run(s.all(select::<Address>().options(aludel_orm::joined(Address::user))));
    assert_eq!(take(), []);
}
