//! Rows in great numbers, without objects.

use aludel::insert;
use aludel::prelude::*;

use crate::each;
use crate::model::{Engineer, Gadget, Grade, Person, Thing, User, user};

#[test]
fn twenty_thousand() {
    each("many", |case| {
        let s = &mut case.session;
        let rows: Vec<User> = (0..20_000)
            .map(|n| User {
                age: (n % 2 == 0).then_some(n),
                bio: Deferred::Loaded((n % 3 == 0).then(|| format!("é\t{n}\n\\N"))),
                ..user(&format!("u{n}"), n)
            })
            .collect();
        s.bulk_insert(&rows).unwrap();
        assert!(s.persistent_objects().is_empty());
        let query = select::<User>().order_by(User::id).columns((
            User::name,
            User::age,
            User::bio,
            User::status,
        ));
        let found = s.rows(query).unwrap();
        assert_eq!(found.len(), rows.len());
        for (row, (name, age, bio, status)) in rows.iter().zip(found) {
            assert_eq!((&row.name, row.age, row.bio.get()), (&name, age, Some(&bio)));
            assert_eq!(status, "new");
        }
        // What is updated, a batch at a time.
        let changed: Vec<User> = (1..=20_000)
            .map(|id| User { id: Auto::Set(id), age: Some(-id), ..User::default() })
            .collect();
        s.bulk_update(&changed, [User::age]).unwrap();
        assert_eq!(s.count(select::<User>().filter(User::age.lt(0))).unwrap(), 20_000);
        s.rollback().unwrap();
        assert_eq!(s.count(select::<User>()).unwrap(), 0);
    });
}

#[test]
fn table_by_table() {
    each("many_tables", |case| {
        let s = &mut case.session;
        let rows: Vec<Engineer> = (0..9_000)
            .map(|n| Engineer {
                person: Person { name: format!("p{n}"), ..Person::default() },
                language: format!("l{n}"),
            })
            .collect();
        s.bulk_insert(&rows).unwrap();
        let query = select::<Engineer>().columns((Person::name, Person::kind, Engineer::language));
        let found = s.rows(query).unwrap();
        assert_eq!(found.len(), 9_000);
        for (name, kind, language) in found {
            assert_eq!((&name[1..], kind.as_str()), (&language[1..], "engineer"));
        }
        let rows: Vec<Grade> = (0..9_000)
            .map(|n| Grade { student: format!("s{n}"), course: "c".into(), points: n })
            .collect();
        s.bulk_insert(&rows).unwrap();
        assert_eq!(s.count(select::<Grade>()).unwrap(), 9_000);
        let tags: Vec<_> =
            (0..1_000).map(|n| case.tag.record().with("name", format!("t{n}")).unwrap()).collect();
        s.bulk_insert(&tags).unwrap();
        assert_eq!(s.count(case.tag.select()).unwrap(), 1_000);
    });
}

#[test]
fn keys_that_the_program_makes() {
    each("made_keys", |case| {
        let s = &mut case.session;
        let gadget = |n: i64| Gadget {
            thing: Thing {
                id: if n % 3 == 0 { Auto::Set(format!("given {n}")) } else { Auto::Unset },
                ..Thing::default()
            },
            name: format!("g{n}"),
        };
        s.bulk_insert(&(0..600).map(gadget).collect::<Vec<_>>()).unwrap();
        let given = vec![gadget(600), gadget(603)];
        s.bulk_insert(&given).unwrap();
        let more = s.insert_returning(insert((601..603).map(gadget).collect::<Vec<_>>())).unwrap();
        assert_eq!(s[more[1]].name, "g602");
        // Each row of one table has its row in the other.
        let all = s.all(select::<Gadget>()).unwrap();
        assert_eq!(all.len(), 604);
        for gadget in all {
            let (id, name) = (s[gadget].thing.id.get().unwrap(), &s[gadget].name);
            let n: i64 = name[1..].parse().unwrap();
            assert_eq!(id.starts_with("given"), n % 3 == 0, "{id} {name}");
        }
    });
}
