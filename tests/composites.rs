//! Composites: values of several columns.
#![cfg(feature = "sqlite")]

#[path = "composites/edits.rs"]
mod edits;
#[path = "composites/mapped.rs"]
mod mapped;
#[path = "composites/model.rs"]
mod model;
#[path = "composites/queries.rs"]
mod queries;
mod support;
