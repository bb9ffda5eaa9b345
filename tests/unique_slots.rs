//! Unique values that go from row to row within a flush. On SQLite always, on PostgreSQL where
//! `ALUDEL_TEST_POSTGRES` has a server's URL.

#[path = "support/database.rs"]
mod database;
#[path = "support/sent.rs"]
mod sent;

use std::sync::Arc;

use aludel::ErrorKind;
use aludel::prelude::*;
use database::Database;
use sent::Sent;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_list")]
struct List {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
    #[relationship(back_populates = "list", cascade = "all, delete-orphan")]
    items: Many<Item>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_item", unique("list_id", "place"))]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "slot_list.id")]
    list_id: Option<i64>,
    place: i64,
    #[column(unique)]
    code: Option<String>,
    #[relationship(back_populates = "items")]
    list: One<List>,
}

/// Rows that wait for each other are written one by one.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_node")]
struct Node {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
    #[column(foreign_key = "slot_node.id")]
    parent_id: Option<i64>,
    #[relationship(back_populates = "children", remote_side = "id")]
    parent: One<Node>,
    #[relationship(back_populates = "parent")]
    children: Many<Node>,
}

/// A value that nothing can stand in for.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_rate")]
struct Rate {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    rate: f64,
}

/// Nothing hangs on it.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_badge")]
struct Badge {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    code: String,
    holder: Option<String>,
}

/// A file is in a folder, always, and no two of a folder have one name.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_folder")]
struct Folder {
    #[column(primary_key)]
    id: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "slot_file", unique(folder_id, name))]
struct File {
    #[column(primary_key)]
    id: i64,
    #[column(foreign_key = "slot_folder.id")]
    folder_id: i64,
    name: String,
    #[column(unique, type = aludel::sql::DataType::Text(Some(12)))]
    slug: String,
    note: Option<String>,
    #[relationship]
    folder: One<Folder>,
}

fn each(name: &str, test: impl Fn(&mut blocking::Session)) {
    each_sent(name, |session, _| test(session));
}

fn each_sent(name: &str, test: impl Fn(&mut blocking::Session, &Sent)) {
    let registry = Registry::new();
    registry.register::<List>().unwrap();
    registry.register::<Node>().unwrap();
    registry.register::<Rate>().unwrap();
    registry.register::<Badge>().unwrap();
    registry.register::<File>().unwrap();
    let postgres = Database::postgres(name, &registry);
    for db in [Some(Database::sqlite(name, &registry)), postgres].into_iter().flatten() {
        let sent = Arc::new(Sent::default());
        db.engine.observe(sent.clone());
        test(&mut db.session(), &sent);
    }
}

fn list(name: &str) -> List {
    List { name: name.into(), ..List::default() }
}

fn lists(session: &mut blocking::Session, names: &[&str]) -> Vec<Handle<List>> {
    let lists = session.add_all(names.iter().map(|name| list(name))).unwrap();
    session.commit().unwrap();
    lists
}

fn names(session: &mut blocking::Session) -> Vec<String> {
    session.rows(select::<List>().order_by(List::id).columns(List::name)).unwrap()
}

#[test]
fn a_new_row_takes_the_value_of_one_that_goes() {
    each("slots_new", |session| {
        let old = lists(session, &["a", "b"]);
        let item =
            session.add(Item { place: 1, code: Some("x".into()), ..Item::default() }).unwrap();
        session.append(old[0], List::items, item).unwrap();
        session.commit().unwrap();
        session.delete(old[0]).unwrap();
        let new = session.add(list("a")).unwrap();
        let heir = Item { place: 1, code: Some("x".into()), ..Item::default() };
        let heir = session.add(heir).unwrap();
        session.append(new, List::items, heir).unwrap();
        session.commit().unwrap();
        assert_eq!(names(session), ["b", "a"]);
        assert_eq!(session.count(select::<Item>()).unwrap(), 1);
        // And one that is there.
        session.delete(new).unwrap();
        session.set(old[1], List::name, "a").unwrap();
        session.commit().unwrap();
        assert_eq!(names(session), ["a"]);
    });
}

#[test]
fn expired_rows_that_go_are_read_together() {
    each_sent("slots_expired", |session, sent| {
        let badge = |n: i64| Badge { code: format!("code {n}"), ..Badge::default() };
        let old = session.add_all((0..7).map(badge)).unwrap();
        session.commit().unwrap();
        for badge in &old {
            session.delete(*badge).unwrap();
        }
        session.expire_all().unwrap();
        let new = session.add_all((0..7).rev().map(badge)).unwrap();
        sent.take();
        session.commit().unwrap();
        let selects = sent.take().into_iter().filter(|sql| sql.starts_with("SELECT"));
        assert_eq!(selects.count(), 1);
        assert_eq!(session[new[0]].code, "code 6");
        assert_eq!(session.count(select::<Badge>()).unwrap(), 7);

        // One of them has been deleted by somebody else.
        session.execute_raw("DELETE FROM slot_badge WHERE code = 'code 3'").unwrap();
        for badge in &new {
            session.delete(*badge).unwrap();
        }
        session.expire_all().unwrap();
        session.add(badge(6)).unwrap();
        let error = session.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ObjectDeleted, "{error}");
        session.rollback().unwrap();
        assert_eq!(session.count(select::<Badge>()).unwrap(), 7);
    });
}

#[test]
fn values_move_along_a_chain() {
    each("slots_chain", |session| {
        let all = lists(session, &["a", "b", "c"]);
        for (list, name) in all.iter().zip(["b", "c", "d"]) {
            session.set(*list, List::name, name).unwrap();
        }
        session.add(list("a")).unwrap();
        session.commit().unwrap();
        assert_eq!(names(session), ["b", "c", "d", "a"]);
    });
}

#[test]
fn rows_swap_their_values() {
    each("slots_swap", |session| {
        let all = lists(session, &["a", "b", "c", "d", "e"]);
        for (list, name) in all.iter().zip(["b", "a", "d", "e", "c"]) {
            session.set(*list, List::name, name).unwrap();
        }
        session.commit().unwrap();
        assert_eq!(names(session), ["b", "a", "d", "e", "c"]);
    });
}

#[test]
fn members_of_a_list_change_places() {
    each("slots_places", |session| {
        let all = lists(session, &["a", "b"]);
        let items =
            session.add_all((0..40).map(|place| Item { place, ..Item::default() })).unwrap();
        for item in &items {
            session.append(all[0], List::items, *item).unwrap();
        }
        session.commit().unwrap();
        for (at, item) in items.iter().enumerate() {
            session.set(*item, Item::place, 39 - at as i64).unwrap();
        }
        // One goes to another list, and one away: others take their places.
        session.append(all[1], List::items, items[7]).unwrap();
        session.delete(items[8]).unwrap();
        session.commit().unwrap();
        let query = select::<Item>().filter(Item::list_id.eq(session[all[0]].id.value()));
        let places = session.rows(query.order_by(Item::id).columns(Item::place)).unwrap();
        let wanted: Vec<i64> =
            (0..40).filter(|at| ![7, 8].contains(at)).map(|at| 39 - at).collect();
        assert_eq!(places, wanted);
    });
}

#[test]
fn what_nothing_can_stand_in_for_is_an_error() {
    each("slots_none", |session| {
        let rates =
            session.add_all([1.0, 2.0].map(|rate| Rate { rate, ..Rate::default() })).unwrap();
        session.commit().unwrap();
        session.set(rates[0], Rate::rate, 2.0).unwrap();
        session.set(rates[1], Rate::rate, 3.0).unwrap();
        session.commit().unwrap();
        session.set(rates[0], Rate::rate, 3.0).unwrap();
        session.set(rates[1], Rate::rate, 2.0).unwrap();
        let error = session.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Circular);
        for part in ["Rate(1)", "Rate(2)", "slot_rate", "(rate)"] {
            assert!(error.message().contains(part), "{error}");
        }
        session.rollback().unwrap();
        session.refresh(rates[0]).unwrap();
        assert_eq!(session[rates[0]].rate, 2.0);
    });
}

fn nodes(session: &mut blocking::Session, names: &[&str]) -> Vec<Handle<Node>> {
    let made = names.iter().map(|name| Node { name: (*name).into(), ..Node::default() });
    let made = session.add_all(made).unwrap();
    session.commit().unwrap();
    made
}

fn node_names(session: &mut blocking::Session) -> Vec<String> {
    session.rows(select::<Node>().order_by(Node::id).columns(Node::name)).unwrap()
}

#[test]
fn rows_that_wait_for_each_other_swap_their_values() {
    each("slots_nodes", |session| {
        let all = nodes(session, &["a", "b", "c"]);
        for (node, name) in all.iter().zip(["b", "c", "a"]) {
            session.set(*node, Node::name, name).unwrap();
        }
        // Each is written before the next: c is b's parent, and b is a's.
        session.set(all[0], Node::parent, all[1]).unwrap();
        session.set(all[1], Node::parent, all[2]).unwrap();
        session.commit().unwrap();
        assert_eq!(node_names(session), ["b", "c", "a"]);
    });
}

#[test]
fn a_new_row_takes_the_value_of_one_that_waits_for_it() {
    each("slots_node_new", |session| {
        let all = nodes(session, &["a", "b"]);
        session.set(all[0], Node::name, "z").unwrap();
        let new = session.add(Node { name: "a".into(), ..Node::default() }).unwrap();
        // The new row is there before its child is written.
        session.set(all[0], Node::parent, new).unwrap();
        session.commit().unwrap();
        assert_eq!(node_names(session), ["z", "b", "a"]);
    });
}

#[test]
fn a_new_row_takes_the_value_of_an_expired_one_that_goes() {
    each("slots_expired", |session| {
        let list = session.add(List { name: "taken".into(), ..List::default() }).unwrap();
        session.commit().unwrap();
        session.expire_all().unwrap();
        session.delete(list).unwrap();
        session.add(List { name: "taken".into(), ..List::default() }).unwrap();
        session.commit().unwrap();
        let names = session.rows(select::<List>().columns(List::name)).unwrap();
        assert_eq!(names, ["taken"]);
    });
}

/// Files of one name, each in a folder of its own.
fn files(session: &mut blocking::Session) -> Vec<Handle<File>> {
    let file = |id: i64| File {
        id,
        name: "notes".into(),
        slug: format!("slug {id}"),
        folder: Folder { id: 10 * id }.into(),
        ..File::default()
    };
    let files = session.add_all([1, 2, 3].map(file)).unwrap();
    session.commit().unwrap();
    files
}

fn rows(session: &mut blocking::Session) -> Vec<(i64, String, String)> {
    let columns = (File::folder_id, File::name, File::slug);
    session.rows(select::<File>().order_by(File::id).columns(columns)).unwrap()
}

fn row(folder: i64, slug: i64) -> (i64, String, String) {
    (folder, "notes".into(), format!("slug {slug}"))
}

#[test]
fn rows_change_places_by_a_key_that_may_not_be_null() {
    each_sent("slots_folders", |session, sent| {
        let files = files(session);
        let folders: Vec<_> =
            files.iter().map(|file| session[*file].folder.get().unwrap()).collect();
        for (at, file) in files.iter().enumerate() {
            session.set(*file, File::folder, folders[(at + 1) % 3]).unwrap();
        }
        sent.take();
        // The name stands aside, and is put back with the row.
        session.commit().unwrap();
        assert_eq!(
            sent.take(),
            [
                "UPDATE slot_file x1",
                "UPDATE slot_file x1",
                "UPDATE slot_file x1",
                "UPDATE slot_file x1"
            ]
        );
        assert_eq!(rows(session), [row(20, 1), row(30, 2), row(10, 3)]);
        assert!(session.dirty_objects().is_empty());
    });
}

#[test]
fn texts_of_limited_length_change_places() {
    each("slots_slugs", |session| {
        let files = files(session);
        for (file, slug) in files.iter().zip([2, 3, 1]) {
            session.set(*file, File::slug, format!("slug {slug}")).unwrap();
        }
        session.commit().unwrap();
        assert_eq!(rows(session), [row(10, 2), row(20, 3), row(30, 1)]);
    });
}

#[test]
fn values_that_nobody_knew_change_places() {
    each_sent("slots_expired", |session, sent| {
        let files = files(session);
        session.expire_all().unwrap();
        for (file, slug) in files.iter().zip([2, 3, 1]) {
            session.set(*file, File::slug, format!("slug {slug}")).unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(rows(session), [row(10, 2), row(20, 3), row(30, 1)]);
        // One alone is in nobody's way, so that nothing is read for it.
        session.expire_all().unwrap();
        session.set(files[0], File::slug, "slug 4").unwrap();
        sent.take();
        session.commit().unwrap();
        let reads = sent.take().into_iter().filter(|sql| sql.starts_with("SELECT"));
        assert!(reads.count() <= 1);
        assert_eq!(rows(session), [row(10, 4), row(20, 3), row(30, 1)]);
    });
}
