//! What classes say of how their attributes behave: comparators, and more.
#![cfg(feature = "sqlite")]

#[path = "descriptors/comparators.rs"]
mod comparators;
#[path = "descriptors/hybrids.rs"]
mod hybrids;
#[cfg(feature = "json")]
#[path = "descriptors/index_property.rs"]
mod index_property;
#[path = "descriptors/odd.rs"]
mod odd;
#[path = "descriptors/per_query.rs"]
mod per_query;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;
#[path = "descriptors/validators.rs"]
mod validators;

use support::each;
