//! Classes from the tables of a database.

use aludel::ext::{AutoClasses, AutoModel, AutoRelationship, AutomapRules, DefaultRules, Link};
use aludel::prelude::*;
use aludel::sql::{Action, Column, DataType, ForeignKey, MetaData, Table, Unique};
use aludel::{ErrorKind, Record, ReflectOptions, Value};

use crate::support::{Db, each};

/// Artists with albums and their covers, playlists of albums, employees with a boss, seats with a key of two columns,
/// and a table without a key.
fn tables() -> Vec<Table> {
    let id = || Column::of::<i64>("id").primary_key();
    let text = |name: &str| Column::new(name, DataType::Text(None)).nullable();
    let number = |name: &str| Column::new(name, DataType::BigInt);
    let key = |columns: &[&str], table: &str, to: &[&str]| {
        ForeignKey::new(columns.iter().copied(), table, to.iter().copied())
    };
    let built = [
        Table::build("artist").columns([id(), text("name")]),
        Table::build("album")
            .columns([id(), text("title"), number("artist_id").not_null()])
            .foreign_key(key(&["artist_id"], "artist", &["id"]).on_delete(Action::Cascade)),
        Table::build("cover")
            .columns([id(), text("color"), number("album_id").not_null()])
            .unique(Unique::on(["album_id"]))
            .foreign_key(key(&["album_id"], "album", &["id"])),
        Table::build("playlist").columns([id(), text("name")]),
        Table::build("playlist_album")
            .columns([number("playlist_id").primary_key(), number("album_id").primary_key()])
            .foreign_key(key(&["playlist_id"], "playlist", &["id"]))
            .foreign_key(key(&["album_id"], "album", &["id"])),
        Table::build("employee")
            .columns([
                id(),
                text("name"),
                number("boss_id").nullable(),
                number("deputy_id").nullable(),
            ])
            .foreign_key(key(&["boss_id"], "employee", &["id"]))
            .foreign_key(key(&["deputy_id"], "employee", &["id"])),
        Table::build("seat").columns([
            number("line").primary_key(),
            number("place").primary_key(),
            text("note"),
        ]),
        Table::build("ticket")
            .columns([id(), number("line").nullable(), number("place").nullable(), text("seat")])
            .foreign_key(key(&["line", "place"], "seat", &["line", "place"])),
        Table::build("log").columns([text("line")]),
    ];
    built.into_iter().map(|table| table.finish().unwrap()).collect()
}

/// A registry that creates the tables, and knows no class.
fn registry() -> Registry {
    let registry = Registry::new();
    for table in tables() {
        registry.add_table(table).unwrap();
    }
    registry
}

/// The classes of what the database has now, and a session with them.
fn mapped(db: &mut Db, rules: &dyn AutomapRules) -> AutoClasses {
    let found = db.reflect(&ReflectOptions::new());
    let registry = Registry::new();
    let classes = AutoModel::of(&found, rules).describe(&registry).unwrap();
    db.renew_with(registry);
    classes
}

fn names(model: &AutoModel, class: &str) -> Vec<String> {
    let class = model.class(class).unwrap();
    class
        .relationships
        .iter()
        .map(|r| format!("{}{}", r.name, if r.many { "*" } else { "" }))
        .collect()
}

fn metadata() -> MetaData {
    let mut all = MetaData::new();
    tables().into_iter().for_each(|table| all.add(table).unwrap());
    all
}

#[test]
fn tables_make_classes_and_foreign_keys_relationships() {
    let model = AutoModel::of(&metadata(), &DefaultRules);
    let classes: Vec<&str> = model.classes().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(classes, ["artist", "album", "cover", "playlist", "employee", "seat", "ticket"]);
    let unmapped: Vec<&str> = model.unmapped().iter().map(Table::name).collect();
    assert_eq!(unmapped, ["log", "playlist_album"]);
    assert_eq!(names(&model, "artist"), ["album_collection*"]);
    assert_eq!(names(&model, "album"), ["artist", "cover", "playlist_collection*"]);
    assert_eq!(names(&model, "playlist"), ["album_collection*"]);
    // A name that is taken gets a number: of another relationship, or of a column.
    let employee = ["employee", "employee_collection*", "employee_2", "employee_collection_2*"];
    assert_eq!(names(&model, "employee"), employee);
    assert_eq!(names(&model, "ticket"), ["seat_2"]);
    // The members of a key that is NOT NULL are deleted with their owner; by the database, where it says so.
    let albums = &model.class("artist").unwrap().relationships[0];
    assert_eq!(albums.cascade.as_deref(), Some("all, delete-orphan"));
    assert!(albums.passive_deletes);
    assert_eq!(albums.back_populates.as_deref(), Some("artist"));
    assert!(!model.class("album").unwrap().relationships[1].passive_deletes);
    assert_eq!(model.class("seat").unwrap().relationships[0].cascade, None);
    let lists = &model.class("album").unwrap().relationships[2];
    assert_eq!(lists.secondary.as_deref(), Some("playlist_album(album_id; playlist_id)"));
}

#[test]
fn a_whole_database_is_worked_with() {
    each("automap", registry, |db| {
        let classes = mapped(db, &DefaultRules);
        let record = |name: &str| classes.get(name).unwrap().record();
        let album = |title: &str| record("album").with("title", title).unwrap();
        let cover = record("cover").with("color", "red").unwrap();
        let list = record("playlist").with("name", "best").unwrap();
        let first = album("one").with_one("cover", cover).unwrap();
        let first = first.with_many("playlist_collection", [list]).unwrap();
        let x = record("artist").with("name", "x").unwrap();
        let x = db.add(x.with_many("album_collection", [first, album("two")]).unwrap()).unwrap();
        let boss = record("employee").with("name", "ann").unwrap();
        let people = record("employee").with("name", "bob").unwrap().with_one("employee", boss);
        db.add(people.unwrap()).unwrap();
        let seat = record("seat").with("line", 2).unwrap().with("place", 7).unwrap();
        db.add(record("ticket").with_one("seat_2", seat).unwrap()).unwrap();
        db.commit().unwrap();

        let album = classes.get("album").unwrap();
        let title = album.attr::<Option<String>>("title").unwrap();
        let lists = album.attr::<Many<Record>>("playlist_collection").unwrap();
        let name = classes.get("playlist").unwrap().attr::<Option<String>>("name").unwrap();
        let found = db.all(album.select().filter(lists.any(name.eq("best")))).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(db[found[0]].value("title").unwrap(), Value::from("one"));
        let ticket = classes.get("ticket").unwrap();
        let rows = ticket.select().columns((ticket.attr::<Option<i64>>("place").unwrap(),));
        assert_eq!(db.rows(rows).unwrap(), [(Some(7),)]);
        let employee = classes.get("employee").unwrap();
        let boss = employee.attr::<One<Record>>("employee").unwrap();
        assert_eq!(db.count(employee.select().filter(boss.is_some())).unwrap(), 1);
        // Albums go with their artist.
        db.delete(x).unwrap();
        db.commit().unwrap();
        assert_eq!(db.count(album.select().filter(title.is_not_null())).unwrap(), 0);
        let error = classes.get("albun").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unmapped);
        assert!(error.message().contains("did you mean `album`"), "{error}");
    });
}

/// Other names, and no way from an artist to his albums.
struct Mine;

impl AutomapRules for Mine {
    fn class_name(&self, table: &Table) -> String {
        format!("The{}", table.name())
    }
    fn attribute_name(&self, _: &Table, column: &Column) -> String {
        column.name.to_uppercase()
    }
    fn scalar_name(&self, link: &Link<'_>) -> String {
        link.key.column_names[0].trim_end_matches("_id").to_owned()
    }
    fn collection_name(&self, link: &Link<'_>) -> String {
        match link.several {
            true => format!("{}_of", link.key.column_names[0].trim_end_matches("_id")),
            false => format!("all_{}", link.table.name()),
        }
    }
    fn relationship(&self, class: &str, relationship: &mut AutoRelationship) -> bool {
        relationship.passive_deletes = false;
        class != "Theartist"
    }
}

#[test]
fn rules_are_replaced() {
    let model = AutoModel::of(&metadata(), &Mine);
    assert_eq!(names(&model, "Theartist"), [""; 0]);
    assert_eq!(model.class("Thealbum").unwrap().relationships[0].back_populates, None);
    assert_eq!(names(&model, "Theemployee"), ["boss", "boss_of*", "deputy", "deputy_of*"]);
    let mut db = Db::new(registry());
    let classes = mapped(&mut db, &Mine);
    let artist = classes.get("Theartist").unwrap().record().with("NAME", "x").unwrap();
    let album = classes.get("Thealbum").unwrap().record().with_one("artist", artist).unwrap();
    let album = db.add(album.with("TITLE", "t").unwrap()).unwrap();
    db.commit().unwrap();
    assert_eq!(db.raw("SELECT title, artist_id FROM album"), [[Value::from("t"), Value::from(1)]]);
    assert_eq!(db[album].value("ARTIST_ID").unwrap(), Value::from(1));
}

#[test]
fn more_is_said_of_a_class() {
    let mut db = Db::new(registry());
    let found = db.reflect(&ReflectOptions::new());
    let registry = Registry::new();
    let model = AutoModel::of(&found, &DefaultRules);
    let classes = model
        .describe_with(&registry, |class, described| match class.name.as_str() {
            "artist" => described.synonym("called", "name"),
            _ => described,
        })
        .unwrap();
    db.renew_with(registry);
    let artist = classes.get("artist").unwrap();
    let x = db.add(artist.record().with("called", "x").unwrap()).unwrap();
    assert_eq!(db[x].value("name").unwrap(), Value::from("x"));
    assert_eq!(classes.iter().count(), 7);
}

#[test]
fn a_database_is_reflected_and_described_at_once() {
    let mut db = Db::new(registry());
    db.close().unwrap();
    let registry = Registry::new();
    let classes = db.waiting_engine(async |engine| aludel::ext::automap(engine, &registry).await);
    assert_eq!(classes.unwrap().get("ticket").unwrap().name(), "ticket");
}
