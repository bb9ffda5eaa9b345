use aludel::prelude::*;

#[derive(Mapped, Clone)]
pub enum Shape {
    Circle,
}

#[derive(Mapped, Clone, Default)]
pub struct Pair(i64, i64);

#[derive(Mapped, Clone, Default)]
pub struct Generic<T> {
    pub value: T,
}

#[derive(Mapped, Clone, Default)]
pub struct Borrowed<'a> {
    pub value: &'a str,
}

fn main() {}
