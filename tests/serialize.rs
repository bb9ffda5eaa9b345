//! Objects with their state, taken down in one session and made anew in another.
#![cfg(all(feature = "serde", feature = "sqlite"))]

use aludel::blocking::Session;
use aludel::orm::serialize::Serialized;
use aludel::orm::{defer_raise, raise};
use aludel::prelude::*;
use aludel::{Error, ErrorKind, History, Id, Record, Result, Value};

#[path = "serialize/owners.rs"]
mod owners;
#[allow(dead_code, reason = "what other tests ask of a database")]
mod support;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "authors")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(deferred)]
    bio: Deferred<Option<String>>,
    rating: Option<f64>,
    #[relationship(back_populates = "author", cascade = "all, delete-orphan", order_by = "id")]
    books: Many<Book>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "books")]
struct Book {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    cover: Option<Vec<u8>>,
    #[column(foreign_key = "authors.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "books")]
    author: One<Author>,
    #[column(foreign_key = "shelves.id")]
    shelf_id: Option<i64>,
    #[relationship]
    shelf: One<Shelf>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "shelves")]
struct Shelf {
    #[column(primary_key)]
    id: Auto<i64>,
    place: String,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Author>().unwrap();
    registry
}

fn database() -> Result<(Engine, Registry)> {
    let (engine, registry) = (Engine::connect_blocking("sqlite::memory:")?, registry());
    engine.block_on(registry.create_all(&engine))?;
    Ok((engine, registry))
}

fn book(title: &str) -> Book {
    Book { title: title.to_owned(), ..Book::default() }
}

/// By way of both forms.
pub(crate) fn through(serialized: &Serialized) -> Result<Serialized> {
    let json = Serialized::from_json(&serialized.to_json()?)?;
    let bytes = Serialized::from_bytes(&json.to_bytes()?)?;
    assert_eq!(*serialized, bytes);
    Ok(bytes)
}

/// The first of the objects that were taken down.
fn first(session: &mut Session, serialized: &Serialized) -> Result<Handle<Author>> {
    let ids = session.deserialize(serialized)?;
    session.handle_of(ids[0])
}

/// An author with two books on one shelf, changed since the last commit.
fn changed(session: &mut Session) -> Result<Handle<Author>> {
    let shelf = session.add(Shelf { place: "left".into(), ..Shelf::default() })?;
    let (one, two) = (session.make(book("One"))?, session.make(book("Two"))?);
    let author = session.add(Author {
        name: "ed".into(),
        rating: Some(0.1),
        books: [one, two].into(),
        ..Author::default()
    })?;
    for book in [one, two] {
        session.set(book, Book::shelf, shelf)?;
    }
    session.commit()?;
    session.set(author, Author::name, "jack")?;
    session.remove(author, Author::books, one)?;
    session.append(author, Author::books, Book { cover: Some(vec![0, 255]), ..book("Three") })?;
    Ok(author)
}

#[test]
fn everything_is_as_before() -> Result<()> {
    let (engine, registry) = database()?;
    let mut before = Session::with_registry(&engine, &registry);
    let author = changed(&mut before)?;
    let serialized = through(&before.serialize([author])?)?;
    // The author, three books (the removed one is in the history), one shelf.
    assert_eq!(serialized.len(), 5);
    before.rollback()?;

    let mut after = Session::with_registry(&engine, &registry);
    let copy: Handle<Author> = first(&mut after, &serialized)?;
    assert_eq!(after.state(copy)?, ObjectState::Detached);
    assert_eq!(after[copy].name, "jack");
    assert_eq!(after[copy].rating, Some(0.1));
    assert!(after.is_dirty(copy)?);
    assert!(!after.is_loaded(copy, Author::bio)?);
    let name: History<String> = after.history(copy, Author::name)?;
    assert_eq!((name.added(), name.deleted()), (&["jack".to_owned()][..], &["ed".to_owned()][..]));
    let books = after.history(copy, Author::books)?;
    let titles = |books: &[Handle<Book>]| -> Vec<String> {
        books.iter().map(|book| after[*book].title.clone()).collect()
    };
    assert_eq!(titles(books.added()), ["Three"]);
    assert_eq!(titles(books.unchanged()), ["Two"]);
    assert_eq!(titles(books.deleted()), ["One"]);
    // What two books shared they still share.
    let (one, two) = (books.deleted()[0], books.unchanged()[0]);
    assert!(after[one].shelf.get().is_some());
    assert_eq!(after[one].shelf.get(), after[two].shelf.get());
    assert_eq!(after[one].author.get(), None);
    let three = books.added()[0];
    assert_eq!(after.state(three)?, ObjectState::Transient);
    assert_eq!(after[three].cover, Some(vec![0, 255]));

    // Added to the session, the changes are written.
    after.add(copy)?;
    assert_eq!(after.state(copy)?, ObjectState::Persistent);
    assert_eq!(after.state(three)?, ObjectState::Pending);
    after.commit()?;
    let rows = after.query_raw(
        "SELECT a.name, b.title FROM books b JOIN authors a ON a.id = b.author_id ORDER BY b.id",
        &[],
    )?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], [aludel::Value::from("jack"), aludel::Value::from("Two")]);
    assert_eq!(after.count(select::<Book>())?, 2);
    Ok(())
}

#[test]
fn what_is_not_loaded_stays_so() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    changed(&mut session)?;
    session.commit()?;
    session.close()?;
    let mut session = Session::with_registry(&engine, &registry);
    let author = session.get::<Author>(1)?.ok_or_else(|| Error::new(ErrorKind::NoResult, "1"))?;
    session.expire_attributes(author, [Author::rating])?;
    let serialized = through(&session.serialize([author])?)?;
    assert_eq!(serialized.len(), 1);
    session.close()?;
    let mut after = Session::with_registry(&engine, &registry);
    let copy: Handle<Author> = first(&mut after, &serialized)?;
    assert!(after.is_loaded(copy, Author::name)?);
    assert!(!after.is_loaded(copy, Author::rating)?);
    assert!(!after.is_loaded(copy, Author::books)?);
    assert!(!after.is_dirty(copy)?);
    assert_eq!(after.load(copy, Author::rating).unwrap_err().kind(), ErrorKind::Detached);
    after.add(copy)?;
    after.load(copy, Author::rating)?;
    assert_eq!(after[copy].rating, Some(0.1));
    after.load(copy, Author::books)?;
    assert_eq!(after[copy].books.len(), 2);
    Ok(())
}

#[test]
fn what_may_not_be_loaded_may_not_be_there_either() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    changed(&mut session)?;
    session.commit()?;
    session.close()?;
    let mut session = Session::with_registry(&engine, &registry);
    let query = select::<Author>();
    let query = query.options((raise(Author::books), defer_raise(Author::rating)));
    let author = session.one(query)?;
    let serialized = through(&session.serialize([author])?)?;
    session.close()?;
    let mut after = Session::with_registry(&engine, &registry);
    let copy: Handle<Author> = first(&mut after, &serialized)?;
    after.add(copy)?;
    for error in [
        after.load(copy, Author::books).unwrap_err(),
        after.load(copy, Author::rating).unwrap_err(),
    ] {
        assert!(error.message().contains("raise"), "{error}");
    }
    after.load(copy, Author::bio)?;
    let other = serialized.to_json()?.replace(r#"["rating","No"]"#, r#"["ratin","No"]"#);
    let error = after.deserialize(&Serialized::from_json(&other)?).unwrap_err();
    assert!(error.message().contains("did you mean `rating`"), "{error}");
    Ok(())
}

#[test]
fn a_copy_is_merged_onto_what_is_there() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    let author = changed(&mut session)?;
    session.commit()?;
    let serialized = through(&session.serialize([author])?)?;
    session.set(author, Author::name, "wendy")?;
    session.commit()?;
    let copy: Handle<Author> = first(&mut session, &serialized)?;
    assert_ne!(copy, author);
    assert!(session.add(copy).is_err());
    assert_eq!(session.merge(copy)?, author);
    assert_eq!(session[author].name, "jack");
    session.commit()?;
    Ok(())
}

#[test]
fn an_identity_that_the_attributes_do_not_tell() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    let shelf = session.add(Shelf { place: "left".into(), ..Shelf::default() })?;
    session.commit()?;
    session.set(shelf, Shelf::id, Auto::Set(7))?;
    let serialized = through(&session.serialize([shelf])?)?;
    session.rollback()?;
    let mut after = Session::with_registry(&engine, &registry);
    let copy = after.deserialize(&serialized)?[0];
    let (_, key) = after.identity_key_of(copy)?.unwrap_or_default();
    assert_eq!(key, [aludel::Value::I64(1)]);
    after.add(copy.handle())?;
    after.commit()?;
    assert_eq!(after.query_raw("SELECT id FROM shelves", &[])?, [[aludel::Value::I64(7)]]);
    Ok(())
}

#[test]
fn bad_input_is_an_error_and_makes_nothing() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    let author = changed(&mut session)?;
    let serialized = session.serialize([author])?;
    let (json, bytes) = (serialized.to_json()?, serialized.to_bytes()?);
    let mut other = Session::with_registry(&engine, &registry);
    for end in 0..bytes.len() {
        assert_eq!(Serialized::from_bytes(&bytes[..end]).unwrap_err().kind(), ErrorKind::Value);
    }
    assert!(Serialized::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
    for at in 0..bytes.len() {
        for flip in [1, 0x10, 0x7F, 0x80, 0xFF] {
            let mut bad = bytes.clone();
            bad[at] ^= flip;
            // It may be another value, or an error, and never a panic.
            if let Ok(read) = Serialized::from_bytes(&bad)
                && let Ok(ids) = other.deserialize(&read)
            {
                ids.iter().for_each(|id| assert!(other.holds(id.handle())));
            }
        }
    }
    let broken = |from: &str, to: &str, says: &str| {
        assert!(json.contains(from), "{from} is not in {json}");
        let mut session = Session::with_registry(&engine, &registry);
        let read = Serialized::from_json(&json.replacen(from, to, 1));
        let error = read.and_then(|read| session.deserialize(&read)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    };
    broken(r#""format":2"#, r#""format":1"#, "format 1");
    broken(r#""Author""#, r#""Autor""#, "Author");
    broken(r#"["name""#, r#"["nam""#, "name");
    broken(r#"{"Text":"jack"}"#, r#"{"I64":5}"#, "Author.name");
    broken(r#"{"Text":"jack"}"#, r#"{"Blob":5}"#, "Blob");
    broken(r#""roots":[0]"#, r#""roots":[99]"#, "99");
    broken(r#""key":[{"I64":1}]"#, r#""key":[]"#, "0 parts");
    broken(r#""key":[{"I64":1}]"#, r#""key":["Null"]"#, "NULL");
    broken(r#""ids":[1"#, r#""ids":[0"#, "Book");
    broken(r#"00ff"#, r#"00fx"#, "hexadecimal");
    assert!(Serialized::from_json("[]").is_err());
    Ok(())
}

#[test]
fn listeners_are_told_and_may_refuse() -> Result<()> {
    let (engine, registry) = database()?;
    let mut session = Session::with_registry(&engine, &registry);
    let author = changed(&mut session)?;
    let serialized = session.serialize([author])?;
    let refuse = || Error::new(ErrorKind::Validation, "refused");
    session.on(ObjectEvent::Serialize.of::<Book>(), move |_, _| Err(refuse()))?;
    assert_eq!(session.serialize([author]).unwrap_err().kind(), ErrorKind::Validation);
    let mut other = Session::with_registry(&engine, &registry);
    let listener = other.on(ObjectEvent::Deserialize.of::<Book>(), move |_, _| Err(refuse()))?;
    assert_eq!(other.deserialize(&serialized).unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(other.discard_all(), 0);
    other.off(listener);
    let ids: Vec<Id> = other.deserialize(&serialized)?;
    assert_eq!(ids.len(), 1);
    Ok(())
}

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "pins")]
struct Pin {
    #[column(primary_key)]
    id: Auto<i64>,
    #[composite]
    at: Point,
    #[composite]
    from: Option<Point>,
    #[composite]
    to: Option<Point>,
}

#[test]
fn composites_with_their_histories() -> Result<()> {
    let registry = Registry::new();
    registry.register::<Pin>()?;
    let engine = Engine::connect_blocking("sqlite::memory:")?;
    engine.block_on(registry.create_all(&engine))?;
    let mut before = Session::with_registry(&engine, &registry);
    let pin = Pin { at: Point { x: 1, y: 2 }, to: Some(Point { x: 5, y: 6 }), ..Pin::default() };
    let pin = before.add(pin)?;
    before.commit()?;
    before.edit(pin, |pin| {
        pin.at.y = 20;
        pin.from = Some(Point { x: 3, y: 4 });
        pin.to = None;
    })?;
    let serialized = through(&before.serialize([pin])?)?;
    before.rollback()?;

    let mut after = Session::with_registry(&engine, &registry);
    let ids = after.deserialize(&serialized)?;
    let copy: Handle<Pin> = after.handle_of(ids[0])?;
    assert_eq!((after[copy].at, after[copy].to), (Point { x: 1, y: 20 }, None));
    assert_eq!(after[copy].from, Some(Point { x: 3, y: 4 }));
    assert_eq!(after.history(copy, Pin::at.part(Point::y))?.deleted(), [2]);
    assert!(!after.history(copy, Pin::at.part(Point::x))?.has_changes());
    assert_eq!(after.history(copy, Pin::to)?.deleted(), [Some(Point { x: 5, y: 6 })]);
    after.add(copy)?;
    after.commit()?;
    let rows = after.rows(select::<Pin>().columns((Pin::at, Pin::from, Pin::to)))?;
    assert_eq!(rows, [(Point { x: 1, y: 20 }, Some(Point { x: 3, y: 4 }), None)]);
    Ok(())
}

#[test]
fn records_with_all_that_they_may_hold() -> Result<()> {
    let registry = Registry::new();
    let team = registry
        .describe("Team")
        .table("teams")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<Option<String>>("motto", |c| c)
        .composite_of::<Point, _>("home", vec!["x", "y"])
        .keyed::<String>("players", "Player", "name", |r| {
            r.back_populates("team");
        })
        .finish()?;
    let player = registry
        .describe("Player")
        .table("players")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .column::<Option<i64>>("team_id", |c| c.references("teams.id"))
        .one("team", "Team", |r| {
            r.back_populates("players");
        })
        .plain::<i64>("goals")
        .finish()?;
    registry.configure()?;
    let engine = Engine::connect_blocking("sqlite::memory:")?;
    engine.block_on(registry.create_all(&engine))?;
    let mut before = Session::with_registry(&engine, &registry);
    let make = |name: &str| player.record().with("name", name);
    let reds = team.record().with("home", Point { x: 1, y: 2 })?;
    let reds = before.add(reds.with_many("players", [make("ann")?, make("bob")?])?)?;
    before.commit()?;
    before.set_named(reds, "motto", "up")?;
    before.set_named(reds, "y", 3)?;
    before.pop_key_named(reds, "players", &"bob".into())?;
    let serialized = through(&before.serialize([reds])?)?;
    before.rollback()?;

    let mut after = Session::with_registry(&engine, &registry);
    let ids = after.deserialize(&serialized)?;
    let copy: Handle<Record> = after.handle_of(ids[0])?;
    let home = team.attr::<Point>("home")?;
    assert_eq!(after[copy].class_name(), "Team");
    assert_eq!(after[copy].get::<Point>("home"), Some(&Point { x: 1, y: 3 }));
    assert_eq!(after.history(copy, home)?.deleted(), [Point { x: 1, y: 2 }]);
    let players = team.attr::<ManyMap<String, Record>>("players")?;
    let keys: Vec<String> = after.value(copy, players)?.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["ann"]);
    let history = after.history(copy, players)?;
    assert_eq!(after[history.deleted()[0]].value("name")?, Value::from("bob"));
    after.add(copy)?;
    after.commit()?;
    let name = player.attr::<String>("name")?;
    let alone = player.select().filter(player.attr::<Option<i64>>("team_id")?.is_null());
    assert_eq!(after.rows(alone.columns(name))?, ["bob"]);
    assert_eq!(after.rows(team.select().columns(home))?, [Point { x: 1, y: 3 }]);
    Ok(())
}
