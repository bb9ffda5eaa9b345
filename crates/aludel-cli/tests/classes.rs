//! The classes that the tool has written work with the data of the databases that they were made of.

mod schemas;

use aludel::prelude::*;
use aludel::sql::MetaData;
use schemas::{chinook, each, odd, sakila};

/// The classes of the record shop.
#[allow(dead_code, unreachable_pub, reason = "what the tool writes")]
mod shop {
    include!("fixtures/chinook.rs");
}

/// The classes of the film rental, as SQLite has it.
#[allow(dead_code, unreachable_pub, reason = "what the tool writes")]
mod rental_sqlite {
    include!("fixtures/sakila_sqlite.rs");
}

/// The classes of the film rental, as PostgreSQL has it.
#[allow(dead_code, unreachable_pub, reason = "what the tool writes")]
mod rental {
    include!("fixtures/sakila_postgres.rs");
}

/// Tables drawn by hand, in SQLite.
#[allow(dead_code, unreachable_pub, reason = "what the tool writes")]
mod odd_sqlite {
    include!("fixtures/odd_sqlite.rs");
}

/// The same in PostgreSQL.
#[allow(dead_code, unreachable_pub, reason = "what the tool writes")]
mod odd_postgres {
    include!("fixtures/odd_postgres.rs");
}

/// The tables with rows, and a session with classes.
fn with_rows(engine: &Engine, tables: &MetaData, rows: &str) -> blocking::Session {
    engine.block_on(engine.create_all(tables)).unwrap();
    engine.block_on(async { engine.acquire().await?.execute_raw(rows).await }).unwrap();
    let registry = Registry::new();
    registry.register::<shop::Artist>().unwrap();
    registry.register::<shop::Refund>().unwrap();
    blocking::Session::with_registry(engine, &registry)
}

const SHOP: &str = r#"
    INSERT INTO "Artist" VALUES (1, 'X'), (2, 'Y');
    INSERT INTO "MediaType" VALUES (1, 'disc');
    INSERT INTO "Album" VALUES (1, 'One', 1), (2, 'Two', 1), (3, 'Three', 2);
    INSERT INTO "Track" VALUES (1, 'a', 1, 1, NULL, 0.99, 1000, NULL), (2, 'b', 1, 1, NULL, 1.49, 2000, 7);
    INSERT INTO "Playlist" VALUES (1, 'best');
    INSERT INTO "PlaylistTrack" VALUES (1, 2);
    INSERT INTO "Employee" VALUES (1, 'Boss', NULL, NULL), (2, 'Bob', 1, '2024-05-06 07:08:09');
    INSERT INTO "Customer" VALUES (1, 'c@example.org', 2);
    INSERT INTO "Invoice" VALUES (1, 1, '2024-05-06 00:00:00', 2.48);
    INSERT INTO "InvoiceLine" VALUES (1, 1, 1, 0.99, 1), (1, 2, 2, 1.49, 1);
    INSERT INTO "Refund" VALUES (1, 1, 2, 'broken');
"#;

#[test]
fn the_classes_of_the_shop_load_its_rows() {
    use shop::{Album, Artist, Customer, Employee, Invoice, InvoiceLine, Refund, Track};

    each("load_chinook", |engine| {
        let mut session = with_rows(engine, &chinook::tables(), SHOP);
        let x = session.get_one::<Artist>(1).unwrap();
        assert_eq!(session.load(x, Artist::albums).unwrap().len(), 2);
        let query = select::<Track>().filter(Track::playlists.any(shop::Playlist::name.eq("best")));
        let track = session.one(query).unwrap();
        assert_eq!(session[track].unit_price.to_string(), "1.49");
        assert_eq!((session[track].milliseconds, session[track].bytes), (2000, Some(7)));
        // References to one table, and to the table itself.
        let customer = session.get_one::<Customer>(1).unwrap();
        let bob = session.load(customer, Customer::support_rep).unwrap().get().unwrap();
        assert_eq!(session[bob].hire_date.unwrap().to_string(), "2024-05-06T07:08:09");
        let boss = session.load(bob, Employee::employee).unwrap().get().unwrap();
        assert_eq!(session.load(boss, Employee::employees).unwrap().to_vec(), [bob]);
        // A key of two columns.
        let refund = session.get_one::<Refund>(1).unwrap();
        let line = session.load(refund, Refund::invoice_line).unwrap().get().unwrap();
        assert_eq!(session[line].track_id, 2);
        let invoice = session.load(line, InvoiceLine::invoice).unwrap().get().unwrap();
        assert_eq!(session.load(invoice, Invoice::invoice_lines).unwrap().len(), 2);
        // Albums are deleted with their artist, their tracks stay.
        session.delete(x).unwrap();
        session.commit().unwrap();
        assert_eq!(session.count(select::<Album>()).unwrap(), 1);
        assert_eq!(session.count(select::<Track>().filter(Track::album_id.is_null())).unwrap(), 2);
    });
}

#[test]
fn the_classes_of_the_rental_work() {
    use rental::{
        Category, City, Country, Film, FilmActor, FilmText, Language, Sample, Shelf, Staff, Store,
    };

    each("load_sakila", |engine| {
        engine.block_on(engine.create_all(&sakila::tables())).unwrap();
        let registry = Registry::new();
        registry.register::<Film>().unwrap();
        registry.register::<Shelf>().unwrap();
        registry.register::<Sample>().unwrap();
        let mut session = blocking::Session::with_registry(engine, &registry);
        // A store and its manager refer to each other.
        let country = Country { name: "Y".into(), ..Country::default() };
        let city = City { name: "X".into(), country: country.into(), ..City::default() };
        let staff = Staff { name: "Ann".into(), active: true, ..Staff::default() };
        let store = Store { city: city.into(), manager: staff.into(), ..Store::default() };
        let store = session.add(store).unwrap();
        let ann = session[store].manager.get().unwrap();
        session.set(ann, Staff::store, store).unwrap();
        let shelf =
            session.add(Shelf { store: store.into(), number: 1, ..Shelf::default() }).unwrap();
        session.flush().unwrap();
        let above =
            Shelf { store: store.into(), number: 2, shelf: shelf.into(), ..Shelf::default() };
        session.add(above).unwrap();
        let language = |name: &str| Language { name: name.into(), ..Language::default() };
        let film = Film {
            title: "One".into(),
            language: language("en").into(),
            original_language: language("fr").into(),
            film_text: FilmText { description: "…".into(), ..FilmText::default() }.into(),
            film_actors: many![FilmActor {
                role: Some("he".into()),
                actor: rental::Actor { name: "Al".into(), ..Default::default() }.into(),
                ..Default::default()
            }],
            categories: many![Category { name: "drama".into(), ..Category::default() }],
            ..Film::default()
        };
        session.add(film).unwrap();
        let sample = Sample {
            small: -3,
            integer: Some(70_000),
            big: 1 << 40,
            real: 0.5,
            exact: "12.3400".parse().unwrap(),
            bytes: vec![0, 255],
            uuid: uuid::Uuid::from_u128(7),
            date: jiff::civil::date(2024, 2, 29),
            timestamp: "2024-02-29T01:02:03Z".parse().unwrap(),
            json: serde_json::json!({"a": [1, null]}),
            ..Sample::default()
        };
        session.add(sample.clone()).unwrap();
        session.commit().unwrap();
        session.expunge_all().unwrap();

        let film = session.one(select::<Film>()).unwrap();
        let original = session.load(film, Film::original_language).unwrap().get().unwrap();
        assert_eq!(session[original].name, "fr");
        assert_eq!(
            session.load(original, Language::films_by_original_language).unwrap().to_vec(),
            [film]
        );
        let text = session.load(film, Film::film_text).unwrap().get().unwrap();
        assert_eq!(session[text].description, "…");
        let upper = session.one(select::<Shelf>().filter(Shelf::shelf.is_some())).unwrap();
        let lower = session.load(upper, Shelf::shelf).unwrap().get().unwrap();
        assert_eq!(session[lower].number, 1);
        let found = session.one(select::<Sample>()).unwrap();
        let found = &session[found];
        assert_eq!(found.twice, Some(1 << 41));
        assert_eq!(found.exact, sample.exact);
        let same = Sample { sample_id: sample.sample_id, twice: None, ..found.clone() };
        assert_eq!(format!("{same:?}"), format!("{:?}", Sample { exact: found.exact, ..sample }));
    });
}

fn drawn(engine: &Engine, script: &str) {
    engine.block_on(async { engine.acquire().await?.execute_raw(script).await }).unwrap();
}

#[test]
fn the_classes_of_tables_drawn_by_hand_work() {
    use odd_sqlite::{A, B, Friend, Order, Person, Token, WeirdTable};

    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    drawn(&engine, odd::SQLITE);
    let registry = Registry::new();
    registry.register::<Order>().unwrap();
    registry.register::<A>().unwrap();
    registry.register::<Friend>().unwrap();
    registry.register::<Token>().unwrap();
    registry.register::<WeirdTable>().unwrap();
    let mut session = blocking::Session::with_registry(&engine, &registry);
    let person = |name: &str| Person { first_name: name.into(), ..Person::default() };
    let ann = session.add(Person { person: person("boss").into(), ..person("ann") }).unwrap();
    let order = Order { buyer: ann.into(), self_: Some("me".into()), ..Order::default() };
    let order = session.add(order).unwrap();
    let friend = Friend { person: ann.into(), friend: person("bob").into(), ..Friend::default() };
    session.add(friend).unwrap();
    let token = session.add(Token::default()).unwrap();
    let a = session.add(A { bs: many![B::default()], ..A::default() }).unwrap();
    session.commit().unwrap();
    // What was left out has the database's values.
    session.refresh(order).unwrap();
    let found = &session[order];
    assert_eq!(
        (found.group.value(), found.total.value().to_string()),
        ("it's".to_owned(), "0".to_owned())
    );
    assert!(found.created_at.value() > "2020-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(session[token].id.value().len(), 16);
    session.expunge_all().unwrap();
    let ann = session.one(select::<Person>().filter(Person::person.is_some())).unwrap();
    assert_eq!(session.load(ann, Person::friends_by_person).unwrap().len(), 1);
    assert_eq!(session.load(ann, Person::orders).unwrap().len(), 1);
    let _ = a;
    let a = session.one(select::<A>().filter(A::bs.any_exists())).unwrap();
    let b = session.load(a, A::bs).unwrap().to_vec()[0];
    assert_eq!(session.load(b, B::as_).unwrap().to_vec(), [a]);
}

#[test]
fn types_without_a_counterpart_are_texts() {
    use aludel::Value;
    use odd_postgres::{Odd, Region};

    each("load_odd", |engine| {
        if engine.dialect().kind != aludel::sql::DialectKind::Postgres {
            return;
        }
        drawn(engine, odd::POSTGRES);
        let registry = Registry::new();
        registry.register::<Odd>().unwrap();
        let mut session = blocking::Session::with_registry(engine, &registry);
        let region = Region { id: 7, name: Some("north".into()), ..Region::default() };
        let text = |text: &str| Some(Value::from(text));
        let odd = Odd {
            tags: Value::from("{a,\"b c\"}").into(),
            grid: text("{{1.50,NULL},{2,3}}"),
            span: text("1 mon -2 days"),
            address: text("10.0.0.1/8"),
            valid: text("[2024-01-01,)"),
            words: text("'a':1"),
            zip: Some("01234".into()),
            region: region.into(),
            ..Odd::default()
        };
        let odd = session.add(odd).unwrap();
        session.add(Odd { mood: "sad".to_owned().into(), ..Odd::default() }).unwrap();
        session.commit().unwrap();
        let key = session[odd].id.value();
        session.expunge_all().unwrap();
        let odd = session.get_one::<Odd>(aludel::orm::By(key)).unwrap();
        let found = &session[odd];
        assert_eq!(found.tags.value(), Value::from("{a,\"b c\"}"));
        assert_eq!(found.grid, text("{{1.50,NULL},{2,3}}"));
        assert_eq!((&found.span, &found.address), (&text("1 mon -2 days"), &text("10.0.0.1/8")));
        assert_eq!((&found.valid, &found.words), (&text("[2024-01-01,)"), &text("'a':1")));
        assert_eq!((found.mood.value(), found.low.as_deref()), ("ok".to_owned(), Some("01234")));
        assert!(found.created.value() > "2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!((found.number.value(), found.always.value()), (1, 1));
        // They are written back, and looked for.
        session.set(odd, Odd::tags, aludel::Auto::Set(Value::from("{}"))).unwrap();
        session.commit().unwrap();
        assert_eq!(
            session.count(select::<Odd>().filter(Odd::tags.eq(Value::from("{}")))).unwrap(),
            2
        );
        assert_eq!(
            session.count(select::<Odd>().filter(Odd::mood.eq("sad".to_owned()))).unwrap(),
            1
        );
        let region = session.load(odd, Odd::region).unwrap().get().unwrap();
        assert_eq!(session[region].name.as_deref(), Some("north"));
    });
}
