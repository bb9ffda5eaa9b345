use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "account")]
pub struct Account {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "account.id")]
    pub parent_id: Option<i64>,
    #[relationship(lazy = "writeonly")]
    pub children: Many<Account>,
    #[relationship(lazy = "dynamic")]
    pub others: Many<Account>,
    #[relationship(lazy = "write_only")]
    pub parent: One<Account>,
}

fn main() {}
