//! What classes can be mapped to, and what mappers tell.
#![cfg(feature = "sqlite")]

#[path = "mappers/abstract_bases.rs"]
mod abstract_bases;
#[path = "mappers/abstract_concrete.rs"]
mod abstract_concrete;
#[path = "mappers/along.rs"]
mod along;
#[path = "mappers/columns.rs"]
mod columns;
#[path = "mappers/concrete.rs"]
mod concrete;
#[path = "mappers/discriminators.rs"]
mod discriminators;
#[path = "mappers/hierarchies.rs"]
mod hierarchies;
#[path = "mappers/interface.rs"]
mod interface;
#[path = "mappers/joins.rs"]
mod joins;
#[path = "mappers/load_only_mappers.rs"]
mod load_only_mappers;
#[path = "mappers/mistakes.rs"]
mod mistakes;
#[path = "mappers/mixins.rs"]
mod mixins;
#[path = "mappers/odd.rs"]
mod odd;
#[path = "mappers/of_type.rs"]
mod of_type;
#[path = "mappers/queries.rs"]
mod queries;
#[path = "mappers/reconstructed.rs"]
mod reconstructed;
#[path = "mappers/several_classes.rs"]
mod several_classes;
#[path = "mappers/staff.rs"]
mod staff;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;
#[path = "mappers/views.rs"]
mod views;

use support::each;
