use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "user_account")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "user_account")]
    pub friend_id: Option<i64>,
    #[relationship(cascade = "all, delete-orphans")]
    pub friends: Many<User>,
}

fn main() {}
