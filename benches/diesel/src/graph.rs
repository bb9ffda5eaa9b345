//! Parents with children: Diesel's associations.

use bench_common::Tally;
use diesel::prelude::*;

diesel::table! {
    parent (id) {
        id -> BigInt,
        name -> Text,
        score -> BigInt,
    }
}

diesel::table! {
    child (id) {
        id -> BigInt,
        parent_id -> BigInt,
        name -> Text,
        position -> BigInt,
    }
}

diesel::joinable!(child -> parent (parent_id));
diesel::allow_tables_to_appear_in_same_query!(parent, child);

#[derive(Queryable, Selectable, Identifiable)]
#[diesel(table_name = parent)]
#[allow(dead_code)]
pub struct Parent {
    pub id: i64,
    pub name: String,
    pub score: i64,
}

#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = child, belongs_to(Parent))]
#[allow(dead_code)]
pub struct Child {
    pub id: i64,
    pub parent_id: i64,
    pub name: String,
    pub position: i64,
}

#[derive(Insertable)]
#[diesel(table_name = parent)]
pub struct NewParent {
    pub name: String,
    pub score: i64,
}

#[derive(Insertable)]
#[diesel(table_name = child)]
pub struct NewChild {
    pub parent_id: i64,
    pub name: String,
    pub position: i64,
}

pub type Graph = Vec<(Parent, Vec<Child>)>;

pub fn tally(graph: &Graph) -> Tally {
    let mut tally = Tally::default();
    for (parent, children) in graph {
        tally.parent(parent.score);
        children.iter().for_each(|child| tally.child(child.position));
    }
    tally
}

pub fn by_join(rows: Vec<(Parent, Child)>) -> Graph {
    let mut graph: Graph = Vec::new();
    for (parent, child) in rows {
        match graph.last_mut() {
            Some((last, children)) if last.id == parent.id => children.push(child),
            _ => graph.push((parent, vec![child])),
        }
    }
    graph
}

/// One implementation for each database: the connection is part of every query's type.
macro_rules! graph {
    ($peer:ident, $insert_parents:expr, $insert_children:expr) => {
        impl bench_common::GraphPeer for $peer {
            type NewGraph = Vec<(graph::NewParent, Vec<graph::NewChild>)>;
            type Graph = graph::Graph;

            fn new_graph(parents: Vec<bench_common::Parent>) -> Self::NewGraph {
                let child = |child: bench_common::Child| graph::NewChild {
                    parent_id: 0,
                    name: child.name,
                    position: child.position,
                };
                let parent = |parent: bench_common::Parent| {
                    let new = graph::NewParent { name: parent.name, score: parent.score };
                    (new, parent.children.into_iter().map(child).collect())
                };
                parents.into_iter().map(parent).collect()
            }

            fn insert_graph(&mut self, graph: Self::NewGraph) -> Vec<i64> {
                let (parents, mut children): (Vec<_>, Vec<_>) = graph.into_iter().unzip();
                let keys = self.0.transaction(|connection| {
                    let keys: Vec<i64> = $insert_parents(connection, &parents)?;
                    for (key, children) in keys.iter().zip(&mut children) {
                        children.iter_mut().for_each(|child| child.parent_id = *key);
                    }
                    let children: Vec<_> = children.into_iter().flatten().collect();
                    $insert_children(connection, &children)?;
                    QueryResult::Ok(keys)
                });
                keys.unwrap()
            }

            fn load_graph(&mut self, eager: bench_common::Eager) -> graph::Graph {
                use graph::{Child, Parent, child, parent};
                if eager == bench_common::Eager::Joined {
                    let query = parent::table.inner_join(child::table);
                    let query = query.select((Parent::as_select(), Child::as_select()));
                    return graph::by_join(
                        query.order((parent::id, child::id)).load(&mut self.0).unwrap(),
                    );
                }
                let query = parent::table.select(Parent::as_select()).order(parent::id);
                let parents: Vec<Parent> = query.load(&mut self.0).unwrap();
                let query = Child::belonging_to(&parents).select(Child::as_select());
                let children: Vec<Child> = query.order(child::id).load(&mut self.0).unwrap();
                let children = children.grouped_by(&parents);
                parents.into_iter().zip(children).collect()
            }

            fn tally(&mut self, graph: &graph::Graph) -> bench_common::Tally {
                graph::tally(graph)
            }

            fn change_graph(&mut self, graph: graph::Graph) {
                use graph::{child, parent};
                let done = self.0.transaction(|connection| {
                    for (parent, children) in graph.iter().step_by(10) {
                        let score = parent::score.eq(parent.score + 1);
                        diesel::update(parent).set(score).execute(connection)?;
                        for child in children {
                            let position = child::position.eq(child.position + 1);
                            diesel::update(child).set(position).execute(connection)?;
                        }
                    }
                    QueryResult::Ok(())
                });
                done.unwrap();
            }

            fn move_children(&mut self, graph: graph::Graph) {
                use graph::child;
                let done = self.0.transaction(|connection| {
                    for (n, (_, children)) in graph.iter().enumerate() {
                        let next = child::parent_id.eq(graph[(n + 1) % graph.len()].0.id);
                        diesel::update(&children[0]).set(next).execute(connection)?;
                    }
                    QueryResult::Ok(())
                });
                done.unwrap();
            }

            fn delete_graph(&mut self, graph: graph::Graph) {
                use graph::{child, parent};
                let keys: Vec<i64> = graph.iter().map(|(parent, _)| parent.id).collect();
                let done = self.0.transaction(|connection| {
                    let children = child::table.filter(child::parent_id.eq_any(&keys));
                    diesel::delete(children).execute(connection)?;
                    let parents = parent::table.filter(parent::id.eq_any(&keys));
                    diesel::delete(parents).execute(connection)
                });
                done.unwrap();
            }
        }
    };
}
pub(crate) use graph;
