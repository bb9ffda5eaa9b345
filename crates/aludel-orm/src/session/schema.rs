//! Creating and dropping the tables of mapped classes.

use aludel_engine::Engine;

use crate::Result;
use crate::mapping::Registry;

impl Registry {
    /// Creates the tables of all classes of the registry that are not there yet, in one transaction where
    /// the database can.
    ///
    /// # Errors
    ///
    /// When the mappings cannot be configured, or the database refuses.
    pub async fn create_all(&self, engine: &Engine) -> Result<()> {
        self.configure()?;
        run(engine, self.metadata().create_missing(engine.dialect())?).await
    }

    /// Drops the tables of all classes of the registry that are there.
    ///
    /// # Errors
    ///
    /// When the mappings cannot be configured, or the database refuses.
    pub async fn drop_all(&self, engine: &Engine) -> Result<()> {
        self.configure()?;
        run(engine, self.metadata().drop_existing(engine.dialect())?).await
    }
}

async fn run(engine: &Engine, statements: Vec<String>) -> Result<()> {
    let mut connection = engine.acquire().await?;
    connection.begin(&Default::default()).await?;
    for statement in statements {
        connection.execute_raw(&statement).await?;
    }
    connection.commit().await
}
