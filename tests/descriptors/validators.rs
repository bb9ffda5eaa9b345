//! Validators: what they are asked about, what they put in place, and what they refuse.

use std::cell::RefCell;

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Validated, Validates};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "v_users", configure = Self::configure)]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    #[mapped(validate = Self::check_name)]
    name: String,
    nick: Option<String>,
    #[relationship(back_populates = "user", order_by = "id")]
    addresses: Many<Address>,
    #[relationship(back_populates = "owner", order_by = "id")]
    things: Many<Thing>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "v_addresses")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "v_users.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "v_things")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "v_users.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "things")]
    #[mapped(validate = Self::check_owner)]
    owner: One<User>,
}

thread_local! {
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn asked() -> Vec<String> {
    ASKED.with_borrow_mut(std::mem::take)
}

fn note(what: impl Into<String>) {
    ASKED.with_borrow_mut(|asked| asked.push(what.into()));
}

fn refuse<T>(why: &str) -> aludel::Result<T> {
    Err(Error::new(ErrorKind::Validation, why.to_owned()))
}

impl User {
    fn check_name(_: &aludel::Session, _: Handle<Self>, name: &mut String) -> aludel::Result<()> {
        if name.is_empty() {
            return refuse("a name must not be empty");
        }
        *name = name.to_uppercase();
        Ok(())
    }

    fn configure(mapper: &mut MapperBuilder) {
        let removes = Validates::new().include_removes();
        mapper.validate_with(User::nick, removes, |_, _, nick| match nick {
            Validated::Given(nick) => {
                note(format!("nick {nick:?}"));
                *nick = nick.take().map(|nick| nick.to_lowercase());
                Ok(())
            }
            Validated::Removed(Some(nick)) if nick == "keep" => refuse("this nick stays"),
            Validated::Removed(nick) => {
                note(format!("without nick {nick:?}"));
                Ok(())
            }
        });
        mapper.validate_member_with(
            User::addresses,
            removes,
            |session, _, address| match address {
                Validated::Given(address) => {
                    let email = session.value(*address, Address::email)?.clone();
                    note(format!("+{email}"));
                    if email.is_empty() {
                        return refuse("an address needs an email");
                    }
                    // Another one in its place.
                    if email == "old" {
                        *address =
                            session.make(Address { email: "new".into(), ..Address::default() })?;
                    }
                    Ok(())
                }
                Validated::Removed(address) => {
                    let email = session.value(address, Address::email)?.clone();
                    note(format!("-{email}"));
                    if email == "keep" { refuse("this address stays") } else { Ok(()) }
                }
            },
        );
        let own = Validates::new().include_removes().without_backrefs();
        mapper.validate_member_with(User::things, own, |session, _, thing| {
            let (sign, thing) = match thing {
                Validated::Given(thing) => ("+", *thing),
                Validated::Removed(thing) => ("-", thing),
            };
            note(format!("{sign}{}", session.value(thing, Thing::name)?));
            Ok(())
        });
    }
}

impl Thing {
    fn check_owner(
        session: &aludel::Session,
        _: Handle<Self>,
        owner: Handle<User>,
    ) -> aludel::Result<()> {
        match session.value(owner, User::name)?.as_str() {
            "NOBODY" => refuse("nobody owns nothing"),
            _ => Ok(()),
        }
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry
}

fn user(db: &mut Db) -> Handle<User> {
    let user = db.add(User { name: "ed".into(), ..User::default() }).unwrap();
    db.commit().unwrap();
    db.load(user, User::addresses).unwrap();
    db.load(user, User::things).unwrap();
    asked();
    user
}

fn address(db: &mut Db, email: &str) -> Handle<Address> {
    db.add(Address { email: email.into(), ..Address::default() }).unwrap()
}

#[test]
fn scalars() {
    each("validators_scalars", registry, |db| {
        let ed = user(db);
        assert_eq!(db[ed].name, "ED");
        assert_eq!(db.set(ed, User::name, "").unwrap_err().kind(), ErrorKind::Validation);
        db.set(ed, User::nick, "NICK").unwrap();
        db.set(ed, User::nick, None::<String>).unwrap();
        db.set(ed, User::nick, "Keep").unwrap();
        assert_eq!(asked(), [r#"nick Some("NICK")"#, "nick None", r#"nick Some("Keep")"#]);
        assert_eq!(db.del(ed, User::nick).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(db[ed].nick.as_deref(), Some("keep"));
        db.set(ed, User::nick, "other").unwrap();
        asked();
        db.del(ed, User::nick).unwrap();
        assert_eq!(asked(), [r#"without nick Some("other")"#]);
        // What is loaded is not asked about.
        db.commit().unwrap();
        db.execute("UPDATE v_users SET name = '', nick = 'LOADED'");
        db.refresh(ed).unwrap();
        assert_eq!((db[ed].name.as_str(), db[ed].nick.as_deref()), ("", Some("LOADED")));
        assert!(asked().is_empty());
    });
}

#[test]
fn members_that_come_and_go() {
    each("validators_members", registry, |db| {
        let ed = user(db);
        let (a, b, keep) = (address(db, "a"), address(db, "b"), address(db, "keep"));
        let (none, old) = (address(db, ""), address(db, "old"));
        for member in [a, b, keep] {
            db.append(ed, User::addresses, member).unwrap();
        }
        assert_eq!(db.append(ed, User::addresses, none).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(asked(), ["+a", "+b", "+keep", "+"]);
        db.remove(ed, User::addresses, a).unwrap();
        assert_eq!(db.remove(ed, User::addresses, keep).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(asked(), ["-a", "-keep"]);
        // A refusal in the middle leaves everything as it was, on both sides.
        assert!(db.set(ed, User::addresses, [a]).is_err());
        asked();
        assert_eq!(db.members(ed, User::addresses).collect::<Vec<_>>(), [b, keep]);
        assert_eq!(db[a].user.get(), None);
        assert_eq!(db[keep].user.get(), Some(ed));
        // From the other side, too.
        assert!(db.set(keep, Address::user, None::<Handle<User>>).is_err());
        assert_eq!(db[keep].user.get(), Some(ed));
        db.set(a, Address::user, ed).unwrap();
        assert_eq!(asked(), ["-keep", "+a"]);
        // One in the place of another.
        db.append(ed, User::addresses, old).unwrap();
        let last = db.members(ed, User::addresses).last().unwrap();
        assert_eq!(db[last].email, "new");
        assert_eq!(db[old].user.get(), None);
        asked();
        db.commit().unwrap();
        db.expire(ed).unwrap();
        db.refresh(ed).unwrap();
        db.load(ed, User::addresses).unwrap();
        assert!(asked().is_empty());
    });
}

#[test]
fn what_comes_from_the_other_side_is_left_out() {
    each("validators_backrefs", registry, |db| {
        let ed = user(db);
        let nobody = db.add(User { name: "nobody".into(), ..User::default() }).unwrap();
        let mut thing =
            |name: &str| db.add(Thing { name: name.into(), ..Thing::default() }).unwrap();
        let (one, two) = (thing("one"), thing("two"));
        asked();
        db.set(one, Thing::owner, ed).unwrap();
        assert!(asked().is_empty());
        db.append(ed, User::things, two).unwrap();
        db.set(ed, User::things, [two]).unwrap();
        assert_eq!(asked(), ["+two", "+two", "-one"]);
        db.set(two, Thing::owner, None::<Handle<User>>).unwrap();
        assert!(asked().is_empty());
        assert_eq!(db[ed].things.len(), 0);
        // The reference's own.
        assert_eq!(db.set(one, Thing::owner, nobody).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(db.append(nobody, User::things, one).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(db[nobody].things.len(), 0);
        db.set(one, Thing::owner, ed).unwrap();
        db.del(one, Thing::owner).unwrap();
    });
}
