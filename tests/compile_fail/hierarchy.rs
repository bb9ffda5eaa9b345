//! What the compiler knows of a hierarchy.

use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "shapes", polymorphic_on = "kind", polymorphic_identity = "shape")]
#[mapped(subclasses(Circle, Stranger), polymorphic_load = "inline")]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
}

#[derive(Mapped, Clone, Default)]
#[mapped(polymorphic_identity = "circle", polymorphic_load = "eager", narrow = AnyCircle)]
struct Circle {
    #[mapped(base)]
    shape: Shape,
    radius: Option<i64>,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "strangers", with_polymorphic = "all", polymorphic_identity = "x")]
struct Stranger {
    #[column(primary_key)]
    id: Auto<i64>,
}

#[derive(Mapped, Clone, Default)]
#[mapped(polymorphic_abstract, polymorphic_identity = "none", subclasses(a::Leaf, b::Leaf), narrow = AnyNode)]
struct Node {
    #[mapped(base)]
    shape: Shape,
}

mod a {
    #[derive(aludel::Mapped, Clone, Default)]
    #[mapped(polymorphic_identity = "a")]
    pub struct Leaf {
        #[mapped(base)]
        node: super::Node,
    }
}

mod b {
    #[derive(aludel::Mapped, Clone, Default)]
    #[mapped(polymorphic_identity = "b")]
    pub struct Leaf {
        #[mapped(base)]
        node: super::Node,
    }
}

fn narrow(session: &Session, circle: Handle<Circle>) {
    let _ = session.narrow(circle);
}

fn main() {}
