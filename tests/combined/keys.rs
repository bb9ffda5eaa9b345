//! Keys of several columns that are foreign keys, versions, rows that new objects take over, in hierarchies and circles.

use aludel::prelude::*;
use aludel::{ErrorKind, many};

use super::{rows, with};

/// An association object: its key is what it refers to.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_line")]
struct Line {
    #[column(primary_key, foreign_key = "combined_order.id")]
    order_id: i64,
    #[column(primary_key, foreign_key = "combined_item.id")]
    item_id: i64,
    count: i64,
    #[column(version)]
    version: i64,
    #[relationship(back_populates = "lines")]
    order: One<Order>,
    #[relationship]
    item: One<Item>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_order")]
struct Order {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "order", cascade = "all, delete-orphan")]
    lines: Many<Line>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_item")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
}

#[test]
fn association_objects_are_replaced_by_others_of_their_keys() {
    with::<Line>("combined_lines", |db| {
        let lines = "SELECT item_id, count, version FROM combined_line ORDER BY item_id";
        let items = db.add_all([Item::default(), Item::default()]).unwrap();
        let line = |item: usize, count| Line { count, item: items[item].into(), ..Line::default() };
        let order = db.add(Order { lines: many![line(0, 1)], ..Order::default() }).unwrap();
        db.commit().unwrap();
        let first = db[order].lines.at(0).unwrap();
        // The row is taken over, with its version; what it stood for is gone.
        db.set(order, Order::lines, [line(0, 5), line(1, 6)]).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, lines), "1:5:2 2:6:1");
        assert_eq!(db.state(first).unwrap(), ObjectState::Detached);
        let second = db[order].lines.at(0).unwrap();
        db.set(second, Line::count, 7).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, lines), "1:7:3 2:6:1");
        // The same by `delete` and `add`; in a savepoint that is taken back.
        db.begin_nested().unwrap();
        db.delete(second).unwrap();
        let third = db.add(Line { order: order.into(), ..line(0, 9) }).unwrap();
        db.flush().unwrap();
        assert_eq!(rows(db, lines), "1:9:4 2:6:1");
        db.rollback_nested().unwrap();
        assert_eq!(rows(db, lines), "1:7:3 2:6:1");
        let states = [second, third].map(|line| db.state(line).unwrap());
        assert_eq!(states, [ObjectState::Persistent, ObjectState::Transient]);
        db.refresh(second).unwrap();
        db.set(second, Line::count, 8).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, lines), "1:8:4 2:6:1");
    });
}

/// A hierarchy of two tables with a version in the first.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_base", polymorphic_on = "kind", polymorphic_identity = "base")]
#[mapped(subclasses(Sub))]
struct Base {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    name: String,
    #[column(version)]
    version: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_sub", polymorphic_identity = "sub")]
struct Sub {
    #[mapped(base)]
    base: Base,
    extra: Option<String>,
    #[relationship(back_populates = "sub", cascade = "all, delete-orphan")]
    parts: Many<Part>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_part")]
struct Part {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "combined_sub.id")]
    sub_id: Option<i64>,
    #[relationship(back_populates = "parts")]
    sub: One<Sub>,
}

#[test]
fn versions_count_the_rows_of_all_tables() {
    with::<Base>("combined_versions", |db| {
        let base = |name: &str| Base { name: name.into(), ..Base::default() };
        let sub = |name: &str| Sub {
            base: base(name),
            extra: Some("x".into()),
            parts: many![Part::default()],
        };
        let subs = db.add_all([sub("a"), sub("b")]).unwrap();
        let plain = db.add(base("c")).unwrap();
        db.commit().unwrap();
        // A column of the second table, of both, of the first; members alone change no row of the owner.
        db.set(subs[0], Sub::extra, Some("y".into())).unwrap();
        db.append(subs[1], Sub::parts, Part::default()).unwrap();
        db.commit().unwrap();
        db.set(subs[0], Base::name, "z").unwrap();
        db.set(subs[0], Sub::extra, None).unwrap();
        db.set(plain, Base::name, "q").unwrap();
        db.commit().unwrap();
        let versions = "SELECT name, version FROM combined_base ORDER BY id";
        assert_eq!(rows(db, versions), "z:3 b:1 q:2");
        // One that is stale writes nothing, to neither table.
        db.execute("UPDATE combined_base SET version = 10 WHERE name = 'z'");
        db.commit().unwrap();
        db.set(subs[0], Sub::extra, Some("lost".into())).unwrap();
        let error = db.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
        db.rollback().unwrap();
        assert_eq!(rows(db, "SELECT extra FROM combined_sub ORDER BY id"), "- x");
        // A new object takes the rows of a deleted one over, and its parts go.
        db.refresh(subs[1]).unwrap();
        let id = db[subs[1]].id;
        db.delete(subs[1]).unwrap();
        let parts = many![Part::default(), Part::default(), Part::default()];
        let new = Sub { base: Base { id, ..base("new") }, extra: None, parts };
        let new = db.add(new).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, versions), "z:10 new:2 q:2");
        assert_eq!((db[new].version, db.count(select::<Part>()).unwrap()), (2, 4));
        assert_eq!(rows(db, "SELECT extra FROM combined_sub ORDER BY id"), "- -");
    });
}

/// A reference by a key of two columns, back to one whose key is a foreign key.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_team")]
#[mapped(foreign_key(
    columns(captain_team, captain_no),
    references = "combined_player(team_id, no)"
))]
struct Team {
    #[column(primary_key)]
    id: Auto<i64>,
    captain_team: Option<i64>,
    captain_no: Option<i64>,
    #[relationship(post_update, foreign_keys = ["captain_team", "captain_no"])]
    captain: One<Player>,
    #[relationship(
        back_populates = "team",
        foreign_keys = "combined_player.team_id",
        cascade = "all, delete-orphan",
        order_by = "no"
    )]
    players: Many<Player>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_player")]
struct Player {
    #[column(primary_key, foreign_key = "combined_team.id")]
    team_id: i64,
    #[column(primary_key)]
    no: i64,
    #[relationship(back_populates = "players", foreign_keys = "team_id")]
    team: One<Team>,
}

#[test]
fn composite_keys_that_are_written_last() {
    with::<Team>("combined_teams", |db| {
        let captains = "SELECT captain_team, captain_no FROM combined_team";
        let player = |no| Player { no, ..Player::default() };
        let team = Team { players: many![player(1), player(2)], ..Team::default() };
        let team = db.add(team).unwrap();
        let (one, two) = (db[team].players.at(0).unwrap(), db[team].players.at(1).unwrap());
        db.set(team, Team::captain, one).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, captains), "1:1");
        // The captain goes, and another one takes over.
        db.delete(one).unwrap();
        db.set(team, Team::captain, two).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, captains), "1:2");
        assert_eq!((db[team].captain_team, db[team].captain_no), (Some(1), Some(2)));
        // All of it, of which nothing is loaded.
        db.renew();
        let team = db.get_one::<Team>(1).unwrap();
        db.delete(team).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, captains), "");
        assert_eq!(db.count(select::<Player>()).unwrap(), 0);
    });
}
