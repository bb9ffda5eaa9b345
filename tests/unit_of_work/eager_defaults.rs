//! When the flush learns what the database has made of a row.

use std::sync::atomic::{AtomicI64, Ordering};

use aludel::orm::mapping::EagerDefaults;
use aludel::prelude::*;
use aludel::sql::Column;
use aludel::{ErrorKind, Value};

use super::{Sent, each, script};

/// Everything that may come from elsewhere than the program's sets.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "eager_item")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(server_default = "'new'")]
    state: Option<String>,
    #[column(computed = "length(name)")]
    length: Option<i64>,
    /// A trigger makes it.
    #[column(server_generated)]
    code: Option<String>,
    /// A trigger counts.
    #[column(server_onupdate)]
    edits: Option<i64>,
    #[column(onupdate = touch())]
    touched: Option<i64>,
}

static TOUCHED: AtomicI64 = AtomicI64::new(0);

fn touch() -> i64 {
    TOUCHED.fetch_add(1, Ordering::Relaxed)
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "eager_never", eager_defaults = "never")]
struct Quiet {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(server_default = "5")]
    n: i64,
    #[column(computed = "length(name)")]
    length: Option<i64>,
}

/// As its base says.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "eager_base",
    eager_defaults = "never",
    polymorphic_on = "kind",
    polymorphic_identity = "base",
    subclasses(Below)
)]
struct Base {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    #[column(server_default = "5")]
    n: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "eager_below", polymorphic_identity = "below")]
struct Below {
    #[mapped(base)]
    base: Base,
    #[column(server_default = "6")]
    m: i64,
}

fn items(when: Option<EagerDefaults>) -> Registry {
    let registry = Registry::new();
    let mut mapper = registry.map::<Item>();
    if let Some(when) = when {
        mapper.eager_defaults(when);
    }
    mapper.finish().unwrap();
    registry
}

fn triggers(session: &mut blocking::Session, is_postgres: bool) {
    script(
        session,
        if is_postgres {
            "CREATE FUNCTION eager_code() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN NEW.code := 'c-' || NEW.name; RETURN NEW; END $$;
             CREATE FUNCTION eager_edit() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN NEW.edits := coalesce(OLD.edits, 0) + 1; RETURN NEW; END $$;
             CREATE TRIGGER eager_codes BEFORE INSERT ON eager_item FOR EACH ROW EXECUTE FUNCTION eager_code();
             CREATE TRIGGER eager_edits BEFORE UPDATE ON eager_item FOR EACH ROW EXECUTE FUNCTION eager_edit()"
        } else {
            "CREATE TRIGGER eager_codes AFTER INSERT ON eager_item
             BEGIN UPDATE eager_item SET code = 'c-' || NEW.name WHERE id = NEW.id; END;
             CREATE TRIGGER eager_edits AFTER UPDATE OF name ON eager_item
             BEGIN UPDATE eager_item SET edits = coalesce(OLD.edits, 0) + 1 WHERE id = NEW.id; END"
        },
    );
}

fn item(name: &str) -> Item {
    Item { name: name.into(), ..Item::default() }
}

fn expired(session: &blocking::Session, item: Handle<Item>) -> Vec<&str> {
    session.inspect(item).unwrap().expired_attributes()
}

fn reads(sent: &Sent) -> usize {
    sent.take().iter().filter(|sql| sql.starts_with("SELECT")).count()
}

#[test]
fn what_comes_back_with_the_statement_is_known() {
    each("eager_auto", &items(None), |session, sent, is_postgres| {
        triggers(session, is_postgres);
        assert_eq!(session.inspect_class::<Item>().unwrap().eager_defaults(), EagerDefaults::Auto);
        let both = session.add_all([item("a"), item("bcd")]).unwrap();
        sent.take();
        session.flush().unwrap();
        assert_eq!(reads(sent), 0);
        assert_eq!(session.value(both[1], Item::state).unwrap().as_deref(), Some("new"));
        assert_eq!(*session.value(both[1], Item::length).unwrap(), Some(3));
        // SQLite's RETURNING does not see what a trigger writes: nothing is known of it.
        let by_trigger: &[&str] = if is_postgres { &[] } else { &["code"] };
        assert_eq!(expired(session, both[1]), by_trigger);
        session.load(both[1], Item::code).unwrap();
        assert_eq!(*session.value(both[1], Item::code).unwrap(), Some("c-bcd".to_owned()));
        session.refresh(both[1]).unwrap();
        sent.take();
        session.set(both[1], Item::name, "efghi").unwrap();
        session.flush().unwrap();
        assert_eq!(reads(sent), 0);
        assert_eq!(*session.value(both[1], Item::length).unwrap(), Some(5));
        // What the program makes is known in any case.
        assert!(session.value(both[1], Item::touched).unwrap().is_some());
        let by_trigger: &[&str] = if is_postgres { &[] } else { &["edits"] };
        assert_eq!(expired(session, both[1]), by_trigger);
        session.load(both[1], Item::edits).unwrap();
        assert_eq!(*session.value(both[1], Item::edits).unwrap(), Some(1));
    });
}

#[test]
fn always_reads_what_does_not_come_back() {
    each("eager_always", &items(Some(EagerDefaults::Always)), |session, sent, is_postgres| {
        triggers(session, is_postgres);
        let both = session.add_all([item("a"), item("bcd")]).unwrap();
        sent.take();
        session.flush().unwrap();
        assert_eq!(reads(sent), if is_postgres { 0 } else { 2 });
        let first = &session[both[0]];
        assert_eq!((first.state.as_deref(), first.length), (Some("new"), Some(1)));
        assert_eq!((first.code.as_deref(), first.edits), (Some("c-a"), None));
        session.set(both[0], Item::name, "xyz").unwrap();
        session.set_expr(both[1], Item::name, Item::name.concat("!")).unwrap();
        session.flush().unwrap();
        assert_eq!(reads(sent), if is_postgres { 0 } else { 2 });
        assert_eq!((session[both[0]].length, session[both[0]].edits), (Some(3), Some(1)));
        let second = &session[both[1]];
        assert_eq!((&*second.name, second.length, second.edits), ("bcd!", Some(4), Some(1)));
        session.commit().unwrap();
        let stored = session.rows(select::<Item>().order_by(Item::id).columns(Item::edits));
        assert_eq!(stored.unwrap(), [Some(1), Some(1)]);
    });
}

#[test]
fn never_learns_but_keys() {
    let registry = items(Some(EagerDefaults::Never));
    registry.register::<Quiet>().unwrap();
    registry.register::<Below>().unwrap();
    each("eager_never", &registry, |session, sent, is_postgres| {
        triggers(session, is_postgres);
        let one = session.add(item("abc")).unwrap();
        let quiet = session.add(Quiet { name: "abc".into(), ..Quiet::default() }).unwrap();
        sent.take();
        session.flush().unwrap();
        assert_eq!(reads(sent), 0);
        assert_eq!(expired(session, one), ["state", "length", "code"]);
        assert!(matches!(session.value(quiet, Quiet::id).unwrap(), Auto::Set(_)));
        let error = session.try_get(quiet).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        assert!(error.message().contains("length is not loaded"), "{error}");
        session.refresh(quiet).unwrap();
        session.refresh(one).unwrap();
        assert_eq!((session[quiet].n, session[quiet].length), (0, Some(3)));
        session.set(one, Item::name, "x").unwrap();
        session.set_expr(quiet, Quiet::name, Quiet::name.concat("de")).unwrap();
        sent.take();
        session.flush().unwrap();
        let sent = sent.take();
        assert!(!sent.iter().any(|sql| sql.contains("RETURNING")), "{sent:?}");
        assert_eq!(expired(session, one), ["length", "edits"]);
        let unknown = session.inspect(quiet).unwrap().expired_attributes();
        assert_eq!(unknown, ["name", "length"]);
        session.refresh(quiet).unwrap();
        assert_eq!((&*session[quiet].name, session[quiet].length), ("abcde", Some(5)));
        // A value that was given is known.
        let made = session.add(Below { m: 1, ..Below::default() }).unwrap();
        session.flush().unwrap();
        assert_eq!(session[made].m, 1);
        let mapper = session.inspect_class::<Below>().unwrap();
        assert_eq!(mapper.eager_defaults(), EagerDefaults::Never);
    });
}

#[test]
fn classes_described_at_run_time_say_it_too() {
    for (when, known) in
        [(EagerDefaults::Auto, true), (EagerDefaults::Always, true), (EagerDefaults::Never, false)]
    {
        let registry = Registry::new();
        let note = registry
            .describe("Note")
            .table("eager_note")
            .column::<Auto<i64>>("id", |c| c.primary_key())
            .column::<String>("text", |c| c)
            .column::<Option<i64>>("n", |c: Column| c.server_default("3"))
            .column::<Option<i64>>("length", |c: Column| c.computed("length(text)"))
            .configure(move |mapper| {
                mapper.eager_defaults(when);
            })
            .finish()
            .unwrap();
        registry.configure().unwrap();
        each(&format!("eager_note_{known}"), &registry, |session, _, _| {
            let made = session.add(note.record().with("text", "abcd".to_owned()).unwrap()).unwrap();
            session.flush().unwrap();
            let value = |session: &blocking::Session, name: &str| {
                session.inspect(made).unwrap().attr_named(name).unwrap().loaded_value().is_some()
            };
            assert_eq!((value(session, "n"), value(session, "length")), (known, known));
            session.refresh(made).unwrap();
            session.set_named(made, "text", Value::Text("x".into())).unwrap();
            session.flush().unwrap();
            assert_eq!((value(session, "n"), value(session, "length")), (true, known));
        });
    }
}
