//! The clock for the work on the graph.

use crate::graph::{CHILDREN, Eager, GraphPeer, GraphSchema, Parent, Tally};
use crate::harness::{LONG_ENOUGH, Sample, print, timed};
use crate::options::{Case, Options};
use std::time::Instant;

/// What a proxy between a peer and the server sees before and after that which is timed.
const BEGIN: &str = "SELECT 'bench: begin'";
const END: &str = "SELECT 'bench: end'";

pub(crate) struct GraphRun<'a, P: GraphPeer> {
    case: Case,
    options: &'a Options,
    parents: usize,
    peer: P,
}

impl<'a, P: GraphPeer> GraphRun<'a, P> {
    pub(crate) fn new(case: Case, options: &'a Options) -> Self {
        let mut peer = P::open(&options.database);
        GraphSchema(&options.database).create().iter().for_each(|sql| peer.sql(sql));
        Self { case, options, parents: options.sizes.parents, peer }
    }

    pub(crate) fn run(mut self) {
        let begun = Instant::now();
        let mut samples = Vec::new();
        while samples.len() < self.options.rounds
            && (samples.len() < 3 || begun.elapsed() < LONG_ENOUGH)
        {
            self.prepare();
            samples.push(self.round());
            self.peer.forget();
        }
        let children = self.parents * CHILDREN;
        let rows = match self.case {
            Case::GraphChange => (self.parents + children) / 10,
            Case::GraphMove => self.parents,
            _ => self.parents + children,
        };
        print::<P>(self.case, &self.options.database, rows, &samples);
    }

    fn prepare(&mut self) {
        let schema = GraphSchema(&self.options.database);
        let mut statements = schema.clear();
        if self.case != Case::GraphInsert {
            statements.extend(schema.fill(self.parents));
        }
        statements.iter().for_each(|sql| self.peer.sql(sql));
    }

    fn timed<T>(&mut self, work: impl FnOnce(&mut P) -> T) -> (Sample, T) {
        if self.options.marks {
            self.peer.mark(BEGIN);
        }
        let done = timed(|| work(&mut self.peer));
        if self.options.marks {
            self.peer.mark(END);
        }
        done
    }

    fn round(&mut self) -> Sample {
        let n = self.parents as i64;
        let all = || (1..=n).map(Parent::number);
        match self.case {
            Case::GraphSelectin | Case::GraphJoined => {
                let joined = self.case == Case::GraphJoined;
                let eager = if joined { Eager::Joined } else { Eager::Selectin };
                let (sample, graph) = self.timed(|peer| peer.load_graph(eager));
                let tally = self.peer.tally(&graph);
                assert_eq!(tally, Tally::of(&all().collect::<Vec<_>>()));
                sample
            }
            Case::GraphInsert => {
                let graph = P::new_graph(all().collect());
                let (sample, keys) = self.timed(|peer| peer.insert_graph(graph));
                assert!(keys.into_iter().eq(1..=n), "keys, in order");
                assert_eq!(self.own_children(), n * CHILDREN as i64);
                sample
            }
            Case::GraphChange => {
                let sums = "SELECT CAST((SELECT SUM(score) FROM parent) + (SELECT SUM(position) FROM child) AS BIGINT)";
                let before = self.peer.number(sums);
                let graph = self.peer.load_graph(Eager::Selectin);
                let (sample, ()) = self.timed(|peer| peer.change_graph(graph));
                let changed = (n + n * CHILDREN as i64) / 10;
                assert_eq!(self.peer.number(sums), before + changed);
                sample
            }
            Case::GraphMove => {
                let graph = self.peer.load_graph(Eager::Selectin);
                let (sample, ()) = self.timed(|peer| peer.move_children(graph));
                assert_eq!(self.own_children(), n * (CHILDREN as i64 - 1));
                let full = format!(
                    "SELECT COUNT(*) FROM (SELECT parent_id FROM child GROUP BY parent_id \
                     HAVING COUNT(*) = {CHILDREN}) AS p"
                );
                assert_eq!(self.peer.number(&full), n);
                sample
            }
            Case::GraphDelete => {
                let graph = self.peer.load_graph(Eager::Selectin);
                let (sample, ()) = self.timed(|peer| peer.delete_graph(graph));
                assert_eq!(self.peer.number("SELECT COUNT(*) FROM child"), 0);
                assert_eq!(self.peer.number("SELECT COUNT(*) FROM parent"), 0);
                sample
            }
            case => unreachable!("`{}` is not about the graph", case.name()),
        }
    }

    /// How many children are with the parent that they were made for.
    fn own_children(&mut self) -> i64 {
        self.peer.number(
            "SELECT COUNT(*) FROM child JOIN parent ON parent.id = child.parent_id \
             WHERE child.name LIKE parent.name || ' child %'",
        )
    }
}
