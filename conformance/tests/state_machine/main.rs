//! A state machine: random operations of a session beside a simple model of it.
//!
//! `ALUDEL_OPERATIONS` says how many operations are done in all (the nightly run does 100,000 and more); with
//! `ALUDEL_TEST_POSTGRES` it is done on that server, too. A failure is shrunk, and written as a scenario of the
//! conformance kit: what the session gave up to the step where the model disagrees, and what the model says there.

mod drive;
mod model;

use std::path::PathBuf;

use conformance::Databases;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use drive::{Disagreement, Op, Pair, Sync};

/// How many operations a run has at most.
const RUN: usize = 60;

fn sync() -> impl Strategy<Value = Sync> {
    prop_oneof![Just(Sync::Auto), Just(Sync::Evaluate), Just(Sync::Fetch)]
}

fn op() -> impl Strategy<Value = Op> {
    let (n, class) = (0..24usize, 0..model::CLASSES.len());
    prop_oneof![
        5 => class.clone().prop_map(Op::New),
        5 => n.clone().prop_map(Op::Add),
        4 => (n.clone(), any::<u8>()).prop_map(|(n, text)| Op::Rename(n, text)),
        6 => (n.clone(), proptest::option::weighted(0.8, n.clone()))
            .prop_map(|(n, owner)| Op::SetOwner(n, owner)),
        7 => (n.clone(), n.clone()).prop_map(|(n, member)| Op::Append(n, member)),
        4 => n.clone().prop_map(Op::Remove),
        2 => n.clone().prop_map(Op::Delete),
        3 => Just(Op::Flush),
        2 => Just(Op::Commit),
        1 => Just(Op::Rollback),
        2 => Just(Op::BeginNested),
        1 => Just(Op::CommitNested),
        1 => Just(Op::RollbackNested),
        2 => n.clone().prop_map(Op::Expire),
        1 => Just(Op::ExpireAll),
        4 => n.clone().prop_map(Op::Look),
        1 => class.clone().prop_map(Op::Rows),
        1 => class.clone().prop_map(Op::Query),
        1 => (class.clone(), 1..6i64).prop_map(|(class, key)| Op::Load(class, key)),
        1 => Just(Op::Pending),
        2 => (n, any::<u8>()).prop_map(|(n, text)| Op::Merge(n, text)),
        2 => (class.clone(), any::<u8>(), any::<u8>(), sync())
            .prop_map(|(class, old, new, sync)| Op::UpdateWhere(class, old, new, sync)),
        2 => (class, any::<u8>(), sync())
            .prop_map(|(class, text, sync)| Op::DeleteWhere(class, text, sync)),
    ]
}

/// Where scenarios of failures are written.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("state_machine")
}

/// Writes what was done as a scenario; says where it is.
fn write(pair: &Pair, disagreement: &Disagreement) -> PathBuf {
    let name = "state-machine";
    let mut outputs = pair.outputs.clone();
    outputs.push(disagreement.expected.clone());
    let scenario = json!({
        "name": name,
        "about": "random operations, where the session and the model of it disagree",
        "session": drive::options(),
        "steps": pair.steps,
    });
    let expected = json!({ "name": name, "outputs": outputs });
    for (kind, json) in [("scenarios", scenario), ("expected", expected)] {
        let folder = folder().join(kind);
        std::fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string_pretty(&json).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), text).unwrap();
    }
    folder()
}

/// Does random runs on the databases.
fn run(databases: &Databases) {
    let operations = std::env::var("ALUDEL_OPERATIONS").ok().and_then(|n| n.parse().ok());
    let cases = operations.unwrap_or(6_000_usize).div_ceil(RUN / 2) as u32;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // Asked for many, it does others than yesterday.
    let mut runner = match operations {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    let strategy = proptest::collection::vec(op(), 1..RUN);
    let done = runner.run(&strategy, |ops| {
        let mut pair = Pair::new(databases);
        let done = ops.iter().try_for_each(|op| pair.apply(op));
        done.and_then(|()| pair.check_everything()).map_err(|disagreement| {
            let folder = write(&pair, &disagreement);
            let Disagreement { expected, actual } = &disagreement;
            let step = pair.steps.last().unwrap();
            TestCaseError::fail(format!(
                "{step}\n  the model says    {expected}\n  the session says  {actual}\n  `cargo run -p conformance \
                 -- {} --verbose` does it again",
                folder.display()
            ))
        })
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
}

#[test]
fn the_session_is_as_its_model() {
    run(&Databases::new().unwrap());
}

#[test]
fn the_session_is_as_its_model_on_postgres() {
    match std::env::var("ALUDEL_TEST_POSTGRES") {
        Ok(url) => run(&Databases::on_server(&url).unwrap()),
        Err(_) => eprintln!("ALUDEL_TEST_POSTGRES is not set: not run"),
    }
}
