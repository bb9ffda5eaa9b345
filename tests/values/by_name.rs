//! Queries by name follow everything that a mapper knows: what a struct's field of records refers to, synonyms that
//! were said at run time, and the way back from a record's class to a struct.

use aludel::orm::loading::{EntityRef, LoadKind};
use aludel::prelude::*;
use aludel::sql::Node;
use aludel::{ErrorKind, Id, Query, Record, Value};

use crate::support::{Db, each};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "teams")]
struct Team {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "team", order_by = "id")]
    players: Many<Record>,
    #[column(foreign_key = "towns.id")]
    town_id: Option<i64>,
    #[relationship(back_populates = "teams")]
    town: One<Record>,
    unmapped: Option<String>,
}

/// Towns and players are described at run time, and teams are a struct in between.
fn registry() -> Registry {
    let registry = Registry::new();
    let towns = registry.describe("Town").table("towns");
    let towns =
        towns.column::<Auto<i64>>("id", |c| c.primary_key()).column::<String>("name", |c| c);
    towns
        .relationship::<Many<Team>>("teams", |r| {
            r.back_populates("town");
        })
        .finish()
        .unwrap();
    let players = registry.describe("Player").table("players");
    let players =
        players.column::<Auto<i64>>("id", |c| c.primary_key()).column::<String>("name", |c| c);
    players
        .column::<Option<i64>>("team_id", |c| c.references("teams.id"))
        .relationship::<One<Team>>("team", |r| {
            r.back_populates("players");
        })
        .finish()
        .unwrap();
    let mut teams = registry.map::<Team>();
    teams.relationship("players", |r| {
        r.target("Player");
    });
    teams.relationship("town", |r| {
        r.target("Town");
    });
    teams.synonym("squad", "players").synonym("title", "name").exclude_properties(["unmapped"]);
    teams.finish().unwrap();
    registry.configure().unwrap();
    registry
}

/// Reds of Rome with Ann and Bob, Blues of Paris with Cid.
fn fill(db: &mut Db) {
    for (town, team, players) in
        [("Rome", "reds", &["ann", "bob"][..]), ("Paris", "blues", &["cid"])]
    {
        let town_class = db.registry.record_class("Town").unwrap();
        let player = db.registry.record_class("Player").unwrap();
        let town = town_class.record().with("name", town).unwrap();
        let players = players.iter().map(|name| player.record().with("name", *name).unwrap());
        let town = db.add(town).unwrap();
        let team = Team { name: team.into(), players: players.collect(), ..Team::default() };
        let team = db.add(team).unwrap();
        db.append_named(town, "teams", team.id(), None).unwrap();
        db.flush().unwrap();
    }
    db.commit().unwrap();
    db.renew();
}

fn on_each(schema: &str, test: impl Fn(&mut Db)) {
    each(schema, registry, |db| {
        fill(db);
        test(db);
    });
}

fn is(entity: &EntityRef, name: &str, value: &str) -> Node {
    Node::eq(entity.attr(name).unwrap(), entity.value(name, value.into()).unwrap())
}

/// What objects of a query are called.
fn names(db: &mut Db, query: Query) -> Vec<String> {
    let ids = db.all_of(query);
    ids.into_iter().map(|id| name(db, id)).collect()
}

fn name(db: &Db, id: Id) -> String {
    match db.get_named(id, "name").unwrap() {
        Some(aludel::orm::Datum::Value(Value::Text(name))) => name.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn criteria_lead_through_a_struct_to_records_and_back() {
    on_each("by_name_criteria", |db| {
        let team = db.entity_named("Team").unwrap();
        let player = team.target("players").unwrap();
        let any = team.any("squad", None, vec![is(&player, "name", "ann")]).unwrap();
        let query = db.query_named("Team").unwrap().filter(any);
        assert_eq!(names(db, query), ["reds"]);
        // Three steps, of two kinds of classes.
        let town = player.target("team").unwrap().target("town").unwrap();
        let in_town = team.any("town", None, vec![is(&town, "name", "Paris")]).unwrap();
        let player = db.entity_named("Player").unwrap();
        let of_town = player.any("team", None, vec![in_town]).unwrap();
        let query = db.query_named("Player").unwrap().filter(of_town);
        assert_eq!(names(db, query), ["cid"]);
        let query = db.query_named("Player").unwrap();
        let cid = db.all_of(query.filter(is(&player, "name", "cid")))[0];
        let query = db.query_named("Team").unwrap().filter(team.is("squad", Some(cid)).unwrap());
        assert_eq!(names(db, query), ["blues"]);
    });
}

#[test]
fn joins_give_entities_whose_names_are_known() {
    on_each("by_name_joins", |db| {
        let mut query = db.query_named("Town").unwrap();
        let town = query.entity();
        let team = query.join(&town, "teams", false).unwrap();
        let player = query.join(&team, "squad", false).unwrap();
        let query = query.filter(is(&player, "name", "bob")).filter(is(&team, "title", "reds"));
        assert_eq!(names(db, query.clone()), ["Rome"]);
        let columns = vec![team.attr("title").unwrap(), player.attr("name").unwrap()];
        let rows = db.values_of(query.columns(columns)).unwrap();
        assert_eq!(rows, [[Value::from("reds"), Value::from("bob")]]);
    });
}

#[test]
fn paths_of_eager_options_lead_through_both_kinds_of_classes() {
    on_each("by_name_options", |db| {
        for kind in [LoadKind::SelectIn, LoadKind::Joined, LoadKind::Subquery, LoadKind::Immediate]
        {
            db.renew();
            let mut query = db.query_named("Town").unwrap();
            query.load_path(kind, &[(None, "teams", None), (None, "squad", None)]).unwrap();
            let query = query.order_by(db.entity_named("Town").unwrap().attr("id").unwrap(), false);
            let towns = db.all_of(query);
            db.selects();
            let teams = loaded(db, towns[0], "teams");
            let players = loaded(db, teams[0], "squad");
            let players: Vec<String> = players.into_iter().map(|id| name(db, id)).collect();
            assert_eq!((players.as_slice(), db.selects()), (&["ann".into(), "bob".into()][..], 0));
        }
    });
}

fn loaded(db: &Db, id: Id, name: &str) -> Vec<Id> {
    match db.get_named(id, name).unwrap() {
        Some(aludel::orm::Datum::Many(members)) => members,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn what_is_joined_fills_relationships() {
    on_each("by_name_contains", |db| {
        let mut query = db.query_named("Team").unwrap();
        let team = query.entity();
        let player = query.join(&team, "players", false).unwrap();
        let town = query.join(&team, "town", false).unwrap();
        let kind = LoadKind::ContainsEager;
        query.load_path(kind, &[(None, "players", Some(player.clone()))]).unwrap();
        query.load_path(kind, &[(None, "town", Some(town))]).unwrap();
        let teams = db.all_of(query.filter(is(&player, "name", "bob")));
        let players = loaded(db, teams[0], "squad");
        assert_eq!(players.into_iter().map(|id| name(db, id)).collect::<Vec<_>>(), ["bob"]);
        assert!(db.is_loaded_named(teams[0], "town").unwrap());
        // Typed, under the class's own name, which the mapping alone knows.
        db.renew();
        let query = select::<Team>()
            .join(Team::players)
            .options(aludel::orm::contains_eager(Team::players));
        let teams = db.all(query.order_by(Team::id)).unwrap();
        assert_eq!(db[teams[0]].players.len(), 2);
    });
}

#[test]
fn the_mapping_speaks_in_writes_by_name_and_to_listeners() {
    on_each("by_name_writes", |db| {
        let mut update = db.by_criteria("Team").unwrap();
        let team = db.entity_named("Team").unwrap();
        update.set("title", team.value("title", "greens".into()).unwrap()).unwrap();
        update.filter(is(&team, "title", "reds"));
        assert_eq!((**db).update_by(update).unwrap(), 1);
        let rows = vec![vec![("title", Value::from("whites"))]];
        let insert = db.insert_into("Team", rows).unwrap();
        assert_eq!(db.insert_by(insert).unwrap(), 1);
        // A query with types knows names once a session runs it.
        let typed = select::<Team>().into_query();
        assert_eq!(typed.entity().attr("title").unwrap_err().kind(), ErrorKind::Unmapped);
        let heard = db.on(aludel::orm::events::StatementEvent::DoOrmExecute, |_, told| {
            if let Some(query) = told.query.take() {
                let team = query.entity();
                let players = team.target("squad")?;
                let of_ann = Node::eq(players.attr("name")?, players.value("name", "ann".into())?);
                told.query = Some(query.filter(team.any("squad", None, vec![of_ann])?));
            }
            Ok(())
        });
        let heard = heard.unwrap();
        let found = db.all(select::<Team>()).unwrap();
        assert!(db.off(heard));
        assert_eq!(found.len(), 1);
        assert_eq!(db[found[0]].name, "greens");
    });
}

#[test]
fn names_that_lead_nowhere() {
    let mut db = Db::new(registry());
    fill(&mut db);
    let team = db.entity_named("Team").unwrap();
    let error = |result: aludel::Result<EntityRef>| {
        let error = result.unwrap_err();
        (error.kind(), error.message().to_owned())
    };
    let mut query = db.query_named("Team").unwrap();
    assert_eq!(
        error(query.join(&team, "sqad", false)),
        (ErrorKind::Unmapped, "class Team has no attribute `sqad`; did you mean `squad`?".into())
    );
    assert_eq!(
        error(team.target("title")),
        (ErrorKind::Argument, "Team.title is not a relationship".into())
    );
    assert_eq!(
        error(query.join(&team, "unmapped", false)),
        (ErrorKind::Argument, "Team.unmapped is not mapped".into())
    );
    let player = team.target("squad").unwrap();
    assert_eq!(
        error(player.target("teem")).1,
        "class Player has no attribute `teem`; did you mean `team`?"
    );
    // Every door by name tells the nearest.
    let near = "class Team has no attribute `titel`; did you mean `title`?";
    let said = |result: aludel::Result<()>| assert_eq!(result.unwrap_err().message(), near);
    let null = || Node::value(Value::Null, aludel::sql::DataType::Any);
    said(team.attr("titel").map(drop));
    said(team.value("titel", Value::Null).map(drop));
    said(team.any("titel", None, Vec::new()).map(drop));
    said(team.is("titel", None).map(drop));
    said(query.load_path(LoadKind::SelectIn, &[(None, "titel", None)]));
    said(query.defer("titel", aludel::orm::loading::Raise::No));
    said(query.undefer("titel"));
    said(query.load_only(&["id", "titel"]));
    said(query.clone().with_expression("titel", null()).map(drop));
    said(db.by_criteria("Team").unwrap().set("titel", null()));
    let mut insert = db.insert_into("Team", Vec::new()).unwrap();
    said(insert.set("titel", null()));
    said(insert.on_conflict_do_nothing(&["titel"]));
    said(insert.conflict_set_excluded(&["titel"]));
    said(insert.excluded("titel").map(drop));
    let rows = vec![vec![("titel", Value::Null)]];
    let insert = db.insert_into("Team", rows).unwrap();
    said(db.insert_by(insert).map(drop));
    let missing = db.entity_named("Taem").unwrap_err();
    assert_eq!(missing.message(), "no class `Taem` is mapped; did you mean `Team`?");
    let mut typed = select::<Team>().into_query();
    let typed_team = typed.entity();
    assert_eq!(
        error(typed.join(&typed_team, "players", false)),
        (
            ErrorKind::Unmapped,
            "Team.players refers to a class `Record` that only its mapping knows: begin the query by \
             `session.query_named`"
                .into()
        )
    );
    assert!(db.all_of(query).len() == 2);
}
