//! Objects from rows: no constructor is called, a reconstructor is; what is not mapped stays as it is.

use aludel::prelude::*;
use aludel::{Handle, Record};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "readings", polymorphic_on = "kind", polymorphic_identity = "reading")]
#[mapped(subclasses(Series), reconstructor = Self::set_up)]
struct Reading {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    values: String,
    #[column(deferred)]
    note: Option<String>,
    #[relationship(remote_side = "id")]
    next: One<Reading>,
    #[column(foreign_key = "readings.id")]
    next_id: Option<i64>,
    /// Made of `values`.
    #[mapped(skip)]
    parsed: Vec<i64>,
    #[mapped(skip)]
    calls: usize,
}

impl Reading {
    fn new(values: &str) -> Self {
        Self { values: values.into(), calls: 100, ..Self::default() }
    }

    fn set_up(&mut self) {
        self.parsed = self.values.split(' ').filter_map(|v| v.parse().ok()).collect();
        self.calls += 1;
        // Nothing of this is a change.
        self.values.push('!');
        assert!(!self.next.is_loaded());
    }
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "series", reconstructor = count)]
struct Series {
    #[mapped(base)]
    reading: Reading,
    unit: Option<String>,
    #[mapped(skip)]
    length: usize,
}

/// The base's part is set up.
fn count(series: &mut Series) {
    series.length = series.parsed.len();
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Reading>().unwrap();
    registry
}

fn loaded(db: &mut Db) -> Handle<Reading> {
    let added = db.add(Reading::new("1 2 3")).unwrap();
    // What the program makes is not set up.
    assert_eq!((db[added].calls, db[added].parsed.len()), (100, 0));
    db.commit().unwrap();
    assert_eq!(db[added].calls, 100);
    db.renew();
    db.one(select::<Reading>()).unwrap()
}

#[test]
fn called_once_of_each_object_that_is_loaded() {
    each("reconstructed", registry, |db| {
        let reading = loaded(db);
        assert_eq!((db[reading].parsed.as_slice(), db[reading].calls), (&[1, 2, 3][..], 1));
        assert_eq!(db[reading].values, "1 2 3!");
        // What it sets is no change.
        assert!(!db.is_modified(reading).unwrap());
        db.sent();
        db.flush().unwrap();
        assert!(db.sent().is_empty());
        // Found again, it is the object that is there.
        assert_eq!(db.one(select::<Reading>()).unwrap(), reading);
        assert_eq!(db[reading].calls, 1);
        let untracked = db.all_untracked(select::<Reading>()).unwrap();
        assert_eq!((untracked[0].calls, untracked[0].parsed.len()), (1, 3));
        // Also where not all columns are there.
        db.renew();
        let reading =
            db.one(select::<Reading>().options(aludel::load_only([Reading::values]))).unwrap();
        db.refresh(reading).unwrap();
        assert_eq!(db[reading].calls, 1);
    });
}

#[test]
fn what_is_not_mapped_survives() {
    each("not_mapped_survives", registry, |db| {
        let reading = loaded(db);
        db.edit(reading, |reading| reading.calls = 55).unwrap();
        assert!(!db.is_modified(reading).unwrap());
        db.refresh(reading).unwrap();
        assert_eq!((db[reading].calls, &*db[reading].values), (55, "1 2 3"));
        db.expire(reading).unwrap();
        db.refresh(reading).unwrap();
        assert_eq!((db[reading].calls, db[reading].parsed.len()), (55, 3));
        let given = Reading { id: db[reading].id, values: "9".into(), ..Reading::default() };
        let merged = db.merge(given).unwrap();
        assert_eq!((merged, db[merged].calls, &*db[merged].values), (reading, 55, "9"));
        db.commit().unwrap();
        db.rollback().unwrap();
        assert_eq!(db[reading].calls, 55);
        let query = select::<Reading>().populate_existing();
        db.all(query).unwrap();
        assert_eq!(db[reading].calls, 55);
    });
}

#[test]
fn the_base_is_set_up_first() {
    each("base_set_up", registry, |db| {
        db.add(Series { reading: Reading::new("4 5"), unit: Some("m".into()), length: 0 }).unwrap();
        db.commit().unwrap();
        db.renew();
        let series = db.one(select::<Series>()).unwrap();
        assert_eq!((db[series].length, db[series].calls), (2, 1));
    });
}

#[test]
fn records_are_set_up_too() {
    let registry = || {
        let registry = Registry::new();
        registry
            .describe("Word")
            .table("words")
            .column::<Auto<i64>>("id", |c| c.primary_key())
            .column::<String>("text", |c| c)
            .plain::<i64>("length")
            .reconstructor(|word: &mut Record| {
                let length = word.get::<String>("text").map_or(0, |text| text.len() as i64);
                *word = std::mem::take(word).with("length", length).unwrap_or_default();
            })
            .finish()
            .unwrap();
        registry.configure().unwrap();
        registry
    };
    each("records_set_up", registry, |db| {
        let word = db.registry.record_class("Word").unwrap();
        db.add(word.record().with("text", "seven").unwrap()).unwrap();
        db.commit().unwrap();
        db.renew();
        let found = db.one(word.select()).unwrap();
        assert_eq!(db[found].get::<i64>("length"), Some(&5));
        assert!(!db.is_modified(found).unwrap());
    });
}
