//! Transactions that fail: units of work that are run again, lost connections, a server that is killed.

#[path = "support/database.rs"]
mod database;
#[cfg(feature = "postgres")]
#[path = "transactions/faults.rs"]
mod faults;
#[cfg(feature = "postgres")]
#[path = "transactions/proxy.rs"]
mod proxy;
#[path = "transactions/retry.rs"]
mod retry;
