//! Pages by key.

use aludel_orm::{ErrorKind, Handle, Page, Session, joined, select, selectin};
use aludel_sql::{Expression, Value};

use crate::databases;
use crate::zoo::{Address, Db, Enrollment, User};

/// Walks through all pages, forwards and then backwards; gives the keys, and checks that both agree.
fn walk(db: &Db, s: &mut Session, query: &aludel_orm::Select<User>, size: u32) -> Vec<i64> {
    let key = |s: &Session, user: &Handle<User>| *s.value(*user, User::id).unwrap().get().unwrap();
    let mut forwards = Vec::new();
    let mut page = db.run(s.page(query.clone(), Page::first(size)));
    assert_eq!(page.previous, None);
    loop {
        assert!(page.items.len() <= size as usize);
        forwards.extend(page.items.iter().map(|user| key(s, user)));
        let Some(next) = page.next.clone() else { break };
        // A cursor is a text on its way.
        let next = next.to_string().parse().unwrap();
        page = db.run(s.page(query.clone(), Page::after(next, size)));
    }
    let mut backwards = Vec::new();
    let mut page = db.run(s.page(query.clone(), Page::last(size)));
    assert_eq!(page.next, None);
    loop {
        backwards.splice(0..0, page.items.iter().map(|user| key(s, user)));
        let Some(previous) = page.previous.clone() else { break };
        page = db.run(s.page(query.clone(), Page::before(previous, size)));
    }
    assert_eq!(forwards, backwards);
    forwards
}

#[test]
fn composite_orders_with_nulls_both_ways() {
    Db::each(|db| {
        databases::run_script(
            &db.engine,
            "INSERT INTO users (id, name, fullname, age) VALUES (4, 'ed', NULL, 30), (5, 'ed', 'A', 30), \
             (6, 'zoe', 'A', 20), (7, 'zoe', NULL, 40)",
        );
        let mut s = db.session();
        let users = || select::<User>();
        for size in [1, 2, 3, 7, 10] {
            assert_eq!(walk(&db, &mut s, &users(), size), [1, 2, 3, 4, 5, 6, 7]);
            let by_name = users().order_by((User::name, User::id.desc()));
            assert_eq!(walk(&db, &mut s, &by_name, size), [5, 4, 1, 2, 3, 7, 6]);
            // Of NULLs: first in an ascending order, last in a descending one, or as it says.
            let ascending = users().order_by(User::fullname);
            assert_eq!(walk(&db, &mut s, &ascending, size), [2, 3, 4, 7, 5, 6, 1]);
            let descending = users().order_by((User::fullname.desc(), User::age.desc()));
            assert_eq!(walk(&db, &mut s, &descending, size), [1, 5, 6, 3, 7, 4, 2]);
            let last = users().order_by((User::fullname.asc().nulls_last(), User::age));
            assert_eq!(walk(&db, &mut s, &last, size), [6, 5, 1, 2, 4, 3, 7]);
            // Expressions, and conditions.
            let sums = users().order_by((User::id * 2).desc()).filter(User::id.gt(2));
            assert_eq!(walk(&db, &mut s, &sums, size), [7, 6, 5, 4, 3]);
        }
    });
}

#[test]
fn what_comes_along_and_what_moves() {
    Db::each(|db| {
        let mut s = db.session();
        let query = select::<User>().order_by(User::name.desc());
        let along = query.clone().options((joined(User::addresses), selectin(User::orders)));
        db.selects();
        let page = db.run(s.page(along, Page::first(2)));
        assert_eq!(db.selects(), 2);
        let names: Vec<&str> = page.items.iter().map(|user| s[*user].name.as_str()).collect();
        assert_eq!(names, ["none", "jack"]);
        assert_eq!(s[page.items[1]].addresses.len(), 1);
        // A row that goes before the cursor does not move what comes after it.
        db.run(s.delete(page.items[0]));
        db.run(s.flush());
        let next = db.run(s.page(query.clone(), Page::after(page.next.unwrap(), 2)));
        assert_eq!((next.items.len(), next.next), (1, None));
        assert_eq!(s[next.items[0]].name, "ed");
        let before = db.run(s.page(query, Page::before(next.previous.unwrap(), 2)));
        assert_eq!(s[before.items[0]].name, "jack");
        assert!(before.next.is_some() && before.previous.is_none());
        // By columns of a reference that is joined; composite keys; by name.
        let query = select::<Address>().outer_join(Address::user).order_by(User::name);
        let page = db.run(s.page(query.clone(), Page::first(2)));
        assert_eq!(s[page.items[0]].email, "nobody@x", "whose user is NULL");
        let page = db.run(s.page(query, Page::after(page.next.unwrap(), 5)));
        assert_eq!(page.items.len(), 2);
        let query = select::<Enrollment>().order_by(Enrollment::grade.desc());
        let page = db.run(s.page(query.clone(), Page::first(2)));
        let page = db.run(s.page(query, Page::after(page.next.unwrap(), 2)));
        assert_eq!(s[page.items[0]].student, 2);
        let query = s.query_named("User").unwrap();
        let name = query.entity().attr("name").unwrap();
        let query = query.order_by(name, true);
        let page = db.run(s.page_of(query.clone(), Page::first(1)));
        let page = db.run(s.page_of(query, Page::after(page.next.unwrap(), 1)));
        let name = s.get_named(page.items[0], "name").unwrap();
        assert_eq!(name, Some(Value::from("ed").into()));
    });
}

#[test]
fn what_is_no_page() {
    let db = Db::new();
    let mut s = db.session();
    let query = || select::<User>().order_by(User::name);
    let page = db.run(s.page(query(), Page::first(1)));
    let cursor = page.next.unwrap();
    let mut refused = |query, page, why: &str| {
        let error = db.try_run(s.page(query, page)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(error.to_string().contains(why), "{error}");
    };
    refused(query(), Page::first(0), "a page holds one object at least");
    refused(query().limit(3), Page::first(1), "takes the place of a limit");
    refused(query().join(User::addresses), Page::first(1), "use `any`");
    let other = select::<User>().order_by(User::name.desc());
    refused(other, Page::after(cursor.clone(), 1), "a query with another order");
    let text = cursor.to_string();
    for wrong in ["", "!", "AAAA", &text[..text.len() - 3], &format!("{text}AAAA")] {
        match wrong.parse() {
            Ok(cursor) => refused(query(), Page::after(cursor, 1), "the cursor is"),
            Err(error) => {
                assert!(aludel_orm::Error::to_string(&error).contains("the cursor is malformed"))
            }
        }
    }
}
