//! Collections of the user's kind: telling them of the members that come and go.

use crate::instrumentation::{Collects, Id};
use crate::mapping::Relationship;
use crate::session::Session;

impl Session {
    /// A member has come into a collection.
    #[inline]
    pub(super) fn show_added(&mut self, id: Id, relationship: &Relationship, member: Id) {
        if relationship.shown.is_some() {
            self.change_shown(id, relationship, |shown, s| shown.append(member, s));
        }
    }

    /// A member has gone from a collection.
    #[inline]
    pub(super) fn show_removed(&mut self, id: Id, relationship: &Relationship, member: Id) {
        if relationship.shown.is_some() {
            self.change_shown(id, relationship, |shown, s| shown.remove(member, s));
        }
    }

    /// Changes what shows the members of a loaded collection; where there is nothing yet, it is made of all of them.
    fn change_shown(
        &mut self,
        id: Id,
        relationship: &Relationship,
        change: impl FnOnce(&mut dyn Collects, &Self),
    ) {
        let attribute = relationship.attribute;
        let Some(members) = self.members_mut(id, attribute) else { return };
        // It is taken out while it looks at the session.
        let Some(mut shown) = members.shown_mut().take() else {
            return self.show_all(id, relationship);
        };
        change(&mut *shown, self);
        if let Some(members) = self.members_mut(id, attribute) {
            *members.shown_mut() = Some(shown);
        }
    }

    /// A loaded collection has other members than before: what shows them is made anew.
    pub(crate) fn show_all(&mut self, id: Id, relationship: &Relationship) {
        let Some(new) = relationship.shown else { return };
        let attribute = relationship.attribute;
        let Ok(members) = self.loaded_members(id, attribute) else { return };
        let shown = (!members.is_empty()).then(|| new.with(&members, self));
        drop(members);
        if let Some(members) = self.members_mut(id, attribute) {
            *members.shown_mut() = shown;
        }
    }
}
