//! What the fields that hold objects have in common.

use aludel_sql::ColumnType;

use super::{
    Auto, Collected, Collection, CollectionClass, Deferred, Field, Lazy, Many, ManyMap, ManySet,
    Mapped, NewCollection, One, WriteOnly,
};

/// Holders of relationships, for what concerns all of them: the class of the objects.
pub trait RelationshipField: Field {
    /// The class of the related objects.
    type Target: Mapped;
    /// What holds them; `None` for one object. Of a keyed collection the key is not known by its type.
    #[doc(hidden)]
    const COLLECTION: Option<Collection>;
    /// The collection of the user's kind that shows the members.
    #[doc(hidden)]
    const SHOWN: Option<NewCollection> = None;
    /// How it is loaded where nothing is said.
    #[doc(hidden)]
    const LAZY: Lazy = Lazy::Select;
}

/// The types of attributes that can be loaded: all but [`WriteOnly`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be loaded",
    label = "its members are only queried",
    note = "read them by a query: `session.members_query(owner, attribute)`"
)]
pub trait Loadable: Field {}
#[diagnostic::do_not_recommend]
impl<V: ColumnType> Loadable for V {}
impl<V: ColumnType> Loadable for Auto<V> {}
impl<V: ColumnType> Loadable for Deferred<V> {}
impl<T: 'static> Loadable for One<T> {}
impl<T: 'static> Loadable for Many<T> {}
impl<T: 'static> Loadable for ManySet<T> {}
impl<K: 'static, T: 'static> Loadable for ManyMap<K, T> {}
impl<C: 'static> Loadable for Collected<C> {}

impl<T: Mapped> RelationshipField for Many<T> {
    type Target = T;
    const COLLECTION: Option<Collection> = Some(Collection::List);
}

impl<T: Mapped> RelationshipField for ManySet<T> {
    type Target = T;
    const COLLECTION: Option<Collection> = Some(Collection::Set);
}

impl<K: 'static, T: Mapped> RelationshipField for ManyMap<K, T> {
    type Target = T;
    const COLLECTION: Option<Collection> = Some(Collection::Keyed(""));
}

impl<C: CollectionClass> RelationshipField for Collected<C> {
    type Target = C::Member;
    const COLLECTION: Option<Collection> =
        Some(if C::UNIQUE { Collection::Set } else { Collection::List });
    const SHOWN: Option<NewCollection> = Some(NewCollection::of::<C>());
}

impl<T: Mapped> RelationshipField for One<T> {
    type Target = T;
    const COLLECTION: Option<Collection> = None;
}

impl<T: Mapped> RelationshipField for WriteOnly<T> {
    type Target = T;
    const COLLECTION: Option<Collection> = Some(Collection::List);
    const LAZY: Lazy = Lazy::WriteOnly;
}
