//! UPDATEs that send the changed paths of JSON documents.

use aludel::ErrorKind;
use aludel::prelude::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value as Json, json};

use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "path_documents", version = version)]
struct Document {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(json = "paths")]
    data: Option<Json>,
    title: String,
    version: i64,
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Document>().unwrap();
    Db::new(registry)
}

fn document() -> Json {
    json!({
        "settings": {"theme": "dark", "a.b": 1, "say \"hi\"": 1, "": 0},
        "list": [{"n": 1}, {"n": 2}],
        "text": "something long enough that a path is shorter than the document",
    })
}

fn stored(db: &mut Db) -> Json {
    db.commit().unwrap();
    db.renew();
    let d = db.get_one::<Document>(1i64).unwrap();
    db[d].data.clone().unwrap()
}

#[test]
fn the_paths_and_nothing_else() {
    let mut db = db();
    let d = db.add(Document { data: Some(document()), ..Document::default() }).unwrap();
    db.commit().unwrap();
    // Another path, changed behind our back, stays as it is.
    db.execute("UPDATE path_documents SET data = json_set(data, '$.settings.theme', 'light')");
    db.sent();
    db.edit(d, |d| {
        let data = d.data.as_mut().unwrap();
        data["list"][1]["n"] = json!(null);
        data["settings"]["a.b"] = json!({"x": [1]});
        data.as_object_mut().unwrap().remove("text");
        d.title = "t".into();
    })
    .unwrap();
    db.flush().unwrap();
    let sent = db.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].matches("json_set(").count(), 2, "{sent:?}");
    assert_eq!(sent[0].matches("json_remove(").count(), 1, "{sent:?}");
    assert!(sent[0].contains("\"title\" = ") && sent[0].contains("\"version\" = "), "{sent:?}");
    let mut wanted = document();
    wanted["settings"]["theme"] = json!("light");
    wanted["settings"]["a.b"] = json!({"x": [1]});
    wanted["list"][1]["n"] = json!(null);
    wanted.as_object_mut().unwrap().remove("text");
    assert_eq!(stored(&mut db), wanted);
}

#[test]
fn the_whole_document_where_paths_do_not_do() {
    let mut db = db();
    let d = db.add(Document::default()).unwrap();
    db.commit().unwrap();
    db.sent();
    let whole = |db: &mut Db| {
        db.flush().unwrap();
        let sent = db.sent();
        assert!(sent.len() == 1 && !sent[0].contains("json_"), "{sent:?}");
    };
    // It was NULL; it becomes another kind of value; it is no shorter by its paths.
    db.set(d, Document::data, document()).unwrap();
    whole(&mut db);
    db.set(d, Document::data, json!([1, 2])).unwrap();
    whole(&mut db);
    db.edit(d, |d| d.data.as_mut().unwrap()[0] = json!(5)).unwrap();
    whole(&mut db);
    db.set(d, Document::data, None).unwrap();
    whole(&mut db);
    db.set(d, Document::data, document()).unwrap();
    whole(&mut db);
    // A key that no path can name is set with what it is in.
    db.edit(d, |d| d.data.as_mut().unwrap()["settings"]["say \"hi\""] = json!(2)).unwrap();
    db.flush().unwrap();
    assert!(db.sent()[0].contains("json_set("));
    assert_eq!(stored(&mut db)["settings"]["say \"hi\""], 2);
}

#[test]
fn a_row_of_another_version_is_stale() {
    let mut db = db();
    let d = db.add(Document { data: Some(document()), ..Document::default() }).unwrap();
    db.commit().unwrap();
    db.execute("UPDATE path_documents SET version = 9");
    db.edit(d, |d| d.data.as_mut().unwrap()["list"][0]["n"] = json!(7)).unwrap();
    assert_eq!(db.flush().unwrap_err().kind(), ErrorKind::Stale);
}

/// Any document, with odd keys among the others.
fn any_document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        (-1000i32..1000).prop_map(|n| Json::from(f64::from(n) / 8.0)),
        "[a-z\"\\\\'.$\\[\\]é]{0,6}".prop_map(Json::from),
    ];
    let key = prop_oneof![
        4 => "[a-c]",
        1 => Just(String::new()),
        1 => "[\"\\\\.'$#0-9\\[\\]{},é ]{1,3}",
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Two documents that have much in common: the second is the first with another value here and there.
fn two_documents() -> impl Strategy<Value = (Json, Json)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any_document()), 0..4);
    (any_document(), any_document(), changes).prop_map(|(first, second, changes)| {
        let root = json!({
            "a": first, "b": {"c": second, "d": [1, 2, 3]}, "pad": "-".repeat(200),
        });
        let mut changed = root.clone();
        for (place, value) in changes {
            let count = count(&changed);
            replace(&mut changed, &mut place.index(count), &value);
        }
        (root, changed)
    })
}

fn count(document: &Json) -> usize {
    1 + match document {
        Json::Array(items) => items.iter().map(count).sum::<usize>(),
        Json::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts a value in place of the part of a number; a member that would become NULL is removed.
fn replace(document: &mut Json, left: &mut usize, value: &Json) -> bool {
    if *left == 0 {
        *document = value.clone();
        return true;
    }
    *left -= 1;
    match document {
        Json::Array(items) => items.iter_mut().any(|item| replace(item, left, value)),
        Json::Object(map) => {
            let gone = (*left == 0 && value.is_null()).then(|| map.keys().next().cloned());
            if let Some(Some(key)) = gone {
                map.remove(&key);
                return true;
            }
            map.values_mut().any(|item| replace(item, left, value))
        }
        _ => false,
    }
}

/// The database has the new document after an UPDATE by paths.
fn arrives(db: &mut Db, before: &Json, after: &Json) -> Result<(), TestCaseError> {
    let d = db.add(Document { data: Some(before.clone()), ..Document::default() }).unwrap();
    db.flush().unwrap();
    db.edit(d, |d| d.data = Some(after.clone())).unwrap();
    db.flush().unwrap();
    db.refresh(d).unwrap();
    prop_assert_eq!(db[d].data.as_ref(), Some(after));
    db.rollback().unwrap();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sent_makes_the_new_document((before, after) in two_documents()) {
        arrives(&mut db(), &before, &after)?;
    }
}

#[test]
fn the_same_on_postgresql() {
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else { return };
    let registry = Registry::new();
    registry.register::<Document>().unwrap();
    let mut db = Db::at(&url, registry);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let (before, after) = two_documents().new_tree(&mut runner).unwrap().current();
        arrives(&mut db, &before, &after).unwrap();
    }
}
