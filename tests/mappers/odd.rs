//! Schemas that somebody else designed.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::{Column, ForeignKey, Joinable, Table};
use aludel::{ErrorKind, Value};

use crate::each;

/// Keywords, spaces, capitals and quotes in every name.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "order", index(columns(group), name = "Order \"by\" group"))]
#[mapped(unique("Qu\"ote", select))]
struct Order {
    #[column(name = "Order Id", primary_key)]
    id: Auto<i64>,
    group: String,
    #[column(name = "select")]
    select: Option<i64>,
    #[column(name = "Qu\"ote")]
    quote: Option<String>,
    #[column(name = "user", foreign_key = "order.Order Id")]
    user_id: Option<i64>,
    #[relationship(remote_side = "Order Id", back_populates = "table")]
    from: One<Order>,
    #[relationship(back_populates = "from", order_by = "-group")]
    table: Many<Order>,
    #[relationship(secondary = "Tag Of(Order Id; Tag Id)", order_by = "name")]
    tags: Many<Tag>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "Tag")]
struct Tag {
    #[column(name = "Tag Id", primary_key)]
    id: Auto<i64>,
    name: String,
    default: Option<String>,
}

fn keywords() -> Registry {
    let registry = Registry::new();
    registry.register::<Order>().unwrap();
    registry
}

#[test]
fn names_of_every_kind() {
    each("odd_names", keywords, |db| {
        let tag = |name: &str| Tag { name: name.into(), ..Default::default() };
        let under = |group: &str, select| Order {
            group: group.into(),
            select: Some(select),
            quote: Some("\"".into()),
            ..Order::default()
        };
        let order = Order {
            group: "a".into(),
            table: many![under("b", 2), under("c", 1)],
            tags: many![tag("y"), tag("x")],
            ..Order::default()
        };
        db.add(order).unwrap();
        db.commit().unwrap();
        for strategy in 0..3 {
            db.renew();
            let query = select::<Order>().filter(Order::group.eq("a"));
            let query = match strategy {
                0 => query.options((joined(Order::table), joined(Order::tags))),
                1 => query.options((selectin(Order::table), selectin(Order::tags))),
                _ => query.options((
                    aludel::orm::subquery(Order::table),
                    aludel::orm::subquery(Order::tags),
                )),
            };
            let one = db.one(query).unwrap();
            let groups: Vec<_> =
                db.members(one, Order::table).map(|o| db[o].group.clone()).collect();
            assert_eq!(groups, ["c", "b"]);
            let tags: Vec<_> = db.members(one, Order::tags).map(|t| db[t].name.clone()).collect();
            assert_eq!(tags, ["x", "y"]);
        }
        let other = aludel::aliased::<Order>();
        let query =
            select::<Order>().join_as(Order::from, &other).filter(other.col(Order::group).eq("a"));
        assert_eq!(db.count(query).unwrap(), 2);
        let query =
            select::<Order>().filter(Order::quote.eq("\"") & Order::tags.any(Tag::name.eq("x")));
        assert_eq!(db.count(query).unwrap(), 0);
        let update = aludel::orm::update::<Order>()
            .set(Order::select, Order::select + 10)
            .filter(Order::group.ne("a"));
        assert_eq!(db.execute_update(update).unwrap(), 2);
        let one = db.one(select::<Order>().filter(Order::select.eq(12))).unwrap();
        db.edit(one, |o| o.quote = Some("'".into())).unwrap();
        db.commit().unwrap();
        let from = db.load(one, Order::from).unwrap().get().unwrap();
        db.delete(from).unwrap();
        db.commit().unwrap();
        assert_eq!(
            db.raw("SELECT \"user\", \"Qu\"\"ote\" FROM \"order\" ORDER BY \"group\""),
            [[Value::Null, "'".into()], [Value::Null, "\"".into()]]
        );
        assert_eq!(db.raw("SELECT count(*) FROM \"Tag Of\""), [[Value::I64(0)]]);
    });
}

fn people() -> Table {
    Table::build("odd_people")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("name"))
        .column(Column::of::<Option<String>>("kind"))
        .finish()
        .unwrap()
}

/// A subclass whose table has a key of its own, and refers to the base by another column.
#[test]
fn a_subclass_with_a_key_of_its_own() {
    let registry = || {
        let registry = Registry::new();
        let person = registry
            .describe("Person")
            .of_table(&people())
            .configure(|m| {
                m.polymorphic_on("kind").polymorphic_identity("person");
            })
            .finish()
            .unwrap();
        let employees = Table::build("odd_employees")
            .column(Column::of::<i64>("employee_id").primary_key())
            .column(Column::of::<i64>("person_id"))
            .column(Column::of::<String>("job"))
            .foreign_key(ForeignKey::new(["person_id"], "odd_people", ["id"]))
            .finish()
            .unwrap();
        registry
            .describe("Employee")
            .of_table(&employees)
            .inherits(person)
            .configure(|m| {
                m.polymorphic_identity("employee");
            })
            .finish()
            .unwrap();
        registry.configure().unwrap();
        registry
    };
    each("odd_distinct", registry, |db| {
        let class = |name: &str| db.registry.record_class(name).unwrap();
        let (person, employee) = (class("Person"), class("Employee"));
        db.add(person.record().with("name", "a").unwrap()).unwrap();
        db.flush().unwrap();
        let b =
            db.add(employee.record().with("name", "b").unwrap().with("job", "x").unwrap()).unwrap();
        db.commit().unwrap();
        let rows = db.raw("SELECT employee_id, person_id, job FROM odd_employees");
        assert_eq!(rows, [[Value::I64(1), Value::I64(2), "x".into()]]);
        assert_eq!(db[b].value("employee_id").unwrap(), 1.into());
        assert_eq!(db[b].value("person_id").unwrap(), 2.into());
        db.set_named(b, "job", "y").unwrap();
        db.commit().unwrap();
        db.renew();
        let all =
            db.all(person.select().order_by(person.attr::<Auto<i64>>("id").unwrap())).unwrap();
        db.refresh(all[1]).unwrap();
        assert_eq!(db[all[1]].class_name(), "Employee");
        let by_job = employee.select().filter(employee.attr::<String>("job").unwrap().eq("y"));
        assert_eq!(db.all(by_job).unwrap(), [all[1]]);
        // The attributes of the reference and of the key of its own.
        assert_eq!(db.get_named(all[1], "person_id").unwrap(), Some(Value::I64(2).into()));
        assert_eq!(db.get_named(all[1], "employee_id").unwrap(), Some(Value::I64(1).into()));
        let job = employee.attr::<String>("job").unwrap();
        db.load(all[1], job).unwrap();
        assert_eq!(*db.value(all[1], job).unwrap(), "y");
        db.delete(all[1]).unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT count(*) FROM odd_employees"), [[Value::I64(0)]]);
        assert_eq!(db.raw("SELECT count(*) FROM odd_people"), [[Value::I64(1)]]);
    });
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "odd_boss_people",
    polymorphic_on = "kind",
    polymorphic_identity = "person",
    subclasses(Worker)
)]
struct Human {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
}

/// Two foreign keys to the base's table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "odd_workers", polymorphic_identity = "worker")]
struct Worker {
    #[mapped(base)]
    human: Human,
    #[column(name = "worker_id", primary_key, foreign_key = "odd_boss_people.id")]
    worker_id: i64,
    #[column(foreign_key = "odd_boss_people.id")]
    boss_id: Option<i64>,
    #[relationship(foreign_keys = "boss_id")]
    boss: One<Human>,
}

#[test]
fn a_subclass_with_two_references_to_its_base() {
    let registry = || {
        let registry = Registry::new();
        registry.register::<Human>().unwrap();
        registry
    };
    each("odd_two_keys", registry, |db| {
        let ann = db.add(Human { name: "ann".into(), ..Human::default() }).unwrap();
        let human = Human { name: "bob".into(), ..Human::default() };
        let bob = db.add(Worker { human, boss: ann.into(), ..Worker::default() }).unwrap();
        db.commit().unwrap();
        assert_eq!(
            db.raw("SELECT worker_id, boss_id FROM odd_workers"),
            [[Value::I64(2), Value::I64(1)]]
        );
        assert_eq!(db[bob].worker_id, 2);
        db.renew();
        let bob =
            db.one(select::<Worker>().filter(Worker::boss.has(Human::name.eq("ann")))).unwrap();
        db.load(bob, Worker::boss).unwrap();
        assert_eq!(db[db[bob].boss.get().unwrap()].name, "ann");
        let by = select::<Worker>().filter(Worker::worker_id.eq(2)).options(joined(Worker::boss));
        assert_eq!(db.all(by).unwrap(), [bob]);
    });
}

/// An outer join: some rows have nothing at the far side.
#[test]
fn an_outer_join() {
    let registry = || {
        let registry = Registry::new();
        let addresses = Table::build("odd_addresses")
            .column(Column::of::<i64>("address_id").primary_key())
            .column(Column::of::<Option<String>>("email"))
            .column(Column::of::<Option<i64>>("person_id").references("odd_people.id"))
            .finish()
            .unwrap();
        let people = people();
        let join = people.left_join(&addresses).unwrap();
        registry.describe("Both").of(join).finish().unwrap();
        registry.configure().unwrap();
        registry
    };
    each("odd_outer", registry, |db| {
        db.execute("INSERT INTO odd_people (name) VALUES ('a'), ('b')");
        db.execute("INSERT INTO odd_addresses (email, person_id) VALUES ('x', 1)");
        db.commit().unwrap();
        let both = db.registry.record_class("Both").unwrap();
        // What is on the left is there, what is on the right need not be.
        let name = both.attr::<String>("name").unwrap();
        let email = both.attr::<Option<String>>("email").unwrap();
        both.attr::<Option<i64>>("address_id").unwrap();
        let all = db.all(both.select().order_by(name)).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(db[all[1]].value("address_id").unwrap(), Value::Null);
        db.set(all[1], name, "bb").unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT name FROM odd_people WHERE id = 2"), [["bb".into()]]);
        // A row that is not there is not written.
        db.set(all[1], email, Some("new".to_owned())).unwrap();
        let error = db.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Flush, "{error}");
        db.rollback().unwrap();
        let new = both.record().with("name", "c").unwrap().with("email", "z").unwrap();
        let new = db.add(new).unwrap();
        db.commit().unwrap();
        assert_eq!(db[new].value("address_id").unwrap(), 2.into());
        let rows = db.raw("SELECT a.email FROM odd_people p JOIN odd_addresses a ON a.person_id = p.id ORDER BY 1");
        assert_eq!(rows, [["x".into()], [Value::from("z")]]);
    });
}

/// The same column under two names.
#[test]
fn a_column_twice() {
    #[derive(Mapped, Clone, Debug, Default, PartialEq)]
    struct Twice {
        id: Auto<i64>,
        name: String,
        label: String,
    }
    let registry = Registry::new();
    let error = registry.map::<Twice>().table(people()).property("label", "name").finish();
    let error = error.unwrap_err();
    let said = "class `Twice`, attribute `label`: its column is that of the attribute `name` already: make it another \
                name of that one, by `synonym`";
    assert_eq!(error.message(), said);
    let mut mapping = registry.map::<Twice>();
    mapping.table(people()).exclude_properties(["label"]).finish().unwrap();
}

/// The base's key under another name, in the subclass and in its table.
#[test]
fn a_key_that_is_copied() {
    let registry = || {
        let registry = Registry::new();
        registry.register::<Human>().unwrap();
        registry
    };
    each("odd_copied_keys", registry, |db| {
        let human = |name: &str| Human { name: name.into(), ..Human::default() };
        let worker = |name: &str| Worker { human: human(name), worker_id: 77, ..Worker::default() };
        db.add(human("ann")).unwrap();
        db.flush().unwrap();
        let all: Vec<_> = ["b", "c"].map(|name| db.add(worker(name)).unwrap()).into();
        db.commit().unwrap();
        assert_eq!(all.iter().map(|w| db[*w].worker_id).collect::<Vec<_>>(), [2, 3]);
        // It follows the base's.
        let error = db.set(all[0], Worker::worker_id, 9).unwrap_err();
        assert!(error.message().contains("Worker.worker_id"), "{error}");
        assert!(error.message().contains("is the key of the base class"), "{error}");
        let error = db.edit(all[0], |w| w.worker_id = 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(db[all[0]].worker_id, 2);
        // A merge of what does not know it.
        let human = Human { id: Auto::Set(2), name: "bb".into(), ..Human::default() };
        let merged = db.merge(Worker { human, ..Worker::default() }).unwrap();
        assert_eq!((merged, db[merged].worker_id, &*db[merged].name), (all[0], 2, "bb"));
        db.commit().unwrap();
        db.delete(all[1]).unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT worker_id FROM odd_workers"), [[Value::I64(2)]]);
        let rows = [worker("d"), worker("e")];
        db.bulk_insert(&rows).unwrap();
        db.commit().unwrap();
        let sql = "SELECT count(*) FROM odd_workers w JOIN odd_boss_people p ON p.id = w.worker_id";
        assert_eq!(db.raw(sql), [[Value::I64(3)]]);
    });
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "odd_beings",
    polymorphic_on = "kind",
    polymorphic_identity = "being",
    subclasses(Clerk)
)]
struct Being {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
}

/// A number of its own, and two references to the base's table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "odd_clerks", polymorphic_identity = "clerk", configure = Self::mapping)]
struct Clerk {
    #[mapped(base)]
    being: Being,
    #[column(primary_key)]
    number: Auto<i64>,
    #[column(foreign_key = "odd_beings.id", unique)]
    being_id: i64,
    #[column(foreign_key = "odd_beings.id")]
    boss_id: Option<i64>,
    #[relationship(foreign_keys = "boss_id")]
    boss: One<Being>,
}

impl Clerk {
    fn mapping(mapping: &mut MapperBuilder) {
        mapping.inherits_by(["being_id"]);
    }
}

#[test]
fn what_a_subclass_inherits_by() {
    let registry = || {
        let registry = Registry::new();
        registry.register::<Being>().unwrap();
        registry
    };
    each("odd_inherits_by", registry, |db| {
        let being = |name: &str| Being { name: name.into(), ..Being::default() };
        let ann = db.add(being("ann")).unwrap();
        db.flush().unwrap();
        let bob =
            db.add(Clerk { being: being("bob"), boss: ann.into(), ..Clerk::default() }).unwrap();
        db.commit().unwrap();
        let clerk = &db[bob];
        assert_eq!((clerk.number.value(), clerk.being_id, clerk.boss_id), (1, 2, Some(1)));
        db.edit(bob, |b| b.boss_id = None).unwrap();
        db.edit(bob, |b| b.name = "b".into()).unwrap();
        db.commit().unwrap();
        let rows = db.raw("SELECT number, being_id, boss_id FROM odd_clerks");
        assert_eq!(rows, [[Value::I64(1), Value::I64(2), Value::Null]]);
        db.renew();
        let bob =
            db.one(select::<Clerk>().filter(Clerk::being_id.eq(2) & Being::name.eq("b"))).unwrap();
        assert_eq!(db[bob].number.value(), 1);
        let being = db.get_one::<Being>(2).unwrap();
        let bob = db.downcast::<_, Clerk>(being).unwrap();
        db.delete(bob).unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT count(*) FROM odd_clerks"), [[Value::I64(0)]]);
    });
}

#[test]
fn several_references_to_the_base_and_none() {
    let several = "by several foreign keys: say which, `mapping.inherits_by([\"a\"])` or `[\"b\"]`";
    let none = "it needs a foreign key to `odd_people`, or `mapping.inherits_by([…])`";
    for (keys, said) in [(&["a", "b"][..], several), (&[], none)] {
        let [number, a, b] = ["number", "a", "b"].map(Column::of::<i64>);
        let mut clerks = Table::build("odd_described").columns([number.primary_key(), a, b]);
        for key in keys {
            clerks = clerks.foreign_key(ForeignKey::new([*key], "odd_people", ["id"]));
        }
        let registry = Registry::new();
        let person = registry.describe("Person").of_table(&people()).finish().unwrap();
        let class = registry.describe("Clerk").of_table(&clerks.finish().unwrap()).inherits(person);
        let error = class.finish().and_then(|_| registry.configure()).unwrap_err();
        assert!(error.message().contains(said), "{error}");
    }
}

/// What the database computes cannot be set, since that would be lost.
#[test]
fn a_computed_column() {
    #[derive(Mapped, Clone, Debug, Default)]
    #[mapped(table = "odd_parcels")]
    struct Parcel {
        #[column(primary_key)]
        id: Auto<i64>,
        grams: i64,
        #[column(computed = "grams * 2")]
        twice: Option<i64>,
    }
    let registry = || {
        let registry = Registry::new();
        registry.register::<Parcel>().unwrap();
        registry
    };
    each("odd_computed", registry, |db| {
        let parcel = Parcel { grams: 5, twice: Some(99), ..Parcel::default() };
        let parcel = db.add(parcel).unwrap();
        db.commit().unwrap();
        assert_eq!(db[parcel].twice, Some(10));
        let error = db.set(parcel, Parcel::twice, Some(3)).unwrap_err();
        assert!(error.message().contains("is given by the database, and only read"), "{error}");
        assert!(db.edit(parcel, |p| p.twice = None).is_err());
        assert_eq!(db[parcel].twice, Some(10));
        // A merge of what has another value leaves it to the database as well.
        let given = Parcel { id: Auto::Set(1), grams: 6, twice: Some(77) };
        let merged = db.merge(given).unwrap();
        db.commit().unwrap();
        assert_eq!((merged, db[parcel].grams, db[parcel].twice), (parcel, 6, Some(12)));
    });
}
