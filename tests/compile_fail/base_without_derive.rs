use aludel::prelude::*;

#[derive(Clone, Default)]
pub struct Person {
    pub id: i64,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "employee")]
pub struct Employee {
    #[mapped(base)]
    pub person: Person,
}

fn main() {}
