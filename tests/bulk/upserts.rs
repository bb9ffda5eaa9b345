//! Rows that are there already.

use aludel::orm::Datum;
use aludel::prelude::*;
use aludel::{ErrorKind, Value, excluded, insert};

use crate::each;
use crate::model::{Day, Engineer, Intern, Person, User, user};

#[test]
fn an_update_in_place() {
    each("update", |case| {
        let s = &mut case.session;
        let ed = s.add(user("ed", 10)).unwrap();
        s.commit().unwrap();
        let rows = [user("ed", 20), user("jack", 30)];
        let upsert = insert(&rows)
            .on_conflict_do_update([User::name])
            .conflict_set_excluded([User::age])
            .conflict_set(User::status, "again");
        case.sent.take();
        // An object that is there keeps what it has.
        let users = s.insert_returning(upsert.clone()).unwrap();
        assert_eq!(users[0], ed);
        assert_eq!((s[ed].age, s[users[1]].age), (Some(10), Some(30)));
        let sent = case.sent.take();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(
            sent[0].ends_with("x2") && sent[0].contains(r#"SET "age" = excluded."age""#),
            "{sent:?}"
        );
        // Unless it is asked for.
        let mut rows = rows.clone();
        rows[1].age = Some(31);
        let upsert = insert(&rows)
            .on_conflict_do_update([User::name])
            .conflict_set_excluded([User::age])
            .populate_existing();
        assert_eq!(s.insert_returning(upsert).unwrap(), users);
        assert_eq!((s[ed].age, s[users[1]].age), (Some(20), Some(31)));
        assert_eq!(s[ed].status.get().map(String::as_str), Some("again"));
        s.commit().unwrap();
        assert_eq!(s.count(select::<User>()).unwrap(), 2);
    });
}

#[test]
fn pending_changes_are_flushed_first() {
    each("pending", |case| {
        let s = &mut case.session;
        let ed = s.add(user("ed", 10)).unwrap();
        let upsert = || {
            insert(vec![user("ed", 20)])
                .on_conflict_do_update([User::name])
                .conflict_set(User::age, User::age + excluded(User::age))
                .populate_existing()
        };
        assert_eq!(s.insert_returning(upsert()).unwrap(), [ed]);
        assert_eq!(s[ed].age, Some(30));
        s.set(ed, User::age, 1).unwrap();
        assert_eq!(s.insert_returning(upsert()).unwrap(), [ed]);
        assert_eq!(s[ed].age, Some(21));
        assert!(s.dirty_objects().is_empty());
    });
}

#[test]
fn a_row_that_comes_twice() {
    each("twice", |case| {
        let s = &mut case.session;
        let rows = [user("ed", 1), user("jack", 5), user("ed", 2)];
        let upsert = insert(&rows)
            .on_conflict_do_update([User::name])
            .conflict_set(User::age, User::age * 10 + excluded(User::age));
        let users = s.insert_returning(upsert.clone()).unwrap();
        assert_eq!((users.len(), users[0]), (3, users[2]));
        // The object has what the row has at last.
        assert_eq!(s[users[0]].age, Some(12));
        assert_eq!(s.execute_insert(upsert).unwrap(), 3);
        s.refresh(users[0]).unwrap();
        assert_eq!(s[users[0]].age, Some(1212));
    });
}

#[test]
fn what_is_left_out() {
    each("nothing", |case| {
        let s = &mut case.session;
        s.bulk_insert(&[user("ed", 1)]).unwrap();
        let rows = [user("jack", 2), user("ed", 2), user("wendy", 2)];
        let new = insert(&rows).on_conflict_do_nothing([User::name]);
        let users = s.insert_returning_each(new.clone()).unwrap();
        assert_eq!(users.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(s[users[2].unwrap()].name, "wendy");
        assert_eq!(s.insert_returning(new.clone()).unwrap(), []);
        assert_eq!(s.execute_insert(new).unwrap(), 0);
        assert_eq!(s.execute_insert(insert(&rows).on_any_conflict_do_nothing()).unwrap(), 0);
        // A condition: only who gets older.
        let rows = [user("jack", 1), user("wendy", 9)];
        let older = insert(&rows)
            .on_conflict_do_update([User::name])
            .conflict_set_excluded([User::age])
            .conflict_filter(User::age.lt(excluded(User::age)))
            .populate_existing();
        let users = s.insert_returning_each(older).unwrap();
        assert_eq!((users[0], s[users[1].unwrap()].age), (None, Some(9)));
    });
}

#[test]
fn by_name_and_records() {
    each("upsert_named", |case| {
        let s = &mut case.session;
        let tag = case.tag;
        let upsert = |s: &blocking::Session, name: &str| {
            let mut insert = s.insert_into("Tag", vec![vec![("name", Value::from(name))]]).unwrap();
            insert.on_conflict_do_update(&["name"]).unwrap();
            let uses = tag.attr::<i64>("uses").unwrap() + 1;
            insert.conflict_set("uses", aludel::sql::IntoNode::into_node(uses)).unwrap();
            insert.populate_existing();
            insert
        };
        let first = upsert(s, "x");
        let first = s.insert_by_returning(first).unwrap();
        let second = upsert(s, "x");
        let second = s.insert_by_returning(second).unwrap();
        assert_eq!(first, second);
        let uses = s.get_named(first[0].unwrap(), "uses").unwrap();
        assert_eq!(uses, Some(Datum::from(2)));
        let record = tag.record().with("name", "x").unwrap();
        let uses = tag.attr::<i64>("uses").unwrap();
        let name = tag.attr::<String>("name").unwrap();
        let third = insert(vec![record])
            .on_conflict_do_update([name])
            .conflict_set(uses, excluded(uses) + 10)
            .populate_existing();
        let third = s.insert_returning(third).unwrap();
        assert_eq!(s[third[0]].get::<i64>("uses"), Some(&11));
    });
}

#[test]
fn hierarchies() {
    each("upsert_classes", |case| {
        let s = &mut case.session;
        let named = |name: &str| Person { name: name.into(), ..Person::default() };
        let intern = Intern { person: named("i"), until: Some("May".into()) };
        let upsert = |until: &str| {
            let intern = Intern { until: Some(until.into()), ..intern.clone() };
            insert(vec![intern])
                .on_conflict_do_update([Person::name])
                .conflict_set_excluded([Intern::until])
                .populate_existing()
        };
        let first = s.insert_returning(upsert("May")).unwrap();
        assert_eq!(s.insert_returning(upsert("June")).unwrap(), first);
        assert_eq!(s[first[0]].until.as_deref(), Some("June"));
        // Of the base: the object is of the class that the row says.
        let people = insert(vec![named("i")])
            .on_conflict_do_update([Person::name])
            .conflict_set_excluded([Person::name]);
        let people = s.insert_returning(people).unwrap();
        assert_eq!(people[0].id(), first[0].id());
        // Rows of several tables have no one conflict.
        let engineers = insert(vec![Engineer { person: named("e"), ..Engineer::default() }])
            .on_conflict_do_nothing([Person::name]);
        let error = s.insert_returning(engineers).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("rows of Engineer are in 2 tables"), "{error}");
    });
}

#[test]
fn objects_of_a_rolled_back_upsert() {
    each("rolled_back", |case| {
        let s = &mut case.session;
        s.bulk_insert(&[user("ed", 1)]).unwrap();
        s.commit().unwrap();
        let upsert = insert(vec![user("ed", 2), user("jack", 3)])
            .on_conflict_do_update([User::name])
            .conflict_set_excluded([User::age]);
        let users = s.insert_returning(upsert).unwrap();
        s.rollback().unwrap();
        s.refresh(users[0]).unwrap();
        assert_eq!(s[users[0]].age, Some(1));
        assert!(s.refresh(users[1]).is_err());
    });
}

#[test]
fn keys_that_rows_have_in_another_form() {
    each("upsert_dated", |case| {
        let s = &mut case.session;
        let day = |n, visits| Day { day: jiff::civil::date(2026, 1, n), visits };
        let there = s.add(day(1, 10)).unwrap();
        s.commit().unwrap();
        let upsert = |rows| {
            insert(rows).on_conflict_do_update([Day::day]).conflict_set_excluded([Day::visits])
        };
        // One that is there keeps what it has; one whose row is written twice has what it has at last.
        let days = s.insert_returning(upsert(vec![day(1, 20), day(2, 1), day(2, 2)])).unwrap();
        assert_eq!((days[0], days[1]), (there, days[2]));
        assert_eq!((s[there].visits, s[days[1]].visits), (10, 2));
        let days = s.insert_returning(upsert(vec![day(1, 30)]).populate_existing()).unwrap();
        assert_eq!((days[0], s[there].visits), (there, 30));
    });
}
