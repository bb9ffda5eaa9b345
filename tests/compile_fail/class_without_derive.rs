use aludel::prelude::*;

#[derive(Clone, Default)]
pub struct Plain {
    pub id: i64,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "user_account")]
pub struct User {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub plain: One<Plain>,
}

fn add(session: &mut Session) {
    let _ = session.add(Plain::default());
}

fn main() {}
