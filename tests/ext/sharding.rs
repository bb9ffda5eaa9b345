//! Horizontal sharding, over several files and several databases of a server.

use aludel::ext::{ShardedObject, ShardedSession, Sharding, Shards};
use aludel::prelude::*;
use aludel::sql::BinaryOp;
use aludel::{Error, ErrorKind, Query, Result, Value};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "places")]
struct Place {
    #[column(primary_key)]
    id: Auto<i64>,
    continent: String,
    #[column(unique)]
    city: String,
    #[relationship(back_populates = "place", cascade = "all, delete-orphan")]
    reports: Many<Report>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "reports")]
struct Report {
    #[column(primary_key)]
    id: Auto<i64>,
    temperature: i64,
    #[column(foreign_key = "places.id")]
    place_id: Option<i64>,
    #[relationship(back_populates = "reports")]
    place: One<Place>,
}

const SHARDS: [&str; 3] = ["asia", "europe", "africa"];

fn shard(continent: &str) -> Result<String> {
    let found = SHARDS.into_iter().find(|shard| *shard == continent.to_lowercase());
    let none = || Error::new(ErrorKind::Value, format!("no shard has places of `{continent}`"));
    found.map(str::to_owned).ok_or_else(none)
}

/// By continent.
struct ByContinent;

impl Sharding for ByContinent {
    fn for_object(&self, object: &ShardedObject<'_>) -> Result<String> {
        match (object.downcast_ref::<Place>(), object.value("continent")) {
            (Some(place), Some(Value::Text(continent))) => {
                assert_eq!(place.continent, continent);
                shard(&continent)
            }
            _ => Ok("nowhere".to_owned()),
        }
    }

    fn for_key(&self, class: &str, key: &[Value]) -> Shards {
        assert_eq!(class, "Place");
        // What has a key above a hundred is looked for in the other order.
        match key {
            [Value::I64(101..)] => ["africa", "europe", "asia"].into(),
            _ => Shards::All,
        }
    }

    fn for_query(&self, query: &Query) -> Shards {
        let on_continent = query.comparisons().into_iter().find(|comparison| {
            (comparison.attribute, comparison.op) == ("continent", BinaryOp::Eq)
        });
        let Some(comparison) = on_continent else { return Shards::All };
        let names = comparison.values.iter().map(|value| match value {
            Value::Text(continent) => continent.to_lowercase(),
            other => format!("{other:?}"),
        });
        Shards::Named(names.collect())
    }
}

/// The engines of the shards, with tables; removed at the end.
struct Engines(Vec<Engine>, Option<std::path::PathBuf>);

impl Drop for Engines {
    fn drop(&mut self) {
        self.0.iter().for_each(Engine::close);
        if let Some(dir) = &self.1 {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Place>().unwrap();
    registry
}

fn run(engine: &Engine, sql: &str) {
    engine.block_on(async { engine.acquire().await?.execute_raw(sql).await }).unwrap();
}

/// A test on SQLite files, and on databases of a PostgreSQL server, where there is one.
fn each(name: &str, test: impl AsyncFn(&mut ShardedSession) -> Result<()>) {
    let connect = |urls: Vec<String>, dir| {
        let engines = urls.iter().map(|url| Engine::connect_blocking(url).unwrap()).collect();
        let engines = Engines(engines, dir);
        for engine in &engines.0 {
            engine.block_on(registry().create_all(engine)).unwrap();
        }
        let shards = SHARDS.into_iter().zip(&engines.0);
        let mut session = ShardedSession::new(shards, &registry(), ByContinent);
        let runtime = aludel_test_runtime();
        runtime.block_on(test(&mut session)).unwrap();
        runtime.block_on(session.close()).unwrap();
    };
    let dir = std::env::temp_dir().join(format!("aludel-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let urls = SHARDS.map(|shard| format!("sqlite://{}/{shard}.db", dir.display()));
    connect(urls.to_vec(), Some(dir));
    let Ok(server) = std::env::var("ALUDEL_TEST_POSTGRES") else { return };
    let engine = Engine::connect_blocking(&server).unwrap();
    let urls = SHARDS.map(|shard| {
        let database = format!("{name}_{shard}");
        run(&engine, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        run(&engine, &format!("CREATE DATABASE {database}"));
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let at = base.rfind('/').unwrap();
        format!("{}/{database}?{query}", &base[..at])
    });
    connect(urls.to_vec(), None);
    for shard in SHARDS {
        run(&engine, &format!("DROP DATABASE IF EXISTS {name}_{shard} WITH (FORCE)"));
    }
}

fn aludel_test_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn place(continent: &str, city: &str) -> Place {
    Place { continent: continent.into(), city: city.into(), ..Place::default() }
}

async fn places(session: &mut ShardedSession) -> Result<Vec<Handle<Place>>> {
    let given = [("Asia", "Tokyo"), ("Europe", "Rome"), ("Europe", "Oslo"), ("Africa", "Accra")];
    let mut places = Vec::new();
    for (temperature, (continent, city)) in (0..).zip(given) {
        let reports = many![Report { temperature, ..Report::default() }];
        places.push(session.add(Place { reports, ..place(continent, city) })?);
    }
    session.commit().await?;
    Ok(places)
}

fn cities(session: &ShardedSession, places: &[Handle<Place>]) -> Vec<String> {
    places.iter().map(|place| session[*place].city.clone()).collect()
}

#[test]
fn objects_go_to_their_shards_and_keys_of_several_are_several_objects() {
    each("shard_objects", async |session| {
        let all = places(session).await?;
        let shards: Vec<_> = all.iter().map(|at| session.shard_of(*at).unwrap()).collect();
        assert_eq!(shards, ["asia", "europe", "europe", "africa"]);
        // One key, three objects.
        let ids: Vec<_> = all.iter().map(|at| session[*at].id.get().copied().unwrap()).collect();
        assert_eq!(ids, [1, 1, 2, 1]);
        assert_eq!(session.get::<Place>(1).await?, Some(all[0]));
        assert_eq!(session.get::<Place>(2).await?, Some(all[2]));
        assert_eq!(session.get::<Place>(101).await?, None);
        // What hangs on an object is where it is.
        let oslo = session.session_of_mut(all[2])?;
        let report = oslo.members(all[2], Place::reports).next().unwrap();
        assert_eq!(session.shard_of(report), Some("europe"));
        Ok(())
    });
}

#[test]
fn queries_are_for_some_shards() {
    each("shard_queries", async |session| {
        places(session).await?;
        session.sessions_mut().try_for_each(|(_, session)| session.expunge_all())?;
        let by_city = || select::<Place>().order_by(Place::city);
        let found = session.all(by_city()).await?;
        // Shard by shard, each in its order.
        assert_eq!(cities(session, &found), ["Tokyo", "Oslo", "Rome", "Accra"]);
        let found = session.all(by_city().filter(Place::continent.eq("Europe"))).await?;
        assert_eq!(cities(session, &found), ["Oslo", "Rome"]);
        let two = by_city().filter(Place::continent.in_(["Africa", "Asia"]) & Place::id.gt(0));
        let found = session.all(two).await?;
        assert_eq!(cities(session, &found), ["Accra", "Tokyo"]);
        assert_eq!(session.count(select::<Place>()).await?, 4);
        let hot = select::<Place>().filter(Place::reports.any(Report::temperature.ge(2)));
        assert_eq!(
            session.rows(hot.columns((Place::city,))).await?,
            [("Oslo".to_owned(),), ("Accra".to_owned(),)]
        );
        let only = session.shard_mut("asia")?.count(select::<Place>()).await?;
        assert_eq!(only, 1);
        // Lazily, from its own shard.
        let rome = session.all(by_city().filter(Place::city.eq("Rome"))).await?[0];
        let reports = session.session_of_mut(rome)?.load(rome, Place::reports).await?.to_vec();
        assert_eq!(session[reports[0]].temperature, 1);
        Ok(())
    });
}

#[test]
fn changes_are_written_where_the_objects_are() {
    each("shard_changes", async |session| {
        let all = places(session).await?;
        session.session_of_mut(all[3])?.set(all[3], Place::city, "Lagos")?;
        session.delete(all[0]).await?;
        session.commit().await?;
        let cold = aludel::orm::update::<Report>().filter(Report::temperature.lt(3));
        assert_eq!(session.execute_update(cold.set(Report::temperature, -1)).await?, 2);
        let found = session.all(select::<Place>().order_by(Place::id)).await?;
        assert_eq!(cities(session, &found), ["Rome", "Oslo", "Lagos"]);
        let gone = aludel::orm::delete::<Report>().filter(Report::temperature.eq(-1));
        assert_eq!(session.execute_delete(gone).await?, 2);
        session.rollback().await?;
        assert_eq!(session.count(select::<Report>()).await?, 3);
        Ok(())
    });
}

#[test]
fn nothing_is_committed_where_a_flush_fails() {
    each("shard_failures", async |session| {
        places(session).await?;
        let new = session.add(place("Asia", "Seoul"))?;
        session.add(place("Africa", "Accra"))?;
        let error = session.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UniqueViolation);
        assert!(error.message().starts_with("shard `africa`: "), "{error}");
        session.rollback().await?;
        assert_eq!(session.count(select::<Place>()).await?, 4);
        assert_eq!(session.session_of(new)?.state(new)?, aludel::ObjectState::Transient);
        Ok(())
    });
}

#[test]
fn what_has_no_shard_says_so() {
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let shards = [("europe", &engine)];
    let mut session = ShardedSession::new(shards, &registry(), ByContinent);
    let error = session.add(place("Atlantis", "Ys")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    let error = session.add(place("Asia", "Tokyo")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert_eq!(error.message(), "there is no shard `asia`");
    assert!(session.add(Report::default()).is_err());
    assert!(session.shard_mut("europa").err().unwrap().message().contains("did you mean `europe`"));
    let mut other = Session::detached(&registry());
    let elsewhere = other.add(place("Europe", "Rome")).unwrap();
    assert_eq!(session.shard_of(elsewhere), None);
    assert_eq!(session.session_of_mut(elsewhere).err().unwrap().kind(), ErrorKind::Detached);
    assert_eq!(session.names().collect::<Vec<_>>(), ["europe"]);
}

#[test]
fn programs_without_a_runtime_have_it_too() {
    let (europe, asia) = ("sqlite::memory:", "sqlite::memory:");
    let engines = [europe, asia].map(|url| Engine::connect_blocking(url).unwrap());
    for engine in &engines {
        engine.block_on(registry().create_all(engine)).unwrap();
    }
    let shards = ["europe", "asia"].into_iter().zip(&engines);
    let mut session = blocking::ShardedSession::new(shards, &registry(), ByContinent);
    let rome = session.add(place("Europe", "Rome")).unwrap();
    let tokyo = session.add(place("Asia", "Tokyo")).unwrap();
    session.commit().unwrap();
    assert_eq!(session.all(select::<Place>()).unwrap(), [rome, tokyo]);
    assert_eq!(session.count(select::<Place>()).unwrap(), 2);
    session.delete(rome).unwrap();
    session.flush().unwrap();
    assert_eq!(session.get::<Place>(1).unwrap(), Some(tokyo));
    session.rollback().unwrap();
    assert_eq!(session.count(select::<Place>()).unwrap(), 2);
    session.close().unwrap();
}
