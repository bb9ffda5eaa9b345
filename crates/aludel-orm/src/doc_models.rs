// The classes of the examples in the documentation, which include this file.

use aludel_derive::{Composite, Mapped};
#[allow(unused_imports)]
use aludel_orm::*;
#[allow(unused_imports)]
use aludel_sql::{Expression as _, IntoQuery as _, Statement};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "user_account")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    age: i64,
    deleted_at: Option<String>,
    #[relationship(back_populates = "user")]
    addresses: Many<Address>,
    orders: Many<Order>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "address")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "user_account.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "orders")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "user_account.id")]
    user_id: Option<i64>,
    items: Many<Item>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "items")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "orders.id")]
    order_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "posts")]
struct Post {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "user_account.id")]
    author_id: Option<i64>,
    author: One<User>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "employees")]
struct Employee {
    #[column(primary_key)]
    id: Auto<i64>,
    salary: i64,
    #[column(foreign_key = "employees.id")]
    manager_id: Option<i64>,
    #[relationship(remote_side = id)]
    manager: One<Employee>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "enrollments")]
struct Enrollment {
    #[column(primary_key)]
    student: i64,
    #[column(primary_key)]
    course: i64,
}

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
#[composite(crate = aludel_orm)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm)]
struct Vertex {
    #[column(primary_key)]
    id: Auto<i64>,
    #[composite]
    start: Point,
}
