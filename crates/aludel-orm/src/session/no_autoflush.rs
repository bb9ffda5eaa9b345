//! A scope in which queries do not flush.

use std::borrow::BorrowMut;
use std::ops::{Deref, DerefMut};

use super::Session;

/// A session whose queries do not flush, until this is dropped: SQLAlchemy's `session.no_autoflush`.
///
/// ```
/// # use aludel_orm::{Mapped, Result, Session, select};
/// # async fn example<T: Mapped>(session: &mut Session) -> Result<()> {
/// let mut quiet = session.no_autoflush();
/// let found = quiet.all(select::<T>()).await?; // what is pending stays pending
/// # drop(found);
/// # Ok(()) }
/// ```
pub struct NoAutoflush<'s, S: BorrowMut<Session> = Session> {
    session: &'s mut S,
    before: bool,
}

impl<'s, S: BorrowMut<Session>> NoAutoflush<'s, S> {
    /// Of a session of any kind; see [`Session::no_autoflush`].
    pub fn new(session: &'s mut S) -> Self {
        let options = session.borrow_mut().options_mut();
        let before = std::mem::replace(&mut options.autoflush, false);
        Self { session, before }
    }
}

impl<S: BorrowMut<Session>> Deref for NoAutoflush<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.session
    }
}

impl<S: BorrowMut<Session>> DerefMut for NoAutoflush<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        self.session
    }
}

impl<S: BorrowMut<Session>> Drop for NoAutoflush<'_, S> {
    fn drop(&mut self) {
        self.session.borrow_mut().options_mut().autoflush = self.before;
    }
}

impl Session {
    /// The session with queries that do not flush, until what is given is dropped.
    pub fn no_autoflush(&mut self) -> NoAutoflush<'_> {
        NoAutoflush::new(self)
    }
}
