use aludel::prelude::*;

#[derive(ColumnEnum, Clone)]
pub enum Shape {
    Circle(f64),
    Square { side: f64 },
}

#[derive(ColumnEnum, Clone)]
#[column_enum(interger)]
pub enum Status {
    Open,
    #[column_enum(rename = "open")]
    Closed,
}

#[derive(ColumnEnum, Clone)]
pub struct Level(i64);

fn main() {}
