//! Transactions that fail: units of work that are run again.

#[path = "transactions/database.rs"]
mod database;
#[path = "transactions/retry.rs"]
mod retry;
