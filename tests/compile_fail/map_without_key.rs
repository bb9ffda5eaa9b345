use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "user_account")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub friends: ManyMap<String, User>,
}

fn main() {}
