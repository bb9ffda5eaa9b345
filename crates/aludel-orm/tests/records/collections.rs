//! Records in sets and under keys, and a hierarchy with a table for each class.

use aludel_orm::{Auto, Datum, Handle, ManyMap, ManySet, Record, RecordClass, Registry, selectin};
use aludel_sql::{Expression, Value};

use crate::support::Db;

struct Zoo {
    db: Db,
    keeper: RecordClass,
    animal: RecordClass,
    food: RecordClass,
}

fn zoo() -> Zoo {
    let registry = Registry::new();
    let keeper = registry
        .describe("Keeper")
        .table("keepers")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .keyed::<String>("animals", "Animal", "name", |r| {
            r.back_populates("keeper").cascade("all, delete-orphan");
        })
        .finish()
        .unwrap();
    let animal = registry
        .describe("Animal")
        .table("animals")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .column::<Option<i64>>("keeper_id", |c| c.references("keepers.id"))
        .one("keeper", "Keeper", |r| {
            r.back_populates("animals");
        })
        .set("eats", "Food", |r| {
            r.back_populates("eaten_by").secondary("animal_food");
        })
        .finish()
        .unwrap();
    let food = registry
        .describe("Food")
        .table("foods")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .set("eaten_by", "Animal", |r| {
            r.back_populates("eats").secondary("animal_food");
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    Zoo { db: Db::new(registry), keeper, animal, food }
}

fn names(s: &aludel_orm::Session, records: impl IntoIterator<Item = Handle<Record>>) -> Vec<Value> {
    records.into_iter().map(|r| s[r].value("name").unwrap()).collect()
}

#[test]
fn under_keys() {
    let Zoo { db, keeper, animal, .. } = zoo();
    let mut s = db.session();
    let make = |name: &str| animal.record().with("name", name).unwrap();
    let k =
        s.add(keeper.record().with_many("animals", [make("leo"), make("ida")]).unwrap()).unwrap();
    let animals = keeper.attr::<ManyMap<String, Record>>("animals").unwrap();
    let under = |s: &aludel_orm::Session, name: &str| {
        s[k].get::<ManyMap<String, Record>>("animals").unwrap().get(&name.to_owned())
    };
    let leo = under(&s, "leo").unwrap();
    db.run(s.commit()).unwrap();
    // Another one under the same key takes the place of the first, which is an orphan then.
    let second = s.make(make("leo")).unwrap();
    s.append(k, animals, second).unwrap();
    assert_eq!((under(&s, "leo"), s.members(k, animals).len()), (Some(second), 2));
    let history = s.history(k, animals).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[second][..], &[leo][..]));
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT name, keeper_id FROM animals ORDER BY name"), ["ida|1", "leo|1"]);
    let gone = s.pop_key_named(k, "animals", &Value::from("ida")).unwrap();
    assert_eq!(
        (under(&s, "ida"), s.get_named(gone, "keeper").unwrap()),
        (None, Some(Datum::One(None)))
    );
    db.run(s.rollback()).unwrap();
    // Loaded, by itself and along with its owner.
    db.run(s.load(k, animals)).unwrap();
    assert!(under(&s, "ida").is_some());
    db.run(s.close()).unwrap();
    let mut other = db.session();
    let found = db.run(other.one(keeper.select().options(selectin(animals)))).unwrap();
    let loaded = other[found].get::<ManyMap<String, Record>>("animals").unwrap();
    let mut keys: Vec<String> = loaded.iter().map(|(key, _)| key).collect();
    keys.sort();
    assert_eq!(keys, ["ida", "leo"]);
    // A key that its member has not any more is still the key, until it is loaded again.
    let ida = loaded.get(&"ida".to_owned()).unwrap();
    other.set_named(ida, "name", "ada").unwrap();
    assert!(
        other[found]
            .get::<ManyMap<String, Record>>("animals")
            .unwrap()
            .get(&"ida".into())
            .is_some()
    );
}

#[test]
fn in_sets() {
    let Zoo { db, animal, food, .. } = zoo();
    let mut s = db.session();
    let eats = animal.attr::<ManySet<Record>>("eats").unwrap();
    let eaten_by = food.attr::<ManySet<Record>>("eaten_by").unwrap();
    let [hay, fish] =
        ["hay", "fish"].map(|name| s.add(food.record().with("name", name).unwrap()).unwrap());
    let leo = s.add(animal.record().with("name", "leo").unwrap()).unwrap();
    s.append(leo, eats, hay).unwrap();
    s.append(leo, eats, hay).unwrap();
    s.append(fish, eaten_by, leo).unwrap();
    assert_eq!(names(&s, s.members(leo, eats)), ["hay", "fish"].map(Value::from));
    db.run(s.commit()).unwrap();
    s.set(leo, eats, [fish]).unwrap();
    assert_eq!(s.members(hay, eaten_by).len(), 0);
    s.remove_named(leo, "eats", fish.id()).unwrap();
    assert_eq!(s.history(leo, eats).unwrap().deleted(), [hay, fish]);
    assert!(s.remove_named(leo, "eats", fish.id()).is_err());
    db.run(s.rollback()).unwrap();
    let mut other = db.session();
    let name = food.attr::<String>("name").unwrap();
    let who = animal.select().filter(eats.any(name.eq("fish"))).options(selectin(eats));
    let found = db.run(other.one(who)).unwrap();
    assert_eq!(other.members(found, eats).len(), 2);
}

#[test]
fn a_table_for_each_class() {
    let registry = Registry::new();
    let shape = registry
        .describe("Shape")
        .table("shapes")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .finish()
        .unwrap();
    let columns = aludel_sql::Table::build("circles").columns([
        aludel_sql::Column::new("id", aludel_sql::DataType::BigInt).primary_key(),
        aludel_sql::Column::new("name", aludel_sql::DataType::Text(None)).not_null(),
        aludel_sql::Column::new("radius", aludel_sql::DataType::BigInt).not_null(),
    ]);
    let circle = registry
        .describe("Circle")
        .inherits_concrete(shape)
        .of_table(&columns.finish().unwrap())
        .finish()
        .unwrap();
    registry.configure().unwrap();
    let db = Db::new(registry);
    let mut s = db.session();
    let plain = s.add(shape.record().with("name", "plain").unwrap()).unwrap();
    let round = circle.record().with("name", "round").unwrap().with("radius", 3).unwrap();
    let round = s.add(round).unwrap();
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT name FROM shapes"), ["plain"]);
    assert_eq!(db.rows("SELECT name, radius FROM circles"), ["round|3"]);
    // The same key in both: they are two objects.
    let mut other = db.session();
    let radius = circle.attr::<i64>("radius").unwrap();
    let found = db.run(other.all(circle.select().filter(radius.eq(3)))).unwrap();
    assert_eq!(names(&other, found.clone()), ["round"].map(Value::from));
    other.set(found[0], radius, 4).unwrap();
    db.run(other.commit()).unwrap();
    assert_eq!(db.rows("SELECT radius FROM circles"), ["4"]);
    assert_eq!(db.run(other.all(shape.select())).unwrap().len(), 1);
    db.run(other.close()).unwrap();
    db.run(s.delete(round)).unwrap();
    db.run(s.delete(plain)).unwrap();
    db.run(s.commit()).unwrap();
    assert_eq!(db.rows("SELECT name FROM circles UNION SELECT name FROM shapes"), [] as [&str; 0]);
}
