//! Random operations on a graph: history, backrefs, rollback and atomicity hold at every step.

use std::collections::BTreeSet;

use aludel_orm::events::AttributeEvent;
use aludel_orm::{Error, ErrorKind, Handle, Session};
use proptest::prelude::*;

use crate::zoo::{Address, Db, Tag, User};

/// An operation; numbers stand for objects.
#[derive(Clone, Debug)]
enum Op {
    Rename(usize, String),
    Balance(usize, Option<i64>),
    SetUser(usize, Option<usize>),
    DelUser(usize),
    Append(usize, usize),
    Insert(usize, usize),
    Remove(usize, usize),
    Replace(usize, Vec<usize>),
    Tag(usize, usize),
    Untag(usize, usize),
    Users(usize, Vec<usize>),
    Edit(usize, String, usize),
    /// A name that the listener refuses, at the end of an edit that changes other things first.
    Refused(usize, usize),
    /// A member of another session, among others.
    Foreign(usize, usize),
    Flush,
}

fn op() -> impl Strategy<Value = Op> {
    let (user, address, tag) = (0..2usize, 0..3usize, 0..2usize);
    let name = "[a-c]{1,2}";
    prop_oneof![
        (user.clone(), name).prop_map(|(u, name)| Op::Rename(u, name)),
        (user.clone(), proptest::option::of(0..3i64)).prop_map(|(u, n)| Op::Balance(u, n)),
        (address.clone(), proptest::option::of(user.clone())).prop_map(|(a, u)| Op::SetUser(a, u)),
        address.clone().prop_map(Op::DelUser),
        (user.clone(), address.clone()).prop_map(|(u, a)| Op::Append(u, a)),
        (user.clone(), address.clone()).prop_map(|(u, a)| Op::Insert(u, a)),
        (user.clone(), address.clone()).prop_map(|(u, a)| Op::Remove(u, a)),
        (user.clone(), proptest::sample::subsequence(vec![0, 1, 2], 0..=3))
            .prop_map(|(u, all)| Op::Replace(u, all)),
        (user.clone(), tag.clone()).prop_map(|(u, t)| Op::Tag(u, t)),
        (user.clone(), tag.clone()).prop_map(|(u, t)| Op::Untag(u, t)),
        (tag, proptest::sample::subsequence(vec![0, 1], 0..=2))
            .prop_map(|(t, all)| Op::Users(t, all)),
        (user.clone(), name, address.clone()).prop_map(|(u, name, a)| Op::Edit(u, name, a)),
        (user.clone(), address.clone()).prop_map(|(u, a)| Op::Refused(u, a)),
        (user, address).prop_map(|(u, a)| Op::Foreign(u, a)),
        Just(Op::Flush),
    ]
}

struct World {
    db: Db,
    s: Session,
    users: Vec<Handle<User>>,
    addresses: Vec<Handle<Address>>,
    tags: Vec<Handle<Tag>>,
    foreign: Handle<Address>,
}

/// The values of everything.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    names: Vec<(String, Option<i64>)>,
    addresses: Vec<Vec<Handle<Address>>>,
    owners: Vec<Option<Handle<User>>>,
    tags: Vec<Vec<Handle<Tag>>>,
    tagged: Vec<Vec<Handle<User>>>,
}

impl World {
    fn new() -> Self {
        let db = Db::new();
        let mut s = db.session();
        s.options_mut().autoflush = false;
        let users = vec![db.run(s.get_one::<User>(1)), db.run(s.get_one::<User>(2))];
        let addresses = (1..=3).map(|id| db.run(s.get_one::<Address>(id))).collect();
        let tags = vec![db.run(s.get_one::<Tag>(1)), db.run(s.get_one::<Tag>(2))];
        let foreign = db.session().make(Address::default()).unwrap();
        s.on(AttributeEvent::Set.of(User::name), |_, change| match change.value::<String>() {
            Some(name) if name == "refused" => {
                Err(Error::new(ErrorKind::Validation, "not this name"))
            }
            _ => Ok(()),
        })
        .unwrap();
        let mut world = Self { db, s, users, addresses, tags, foreign };
        world.load();
        world
    }

    /// Loads everything.
    fn load(&mut self) {
        let (db, s) = (&self.db, &mut self.s);
        for user in &self.users {
            db.run(s.load(*user, User::name));
            db.run(s.load(*user, User::addresses));
            db.run(s.load(*user, User::tags));
        }
        for address in &self.addresses {
            db.run(s.load(*address, Address::email));
            db.run(s.load(*address, Address::user));
        }
        for tag in &self.tags {
            db.run(s.load(*tag, Tag::users));
        }
    }

    fn picture(&self) -> Picture {
        let s = &self.s;
        Picture {
            names: self.users.iter().map(|u| (s[*u].name.clone(), s[*u].balance)).collect(),
            addresses: self.users.iter().map(|u| s[*u].addresses.to_vec()).collect(),
            owners: self
                .addresses
                .iter()
                .map(|a| s.value(*a, Address::user).unwrap().try_get().flatten())
                .collect(),
            tags: self.users.iter().map(|u| s[*u].tags.to_vec()).collect(),
            tagged: self.tags.iter().map(|t| s[*t].users.to_vec()).collect(),
        }
    }

    /// Everything that can be seen: values, histories, and what is to be flushed.
    fn everything(&self) -> String {
        let s = &self.s;
        let users = self.users.iter().map(|u| s.inspect(*u).unwrap().attrs());
        let mut seen: Vec<String> = Vec::new();
        for attribute in users.flatten() {
            seen.push(format!("{:?} {:?}", attribute.loaded_value(), attribute.history()));
        }
        for attribute in self.addresses.iter().flat_map(|a| s.inspect(*a).unwrap().attrs()) {
            seen.push(format!("{:?} {:?}", attribute.loaded_value(), attribute.history()));
        }
        for attribute in self.tags.iter().flat_map(|t| s.inspect(*t).unwrap().attrs()) {
            seen.push(format!("{:?} {:?}", attribute.loaded_value(), attribute.history()));
        }
        let lists = (s.dirty_objects(), s.new_objects(), s.deleted_objects());
        format!("{seen:#?} {lists:?}")
    }

    fn apply(&mut self, op: &Op) -> Result<(), Error> {
        let (users, addresses, tags) = (&self.users, &self.addresses, &self.tags);
        let s = &mut self.s;
        match op {
            Op::Rename(u, name) => s.set(users[*u], User::name, name.as_str()),
            Op::Balance(u, n) => s.set(users[*u], User::balance, *n),
            Op::SetUser(a, u) => s.set(addresses[*a], Address::user, u.map(|u| users[u])),
            Op::DelUser(a) => s.del(addresses[*a], Address::user),
            Op::Append(u, a) if s[users[*u]].addresses.contains(addresses[*a]) => Ok(()),
            Op::Append(u, a) => s.append(users[*u], User::addresses, addresses[*a]),
            Op::Insert(u, a) if s[users[*u]].addresses.contains(addresses[*a]) => Ok(()),
            Op::Insert(u, a) => s.insert_at(users[*u], User::addresses, 0, addresses[*a]),
            Op::Remove(u, a) => s.remove(users[*u], User::addresses, addresses[*a]),
            Op::Replace(u, all) => {
                let all: Vec<_> = all.iter().map(|a| addresses[*a]).collect();
                s.set(users[*u], User::addresses, all)
            }
            Op::Tag(u, t) if s[users[*u]].tags.contains(tags[*t]) => Ok(()),
            Op::Tag(u, t) => s.append(users[*u], User::tags, tags[*t]),
            Op::Untag(u, t) => s.remove(users[*u], User::tags, tags[*t]),
            Op::Users(t, all) => {
                let all: Vec<_> = all.iter().map(|u| users[*u]).collect();
                s.set(tags[*t], Tag::users, all)
            }
            Op::Edit(u, name, a) => s.edit(users[*u], |user| {
                user.name = name.clone();
                user.balance = Some(1);
                user.addresses = [addresses[*a]].into();
            }),
            Op::Refused(u, a) => s.edit(users[*u], |user| {
                user.addresses = [addresses[*a]].into();
                user.balance = Some(2);
                user.name = "refused".into();
            }),
            Op::Foreign(u, a) => s.set(users[*u], User::addresses, [addresses[*a], self.foreign]),
            Op::Flush => Ok(()),
        }
    }

    /// The two sides of each relationship say the same.
    fn check_sides(&self) -> Result<(), TestCaseError> {
        let s = &self.s;
        for user in &self.users {
            for address in &self.addresses {
                let owner = s.value(*address, Address::user).unwrap().try_get().flatten();
                prop_assert_eq!(s[*user].addresses.contains(*address), owner == Some(*user));
            }
            for tag in &self.tags {
                prop_assert_eq!(s[*user].tags.contains(*tag), s[*tag].users.contains(*user));
            }
        }
        Ok(())
    }

    /// The history applied to what was committed gives what is, and its inverse what was.
    fn check_histories(&self, committed: &Picture) -> Result<(), TestCaseError> {
        let (s, now) = (&self.s, self.picture());
        for (at, user) in self.users.iter().enumerate() {
            let history = s.history(*user, User::addresses).unwrap();
            check(&history, &committed.addresses[at], &now.addresses[at])?;
            let history = s.history(*user, User::tags).unwrap();
            check(&history, &committed.tags[at], &now.tags[at])?;
            let name = s.history(*user, User::name).unwrap();
            check(&name, &[committed.names[at].0.clone()], &[now.names[at].0.clone()])?;
            let balance = s.history(*user, User::balance).unwrap();
            check(&balance, &[committed.names[at].1], &[now.names[at].1])?;
        }
        for (at, address) in self.addresses.iter().enumerate() {
            let history = s.history(*address, Address::user).unwrap();
            // A reference that was none is not said to have gone.
            let some = |items: &[Option<Handle<User>>]| -> Vec<_> {
                items.iter().flatten().copied().collect()
            };
            let before: Vec<_> = committed.owners[at].into_iter().collect();
            let after: Vec<_> = now.owners[at].into_iter().collect();
            prop_assert_eq!(some(&[history.unchanged(), history.deleted()].concat()), before);
            prop_assert_eq!(some(&[history.added(), history.unchanged()].concat()), after);
        }
        for (at, tag) in self.tags.iter().enumerate() {
            let history = s.history(*tag, Tag::users).unwrap();
            check(&history, &committed.tagged[at], &now.tagged[at])?;
        }
        Ok(())
    }
}

/// The parts of a history against what was and what is.
fn check<T: Clone + Ord + std::fmt::Debug>(
    history: &aludel_orm::History<T>,
    before: &[T],
    after: &[T],
) -> Result<(), TestCaseError> {
    let set = |items: &[T]| items.iter().cloned().collect::<BTreeSet<_>>();
    prop_assert_eq!(set(before), history.non_added().cloned().collect::<BTreeSet<_>>());
    prop_assert_eq!(set(after), history.non_deleted().cloned().collect::<BTreeSet<_>>());
    prop_assert!(history.added().iter().all(|item| !before.contains(item)));
    prop_assert!(history.deleted().iter().all(|item| !after.contains(item)));
    prop_assert_eq!(history.has_changes(), set(before) != set(after));
    // What has gone is told in the order that it had.
    let order = |item: &T| before.iter().position(|b| b == item);
    prop_assert!(history.deleted().iter().map(order).is_sorted());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_is_sound(ops in proptest::collection::vec(op(), 1..25)) {
        let mut world = World::new();
        let start = world.picture();
        let mut committed = start.clone();
        for op in &ops {
            let before = world.everything();
            if matches!(op, Op::Flush) {
                // An address that no user owns is deleted: the rest of the story is told elsewhere.
                let owned = |a: &Handle<Address>| {
                    world.s.value(*a, Address::user).unwrap().try_get().flatten().is_some()
                };
                if world.addresses.iter().all(owned) {
                    world.db.run(world.s.flush());
                    committed = world.picture();
                }
            } else if let Err(error) = world.apply(op) {
                prop_assert_eq!(world.everything(), before, "{}", error);
            }
            world.check_sides()?;
            world.check_histories(&committed)?;
        }
        // Rolled back, everything is as it was.
        world.db.run(world.s.rollback());
        world.load();
        prop_assert_eq!(world.picture(), start);
    }
}
