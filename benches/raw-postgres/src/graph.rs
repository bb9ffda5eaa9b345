//! Parents with children, by statements written by hand: arrays of parameters by `unnest` and `ANY`.

use std::collections::HashMap;

use bench_common::{Child, Eager, GraphPeer, Parent, Tally};
use tokio_postgres::Row;

use crate::Postgres;

const INSERT_PARENTS: &str = "INSERT INTO parent (name, score) \
    SELECT name, score FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS u (name, score, o) \
    ORDER BY o RETURNING id";
const INSERT_CHILDREN: &str = "INSERT INTO child (parent_id, name, position) \
    SELECT parent_id, name, position FROM unnest($1::int8[], $2::text[], $3::int8[]) AS u (parent_id, name, position)";
const JOINED: &str = "SELECT p.id, p.name, p.score, c.id, c.parent_id, c.name, c.position \
    FROM parent p LEFT JOIN child c ON c.parent_id = p.id ORDER BY p.id, c.id";

fn parent(row: &Row) -> Parent {
    Parent { id: row.get(0), name: row.get(1), score: row.get(2), children: Vec::new() }
}

/// The child whose columns begin there.
fn child(row: &Row, at: usize) -> Child {
    Child {
        id: row.get(at),
        parent_id: row.get(at + 1),
        name: row.get(at + 2),
        position: row.get(at + 3),
    }
}

fn by_selectin(parents: &[Row], children: &[Row]) -> Vec<Parent> {
    let mut parents: Vec<Parent> = parents.iter().map(parent).collect();
    let places: HashMap<i64, usize> = parents.iter().enumerate().map(|(n, p)| (p.id, n)).collect();
    for row in children {
        let child = child(row, 0);
        parents[places[&child.parent_id]].children.push(child);
    }
    parents
}

fn by_join(rows: &[Row]) -> Vec<Parent> {
    let mut parents: Vec<Parent> = Vec::new();
    for row in rows {
        let id: i64 = row.get(0);
        if parents.last().is_none_or(|last| last.id != id) {
            parents.push(parent(row));
        }
        if row.get::<_, Option<i64>>(3).is_some() {
            parents.last_mut().unwrap().children.push(child(row, 3));
        }
    }
    parents
}

impl GraphPeer for Postgres {
    type NewGraph = Vec<Parent>;
    type Graph = Vec<Parent>;

    fn new_graph(parents: Vec<Parent>) -> Vec<Parent> {
        parents
    }

    fn insert_graph(&mut self, graph: Vec<Parent>) -> Vec<i64> {
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let names: Vec<&str> = graph.iter().map(|parent| parent.name.as_str()).collect();
            let scores: Vec<i64> = graph.iter().map(|parent| parent.score).collect();
            let rows = transaction.query(INSERT_PARENTS, &[&names, &scores]).await.unwrap();
            let keys: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
            let children = || {
                keys.iter()
                    .zip(&graph)
                    .flat_map(|(key, p)| p.children.iter().map(move |c| (*key, c)))
            };
            let parents: Vec<i64> = children().map(|(key, _)| key).collect();
            let names: Vec<&str> = children().map(|(_, child)| child.name.as_str()).collect();
            let positions: Vec<i64> = children().map(|(_, child)| child.position).collect();
            transaction.execute(INSERT_CHILDREN, &[&parents, &names, &positions]).await.unwrap();
            transaction.commit().await.unwrap();
            keys
        })
    }

    fn load_graph(&mut self, eager: Eager) -> Vec<Parent> {
        self.runtime.block_on(async {
            if eager == Eager::Joined {
                return by_join(&self.client.query(JOINED, &[]).await.unwrap());
            }
            let sql = "SELECT id, name, score FROM parent ORDER BY id";
            let parents = self.client.query(sql, &[]).await.unwrap();
            let keys: Vec<i64> = parents.iter().map(|row| row.get(0)).collect();
            let sql = "SELECT id, parent_id, name, position FROM child WHERE parent_id = ANY($1) ORDER BY id";
            let children = self.client.query(sql, &[&keys]).await.unwrap();
            by_selectin(&parents, &children)
        })
    }

    fn tally(&mut self, graph: &Vec<Parent>) -> Tally {
        Tally::of(graph)
    }

    fn change_graph(&mut self, graph: Vec<Parent>) {
        let changed = || graph.iter().step_by(10);
        let children = || changed().flat_map(|parent| &parent.children);
        let parents: Vec<i64> = changed().map(|parent| parent.id).collect();
        let scores: Vec<i64> = changed().map(|parent| parent.score + 1).collect();
        let ids: Vec<i64> = children().map(|child| child.id).collect();
        let positions: Vec<i64> = children().map(|child| child.position + 1).collect();
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let sql = "UPDATE parent SET score = u.score \
                FROM unnest($1::int8[], $2::int8[]) AS u (id, score) WHERE parent.id = u.id";
            transaction.execute(sql, &[&parents, &scores]).await.unwrap();
            let sql = "UPDATE child SET position = u.position \
                FROM unnest($1::int8[], $2::int8[]) AS u (id, position) WHERE child.id = u.id";
            transaction.execute(sql, &[&ids, &positions]).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }

    fn move_children(&mut self, graph: Vec<Parent>) {
        let children: Vec<i64> = graph.iter().map(|parent| parent.children[0].id).collect();
        let parents: Vec<i64> = (0..graph.len()).map(|n| graph[(n + 1) % graph.len()].id).collect();
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let sql = "UPDATE child SET parent_id = u.parent_id \
                FROM unnest($1::int8[], $2::int8[]) AS u (id, parent_id) WHERE child.id = u.id";
            transaction.execute(sql, &[&children, &parents]).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }

    fn delete_graph(&mut self, graph: Vec<Parent>) {
        let keys: Vec<i64> = graph.iter().map(|parent| parent.id).collect();
        self.runtime.block_on(async {
            let transaction = self.client.transaction().await.unwrap();
            let sql = "DELETE FROM child WHERE parent_id = ANY($1)";
            transaction.execute(sql, &[&keys]).await.unwrap();
            transaction.execute("DELETE FROM parent WHERE id = ANY($1)", &[&keys]).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
}
