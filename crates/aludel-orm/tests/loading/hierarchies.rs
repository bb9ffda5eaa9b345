//! Loading objects of hierarchies: the class of a row, columns of subclasses, subclasses in criteria.

use std::sync::Arc;

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::{
    Auto, ErrorKind, Handle, Many, One, Registry, Session, delete, joined, object, select,
    selectin, selectin_polymorphic, update,
};
use aludel_sql::{Expression, Statement};

use crate::zoo::{Db, Selects};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "companies")]
pub struct Company {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    #[relationship(back_populates = "company", order_by = "id")]
    pub people: Many<Person>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    crate = aludel_orm,
    table = "people",
    polymorphic_on = "kind",
    polymorphic_identity = "person",
    subclasses(Engineer, Manager)
)]
pub struct Person {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: String,
    pub kind: String,
    #[column(foreign_key = "companies.id")]
    pub company_id: Option<i64>,
    #[relationship(back_populates = "people")]
    pub company: One<Company>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "engineers", polymorphic_identity = "engineer")]
pub struct Engineer {
    #[mapped(base)]
    pub person: Person,
    pub language: Option<String>,
    #[column(foreign_key = "managers.id")]
    pub manager_id: Option<i64>,
    #[relationship(back_populates = "reports", foreign_keys = "manager_id")]
    pub manager: One<Manager>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "managers", polymorphic_identity = "manager")]
pub struct Manager {
    #[mapped(base)]
    pub person: Person,
    pub level: i64,
    #[relationship(
        back_populates = "manager",
        foreign_keys = "engineers.manager_id",
        order_by = "id"
    )]
    pub reports: Many<Engineer>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    crate = aludel_orm,
    table = "animals",
    polymorphic_on = "kind",
    polymorphic_identity = "animal",
    subclasses(Dog, Cat)
)]
pub struct Animal {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub kind: String,
    pub name: String,
    #[column(foreign_key = "animals.id")]
    pub friend_id: Option<i64>,
    #[relationship(remote_side = "id")]
    pub friend: One<Animal>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, polymorphic_identity = "dog")]
pub struct Dog {
    #[mapped(base)]
    pub animal: Animal,
    pub breed: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, polymorphic_identity = "cat")]
pub struct Cat {
    #[mapped(base)]
    pub animal: Animal,
    pub lives: Option<i64>,
}

const ROWS: &str = "
    INSERT INTO companies (id, name) VALUES (1, 'acme');
    INSERT INTO people (id, name, kind, company_id) VALUES
        (1, 'ann', 'manager', 1), (2, 'bob', 'engineer', 1), (3, 'cy', 'engineer', NULL), (4, 'dan', 'person', 1);
    INSERT INTO managers (id, level) VALUES (1, 3);
    INSERT INTO engineers (id, language, manager_id) VALUES (2, 'rust', 1), (3, 'c', NULL);
    INSERT INTO animals (id, kind, name, breed, lives, friend_id) VALUES
        (1, 'dog', 'rex', 'pug', NULL, NULL), (2, 'cat', 'tom', NULL, 9, 1), (3, 'animal', 'any', NULL, NULL, 2);
";

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Company>().unwrap();
    registry.register::<Animal>().unwrap();
    let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
    let db = Db { registry, engine, selects: Selects::default() };
    for sql in db.registry.metadata().create_all(db.engine.dialect()).unwrap() {
        db.sql(&sql);
    }
    db.sql(ROWS);
    db.engine.observe(Arc::new(db.selects.clone()));
    db
}

fn names(s: &Session, people: &[Handle<Person>]) -> Vec<String> {
    people.iter().map(|p| s.value(*p, Person::name).unwrap().clone()).collect()
}

#[test]
fn a_row_is_of_its_own_class() {
    let db = db();
    let mut s = db.session();
    let people = db.run(s.all(select::<Person>().order_by(Person::id)));
    assert_eq!(db.selects(), 1);
    assert_eq!(names(&s, &people), ["ann", "bob", "cy", "dan"]);
    let ann: Handle<Manager> = s.downcast(people[0]).unwrap();
    let bob: Handle<Engineer> = s.downcast(people[1]).unwrap();
    assert!(s.downcast::<Person, Engineer>(people[3]).is_none());
    // What a subclass adds is read when it is asked for.
    assert!(!s.is_loaded(ann, Manager::level).unwrap());
    assert_eq!(*db.run(s.load(ann, Manager::level)), 3);
    assert_eq!(db.selects(), 1);
    assert_eq!(s[ann].name, "ann");
    assert_eq!(db.run(s.get::<Engineer>(2)), Some(bob));
    assert_eq!(db.run(s.get::<Manager>(2)), None);
    assert_eq!(db.selects(), 0);
}

#[test]
fn subclasses_by_themselves() {
    let db = db();
    let mut s = db.session();
    let query = select::<Engineer>().filter(Engineer::language.eq("c") & Person::name.like("c%"));
    let engineers = db.run(s.all(query));
    assert_eq!(engineers.len(), 1);
    assert_eq!(s[engineers[0]].language.as_deref(), Some("c"));
    assert_eq!(s[engineers[0]].name, "cy");
    let dogs = db.run(s.all(select::<Dog>()));
    assert_eq!(dogs.len(), 1);
    assert_eq!(s[dogs[0]].breed.as_deref(), Some("pug"));
    assert_eq!(db.run(s.count(select::<Cat>())), 1);
    assert_eq!(db.run(s.get::<Cat>(1)), None);
    let animals = db.run(s.all(select::<Animal>().order_by(Animal::id)));
    let tom: Handle<Cat> = s.downcast(animals[1]).unwrap();
    assert_eq!(*db.run(s.load(tom, Cat::lives)), Some(9));
    let friend = db.run(s.load(animals[2], Animal::friend)).get();
    assert_eq!(friend, Some(animals[1]));
}

#[test]
fn columns_of_subclasses_along() {
    let db = db();
    let mut s = db.session();
    let query = select::<Person>()
        .along::<Engineer>()
        .along::<Manager>()
        .filter(Engineer::language.eq("rust") | Manager::level.gt(2))
        .order_by(Person::id);
    let people = db.run(s.all(query));
    assert_eq!(db.selects(), 1);
    assert_eq!(names(&s, &people), ["ann", "bob"]);
    let bob: Handle<Engineer> = s.downcast(people[1]).unwrap();
    assert_eq!(s[bob].language.as_deref(), Some("rust"));
    s.expunge_all().unwrap();
    let options =
        (selectin_polymorphic::<Person, Engineer>(), selectin_polymorphic::<Person, Manager>());
    let people = db.run(s.all(select::<Person>().order_by(Person::id).options(options)));
    assert_eq!(db.selects(), 3);
    let ann: Handle<Manager> = s.downcast(people[0]).unwrap();
    assert_eq!(s[ann].level, 3);
    s.expunge_all().unwrap();
    let animals = db.run(s.all(select::<Animal>().along::<Dog>().order_by(Animal::id)));
    let rex: Handle<Dog> = s.downcast(animals[0]).unwrap();
    assert_eq!(s[rex].breed.as_deref(), Some("pug"));
}

#[test]
fn relationships_to_and_from_subclasses() {
    let db = db();
    let mut s = db.session();
    for (options, selects) in [(selectin(Company::people), 2), (joined(Company::people), 1)] {
        let acme = db.run(s.one(select::<Company>().options(options)));
        assert_eq!(db.selects(), selects);
        assert_eq!(names(&s, &s[acme].people.to_vec()), ["ann", "bob", "dan"]);
        s.expunge_all().unwrap();
    }
    // To a class with two tables.
    for options in [joined(Engineer::manager), selectin(Engineer::manager)] {
        let engineers = db.run(s.all(select::<Engineer>().order_by(Person::id).options(options)));
        let ann = s[engineers[0]].manager.get().unwrap();
        assert_eq!((s[ann].level, &*s[ann].name), (3, "ann"));
        assert_eq!(s[engineers[1]].manager.get(), None);
        s.expunge_all().unwrap();
    }
    let ann = db.run(s.get::<Manager>(1)).unwrap();
    assert_eq!(db.run(s.load(ann, Manager::reports)).len(), 1);
    // Options about a subclass, in a query of the base.
    s.expunge_all().unwrap();
    let people =
        db.run(s.all(
            select::<Company>().options(
                selectin(Company::people).of_type::<Engineer>().selectin(Engineer::manager),
            ),
        ));
    let bob: Handle<Engineer> = s.downcast(s[people[0]].people.at(1).unwrap()).unwrap();
    assert!(s.value(bob, Engineer::manager).unwrap().is_loaded());
    // Criteria.
    let query = select::<Company>().filter(Company::people.any(Person::name.eq("dan")));
    assert_eq!(db.run(s.count(query)), 1);
    let query = select::<Manager>().filter(Manager::reports.any(Engineer::language.eq("rust")));
    assert_eq!(db.run(s.count(query)), 1);
    let query = select::<Engineer>().filter(Engineer::manager.has(Manager::level.gt(5)));
    assert_eq!(db.run(s.count(query)), 0);
    let query = select::<Engineer>().join(Engineer::manager).filter(Manager::level.eq(3));
    // The manager's base table is there twice: that needs another name.
    assert_eq!(db.try_run(s.count(query)).unwrap_err().kind(), ErrorKind::Argument);
    let boss = aludel_orm::aliased::<Manager>();
    let query = select::<Engineer>()
        .join_as(Engineer::manager, &boss)
        .filter(boss.col(Manager::level).eq(3) & boss.col(Person::name).eq("ann"));
    assert_eq!(db.run(s.count(query)), 1);
}

#[test]
fn writes_by_criteria() {
    let db = db();
    let mut s = db.session();
    let bob = db.run(s.get::<Engineer>(2)).unwrap();
    let query = update::<Engineer>()
        .set(Engineer::language, "go")
        .filter(Engineer::manager_id.is_not_null());
    assert_eq!(db.run(s.execute_update(query)), 1);
    assert_eq!(s[bob].language.as_deref(), Some("go"));
    let query = update::<Dog>().set(Dog::breed, "mix");
    assert_eq!(db.run(s.execute_update(query)), 1);
    // What the base has, of the objects of a subclass: in its table, and in one table for all.
    let query = update::<Engineer>().set(Person::name, "rob").filter(Engineer::language.eq("go"));
    assert_eq!(db.run(s.execute_update(query)), 1);
    assert_eq!(s[bob].name, "rob");
    let query = update::<Dog>().set(Animal::name, "rex").set(Dog::breed, "pug");
    assert_eq!(db.run(s.execute_update(query)), 1);
    assert_eq!(
        db.run(s.execute_delete(delete::<Engineer>().filter(Engineer::language.eq("c")))),
        1
    );
    assert_eq!(db.run(s.count(select::<Person>())), 3);
    assert_eq!(db.run(s.execute_delete(delete::<Cat>().filter(Cat::lives.is_null()))), 0);
}

#[test]
fn a_statement_of_the_programs_own() {
    let db = db();
    let mut s = db.session();
    let sql = "SELECT people.*, engineers.* FROM people LEFT JOIN engineers ON engineers.id = people.id \
               ORDER BY people.id";
    let people = db.run(s.all(select::<Person>().from_statement(Statement::text(sql))));
    assert_eq!((people.len(), db.selects()), (4, 1));
    let bob: Handle<Engineer> = s.downcast(people[1]).unwrap();
    assert_eq!(s[bob].language.as_deref(), Some("rust"));
    let ann: Handle<Manager> = s.downcast(people[0]).unwrap();
    assert_eq!(*db.run(s.load(ann, Manager::level)), 3);
    let untold = Statement::text("SELECT id, name FROM people");
    let error = db.try_run(s.all(select::<Person>().from_statement(untold))).unwrap_err();
    assert!(error.to_string().contains("no column for Person.kind"), "{error}");
}

#[test]
fn subclasses_among_the_columns() {
    let db = db();
    let mut s = db.session();
    let columns = (object::<Person>(), object::<Company>());
    let rows = db.run(
        s.rows(
            select::<Person>()
                .along::<Engineer>()
                .join(Person::company)
                .order_by(Person::id)
                .columns(columns),
        ),
    );
    assert_eq!((rows.len(), db.selects()), (3, 1));
    let bob: Handle<Engineer> = s.downcast(rows[1].0).unwrap();
    assert_eq!((s[bob].language.as_deref(), s[rows[1].1].name.as_str()), (Some("rust"), "acme"));
}
