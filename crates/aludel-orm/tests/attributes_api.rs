//! The attributes API over a database: passive choices, inspection, adapters, the token, every pair of kinds.
#![allow(missing_docs, unreachable_pub)]

#[path = "attributes_api/backrefs.rs"]
mod backrefs;
#[path = "attributes_api/bad_input.rs"]
mod bad_input;
#[path = "attributes_api/inspection.rs"]
mod inspection;
#[path = "attributes_api/passive.rs"]
mod passive;
#[path = "attributes_api/properties.rs"]
mod properties;
#[path = "attributes_api/zoo.rs"]
mod zoo;
