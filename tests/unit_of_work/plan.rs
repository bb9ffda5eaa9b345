//! What a flush says of itself before, and that it does what it said.

use aludel::many;
use aludel::orm::session::{Because, PlanStep};
use aludel::prelude::*;

use super::{Sent, each};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "plan_list")]
struct List {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
    #[relationship(back_populates = "list", cascade = "all, delete-orphan")]
    items: Many<Item>,
    #[relationship(secondary = "plan_list_tag")]
    tags: Many<Tag>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "plan_item", unique("list_id", "place"))]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "plan_list.id")]
    list_id: Option<i64>,
    place: i64,
    #[relationship(back_populates = "items")]
    list: One<List>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "plan_tag", batch = false)]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "plan_shape",
    polymorphic_on = "kind",
    polymorphic_identity = "shape",
    subclasses(Circle)
)]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    size: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "plan_circle", polymorphic_identity = "circle")]
struct Circle {
    #[mapped(base)]
    shape: Shape,
    radius: i64,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<List>().unwrap();
    registry.register::<Circle>().unwrap();
    registry
}

fn lists(session: &mut blocking::Session, names: &[&str]) -> Vec<Handle<List>> {
    let made = names.iter().map(|name| List { name: (*name).into(), ..List::default() });
    let made = session.add_all(made).unwrap();
    session.commit().unwrap();
    made
}

/// What follows each other and is of one kind is one.
fn joined(steps: impl IntoIterator<Item = (String, usize)>) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for (what, rows) in steps {
        match all.last_mut() {
            Some((last, sum)) if *last == what => *sum += rows,
            _ => all.push((what, rows)),
        }
    }
    all
}

/// Flushes; gives the plan as it is printed with its reasons. What is sent must be what it said.
fn flush(session: &mut blocking::Session, sent: &Sent) -> String {
    let plan = session.plan().unwrap();
    sent.take();
    session.flush().unwrap();
    let said = plan.steps.iter().filter_map(|step| match step {
        PlanStep::Insert { table, rows } | PlanStep::Link { table, rows } => {
            Some((format!("INSERT {table}"), *rows))
        }
        PlanStep::Update { table, rows } | PlanStep::Free { table, rows, .. } => {
            Some((format!("UPDATE {table}"), *rows))
        }
        PlanStep::Delete { table, rows } | PlanStep::Unlink { table, rows } => {
            Some((format!("DELETE {table}"), *rows))
        }
        _ => None,
    });
    let done = sent.take().into_iter().filter_map(|line| {
        let (what, rows) = line.rsplit_once(" x")?;
        Some((what.to_owned(), rows.parse().ok()?))
    });
    assert_eq!(joined(said), joined(done), "{plan}");
    session.commit().unwrap();
    format!("{plan:#}")
}

#[test]
fn a_graph_comes_in_the_order_of_its_keys() {
    each("plan_graph", &registry(), |session, sent, _| {
        let item = |place| Item { place, ..Item::default() };
        let tag = Tag { name: "t".into(), ..Tag::default() };
        let list = session
            .add(List {
                name: "a".into(),
                items: many![item(1), item(2)],
                tags: many![tag],
                ..List::default()
            })
            .unwrap();
        let plan = flush(session, sent);
        for part in [
            "INSERT plan_item (2 rows)\n    because plan_item.list_id depends on plan_list.id (",
            "INSERT plan_list_tag (1 link row)\n    because plan_list_tag.",
            " depends on plan_tag.id (List.tags)",
        ] {
            assert!(plan.contains(part), "{part} in {plan}");
        }
        session.delete(list).unwrap();
        let plan = flush(session, sent);
        let part = "DELETE plan_list (1 row)\n    because ";
        assert!(plan.contains(part), "{plan}");
        assert!(plan.contains("because plan_item.list_id depends on plan_list.id ("), "{plan}");
        // Without alternate form there are no reasons.
        assert_eq!(session.plan().unwrap().to_string(), "");
    });
}

#[test]
fn values_that_change_places_are_given_up_first() {
    each("plan_swap", &registry(), |session, sent, _| {
        let both = lists(session, &["a", "b", "c"]);
        session.set(both[0], List::name, "b").unwrap();
        session.set(both[1], List::name, "a").unwrap();
        let plan = session.plan().unwrap();
        let free =
            PlanStep::Free { table: "plan_list".into(), columns: vec!["name".into()], rows: 1 };
        assert_eq!(plan.steps[0], free);
        let Because::Unique { columns, row, holder } = &plan.because(0)[0] else {
            panic!("{plan:#}")
        };
        assert_eq!(columns, "plan_list.name");
        let mut rows = [row.as_str(), holder];
        rows.sort_unstable();
        assert_eq!(rows, ["List(1)", "List(2)"]);
        let plan = flush(session, sent);
        let lines: Vec<&str> = plan.lines().collect();
        assert_eq!(lines[0], "UPDATE plan_list (1 row gives up name)");
        assert!(lines[1].starts_with("    because plan_list.name of List("), "{plan}");
        assert!(lines[1].ends_with("), which is unique"), "{plan}");
        assert_eq!(lines.iter().filter(|l| **l == "UPDATE plan_list (1 row)").count(), 2, "{plan}");
        // A chain needs nothing given up: the rows follow each other.
        for (list, name) in both.iter().zip(["c", "x", "y"]) {
            session.set(*list, List::name, name).unwrap();
        }
        session.add(List { name: "b".into(), ..List::default() }).unwrap();
        let plan = flush(session, sent);
        assert!(!plan.contains("gives up"), "{plan}");
        let part = "because plan_list.name of List(1) depends on that of List(3), which is unique";
        assert!(plan.contains(part), "{plan}");
        let part = "INSERT plan_list (1 row)\n    because plan_list.name of a new List depends on";
        assert!(plan.contains(part), "{plan}");
    });
}

#[test]
fn values_with_keys_that_are_carried_over_are_known_before() {
    each("plan_places", &registry(), |session, sent, _| {
        let both = lists(session, &["a", "b"]);
        let made = (0..3).map(|place| Item { place, ..Item::default() });
        let items = session.add_all(made).unwrap();
        for item in &items {
            session.append(both[0], List::items, *item).unwrap();
        }
        session.commit().unwrap();
        // Another takes the place of one that goes to the other list.
        session.append(both[1], List::items, items[0]).unwrap();
        session.set(items[2], Item::place, 0).unwrap();
        let plan = flush(session, sent);
        let part =
            "plan_item(list_id, place) of Item(3) depends on that of Item(1), which is unique";
        assert!(plan.contains(part), "{plan}");
        // And one that is deleted gives its place up.
        session.delete(items[1]).unwrap();
        session.set(items[2], Item::place, 1).unwrap();
        let plan = flush(session, sent);
        assert!(plan.starts_with("UPDATE plan_item (1 row gives up list_id, place)\n"), "{plan}");
    });
}

#[test]
fn hierarchies_and_objects_that_are_saved_one_by_one() {
    each("plan_classes", &registry(), |session, sent, _| {
        let circle = Circle { radius: 1, ..Circle::default() };
        let circles = session.add_all([circle.clone(), circle]).unwrap();
        let tag = |name: &str| Tag { name: name.into(), ..Tag::default() };
        let tags = session.add_all(["a", "b"].map(tag)).unwrap();
        let plan = flush(session, sent);
        let part =
            "INSERT plan_circle (2 rows)\n    because plan_circle.id depends on plan_shape.id\n";
        assert!(plan.contains(part), "{plan}");
        session.set(circles[0], Circle::radius, 5).unwrap();
        session.set(circles[1], Shape::size, 5).unwrap();
        for (tag, name) in tags.iter().zip(["b", "a"]) {
            session.set(*tag, Tag::name, name).unwrap();
        }
        let plan = flush(session, sent);
        for part in
            ["UPDATE plan_circle (1 row)\n", "UPDATE plan_shape (1 row)\n", "(1 row gives up name)"]
        {
            assert!(plan.contains(part), "{plan}");
        }
        // A new object with the key of one that goes takes over its row.
        session.delete(tags[0]).unwrap();
        let id = session[tags[0]].id;
        session.add(Tag { id, name: "c".into() }).unwrap();
        assert_eq!(flush(session, sent), "UPDATE plan_tag (1 row)\n");
        let names = select::<Tag>().order_by(Tag::id).columns(Tag::name);
        assert_eq!(session.rows(names).unwrap(), ["c", "a"]);
    });
}
