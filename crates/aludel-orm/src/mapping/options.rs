//! What is said of a relationship: by the derive, and by hand over it.

use std::fmt;
use std::sync::Arc;

use aludel_sql::Expr;

use super::PassiveDeletes;
use super::describe::Backref;
use crate::instrumentation::{
    ClassRef, Collection, Lazy, NewCollection, Numbering, RelationshipDef,
};

/// The options of a relationship, as the derive has them, to be changed by hand:
/// `mapper.relationship("parts", |r| { r.cascade("all").order_by(["id"]); })`.
///
/// Each method is the derive's option of the same name.
#[derive(Clone, Debug)]
pub struct RelationshipOptions {
    pub(super) target: ClassRef,
    pub(super) collection: Option<Collection>,
    pub(super) shown: Option<NewCollection>,
    pub(super) back_populates: Option<String>,
    pub(super) cascade: Option<String>,
    pub(super) secondary: Option<String>,
    pub(super) foreign_keys: Vec<String>,
    pub(super) remote_side: Vec<String>,
    pub(super) order_by: Vec<String>,
    pub(super) primaryjoin: Option<Condition>,
    pub(super) secondaryjoin: Option<Condition>,
    pub(super) viewonly: bool,
    pub(super) passive_deletes: PassiveDeletes,
    pub(super) passive_updates: bool,
    pub(super) post_update: bool,
    pub(super) single_parent: bool,
    pub(super) active_history: bool,
    pub(super) position: Option<String>,
    pub(super) numbering: Numbering,
    pub(super) lazy: Lazy,
    /// The target is to get the other side.
    pub(super) backref: Option<Backref>,
}

fn owned<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}

/// A condition that is made when the mappers are configured.
#[derive(Clone)]
pub(super) struct Condition(Arc<dyn Fn() -> Expr<bool> + Send + Sync>);

impl Condition {
    fn new(condition: impl Fn() -> Expr<bool> + Send + Sync + 'static) -> Self {
        Self(Arc::new(condition))
    }

    pub(super) fn call(&self) -> Expr<bool> {
        (self.0)()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition(..)")
    }
}

impl RelationshipOptions {
    pub(crate) fn of(def: &RelationshipDef) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            target: def.target,
            collection: def.collection,
            shown: def.shown,
            back_populates: text(def.back_populates),
            cascade: text(def.cascade),
            secondary: text(def.secondary),
            foreign_keys: owned(def.foreign_keys.iter().copied()),
            remote_side: owned(def.remote_side.iter().copied()),
            order_by: owned(def.order_by.iter().copied()),
            primaryjoin: def.primaryjoin.map(Condition::new),
            secondaryjoin: def.secondaryjoin.map(Condition::new),
            viewonly: def.viewonly,
            passive_deletes: def.passive_deletes,
            passive_updates: def.passive_updates,
            post_update: def.post_update,
            single_parent: def.single_parent,
            active_history: def.active_history,
            position: text(def.position),
            numbering: *def.numbering,
            lazy: def.lazy,
            backref: None,
        }
    }

    /// The class referred to, where the field's type does not say it: a class described at run time, or one by name.
    pub fn target(&mut self, class: impl Into<ClassRef>) -> &mut Self {
        self.target = class.into();
        self
    }

    /// The attribute of the target that is the other side.
    pub fn back_populates(&mut self, attribute: impl Into<String>) -> &mut Self {
        self.back_populates = Some(attribute.into());
        self
    }

    /// There is no other side.
    pub fn one_way(&mut self) -> &mut Self {
        self.back_populates = None;
        self
    }

    /// The cascades, such as `all, delete-orphan`.
    pub fn cascade(&mut self, cascades: impl Into<String>) -> &mut Self {
        self.cascade = Some(cascades.into());
        self
    }

    /// The association table: `name`, or `name(columns to here; columns to there)`.
    pub fn secondary(&mut self, table: impl Into<String>) -> &mut Self {
        self.secondary = Some(table.into());
        self
    }

    /// The foreign key columns to be used, where there are several ways.
    pub fn foreign_keys<S: Into<String>>(
        &mut self,
        columns: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.foreign_keys = owned(columns);
        self
    }

    /// The columns at the far side of a self-referential relationship.
    pub fn remote_side<S: Into<String>>(
        &mut self,
        columns: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.remote_side = owned(columns);
        self
    }

    /// The order of the members: attributes of the target, `-` before those that descend.
    pub fn order_by<S: Into<String>>(
        &mut self,
        attributes: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.order_by = owned(attributes);
        self
    }

    /// A condition in place of the one derived from the foreign key.
    pub fn primaryjoin(
        &mut self,
        condition: impl Fn() -> Expr<bool> + Send + Sync + 'static,
    ) -> &mut Self {
        self.primaryjoin = Some(Condition::new(condition));
        self
    }

    /// A condition between association table and target in place of the derived one.
    pub fn secondaryjoin(
        &mut self,
        condition: impl Fn() -> Expr<bool> + Send + Sync + 'static,
    ) -> &mut Self {
        self.secondaryjoin = Some(Condition::new(condition));
        self
    }

    /// It is read, never written.
    pub fn viewonly(&mut self) -> &mut Self {
        self.viewonly = true;
        self
    }

    /// What a deletion of the owner does with members that are not loaded.
    pub fn passive_deletes(&mut self, how: PassiveDeletes) -> &mut Self {
        self.passive_deletes = how;
        self
    }

    /// Whether the database carries over a change of the key.
    pub fn passive_updates(&mut self, passive: bool) -> &mut Self {
        self.passive_updates = passive;
        self
    }

    /// The foreign key is written by an UPDATE of its own, after all rows are there.
    pub fn post_update(&mut self) -> &mut Self {
        self.post_update = true;
        self
    }

    /// A member belongs to one owner only: to give one that has an owner to another is an error
    /// (`ErrorKind::InvalidRequest`).
    pub fn single_parent(&mut self) -> &mut Self {
        self.single_parent = true;
        self
    }

    /// The old object is loaded before it is replaced.
    pub fn active_history(&mut self) -> &mut Self {
        self.active_history = true;
        self
    }

    /// How it is loaded where a query does not say it.
    pub fn lazy(&mut self, lazy: Lazy) -> &mut Self {
        self.lazy = lazy;
        self
    }

    /// The attribute of the members that is kept equal to their position in the list.
    pub fn position(&mut self, attribute: impl Into<String>) -> &mut Self {
        self.position = Some(attribute.into());
        self
    }

    /// Which positions the members get.
    pub fn numbering(&mut self, numbering: Numbering) -> &mut Self {
        self.numbering = numbering;
        self
    }
}
