//! What the engine costs over raw `rusqlite`, on the same work in one process, the variants interleaved.
//!
//! `cargo run --release -p aludel-engine --features sqlite --example overhead [ROUNDS]`
//!
//! On a busy machine count instructions instead: `valgrind --tool=callgrind …/overhead 1`, then compare the inclusive
//! counts of `raw_insert` and `our_insert`, and so on.

use aludel_engine::{Connection, Engine, TransactionOptions};
use aludel_sql::{
    Bind, Column, Compiled, Result, Row, RowSink, Table, ValueRef, Write, WriteOp, WriteSink,
    column,
};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const ROWS: usize = 100_000;
const GETS: usize = 20_000;
const CREATE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL, c INTEGER, d INTEGER)";
const INSERT: &str = "INSERT INTO t (a, b, c, d) VALUES (?, ?, ?, ?)";
const SELECT: &str = "SELECT id, a, b, c, d FROM t";
const GET: &str = "SELECT id, a, b, c, d FROM t WHERE id = ?1";
const UPDATE: &str = "UPDATE t SET c = ? WHERE id = ?";

#[derive(Clone)]
struct Line {
    id: i64,
    a: String,
    b: String,
    c: i64,
    d: i64,
}

fn decode(row: &dyn Row) -> Result<Line> {
    Ok(Line {
        id: column(row, 0)?,
        a: column(row, 1)?,
        b: column(row, 2)?,
        c: column(row, 3)?,
        d: column(row, 4)?,
    })
}

struct Lines(Vec<Line>);

impl RowSink for Lines {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        self.0.push(decode(row)?);
        Ok(ControlFlow::Continue(()))
    }
}

/// Takes one row and wants no more: SQLite need not look for another.
struct One(Option<Line>);

impl RowSink for One {
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        self.0 = Some(decode(row)?);
        Ok(ControlFlow::Break(()))
    }
}

struct Keys(Vec<i64>);

impl WriteSink for Keys {
    fn returned(&mut self, _: usize, _: usize, values: &dyn Row) -> Result<()> {
        self.0.push(column(values, 0)?);
        Ok(())
    }

    fn done(&mut self, _: usize, _: u64) -> Result<()> {
        Ok(())
    }
}

/// The best time: what other programs on the machine take away is not ours.
fn best(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

fn time(into: &mut Vec<Duration>, work: impl FnOnce()) {
    let since = Instant::now();
    work();
    into.push(since.elapsed());
}

fn line(row: &rusqlite::Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line { id: row.get(0)?, a: row.get(1)?, b: row.get(2)?, c: row.get(3)?, d: row.get(4)? })
}

fn raw() -> rusqlite::Connection {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; {CREATE}"))
        .unwrap();
    db.set_prepared_statement_cache_capacity(256);
    db
}

#[inline(never)]
fn raw_insert(db: &rusqlite::Connection, lines: &[Line]) {
    let mut keys = Vec::with_capacity(lines.len());
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let mut statement = db.prepare_cached(INSERT).unwrap();
        for l in lines {
            statement.execute(rusqlite::params![l.a, l.b, l.c, l.d]).unwrap();
            keys.push(db.last_insert_rowid());
        }
    }
    db.execute_batch("COMMIT").unwrap();
    black_box(keys);
}

fn table() -> Table {
    Table::build("t")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<String>("a"))
        .column(Column::of::<String>("b"))
        .column(Column::of::<i64>("c"))
        .column(Column::of::<i64>("d"))
        .finish()
        .unwrap()
}

fn num(n: i64) -> Bind<'static> {
    Bind::Ref(ValueRef::I64(n))
}

async fn insert(c: &mut Connection, table: &Table, lines: &[Line]) -> Result<()> {
    // The parameters are collected as a flush does, and that is part of the time.
    let mut params = Vec::with_capacity(lines.len() * 4);
    for l in lines {
        params.extend([
            Bind::Ref(ValueRef::Text(&l.a)),
            Bind::Ref(ValueRef::Text(&l.b)),
            num(l.c),
            num(l.d),
        ]);
    }
    let w = Write {
        op: WriteOp::Insert,
        table,
        columns: &[1, 2, 3, 4],
        keys: &[],
        returning: &[0],
        rows: lines.len(),
        params: &params,
    };
    let mut keys = Keys(Vec::with_capacity(lines.len()));
    c.begin(&TransactionOptions::new()).await?;
    c.write(&[w], &mut keys).await?;
    c.commit().await?;
    black_box(keys.0);
    Ok(())
}

async fn update(c: &mut Connection, table: &Table) -> Result<()> {
    let params: Vec<Bind<'_>> =
        (0..GETS as i64).flat_map(|i| [num(i + 7), num(i * 5 + 1)]).collect();
    let w = Write {
        op: WriteOp::Update,
        table,
        columns: &[3],
        keys: &[0],
        returning: &[],
        rows: GETS,
        params: &params,
    };
    c.begin(&TransactionOptions::new()).await?;
    c.write(&[w], &mut Keys(Vec::new())).await?;
    c.commit().await
}

#[inline(never)]
fn raw_load(db: &rusqlite::Connection) {
    let mut statement = db.prepare_cached(SELECT).unwrap();
    let all: Vec<Line> = statement.query_map([], line).unwrap().map(Result::unwrap).collect();
    black_box(all);
}

#[inline(never)]
fn raw_get_held(db: &rusqlite::Connection) {
    let mut statement = db.prepare_cached(GET).unwrap();
    for i in 0..GETS as i64 {
        black_box(statement.query_row([i * 5 + 1], line).unwrap());
    }
}

#[inline(never)]
fn raw_get_cached(db: &rusqlite::Connection) {
    for i in 0..GETS as i64 {
        let mut statement = db.prepare_cached(GET).unwrap();
        black_box(statement.query_row([i * 5 + 1], line).unwrap());
    }
}

#[inline(never)]
fn raw_update(db: &rusqlite::Connection) {
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut statement = db.prepare_cached(UPDATE).unwrap();
    for i in 0..GETS as i64 {
        statement.execute([i + 7, i * 5 + 1]).unwrap();
    }
    drop(statement);
    db.execute_batch("COMMIT").unwrap();
}

#[inline(never)]
fn our_insert(engine: &Engine, table: &Table, lines: &[Line]) {
    engine.block_on(async { insert(&mut engine.acquire().await?, table, lines).await }).unwrap();
}

#[inline(never)]
fn our_load(engine: &Engine, select: &Compiled) {
    let mut all = Lines(Vec::new());
    engine.block_on(async { engine.acquire().await?.query(select, &[], &mut all).await }).unwrap();
    black_box(all.0);
}

#[inline(never)]
fn our_get(engine: &Engine, get: &Compiled) {
    let gets = async {
        let mut c = engine.acquire().await?;
        for i in 0..GETS as i64 {
            let mut one = One(None);
            c.query(get, &[num(i * 5 + 1)], &mut one).await?;
            black_box(one.0);
        }
        Ok(())
    };
    engine.block_on(gets).unwrap();
}

#[inline(never)]
fn our_update(engine: &Engine, table: &Table) {
    engine.block_on(async { update(&mut engine.acquire().await?, table).await }).unwrap();
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(15);
    let lines: Vec<Line> = (0..ROWS as i64)
        .map(|i| Line {
            id: 0,
            a: format!("name number {i}"),
            b: format!("mail{i}@example.org"),
            c: i,
            d: i * 2,
        })
        .collect();
    let table = table();
    let (select, get) = (Compiled::raw(SELECT), Compiled::raw(GET));
    let mut t: [Vec<Duration>; 11] = Default::default();
    for _ in 0..rounds {
        let db = raw();
        let engine = Engine::connect_blocking("sqlite::memory:").unwrap();
        engine.block_on(async { engine.acquire().await?.execute_raw(CREATE).await }).unwrap();
        time(&mut t[0], || raw_insert(&db, &lines));
        time(&mut t[1], || our_insert(&engine, &table, &lines));
        time(&mut t[2], || raw_load(&db));
        time(&mut t[3], || our_load(&engine, &select));
        time(&mut t[4], || raw_get_held(&db));
        time(&mut t[5], || raw_get_cached(&db));
        time(&mut t[6], || our_get(&engine, &get));
        time(&mut t[7], || raw_update(&db));
        time(&mut t[8], || our_update(&engine, &table));
        time(&mut t[9], || {
            for _ in 0..GETS {
                drop(black_box(engine.block_on(engine.acquire()).unwrap()));
            }
        });
        time(&mut t[10], || {
            for i in 0..2000 {
                black_box(engine.block_on(engine.offload(async move { Ok(i) })).unwrap());
            }
        });
    }
    black_box(lines.iter().map(|l| l.id).sum::<i64>());
    let m: Vec<f64> = t.into_iter().map(|t| best(&t).as_nanos() as f64).collect();
    let show = |what: &str, raw: f64, ours: f64, n: usize| {
        let n = n as f64;
        println!(
            "{what:34} rusqlite {:7.0} ns   engine {:7.0} ns   × {:.3}",
            raw / n,
            ours / n,
            ours / raw
        );
    };
    show("insert a row, with its key", m[0], m[1], ROWS);
    show("load a row", m[2], m[3], ROWS);
    show("get by key (statement held)", m[4], m[6], GETS);
    show("get by key (prepare_cached)", m[5], m[6], GETS);
    show("update a row", m[7], m[8], GETS);
    println!("acquire and drop {:.0} ns, offload {:.1} µs", m[9] / GETS as f64, m[10] / 2e6);
}
