//! Mistakes of a mapping that only the whole of it shows: all are told at once, each with what to write instead.

use aludel::ErrorKind;
use aludel::orm::Lazy;
use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "mi_users", foreign_key(columns(team_id), references = "mi_teams(id)"))]
struct User {
    // No primary key.
    id: i64,
    team_id: Option<i64>,
    // What is wrong with it does not depend on the table.
    #[relationship]
    team: One<Team>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "mi_teams")]
struct Team {
    #[column(primary_key)]
    id: Auto<i64>,
    // No foreign key leads there.
    #[relationship]
    tags: Many<Tag>,
    #[column(foreign_key = "mi_tags.idd")]
    tag_id: Option<i64>,
    // No table of the name.
    #[column(foreign_key = "mi_nowhere.id")]
    nowhere_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    table = "mi_tags",
    polymorphic_on = "kind",
    polymorphic_identity = "tag",
    subclasses(Special)
)]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "tag")]
struct Special {
    #[mapped(base)]
    tag: Tag,
}

/// A query of itself.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(source = Self::rows)]
struct Circular {
    #[column(primary_key)]
    id: i64,
}

impl Circular {
    fn rows() -> aludel::orm::Rows<i64> {
        select::<Circular>().columns(Circular::id)
    }
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "mi_more", extend_existing)]
struct More {
    #[column(primary_key)]
    id: Auto<i64>,
}

/// The base has the default implementation, and a subclass another one.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(polymorphic_identity = "watched", instrumentation = watching)]
struct Watched {
    #[mapped(base)]
    tag: Tag,
}

struct Watching;

impl aludel::InstrumentationManager for Watching {}

fn watching(_: &'static str) -> Watching {
    Watching
}

#[test]
fn all_at_once() {
    let registry = Registry::new();
    let mut users = registry.map::<User>();
    users.relationship("team", |r| {
        r.cascade("alle").lazy(Lazy::WriteOnly);
    });
    users.add().unwrap();
    let mut teams = registry.map::<Team>();
    // The other side does not exist, nor what they are ordered by.
    teams.relationship("tags", |r| {
        r.back_populates("temas").order_by(["nmae"]);
    });
    teams.property("tagid", "tag_id").version("count").polymorphic_identity("team").add().unwrap();
    registry.map::<Tag>().exclude_properties(["nam"]).primary_key(["idd", "ident"]).add().unwrap();
    registry.map::<Circular>().add().unwrap();
    registry.map::<More>().add().unwrap();
    registry.map::<Watched>().add().unwrap();
    registry
        .describe("Note")
        .table("mi_notes")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .many("pages", "Pgae", |_| {})
        .finish()
        .unwrap();
    let error = registry.configure().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let text = error.message();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut lines: Vec<&str> = rest.lines().collect();
    lines.sort_unstable();
    let expected = [
        "class `Circular`: it is mapped to a query of itself, or of classes that wait for it: name the tables there, or \
         other classes",
        "class `More`: it extends the table `mi_more`, and no class has it: leave out `extend_existing`, or register the \
         class that has the table",
        "class `Note`, attribute `pages`: its target class `Pgae` is not mapped; register it, or describe a class of this \
         name",
        "class `Special`: its polymorphic identity \"tag\" is that of class `Tag` already; each class of a hierarchy needs \
         its own",
        "class `Tag`: `nam` is to be included or excluded, but is no attribute or column; did you mean `name`?",
        "class `Tag`: its primary key `idd` is not an attribute with a column; did you mean `id`?",
        "class `Tag`: its primary key `ident` is not an attribute with a column",
        "class `Team`, attribute `tagid`: there is no such attribute; did you mean `tag_id`?",
        "class `Team`, attribute `tags`: its back_populates `temas` is not an attribute of `Tag`; add it to `Tag`, or leave \
         `back_populates` out",
        "class `Team`, attribute `tags`: its order_by `nmae` is not an attribute of `Tag`; did you mean `name`?",
        "class `Team`, attribute `tags`: there is no foreign key between table `mi_teams` and table `mi_tags`; add \
         `#[column(foreign_key = \"mi_teams.id\")]` to a field of `Tag`, or name an association table by \
         `secondary = \"…\"`, or a condition by `primaryjoin = …`",
        "class `Team`: foreign key of `mi_teams.nowhere_id`: there is no table `mi_nowhere`; register the class that is \
         mapped to it, or add the table",
        "class `Team`: foreign key of `mi_teams.tag_id`: table `mi_tags` has no column `idd`; did you mean `id`?",
        "class `Team`: it has the polymorphic identity \"team\", but nothing tells the class of a row: add \
         `#[mapped(polymorphic_on = \"…\")]` to the base class",
        "class `Team`: the version counter `count` is not a column of the class; name an attribute that has one",
        "class `User`, attribute `team`: it refers to one object, and only a collection is `write_only`",
        "class `User`, attribute `team`: there is no cascade `alle`; did you mean `all`?",
        "class `User`: it has no primary key: add `#[column(primary_key)]` to the field `id`",
        "class `Watched`: there are several instrumentation implementations in its hierarchy: \
         `mappers::mistakes::watching`, and the default one of class `Tag`; a hierarchy has one",
    ];
    assert_eq!(first, format!("the mapping has {} errors:", expected.len()));
    assert_eq!(lines, expected);
    // Nothing was learned.
    assert!(registry.mappers().is_empty());
}
