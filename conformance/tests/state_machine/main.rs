//! State machines: random operations of a session beside a simple model of it.
//!
//! * `drive`, `model`: objects that own each other and come and go, with all that a session does with them.
//! * `moves`: unique values that go from row to row, keys that change with those that refer to them, versions, what the
//!   database carries on by itself.
//!
//! `ALUDEL_OPERATIONS` says how many operations each does in all (the nightly run does 100,000 and more); with
//! `ALUDEL_TEST_POSTGRES` it is done on that server, too. A failure is shrunk, and written as a scenario of the
//! conformance kit: what the session gave up to the step where the model disagrees, and what the model says there.

mod drive;
mod model;
mod moves;
mod steps;

use conformance::Databases;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use steps::{Done, Steps};

/// A session and a model of it, side by side.
trait Machine: Sized {
    /// An operation; its numbers choose among the objects that there are.
    type Op: std::fmt::Debug;

    const NAME: &'static str;
    /// How many operations a run has at most.
    const RUN: usize;

    fn new(databases: &Databases) -> Self;

    fn op() -> impl Strategy<Value = Self::Op>;

    fn steps(&self) -> &Steps;

    /// Does an operation on both; nothing where it makes no sense.
    fn apply(&mut self, op: &Self::Op) -> Done;

    /// At the end: all objects, and all rows.
    fn check_everything(&mut self) -> Done;
}

/// Does random runs on the databases.
fn run<M: Machine>(databases: &Databases) {
    let operations = std::env::var("ALUDEL_OPERATIONS").ok().and_then(|n| n.parse().ok());
    let cases = operations.unwrap_or(6_000_usize).div_ceil(M::RUN / 2) as u32;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // Asked for many, it does others than yesterday.
    let mut runner = match operations {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    let done = runner.run(&proptest::collection::vec(M::op(), 1..M::RUN), |ops| {
        let mut machine = M::new(databases);
        let done = ops.iter().try_for_each(|op| machine.apply(op));
        done.and_then(|()| machine.check_everything()).map_err(|disagreement| {
            TestCaseError::fail(machine.steps().write(M::NAME, &disagreement))
        })
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
}

fn run_on_postgres<M: Machine>() {
    match std::env::var("ALUDEL_TEST_POSTGRES") {
        Ok(url) => run::<M>(&Databases::on_server(&url).unwrap()),
        Err(_) => eprintln!("ALUDEL_TEST_POSTGRES is not set: not run"),
    }
}

#[test]
fn the_graph_is_as_its_model() {
    run::<drive::Graph>(&Databases::new().unwrap());
}

#[test]
fn the_graph_is_as_its_model_on_postgres() {
    run_on_postgres::<drive::Graph>();
}

#[test]
fn rows_are_as_their_model() {
    run::<moves::Moves>(&Databases::new().unwrap());
}

#[test]
fn rows_are_as_their_model_on_postgres() {
    run_on_postgres::<moves::Moves>();
}
