//! Users, profiles, addresses, orders, items, keywords, nodes.

use aludel::prelude::*;

/// One-to-many with delete-orphan, one-to-many with the default cascade, one-to-one with cascade `all`, and a
/// view-only relationship.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub name: Option<String>,
    pub fullname: Option<String>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan", order_by = "id")]
    pub addresses: Many<Address>,
    #[relationship(back_populates = "user", foreign_keys = "orders.user_id", order_by = "id")]
    pub orders: Many<Order>,
    #[relationship(back_populates = "user", cascade = "all")]
    pub profile: One<Profile>,
    #[relationship(
        primaryjoin = User::id.eq(Order::user_id) & Order::status.eq("open"),
        viewonly,
        order_by = "id"
    )]
    pub open_orders: Many<Order>,
}

/// The scalar side of a one-to-one; the foreign key is unique.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "profiles")]
pub struct Profile {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "users.id", unique)]
    pub user_id: Option<i64>,
    pub bio: Option<String>,
    #[relationship(back_populates = "profile")]
    pub user: One<User>,
}

/// Many-to-one with a backref onto a delete-orphan collection.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "addresses")]
pub struct Address {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub email: Option<String>,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    pub user: One<User>,
}

/// Version counter, a client-side column default, many-to-many, and a many-to-one without any reverse side
/// (`ship_to`).
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "orders")]
pub struct Order {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub description: Option<String>,
    #[column(default = "new")]
    pub status: Option<String>,
    #[column(foreign_key = "users.id")]
    pub user_id: Option<i64>,
    #[column(foreign_key = "addresses.id")]
    pub ship_to_id: Option<i64>,
    #[column(version, nullable = false)]
    pub version: Option<i64>,
    #[relationship(back_populates = "orders")]
    pub user: One<User>,
    pub ship_to: One<Address>,
    #[relationship(
        secondary = "order_items(order_id; item_id)",
        back_populates = "orders",
        order_by = "id"
    )]
    pub items: Many<Item>,
}

/// Many-to-many on both sides, and a one-directional many-to-many.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "items")]
pub struct Item {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub description: Option<String>,
    #[relationship(
        secondary = "order_items(item_id; order_id)",
        back_populates = "items",
        order_by = "id"
    )]
    pub orders: Many<Order>,
    #[relationship(secondary = "item_keywords(item_id; keyword_id)", order_by = "id")]
    pub keywords: Many<Keyword>,
}

/// A unique column, and the target of a many-to-many that it knows nothing about.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "keywords")]
pub struct Keyword {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false, unique)]
    pub name: Option<String>,
}

/// Self-referential adjacency list with cascade `all` downwards.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "nodes")]
pub struct Node {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "nodes.id")]
    pub parent_id: Option<i64>,
    pub name: Option<String>,
    #[relationship(back_populates = "parent", cascade = "all", order_by = "id")]
    pub children: Many<Node>,
    #[relationship(back_populates = "children", remote_side = "id")]
    pub parent: One<Node>,
}
