//! How composites are mapped, loaded and written.

use aludel::prelude::*;
use aludel::sql::Table;
use aludel::{ErrorKind, Value};

use crate::model::{NamedVertex, Outline, Point, Vertex, point, vertex, vertices};
use crate::support::Db;

#[test]
fn columns_have_a_prefix_or_names_of_their_own() {
    let db = vertices();
    let mapper = db.registry.mapper::<Vertex>().unwrap();
    let names: Vec<&str> = mapper.tables()[0].columns().iter().map(|c| &*c.name).collect();
    assert_eq!(
        names,
        [
            "id", "x1", "y1", "label", "end_x", "end_y", "via_x", "via_y", "corner_x", "corner_y",
            "colour", "mid_x", "mid_y", "weight", "kind"
        ]
    );
    let composites: Vec<_> = mapper.composites().collect();
    assert_eq!(composites[0], ("start", vec!["x1", "y1"]));
    assert_eq!(composites[3].0, "outline");
    assert_eq!(composites[3].1, ["corner_x", "corner_y", "colour", "mid_x", "mid_y"]);
    assert_eq!(composites[4], ("corner", vec!["corner_x", "corner_y"]));
    let nullable = |name: &str| {
        let table = &mapper.tables()[0];
        table.columns()[usize::from(table.column(name).unwrap())].nullable
    };
    assert!(!nullable("end_x") && nullable("via_x") && nullable("mid_y"));
    assert!(mapper.to_string().contains("end: made of end_x, end_y"), "{mapper}");
}

#[test]
fn objects_come_back_as_they_were() {
    let mut db = vertices();
    let outline =
        Outline { corner: point(9, 8), colour: Some("red".into()), middle: Some(point(0, -1)) };
    let first = Vertex { outline, via: Some(point(5, 6)), ..vertex() };
    let named = NamedVertex {
        base: Vertex { via: Some(point(0, 0)), ..vertex() },
        name: "n".into(),
        anchor: point(-1, -2),
        rank: 3,
    };
    let (one, two) = (db.add(first.clone()).unwrap(), db.add(named.clone()).unwrap());
    let three = db.add(vertex()).unwrap();
    db.commit().unwrap();
    let (one, two, three) = (db[one].id.value(), db[two].base.id.value(), db[three].id.value());
    db.renew();
    let one = db.get_one::<Vertex>(one).unwrap();
    let two = db.get_one::<NamedVertex>(two).unwrap();
    let three = db.get_one::<Vertex>(three).unwrap();
    assert_eq!((&db[one].outline, db[one].via, db[one].weight), (&first.outline, first.via, 7));
    assert_eq!((db[two].anchor, db[two].rank, &*db[two].name), (named.anchor, 3, "n"));
    assert_eq!(db[two].base.via, Some(point(0, 0)));
    // All columns NULL is none; and what is in it is none by itself.
    assert_eq!((db[three].via, db[three].outline.middle), (None, None));
    assert!(!db.is_modified(one).unwrap());
}

#[test]
fn a_column_is_a_view_into_the_composite() {
    let mut db = vertices();
    let v = db.add(vertex()).unwrap();
    db.commit().unwrap();
    assert_eq!(*db.value(v, Vertex::x1).unwrap(), 1);
    db.set(v, Vertex::x1, 50).unwrap();
    assert_eq!(db[v].start, point(50, 2));
    db.set(v, Vertex::end.part(Point::y), 40).unwrap();
    assert_eq!(db[v].end, point(3, 40));
    db.set(v, Vertex::outline.part(Outline::corner).part(Point::x), 11).unwrap();
    assert_eq!(db[v].outline.corner, point(11, 0));
    db.set(v, Vertex::outline.part(Outline::corner), (12, 13)).unwrap();
    assert_eq!(*db.value(v, Vertex::outline.part(Outline::corner)).unwrap(), point(12, 13));
    assert_eq!(db.history(v, Vertex::y1).unwrap().unchanged(), [2]);
    db.sent();
    db.flush().unwrap();
    let sent = db.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    for column in ["x1", "end_y", "corner_x", "corner_y"] {
        assert!(sent[0].contains(&format!("\"{column}\" = ?")), "{sent:?}");
    }
    assert!(!sent[0].contains("\"y1\"") && !sent[0].contains("\"end_x\""), "{sent:?}");
}

#[test]
fn none_is_written_as_nulls_and_some_as_a_whole() {
    let mut db = vertices();
    let v = db.add(Vertex { via: Some(point(1, 1)), ..vertex() }).unwrap();
    db.commit().unwrap();
    db.set(v, Vertex::via, None).unwrap();
    assert_eq!(db.get_named(v, "via_x").unwrap(), Some(Value::Null.into()));
    // A part of what is not there cannot be set.
    let error = db.set(v, Vertex::via.part(Point::x), 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("since via is None"), "{error}");
    let error = db.set_named(v, "via_x", 5i64).unwrap_err();
    assert!(error.to_string().contains("set the composite as a whole"), "{error}");
    assert_eq!(db[v].via, None);
    db.commit().unwrap();
    let rows = db.raw("SELECT via_x, via_y FROM vertices");
    assert_eq!(rows, [[Value::Null, Value::Null]]);
    db.set(v, Vertex::via, point(7, 8)).unwrap();
    db.set(v, Vertex::via.part(Point::x), 9).unwrap();
    db.commit().unwrap();
    assert_eq!(db.raw("SELECT via_x, via_y FROM vertices"), [[Value::I64(9), Value::I64(8)]]);
    db.expire(v).unwrap();
    db.refresh(v).unwrap();
    assert_eq!(db[v].via, Some(point(9, 8)));
}

#[test]
fn a_null_for_a_part_that_is_no_option_is_an_error() {
    let mut db = vertices();
    db.add(vertex()).unwrap();
    db.commit().unwrap();
    db.execute("UPDATE vertices SET via_x = 1");
    db.commit().unwrap();
    db.renew();
    let error = db.get::<Vertex>(1i64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("via_y"), "{error}");
}

#[test]
fn a_composite_is_expired_and_refreshed_with_its_columns() {
    let mut db = vertices();
    let v = db.add(Vertex { via: Some(point(1, 1)), ..vertex() }).unwrap();
    db.commit().unwrap();
    db.execute("UPDATE vertices SET x1 = 100, via_x = NULL, via_y = NULL");
    db.expire_named(v, &["start", "via"]).unwrap();
    assert_eq!(db.value(v, Vertex::start).unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(db.value(v, Vertex::x1).unwrap_err().kind(), ErrorKind::NotLoaded);
    assert!(db.try_get(v).is_err());
    assert_eq!(*db.load(v, Vertex::start).unwrap(), point(100, 2));
    assert_eq!(*db.load(v, Vertex::via).unwrap(), None);
    assert_eq!(db[v].label, "a");
}

#[test]
fn a_class_is_mapped_by_hand() {
    #[derive(Mapped, Clone, Debug, Default)]
    struct Segment {
        id: Auto<i64>,
        #[composite]
        from: Point,
        #[composite(prefix = "to_")]
        to: Option<Point>,
    }
    let table = |name: &str| {
        let columns = ["a", "b", "c", "d"];
        let columns = columns.map(aludel::sql::Column::of::<Option<i64>>);
        Table::build(name)
            .column(aludel::sql::Column::of::<i64>("key").primary_key())
            .columns(columns)
            .finish()
            .unwrap()
    };
    let registry = Registry::new();
    registry
        .map::<Segment>()
        .table(table("segments"))
        .property("id", "key")
        .composite("from", ["a", "b"])
        .composite("to", ["c", "d"])
        .finish()
        .unwrap();
    let mut db = Db::new(registry);
    let s = db.add(Segment { from: point(1, 2), ..Segment::default() }).unwrap();
    db.commit().unwrap();
    db.edit(s, |s| s.to = Some(point(3, 4))).unwrap();
    db.commit().unwrap();
    let row = [1, 1, 2, 3, 4].map(Value::I64);
    assert_eq!(db.raw("SELECT \"key\", a, b, c, d FROM segments"), [row]);

    let registry = Registry::new();
    let error = registry
        .map::<Segment>()
        .table(table("others"))
        .property("id", "key")
        .composite("from", ["a", "z"])
        .composite("to", ["c"])
        .composite("id", ["c"])
        .finish()
        .unwrap_err()
        .to_string();
    assert!(error.contains("from_y") && error.contains('z'), "{error}");
    assert!(error.contains("made of 2 columns, and 1 are given"), "{error}");
    assert!(error.contains("it is not a composite"), "{error}");

    let registry = Registry::new();
    let error = registry
        .map::<Segment>()
        .table(table("torn"))
        .property("id", "key")
        .composite("from", ["a", "b"])
        .composite("to", ["c", "d"])
        .exclude_properties(["from_y"])
        .finish()
        .unwrap_err();
    assert!(error.to_string().contains("its part `from_y` is not mapped"), "{error}");
}

#[test]
fn merging_takes_composites_along() {
    let mut db = vertices();
    let v = db.add(Vertex { via: Some(point(1, 1)), ..vertex() }).unwrap();
    db.commit().unwrap();
    let id = db[v].id;
    let kind = db[v].kind.clone();
    let given = Vertex { id, start: point(8, 9), via: None, kind, ..vertex() };
    let merged = db.merge(given.clone()).unwrap();
    assert_eq!(merged, v);
    assert_eq!((db[v].start, db[v].via), (point(8, 9), None));
    let given = Vertex { via: Some(point(5, 5)), ..given };
    db.merge(given).unwrap();
    db.commit().unwrap();
    assert_eq!(db.raw("SELECT via_x, via_y FROM vertices"), [[Value::I64(5), Value::I64(5)]]);
}
