//! Columns of subclasses that come along with those of the base, where options lead to a hierarchy: one statement a
//! level, for every strategy, in joined and single-table hierarchies.

use aludel::orm::{
    IntoOptions, LoadKind, aliased, along, contains_eager, immediate, object, subquery,
};
use aludel::prelude::*;

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "shops")]
struct Shop {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "shop", order_by = "id", foreign_keys = "workers.shop_id")]
    staff: Many<Worker>,
    #[relationship(secondary = "shop_friends", order_by = "id")]
    friends: Many<Worker>,
    #[column(foreign_key = "workers.id")]
    head_id: Option<i64>,
    #[relationship(foreign_keys = "head_id", post_update)]
    head: One<Worker>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "workers", polymorphic_on = "kind", polymorphic_identity = "worker")]
#[mapped(subclasses(Coder, Boss, Trainee))]
struct Worker {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    kind: String,
    #[column(foreign_key = "shops.id")]
    shop_id: Option<i64>,
    #[relationship(back_populates = "staff", foreign_keys = "shop_id")]
    shop: One<Shop>,
}

/// A table of its own.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "coders", polymorphic_identity = "coder", subclasses(Lead))]
struct Coder {
    #[mapped(base)]
    worker: Worker,
    language: String,
    #[column(deferred)]
    essay: Deferred<Option<String>>,
}

/// A third table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "leads", polymorphic_identity = "lead")]
struct Lead {
    #[mapped(base)]
    coder: Coder,
    team: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "bosses", polymorphic_identity = "boss")]
struct Boss {
    #[mapped(base)]
    worker: Worker,
    level: i64,
}

/// In the table of the base.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = "trainee")]
struct Trainee {
    #[mapped(base)]
    worker: Worker,
    school: Option<String>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Shop>().unwrap();
    registry
}

/// In one shop ann (a boss), bob (a coder), cy (a lead), dan (a trainee) and eve, of whom bob is the head and ann and cy
/// are friends; in another fay (a coder).
fn people(db: &mut Db) {
    let worker = |name: &str| Worker { name: name.into(), ..Worker::default() };
    let coder = |name: &str, language: &str| Coder {
        worker: worker(name),
        language: language.into(),
        ..Coder::default()
    };
    let acme = db.add(Shop { name: "acme".into(), ..Shop::default() }).unwrap();
    let brim = db.add(Shop { name: "brim".into(), ..Shop::default() }).unwrap();
    let ann = db.add(Boss { worker: worker("ann"), level: 3 }).unwrap();
    let bob = db.add(coder("bob", "rust")).unwrap();
    let cy = db.add(Lead { coder: coder("cy", "c"), team: "red".into() }).unwrap();
    let dan = db.add(Trainee { worker: worker("dan"), school: Some("hill".into()) }).unwrap();
    let eve = db.add(worker("eve")).unwrap();
    let fay = db.add(coder("fay", "ada")).unwrap();
    for worker in [ann.up(), bob.up(), cy.up(), dan.up(), eve] {
        db.append(acme, Shop::staff, worker).unwrap();
    }
    db.append(brim, Shop::staff, fay).unwrap();
    db.append(acme, Shop::friends, ann).unwrap();
    db.append(acme, Shop::friends, cy).unwrap();
    db.set(acme, Shop::head, bob.up::<Worker>()).unwrap();
    db.commit().unwrap();
    db.renew();
    db.selects();
}

/// Runs a test on each database, with the people.
fn with_people(schema: &str, test: impl Fn(&mut Db)) {
    each(schema, registry, |db| {
        people(db);
        test(db);
    });
}

/// The shops by a query with these options, and how many SELECTs that took.
fn shops(db: &mut Db, options: impl IntoOptions<Shop>) -> (Vec<Handle<Shop>>, usize) {
    let query = select::<Shop>().order_by(Shop::id).options(options);
    let shops = db.all(query).unwrap();
    (shops, db.selects())
}

/// What each of some workers has of its subclass, as far as it is loaded: no SELECT is sent.
fn known(db: &mut Db, workers: Vec<Handle<Worker>>) -> Vec<String> {
    let mut known = Vec::new();
    for worker in workers {
        let mut said = db.value(worker, Worker::name).unwrap().clone();
        if let Some(coder) = db.downcast::<_, Coder>(worker)
            && db.is_loaded(coder, Coder::language).unwrap()
        {
            said += &format!(" {}", db.value(coder, Coder::language).unwrap());
        }
        if let Some(lead) = db.downcast::<_, Lead>(worker)
            && db.is_loaded(lead, Lead::team).unwrap()
        {
            said += &format!(" {}", db.value(lead, Lead::team).unwrap());
        }
        if let Some(boss) = db.downcast::<_, Boss>(worker)
            && db.is_loaded(boss, Boss::level).unwrap()
        {
            said += &format!(" {}", db.value(boss, Boss::level).unwrap());
        }
        if let Some(trainee) = db.downcast::<_, Trainee>(worker)
            && db.is_loaded(trainee, Trainee::school).unwrap()
        {
            said += &format!(" {}", db.value(trainee, Trainee::school).unwrap().clone().unwrap());
        }
        known.push(said);
    }
    assert_eq!(db.selects(), 0);
    known
}

/// What is known of the staff of both shops after a query with these options, and how many SELECTs it took.
fn staff(db: &mut Db, options: impl IntoOptions<Shop>) -> (Vec<String>, usize) {
    let (shops, selects) = shops(db, options);
    let staff = shops.iter().flat_map(|shop| db[*shop].staff.to_vec()).collect();
    let known = known(db, staff);
    db.renew();
    db.selects();
    (known, selects)
}

const CODERS: [&str; 6] = ["ann", "bob rust", "cy c", "dan", "eve", "fay ada"];
const TRAINEES: [&str; 6] = ["ann", "bob", "cy", "dan hill", "eve", "fay"];
const ALL: [&str; 6] = ["ann 3", "bob rust", "cy c red", "dan hill", "eve", "fay ada"];

fn is(found: (Vec<String>, usize), known: [&str; 6], selects: usize) {
    assert_eq!((&found.0[..], found.1), (&known.map(str::to_owned)[..], selects));
}

#[test]
fn of_one_subclass_by_each_strategy() {
    with_people("along_strategies", |db| {
        is(staff(db, selectin(Shop::staff).of_type::<Coder>()), CODERS, 2);
        is(staff(db, joined(Shop::staff).of_type::<Coder>()), CODERS, 1);
        is(staff(db, subquery(Shop::staff).of_type::<Coder>()), CODERS, 2);
        is(staff(db, immediate(Shop::staff).of_type::<Coder>()), CODERS, 3);
        // In the table of the base.
        is(staff(db, selectin(Shop::staff).of_type::<Trainee>()), TRAINEES, 2);
        is(staff(db, joined(Shop::staff).of_type::<Trainee>()), TRAINEES, 1);
        is(staff(db, subquery(Shop::staff).of_type::<Trainee>()), TRAINEES, 2);
    });
}

#[test]
fn of_several_subclasses() {
    let all = || {
        let two = (along::<Worker, Boss>(), along::<Worker, Lead>());
        (two, (along::<Worker, Coder>(), along::<Worker, Trainee>()))
    };
    with_people("along_several", |db| {
        is(staff(db, selectin(Shop::staff).then(all())), ALL, 2);
        is(staff(db, joined(Shop::staff).then(all())), ALL, 1);
        is(staff(db, subquery(Shop::staff).then(all())), ALL, 2);
        // A query of the base says the same.
        let workers = db.all(select::<Worker>().order_by(Worker::id).options(all())).unwrap();
        assert_eq!(db.selects(), 1);
        assert_eq!(known(db, workers), ALL);
        db.renew();
        db.selects();
        let workers = db.all(select::<Worker>().order_by(Worker::id).along::<Coder>()).unwrap();
        assert_eq!(db.selects(), 1);
        assert_eq!(known(db, workers), CODERS);
        // With a limit, the query is wrapped.
        db.renew();
        db.selects();
        let query = select::<Shop>().order_by(Shop::id).limit(1);
        let shops = db.all(query.options(joined(Shop::staff).then(all()))).unwrap();
        assert_eq!(db.selects(), 1);
        let staff = db[shops[0]].staff.to_vec();
        assert_eq!(known(db, staff), &ALL[..5]);
    });
}

#[test]
fn a_subclass_brings_what_is_between_it_and_the_base() {
    with_people("along_between", |db| {
        let lead = ["ann", "bob", "cy c red", "dan", "eve", "fay"];
        let (found, selects) = staff(db, selectin(Shop::staff).of_type::<Lead>());
        assert_eq!((found[2].as_str(), selects), (lead[2], 2));
        let (found, selects) = staff(db, joined(Shop::staff).of_type::<Lead>());
        assert_eq!((found[2].as_str(), selects), (lead[2], 1));
    });
}

#[test]
fn by_an_association_table_and_of_a_reference() {
    with_people("along_others", |db| {
        let (found, selects) = shops(db, selectin(Shop::friends).of_type::<Boss>());
        let friends = db[found[0]].friends.to_vec();
        assert_eq!((known(db, friends), selects), (vec!["ann 3".to_owned(), "cy".into()], 2));
        db.renew();
        let (found, selects) = shops(db, joined(Shop::friends).of_type::<Boss>());
        let friends = db[found[0]].friends.to_vec();
        assert_eq!((known(db, friends), selects), (vec!["ann 3".to_owned(), "cy".into()], 1));
        // A reference is read by its key.
        db.renew();
        let (found, selects) = shops(db, selectin(Shop::head).of_type::<Coder>());
        let head = db.value(found[0], Shop::head).unwrap().get().unwrap();
        assert_eq!((known(db, vec![head]), selects), (vec!["bob rust".to_owned()], 2));
        db.renew();
        let (found, selects) = shops(db, joined(Shop::head).of_type::<Coder>());
        let head = db.value(found[0], Shop::head).unwrap().get().unwrap();
        assert_eq!((known(db, vec![head]), selects), (vec!["bob rust".to_owned()], 1));
    });
}

#[test]
fn objects_that_are_there_already_get_what_they_lack() {
    with_people("along_there", |db| {
        let all = || db_workers();
        db.all(all()).unwrap();
        db.selects();
        let (found, selects) = shops(db, selectin(Shop::staff).of_type::<Coder>());
        let staff = db[found[0]].staff.to_vec();
        assert_eq!((known(db, staff)[1].as_str(), selects), ("bob rust", 2));
        // The collection is there, too.
        db.renew();
        let (found, _) = shops(db, selectin(Shop::staff));
        let (_, selects) = shops(db, selectin(Shop::staff).of_type::<Coder>());
        let staff = db[found[0]].staff.to_vec();
        assert_eq!((known(db, staff)[1].as_str(), selects), ("bob rust", 2));
        let (_, selects) = shops(db, selectin(Shop::staff).of_type::<Coder>());
        assert_eq!(selects, 1);
        // What has changed is kept.
        db.renew();
        let workers = db.all(all()).unwrap();
        let bob: Handle<Coder> = db.downcast(workers[1]).unwrap();
        db.set(bob, Coder::language, "go".to_owned()).unwrap();
        db.set(bob, Worker::name, "rob".to_owned()).unwrap();
        shops(db, joined(Shop::staff).of_type::<Coder>());
        assert_eq!((&*db[bob].language, &*db[bob].name), ("go", "rob"));
        db.rollback().unwrap();
        // A reference whose object is there.
        db.renew();
        db.all(all()).unwrap();
        db.selects();
        let (found, selects) = shops(db, selectin(Shop::head).of_type::<Coder>());
        let head = db.value(found[0], Shop::head).unwrap().get().unwrap();
        assert_eq!((known(db, vec![head]), selects), (vec!["bob rust".to_owned()], 2));
    });
}

fn db_workers() -> aludel::Select<Worker> {
    select::<Worker>().order_by(Worker::id)
}

#[test]
fn of_what_the_program_has_joined() {
    with_people("along_joined", |db| {
        // It is another SELECT.
        let query = select::<Shop>().join(Shop::staff).order_by((Shop::id, Worker::id));
        let options = contains_eager(Shop::staff).then(along::<Worker, Coder>());
        let found = db.all(query.options(options)).unwrap();
        assert_eq!(db.selects(), 2);
        let staff = found.iter().flat_map(|shop| db[*shop].staff.to_vec()).collect();
        assert_eq!(known(db, staff), ["ann", "bob rust", "cy c red", "dan", "eve", "fay ada"]);
        // Objects of rows, and classes under other names.
        db.renew();
        db.selects();
        let worker = aliased::<Worker>();
        let query = worker.select().order_by(worker.col(Worker::id));
        let found = db.all(query.options(along::<Worker, Coder>())).unwrap();
        assert_eq!((db.selects(), known(db, found)), (1, CODERS.map(str::to_owned).to_vec()));
        db.renew();
        db.selects();
        let query = db_workers().options(along::<Worker, Coder>());
        let rows = db.rows(query.columns((Worker::name, object::<Worker>()))).unwrap();
        assert_eq!(db.selects(), 1);
        let workers = rows.into_iter().map(|(_, worker)| worker).collect();
        assert_eq!(known(db, workers), CODERS);
    });
}

#[test]
fn in_streams_and_by_names() {
    with_people("along_streams", |db| {
        let query = select::<Shop>().order_by(Shop::id).options(
            selectin(Shop::staff).then((along::<Worker, Coder>(), along::<Worker, Boss>())),
        );
        let mut stream = db.stream(query, 1).unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = db.next_batch(&mut stream).unwrap() {
            db.selects();
            let staff = batch.iter().flat_map(|shop| db[*shop].staff.to_vec()).collect();
            seen.extend(known(db, staff));
        }
        assert_eq!(seen, ["ann 3", "bob rust", "cy c", "dan", "eve", "fay ada"]);
        db.renew();
        db.selects();
        let mut query = db.query_named("Shop").unwrap();
        let coder = db.entity_named("Coder").unwrap();
        query.load_path(LoadKind::SelectIn, &[(None, "staff", Some(coder))]).unwrap();
        let found = db.all_of(query);
        assert_eq!((found.len(), db.selects()), (2, 2));
        let shops = db.all(select::<Shop>().order_by(Shop::id)).unwrap();
        db.selects();
        let staff = shops.iter().flat_map(|shop| db[*shop].staff.to_vec()).collect();
        assert_eq!(known(db, staff), CODERS);
    });
}
