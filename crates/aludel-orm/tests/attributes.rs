//! The object model alone: attributes, history, backrefs, collections, validators. No database.

use aludel_derive::Mapped;
use aludel_orm::events::AttributeEvent;
use aludel_orm::mapping::MapperBuilder;
use aludel_orm::session::Cascade;
use aludel_orm::{
    Auto, Error, ErrorKind, Handle, Many, ManyMap, ManySet, ObjectState, One, Registry, Result,
    Session, many,
};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "users", configure = User::configure)]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    fullname: Option<String>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    addresses: Many<Address>,
    #[relationship(back_populates = "owner", key = "label")]
    notes: ManyMap<String, Note>,
    #[relationship(back_populates = "users", secondary = "user_tags")]
    tags: ManySet<Tag>,
}

impl User {
    fn configure(mapper: &mut MapperBuilder) {
        mapper.validate(User::name, |_, _, name: &mut String| {
            if name.is_empty() {
                return Err(Error::new(ErrorKind::Validation, "a name must not be empty"));
            }
            *name = name.trim().to_owned();
            Ok(())
        });
    }
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "notes")]
struct Note {
    #[column(primary_key)]
    id: Auto<i64>,
    label: String,
    #[column(foreign_key = "users.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "notes")]
    owner: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "tags")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    word: String,
    #[relationship(back_populates = "tags", secondary = "user_tags")]
    users: ManySet<User>,
}

fn session() -> Session {
    Session::detached(&Registry::new())
}

fn user(name: &str) -> User {
    User { name: name.into(), ..User::default() }
}

fn address(email: &str) -> Address {
    Address { email: email.into(), ..Address::default() }
}

fn add(s: &mut Session, name: &str) -> Handle<User> {
    s.add(user(name)).unwrap()
}

/// A user as if it had been loaded, with its addresses.
fn loaded(s: &mut Session, emails: &[&str]) -> (Handle<User>, Vec<Handle<Address>>) {
    let u = s.make(User { id: 1.into(), ..user("ed") }).unwrap();
    let addresses: Vec<_> = emails.iter().map(|e| s.make(address(e)).unwrap()).collect();
    s.make_transient_to_detached(u).unwrap();
    s.set_committed(u, User::addresses, addresses.clone()).unwrap();
    (u, addresses)
}

#[test]
fn a_literal_is_a_graph() {
    let mut s = session();
    let u = s.add(User { addresses: many![address("a"), address("b")], ..user("ed") }).unwrap();
    let addresses = s[u].addresses.to_vec();
    assert_eq!(addresses.len(), 2);
    assert_eq!(s[addresses[0]].user.get(), Some(u));
    assert_eq!(s.state(addresses[1]).unwrap(), ObjectState::Pending);
    assert_eq!(s.new_objects().len(), 3);
}

#[test]
fn history_of_a_column() {
    let mut s = session();
    let u = s.create::<User>().unwrap();
    assert!(s.history(u, User::name).unwrap().is_empty());
    s.set(u, User::fullname, None).unwrap();
    assert_eq!(s.history(u, User::fullname).unwrap().added(), [None]);
    let (u, _) = loaded(&mut s, &[]);
    s.set(u, User::name, "jack").unwrap();
    s.set(u, User::name, "wendy").unwrap();
    let history = s.history(u, User::name).unwrap();
    assert_eq!(history.added(), ["wendy"]);
    assert_eq!(history.deleted(), ["ed"]);
    s.set(u, User::name, "ed").unwrap();
    assert_eq!(s.history(u, User::name).unwrap().unchanged(), ["ed"]);
    assert!(s.is_dirty(u).unwrap() && !s.is_modified(u).unwrap());
}

#[test]
fn setting_a_reference_moves_the_member() {
    let mut s = session();
    let (a, b) = (add(&mut s, "a"), add(&mut s, "b"));
    s.append(a, User::addresses, address("x")).unwrap();
    let x = s[a].addresses.at(0).unwrap();
    s.set(x, Address::user, b).unwrap();
    assert!(s[a].addresses.is_empty());
    assert_eq!(s[b].addresses.to_vec(), [x]);
    s.append(a, User::addresses, x).unwrap();
    assert_eq!(s[x].user.get(), Some(a));
    assert!(s[b].addresses.is_empty());
    s.remove(a, User::addresses, x).unwrap();
    assert_eq!(s[x].user.get(), None);
    assert_eq!(s.state(x).unwrap(), ObjectState::Transient, "a pending orphan leaves the session");
}

#[test]
fn replacing_a_collection_tells_the_difference() {
    let mut s = session();
    let (u, a) = loaded(&mut s, &["x", "y"]);
    let z = s.make(address("z")).unwrap();
    s.set(u, User::addresses, [z, a[0]]).unwrap();
    let history = s.history(u, User::addresses).unwrap();
    assert_eq!(history.added(), [z]);
    assert_eq!(history.unchanged(), [a[0]]);
    assert_eq!(history.deleted(), [a[1]]);
    assert_eq!(s[z].user.get(), Some(u));
    s.set(u, User::addresses, a.clone()).unwrap();
    assert!(!s.history(u, User::addresses).unwrap().has_changes());
}

#[test]
fn an_unloaded_collection_queues_its_changes() {
    let mut s = session();
    let (u, a) = loaded(&mut s, &["x"]);
    s.add(u).unwrap();
    s.expire_attributes(u, [User::addresses]).unwrap();
    let y = s.make(address("y")).unwrap();
    s.set(y, Address::user, u).unwrap();
    assert!(s.history(u, User::addresses).unwrap().is_empty());
    s.set_committed(u, User::addresses, a.clone()).unwrap();
    assert_eq!(s[u].addresses.to_vec(), [a[0], y]);
    assert_eq!(s.history(u, User::addresses).unwrap().added(), [y]);
}

#[test]
fn sets_and_maps() {
    let mut s = session();
    let u = add(&mut s, "u");
    let t = s.make(Tag { word: "t".into(), ..Tag::default() }).unwrap();
    s.append(u, User::tags, t).unwrap();
    s.append(u, User::tags, t).unwrap();
    assert_eq!(s[u].tags.len(), 1);
    assert_eq!(s[t].users.to_vec(), [u]);
    let one = s.make(Note { label: "k".into(), ..Note::default() }).unwrap();
    let two = s.make(Note { label: "k".into(), ..Note::default() }).unwrap();
    s.append(u, User::notes, one).unwrap();
    s.append(u, User::notes, two).unwrap();
    assert_eq!(s[u].notes.get(&"k".to_owned()), Some(two));
    assert_eq!(s[u].notes.len(), 1);
    assert_eq!(s[one].owner.get(), None, "the member that was there has gone");
}

#[test]
fn a_validator_changes_and_refuses() {
    let mut s = session();
    let u = add(&mut s, " ed ");
    assert_eq!(s[u].name, "ed");
    let error = s.set(u, User::name, "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(s[u].name, "ed");
    let before = s.new_objects().len();
    assert!(s.add(User { addresses: many![address("a")], ..User::default() }).is_err());
    assert_eq!(s.new_objects().len(), before, "nothing of the graph is added");
}

#[test]
fn an_edit_is_atomic() {
    let mut s = session();
    let (u, a) = loaded(&mut s, &["x"]);
    let error = s.edit(u, |u| {
        u.fullname = Some("Ed".into());
        u.addresses = Many::empty();
        u.name = String::new();
    });
    assert!(error.is_err());
    assert_eq!(s[u].fullname, None);
    assert_eq!(s[u].addresses.to_vec(), a);
    assert!(!s.history(u, User::addresses).unwrap().has_changes());
    let length = s.edit(u, |u| {
        u.name.push_str("ward");
        u.name.len()
    });
    assert_eq!(length.unwrap(), 6);
    assert_eq!(s.history(u, User::name).unwrap().deleted(), ["ed"]);
}

#[test]
fn a_listener_refuses_at_the_far_side() -> Result<()> {
    let mut s = session();
    let (a, b) = (add(&mut s, "a"), add(&mut s, "b"));
    s.append(a, User::addresses, address("x"))?;
    let x = s[a].addresses.at(0).unwrap();
    let listener = s.on(AttributeEvent::Append.of(User::addresses), |_, _| {
        Err(Error::new(ErrorKind::Validation, "full"))
    })?;
    assert!(s.set(x, Address::user, b).is_err());
    assert_eq!(s[x].user.get(), Some(a));
    assert_eq!(s[a].addresses.to_vec(), [x]);
    assert!(s[b].addresses.is_empty());
    assert!(s.off(listener));
    s.set(x, Address::user, b)?;
    assert_eq!(s[b].addresses.to_vec(), [x]);
    Ok(())
}

#[test]
fn listeners_that_answer_each_other_are_an_error() -> Result<()> {
    let mut s = session();
    let u = add(&mut s, "u");
    s.on(AttributeEvent::Set.of(User::name), |s, change| {
        let id = change.target;
        s.set_named(id, "name", "again".to_owned())
    })?;
    let error = s.set(u, User::name, "x").unwrap_err();
    assert!(error.to_string().contains("deep"), "{error}");
    assert_eq!(s[u].name, "u");
    Ok(())
}

#[test]
fn handles_are_checked() {
    let mut s = session();
    let mut other = session();
    let u = add(&mut s, "u");
    assert_eq!(other.try_get(u).unwrap_err().kind(), ErrorKind::InvalidRequest);
    s.expunge(u).unwrap();
    assert_eq!(s.state(u).unwrap(), ObjectState::Transient);
    let value = s.take(u).unwrap();
    assert_eq!(value.name, "u");
    assert!(s.try_get(u).is_err());
    let again = add(&mut s, "v");
    assert_ne!(u, again);
    assert!(other.append(again, User::addresses, address("x")).is_err());
}

#[test]
fn names_are_suggested() {
    let mut s = session();
    let u = add(&mut s, "u");
    let error = s.get_named(u, "nmae").unwrap_err();
    assert!(error.to_string().contains("name"), "{error}");
    let error = s.set_named(u, "name", 5i64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert_eq!(s.cascade_iterator(u, Cascade::SaveUpdate).unwrap(), []);
}
