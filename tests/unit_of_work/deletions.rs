//! Rows of several tables that are deleted by their keys alone: they go to the database together, members first.

use aludel::prelude::*;
use aludel::{ErrorKind, ObjectState};

use super::{Sent, database::Database, each, script};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "del_shop")]
struct Shop {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "shop", cascade = "all, delete-orphan", order_by = "id")]
    orders: Many<Order>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "del_order")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "del_shop.id")]
    shop_id: Option<i64>,
    #[relationship(back_populates = "orders")]
    shop: One<Shop>,
    #[relationship(back_populates = "order", cascade = "all, delete-orphan", order_by = "id")]
    items: Many<Item>,
    #[relationship(secondary = "del_order_tag")]
    tags: Many<Tag>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "del_item")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "del_order.id")]
    order_id: Option<i64>,
    #[relationship(back_populates = "items")]
    order: One<Order>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "del_tag")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
}

/// Refers to an order, and no class knows of it.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "del_note")]
struct Note {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "del_order.id")]
    order_id: Option<i64>,
}

fn classes() -> Registry {
    let registry = Registry::new();
    registry.register::<Shop>().unwrap();
    registry.register::<Note>().unwrap();
    registry
}

/// Three shops with twenty orders each, of two items each; the tenth order of each has a tag where that is wanted.
fn shops(session: &mut blocking::Session, tagged: bool) -> Vec<Handle<Shop>> {
    let order = |n: usize| Order {
        items: many![Item::default(), Item::default()],
        tags: if tagged && n == 10 { many![Tag::default()] } else { Many::default() },
        ..Order::default()
    };
    let shop = |_| Shop { orders: (0..20).map(order).collect(), ..Shop::default() };
    let shops = session.add_all((0..3).map(shop)).unwrap();
    session.commit().unwrap();
    shops
}

fn left(session: &mut blocking::Session) -> [u64; 4] {
    [
        session.count(select::<Shop>()).unwrap(),
        session.count(select::<Order>()).unwrap(),
        session.count(select::<Item>()).unwrap(),
        session.count(select::<Tag>()).unwrap(),
    ]
}

fn deletions(sent: &Sent) -> Vec<String> {
    let deletes = |line: &String| line.to_ascii_uppercase().starts_with("DELETE");
    sent.take().into_iter().filter(deletes).collect()
}

#[test]
fn members_go_before_their_owners() {
    each("deletions_order", &classes(), |session, sent, _| {
        let shops = shops(session, false);
        session.delete(shops[0]).unwrap();
        session.delete(shops[2]).unwrap();
        sent.take();
        session.commit().unwrap();
        assert_eq!(
            deletions(sent),
            ["DELETE del_item x80", "DELETE del_order x40", "DELETE del_shop x2"]
        );
        assert_eq!(left(session), [1, 20, 40, 0]);
        assert_eq!(session.state(shops[0]).unwrap(), ObjectState::Detached);
        assert_eq!(session.state(shops[1]).unwrap(), ObjectState::Persistent);
    });
}

#[test]
fn association_rows_go_in_between() {
    each("deletions_between", &classes(), |session, sent, _| {
        let shops = shops(session, true);
        session.delete(shops[1]).unwrap();
        sent.take();
        session.commit().unwrap();
        let sent = deletions(sent);
        let place = |table: &str| sent.iter().position(|line| line.contains(table)).unwrap();
        assert!(place("del_order_tag") < place("del_order x20"), "{sent:?}");
        assert!(place("del_item") < place("del_order x20"), "{sent:?}");
        assert_eq!(left(session), [2, 40, 80, 3]);
    });
}

/// With nobody who listens they are one call of the driver, else one for each table.
#[test]
fn a_row_that_is_referred_to_is_named() {
    let test = |session: &mut blocking::Session| {
        let shops = shops(session, false);
        let order = session[shops[1]].orders.iter().nth(7).unwrap();
        let id = session[order].id.value();
        script(session, &format!("INSERT INTO del_note (order_id) VALUES ({id})"));
        session.delete(shops[0]).unwrap();
        session.delete(shops[1]).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignKeyViolation, "{error}");
        assert!(error.message().contains("deleting"), "{error}");
        assert!(error.message().contains("Order"), "{error}");
        session.rollback().unwrap();
        assert_eq!(session.state(shops[0]).unwrap(), ObjectState::Persistent);
        assert_eq!(left(session), [3, 60, 120, 0]);
        // It is as it was.
        script(session, "DELETE FROM del_note");
        session.delete(shops[0]).unwrap();
        session.delete(shops[1]).unwrap();
        session.commit().unwrap();
        assert_eq!(left(session), [1, 20, 40, 0]);
    };
    each("deletions_referred", &classes(), |session, _, _| test(session));
    test(&mut Database::sqlite("deletions_unheard", &classes()).session());
    if let Some(db) = Database::postgres("deletions_unheard", &classes()) {
        test(&mut db.session());
    }
}

#[test]
fn what_a_deletion_reaches_is_read_level_by_level() {
    each("deletions_levels", &classes(), |session, sent, _| {
        let shops = shops(session, false);
        session.expunge_all().unwrap();
        let loaded = session.all(select::<Shop>().order_by(Shop::id)).unwrap();
        sent.take();
        session.delete(loaded[0]).unwrap();
        let selects = |sent: &Sent| {
            sent.take().into_iter().filter(|sql| sql.starts_with("SELECT")).collect::<Vec<_>>()
        };
        let read = selects(sent);
        assert_eq!(read.len(), 2, "its orders, and their items: {read:?}");
        session.flush().unwrap();
        assert_eq!(selects(sent).len(), 1, "the tags of the orders");
        session.commit().unwrap();
        assert_eq!(left(session), [2, 40, 80, 0]);
        assert_eq!(session.state(shops[0]).unwrap(), ObjectState::Detached);
    });
}

/// Those whom a new owner has not taken either go with what hangs on them.
#[test]
fn what_orphans_reach_is_read_level_by_level() {
    each("deletions_orphans", &classes(), |session, sent, _| {
        shops(session, false);
        session.expunge_all().unwrap();
        let shop = session.all(select::<Shop>().order_by(Shop::id)).unwrap()[0];
        session.load(shop, Shop::orders).unwrap();
        for order in session[shop].orders.iter().take(15).collect::<Vec<_>>() {
            session.remove(shop, Shop::orders, order).unwrap();
        }
        sent.take();
        session.flush().unwrap();
        let sent = sent.take();
        let reads = sent.iter().filter(|sql| sql.starts_with("SELECT")).count();
        assert_eq!(reads, 2, "the items and the tags of the orders: {sent:?}");
        assert_eq!(left(session), [3, 45, 90, 0]);
    });
}

/// However an order has lost its shop, its items go with it.
#[test]
fn what_an_orphan_has_goes_with_it() {
    each("deletions_lost", &classes(), |session, _, _| {
        let shops = shops(session, false);
        session.expunge_all().unwrap();
        let shops = shops.iter().map(|s| session[*s].id.value()).collect::<Vec<_>>();
        let shop = session.get::<Shop>(shops[0]).unwrap().unwrap();
        session.load(shop, Shop::orders).unwrap();
        let order = session[shop].orders.iter().next().unwrap();
        session.set(order, Order::shop, None::<Handle<Shop>>).unwrap();
        session.flush().unwrap();
        assert_eq!(left(session), [3, 59, 118, 0]);
        // The lists of these are not loaded.
        let other = select::<Order>().filter(Order::shop_id.eq(shops[1])).order_by(Order::id);
        let order = session.first(other).unwrap().unwrap();
        session.load(order, Order::shop).unwrap();
        session.set(order, Order::shop, None::<Handle<Shop>>).unwrap();
        session.flush().unwrap();
        assert_eq!(left(session), [3, 58, 116, 0]);
        session.commit().unwrap();
        // Of this one nobody in the session knows whose it was.
        let third = select::<Order>().filter(Order::shop_id.eq(shops[2])).order_by(Order::id);
        let order = session.first(third).unwrap().unwrap();
        session.set(order, Order::shop, None::<Handle<Shop>>).unwrap();
        session.commit().unwrap();
        assert_eq!(left(session), [3, 58, 116, 0]);
        assert_eq!(session[order].shop_id, None);
    });
}

/// More rows than go in one piece, of tables that go one after the other.
#[test]
fn great_numbers_go_in_pieces() {
    const COUNT: u64 = 20_000;
    each("deletions_many", &classes(), |session, _, _| {
        let orders = (0..COUNT).map(|_| Order::default());
        let shop = Shop { orders: orders.collect(), ..Shop::default() };
        let shop = session.add(shop).unwrap();
        session.commit().unwrap();
        session.delete(shop).unwrap();
        session.commit().unwrap();
        assert_eq!(left(session), [0, 0, 0, 0]);
    });
}
