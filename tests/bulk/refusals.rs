//! What is refused, and what is left of it.

use aludel::prelude::*;
use aludel::{Error, ErrorKind, insert};

use crate::each;
use crate::model::{Address, Grade, User, user};

#[test]
fn errors_name_the_class_and_the_row() {
    each("errors", |case| {
        let s = &mut case.session;
        s.bulk_insert(&[user("taken", 1)]).unwrap();
        s.commit().unwrap();
        let mut rows: Vec<User> = (0..30).map(|n| user(&format!("u{n}"), n)).collect();
        rows[20] = user("taken", 1);
        let error = s.execute_insert(insert(&rows)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        let message = error.message();
        // A batch that PostgreSQL refuses does not say which row it was.
        let wanted = match case.is_postgres {
            true => "inserting 30 rows of User",
            false => "inserting row 21 of 30 of User",
        };
        assert!(message.starts_with(wanted), "{message}");
        s.rollback().unwrap();
        // In greater numbers they are copied there, and it does.
        let mut many: Vec<User> = (0..9000).map(|n| user(&format!("m{n}"), n)).collect();
        many[8700] = user("taken", 1);
        let error = s.bulk_insert(&many).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        assert!(error.message().starts_with("inserting row 8701 of 9000 of User"), "{error}");
        s.rollback().unwrap();
        // One that is sent row by row does.
        let upsert = insert(&rows).on_conflict_do_nothing([User::id]);
        let error = s.insert_returning(upsert).unwrap_err();
        assert!(error.message().starts_with("inserting row 21 of 30 of User"), "{error}");
        s.rollback().unwrap();
        assert_eq!(s.count(select::<User>()).unwrap(), 1);
    });
}

#[test]
fn new_objects_in_relationships_are_not_lost() {
    each("related", |case| {
        let s = &mut case.session;
        let address = Address { email: "e".into(), ..Address::default() };
        let rows = [user("ed", 1), User { addresses: many![address.clone()], ..user("jack", 1) }];
        let error = s.bulk_insert(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(
            error.message().starts_with("row 2 of 2 of User has new objects in `addresses`"),
            "{error}"
        );
        let rows = [Address { user: One::from(user("ed", 1)), ..address }];
        let error = s.insert_returning(insert(&rows)).unwrap_err();
        assert!(
            error.message().starts_with("row 1 of 1 of Address has new objects in `user`"),
            "{error}"
        );
        assert!(!s.in_transaction());
    });
}

#[test]
fn what_makes_no_sense() {
    each("nonsense", |case| {
        let s = &mut case.session;
        let rows = [user("ed", 1)];
        let said = insert(&rows).conflict_set(User::age, 1);
        let error = s.execute_insert(said).unwrap_err();
        assert!(error.message().contains("no `on_conflict_do_update`"), "{error}");
        let said = insert(&rows).on_conflict_do_update([User::name]);
        let error = s.execute_insert(said).unwrap_err();
        assert!(error.message().contains("sets nothing"), "{error}");
        let target = aludel::orm::AttributeKey::from(User::addresses);
        let error = s.execute_insert(insert(&rows).on_conflict_do_nothing([target])).unwrap_err();
        assert!(error.message().contains("User.addresses is not a column"), "{error}");
        assert_eq!(s.count(select::<User>()).unwrap(), 0);
    });
}

#[test]
fn listeners_refuse() {
    each("listeners", |case| {
        let s = &mut case.session;
        s.bulk_insert(&[Grade { student: "s".into(), course: "c".into(), points: 1 }]).unwrap();
        let refuse = || Error::new(ErrorKind::Validation, "not today");
        let refusal = s.on(StatementEvent::DoOrmExecute, move |_, told| {
            if told.class == "Grade" && told.what != aludel::events::Executed::Select {
                Err(refuse())
            } else {
                Ok(())
            }
        });
        let refusal = refusal.unwrap();
        let grade = || Grade { student: "s".into(), course: "d".into(), points: 2 };
        let changed = Grade { student: "s".into(), course: "c".into(), points: 9 };
        let grades = |s: &mut blocking::Session| {
            s.rows(select::<Grade>().columns((Grade::course, Grade::points))).unwrap()
        };
        assert_eq!(s.bulk_insert(&[grade()]).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(
            s.insert_returning(insert(vec![grade()])).unwrap_err().kind(),
            ErrorKind::Validation
        );
        assert_eq!(
            s.bulk_update(std::slice::from_ref(&changed), [Grade::points]).unwrap_err().kind(),
            ErrorKind::Validation
        );
        let update = aludel::orm::update::<Grade>().set(Grade::points, 0);
        assert_eq!(s.execute_update(update).unwrap_err().kind(), ErrorKind::Validation);
        let delete = aludel::orm::delete::<Grade>();
        assert_eq!(s.execute_delete(delete).unwrap_err().kind(), ErrorKind::Validation);
        // Nothing was sent, and the session goes on.
        assert_eq!(grades(s), [("c".to_owned(), 1)]);
        s.off(refusal);
        s.bulk_update(&[changed], [Grade::points]).unwrap();
        assert_eq!(grades(s), [("c".to_owned(), 9)]);
        // What is refused after it was done stays for the program to roll back.
        for event in [StatementEvent::AfterBulkUpdate, StatementEvent::AfterBulkDelete] {
            let refusal =
                s.on(event, move |_, _| Err(Error::new(ErrorKind::Validation, "no"))).unwrap();
            let error = match event {
                StatementEvent::AfterBulkUpdate => s
                    .execute_update(aludel::orm::update::<Grade>().set(Grade::points, 0))
                    .unwrap_err(),
                _ => s.execute_delete(aludel::orm::delete::<Grade>()).unwrap_err(),
            };
            assert_eq!(error.kind(), ErrorKind::Validation);
            s.off(refusal);
        }
        s.rollback().unwrap();
        assert_eq!(grades(s), []);
    });
}
