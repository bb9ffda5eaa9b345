//! Objects that are not in the session: their memory.

use super::Session;
use super::state::ObjectState;

impl Session {
    /// Drops all objects that are not in the session: those that were expunged, or made and never added. Their handles
    /// are void from here on, and so is what other objects refer to by them. The memory is given back, as far as
    /// nothing else of a class is left. Gives how many there were.
    ///
    /// An object that leaves the session stays readable by its handle, as SQLAlchemy's does for whoever holds it; nobody
    /// counts handles, so that a session that goes on for long says when that is over.
    ///
    /// Within a listener nothing is dropped: the operation under way may still have to do with objects that have left the
    /// session.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(session: &mut Session) -> Result<()> {
    /// session.expunge_all()?;
    /// session.discard_all();
    /// # Ok(()) }
    /// ```
    pub fn discard_all(&mut self) -> usize {
        if self.listeners.is_telling() {
            return 0;
        }
        let mut gone = 0;
        for class in 0..self.arena.slabs.len() as u16 {
            let is_out = |life| matches!(life, ObjectState::Transient | ObjectState::Detached);
            let ids = self.arena.ids_of(class, |state| is_out(state.life));
            let described = self.mappers.at(class).def.described.is_some();
            let whole = self.arena.count(class) == ids.len();
            let bare = self.deltas.is_empty() && self.keys_aside.is_empty();
            for &id in &ids {
                if !bare || self.arena.state(id).head != 0 {
                    self.committed(id);
                    self.forget_identity(id);
                }
                if described || !whole {
                    self.arena.of_mut(id).release(id.slot);
                }
            }
            if whole {
                self.arena.clear(class);
            }
            gone += ids.len();
        }
        let arena = &self.arena;
        self.loading.sweep(|id| arena.holds(id));
        self.sweep_log();
        gone
    }
}
