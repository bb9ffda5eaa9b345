//! The work that all peers do, and how it is timed.
//!
//! A peer implements [`Peer`] and [`GraphPeer`] with its library as that library's documentation recommends; its `main` is
//! [`main`]. The harness prepares the data, times nothing but the peer's method, checks what came out, and
//! prints one line of JSON for each case. `cargo xtask bench` runs the peers in turn and makes the table.

mod data;
mod graph;
mod graph_run;
mod harness;
mod options;

pub use data::{Person, PersonRef, Schema, keys};
pub use graph::{CHILDREN, Child, Eager, GraphPeer, Parent, Tally};
pub use harness::main;
pub use options::{Case, Database, Sizes};

/// A library, doing the work.
///
/// One value holds one connection to one database that nobody else uses. Every method that reads or
/// writes many rows does so in one transaction, and gives back everything it read, as owned structs.
pub trait Peer: Sized {
    /// The name in the table.
    const NAME: &'static str;

    /// What it can do. What only a session with an identity map can is left out by others.
    const CASES: &'static [Case] =
        &[Case::Load, Case::LoadMillion, Case::Get, Case::Insert, Case::Update];

    /// Connects; the table is made by [`Peer::sql`] afterwards.
    fn open(database: &Database) -> Self;

    /// Runs a statement as it is; for preparing, never timed.
    fn sql(&mut self, sql: &str);

    /// The one whole number that a query gives; for checking, never timed.
    fn number(&mut self, sql: &str) -> i64;

    /// A row as this library's user holds it.
    type Row;

    /// The values of a row.
    fn view(row: &Self::Row) -> PersonRef<'_>;

    /// All rows, as plain structs.
    fn load(&mut self) -> Vec<Self::Row>;

    /// All rows, as objects of a session; how many.
    fn load_tracked(&mut self) -> usize {
        unreachable!("`{}` does not track objects", Self::NAME)
    }

    /// A row for each key, one query a key.
    fn get(&mut self, keys: &[i64]) -> Vec<Self::Row>;

    /// Visits the objects of the keys, which [`Peer::get_tracked`] has loaded before; the sum of `age`.
    fn get_again(&mut self, _keys: &[i64]) -> i64 {
        unreachable!("`{}` has no identity map", Self::NAME)
    }

    /// For libraries with an identity map: an object for each key, one query a key; the sum of `age`.
    fn get_tracked(&mut self, _keys: &[i64]) -> i64 {
        unreachable!("`{}` has no identity map", Self::NAME)
    }

    /// What is handed over to be inserted.
    type New;

    /// Makes one; `id` is not used.
    fn new_row(person: Person) -> Self::New;

    /// Inserts them all; the keys that the database generated, in the order of the rows.
    fn insert(&mut self, rows: Vec<Self::New>) -> Vec<i64>;

    /// Loaded objects, to be changed.
    type Loaded;

    /// Loads the rows whose key is at most `last`, ordered by key; not timed.
    fn load_some(&mut self, last: i64) -> Self::Loaded;

    /// Adds 1 to each object's `age` and writes the change.
    fn update(&mut self, loaded: Self::Loaded);

    /// Forgets all objects; between rounds, never timed.
    fn forget(&mut self) {}
}
