//! Classes of views: nobody creates them, or takes them for tables.

use aludel::prelude::*;
use aludel::{Record, RecordClass, ReflectOptions};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "orders")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    customer: String,
    price: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "totals", view)]
struct Total {
    #[column(primary_key)]
    customer: String,
    price: i64,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Order>().unwrap();
    registry.register::<Total>().unwrap();
    let described = registry.describe("DescribedTotal").table("totals_too").view();
    let described = described.column::<String>("customer", |c| c.primary_key());
    described.column::<i64>("price", |c| c).finish().unwrap();
    registry.configure().unwrap();
    registry
}

/// The views are made by hand, and dropped before their table is.
fn with_views(db: &mut Db) {
    for (name, price) in [("ed", 3), ("ann", 5), ("ed", 4)] {
        db.add(Order { customer: name.into(), price, ..Order::default() }).unwrap();
    }
    db.commit().unwrap();
    for view in ["totals", "totals_too"] {
        let query =
            "SELECT customer, CAST(sum(price) AS bigint) AS price FROM orders GROUP BY customer";
        db.execute(&format!("CREATE VIEW {view} AS {query}"));
    }
    db.commit().unwrap();
}

#[test]
fn read_as_tables_are() {
    each("views_read", registry, |db| {
        with_views(db);
        let all = db.all(select::<Total>().order_by(Total::customer)).unwrap();
        let read: Vec<_> = all.iter().map(|at| (&*db[*at].customer, db[*at].price)).collect();
        assert_eq!(read, [("ann", 5), ("ed", 7)]);
        assert_eq!(db.get::<Total>("ed").unwrap(), Some(all[1]));
        let class: RecordClass = db.registry.record_class("DescribedTotal").unwrap();
        let ann: Vec<aludel::Handle<Record>> = db.all(class.select()).unwrap();
        assert_eq!(ann.len(), 2);
        // What is there already is left alone, and not looked for.
        let dialect = db.dialect();
        let statements = db.registry.create_statements(&dialect).unwrap().join(";");
        assert!(!statements.contains("totals"), "{statements}");
        let statements = db.registry.drop_statements(&dialect).unwrap().join(";");
        assert!(statements.contains("orders") && !statements.contains("totals"), "{statements}");
    });
}

#[test]
fn reflected_as_views() {
    each("views_reflected", registry, |db| {
        with_views(db);
        let tables = db.reflect(&ReflectOptions::new().views());
        let is_view = |name: &str| tables.get(name).unwrap().is_view();
        assert!(is_view("totals") && !is_view("orders"));
    });
}
