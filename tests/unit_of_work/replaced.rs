//! References that are replaced while nobody knows to what they referred: where that matters, the flush finds it out, of
//! many objects at a time.

use aludel::prelude::*;

use super::{Sent, each};

/// The foreign key is at the other side.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "replaced_user")]
struct User {
    #[column(primary_key)]
    id: i64,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    profile: One<Profile>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "replaced_profile")]
struct Profile {
    #[column(primary_key)]
    id: i64,
    #[column(foreign_key = "replaced_user.id", unique)]
    user_id: Option<i64>,
    #[relationship(back_populates = "profile")]
    user: One<User>,
}

/// It holds the foreign key, and is the only owner.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "replaced_door")]
struct Door {
    #[column(primary_key)]
    id: i64,
    #[column(foreign_key = "replaced_knob.id")]
    knob_id: Option<i64>,
    #[relationship(cascade = "all, delete-orphan", single_parent)]
    knob: One<Knob>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "replaced_knob")]
struct Knob {
    #[column(primary_key)]
    id: i64,
}

const COUNT: i64 = 30;

/// Runs a test with as many users and doors as there are, each with what belongs to it, seen by a new session.
fn each_house(name: &str, test: impl Fn(&mut blocking::Session, &Sent)) {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry.register::<Door>().unwrap();
    each(name, &registry, |session, sent, _| {
        for id in 1..=COUNT {
            session.add(User { id, profile: profile(id).into() }).unwrap();
            session.add(Door { id, knob: Knob { id }.into(), ..Door::default() }).unwrap();
        }
        session.commit().unwrap();
        session.close().unwrap();
        test(session, sent);
    });
}

fn profile(id: i64) -> Profile {
    Profile { id, ..Profile::default() }
}

fn selects(sent: &Sent) -> usize {
    sent.take().into_iter().filter(|sql| sql.starts_with("SELECT")).count()
}

fn knobs(session: &mut blocking::Session) -> Vec<i64> {
    session.rows(select::<Knob>().order_by(Knob::id).columns(Knob::id)).unwrap()
}

#[test]
fn the_far_sides_of_many_are_read_together() {
    each_house("replaced_far", |session, sent| {
        let users = session.all(select::<User>().order_by(User::id)).unwrap();
        for (user, id) in users.iter().zip(COUNT + 1..) {
            session.set(*user, User::profile, profile(id)).unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 1);
        let profiles = select::<Profile>().order_by(Profile::id);
        let profiles = session.rows(profiles.columns((Profile::id, Profile::user_id))).unwrap();
        let wanted: Vec<_> = (1..=COUNT).map(|user| (COUNT + user, Some(user))).collect();
        assert_eq!(profiles, wanted);
    });
}

#[test]
fn what_has_lost_its_only_owner_is_deleted() {
    each_house("replaced_near", |session, sent| {
        let doors = session.all(select::<Door>().order_by(Door::id)).unwrap();
        for (door, id) in doors.iter().zip(COUNT + 1..) {
            match id % 2 {
                0 => session.set(*door, Door::knob, Knob { id }).unwrap(),
                _ => session.set(*door, Door::knob, None::<Handle<Knob>>).unwrap(),
            }
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 1);
        let left: Vec<i64> = (COUNT + 1..=2 * COUNT).filter(|id| id % 2 == 0).collect();
        assert_eq!(knobs(session), left);
        // Where not even the key is known any more, that is read as well; and what is deleted, before it goes.
        session.expire_all().unwrap();
        for (door, id) in doors.iter().zip(2 * COUNT + 1..) {
            session.set(*door, Door::knob, Knob { id }).unwrap();
        }
        sent.take();
        session.commit().unwrap();
        assert_eq!(selects(sent), 2);
        assert_eq!(knobs(session), (2 * COUNT + 1..=3 * COUNT).collect::<Vec<_>>());
    });
}

#[test]
fn the_old_value_may_be_asked_for_before() {
    each_house("replaced_history", |session, _| {
        let door = session.get_one::<Door>(1).unwrap();
        session.set_with_history(door, Door::knob, Knob { id: 100 }).unwrap();
        let knob = session.peek::<Knob>(1).unwrap().expect("it was loaded");
        assert_eq!(session.history(door, Door::knob).unwrap().deleted(), [Some(knob)]);
        session.commit().unwrap();
        assert_eq!(session.state(knob).unwrap(), ObjectState::Detached);
    });
}
