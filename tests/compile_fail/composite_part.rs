use aludel::prelude::*;

#[derive(Composite, Clone, Copy, Debug, Default)]
pub struct Point {
    x: i64,
    y: i64,
}

#[derive(Composite, Clone, Copy, Debug, Default)]
pub struct Size {
    width: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "vertices")]
pub struct Vertex {
    #[column(primary_key)]
    id: Auto<i64>,
    #[composite(columns(x1, y1))]
    start: Point,
}

fn change(session: &mut Session, vertex: Handle<Vertex>) {
    session.set(vertex, Vertex::start.part(Size::width), 1).unwrap();
    session.set(vertex, Vertex::start, (1, "two")).unwrap();
    session.set(vertex, Vertex::x1, "one").unwrap();
}

fn main() {}
