//! Values of attributes: composites, values that are changed in place, and collections of the user's own kind.
#![cfg(feature = "sqlite")]

#[path = "values/by_name.rs"]
mod by_name;
#[path = "values/collections.rs"]
mod collections;
#[path = "values/edits.rs"]
mod edits;
#[cfg(feature = "json")]
#[path = "values/json_paths.rs"]
mod json_paths;
#[path = "values/mapped.rs"]
mod mapped;
#[path = "values/model.rs"]
mod model;
#[cfg(feature = "json")]
#[path = "values/mutable.rs"]
mod mutable;
#[path = "values/pairs.rs"]
mod pairs;
#[path = "values/queries.rs"]
mod queries;
#[path = "values/records.rs"]
mod records;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;
#[path = "values/synonyms.rs"]
mod synonyms;
#[path = "values/synonyms_said.rs"]
mod synonyms_said;
