//! The derives as functions from source text to source text.

mod common;
mod messages;
mod written;
