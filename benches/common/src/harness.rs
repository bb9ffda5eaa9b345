//! The clock: prepares, times the peer's method and nothing else, checks the result, prints a line.

use std::time::{Duration, Instant};

use crate::Peer;
use crate::data::{Person, PersonRef, Schema, keys};
use crate::graph::GraphPeer;
use crate::graph_run::GraphRun;
use crate::options::{Case, Database, Options};

/// No case goes on for longer than this once it has had three rounds.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_secs(6);

/// Runs a peer as the command line says; the whole `main` of its program.
pub fn main<P: GraphPeer>() {
    let options = Options::from_args(std::env::args().skip(1));
    for &case in &options.cases {
        let is_million = matches!(case, Case::LoadMillion | Case::LoadTrackedMillion);
        let on_server = options.database != Database::Memory;
        if P::CASES.contains(&case) && !(is_million && on_server) {
            Run::<P>::new(case, &options).run();
        }
        if P::GRAPH.contains(&case) {
            GraphRun::<P>::new(case, &options).run();
        }
    }
}

struct Run<'a, P: Peer> {
    case: Case,
    options: &'a Options,
    /// Rows in the table.
    rows: usize,
    /// Rows that one round works on.
    worked: usize,
    peer: P,
}

pub(crate) struct Sample {
    time: Duration,
    /// How much the process grew, with the result still alive.
    grown: i64,
}

impl<'a, P: Peer> Run<'a, P> {
    fn new(case: Case, options: &'a Options) -> Self {
        let sizes = options.sizes;
        let (rows, worked) = match case {
            Case::Load | Case::LoadTracked => (sizes.rows, sizes.rows),
            Case::LoadMillion | Case::LoadTrackedMillion => (sizes.rows * 10, sizes.rows * 10),
            Case::Get | Case::GetAgain => (sizes.rows, sizes.gets),
            Case::Insert => (0, sizes.rows),
            Case::Update => (sizes.rows, sizes.updates),
            graph => unreachable!("`{}` is about the graph", graph.name()),
        };
        let mut peer = P::open(&options.database);
        let schema = Schema(&options.database);
        for sql in schema.create() {
            peer.sql(&sql);
        }
        if rows > 0 {
            peer.sql(&schema.fill(rows));
        }
        if options.database != Database::Memory {
            peer.sql("ANALYZE person");
        }
        Self { case, options, rows, worked, peer }
    }

    fn run(mut self) {
        let begun = Instant::now();
        let mut samples = Vec::new();
        while samples.len() < self.options.rounds
            && (samples.len() < 3 || begun.elapsed() < LONG_ENOUGH)
        {
            samples.push(self.round());
            self.peer.forget();
        }
        print::<P>(self.case, &self.options.database, self.worked, &samples);
    }

    fn round(&mut self) -> Sample {
        match self.case {
            Case::Load | Case::LoadMillion => {
                let (sample, rows) = timed(|| self.peer.load());
                self.check_rows(rows.iter().map(P::view).zip(1..));
                assert_eq!(rows.len(), self.rows);
                sample
            }
            Case::LoadTracked | Case::LoadTrackedMillion => {
                let (sample, loaded) = timed(|| self.peer.load_tracked());
                assert_eq!(loaded, self.rows);
                sample
            }
            Case::Get if P::CASES.contains(&Case::GetAgain) => {
                let keys = keys(self.worked, self.rows);
                let (sample, ages) = timed(|| self.peer.get_tracked(&keys));
                assert_eq!(ages, keys.iter().map(|key| Person::number(*key).age).sum());
                sample
            }
            Case::Get => {
                let keys = keys(self.worked, self.rows);
                let (sample, rows) = timed(|| self.peer.get(&keys));
                self.check_rows(rows.iter().map(P::view).zip(keys.iter().copied()));
                assert_eq!(rows.len(), keys.len());
                sample
            }
            Case::GetAgain => {
                let keys = keys(self.worked, self.rows);
                let before = self.peer.get_tracked(&keys);
                let (sample, ages) = timed(|| self.peer.get_again(&keys));
                assert_eq!(ages, before);
                sample
            }
            Case::Insert => {
                self.peer.sql(&Schema(&self.options.database).clear());
                let rows =
                    (1..=self.worked as i64).map(|i| P::new_row(Person::number(i))).collect();
                let (sample, keys) = timed(|| self.peer.insert(rows));
                assert!(keys.iter().copied().eq(1..=self.worked as i64), "keys, in order");
                let checksum = "SELECT COUNT(*) FROM person WHERE age = 18 + id % 60";
                assert_eq!(self.peer.number(checksum), self.worked as i64);
                sample
            }
            Case::Update => {
                let sum = "SELECT CAST(SUM(age) AS BIGINT) FROM person";
                let before = self.peer.number(sum);
                let loaded = self.peer.load_some(self.worked as i64);
                let (sample, ()) = timed(|| self.peer.update(loaded));
                assert_eq!(self.peer.number(sum), before + self.worked as i64);
                sample
            }
            graph => unreachable!("`{}` is about the graph", graph.name()),
        }
    }

    fn check_rows<'r>(&self, rows: impl Iterator<Item = (PersonRef<'r>, i64)>) {
        for (row, key) in rows.step_by(997) {
            assert_eq!(row, Person::number(key).view());
        }
    }
}

/// The line of a case.
pub(crate) fn print<P: Peer>(case: Case, database: &Database, rows: usize, samples: &[Sample]) {
    let times: Vec<String> = samples.iter().map(|s| s.time.as_nanos().to_string()).collect();
    let database = match database {
        Database::Memory => "sqlite",
        Database::Postgres(_) => "postgres",
    };
    println!(
        r#"{{"peer":"{}","database":"{database}","case":"{}","rows":{rows},"ns":[{}],"bytes_per_row":{}}}"#,
        P::NAME,
        case.name(),
        times.join(","),
        samples[0].grown / rows as i64,
    );
}

/// Not inlined, so that a profiler can be told to look at this alone.
#[inline(never)]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Sample, T) {
    let before = resident_bytes();
    let begun = Instant::now();
    let result = std::hint::black_box(work());
    let time = begun.elapsed();
    (Sample { time, grown: resident_bytes() - before }, result)
}

/// How much memory the process has, where the system tells.
fn resident_bytes() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<i64>().ok())
        .map_or(0, |pages| pages * 4096)
}
