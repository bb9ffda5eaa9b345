//! Rows that a query locks (`with_for_update`), seen by a second session on PostgreSQL; SQLite locks as a whole, and is
//! told nothing. Nobody waits here: who finds a row locked is refused, or goes without it.

#[path = "support/database.rs"]
mod database;
#[path = "support/sent.rs"]
mod sent;

use std::sync::Arc;

use aludel::prelude::*;
use aludel::sql::{DialectKind, Lock};
use aludel::{ErrorKind, many, object};
use database::Database;
use sent::Sent;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "job", polymorphic_on = "kind", polymorphic_identity = "job", subclasses(Report))]
struct Job {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    name: String,
    #[relationship(back_populates = "job", cascade = "all, delete-orphan")]
    steps: Many<Step>,
}

/// A job with a table of its own.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "report", polymorphic_identity = "report")]
struct Report {
    #[mapped(base)]
    job: Job,
    pages: i64,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "step")]
struct Step {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "job.id")]
    job_id: Option<i64>,
    #[relationship(back_populates = "steps")]
    job: One<Job>,
}

struct Case {
    db: Database,
    sent: Arc<Sent>,
    is_postgres: bool,
}

fn job(name: &str) -> Job {
    let step = |name: &str| Step { name: name.into(), ..Step::default() };
    Job { name: name.into(), steps: many![step("first"), step("last")], ..Job::default() }
}

/// Runs a test on each database, with the jobs `a`, `b` and `c`, of which the last is a report.
fn each(name: &str, test: impl Fn(&Case)) {
    let registry = Registry::new();
    registry.register::<Job>().unwrap();
    let postgres = Database::postgres(&format!("locks_{name}"), &registry);
    let sqlite = Database::sqlite(&format!("locks-{name}"), &registry);
    for db in [Some(sqlite), postgres].into_iter().flatten() {
        let mut s = db.session();
        s.add(job("a")).unwrap();
        s.add(job("b")).unwrap();
        s.add(Report { job: job("c"), pages: 3 }).unwrap();
        s.commit().unwrap();
        drop(s);
        let sent = Arc::new(Sent::default());
        db.engine.observe(sent.clone());
        let is_postgres = db.engine.dialect().kind == DialectKind::Postgres;
        test(&Case { db, sent, is_postgres });
    }
}

/// As [`each`], where rows can be locked.
fn on_postgres(name: &str, test: impl Fn(&Case)) {
    each(name, |case| {
        if case.is_postgres {
            test(case);
        }
    });
}

/// The jobs that another session can lock like this, without waiting.
fn free(case: &Case, lock: Lock) -> Vec<String> {
    let mut s = case.db.session();
    let query = select::<Job>().lock(lock.skip_locked()).order_by(Job::id);
    let names = s.rows(query.columns(Job::name)).unwrap();
    // What is only dropped may be rolled back later.
    s.rollback().unwrap();
    names
}

/// How many steps of all another session can lock.
fn free_steps(case: &Case) -> usize {
    let mut s = case.db.session();
    let steps = s.all(select::<Step>().lock(Lock::update().skip_locked())).unwrap();
    s.rollback().unwrap();
    steps.len()
}

fn named(name: &str) -> aludel::Select<Job> {
    select::<Job>().filter(Job::name.eq(name))
}

#[test]
fn a_locked_row_is_refused_or_left_out() {
    on_postgres("refused", |case| {
        let mut one = case.db.session();
        let a = one.one(named("a").for_update()).unwrap();
        let mut two = case.db.session();
        let error = two.all(named("a").lock(Lock::update().nowait())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("could not obtain lock"), "{error}");
        // The transaction is over, and the session goes on after the rollback.
        assert_eq!(two.count(select::<Job>()).unwrap_err().kind(), ErrorKind::PendingRollback);
        two.rollback().unwrap();
        assert_eq!(free(case, Lock::update()), ["b", "c"]);
        // Who only reads is not stopped.
        assert_eq!(two.count(select::<Job>()).unwrap(), 3);
        // The lock ends with the transaction.
        one.set(a, Job::name, "A").unwrap();
        one.commit().unwrap();
        assert_eq!(free(case, Lock::update()), ["A", "b", "c"]);
        one.all(select::<Job>().for_update()).unwrap();
        assert!(free(case, Lock::key_share()).is_empty());
        one.rollback().unwrap();
        assert_eq!(free(case, Lock::update()).len(), 3);
    });
}

#[test]
fn which_locks_let_each_other_in() {
    let locks = [Lock::key_share(), Lock::share(), Lock::no_key_update(), Lock::update()];
    // Of each, those that it lets in.
    let lets_in = [3, 2, 1, 0];
    on_postgres("matrix", |case| {
        for (held, lets_in) in locks.iter().zip(lets_in) {
            let mut one = case.db.session();
            one.all(named("a").lock(held.clone())).unwrap();
            for (number, wanted) in locks.iter().enumerate() {
                let mut two = case.db.session();
                let found = two.all(named("a").lock(wanted.clone().nowait()));
                assert_eq!(found.is_ok(), number < lets_in, "{held:?}, {wanted:?}");
                two.rollback().unwrap();
                let rest = if number < lets_in { vec!["a", "b", "c"] } else { vec!["b", "c"] };
                assert_eq!(free(case, wanted.clone()), rest, "{held:?}, {wanted:?}");
            }
            one.rollback().unwrap();
        }
    });
}

#[test]
fn of_some_of_the_classes() {
    on_postgres("of", |case| {
        let mut one = case.db.session();
        let steps = select::<Step>().join(Step::job).filter(Job::name.eq("a"));
        one.all(steps.clone().lock_of(object::<Step>())).unwrap();
        assert_eq!((free_steps(case), free(case, Lock::update()).len()), (4, 3));
        one.rollback().unwrap();
        one.all(steps.clone().lock_of(object::<Job>())).unwrap();
        assert_eq!(free_steps(case), 6);
        assert_eq!(free(case, Lock::update()), ["b", "c"]);
        // Without it, of all.
        one.rollback().unwrap();
        one.all(steps.clone().lock(Lock::no_key_update())).unwrap();
        assert_eq!(free_steps(case), 4);
        assert_eq!(free(case, Lock::key_share()), ["a", "b", "c"]);
        assert_eq!(free(case, Lock::share()), ["b", "c"]);
        // What is said of the class goes with what is said of the lock.
        let mut two = case.db.session();
        let found = two.all(steps.lock(Lock::share().nowait()).lock_of(object::<Job>()));
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Timeout);
    });
}

#[test]
fn with_eager_loading() {
    on_postgres("eager", |case| {
        let mut one = case.db.session();
        let eager = [
            named("a").options(joined(Job::steps)),
            named("a").options(joined(Job::steps)).limit(1),
            named("a").options(selectin(Job::steps)),
            named("a").options(aludel::subquery(Job::steps)),
        ];
        for query in eager {
            let a = one.one(query.for_update().populate_existing()).unwrap();
            assert_eq!(one[a].steps.len(), 2);
            // The row of the object is locked, and those of its members are not.
            assert_eq!(free(case, Lock::update()), ["b", "c"]);
            assert_eq!(free_steps(case), 6);
            one.rollback().unwrap();
        }
        // A join of one's own is of the query.
        let own = named("a").join(Job::steps).options(aludel::contains_eager(Job::steps));
        one.all(own.for_update()).unwrap();
        assert_eq!(free_steps(case), 4);
    });
}

#[test]
fn rows_are_taken_from_a_queue() {
    on_postgres("queue", |case| {
        let next = || select::<Job>().order_by(Job::id).limit(1).lock(Lock::update().skip_locked());
        let mut sessions = [case.db.session(), case.db.session(), case.db.session()];
        for (session, wanted) in sessions.iter_mut().zip(["a", "b", "c"]) {
            let taken = session.one(next().options(joined(Job::steps))).unwrap();
            assert_eq!(session.value(taken, Job::name).unwrap(), wanted);
            assert_eq!(session.members(taken, Job::steps).len(), 2);
        }
        assert!(case.db.session().all(next()).unwrap().is_empty());
        // By keys of a subquery: what it locks itself is locked.
        sessions[1].rollback().unwrap();
        let mut four = case.db.session();
        let keys = select::<Job>().filter(Job::name.ne("c")).lock(Lock::update().skip_locked());
        let taken =
            four.all(select::<Job>().filter(Job::id.in_query(keys.columns(Job::id)))).unwrap();
        assert_eq!(taken.len(), 1);
        assert!(free(case, Lock::key_share()).is_empty());
    });
}

#[test]
fn of_a_class_with_several_tables() {
    on_postgres("tables", |case| {
        let mut one = case.db.session();
        one.all(select::<Report>().for_update()).unwrap();
        assert_eq!(free(case, Lock::update()), ["a", "b"]);
        let mut two = case.db.session();
        let skipped = two.all(select::<Report>().lock(Lock::key_share().skip_locked()));
        assert!(skipped.unwrap().is_empty());
    });
}

#[test]
fn objects_by_key() {
    on_postgres("get", |case| {
        let (mut one, mut two) = (case.db.session(), case.db.session());
        let a = two.one(named("a")).unwrap();
        let key = *two[a].id.get().unwrap();
        two.commit().unwrap();
        let same = one.get_locked::<Job>(key, Lock::update()).unwrap().unwrap();
        one.set(same, Job::name, "changed").unwrap();
        one.flush().unwrap();
        // Skipped, there is no such object for now; the one that is here stays as it is.
        let skipped = two.get_locked::<Job>(key, Lock::share().skip_locked()).unwrap();
        assert_eq!((skipped, &*two[a].name), (None, "a"));
        for lock in [Lock::share(), Lock::no_key_update(), Lock::update()] {
            let error = two.get_locked::<Job>(key, lock.clone().nowait()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            two.rollback().unwrap();
            let error = two.refresh_locked(a, lock.nowait()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            two.rollback().unwrap();
        }
        two.refresh(a).unwrap();
        let error = two.refresh_locked(a, Lock::update().skip_locked()).unwrap_err();
        assert!(error.to_string().contains("or locked by another transaction"), "{error}");
        two.rollback().unwrap();
        // When it is free, the object has what the row has then.
        one.commit().unwrap();
        assert_eq!(two.get_locked::<Job>(key, Lock::update().nowait()).unwrap(), Some(a));
        assert_eq!(two[a].name, "changed");
        assert_eq!(free(case, Lock::key_share()), ["b", "c"]);
        two.rollback().unwrap();
        two.refresh_locked(a, Lock::share()).unwrap();
        assert_eq!(free(case, Lock::update()), ["b", "c"]);
        assert_eq!(free(case, Lock::share()), ["changed", "b", "c"]);
        // A report is locked in both of its tables.
        let report = two.one(select::<Report>()).unwrap();
        two.refresh_locked(report, Lock::update()).unwrap();
        assert_eq!(free(case, Lock::key_share()), ["changed", "b"]);
    });
}

#[test]
fn streams_and_pages() {
    on_postgres("streams", |case| {
        let mut one = case.db.session();
        let mut stream = one.stream(select::<Job>().order_by(Job::id).for_update(), 2).unwrap();
        assert_eq!(one.next_batch(&mut stream).unwrap().unwrap().len(), 2);
        assert_eq!(free(case, Lock::update()), ["c"]);
        assert_eq!(one.next_batch(&mut stream).unwrap().unwrap().len(), 1);
        assert!(free(case, Lock::update()).is_empty());
        one.rollback().unwrap();
        let page = one.page(select::<Job>().order_by(Job::id).for_update(), aludel::Page::first(1));
        assert_eq!(page.unwrap().items.len(), 1);
        assert!(!free(case, Lock::update()).contains(&"a".to_owned()));
    });
}

#[test]
fn sqlite_is_told_nothing() {
    each("sqlite", |case| {
        if case.is_postgres {
            return;
        }
        let mut s = case.db.session();
        let locks = [Lock::update(), Lock::no_key_update(), Lock::share(), Lock::key_share()];
        for lock in locks {
            for lock in [lock.clone(), lock.clone().nowait(), lock.skip_locked()] {
                let jobs =
                    s.all(select::<Job>().lock(lock.clone()).lock_of(object::<Job>())).unwrap();
                assert_eq!(jobs.len(), 3);
                let key = *s[jobs[0]].id.get().unwrap();
                assert_eq!(s.get_locked::<Job>(key, lock.clone()).unwrap(), Some(jobs[0]));
                s.refresh_locked(jobs[0], lock).unwrap();
            }
        }
        let sent = case.sent.take();
        assert!(!sent.is_empty() && sent.iter().all(|sql| !sql.contains(" FOR ")), "{sent:?}");
    });
}
