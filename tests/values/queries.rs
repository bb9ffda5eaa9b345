//! Composites in queries and in statements by criteria.

use aludel::orm::{Synchronize, aliased, update};
use aludel::prelude::*;

use crate::model::{Outline, Point, Vertex, point, vertex, vertices};
use crate::support::Db;

/// Three vertices, numbered from 1.
fn three() -> Db {
    let mut db = vertices();
    let rows =
        [(point(1, 2), None), (point(1, 5), Some(point(1, 1))), (point(4, 1), Some(point(2, 2)))];
    for (start, via) in rows {
        db.add(Vertex { start, via, ..vertex() }).unwrap();
    }
    db.commit().unwrap();
    db
}

fn ids(db: &mut Db, query: aludel::orm::Select<Vertex>) -> Vec<i64> {
    let found = db.all(query).unwrap();
    found.into_iter().map(|v| db[v].id.value()).collect()
}

#[test]
fn comparisons_are_those_of_every_column() {
    let mut db = three();
    let mut find =
        |condition| ids(&mut db, select::<Vertex>().filter(condition).order_by(Vertex::id));
    assert_eq!(find(Vertex::start.eq(point(1, 2))), [1]);
    assert_eq!(find(Vertex::start.eq((1, 5))), [2]);
    // As in SQLAlchemy: every column differs. The negation of equality is written as such.
    assert_eq!(find(Vertex::start.ne((1, 2))), [3]);
    assert_eq!(find(!Vertex::start.eq((1, 2))), [2, 3]);
    assert_eq!(find(Vertex::start.le((1, 2))), [1]);
    assert_eq!(find(Vertex::start.lt((9, 3))), [1, 3]);
    assert_eq!(find(Vertex::start.in_([point(1, 2), point(4, 1)])), [1, 3]);
    assert_eq!(find(Vertex::start.not_in([point(1, 2), point(4, 1)])), [2]);
    assert_eq!(find(Vertex::via.is_null()), [1]);
    assert_eq!(find(Vertex::via.is_not_null()), [2, 3]);
    assert_eq!(find(!Vertex::via.is_null()), [2, 3]);
    assert_eq!(find(Vertex::via.eq(None::<Point>)), [1]);
    assert_eq!(find(Vertex::via.eq(point(2, 2))), [3]);
    assert!(find(Vertex::start.eq(Vertex::end)).is_empty());
    assert_eq!(find(Vertex::end.eq(Vertex::end)), [1, 2, 3]);
}

#[test]
fn a_comparator_of_ones_own() {
    let mut db = three();
    let query = || select::<Vertex>().order_by(Vertex::id);
    assert_eq!(ids(&mut db, query().filter(Vertex::start.gt((100, 1)))), [1, 2]);
    // `end` has none, so that every column has to be greater.
    assert!(ids(&mut db, query().filter(Vertex::end.gt((100, 1)))).is_empty());
}

#[test]
fn parts_are_expressions() {
    let mut db = three();
    let corner = Vertex::outline.part(Outline::corner);
    let query = select::<Vertex>()
        .filter(Vertex::x1.eq(1) & Vertex::end.part(Point::x).gt(2) & corner.eq((0, 0)))
        .order_by(Vertex::y1.desc());
    assert_eq!(ids(&mut db, query), [2, 1]);
    let sum = Vertex::x1 + Vertex::start.part(Point::y);
    let sums = db.rows(select::<Vertex>().order_by(Vertex::id).columns(sum)).unwrap();
    assert_eq!(sums, [3, 6, 5]);
}

#[test]
fn results_and_order() {
    let mut db = three();
    let query = select::<Vertex>().order_by(Vertex::start.desc());
    assert_eq!(ids(&mut db, query), [3, 2, 1]);
    let rows = db
        .rows(select::<Vertex>().order_by(Vertex::start).columns((
            Vertex::id,
            Vertex::start,
            Vertex::via,
            Vertex::label,
        )))
        .unwrap();
    assert_eq!(rows[0], (1, point(1, 2), None, "a".to_owned()));
    assert_eq!(rows[2], (3, point(4, 1), Some(point(2, 2)), "a".to_owned()));
    let outline = db.scalar(select::<Vertex>().columns(Vertex::outline)).unwrap();
    assert_eq!(outline, Some(Outline::default()));
    let other = aliased::<Vertex>();
    let query = other.select().filter(other.col(Vertex::start).eq((4, 1)));
    let starts = db.rows(query.columns(other.col(Vertex::start))).unwrap();
    assert_eq!(starts, [point(4, 1)]);
}

#[test]
fn an_update_by_criteria_sets_a_composite() {
    for how in [Synchronize::Evaluate, Synchronize::Fetch] {
        let mut db = three();
        let all = db.all(select::<Vertex>().order_by(Vertex::id)).unwrap();
        let statement = update::<Vertex>()
            .set(Vertex::end, point(8, 9))
            .set(Vertex::via, None::<Point>)
            .filter(Vertex::start.eq((1, 5)))
            .synchronize(how);
        assert_eq!(db.update_by(statement), 1);
        assert_eq!(db.load(all[1], Vertex::end).unwrap(), &point(8, 9));
        assert_eq!(db.load(all[1], Vertex::via).unwrap(), &None);
        assert_eq!(db[all[0]].end, point(3, 4));
        let statement = update::<Vertex>().set(Vertex::end, Vertex::start).synchronize(how);
        assert_eq!(db.update_by(statement), 3);
        assert_eq!(db.load(all[2], Vertex::end).unwrap(), &point(4, 1));
        assert!(!db.is_modified(all[2]).unwrap());
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let mut db = three();
    let mixed = select::<Vertex>().filter(Vertex::start.eq(Vertex::start.type_as::<Point>()));
    assert_eq!(ids(&mut db, mixed), [1, 2, 3]);
    let concat = aludel::sql::Expr::<bool>::from_node(aludel::sql::Node::binary(
        aludel::sql::BinaryOp::Concat,
        aludel::sql::IntoNode::into_node(Vertex::start),
        aludel::sql::IntoNode::into_node(Vertex::end),
    ));
    let error = db.all(select::<Vertex>().filter(concat)).unwrap_err();
    assert!(error.to_string().contains("Vertex.start is a composite: use its parts"), "{error}");
}

#[test]
fn rows_written_at_once() {
    use aludel::Value;
    let mut db = vertices();
    let plain = Vertex { via: Some(point(1, 1)), kind: "plain".into(), ..vertex() };
    db.bulk_insert(&[plain.clone(), Vertex { via: None, ..plain.clone() }]).unwrap();
    let pair = |x, y| Value::Tuple([Value::I64(x), Value::I64(y)].into());
    let mut row = vec![("kind", Value::from("plain")), ("label", Value::from("named"))];
    row.extend([("weight", Value::I64(1)), ("start", pair(5, 6)), ("end", pair(7, 8))]);
    row.push(("corner", pair(0, 0)));
    db.bulk_insert_named("Vertex", vec![row]).unwrap();
    let rows = db.raw("SELECT x1, y1, end_x, via_x FROM vertices ORDER BY id");
    assert_eq!(rows[0], [1, 2, 3, 1].map(Value::I64));
    assert_eq!(rows[1], [Value::I64(1), Value::I64(2), Value::I64(3), Value::Null]);
    assert_eq!(rows[2], [Value::I64(5), Value::I64(6), Value::I64(7), Value::Null]);
    let changed = Vertex { id: Auto::Set(1), start: point(0, 9), ..plain };
    db.bulk_update(&[changed], [Vertex::start]).unwrap();
    let rows = db.raw("SELECT x1, y1, end_x FROM vertices WHERE id = 1");
    assert_eq!(rows, [[0, 9, 3].map(Value::I64)]);
}

#[test]
fn options_take_a_composite_for_its_columns() {
    let mut db = three();
    db.renew();
    let found = db.all(select::<Vertex>().options(aludel::load_only([Vertex::start]))).unwrap();
    assert_eq!(*db.value(found[0], Vertex::start).unwrap(), point(1, 2));
    assert!(db.value(found[0], Vertex::end).is_err());
    db.renew();
    let found = db.all(select::<Vertex>().options(aludel::defer(Vertex::via))).unwrap();
    assert!(db.value(found[1], Vertex::via).is_err());
    assert_eq!(*db.load(found[1], Vertex::via).unwrap(), Some(point(1, 1)));
    assert_eq!(db[found[1]].end, point(3, 4));
}
