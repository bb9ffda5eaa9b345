//! What the fields that hold objects have in common.

use super::{Collection, Field, Many, ManyMap, ManySet, Mapped, One};

/// Holders of relationships, for what concerns all of them: the class of the objects.
pub trait RelationshipField: Field {
    /// The class of the related objects.
    type Target: Mapped;
    /// What holds them; `None` for one object. Of a keyed collection the key is not known by its type.
    #[doc(hidden)]
    const COLLECTION: Option<Collection>;
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

impl<T: Mapped> RelationshipField for One<T> {
    type Target = T;
    const COLLECTION: Option<Collection> = None;
}
