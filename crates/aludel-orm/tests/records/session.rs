//! Everything that a session does, with records.

use std::sync::{Arc, Mutex};

use aludel_orm::events::AttributeEvent;
use aludel_orm::mapping::ClassEvent;
use aludel_orm::session::MergeLoad;
use aludel_orm::{
    Auto, Datum, ErrorKind, Handle, Many, ObjectState, One, Record, RecordClass, Registry, Session,
    selectin,
};
use aludel_sql::{Expression, Value};

use crate::support::Db;

pub(crate) fn users(registry: &Registry) -> (RecordClass, RecordClass) {
    let user = registry
        .describe("User")
        .table("users")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .column::<i64>("age", |c| c.default(18))
        .column::<Option<String>>("notes", |c| c)
        .deferred("notes")
        .expression::<i64, _>("next_age", |class| Ok(class.attr::<i64>("age")? + 1))
        .many("addresses", "Address", |r| {
            r.back_populates("user").cascade("all, delete-orphan").order_by(["id"]);
        })
        .finish()
        .unwrap();
    let address = registry
        .describe("Address")
        .table("addresses")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("email", |c| c)
        .column::<Option<i64>>("user_id", |c| c.references("users.id"))
        .one("user", "User", |r| {
            r.back_populates("addresses");
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    (user, address)
}

struct Zoo {
    db: Db,
    user: RecordClass,
    address: RecordClass,
}

impl Zoo {
    fn new() -> Self {
        let registry = Registry::new();
        let (user, address) = users(&registry);
        Self { db: Db::new(registry), user, address }
    }

    fn email(&self, email: &str) -> Record {
        self.address.record().with("email", email).unwrap()
    }

    fn ed(&self, s: &mut Session) -> Handle<Record> {
        let addresses = [self.email("ed@a"), self.email("ed@b")];
        let ed = self.user.record().with("name", "ed").unwrap();
        s.add(ed.with_many("addresses", addresses).unwrap()).unwrap()
    }
}

#[test]
fn a_graph_of_records_is_written_and_loaded() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    assert_eq!(s.state(ed).unwrap(), ObjectState::Pending);
    let addresses = zoo.user.attr::<Many<Record>>("addresses").unwrap();
    let user = zoo.address.attr::<One<Record>>("user").unwrap();
    let first = s.members(ed, addresses).next().unwrap();
    assert_eq!(s.value(first, user).unwrap().get(), Some(ed));
    // What was never given takes the column's default.
    assert_eq!(
        zoo.db.flush(&mut s),
        ["INSERT users (name, age, notes) x1", "INSERT addresses (email, user_id) x2"]
    );
    assert_eq!(s[ed].get::<Auto<i64>>("id"), Some(&Auto::Set(1)));
    assert_eq!(s[ed].value("age").unwrap(), Value::I64(18));
    zoo.db.commit(&mut s);

    let mut s = zoo.db.session();
    let (name, age) =
        (zoo.user.attr::<String>("name").unwrap(), zoo.user.attr::<i64>("age").unwrap());
    let query = zoo.user.select().filter(name.eq("ed") & age.lt(20)).order_by(age);
    let found = zoo.db.run(s.all(query.options(selectin(addresses)))).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(s.value(found[0], name).unwrap(), &String::from("ed"));
    assert_eq!(s.get_named(found[0], "next_age").unwrap(), Some(Datum::Value(Value::I64(19))));
    let emails: Vec<_> =
        s.members(found[0], addresses).map(|a| s[a].get::<String>("email").cloned()).collect();
    assert_eq!(emails, [Some("ed@a".to_owned()), Some("ed@b".to_owned())]);
}

#[test]
fn criteria_and_joins_over_relationships_of_records() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    zoo.db.run(s.commit()).unwrap();
    let addresses = zoo.user.attr::<Many<Record>>("addresses").unwrap();
    let user = zoo.address.attr::<One<Record>>("user").unwrap();
    let email = zoo.address.attr::<String>("email").unwrap();
    let name = zoo.user.attr::<String>("name").unwrap();
    let any = zoo.user.select().filter(addresses.any(email.eq("ed@b")));
    assert_eq!(zoo.db.run(s.all(any)).unwrap(), [ed]);
    let has = zoo.address.select().filter(user.has(name.eq("ed")));
    assert_eq!(zoo.db.run(s.count(has)).unwrap(), 2);
    let is = zoo.address.select().filter(user.is(ed));
    assert_eq!(zoo.db.run(s.count(is)).unwrap(), 2);
    let joined = zoo.user.select().join(addresses).filter(email.eq("ed@a"));
    assert_eq!(zoo.db.run(s.all(joined)).unwrap(), [ed]);
    let by_name = s.query_named("User").unwrap();
    let condition = by_name.entity().attr("age").unwrap();
    let value = by_name.entity().value("age", Value::I64(18)).unwrap();
    let by_name = by_name.filter(aludel_sql::Node::eq(condition, value));
    assert_eq!(zoo.db.run(s.all_of(by_name)).unwrap(), [ed.id()]);
}

#[test]
fn history_events_and_the_drafts_of_edit() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    zoo.db.commit(&mut s);
    let age = zoo.user.attr::<i64>("age").unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    s.on(AttributeEvent::Set.of(age), move |_, change| {
        told.lock().unwrap().push(format!("{:?}", change.old));
        Ok(())
    })
    .unwrap();
    s.set(ed, age, 30).unwrap();
    s.edit(ed, |ed| {
        ed.set("name", "edward")?;
        ed.set("age", 31)
    })
    .unwrap()
    .unwrap();
    assert_eq!(heard.lock().unwrap().len(), 2);
    let history = s.history(ed, age).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[31][..], &[18][..]));
    assert_eq!(zoo.db.flush(&mut s), ["UPDATE users SET name, age WHERE id x1"]);
    let refused = s.edit(ed, |ed| ed.set("age", "thirty")).unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Value);
    assert!(refused.message().starts_with("User.age: the value "), "{refused}");
    assert!(!s.is_modified(ed).unwrap());
}

#[test]
fn members_come_and_go_with_their_backrefs() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    zoo.db.commit(&mut s);
    let addresses = zoo.user.attr::<Many<Record>>("addresses").unwrap();
    let user = zoo.address.attr::<One<Record>>("user").unwrap();
    let all: Vec<_> = s.members(ed, addresses).collect();
    s.remove(ed, addresses, all[0]).unwrap();
    assert_eq!(s.value(all[0], user).unwrap().get(), None);
    s.append(ed, addresses, zoo.email("ed@c")).unwrap();
    let history = s.history_named(ed, "addresses").unwrap();
    assert_eq!(
        (history.added().len(), history.unchanged().len(), history.deleted().len()),
        (1, 1, 1)
    );
    zoo.db.commit(&mut s);
    assert_eq!(zoo.db.rows("SELECT email FROM addresses ORDER BY id"), ["ed@b", "ed@c"]);
    zoo.db.run(s.delete(ed)).unwrap();
    zoo.db.commit(&mut s);
    assert!(zoo.db.rows("SELECT id FROM addresses").is_empty());
    assert_eq!(s.state(ed).unwrap(), ObjectState::Detached);
}

#[test]
fn rollback_expire_and_deferred_columns() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    zoo.db.commit(&mut s);
    let age = zoo.user.attr::<i64>("age").unwrap();
    s.set(ed, age, 99).unwrap();
    zoo.db.run(s.flush()).unwrap();
    zoo.db.run(s.rollback()).unwrap();
    assert_eq!(s.value(ed, age).unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(s.try_get(ed).unwrap_err().kind(), ErrorKind::NotLoaded);
    zoo.db.run(s.refresh(ed)).unwrap();
    assert_eq!(s.value(ed, age).unwrap(), &18);
    s.expire(ed).unwrap();
    zoo.db.run(s.load(ed, age)).unwrap();
    assert_eq!(s.value(ed, age).unwrap(), &18);
    zoo.db.run(s.commit()).unwrap();
    // A deferred column is read when it is asked for.
    let mut other = zoo.db.session();
    let ed = zoo.db.run(other.all(zoo.user.select())).unwrap()[0];
    assert!(!other.is_loaded_named(ed, "notes").unwrap());
    zoo.db.run(other.load_named(ed, "notes")).unwrap();
    assert!(other.is_loaded_named(ed, "notes").unwrap());
}

#[test]
fn records_are_merged_taken_out_and_put_in_again() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    zoo.db.commit(&mut s);
    let given = zoo.user.record().with("id", 1).unwrap().with("name", "eddy").unwrap();
    let given = s.make(given).unwrap();
    let merged = zoo.db.run(s.merge_at(given.id(), MergeLoad::Yes)).unwrap();
    assert_eq!(merged, ed.id());
    assert_eq!(s[ed].get::<String>("name").unwrap(), "eddy");
    // What the given record does not say stays.
    assert_eq!(s[ed].value("age").unwrap(), Value::I64(18));
    s.expunge(ed).unwrap();
    let plain: Record = s.take(ed).unwrap();
    assert_eq!(plain.state(), None);
    assert_eq!(plain.get::<String>("name").unwrap(), "eddy");
    assert!(!s.holds(ed));
}

#[test]
fn the_state_of_a_record_leads_to_its_handle() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = zoo.ed(&mut s);
    let state = s[ed].state().unwrap();
    assert_eq!(s.record_of(state).unwrap(), ed);
    assert!(s[ed].clone().state().is_none());
    let other = zoo.db.session();
    assert_eq!(other.record_of(state).unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn by_name_a_record_is_made_and_filled() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let ed = s.create_named("User").unwrap().handle();
    s.set_named(ed, "name", "ed").unwrap();
    let a = s.create_named("Address").unwrap();
    s.set_named(a, "email", "ed@a").unwrap();
    s.append_named(ed, "addresses", a, None).unwrap();
    s.add(ed).unwrap();
    zoo.db.commit(&mut s);
    assert_eq!(zoo.db.rows("SELECT name, age, user_id FROM users, addresses"), ["ed|18|1"]);
    assert!(s.is_instrumented(ed, "addresses").unwrap());
    assert!(!s.is_instrumented(ed, "address").unwrap());
}

#[test]
fn bulk_statements_know_records_by_name() {
    let zoo = Zoo::new();
    let mut s = zoo.db.session();
    let rows = vec![
        vec![("name", Value::from("a")), ("age", Value::I64(1))],
        vec![("name", Value::from("b"))],
    ];
    zoo.db.run(s.bulk_insert_named("User", rows)).unwrap();
    assert_eq!(zoo.db.run(s.count(zoo.user.select())).unwrap(), 2);
    zoo.db.run(s.commit()).unwrap();
    assert_eq!(zoo.db.rows("SELECT name, age FROM users"), ["a|1", "b|18"]);
}

#[test]
fn single_and_joined_inheritance() {
    let registry = Registry::new();
    let person = registry
        .describe("Person")
        .table("people")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("kind", |c| c)
        .column::<Option<String>>("name", |c| c)
        .configure(|m| {
            m.polymorphic_on("kind").polymorphic_identity("person");
        })
        .finish()
        .unwrap();
    let engineer = registry
        .describe("Engineer")
        .inherits(person)
        .table("engineers")
        .column::<Option<String>>("language", |c| c)
        .configure(|m| {
            m.polymorphic_identity("engineer");
        })
        .finish()
        .unwrap();
    let chief = registry
        .describe("Chief")
        .inherits(person)
        .configure(|m| {
            m.polymorphic_identity("chief");
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    let db = Db::new(registry);
    let mut s = db.session();
    s.add(person.record().with("name", "p").unwrap()).unwrap();
    let e = engineer.record().with("name", "e").unwrap().with("language", "rust").unwrap();
    s.add(e).unwrap();
    s.add(chief.record().with("name", "c").unwrap()).unwrap();
    db.run(s.commit()).unwrap();
    assert_eq!(
        db.rows("SELECT kind, name, language FROM people LEFT JOIN engineers USING (id)"),
        ["person|p|NULL", "engineer|e|rust", "chief|c|NULL"]
    );
    let mut s = db.session();
    let id = person.attr::<Auto<i64>>("id").unwrap();
    let all = db.run(s.all(person.select().order_by(id))).unwrap();
    let classes: Vec<_> = all.iter().map(|p| s.class_name(*p).unwrap().to_owned()).collect();
    assert_eq!(classes, ["Person", "Engineer", "Chief"]);
    let language = engineer.attr::<Option<String>>("language").unwrap();
    db.run(s.load(all[1], language)).unwrap();
    assert_eq!(s.value(all[1], language).unwrap().as_deref(), Some("rust"));
    // An attribute of a subclass is none of the base's.
    assert_eq!(s.value(all[0], language).unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(db.run(s.all(chief.select())).unwrap(), [all[2]]);
}

#[test]
fn classes_tell_of_their_instrumentation() {
    let registry = Registry::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    for event in [ClassEvent::ClassInstrument, ClassEvent::AttributeInstrument] {
        let told = Arc::clone(&heard);
        registry.instrumentation().listen(event, move |class, attribute| {
            let name = attribute.map_or("", |a| a.name);
            told.lock().unwrap().push(format!("{event:?} {} {name}", class.class_name()));
        });
    }
    registry
        .describe("Word")
        .table("words")
        .column::<String>("word", |c| c.primary_key())
        .finish()
        .unwrap();
    assert_eq!(*heard.lock().unwrap(), ["ClassInstrument Word "]);
    registry.configure().unwrap();
    assert_eq!(heard.lock().unwrap()[1..], ["AttributeInstrument Word word"]);
}
