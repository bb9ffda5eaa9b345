use aludel::prelude::*;

#[derive(Composite, Clone, Copy, Debug, Default)]
pub struct Point {
    x: i64,
    y: i64,
}

#[derive(Composite, Clone, Debug, Default)]
pub struct Generated {
    number: Auto<i64>,
}

#[derive(Composite, Clone, Debug, Default)]
pub struct Related {
    #[relationship]
    owner: One<Vertex>,
}

#[derive(Clone, Debug, Default)]
pub struct Plain;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "vertices")]
pub struct Vertex {
    #[column(primary_key)]
    id: Auto<i64>,
    #[composite(columns(x1, y1, z1))]
    start: Point,
    #[composite(prefx = "e_")]
    end: Point,
    #[composite]
    plain: Plain,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "edges")]
pub struct Edge {
    #[column(primary_key)]
    id: Auto<i64>,
    from: Point,
}

fn main() {}
