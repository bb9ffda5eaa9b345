//! Guards: what is loaded is counted with the line that asked for it, and refused beyond a limit.
//!
//! ```text
//!  session.load(…)                  keeps the caller's line (`#[track_caller]`)
//!     └ a statement is to be sent   counted in every guard that is open; refused where a limit is reached
//! ```
//!
//! Without a guard it costs a branch for each statement.

use std::fmt;
use std::panic::Location;

use crate::events::Executed;
use crate::instrumentation::ClassDef;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How much may be loaded while a [guard](Session::guard) is open. Beyond a limit a load fails, with nothing
/// sent, and the error says what was to be loaded and which line asked for it.
///
/// ```
/// use aludel_orm::LoadLimit;
///
/// // At most twenty SELECTs, and no line that loads the same again and again.
/// let limit = LoadLimit::none().statements(20).repeats(3);
/// # assert_ne!(limit, LoadLimit::none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct LoadLimit {
    statements: Option<u64>,
    lazy: Option<u64>,
    repeats: Option<u64>,
}

impl LoadLimit {
    /// No limit: loads are counted, and none is refused.
    pub const fn none() -> Self {
        Self { statements: None, lazy: None, repeats: None }
    }

    /// At most so many SELECTs in all.
    pub const fn statements(self, most: u64) -> Self {
        Self { statements: Some(most), ..self }
    }

    /// At most so many lazy loads: SELECTs for an attribute of objects that are there already, by
    /// [`Session::load`], [`load_all`](Session::load_all), [`refresh`](Session::refresh) and their kin. With 0,
    /// everything has to come with the queries.
    pub const fn lazy(self, most: u64) -> Self {
        Self { lazy: Some(most), ..self }
    }

    /// At most so many times the same from the same line: N+1 queries are what goes beyond.
    pub const fn repeats(self, most: u64) -> Self {
        Self { repeats: Some(most), ..self }
    }
}

/// An open guard of a session; [`Session::end_guard`] ends it. One that is dropped stays open as long as the
/// session.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a guard that is not ended stays open as long as the session"]
pub struct LoadGuard {
    session: u16,
    number: u32,
}

/// What was loaded, of which class, for which line, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadCount {
    /// Whether it was a query, or a load of a relationship or of columns.
    pub what: Executed,
    /// The class that has what was loaded; of a query, the class of its objects.
    pub class: &'static str,
    /// The attribute that was loaded; none for queries, and for whole objects.
    pub attribute: Option<&'static str>,
    /// It was asked for, of objects that were there; not loaded along with a query.
    pub lazy: bool,
    /// The line that called the session.
    pub at: &'static Location<'static>,
    /// How often it was loaded.
    pub times: u64,
    /// How many SELECTs that took.
    pub statements: u64,
}

impl LoadCount {
    /// Whether another count is of the same, for the same line.
    fn is_same(&self, other: &Self) -> bool {
        (self.what, self.class, self.attribute, self.lazy, self.at)
            == (other.what, other.class, other.attribute, other.lazy, other.at)
    }

    /// What was loaded, for messages.
    fn subject(&self) -> String {
        match self.attribute {
            Some(attribute) => format!("{}.{attribute}", self.class),
            None if self.what == Executed::Select => format!("a query of {}", self.class),
            None => format!("columns of {}", self.class),
        }
    }
}

/// What was loaded while a guard was open. It prints as a table, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    loads: Vec<LoadCount>,
}

impl LoadReport {
    /// What was loaded, in the order in which it came first.
    pub fn loads(&self) -> &[LoadCount] {
        &self.loads
    }

    /// How many SELECTs there were in all.
    pub fn statements(&self) -> u64 {
        self.loads.iter().map(|load| load.statements).sum()
    }

    /// How many of them were lazy loads.
    pub fn lazy(&self) -> u64 {
        self.loads.iter().filter(|load| load.lazy).map(|load| load.statements).sum()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut loads: Vec<&LoadCount> = self.loads.iter().collect();
        loads.sort_by_key(|load| std::cmp::Reverse(load.statements));
        write!(f, "{} statements, {} of them lazy", self.statements(), self.lazy())?;
        for load in loads {
            let lazy = if load.lazy { ", lazily" } else { "" };
            write!(f, "\n{:>7} × {}{lazy}, at {}", load.statements, load.subject(), load.at)?;
        }
        Ok(())
    }
}

/// The guards of a session, and the line that called it last.
#[derive(Debug)]
pub(crate) struct Guards {
    open: Vec<Open>,
    next: u32,
    caller: &'static Location<'static>,
}

#[derive(Debug)]
struct Open {
    number: u32,
    limit: LoadLimit,
    report: LoadReport,
}

impl Default for Guards {
    #[track_caller]
    fn default() -> Self {
        Self { open: Vec::new(), next: 0, caller: Location::caller() }
    }
}

/// What is about to be loaded.
#[derive(Clone, Copy)]
pub(super) struct Loaded {
    pub(super) what: Executed,
    pub(super) class: &'static ClassDef,
    pub(super) attribute: Option<u16>,
    pub(super) lazy: bool,
    pub(super) statements: usize,
}

impl Loaded {
    /// The objects of a query.
    pub(super) fn query(class: &'static ClassDef) -> Self {
        let what = Executed::Select;
        Self { what, class, attribute: None, lazy: false, statements: 1 }
    }
}

impl Session {
    /// Opens a guard: from here on loads are counted, and refused beyond the limit. Several may be open, one
    /// within another or not; each counts for itself.
    ///
    /// What flushes load is counted as well, for the line that called the session.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn render(_: &mut Session) -> Result<()> { Ok(()) }
    /// # async fn example(mut session: Session) -> Result<()> {
    /// let guard = session.guard(LoadLimit::none().lazy(0));
    /// render(&mut session).await?; // fails at the first lazy load, naming attribute and line
    /// println!("{}", session.end_guard(guard)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn guard(&mut self, limit: LoadLimit) -> LoadGuard {
        let guards = &mut self.loading.guards;
        guards.next += 1;
        let number = guards.next;
        guards.open.push(Open { number, limit, report: LoadReport::default() });
        LoadGuard { session: self.arena.session, number }
    }

    /// What was loaded so far while a guard was open.
    ///
    /// # Errors
    ///
    /// When the guard is of another session.
    pub fn loads(&self, guard: &LoadGuard) -> Result<&LoadReport> {
        self.loading.guards.open[self.guard_at(guard)?..]
            .first()
            .map(|open| &open.report)
            .ok_or_else(foreign)
    }

    /// Ends a guard, and gives what was loaded while it was open.
    ///
    /// # Errors
    ///
    /// When the guard is of another session.
    pub fn end_guard(&mut self, guard: LoadGuard) -> Result<LoadReport> {
        let at = self.guard_at(&guard)?;
        Ok(self.loading.guards.open.remove(at).report)
    }

    fn guard_at(&self, guard: &LoadGuard) -> Result<usize> {
        let at = self.loading.guards.open.iter().position(|open| open.number == guard.number);
        at.filter(|_| guard.session == self.arena.session).ok_or_else(foreign)
    }

    /// Keeps the line that calls the session.
    #[inline]
    #[track_caller]
    pub(crate) fn called(&mut self) {
        self.loading.guards.caller = Location::caller();
    }

    /// Counts a load that is about to be sent.
    ///
    /// # Errors
    ///
    /// When it goes beyond the limit of a guard: it is not to be sent.
    #[inline]
    pub(super) fn count_load(&mut self, loaded: Loaded) -> Result<()> {
        match self.loading.guards.open.is_empty() {
            true => Ok(()),
            false => self.loading.guards.count(loaded),
        }
    }
}

impl Guards {
    #[cold]
    fn count(&mut self, loaded: Loaded) -> Result<()> {
        let Loaded { what, class, attribute, lazy, statements } = loaded;
        let name = |at: u16| class.attributes.get(usize::from(at)).map_or("?", |a| a.name);
        let count = LoadCount {
            what,
            class: class.name,
            attribute: attribute.map(name),
            lazy,
            at: self.caller,
            times: 1,
            statements: statements as u64,
        };
        for open in &self.open {
            open.check(&count)?;
        }
        for open in &mut self.open {
            let loads = &mut open.report.loads;
            match loads.iter_mut().find(|load| load.is_same(&count)) {
                Some(load) => {
                    load.times += 1;
                    load.statements += count.statements;
                }
                None => loads.push(count.clone()),
            }
        }
        Ok(())
    }
}

impl Open {
    fn check(&self, count: &LoadCount) -> Result<()> {
        let LoadLimit { statements, lazy, repeats } = self.limit;
        let beyond = |most: Option<u64>, had: u64| most.filter(|most| had > *most);
        if let Some(most) = beyond(statements, self.report.statements() + count.statements) {
            return Err(refused(count, &format!("the guard allows {most} statements")));
        }
        if count.lazy
            && let Some(most) = beyond(lazy, self.report.lazy() + count.statements)
        {
            let why = match most {
                0 => "the guard allows no lazy loads".to_owned(),
                most => format!("the guard allows {most} lazy loads"),
            };
            return Err(refused(count, &why));
        }
        let same = self.report.loads.iter().find(|load| load.is_same(count));
        if let Some(most) = beyond(repeats, same.map_or(0, |load| load.times) + 1) {
            let why = format!("the line has done so {most} times already, which the guard allows");
            return Err(refused(count, &why));
        }
        Ok(())
    }
}

#[cold]
fn refused(count: &LoadCount, why: &str) -> Error {
    let todo = match (count.attribute, count.lazy) {
        (Some(_), true) => {
            ": load it with the query (`selectin`, `joined`), or of all objects at once (`load_all`)"
        }
        (None, false) => ": ask for all objects by one query",
        _ => "",
    };
    let message = format!("{} may not be loaded at {}: {why}{todo}", count.subject(), count.at);
    Error::new(ErrorKind::LoadLimit, message)
}

#[cold]
fn foreign() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the guard is of another session")
}
