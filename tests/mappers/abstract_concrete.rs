//! An abstract base without a table: its rows are those of its concrete subclasses.

use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "ac_companies")]
struct Company {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "company", order_by = "name")]
    staff: Many<Employee>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_abstract, subclasses(Manager, Engineer), narrow = AnyEmployee)]
struct Employee {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "ac_companies.id")]
    company_id: Option<i64>,
    #[relationship(back_populates = "staff")]
    company: One<Company>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "ac_managers", concrete, polymorphic_identity = "manager")]
struct Manager {
    #[mapped(base)]
    employee: Employee,
    budget: i64,
}

/// A concrete class with subclasses in its own table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(
    table = "ac_engineers",
    concrete,
    polymorphic_identity = "engineer",
    polymorphic_on = "level",
    subclasses(Senior)
)]
struct Engineer {
    #[mapped(base)]
    employee: Employee,
    level: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "senior")]
struct Senior {
    #[mapped(base)]
    engineer: Engineer,
    grade: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Company>().unwrap();
    registry
}

fn employee(name: &str) -> Employee {
    Employee { name: name.into(), ..Employee::default() }
}

fn staff(db: &mut Db) -> Handle<Company> {
    let company = db.add(Company { name: "x".into(), ..Company::default() }).unwrap();
    let ann = db.add(Manager { employee: employee("ann"), budget: 9 }).unwrap();
    let bob = db.add(Engineer { employee: employee("bob"), ..Engineer::default() }).unwrap();
    let engineer = Engineer { employee: employee("cy"), ..Engineer::default() };
    let cy = db.add(Senior { engineer, grade: Some(3) }).unwrap();
    for handle in [ann.up::<Employee>(), bob.up(), cy.up()] {
        db.append(company, Company::staff, handle).unwrap();
    }
    db.commit().unwrap();
    company
}

#[test]
fn a_query_of_the_abstract_base_reads_all_tables() {
    each("mappers_abstract", registry, |db| {
        staff(db);
        db.renew();
        let all = db.all(select::<Employee>().order_by(Employee::name)).unwrap();
        assert_eq!(db.selects(), 1);
        let mut seen = Vec::new();
        for found in all {
            seen.push(match db.narrow(found).unwrap() {
                AnyEmployee::Manager(m) => format!("{} {}", db[m].name, db[m].budget),
                AnyEmployee::Engineer(e) => match db.downcast::<_, Senior>(e) {
                    Some(s) => format!("{} {} {:?}", db[s].name, db[s].level, db[s].grade),
                    None => format!("{} {}", db[e].name, db[e].level),
                },
                AnyEmployee::Employee(_) => panic!("no object is of the base itself"),
            });
        }
        assert_eq!(seen, ["ann 9", "bob engineer", "cy senior Some(3)"]);
        let rich = select::<Employee>().filter(Manager::budget.gt(5) | Employee::name.eq("cy"));
        assert_eq!(db.all(rich).unwrap().len(), 2);
        assert_eq!(db.count(select::<Employee>()).unwrap(), 3);
        assert_eq!(db.count(select::<Engineer>()).unwrap(), 2);
    });
}

#[test]
fn relationships_go_to_and_from_the_base() {
    each("mappers_abstract_related", registry, |db| {
        let company = staff(db);
        db.renew();
        let found = db.one(select::<Company>().options(selectin(Company::staff))).unwrap();
        let names: Vec<_> = db.members(found, Company::staff).map(|e| db[e].name.clone()).collect();
        assert_eq!(names, ["ann", "bob", "cy"]);
        let joined = select::<Company>().join(Company::staff).filter(Employee::name.eq("bob"));
        assert_eq!(db.all(joined).unwrap(), [found]);
        let any = select::<Company>().filter(Company::staff.any(Manager::budget.gt(8)));
        assert_eq!(db.all(any).unwrap(), [found]);
        let _ = company;

        db.renew();
        let company = db.one(select::<Company>()).unwrap();
        db.load(company, Company::staff).unwrap();
        let ann = db.members(company, Company::staff).next().unwrap();
        db.remove(company, Company::staff, ann).unwrap();
        assert_eq!(db[ann].company.get(), None);
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT company_id FROM ac_managers"), [[Value::Null]]);
        let bob = db.one(select::<Engineer>().filter(Employee::name.eq("bob"))).unwrap();
        db.load(bob, Employee::company).unwrap();
        assert_eq!(db[bob].company.get(), Some(company));
    });
}

#[test]
fn nothing_is_written_of_the_base_itself() {
    each("mappers_abstract_written", registry, |db| {
        staff(db);
        let refused = [
            db.add(employee("eve")).map(drop).unwrap_err(),
            db.create::<Employee>().map(drop).unwrap_err(),
            db.bulk_insert(&[employee("eve")]).map(drop).unwrap_err(),
        ];
        for error in refused {
            assert!(error.message().contains("class Employee is abstract"), "{error}");
        }
        let all = aludel::orm::update::<Employee>().set(Employee::name, "x".to_owned());
        let error = db.execute_update(all).unwrap_err();
        assert!(error.message().contains("a class at a time"), "{error}");
        let error = db.execute_delete(aludel::orm::delete::<Employee>()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(db.count(select::<Employee>()).unwrap(), 3);
        // Objects are, each in its own table.
        let bob = db.one(select::<Employee>().filter(Employee::name.eq("bob"))).unwrap();
        db.edit(bob, |e| e.name.push_str("by")).unwrap();
        db.commit().unwrap();
        db.refresh(bob).unwrap();
        assert_eq!(db[bob].name, "bobby");
        let ann = db.one(select::<Manager>()).unwrap();
        // A key may be there once in each table.
        let key = db[ann].id.value();
        let error = db.get::<Employee>(key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MultipleResults);
        db.delete(ann).unwrap();
        db.commit().unwrap();
        assert_eq!(db.count(select::<Employee>()).unwrap(), 2);
        let key = db[bob].id.value();
        assert_eq!(db.get::<Employee>(key).unwrap(), Some(bob));
        db.renew();
        assert!(db.get::<Employee>(key).unwrap().is_some());
    });
}

#[test]
fn its_mapper_has_the_union_and_no_table() {
    let registry = registry();
    let mapper = registry.mapper::<Employee>().unwrap();
    assert!(mapper.local_table().is_none() && mapper.written_tables().is_empty());
    assert!(mapper.is_polymorphic_abstract());
    let tables: Vec<&str> = mapper.tables().iter().map(|t| t.full_name()).collect();
    assert_eq!(tables, ["ac_managers", "ac_engineers"]);
    assert_eq!(mapper.column_names("name"), ["all_employee.name"]);
    let names: Vec<String> =
        registry.metadata().iter().map(|table| table.full_name().to_owned()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn classes_described_at_run_time() {
    let registry = || {
        let registry = Registry::new();
        let shape = registry
            .describe("Shape")
            .column::<Auto<i64>>("id", |c| c.primary_key())
            .column::<String>("name", |c| c)
            .configure(|mapping| {
                mapping.polymorphic_abstract();
            })
            .finish()
            .unwrap();
        for (name, table, column) in
            [("Circle", "ac_circles", "radius"), ("Square", "ac_squares", "side")]
        {
            let of = registry.describe(name).table(table).column::<i64>(column, |c| c);
            let of = of.inherits_concrete(shape).configure(move |mapping| {
                mapping.polymorphic_identity(name);
            });
            of.finish().unwrap();
        }
        registry.configure().unwrap();
        registry
    };
    each("mappers_abstract_records", registry, |db| {
        let class = |name: &str| db.registry.record_class(name).unwrap();
        let (shape, circle, square) = (class("Shape"), class("Circle"), class("Square"));
        let name = shape.attr::<String>("name").unwrap();
        let round = circle.record().with("name", "b").unwrap().with("radius", 3).unwrap();
        let round = db.add(round).unwrap();
        let four = square.record().with("name", "a").unwrap().with("side", 4).unwrap();
        db.add(four).unwrap();
        assert!(db.add(shape.record()).is_err());
        db.commit().unwrap();
        let all = db.all(shape.select().order_by(name)).unwrap();
        assert_eq!(all[1], round);
        assert_eq!(db[all[0]].class_name(), "Square");
        assert_eq!(db[all[0]].value("side").unwrap(), Value::from(4));
    });
}

#[test]
fn what_is_wrong_with_it() {
    #[derive(Mapped, Clone, Default)]
    #[mapped(polymorphic_abstract, subclasses(Plain, Told, Joined))]
    struct Base {
        #[column(primary_key)]
        id: Auto<i64>,
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "ac_plain", concrete)]
    struct Plain {
        #[mapped(base)]
        base: Base,
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "ac_told", concrete, polymorphic_identity = "told")]
    struct Told {
        #[mapped(base)]
        base: Base,
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "ac_joined", polymorphic_identity = "joined")]
    struct Joined {
        #[mapped(base)]
        base: Base,
    }
    let error = Registry::new().register::<Base>().unwrap_err();
    let text = error.message();
    assert!(text.contains("class `Plain`: queries of its base class `Base`"), "{text}");
    assert!(text.contains("class `Joined`: its base class `Base` is abstract"), "{text}");
}
