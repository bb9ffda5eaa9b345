//! Hierarchies of several levels, joined and single-table: the class of an object, what is loaded of it, and how it is
//! written.

use aludel::prelude::*;
use aludel::{ErrorKind, Handle};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "companies")]
struct Company {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "company", order_by = "id")]
    people: Many<Person>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "people", polymorphic_on = "kind", polymorphic_identity = "person")]
#[mapped(subclasses(Engineer, Manager, Intern), narrow = AnyPerson)]
struct Person {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
    #[column(foreign_key = "companies.id")]
    company_id: Option<i64>,
    #[relationship(back_populates = "people")]
    company: One<Company>,
}

/// A table of its own; read along with the base.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "engineers", polymorphic_identity = "engineer", polymorphic_load = "inline")]
struct Engineer {
    #[mapped(base)]
    person: Person,
    language: Option<String>,
    #[column(foreign_key = "managers.id")]
    manager_id: Option<i64>,
    #[relationship(back_populates = "reports", foreign_keys = "manager_id")]
    manager: One<Manager>,
}

/// A table of its own; read by one more SELECT.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "managers", polymorphic_identity = "manager", polymorphic_load = "selectin")]
#[mapped(subclasses(Director), narrow = AnyManager)]
struct Manager {
    #[mapped(base)]
    person: Person,
    level: i64,
    #[relationship(
        back_populates = "manager",
        foreign_keys = "engineers.manager_id",
        order_by = "id"
    )]
    reports: Many<Engineer>,
}

/// In the managers' table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "director")]
struct Director {
    #[mapped(base)]
    manager: Manager,
    board: Option<String>,
    #[column(foreign_key = "engineers.id")]
    adviser_id: Option<i64>,
    #[relationship(foreign_keys = "adviser_id", post_update)]
    adviser: One<Engineer>,
}

/// In the table of the base, which lists it; below it one that nobody lists.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "intern")]
struct Intern {
    #[mapped(base)]
    person: Person,
    school: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "fellows", polymorphic_identity = "fellow")]
struct Fellow {
    #[mapped(base)]
    intern: Intern,
    grant: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "guests", polymorphic_identity = "guest")]
struct Guest {
    #[mapped(base)]
    person: Person,
    badge: i64,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Company>().unwrap();
    registry.register::<Fellow>().unwrap();
    registry.register::<Guest>().unwrap();
    registry
}

fn person(name: &str) -> Person {
    Person { name: name.into(), ..Person::default() }
}

/// One object of every class, in one flush.
fn everybody(db: &mut Db) {
    let ann = Director {
        manager: Manager { person: person("ann"), level: 9, ..Manager::default() },
        board: Some("north".into()),
        ..Director::default()
    };
    let ann = db.add(ann).unwrap();
    let bob = Engineer {
        person: person("bob"),
        language: Some("rust".into()),
        manager: ann.up::<Manager>().into(),
        ..Engineer::default()
    };
    let bob = db.add(bob).unwrap();
    db.set(ann, Director::adviser, bob).unwrap();
    let cy = db.add(Manager { person: person("cy"), level: 3, ..Manager::default() }).unwrap();
    let dan = Intern { person: person("dan"), school: Some("hill".into()) };
    let dan = db.add(dan).unwrap();
    let eve = Intern { person: person("eve"), school: None };
    let eve = db.add(Fellow { intern: eve, grant: 5 }).unwrap();
    let fay = db.add(Guest { person: person("fay"), badge: 7 }).unwrap();
    let gus = db.add(person("gus")).unwrap();
    let acme = db.add(Company { name: "acme".into(), ..Company::default() }).unwrap();
    let all = [ann.up(), bob.up(), cy.up(), dan.up(), eve.up(), fay.up(), gus];
    for person in all {
        db.append(acme, Company::people, person).unwrap();
    }
    db.commit().unwrap();
    db.renew();
    db.selects();
}

fn people(db: &mut Db) -> Vec<Handle<Person>> {
    db.all(select::<Person>().order_by(Person::name)).unwrap()
}

/// The one of a class among the people of a company.
fn found<T: Mapped + aludel::orm::IsA<Person>>(db: &Db, company: Handle<Company>) -> Handle<T> {
    db[company].people.to_vec().into_iter().find_map(|person| db.downcast(person)).unwrap()
}

#[test]
fn an_enum_of_the_subclasses() {
    each("narrowed", registry, |db| {
        everybody(db);
        let told: Vec<&str> = people(db)
            .into_iter()
            .map(|person| match db.narrow(person).unwrap() {
                AnyPerson::Engineer(_) => "engineer",
                AnyPerson::Manager(manager) => match db.narrow(manager).unwrap() {
                    AnyManager::Director(_) => "director",
                    AnyManager::Manager(_) => "manager",
                },
                AnyPerson::Intern(_) => "intern",
                AnyPerson::Person(_) => "person",
            })
            .collect();
        // A fellow is an intern; nobody lists guests.
        let all = ["director", "engineer", "manager", "intern", "intern", "person", "person"];
        assert_eq!(told, all);
        // The handles are of the objects, which can be changed in the arm.
        let ann = people(db)[0];
        let AnyPerson::Manager(manager) = db.narrow(ann).unwrap() else { panic!("{ann:?}") };
        db.set(manager, Manager::level, 10).unwrap();
        assert_eq!(db[manager].level, 10);
        assert_eq!(Handle::<Person>::from(AnyPerson::Manager(manager)), ann);
        let gone = db.make(person("gone")).unwrap();
        db.take(gone).unwrap();
        assert_eq!(db.narrow(gone).unwrap_err().kind(), ErrorKind::InvalidRequest);
    });
}

#[test]
fn what_mappings_say_is_loaded_with_the_base() {
    each("loaded_with_base", registry, |db| {
        everybody(db);
        let all = people(db);
        // Engineers come along, managers by one SELECT more; a director's own are read with them.
        assert_eq!(db.selects(), 2);
        let ann: Handle<Director> = db.downcast(all[0]).unwrap();
        let bob: Handle<Engineer> = db.downcast(all[1]).unwrap();
        let dan: Handle<Intern> = db.downcast(all[3]).unwrap();
        assert_eq!((db[ann].level, db[ann].board.as_deref()), (9, Some("north")));
        assert_eq!(db[bob].language.as_deref(), Some("rust"));
        assert!(!db.is_loaded(dan, Intern::school).unwrap());
        assert_eq!(db.load(dan, Intern::school).unwrap().as_deref(), Some("hill"));
        db.renew();
        db.selects();
        // By a relationship to the base, one way and the other.
        let acme = db.one(select::<Company>().options(joined(Company::people))).unwrap();
        assert_eq!((db[acme].people.len(), db.selects()), (7, 2));
        let bob: Handle<Engineer> = found(db, acme);
        assert_eq!(db[bob].language.as_deref(), Some("rust"));
        db.renew();
        db.selects();
        let acme = db.one(select::<Company>().options(selectin(Company::people))).unwrap();
        assert_eq!((db[acme].people.len(), db.selects()), (7, 3));
        let ann: Handle<Director> = found(db, acme);
        assert_eq!(db[ann].level, 9);
        // In conditions, and under another name.
        db.renew();
        let query = select::<Person>().filter(Engineer::language.eq("rust"));
        assert_eq!(db.count(query).unwrap(), 1);
        let other = aludel::aliased::<Person>();
        let query = select::<Company>()
            .join_as(Company::people, &other)
            .filter(other.col(Person::name).eq("bob"));
        assert_eq!(db.count(query).unwrap(), 1);
    });
}

#[test]
fn mappers_tell_what_is_loaded_along() {
    let registry = registry();
    let mappers = registry.mappers();
    let of = |name: &str| mappers.named(name).unwrap();
    let names: Vec<&str> = of("Person")
        .with_polymorphic()
        .iter()
        .map(|at| mappers.get(*at).unwrap().class_name())
        .collect();
    assert_eq!(names, ["Engineer"]);
    let load = |name: &str| of(name).polymorphic_load(&mappers);
    use aludel::orm::mapping::PolymorphicLoad::{Inline, SelectIn};
    assert_eq!(
        (load("Engineer"), load("Manager"), load("Guest")),
        (Some(Inline), Some(SelectIn), None)
    );
    // What rows are written to is not what they are read from.
    assert!(matches!(
        mappers.persist_selectable(of("Person")).unwrap(),
        aludel::sql::FromItem::Source(_)
    ));
}

#[test]
fn flushed_across_all_tables() {
    each("flushed_across", registry, |db| {
        everybody(db);
        let all = people(db);
        let ann: Handle<Director> = db.downcast(all[0]).unwrap();
        let bob: Handle<Engineer> = db.downcast(all[1]).unwrap();
        let eve: Handle<Fellow> = db.downcast(all[4]).unwrap();
        assert_eq!(db.load(ann, Director::adviser).unwrap().get(), Some(bob));
        assert_eq!(db.load(bob, Engineer::manager).unwrap().get(), Some(ann.up()));
        db.refresh(eve).unwrap();
        db.edit(eve, |eve| {
            eve.name = "eva".into();
            eve.school = Some("lake".into());
            eve.grant = 6;
        })
        .unwrap();
        db.edit(ann, |ann| ann.board = None).unwrap();
        db.sent();
        db.flush().unwrap();
        // One UPDATE for each table that has a change.
        assert_eq!(db.sent().len(), 3);
        db.commit().unwrap();
        db.renew();
        let eve = db.one(select::<Fellow>()).unwrap();
        let read = (&*db[eve].name, db[eve].school.as_deref(), db[eve].grant);
        assert_eq!(read, ("eva", Some("lake"), 6));
        // A deletion takes the rows of all tables, and clears what refers to them.
        let ann = db.one(select::<Director>()).unwrap();
        db.delete(ann).unwrap();
        db.delete(eve).unwrap();
        db.commit().unwrap();
        assert_eq!(db.count(select::<Person>()).unwrap(), 5);
        assert_eq!(db.count(select::<Manager>()).unwrap(), 1);
        let bob = db.one(select::<Engineer>()).unwrap();
        assert_eq!(db.load(bob, Engineer::manager).unwrap().get(), None);
    });
}

#[test]
fn a_row_can_get_another_class() {
    each("another_class", registry, |db| {
        everybody(db);
        let gus = *people(db).last().unwrap();
        db.set(gus, Person::kind, "intern".to_owned()).unwrap();
        db.commit().unwrap();
        // The object stays what it is until it is loaded anew.
        assert!(db.downcast::<_, Intern>(gus).is_none());
        assert_eq!(people(db).last(), Some(&gus));
        db.expunge(gus).unwrap();
        let gus = *people(db).last().unwrap();
        let gus: Handle<Intern> = db.downcast(gus).unwrap();
        assert_eq!(db.load(gus, Intern::school).unwrap(), &None);
    });
}
