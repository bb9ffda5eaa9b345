use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "person", polymorphic_on = kind, polymorphic_identity = "person")]
pub struct Person {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub kind: String,
}

#[derive(Mapped, Clone, Default)]
#[mapped(polymorphic_identity = "employee")]
pub struct Employee {
    #[mapped(base)]
    pub person: Person,
    pub salary: Option<i64>,
}

fn up(employee: Handle<Employee>) -> Handle<Person> {
    employee.up()
}

fn down(person: Handle<Person>) -> Handle<Employee> {
    person.up::<Employee>()
}

fn main() {}
