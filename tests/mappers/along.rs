//! Columns of subclasses that come along with those of the base, where options lead to a hierarchy: one statement a
//! level, for every strategy, in joined and single-table hierarchies.

use aludel::orm::{
    IntoOptions, LoadKind, aliased, along, contains_eager, immediate, object, subquery,
};
use aludel::prelude::*;

use super::staff::{Boss, Coder, Firm, Lead, Trainee, Worker, with_people};
use crate::support::Db;

/// The firms by a query with these options, and how many SELECTs that took.
fn firms(db: &mut Db, options: impl IntoOptions<Firm>) -> (Vec<Handle<Firm>>, usize) {
    let query = select::<Firm>().order_by(Firm::id).options(options);
    let firms = db.all(query).unwrap();
    (firms, db.selects())
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

/// What is known of the staff of both firms after a query with these options, and how many SELECTs it took.
fn staff(db: &mut Db, options: impl IntoOptions<Firm>) -> (Vec<String>, usize) {
    let (firms, selects) = firms(db, options);
    let staff = firms.iter().flat_map(|firm| db[*firm].staff.to_vec()).collect();
    let known = known(db, staff);
    db.renew();
    db.selects();
    (known, selects)
}

const CODERS: [&str; 6] = ["ann", "bob rust", "cy c", "dan", "eve", "fay c"];
const TRAINEES: [&str; 6] = ["ann", "bob", "cy", "dan hill", "eve", "fay"];
const ALL: [&str; 6] = ["ann 3", "bob rust", "cy c red", "dan hill", "eve", "fay c"];

fn is(found: (Vec<String>, usize), known: [&str; 6], selects: usize) {
    assert_eq!((&found.0[..], found.1), (&known.map(str::to_owned)[..], selects));
}

#[test]
fn of_one_subclass_by_each_strategy() {
    with_people("along_strategies", |db| {
        is(staff(db, selectin(Firm::staff).of_type::<Coder>()), CODERS, 2);
        is(staff(db, joined(Firm::staff).of_type::<Coder>()), CODERS, 1);
        is(staff(db, subquery(Firm::staff).of_type::<Coder>()), CODERS, 2);
        is(staff(db, immediate(Firm::staff).of_type::<Coder>()), CODERS, 3);
        // In the table of the base.
        is(staff(db, selectin(Firm::staff).of_type::<Trainee>()), TRAINEES, 2);
        is(staff(db, joined(Firm::staff).of_type::<Trainee>()), TRAINEES, 1);
        is(staff(db, subquery(Firm::staff).of_type::<Trainee>()), TRAINEES, 2);
    });
}

#[test]
fn of_several_subclasses() {
    let all = || {
        let two = (along::<Worker, Boss>(), along::<Worker, Lead>());
        (two, (along::<Worker, Coder>(), along::<Worker, Trainee>()))
    };
    with_people("along_several", |db| {
        is(staff(db, selectin(Firm::staff).then(all())), ALL, 2);
        is(staff(db, joined(Firm::staff).then(all())), ALL, 1);
        is(staff(db, subquery(Firm::staff).then(all())), ALL, 2);
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
        let query = select::<Firm>().order_by(Firm::id).limit(1);
        let firms = db.all(query.options(joined(Firm::staff).then(all()))).unwrap();
        assert_eq!(db.selects(), 1);
        let staff = db[firms[0]].staff.to_vec();
        assert_eq!(known(db, staff), &ALL[..5]);
    });
}

#[test]
fn a_subclass_brings_what_is_between_it_and_the_base() {
    with_people("along_between", |db| {
        let lead = ["ann", "bob", "cy c red", "dan", "eve", "fay"];
        let (found, selects) = staff(db, selectin(Firm::staff).of_type::<Lead>());
        assert_eq!((found[2].as_str(), selects), (lead[2], 2));
        let (found, selects) = staff(db, joined(Firm::staff).of_type::<Lead>());
        assert_eq!((found[2].as_str(), selects), (lead[2], 1));
    });
}

#[test]
fn by_an_association_table_and_of_a_reference() {
    with_people("along_others", |db| {
        let (found, selects) = firms(db, selectin(Firm::friends).of_type::<Boss>());
        let friends = db[found[0]].friends.to_vec();
        assert_eq!((known(db, friends), selects), (vec!["ann 3".to_owned(), "cy".into()], 2));
        db.renew();
        let (found, selects) = firms(db, joined(Firm::friends).of_type::<Boss>());
        let friends = db[found[0]].friends.to_vec();
        assert_eq!((known(db, friends), selects), (vec!["ann 3".to_owned(), "cy".into()], 1));
        // A reference is read by its key.
        db.renew();
        let (found, selects) = firms(db, selectin(Firm::head).of_type::<Coder>());
        let head = db.value(found[0], Firm::head).unwrap().get().unwrap();
        assert_eq!((known(db, vec![head]), selects), (vec!["bob rust".to_owned()], 2));
        db.renew();
        let (found, selects) = firms(db, joined(Firm::head).of_type::<Coder>());
        let head = db.value(found[0], Firm::head).unwrap().get().unwrap();
        assert_eq!((known(db, vec![head]), selects), (vec!["bob rust".to_owned()], 1));
    });
}

#[test]
fn objects_that_are_there_already_get_what_they_lack() {
    with_people("along_there", |db| {
        let all = || db_workers();
        db.all(all()).unwrap();
        db.selects();
        let (found, selects) = firms(db, selectin(Firm::staff).of_type::<Coder>());
        let staff = db[found[0]].staff.to_vec();
        assert_eq!((known(db, staff)[1].as_str(), selects), ("bob rust", 2));
        // The collection is there, too.
        db.renew();
        let (found, _) = firms(db, selectin(Firm::staff));
        let (_, selects) = firms(db, selectin(Firm::staff).of_type::<Coder>());
        let staff = db[found[0]].staff.to_vec();
        assert_eq!((known(db, staff)[1].as_str(), selects), ("bob rust", 2));
        let (_, selects) = firms(db, selectin(Firm::staff).of_type::<Coder>());
        assert_eq!(selects, 1);
        // What has changed is kept.
        db.renew();
        let workers = db.all(all()).unwrap();
        let bob: Handle<Coder> = db.downcast(workers[1]).unwrap();
        db.set(bob, Coder::language, "go".to_owned()).unwrap();
        db.set(bob, Worker::name, "rob".to_owned()).unwrap();
        firms(db, joined(Firm::staff).of_type::<Coder>());
        assert_eq!((&*db[bob].language, &*db[bob].name), ("go", "rob"));
        db.rollback().unwrap();
        // A reference whose object is there.
        db.renew();
        db.all(all()).unwrap();
        db.selects();
        let (found, selects) = firms(db, selectin(Firm::head).of_type::<Coder>());
        let head = db.value(found[0], Firm::head).unwrap().get().unwrap();
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
        let query = select::<Firm>().join(Firm::staff).order_by((Firm::id, Worker::id));
        let options = contains_eager(Firm::staff).then(along::<Worker, Coder>());
        let found = db.all(query.options(options)).unwrap();
        assert_eq!(db.selects(), 2);
        let staff = found.iter().flat_map(|firm| db[*firm].staff.to_vec()).collect();
        assert_eq!(known(db, staff), ["ann", "bob rust", "cy c red", "dan", "eve", "fay c"]);
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
        let query = select::<Firm>().order_by(Firm::id).options(
            selectin(Firm::staff).then((along::<Worker, Coder>(), along::<Worker, Boss>())),
        );
        let mut stream = db.stream(query, 1).unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = db.next_batch(&mut stream).unwrap() {
            db.selects();
            let staff = batch.iter().flat_map(|firm| db[*firm].staff.to_vec()).collect();
            seen.extend(known(db, staff));
        }
        assert_eq!(seen, ["ann 3", "bob rust", "cy c", "dan", "eve", "fay c"]);
        db.renew();
        db.selects();
        let mut query = db.query_named("Firm").unwrap();
        let coder = db.entity_named("Coder").unwrap();
        query.load_path(LoadKind::SelectIn, &[(None, "staff", Some(coder))]).unwrap();
        let found = db.all_of(query);
        assert_eq!((found.len(), db.selects()), (2, 2));
        let firms = db.all(select::<Firm>().order_by(Firm::id)).unwrap();
        db.selects();
        let staff = firms.iter().flat_map(|firm| db[*firm].staff.to_vec()).collect();
        assert_eq!(known(db, staff), CODERS);
    });
}
