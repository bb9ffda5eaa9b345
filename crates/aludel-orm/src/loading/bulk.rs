//! Many rows at once, without objects in the session.

use std::collections::HashSet;
use std::sync::Arc;

use aludel_sql::{Bind, Row, Table, Value, Write, WriteOp, WriteSink};

use crate::instrumentation::{AttributeKey, Field, Mapped, Object, Objects};
use crate::mapping::{Mapper, PropertyKind};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// How many rows are bound at once.
const AT_ONCE: usize = 1024;

/// Rows to be written: objects, and which of their attributes count.
#[derive(Clone, Copy)]
struct Source<'a> {
    rows: usize,
    object: &'a (dyn Fn(usize) -> Option<&'a dyn Object> + Sync),
    given: &'a (dyn Fn(usize, u16) -> bool + Sync),
}

impl<'a> Source<'a> {
    /// The field of an attribute that counts.
    fn field(&self, row: usize, attribute: u16) -> Option<&'a dyn Field> {
        if !(self.given)(row, attribute) {
            return None;
        }
        (self.object)(row)?.field(attribute)
    }
}

/// Rows of one shape that follow each other.
struct Segment {
    columns: Vec<u16>,
    first: usize,
    rows: usize,
}

/// Takes what the database gives back.
#[derive(Default)]
struct Sink {
    starts: Vec<usize>,
    returned: Vec<(usize, Vec<Value>)>,
    matched: u64,
}

impl WriteSink for Sink {
    fn returned(&mut self, write: usize, row: usize, values: &dyn Row) -> Result<()> {
        let value = |i: usize| values.get(i).map_or(Value::Null, |value| value.to_owned());
        self.returned.push((self.starts[write] + row, (0..values.len()).map(value).collect()));
        Ok(())
    }

    fn done(&mut self, _: usize, matched: u64) -> Result<()> {
        self.matched += matched;
        Ok(())
    }
}

/// Objects made of named values.
struct Made {
    objects: Box<dyn Objects>,
    given: Vec<HashSet<u16>>,
}

impl Session {
    /// Inserts rows from plain structs. No object comes into the session, no relationship is looked at, no key
    /// comes back; defaults apply where a generated value is not set.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, or the database refuses a row.
    pub async fn bulk_insert<T: Mapped>(&mut self, rows: &[T]) -> Result<()> {
        let class = self.class_of::<T>()?;
        let source = Source {
            rows: rows.len(),
            object: &|row| rows.get(row).map(|object| object as &dyn Object),
            given: &|row, attribute| rows[row].field(attribute).is_some_and(|field| field.is_set()),
        };
        self.insert_rows(class, source).await
    }

    /// Inserts rows from values by attribute name. Defaults apply to what is not given.
    ///
    /// # Errors
    ///
    /// When there is no such class or attribute, a value does not fit, or the database refuses a row.
    pub async fn bulk_insert_named(
        &mut self,
        class: &str,
        rows: Vec<Vec<(&str, Value)>>,
    ) -> Result<()> {
        let class = self.mapper_named(class)?;
        let made = self.made_of(class, rows)?;
        let source = Source {
            rows: made.given.len(),
            object: &|row| made.objects.get(row as u32),
            given: &|row, attribute| made.given[row].contains(&attribute),
        };
        self.insert_rows(class, source).await
    }

    /// Updates rows from plain structs: the row with the key of each gets the values of these attributes.
    /// Objects in the session are not told: expire them.
    ///
    /// # Errors
    ///
    /// When a row is not there ([`ErrorKind::Stale`]), or the database refuses.
    pub async fn bulk_update<T: Mapped>(
        &mut self,
        rows: &[T],
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>,
    ) -> Result<()> {
        let class = self.class_of::<T>()?;
        let mut attributes: Vec<u16> = attributes.into_iter().map(|a| a.into().index).collect();
        let def = self.mappers.at(class).def;
        let parts: Vec<u16> =
            attributes.iter().flat_map(|a| def.columns_of_composite(*a)).collect();
        attributes.extend(parts);
        let key = self.mappers.at(class).primary_key.clone();
        let source = Source {
            rows: rows.len(),
            object: &|row| rows.get(row).map(|object| object as &dyn Object),
            given: &|_, attribute| attributes.contains(&attribute) || key.contains(&attribute),
        };
        self.update_rows(class, source).await
    }

    /// Updates rows from values by attribute name, the primary key among them.
    ///
    /// # Errors
    ///
    /// As [`bulk_update`](Self::bulk_update); and when a key is not given.
    pub async fn bulk_update_named(
        &mut self,
        class: &str,
        rows: Vec<Vec<(&str, Value)>>,
    ) -> Result<()> {
        let class = self.mapper_named(class)?;
        let made = self.made_of(class, rows)?;
        let source = Source {
            rows: made.given.len(),
            object: &|row| made.objects.get(row as u32),
            given: &|row, attribute| made.given[row].contains(&attribute),
        };
        self.update_rows(class, source).await
    }

    /// Objects with named values, outside the arena.
    fn made_of(&self, class: u16, rows: Vec<Vec<(&str, Value)>>) -> Result<Made> {
        let mapper = self.mappers.at(class);
        let mut made = Made { objects: mapper.def.objects(), given: Vec::new() };
        for (slot, row) in rows.into_iter().enumerate() {
            made.objects.put_default(slot as u32);
            let mut given = HashSet::new();
            for (name, value) in row {
                let known = |a: &u16| {
                    let kind = mapper.property(*a).kind();
                    matches!(kind, PropertyKind::Column(_) | PropertyKind::Composite { .. })
                };
                let at = mapper.attribute(name).filter(known);
                let at = at.ok_or_else(|| mapper.def.no_attribute(name))?;
                let field = made.objects.get_mut(slot as u32).and_then(|o| o.field_mut(at));
                if let Some(field) = field {
                    field.put(value).map_err(|bad| {
                        let what = format!("{}.{name}: the value {bad}", mapper.class_name());
                        Error::new(ErrorKind::Value, what)
                    })?;
                }
                given.insert(at);
                given.extend(mapper.def.columns_of_composite(at));
            }
            made.given.push(given);
        }
        Ok(made)
    }

    async fn insert_rows(&mut self, class: u16, source: Source<'_>) -> Result<()> {
        self.autoflush().await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        // Keys that the first table generates, for the others.
        let mut keys: Vec<Option<Vec<Value>>> = Vec::new();
        if mapper.tables.len() > 1 {
            keys.resize(source.rows, None);
        }
        for table in 0..mapper.tables.len() as u16 {
            for first in (0..source.rows).step_by(AT_ONCE) {
                let rows = first..source.rows.min(first + AT_ONCE);
                let mut params = Vec::new();
                let mut segments: Vec<Segment> = Vec::new();
                for row in rows {
                    let mut columns = Vec::new();
                    insert_values(
                        mapper,
                        table,
                        &source,
                        row,
                        keys.get(row),
                        &mut columns,
                        &mut params,
                    );
                    add_row(&mut segments, columns, row);
                }
                let returning: Vec<u16> = match table == 0 && mapper.tables.len() > 1 {
                    true => mapper.tables[0].primary_key().to_vec(),
                    false => Vec::new(),
                };
                let at = &mapper.tables[usize::from(table)];
                let sink = self
                    .send_rows(WriteOp::Insert, at, &segments, &[], &returning, &params)
                    .await?;
                for (row, values) in sink.returned {
                    if let Some(key) = keys.get_mut(row) {
                        *key = Some(values);
                    }
                }
            }
        }
        Ok(())
    }

    async fn update_rows(&mut self, class: u16, source: Source<'_>) -> Result<()> {
        self.autoflush().await?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        for table in 0..mapper.tables.len() as u16 {
            let at = &mapper.tables[usize::from(table)];
            let keys: Vec<u16> = mapper
                .primary_key
                .iter()
                .filter_map(|a| {
                    mapper.column(*a)?.columns.iter().find(|c| c.table == table).map(|c| c.column)
                })
                .collect();
            let mut params = Vec::new();
            let mut segments: Vec<Segment> = Vec::new();
            let mut rows = 0;
            for row in 0..source.rows {
                let mut columns = Vec::new();
                if update_values(mapper, table, &source, row, &mut columns, &mut params)? {
                    rows += 1;
                    add_row(&mut segments, columns, row);
                }
            }
            let sink = self.send_rows(WriteOp::Update, at, &segments, &keys, &[], &params).await?;
            if sink.matched != rows {
                return Err(Error::new(
                    ErrorKind::Stale,
                    format!(
                        "an UPDATE of {rows} rows of table {} by key matched {}: the others are not there",
                        at.full_name(),
                        sink.matched
                    ),
                ));
            }
        }
        Ok(())
    }

    async fn send_rows(
        &mut self,
        op: WriteOp,
        table: &Table,
        segments: &[Segment],
        keys: &[u16],
        returning: &[u16],
        params: &[Bind<'_>],
    ) -> Result<Sink> {
        let mut sink = Sink::default();
        if segments.is_empty() {
            return Ok(sink);
        }
        let mut writes = Vec::with_capacity(segments.len());
        let mut at = 0;
        for segment in segments {
            let end = at + (segment.columns.len() + keys.len()) * segment.rows;
            let columns = &segment.columns;
            let params = &params[at..end];
            writes.push(Write { op, table, columns, keys, returning, rows: segment.rows, params });
            sink.starts.push(segment.first);
            at = end;
        }
        let mut connection = self.checkout().await?;
        let result = connection.write(&writes, &mut sink).await;
        self.checkin(connection);
        result.map(|()| sink)
    }
}

fn add_row(segments: &mut Vec<Segment>, columns: Vec<u16>, row: usize) {
    match segments.last_mut() {
        Some(last) if last.columns == columns && last.first + last.rows == row => last.rows += 1,
        _ => segments.push(Segment { columns, first: row, rows: 1 }),
    }
}

/// The columns of a row to be inserted into a table, and their values.
fn insert_values<'a>(
    mapper: &Mapper,
    table: u16,
    source: &Source<'a>,
    row: usize,
    key: Option<&Option<Vec<Value>>>,
    columns: &mut Vec<u16>,
    params: &mut Vec<Bind<'a>>,
) {
    let known = &mapper.tables[usize::from(table)];
    let mut push = |column: u16, value: Bind<'a>| {
        columns.push(column);
        params.push(value);
    };
    for &attribute in &mapper.columns {
        let Some(property) = mapper.column(attribute) else { continue };
        let Some(at) = property.columns.iter().find(|c| c.table == table) else { continue };
        let column = &known.columns()[usize::from(at.column)];
        if column.is_read_only() {
            continue;
        }
        if let Some((on, value)) = &mapper.discriminator
            && *on == attribute
        {
            push(at.column, Bind::Owned(value.clone()));
        } else if let Some(field) = source.field(row, attribute) {
            push(at.column, field.bind());
        } else if mapper.version == Some(attribute)
            && let Ok(Some(version)) = mapper.version_by.next(None)
        {
            push(at.column, Bind::Owned(version));
        } else if let Some(default) = &column.client_default {
            push(at.column, Bind::Owned(default.value()));
        } else if table > 0
            && let Some(Some(values)) = key
            && let Some(part) = mapper.primary_key.iter().position(|a| *a == attribute)
            && let Some(value) = values.get(part)
        {
            push(at.column, Bind::Owned(value.clone()));
        }
    }
    for &(of, column) in &mapper.hidden_defaults {
        if of == table
            && let Some(default) = &known.columns()[usize::from(column)].client_default
        {
            push(column, Bind::Owned(default.value()));
        }
    }
}

/// The columns of a row to be updated in a table, and their values, then those of the key; false where nothing
/// in the table is set.
fn update_values<'a>(
    mapper: &Mapper,
    table: u16,
    source: &Source<'a>,
    row: usize,
    columns: &mut Vec<u16>,
    params: &mut Vec<Bind<'a>>,
) -> Result<bool> {
    let known = &mapper.tables[usize::from(table)];
    let start = params.len();
    for &attribute in &mapper.columns {
        let Some(property) = mapper.column(attribute) else { continue };
        let Some(at) = property.columns.iter().find(|c| c.table == table) else { continue };
        if mapper.primary_key.contains(&attribute) {
            continue;
        }
        if let Some(field) = source.field(row, attribute) {
            columns.push(at.column);
            params.push(field.bind());
        }
    }
    if columns.is_empty() {
        return Ok(false);
    }
    for (column, c) in known.columns().iter().enumerate() {
        if let Some(value) = &c.on_update
            && !columns.contains(&(column as u16))
        {
            columns.push(column as u16);
            params.push(Bind::Owned(value.value()));
        }
    }
    for &attribute in &mapper.primary_key {
        match source.field(row, attribute).map(|field| field.bind()) {
            Some(bind) if !bind.as_ref().is_null() => params.push(bind),
            _ => {
                params.truncate(start);
                let name = mapper.property(attribute).name();
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "row {row} of an update of {} lacks its key `{name}`",
                        mapper.class_name()
                    ),
                ));
            }
        }
    }
    Ok(true)
}
