//! What an instrumented operation costs: no database, objects as if they had been loaded.
//!
//! Prints one line of JSON for each case (whose name contains the argument, if there is one): nanoseconds an operation,
//! the best of all rounds.

use std::time::{Duration, Instant};

use aludel::ext::Mutable;
use aludel::orm::Registry;
use aludel::prelude::*;
use aludel::sql::Json;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "person")]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    city: String,
    age: i64,
    score: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "owner")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "owner")]
    things: Many<Thing>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "thing")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "owner.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "things")]
    owner: One<Owner>,
}

/// A document of ten kilobytes, which an edit copies and compares.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "page")]
struct Page {
    #[column(primary_key)]
    id: Auto<i64>,
    views: i64,
    words: Words,
}

/// The same, tracked: an edit shares it until it is changed, and compares nothing.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "tracked_page")]
struct TrackedPage {
    #[column(primary_key)]
    id: Auto<i64>,
    views: i64,
    words: Mutable<Words>,
}

type Words = Json<Vec<String>>;

fn words() -> Words {
    Json((0..1000).map(|n| format!("word {n:05}")).collect())
}

const OBJECTS: usize = 10_000;
const MANY: usize = 100_000;
const ROUNDS: usize = 15;

/// An object as if it had been loaded.
fn loaded<T: Mapped>(s: &mut Session, value: T) -> Handle<T> {
    let handle = s.make(value).unwrap();
    s.make_transient_to_detached(handle).unwrap();
    s.add(handle).unwrap()
}

fn people(s: &mut Session) -> Vec<Handle<Person>> {
    let person = |id: i64| Person {
        id: id.into(),
        name: format!("person {id}"),
        city: "Vienna".into(),
        age: id % 90,
        score: id,
    };
    (1..=OBJECTS as i64).map(|id| loaded(s, person(id))).collect()
}

fn things(s: &mut Session, count: usize) -> Vec<Handle<Thing>> {
    let make = |id: i64| {
        let thing = loaded(s, Thing { id: id.into(), ..Thing::default() });
        s.set_committed(thing, Thing::owner, None::<Handle<Owner>>).unwrap();
        thing
    };
    (1..=count as i64).map(make).collect()
}

fn owner(s: &mut Session, id: i64, things: &[Handle<Thing>]) -> Handle<Owner> {
    let owner = loaded(s, Owner { id: id.into(), ..Owner::default() });
    s.set_committed(owner, Owner::things, things.to_vec()).unwrap();
    for thing in things {
        s.set_committed(*thing, Thing::owner, owner).unwrap();
    }
    owner
}

/// Runs a case several times in one session, as a program does; each round gives the operations and how long
/// they took.
fn case(name: &str, mut round: impl FnMut(&mut Session) -> (usize, Duration)) {
    if std::env::args().nth(1).is_some_and(|wanted| !name.contains(&wanted)) {
        return;
    }
    let mut s = Session::detached(&Registry::new());
    let mut each: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let (count, took) = round(&mut s);
            s.expire_all().unwrap();
            s.expunge_all().unwrap();
            took.as_nanos() as f64 / count as f64
        })
        .collect();
    each.sort_by(f64::total_cmp);
    println!("{{\"peer\":\"aludel\",\"case\":\"{name}\",\"ns\":{:.1}}}", each[0]);
}

fn timed(count: usize, run: impl FnOnce()) -> (usize, Duration) {
    let start = Instant::now();
    run();
    (count, start.elapsed())
}

/// A change of each of a thousand pages.
fn pages(name: &str, edit: impl Fn(&mut Session, Handle<Page>) -> aludel::Result<()>) {
    case(name, |s| {
        let page = |id: i64| Page { id: id.into(), words: words(), ..Page::default() };
        let pages: Vec<_> = (1..=1000).map(|id| loaded(s, page(id))).collect();
        timed(pages.len(), || pages.iter().for_each(|page| edit(s, *page).unwrap()))
    });
}

fn tracked(name: &str, edit: impl Fn(&mut Session, Handle<TrackedPage>) -> aludel::Result<()>) {
    case(name, |s| {
        let words = || words().into();
        let page = |id: i64| TrackedPage { id: id.into(), words: words(), ..Default::default() };
        let pages: Vec<_> = (1..=1000).map(|id| loaded(s, page(id))).collect();
        timed(pages.len(), || pages.iter().for_each(|page| edit(s, *page).unwrap()))
    });
}

fn main() {
    case("set-scalar", |s| {
        let people = people(s);
        timed(OBJECTS, || {
            for (at, person) in people.iter().enumerate() {
                s.set(*person, Person::age, at as i64 + 1000).unwrap();
            }
        })
    });
    case("set-scalar-again", |s| {
        let people = people(s);
        for person in &people {
            s.set(*person, Person::age, 1000).unwrap();
        }
        timed(OBJECTS, || {
            for (at, person) in people.iter().enumerate() {
                s.set(*person, Person::age, at as i64).unwrap();
            }
        })
    });
    case("edit", |s| {
        let people = people(s);
        timed(OBJECTS, || {
            for person in &people {
                s.edit(*person, |p| p.age += 1000).unwrap();
            }
        })
    });
    pages("edit-beside-document", |s, page| s.edit(page, |p| p.views += 1));
    tracked("edit-beside-document-mutable", |s, page| s.edit(page, |p| p.views += 1));
    pages("edit-in-document", |s, page| s.edit(page, |p| p.words.0[7].push('!')));
    tracked("edit-in-document-mutable", |s, page| s.edit(page, |p| p.words.0[7].push('!')));
    case("set-reference", |s| {
        let things = things(s, OBJECTS);
        let owners: Vec<_> =
            things.chunks(10).enumerate().map(|(at, part)| owner(s, at as i64 + 1, part)).collect();
        timed(OBJECTS, || {
            for (at, thing) in things.iter().enumerate() {
                s.set(*thing, Thing::owner, owners[(at / 10 + 1) % owners.len()]).unwrap();
            }
        })
    });
    for (name, count) in [("append-10", 10), ("append-1000", 1000), ("append-100000", MANY)] {
        case(name, |s| {
            let things = things(s, MANY);
            let owners: Vec<_> = (1..=(MANY / count) as i64).map(|id| owner(s, id, &[])).collect();
            timed(MANY, || {
                for (owner, part) in owners.iter().zip(things.chunks(count)) {
                    for thing in part {
                        s.append(*owner, Owner::things, *thing).unwrap();
                    }
                }
            })
        });
    }
    case("remove-of-100000", |s| {
        let things = things(s, MANY);
        let owner = owner(s, 1, &things);
        // Scattered over the whole list.
        timed(OBJECTS, || {
            for at in 0..OBJECTS {
                s.remove(owner, Owner::things, things[at * 7919 % MANY]).unwrap();
            }
        })
    });
    case("history-of-100000", |s| {
        let things = things(s, MANY);
        let owner = owner(s, 1, &things[..MANY - 2000]);
        for thing in &things[MANY - 2000..] {
            s.append(owner, Owner::things, *thing).unwrap();
        }
        timed(MANY, || {
            assert_eq!(s.history(owner, Owner::things).unwrap().added().len(), 2000);
        })
    });
}
