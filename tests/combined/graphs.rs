//! Graphs of one class, references to one, cascades in circles: members that move while their owners go.

use aludel::events::SessionEvent;
use aludel::many;
use aludel::prelude::*;
use aludel::sql::{Action, Column, ForeignKey, Table};

use super::{rows, with};
use crate::support::{Db, each};

/// Many-to-many of a class with itself; the database clears up.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_node")]
struct Node {
    #[column(primary_key)]
    id: i64,
    #[relationship(
        back_populates = "before",
        secondary = "combined_edge(src; dst)",
        order_by = "id",
        passive_deletes
    )]
    after: Many<Node>,
    #[relationship(
        back_populates = "after",
        secondary = "combined_edge(dst; src)",
        order_by = "id",
        passive_deletes
    )]
    before: Many<Node>,
}

fn nodes() -> Registry {
    let registry = Registry::new();
    let key = |column: &str| {
        ForeignKey::new([column], "combined_node", ["id"]).on_delete(Action::Cascade)
    };
    let edges = Table::build("combined_edge")
        .column(Column::of::<i64>("src").primary_key())
        .column(Column::of::<i64>("dst").primary_key())
        .foreign_key(key("src"))
        .foreign_key(key("dst"));
    registry.add_table(edges.finish().unwrap()).unwrap();
    registry.register::<Node>().unwrap();
    registry
}

fn edges(db: &mut Db) -> String {
    rows(db, "SELECT src, dst FROM combined_edge ORDER BY src, dst")
}

#[test]
fn edges_of_nodes_that_go() {
    each("combined_nodes", nodes, |db| {
        let node = |id| Node { id, ..Node::default() };
        let n = db.add_all([1, 2, 3, 4].map(node)).unwrap();
        for (from, to) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
            db.append(n[from], Node::after, n[to]).unwrap();
        }
        db.append(n[3], Node::before, n[0]).unwrap();
        db.commit().unwrap();
        assert_eq!(edges(db), "1:2 1:4 2:3 3:1 4:4");
        // One side is loaded, and the database does the other; then both, of an edge from a node to itself.
        db.renew();
        for (id, both) in [(1, false), (4, true)] {
            let node = db.get_one::<Node>(id).unwrap();
            db.load(node, Node::after).unwrap();
            if both {
                db.load(node, Node::before).unwrap();
            }
            db.delete(node).unwrap();
            db.commit().unwrap();
        }
        assert_eq!(edges(db), "2:3");
        // An edge is turned round, while another comes from a new node; then both its ends go.
        let [two, three] = [2, 3].map(|id| db.get_one::<Node>(id).unwrap());
        db.load_all(&[two, three], Node::after).unwrap();
        db.load_all(&[two, three], Node::before).unwrap();
        let five = db.add(node(5)).unwrap();
        db.append(five, Node::after, two).unwrap();
        db.remove(two, Node::after, three).unwrap();
        db.append(three, Node::after, two).unwrap();
        db.commit().unwrap();
        assert_eq!(edges(db), "3:2 5:2");
        db.delete(two).unwrap();
        db.delete(three).unwrap();
        db.commit().unwrap();
        assert_eq!(edges(db), "");
        assert_eq!(db.rows(select::<Node>().columns(Node::id)).unwrap(), [5]);
    });
}

/// A tree with unique names.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_tree")]
struct Tree {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    name: String,
    #[column(foreign_key = "combined_tree.id")]
    parent_id: Option<i64>,
    #[relationship(back_populates = "parent", cascade = "all, delete-orphan", order_by = "id")]
    children: Many<Tree>,
    #[relationship(back_populates = "children", remote_side = "id")]
    parent: One<Tree>,
}

fn tree(id: i64, children: Many<Tree>) -> Tree {
    Tree { id, name: format!("n{id}"), children, ..Tree::default() }
}

#[test]
fn subtrees_move_while_their_parents_go() {
    with::<Tree>("combined_trees", |db| {
        let all = "SELECT id, parent_id, name FROM combined_tree ORDER BY id";
        let three = tree(3, many![tree(4, many![])]);
        let two = tree(2, many![three, tree(5, many![])]);
        db.add(tree(1, many![two, tree(6, many![])])).unwrap();
        db.commit().unwrap();
        db.renew();
        // 2 goes, with 5, and 3 goes to 6, with 4: of no collection is anything known.
        let [two, three, six] = [2, 3, 6].map(|id| db.get_one::<Tree>(id).unwrap());
        db.set(three, Tree::parent, six).unwrap();
        db.delete(two).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "1:-:n1 3:6:n3 4:3:n4 6:1:n6");
        // A parent becomes the child of its child, and their names change places.
        let four = db.get_one::<Tree>(4).unwrap();
        db.set(four, Tree::parent, six).unwrap();
        db.set(three, Tree::parent, four).unwrap();
        db.set(three, Tree::name, "n4").unwrap();
        db.set(four, Tree::name, "n3").unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "1:-:n1 3:4:n4 4:6:n3 6:1:n6");
        // A new one gets the name and the place of one that goes.
        db.delete(three).unwrap();
        let new = db.add(Tree { name: "n4".into(), ..tree(7, many![]) }).unwrap();
        db.set(new, Tree::parent, four).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "1:-:n1 4:6:n3 6:1:n6 7:4:n4");
        db.renew();
        let root = db.get_one::<Tree>(1).unwrap();
        db.delete(root).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "");
    });
}

/// Each has one of the other, and goes with it.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_person")]
struct Person {
    #[column(primary_key)]
    id: i64,
    deleted: bool,
    #[column(foreign_key = "combined_person.id")]
    boss_id: Option<i64>,
    #[relationship(back_populates = "staff", remote_side = "id")]
    boss: One<Person>,
    #[relationship(back_populates = "boss", order_by = "id")]
    staff: Many<Person>,
    #[relationship(back_populates = "person", cascade = "all")]
    desk: One<Desk>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_desk")]
struct Desk {
    #[column(primary_key)]
    id: i64,
    #[column(foreign_key = "combined_person.id", unique)]
    person_id: Option<i64>,
    #[relationship(back_populates = "desk", cascade = "all")]
    person: One<Person>,
}

/// Three, each the boss of the next, in a circle.
fn people(db: &mut Db) -> Vec<Handle<Person>> {
    let desk = |id| Desk { id: 10 * id, ..Desk::default() };
    let person = |id| Person { id, desk: desk(id).into(), ..Person::default() };
    let people = db.add_all([1, 2, 3].map(person)).unwrap();
    for at in 0..3 {
        db.set(people[(at + 1) % 3], Person::boss, people[at]).unwrap();
    }
    db.commit().unwrap();
    people
}

const DESKS: &str = "SELECT id, person_id FROM combined_desk ORDER BY id";
const PEOPLE: &str = "SELECT id, boss_id FROM combined_person ORDER BY id";

#[test]
fn desks_change_places() {
    with::<Person>("combined_desks", |db| {
        let people = people(db);
        let desks: Vec<_> = people.iter().map(|person| db[*person].desk.get().unwrap()).collect();
        assert_eq!(rows(db, DESKS), "10:1 20:2 30:3");
        // By either side; the keys are unique.
        for (person, desk) in people.iter().zip([1, 2, 0]) {
            db.set(*person, Person::desk, desks[desk]).unwrap();
        }
        db.commit().unwrap();
        assert_eq!(rows(db, DESKS), "10:3 20:1 30:2");
        for (desk, person) in desks.iter().zip([0, 1, 2]) {
            db.set(*desk, Desk::person, people[person]).unwrap();
        }
        db.commit().unwrap();
        assert_eq!(rows(db, DESKS), "10:1 20:2 30:3");
    });
}

#[test]
fn cascades_in_circles() {
    with::<Person>("combined_circles", |db| {
        people(db);
        assert_eq!(rows(db, PEOPLE), "1:3 2:1 3:2");
        db.renew();
        let desk = db.get_one::<Desk>(10).unwrap();
        db.delete(desk).unwrap();
        db.commit().unwrap();
        assert_eq!((rows(db, PEOPLE), rows(db, DESKS)), ("2:- 3:2".into(), "20:2 30:3".into()));
        // Two that are each other's bosses.
        let [two, three] = [2, 3].map(|id| db.get_one::<Person>(id).unwrap());
        db.set(two, Person::boss, three).unwrap();
        db.commit().unwrap();
        db.delete(two).unwrap();
        db.delete(three).unwrap();
        db.commit().unwrap();
        assert_eq!((rows(db, PEOPLE), rows(db, DESKS)), (String::new(), String::new()));
    });
}

#[test]
fn a_listener_makes_deletions_soft() {
    with::<Person>("combined_soft", |db| {
        let people = people(db);
        db.on(SessionEvent::BeforeFlush, |session, _| {
            for id in session.deleted_objects() {
                session.add(id)?;
                if let Ok(person) = session.handle_of::<Person>(id) {
                    session.set(person, Person::deleted, true)?;
                }
            }
            Ok(())
        })
        .unwrap();
        db.delete(people[0]).unwrap();
        db.commit().unwrap();
        let deleted = "SELECT id, deleted FROM combined_person ORDER BY id";
        assert_eq!(rows(db, deleted).replace("true", "1").replace("false", "0"), "1:1 2:0 3:0");
        assert_eq!(rows(db, DESKS), "10:1 20:2 30:3");
        assert_eq!(db.state(people[0]).unwrap(), ObjectState::Persistent);
    });
}

#[test]
fn collections_that_hold_what_was_deleted() {
    with::<Tree>("combined_stale", |db| {
        let all = "SELECT id, parent_id FROM combined_tree ORDER BY id";
        let children = many![tree(2, many![]), tree(3, many![]), tree(4, many![])];
        let one = db.add(tree(1, children)).unwrap();
        db.commit().unwrap();
        // A commit does not expire, so that the collection shows the deleted one until it is loaded again: that is in
        // nobody's way.
        let members = db[one].children.to_vec();
        db.delete(members[0]).unwrap();
        db.commit().unwrap();
        db.append(one, Tree::children, tree(5, many![])).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "1:- 3:1 4:1 5:1");
        db.set(one, Tree::children, [members[1]]).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "1:- 3:1");
        db.delete(members[1]).unwrap();
        db.commit().unwrap();
        db.delete(one).unwrap();
        db.commit().unwrap();
        assert_eq!(rows(db, all), "");
    });
}
