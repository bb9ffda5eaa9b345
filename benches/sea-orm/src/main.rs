//! SeaORM: an entity, active models, bulk inserts; one connection, a runtime of one thread.

mod graph;

use bench_common::{Database, Peer, Person, PersonRef};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, ConnectOptions, ConnectionTrait,
    DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Set, Statement,
    TransactionTrait,
};
use tokio::runtime::Runtime;

mod person {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub city: String,
        pub age: i64,
        pub score: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows in one INSERT; 100 was never faster, and for SeaORM slower.
const CHUNK: usize = 1000;

struct SeaOrm {
    runtime: Runtime,
    db: DatabaseConnection,
}

impl Peer for SeaOrm {
    const NAME: &'static str = "sea-orm";
    type Row = person::Model;
    type New = person::ActiveModel;
    type Loaded = Vec<person::Model>;

    fn open(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut options = ConnectOptions::new(match database {
            Database::Memory => "sqlite::memory:",
            Database::Postgres(url) => url,
        });
        options.max_connections(1).min_connections(1).sqlx_logging(false);
        let db = runtime.block_on(sea_orm::Database::connect(options)).unwrap();
        Self { runtime, db }
    }

    fn sql(&mut self, sql: &str) {
        self.runtime.block_on(self.db.execute_unprepared(sql)).unwrap();
    }

    fn number(&mut self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let row = self.runtime.block_on(self.db.query_one_raw(statement)).unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    fn view(row: &person::Model) -> PersonRef<'_> {
        let person::Model { id, ref name, ref city, age, score } = *row;
        PersonRef { id, name, city, age, score }
    }

    fn load(&mut self) -> Vec<person::Model> {
        self.runtime.block_on(person::Entity::find().all(&self.db)).unwrap()
    }

    fn get(&mut self, keys: &[i64]) -> Vec<person::Model> {
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            let mut people = Vec::with_capacity(keys.len());
            for key in keys {
                let found = person::Entity::find_by_id(*key).one(&transaction).await.unwrap();
                people.push(found.unwrap());
            }
            transaction.commit().await.unwrap();
            people
        })
    }

    fn new_row(Person { id: _, name, city, age, score }: Person) -> person::ActiveModel {
        person::ActiveModel {
            id: NotSet,
            name: Set(name),
            city: Set(city),
            age: Set(age),
            score: Set(score),
        }
    }

    fn insert(&mut self, rows: Vec<person::ActiveModel>) -> Vec<i64> {
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            let mut keys = Vec::with_capacity(rows.len());
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let insert = person::Entity::insert_many(rows.by_ref().take(CHUNK));
                keys.extend(insert.exec_with_returning_keys(&transaction).await.unwrap());
            }
            transaction.commit().await.unwrap();
            keys
        })
    }

    fn load_some(&mut self, last: i64) -> Vec<person::Model> {
        let query = person::Entity::find().filter(person::Column::Id.lte(last));
        self.runtime.block_on(query.order_by_asc(person::Column::Id).all(&self.db)).unwrap()
    }

    fn update(&mut self, loaded: Vec<person::Model>) {
        self.runtime.block_on(async {
            let transaction = self.db.begin().await.unwrap();
            for model in loaded {
                let age = model.age + 1;
                let mut model = model.into_active_model();
                model.age = Set(age);
                model.update(&transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
    }
}

fn main() {
    bench_common::main::<SeaOrm>();
}
