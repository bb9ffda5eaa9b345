//! Merging graphs: what is read for it, and that a merge which is refused half-way has done nothing. On SQLite always, on
//! PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's URL.

#[path = "support/database.rs"]
mod database;
#[path = "support/sent.rs"]
mod sent;

use std::sync::Arc;

use aludel::events::ObjectEvent;
use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::DialectKind;
use aludel::{Error, ErrorKind, many};
use database::{Database, script};
use sent::Sent;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "merge_shelf")]
struct Shelf {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "shelf", cascade = "all, delete-orphan")]
    books: Many<Book>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "merge_book", configure = no_blanks)]
struct Book {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(version)]
    version: i64,
    #[column(active_history)]
    title: String,
    #[column(foreign_key = "merge_shelf.id")]
    shelf_id: Option<i64>,
    #[relationship(back_populates = "books")]
    shelf: One<Shelf>,
    #[relationship(back_populates = "book", cascade = "all, delete-orphan")]
    pages: Many<Page>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "merge_page")]
struct Page {
    #[column(primary_key)]
    id: Auto<i64>,
    text: String,
    #[column(foreign_key = "merge_book.id")]
    book_id: Option<i64>,
    #[relationship(back_populates = "pages")]
    book: One<Book>,
}

fn no_blanks(mapper: &mut MapperBuilder) {
    mapper.validate(Book::title, |_, _, title: &mut String| match title.trim() {
        "" => Err(refused()),
        _ => Ok(()),
    });
}

fn refused() -> Error {
    Error::new(ErrorKind::Validation, "refused")
}

/// A shelf of three books of two pages each: whose they are, the lists tell. The rows of the first shelf have the first ids, and so on.
fn shelf(number: i64, title: impl Fn(i64) -> String) -> Shelf {
    let page = |id: i64| Page { id: id.into(), text: format!("page {id}"), ..Page::default() };
    let book = |at: i64| {
        let id = 3 * (number - 1) + at;
        Book {
            id: id.into(),
            version: 1,
            title: title(id),
            pages: many![page(2 * id - 1), page(2 * id)],
            ..Book::default()
        }
    };
    let (id, name) = (number.into(), format!("shelf {number}"));
    Shelf { id, name, books: many![book(1), book(2), book(3)] }
}

fn old(id: i64) -> String {
    format!("book {id}")
}

fn new(id: i64) -> String {
    format!("new {id}")
}

/// As [`new`], but for the third book, which the validator refuses.
fn bad(id: i64) -> String {
    if id == 3 { " ".into() } else { new(id) }
}

/// Runs a test on each database, with two shelves in it.
fn each(name: &str, test: impl Fn(&Database, &Sent)) {
    let registry = Registry::new();
    registry.register::<Shelf>().unwrap();
    let postgres = Database::postgres(name, &registry);
    for db in [Some(Database::sqlite(name, &registry)), postgres].into_iter().flatten() {
        let mut session = db.session();
        session.add_all([shelf(1, old), shelf(2, old)]).unwrap();
        session.commit().unwrap();
        if db.engine.dialect().kind == DialectKind::Postgres {
            // Keys that are given do not count.
            for (table, last) in [("merge_shelf", 2), ("merge_book", 6), ("merge_page", 12)] {
                let next =
                    format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})");
                script(&db.engine, &next);
            }
        }
        let sent = Arc::new(Sent::default());
        db.engine.observe(sent.clone());
        test(&db, &sent);
    }
}

/// All that a session shows of its objects.
fn picture(session: &Session) -> Vec<String> {
    let (new, dirty) = (session.new_objects(), session.dirty_objects());
    let mut lines = vec![format!("{new:?} {dirty:?} {:?}", session.deleted_objects())];
    for id in session.persistent_objects().into_iter().chain(new) {
        for at in session.inspect(id.handle()).unwrap().attrs() {
            let (value, history) = (at.loaded_value(), at.history());
            lines.push(format!("{id:?} {} {value:?} {history:?}", at.key()));
        }
    }
    lines
}

/// A session that has the first shelf whole, with a change that is not flushed.
fn at_work(db: &Database) -> (blocking::Session, Handle<Shelf>) {
    let mut session = db.session();
    session.options_mut().autoflush = false;
    let path = selectin(Shelf::books).selectin(Book::pages);
    let here = session.all(select::<Shelf>().filter(Shelf::id.eq(1)).options(path)).unwrap()[0];
    session.set(here, Shelf::name, "changed").unwrap();
    let page = session[session[here].books.at(0).unwrap()].pages.at(1).unwrap();
    session.set(page, Page::text, "changed").unwrap();
    (session, here)
}

fn titles(db: &Database) -> Vec<String> {
    db.session().rows(select::<Book>().order_by(Book::id).columns(Book::title)).unwrap()
}

fn selects(sent: &Sent) -> usize {
    sent.take().iter().filter(|sql| sql.starts_with("SELECT")).count()
}

#[test]
fn a_graph_is_read_level_by_level() {
    each("merge_levels", |db, sent| {
        let mut session = db.session();
        let merged = session.merge(shelf(1, new)).unwrap();
        // The shelf, its books, their pages; nothing for each of these.
        assert_eq!(selects(sent), 3);
        assert_eq!(session[merged].books.len(), 3);
        session.commit().unwrap();
        assert_eq!(titles(db), ["new 1", "new 2", "new 3", "book 4", "book 5", "book 6"]);

        // Objects that no collection brings along come by one SELECT for all of a class.
        let mut session = db.session();
        let given = Shelf { id: Auto::Unset, ..shelf(2, new) };
        sent.take();
        let merged = session.merge(given).unwrap();
        assert_eq!(selects(sent), 2);
        session.commit().unwrap();
        assert_eq!(session[merged].id.get(), Some(&3));
        assert_eq!(titles(db), ["new 1", "new 2", "new 3", "new 4", "new 5", "new 6"]);
        let moved = select::<Book>().filter(Book::shelf_id.eq(3));
        assert_eq!(db.session().count(moved).unwrap(), 3);

        // What is there is not read again.
        sent.take();
        session.merge(Shelf { id: 3.into(), name: "three".into(), ..Shelf::default() }).unwrap();
        assert_eq!(selects(sent), 0);
    });
}

#[test]
fn foreign_keys_follow_from_the_graph() {
    each("merge_keys", |db, _| {
        let whose = || {
            let books = select::<Book>().order_by(Book::id).columns((Book::id, Book::shelf_id));
            let pages = select::<Page>().order_by(Page::id).columns(Page::book_id);
            let mut session = db.session();
            (session.rows(books).unwrap(), session.rows(pages).unwrap())
        };
        let before = whose();
        // Nothing is said of keys, and nobody loses anything.
        let mut session = db.session();
        session.merge(shelf(1, new)).unwrap();
        session.commit().unwrap();
        assert_eq!(whose(), before);
        // A member that is taken over, a new one, and one that is left out.
        let given = |id| Book { id, version: 2, title: "given".into(), ..Book::default() };
        let books =
            many![given(1.into()), Book { version: 1, ..given(4.into()) }, given(Auto::Unset)];
        let mut session = db.session();
        session.merge(Shelf { id: 1.into(), name: "one".into(), books }).unwrap();
        session.commit().unwrap();
        let one = Some(1);
        let books = [(1, one), (4, one), (5, Some(2)), (6, Some(2)), (7, one)];
        assert_eq!(whose().0, books.map(|(id, shelf)| (id.into(), shelf)));
        // By the reference; a key that nothing else tells counts.
        let mut session = db.session();
        let shelf = Shelf { id: 2.into(), name: "two".into(), ..Shelf::default() };
        session.merge(Book { version: 3, shelf: shelf.into(), ..given(1.into()) }).unwrap();
        session.merge(Book { version: 2, shelf_id: Some(1), ..given(5.into()) }).unwrap_err();
        session.merge(Book { version: 1, shelf_id: Some(1), ..given(5.into()) }).unwrap();
        session.commit().unwrap();
        let books = [(1, Some(2)), (4, one), (5, one), (6, Some(2)), (7, one)];
        assert_eq!(whose().0, books.map(|(id, shelf)| (id.into(), shelf)));
        // An empty list takes all away.
        let mut session = db.session();
        session.merge(Shelf { id: 1.into(), name: "one".into(), books: many![] }).unwrap();
        session.commit().unwrap();
        assert_eq!(whose().0, [(1.into(), Some(2)), (6.into(), Some(2))]);
    });
}

#[test]
fn the_third_object_of_a_graph_is_refused() {
    each("merge_validator", |db, _| {
        let (mut session, here) = at_work(db);
        let before = picture(&session);
        let error = session.merge(shelf(1, bad)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        assert_eq!(picture(&session), before);
        // Neither is there anything left of what was given.
        assert_eq!(session.discard_all(), 0);

        // An object that was there before keeps all that it has.
        let given = session.make(shelf(1, old)).unwrap();
        let third = session[given].books.at(2).unwrap();
        session.set_committed(third, Book::title, String::new()).unwrap();
        let made = session[given].clone();
        assert_eq!(session.merge(given).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!((picture(&session), &session[given]), (before, &made));
        assert_eq!(session.discard_all(), 10);

        session.commit().unwrap();
        assert_eq!(session[here].name, "changed");
        assert_eq!(titles(db)[..3], ["book 1", "book 2", "book 3"]);
        session.merge(shelf(1, new)).unwrap();
    });
}

#[test]
fn new_objects_of_a_refused_graph_are_not_there() {
    each("merge_new", |db, _| {
        let (mut session, here) = at_work(db);
        let before = picture(&session);
        let titled = |title: &str| Book { title: title.into(), version: 1, ..Book::default() };
        // The graph hangs on an object of the session, whose collection hears of it.
        let given = Book { shelf: here.into(), ..titled("of its own") };
        let given = session.make(given).unwrap();
        session.remove(here, Shelf::books, given).unwrap();
        session.discard_all();
        assert_eq!(picture(&session), before);
        let error = session.merge(Book { shelf: here.into(), ..titled("") }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert_eq!(picture(&session), before);
        let given = Shelf { books: many![titled("new"), titled(" ")], ..Shelf::default() };
        assert_eq!(session.merge(given).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!((picture(&session), session.discard_all()), (before, 0));
        session.merge(Book { shelf: here.into(), ..titled("of its own") }).unwrap();
        session.discard_all();
        session.commit().unwrap();
        assert_eq!(db.session().count(select::<Book>()).unwrap(), 7);
    });
}

#[test]
fn a_child_of_another_version() {
    each("merge_version", |db, _| {
        script(&db.engine, "UPDATE merge_book SET version = 2 WHERE id = 2");
        let (mut session, _) = at_work(db);
        let before = picture(&session);
        let error = session.merge(shelf(1, new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale);
        assert!(error.to_string().contains("Book(2)"), "{error}");
        assert_eq!((picture(&session), session.discard_all()), (before, 0));

        // Where nothing is there yet, what was read stays, as it was read.
        session.close().unwrap();
        let mut session = db.session();
        assert_eq!(session.merge(shelf(1, new)).unwrap_err().kind(), ErrorKind::Stale);
        assert_eq!(session.persistent_objects().len(), 10);
        assert!(session.dirty_objects().is_empty() && session.new_objects().is_empty());
        assert_eq!(session.discard_all(), 0);
    });
}

#[test]
fn a_row_that_is_gone() {
    each("merge_gone", |db, _| {
        let (mut session, here) = at_work(db);
        session.commit().unwrap();
        session.expire(here).unwrap();
        script(&db.engine, "UPDATE merge_book SET shelf_id = NULL WHERE shelf_id = 1");
        script(&db.engine, "DELETE FROM merge_shelf WHERE id = 1");
        let before = picture(&session);
        let error = session.merge(shelf(1, new)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ObjectDeleted);
        assert!(error.to_string().contains("Shelf(1)"), "{error}");
        assert_eq!((picture(&session), session.discard_all()), (before, 0));
    });
}

#[test]
fn an_object_of_another_class_has_the_key() {
    let registry = Registry::new();
    registry.register::<Tool>().unwrap();
    let db = Database::sqlite("merge_class", &registry);
    let mut session = db.session();
    let tool = session.add(Tool { name: "a".into(), ..Tool::default() }).unwrap();
    session.commit().unwrap();
    let given = Saw { tool: Tool { id: 1.into(), ..Tool::default() }, teeth: Some(9) };
    let error = session.merge(given).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("Tool(1) of the session is no Saw"), "{error}");
    assert_eq!((session.discard_all(), &*session[tool].name), (0, "a"));
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "tool", polymorphic_on = "kind", polymorphic_identity = "tool", subclasses(Saw))]
struct Tool {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: Option<String>,
    name: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "saw")]
struct Saw {
    #[mapped(base)]
    tool: Tool,
    teeth: Option<i64>,
}

#[test]
fn a_listener_of_the_merged_object_refuses() {
    each("merge_listener", |db, _| {
        let with_new = |title: &str| {
            let page = Page { text: "new".into(), ..Page::default() };
            Book { title: title.into(), version: 1, pages: many![page], ..Book::default() }
        };
        for wait in [false, true] {
            let (mut session, here) = at_work(db);
            let before = picture(&session);
            let refusal = match wait {
                false => session.on(ObjectEvent::Load.of::<Book>(), |_, _| Err(refused())),
                true => session.on_async(ObjectEvent::Load.of::<Book>(), |session, told| {
                    Box::pin(async move {
                        // It may read, and change; what it has changed is taken back as well.
                        let shelf = session.get_one::<Shelf>(1).await?;
                        session.set(shelf, Shelf::name, "by the listener")?;
                        let book: Handle<Book> = session.handle_of(told.object.id())?;
                        assert_eq!(session.state(book)?, ObjectState::Pending);
                        assert_eq!(session[book].pages.len(), 1);
                        for refused in [
                            session.flush().await,
                            session.commit().await,
                            session.rollback().await.map(|_| ()),
                            session.close().await,
                        ] {
                            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidRequest);
                        }
                        Err(refused())
                    })
                }),
            };
            let refusal = refusal.unwrap();
            let given = Book { shelf: here.into(), ..with_new("new") };
            assert_eq!(session.merge(given).unwrap_err().kind(), ErrorKind::Validation);
            assert_eq!((picture(&session), session.discard_all()), (before, 0), "{wait}");
            session.off(refusal);
            session.merge(Book { shelf: here.into(), ..with_new("new") }).unwrap();
            session.flush().unwrap();
            session.rollback().unwrap();
        }
    });
}

#[test]
fn a_merge_without_load_is_refused() {
    each("merge_cache", |db, sent| {
        let (mut session, here) = at_work(db);
        // As from a cache: the third book has changes that are not flushed.
        let mut cached = Vec::new();
        for id in 1..=3 {
            let book = Book { id: id.into(), version: 1, title: new(id), ..Book::default() };
            let book = session.make(book).unwrap();
            session.make_transient_to_detached(book).unwrap();
            cached.push(book);
        }
        let whole = Shelf { id: 1.into(), name: "cached".into(), ..Shelf::default() };
        let whole = session.make(whole).unwrap();
        session.make_transient_to_detached(whole).unwrap();
        session.set_committed(whole, Shelf::books, cached.clone()).unwrap();
        let refusal = session.on(ObjectEvent::BeforeAttach.of::<Book>(), |_, _| Err(refused()));
        let refusal = refusal.unwrap();
        sent.take();
        let third = session[here].books.at(2).unwrap();
        session.expunge(third).unwrap();
        let without = picture(&session);
        assert_eq!(session.merge_without_load(whole).unwrap_err().kind(), ErrorKind::Validation);
        assert_eq!(picture(&session), without);
        session.off(refusal);
        session.set(cached[2], Book::title, "not flushed").unwrap();
        let error = session.merge_without_load(whole).unwrap_err();
        assert!(error.to_string().contains("Book(3) cannot be merged without loading"), "{error}");
        assert_eq!((picture(&session), sent.take().len()), (without, 0));
    });
}

#[test]
fn on_the_other_face_as_well() {
    each("merge_async", |db, _| {
        let work = async {
            let mut session = Session::with_registry(&db.engine, &db.registry);
            session.merge(shelf(1, old)).await.unwrap();
            session.discard_all();
            session.flush().await.unwrap();
            let before = picture(&session);
            let error = session.merge(shelf(1, bad)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation);
            assert_eq!((picture(&session), session.discard_all()), (before, 0));
            Ok(())
        };
        db.engine.block_on(work).unwrap();
    });
}
