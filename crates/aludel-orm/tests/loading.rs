//! Loading: queries, keys, attributes, strategies.
#![allow(missing_docs, unreachable_pub)]

#[path = "loading/basics.rs"]
mod basics;
#[path = "loading/conditions.rs"]
mod conditions;
#[path = "loading/criteria.rs"]
mod criteria;
#[path = "loading/databases.rs"]
mod databases;
#[path = "loading/entities.rs"]
mod entities;
#[path = "loading/guard.rs"]
mod guard;
#[path = "loading/hierarchies.rs"]
mod hierarchies;
#[path = "loading/lazy.rs"]
mod lazy;
#[path = "loading/loader_criteria.rs"]
mod loader_criteria;
#[path = "loading/pages.rs"]
mod pages;
#[path = "loading/patterns.rs"]
mod patterns;
#[path = "loading/strategies.rs"]
mod strategies;
#[path = "loading/write_only.rs"]
mod write_only;
#[path = "loading/writes.rs"]
mod writes;
#[path = "loading/zoo.rs"]
mod zoo;
