//! Runs the scenarios of the conformance kit on aludel, and compares with what SQLAlchemy gave.
//!
//! ```text
//!  Kit ── Scenario ──▶ Runner ── api ──▶ aludel::Session
//!   │        steps        │
//!   │                     ├─ zoo       the classes, as the kit's models.py has them
//!   │                     ├─ value     JSON to values and back
//!   │                     └─ database  a fresh SQLite file, and what is counted of it
//!   └── expected ──▶ report
//! ```
//!
//! The format is described in the kit's own `FORMAT.md`. Classes and attributes are named at run time, so
//! that the runner reaches everything through the by-name door of the session; what it asks of the session is
//! gathered in [`api`].

pub mod api;
mod database;
mod failure;
mod kit;
mod listed;
mod report;
mod runner;
mod scenario;
mod value;
pub mod zoo;

pub use database::Databases;
pub use failure::Failure;
pub use kit::{Kit, out_of_scope};
pub use listed::{Listed, listed, reason};
pub use report::{Difference, Report, compare, show};
pub use runner::Runner;
pub use scenario::{Scenario, Step};
