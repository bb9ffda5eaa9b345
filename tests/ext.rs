//! The extensions, each through the public interface alone.
#![cfg(feature = "sqlite")]

#[path = "ext/association_proxy.rs"]
mod association_proxy;
#[path = "ext/automap.rs"]
mod automap;
#[path = "ext/ordering_list.rs"]
mod ordering_list;
#[path = "ext/proxies_in_queries.rs"]
mod proxies_in_queries;
#[path = "ext/sharding.rs"]
mod sharding;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;
