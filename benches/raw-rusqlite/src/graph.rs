//! Parents with children, by statements written by hand.

use std::collections::HashMap;

use bench_common::{Child, Eager, GraphPeer, Parent, Tally};
use rusqlite::{Row, params, params_from_iter};

use crate::Rusqlite;

fn parent(row: &Row<'_>) -> Parent {
    Parent {
        id: row.get(0).unwrap(),
        name: row.get(1).unwrap(),
        score: row.get(2).unwrap(),
        children: Vec::new(),
    }
}

/// The child whose columns begin there.
fn child(row: &Row<'_>, at: usize) -> Child {
    Child {
        id: row.get(at).unwrap(),
        parent_id: row.get(at + 1).unwrap(),
        name: row.get(at + 2).unwrap(),
        position: row.get(at + 3).unwrap(),
    }
}

impl Rusqlite {
    fn selectin(&mut self) -> Vec<Parent> {
        let mut parents = Vec::new();
        let sql = "SELECT id, name, score FROM parent ORDER BY id";
        let mut select = self.0.prepare_cached(sql).unwrap();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            parents.push(parent(row));
        }
        let places: HashMap<i64, usize> =
            parents.iter().enumerate().map(|(n, p)| (p.id, n)).collect();
        let marks = vec!["?"; parents.len()].join(",");
        let sql = format!(
            "SELECT id, parent_id, name, position FROM child WHERE parent_id IN ({marks}) ORDER BY id"
        );
        let mut select = self.0.prepare_cached(&sql).unwrap();
        let keys: Vec<i64> = parents.iter().map(|parent| parent.id).collect();
        let mut rows = select.query(params_from_iter(keys)).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let child = child(row, 0);
            parents[places[&child.parent_id]].children.push(child);
        }
        parents
    }

    fn joined(&mut self) -> Vec<Parent> {
        let sql = "SELECT p.id, p.name, p.score, c.id, c.parent_id, c.name, c.position \
            FROM parent p LEFT JOIN child c ON c.parent_id = p.id ORDER BY p.id, c.id";
        let mut select = self.0.prepare_cached(sql).unwrap();
        let mut rows = select.query([]).unwrap();
        let mut parents: Vec<Parent> = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let id: i64 = row.get(0).unwrap();
            if parents.last().is_none_or(|last| last.id != id) {
                parents.push(parent(row));
            }
            if row.get::<_, Option<i64>>(3).unwrap().is_some() {
                parents.last_mut().unwrap().children.push(child(row, 3));
            }
        }
        parents
    }
}

impl GraphPeer for Rusqlite {
    type NewGraph = Vec<Parent>;
    type Graph = Vec<Parent>;

    fn new_graph(parents: Vec<Parent>) -> Vec<Parent> {
        parents
    }

    fn insert_graph(&mut self, graph: Vec<Parent>) -> Vec<i64> {
        let transaction = self.0.transaction().unwrap();
        let mut keys = Vec::with_capacity(graph.len());
        {
            let sql = "INSERT INTO parent (name, score) VALUES (?1, ?2)";
            let mut parents = transaction.prepare_cached(sql).unwrap();
            let sql = "INSERT INTO child (parent_id, name, position) VALUES (?1, ?2, ?3)";
            let mut children = transaction.prepare_cached(sql).unwrap();
            for parent in &graph {
                parents.execute(params![parent.name, parent.score]).unwrap();
                let id = transaction.last_insert_rowid();
                keys.push(id);
                for child in &parent.children {
                    children.execute(params![id, child.name, child.position]).unwrap();
                }
            }
        }
        transaction.commit().unwrap();
        keys
    }

    fn load_graph(&mut self, eager: Eager) -> Vec<Parent> {
        match eager {
            Eager::Selectin => self.selectin(),
            Eager::Joined => self.joined(),
        }
    }

    fn tally(&mut self, graph: &Vec<Parent>) -> Tally {
        Tally::of(graph)
    }

    fn change_graph(&mut self, mut graph: Vec<Parent>) {
        let transaction = self.0.transaction().unwrap();
        {
            let sql = "UPDATE parent SET score = ?1 WHERE id = ?2";
            let mut parents = transaction.prepare_cached(sql).unwrap();
            let sql = "UPDATE child SET position = ?1 WHERE id = ?2";
            let mut children = transaction.prepare_cached(sql).unwrap();
            for parent in graph.iter_mut().step_by(10) {
                parent.score += 1;
                parents.execute(params![parent.score, parent.id]).unwrap();
                for child in &mut parent.children {
                    child.position += 1;
                    children.execute(params![child.position, child.id]).unwrap();
                }
            }
        }
        transaction.commit().unwrap();
    }

    fn move_children(&mut self, graph: Vec<Parent>) {
        let transaction = self.0.transaction().unwrap();
        {
            let sql = "UPDATE child SET parent_id = ?1 WHERE id = ?2";
            let mut update = transaction.prepare_cached(sql).unwrap();
            for (n, parent) in graph.iter().enumerate() {
                let next = graph[(n + 1) % graph.len()].id;
                update.execute(params![next, parent.children[0].id]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    fn delete_graph(&mut self, graph: Vec<Parent>) {
        let transaction = self.0.transaction().unwrap();
        {
            let sql = "DELETE FROM child WHERE parent_id = ?1";
            let mut children = transaction.prepare_cached(sql).unwrap();
            let mut parents =
                transaction.prepare_cached("DELETE FROM parent WHERE id = ?1").unwrap();
            for parent in &graph {
                children.execute([parent.id]).unwrap();
                parents.execute([parent.id]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
