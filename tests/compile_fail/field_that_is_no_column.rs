use aludel::prelude::*;

#[derive(Clone, Default)]
pub struct Money(i64);

#[derive(Mapped, Clone, Default)]
#[mapped(table = "product")]
pub struct Product {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub price: Money,
    pub discount: Option<Money>,
}

fn main() {}
