//! Hybrids: one body for objects and for SQL, and what else they say.

use aludel::orm::{Synchronize, aliased, update};
use aludel::prelude::*;
use aludel::sql::{BinaryOp, Expr, IntoNode, IntoQuery, Node, select as query};
use aludel::{Error, ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "intervals", polymorphic_on = "kind", polymorphic_identity = "plain")]
struct Interval {
    #[column(primary_key)]
    id: Auto<i64>,
    start: i64,
    end: i64,
    kind: String,
    name: Option<String>,
    note: Option<String>,
    #[column(foreign_key = "owners.id")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "intervals")]
    owner: One<Owner>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "intervals", polymorphic_identity = "marked")]
struct Marked {
    #[mapped(base)]
    base: Interval,
    mark: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "owners")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    first: String,
    last: String,
    #[relationship(back_populates = "owner", order_by = "id")]
    intervals: Many<Interval>,
}

const LONG: i64 = 8;

#[hybrids]
impl Interval {
    /// The length.
    #[hybrid]
    fn length(&self) -> i64 {
        self.end - self.start
    }

    #[hybrid]
    fn contains(&self, point: i64) -> bool {
        self.start <= point && point < self.end
    }

    #[hybrid]
    fn intersects(&self, other: &Self) -> bool {
        self.contains(other.start) || other.contains(self.start)
    }

    #[hybrid]
    fn size(&self) -> &'static str {
        let length = self.length();
        if length >= LONG {
            "long"
        } else if (3..LONG).contains(&length) {
            "middling"
        } else {
            "short"
        }
    }

    #[hybrid]
    fn title(&self) -> String {
        if let Some(name) = &self.name {
            format!("{name} ({})", self.length())
        } else {
            "?".to_owned()
        }
    }

    #[hybrid]
    fn is_named_as_noted(&self) -> bool {
        self.name == self.note
    }

    #[hybrid]
    fn is_not_a(&self) -> bool {
        self.name.as_deref() != Some("a")
    }

    #[hybrid]
    fn initial(&self) -> Option<String> {
        self.name.clone().or(self.note.clone()).map(|n| n.to_uppercase())
    }

    #[hybrid]
    fn name_length(&self) -> i64 {
        self.name.as_deref().map_or(-1, |n| n.chars().count() as i64)
    }

    #[hybrid]
    fn is_about(&self, text: &str) -> bool {
        self.name
            .as_ref()
            .is_some_and(|n| n.starts_with(text) || n.ends_with(text) || n.contains("_%"))
            || self.note.is_some()
    }

    #[hybrid]
    fn half(&self) -> f64 {
        (self.start.max(self.end) - self.start.min(self.end).abs()) as f64 / 2.0
    }

    /// An attribute under another name.
    #[hybrid(set = Self::set_begin)]
    fn begin(&self) -> i64 {
        self.start
    }

    fn set_begin(&mut self, begin: i64) {
        self.start = begin;
    }

    #[hybrid(
        expression = (Self::start + Self::end) / 2i64,
        set = Self::move_to,
        update = |update, middle| update.set(Self::start, middle.clone() - 5i64).set(Self::end, middle + 5i64),
    )]
    fn middle(&self) -> i64 {
        i64::midpoint(self.start, self.end)
    }

    fn move_to(&mut self, middle: i64) -> aludel::Result<()> {
        let by = middle - self.middle();
        self.start += by;
        if middle < 0 {
            return Err(Error::new(ErrorKind::Validation, "no interval is below nothing"));
        }
        self.end += by;
        Ok(())
    }

    #[hybrid(expression = Self::name, comparator = ignoring_case)]
    fn word(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A correlated expression over a relationship.
    #[hybrid(expression = query(Owner::last).filter(Owner::id.eq(Self::owner_id)).scalar::<String>())]
    fn owned_by(&self) -> Option<String> {
        None
    }
}

fn ignoring_case(op: BinaryOp, columns: &[Node], values: &[Node]) -> Option<Node> {
    let lower =
        |of: &[Node]| Some(Expr::<String>::from_node(of.first()?.clone()).lower().into_node());
    (op == BinaryOp::Eq).then(|| Some(Node::eq(lower(columns)?, lower(values)?)))?
}

#[hybrids(trait = People)]
impl Owner {
    #[hybrid(set = Self::rename)]
    fn full(&self) -> String {
        self.first.clone() + " " + &self.last
    }

    fn rename(&mut self, full: String) -> aludel::Result<()> {
        let (first, last) = full
            .split_once(' ')
            .ok_or_else(|| Error::new(ErrorKind::Validation, "a full name has two parts"))?;
        (self.first, self.last) = (first.to_owned(), last.to_owned());
        Ok(())
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Interval>().unwrap();
    registry.register::<Marked>().unwrap();
    registry.register::<Owner>().unwrap();
    registry
}

fn interval(start: i64, end: i64, name: Option<&str>, note: Option<&str>) -> Interval {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Interval { start, end, name: text(name), note: text(note), ..Interval::default() }
}

/// Intervals of every kind, numbered from 1; the second and third are Jane's.
fn intervals(db: &mut Db) -> Vec<Handle<Interval>> {
    let jane = Owner { first: "Jane".into(), last: "Doe".into(), ..Owner::default() };
    let jane = db.add(jane).unwrap();
    let all = [
        interval(0, 10, Some("a"), Some("a")),
        interval(-4, 1, Some("b_%c"), None),
        interval(5, 6, None, None),
        interval(2, 5, None, Some("note")),
        interval(100, 90, Some("Äb"), Some("a")),
    ];
    let mut handles = Vec::new();
    for (at, interval) in all.into_iter().enumerate() {
        let handle = db.add(interval).unwrap();
        if matches!(at, 1 | 2) {
            db.set(handle, Interval::owner, jane).unwrap();
        }
        db.flush().unwrap();
        handles.push(handle);
    }
    db.commit().unwrap();
    handles
}

fn ids(db: &mut Db, condition: Expr<bool>) -> Vec<i64> {
    let query = select::<Interval>().filter(condition).order_by(Interval::id);
    db.rows(query.columns(Interval::id)).unwrap()
}

/// What SQL says of every interval, beside what Rust says.
macro_rules! same {
    ($db:expr, $handles:expr, $($hybrid:ident),*) => {$(
        let query = select::<Interval>().order_by(Interval::id).columns(Interval::$hybrid);
        let of_rows = $db.rows(query).unwrap();
        let of_objects: Vec<_> = $handles.iter().map(|h| $db[*h].$hybrid().to_owned()).collect();
        assert_eq!(of_rows, of_objects, stringify!($hybrid));
    )*};
}

#[test]
fn a_body_means_the_same_in_sql() {
    each("hybrid_bodies", registry, |db| {
        let handles = intervals(db);
        same!(db, handles, length, title, is_named_as_noted, is_not_a, name_length, half);
        same!(db, handles, size, begin, middle);
        let initials =
            db.rows(select::<Interval>().order_by(Interval::id).columns(Interval::initial));
        let initials = initials.unwrap();
        assert_eq!(
            initials[..4],
            [Some("A".into()), Some("B_%C".into()), None, Some("NOTE".into())]
        );
        assert_eq!(db[handles[1]].initial(), initials[1]);
        for point in [-4, 0, 1, 5, 90, 100] {
            let of_objects: Vec<i64> = handles
                .iter()
                .filter(|h| db[**h].contains(point))
                .map(|h| db[*h].id.value())
                .collect();
            assert_eq!(ids(db, Interval::contains(point)), of_objects, "{point}");
        }
        for text in ["a", "b", "%", "_%c", "Ä", "longer than all", ""] {
            let of_objects: Vec<i64> = handles
                .iter()
                .filter(|h| db[**h].is_about(text))
                .map(|h| db[*h].id.value())
                .collect();
            assert_eq!(ids(db, Interval::is_about(text)), of_objects, "{text}");
        }
    });
}

#[test]
fn they_stand_wherever_attributes_do() {
    each("hybrid_places", registry, |db| {
        intervals(db);
        assert_eq!(ids(db, Interval::length.gt(3)), [1, 2]);
        assert_eq!(ids(db, Interval::is_named_as_noted & Interval::length.lt(5)), [3]);
        assert_eq!(ids(db, !Interval::is_named_as_noted), [2, 4, 5]);
        assert_eq!(ids(db, Interval::size.in_(["short", "long"])), [1, 3, 5]);
        assert_eq!(ids(db, Interval::title.like("a%")), [1]);
        assert_eq!(ids(db, (Interval::length + 1).eq(Interval::end - 1)), [4]);
        // In orders, groups and aggregates.
        let query = select::<Interval>().order_by((Interval::length.desc(), Interval::id));
        assert_eq!(db.rows(query.columns(Interval::id)).unwrap(), [1, 2, 4, 3, 5]);
        let size = Interval::size.label("size");
        let query = select::<Interval>().group_by(size.clone()).order_by(size.clone());
        let sizes = db.rows(query.columns((size, Interval::length.sum()))).unwrap();
        let sizes: Vec<_> = sizes.iter().map(|(size, sum)| (size.as_str(), *sum)).collect();
        assert_eq!(sizes, [("long", Some(10)), ("middling", Some(8)), ("short", Some(-9))]);
        // In criteria of relationships.
        let owners = select::<Owner>().filter(Owner::intervals.any(Interval::contains(-1)));
        assert_eq!(db.count(owners).unwrap(), 1);
        assert_eq!(ids(db, Interval::owner.has(Owner::full.eq("Jane Doe"))), [2, 3]);
        assert_eq!(ids(db, Interval::owned_by.eq("Doe")), [2, 3]);
    });
}

#[test]
fn aliases_and_other_objects() {
    each("hybrid_aliases", registry, |db| {
        let handles = intervals(db);
        let other = aliased::<Interval>();
        let pairs = select::<Interval>()
            .join_alias_on(&other, other.col(Interval::id).gt(Interval::id))
            .order_by((Interval::id, other.col(Interval::id)));
        let meeting = pairs.clone().filter(Interval::intersects(&other));
        let meeting = db.rows(meeting.columns((Interval::id, other.col(Interval::id)))).unwrap();
        let mut of_objects = Vec::new();
        for (at, one) in handles.iter().enumerate() {
            for two in &handles[at + 1..] {
                if db[*one].intersects(&db[*two]) {
                    of_objects.push((db[*one].id.value(), db[*two].id.value()));
                }
            }
        }
        assert_eq!(meeting, of_objects);
        assert!(meeting.len() > 2, "{meeting:?}");

        let query = pairs.clone().filter(other.col(Interval::length).gt(Interval::length));
        let longer = db.rows(query.columns((Interval::id, other.col(Interval::id)))).unwrap();
        assert_eq!(longer, [(3, 4)]);
        let query = pairs.clone().filter(other.expr(Interval::contains(0)) & Interval::contains(0));
        assert_eq!(db.rows(query.columns(other.col(Interval::id))).unwrap(), [2]);
        // What is correlated is so with the alias.
        let query = pairs.filter(other.col(Interval::owned_by).eq("Doe") & Interval::id.eq(2));
        assert_eq!(
            db.rows(query.columns(other.col(Interval::owned_by))).unwrap(),
            [Some("Doe".to_owned())]
        );
    });
}

#[test]
fn subclasses_have_the_hybrids_of_their_base() {
    each("hybrid_subclasses", registry, |db| {
        let base = interval(1, 4, None, None);
        let marked = db.add(Marked { base, mark: Some(1) }).unwrap();
        db.commit().unwrap();
        assert_eq!(db[marked].length(), 3);
        let query = select::<Marked>().filter(Interval::length.eq(3));
        assert_eq!(db.all(query).unwrap(), [marked]);
        db.set(marked, Interval::begin, 2).unwrap();
        assert_eq!(db.get_named(marked, "length").unwrap(), Some(Value::I64(2).into()));
        let class = db.entity_named("Marked").unwrap();
        let query = db.query_named("Marked").unwrap();
        let two = class.value("length", Value::I64(2)).unwrap();
        let query = query.filter(Node::eq(class.attr("length").unwrap(), two));
        assert_eq!(db.all_of(query).len(), 1);
        let set = update::<Marked>().set(Interval::begin, 0).filter(Interval::length.eq(2));
        assert_eq!(db.update_by(set), 1);
        assert_eq!(db[marked].start, 0);
    });
}

#[test]
fn what_sets_a_hybrid() {
    each("hybrid_setters", registry, |db| {
        let handles = intervals(db);
        let first = handles[0];
        db.set(first, Interval::begin, 1).unwrap();
        assert_eq!(db.history(first, Interval::start).unwrap().deleted(), [0]);
        db.set(first, Interval::middle, 50).unwrap();
        assert_eq!((db[first].start, db[first].end), (46, 55));
        // What it refuses leaves the object as it was.
        let refused = db.set(first, Interval::middle, -1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Validation);
        assert_eq!((db[first].start, db[first].end), (46, 55));
        db.set_named(first, "middle", Value::I64(0)).unwrap();
        assert_eq!(db[first].middle(), 0);
        let only_read = db.set(first, Interval::length, 3).unwrap_err();
        assert!(
            only_read.to_string().contains("length is a hybrid that is only read"),
            "{only_read}"
        );
        assert!(db.set_named(first, "middle", Value::from("x")).is_err());
        let unknown = db.get_named(first, "lenght").unwrap_err();
        assert!(unknown.to_string().contains("did you mean `length`"), "{unknown}");

        // A draft that is refused.
        let same = db.try_edit(first, |draft| {
            draft.start = 7;
            draft.move_to(-7)
        });
        assert_eq!(same.unwrap_err().kind(), ErrorKind::Validation);
        assert_ne!(db[first].start, 7);
        let jane = db.value(handles[1], Interval::owner_id).unwrap().unwrap();
        let jane = db.get::<Owner>(jane).unwrap().unwrap();
        db.set(jane, Owner::full, "John Roe".to_owned()).unwrap();
        assert_eq!(db.set(jane, Owner::full, "x").unwrap_err().kind(), ErrorKind::Validation);
        db.commit().unwrap();
        assert_eq!(db.rows(select::<Owner>().columns(Owner::full)).unwrap(), ["John Roe"]);
    });
}

#[test]
fn updates_by_criteria_set_hybrids() {
    each("hybrid_updates", registry, |db| {
        let handles = intervals(db);
        // One that is an attribute, one with an `update`, both seen by the objects that are here.
        let set = update::<Interval>().set(Interval::begin, Interval::begin - 1);
        assert_eq!(db.update_by(set.filter(Interval::length.eq(10))), 1);
        assert_eq!(db[handles[0]].start, -1);
        let set = update::<Interval>().set(Interval::middle, 50).filter(Interval::id.eq(3));
        assert_eq!(db.update_by(set), 1);
        db.refresh(handles[2]).unwrap();
        assert_eq!((db[handles[2]].start, db[handles[2]].end), (45, 55));
        // One that is an expression.
        let set = update::<Interval>().set(Interval::length, 3).synchronize(Synchronize::None);
        let refused = db.execute_update(set).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Argument);
        assert!(refused.to_string().contains("Interval.length is an expression"), "{refused}");
        let mut by_name = db.by_criteria("Interval").unwrap();
        let length = db.entity_named("Interval").unwrap().value("length", Value::I64(1)).unwrap();
        assert_eq!(by_name.set("length", length.clone()).unwrap_err().kind(), ErrorKind::Argument);
        assert_eq!(by_name.set("lenth", length).unwrap_err().kind(), ErrorKind::Unmapped);
    });
}

#[test]
fn a_hybrid_with_a_comparator() {
    each("hybrid_comparators", registry, |db| {
        intervals(db);
        assert_eq!(ids(db, Interval::word.eq("B_%C")), [2]);
        assert_eq!(ids(db, !Interval::word.eq("B_%C")), [1, 5]);
        assert_eq!(ids(db, Interval::name.eq("B_%C")), Vec::<i64>::new());
        assert_eq!(ids(db, Interval::word.is_null()), [3, 4]);
        let other = aliased::<Interval>();
        let query = select::<Interval>()
            .join_alias_on(&other, other.col(Interval::id).eq(Interval::id))
            .filter(other.col(Interval::word).eq("A"));
        assert_eq!(db.rows(query.columns(Interval::id)).unwrap(), [1]);
    });
}

#[test]
fn what_is_neither_less_nor_greater_is_an_error() {
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(table = "ages")]
    struct Person {
        #[column(primary_key)]
        id: Auto<i64>,
        age: Option<i64>,
    }

    #[hybrids]
    impl Person {
        #[hybrid]
        fn is_young(&self) -> bool {
            self.age < Some(18)
        }
        #[hybrid]
        fn is_old(&self) -> bool {
            self.age.is_some_and(|age| age > 70)
        }
    }
    let registry = Registry::new();
    registry.register::<Person>().unwrap();
    let mut db = Db::new(registry);
    let nobody = Person::default();
    assert!(nobody.is_young() && !nobody.is_old());
    let refused = db.count(select::<Person>().filter(Person::is_young)).unwrap_err();
    assert!(refused.to_string().contains("say what is meant by `is_some_and`"), "{refused}");
    assert_eq!(db.count(select::<Person>().filter(!Person::is_old)).unwrap(), 0);
}

#[test]
fn classes_described_at_run_time() {
    let registry = Registry::new();
    let class = registry
        .describe("Span")
        .table("spans")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<i64>("start", |c| c)
        .column::<i64>("stop", |c| c)
        .column::<String>("name", |c| c)
        .hybrid::<i64, _>(
            "length",
            |record| {
                record.get::<i64>("stop").unwrap_or(&0) - record.get::<i64>("start").unwrap_or(&0)
            },
            |class| Ok(class.attr::<i64>("stop")? - class.attr::<i64>("start")?),
        )
        .hybrid_set::<i64>(|record, length| {
            let start = record.get::<i64>("start").copied().unwrap_or_default();
            record.set("stop", start + length)
        })
        .hybrid::<String, _>(
            "title",
            |record| record.get::<String>("name").cloned().unwrap_or_default(),
            |class| class.attr::<String>("name"),
        )
        .comparator("title", ignoring_case)
        .finish()
        .unwrap();
    let mut db = Db::new(registry);
    let length = class.hybrid::<i64>("length").unwrap();
    let mut new = |start: i64, stop: i64, name: &str| {
        let span = class.record().with("start", start).unwrap().with("stop", stop).unwrap();
        db.add(span.with("name", name).unwrap()).unwrap()
    };
    let (short, long) = (new(1, 2, "Short"), new(1, 9, "long"));
    db.commit().unwrap();
    assert_eq!(db.all(class.select().filter(length.gt(1))).unwrap(), [long]);
    let other = class.aliased();
    let query = class.select().join_alias_on(&other, other.col(length).gt(length));
    assert_eq!(db.all(query).unwrap(), [short]);
    let title = class.hybrid::<String>("title").unwrap();
    assert_eq!(db.all(class.select().filter(title.eq("SHORT"))).unwrap(), [short]);
    db.set(short, length, 5).unwrap();
    assert_eq!(db.get_named(short, "stop").unwrap(), Some(Value::I64(6).into()));
    db.set_named(short, "length", Value::I64(7)).unwrap();
    assert_eq!(db.get_named(short, "length").unwrap(), Some(Value::I64(7).into()));
    assert_eq!(
        db.set_named(short, "title", Value::from("x")).unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    assert_eq!(class.hybrid::<String>("length").unwrap_err().kind(), ErrorKind::Argument);
    assert!(class.hybrid::<i64>("lenth").unwrap_err().to_string().contains("`length`"));
}

#[test]
fn a_result_has_the_name_of_its_hybrid() {
    use aludel::sql::Selectable;
    each("hybrid_names", registry, |db| {
        intervals(db);
        let lengths =
            select::<Interval>().columns((Interval::id, Interval::length, Interval::begin));
        let lengths = lengths.subquery();
        let longest = query(lengths.col::<i64>("length").max()).from(&lengths).scalar::<i64>();
        let found =
            select::<Interval>().filter(Interval::length.type_as::<Option<i64>>().eq(longest));
        assert_eq!(db.rows(found.columns(Interval::id)).unwrap(), [1]);
        let begins = query(lengths.col::<i64>("begin").min()).from(&lengths).scalar::<i64>();
        let found =
            select::<Interval>().filter(Interval::start.type_as::<Option<i64>>().eq(begins));
        assert_eq!(db.rows(found.columns(Interval::id)).unwrap(), [2]);
    });
}
