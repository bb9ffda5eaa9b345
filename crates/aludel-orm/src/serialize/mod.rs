//! Serializing objects and graphs with their state: what pickling is for in SQLAlchemy.
//!
//! [`Session::serialize`](crate::Session::serialize) takes a graph down as a [`Serialized`], which is plain data: it can be
//! written as JSON, in a compact binary form, or by any serde format, and sent to another process.
//! [`Session::deserialize`](crate::Session::deserialize) makes objects of it, which are then added or merged. Values,
//! what is loaded and what is expired, identity, history and the references among the objects are as before.
//!
//! `format` is what is written, `write` makes it, `read` reads it. Nothing that is read is trusted: places,
//! classes, attributes, kinds and keys are checked, and when something does not fit nothing is made.

mod format;
mod read;
mod write;

pub use format::Serialized;
