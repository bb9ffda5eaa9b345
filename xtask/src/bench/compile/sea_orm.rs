//! The application on SeaORM.

use super::{Kind, Shape};

pub(super) fn dependencies() -> String {
    "sea-orm = { version = \"2.0\", default-features = false, features = [\"macros\", \"runtime-tokio\", \
     \"sqlite-use-returning-for-3_35\", \"sqlx-sqlite\"] }\ntokio = { version = \"1\", features = [\"rt\", \"macros\"] }\n"
        .into()
}

pub(super) fn main(shape: &Shape) -> String {
    let calls: String =
        (0..shape.classes).map(|n| format!("    found += class{n}::work(&db).await?;\n")).collect();
    format!(
        "#[tokio::main(flavor = \"current_thread\")]
async fn main() -> Result<(), sea_orm::DbErr> {{
    let db = sea_orm::Database::connect(\"sqlite::memory:\").await?;
    let mut found = 0;
{calls}    println!(\"{{found}}\");
    Ok(())
}}
"
    )
}

fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "\"new\".into()",
        Kind::OptionalText | Kind::OptionalNumber => "None",
        Kind::Number => "0",
        Kind::Float => "0.0",
        Kind::Flag => "false",
    }
}

pub(super) fn class(shape: &Shape, class: usize) -> String {
    let columns: String = shape.fields();
    let mut values: String = shape
        .columns()
        .map(|(name, kind)| format!("        {name}: Set({}),\n", value(kind)))
        .collect();
    let (mut reference, mut relations, mut related) = (String::new(), String::new(), String::new());
    let mut found = "query.all(db).await?.len()".to_owned();
    if let Some(before) = shape.before(class) {
        reference = "    pub parent_id: Option<i64>,\n".into();
        values += "        parent_id: Set(None),\n";
        relations += &format!(
            "    #[sea_orm(belongs_to = \"crate::class{before}::Entity\", from = \"Column::ParentId\", \
             to = \"crate::class{before}::Column::Id\")]\n    Parent,\n"
        );
        related += &relation(before, "Parent");
    }
    if let Some(after) = shape.after(class) {
        relations +=
            &format!("    #[sea_orm(has_many = \"crate::class{after}::Entity\")]\n    Children,\n");
        related += &relation(after, "Children");
        found = format!(
            "{{
        let found = query.all(db).await?;
        found.load_many(crate::class{after}::Entity, db).await?.len()
    }}"
        );
    }
    format!(
        "use sea_orm::entity::prelude::*;
use sea_orm::{{IntoActiveModel, LoaderTrait, NotSet, QueryOrder, Set, TransactionTrait}};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = \"class{class}\")]
pub struct Model {{
    #[sea_orm(primary_key)]
    pub id: i64,
{columns}{reference}}}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {{
{relations}}}
{related}
impl ActiveModelBehavior for ActiveModel {{}}

#[allow(unused_imports)]
use LoaderTrait as _;

pub async fn work(db: &DatabaseConnection) -> Result<usize, DbErr> {{
    let transaction = db.begin().await?;
    let new = ActiveModel {{
        id: NotSet,
{values}    }};
    let one = new.insert(&transaction).await?;
    let query = Entity::find().filter(Column::C0.eq(\"new\")).filter(Column::C1.gt(3)).order_by_asc(Column::Id);
    let found = {found};
    let mut one = one.into_active_model();
    one.c0 = Set(\"changed\".to_owned());
    let one = one.update(&transaction).await?;
    one.delete(&transaction).await?;
    transaction.commit().await?;
    Ok(found)
}}
"
    )
}

fn relation(other: usize, name: &str) -> String {
    format!(
        "
impl Related<crate::class{other}::Entity> for Entity {{
    fn to() -> RelationDef {{
        Relation::{name}.def()
    }}
}}
"
    )
}
