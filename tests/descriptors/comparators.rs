//! Comparators of columns and of relationships.

use aludel::orm::{aliased, delete, update};
use aludel::prelude::*;
use aludel::sql::{BinaryOp, Expr, IntoNode, Node};
use aludel::{ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "words")]
struct Word {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(comparator = ignoring_case)]
    word: String,
    plain: Option<String>,
    #[column(foreign_key = "words.id")]
    root_id: Option<i64>,
    #[relationship(remote_side = "id", comparator = next_to)]
    root: One<Word>,
}

fn lower(node: &Node) -> Node {
    Expr::<String>::from_node(node.clone()).lower().into_node()
}

/// Equality ignores case; less is shorter. The rest is as ever.
fn ignoring_case(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    let ([column], [value]) = (columns, values) else { return None };
    let length = |node: &Node| Expr::<String>::from_node(node.clone()).length().into_node();
    match op {
        BinaryOp::Eq => Some(Node::eq(lower(column), lower(value))),
        BinaryOp::Lt => Some(Node::binary(op, length(column), length(value))),
        _ => None,
    }
}

/// To be the root's follower is to be it, too.
fn next_to(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    let ([column], [value]) = (columns, values) else { return None };
    let one_on = Node::binary(BinaryOp::Add, value.clone(), 1i64.into_node());
    (op == BinaryOp::Eq).then(|| {
        let upper = Node::binary(BinaryOp::Le, column.clone(), one_on);
        Node::and([Node::binary(BinaryOp::Ge, column.clone(), value.clone()), upper])
    })
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Word>().unwrap();
    registry
}

/// Three words, numbered from 1.
fn words(db: &mut Db) {
    for (word, plain, root_id) in
        [("Trucks", "TRUCKS", None), ("cars", "x", Some(1)), ("Ox", "OX", Some(2))]
    {
        let plain = Some(plain.to_owned());
        db.add(Word { word: word.into(), plain, root_id, ..Word::default() }).unwrap();
        db.flush().unwrap();
    }
    db.commit().unwrap();
}

fn ids(db: &mut Db, condition: Expr<bool>) -> Vec<i64> {
    db.rows(select::<Word>().filter(condition).order_by(Word::id).columns(Word::id)).unwrap()
}

#[test]
fn a_column_is_compared_in_its_own_way() {
    each("comparator_columns", registry, |db| {
        words(db);
        assert_eq!(ids(db, Word::word.eq("tRUCKs")), [1]);
        assert_eq!(ids(db, !Word::word.eq("tRUCKs")), [2, 3]);
        assert_eq!(ids(db, Word::word.lt("abcdef")), [2, 3]);
        // On either side, and with another column.
        assert_eq!(ids(db, Word::word.eq(Word::plain)), [1, 3]);
        assert_eq!(ids(db, Word::plain.eq(Word::word)), [1, 3]);
        assert_eq!(ids(db, aludel::literal("abcde".to_owned()).gt(Word::word)), [2, 3]);
        // Of which nothing is said is as ever.
        assert_eq!(ids(db, Word::word.ne("tRUCKs")), [1, 2, 3]);
        assert_eq!(ids(db, Word::word.in_(["tRUCKs", "cars"])), [2]);
        assert_eq!(ids(db, Word::word.like("c%")), [2]);
        assert_eq!(ids(db, Word::plain.eq("trucks")), Vec::<i64>::new());
        assert_eq!(ids(db, Word::word.is_null()), Vec::<i64>::new());
    });
}

#[test]
fn it_holds_under_other_names_in_criteria_and_by_name() {
    each("comparator_places", registry, |db| {
        words(db);
        let other = aliased::<Word>();
        let query = select::<Word>()
            .join_as(Word::root, &other)
            .filter(other.col(Word::word).eq("TRUCKS"))
            .columns(Word::word);
        assert_eq!(db.rows(query).unwrap(), ["cars"]);
        assert_eq!(ids(db, Word::root.has(Word::word.eq("CARS"))), [3]);

        let word = db.entity_named("Word").unwrap();
        let value = word.value("word", Value::from("OX")).unwrap();
        let query =
            db.query_named("Word").unwrap().filter(Node::eq(word.attr("word").unwrap(), value));
        assert_eq!(db.all_of(query).len(), 1);

        // The objects of the session are brought up to date as well.
        let ox = db.one(select::<Word>().filter(Word::word.eq("oX"))).unwrap();
        let set = update::<Word>().set(Word::plain, "set").filter(Word::word.eq("OX"));
        assert_eq!(db.update_by(set), 1);
        db.refresh(ox).unwrap();
        assert_eq!(db[ox].plain.as_deref(), Some("set"));
        assert_eq!(db.execute_delete(delete::<Word>().filter(Word::word.eq("OX"))).unwrap(), 1);
        assert_eq!(ids(db, Word::id.gt(0)), [1, 2]);
    });
}

#[test]
fn a_relationship_is_compared_in_its_own_way() {
    each("comparator_relationships", registry, |db| {
        words(db);
        let first = db.peek::<Word>(1).unwrap().unwrap();
        assert_eq!(ids(db, Word::root.is(first)), [2, 3]);
        assert_eq!(ids(db, Word::root.is_not(first)), [1, 3]);
        assert_eq!(ids(db, Word::root.is_none()), [1]);
    });
}

#[test]
fn classes_described_at_run_time() {
    let registry = Registry::new();
    let class = registry
        .describe("Note")
        .table("notes")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("text", |c| c)
        .comparator("text", ignoring_case)
        .finish()
        .unwrap();
    let mut db = Db::new(registry.clone());
    db.add(class.record().with("text", "Hello").unwrap()).unwrap();
    db.commit().unwrap();
    let text = class.attr::<String>("text").unwrap();
    assert_eq!(db.count(class.select().filter(text.eq("HELLO"))).unwrap(), 1);
    assert_eq!(db.count(class.select().filter(text.ne("Hello"))).unwrap(), 0);

    let wrong = registry
        .describe("Other")
        .table("others")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("text", |c| c)
        .comparator("texts", ignoring_case)
        .finish()
        .unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Configuration);
    assert!(wrong.to_string().contains("did you mean `text`"), "{wrong}");
}
