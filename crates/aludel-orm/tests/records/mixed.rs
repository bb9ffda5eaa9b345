//! Structs and records together.

use aludel_derive::Mapped;
use aludel_orm::{Auto, ClassRef, Many, One, Record, Registry};
use aludel_sql::Expression;

use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "teams")]
struct Team {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "team", order_by = "id")]
    players: Many<Record>,
}

#[test]
fn a_struct_and_records_refer_to_each_other() {
    let registry = Registry::new();
    let player = registry
        .describe("Player")
        .table("players")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .column::<Option<i64>>("team_id", |c| c.references("teams.id"))
        .relationship::<One<Team>>("team", |r| {
            r.back_populates("players");
        })
        .finish()
        .unwrap();
    registry
        .map::<Team>()
        .relationship("players", |r| {
            r.target("Player");
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    let db = Db::new(registry);
    let mut s = db.session();
    let ann = player.record().with("name", "ann").unwrap();
    let reds =
        s.add(Team { name: "reds".into(), players: [ann].into(), ..Team::default() }).unwrap();
    let bob = player.record().with("name", "bob").unwrap().with_one("team", reds).unwrap();
    let bob = s.add(bob).unwrap();
    assert_eq!(s[reds].players.len(), 2);
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT name, team_id FROM players"), ["ann|1", "bob|1"]);
    let team = player.attr::<One<Team>>("team").unwrap();
    s.set(bob, team, None::<aludel_orm::Handle<Team>>).unwrap();
    assert_eq!(s[reds].players.len(), 1);
    db.run(s.commit()).unwrap();

    let mut s = db.session();
    let name = player.attr::<String>("name").unwrap();
    let query = aludel_orm::select::<Team>().filter(Team::players.any(name.eq("ann")));
    let query = query.options(aludel_orm::selectin(Team::players));
    let found = db.run(s.all(query)).unwrap();
    assert_eq!(s[found[0]].players.len(), 1);
    let ann = s[found[0]].players.at(0).unwrap();
    db.run(s.load(ann, team)).unwrap();
    assert_eq!(s.value(ann, team).unwrap().get(), Some(found[0]));
    let joined = aludel_orm::select::<Team>().join(Team::players).filter(name.eq("ann"));
    assert_eq!(db.run(s.count(joined)).unwrap(), 1);
    assert_eq!(ClassRef::of::<Team>().name(), "Team");
}
