//! Index-like access into JSON columns.

use aludel::ErrorKind;
use aludel::ext::{IndexProperty, JsonStep};
use aludel::orm::aliased;
use aludel::prelude::*;
use serde_json::{Value as Json, json};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "profiles")]
struct Profile {
    #[column(primary_key)]
    id: Auto<i64>,
    data: Json,
    tags: Option<Json>,
}

impl Profile {
    const COLOR: IndexProperty<Self, String> =
        IndexProperty::new(Self::data, JsonStep::Key("color"));
    const WIDTH: IndexProperty<Self, i64> =
        IndexProperty::path(Self::data, &[JsonStep::Key("sizes"), JsonStep::Index(0)]);
    const READY: IndexProperty<Self, bool> =
        IndexProperty::new(Self::data, JsonStep::Key("is ready?"));
    const RATIO: IndexProperty<Self, f64> = IndexProperty::new(Self::data, JsonStep::Key("ratio"));
    const SIZES: IndexProperty<Self, Json> = IndexProperty::new(Self::data, JsonStep::Key("sizes"));
    const FIRST: IndexProperty<Self, String> = IndexProperty::new(Self::tags, JsonStep::Index(0));
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Profile>().unwrap();
    registry
}

fn profiles(db: &mut Db) -> Vec<Handle<Profile>> {
    let all = [
        (
            json!({"color": "red", "sizes": [3, 4], "is ready?": true, "ratio": 1.5}),
            Some(json!(["a", "b"])),
        ),
        (json!({"color": null, "sizes": [12], "is ready?": false, "ratio": 2}), None),
        (json!({}), Some(json!([]))),
    ];
    let add = |(data, tags)| db.add(Profile { data, tags, ..Profile::default() }).unwrap();
    let handles = all.into_iter().map(add).collect();
    db.commit().unwrap();
    handles
}

#[test]
fn in_queries() {
    each("index_property_queries", registry, |db| {
        let handles = profiles(db);
        let rows = db
            .rows(select::<Profile>().order_by(Profile::id).columns((
                Profile::COLOR,
                Profile::WIDTH,
                Profile::READY,
                Profile::RATIO,
                Profile::FIRST,
            )))
            .unwrap();
        let expected = [
            (Some("red".to_owned()), Some(3), Some(true), Some(1.5), Some("a".to_owned())),
            (None, Some(12), Some(false), Some(2.0), None),
            (None, None, None, None, None),
        ];
        assert_eq!(rows, expected);
        let sizes =
            db.rows(select::<Profile>().order_by(Profile::id).columns(Profile::SIZES)).unwrap();
        assert_eq!(sizes, [Some(json!([3, 4])), Some(json!([12])), None]);
        let find = |db: &mut Db, condition| db.all(select::<Profile>().filter(condition)).unwrap();
        assert_eq!(find(db, Profile::COLOR.eq("red")), [handles[0]]);
        // As a number, and not as a text.
        assert_eq!(find(db, Profile::WIDTH.gt(5)), [handles[1]]);
        assert_eq!(find(db, Profile::READY.eq(true)), [handles[0]]);
        assert_eq!(find(db, Profile::WIDTH.is_null()), [handles[2]]);
        let query = select::<Profile>()
            .filter(Profile::WIDTH.is_not_null())
            .order_by(Profile::WIDTH.desc());
        assert_eq!(db.all(query).unwrap(), [handles[1], handles[0]]);
        let other = aliased::<Profile>();
        let query =
            select::<Profile>().join_alias_on(&other, other.col(Profile::WIDTH).gt(Profile::WIDTH));
        assert_eq!(db.all(query).unwrap(), [handles[0]]);
    });
}

#[test]
fn of_objects() {
    each("index_property_objects", registry, |db| {
        let handles = profiles(db);
        let [one, two, three] = handles[..] else { panic!("three") };
        assert_eq!(Profile::COLOR.get(db, one).unwrap().as_deref(), Some("red"));
        assert_eq!(Profile::RATIO.get(db, two).unwrap(), Some(2.0));
        assert_eq!(Profile::COLOR.get(db, two).unwrap(), None);
        assert_eq!(Profile::FIRST.get(db, two).unwrap(), None);
        Profile::COLOR.set(db, one, "blue".to_owned()).unwrap();
        assert_eq!(db.history(one, Profile::data).unwrap().deleted().len(), 1);
        Profile::WIDTH.set(db, three, 7).unwrap();
        Profile::FIRST.set(db, two, "x".to_owned()).unwrap();
        db.commit().unwrap();
        db.renew();
        let query = select::<Profile>().filter(Profile::COLOR.eq("blue") | Profile::WIDTH.eq(7));
        assert_eq!(db.count(query).unwrap(), 2);
        let three = db.get::<Profile>(3).unwrap().unwrap();
        assert_eq!(db[three].data, json!({"sizes": [7]}));
        let two = db.get::<Profile>(2).unwrap().unwrap();
        assert_eq!(db[two].tags, Some(json!(["x"])));
        // What is in the way, and what is of another type.
        db.set(two, Profile::data, json!({"color": 5, "sizes": "none"})).unwrap();
        assert_eq!(Profile::COLOR.get(db, two).unwrap_err().kind(), ErrorKind::Value);
        let refused = Profile::WIDTH.set(db, two, 1).unwrap_err();
        assert!(refused.to_string().contains("no such place"), "{refused}");
        assert_eq!(db[two].data, json!({"color": 5, "sizes": "none"}));
    });
}
