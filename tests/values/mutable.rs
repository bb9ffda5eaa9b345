//! Changes in place: found by comparison, at any depth, and told by tracked values.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aludel::ext::{Mutable, MutableDict, MutableList, MutableSet};
use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::Json;
use aludel::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::Db;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    name: String,
    tags: Vec<String>,
    sizes: BTreeMap<String, (i64, i64)>,
}

/// Plain fields: what changed is found by comparison.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "plain")]
struct Plain {
    #[column(primary_key)]
    id: Auto<i64>,
    document: serde_json::Value,
    items: Json<Vec<Item>>,
    nested: Option<Json<BTreeMap<String, BTreeMap<String, i64>>>>,
}

/// Tracked fields: whoever gets at the value mutably has changed it.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "tracked", configure = configure)]
struct Tracked {
    #[column(primary_key)]
    id: Auto<i64>,
    body: Mutable<String>,
    data: MutableDict<String, i64>,
    list: MutableList<i64>,
    set: Option<MutableSet<String>>,
    deep: MutableDict<String, Vec<Item>>,
    plain: i64,
}

fn configure(mapper: &mut MapperBuilder) {
    mapper.validate(Tracked::list, |_, _, list: &mut MutableList<i64>| match list.contains(&13) {
        true => Err(Error::new(ErrorKind::Validation, "13 is not allowed")),
        false => Ok(()),
    });
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Plain>().unwrap();
    registry.register::<Tracked>().unwrap();
    Db::new(registry)
}

fn set_clause(sent: &[String]) -> Vec<&str> {
    assert_eq!(sent.len(), 1, "{sent:?}");
    let set = sent[0].split("SET ").nth(1).unwrap().split(" WHERE").next().unwrap();
    set.split(", ").map(|s| s.trim_end_matches(" = ?").trim_matches('"')).collect()
}

#[test]
fn a_change_of_a_plain_value_is_found_at_any_depth() {
    let mut db = db();
    let item = Item { name: "a".into(), ..Item::default() };
    let nested = BTreeMap::from([("x".to_owned(), BTreeMap::from([("y".to_owned(), 1)]))]);
    let p = db
        .add(Plain {
            document: json!({"a": {"b": [1, 2, {"c": null}]}}),
            items: Json(vec![item.clone(), item]),
            nested: Some(Json(nested)),
            ..Plain::default()
        })
        .unwrap();
    db.commit().unwrap();
    db.sent();
    db.edit(p, |p| p.document["a"]["b"][2]["c"] = json!("deep")).unwrap();
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["document"]);
    db.edit(p, |p| {
        p.items[1].tags.push("t".into());
        p.items[1].sizes.entry("s".into()).or_default().0 += 1;
    })
    .unwrap();
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["items"]);
    db.edit(p, |p| *p.nested.as_mut().unwrap().get_mut("x").unwrap().get_mut("y").unwrap() += 1)
        .unwrap();
    assert!(db.is_modified(p).unwrap());
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["nested"]);
    // What is the same again is no change.
    db.edit(p, |p| p.document["a"]["b"] = json!([1, 2, {"c": "deep"}])).unwrap();
    assert!(!db.is_modified(p).unwrap());
    db.commit().unwrap();
    db.renew();
    let p = db.get_one::<Plain>(1i64).unwrap();
    assert_eq!(db[p].items[1].sizes["s"], (1, 0));
    assert_eq!(db[p].nested.as_ref().unwrap()["x"]["y"], 2);
}

#[test]
fn tracked_collections_have_the_interface_of_the_standard_ones() {
    let mut db = db();
    let t = db
        .add(Tracked {
            body: String::from("long").into(),
            data: BTreeMap::from([("a".to_owned(), 1)]).into(),
            list: vec![3, 1, 2].into(),
            set: Some(MutableSet::default()),
            ..Tracked::default()
        })
        .unwrap();
    db.commit().unwrap();
    db.sent();
    db.edit(t, |t| {
        *t.data.entry("a".into()).or_default() += 1;
        t.data.entry("b".into()).or_insert(5);
        t.data.retain(|key, _| key != "z");
    })
    .unwrap();
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["data"]);
    db.update(t, Tracked::list, |list| {
        list.sort_unstable();
        list.extend([9, 8]);
        list.iter_mut().for_each(|n| *n *= 10);
        list.drain(..1).count()
    })
    .unwrap();
    assert_eq!(**db[t].list, [20, 30, 90, 80]);
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["list"]);
    db.edit(t, |t| t.set.as_mut().unwrap().insert("x".into())).unwrap();
    db.edit(t, |t| t.deep.entry("k".into()).or_default().push(Item::default())).unwrap();
    db.edit(t, |t| t.deep.get_mut("k").unwrap()[0].tags.push("deep".into())).unwrap();
    db.edit(t, |t| t.body.push_str("er")).unwrap();
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["body", "set", "deep"]);
    db.commit().unwrap();
    db.renew();
    let t = db.get_one::<Tracked>(1i64).unwrap();
    assert_eq!((db[t].data["a"], db[t].data["b"], db[t].body.as_str()), (2, 5, "longer"));
    assert_eq!(db[t].deep["k"][0].tags, ["deep"]);
    assert!(db[t].set.as_ref().unwrap().contains("x"));
}

#[test]
fn access_counts_and_not_the_outcome() {
    let mut db = db();
    let t = db.add(Tracked { list: vec![1].into(), ..Tracked::default() }).unwrap();
    db.commit().unwrap();
    db.sent();
    // Reading, and changes of other fields, leave the value shared.
    let before = db[t].list.clone();
    db.edit(t, |t| t.plain = t.list.len() as i64).unwrap();
    assert!(db[t].list.is_same(&before));
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["plain"]);
    // A call that changes nothing was a change all the same, and the old value is not known.
    db.edit(t, |t| t.list.retain(|_| true)).unwrap();
    assert!(db.is_modified(t).unwrap());
    let history = db.history(t, Tracked::list).unwrap();
    assert_eq!((history.added().len(), history.deleted().len()), (1, 0));
    assert!(!db[t].list.is_same(&before));
    db.flush().unwrap();
    assert_eq!(set_clause(&db.sent()), ["list"]);
    // A value that was replaced has a history as any other.
    db.set(t, Tracked::list, vec![7]).unwrap();
    assert_eq!(**db.history(t, Tracked::list).unwrap().deleted()[0], [1]);
    db.edit(t, |t| t.list.push(8)).unwrap();
    assert_eq!(**db.history(t, Tracked::list).unwrap().deleted()[0], [1]);
    db.rollback().unwrap();
    db.refresh(t).unwrap();
    assert_eq!(**db[t].list, [1]);
}

#[test]
fn two_owners_share_a_value_until_one_changes_it() {
    let mut db = db();
    let list: MutableList<i64> = vec![1, 2].into();
    let one = db.add(Tracked { list: list.clone(), ..Tracked::default() }).unwrap();
    let two = db.add(Tracked { list, ..Tracked::default() }).unwrap();
    db.commit().unwrap();
    db.sent();
    assert!(db[one].list.is_same(&db[two].list));
    db.edit(one, |t| t.list.push(3)).unwrap();
    assert_eq!((db[one].list.len(), db[two].list.len()), (3, 2));
    assert!(db.is_modified(one).unwrap() && !db.is_modified(two).unwrap());
    db.commit().unwrap();
    assert_eq!(db.sent().len(), 1);
}

#[test]
fn listeners_of_modified_come_before_the_change_and_may_refuse() {
    let mut db = db();
    let t = db.add(Tracked { list: vec![1].into(), ..Tracked::default() }).unwrap();
    db.commit().unwrap();
    let heard: Arc<Mutex<Vec<(usize, usize)>>> = Arc::default();
    let hears = Arc::clone(&heard);
    db.on(AttributeEvent::Modified.of(Tracked::list), move |session, change| {
        let handle = session.handle_of::<Tracked>(change.target)?;
        let before = session[handle].list.len();
        let Some(list) = change.value::<MutableList<i64>>() else { return Ok(()) };
        hears.lock().unwrap().push((before, list.len()));
        if list.len() > 3 {
            return Err(Error::new(ErrorKind::Validation, "three are enough"));
        }
        Ok(())
    })
    .unwrap();
    db.edit(t, |t| t.list.push(2)).unwrap();
    assert_eq!(*heard.lock().unwrap(), [(1, 2)]);
    let as_it_was = db[t].clone();
    let refused = [
        db.edit(t, |t| (t.plain, t.body) = (5, String::from("x").into())).and_then(|()| {
            db.edit(t, |t| {
                t.plain = 6;
                t.list.extend([3, 4]);
            })
        }),
        db.edit(t, |t| {
            t.body.push('y');
            t.list.push(13);
        }),
        db.update(t, Tracked::list, |list| list.push(13)),
    ];
    for error in refused {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Validation);
    }
    assert!(db[t].list.is_same(&as_it_was.list), "the very value that was there");
    assert_eq!((db[t].plain, db[t].body.as_str()), (5, "x"));
}

#[test]
fn values_by_name_are_coerced_or_refused() {
    let mut db = db();
    let t = db.add(Tracked { list: vec![1].into(), ..Tracked::default() }).unwrap();
    let document = |json: serde_json::Value| aludel::Value::Json(Box::new(json));
    db.set_named(t, "list", document(json!([4, 5]))).unwrap();
    assert_eq!(**db[t].list, [4, 5]);
    let error = db.set_named(t, "list", document(json!({"a": 1}))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("Tracked.list"), "{error}");
    assert_eq!(**db[t].list, [4, 5]);
    db.set(t, Tracked::data, BTreeMap::from([("k".to_owned(), 1)])).unwrap();
    assert_eq!(db[t].data["k"], 1);
}
