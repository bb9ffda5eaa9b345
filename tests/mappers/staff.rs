//! Firms with a staff of several classes, in joined and single tables, and vehicles of concrete ones: what the tests of
//! relationships to subclasses are about.

use aludel::prelude::*;

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "firms")]
pub(super) struct Firm {
    #[column(primary_key)]
    pub(super) id: Auto<i64>,
    pub(super) name: String,
    #[relationship(back_populates = "firm", order_by = "id", foreign_keys = "workers.firm_id")]
    pub(super) staff: Many<Worker>,
    #[relationship(secondary = "firm_friends", order_by = "id")]
    pub(super) friends: Many<Worker>,
    #[relationship(back_populates = "firm", order_by = "id")]
    pub(super) vehicles: Many<Vehicle>,
    #[column(foreign_key = "workers.id", use_alter)]
    pub(super) head_id: Option<i64>,
    #[relationship(foreign_keys = "head_id", post_update)]
    pub(super) head: One<Worker>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "workers", polymorphic_on = "kind", polymorphic_identity = "worker")]
#[mapped(subclasses(Coder, Boss, Trainee))]
pub(super) struct Worker {
    #[column(primary_key)]
    pub(super) id: Auto<i64>,
    pub(super) name: String,
    pub(super) kind: String,
    #[column(foreign_key = "firms.id")]
    pub(super) firm_id: Option<i64>,
    #[relationship(back_populates = "staff", foreign_keys = "firm_id")]
    pub(super) firm: One<Firm>,
    #[column(foreign_key = "workers.id")]
    pub(super) mentor_id: Option<i64>,
    #[relationship(remote_side = "id")]
    pub(super) mentor: One<Worker>,
}

/// A table of its own, with a column that waits.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "coders", polymorphic_identity = "coder", subclasses(Lead))]
pub(super) struct Coder {
    #[mapped(base)]
    pub(super) worker: Worker,
    pub(super) language: String,
    #[column(deferred)]
    pub(super) essay: Deferred<Option<String>>,
    #[relationship(back_populates = "coder", order_by = "id")]
    pub(super) tools: Many<Tool>,
}

/// A third table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "leads", polymorphic_identity = "lead")]
pub(super) struct Lead {
    #[mapped(base)]
    pub(super) coder: Coder,
    pub(super) team: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "bosses", polymorphic_identity = "boss")]
pub(super) struct Boss {
    #[mapped(base)]
    pub(super) worker: Worker,
    pub(super) level: i64,
}

/// In the table of the base.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "trainee")]
pub(super) struct Trainee {
    #[mapped(base)]
    pub(super) worker: Worker,
    pub(super) school: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "coder_tools")]
pub(super) struct Tool {
    #[column(primary_key)]
    pub(super) id: Auto<i64>,
    pub(super) name: String,
    #[column(foreign_key = "coders.id")]
    pub(super) coder_id: Option<i64>,
    #[relationship(back_populates = "tools")]
    pub(super) coder: One<Coder>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "vehicles", polymorphic_identity = "vehicle", subclasses(Van, Bike))]
pub(super) struct Vehicle {
    #[column(primary_key)]
    pub(super) id: i64,
    pub(super) plate: String,
    #[column(foreign_key = "firms.id")]
    pub(super) firm_id: Option<i64>,
    #[relationship(back_populates = "vehicles")]
    pub(super) firm: One<Firm>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "vans", concrete, polymorphic_identity = "van")]
pub(super) struct Van {
    #[mapped(base)]
    pub(super) vehicle: Vehicle,
    pub(super) load: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "bikes", concrete, polymorphic_identity = "bike")]
pub(super) struct Bike {
    #[mapped(base)]
    pub(super) vehicle: Vehicle,
    pub(super) gears: Option<i64>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Firm>().unwrap();
    registry
}

/// Two firms: in the first ann (a boss), bob (a coder), cy (a lead), dan (a trainee) and eve, of whom bob is the head and
/// ann and cy are friends; in the second fay (a coder), and bob and ann are friends.
fn people(db: &mut Db) {
    let worker = |name: &str| Worker { name: name.into(), ..Worker::default() };
    let coder = |name: &str, language: &str| Coder {
        worker: worker(name),
        language: language.into(),
        essay: Some(format!("essay of {name}")).into(),
        ..Coder::default()
    };
    let acme = db.add(Firm { name: "acme".into(), ..Firm::default() }).unwrap();
    let brim = db.add(Firm { name: "brim".into(), ..Firm::default() }).unwrap();
    let ann = db.add(Boss { worker: worker("ann"), level: 3 }).unwrap();
    let tools = many![Tool { name: "pen".into(), ..Tool::default() }];
    let bob = db.add(Coder { tools, ..coder("bob", "rust") }).unwrap();
    let cy = db.add(Lead { coder: coder("cy", "c"), team: "red".into() }).unwrap();
    let dan = db.add(Trainee { worker: worker("dan"), school: Some("hill".into()) }).unwrap();
    let eve = db.add(worker("eve")).unwrap();
    let fay = db.add(coder("fay", "c")).unwrap();
    for worker in [ann.up(), bob.up(), cy.up(), dan.up(), eve] {
        db.append(acme, Firm::staff, worker).unwrap();
    }
    db.append(brim, Firm::staff, fay).unwrap();
    db.append(acme, Firm::friends, ann).unwrap();
    db.append(acme, Firm::friends, cy).unwrap();
    db.append(brim, Firm::friends, bob).unwrap();
    db.append(brim, Firm::friends, ann).unwrap();
    db.set(acme, Firm::head, bob.up::<Worker>()).unwrap();
    let vehicle = |id, plate: &str| Vehicle { id, plate: plate.into(), ..Vehicle::default() };
    let van = db.add(Van { vehicle: vehicle(1, "van"), load: 900 }).unwrap();
    let bike = db.add(Bike { vehicle: vehicle(2, "bike"), gears: Some(7) }).unwrap();
    db.append(acme, Firm::vehicles, van).unwrap();
    db.append(brim, Firm::vehicles, bike).unwrap();
    db.commit().unwrap();
    // Now, so that the keys are in the order of the names.
    db.set(dan, Worker::mentor, bob.up::<Worker>()).unwrap();
    db.set(bob, Worker::mentor, ann.up::<Worker>()).unwrap();
    db.commit().unwrap();
    db.renew();
    db.selects();
}

/// Runs a test on each database, with the people.
pub(super) fn with_people(schema: &str, test: impl Fn(&mut Db)) {
    each(schema, registry, |db| {
        people(db);
        test(db);
    });
}
