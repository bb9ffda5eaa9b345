//! Attributes that are registered later, and taken away again.

use std::sync::{Arc, Mutex};

use aludel_orm::events::AttributeEvent;
use aludel_orm::mapping::ClassEvent;
use aludel_orm::{Auto, Datum, ErrorKind, Many, Record, RecordClass, Registry};
use aludel_sql::{Column, Expression, Table, Value};

use super::session::users;
use crate::support::Db;

fn words() -> (Registry, RecordClass) {
    let registry = Registry::new();
    let table = Table::build("words")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("word"))
        .column(Column::of::<Option<i64>>("seen"))
        .column(Column::of::<Option<i64>>("root_id").references("words.id"))
        .finish()
        .unwrap();
    let word = registry.describe("Word").of_table(&table).without(["seen"]).finish().unwrap();
    registry.configure().unwrap();
    (registry, word)
}

#[test]
fn a_plain_attribute_has_history_and_events_and_is_never_written() {
    let (registry, word) = words();
    let word = registry.register_attribute(word, |class| class.plain::<i64>("rank")).unwrap();
    let db = Db::new(registry);
    let mut s = db.session();
    let rank = word.attr::<i64>("rank").unwrap();
    let heard = Arc::new(Mutex::new(0));
    let told = Arc::clone(&heard);
    s.on(AttributeEvent::Set.of(rank), move |_, _| {
        *told.lock().unwrap() += 1;
        Ok(())
    })
    .unwrap();
    let w = s.add(word.record().with("word", "a").unwrap()).unwrap();
    s.set(w, rank, 3).unwrap();
    db.run(s.commit()).unwrap();
    assert_eq!(s.value(w, rank).unwrap(), &3);
    s.set(w, rank, 4).unwrap();
    let history = s.history(w, rank).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[4][..], &[3][..]));
    assert_eq!(*heard.lock().unwrap(), 2);
    assert!(s.is_instrumented(w, "rank").unwrap());
    db.told.take();
    assert!(db.flush(&mut s).is_empty());
}

#[test]
fn a_column_and_a_relationship_are_registered_and_taken_away() {
    let (registry, word) = words();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    registry.instrumentation().listen(ClassEvent::AttributeInstrument, move |_, attribute| {
        told.lock().unwrap().extend(attribute.map(|a| a.name));
    });
    let word = registry
        .register_attribute(word, |class| {
            class
                .attribute::<Option<i64>>("times", "seen")
                .many("derived", "Word", |r| {
                    r.order_by(["id"]);
                })
                .expression::<Option<i64>, _>("twice", |class| {
                    Ok(class.attr::<Option<i64>>("times")? * 2)
                })
        })
        .unwrap();
    assert_eq!(*heard.lock().unwrap(), ["times", "derived", "twice"]);
    let db = Db::new(registry.clone());
    let mut s = db.session();
    let child = word.record().with("word", "b").unwrap().with("times", 4).unwrap();
    let a = word.record().with("word", "a").unwrap().with_many("derived", [child]).unwrap();
    s.add(a).unwrap();
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT word, seen, root_id FROM words"), ["a|NULL|NULL", "b|4|1"]);
    let times = word.attr::<Option<i64>>("times").unwrap();
    let mut s = db.session();
    let b = db.run(s.all(word.select().filter(times.eq(4)))).unwrap()[0];
    assert_eq!(s.get_named(b, "twice").unwrap(), Some(Datum::Value(Value::I64(8))));
    db.run(s.commit()).unwrap();

    let less = registry.unregister_attribute(word, "twice").unwrap();
    let less = registry.unregister_attribute(less, "times").unwrap();
    let mut s = db.session();
    let wrong = less.attr::<Option<i64>>("times").unwrap_err();
    assert_eq!(wrong.message(), "class Word has no attribute `times`");
    let wrong = db.run(s.all(less.select().filter(times.eq(4)))).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Argument);
    let derived = less.attr::<Many<Record>>("derived").unwrap();
    let id = less.attr::<i64>("id");
    assert!(id.is_err() || less.attr::<Auto<i64>>("id").is_err());
    let query = less.select().filter(derived.any_exists());
    assert_eq!(db.run(s.all(query)).unwrap().len(), 1);
    assert!(!s.is_instrumented(b.id().handle(), "times").unwrap_or(false));
}

#[test]
fn sessions_that_exist_keep_what_they_know() {
    let (registry, word) = words();
    let db = Db::new(registry.clone());
    let mut before = db.session();
    let w = before.add(word.record().with("word", "a").unwrap()).unwrap();
    let more = registry.register_attribute(word, |class| class.plain::<i64>("rank")).unwrap();
    before.set_named(w, "word", "b").unwrap();
    db.run(before.commit()).unwrap();
    assert!(!before.is_instrumented(w, "rank").unwrap());
    let wrong = before.set(w, more.attr::<i64>("rank").unwrap(), 1).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidRequest);
    let wrong = before.add(more.record()).unwrap_err();
    assert!(wrong.message().starts_with("class Word has been changed since"), "{wrong}");
    // A record that was made before is not one of the class as it is now.
    let mut after = db.session();
    assert!(after.add(word.record()).is_err());
    after.add(more.record().with("word", "c").unwrap()).unwrap();
    // A session that meets a new class keeps the objects of those that have changed.
    registry
        .describe("Other")
        .table("others")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .finish()
        .unwrap();
    let other = registry.record_class("Other").unwrap();
    let wrong = before.add(other.record()).unwrap_err();
    assert!(wrong.message().starts_with("class Word has been changed since"), "{wrong}");
    assert_eq!(before[w].value("word").unwrap(), Value::from("b"));
}

#[test]
fn what_cannot_be_registered_changes_nothing() {
    let (registry, word) = words();
    let wrong = registry.register_attribute(word, |c| c.plain::<i64>("word")).unwrap_err();
    assert_eq!(wrong.message(), "class `Word` has an attribute `word` already");
    let wrong =
        registry.register_attribute(word, |c| c.attribute::<i64>("size", "sice")).unwrap_err();
    assert!(wrong.message().contains("table `words` has no column `sice`"), "{wrong}");
    let wrong = registry.unregister_attribute(word, "id").unwrap_err();
    assert!(wrong.message().contains("primary key"), "{wrong}");
    let wrong = registry.unregister_attribute(word, "wird").unwrap_err();
    assert_eq!(wrong.message(), "class Word has no attribute `wird`; did you mean `word`?");
    let now = registry.record_class("Word").unwrap();
    assert!(std::ptr::eq(now.def(), word.def()));
}

#[test]
fn both_sides_of_a_relationship_are_registered_together() {
    let registry = Registry::new();
    let (user, address) = users(&registry);
    let more = |class, name, target, other| {
        let builder = registry.more_of(class).unwrap();
        builder.many(name, target, move |r| {
            r.back_populates(other).secondary("friends");
        })
    };
    let both = registry.register_attributes(vec![
        more(user, "reached", "Address", "reachers"),
        more(address, "reachers", "User", "reached"),
    ]);
    let both = both.unwrap();
    let db = Db::new(registry);
    let mut s = db.session();
    let at = both[1].record().with("email", "x").unwrap();
    let ed = both[0].record().with("name", "ed").unwrap().with_many("reached", [at]).unwrap();
    let ed = s.add(ed).unwrap();
    let Some(Datum::Many(reached)) = s.get_named(ed, "reached").unwrap() else {
        panic!("a collection")
    };
    let reachers = s.get_named(reached[0], "reachers").unwrap();
    assert_eq!(reachers, Some(Datum::Many(vec![ed.id()])));
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT count(*) FROM friends"), ["1"]);
}

#[test]
fn disposing_tells_the_managers() {
    let (registry, word) = words();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    registry.instrumentation().listen(ClassEvent::ClassUninstrument, move |class, _| {
        told.lock().unwrap().push(class.class_name());
    });
    registry.dispose();
    assert_eq!(*heard.lock().unwrap(), ["Word"]);
    assert!(registry.instrumentation().manager_of_class(word.def()).is_none());
    assert!(registry.mappers().is_empty());
}
