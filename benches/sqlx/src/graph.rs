//! Parents with children, by statements written by hand.

use std::collections::HashMap;

use bench_common::{Child, Eager, GraphPeer, Parent, Tally};
use sqlx::{Connection, FromRow, PgConnection, QueryBuilder, SqliteConnection};

use crate::{CHUNK, Sqlx};

#[derive(FromRow)]
struct ParentRow {
    id: i64,
    name: String,
    score: i64,
}

#[derive(FromRow)]
struct ChildRow {
    id: i64,
    parent_id: i64,
    name: String,
    position: i64,
}

#[derive(FromRow)]
struct JoinedRow {
    id: i64,
    name: String,
    score: i64,
    child_id: i64,
    child_name: String,
    position: i64,
}

const JOINED: &str = "SELECT p.id, p.name, p.score, c.id AS child_id, c.name AS child_name, c.position \
    FROM parent p JOIN child c ON c.parent_id = p.id ORDER BY p.id, c.id";

fn by_selectin(parents: Vec<ParentRow>, children: Vec<ChildRow>) -> Vec<Parent> {
    let parent = |ParentRow { id, name, score }| Parent { id, name, score, children: Vec::new() };
    let mut parents: Vec<Parent> = parents.into_iter().map(parent).collect();
    let places: HashMap<i64, usize> = parents.iter().enumerate().map(|(n, p)| (p.id, n)).collect();
    for ChildRow { id, parent_id, name, position } in children {
        parents[places[&parent_id]].children.push(Child { id, parent_id, name, position });
    }
    parents
}

fn by_join(rows: Vec<JoinedRow>) -> Vec<Parent> {
    let mut parents: Vec<Parent> = Vec::new();
    for JoinedRow { id, name, score, child_id, child_name, position } in rows {
        if parents.last().is_none_or(|last| last.id != id) {
            parents.push(Parent { id, name, score, children: Vec::new() });
        }
        let child = Child { id: child_id, parent_id: id, name: child_name, position };
        parents.last_mut().unwrap().children.push(child);
    }
    parents
}

/// One implementation for each database, since sqlx's bounds for a generic one would hide the work.
macro_rules! graph {
    ($connection:ty) => {
        impl GraphPeer for Sqlx<$connection> {
            type NewGraph = Vec<Parent>;
            type Graph = Vec<Parent>;

            fn new_graph(parents: Vec<Parent>) -> Vec<Parent> {
                parents
            }

            fn insert_graph(&mut self, graph: Vec<Parent>) -> Vec<i64> {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    let mut keys: Vec<i64> = Vec::with_capacity(graph.len());
                    for chunk in graph.chunks(CHUNK) {
                        let mut insert = QueryBuilder::new("INSERT INTO parent (name, score) ");
                        insert.push_values(chunk, |mut values, parent| {
                            values.push_bind(&parent.name).push_bind(parent.score);
                        });
                        insert.push(" RETURNING id");
                        let query = insert.build_query_scalar::<i64>();
                        keys.extend(query.fetch_all(&mut *transaction).await.unwrap());
                    }
                    let children: Vec<(i64, &Child)> = keys
                        .iter()
                        .zip(&graph)
                        .flat_map(|(key, parent)| parent.children.iter().map(|c| (*key, c)))
                        .collect();
                    for chunk in children.chunks(CHUNK) {
                        let mut insert =
                            QueryBuilder::new("INSERT INTO child (parent_id, name, position) ");
                        insert.push_values(chunk, |mut values, (parent, child)| {
                            values.push_bind(*parent).push_bind(&child.name);
                            values.push_bind(child.position);
                        });
                        insert.build().execute(&mut *transaction).await.unwrap();
                    }
                    transaction.commit().await.unwrap();
                    keys
                })
            }

            fn load_graph(&mut self, eager: Eager) -> Vec<Parent> {
                self.runtime.block_on(async {
                    if eager == Eager::Joined {
                        let rows = sqlx::query_as(JOINED).fetch_all(&mut self.db).await.unwrap();
                        return by_join(rows);
                    }
                    let sql = "SELECT id, name, score FROM parent ORDER BY id";
                    let parents: Vec<ParentRow> =
                        sqlx::query_as(sql).fetch_all(&mut self.db).await.unwrap();
                    let mut select = QueryBuilder::new(
                        "SELECT id, parent_id, name, position FROM child WHERE parent_id IN (",
                    );
                    let mut keys = select.separated(", ");
                    parents.iter().for_each(|parent| {
                        keys.push_bind(parent.id);
                    });
                    select.push(") ORDER BY id");
                    let children = select.build_query_as().fetch_all(&mut self.db).await.unwrap();
                    by_selectin(parents, children)
                })
            }

            fn tally(&mut self, graph: &Vec<Parent>) -> Tally {
                Tally::of(graph)
            }

            fn change_graph(&mut self, graph: Vec<Parent>) {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    for parent in graph.iter().step_by(10) {
                        let query = sqlx::query("UPDATE parent SET score = $1 WHERE id = $2");
                        let query = query.bind(parent.score + 1).bind(parent.id);
                        query.execute(&mut *transaction).await.unwrap();
                        for child in &parent.children {
                            let query = sqlx::query("UPDATE child SET position = $1 WHERE id = $2");
                            let query = query.bind(child.position + 1).bind(child.id);
                            query.execute(&mut *transaction).await.unwrap();
                        }
                    }
                    transaction.commit().await.unwrap();
                });
            }

            fn move_children(&mut self, graph: Vec<Parent>) {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    for (n, parent) in graph.iter().enumerate() {
                        let next = graph[(n + 1) % graph.len()].id;
                        let query = sqlx::query("UPDATE child SET parent_id = $1 WHERE id = $2");
                        let query = query.bind(next).bind(parent.children[0].id);
                        query.execute(&mut *transaction).await.unwrap();
                    }
                    transaction.commit().await.unwrap();
                });
            }

            fn delete_graph(&mut self, graph: Vec<Parent>) {
                self.runtime.block_on(async {
                    let mut transaction = self.db.begin().await.unwrap();
                    for start in [
                        "DELETE FROM child WHERE parent_id IN (",
                        "DELETE FROM parent WHERE id IN (",
                    ] {
                        let mut delete = QueryBuilder::new(start);
                        let mut keys = delete.separated(", ");
                        graph.iter().for_each(|parent| {
                            keys.push_bind(parent.id);
                        });
                        delete.push(")");
                        delete.build().execute(&mut *transaction).await.unwrap();
                    }
                    transaction.commit().await.unwrap();
                });
            }
        }
    };
}

graph!(SqliteConnection);
graph!(PgConnection);
