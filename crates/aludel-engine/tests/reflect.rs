//! Tables read back from a database: what was created is what is reflected.
#![cfg(feature = "sqlite")]

#[cfg(feature = "postgres")]
#[path = "common/postgres.rs"]
mod server;

use aludel_engine::{Engine, ReflectOptions};
use aludel_sql::{
    Action, Check, Column, DataType, ErrorKind, ForeignKey, Index, MetaData, Result, Table, Unique,
};

/// Two tables with what can be said of one.
fn tables() -> MetaData {
    let team = Table::build("team")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::new("name", DataType::Text(Some(20))).not_null().unique())
        .column(Column::new("budget", DataType::Numeric(Some((10, 2)))).server_default("0"))
        .finish()
        .unwrap();
    let member = Table::build("member")
        .column(Column::new("team_id", DataType::BigInt).primary_key())
        .column(Column::new("number", DataType::BigInt).primary_key())
        .column(Column::new("born", DataType::Date).nullable())
        .column(Column::new("active", DataType::Boolean).not_null())
        .column(Column::new("score", DataType::Double).not_null())
        .column(Column::new("twice", DataType::Double).computed("score * 2"))
        .foreign_key(
            ForeignKey::new(["team_id"], "team", ["id"])
                .on_delete(Action::Cascade)
                .initially_deferred(),
        )
        .unique(Unique::on(["born", "number"]))
        .index(Index::on(["score"]).name("by_score").filter("active"))
        .check(Check::new("score > 0").name("positive"))
        .finish()
        .unwrap();
    let mut tables = MetaData::new();
    tables.add(team).unwrap();
    tables.add(member).unwrap();
    tables
}

/// What was created is what is found.
async fn is_reflected(engine: &Engine) -> Result<()> {
    let made = tables();
    engine.create_all(&made).await?;
    let found = engine.reflect_with(&ReflectOptions::new().only(["member"])).await?;
    // The table that it refers to comes along.
    assert_eq!(found.len(), 2);
    for made in &made {
        let found = found.table(made.full_name())?;
        assert_eq!(found.primary_key(), made.primary_key());
        assert_eq!(found.autoincrement(), made.autoincrement());
        for (found, made) in found.columns().iter().zip(made.columns()) {
            let name = &made.name;
            assert_eq!(found.name, made.name);
            assert_eq!(found.data_type, made.data_type, "{name}");
            assert_eq!(found.nullable, made.nullable, "{name}");
            assert_eq!(found.has_server_value(), made.has_server_value(), "{name}");
            assert_eq!(found.computed.is_some(), made.computed.is_some(), "{name}");
        }
        assert_eq!(found.columns().len(), made.columns().len());
        let keys = |table: &Table| -> Vec<_> {
            let keys = table.foreign_keys().iter().cloned();
            keys.map(|mut key| {
                key.name = None;
                key
            })
            .collect()
        };
        assert_eq!(keys(found), keys(made));
        let columns = |table: &Table| -> Vec<_> {
            table.uniques().iter().map(|unique| unique.columns.clone()).collect()
        };
        assert_eq!(columns(found), columns(made));
        let indexes = |table: &Table| -> Vec<_> {
            let indexes = table.indexes().iter();
            indexes.map(|i| (i.name.clone(), i.columns.clone(), i.filter.is_some())).collect()
        };
        assert_eq!(indexes(found), indexes(made));
        let checks = |table: &Table| -> Vec<_> {
            table.checks().iter().map(|check| check.name.clone()).collect()
        };
        assert_eq!(checks(found), checks(made));
    }
    let wrong = engine.reflect_table("membre").await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Argument);
    assert_eq!(wrong.message(), "the database has no table `membre`; did you mean `member`?");
    // What was reflected creates the same again.
    engine.drop_all(&made).await?;
    engine.create_all(&found).await?;
    let again = engine.reflect_with(&ReflectOptions::new().only(["member"])).await?;
    let text = |tables: &MetaData| -> Vec<_> {
        tables.iter().map(|t| format!("{:?} {:?}", t.columns(), t.foreign_keys())).collect()
    };
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    assert_eq!(sorted(text(&again)), sorted(text(&found)));
    Ok(())
}

#[test]
fn sqlite_tables_are_reflected() {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    engine.block_on(is_reflected(&engine)).unwrap();
}

#[test]
fn sqlite_says_things_in_its_own_ways() {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let script = "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, \"odd, name\" whatever DEFAULT ('x,)'));
        CREATE TABLE b (code TEXT PRIMARY KEY, a REFERENCES a ON UPDATE SET NULL, \
                        half AS (a / 2) VIRTUAL) WITHOUT ROWID;
        CREATE VIEW v AS SELECT id FROM a;
        CREATE UNIQUE INDEX lower_code ON b (lower(code))";
    let reflected = engine.block_on(async {
        engine.acquire().await?.execute_raw(script).await?;
        engine.reflect().await
    });
    let tables = reflected.unwrap();
    assert_eq!(tables.iter().map(Table::name).collect::<Vec<_>>(), ["a", "b"]);
    let (a, b) = (tables.table("a").unwrap(), tables.table("b").unwrap());
    assert_eq!(a.autoincrement(), Some(0));
    assert_eq!(&*a.columns()[1].name, "odd, name");
    assert!(a.columns()[1].has_server_value());
    assert_eq!(b.autoincrement(), None);
    assert_eq!(b.columns()[1].data_type, DataType::Any);
    assert_eq!(&*b.columns()[2].computed.as_ref().unwrap().sql, "a / 2");
    // A key without columns is one to the primary key.
    assert_eq!(b.foreign_keys()[0].target_columns, vec!["id".into()]);
    assert_eq!(b.foreign_keys()[0].on_update, Some(Action::SetNull));
    assert!(b.indexes().is_empty());
    let views = engine.block_on(engine.reflect_with(&ReflectOptions::new().views())).unwrap();
    assert!(views.get("v").is_some());
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_tables_are_reflected() {
    server::run("t_reflect", async |engine| is_reflected(engine).await);
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_says_things_in_its_own_ways() {
    server::run("t_reflect_own", async |engine| {
        let script = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS int2 NOT NULL;
            CREATE TABLE a (id serial PRIMARY KEY, feels mood, few small, at timestamptz(3), doc jsonb, \
                            tags text[], n int GENERATED ALWAYS AS IDENTITY);
            COMMENT ON TABLE a IS 'all kinds'; COMMENT ON COLUMN a.doc IS 'anything';
            CREATE INDEX ON a ((few + 1)); CREATE UNIQUE INDEX once ON a (few) WHERE n > 0";
        engine.acquire().await?.execute_raw(script).await?;
        let a = engine.reflect_table("a").await?;
        let types: Vec<_> = a.columns().iter().map(|column| column.data_type).collect();
        let wanted = [
            DataType::Integer,
            DataType::Text(None),
            DataType::SmallInt,
            DataType::Timestamp,
            DataType::Json,
            DataType::Any,
            DataType::Integer,
        ];
        assert_eq!(types, wanted);
        assert_eq!(a.autoincrement(), Some(0));
        assert!(!a.columns()[2].nullable);
        assert!(a.columns()[6].has_server_value());
        assert_eq!(a.comment(), Some("all kinds"));
        assert_eq!(a.columns()[4].comment.as_deref(), Some("anything"));
        let names: Vec<_> = a.indexes().iter().map(|index| &*index.name).collect();
        assert_eq!(names, ["once"]);
        let schema = ReflectOptions::new().schema("t_reflect_own").only(["a"]);
        let named = engine.reflect_with(&schema).await?;
        assert_eq!(named.table("t_reflect_own.a")?.columns().len(), 7);
        Ok(())
    });
}
