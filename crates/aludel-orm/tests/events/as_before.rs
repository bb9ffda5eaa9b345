//! Whoever refuses finds everything exactly as it was: for each event that may refuse, in long chains, and in circles.

use aludel_orm::attributes::Op;
use aludel_orm::events::{AttributeEvent, ObjectEvent, OfAttribute, StatementEvent};
use aludel_orm::mapping::MapperBuilder;
use aludel_orm::{
    AttributeKey, Datum, Handle, Mapped, ObjectState, contains_eager, joined, select, selectin,
};

use crate::*;

/// All that a session shows of its objects.
fn picture(s: &Session) -> Vec<String> {
    let mut lines = vec![format!(
        "{:?} {:?} {:?} {:?}",
        s.new_objects(),
        s.dirty_objects(),
        s.deleted_objects(),
        s.persistent_objects()
    )];
    for id in s.persistent_objects().into_iter().chain(s.new_objects()) {
        let state = match s.class_name(id).unwrap() {
            "User" => shown(s, s.handle_of::<User>(id).unwrap()),
            "Address" => shown(s, s.handle_of::<Address>(id).unwrap()),
            _ => shown(s, s.handle_of::<Tag>(id).unwrap()),
        };
        lines.extend(state);
    }
    lines
}

fn shown<T: Mapped>(s: &Session, object: Handle<T>) -> Vec<String> {
    let state = s.inspect(object).unwrap();
    let each = state
        .attrs()
        .map(|a| format!("{object:?} {} {:?} {:?}", a.key(), a.loaded_value(), a.history()));
    each.chain([format!("{:?} {}", s.state(object).unwrap(), s.is_dirty(object).unwrap())])
        .collect()
}

struct Scene {
    db: Db,
    s: Session,
    ed: Handle<User>,
    jack: Handle<User>,
    home: Handle<Address>,
    tag: Handle<Tag>,
}

/// Two users in the database, one with an address and a tag; something is changed already.
fn scene() -> Result<Scene> {
    let db = db();
    let mut s = db.session();
    let tag = s.add(Tag { name: "t".into(), ..Tag::default() })?;
    let home = s.add(address("home"))?;
    let ed = s.add(User { addresses: [home].into(), tags: [tag].into(), ..user("ed") })?;
    let jack = s.add(user("jack"))?;
    db.run(s.commit())?;
    for user in [ed, jack] {
        db.run(s.load(user, User::addresses))?;
        db.run(s.load(user, User::tags))?;
    }
    db.run(s.load(home, Address::user))?;
    s.set(jack, User::visits, 7)?;
    Ok(Scene { db, s, ed, jack, home, tag })
}

type Operation = fn(&mut Scene) -> Result<()>;

/// Somebody refuses the operation, and everything is as before.
fn refuses(mut scene: Scene, what: &str, operation: Operation) {
    let before = picture(&scene.s);
    let Err(error) = operation(&mut scene) else { panic!("{what}: nobody refused") };
    assert_eq!(error.kind(), ErrorKind::Validation, "{what}: {error}");
    assert_eq!(picture(&scene.s), before, "{what}");
}

#[test]
fn each_attribute_event() -> Result<()> {
    use AttributeEvent::*;
    let set_name: Operation = |x| x.s.set(x.ed, User::name, "new");
    let move_home: Operation = |x| x.s.append(x.jack, User::addresses, x.home);
    let replace: Operation = |x| x.s.set(x.ed, User::addresses, [address("new")]);
    let cases: Vec<(&str, OfAttribute, Operation)> = vec![
        ("set", Set.of(User::name), set_name),
        ("set of a reference", Set.of(Address::user), |x| x.s.set(x.home, Address::user, x.jack)),
        ("set on the other side", Set.of(Address::user), move_home),
        ("append", Append.of(User::addresses), move_home),
        ("append on the other side", Append.of(User::addresses), |x| {
            x.s.set(x.home, Address::user, x.jack)
        }),
        ("remove", Remove.of(User::addresses), |x| x.s.remove(x.ed, User::addresses, x.home)),
        ("remove on the other side", Remove.of(User::addresses), move_home),
        ("remove of a value", Remove.of(User::name), |x| x.s.del(x.ed, User::name)),
        ("remove of a reference", Remove.of(Address::user), |x| x.s.del(x.home, Address::user)),
        ("append without mutation", AppendWithoutMutation.of(User::tags), |x| {
            x.s.append(x.ed, User::tags, x.tag)
        }),
        ("bulk replace", BulkReplace.of(User::addresses), replace),
        ("the end of a bulk replace", DisposeCollection.of(User::addresses), replace),
        ("the last step of a bulk replace", Remove.of(User::addresses), replace),
        ("the beginning of a collection", InitCollection.of(User::addresses), replace),
        ("modified", Modified.of(User::name), |x| x.s.flag_modified(x.ed, User::name)),
        ("a value that begins", InitScalar.of(User::visits), |x| x.s.create::<User>().map(|_| ())),
        ("a collection that begins", InitCollection.of(User::addresses), |x| {
            let with = User { addresses: [address("new")].into(), ..user("new") };
            x.s.add(with).map(|_| ())
        }),
    ];
    for (what, event, operation) in cases {
        let mut scene = scene()?;
        scene.s.on(event, |_, _| Err(refuse()))?;
        refuses(scene, what, operation);
    }
    Ok(())
}

#[test]
fn each_object_event_of_what_does_not_write() -> Result<()> {
    use ObjectEvent::*;
    let add: Operation = |x| {
        let with = User { addresses: [address("new")].into(), ..user("new") };
        x.s.add(with).map(|_| ())
    };
    let cases: Vec<(ObjectEvent, Operation)> = vec![
        (FirstInit, |x| x.s.add(Staff::default()).map(|_| ())),
        (Init, add),
        (BeforeAttach, add),
        (AfterAttach, add),
        (TransientToPending, add),
        (Expire, |x| x.s.expire(x.jack)),
        (Expire, |x| x.s.expire_attributes(x.jack, [User::visits])),
        (Expire, |x| x.db.run(x.s.refresh(x.jack))),
        (Expire, |x| x.db.run(x.s.refresh_attributes(x.jack, [User::visits]))),
        (Expire, |x| x.s.expire_all()),
        // Pending changes, loaded relationships, what is expired: all is there again.
        (Refresh, |x| x.db.run(x.s.refresh(x.jack))),
        (Refresh, |x| x.db.run(x.s.refresh_attributes(x.jack, [User::visits]))),
        (Refresh, |x| {
            let mut quiet = x.s.no_autoflush();
            x.db.run(quiet.refresh_attributes(x.home, [Address::email]))
        }),
        (Refresh, |x| {
            let both = [AttributeKey::from(User::name), User::addresses.into()];
            let mut quiet = x.s.no_autoflush();
            x.db.run(quiet.refresh_attributes(x.ed, both))
        }),
        (Refresh, |x| {
            let all = select::<User>().options(joined(User::addresses)).populate_existing();
            let mut quiet = x.s.no_autoflush();
            x.db.run(quiet.all(all)).map(|_| ())
        }),
    ];
    for (event, operation) in cases {
        let mut scene = scene()?;
        scene.s.on(event, |_, _| Err(refuse()))?;
        refuses(scene, &format!("{event:?}"), operation);
    }
    Ok(())
}

#[test]
fn a_pending_object_that_a_refused_refresh_would_drop() -> Result<()> {
    let Scene { db, mut s, jack, .. } = scene()?;
    for name in ["new", "newer"] {
        s.append(jack, User::addresses, address(name))?;
    }
    let before = picture(&s);
    let refusal = s.on(ObjectEvent::Refresh, |_, _| Err(refuse()))?;
    assert_eq!(db.run(s.refresh(jack)).unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(picture(&s), before);
    s.off(refusal);
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT email FROM addresses ORDER BY id"), ["home", "new", "newer"]);
    // Where nobody refuses, they leave the session, as they always do.
    s.append(jack, User::addresses, address("newest"))?;
    db.run(s.refresh(jack))?;
    assert!(s.new_objects().is_empty());
    Ok(())
}

#[test]
fn each_object_event_of_a_flush() -> Result<()> {
    use ObjectEvent::*;
    for event in [BeforeUpdate, AfterUpdate, BeforeDelete, AfterDelete, PersistentToDeleted] {
        let Scene { db, mut s, ed, jack, .. } = scene()?;
        let refusal = s.on(event, |_, _| Err(refuse()))?;
        s.set(ed, User::name, "new")?;
        db.run(s.delete(jack))?;
        let error = db.run(s.flush()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{event:?}");
        db.run(s.rollback())?;
        assert_eq!(db.rows("SELECT name FROM users ORDER BY id"), ["ed", "jack"], "{event:?}");
        db.run(s.refresh(ed))?;
        assert_eq!((&*s[ed].name, s.state(jack)?), ("ed", ObjectState::Persistent), "{event:?}");
        s.off(refusal);
        s.set(ed, User::name, "new")?;
        db.run(s.commit())?;
        assert_eq!(db.rows("SELECT name FROM users ORDER BY id"), ["new", "jack"]);
    }
    Ok(())
}

#[test]
fn a_load_and_a_statement() -> Result<()> {
    let Scene { db, mut s, .. } = scene()?;
    db.run(s.rollback())?;
    let before = picture(&s);
    let refusal = s.on(StatementEvent::DoOrmExecute, |_, _| Err(refuse()))?;
    assert_eq!(db.run(s.all(select::<User>())).unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(picture(&s), before);
    s.off(refusal);
    db.run(s.close())?;
    for event in [ObjectEvent::Load, ObjectEvent::LoadedAsPersistent] {
        let mut s = db.session();
        let refusal = s.on(event, |_, _| Err(refuse()))?;
        let queries = [
            select::<User>(),
            select::<User>().options(joined(User::addresses)),
            select::<User>().options(selectin(User::addresses)),
        ];
        for query in queries {
            // As often as it is asked for: nothing of it is there.
            let refused = db.run(s.all(query)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Validation);
            assert!(s.persistent_objects().is_empty(), "{event:?}");
        }
        assert!(db.run(s.get::<User>(1)).is_err() && s.peek::<User>(1)?.is_none());
        s.off(refusal);
        // The session goes on.
        let found = db.run(s.all(select::<User>()))?;
        assert_eq!(found.len(), 2, "{event:?}");
        assert!(!s.is_dirty(found[0])?);
        db.run(s.close())?;
    }
    Ok(())
}

#[test]
fn one_object_of_those_that_rows_bring() -> Result<()> {
    let Scene { db, mut s, .. } = scene()?;
    db.run(s.rollback())?;
    db.run(s.close())?;
    let mut s = db.session();
    let users = db.run(s.all(select::<User>().order_by(User::id)))?;
    let refusal = s.on(ObjectEvent::Load.of::<Address>(), |_, _| Err(refuse()))?;
    // The owners are there, and their addresses are as little loaded as before.
    for query in [
        select::<User>().options(joined(User::addresses)),
        select::<User>().options(selectin(User::addresses)),
        select::<User>().join(User::addresses).options(contains_eager(User::addresses)),
    ] {
        assert_eq!(db.run(s.all(query)).unwrap_err().kind(), ErrorKind::Validation);
        assert!(!s.is_loaded(users[0], User::addresses)?);
        assert_eq!(s.persistent_objects().len(), 2);
    }
    assert!(db.run(s.load(users[0], User::addresses)).is_err());
    assert!(!s.is_loaded(users[0], User::addresses)?);
    s.off(refusal);
    db.run(s.load(users[0], User::addresses))?;
    assert_eq!(s[users[0]].addresses.len(), 1);
    Ok(())
}

#[test]
fn what_is_expired_stays_so_when_its_load_is_refused() -> Result<()> {
    let Scene { db, mut s, ed, jack, .. } = scene()?;
    db.run(s.commit())?;
    s.expire(ed)?;
    s.set(ed, User::visits, 9)?;
    let before = picture(&s);
    let refusal = s.on(ObjectEvent::Refresh, |_, _| Err(refuse()))?;
    let mut quiet = s.no_autoflush();
    assert!(db.run(quiet.load(ed, User::name)).is_err());
    assert!(db.run(quiet.all(select::<User>())).is_err());
    drop(quiet);
    assert_eq!(picture(&s), before);
    assert_eq!((&*s[jack].name, s.is_loaded(ed, User::name)?), ("jack", false));
    s.off(refusal);
    db.run(s.load(ed, User::name))?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name, visits FROM users ORDER BY id"), ["ed|9", "jack|7"]);
    Ok(())
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "wide", configure = refuse_thirteen)]
struct Wide {
    #[column(primary_key)]
    id: Auto<i64>,
    f1: i64,
    f2: i64,
    f3: i64,
    f4: i64,
    f5: i64,
    f6: i64,
    f7: i64,
    f8: i64,
    f9: i64,
    f10: i64,
    f11: String,
    f12: Option<String>,
    f13: i64,
    f14: i64,
    f15: Option<i64>,
    f16: Vec<u8>,
    f17: f64,
    f18: bool,
    f19: i64,
    f20: i64,
}

fn refuse_thirteen(mapper: &mut MapperBuilder) {
    mapper.validate(Wide::f13, |_, _, value: &mut i64| match value {
        13 => Err(Error::new(ErrorKind::Validation, "no thirteen")),
        _ => Ok(()),
    });
}

#[test]
fn a_validator_in_the_middle_of_an_edit_of_twenty_fields() -> Result<()> {
    let registry = Registry::new();
    registry.register::<Wide>()?;
    let db = Db::new(registry);
    let mut s = db.session();
    let wide = s.add(Wide { f11: "text".into(), f16: vec![1, 2], ..Wide::default() })?;
    let change = |w: &mut Wide, thirteen: i64| {
        *w = Wide {
            id: w.id,
            f1: 1,
            f2: 2,
            f3: 3,
            f4: 4,
            f5: 5,
            f6: 6,
            f7: 7,
            f8: 8,
            f9: 9,
            f10: 10,
            f11: "eleven".into(),
            f12: Some("twelve".into()),
            f13: thirteen,
            f14: 14,
            f15: Some(15),
            f16: vec![16],
            f17: 17.0,
            f18: true,
            f19: 19,
            f20: 20,
        }
    };
    // New, persistent, and changed in part before.
    for step in 0..3 {
        if step == 2 {
            s.set(wide, Wide::f5, 50)?;
            s.set(wide, Wide::f14, 140)?;
        }
        let (before, object) = (shown(&s, wide), s[wide].clone());
        let error = s.edit(wide, |w| change(w, 13)).unwrap_err();
        assert_eq!(error.message(), "no thirteen");
        assert_eq!((shown(&s, wide), &s[wide]), (before, &object), "step {step}");
        db.run(s.commit())?;
    }
    assert_eq!(db.rows("SELECT f1 + f5 + f13 + f14 + f20 AS n FROM wide"), ["190"]);
    s.edit(wide, |w| change(w, 12))?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT f1 + f5 + f13 + f14 + f20 AS n FROM wide"), ["52"]);
    Ok(())
}

#[test]
fn a_listener_that_re_enters() -> Result<()> {
    let Scene { db, mut s, ed, jack, home, .. } = scene()?;
    // Setting one attribute sets another, moves a member, and edits another object, whose listener reads this one.
    s.on(AttributeEvent::Set.of(User::name), |s, change| {
        let user: Handle<User> = s.handle_of(change.target)?;
        if s[user].visits != Some(0) {
            s.set(user, User::visits, 0)?;
            let home = s.members(user, User::addresses).next();
            if let Some(home) = home {
                s.edit(home, |home| home.email.push('!'))?;
            }
        }
        Ok(())
    })?;
    let heard = Heard::default();
    let told = heard.clone();
    s.on(AttributeEvent::Set.of(Address::email), move |s, change| {
        let home: Handle<Address> = s.handle_of(change.target)?;
        let owner = s[home].user.get();
        // The change that began it has not been made yet.
        told.push(owner.map_or("nobody", |owner| &*s[owner].name));
        Ok(())
    })?;
    s.set(ed, User::name, "new")?;
    assert_eq!((&*s[ed].name, s[ed].visits, &*s[home].email), ("new", Some(0), "home!"));
    assert_eq!(heard.take(), "ed");
    // Where the last of them is refused, nothing of it has happened.
    db.run(s.commit())?;
    s.set(ed, User::visits, 1)?;
    s.on(AttributeEvent::Set.of(Address::email), |_, _| Err(refuse()))?;
    let before = picture(&s);
    s.set(ed, User::name, "ed").unwrap_err();
    assert_eq!(picture(&s), before);
    s.set(jack, User::name, "j")?;
    assert_eq!(s[jack].visits, Some(0));
    Ok(())
}

#[test]
fn a_listener_that_pulls_the_ground_away() -> Result<()> {
    type Pull = fn(&mut Session, aludel_orm::Id) -> Result<()>;
    let pulls: [Pull; 7] = [
        |s, id| s.expire(id.handle()),
        |s, id| s.expunge(id.handle()),
        |s, id| s.expunge(id.handle()).map(|()| assert_eq!(s.discard_all(), 0)),
        |s, _| s.expunge_all().map(|()| assert_eq!(s.discard_all(), 0)),
        |s, _| s.expire_all(),
        |s, id| s.make_transient(id.handle()),
        |s, id| {
            let user: Handle<User> = s.handle_of(id)?;
            s.expunge(user)?;
            s.take(user).map(drop)
        },
    ];
    let operations: [Operation; 7] = [
        |x| x.s.set(x.ed, User::name, "new"),
        |x| x.s.append(x.jack, User::addresses, x.home),
        |x| x.s.append(x.jack, User::addresses, address("new")),
        |x| x.s.remove(x.ed, User::addresses, x.home),
        |x| x.s.set(x.ed, User::addresses, [address("new")]),
        |x| x.s.set(x.home, Address::user, x.jack),
        |x| {
            x.s.edit(x.ed, |ed| {
                ed.visits = Some(3);
                ed.addresses = [address("new")].into();
                ed.name = "new".into();
            })
        },
    ];
    let events = || {
        let (set, append) = (AttributeEvent::Set, AttributeEvent::Append);
        let remove = AttributeEvent::Remove.of(User::addresses);
        [set.of(User::name), set.of(Address::user), append.of(User::addresses), remove]
    };
    for pull in pulls {
        for operation in operations {
            // Of the object itself, and of the one that comes or goes; and the listener may fail after that.
            for (member, fails) in [(false, false), (false, true), (true, false), (true, true)] {
                let mut scene = scene()?;
                for event in events() {
                    scene.s.on(event, move |s, change| {
                        let home: Handle<Address>;
                        if change.op == Op::Append {
                            home = s.make(address("another"))?;
                            s.edit(home, |home| home.email.push('!'))?;
                        }
                        let id = if member { change.object() } else { Some(change.target) };
                        if let Some(id) = id.filter(|id| s.holds(id.handle())) {
                            // It may be refused by itself: what is not persistent cannot be expired.
                            let _ = pull(s, id);
                        }
                        if fails { Err(refuse()) } else { Ok(()) }
                    })?;
                }
                let _ = operation(&mut scene);
                // Whatever came of it, the session goes on.
                let Scene { db, mut s, .. } = scene;
                db.run(s.rollback())?;
                let found = db.run(s.all(select::<User>().options(joined(User::addresses))))?;
                let names: Vec<&str> = found.iter().map(|user| &*s[*user].name).collect();
                assert_eq!(names, ["ed", "jack"]);
            }
        }
    }
    Ok(())
}

#[test]
fn a_circle_of_events() -> Result<()> {
    let circle: [fn(&mut Session) -> Result<()>; 3] = [
        // An attribute that answers itself.
        |s| {
            s.on(AttributeEvent::Set.of(User::name), |s, change| {
                let user: Handle<User> = s.handle_of(change.target)?;
                s.set(user, User::name, "again")
            })
            .map(|_| ())
        },
        // Two that answer each other.
        |s| {
            s.on(AttributeEvent::Set.of(User::name), |s, change| {
                let user: Handle<User> = s.handle_of(change.target)?;
                s.set(user, User::visits, 1)
            })?;
            s.on(AttributeEvent::Set.of(User::visits), |s, change| {
                let user: Handle<User> = s.handle_of(change.target)?;
                s.set(user, User::name, "again")
            })
            .map(|_| ())
        },
        // Through a relationship.
        |s| {
            s.on(AttributeEvent::Set.of(User::name), |s, change| {
                let user: Handle<User> = s.handle_of(change.target)?;
                s.append(user, User::addresses, address("more"))
            })?;
            s.on(AttributeEvent::Append.of(User::addresses), |s, change| {
                s.set_named(change.target, "name", "again")
            })
            .map(|_| ())
        },
    ];
    for listen in circle {
        let mut scene = scene()?;
        listen(&mut scene.s)?;
        let before = picture(&scene.s);
        let error = scene.s.set(scene.ed, User::name, "new").unwrap_err();
        assert!(error.to_string().contains("listeners call each other more than"), "{error}");
        assert_eq!(picture(&scene.s), before);
    }
    Ok(())
}

#[test]
fn a_chain_by_name_is_not_answered_by_what_began_it() -> Result<()> {
    for by_name in [false, true] {
        let Scene { mut s, ed, jack, home, .. } = scene()?;
        // The listener sets the other side itself, as a part of the chain: the collection does not answer.
        s.on(AttributeEvent::Append.of(User::addresses), move |s, change| {
            assert_eq!(change.initiator.op(), Op::Append);
            let member: Handle<Address> = s.handle_of(change.object().expect("a member"))?;
            match by_name {
                true => s.set_attribute_named(
                    member,
                    "user",
                    Datum::One(Some(change.target)),
                    change.initiator,
                ),
                false => {
                    let owner: Handle<User> = s.handle_of(change.target)?;
                    s.set_attribute(member, Address::user, owner, change.initiator)
                }
            }
        })?;
        s.append(jack, User::addresses, home)?;
        assert_eq!((s[jack].addresses.to_vec(), s[ed].addresses.len()), (vec![home], 0));
        assert_eq!(s[home].user.get(), Some(jack));
    }
    for by_name in [false, true] {
        let Scene { mut s, ed, home, .. } = scene()?;
        let heard = Heard::default();
        let told = heard.clone();
        s.on(AttributeEvent::Remove.of(User::addresses), move |s, change| {
            told.push("remove");
            let member: Handle<Address> = s.handle_of(change.object().expect("a member"))?;
            match by_name {
                true => s.del_attribute_named(member, "user", change.initiator),
                false => s.del_attribute(member, Address::user, change.initiator),
            }
        })?;
        s.remove(ed, User::addresses, home)?;
        assert_eq!((s[ed].addresses.len(), s[home].user.get()), (0, None));
        // A reference that is deleted by its own chain does not take the member out a second time.
        assert_eq!(heard.take(), "remove");
    }
    // A whole collection, too.
    let Scene { mut s, ed, jack, home, .. } = scene()?;
    s.on(AttributeEvent::Set.of(Address::user), move |s, change| {
        let to = change.object().map(|id| s.handle_of::<User>(id)).transpose()?;
        match to {
            Some(to) if s[to].addresses.is_empty() => {
                s.set_attribute(to, User::addresses, [home], change.initiator)
            }
            _ => Ok(()),
        }
    })?;
    s.set(home, Address::user, jack)?;
    assert_eq!((s[jack].addresses.to_vec(), s[home].user.get()), (vec![home], Some(jack)));
    assert_eq!(s[ed].addresses.len(), 0);
    Ok(())
}
