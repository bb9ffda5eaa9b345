//! Units of work that are run until they succeed.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use aludel::engine::{Access, Isolation, TransactionOptions};
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Result};

use crate::database::{Database, script};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "account")]
struct Account {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    owner: String,
    balance: i64,
    #[column(version)]
    version: i64,
}

fn account(owner: &str, balance: i64) -> Account {
    Account { owner: owner.into(), balance, ..Account::default() }
}

/// Runs a test on every database that is there, with two accounts.
fn each(name: &str, test: impl Fn(&Database)) {
    let registry = Registry::new();
    registry.register::<Account>().unwrap();
    let postgres = Database::postgres(name, &registry);
    for db in [Some(Database::sqlite(name, &registry)), postgres].into_iter().flatten() {
        let mut session = db.session();
        session.add_all([account("ann", 10), account("bob", 20)]).unwrap();
        session.commit().unwrap();
        drop(session);
        test(&db);
    }
}

fn balance(db: &Database, owner: &str) -> i64 {
    let mut session = db.session();
    let account = of_blocking(&mut session, owner).unwrap();
    session[account].balance
}

fn of_blocking(session: &mut blocking::Session, owner: &str) -> Result<Handle<Account>> {
    session.one(select::<Account>().filter(Account::owner.eq(owner)))
}

async fn of(session: &mut Session, owner: &str) -> Result<Handle<Account>> {
    session.one(select::<Account>().filter(Account::owner.eq(owner))).await
}

/// Sessions whose transactions cannot be serialized where another has written what they have read.
fn strict(db: &Database) -> SessionMaker {
    db.sessions().configure(|session| {
        let how = TransactionOptions::new().isolation(Isolation::Serializable);
        session.transaction_options(how.access(Access::Deferred));
        Ok(())
    })
}

/// Adds to a balance behind the back of a transaction.
fn meanwhile(db: &Database, owner: &str) {
    script(
        &db.engine,
        &format!("UPDATE account SET balance = balance + 100 WHERE owner = '{owner}'"),
    );
}

#[test]
fn work_is_run_again_with_what_is_there_by_then() {
    each("retry_again", |db| {
        let mut seen = Vec::new();
        let policy = RetryPolicy::new().immediately();
        let given = strict(db)
            .transaction_blocking(&policy, |session| {
                let ann = of_blocking(session, "ann")?;
                let balance = session[ann].balance;
                seen.push(balance);
                if seen.len() < 3 {
                    meanwhile(db, "ann");
                }
                session.set(ann, Account::balance, balance + 1)?;
                session.add(account(&format!("new {}", seen.len()), 0))?;
                session.flush()?;
                Ok(balance + 1)
            })
            .unwrap();
        assert_eq!(seen, [10, 110, 210]);
        assert_eq!((given, balance(db, "ann")), (211, 211));
        let owners = db.session().rows(select::<Account>().columns(Account::owner)).unwrap();
        assert_eq!(owners.len(), 3, "what failed has left nothing: {owners:?}");
    });
}

#[test]
fn a_failure_that_the_body_passes_over_is_a_failure() {
    each("retry_passed", |db| {
        let mut attempts = 0;
        strict(db)
            .transaction_blocking(&RetryPolicy::new().immediately(), |session| {
                attempts += 1;
                let ann = of_blocking(session, "ann")?;
                if attempts == 1 {
                    meanwhile(db, "ann");
                }
                session.set(ann, Account::balance, 1)?;
                let _ = session.flush();
                Ok(())
            })
            .unwrap();
        assert_eq!((attempts, balance(db, "ann")), (2, 1));
    });
}

#[test]
fn the_policy_says_how_often_and_after_which_delays() {
    each("retry_policy", |db| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let its = told.clone();
        let policy = RetryPolicy::new().attempts(3).backoff_with(move |attempt, error| {
            its.lock().unwrap().push((attempt, error.kind()));
            Duration::ZERO
        });
        let mut attempts = 0;
        let error = db
            .sessions()
            .transaction_blocking(&policy, |session| -> Result<()> {
                attempts += 1;
                session.add(account(&format!("new {attempts}"), 0))?;
                session.flush()?;
                Err(Error::new(ErrorKind::Deadlock, "so they say"))
            })
            .unwrap_err();
        assert_eq!(error.to_string(), "after 3 attempts: so they say");
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        let told = told.lock().unwrap();
        assert_eq!(*told, [(1, ErrorKind::Deadlock), (2, ErrorKind::Deadlock)]);
        assert_eq!(attempts, 3);
        assert_eq!(db.session().count(select::<Account>()).unwrap(), 2);
    });
}

#[test]
fn other_failures_are_final_unless_the_policy_says_so() {
    each("retry_final", |db| {
        let policy = RetryPolicy::new().immediately();
        let mut attempts = 0;
        let error = db
            .sessions()
            .transaction_blocking(&policy, |session| {
                attempts += 1;
                session.add(account("ann", 0))
            })
            .unwrap_err();
        assert_eq!((attempts, error.kind()), (1, ErrorKind::UniqueViolation));

        // Somebody else's version: to be told, or to be tried with what is there now.
        let stale = |policy: &RetryPolicy| {
            let mut attempts = 0;
            let result = db.sessions().transaction_blocking(policy, |session| {
                attempts += 1;
                let ann = of_blocking(session, "ann")?;
                session.flush()?;
                if attempts == 1 {
                    let row = "UPDATE account SET version = version + 1, balance = 50 WHERE owner = 'ann'";
                    session.execute_raw(row)?;
                }
                let balance = session[ann].balance;
                session.set(ann, Account::balance, balance + 1)
            });
            (attempts, result.map_err(|error| error.kind()))
        };
        assert_eq!(stale(&policy), (1, Err(ErrorKind::Stale)));
        assert_eq!(balance(db, "ann"), 10);
        assert_eq!(stale(&policy.clone().also(ErrorKind::Stale)), (2, Ok(())));
        assert_eq!(balance(db, "ann"), 11);
    });
}

#[test]
fn the_body_does_not_commit() {
    each("retry_commit", |db| {
        let error = db
            .sessions()
            .transaction_blocking(&RetryPolicy::new(), |session| {
                session.add(account("new", 0))?;
                session.commit()
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("commits at its end"), "{error}");
        assert_eq!(db.session().count(select::<Account>()).unwrap(), 2);
        // Savepoints are its own.
        db.sessions()
            .transaction_blocking(&RetryPolicy::new(), |session| {
                session.begin_nested()?;
                session.add(account("lost", 0))?;
                session.rollback_nested()?;
                session.begin_nested()?;
                session.add(account("kept", 0))?;
                session.commit_nested()
            })
            .unwrap();
        let owners = select::<Account>().order_by(Account::owner).columns(Account::owner);
        assert_eq!(db.session().rows(owners).unwrap(), ["ann", "bob", "kept"]);
    });
}

#[test]
fn a_listener_that_fails_after_the_commit_undoes_nothing() {
    each("retry_listener", |db| {
        let sessions = db.sessions().configure(|session| {
            session.on(SessionEvent::AfterCommit, |_, _| {
                Err(Error::new(ErrorKind::Serialization, "a listener's own trouble"))
            })?;
            Ok(())
        });
        let mut attempts = 0;
        let error = sessions
            .transaction_blocking(&RetryPolicy::new().immediately(), |session| {
                attempts += 1;
                session.add(account("new", 0))
            })
            .unwrap_err();
        assert_eq!((attempts, error.message()), (1, "a listener's own trouble"));
        assert_eq!(db.session().count(select::<Account>()).unwrap(), 3);
    });
}

/// Of two that wait for each other the database refuses one, which is run again.
#[test]
fn of_a_deadlock_both_come_through() {
    let registry = Registry::new();
    registry.register::<Account>().unwrap();
    let Some(db) = Database::postgres("retry_deadlock", &registry) else { return };
    let mut session = db.session();
    session.add_all([account("ann", 0), account("bob", 0)]).unwrap();
    session.commit().unwrap();
    let (barrier, attempts) = (Barrier::new(2), Mutex::new(0));
    let work = |first: &str, second: &str| {
        let mut met = false;
        db.sessions().transaction_blocking(&RetryPolicy::new().also(ErrorKind::Stale), |session| {
            *attempts.lock().unwrap() += 1;
            session.execute_raw("SET LOCAL deadlock_timeout = '10ms'")?;
            for owner in [first, second] {
                let account = of_blocking(session, owner)?;
                session.refresh(account)?;
                let balance = session[account].balance;
                session.set(account, Account::balance, balance + 1)?;
                session.flush()?;
                if !std::mem::replace(&mut met, true) {
                    barrier.wait();
                }
            }
            Ok(())
        })
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| work("ann", "bob"));
        let other = scope.spawn(|| work("bob", "ann"));
        one.join().unwrap().unwrap();
        other.join().unwrap().unwrap();
    });
    assert!(*attempts.lock().unwrap() > 2);
    assert_eq!((balance(&db, "ann"), balance(&db, "bob")), (2, 2));
}

#[test]
fn async_on_an_engine_and_on_any_thread() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let registry = Registry::global();
    registry.register::<Account>().unwrap();
    let db = Database::sqlite("retry_async", &registry);
    let policy = RetryPolicy::new().immediately();
    // As in a task of an executor with many threads, which moves it from one to another.
    let engine = db.engine.clone();
    let task = async move {
        let names = ["ann".to_owned(), "bob".to_owned()];
        let work = engine.transaction(&policy, async move |session| {
            for name in &names {
                session.add(account(name, 1))?;
            }
            let ann = of(session, &names[0]).await?;
            session.set(ann, Account::balance, 7)?;
            Ok(names.len())
        });
        work.await
    };
    assert_eq!(db.engine.block_on(is_send(task)).unwrap(), 2);
    assert_eq!((balance(&db, "ann"), balance(&db, "bob")), (7, 1));
}

#[test]
fn a_scope_in_which_queries_do_not_flush() {
    each("no_autoflush", |db| {
        let mut session = db.session();
        let new = session.add(account("new", 0)).unwrap();
        {
            let mut quiet = session.no_autoflush();
            assert_eq!(quiet.count(select::<Account>()).unwrap(), 2);
            assert_eq!(quiet.state(new).unwrap(), ObjectState::Pending);
        }
        assert_eq!(session.count(select::<Account>()).unwrap(), 3);
        assert_eq!(session.state(new).unwrap(), ObjectState::Persistent);
    });
}

/// A session goes from thread to thread with its objects and its transaction.
#[test]
fn a_session_on_another_thread() {
    each("other_thread", |db| {
        let mut session = db.session();
        let new = session.add(account("new", 1)).unwrap();
        session.flush().unwrap();
        let mut session = std::thread::spawn(move || {
            session.set(new, Account::balance, 2).unwrap();
            session.flush().unwrap();
            session
        })
        .join()
        .unwrap();
        session.commit().unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| session[new].balance);
            assert_eq!((reader.join().unwrap(), session[new].balance), (2, 2));
        });
        // Closed, it is empty, and can be used again.
        session.close().unwrap();
        assert_eq!(session.state(new).unwrap(), ObjectState::Detached);
        assert_eq!((balance(db, "new"), session.count(select::<Account>()).unwrap()), (2, 3));
    });
}
