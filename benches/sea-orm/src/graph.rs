//! Parents with children: SeaORM's relations, its loader and its joined query.

use bench_common::{Child, Eager, GraphPeer, Parent, Tally};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, EntityTrait, IntoActiveModel, LoaderTrait,
    QueryFilter, QueryOrder, Set, TransactionTrait,
};

use crate::{CHUNK, SeaOrm};

pub mod parent {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "parent")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub score: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::child::Entity")]
        Child,
    }

    impl Related<super::child::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Child.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod child {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "child")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub parent_id: i64,
        pub name: String,
        pub position: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::parent::Entity",
            from = "Column::ParentId",
            to = "super::parent::Column::Id"
        )]
        Parent,
    }

    impl Related<super::parent::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Parent.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

impl GraphPeer for SeaOrm {
    type NewGraph = Vec<(parent::ActiveModel, Vec<child::ActiveModel>)>;
    type Graph = Vec<(parent::Model, Vec<child::Model>)>;

    fn new_graph(parents: Vec<Parent>) -> Self::NewGraph {
        let child = |child: Child| child::ActiveModel {
            id: NotSet,
            parent_id: NotSet,
            name: Set(child.name),
            position: Set(child.position),
        };
        let parent = |parent: Parent| {
            let new = parent::ActiveModel {
                id: NotSet,
                name: Set(parent.name),
                score: Set(parent.score),
            };
            (new, parent.children.into_iter().map(child).collect())
        };
        parents.into_iter().map(parent).collect()
    }

    fn insert_graph(&mut self, graph: Self::NewGraph) -> Vec<i64> {
        let (parents, mut children): (Vec<_>, Vec<_>) = graph.into_iter().unzip();
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            let mut keys: Vec<i64> = Vec::with_capacity(parents.len());
            let mut parents = parents.into_iter().peekable();
            while parents.peek().is_some() {
                let insert = parent::Entity::insert_many(parents.by_ref().take(CHUNK));
                keys.extend(insert.exec_with_returning_keys(&transaction).await.unwrap());
            }
            for (key, children) in keys.iter().zip(&mut children) {
                children.iter_mut().for_each(|child| child.parent_id = Set(*key));
            }
            let mut children = children.into_iter().flatten().peekable();
            while children.peek().is_some() {
                let insert = child::Entity::insert_many(children.by_ref().take(CHUNK));
                insert.exec(&transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
            keys
        })
    }

    fn load_graph(&mut self, eager: Eager) -> Self::Graph {
        let parents = parent::Entity::find().order_by_asc(parent::Column::Id);
        self.runtime.block_on(async {
            match eager {
                Eager::Joined => {
                    let query = parents.find_with_related(child::Entity);
                    query.order_by_asc(child::Column::Id).all(&self.db).await.unwrap()
                }
                Eager::Selectin => {
                    let parents = parents.all(&self.db).await.unwrap();
                    let children = child::Entity::find().order_by_asc(child::Column::Id);
                    let children = parents.load_many(children, &self.db).await.unwrap();
                    parents.into_iter().zip(children).collect()
                }
            }
        })
    }

    fn tally(&mut self, graph: &Self::Graph) -> Tally {
        let mut tally = Tally::default();
        for (parent, children) in graph {
            tally.parent(parent.score);
            children.iter().for_each(|child| tally.child(child.position));
        }
        tally
    }

    fn change_graph(&mut self, graph: Self::Graph) {
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            for (parent, children) in graph.into_iter().step_by(10) {
                let score = parent.score + 1;
                let mut parent = parent.into_active_model();
                parent.score = Set(score);
                parent.update(&transaction).await.unwrap();
                for child in children {
                    let position = child.position + 1;
                    let mut child = child.into_active_model();
                    child.position = Set(position);
                    child.update(&transaction).await.unwrap();
                }
            }
            transaction.commit().await.unwrap();
        });
    }

    fn move_children(&mut self, graph: Self::Graph) {
        let keys: Vec<i64> = graph.iter().map(|(parent, _)| parent.id).collect();
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            for (n, (_, mut children)) in graph.into_iter().enumerate() {
                let mut child = children.swap_remove(0).into_active_model();
                child.parent_id = Set(keys[(n + 1) % keys.len()]);
                child.update(&transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
    }

    fn delete_graph(&mut self, graph: Self::Graph) {
        let keys: Vec<i64> = graph.iter().map(|(parent, _)| parent.id).collect();
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            let children = child::Column::ParentId.is_in(keys.iter().copied());
            child::Entity::delete_many().filter(children).exec(&transaction).await.unwrap();
            let parents = parent::Column::Id.is_in(keys);
            parent::Entity::delete_many().filter(parents).exec(&transaction).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
}
