//! UPDATE and DELETE by criteria, as the program writes them.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{IntoExpr, Node};

use super::hybrids;
use super::names::Names;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{
    Attr, FieldType, Hybrid, HybridDef, IsA, Mapped, Record, RecordClass,
};
use crate::{Error, ErrorKind, Result};

/// How the objects of a session learn of an UPDATE or DELETE by criteria.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronize {
    /// By evaluating the criteria in memory where that can be done, else by asking the database.
    #[default]
    Auto,
    /// By evaluating the criteria in memory; an error where that cannot be done. Where what they ask about is not
    /// loaded of an object, the object is expired.
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
    /// Why it cannot be run.
    pub(super) refused: Option<String>,
    /// What names mean in it.
    pub(super) names: Names,
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
    /// Sets an attribute to a value or an expression; or a hybrid, as its `update` says, or where it is an attribute.
    pub fn set<A: Settable<T>>(mut self, attribute: A, value: impl IntoExpr<A::Value>) -> Self {
        self.core = attribute.assign(self.core, value.into_node());
        self
    }
}

impl<T> Update<T> {
    pub(crate) fn from_core(core: ByCriteria) -> Self {
        Self { core, class: PhantomData }
    }

    pub(crate) fn into_core(self) -> ByCriteria {
        self.core
    }
}

/// What an UPDATE of the rows of `T` can set: attributes and hybrids of `T` or its bases.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be set by an UPDATE of `{T}`",
    label = "neither an attribute of `{T}` nor a hybrid of it"
)]
pub trait Settable<T> {
    /// The type of its values.
    type Value;
    /// Adds it to what is set.
    #[doc(hidden)]
    fn assign(self, update: ByCriteria, value: Node) -> ByCriteria;
}

impl<T: Mapped + IsA<C>, C: Mapped, V: FieldType> Settable<T> for Attr<C, V> {
    type Value = V::Sql;

    fn assign(self, mut update: ByCriteria, value: Node) -> ByCriteria {
        update.set.push((self.index(), value));
        update
    }
}

impl<T: Mapped + IsA<C>, C: Mapped, V> Settable<T> for Hybrid<C, V> {
    type Value = V;

    fn assign(self, update: ByCriteria, value: Node) -> ByCriteria {
        update.assign_hybrid(self.def(), value)
    }
}

impl ByCriteria {
    pub(super) fn new(entity: Entity) -> Self {
        let (set, filter, synchronize) = (Vec::new(), Vec::new(), Synchronize::Auto);
        Self { entity, set, filter, synchronize, refused: None, names: Names::default() }
    }

    /// Sets a named attribute, or a hybrid.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute, or the hybrid cannot be set.
    pub fn set(&mut self, name: &str, value: Node) -> Result<()> {
        let class = self.entity.class;
        match self.names.hybrid(class, name) {
            Some(hybrid) => {
                *self = self.clone().assign_hybrid(hybrid, value);
                self.check()?;
            }
            None => self.set.push((self.names.attribute(class, name)?, value)),
        }
        Ok(())
    }

    /// Sets what stands for a hybrid.
    fn assign_hybrid(mut self, hybrid: &'static HybridDef, value: Node) -> Self {
        if let Some(assign) = hybrid.update {
            return assign(self, value);
        }
        match hybrids::attribute_of(hybrid) {
            Some(attribute) => self.set.push((attribute, value)),
            None => {
                let class = self.entity.class.name;
                self.refused.get_or_insert_with(|| {
                    format!(
                        "{class}.{0} is an expression, so that an UPDATE cannot set it: say what it sets instead, \
                         `#[hybrid(update = |update, value| update.set(…, value))]`",
                        hybrid.name
                    )
                });
            }
        }
        self
    }

    /// Whether it can be run.
    pub(super) fn check(&self) -> Result<()> {
        match &self.refused {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::Argument, why.clone())),
        }
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
