//! UPDATE and DELETE by criteria, as the program writes them.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{ColumnType, IntoExpr, Node};

use crate::Result;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, AttributeKey, FieldType, Mapped, Record, RecordClass};

/// How the objects of a session learn of an UPDATE or DELETE by criteria.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronize {
    /// By evaluating the criteria in memory where that can be done, else by asking the database.
    #[default]
    Auto,
    /// By evaluating the criteria in memory; an error where that cannot be done.
    Evaluate,
    /// By asking the database for the keys of the rows.
    Fetch,
    /// Not at all.
    None,
}

/// An UPDATE or DELETE by criteria, without types.
#[derive(Clone, Debug)]
pub struct ByCriteria {
    pub(super) entity: Entity,
    /// What is set; nothing for a DELETE.
    pub(super) set: Vec<(u16, Node)>,
    pub(super) filter: Vec<Node>,
    pub(super) synchronize: Synchronize,
}

/// An UPDATE of the rows of a class by criteria; [`Session::execute_update`](crate::Session::execute_update) runs it.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # async fn example(session: &mut Session) -> Result<()> {
/// let older = update::<User>().set(User::age, User::age + 1).filter(User::name.eq("ed"));
/// let rows = session.execute_update(older).await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Update<T> {
    pub(super) core: ByCriteria,
    class: PhantomData<fn() -> T>,
}

/// A DELETE of the rows of a class by criteria; [`Session::execute_delete`](crate::Session::execute_delete) runs it. Nothing cascades but what
/// the database does.
#[must_use]
pub struct Delete<T> {
    pub(super) core: ByCriteria,
    class: PhantomData<fn() -> T>,
}

/// An UPDATE of the rows of a class.
pub fn update<T: Mapped>() -> Update<T> {
    Update { core: ByCriteria::new(Entity::of(T::class())), class: PhantomData }
}

/// A DELETE of the rows of a class.
pub fn delete<T: Mapped>() -> Delete<T> {
    Delete { core: ByCriteria::new(Entity::of(T::class())), class: PhantomData }
}

impl RecordClass {
    /// An UPDATE of the rows of the class's objects; see [`update`].
    pub fn update(self) -> Update<Record> {
        Update { core: ByCriteria::new(Entity::of(self.def())), class: PhantomData }
    }

    /// A DELETE of the rows of the class's objects; see [`delete`].
    pub fn delete(self) -> Delete<Record> {
        Delete { core: ByCriteria::new(Entity::of(self.def())), class: PhantomData }
    }
}

macro_rules! common {
    ($name:ident) => {
        impl<T> $name<T> {
            /// Adds a condition. Several must all hold; without any, all rows are meant.
            pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
                self.core.filter.push(condition.into_node());
                self
            }

            /// How the objects of the session learn of it.
            pub fn synchronize(mut self, how: Synchronize) -> Self {
                self.core.synchronize = how;
                self
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { core: self.core.clone(), class: PhantomData }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.core.fmt(f)
            }
        }
    };
}
common!(Update);
common!(Delete);

impl<T: Mapped> Update<T> {
    /// Sets an attribute to a value or an expression.
    pub fn set<V: FieldType>(mut self, attribute: Attr<T, V>, value: impl IntoExpr<V::Sql>) -> Self
    where
        V::Sql: ColumnType,
    {
        let key: AttributeKey<T> = attribute.into();
        self.core.set.push((key.index, value.into_node()));
        self
    }
}

impl ByCriteria {
    pub(super) fn new(entity: Entity) -> Self {
        Self { entity, set: Vec::new(), filter: Vec::new(), synchronize: Synchronize::Auto }
    }

    /// Sets a named attribute.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn set(&mut self, name: &str, value: Node) -> Result<()> {
        let class = self.entity.class;
        let at = class.attribute(name).ok_or_else(|| class.no_attribute(name))?;
        self.set.push((at, value));
        Ok(())
    }

    /// Adds a condition.
    pub fn filter(&mut self, condition: Node) {
        self.filter.push(condition);
    }

    /// How the objects of the session learn of it.
    pub fn synchronize(&mut self, how: Synchronize) {
        self.synchronize = how;
    }
}
