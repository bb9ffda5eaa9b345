//! A server that fails, and connections that are lost, at each request of a flush and its commit in turn. What is in
//! the database afterwards is compared with a model: all of the work, or nothing of it, and nothing twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use aludel::prelude::*;
use aludel::{ErrorKind, Result};
use test_servers::Postgres;

use crate::database::{Database, in_schema};
use crate::proxy::{Fault, Proxy};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "author")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    rank: i64,
    #[relationship(back_populates = "author", cascade = "all, delete-orphan")]
    books: Many<Book>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "book")]
struct Book {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(foreign_key = "author.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "books")]
    author: One<Author>,
    #[relationship(secondary = "book_tag")]
    tags: Many<Tag>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "tag")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    word: String,
}

/// What is in the database, in words: the model and the tables alike.
type World = BTreeSet<String>;

fn world(lines: &[&str]) -> World {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn before() -> World {
    world(&[
        "ann 1",
        "bob 1",
        "ann: one [old]",
        "ann: two []",
        "bob: three []",
        "tag old",
        "tag new",
    ])
}

fn after() -> World {
    world(&[
        "ann 2",
        "bob 1",
        "eve 9",
        "bob: one [new]",
        "bob: three []",
        "eve: four [old]",
        "eve: five []",
        "tag old",
        "tag new",
    ])
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Author>().unwrap();
    registry
}

fn author(name: &str, rank: i64) -> Author {
    Author { name: name.into(), rank, ..Author::default() }
}

fn book(title: &str) -> Book {
    Book { title: title.into(), ..Book::default() }
}

/// Makes the world as it is before.
fn set_up(session: &mut blocking::Session) -> Result<()> {
    let tags = ["old", "new"].map(|word| Tag { word: word.into(), ..Tag::default() });
    let [old, _] = [session.add(tags[0].clone())?, session.add(tags[1].clone())?];
    let (ann, bob) = (session.add(author("ann", 1))?, session.add(author("bob", 1))?);
    for (owner, title) in [(ann, "one"), (ann, "two"), (bob, "three")] {
        let book = session.add(book(title))?;
        session.append(owner, Author::books, book)?;
        if title == "one" {
            session.append(book, Book::tags, old)?;
        }
    }
    session.commit()
}

/// Changes the objects, so that the world will be as it is after.
fn change(session: &mut blocking::Session) -> Result<()> {
    let everything = select::<Author>().options(selectin(Author::books).selectin(Book::tags));
    session.all(everything.populate_existing())?;
    let mut of = |name: &str| session.one(select::<Author>().filter(Author::name.eq(name)));
    let (ann, bob) = (of("ann")?, of("bob")?);
    let mut book_of = |title: &str| session.one(select::<Book>().filter(Book::title.eq(title)));
    let (one, two) = (book_of("one")?, book_of("two")?);
    let mut tag = |word: &str| session.one(select::<Tag>().filter(Tag::word.eq(word)));
    let (old, new) = (tag("old")?, tag("new")?);
    session.set(ann, Author::rank, 2)?;
    session.append(bob, Author::books, one)?;
    session.remove(one, Book::tags, old)?;
    session.append(one, Book::tags, new)?;
    session.delete(two)?;
    let eve = session.add(author("eve", 9))?;
    let four = session.add(book("four"))?;
    session.append(four, Book::tags, old)?;
    session.append(eve, Author::books, four)?;
    let five = session.add(book("five"))?;
    session.append(eve, Author::books, five)
}

/// What a session says is in the database.
fn told(session: &mut blocking::Session) -> World {
    let query = select::<Author>().options(selectin(Author::books).selectin(Book::tags));
    let authors = session.all(query.populate_existing()).unwrap();
    let mut lines = Vec::new();
    for author in authors {
        let author = &session[author];
        lines.push(format!("{} {}", author.name, author.rank));
        for book in author.books.iter() {
            let tags = session[book].tags.iter().map(|t| session[t].word.clone());
            let tags: Vec<String> = tags.collect();
            lines.push(format!("{}: {} [{}]", author.name, session[book].title, tags.join(" ")));
        }
    }
    for tag in session.all(select::<Tag>()).unwrap() {
        lines.push(format!("tag {}", session[tag].word));
    }
    let count = lines.len();
    let world: World = lines.into_iter().collect();
    assert_eq!(world.len(), count, "something is there twice: {world:?}");
    world
}

/// A database behind a proxy.
struct Behind {
    proxy: Proxy,
    url: String,
    schema: &'static str,
    server: String,
}

impl Behind {
    fn new(server: &str, schema: &'static str) -> Self {
        let port = |url: &str| -> u16 {
            let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next());
            address.and_then(|a| a.rsplit(':').next()).unwrap().parse().unwrap()
        };
        let proxy = Proxy::before(port(server));
        let through = server.replace(&port(server).to_string(), &proxy.port().to_string());
        Self { url: in_schema(&through, schema), proxy, schema, server: server.to_owned() }
    }

    /// The world as it is before, and an engine whose connections go through the proxy.
    fn fresh(&self) -> (Database, Engine) {
        let db = Database::at_server(&self.server, self.schema, &registry());
        set_up(&mut db.session()).unwrap();
        (db, Engine::connect_blocking(&self.url).unwrap())
    }

    /// The requests of the flush and the commit.
    fn requests(&self) -> Vec<String> {
        let (db, engine) = self.fresh();
        let mut session = blocking::Session::with_registry(&engine, &registry());
        change(&mut session).unwrap();
        self.proxy.arm(usize::MAX, Fault::CutBefore);
        session.commit().unwrap();
        assert_eq!(told(&mut db.session()), after());
        let requests = self.proxy.seen();
        assert!(requests.len() > 6 && requests.last().unwrap() == "COMMIT", "{requests:?}");
        requests
    }

    /// Does the work with a fault at a request, and compares; then does what is left to do in the same session.
    fn try_at(&self, at: usize, request: &str, fault: Fault, kind: ErrorKind, done: World) {
        self.try_and_mend(at, request, fault, kind, &[done], &|| ());
    }

    /// The same, with something to be mended when the fault is told; what is done by then is one of several things.
    fn try_and_mend(
        &self,
        at: usize,
        request: &str,
        fault: Fault,
        kind: ErrorKind,
        done: &[World],
        mend: &dyn Fn(),
    ) {
        let (db, engine) = self.fresh();
        let mut session = blocking::Session::with_registry(&engine, &registry());
        change(&mut session).unwrap();
        self.proxy.arm(at, fault);
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), kind, "at {request}: {error:?}");
        mend();
        let there = told(&mut db.session());
        assert!(done.contains(&there), "at {request}: {there:?}");
        // The session waits to be rolled back, then it says what is there, and goes on.
        assert_eq!(session.flush_error_kind(), Some(ErrorKind::PendingRollback), "at {request}");
        let back = session.rollback().unwrap();
        assert_eq!(back.transient.len(), 3, "at {request}");
        assert_eq!(told(&mut session), there, "at {request}");
        if there != after() {
            change(&mut session).unwrap();
            session.commit().unwrap();
        }
        assert_eq!(told(&mut session), after(), "at {request}");
        assert_eq!(told(&mut db.session()), after(), "at {request}");
    }
}

/// Whether a session refuses to go on.
trait Refuses {
    fn flush_error_kind(&mut self) -> Option<ErrorKind>;
}

impl Refuses for blocking::Session {
    fn flush_error_kind(&mut self) -> Option<ErrorKind> {
        self.all(select::<Tag>()).err().map(|error| error.kind())
    }
}

fn server() -> Option<String> {
    std::env::var("ALUDEL_TEST_POSTGRES").ok()
}

#[test]
fn the_connection_is_cut_before_each_request() {
    let Some(server) = server() else { return };
    let behind = Behind::new(&server, "fault_before");
    for (at, request) in behind.requests().iter().enumerate() {
        let kind =
            if request == "COMMIT" { ErrorKind::OutcomeUnknown } else { ErrorKind::ConnectionLost };
        behind.try_at(at, request, Fault::CutBefore, kind, before());
    }
}

#[test]
fn the_connection_is_cut_after_each_request() {
    let Some(server) = server() else { return };
    let behind = Behind::new(&server, "fault_after");
    for (at, request) in behind.requests().iter().enumerate() {
        let (kind, done) = match request.as_str() {
            // It took effect, and nobody was told.
            "COMMIT" => (ErrorKind::OutcomeUnknown, after()),
            _ => (ErrorKind::ConnectionLost, before()),
        };
        behind.try_at(at, request, Fault::CutAfter, kind, done);
    }
}

#[test]
fn each_request_cannot_be_serialized() {
    let Some(server) = server() else { return };
    let behind = Behind::new(&server, "fault_fail");
    for (at, request) in behind.requests().iter().enumerate() {
        for (state, kind) in [("40001", ErrorKind::Serialization), ("40P01", ErrorKind::Deadlock)] {
            behind.try_at(at, request, Fault::Fail(state), kind, before());
        }
    }
}

#[test]
fn a_unit_of_work_comes_through_whatever_fails_before_the_commit_is_sent() {
    let Some(server) = server() else { return };
    let behind = Behind::new(&server, "fault_again");
    let policy = RetryPolicy::new().immediately().also(ErrorKind::ConnectionLost);
    let requests = behind.requests();
    for (at, request) in requests.iter().enumerate() {
        for fault in [Fault::CutBefore, Fault::CutAfter, Fault::Fail("40001")] {
            let unknown = request == "COMMIT" && !matches!(fault, Fault::Fail(_));
            let took_effect = matches!(fault, Fault::CutAfter);
            let (db, engine) = behind.fresh();
            let sessions = SessionMaker::new(&engine).registry(&db.registry);
            let mut attempts = 0;
            let result = sessions.transaction_blocking(&policy, |session| {
                attempts += 1;
                change(session)?;
                if attempts == 1 {
                    behind.proxy.arm(at, fault.clone());
                }
                Ok(())
            });
            let there = told(&mut db.session());
            if unknown {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
                assert_eq!((attempts, there), (1, if took_effect { after() } else { before() }));
            } else {
                result.unwrap();
                assert_eq!((attempts, there), (2, after()), "at {request}");
            }
        }
    }
}

#[test]
fn the_server_is_killed_in_the_middle_of_a_commit() {
    if server().is_none() {
        return;
    }
    // One that may be killed; what it says is committed is on its way to the disk.
    let server = Arc::new(Postgres::start_with(&["synchronous_commit=on"]).unwrap());
    let behind = Behind::new(&server.url(), "fault_kill");
    let requests = behind.requests();
    let commit = requests.len() - 1;
    let its = server.clone();
    let kill: Arc<dyn Fn() + Send + Sync> = Arc::new(move || its.kill().unwrap());
    for at in [commit / 2, commit, commit, commit] {
        let request = &requests[at];
        let (kind, done) = match at == commit {
            true => (ErrorKind::OutcomeUnknown, vec![before(), after()]),
            false => (ErrorKind::ConnectionLost, vec![before()]),
        };
        let mend = || server.restart().unwrap();
        behind.try_and_mend(at, request, Fault::During(kill.clone()), kind, &done, &mend);
    }
}
