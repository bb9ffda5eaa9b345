//! INSERT of rows, with their objects.

use aludel::events::Executed;
use aludel::orm::Datum;
use aludel::prelude::*;
use aludel::sql::{IntoQuery, func};
use aludel::{Value, insert};

use crate::each;
use crate::model::{Address, Engineer, Grade, Intern, Person, User, user};

#[test]
fn objects_come_in_the_order_of_the_rows() {
    each("order", |case| {
        let s = &mut case.session;
        // More than one batch, and shapes that change on the way.
        let rows: Vec<User> = (0..5000)
            .map(|n| User {
                id: if n % 7 == 3 { Auto::Set(100_000 - n) } else { Auto::Unset },
                status: if n % 2_000 == 0 { Auto::Set("old".into()) } else { Auto::Unset },
                ..user(&format!("u{n}"), n)
            })
            .collect();
        let users = s.insert_returning(insert(&rows)).unwrap();
        assert_eq!(users.len(), 5000);
        for (row, user) in rows.iter().zip(&users) {
            let object = &s[*user];
            assert_eq!((&object.name, object.age), (&row.name, row.age));
            assert!(row.id.get().is_none() || row.id == object.id);
            let status = if row.status.get().is_some() { "old" } else { "new" };
            assert_eq!(object.status.get().map(String::as_str), Some(status));
        }
        assert_eq!(s.state(users[0]).unwrap(), ObjectState::Persistent);
        assert!(s.dirty_objects().is_empty());
        // They are in the identity map; what is deferred is read when it is asked for.
        let id = *s[users[17]].id.get().unwrap();
        case.sent.take();
        assert_eq!(s.get::<User>(id).unwrap(), Some(users[17]));
        assert_eq!(case.sent.take(), [] as [String; 0]);
        assert!(!s.is_loaded(users[17], User::bio).unwrap());
        assert_eq!(s.load(users[17], User::bio).unwrap().get(), Some(&None));
        // They change as others do.
        s.set(users[17], User::age, 1).unwrap();
        s.commit().unwrap();
        assert_eq!(s.count(select::<User>().filter(User::age.eq(1))).unwrap(), 2);
        assert_eq!(s.insert_returning(insert(Vec::<User>::new())).unwrap(), []);
    });
}

#[test]
fn rows_alone() {
    each("rows", |case| {
        let s = &mut case.session;
        let rows = vec![
            user("ed", 1),
            User { bio: Deferred::Loaded(Some("b".into())), ..user("jack", 2) },
        ];
        assert_eq!(s.execute_insert(insert(&rows)).unwrap(), 2);
        s.bulk_insert(&[user("wendy", 3)]).unwrap();
        assert!(s.persistent_objects().is_empty());
        let query = select::<User>().order_by(User::id).columns((User::name, User::bio));
        let found = s.rows(query).unwrap();
        let found: Vec<_> =
            found.iter().map(|(name, bio)| (name.as_str(), bio.as_deref())).collect();
        assert_eq!(found, [("ed", None), ("jack", Some("b")), ("wendy", None)]);
        // A rollback takes them back.
        s.rollback().unwrap();
        assert_eq!(s.count(select::<User>()).unwrap(), 0);
    });
}

#[test]
fn classes_of_several_tables() {
    each("tables", |case| {
        let s = &mut case.session;
        let engineer = |name: &str, id: Auto<i64>| Engineer {
            person: Person { name: name.into(), id, ..Person::default() },
            language: format!("{name}'s"),
        };
        let rows: Vec<Engineer> = (0..300)
            .map(|n| {
                engineer(&format!("e{n}"), if n == 150 { Auto::Set(9000) } else { Auto::Unset })
            })
            .collect();
        case.sent.take();
        let engineers = s.insert_returning(insert(rows.clone())).unwrap();
        let sent = case.sent.take();
        assert_eq!(sent[0], "INSERT people x150");
        assert_eq!(sent.last().unwrap(), "INSERT engineers x300");
        for (row, engineer) in rows.iter().zip(&engineers) {
            assert_eq!(s[*engineer].language, row.language);
            assert_eq!(s[*engineer].person.name, row.person.name);
            assert_eq!(s[*engineer].person.kind, "engineer");
        }
        assert_eq!(s[engineers[150]].person.id, Auto::Set(9000));
        let intern = Intern {
            person: Person { name: "i".into(), ..Person::default() },
            until: Some("May".into()),
        };
        let interns = s.insert_returning(insert(vec![intern.clone()])).unwrap();
        assert_eq!(s[interns[0]].until.as_deref(), Some("May"));
        let person =
            s.insert_returning(insert(vec![Person { name: "p".into(), ..Person::default() }]));
        let person = person.unwrap()[0];
        assert_eq!(s[person].kind, "person");
        s.commit().unwrap();
        s.expunge_all().unwrap();
        assert_eq!(s.all(select::<Person>()).unwrap().len(), 302);
        assert_eq!(s.all(select::<Engineer>()).unwrap().len(), 300);
        s.bulk_insert(&[engineer("x", Auto::Unset), engineer("y", Auto::Set(9900))]).unwrap();
        let last = select::<Engineer>().filter(Engineer::language.in_(["x's", "y's"]));
        assert_eq!(s.all(last).unwrap().len(), 2);
    });
}

#[test]
fn keys_of_several_columns() {
    each("keys", |case| {
        let s = &mut case.session;
        let rows: Vec<Grade> = (0..140)
            .map(|n| Grade { student: format!("s{}", 140 - n), course: "c".into(), points: n })
            .collect();
        let grades = s.insert_returning(insert(&rows)).unwrap();
        for (row, grade) in rows.iter().zip(&grades) {
            assert_eq!(&s[*grade], row);
        }
        assert_eq!(s.get::<Grade>(("s3", "c")).unwrap(), Some(grades[137]));
    });
}

#[test]
fn expressions_for_every_row() {
    each("expressions", |case| {
        let s = &mut case.session;
        let base = s.insert_returning(insert(vec![user("base", 40)])).unwrap()[0];
        let oldest = select::<User>().columns(func::<Option<i64>>("max", (User::age,)));
        let rows = vec![user("a", 1), user("b", 2)];
        let insert = insert(rows)
            .set(User::age, oldest.scalar::<i64>())
            .set(User::status, func::<String>("lower", ("X",)));
        let users = s.insert_returning(insert).unwrap();
        let ages: Vec<_> = users.iter().map(|u| (s[*u].age, s[*u].status.get().cloned())).collect();
        assert_eq!(ages, [(Some(40), Some("x".to_owned())), (Some(40), Some("x".to_owned()))]);
        assert_eq!(s[base].age, Some(40));
    });
}

#[test]
fn by_name_and_records() {
    each("named", |case| {
        let s = &mut case.session;
        let rows = vec![
            vec![("name", Value::from("ed")), ("age", Value::I64(1))],
            vec![
                ("age", Value::I64(2)),
                ("name", Value::from("jack")),
                ("status", Value::from("old")),
            ],
        ];
        let insert_named = s.insert_into("User", rows).unwrap();
        let ids = s.insert_by_returning(insert_named).unwrap();
        let value = |s: &blocking::Session, row: usize, name: &str| {
            s.get_named(ids[row].unwrap(), name).unwrap().unwrap()
        };
        assert_eq!(value(s, 0, "name"), Datum::from("ed"));
        assert_eq!(value(s, 0, "status"), Datum::from("new"));
        assert_eq!(value(s, 1, "name"), Datum::from("jack"));
        assert_eq!(value(s, 1, "status"), Datum::from("old"));
        let tags: Vec<_> =
            ["x", "y"].iter().map(|name| case.tag.record().with("name", *name).unwrap()).collect();
        let handles = s.insert_returning(insert(&tags)).unwrap();
        assert_eq!(s[handles[1]].get::<String>("name").map(String::as_str), Some("y"));
        assert_eq!(s[handles[1]].get::<i64>("uses"), Some(&1));
        // One class at a time.
        let name = if case.is_postgres { "OtherPostgres" } else { "OtherSqlite" };
        let other = case.registry.describe(name).table(name);
        let other = other.column::<Auto<i64>>("id", |c| c.primary_key()).finish().unwrap();
        let mixed = vec![tags[0].clone(), other.record()];
        let error = s.insert_returning(insert(mixed)).unwrap_err();
        assert!(error.message().contains("row 2 of 2 is of class Other"), "{error}");
        let rows = vec![vec![("nam", Value::from("z"))]];
        let wrong = s.insert_into("Tag", rows).unwrap();
        let error = s.insert_by(wrong).unwrap_err();
        assert!(error.message().contains("name"), "{error}");
    });
}

#[test]
fn what_comes_along_is_loaded() {
    each("along", |case| {
        let s = &mut case.session;
        let users = s.insert_returning(insert(vec![user("ed", 1), user("jack", 2)])).unwrap();
        let id = s[users[1]].id.get().copied();
        let address =
            |email: &str| Address { email: email.into(), user_id: id, ..Address::default() };
        let addresses = s.insert_returning(insert(vec![address("a"), address("b")])).unwrap();
        assert_eq!(s.load(users[1], User::addresses).unwrap().to_vec(), addresses);
        assert_eq!(s.load(addresses[0], Address::user).unwrap().get(), Some(users[1]));
        assert!(s.load(users[0], User::addresses).unwrap().is_empty());
    });
}

#[test]
fn listeners_hear_of_it() {
    each("heard", |case| {
        let s = &mut case.session;
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let of_statements = std::sync::Arc::clone(&heard);
        s.on(StatementEvent::DoOrmExecute, move |_, told| {
            if told.what != Executed::Select {
                of_statements.lock().unwrap().push(format!("{:?} {}", told.what, told.class));
            }
            Ok(())
        })
        .unwrap();
        let of_objects = std::sync::Arc::clone(&heard);
        s.on(ObjectEvent::Load.of::<User>(), move |s, told| {
            of_objects.lock().unwrap().push(format!("loaded {}", s[told.object].name));
            Ok(())
        })
        .unwrap();
        let rows = vec![user("ed", 1), user("jack", 2)];
        s.insert_returning(insert(rows)).unwrap();
        s.bulk_insert(&[user("wendy", 2)]).unwrap();
        let heard = heard.lock().unwrap();
        assert_eq!(*heard, ["Insert User", "loaded ed", "loaded jack", "Insert User"]);
    });
}
