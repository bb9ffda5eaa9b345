//! Classes that are mapped to a join and to a query.

use aludel::orm::{Rows, Select};
use aludel::prelude::*;

use super::{Order, User};

/// Users joined with their addresses; `id` stands for `users.id` and `addresses.user_id` together, and the identity is
/// the pair of both keys.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(source = Self::rows)]
pub struct UserAddress {
    #[column(name = "users.id", equal_to("addresses.user_id"))]
    pub id: Auto<i64>,
    pub name: Option<String>,
    pub fullname: Option<String>,
    #[column(name = "addresses.id")]
    pub address_id: Auto<i64>,
    pub email: Option<String>,
}

impl UserAddress {
    fn rows() -> Select<User> {
        select::<User>().join(User::addresses)
    }
}

/// One for each user that has orders.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(source = Self::rows)]
pub struct OrderSummary {
    #[column(primary_key)]
    pub user_id: i64,
    pub user_name: Option<String>,
    pub order_count: i64,
    pub last_order_id: Option<i64>,
}

impl OrderSummary {
    fn rows() -> Rows<(i64, Option<String>, i64, Option<i64>)> {
        select::<User>()
            .join_on::<Order>(User::id.eq(Order::user_id))
            .group_by((User::id, User::name))
            .columns((
                User::id.label("user_id"),
                User::name.label("user_name"),
                Order::id.count().label("order_count"),
                Order::id.max().label("last_order_id"),
            ))
    }
}
