//! Throw-away database servers: started from the installed programs, on the loopback address and a free
//! port, with their data in a temporary directory; stopped and removed when the value that holds them
//! goes, when a test fails, and on Ctrl-C. No server of the machine is used or touched.
//!
//! * `account`: servers refuse to run as root; which other account they get.
//! * `scratch`: the temporary directory and the process, and that both are gone afterwards.
//! * `postgres`: finding, starting and, on Debian, installing PostgreSQL.
//! * [`run`]: other programs.

mod account;
mod postgres;
pub mod run;
mod scratch;

pub use postgres::Postgres;
