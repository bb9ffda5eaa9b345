//! Classes for tables as a database has them.

use aludel_engine::Engine;
use aludel_orm::{Auto, Datum, Many, Record, Registry, Session, selectin};
use aludel_sql::{Expression, Value};

#[test]
fn classes_are_made_of_reflected_tables() {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let registry = Registry::new();
    engine
        .block_on(async {
            let script = "CREATE TABLE band (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE, \
                                             founded INTEGER DEFAULT 1970);
                 CREATE TABLE song (id INTEGER PRIMARY KEY, title TEXT, band_id INTEGER REFERENCES band (id));";
            engine.acquire().await?.execute_raw(script).await?;
            let tables = engine.reflect().await?;
            let band = registry
                .describe("Band")
                .of_table(tables.table("band")?)
                .many("songs", "Song", |r| {
                    r.back_populates("band").order_by(["id"]);
                })
                .finish()?;
            let song = registry
                .describe("Song")
                .of_table(tables.table("song")?)
                .one("band", "Band", |r| {
                    r.back_populates("songs");
                })
                .finish()?;
            registry.configure()?;
            let mut s = Session::with_registry(&engine, &registry);
            let songs = [song.record().with("title", "a")?, song.record().with("title", "b")?];
            s.add(band.record().with("name", "x")?.with_many("songs", songs)?)?;
            s.commit().await?;

            let mut s = Session::with_registry(&engine, &registry);
            let songs = band.attr::<Many<Record>>("songs")?;
            let name = band.attr::<String>("name")?;
            let query = band.select().filter(name.eq("x")).options(selectin(songs));
            let found = s.one(query).await?;
            // The default of the table itself.
            assert_eq!(s.get_named(found, "founded")?, Some(Datum::Value(Value::I64(1970))));
            assert_eq!(s.members(found, songs).len(), 2);
            assert_eq!(s[found].get::<Auto<i64>>("id"), Some(&Auto::Set(1)));
            Ok(())
        })
        .unwrap();
}
