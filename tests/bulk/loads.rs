//! Columns of many objects.

use aludel::orm::AttributeKey;
use aludel::prelude::*;
use aludel::{ErrorKind, LoadLimit, insert, load_only, orm::defer_raise};

use crate::each;
use crate::model::{Address, Engineer, Paper, Person, User, user};

fn papers(count: i64) -> Vec<Paper> {
    let text = |n: i64, what: &str| Deferred::Loaded(Some(format!("{what}{n}")));
    let paper = |n| Paper {
        title: format!("t{n}"),
        summary: text(n, "s"),
        body: text(n, "b"),
        notes: text(n, "n"),
        ..Paper::default()
    };
    (0..count).map(paper).collect()
}

#[test]
fn one_select_for_all() {
    each("columns", |case| {
        let s = &mut case.session;
        s.bulk_insert(&papers(1200)).unwrap();
        s.commit().unwrap();
        let all = s.all(select::<Paper>().order_by(Paper::id)).unwrap();
        case.sent.take();
        s.load_all(&all, Paper::summary).unwrap();
        assert_eq!(case.sent.take().len(), 2, "1,000 at a time");
        assert_eq!(s[all[1199]].summary.get(), Some(&Some("s1199".to_owned())));
        assert!(!s.is_loaded(all[0], Paper::body).unwrap());
        // A group comes together.
        s.load_all(&all[..10], Paper::body).unwrap();
        let sent = case.sent.take();
        assert_eq!(sent.len(), 1);
        assert!(sent[0].contains("body") && sent[0].contains("notes"), "{sent:?}");
        assert_eq!(s[all[9]].notes.get(), Some(&Some("n9".to_owned())));
        // What is loaded is not read again.
        s.load_all(&all[..10], Paper::notes).unwrap();
        assert!(case.sent.take().is_empty());
        assert!(s.dirty_objects().is_empty());
        // Several columns of several objects, of which some lack more than others.
        let both = || [AttributeKey::from(Paper::summary), Paper::body.into()];
        s.expunge_all().unwrap();
        let all = s.all(select::<Paper>().order_by(Paper::id).limit(4)).unwrap();
        s.load(all[0], Paper::summary).unwrap();
        case.sent.take();
        s.load_attributes(&all, both()).unwrap();
        assert_eq!(case.sent.take().len(), 2);
        assert_eq!(s[all[0]].body.get(), Some(&Some("b0".to_owned())));
        assert_eq!(s[all[3]].summary.get(), Some(&Some("s3".to_owned())));
        s.load_attributes(&all, both()).unwrap();
        assert!(case.sent.take().is_empty());
    });
}

#[test]
fn what_is_expired() {
    each("expired", |case| {
        let s = &mut case.session;
        let users: Vec<User> = (0..20).map(|n| user(&format!("u{n}"), n)).collect();
        let users = s.insert_returning(insert(&users)).unwrap();
        s.commit().unwrap();
        s.expire_all().unwrap();
        case.sent.take();
        s.load_all(&users, User::age).unwrap();
        assert_eq!(case.sent.take().len(), 1);
        assert!(users.iter().enumerate().all(|(n, u)| s[*u].age == Some(n as i64)));
        // Pending changes stay.
        s.expire_all().unwrap();
        s.set(users[3], User::name, "new").unwrap();
        s.load_all(&users, User::age).unwrap();
        assert_eq!((s[users[3]].name.as_str(), s[users[3]].age), ("new", Some(3)));
        // A row that is gone is told, and the others are there.
        s.commit().unwrap();
        s.expire_all().unwrap();
        let id = aludel::orm::delete::<User>().filter(User::name.eq("u7"));
        let quiet = aludel::orm::Synchronize::None;
        s.execute_delete(id.synchronize(quiet)).unwrap();
        let error = s.load_all(&users, User::age).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ObjectDeleted);
        assert_eq!(s[users[8]].age, Some(8));
        s.rollback().unwrap();
    });
}

#[test]
fn classes_and_relationships() {
    each("load_classes", |case| {
        let s = &mut case.session;
        let engineer = |n: i64| Engineer {
            person: Person { name: format!("e{n}"), ..Person::default() },
            language: format!("l{n}"),
        };
        s.bulk_insert(&(0..5).map(engineer).collect::<Vec<_>>()).unwrap();
        let people = s.all(select::<Person>().order_by(Person::name)).unwrap();
        let engineers: Vec<Handle<Engineer>> =
            people.iter().map(|p| s.downcast(*p).unwrap()).collect();
        case.sent.take();
        s.load_all(&engineers, Engineer::language).unwrap();
        assert_eq!(case.sent.take().len(), 1);
        assert_eq!(s[engineers[4]].language, "l4");
        let users = s.insert_returning(insert(vec![user("ed", 1), user("jack", 2)])).unwrap();
        let user_id = s[users[1]].id.get().copied();
        s.bulk_insert(&[Address { email: "j".into(), user_id, ..Address::default() }]).unwrap();
        s.expunge_all().unwrap();
        let users =
            s.all(select::<User>().order_by(User::id).options(load_only([User::id]))).unwrap();
        case.sent.take();
        let all = [AttributeKey::from(User::name), User::addresses.into(), User::bio.into()];
        s.load_attributes(&users, all).unwrap();
        assert_eq!(case.sent.take().len(), 2);
        assert!(s.is_loaded(users[0], User::bio).unwrap());
        assert_eq!(
            s.get_attribute(users[1], User::name, aludel::orm::attributes::Passive::NO_FETCH)
                .unwrap()
                .unwrap(),
            "jack"
        );
        assert_eq!(s.load(users[1], User::addresses).unwrap().len(), 1);
        assert!(case.sent.take().is_empty());
    });
}

#[test]
fn what_may_not_be_loaded() {
    each("load_refused", |case| {
        let s = &mut case.session;
        s.bulk_insert(&papers(3)).unwrap();
        let query = select::<Paper>().options(defer_raise(Paper::summary));
        let all = s.all(query).unwrap();
        case.sent.take();
        let error = s.load_all(&all, Paper::summary).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        assert!(case.sent.take().is_empty());
        // Guards count statements.
        let guard = s.guard(LoadLimit::none().lazy(1));
        s.load_all(&all, Paper::body).unwrap();
        drop(guard);
    });
}
