//! Versions of rows, whoever makes them, and what is told of a row that somebody else has changed. On SQLite always,
//! on PostgreSQL where `ALUDEL_TEST_POSTGRES` has a server's URL.

#[path = "support/database.rs"]
mod database;

use std::sync::atomic::{AtomicI64, Ordering};

use aludel::orm::mapping::VersionGenerator;
use aludel::orm::session::StaleRow;
use aludel::prelude::*;
use aludel::sql::DialectKind;
use aludel::{Error, ErrorKind, Value};
use database::{Database, script};

/// Versions that a function makes.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "page")]
struct Page {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    body: Option<String>,
    #[column(version, version_generator = stamp)]
    stamp: String,
}

fn stamp(old: Option<&Value>) -> String {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let after = if old.is_some() { "then" } else { "first" };
    format!("{after} {next}")
}

/// Versions that the database makes, by a default and a trigger.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "task")]
struct Task {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(version, version_generator = false, server_default = "100")]
    version: Option<i64>,
}

/// Versions that every row of PostgreSQL has.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "mark")]
struct Mark {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(system, version, version_generator = false)]
    xmin: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Page>().unwrap();
    registry.register::<Task>().unwrap();
    registry
}

/// Runs a test on every database that is there.
fn each(name: &str, test: impl Fn(&Database)) {
    for db in [Some(Database::sqlite(name, &registry())), Database::postgres(name, &registry())] {
        let Some(db) = db else { continue };
        script(&db.engine, trigger(db.engine.dialect().kind == DialectKind::Postgres));
        test(&db);
    }
}

/// Every UPDATE of a task that leaves the version alone makes a new one.
fn trigger(postgres: bool) -> &'static str {
    if postgres {
        "CREATE FUNCTION next_version() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.version = OLD.version THEN NEW.version := OLD.version + 10; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER versions BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION next_version()"
    } else {
        "CREATE TRIGGER versions AFTER UPDATE ON task WHEN NEW.version = OLD.version
         BEGIN UPDATE task SET version = OLD.version + 10 WHERE id = NEW.id; END"
    }
}

fn page(title: &str) -> Page {
    Page { title: title.into(), ..Page::default() }
}

fn task(title: &str) -> Task {
    Task { title: title.into(), ..Task::default() }
}

fn stale(error: &Error) -> &StaleRow {
    assert_eq!(error.kind(), ErrorKind::Stale, "{error:?}");
    StaleRow::of(error).unwrap_or_else(|| panic!("{error:?}"))
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

#[test]
fn a_function_makes_the_versions() {
    each("version_client", |db| {
        let mut session = db.session();
        let pages = session.add_all(["a", "b"].map(page)).unwrap();
        session.commit().unwrap();
        let first = session[pages[1]].stamp.clone();
        assert!(first.starts_with("first ") && first != session[pages[0]].stamp);
        session.set(pages[1], Page::title, "c").unwrap();
        session.commit().unwrap();
        let then = session[pages[1]].stamp.clone();
        assert!(then.starts_with("then "), "{then}");
        let mut other = db.session();
        let same = other.get_one::<Page>(session[pages[1]].id).unwrap();
        assert_eq!(other[same].stamp, then);
        other.delete(same).unwrap();
        other.commit().unwrap();
        session.delete(pages[1]).unwrap();
        let error = session.commit().unwrap_err();
        assert!(stale(&error).present.is_none() && error.message().contains("its row is gone"));
    });
}

#[test]
fn a_stale_row_says_what_is_needed_to_merge_and_try_again() {
    each("version_merge", |db| {
        let mut session = db.session();
        let pages = session.add_all(["a", "b", "c"].map(page)).unwrap();
        session.commit().unwrap();
        let mut other = db.session();
        let same = other.get_one::<Page>(session[pages[1]].id).unwrap();
        other.set(same, Page::body, Some("theirs".to_owned())).unwrap();
        other.commit().unwrap();
        let theirs = other[same].stamp.clone();
        let ours = session[pages[1]].stamp.clone();
        for (page, title) in pages.iter().zip(["A", "B", "C"]) {
            session.set(*page, Page::title, title).unwrap();
        }
        let error = session.commit().unwrap_err();
        let row = stale(&error);
        assert_eq!(row.object, pages[1].id());
        assert_eq!(
            (row.expected.clone(), row.found.clone()),
            (Some(text(&ours)), Some(text(&theirs)))
        );
        assert_eq!(row.wanted, [("title".to_owned(), text("B"))]);
        let present = row.present.as_ref().unwrap();
        assert!(present.contains(&("title".to_owned(), text("b"))), "{present:?}");
        assert!(present.contains(&("body".to_owned(), text("theirs"))), "{present:?}");
        assert!(error.message().contains(&theirs) && error.message().contains("Page("), "{error}");
        assert!(!format!("{error:?}").contains("body"), "values are not for messages: {error:?}");
        // Merged, and tried again.
        session.rollback().unwrap();
        session.refresh(pages[1]).unwrap();
        for (name, value) in &row.wanted {
            session.set_named(pages[1], name, value.clone()).unwrap();
        }
        session.commit().unwrap();
        let merged = other.refresh(same).map(|()| other[same].clone()).unwrap();
        assert_eq!((merged.title.as_str(), merged.body.as_deref()), ("B", Some("theirs")));
    });
}

#[test]
fn the_database_makes_the_versions() {
    each("version_server", |db| {
        let mut session = db.session();
        let tasks = session.add_all(["a", "b", "c"].map(task)).unwrap();
        session.commit().unwrap();
        let versions =
            |session: &blocking::Session| tasks.map_ref(|t| session[*t].version.unwrap());
        assert_eq!(versions(&session), [100, 100, 100]);
        for task in &tasks {
            session.set(*task, Task::title, "changed").unwrap();
        }
        session.flush().unwrap();
        assert_eq!(versions(&session), [110, 110, 110]);
        session.set(tasks[0], Task::title, "again").unwrap();
        session.commit().unwrap();
        assert_eq!(versions(&session), [120, 110, 110]);
        // The program may make one itself.
        session.edit(tasks[2], |t| (t.title, t.version) = ("by hand".into(), Some(7))).unwrap();
        session.commit().unwrap();
        assert_eq!(versions(&session), [120, 110, 7]);
        // Somebody else's.
        let mut other = db.session();
        let same = other.get_one::<Task>(session[tasks[1]].id).unwrap();
        other.set(same, Task::title, "theirs").unwrap();
        other.commit().unwrap();
        for task in &tasks {
            session.set(*task, Task::title, "ours").unwrap();
        }
        let error = session.commit().unwrap_err();
        if let Some(row) = StaleRow::of(&error) {
            assert_eq!(row.object, tasks[1].id());
            assert_eq!(
                (&row.expected, &row.found),
                (&Some(Value::I64(110)), &Some(Value::I64(120)))
            );
        }
        assert_eq!(stale(&error).object, tasks[1].id());
        session.rollback().unwrap();
        session.refresh(tasks[1]).unwrap();
        assert_eq!(session[tasks[1]].title, "theirs");
        session.delete(tasks[1]).unwrap();
        session.commit().unwrap();
    });
}

#[test]
fn postgres_has_a_version_in_every_row() {
    let registry = Registry::new();
    registry.register::<Mark>().unwrap();
    let Some(db) = Database::postgres("version_xmin", &registry) else { return };
    let mut session = db.session();
    let marks =
        session.add_all(["a", "b"].map(|t| Mark { title: t.into(), ..Mark::default() })).unwrap();
    session.commit().unwrap();
    let first = session[marks[0]].xmin;
    assert!(first.is_some());
    for mark in &marks {
        session.set(*mark, Mark::title, "changed").unwrap();
    }
    session.commit().unwrap();
    assert_ne!(session[marks[0]].xmin, first);
    session.set(marks[0], Mark::title, "again").unwrap();
    session.commit().unwrap();
    script(&db.engine, "UPDATE mark SET title = 'theirs' WHERE title = 'changed'");
    for mark in &marks {
        session.set(*mark, Mark::title, "ours").unwrap();
    }
    let error = session.commit().unwrap_err();
    assert_eq!(stale(&error).object, marks[1].id());
    session.rollback().unwrap();
    session.refresh(marks[1]).unwrap();
    assert_eq!(session[marks[1]].title, "theirs");
    session.delete(marks[1]).unwrap();
    session.commit().unwrap();
}

#[test]
fn a_mapping_by_hand_says_what_makes_the_versions() {
    let registry = Registry::new();
    let mut mapping = registry.map::<Task>();
    mapping.version_by(VersionGenerator::call(|old| match old {
        Some(Value::I64(n)) => Value::I64(n * 2),
        _ => Value::I64(3),
    }));
    mapping.finish().unwrap();
    let db = Database::sqlite("version_by_hand", &registry);
    let mut session = db.session();
    let doubled = session.add(task("a")).unwrap();
    session.commit().unwrap();
    session.set(doubled, Task::title, "b").unwrap();
    session.commit().unwrap();
    assert_eq!(session[doubled].version, Some(6));
}

/// The same of each.
trait MapRef<T> {
    fn map_ref<R>(&self, f: impl Fn(&T) -> R) -> Vec<R>;
}

impl<T> MapRef<T> for Vec<T> {
    fn map_ref<R>(&self, f: impl Fn(&T) -> R) -> Vec<R> {
        self.iter().map(f).collect()
    }
}
