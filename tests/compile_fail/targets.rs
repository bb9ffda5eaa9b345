//! What a relationship says of its target is there.

use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "teams")]
struct Team {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "temas", order_by("-name", nmae))]
    tags: Many<Tag>,
    #[relationship(key = "teams", back_populates = "name")]
    by_name: ManyMap<String, Tag>,
    #[relationship(position = "place")]
    ordered: Many<Special>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "tags", polymorphic_on = "kind", subclasses(Special))]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
    position: i64,
    team_id: Option<i64>,
    #[relationship(back_populates = "tags")]
    teams: One<Team>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "special")]
struct Special {
    #[mapped(base)]
    tag: Tag,
}

fn main() {}
