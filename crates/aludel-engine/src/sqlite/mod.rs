//! SQLite, called where the future is polled: no thread, no channel, ready at the first poll.
//!
//! The only thing that a connection ever waits for is a lock of another connection. Where the thread may be
//! blocked SQLite's own busy handler waits; elsewhere it is switched off, and the future sleeps and tries again.

mod apart;
mod conn;
mod connect;
mod each;
mod error;
mod many;
mod value;
mod write;

pub(crate) use conn::Conn;
