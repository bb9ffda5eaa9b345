//! Large results in batches.

use aludel::prelude::*;
use aludel::sql::func;
use aludel::{Value, insert};

use crate::each;
use crate::model::{Address, Engineer, Person, User, user};

/// More than the keys that are read at once.
const MANY: i64 = 20_000;

#[test]
fn keys_are_read_in_parts() {
    each("parts", |case| {
        let s = &mut case.session;
        // Ages repeat, and some are missing.
        let age = |n: i64| (n % 7 != 0).then_some(n % 11);
        let rows: Vec<User> =
            (0..MANY).map(|n| User { age: age(n), ..user(&format!("u{n}"), 0) }).collect();
        s.bulk_insert(&rows).unwrap();
        s.commit().unwrap();
        let queries = [
            select::<User>().order_by(User::age),
            select::<User>().order_by((User::age.desc(), User::name)),
            select::<User>().order_by(User::age.desc().nulls_last()).limit(18_000).offset(10),
            select::<User>().filter(User::age.eq(3)),
        ];
        for query in queries {
            // The order of `all`, with the key at its end, as the stream has it.
            let whole = query.clone().order_by(User::id).columns(User::id);
            let whole = s.rows(whole).unwrap();
            let mut found = Vec::with_capacity(whole.len());
            case.sent.take();
            let mut stream = s.stream(query, 3000).unwrap();
            while let Some(batch) = s.next_batch(&mut stream).unwrap() {
                assert!(batch.len() <= 3000);
                found.extend(batch.iter().map(|user| *s[*user].id.get().unwrap()));
                s.expunge_all().unwrap();
            }
            assert!(found == whole, "{} of {}", found.len(), whole.len());
            // One query of keys for 16,384 rows, one of objects for a batch.
            let sent = case.sent.take();
            let keys = whole.len() / 16_384 + 1;
            assert!(sent.len() <= keys + whole.len().div_ceil(3000), "{}", sent.len());
        }
    });
}

#[test]
fn the_session_is_free_between_batches() {
    each("free", |case| {
        let s = &mut case.session;
        let rows: Vec<User> = (0..20_000).map(|n| user(&format!("u{n}"), n)).collect();
        s.bulk_insert(&rows).unwrap();
        s.commit().unwrap();
        let mut stream = s.stream(select::<User>().order_by(User::id), 10_000).unwrap();
        let first = s.next_batch(&mut stream).unwrap().unwrap();
        assert_eq!(first.len(), 10_000);
        // What is written and committed, what is rolled back, what goes and what comes.
        s.set(first[0], User::age, -1).unwrap();
        s.commit().unwrap();
        let last = *s[first[9_999]].id.get().unwrap();
        let next = aludel::orm::delete::<User>().filter(User::id.eq(last + 1));
        s.execute_delete(next).unwrap();
        s.add(user("new", 0)).unwrap();
        s.commit().unwrap();
        s.execute_delete(aludel::orm::delete::<User>()).unwrap();
        s.rollback().unwrap();
        let mut rest = Vec::new();
        while let Some(batch) = s.next_batch(&mut stream).unwrap() {
            rest.extend(batch);
        }
        assert_eq!(rest.len(), 10_000);
        assert_eq!(s[rest[0]].name, "u10001");
        assert_eq!(s[*rest.last().unwrap()].name, "new");
        assert!(s.next_batch(&mut stream).unwrap().is_none());
    });
}

#[test]
fn eager_options_for_each_batch() {
    each("eager", |case| {
        let s = &mut case.session;
        let users: Vec<User> = (0..10).map(|n| user(&format!("u{n}"), n)).collect();
        let users = s.insert_returning(insert(&users)).unwrap();
        for (n, user) in users.iter().enumerate() {
            for m in 0..n % 4 {
                let email = format!("{n}.{m}");
                let address = s.add(Address { email, ..Address::default() }).unwrap();
                s.append(*user, User::addresses, address).unwrap();
            }
        }
        s.commit().unwrap();
        s.expunge_all().unwrap();
        for query in [
            select::<User>().options(selectin(User::addresses)),
            select::<User>().options(joined(User::addresses)),
            // Rows that a join repeats.
            select::<User>().outer_join(User::addresses).options(selectin(User::addresses)),
        ] {
            let mut stream = s.stream(query.order_by(User::age), 3).unwrap();
            let mut seen = Vec::new();
            while let Some(batch) = s.next_batch(&mut stream).unwrap() {
                seen.push(batch.len());
                for user in batch {
                    let n = s[user].age.unwrap();
                    let emails: Vec<&str> =
                        s[user].addresses.iter().map(|a| s[a].email.as_str()).collect();
                    let wanted: Vec<String> = (0..n % 4).map(|m| format!("{n}.{m}")).collect();
                    assert_eq!(emails, wanted);
                }
                s.expunge_all().unwrap();
            }
            assert_eq!(seen, [3, 3, 3, 1]);
        }
    });
}

#[test]
fn orders_that_no_condition_can_say() {
    each("orders", |case| {
        let s = &mut case.session;
        let rows: Vec<User> = (0..10).map(|n| user(&format!("u{n}"), n)).collect();
        s.bulk_insert(&rows).unwrap();
        let by = func::<i64>("abs", (User::age - 5,));
        let mut stream = s.stream(select::<User>().order_by((by, User::id)), 4).unwrap();
        let mut ages = Vec::new();
        while let Some(batch) = s.next_batch(&mut stream).unwrap() {
            ages.extend(batch.iter().map(|user| s[*user].age.unwrap()));
        }
        assert_eq!(ages, [5, 4, 6, 3, 7, 2, 8, 1, 9, 0]);
        let mut none = s.stream(select::<User>().limit(0), 4).unwrap();
        assert!(s.next_batch(&mut none).unwrap().is_none());
    });
}

#[test]
fn hierarchies_and_records() {
    each("stream_classes", |case| {
        let s = &mut case.session;
        let engineer = |n: i64| Engineer {
            person: Person { name: format!("e{n}"), ..Person::default() },
            language: "c".into(),
        };
        s.bulk_insert(&(0..5).map(engineer).collect::<Vec<_>>()).unwrap();
        s.bulk_insert(&[Person { name: "p".into(), ..Person::default() }]).unwrap();
        let mut people =
            s.stream(select::<Person>().along::<Engineer>().order_by(Person::name), 4).unwrap();
        let first = s.next_batch(&mut people).unwrap().unwrap();
        assert_eq!(s[first[3]].name, "e3");
        assert!(s.downcast::<_, Engineer>(first[0]).is_some());
        let tags: Vec<_> = ["b", "a", "c"]
            .iter()
            .map(|name| case.tag.record().with("name", *name).unwrap())
            .collect();
        s.bulk_insert(&tags).unwrap();
        let name = case.tag.attr::<String>("name").unwrap();
        let mut stream = s.stream(case.tag.select().order_by(name.desc()), 2).unwrap();
        let batch = s.next_batch(&mut stream).unwrap().unwrap();
        let names: Vec<_> = batch.iter().map(|tag| s[*tag].value("name").unwrap()).collect();
        assert_eq!(names, [Value::from("c"), Value::from("b")]);
        let query = s.query_named("Tag").unwrap();
        let mut stream = s.stream_of(query, 2).unwrap();
        let batch = s.next_batch(&mut stream).unwrap().unwrap();
        assert_eq!(batch.len(), 2);
        assert_eq!(s.next_batch(&mut stream).unwrap().unwrap().len(), 1);
    });
}
