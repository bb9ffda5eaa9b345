//! Parents with children: two classes, a backref, cascades.

use aludel::prelude::*;
use bench_common::{Eager, GraphPeer, Tally};

use crate::Aludel;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "parent")]
pub struct Parent {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    score: i64,
    #[relationship(back_populates = "parent", cascade = "all, delete-orphan", order_by = "id")]
    children: Many<Child>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "child")]
pub struct Child {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "parent.id")]
    parent_id: Option<i64>,
    name: String,
    position: i64,
    #[relationship(back_populates = "children")]
    parent: One<Parent>,
}

impl GraphPeer for Aludel {
    type NewGraph = Vec<Parent>;
    type Graph = Vec<Handle<Parent>>;

    fn new_graph(parents: Vec<bench_common::Parent>) -> Vec<Parent> {
        let child = |child: bench_common::Child| Child {
            name: child.name,
            position: child.position,
            ..Child::default()
        };
        let parent = |parent: bench_common::Parent| Parent {
            name: parent.name,
            score: parent.score,
            children: parent.children.into_iter().map(child).collect(),
            ..Parent::default()
        };
        parents.into_iter().map(parent).collect()
    }

    fn insert_graph(&mut self, graph: Vec<Parent>) -> Vec<i64> {
        let parents: Vec<_> =
            graph.into_iter().map(|parent| self.session.add(parent).unwrap()).collect();
        self.session.commit().unwrap();
        parents.iter().map(|parent| self.session[*parent].id.value()).collect()
    }

    fn load_graph(&mut self, eager: Eager) -> Vec<Handle<Parent>> {
        let children = match eager {
            Eager::Selectin => selectin(Parent::children),
            Eager::Joined => joined(Parent::children),
        };
        let query = select::<Parent>().order_by(Parent::id).options(children);
        self.session.all(query).unwrap()
    }

    fn tally(&mut self, graph: &Vec<Handle<Parent>>) -> Tally {
        let mut tally = Tally::default();
        for parent in graph {
            let parent = &self.session[*parent];
            tally.parent(parent.score);
            parent.children.iter().for_each(|child| tally.child(self.session[child].position));
        }
        tally
    }

    fn change_graph(&mut self, graph: Vec<Handle<Parent>>) {
        for parent in graph.into_iter().step_by(10) {
            self.session.edit(parent, |parent| parent.score += 1).unwrap();
            for child in self.session[parent].children.to_vec() {
                self.session.edit(child, |child| child.position += 1).unwrap();
            }
        }
        self.session.commit().unwrap();
    }

    fn move_children(&mut self, graph: Vec<Handle<Parent>>) {
        let first = |parent: &Handle<Parent>| self.session[*parent].children.at(0).unwrap();
        let children: Vec<_> = graph.iter().map(first).collect();
        for (n, child) in children.into_iter().enumerate() {
            let next = graph[(n + 1) % graph.len()];
            self.session.set(child, Child::parent, next).unwrap();
        }
        self.session.commit().unwrap();
    }

    fn delete_graph(&mut self, graph: Vec<Handle<Parent>>) {
        for parent in graph {
            self.session.delete(parent).unwrap();
        }
        self.session.commit().unwrap();
    }

    /// On a connection of its own: the session keeps its objects.
    fn mark(&mut self, sql: &str) {
        let (engine, sql) = (self.engine.clone(), sql.to_owned());
        let run = async { engine.acquire().await?.execute_raw(&sql).await };
        self.engine.block_on(run).unwrap();
    }
}
