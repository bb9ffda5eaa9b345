use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(tabel = "user_account")]
pub struct User {
    #[column(primry_key)]
    pub id: Auto<i64>,
    #[column(autoincrement)]
    pub number: i64,
    #[relationship(back_popluates = "user")]
    pub users: Many<User>,
}

fn main() {
    // The class is there all the same, so that nothing else fails.
    let _ = User::number;
}
