//! Many rows at once: plain structs inserted and upserted by a session, and the same by the raw drivers.
//!
//! `cargo xtask servers -- cargo run --release --manifest-path benches/aludel/Cargo.toml --bin bulk` prints nanoseconds a row
//! (the best of all rounds) for SQLite in memory and for PostgreSQL. Each round is one transaction.

mod raw_postgres;
mod raw_sqlite;

use std::time::{Duration, Instant};

use aludel::insert;
use aludel::orm::Insert;
use aludel::prelude::*;

/// A row of the table, which has a generated key and a unique name.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "item")]
struct Item {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
    city: String,
    age: i64,
    score: i64,
}

const ROWS: usize = 10_000;
const ROUNDS: usize = 9;

/// What is there before an upsert: every other row.
fn half(rows: &[Item]) -> Vec<Item> {
    rows.iter().step_by(2).cloned().collect()
}

fn items() -> Vec<Item> {
    let item = |n: usize| Item {
        name: format!("item number {n}"),
        city: format!("city {}", n % 1000),
        age: (n % 60) as i64,
        score: (n * 7919 % 100_003) as i64,
        ..Item::default()
    };
    (0..ROWS).map(item).collect()
}

/// Something that writes rows.
trait Writer {
    /// Takes all rows away, and puts these.
    fn refill(&mut self, rows: &[Item]);

    /// Says how many rows there are.
    fn count(&mut self) -> i64;
}

/// Runs a case, and prints what a row took.
fn case<W: Writer>(
    writer: &mut W,
    name: &str,
    before: &[Item],
    rows: &[Item],
    mut work: impl FnMut(&mut W, &[Item]),
) {
    if std::env::args().nth(1).is_some_and(|wanted| !name.contains(&wanted)) {
        return;
    }
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        writer.refill(before);
        let begun = Instant::now();
        work(writer, rows);
        best = best.min(begun.elapsed());
        assert_eq!(writer.count(), ROWS as i64, "{name}");
    }
    println!("{name:<36} {:>8.0}", best.as_nanos() as f64 / rows.len() as f64);
}

impl Writer for blocking::Session {
    fn refill(&mut self, rows: &[Item]) {
        self.expunge_all().unwrap();
        self.discard_all();
        self.execute_raw("DELETE FROM item").unwrap();
        if !rows.is_empty() {
            self.bulk_insert(rows).unwrap();
        }
        self.commit().unwrap();
    }

    fn count(&mut self) -> i64 {
        self.count(select::<Item>()).unwrap() as i64
    }
}

fn upsert(rows: &[Item]) -> Insert<'_, Item> {
    insert(rows).on_conflict_do_update([Item::name]).conflict_set_excluded([Item::age, Item::score])
}

fn new(rows: &[Item]) -> Insert<'_, Item> {
    insert(rows).on_conflict_do_nothing([Item::name])
}

/// The cases of a session; `of` is the database's name.
fn sessions(url: &str, of: &str, rows: &[Item]) {
    let engine = Engine::connect_blocking(url).unwrap();
    let registry = Registry::new();
    registry.register::<Item>().unwrap();
    engine.block_on(registry.drop_all(&engine)).unwrap();
    engine.block_on(registry.create_all(&engine)).unwrap();
    let mut session = blocking::Session::with_registry(&engine, &registry);
    let (s, half) = (&mut session, half(rows));
    case(s, &format!("{of} aludel bulk_insert"), &[], rows, |s, rows| {
        s.bulk_insert(rows).unwrap();
        s.commit().unwrap();
    });
    case(s, &format!("{of} aludel insert_returning"), &[], rows, |s, rows| {
        assert_eq!(s.insert_returning(insert(rows)).unwrap().len(), ROWS);
        s.commit().unwrap();
    });
    case(s, &format!("{of} aludel upsert"), &half, rows, |s, rows| {
        assert_eq!(s.execute_insert(upsert(rows)).unwrap(), ROWS as u64);
        s.commit().unwrap();
    });
    case(s, &format!("{of} aludel upsert, objects"), &half, rows, |s, rows| {
        assert_eq!(s.insert_returning(upsert(rows)).unwrap().len(), ROWS);
        s.commit().unwrap();
    });
    case(s, &format!("{of} aludel do nothing"), &half, rows, |s, rows| {
        assert_eq!(s.execute_insert(new(rows)).unwrap(), ROWS as u64 / 2);
        s.commit().unwrap();
    });
    case(s, &format!("{of} aludel do nothing, objects"), &half, rows, |s, rows| {
        assert_eq!(s.insert_returning(new(rows)).unwrap().len(), ROWS / 2);
        s.commit().unwrap();
    });
}

fn main() {
    let rows = items();
    println!("{ROWS} rows, nanoseconds a row");
    sessions("sqlite::memory:", "sqlite", &rows);
    raw_sqlite::cases(&rows);
    let Ok(url) = std::env::var("ALUDEL_TEST_POSTGRES") else {
        println!("no PostgreSQL: ALUDEL_TEST_POSTGRES has no URL");
        return;
    };
    sessions(&url, "postgres", &rows);
    raw_postgres::cases(&url, &rows);
}
