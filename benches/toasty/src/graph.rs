//! Parents with children: Toasty's relations. It has one way to load children, by a second statement; its keys are
//! unsigned, since it cannot follow a relation by `i64` (`cast_expr` is not implemented).

use bench_common::{Case, Eager, GraphPeer, Tally};

use crate::{CHUNK, Toasty};

#[derive(Debug, toasty::Model)]
#[table = "parent"]
pub struct Parent {
    #[key]
    #[auto]
    id: u64,
    name: String,
    score: i64,
    #[has_many]
    children: toasty::Deferred<Vec<Child>>,
}

#[derive(Debug, toasty::Model)]
#[table = "child"]
pub struct Child {
    #[key]
    #[auto]
    id: u64,
    #[index]
    parent_id: u64,
    #[belongs_to]
    parent: toasty::Deferred<Parent>,
    name: String,
    position: i64,
}

impl GraphPeer for Toasty {
    const GRAPH: &'static [Case] = &[
        Case::GraphInsert,
        Case::GraphSelectin,
        Case::GraphChange,
        Case::GraphMove,
        Case::GraphDelete,
    ];
    type NewGraph = Vec<bench_common::Parent>;
    type Graph = Vec<Parent>;

    fn new_graph(parents: Vec<bench_common::Parent>) -> Self::NewGraph {
        parents
    }

    fn insert_graph(&mut self, graph: Self::NewGraph) -> Vec<i64> {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            let mut keys = Vec::with_capacity(graph.len());
            let mut children = Vec::with_capacity(graph.len() * bench_common::CHILDREN);
            let mut graph = graph.into_iter().peekable();
            while graph.peek().is_some() {
                let mut insert = Parent::create_many();
                for parent in graph.by_ref().take(CHUNK) {
                    insert = insert.item(Parent::create().name(parent.name).score(parent.score));
                    children.push(parent.children);
                }
                let created = insert.exec(&mut transaction).await.unwrap();
                keys.extend(created.iter().map(|parent| parent.id));
            }
            let children = keys.iter().zip(children).flat_map(|(key, children)| {
                children.into_iter().map(move |child| {
                    Child::create().parent_id(*key).name(child.name).position(child.position)
                })
            });
            let mut children = children.peekable();
            while children.peek().is_some() {
                let mut insert = Child::create_many();
                for child in children.by_ref().take(CHUNK) {
                    insert = insert.item(child);
                }
                insert.exec(&mut transaction).await.unwrap();
            }
            drop(children);
            transaction.commit().await.unwrap();
            keys.into_iter().map(|key| key as i64).collect()
        })
    }

    fn load_graph(&mut self, _: Eager) -> Vec<Parent> {
        let query = Parent::all().order_by(Parent::fields().id().asc());
        let children = Parent::fields().children().order_by(Child::fields().id().asc());
        self.runtime.block_on(query.include(children).exec(&mut self.db)).unwrap()
    }

    fn tally(&mut self, graph: &Vec<Parent>) -> Tally {
        let mut tally = Tally::default();
        for parent in graph {
            tally.parent(parent.score);
            parent.children.get().iter().for_each(|child| tally.child(child.position));
        }
        tally
    }

    fn change_graph(&mut self, graph: Vec<Parent>) {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            for parent in graph.iter().step_by(10) {
                let update = Parent::filter_by_id(parent.id).update().score(parent.score + 1);
                update.exec(&mut transaction).await.unwrap();
                for child in parent.children.get() {
                    let update = Child::filter_by_id(child.id).update();
                    update.position(child.position + 1).exec(&mut transaction).await.unwrap();
                }
            }
            transaction.commit().await.unwrap();
        });
    }

    fn move_children(&mut self, graph: Vec<Parent>) {
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            for (n, parent) in graph.iter().enumerate() {
                let next = graph[(n + 1) % graph.len()].id;
                let update = Child::filter_by_id(parent.children.get()[0].id).update();
                update.parent_id(next).exec(&mut transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
    }

    fn delete_graph(&mut self, graph: Vec<Parent>) {
        let keys: Vec<u64> = graph.iter().map(|parent| parent.id).collect();
        self.runtime.block_on(async {
            let mut transaction = self.db.transaction().await.unwrap();
            let children = Child::filter(Child::fields().parent_id().in_list(keys.clone()));
            children.delete().exec(&mut transaction).await.unwrap();
            let parents = Parent::filter(Parent::fields().id().in_list(keys));
            parents.delete().exec(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
}
