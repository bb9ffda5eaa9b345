//! Relationships with conditions of their own, many-to-many of a class with itself, expressions as attributes.

use std::sync::Arc;

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::{Auto, Handle, Many, Registry, Session, joined, select, selectin, subquery};
use aludel_sql::{Expression, IntoQuery};

use crate::zoo::{Db, Selects};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "shops")]
pub struct Shop {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    #[relationship(back_populates = "shop", order_by = "-price")]
    pub goods: Many<Good>,
    #[relationship(primaryjoin = Shop::id.eq(Good::shop_id) & Good::price.gt(10), viewonly, order_by = "price")]
    pub dear: Many<Good>,
    #[relationship(secondary = "partners(one; other)", order_by = "id")]
    pub partners: Many<Shop>,
    #[expression(aludel_sql::select(Good::id.count()).filter(Good::shop_id.eq(Self::id)).scalar::<i64>())]
    pub how_many: Option<i64>,
    #[expression(Self::name.upper())]
    pub shout: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "goods")]
pub struct Good {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub price: i64,
    #[column(foreign_key = "shops.id")]
    pub shop_id: Option<i64>,
    #[relationship(back_populates = "goods")]
    pub shop: aludel_orm::One<Shop>,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Shop>().unwrap();
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let db = Db { registry, engine, selects: Selects::default() };
    for sql in db.registry.metadata().create_all(db.engine.dialect()).unwrap() {
        db.sql(&sql);
    }
    db.sql(
        "INSERT INTO shops (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c');
         INSERT INTO goods (id, price, shop_id) VALUES (1, 5, 1), (2, 20, 1), (3, 30, 1), (4, 50, 2);
         INSERT INTO partners (one, other) VALUES (1, 2), (1, 3), (2, 3);",
    );
    db.engine.observe(Arc::new(db.selects.clone()));
    db
}

fn prices(s: &Session, goods: Vec<Handle<Good>>) -> Vec<i64> {
    goods.iter().map(|g| s[*g].price).collect()
}

#[test]
fn a_condition_of_its_own() {
    let db = db();
    let mut s = db.session();
    let a = db.run(s.get::<Shop>(1)).unwrap();
    let dear = db.run(s.load(a, Shop::dear)).to_vec();
    assert_eq!(prices(&s, dear), [20, 30]);
    assert_eq!(db.selects(), 2);
    for (options, selects) in
        [(selectin(Shop::dear), 2), (joined(Shop::dear), 1), (subquery(Shop::dear), 2)]
    {
        s.expunge_all().unwrap();
        let shops = db.run(s.all(select::<Shop>().order_by(Shop::id).options(options)));
        assert_eq!(db.selects(), selects);
        assert_eq!(prices(&s, s[shops[0]].dear.to_vec()), [20, 30]);
        assert!(s[shops[2]].dear.is_empty());
    }
    let query = select::<Shop>().filter(Shop::dear.any(Good::price.lt(30)));
    assert_eq!(db.run(s.count(query)), 1);
    let good = db.run(s.get::<Good>(3)).unwrap();
    let cheap = db.run(s.get::<Good>(1)).unwrap();
    assert_eq!(db.run(s.count(select::<Shop>().filter(Shop::dear.contains(good)))), 1);
    assert_eq!(db.run(s.count(select::<Shop>().filter(Shop::dear.contains(cheap)))), 0);
    let query = select::<Shop>().join(Shop::dear).filter(Good::price.eq(50));
    assert_eq!(db.run(s.count(query)), 1);
}

#[test]
fn the_order_that_the_relationship_says() {
    let db = db();
    let mut s = db.session();
    for options in [selectin(Shop::goods), joined(Shop::goods), subquery(Shop::goods)] {
        let shop = db.run(s.one(select::<Shop>().filter(Shop::id.eq(1)).options(options)));
        assert_eq!(prices(&s, s[shop].goods.to_vec()), [30, 20, 5]);
        s.expunge_all().unwrap();
    }
}

#[test]
fn many_to_many_of_a_class_with_itself() {
    let db = db();
    let mut s = db.session();
    let names = |s: &Session, shop: Handle<Shop>| -> Vec<String> {
        s[shop].partners.iter().map(|p| s.value(p, Shop::name).unwrap().clone()).collect()
    };
    for options in [selectin(Shop::partners), joined(Shop::partners), subquery(Shop::partners)] {
        let shops = db.run(s.all(select::<Shop>().order_by(Shop::id).options(options)));
        assert_eq!(names(&s, shops[0]), ["b", "c"]);
        assert_eq!(names(&s, shops[1]), ["c"]);
        assert!(names(&s, shops[2]).is_empty());
        s.expunge_all().unwrap();
    }
    let a = db.run(s.get::<Shop>(1)).unwrap();
    assert_eq!(db.run(s.load(a, Shop::partners)).len(), 2);
    let query = select::<Shop>().filter(Shop::partners.any(Shop::name.eq("b")));
    assert_eq!(db.run(s.count(query)), 1);
    let other = aludel_orm::aliased::<Shop>();
    let query =
        select::<Shop>().join_as(Shop::partners, &other).filter(other.col(Shop::name).eq("c"));
    assert_eq!(db.run(s.count(query)), 2);
    let nested = selectin(Shop::partners).joined(Shop::partners);
    let shops = db.run(s.all(select::<Shop>().filter(Shop::id.eq(1)).options(nested)));
    let b = s[shops[0]].partners.at(0).unwrap();
    assert_eq!(names(&s, b), ["c"]);
}

#[test]
fn expressions_are_read_with_the_row() {
    let db = db();
    let mut s = db.session();
    let shops = db.run(s.all(select::<Shop>().order_by(Shop::id)));
    assert_eq!(s[shops[0]].how_many, Some(3));
    assert_eq!(s[shops[2]].how_many, Some(0));
    assert_eq!(s[shops[1]].shout, "B");
    let busy = select::<Shop>()
        .filter(Shop::how_many.gt(0))
        .order_by(Shop::how_many)
        .columns((Shop::shout, Shop::how_many));
    assert_eq!(db.run(s.rows(busy)), [("B".to_owned(), Some(1)), ("A".to_owned(), Some(3))]);
    let other = aludel_orm::aliased::<Shop>();
    let query = select::<Shop>()
        .join_as(Shop::partners, &other)
        .order_by((Shop::id, other.col(Shop::id)))
        .columns((Shop::shout, other.col(Shop::shout), other.col(Shop::how_many)));
    let rows = db.run(s.rows(query));
    assert_eq!(rows[0], ("A".to_owned(), "B".to_owned(), Some(1)));
    // With its good, by a join of its own.
    s.expunge_all().unwrap();
    let goods = db.run(s.all(select::<Good>().order_by(Good::id).options(joined(Good::shop))));
    let shop = s[goods[3]].shop.get().unwrap();
    assert_eq!(s[shop].how_many, Some(1));
}
