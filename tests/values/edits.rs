//! Changes of composites: in place, as a whole, refused, and taken back.

use aludel::orm::attributes::Incoming;
use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Value};

use crate::model::{Outline, Point, Vertex, point, vertex, vertices};
use crate::support::Db;

#[test]
fn a_change_in_place_writes_what_changed() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    db.commit().unwrap();
    db.sent();
    db.edit(v, |v| v.end.x = 8).unwrap();
    assert!(db.is_modified(v).unwrap());
    let history = db.history(v, Vertex::end).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[point(8, 4)][..], &[point(3, 4)][..]));
    assert!(!db.history(v, Vertex::end.part(Point::y)).unwrap().has_changes());
    db.flush().unwrap();
    assert_eq!(db.sent(), ["UPDATE \"vertices\" SET \"end_x\" = ? WHERE \"id\" = ?"]);
    // There and back is no change.
    db.edit(v, |v| v.end.x = 9).unwrap();
    db.update(v, Vertex::end, |end| end.x = 8).unwrap();
    assert!(!db.is_modified(v).unwrap());
    db.flush().unwrap();
    assert!(db.sent().is_empty());
}

#[test]
fn depth_does_not_matter() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    db.commit().unwrap();
    db.sent();
    db.edit(v, |v| {
        v.outline.corner.y = 5;
        v.outline.middle.get_or_insert_default().x = 1;
    })
    .unwrap();
    db.flush().unwrap();
    let sent = db.sent();
    assert!(sent[0].contains("\"corner_y\" = ?") && sent[0].contains("\"mid_y\" = ?"), "{sent:?}");
    assert!(!sent[0].contains("\"corner_x\""), "{sent:?}");
    db.commit().unwrap();
    db.renew();
    let v = db.get_one::<Vertex>(1i64).unwrap();
    assert_eq!(db[v].outline.middle, Some(point(1, 0)));
}

#[test]
fn history_of_the_whole_and_of_the_columns() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    assert_eq!(db.history(v, Vertex::start).unwrap().added(), [point(1, 2)]);
    db.commit().unwrap();
    assert_eq!(db.history(v, Vertex::start).unwrap().unchanged(), [point(1, 2)]);
    db.set(v, Vertex::start, (5, 6)).unwrap();
    let history = db.history(v, Vertex::start).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[point(5, 6)][..], &[point(1, 2)][..]));
    assert_eq!(db.history(v, Vertex::x1).unwrap().deleted(), [1]);
    db.set(v, Vertex::start, (1, 2)).unwrap();
    assert_eq!(db.history(v, Vertex::start).unwrap().unchanged(), [point(1, 2)]);
    db.rollback().unwrap();
    db.refresh(v).unwrap();
    assert_eq!(db[v].start, point(1, 2));
}

#[test]
fn what_was_not_known_before_is_written_whole() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    db.commit().unwrap();
    db.expire(v).unwrap();
    db.sent();
    db.set(v, Vertex::start, (1, 2)).unwrap();
    assert!(db.history(v, Vertex::start).unwrap().deleted().is_empty());
    db.flush().unwrap();
    assert_eq!(db.sent(), ["UPDATE \"vertices\" SET \"x1\" = ?, \"y1\" = ? WHERE \"id\" = ?"]);
}

#[test]
fn values_by_name_are_coerced_or_refused() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    let tuple = |values: &[i64]| Value::Tuple(values.iter().map(|n| Value::I64(*n)).collect());
    db.set_named(v, "start", tuple(&[8, 9])).unwrap();
    assert_eq!(db[v].start, point(8, 9));
    for wrong in [tuple(&[1, 2, 3]), Value::from("no"), Value::Null] {
        let error = db.set_named(v, "start", wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(error.to_string().contains("Vertex.start of"), "{error}");
    }
    let texts = Value::Tuple([Value::from("a"), Value::from("b")].into());
    assert!(db.set_named(v, "start", texts).is_err());
    assert_eq!(db[v].start, point(8, 9));
    db.set_named(v, "via", tuple(&[1, 1])).unwrap();
    db.set_named(v, "via", Value::Null).unwrap();
    assert_eq!(db[v].via, None);
    db.set_committed_named(v, "end", tuple(&[0, 0])).unwrap();
    assert_eq!(db[v].end, point(0, 0));
    assert!(!db.history(v, Vertex::end).unwrap().has_changes());
}

/// Validators on composites and their columns.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "watched", configure = watch)]
struct Watched {
    #[column(primary_key)]
    id: Auto<i64>,
    before: i64,
    #[composite(columns(px, py))]
    place: Point,
    #[composite]
    other: Option<Point>,
    after: i64,
}

fn watch(mapper: &mut MapperBuilder) {
    mapper.validate(Watched::place, |_, _, place: &mut Point| {
        if place.x < 0 {
            return Err(Error::new(ErrorKind::Validation, "left of everything"));
        }
        place.y = place.y.abs();
        Ok(())
    });
    mapper.validate(Watched::py, |_, _, y: &mut i64| {
        if *y > 100 {
            return Err(Error::new(ErrorKind::Validation, "too high"));
        }
        Ok(())
    });
}

fn watched() -> Db {
    let registry = Registry::new();
    registry.register::<Watched>().unwrap();
    Db::new(registry)
}

#[test]
fn validators_of_the_composite_and_of_its_columns() {
    let mut db = watched();
    let w = db.add(Watched { place: point(1, -2), ..Watched::default() }).unwrap();
    assert_eq!(db[w].place, point(1, 2));
    assert!(db.add(Watched { place: point(-1, 0), ..Watched::default() }).is_err());
    db.commit().unwrap();
    let as_it_was = db[w].clone();
    // Refused in the middle: the fields before it are put back.
    let refused = [
        db.edit(w, |w| (w.before, w.place.x, w.after) = (1, -5, 1)),
        db.edit(w, |w| (w.before, w.place.y, w.other) = (1, 101, Some(point(1, 1)))),
        db.set(w, Watched::place, (3, 200)),
        db.set(w, Watched::py, 200),
    ];
    for error in refused.map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert_eq!(db[w], as_it_was);
        assert!(!db.is_dirty(w).unwrap() && !db.is_modified(w).unwrap());
    }
    // A validator may change what is set.
    db.edit(w, |w| w.place.y = -7).unwrap();
    assert_eq!(db[w].place, point(1, 7));
}

#[test]
fn listeners_hear_of_the_composite_then_of_its_columns() {
    use std::sync::{Arc, Mutex};
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    db.commit().unwrap();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = |name: &'static str| {
        let heard = Arc::clone(&heard);
        move |_: &mut Session, change: &mut aludel::orm::attributes::Change<'_>| {
            let new = match &change.new {
                Incoming::Field(field) => field.value(),
                _ => Value::Null,
            };
            let old = match &change.old {
                Some(aludel::orm::Datum::Value(old)) => old.to_string(),
                _ => "?".into(),
            };
            heard.lock().unwrap().push(format!("{name}: {old} -> {new}"));
            Ok(())
        }
    };
    db.on(AttributeEvent::Set.of(Vertex::start), log("start")).unwrap();
    db.on(AttributeEvent::Set.of(Vertex::x1), log("x1")).unwrap();
    db.on(AttributeEvent::Set.of(Vertex::y1), log("y1")).unwrap();
    db.on(AttributeEvent::Modified.of(Vertex::start), log("modified")).unwrap();
    let said = || std::mem::take(&mut *heard.lock().unwrap());
    db.edit(v, |v| v.start.x = 9).unwrap();
    assert_eq!(said(), ["start: (1, 2) -> (9, 2)", "x1: 1 -> 9"]);
    db.set(v, Vertex::start, (9, 3)).unwrap();
    assert_eq!(said(), ["start: (9, 2) -> (9, 3)", "x1: 9 -> 9", "y1: 2 -> 3"]);
    db.set(v, Vertex::y1, 4).unwrap();
    assert_eq!(said(), ["y1: 3 -> 4"]);
    db.flag_modified(v, Vertex::start).unwrap();
    assert_eq!(said(), ["modified: ? -> NULL"]);
}

#[test]
fn deleting_and_flagging() {
    let mut db = vertices();
    let v = db.add(Vertex { via: Some(point(1, 1)), ..vertex() }).unwrap();
    db.commit().unwrap();
    db.sent();
    db.flag_modified(v, Vertex::end).unwrap();
    db.flush().unwrap();
    assert_eq!(
        db.sent(),
        ["UPDATE \"vertices\" SET \"end_x\" = ?, \"end_y\" = ? WHERE \"id\" = ?"]
    );
    db.del(v, Vertex::via).unwrap();
    assert_eq!(db[v].via, None);
    // What cannot be NULL cannot be deleted.
    assert!(db.del(v, Vertex::start).is_err());
    assert_eq!(db[v].start, point(1, 2));
    let new = db.create::<Vertex>().unwrap();
    assert_eq!(db.del(new, Vertex::start).unwrap_err().kind(), ErrorKind::NoValue);
    assert!(!db.is_loaded(new, Vertex::start).unwrap());
    db.set(new, Vertex::outline, Outline::default()).unwrap();
    assert!(db.is_loaded(new, Vertex::outline).unwrap());
}
