//! UPDATE and DELETE by criteria, with what they did it to.

use aludel::orm::{Synchronize, delete, update};
use aludel::prelude::*;
use aludel::{insert, sql::func};

use crate::each;
use crate::model::{Day, Engineer, Person, User, user};

#[test]
fn objects_of_an_update() {
    each("updated", |case| {
        let s = &mut case.session;
        s.bulk_insert(&[user("ed", 10), user("jack", 20), user("wendy", 30)]).unwrap();
        let ed = s.one(select::<User>().filter(User::name.eq("ed"))).unwrap();
        case.sent.take();
        let older = update::<User>().set(User::age, User::age + 1).filter(User::age.lt(25));
        let mut users = s.update_returning(older).unwrap();
        users.sort_by_key(|user| s[*user].age);
        let ages: Vec<_> = users.iter().map(|u| (s[*u].name.as_str(), s[*u].age)).collect();
        assert_eq!(ages, [("ed", Some(11)), ("jack", Some(21))]);
        assert_eq!(users[0], ed);
        assert_eq!(case.sent.take().len(), 1);
        assert!(s.dirty_objects().is_empty());
        // What the database computes is there as well.
        let upper = func::<String>("upper", (User::name,));
        let named = update::<User>()
            .set(User::name, upper)
            .filter(User::id.eq(s[ed].id.get().copied().unwrap()));
        s.update_returning(named).unwrap();
        assert_eq!((s[ed].name.as_str(), s[ed].age), ("ED", Some(11)));
        // Objects that are there keep the rest of what they have, and all of it where nobody wants it changed.
        let quiet = update::<User>().set(User::age, 5).synchronize(Synchronize::None);
        assert_eq!(s.update_returning(quiet).unwrap().len(), 3);
        assert_eq!(s[ed].age, Some(11));
        s.rollback().unwrap();
        assert_eq!(s.count(select::<User>()).unwrap(), 0);
    });
}

#[test]
fn objects_that_lack_something() {
    each("lacking", |case| {
        let s = &mut case.session;
        let users = s.insert_returning(insert(vec![user("ed", 10)])).unwrap();
        s.expire(users[0]).unwrap();
        let older = update::<User>().set(User::bio, "long").set(User::age, 11);
        assert_eq!(s.update_returning(older).unwrap(), users);
        assert_eq!((s[users[0]].name.as_str(), s[users[0]].age), ("ed", Some(11)));
        assert!(!s.is_loaded(users[0], User::bio).unwrap());
        assert_eq!(s.load(users[0], User::bio).unwrap().get(), Some(&Some("long".to_owned())));
        // By name.
        let mut what = s.by_criteria("User").unwrap();
        what.set("age", aludel::sql::Node::value(3.into(), aludel::DataType::BigInt)).unwrap();
        assert_eq!(s.update_by_returning(what).unwrap(), [users[0].id()]);
        assert_eq!(s[users[0]].age, Some(3));
    });
}

#[test]
fn classes_of_several_tables() {
    each("returning_tables", |case| {
        let s = &mut case.session;
        let engineer = |name: &str| Engineer {
            person: Person { name: name.into(), ..Person::default() },
            language: "c".into(),
        };
        let engineers = s.insert_returning(insert(vec![engineer("a"), engineer("b")])).unwrap();
        s.bulk_insert(&[engineer("c")]).unwrap();
        let learns =
            update::<Engineer>().set(Engineer::language, "rust").filter(Person::name.ne("b"));
        let mut learned = s.update_returning(learns).unwrap();
        learned.sort_by_key(|e| s[*e].person.name.clone());
        assert_eq!(learned[0], engineers[0]);
        let found: Vec<_> =
            learned.iter().map(|e| (s[*e].person.name.as_str(), s[*e].language.as_str())).collect();
        assert_eq!(found, [("a", "rust"), ("c", "rust")]);
        assert_eq!(s[engineers[1]].language, "c");
        let mut gone =
            s.delete_returning(delete::<Engineer>().filter(Engineer::language.eq("rust"))).unwrap();
        gone.sort_by_key(|e| e.person.name.clone());
        let gone: Vec<_> =
            gone.iter().map(|e| (e.person.name.as_str(), e.language.as_str())).collect();
        assert_eq!(gone, [("a", "rust"), ("c", "rust")]);
        assert_eq!(s.state(engineers[0]).unwrap(), ObjectState::Deleted);
        assert_eq!(s.count(select::<Person>()).unwrap(), 1);
    });
}

#[test]
fn values_of_a_delete() {
    each("deleted", |case| {
        let s = &mut case.session;
        let users = s.insert_returning(insert(vec![user("ed", 10), user("jack", 20)])).unwrap();
        s.commit().unwrap();
        let old = delete::<User>().filter(User::age.gt(15));
        let gone = s.delete_returning(old).unwrap();
        assert_eq!((gone.len(), gone[0].name.as_str(), gone[0].age), (1, "jack", Some(20)));
        assert_eq!(gone[0].status.get().map(String::as_str), Some("new"));
        assert_eq!(s.state(users[1]).unwrap(), ObjectState::Deleted);
        assert_eq!(s.state(users[0]).unwrap(), ObjectState::Persistent);
        s.rollback().unwrap();
        assert_eq!(s.state(users[1]).unwrap(), ObjectState::Persistent);
        // Records.
        let tags = vec![case.tag.record().with("name", "x").unwrap()];
        s.bulk_insert(&tags).unwrap();
        let gone = s.delete_returning(case.tag.delete()).unwrap();
        assert_eq!(gone[0].get::<String>("name").map(String::as_str), Some("x"));
    });
}

#[test]
fn listeners_hear_how_many() {
    each("returning_heard", |case| {
        let s = &mut case.session;
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        for event in [
            StatementEvent::DoOrmExecute,
            StatementEvent::AfterBulkUpdate,
            StatementEvent::AfterBulkDelete,
        ] {
            let heard = std::sync::Arc::clone(&heard);
            s.on(event, move |_, told| {
                heard.lock().unwrap().push(format!("{event:?} {:?} {:?}", told.what, told.rows));
                if told.what == aludel::events::Executed::Update {
                    told.filter(User::age.lt(15));
                }
                Ok(())
            })
            .unwrap();
        }
        s.bulk_insert(&[user("ed", 10), user("jack", 20)]).unwrap();
        let updated = s.update_returning(update::<User>().set(User::age, 1)).unwrap();
        assert_eq!(updated.len(), 1);
        assert_eq!(s.delete_returning(delete::<User>()).unwrap().len(), 2);
        let wanted = [
            "DoOrmExecute Insert None",
            "DoOrmExecute Update None",
            "AfterBulkUpdate Update Some(1)",
            "DoOrmExecute Delete None",
            "AfterBulkDelete Delete Some(2)",
        ];
        assert_eq!(*heard.lock().unwrap(), wanted);
    });
}

#[test]
fn keys_that_rows_have_in_another_form() {
    each("dated", |case| {
        let s = &mut case.session;
        let day = jiff::civil::date(2026, 1, 2);
        let added = s.add(Day { day, visits: 1 }).unwrap();
        s.add(Day { day: jiff::civil::date(2026, 1, 3), visits: 1 }).unwrap();
        s.commit().unwrap();
        let more = update::<Day>().set(Day::visits, Day::visits + 1).filter(Day::day.eq(day));
        assert_eq!(s.execute_update(more.clone().synchronize(Synchronize::Fetch)).unwrap(), 1);
        s.refresh(added).unwrap();
        assert_eq!(s[added].visits, 2);
        assert_eq!(s.update_returning(more).unwrap(), [added]);
        assert_eq!(s[added].visits, 3);
        let gone = delete::<Day>().filter(Day::visits.eq(3)).synchronize(Synchronize::Fetch);
        assert_eq!(s.execute_delete(gone).unwrap(), 1);
        assert_eq!(s.inspect(added).unwrap().state(), aludel::ObjectState::Deleted);
        assert_eq!(s.get::<Day>(aludel::orm::By(day)).unwrap(), None);
    });
}

#[test]
fn what_a_savepoint_takes_back() {
    each("taken_back", |case| {
        let s = &mut case.session;
        let ed = s.insert_returning(insert(vec![user("ed", 10)])).unwrap()[0];
        s.commit().unwrap();
        let older = || update::<User>().set(User::age, 11);
        let fetched = older().synchronize(Synchronize::Fetch);
        let upsert = insert(vec![user("ed", 11)])
            .on_conflict_do_update([User::name])
            .conflict_set_excluded([User::age])
            .populate_existing();
        for way in ["updated", "fetched", "given back", "upserted"] {
            s.begin_nested().unwrap();
            match way {
                "updated" => assert_eq!(s.execute_update(older()).unwrap(), 1),
                "fetched" => assert_eq!(s.execute_update(fetched.clone()).unwrap(), 1),
                "given back" => assert_eq!(s.update_returning(older()).unwrap(), [ed]),
                _ => assert_eq!(s.insert_returning(upsert.clone()).unwrap(), [ed]),
            }
            assert_eq!(s[ed].age, Some(11), "{way}");
            s.rollback_nested().unwrap();
            assert!(!s.is_loaded(ed, User::age).unwrap(), "{way}");
            s.refresh(ed).unwrap();
            assert_eq!(s[ed].age, Some(10), "{way}");
        }
    });
}
