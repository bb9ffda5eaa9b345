//! Both sides of a relationship, for every pair of kinds: what one side is told, the other follows, with its
//! history, and without loading anything.

use aludel_orm::{Handle, Session};

use crate::zoo::{Address, Db, Label, Medal, Profile, Tag, User};

fn users(db: &Db, s: &mut Session) -> (Handle<User>, Handle<User>) {
    (db.run(s.get_one::<User>(1)), db.run(s.get_one::<User>(2)))
}

macro_rules! collection_and_reference {
    ($test:ident, $class:ident $new:literal, $collection:ident, $members:expr) => {
        #[test]
        fn $test() {
            let db = Db::new();
            let mut s = db.session();
            let (ed, jack) = users(&db, &mut s);
            let here = db.run(s.get_one::<$class>(1));
            let new = db.run(s.get_one::<$class>($new));
            for user in [ed, jack] {
                db.run(s.load(user, User::$collection));
            }
            db.run(s.load(here, $class::user));
            let members = |s: &Session, user: Handle<User>| -> Vec<Handle<$class>> {
                let members: fn(&User) -> Vec<Handle<$class>> = $members;
                members(&s[user])
            };
            db.selects();
            // From the collection.
            s.append(jack, User::$collection, here).unwrap();
            assert_eq!(s[here].user.get(), Some(jack));
            assert!(!members(&s, ed).contains(&here));
            assert_eq!(s.history(ed, User::$collection).unwrap().deleted(), [here]);
            assert_eq!(s.history(jack, User::$collection).unwrap().added(), [here]);
            assert_eq!(s.history(here, $class::user).unwrap().deleted(), [Some(ed)]);
            s.remove(jack, User::$collection, here).unwrap();
            assert_eq!(s[here].user.get(), None);
            assert!(!s.history(jack, User::$collection).unwrap().has_changes());
            // From the reference.
            s.set(here, $class::user, ed).unwrap();
            assert!(members(&s, ed).contains(&here));
            assert!(!s.history(ed, User::$collection).unwrap().has_changes());
            assert!(!s.history(here, $class::user).unwrap().has_changes());
            s.set(here, $class::user, jack).unwrap();
            assert_eq!(members(&s, jack), [here]);
            s.del(here, $class::user).unwrap();
            assert!(members(&s, jack).is_empty());
            // All at once.
            s.set(jack, User::$collection, [here]).unwrap();
            assert_eq!(s[here].user.get(), Some(jack));
            s.set(jack, User::$collection, Vec::<Handle<$class>>::new()).unwrap();
            assert_eq!(s[here].user.get(), None);
            assert_eq!(db.selects(), 0);
            // A collection that is not loaded is told all the same.
            s.expire(ed).unwrap();
            s.set(new, $class::user, ed).unwrap();
            assert!(!s.is_loaded(ed, User::$collection).unwrap());
            s.options_mut().autoflush = false;
            db.run(s.load(ed, User::$collection));
            assert!(members(&s, ed).contains(&new));
            assert_eq!(s.history(ed, User::$collection).unwrap().added(), [new]);
            s.options_mut().autoflush = true;
            db.run(s.commit());
        }
    };
}

collection_and_reference!(a_list_and_a_reference, Address 3, addresses, |u| u.addresses.to_vec());
collection_and_reference!(a_set_and_a_reference, Medal 2, medals, |u| u.medals.to_vec());
collection_and_reference!(a_keyed_map_and_a_reference, Label 2, labels, |u| {
    u.labels.iter().map(|(_, label)| label).collect()
});

#[test]
fn a_reference_and_a_reference() {
    let db = Db::new();
    let mut s = db.session();
    let (ed, jack) = users(&db, &mut s);
    let (first, second) = (db.run(s.get_one::<Profile>(1)), db.run(s.get_one::<Profile>(2)));
    for user in [ed, jack] {
        db.run(s.load(user, User::profile));
    }
    for profile in [first, second] {
        db.run(s.load(profile, Profile::user));
    }
    db.selects();
    // Taken over from either side. The owner that had it before is asked only when the object itself is set, as in
    // SQLAlchemy: the token says that references of this kind have been dealt with.
    s.set(jack, User::profile, first).unwrap();
    assert_eq!(s[first].user.get(), Some(jack));
    assert_eq!(s[ed].profile.get(), Some(first));
    s.set(first, Profile::user, ed).unwrap();
    assert_eq!((s[ed].profile.get(), s[jack].profile.get()), (Some(first), None));
    s.set(ed, User::profile, second).unwrap();
    assert_eq!((s[first].user.get(), s[second].user.get()), (None, Some(ed)));
    s.del(ed, User::profile).unwrap();
    assert_eq!(s[second].user.get(), None);
    assert_eq!(db.selects(), 0);
    db.run(s.flush());
}

#[test]
fn a_collection_and_a_collection() {
    let db = Db::new();
    let mut s = db.session();
    let (ed, jack) = users(&db, &mut s);
    let (one, two) = (db.run(s.get_one::<Tag>(1)), db.run(s.get_one::<Tag>(2)));
    for user in [ed, jack] {
        db.run(s.load(user, User::tags));
    }
    for tag in [one, two] {
        db.run(s.load(tag, Tag::users));
    }
    db.selects();
    s.append(jack, User::tags, one).unwrap();
    assert_eq!(s[one].users.to_vec(), [ed, jack]);
    s.append(two, Tag::users, ed).unwrap();
    assert_eq!(s[ed].tags.to_vec(), [one, two]);
    s.remove(one, Tag::users, ed).unwrap();
    assert_eq!(s[ed].tags.to_vec(), [two]);
    assert_eq!(s.history(ed, User::tags).unwrap().deleted(), [one]);
    s.set(jack, User::tags, [two]).unwrap();
    assert!(s[one].users.is_empty());
    assert_eq!(s[two].users.to_vec(), [ed, jack]);
    s.set(two, Tag::users, Vec::<Handle<User>>::new()).unwrap();
    assert!(s[ed].tags.is_empty() && s[jack].tags.is_empty());
    assert_eq!(db.selects(), 0);
    db.run(s.commit());
}

#[test]
fn an_edit_does_what_single_sets_do() {
    let db = Db::new();
    let mut s = db.session();
    let (ed, jack) = users(&db, &mut s);
    let a = db.run(s.get_one::<Address>(1));
    for user in [ed, jack] {
        db.run(s.load(user, User::addresses));
    }
    db.run(s.load(a, Address::user));
    s.edit(a, |a| {
        a.user = jack.into();
        a.email = "moved".into();
    })
    .unwrap();
    assert_eq!(s[jack].addresses.to_vec(), [a]);
    assert_eq!(s[ed].addresses.len(), 1);
    assert_eq!(s.history(a, Address::email).unwrap().deleted(), ["a"]);
}
