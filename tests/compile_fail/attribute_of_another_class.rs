use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "user_account")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    #[relationship(back_populates = "user")]
    pub addresses: Many<Address>,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "address")]
pub struct Address {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub email: String,
    #[column(foreign_key = "user_account.id")]
    pub user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    pub user: One<User>,
}

fn rename(session: &mut Session, address: Handle<Address>) -> aludel::Result<()> {
    session.set(address, User::name, "sandy")
}

fn main() {}
