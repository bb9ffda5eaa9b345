//! What the fields that hold objects have in common.

use super::{
    Collected, Collection, CollectionClass, Field, Many, ManyMap, ManySet, Mapped, NewCollection,
    One,
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
}

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
