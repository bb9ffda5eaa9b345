//! What is wrong is refused with a clear error, and leaves the object exactly as it was.

use aludel_orm::events::AttributeEvent;
use aludel_orm::{Datum, Error, ErrorKind, Handle, Session};
use aludel_sql::Value;

use crate::zoo::{Address, Db, Medal, User};

/// What a session shows of two objects, to be compared.
fn picture(s: &Session, u: Handle<User>, a: Handle<Address>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for attribute in s.inspect(u).unwrap().attrs().chain(s.inspect(a).unwrap().attrs()) {
        let (value, history) = (attribute.loaded_value(), attribute.history());
        lines.push(format!("{} {value:?} {history:?}", attribute.key()));
    }
    lines.push(format!("{:?} {:?}", s.is_dirty(u).unwrap(), s.is_dirty(a).unwrap()));
    lines.push(format!("{:?} {:?}", s.dirty_objects(), s.new_objects()));
    lines.push(format!("{:?} {:?}", s.state(u).unwrap(), s.state(a).unwrap()));
    lines
}

/// Something that fails, and what its error says.
fn refused<T>(
    kind: ErrorKind,
    says: &[&str],
    operation: impl FnOnce(&mut Session, Handle<User>, Handle<Address>) -> Result<T, Error>,
) {
    let db = Db::new();
    let mut s = db.session();
    let u = db.run(s.get_one::<User>(1));
    let a = db.run(s.get_one::<Address>(3));
    db.run(s.load(u, User::addresses));
    db.run(s.load(a, Address::user));
    s.set(u, User::name, "changed before").unwrap();
    let before = picture(&s, u, a);
    let Err(error) = operation(&mut s, u, a) else { panic!("it was not refused") };
    assert_eq!(error.kind(), kind, "{error}");
    for part in says {
        assert!(error.to_string().contains(part), "`{part}` is not in: {error}");
    }
    assert_eq!(picture(&s, u, a), before);
}

#[test]
fn an_attribute_that_does_not_exist() {
    let unmapped = ErrorKind::Unmapped;
    refused(unmapped, &["User", "`nmae`", "name"], |s, u, _| s.set_named(u, "nmae", "x"));
    refused(unmapped, &["`adresses`", "addresses"], |s, u, a| {
        s.append_named(u, "adresses", a.id(), None)
    });
    refused(unmapped, &["`x`"], |s, u, _| s.get_named(u, "x"));
    refused(unmapped, &["`x`"], |s, u, _| s.del_named(u, "x"));
    refused(unmapped, &["`x`"], |s, u, _| s.history_named(u, "x"));
    refused(unmapped, &["`balanc`", "balance"], |s, u, _| s.flag_modified_named(u, "balanc"));
    refused(unmapped, &["`balanc`", "balance"], |s, u, _| s.expire_named(u, &["name", "balanc"]));
    refused(unmapped, &["`balanc`", "balance"], |s, u, _| s.set_committed_named(u, "balanc", 5));
    refused(unmapped, &["`balanc`", "balance"], |s, u, _| s.is_loaded_named(u, "balanc"));
    refused(unmapped, &["`adresses`", "addresses"], |s, u, _| s.clear_named(u, "adresses"));
    refused(unmapped, &["`adresses`", "addresses"], |s, u, a| {
        s.remove_named(u, "adresses", a.id())
    });
    refused(unmapped, &["`adresses`", "addresses"], |s, u, _| s.members_query_named(u, "adresses"));
    refused(unmapped, &["User", "`adresses`", "addresses"], |s, _, _| {
        s.on(AttributeEvent::Append.of_named("User", "adresses"), |_, _| Ok(()))
    });
    refused(unmapped, &["Usr", "User"], |s, _, _| s.create_named("Usr"));
}

#[test]
fn a_value_of_the_wrong_type() {
    let wrong = ErrorKind::Value;
    refused(wrong, &["User.balance of User(1)"], |s, u, _| s.set_named(u, "balance", "much"));
    refused(wrong, &["User.name of User(1)"], |s, u, _| s.set_named(u, "name", Value::Null));
    refused(wrong, &["User.addresses of User(1)"], |s, u, _| s.set_named(u, "addresses", 5));
    refused(wrong, &["User.addresses of User(1)"], |s, u, a| {
        s.set_named(u, "addresses", Datum::One(Some(a.id())))
    });
    refused(wrong, &["User.name of User(1)"], |s, u, a| {
        s.set_named(u, "name", Datum::Many(vec![a.id()]))
    });
    refused(wrong, &["User.name of User(1)"], |s, u, a| s.append_named(u, "name", a.id(), None));
    refused(wrong, &["User.balance of User(1)"], |s, u, _| {
        s.set_committed_named(u, "balance", "much")
    });
    refused(ErrorKind::InvalidRequest, &["User.shout of User(1)", "expression"], |s, u, _| {
        s.set_named(u, "shout", "x")
    });
}

#[test]
fn an_object_of_the_wrong_class() {
    let says = ["User.addresses", "objects of class Address", "Medal"];
    refused(ErrorKind::InvalidRequest, &says, |s, u, _| {
        let medal = s.make(Medal::default())?;
        s.append_named(u, "addresses", medal.id(), None)
    });
    refused(ErrorKind::InvalidRequest, &says, |s, u, a| {
        let medal = s.make(Medal::default())?;
        s.set_named(u, "addresses", Datum::Many(vec![a.id(), medal.id()]))
    });
    refused(ErrorKind::InvalidRequest, &says, |s, u, _| {
        let medal = s.make(Medal::default())?;
        s.append_named(u, "addresses", medal.id(), Some(0))
    });
    refused(ErrorKind::InvalidRequest, &says, |s, u, _| {
        let medal = s.make(Medal::default())?;
        s.replace_named(u, "addresses", 0, medal.id())
    });
    refused(ErrorKind::InvalidRequest, &says, |s, u, a| {
        let medal = s.make(Medal::default())?;
        s.set_committed_named(u, "addresses", Datum::Many(vec![a.id(), medal.id()]))
    });
    // One that is not loaded, and one whose members have keys.
    refused(ErrorKind::InvalidRequest, &["User.medals", "Address"], |s, u, a| {
        s.append_named(u, "medals", a.id(), None)
    });
    refused(ErrorKind::InvalidRequest, &["User.labels", "Address"], |s, u, a| {
        s.append_named(u, "labels", a.id(), None)
    });
    refused(ErrorKind::InvalidRequest, &["Address.user", "class User"], |s, _, a| {
        let medal = s.make(Medal::default())?;
        s.set_named(a, "user", Datum::One(Some(medal.id())))
    });
}

#[test]
fn an_object_of_another_session() {
    let db = Db::new();
    let mut other = db.session();
    let foreign = other.make(Address::default()).unwrap();
    let owner = other.make(User::default()).unwrap();
    let says = ["another session"];
    refused(ErrorKind::InvalidRequest, &says, |s, u, _| s.append(u, User::addresses, foreign));
    refused(ErrorKind::InvalidRequest, &says, |s, u, a| s.set(u, User::addresses, [a, foreign]));
    refused(ErrorKind::InvalidRequest, &says, |s, _, a| s.set(a, Address::user, owner));
    refused(ErrorKind::InvalidRequest, &says, |s, _, _| s.set(foreign, Address::email, "x"));
    refused(ErrorKind::InvalidRequest, &says, |s, _, _| s.inspect(owner).map(|_| ()));
}

#[test]
fn members_and_places_that_are_not_there() {
    let absent = ErrorKind::Absent;
    refused(absent, &["User.addresses of User(1)"], |s, u, a| s.remove(u, User::addresses, a));
    refused(absent, &["place 7"], |s, u, a| s.insert_at(u, User::addresses, 7, a));
    refused(absent, &["place 7"], |s, u, _| s.pop_named(u, "addresses", 7));
    refused(absent, &["place 7"], |s, u, a| s.replace_named(u, "addresses", 7, a.id()));
    refused(ErrorKind::NotLoaded, &["User.labels"], |s, u, _| {
        s.pop_key_named(u, "labels", &Value::Text("x".into()))
    });
    refused(ErrorKind::NotLoaded, &["User.medals", "load"], |s, u, _| {
        s.set(u, User::medals, Vec::<Handle<Medal>>::new())
    });
    refused(ErrorKind::InvalidRequest, &["User.notes", "flagged"], |s, u, _| {
        s.flag_modified(u, User::notes)
    });
    refused(ErrorKind::NoValue, &["User.notes"], |s, u, _| s.del(u, User::notes));
}

#[test]
fn a_refusal_in_the_middle_of_an_edit() {
    refused(ErrorKind::Validation, &["too rich"], |s, u, a| {
        s.on(AttributeEvent::Set.of(User::balance), |_, _| {
            Err(Error::new(ErrorKind::Validation, "too rich"))
        })?;
        s.edit(u, |user| {
            user.name = "x".into();
            user.addresses = vec![a].into_iter().fold(aludel_orm::Many::empty(), |_, a| [a].into());
            user.balance = Some(1_000_000);
        })
    });
}
