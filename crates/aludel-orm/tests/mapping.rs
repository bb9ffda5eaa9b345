//! The mapping layer: registries, mappers, relationships, and what is said of mistakes.
//!
//! The classes are written as the derive would describe them.

#[path = "mapping/class.rs"]
mod class;
#[path = "mapping/errors.rs"]
mod errors;
#[path = "mapping/inheritance.rs"]
mod inheritance;
#[path = "mapping/registry.rs"]
mod registry;
#[path = "mapping/relationships.rs"]
mod relationships;
#[path = "mapping/tables.rs"]
mod tables;
