//! A film rental, after the Sakila database: tables that refer to each other, two references to one table, an
//! association object, a key shared with another table, a composite self-reference, and a column of every type.

use aludel::DataType::{
    BigInt, Boolean, Bytes, Date, DateTime, Double, Integer, Json, Numeric, Real, SmallInt, Text,
    Time, Timestamp, Uuid,
};
use aludel::sql::{Action, Column, ForeignKey, Index, MetaData, Table};

use super::{all, id, key, refers};

pub(crate) fn tables() -> MetaData {
    let name = || Column::new("name", Text(Some(45))).not_null();
    all([
        Table::build("country").columns([id("country_id"), name()]),
        Table::build("city")
            .columns([id("city_id"), name(), refers("country_id").not_null()])
            .foreign_key(key("country_id", "country.country_id")),
        Table::build("store")
            .columns([id("store_id"), refers("city_id").not_null(), refers("manager_id")])
            .foreign_key(key("city_id", "city.city_id"))
            .foreign_key(key("manager_id", "staff.staff_id")),
        // Each store has a manager, who works at a store.
        Table::build("staff")
            .columns([id("staff_id"), name(), refers("store_id")])
            .columns([Column::new("active", Boolean).not_null()])
            .foreign_key(key("store_id", "store.store_id")),
        Table::build("language").columns([id("language_id"), name()]),
        Table::build("film")
            .columns([id("film_id"), Column::new("title", Text(Some(255))).not_null()])
            .columns([refers("language_id").not_null(), refers("original_language_id")])
            .columns([Column::new("type", Text(Some(10)))
                .nullable()
                .comment("What it is shown as")])
            .foreign_key(key("language_id", "language.language_id"))
            .foreign_key(key("original_language_id", "language.language_id"))
            .index(Index::on(["title", "language_id"]).name("film_by_title")),
        Table::build("film_text")
            .columns([Column::new("film_id", BigInt).primary_key()])
            .columns([Column::new("description", Text(None)).not_null()])
            .foreign_key(key("film_id", "film.film_id").on_delete(Action::Cascade)),
        Table::build("actor").columns([id("actor_id"), name()]),
        Table::build("film_actor")
            .columns([Column::new("actor_id", BigInt).primary_key()])
            .columns([Column::new("film_id", BigInt).primary_key()])
            .columns([Column::new("role", Text(None)).nullable()])
            .foreign_key(key("actor_id", "actor.actor_id"))
            .foreign_key(key("film_id", "film.film_id")),
        Table::build("category").columns([id("category_id"), name()]),
        Table::build("film_category")
            .columns([Column::new("film_id", BigInt).primary_key()])
            .columns([Column::new("category_id", BigInt).primary_key()])
            .foreign_key(key("film_id", "film.film_id"))
            .foreign_key(key("category_id", "category.category_id")),
        Table::build("shelf")
            .columns([Column::new("store_id", BigInt).primary_key()])
            .columns([Column::new("number", Integer).primary_key()])
            .columns([refers("above_store_id"), Column::new("above_number", Integer).nullable()])
            .foreign_key(key("store_id", "store.store_id"))
            .foreign_key(ForeignKey::new(
                ["above_store_id", "above_number"],
                "shelf",
                ["store_id", "number"],
            )),
        Table::build("sample")
            .columns([id("sample_id"), Column::new("boolean", Boolean).not_null()])
            .columns([Column::new("small", SmallInt).not_null()])
            .columns([Column::new("integer", Integer).nullable()])
            .columns([Column::new("big", BigInt).not_null()])
            .columns([
                Column::new("real", Real).not_null(),
                Column::new("double", Double).nullable(),
            ])
            .columns([Column::new("exact", Numeric(Some((12, 4)))).not_null()])
            .columns([Column::new("any_exact", Numeric(None)).nullable()])
            .columns([Column::new("text", Text(None)).not_null()])
            .columns([Column::new("short", Text(Some(9))).nullable()])
            .columns([Column::new("bytes", Bytes).not_null(), Column::new("uuid", Uuid).not_null()])
            .columns([Column::new("date", Date).not_null(), Column::new("time", Time).nullable()])
            .columns([Column::new("date_time", DateTime).not_null()])
            .columns([Column::new("timestamp", Timestamp).not_null()])
            .columns([Column::new("json", Json).not_null()])
            .columns([Column::new("twice", BigInt).nullable().computed("big * 2")]),
    ])
}
