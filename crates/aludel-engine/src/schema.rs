//! Creating and dropping tables.

use crate::connection::Connection;
use crate::engine::Engine;
use crate::transaction::TransactionOptions;
use aludel_sql::{MetaData, Result};

impl Engine {
    /// Creates all tables, in the order of their dependencies; an error if one exists.
    ///
    /// It is one transaction: all or nothing.
    pub async fn create_all(&self, tables: &MetaData) -> Result<()> {
        self.acquire().await?.run_ddl(&tables.create_all(self.dialect())?).await
    }

    /// Creates the tables that do not exist; those that do are not compared with what they should be.
    pub async fn create_missing(&self, tables: &MetaData) -> Result<()> {
        self.acquire().await?.run_ddl(&tables.create_missing(self.dialect())?).await
    }

    /// Drops all tables; an error if one does not exist.
    pub async fn drop_all(&self, tables: &MetaData) -> Result<()> {
        self.acquire().await?.run_ddl(&tables.drop_all(self.dialect())?).await
    }

    /// Drops the tables that exist.
    pub async fn drop_existing(&self, tables: &MetaData) -> Result<()> {
        self.acquire().await?.run_ddl(&tables.drop_existing(self.dialect())?).await
    }
}

impl Connection {
    /// Runs the statements of DDL one by one; in a transaction, if none is open and the database can roll DDL back.
    pub async fn run_ddl(&mut self, statements: &[String]) -> Result<()> {
        // SQLite's switch for foreign keys, needed to drop tables in a circle, does nothing inside a transaction.
        let pragma = statements.iter().any(|s| s.starts_with("PRAGMA"));
        let own =
            !self.in_transaction() && self.dialect().capabilities.transactional_ddl && !pragma;
        if own {
            self.begin(&TransactionOptions::new()).await?;
        }
        for sql in statements {
            if let Err(error) = self.execute_raw(sql).await {
                if pragma {
                    // The last statement switches the checks on again.
                    if let Some(last) = statements.last().filter(|s| s.starts_with("PRAGMA")) {
                        let _ = self.execute_raw(last).await;
                    }
                }
                if own {
                    // What failed first is what is told.
                    let _ = self.rollback().await;
                }
                return Err(error);
            }
        }
        if own { self.commit().await } else { Ok(()) }
    }
}
