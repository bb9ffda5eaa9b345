//! PostgreSQL, by `tokio-postgres`.
//!
//! What is to be sent is sent at once, and the answers are awaited after: `BEGIN` and savepoints go with the first
//! statement behind them, and all batches of a write behind each other. Batches go as arrays (`unnest`), or by COPY.
//! Statements are kept prepared on each connection; when the server finds them out of date they are forgotten.

mod conn;
mod connect;
mod copy;
mod each;
mod encode;
mod error;
mod pipeline;
mod row;
mod statements;
mod text;
mod tls;
mod together;
mod write;
mod write_shape;

pub(crate) use conn::Conn;
