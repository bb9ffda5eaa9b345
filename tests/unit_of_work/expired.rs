//! Objects that were expired before they are written: what has to be known of their rows is read, many at a time.

use aludel::ErrorKind;
use aludel::orm::load_only;
use aludel::prelude::*;

use super::{Sent, each, script};

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expired_owner")]
struct Owner {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(version)]
    version: i64,
    #[relationship(back_populates = "owner", cascade = "all, delete-orphan", passive_deletes)]
    parts: Many<Part>,
    #[relationship(secondary = "expired_owner_label")]
    labels: Many<Label>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expired_part")]
struct Part {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[column(foreign_key = "expired_owner.id", on_delete = "cascade")]
    owner_id: Option<i64>,
    #[relationship(back_populates = "parts")]
    owner: One<Owner>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "expired_label")]
struct Label {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
}

const COUNT: usize = 40;

/// Runs a test with owners that have a part each, and nobody's labels.
fn each_graph(
    name: &str,
    test: impl Fn(&mut blocking::Session, &Sent, &[Handle<Owner>], &[Handle<Label>]),
) {
    let registry = Registry::new();
    registry.register::<Owner>().unwrap();
    each(name, &registry, |session, sent, _| {
        let name = |n: usize| format!("n{n}");
        let owners = (0..COUNT).map(|n| Owner { name: name(n), ..Owner::default() });
        let owners = session.add_all(owners).unwrap();
        for (n, owner) in owners.iter().enumerate() {
            let part = session.add(Part { name: name(n), ..Part::default() }).unwrap();
            session.append(*owner, Owner::parts, part).unwrap();
        }
        let labels = (0..COUNT).map(|n| Label { name: name(n), ..Label::default() });
        let labels = session.add_all(labels).unwrap();
        session.commit().unwrap();
        test(session, sent, &owners, &labels);
    });
}

fn selects(sent: &Sent) -> usize {
    sent.take().into_iter().filter(|sql| sql.starts_with("SELECT")).count()
}

#[test]
fn changed_objects_are_read_together() {
    each_graph("expired_changed", |session, sent, owners, _| {
        session.expire_all().unwrap();
        for owner in owners {
            session.set(*owner, Owner::name, "new").unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 1);
        session.load_all(owners, Owner::name).unwrap();
        assert!(owners.iter().all(|o| session[*o].name == "new" && session[*o].version == 2));
    });
}

#[test]
fn versions_that_were_not_loaded_are_read_together() {
    each_graph("expired_versions", |session, sent, _, _| {
        session.expunge_all().unwrap();
        let query = select::<Owner>().options(load_only([Owner::id])).order_by(Owner::id);
        let owners = session.all(query).unwrap();
        for owner in &owners {
            session.set(*owner, Owner::name, "new").unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 1);
        assert_eq!(session.count(select::<Owner>().filter(Owner::version.eq(2))).unwrap(), 40);
    });
}

#[test]
fn deleted_objects_and_what_they_refer_to_are_read_together() {
    each_graph("expired_deleted", |session, sent, owners, _| {
        let parts = session.all(select::<Part>().order_by(Part::id)).unwrap();
        for part in &parts {
            session.delete(*part).unwrap();
        }
        session.expire_all().unwrap();
        sent.take();
        session.flush().unwrap();
        assert_eq!(selects(sent), 1);
        // What they refer to is known from the session.
        assert_eq!(session[parts[3]].owner.get(), Some(owners[3]));
        for owner in owners {
            session.delete(*owner).unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 2, "one for owners, and one for their labels");
        assert_eq!(session.count(select::<Owner>()).unwrap(), 0);
    });
}

#[test]
fn owners_of_new_rows_are_read_together() {
    each_graph("expired_owners", |session, sent, owners, labels| {
        session.expire_all().unwrap();
        for owner in owners {
            let part = session.add(Part::default()).unwrap();
            session.append(*owner, Owner::parts, part).unwrap();
        }
        sent.take();
        session.flush().unwrap();
        assert_eq!(selects(sent), 1);

        session.expire_all().unwrap();
        for (owner, label) in owners.iter().zip(labels) {
            session.append(*owner, Owner::labels, *label).unwrap();
            session.append(*owner, Owner::labels, labels[0]).unwrap();
        }
        sent.take();
        session.flush().unwrap();
        assert_eq!(selects(sent), 2, "one for owners, and one for labels");
        session.commit().unwrap();
        assert_eq!(session.count(select::<Part>()).unwrap(), 80);
    });
}

#[test]
fn one_whose_row_is_gone_is_named_before_anything_is_written() {
    each_graph("expired_gone", |session, sent, owners, _| {
        script(session, "DELETE FROM expired_owner WHERE name = 'n7'");
        session.expire_all().unwrap();
        for owner in owners {
            session.set(*owner, Owner::name, "new").unwrap();
        }
        sent.take();
        let error = session.flush().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ObjectDeleted);
        assert!(error.to_string().contains("Owner(8)"), "{error}");
        assert!(sent.take().iter().all(|sql| sql.starts_with("SELECT")));
        session.rollback().unwrap();
        assert_eq!(session.count(select::<Owner>()).unwrap(), 39);
        assert_eq!(session.count(select::<Owner>().filter(Owner::name.eq("new"))).unwrap(), 0);
    });
}
