//! The application on Diesel.

use super::{Kind, Shape};

pub(super) fn dependencies() -> String {
    "diesel = { version = \"2.3\", features = [\"sqlite\", \"returning_clauses_for_sqlite_3_35\"] }\n\
     libsqlite3-sys = { version = \"*\", features = [\"bundled\"] }\n"
        .into()
}

/// The tables stand together with what Diesel's own tool writes below them.
pub(super) fn main(shape: &Shape) -> String {
    let calls: String =
        (0..shape.classes).map(|n| format!("    found += class{n}::work(&mut db)?;\n")).collect();
    let tables: String = (0..shape.classes)
        .map(|n| format!("pub use crate::class{n}::table::class{n};\n"))
        .collect();
    let joins: String = (1..shape.classes)
        .map(|n| format!("diesel::joinable!(class{n} -> class{} (parent_id));\n", n - 1))
        .collect();
    let names: Vec<String> = (0..shape.classes).map(|n| format!("class{n}")).collect();
    format!(
        "pub mod schema {{
{tables}
{joins}
diesel::allow_tables_to_appear_in_same_query!({});
}}

fn main() -> diesel::QueryResult<()> {{
    use diesel::Connection;
    let mut db = diesel::SqliteConnection::establish(\":memory:\").expect(\"a database in memory\");
    let mut found = 0;
{calls}    println!(\"{{found}}\");
    Ok(())
}}
",
        names.join(", ")
    )
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "Text",
        Kind::OptionalText => "Nullable<Text>",
        Kind::Number => "BigInt",
        Kind::OptionalNumber => "Nullable<BigInt>",
        Kind::Float => "Double",
        Kind::Flag => "Bool",
    }
}

pub(super) fn class(shape: &Shape, class: usize) -> String {
    let mut sql: String = shape
        .columns()
        .map(|(name, kind)| format!("            {name} -> {},\n", sql_type(kind)))
        .collect();
    let mut fields: String = shape.fields();
    let (mut derives, mut belongs, mut uses) = ("", String::new(), String::new());
    if let Some(before) = shape.before(class) {
        sql += "            parent_id -> Nullable<BigInt>,\n";
        fields += "    pub parent_id: Option<i64>,\n";
        derives = ", Associations";
        belongs = format!(", belongs_to(Class{before}, foreign_key = parent_id)");
        uses = format!("use crate::class{before}::Class{before};\n");
    }
    let found = match shape.after(class) {
        None => "found.len()".to_owned(),
        Some(after) => format!(
            "{{
        use crate::class{after}::Class{after};
        let members: Vec<Class{after}> =
            Class{after}::belonging_to(&found).select(Class{after}::as_select()).load(db)?;
        members.grouped_by(&found).len()
    }}"
        ),
    };
    format!(
        "use diesel::prelude::*;
{uses}use table::class{class};

pub mod table {{
    diesel::table! {{
        class{class} (id) {{
            id -> BigInt,
{sql}        }}
    }}
}}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, AsChangeset{derives})]
#[diesel(table_name = class{class}{belongs})]
pub struct Class{class} {{
    pub id: i64,
{fields}}}

#[derive(Clone, Debug, Default, Insertable)]
#[diesel(table_name = class{class})]
pub struct NewClass{class} {{
{fields}}}

pub fn work(db: &mut SqliteConnection) -> QueryResult<usize> {{
    db.transaction(|db| {{
        let new = NewClass{class} {{ c0: \"new\".into(), ..Default::default() }};
        let one = diesel::insert_into(class{class}::table)
            .values(&new)
            .returning(Class{class}::as_returning())
            .get_result(db)?;
        let query = class{class}::table.filter(class{class}::c0.eq(\"new\").and(class{class}::c1.gt(3)));
        let found: Vec<Class{class}> = query.order(class{class}::id).select(Class{class}::as_select()).load(db)?;
        let found = {found};
        diesel::update(&one).set(class{class}::c0.eq(\"changed\")).execute(db)?;
        diesel::delete(&one).execute(db)?;
        Ok(found)
    }})
}}
"
    )
}
