//! Random changes of rows beside a simple model: unique values that go from row to row, keys that change with those that
//! refer to them, versions, deletions that the database carries on, savepoints. On SQLite always, on PostgreSQL where
//! `ALUDEL_TEST_POSTGRES` has a server's URL. `ALUDEL_OPERATIONS` says how many operations are done in all; a failure is
//! shrunk to the shortest list of operations.

#[path = "support/database.rs"]
mod database;

use std::collections::BTreeMap;

use aludel::ErrorKind;
use aludel::prelude::*;
use database::{Database, script};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A hotel by its code, which changes; its rooms follow by the unit of work, its keys by the database.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "random_hotel")]
struct Hotel {
    #[column(primary_key)]
    code: String,
    #[column(version)]
    version: i64,
    name: String,
    #[relationship(back_populates = "hotel", passive_updates = false)]
    rooms: Many<Room>,
    #[relationship(back_populates = "hotel", cascade = "all, delete-orphan", passive_deletes)]
    keys: Many<Key>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "random_room")]
struct Room {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    number: i64,
    #[column(foreign_key = "random_hotel.code", deferrable)]
    hotel_code: Option<String>,
    #[relationship(back_populates = "rooms", passive_updates = false)]
    hotel: One<Hotel>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "random_key")]
struct Key {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "random_hotel.code", on_update = "cascade", on_delete = "cascade")]
    hotel_code: Option<String>,
    #[relationship(back_populates = "keys")]
    hotel: One<Hotel>,
}

/// An operation; the numbers choose among what there is.
#[derive(Clone, Debug)]
enum Op {
    NewHotel,
    Rename(usize),
    Recode(usize),
    DeleteHotel(usize),
    NewKey(usize),
    NewRoom(Option<usize>),
    Move(usize, Option<usize>),
    /// A room leaves, and a new one takes its number.
    Replace(usize),
    /// Rooms give their numbers on, in a circle.
    Rotate(usize, usize),
    Flush,
    Commit,
    Rollback,
    BeginNested,
    EndNested(bool),
    Expire,
    /// Somebody else changes a hotel meanwhile.
    Stale(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0..8usize;
    let of = || proptest::option::weighted(0.8, 0..8usize);
    prop_oneof![
        3 => Just(Op::NewHotel),
        2 => n.clone().prop_map(Op::Rename),
        3 => n.clone().prop_map(Op::Recode),
        1 => n.clone().prop_map(Op::DeleteHotel),
        2 => n.clone().prop_map(Op::NewKey),
        5 => of().prop_map(Op::NewRoom),
        3 => (n.clone(), of()).prop_map(|(room, hotel)| Op::Move(room, hotel)),
        3 => n.clone().prop_map(Op::Replace),
        5 => (n.clone(), 2..6usize).prop_map(|(first, count)| Op::Rotate(first, count)),
        3 => Just(Op::Flush),
        2 => Just(Op::Commit),
        1 => Just(Op::Rollback),
        1 => Just(Op::BeginNested),
        1 => any::<bool>().prop_map(Op::EndNested),
        1 => Just(Op::Expire),
        1 => n.prop_map(Op::Stale),
    ]
}

/// What there is: hotels with code, name and how often they were written; rooms with number and hotel; keys.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    hotels: BTreeMap<Handle<Hotel>, (String, String, i64)>,
    rooms: BTreeMap<Handle<Room>, (i64, Option<Handle<Hotel>>)>,
    keys: BTreeMap<Handle<Key>, Handle<Hotel>>,
}

struct Pair {
    session: blocking::Session,
    model: Model,
    /// As it was at the beginning of the transaction and of each savepoint.
    marks: Vec<Model>,
    /// Hotels that the next flush writes.
    written: Vec<Handle<Hotel>>,
    next: i64,
}

fn pick<K: Copy + Ord, V>(of: &BTreeMap<K, V>, n: usize) -> Option<K> {
    of.keys().nth(n.checked_rem(of.len())?).copied()
}

impl Pair {
    fn apply(&mut self, op: &Op, db: &Database) -> aludel::Result<()> {
        self.next += 1;
        let (s, next) = (&mut self.session, self.next);
        match *op {
            Op::NewHotel => {
                let (code, name) = (format!("h{next}"), format!("n{next}"));
                let hotel =
                    s.add(Hotel { code: code.clone(), name: name.clone(), ..Hotel::default() })?;
                self.model.hotels.insert(hotel, (code, name, 0));
                self.written.push(hotel);
            }
            Op::Rename(n) => {
                let Some(hotel) = pick(&self.model.hotels, n) else { return Ok(()) };
                let name = format!("n{next}");
                s.load(hotel, Hotel::code)?;
                s.set(hotel, Hotel::name, name.clone())?;
                self.model.hotels.get_mut(&hotel).unwrap().1 = name;
                self.written.push(hotel);
            }
            Op::Recode(n) => {
                let Some(hotel) = pick(&self.model.hotels, n) else { return Ok(()) };
                let code = format!("h{next}");
                s.load(hotel, Hotel::code)?;
                s.set(hotel, Hotel::code, code.clone())?;
                self.model.hotels.get_mut(&hotel).unwrap().0 = code;
                self.written.push(hotel);
            }
            Op::DeleteHotel(n) => {
                self.flush()?;
                let Some(hotel) = pick(&self.model.hotels, n) else { return Ok(()) };
                self.session.delete(hotel)?;
                self.model.hotels.remove(&hotel);
                self.model.keys.retain(|_, of| *of != hotel);
                for (_, of) in self.model.rooms.values_mut().filter(|(_, of)| *of == Some(hotel)) {
                    *of = None;
                }
                self.flush()?;
                self.session.expire_all()?;
            }
            Op::NewKey(n) => {
                let Some(hotel) = pick(&self.model.hotels, n) else { return Ok(()) };
                s.load(hotel, Hotel::code)?;
                let key = s.add(Key { hotel: hotel.into(), ..Key::default() })?;
                self.model.keys.insert(key, hotel);
            }
            Op::NewRoom(n) => {
                let hotel = n.and_then(|n| pick(&self.model.hotels, n));
                self.new_room(next, hotel)?;
            }
            Op::Move(n, to) => {
                let Some(room) = pick(&self.model.rooms, n) else { return Ok(()) };
                let hotel = to.and_then(|n| pick(&self.model.hotels, n));
                s.load(room, Room::hotel)?;
                s.set(room, Room::hotel, hotel)?;
                self.model.rooms.get_mut(&room).unwrap().1 = hotel;
            }
            Op::Replace(n) => {
                // A member that has just come to an owner would stay, as in SQLAlchemy.
                self.flush()?;
                let Some(room) = pick(&self.model.rooms, n) else { return Ok(()) };
                self.session.delete(room)?;
                let (number, hotel) = self.model.rooms.remove(&room).unwrap();
                self.new_room(number, hotel)?;
            }
            Op::Rotate(first, count) => {
                let rooms: Vec<_> = self.model.rooms.keys().copied().collect();
                let count = count.min(rooms.len());
                let first = first % rooms.len().max(1);
                let some: Vec<_> = rooms.iter().cycle().skip(first).take(count).collect();
                let numbers: Vec<i64> = some.iter().map(|room| self.model.rooms[*room].0).collect();
                for (at, room) in some.iter().enumerate() {
                    let number = numbers[(at + 1) % count];
                    s.load(**room, Room::number)?;
                    s.set(**room, Room::number, number)?;
                    self.model.rooms.get_mut(*room).unwrap().0 = number;
                }
            }
            Op::Flush => self.flush()?,
            Op::Commit => {
                self.flush()?;
                self.session.commit()?;
                self.marks = vec![self.model.clone()];
            }
            Op::Rollback => {
                self.session.rollback()?;
                self.restore(0);
            }
            Op::BeginNested if self.marks.len() < 3 => {
                self.flush()?;
                self.session.begin_nested()?;
                self.marks.push(self.model.clone());
            }
            Op::EndNested(true) if self.marks.len() > 1 => {
                self.flush()?;
                self.session.commit_nested()?;
                self.marks.pop();
            }
            Op::EndNested(false) if self.marks.len() > 1 => {
                self.session.rollback_nested()?;
                self.restore(self.marks.len() - 1);
                self.session.expire_all()?;
            }
            Op::BeginNested | Op::EndNested(_) => {}
            Op::Expire => {
                self.flush()?;
                self.session.expire_all()?;
            }
            Op::Stale(n) => {
                self.apply(&Op::Commit, db)?;
                let Some(hotel) = pick(&self.model.hotels, n) else { return Ok(()) };
                self.session.refresh(hotel)?;
                self.session.commit()?;
                let (code, _, version) = self.model.hotels.get_mut(&hotel).unwrap();
                let sql = format!(
                    "UPDATE random_hotel SET version = version + 1, name = 'theirs' WHERE code = '{code}'"
                );
                *version += 1;
                script(&db.engine, &sql);
                self.model.hotels.get_mut(&hotel).unwrap().1 = "theirs".into();
                self.marks = vec![self.model.clone()];
                self.session.set(hotel, Hotel::name, "ours")?;
                let error = self.session.flush().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
                self.session.rollback()?;
                self.restore(0);
            }
        }
        Ok(())
    }

    fn new_room(&mut self, number: i64, hotel: Option<Handle<Hotel>>) -> aludel::Result<()> {
        if let Some(hotel) = hotel {
            self.session.load(hotel, Hotel::code)?;
        }
        let room =
            Room { number, hotel: hotel.map_or_else(One::default, One::from), ..Room::default() };
        let room = self.session.add(room)?;
        self.model.rooms.insert(room, (number, hotel));
        Ok(())
    }

    fn flush(&mut self) -> aludel::Result<()> {
        self.session.flush()?;
        self.written.sort();
        self.written.dedup();
        for hotel in self.written.drain(..) {
            if let Some((.., version)) = self.model.hotels.get_mut(&hotel) {
                *version += 1;
            }
        }
        Ok(())
    }

    fn restore(&mut self, mark: usize) {
        self.model = self.marks[mark].clone();
        self.marks.truncate(mark.max(1));
        self.written.clear();
    }

    /// The tables are as the model, and the objects as the tables.
    fn check(&mut self) -> aludel::Result<()> {
        self.flush()?;
        let s = &mut self.session;
        let hotels = select::<Hotel>().columns((Hotel::code, Hotel::name, Hotel::version));
        let mut found = s.rows(hotels)?;
        found.sort();
        let mut wanted: Vec<_> = self.model.hotels.values().cloned().collect();
        wanted.sort();
        assert_eq!(found, wanted, "hotels");
        let code = |hotel: &Handle<Hotel>| self.model.hotels[hotel].0.clone();
        let mut found = s.rows(select::<Room>().columns((Room::number, Room::hotel_code)))?;
        found.sort();
        let mut wanted: Vec<_> =
            self.model.rooms.values().map(|(n, of)| (*n, of.as_ref().map(code))).collect();
        wanted.sort();
        assert_eq!(found, wanted, "rooms");
        let mut found = s.rows(select::<Key>().columns(Key::hotel_code))?;
        found.sort();
        let mut wanted: Vec<_> = self.model.keys.values().map(|of| Some(code(of))).collect();
        wanted.sort();
        assert_eq!(found, wanted, "keys");
        for (room, (number, of)) in &self.model.rooms {
            s.refresh(*room)?;
            assert_eq!((s[*room].number, s.load(*room, Room::hotel)?.get()), (*number, *of));
        }
        Ok(())
    }
}

fn run(db: &Database) {
    const RUN: usize = 40;
    let operations = std::env::var("ALUDEL_OPERATIONS").ok().and_then(|n| n.parse().ok());
    let cases = operations.unwrap_or(2_000_usize).div_ceil(RUN / 2) as u32;
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = match operations {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    let strategy = proptest::collection::vec(op(), 1..RUN);
    let done = runner.run(&strategy, |ops| {
        script(
            &db.engine,
            "DELETE FROM random_room; DELETE FROM random_key; DELETE FROM random_hotel",
        );
        // What is flushed when is the model's to say.
        let mut session = db.session();
        session.options_mut().autoflush = false;
        let mut pair = Pair {
            session,
            model: Model::default(),
            marks: vec![Model::default()],
            written: Vec::new(),
            next: 0,
        };
        let done = ops.iter().try_for_each(|op| pair.apply(op, db)).and_then(|()| pair.check());
        let _ = pair.session.rollback();
        done.map_err(|error| TestCaseError::fail(error.to_string()))
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
}

#[test]
fn rows_are_as_the_model() {
    let registry = Registry::new();
    registry.register::<Hotel>().unwrap();
    run(&Database::sqlite("random-rows", &registry));
    if let Some(db) = Database::postgres("random_rows", &registry) {
        run(&db);
    }
}
