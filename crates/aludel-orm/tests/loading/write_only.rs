//! Collections that are never loaded, and locks of rows.

use std::sync::Arc;

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::{
    Auto, ErrorKind, Handle, Lazy, Many, One, Registry, Result, Session, WriteOnly, delete, many,
    object, others, select, update,
};
use aludel_sql::{Expression, Lock};

use crate::databases;
use crate::zoo::Selects;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "accounts")]
struct Account {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "account", order_by = "-amount")]
    entries: WriteOnly<Entry>,
    #[relationship(
        back_populates = "accounts",
        secondary = "account_labels(account_id; label_id)"
    )]
    labels: WriteOnly<Label>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "entries")]
struct Entry {
    #[column(primary_key)]
    id: Auto<i64>,
    amount: i64,
    #[column(foreign_key = "accounts.id")]
    account_id: Option<i64>,
    #[relationship(back_populates = "entries")]
    account: One<Account>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "labels")]
struct Label {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "labels", secondary = "account_labels(label_id; account_id)")]
    accounts: Many<Account>,
}

struct Db {
    engine: Engine,
    registry: Registry,
    selects: Selects,
}

impl Db {
    fn each(test: impl Fn(Self)) {
        databases::each(|engine| {
            let registry = Registry::new();
            registry.register::<Account>().unwrap();
            engine.block_on(registry.create_all(&engine)).unwrap();
            let db = Self { engine, registry, selects: Selects::default() };
            db.engine.observe(Arc::new(db.selects.clone()));
            test(db);
        });
    }

    fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    fn run<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        self.engine.block_on(future).unwrap()
    }

    fn fails<T>(&self, future: impl Future<Output = Result<T>>) -> aludel_orm::Error {
        self.engine.block_on(future).err().unwrap()
    }

    fn selects(&self) -> usize {
        self.selects.take().len()
    }
}

fn entry(amount: i64) -> Entry {
    Entry { amount, ..Entry::default() }
}

fn amounts(db: &Db, s: &mut Session, account: Handle<Account>) -> Vec<i64> {
    let query = s.members_query(account, Account::entries).unwrap();
    db.run(s.rows(query.columns(Entry::amount)))
}

#[test]
fn members_come_and_go_unseen() {
    Db::each(|db| {
        let mut s = db.session();
        let entries = many![entry(1), entry(2)];
        let account = s.add(Account { name: "a".into(), entries, ..Account::default() }).unwrap();
        db.run(s.commit());
        // What was given when it was made is not kept.
        assert!(!s.is_loaded(account, Account::entries).unwrap());
        db.selects();
        let third = s.add(entry(3)).unwrap();
        s.append(account, Account::entries, third).unwrap();
        assert_eq!(s[third].account.get(), Some(account));
        db.run(s.flush());
        assert_eq!(s[third].account_id, s[account].id.get().copied());
        assert!(!s.is_loaded(account, Account::entries).unwrap());
        assert_eq!(db.selects(), 0, "nothing was loaded");
        assert_eq!(amounts(&db, &mut s, account), [3, 2, 1]);
        s.remove(account, Account::entries, third).unwrap();
        db.run(s.flush());
        assert_eq!(s[third].account_id, None);
        assert_eq!(amounts(&db, &mut s, account), [2, 1]);
        // From the other side.
        s.set(third, Entry::account, account).unwrap();
        db.run(s.commit());
        assert_eq!(amounts(&db, &mut s, account), [3, 2, 1]);
        // It is never loaded, whoever asks.
        let error = db.fails(s.load_named(account, "entries"));
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        assert!(error.to_string().contains("query its members, with `session.members_query`"));
        db.run(s.all(select::<Account>().options(others::<Account>(Lazy::SelectIn))));
    });
}

#[test]
fn a_whole_collection_is_not_replaced() {
    Db::each(|db| {
        let mut s = db.session();
        // Of a new owner nothing is there yet.
        let account = s.add(Account::default()).unwrap();
        s.edit(account, |a| a.entries = many![entry(1)]).unwrap();
        s.edit(account, |a| a.entries = many![entry(2), entry(3)]).unwrap();
        db.run(s.flush());
        assert_eq!(amounts(&db, &mut s, account), [3, 2]);
        let error = s.edit(account, |a| a.entries = many![entry(4)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded, "{error}");
        assert!(error.to_string().contains("query its members"), "{error}");
        assert_eq!(amounts(&db, &mut s, account), [3, 2]);
    });
}

#[test]
fn classes_that_are_described() {
    Db::each(|db| {
        let mapper = db.registry.describe("Book").table("books");
        let mapper = mapper.column::<Auto<i64>>("id", |c| c.primary_key());
        let mapper = mapper.many("pages", "Page", |r| {
            r.lazy(Lazy::WriteOnly);
        });
        let book = mapper.finish().unwrap();
        let page = db.registry.describe("Page").table("pages");
        let page = page.column::<Auto<i64>>("id", |c| c.primary_key());
        let page = page.column::<Option<i64>>("book_id", |c| c.references("books.id"));
        let page = page.finish().unwrap();
        db.run(db.registry.create_all(&db.engine));
        let mut s = db.session();
        let owner = s.add(book.record()).unwrap();
        for _ in 0..3 {
            let page = s.add(page.record()).unwrap();
            s.append_named(owner.id(), "pages", page.id(), None).unwrap();
        }
        db.run(s.commit());
        let query = s.members_query_named(owner, "pages").unwrap();
        assert_eq!(db.run(s.all_of(query)).len(), 3);
    });
}

#[test]
fn members_as_queries_and_conditions() {
    Db::each(|db| {
        let mut s = db.session();
        let a = s.add(Account { name: "a".into(), ..Account::default() }).unwrap();
        let b = s.add(Account { name: "b".into(), ..Account::default() }).unwrap();
        let error = s.members_query(a, Account::entries).unwrap_err();
        assert!(error.to_string().contains("the object has no row"), "{error}");
        db.run(s.flush());
        // Many at once: no object comes into the session.
        let many = (1..=600).map(entry).collect();
        db.run(s.insert_members(a, Account::entries, many));
        db.run(s.insert_members(b, Account::entries, vec![entry(7)]));
        let query = s.members_query(a, Account::entries).unwrap();
        assert_eq!(db.run(s.count(query.clone())), 600);
        let top = db.run(s.all(query.filter(Entry::amount.lt(500)).limit(2)));
        let top: Vec<i64> = top.iter().map(|entry| s[*entry].amount).collect();
        assert_eq!(top, [499, 498]);
        let of_a = s.with_parent(a, Account::entries).unwrap();
        let halved = update::<Entry>().set(Entry::amount, 0).filter(of_a.clone());
        assert_eq!(db.run(s.execute_update(halved.filter(Entry::amount.gt(10)))), 590);
        assert_eq!(
            db.run(s.execute_delete(delete::<Entry>().filter(of_a & Entry::amount.eq(0)))),
            590
        );
        assert_eq!(amounts(&db, &mut s, a).len(), 10);
        assert_eq!(amounts(&db, &mut s, b), [7]);
        // By name.
        let query = s.members_query_named(b, "entries").unwrap();
        assert_eq!(db.run(s.all_of(query)).len(), 1);
        let node = s.with_parent_named(b, "entries").unwrap();
        let query = s.query_named("Entry").unwrap().filter(node);
        assert_eq!(db.run(s.all_of(query)).len(), 1);
        assert_eq!(s.members_query_named(b, "name").unwrap_err().kind(), ErrorKind::Argument);
    });
}

#[test]
fn through_an_association_table() {
    Db::each(|db| {
        let mut s = db.session();
        let a = s.add(Account { name: "a".into(), ..Account::default() }).unwrap();
        let b = s.add(Account { name: "b".into(), ..Account::default() }).unwrap();
        let labels: Vec<Handle<Label>> = ["x", "y", "z"]
            .into_iter()
            .map(|name| s.add(Label { name: name.into(), ..Label::default() }).unwrap())
            .collect();
        s.append(a, Account::labels, labels[0]).unwrap();
        s.append(a, Account::labels, labels[1]).unwrap();
        s.append(b, Account::labels, labels[2]).unwrap();
        db.run(s.flush());
        db.selects();
        s.remove(a, Account::labels, labels[0]).unwrap();
        db.run(s.flush());
        assert_eq!(db.selects(), 0);
        let query = s.members_query(a, Account::labels).unwrap();
        assert_eq!(db.run(s.all(query)), [labels[1]]);
        // The other side is an ordinary collection.
        assert_eq!(db.run(s.load(labels[2], Label::accounts)).to_vec(), [b]);
        let of_b = s.with_parent(b, Account::labels).unwrap();
        let renamed = update::<Label>().set(Label::name, "w").filter(of_b);
        assert_eq!(db.run(s.execute_update(renamed)), 1);
        let error = db.fails(s.insert_members(a, Account::labels, vec![Label::default()]));
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        // What a reference refers to, too.
        let owner = s.add(Entry { account: b.into(), ..Entry::default() }).unwrap();
        db.run(s.flush());
        let query = s.members_query(owner, Entry::account).unwrap();
        assert_eq!(db.run(s.one(query)), b);
    });
}

#[test]
fn rows_are_locked() {
    Db::each(|db| {
        let mut s = db.session();
        let entries = many![entry(1)];
        let account = s.add(Account { name: "a".into(), entries, ..Account::default() }).unwrap();
        db.run(s.commit());
        let id = *s[account].id.get().unwrap();
        let locks = [
            Lock::update(),
            Lock::update().nowait(),
            Lock::no_key_update().skip_locked(),
            Lock::share(),
            Lock::key_share().nowait(),
        ];
        for lock in locks {
            db.run(s.all(select::<Account>().lock(lock.clone())));
            s.set(account, Account::name, "pending").unwrap();
            assert_eq!(db.run(s.get_locked::<Account>(id, lock.clone())), Some(account));
            assert_eq!(s[account].name, "pending", "which was flushed");
            db.run(s.refresh_locked(account, lock));
        }
        assert_eq!(db.run(s.get_locked::<Account>(99, Lock::update())), None);
        let query = select::<Entry>().outer_join(Entry::account).lock_of(object::<Entry>());
        db.run(s.all(query));
        let sql = db.selects.take();
        let postgres = db.engine.dialect().name() == "PostgreSQL";
        let wanted = [
            "FOR UPDATE",
            "FOR UPDATE NOWAIT",
            "FOR NO KEY UPDATE SKIP LOCKED",
            "FOR SHARE",
            "FOR KEY SHARE NOWAIT",
            "FOR UPDATE OF \"entries\"",
        ];
        for wanted in wanted {
            assert_eq!(sql.iter().any(|sql| sql.ends_with(wanted)), postgres, "{wanted}: {sql:#?}");
        }
        // Another transaction is told at once.
        if postgres {
            let mut other = db.session();
            let error = db.fails(other.get_locked::<Account>(id, Lock::update().nowait()));
            assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
            db.run(other.rollback());
            assert_eq!(db.run(other.get_locked::<Account>(id, Lock::update().skip_locked())), None);
        }
    });
}
