//! Several entities in a row, and objects from statements.

use aludel_orm::{
    Datum, ErrorKind, Handle, aliased, joined, load_only, loader_criteria, object, select, selectin,
};
use aludel_sql::{Expression, IntoQuery, Statement};

use crate::zoo::{Address, Db, Enrollment, Exam, Node, Order, Profile, User};

#[test]
fn several_entities_and_values() {
    Db::each(|db| {
        let mut s = db.session();
        let query = select::<User>().join(User::addresses).order_by(Address::id);
        let columns = (object::<User>(), object::<Address>(), Address::email, User::age + 1);
        let rows: Vec<(Handle<User>, Handle<Address>, String, i32)> =
            db.run(s.rows(query.columns(columns)));
        assert_eq!(db.selects(), 1);
        assert_eq!(rows.len(), 3);
        let (ed, address, email, older) = &rows[1];
        assert_eq!((s[*ed].name.as_str(), email.as_str(), *older), ("ed", "ed@y", 31));
        assert_eq!(s[*address].email, "ed@y");
        // Each row is given, and its objects are those of the identity map.
        assert_eq!(rows[0].0, *ed);
        assert_eq!(db.run(s.get::<User>(1)), Some(*ed));
        assert_eq!(db.selects(), 0);
        // One alone, and the order of the columns as it is said.
        let query = select::<Address>().join(Address::user).order_by(Address::id);
        let users = db.run(s.rows(query.clone().columns(object::<User>())));
        assert_eq!(users.len(), 3);
        let rows = db.run(s.rows(query.columns((Address::id, object::<User>(), User::name))));
        assert_eq!(rows[2], (3, users[2], "jack".to_owned()));
    });
}

#[test]
fn what_an_outer_join_lacks() {
    Db::each(|db| {
        let mut s = db.session();
        let query = || select::<User>().outer_join(User::profile).order_by(User::id);
        let rows = db.run(s.rows(query().columns((object::<User>(), object().optional()))));
        let profiles: Vec<bool> =
            rows.iter().map(|(_, p): &(_, Option<Handle<Profile>>)| p.is_some()).collect();
        assert_eq!(profiles, [true, false, false]);
        let all = query().columns((object::<User>(), object::<Profile>()));
        let error = db.try_run(s.rows(all)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoResult);
        assert!(error.to_string().contains("a row has no Profile"), "{error}");
        // The other name of a class.
        let child = aliased::<Node>();
        let query = select::<Node>()
            .outer_join_as(Node::children, &child)
            .order_by((Node::id, child.col(Node::id)))
            .columns((object::<Node>(), child.object().optional()));
        let rows = db.run(s.rows(query));
        let names: Vec<(String, Option<String>)> = rows
            .iter()
            .map(|(n, c)| (s[*n].name.clone().unwrap(), c.and_then(|c| s[c].name.clone())))
            .collect();
        let row = |a: &str, b: Option<&str>| (a.to_owned(), b.map(str::to_owned));
        let expected = [
            row("r", Some("a")),
            row("r", Some("b")),
            row("a", Some("c")),
            row("b", None),
            row("c", None),
        ];
        assert_eq!(names, expected);
    });
}

#[test]
fn options_for_each_entity() {
    Db::each(|db| {
        let mut s = db.session();
        let query = select::<User>()
            .options((selectin(User::addresses), load_only([User::name])))
            .join(User::orders)
            .order_by(Order::id)
            .columns((object::<User>(), object::<Order>()))
            .options_of::<Order>(joined(Order::items))
            .options_of::<User>(joined(User::profile));
        let rows = db.run(s.rows(query));
        // The rows with the profile joined; addresses; items, which would multiply the rows.
        assert_eq!((rows.len(), db.selects()), (2, 3));
        for (user, order) in &rows {
            assert!(s.value(*user, User::addresses).unwrap().is_loaded());
            assert!(s.value(*user, User::profile).unwrap().get().is_some());
            assert!(s.value(*user, User::age).is_err());
            assert!(s[*order].items.is_loaded());
        }
        assert_eq!(s[rows[0].1].items.len(), 2);
        // Criteria hold for all of them.
        let none = loader_criteria::<Order>(Order::description.eq("o2"));
        let query = select::<User>().with_criteria(none).join(User::orders);
        let rows = db.run(s.rows(query.columns((object::<User>(), object::<Order>()))));
        assert_eq!(rows.len(), 1);
        assert_eq!(
            db.run(s.count(select::<User>().join(User::orders).columns(object::<Order>()))),
            2
        );
        assert!(db.run(s.exists(select::<User>().columns((object::<User>(), User::name)))));
    });
}

#[test]
fn populating_and_subclasses_and_names() {
    Db::each(|db| {
        let mut s = db.session();
        let ed = db.run(s.get::<User>(1)).unwrap();
        s.options_mut().autoflush = false;
        s.set(ed, User::name, "other").unwrap();
        let query =
            || select::<User>().filter(User::id.eq(1)).columns((object::<User>(), User::name));
        db.run(s.rows(query()));
        assert_eq!(s[ed].name, "other");
        db.run(s.rows(query().populate_existing()));
        assert_eq!(s[ed].name, "ed");
        // By name.
        let mut query = s.query_named("User").unwrap();
        let user = query.entity();
        let address = query.join(&user, "addresses", true).unwrap();
        let (email, id) = (address.attr("email").unwrap(), user.attr("id").unwrap());
        let query = query.order_by(id, true).columns(vec![email, address.object(), user.object()]);
        let rows = db.run(s.data_of(query));
        assert_eq!(rows.len(), 4);
        let Datum::One(Some(none)) = rows[0][2] else { panic!("{:?}", rows[0]) };
        assert_eq!(rows[0][..2], [Datum::Value(aludel_sql::Value::Null), Datum::One(None)]);
        assert_eq!(db.run(s.get_by_name("User", 3)), Some(none));
        // Objects do not stand within queries.
        let inner = select::<Address>().columns(object::<Address>());
        let query = select::<User>().filter(User::id.in_query(inner));
        assert_eq!(db.try_run(s.all(query)).unwrap_err().kind(), ErrorKind::Argument);
    });
}

#[test]
fn objects_of_a_statement_as_text() {
    Db::each(|db| {
        let mut s = db.session();
        let sql =
            Statement::text("SELECT name, id AS id FROM users WHERE age > :age ORDER BY id DESC");
        let query =
            select::<User>().from_statement(sql.bind("age", 25)).options(selectin(User::addresses));
        let users = db.run(s.all(query.clone()));
        assert_eq!(db.selects(), 2);
        let names: Vec<&String> = users.iter().map(|u| s.value(*u, User::name).unwrap()).collect();
        assert_eq!(names, ["none", "ed"]);
        assert_eq!(s.value(users[1], User::addresses).unwrap().len(), 2);
        // What the statement does not have is left to be loaded.
        assert!(s.value(users[1], User::age).is_err());
        assert_eq!(*db.run(s.load(users[1], User::age)), 30);
        assert_eq!(db.run(s.first(query.clone())), Some(users[0]));
        assert_eq!(
            db.try_run(s.one(query.clone())).unwrap_err().kind(),
            ErrorKind::MultipleResults
        );
        // No key, no object.
        let sql = Statement::text("SELECT name FROM users");
        let error = db.try_run(s.all(select::<User>().from_statement(sql))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(error.to_string().contains("no column for User.id, without which"), "{error}");
        let error = db.try_run(s.all(query.clone().limit(1))).unwrap_err();
        assert!(error.to_string().contains("put conditions, joins, order and limit into it"));
        assert_eq!(db.try_run(s.count(query)).unwrap_err().kind(), ErrorKind::Argument);
        // Composite keys; by name.
        let exams = Statement::text("SELECT * FROM enrollments WHERE grade IS NULL");
        let query = s.query_named("Enrollment").unwrap().from_statement(exams);
        let found = db.run(s.all_of(query));
        assert_eq!(found.len(), 1);
        let enrollment = db.run(s.get::<Enrollment>((2, "art"))).unwrap();
        assert_eq!(aludel_orm::Id::from(enrollment), found[0]);
        let joined = Statement::text(
            "SELECT e.* FROM exams e JOIN enrollments n ON n.course = e.course AND n.student = e.student",
        );
        assert_eq!(db.run(s.all(select::<Exam>().from_statement(joined))).len(), 3);
    });
}

#[test]
fn objects_of_a_union() {
    Db::each(|db| {
        let mut s = db.session();
        let of = |name: &str| select::<User>().filter(User::name.eq(name)).into_statement();
        let query = select::<User>().from_statement(of("ed").union(of("jack")));
        let mut users = db.run(s.all(query));
        users.sort_by_key(|user| s[*user].id);
        assert_eq!(users.len(), 2);
        assert_eq!((s[users[0]].name.as_str(), s[users[1]].age), ("ed", 20));
        // The same object of several rows comes once.
        let query = select::<User>().from_statement(of("ed").union_all(of("ed")));
        assert_eq!(db.run(s.all(query)), users[..1]);
    });
}
