//! Classes that are mapped to queries: derived tables, common table expressions, aliases, views.

use aludel::prelude::*;
use aludel::sql::{Cte, IntoQuery, Selectable, Table};
use aludel::{ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "customers")]
struct Customer {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "customer")]
    orders: Many<Order>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "orders")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    price: i64,
    #[column(foreign_key = "customers.id")]
    customer_id: Option<i64>,
    #[relationship(back_populates = "orders")]
    customer: One<Customer>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(source = Self::rows)]
struct Summary {
    #[column(primary_key)]
    id: i64,
    name: String,
    order_count: i64,
    highest: Option<i64>,
}

impl Summary {
    fn rows() -> aludel::orm::Rows<(i64, String, i64, Option<i64>)> {
        select::<Customer>()
            .outer_join(Customer::orders)
            .group_by((Customer::id, Customer::name))
            .columns((
                Customer::id,
                Customer::name,
                Order::id.count().label("order_count"),
                Order::price.max().label("highest"),
            ))
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Summary>().unwrap();
    registry
}

fn orders(db: &mut Db) {
    let order = |price| Order { price, ..Order::default() };
    let ed =
        Customer { name: "ed".into(), orders: many![order(3), order(7)], ..Customer::default() };
    db.add(ed).unwrap();
    db.add(Customer { name: "none".into(), ..Customer::default() }).unwrap();
    db.commit().unwrap();
}

#[test]
fn aggregates_are_read() {
    each("mappers_select", registry, |db| {
        orders(db);
        let all = db.all(select::<Summary>().order_by(Summary::id)).unwrap();
        let ed = Summary { id: 1, name: "ed".into(), order_count: 2, highest: Some(7) };
        let none = Summary { id: 2, name: "none".into(), order_count: 0, highest: None };
        assert_eq!((&db[all[0]], &db[all[1]]), (&ed, &none));
        assert_eq!(db.get_one::<Summary>(2).unwrap(), all[1]);
        let many = select::<Summary>().filter(Summary::order_count.gt(1));
        assert_eq!(db.all(many).unwrap(), [all[0]]);
        let other = aludel::aliased::<Summary>();
        let fewer = select::<Summary>()
            .join_alias_on(&other, Summary::order_count.lt(other.col(Summary::order_count)));
        assert_eq!(db.all(fewer).unwrap(), [all[1]]);
    });
}

#[test]
fn what_a_table_does_not_have_is_only_read() {
    each("mappers_select_writes", registry, |db| {
        orders(db);
        let ed = db.get_one::<Summary>(1).unwrap();
        let error = db.set(ed, Summary::order_count, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("Summary.order_count"), "{error}");
        let error = db.edit(ed, |s| s.highest = Some(9)).unwrap_err();
        assert!(error.message().contains("only read"), "{error}");
        assert_eq!(db[ed].highest, Some(7));
        // The customer's name is in a table, of which the whole key is to be seen.
        db.set(ed, Summary::name, "edward").unwrap();
        db.commit().unwrap();
        let names = db.raw("SELECT name FROM customers ORDER BY id");
        assert_eq!(names[0], ["edward".into()]);
    });
}

#[test]
fn a_query_without_a_tables_key_is_only_read() {
    #[derive(Mapped, Clone, Debug, Default, PartialEq)]
    #[mapped(source = Self::rows)]
    struct ByPrice {
        #[column(primary_key)]
        price: i64,
        orders: i64,
    }
    impl ByPrice {
        fn rows() -> Cte {
            let query = select::<Order>()
                .group_by(Order::price)
                .columns((Order::price, Order::id.count().label("orders")));
            Cte::new("by_price", query)
        }
    }
    let registry = || {
        let registry = Registry::new();
        registry.register::<ByPrice>().unwrap();
        registry
    };
    each("mappers_cte", registry, |db| {
        orders(db);
        let three = db.get_one::<ByPrice>(3).unwrap();
        assert_eq!(db[three].orders, 1);
        assert_eq!(db.count(select::<ByPrice>().filter(ByPrice::price.gt(3))).unwrap(), 1);
        db.add(ByPrice { price: 9, orders: 1 }).unwrap();
        let error = db.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("class ByPrice is only read"), "{error}");
    });
}

#[test]
fn an_alias_is_written_to_its_table() {
    #[derive(Mapped, Clone, Debug, Default, PartialEq)]
    #[mapped(configure = configure)]
    struct Renamed {
        #[column(primary_key)]
        id: Auto<i64>,
        name: String,
    }
    fn configure(mapper: &mut aludel::orm::mapping::MapperBuilder) {
        mapper.table(customers().alias_as("renamed"));
    }
    fn customers() -> Table {
        static TABLE: std::sync::OnceLock<Table> = std::sync::OnceLock::new();
        let made = || {
            let registry = Registry::new();
            registry.mapper::<Customer>().unwrap().local_table().unwrap().clone()
        };
        TABLE.get_or_init(made).clone()
    }
    let registry = || {
        let registry = Registry::new();
        registry.register::<Renamed>().unwrap();
        registry
    };
    each("mappers_alias", registry, |db| {
        let one = db.add(Renamed { name: "a".into(), ..Renamed::default() }).unwrap();
        db.commit().unwrap();
        db.set(one, Renamed::name, "b").unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT name FROM customers"), [["b".into()]]);
        assert_eq!(db.all(select::<Renamed>()).unwrap(), [one]);
        db.delete(one).unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT name FROM customers"), Vec::<Vec<Value>>::new());
    });
}

#[test]
fn a_described_class_of_a_query_over_a_mapped_one() {
    let registry = || {
        let registry = Registry::new();
        let customers = registry.mapper::<Customer>().unwrap().local_table().unwrap().clone();
        let upper = aludel::func::<String>("upper", customers.col::<String>("name"));
        let query = aludel::sql::select((customers.col::<i64>("id"), upper.label("shout")));
        registry.describe("Shouting").of(query.subquery()).finish().unwrap();
        registry.configure().unwrap();
        registry
    };
    each("mappers_select_records", registry, |db| {
        orders(db);
        let class = db.registry.record_class("Shouting").unwrap();
        let all = db.all(class.select()).unwrap();
        let shout = class.attr::<Option<String>>("shout").unwrap();
        assert_eq!(db.value(all[0], shout).unwrap().as_deref(), Some("ED"));
        let error = db.set_named(all[0], "shout", "X").unwrap_err();
        assert!(error.message().contains("only read"), "{error}");
    });
}
