use aludel::prelude::*;

#[derive(Mapped)]
#[mapped(table = "user_account")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
}

fn main() {}
