//! Other names of attributes: typed and by name, on structs and on records.

use aludel::orm::Datum;
use aludel::orm::attributes::HistoryItem;
use aludel::orm::events::AttributeEvent;
use aludel::prelude::*;
use aludel::{ErrorKind, Record, RecordClass, Value};

use crate::support::Db;

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "users", polymorphic_on = kind, polymorphic_identity = "user")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    #[mapped(synonym(nick, handle))]
    name: String,
    /// The column keeps its name, and the attribute has another.
    #[column(name = "status")]
    #[mapped(synonym = status)]
    state: Option<String>,
    #[mapped(synonym = place)]
    #[composite]
    at: Point,
    #[relationship(back_populates = "user")]
    #[mapped(synonym = mails)]
    addresses: Many<Address>,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "admins", polymorphic_identity = "admin")]
struct Admin {
    #[mapped(base)]
    user: User,
    #[mapped(synonym = rank)]
    level: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    #[mapped(synonym = owner)]
    user: One<User>,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry.register::<Admin>().unwrap();
    Db::new(registry)
}

fn user(name: &str) -> User {
    User { name: name.into(), ..User::default() }
}

fn mail(email: &str) -> Address {
    Address { email: email.into(), ..Address::default() }
}

#[test]
fn a_synonym_is_the_attribute_under_another_name() {
    let mut db = db();
    let ed = db.add(user("ed")).unwrap();
    db.commit().unwrap();
    db.set(ed, User::nick, "edward").unwrap();
    db.update(ed, User::handle, |name| name.push('!')).unwrap();
    assert_eq!((&*db[ed].name, &**db.value(ed, User::nick).unwrap()), ("edward!", "edward!"));
    let history = db.history(ed, User::nick).unwrap();
    assert_eq!(
        (history.added(), history.deleted()),
        (&["edward!".to_owned()][..], &["ed".to_owned()][..])
    );
    assert_eq!(db.history(ed, User::name).unwrap(), history);
    db.set(ed, User::status, "new").unwrap();
    db.set(ed, User::place, (1, 2)).unwrap();
    assert_eq!(db[ed].at, Point { x: 1, y: 2 });
    let sent = {
        db.sent();
        db.commit().unwrap();
        db.sent()
    };
    assert_eq!(
        sent,
        [r#"UPDATE "users" SET "name" = ?, "status" = ?, "at_x" = ?, "at_y" = ? WHERE "id" = ?"#]
    );
    // Nobody knows two attributes.
    assert_eq!(format!("{:?}", User::nick), "User::nick");
    assert_eq!(User::ATTRS.nick.index(), User::name.index());
}

#[test]
fn of_a_relationship_it_takes_members_and_answers() {
    let mut db = db();
    let ed = db.add(user("ed")).unwrap();
    db.append(ed, User::mails, mail("a")).unwrap();
    let b = db.add(mail("b")).unwrap();
    db.set(b, Address::owner, ed).unwrap();
    assert_eq!(db.members(ed, User::addresses).len(), 2);
    db.remove(ed, User::mails, b).unwrap();
    assert_eq!(db[b].user.get(), None);
    db.commit().unwrap();
    db.renew();
    let query = select::<User>()
        .filter(User::mails.any(Address::email.eq("a")))
        .options(selectin(User::mails));
    let found = db.one(query).unwrap();
    assert_eq!(db[found].addresses.len(), 1);
}

#[test]
fn it_is_an_expression() {
    let mut db = db();
    for name in ["b", "a"] {
        db.add(user(name)).unwrap();
    }
    db.commit().unwrap();
    let names = db.rows(select::<User>().columns(User::nick).order_by(User::handle)).unwrap();
    assert_eq!(names, ["a", "b"]);
    db.update_by(aludel::orm::update::<User>().set(User::status, "old").filter(User::nick.eq("a")));
    assert_eq!(
        db.rows(select::<User>().columns(User::state).order_by(User::id.desc())).unwrap()[0]
            .as_deref(),
        Some("old")
    );
}

#[test]
fn by_name_it_is_found_everywhere() {
    let mut db = db();
    let ed = db.add(user("ed")).unwrap();
    db.set_named(ed, "nick", "edward").unwrap();
    assert_eq!(db.get_named(ed, "handle").unwrap(), Some(Datum::Value("edward".into())));
    assert_eq!(
        db.history_named(ed, "nick").unwrap().added(),
        [HistoryItem::Value("edward".into())]
    );
    assert!(db.is_instrumented(ed, "nick").unwrap());
    let b = db.add(mail("b")).unwrap();
    db.append_named(ed, "mails", b.id(), None).unwrap();
    assert_eq!(db[b].user.get(), Some(ed));
    db.commit().unwrap();
    let user = db.entity_named("User").unwrap();
    let query = db.query_named("User").unwrap();
    let nick = user.attr("nick").unwrap();
    let edward = user.value("nick", "edward".into()).unwrap();
    let found = db.all_of(query.filter(aludel::sql::Node::eq(nick, edward)));
    assert_eq!(found, [ed.id()]);
    let error = db.set_named(ed, "nik", "x").unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Unmapped, "class User has no attribute `nik`; did you mean `nick`?")
    );
}

#[test]
fn subclasses_have_those_of_their_base() {
    let mut db = db();
    let boss = db.add(Admin { user: user("boss"), level: 3 }).unwrap();
    db.set(boss, User::nick, "chief").unwrap();
    db.set(boss, Admin::rank, 4).unwrap();
    db.set_named(boss, "handle", "top").unwrap();
    assert_eq!((&*db[boss].user.name, db[boss].level), ("top", 4));
    db.commit().unwrap();
    let found = db.all(select::<Admin>().filter(User::nick.eq("top") & Admin::rank.eq(4))).unwrap();
    assert_eq!(found, [boss]);
    let mappers = db.registry.mappers();
    let synonyms = |class: &str| {
        mappers
            .named(class)
            .unwrap()
            .synonyms()
            .map(|(name, of)| format!("{name}={of}"))
            .collect::<Vec<_>>()
    };
    let of_user = ["nick=name", "handle=name", "status=state", "place=at", "mails=addresses"];
    assert_eq!(synonyms("User"), of_user);
    assert_eq!(synonyms("Admin"), [&["rank=level"][..], &of_user[..]].concat());
}

#[test]
fn listeners_and_validators_are_of_the_attribute() {
    let mut db = db();
    let ed = db.add(user("ed")).unwrap();
    db.on(AttributeEvent::Set.of(User::nick), |_, change| {
        if let Some(name) = change.value::<String>() {
            *name = name.to_uppercase();
        }
        Ok(())
    })
    .unwrap();
    db.set(ed, User::name, "edward").unwrap();
    assert_eq!(db[ed].name, "EDWARD");
}

fn described(registry: &Registry) -> RecordClass {
    registry
        .describe("Note")
        .table("notes")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("text", |c| c)
        .synonym("body", "text")
        .finish()
        .unwrap()
}

#[test]
fn of_records() {
    let registry = Registry::new();
    let note = described(&registry);
    registry.configure().unwrap();
    let note = registry.register_attribute(note, |class| class.synonym("said", "text")).unwrap();
    let mut db = Db::new(registry);
    let it = db.add(note.record().with("body", "a").unwrap()).unwrap();
    let (body, text) = (note.attr::<String>("said").unwrap(), note.attr::<String>("text").unwrap());
    db.set(it, body, "b").unwrap();
    assert_eq!(db[it].value("text").unwrap(), Value::from("b"));
    db.edit(it, |it| it.set("body", "c")).unwrap().unwrap();
    db.commit().unwrap();
    assert_eq!(db.all(note.select().filter(body.eq("c")).order_by(text)).unwrap(), [it]);
    assert_eq!(db[it].get::<String>("body").map(String::as_str), Some("c"));
    let error = Record::default().with("body", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unmapped);
}

#[test]
fn what_is_registered_later_goes_again() {
    let registry = Registry::new();
    let note = described(&registry);
    registry.configure().unwrap();
    let taken = registry.register_attribute(note, |class| class.plain::<i64>("body")).unwrap_err();
    assert!(taken.message().contains("has an attribute `body` already"), "{taken}");
    let note = registry.unregister_attribute(note, "body").unwrap();
    assert!(note.record().with("body", "a").is_err());
    assert!(note.record().with("text", "a").is_ok());
}

#[test]
fn one_of_nothing_and_one_that_is_taken_are_refused() {
    for (name, of, said) in [
        ("body", "txt", "`txt`, which does not exist; did you mean `text`?"),
        ("id", "text", "the class has an attribute of this name"),
    ] {
        let registry = Registry::new();
        let bad =
            registry.describe("Note").table("notes").column::<Auto<i64>>("id", |c| c.primary_key());
        bad.column::<String>("text", |c| c).synonym(name, of).finish().unwrap();
        let error = registry.configure().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(said), "{error}");
    }
}
