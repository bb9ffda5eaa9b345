//! Composites of classes described at run time: as those of structs, typed and by name.

use aludel::prelude::*;
use aludel::{ErrorKind, Record, RecordClass, Value};

use crate::model::{Outline, Point, point};
use crate::support::Db;

fn vertices() -> (Db, RecordClass) {
    let registry = Registry::new();
    let vertex = registry
        .describe("Vertex")
        .table("vertices")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .composite_of::<Point, _>("start", vec!["x1", "y1"])
        .column::<String>("label", |c| c)
        .composite::<Option<Point>>("via")
        .composite::<Outline>("outline")
        .column::<i64>("weight", |c| c.default(7))
        .synonym("begin", "start")
        .finish()
        .unwrap();
    registry.configure().unwrap();
    (Db::new(registry), vertex)
}

fn vertex(class: RecordClass) -> Record {
    let named = class.record().with("label", "a").unwrap();
    named.with("start", point(1, 2)).unwrap().with("outline", Outline::default()).unwrap()
}

#[test]
fn they_are_values_of_their_columns() {
    let (mut db, class) = vertices();
    let (start, x1) = (class.attr::<Point>("start").unwrap(), class.attr::<i64>("x1").unwrap());
    let via = class.attr::<Option<Point>>("via").unwrap();
    let v = db.add(vertex(class)).unwrap();
    db.commit().unwrap();
    let columns = r#"SELECT x1, y1, label, via_x, via_y, weight FROM vertices"#;
    let row = |db: &mut Db| db.raw(columns).remove(0);
    let int = Value::I64;
    assert_eq!(row(&mut db), [int(1), int(2), "a".into(), Value::Null, Value::Null, int(7)]);
    assert_eq!(db[v].get::<Point>("start"), Some(&point(1, 2)));
    assert_eq!((db[v].get::<i64>("y1"), db[v].value("via").unwrap()), (Some(&2), Value::Null));
    // A change of one column, and of the whole.
    db.sent();
    db.set(v, x1, 8).unwrap();
    assert_eq!(db[v].get::<Point>("begin"), Some(&point(8, 2)));
    assert_eq!(db.history(v, x1).unwrap().deleted(), [1]);
    db.commit().unwrap();
    assert_eq!(db.sent(), [r#"UPDATE "vertices" SET "x1" = ? WHERE "id" = ?"#]);
    db.update(v, start, |start| start.y = 9).unwrap();
    db.set(v, via, point(5, 6)).unwrap();
    db.commit().unwrap();
    assert_eq!(
        db.sent(),
        [r#"UPDATE "vertices" SET "y1" = ?, "via_x" = ?, "via_y" = ? WHERE "id" = ?"#]
    );
    db.set_named(v, "via", Value::Null).unwrap();
    db.edit(v, |v| v.set("start", point(3, 9))).unwrap().unwrap();
    db.set_named(v, "outline_corner_x", 4).unwrap();
    db.commit().unwrap();
    assert_eq!(row(&mut db)[..5], [int(3), int(9), "a".into(), Value::Null, Value::Null]);
    let outline = db[v].get::<Outline>("outline").unwrap();
    assert_eq!((outline.corner, outline.middle), (point(4, 0), None));
}

#[test]
fn they_are_loaded_and_asked_for() {
    let (mut db, class) = vertices();
    let start = class.attr::<Point>("start").unwrap();
    let x = start.part(Point::x);
    for (x, y) in [(1, 2), (3, 4)] {
        db.add(vertex(class).with("start", point(x, y)).unwrap()).unwrap();
    }
    db.commit().unwrap();
    db.renew();
    let found = db.one(class.select().filter(start.eq(point(3, 4)))).unwrap();
    assert_eq!(db[found].get::<Point>("start"), Some(&point(3, 4)));
    assert_eq!(db[found].get::<Option<Point>>("via"), Some(&None));
    assert!(!db.is_dirty(found).unwrap());
    assert_eq!(
        db.rows(class.select().columns((x, start)).order_by(x)).unwrap(),
        [(1, point(1, 2)), (3, point(3, 4))]
    );
    // Expired and loaded again; rolled back.
    db.set(found, x, 30).unwrap();
    db.rollback().unwrap();
    db.refresh(found).unwrap();
    assert_eq!(*db.value(found, start).unwrap(), point(3, 4));
    db.renew();
    let y = class.attr::<i64>("y1").unwrap();
    let part = db.one(class.select().filter(x.eq(1)).options(aludel::load_only([y]))).unwrap();
    assert_eq!(db.value(part, y).unwrap(), &2);
    assert!(db.value(part, x).is_err());
    db.refresh(part).unwrap();
    assert_eq!(db[part].get::<Point>("start"), Some(&point(1, 2)));
}

#[test]
fn of_a_table_that_is_there_and_registered_later() {
    let (db, _) = vertices();
    let mappers = db.registry.mappers();
    let table = mappers.named("Vertex").unwrap().local_table().unwrap().clone();
    let registry = Registry::new();
    let again = registry
        .describe("Again")
        .of_table(&table)
        .without(["via_x", "via_y"])
        .composite_of::<Point, _>("from", vec!["x1", "y1"])
        .finish()
        .unwrap();
    registry.configure().unwrap();
    assert_eq!(again.record().with("x1", 5).unwrap().get::<Point>("from"), Some(&point(5, 0)));
    let again = registry
        .register_attribute(again, |c| {
            c.composite_of::<Option<Point>, _>("via", vec!["via_x", "via_y"])
        })
        .unwrap();
    let composites = registry.mappers();
    let composites: Vec<_> = composites.named("Again").unwrap().composites().collect();
    assert_eq!(composites, [("from", vec!["x1", "y1"]), ("via", vec!["via_x", "via_y"])]);
    let record = again.record().with("via", point(1, 2)).unwrap();
    assert_eq!(record.value("via_y").unwrap(), Value::I64(2));
    // A part of none cannot be set alone.
    assert!(again.record().with("via_x", 1).is_err());
}

#[test]
fn what_is_wrong_is_said() {
    let registry = Registry::new();
    let bad = registry.describe("Bad").table("bad").column::<Auto<i64>>("id", |c| c.primary_key());
    let error = bad.composite_of::<Point, _>("start", vec!["x1"]).finish().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Configuration, "Bad.start is made of 2 columns, and 1 are given")
    );
    let (_, class) = vertices();
    let error = class.attr::<String>("x1").unwrap_err();
    assert_eq!(error.message(), "Vertex.x1 is declared as `a part of Point`, not as `String`");
    assert!(vertex(class).with("start", "text").is_err());
}
