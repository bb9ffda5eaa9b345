//! The order in which tables must be created.

use super::{MetaData, Table};
use crate::Result;

/// Tables in the order of their foreign keys: a table comes after those that it refers to.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// The tables.
    pub tables: Vec<Table>,
    /// The foreign keys that had to be left out, as a table and a position in its
    /// [`foreign_keys`](Table::foreign_keys): those that close a circle, and those marked
    /// [`use_alter`](super::ForeignKey::use_alter).
    pub left_out: Vec<(Table, usize)>,
}

struct Edge {
    from: usize,
    to: usize,
    key: usize,
}

impl MetaData {
    /// The tables in the order in which they must be created. Tables that do not depend on each
    /// other keep the order in which they were added.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), if a foreign key refers to a table that is not there.
    pub fn sorted(&self) -> Result<Sorted> {
        let tables: Vec<&Table> = self.iter().collect();
        let mut edges = Vec::new();
        let mut left_out = Vec::new();
        for (from, table) in tables.iter().enumerate() {
            for (key, fk) in table.foreign_keys().iter().enumerate() {
                let (target, _) = self.resolve(table, fk)?;
                let to = tables.iter().position(|t| *t == target).unwrap_or(from);
                if fk.use_alter {
                    left_out.push((from, key));
                } else if to != from {
                    edges.push(Edge { from, to, key });
                }
            }
        }
        let mut order = Vec::new();
        let mut rest: Vec<usize> = (0..tables.len()).collect();
        while !rest.is_empty() {
            let waits = |t: usize| edges.iter().any(|e| e.from == t && rest.contains(&e.to));
            if let Some(at) = rest.iter().position(|&t| !waits(t)) {
                order.push(rest.remove(at));
                continue;
            }
            let cut = edge_of_a_circle(&edges, &rest);
            let (from, to) = (edges[cut].from, edges[cut].to);
            edges.retain(|e| {
                let out = e.from == from && e.to == to;
                if out {
                    left_out.push((e.from, e.key));
                }
                !out
            });
        }
        left_out.sort_unstable();
        Ok(Sorted {
            tables: order.into_iter().map(|i| tables[i].clone()).collect(),
            left_out: left_out.into_iter().map(|(i, key)| (tables[i].clone(), key)).collect(),
        })
    }
}

/// An edge that lies on a circle, where every table in `rest` waits for another in it.
fn edge_of_a_circle(edges: &[Edge], rest: &[usize]) -> usize {
    let next = |t: usize| {
        let waits = edges.iter().position(|e| e.from == t && rest.contains(&e.to));
        waits.expect("every table that is left waits for another")
    };
    let mut seen = Vec::new();
    let mut at = rest[0];
    while !seen.contains(&at) {
        seen.push(at);
        at = edges[next(at)].to;
    }
    next(at)
}
