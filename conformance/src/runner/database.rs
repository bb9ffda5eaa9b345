//! The database behind the session, and mappers.

use aludel::orm::mapping::{Direction, Holder, PropertyKind};
use aludel::sql::{DataType, FromItem, Table};
use aludel::{ColumnType, Value};
use serde_json::{Map, Value as Json, json};

use super::Act;
use crate::api;
use crate::failure::{Result, malformed, out_of_scope};
use crate::scenario::Step;
use crate::value::encode;
use crate::zoo::{self, Kind};

impl Act<'_> {
    pub(super) async fn rows(&mut self, step: &Step) -> Result<Json> {
        let name = step.text("table")?;
        let tables = zoo::registry()?.metadata();
        let Some(table) = tables.get(name) else {
            return Err(out_of_scope(format!("table {name}")));
        };
        let names = |at: &mut dyn Iterator<Item = usize>| {
            at.map(|at| format!("\"{}\"", table.columns()[at].name)).collect::<Vec<_>>().join(", ")
        };
        let columns = names(&mut (0..table.columns().len()));
        let key = names(&mut table.primary_key().iter().map(|at| usize::from(*at)));
        let sql = format!("SELECT {columns} FROM \"{name}\" ORDER BY {key}");
        self.world.0.counts.quiet(true);
        let rows = api::query_raw(self.session, &sql).await;
        self.world.0.counts.quiet(false);
        let row = |row: Vec<Value>| -> Result<Json> {
            let each = row.into_iter().enumerate().map(|(at, value)| {
                let column = &table.columns()[at];
                Ok((
                    column.name.to_string(),
                    encode(&typed(table, at, value)?, zoo::kind(&column.name)),
                ))
            });
            Ok(Json::Object(each.collect::<Result<Map<_, _>>>()?))
        };
        rows?.into_iter().map(row).collect()
    }

    pub(super) async fn raw(&mut self, step: &Step) -> Result<Json> {
        self.world.0.counts.quiet(true);
        let done = api::execute_raw(self.session, step.text("sql")?).await;
        self.world.0.counts.quiet(false);
        done?;
        Ok(Json::Null)
    }

    pub(super) async fn external(&mut self, step: &Step) -> Result<Json> {
        if self.session.in_transaction() {
            return Err(malformed("external: the session is in a transaction"));
        }
        let mut connection = self.world.0.behind.acquire().await?;
        connection.execute_raw(step.text("sql")?).await?;
        Ok(Json::Null)
    }

    pub(super) fn mapper(&mut self, step: &Step) -> Result<Json> {
        let class = step.text("cls")?;
        let mappers = zoo::registry()?.mappers();
        let named = |index: u16| mappers.get(index).map(|m| m.class_name().to_owned());
        let Some(mapper) = mappers.named(class) else {
            return Err(malformed(format!("unknown class {class}")));
        };
        let selectable = mappers.persist_selectable(mapper)?;
        // The columns of a query are none of a table.
        let of_query = matches!(&selectable, FromItem::Source(source) if source.table().is_none());
        let (mut columns, mut deferred, mut relationships) = (Map::new(), Map::new(), Map::new());
        for property in mapper.properties() {
            let name = property.name().to_owned();
            match property.kind() {
                PropertyKind::Column(_) if of_query => {
                    columns.insert(name, json!(["expression"]));
                }
                PropertyKind::Column(column) => {
                    if column.is_deferred() {
                        deferred.insert(name.clone(), json!(column.group()));
                    }
                    let mut names = mapper.column_names(&name);
                    if mapper.base().is_some() {
                        // The kit has the class's own column first.
                        names.reverse();
                    }
                    columns.insert(name, json!(names));
                }
                PropertyKind::Expression { .. } => {
                    columns.insert(name, json!(["expression"]));
                }
                PropertyKind::Relationship(r) => {
                    let direction = match r.direction() {
                        Direction::OneToMany => "onetomany",
                        Direction::ManyToOne => "manytoone",
                        Direction::ManyToMany => "manytomany",
                    };
                    let told = json!({
                        "target": named(r.target()),
                        "direction": direction,
                        "uselist": r.holder() != Holder::One,
                        "viewonly": r.is_viewonly(),
                    });
                    relationships.insert(name, told);
                }
                _ => {}
            }
        }
        let base = mapper.base();
        let shares =
            base.and_then(|base| mappers.get(base)).is_some_and(|b| b.tables() == mapper.tables());
        let hierarchy = mappers.polymorphic_map(mapper.index());
        let identities =
            hierarchy.iter().map(|(value, m)| (super::plain(value), json!(m.class_name())));
        let mut tables: Vec<&str> = mapper.tables().iter().map(Table::full_name).collect();
        tables.sort_unstable();
        let composites: Map<_, _> =
            mapper.composites().map(|(name, columns)| (name.to_owned(), json!(columns))).collect();
        let column_of = |attribute: Option<&str>| {
            let names = mapper.column_names(attribute?);
            names.first()?.rsplit('.').next().map(str::to_owned)
        };
        Ok(json!({
            "class": class,
            "inherits": base.and_then(named),
            "concrete": mapper.is_concrete(),
            "single": base.is_some() && shares,
            "polymorphic_on": column_of(mapper.polymorphic_on()),
            "polymorphic_identity": mapper.polymorphic_identity().map(|v| encode(v, Kind::Plain)),
            "polymorphic_map": identities.collect::<Map<_, _>>(),
            "tables": tables,
            "primary_key": mapper.primary_key_names(),
            "columns": columns,
            "deferred": deferred,
            "relationships": relationships,
            "composites": composites,
            "synonyms": mapper.synonyms().collect::<std::collections::HashMap<_, _>>(),
            "version_id": column_of(mapper.version_attribute()),
        }))
    }
}

/// A value as SQLite shows it, as one of its column's type.
fn typed(table: &Table, at: usize, value: Value) -> Result<Value> {
    let bad = |e| malformed(format!("{}.{}: {e}", table.name(), table.columns()[at].name));
    Ok(match (table.columns()[at].data_type, value) {
        (_, Value::Null) => Value::Null,
        (DataType::Date, value) => jiff::civil::Date::from_value(value).map_err(bad)?.into_value(),
        (DataType::Json, value) => Json::from_value(value).map_err(bad)?.into_value(),
        (_, value) => value,
    })
}
