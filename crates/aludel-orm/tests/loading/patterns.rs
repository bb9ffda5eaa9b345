//! Patterns of relationships: conditions of the program's own, of any form; several paths; overlapping keys.

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::loading::remote;
use aludel_orm::{
    Auto, Handle, Many, One, Registry, Result, Session, aliased, immediate, joined, select,
    selectin, subquery,
};
use aludel_sql::{Expr, Expression};

use crate::databases;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "customers")]
struct Customer {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key)]
    id: i64,
    name: String,
    #[relationship(back_populates = "customer", order_by = "id", foreign_keys = ["purchases.tenant", "purchases.customer_id"])]
    purchases: Many<Purchase>,
    /// By a constant.
    #[relationship(
        primaryjoin = Customer::tenant.eq(Purchase::tenant) & Customer::id.eq(Purchase::customer_id) & Purchase::amount.ge(100),
        foreign_keys = ["purchases.tenant", "purchases.customer_id"],
        order_by = "id",
        viewonly
    )]
    large: Many<Purchase>,
    /// To a row that a query tells.
    #[relationship(primaryjoin = latest(), viewonly)]
    latest: One<Purchase>,
}

/// The purchase with the greatest number.
fn latest() -> Expr<bool> {
    let other = aliased::<Purchase>();
    let newest = other
        .select()
        .filter(other.col(Purchase::tenant).eq(Customer::tenant))
        .filter(other.col(Purchase::customer_id).eq(Customer::id))
        .columns(other.col(Purchase::id).max());
    Purchase::id.in_query(newest)
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "goods")]
struct Good {
    #[column(primary_key)]
    tenant: i64,
    #[column(primary_key)]
    id: i64,
}

/// Two composite foreign keys that share a column.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    crate = aludel_orm,
    table = "purchases",
    foreign_key(columns(tenant, customer_id), references = "customers(tenant, id)"),
    foreign_key(columns(tenant, good_id), references = "goods(tenant, id)")
)]
struct Purchase {
    #[column(primary_key)]
    id: Auto<i64>,
    tenant: i64,
    customer_id: Option<i64>,
    good_id: Option<i64>,
    amount: i64,
    #[relationship(back_populates = "purchases", foreign_keys = ["tenant", "customer_id"])]
    customer: One<Customer>,
    /// Taken away, it leaves the shared column alone: that is not said to be its foreign key.
    #[relationship(
        primaryjoin = Purchase::tenant.eq(Good::tenant) & Purchase::good_id.eq(Good::id),
        foreign_keys = "good_id"
    )]
    good: One<Good>,
    /// By a range alone: no column equals another.
    #[relationship(
        primaryjoin = Bracket::least.le(Purchase::amount) & Bracket::most.gt(Purchase::amount),
        viewonly
    )]
    bracket: One<Bracket>,
    /// Another of the same class.
    #[relationship(
        primaryjoin = Purchase::good_id.eq(remote(Purchase::good_id)) & Purchase::id.ne(remote(Purchase::id)),
        order_by = "id",
        viewonly
    )]
    alike: Many<Purchase>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "brackets")]
struct Bracket {
    #[column(primary_key)]
    id: Auto<i64>,
    least: i64,
    most: i64,
    #[relationship(
        primaryjoin = Bracket::least.le(Purchase::amount) & Bracket::most.gt(Purchase::amount),
        order_by = "id",
        viewonly
    )]
    purchases: Many<Purchase>,
}

struct Db {
    engine: Engine,
    registry: Registry,
}

impl Db {
    fn each(test: impl Fn(Self)) {
        databases::each(|engine| {
            let registry = Registry::new();
            registry.register::<Customer>().unwrap();
            engine.block_on(registry.create_all(&engine)).unwrap();
            let db = Self { engine, registry };
            let mut s = db.session();
            for (least, most) in [(0, 50), (50, 200)] {
                s.add(Bracket { least, most, ..Bracket::default() }).unwrap();
            }
            for tenant in 1..=2 {
                let ann = Customer { tenant, id: 1, name: "ann".into(), ..Customer::default() };
                let ann = s.add(ann).unwrap();
                s.add(Customer { tenant, id: 2, name: "bob".into(), ..Customer::default() })
                    .unwrap();
                let good = s.add(Good { tenant, id: 7 }).unwrap();
                db.run(s.flush());
                for amount in [10, 100, 120] {
                    let purchase = Purchase { tenant, amount, ..Purchase::default() };
                    let purchase = s.add(purchase).unwrap();
                    s.set(purchase, Purchase::customer, ann).unwrap();
                    if amount >= 100 {
                        s.set(purchase, Purchase::good, good).unwrap();
                    }
                    db.run(s.flush());
                }
            }
            db.run(s.commit());
            test(db);
        });
    }

    fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    fn run<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        self.engine.block_on(future).unwrap()
    }
}

fn amounts(s: &Session, purchases: impl IntoIterator<Item = Handle<Purchase>>) -> Vec<i64> {
    purchases.into_iter().map(|purchase| s[purchase].amount).collect()
}

#[test]
fn overlapping_composite_keys() {
    Db::each(|db| {
        let mut s = db.session();
        let ann = db.run(s.get_one::<Customer>((2, 1)));
        db.run(s.load(ann, Customer::purchases));
        assert_eq!(amounts(&s, s[ann].purchases.to_vec()), [10, 100, 120]);
        let last = s[ann].purchases.at(2).unwrap();
        assert_eq!(s[last].customer_id, Some(1));
        let good = db.run(s.load(last, Purchase::good)).get().unwrap();
        assert_eq!((s[good].tenant, s[good].id), (2, 7));
        // One of the references is taken away; the shared column stays.
        s.set(last, Purchase::good, None::<Handle<Good>>).unwrap();
        let bob = db.run(s.get_one::<Customer>((2, 2)));
        s.set(last, Purchase::customer, bob).unwrap();
        db.run(s.commit());
        assert_eq!((s[last].tenant, s[last].customer_id, s[last].good_id), (2, Some(2), None));
        assert!(!s[bob].purchases.is_loaded());
        let with_good = select::<Purchase>().filter(Purchase::good.has(Good::id.eq(7)));
        assert_eq!(db.run(s.count(with_good)), 3);
        for option in [selectin(Purchase::good), joined(Purchase::good)] {
            s.expunge_all().unwrap();
            let query = select::<Purchase>().filter(Purchase::amount.eq(100));
            let purchases = db.run(s.all(query.order_by(Purchase::id).options(option)));
            let tenants = purchases.iter().map(|p| s[s[*p].good.get().unwrap()].tenant);
            assert_eq!(tenants.collect::<Vec<_>>(), [1, 2]);
        }
    });
}

#[test]
fn conditions_with_constants_and_queries() {
    Db::each(|db| {
        let mut s = db.session();
        let query = select::<Customer>().filter(Customer::tenant.eq(1)).order_by(Customer::id);
        let options =
            [selectin(Customer::large), joined(Customer::large), subquery(Customer::large)];
        for option in options {
            let customers = db.run(s.all(query.clone().options(option)));
            assert_eq!(amounts(&s, s[customers[0]].large.to_vec()), [100, 120]);
            assert!(s[customers[1]].large.is_empty());
            s.expunge_all().unwrap();
        }
        let ways =
            [selectin(Customer::latest), joined(Customer::latest), immediate(Customer::latest)];
        for option in ways {
            let customers = db.run(s.all(query.clone().options(option)));
            assert_eq!(amounts(&s, s[customers[0]].latest.get()), [120]);
            assert_eq!(s[customers[1]].latest.get(), None);
            s.expunge_all().unwrap();
        }
        let rich = query.clone().filter(Customer::latest.has(Purchase::amount.eq(120)));
        assert_eq!(db.run(s.all(rich)).len(), 1);
        let rows = query.join(Customer::latest).columns((Customer::name, Purchase::amount));
        assert_eq!(db.run(s.rows(rows)), [("ann".to_owned(), 120)]);
    });
}

#[test]
fn conditions_that_equate_nothing() {
    Db::each(|db| {
        let mut s = db.session();
        let query = select::<Purchase>().filter(Purchase::tenant.eq(1)).order_by(Purchase::id);
        for option in [selectin(Purchase::bracket), joined(Purchase::bracket)] {
            let purchases = db.run(s.all(query.clone().options(option)));
            let least = |p: &Handle<Purchase>| s[*p].bracket.get().map(|b| s[b].least);
            assert_eq!(
                purchases.iter().map(least).collect::<Vec<_>>(),
                [Some(0), Some(50), Some(50)]
            );
            s.expunge_all().unwrap();
        }
        let bracket = db.run(s.one(select::<Bracket>().filter(Bracket::least.eq(50))));
        db.run(s.load(bracket, Bracket::purchases));
        assert_eq!(amounts(&s, s[bracket].purchases.to_vec()), [100, 120, 100, 120]);
        let large = s.members_query(bracket, Bracket::purchases).unwrap();
        assert_eq!(db.run(s.count(large.filter(Purchase::tenant.eq(2)))), 2);
        let small = query.clone().filter(Purchase::bracket.has(Bracket::most.le(50)));
        assert_eq!(db.run(s.all(small)).len(), 1);
        // Within one class.
        let purchases = db.run(s.all(query.options(selectin(Purchase::alike))));
        assert!(s[purchases[0]].alike.is_empty());
        assert_eq!(amounts(&s, s[purchases[1]].alike.to_vec()), [120, 100, 120]);
    });
}
