//! Many rows at once: inserted and updated from plain structs, records or named values.
//!
//! ```text
//!  bulk_insert, bulk_update                      rows alone: no object comes into the session
//!  insert(rows) … execute_insert                 the same, with ON CONFLICT and expressions     (insert)
//!               … insert_returning               and objects of the rows, in their order        (loaded)
//!        │
//!      Source                                    what the rows are made of                      (source)
//!        ├ rows of values: batches               `Connection::write`, table by table            (run)
//!        └ with ON CONFLICT or expressions:      one statement for all rows of a shape, and one that does it to many
//!                                                at once, `Connection::execute_each`            (upsert, together)
//! ```

mod insert;
mod loaded;
mod run;
mod source;
mod together;
mod upsert;

use aludel_sql::Value;

pub(super) use insert::ExcludedLeaf;
pub use insert::{Insert, InsertInto, excluded, insert};
pub(super) use loaded::Layout;

use self::source::Source;
use crate::Result;
use crate::instrumentation::{AttributeKey, Mapped, Object};
use crate::session::Session;

impl Session {
    /// Inserts rows from plain structs. No object comes into the session, and no key comes back; defaults apply
    /// where a generated value is not set. It is the shortest way to insert many rows;
    /// [`insert`] gives objects of them, and says what happens to rows that are there already.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, a row has new objects in a relationship, or the database refuses a row.
    pub async fn bulk_insert<T: Mapped>(&mut self, rows: &[T]) -> Result<()> {
        self.execute_insert(insert(rows)).await.map(drop)
    }

    /// Inserts rows from values by attribute name. Defaults apply to what is not given.
    ///
    /// # Errors
    ///
    /// When there is no such class or attribute, a value does not fit, or the database refuses a row.
    pub async fn bulk_insert_named(
        &mut self,
        class: &str,
        rows: Vec<Vec<(&str, Value)>>,
    ) -> Result<()> {
        let insert = self.insert_into(class, rows)?;
        self.insert_by(insert).await.map(drop)
    }

    /// Updates rows from plain structs: the row with the key of each gets the values of these attributes.
    /// Objects in the session are not told: expire them.
    ///
    /// # Errors
    ///
    /// When a row is not there ([`ErrorKind::Stale`](crate::ErrorKind::Stale)), or the database refuses.
    pub async fn bulk_update<T: Mapped>(
        &mut self,
        rows: &[T],
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>,
    ) -> Result<()> {
        let Some(class) = self.class_of_rows(rows)? else { return Ok(()) };
        let mut attributes: Vec<u16> = attributes.into_iter().map(|a| a.into().index).collect();
        let def = self.mappers.at(class).def;
        let parts: Vec<u16> =
            attributes.iter().flat_map(|a| def.columns_of_composite(*a)).collect();
        attributes.extend(parts);
        let key = self.mappers.at(class).primary_key.clone();
        let source = Source {
            rows: rows.len(),
            object: &|row| rows.get(row).map(|object| object as &dyn Object),
            given: &|_, attribute| attributes.contains(&attribute) || key.contains(&attribute),
        };
        self.update_rows(class, source).await
    }

    /// Updates rows from values by attribute name, the primary key among them.
    ///
    /// # Errors
    ///
    /// As [`bulk_update`](Self::bulk_update); and when a key is not given.
    pub async fn bulk_update_named(
        &mut self,
        class: &str,
        rows: Vec<Vec<(&str, Value)>>,
    ) -> Result<()> {
        let class = self.mapper_named(class)?;
        let made = self.made_of(class, rows)?;
        let source = Source {
            rows: made.given.len(),
            object: &|row| made.object(row),
            given: &|row, attribute| made.given[row].contains(&attribute),
        };
        self.update_rows(class, source).await
    }
}
