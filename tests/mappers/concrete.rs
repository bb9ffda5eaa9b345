//! Concrete hierarchies: a table for each class, and queries of the base over all of them.

use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "drawings")]
struct Drawing {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "drawing", order_by = "name")]
    shapes: Many<Shape>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "shapes", polymorphic_identity = "shape", subclasses(Circle, Square))]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "drawings.id")]
    drawing_id: Option<i64>,
    #[relationship(back_populates = "shapes")]
    drawing: One<Drawing>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "circles", concrete, polymorphic_identity = "circle")]
struct Circle {
    #[mapped(base)]
    shape: Shape,
    radius: i64,
}

/// A concrete class that is the base of another hierarchy, joined.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "squares",
    concrete,
    polymorphic_identity = "square",
    polymorphic_on = "kind",
    subclasses(Painted)
)]
struct Square {
    #[mapped(base)]
    shape: Shape,
    side: i64,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "painted", polymorphic_identity = "painted")]
struct Painted {
    #[mapped(base)]
    square: Square,
    colour: String,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Shape>().unwrap();
    registry
}

fn shape(name: &str) -> Shape {
    Shape { name: name.into(), ..Shape::default() }
}

fn square(name: &str, side: i64) -> Square {
    Square { shape: shape(name), side, ..Square::default() }
}

fn shapes(db: &mut Db) {
    db.add(shape("a")).unwrap();
    db.add(Circle { shape: shape("b"), radius: 3 }).unwrap();
    db.add(square("c", 4)).unwrap();
    db.add(Painted { square: square("d", 5), colour: "red".into() }).unwrap();
    db.commit().unwrap();
    db.renew();
}

#[test]
fn a_query_of_the_base_gives_objects_of_every_class() {
    each("mappers_concrete", registry, |db| {
        shapes(db);
        let all = db.all(select::<Shape>().order_by(Shape::name)).unwrap();
        let names: Vec<&str> = all.iter().map(|s| &*db[*s].name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        // Keys are of each table by itself.
        let keys: Vec<i64> = all.iter().map(|s| db[*s].id.value()).collect();
        assert_eq!(keys, [1, 1, 1, 2]);
        let circle = db.downcast::<Shape, Circle>(all[1]).unwrap();
        assert_eq!(db[circle].radius, 3);
        let painted = db.downcast::<Shape, Painted>(all[3]).unwrap();
        assert_eq!((db[painted].side, &*db[painted].colour), (5, "red"));
        assert!(db.downcast::<Shape, Circle>(all[0]).is_none());
        // The same objects, whatever class is asked.
        assert_eq!(db.all(select::<Circle>()).unwrap(), [circle]);
        assert_eq!(db.count(select::<Shape>()).unwrap(), 4);
    });
}

#[test]
fn criteria_reach_all_tables_and_subclasses() {
    each("mappers_concrete_criteria", registry, |db| {
        shapes(db);
        let large = select::<Shape>().filter(Square::side.gt(4));
        assert_eq!(db.all(large).unwrap().len(), 1);
        let named = select::<Shape>().filter(Shape::name.in_(["a", "c"])).order_by(Shape::name);
        assert_eq!(db.all(named).unwrap().len(), 2);
        let own = select::<Circle>().filter(Shape::name.eq("b"));
        assert_eq!(db.all(own).unwrap().len(), 1);
        let names = select::<Shape>().order_by(Shape::name).limit(2).columns(Shape::name);
        assert_eq!(db.rows(names).unwrap(), ["a", "b"]);
    });
}

#[test]
fn a_key_is_that_of_one_class() {
    each("mappers_concrete_keys", registry, |db| {
        shapes(db);
        let one = db.get_one::<Shape>(1).unwrap();
        assert_eq!(db[one].name, "a");
        let circle = db.get_one::<Circle>(1).unwrap();
        assert_eq!(db[circle].name, "b");
        assert_eq!(db.get::<Shape>(2).unwrap(), None);
        db.set(circle, Circle::radius, 9).unwrap();
        db.commit().unwrap();
        db.refresh(one).unwrap();
        db.refresh(circle).unwrap();
        assert_eq!((&*db[one].name, db[circle].radius), ("a", 9));
        assert_eq!(db.raw("SELECT radius FROM circles"), [[Value::I64(9)]]);
        db.delete(circle).unwrap();
        db.commit().unwrap();
        assert_eq!(db.count(select::<Shape>()).unwrap(), 3);
    });
}

#[test]
fn mappers_of_a_concrete_hierarchy() {
    let registry = registry();
    let mappers = registry.mappers();
    let circle = mappers.named("Circle").unwrap();
    let shape = mappers.named("Shape").unwrap();
    assert!(circle.is_concrete() && !shape.is_concrete());
    assert_eq!(circle.polymorphic_identity(), Some(&"circle".into()));
    assert_eq!(mappers.base_mapper(circle.index()).unwrap().class_name(), "Shape");
    assert!(mappers.common_parent(circle.index(), shape.index()));
    assert!(mappers.isa(circle.index(), shape.index()));
    let mut identities: Vec<String> = mappers
        .polymorphic_map(circle.index())
        .iter()
        .map(|(value, mapper)| format!("{value}: {}", mapper.class_name()))
        .collect();
    identities.sort();
    let expected =
        ["\"circle\": Circle", "\"painted\": Painted", "\"shape\": Shape", "\"square\": Square"];
    assert_eq!(identities, expected);
}

#[test]
fn two_tables_of_one_identity() {
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "bases", polymorphic_identity = "one", subclasses(Sub))]
    struct Base {
        #[column(primary_key)]
        id: Auto<i64>,
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "subs", concrete, polymorphic_identity = "one")]
    struct Sub {
        #[mapped(base)]
        base: Base,
    }
    let error = Registry::new().register::<Base>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("is that of class `Base` already"), "{error}");
}
