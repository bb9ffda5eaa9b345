//! Random operations on two-way relationships of every pair of kinds: a reference, a list, a set, a map, a collection of
//! the program's own kind, each with each; with and without active history, loaded and not.
//!
//! Beside the session goes a model: which objects are related. What is loaded agrees with it at every step, on both
//! sides; histories lead from what was committed to what is, and back; what fails changes nothing; a rollback gives
//! what was, and a flush puts the model into the database.

#[path = "pairs/world.rs"]
mod world;

use std::cell::RefCell;

use aludel::orm::Datum;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use crate::support::{Db, each};
use world::{CLASSES, KINDS, Kind, OBJECTS, Op, Pair, World, ops};

/// Runs sequences of operations for every pair of kinds.
fn for_each_pair(
    schema: &str,
    check: impl Fn(&mut Db, Pair, &[Op], &[bool]) -> Result<(), TestCaseError>,
) {
    let pairs = (0..KINDS.len()).flat_map(|a| (a..KINDS.len()).map(move |b| [KINDS[a], KINDS[b]]));
    let kinds = pairs.flat_map(|sides| [false, true].map(|active| (sides, active)));
    for (sides, active_history) in kinds {
        let pair = Pair { sides, active_history };
        each(
            schema,
            || pair.registry(),
            |db| {
                fill(db, pair);
                let cases = if db.dialect().name() == "SQLite" { 20 } else { 3 };
                let config =
                    ProptestConfig { cases, failure_persistence: None, ..Default::default() };
                let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
                let mut runner = TestRunner::new_with_rng(config, rng);
                let db = RefCell::new(db);
                let loaded = proptest::collection::vec(any::<bool>(), 2 * OBJECTS);
                let run = runner.run(&(ops(), loaded), |(ops, loaded)| {
                    check(&mut db.borrow_mut(), pair, &ops, &loaded)
                });
                match run {
                    Ok(()) => {}
                    Err(TestError::Fail(why, what)) => panic!("{pair:?}: {why}\n{what:#?}"),
                    Err(TestError::Abort(why)) => panic!("{pair:?}: {why}"),
                }
            },
        );
    }
}

/// The objects, and what is related at the beginning.
fn fill(db: &mut Db, pair: Pair) {
    let mut objects = [Vec::new(), Vec::new()];
    for side in [0, 1] {
        let class = db.registry.record_class(CLASSES[side]).unwrap();
        for at in 0..OBJECTS {
            let name = format!("{}{at}", CLASSES[side]);
            let object = db.add(class.record().with("name", name).unwrap()).unwrap();
            db.flush().unwrap();
            objects[side].push(object.id());
        }
    }
    for (left, right) in pair.links() {
        let (left, right) = (objects[0][left], objects[1][right]);
        match pair.sides[0] {
            Kind::One => db.set_named(left, "others", Datum::One(Some(right))).unwrap(),
            _ => db.append_named(left, "others", right, None).unwrap(),
        }
    }
    db.commit().unwrap();
}

#[test]
fn what_is_loaded_follows_the_model() {
    for_each_pair("prop_loaded", |db, pair, ops, _| {
        let mut world = World::new(db, pair);
        for of in world.each() {
            world.load(of);
        }
        world.check_model()?;
        for op in ops {
            world.step(op)?;
            if matches!(op, Op::Flush) {
                // A reference that was deleted is not loaded from there on.
                world.each().for_each(|of| world.load(of));
            }
            world.check_model()?;
        }
        // Rolled back, everything is as it was.
        world.db.rollback().unwrap();
        world.links = pair.links();
        for of in world.each() {
            let id = world.id(of);
            world.db.load_named(id, "others").unwrap();
        }
        world.check_model()
    });
}

#[test]
fn a_savepoint_gives_back_what_was() {
    for_each_pair("prop_savepoint", |db, pair, ops, _| {
        if pair.sides == [Kind::One; 2] {
            // Two rows may come to refer to one, of which none knows the other: what is loaded then is either.
            return Ok(());
        }
        let mut world = World::new(db, pair);
        for of in world.each() {
            world.load(of);
        }
        let (before, rest) = ops.split_at(ops.len() / 3);
        let (within, after) = rest.split_at(rest.len() / 2);
        let run = |world: &mut World<'_>, ops: &[Op]| {
            ops.iter().chain([&Op::Flush]).try_for_each(|op| world.step(op))
        };
        run(&mut world, before)?;
        world.db.begin_nested().unwrap();
        let links = world.links.clone();
        run(&mut world, within)?;
        // Changes that are not flushed go with it as well.
        for op in after {
            world.step(op)?;
        }
        world.db.rollback_nested().unwrap();
        world.links = links;
        for of in world.each() {
            let id = world.id(of);
            world.db.load_named(id, "note").unwrap();
            world.load(of);
        }
        world.take_notes();
        world.check_model()?;
        world.check_histories()?;
        prop_assert!(world.db.dirty_objects().is_empty());
        for op in after {
            world.step(op)?;
            if matches!(op, Op::Flush) {
                world.each().for_each(|of| world.load(of));
            }
            world.check_model()?;
        }
        world.db.rollback().unwrap();
        Ok(())
    });
}

#[test]
fn what_is_not_loaded_waits_and_is_written() {
    for_each_pair("prop_waiting", |db, pair, ops, loaded| {
        let mut world = World::new(db, pair);
        for (of, load) in world.each().zip(loaded) {
            if *load {
                world.load(of);
            }
        }
        for op in ops {
            world.step(op)?;
        }
        // Of two references nobody knows what an unloaded one had: the model is of those that are loaded.
        if pair.sides != [Kind::One; 2] {
            world.db.flush().unwrap();
            world.db.expire_all().unwrap();
            for of in world.each() {
                let id = world.id(of);
                world.db.load_named(id, "others").unwrap();
            }
            world.check_model()?;
        }
        world.db.rollback().unwrap();
        Ok(())
    });
}
