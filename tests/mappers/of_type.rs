//! Relationships to subclasses, in criteria, joins and options, and columns of several subclasses by one more SELECT each:
//! in joined, single-table and concrete hierarchies.

use aludel::orm::{
    IntoOptions, IsA, Select, contains_eager, contains_eager_as, object, selectin_polymorphic,
    subquery, undefer,
};
use aludel::prelude::*;

use super::staff::{Bike, Boss, Coder, Firm, Tool, Trainee, Van, Worker, with_people};
use crate::support::Db;

/// The one of a name among the staff of a firm.
fn of_staff<T: Mapped + IsA<Worker>>(db: &Db, firm: Handle<Firm>, name: &str) -> Handle<T> {
    let staff = db[firm].staff.to_vec();
    let found = staff.into_iter().find(|worker| db.value(*worker, Worker::name).unwrap() == name);
    db.downcast(found.unwrap()).unwrap()
}

fn names(db: &mut Db, query: Select<Firm>) -> Vec<String> {
    db.rows(query.order_by(Firm::name).columns(Firm::name)).unwrap()
}

fn workers(db: &mut Db, query: Select<Worker>) -> Vec<String> {
    db.rows(query.order_by(Worker::name).columns(Worker::name)).unwrap()
}

#[test]
fn in_criteria() {
    with_people("of_type_criteria", |db| {
        let coders = || Firm::staff.of_type::<Coder>();
        let which = |condition| select::<Firm>().filter(condition);
        assert_eq!(names(db, which(coders().any(Coder::language.eq("rust")))), ["acme"]);
        assert_eq!(names(db, which(coders().any(Coder::language.eq("c")))), ["acme", "brim"]);
        // Both of the subclass and of the base.
        let both = Coder::language.eq("c") & Worker::name.eq("fay");
        assert_eq!(names(db, which(coders().any(both))), ["brim"]);
        assert_eq!(names(db, which(Firm::staff.of_type::<Boss>().any_exists())), ["acme"]);
        assert_eq!(names(db, which(!Firm::staff.of_type::<Boss>().any_exists())), ["brim"]);
        // In the table of the base, it is the discriminator that tells.
        assert_eq!(names(db, which(Firm::staff.of_type::<Trainee>().any_exists())), ["acme"]);
        let hill = Trainee::school.eq("hill");
        assert_eq!(names(db, which(Firm::staff.of_type::<Trainee>().any(hill))), ["acme"]);
        // By an association table.
        let rust = Coder::language.eq("rust");
        assert_eq!(names(db, which(Firm::friends.of_type::<Coder>().any(rust))), ["brim"]);
        // What a subclass of the subclass's condition asks for goes on.
        let pens = Coder::tools.any(Tool::name.eq("pen"));
        assert_eq!(names(db, which(coders().any(pens))), ["acme"]);
        // Of a reference, from a class to itself.
        let taught = select::<Worker>()
            .filter(Worker::mentor.of_type::<Coder>().has(Coder::language.eq("rust")));
        assert_eq!(workers(db, taught), ["dan"]);
        let led = select::<Worker>().filter(Worker::mentor.of_type::<Boss>().any_exists());
        assert_eq!(workers(db, led), ["bob"]);
        // Under another name.
        let other = aludel::aliased::<Firm>();
        let named = other.rel(Firm::staff).of_type::<Boss>().any(Boss::level.eq(3));
        let query = other.select().filter(named).columns(other.col(Firm::name));
        assert_eq!(db.rows(query).unwrap(), ["acme"]);
        // Whether this object is one of them.
        let bob = db.one(select::<Coder>().filter(Worker::name.eq("bob"))).unwrap();
        assert_eq!(names(db, which(coders().contains(bob))), ["acme"]);
        assert_eq!(names(db, which(Firm::friends.of_type::<Coder>().contains(bob))), ["brim"]);
    });
}

#[test]
fn in_joins() {
    with_people("of_type_joins", |db| {
        let query = select::<Firm>()
            .join(Firm::staff.of_type::<Coder>())
            .filter(Coder::language.eq("c"))
            .order_by(Worker::name)
            .columns((Firm::name, Worker::name, Coder::language));
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(db.rows(query).unwrap(), [row("acme", "cy", "c"), row("brim", "fay", "c")]);
        // What has none stays.
        let query = select::<Firm>()
            .outer_join(Firm::staff.of_type::<Boss>())
            .order_by(Firm::name)
            .columns((Firm::name, Boss::level.sum()))
            .group_by(Firm::name);
        assert_eq!(
            db.rows(query).unwrap(),
            [("acme".to_owned(), Some(3)), ("brim".to_owned(), None)]
        );
        let query = select::<Firm>()
            .outer_join(Firm::staff.of_type::<Trainee>())
            .order_by(Firm::name)
            .columns((Firm::name, Trainee::school));
        let hill = Some("hill".to_owned());
        assert_eq!(db.rows(query).unwrap(), [("acme".into(), hill), ("brim".into(), None)]);
        // Under other names, twice; and by the association table.
        let (one, two) = (aludel::aliased::<Coder>(), aludel::aliased::<Boss>());
        let query = select::<Firm>()
            .join_as(Firm::friends.of_type::<Coder>(), &one)
            .join_as(Firm::friends.of_type::<Boss>(), &two)
            .order_by(one.col(Worker::name))
            .columns((one.col(Worker::name), two.col(Worker::name), two.col(Boss::level)));
        let row = |coder: &str| (coder.to_owned(), "ann".to_owned(), 3);
        assert_eq!(db.rows(query).unwrap(), [row("bob"), row("cy")]);
        let query = select::<Worker>()
            .join_as(Worker::mentor.of_type::<Coder>(), &one)
            .filter(one.col(Coder::language).eq("rust"));
        assert_eq!(workers(db, query), ["dan"]);
        let objects = select::<Firm>()
            .join(Firm::staff.of_type::<Coder>())
            .order_by(Worker::name)
            .columns((Firm::name, object::<Coder>()));
        let found = db.rows(objects).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!((&*found[0].0, &*db[found[0].1].language), ("acme", "rust"));
    });
}

#[test]
fn what_was_joined_is_taken_for_the_collection() {
    with_people("of_type_contains", |db| {
        let query = || select::<Firm>().order_by((Firm::name, Worker::name));
        let only = query()
            .join(Firm::staff.of_type::<Coder>())
            .options(contains_eager(Firm::staff).of_type::<Coder>());
        let firms = db.all(only).unwrap();
        assert_eq!((db[firms[0]].staff.len(), db[firms[1]].staff.len()), (2, 1));
        let bob: Handle<Coder> = db.downcast(db[firms[0]].staff.at(0).unwrap()).unwrap();
        assert_eq!((&*db[bob].language, db.selects()), ("rust", 1));
        assert!(!db.is_loaded(bob, Coder::essay).unwrap());
        db.renew();
        db.selects();
        let coder = aludel::aliased::<Coder>();
        let only = select::<Firm>()
            .join_as(Firm::staff.of_type::<Coder>(), &coder)
            .filter(coder.col(Coder::language).eq("c"))
            .order_by(Firm::name)
            .options(contains_eager_as(Firm::staff, &coder).then(undefer(Coder::essay)));
        let firms = db.all(only).unwrap();
        assert_eq!((db[firms[0]].staff.len(), db[firms[1]].staff.len()), (1, 1));
        let cy: Handle<Coder> = db.downcast(db[firms[0]].staff.at(0).unwrap()).unwrap();
        let essay = db.value(cy, Coder::essay).unwrap().get();
        assert_eq!(essay.unwrap().as_deref(), Some("essay of cy"));
        assert_eq!((&**db.value(cy, Coder::language).unwrap(), db.selects()), ("c", 1));
    });
}

#[test]
fn in_options() {
    with_people("of_type_options", |db| {
        // What hangs on the subclass, along the relationship to the base, by each strategy.
        along(db, selectin(Firm::staff).of_type::<Coder>().selectin(Coder::tools));
        along(db, joined(Firm::staff).of_type::<Coder>().selectin(Coder::tools));
        along(db, joined(Firm::staff).of_type::<Coder>().joined(Coder::tools));
        along(db, subquery(Firm::staff).of_type::<Coder>().subquery(Coder::tools));
        // Columns of subclasses, each by one SELECT, with one of them that waits elsewhere.
        let columns = (
            selectin_polymorphic::<Worker, Coder>(),
            selectin_polymorphic::<Worker, Boss>(),
            selectin_polymorphic::<Worker, Trainee>(),
        );
        let query =
            select::<Firm>().order_by(Firm::id).options(selectin(Firm::staff).then(columns));
        let acme = db.all(query).unwrap()[0];
        assert_eq!(db.selects(), 5);
        let (ann, bob) = (of_staff::<Boss>(db, acme, "ann"), of_staff::<Coder>(db, acme, "bob"));
        let dan: Handle<Trainee> = of_staff(db, acme, "dan");
        assert_eq!((db[ann].level, &*db[bob].language), (3, "rust"));
        assert_eq!(db[dan].school.as_deref(), Some("hill"));
        assert!(!db.is_loaded(bob, Coder::essay).unwrap());
        assert_eq!(
            db.load(bob, Coder::essay).unwrap().get().unwrap().as_deref(),
            Some("essay of bob")
        );
    });
}

fn along(db: &mut Db, options: impl IntoOptions<Firm>) {
    let acme = db.all(select::<Firm>().order_by(Firm::id).options(options)).unwrap()[0];
    db.selects();
    assert_eq!(db[acme].staff.len(), 5);
    let bob: Handle<Coder> = of_staff(db, acme, "bob");
    assert_eq!((db.value(bob, Coder::tools).unwrap().len(), db.selects()), (1, 0));
    db.renew();
    db.selects();
}

#[test]
fn columns_of_several_subclasses_in_a_stream() {
    with_people("of_type_stream", |db| {
        let query = || {
            select::<Worker>().order_by((Worker::name, Worker::id)).options((
                selectin_polymorphic::<Worker, Coder>(),
                selectin_polymorphic::<Worker, Boss>(),
            ))
        };
        let mut stream = db.stream(query(), 4).unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = db.next_batch(&mut stream).unwrap() {
            db.selects();
            for worker in batch {
                if let Some(coder) = db.downcast::<_, Coder>(worker) {
                    seen.push(db[coder].language.clone());
                } else if let Some(boss) = db.downcast::<_, Boss>(worker) {
                    seen.push(db[boss].level.to_string());
                }
            }
            assert_eq!(db.selects(), 0);
        }
        assert_eq!(seen, ["3", "rust", "c", "c"]);
        // A deferred column comes where that is said, also with a limit.
        db.renew();
        db.selects();
        let query = query().options(undefer(Worker::name)).limit(2).offset(1);
        let found = db.all(query).unwrap();
        let bob: Handle<Coder> = db.downcast(found[0]).unwrap();
        assert_eq!((&*db[bob].language, db.selects()), ("rust", 2));
        // What is there already is not read again.
        db.all(select::<Worker>().options(selectin_polymorphic::<Worker, Coder>())).unwrap();
        assert_eq!(db.selects(), 2);
    });
}

#[test]
fn concrete_subclasses() {
    with_people("of_type_concrete", |db| {
        let loaded = Firm::vehicles.of_type::<Van>().any(Van::load.gt(500));
        assert_eq!(names(db, select::<Firm>().filter(loaded)), ["acme"]);
        let geared = Firm::vehicles.of_type::<Bike>().any(Bike::gears.is_not_null());
        assert_eq!(names(db, select::<Firm>().filter(geared)), ["brim"]);
        let query =
            select::<Firm>().join(Firm::vehicles.of_type::<Van>()).columns((Firm::name, Van::load));
        assert_eq!(db.rows(query).unwrap(), [("acme".to_owned(), 900)]);
        let firms =
            db.all(select::<Firm>().order_by(Firm::id).options(selectin(Firm::vehicles))).unwrap();
        let van: Handle<Van> = db.downcast(db[firms[0]].vehicles.at(0).unwrap()).unwrap();
        assert_eq!((&*db[van].plate, db[van].load), ("van", 900));
    });
}
