//! Rows to be written, wherever they come from: plain structs, records, named values.

use std::collections::HashSet;

use aludel_sql::{Bind, Value, Write, WriteOp};

use crate::instrumentation::{Field, ManyCore, Mapped, Object, Objects, OneCore};
use crate::mapping::{Mapper, PropertyKind};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// Rows to be written: objects, and which of their attributes count.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) rows: usize,
    pub(super) object: &'a (dyn Fn(usize) -> Option<&'a dyn Object> + Sync),
    pub(super) given: &'a (dyn Fn(usize, u16) -> bool + Sync),
}

impl<'a> Source<'a> {
    /// The field of an attribute that counts.
    pub(super) fn field(&self, row: usize, attribute: u16) -> Option<&'a dyn Field> {
        if !(self.given)(row, attribute) {
            return None;
        }
        (self.object)(row)?.field(attribute)
    }

    /// Refuses rows that have new objects in relationships, which would be lost.
    pub(super) fn check_relationships(&self, mapper: &Mapper) -> Result<()> {
        if mapper.relationships.is_empty() {
            return Ok(());
        }
        for row in 0..self.rows {
            let Some(object) = (self.object)(row) else { continue };
            for &attribute in &mapper.relationships {
                let Some(field) = object.field(attribute) else { continue };
                if matches!(field.many(), Some(ManyCore::New(_)))
                    || matches!(field.one(), Some(OneCore::New(_)))
                {
                    return Err(Error::new(
                        ErrorKind::Argument,
                        format!(
                            "{} has new objects in `{}`, which rows alone are written without: `add` it to the \
                             session",
                            of_rows(mapper, row, self.rows),
                            mapper.property(attribute).name()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A row in a message.
pub(super) fn of_rows(mapper: &Mapper, row: usize, rows: usize) -> String {
    format!("row {} of {rows} of {}", row + 1, mapper.class_name())
}

/// Objects made of named values.
pub(super) struct Made {
    objects: Box<dyn Objects>,
    pub(super) given: Vec<HashSet<u16>>,
}

impl Made {
    pub(super) fn object(&self, row: usize) -> Option<&dyn Object> {
        self.objects.get(row as u32)
    }
}

impl Session {
    /// Objects with named values, outside the arena.
    pub(super) fn made_of<N: AsRef<str>>(
        &self,
        class: u16,
        rows: Vec<Vec<(N, Value)>>,
    ) -> Result<Made> {
        let mapper = self.mappers.at(class);
        let mut made = Made { objects: mapper.def.objects(), given: Vec::new() };
        let count = rows.len();
        for (slot, row) in rows.into_iter().enumerate() {
            made.objects.put_default(slot as u32);
            let mut given = HashSet::new();
            for (name, value) in row {
                let name = name.as_ref();
                let known = |a: &u16| {
                    let kind = mapper.property(*a).kind();
                    matches!(kind, PropertyKind::Column(_) | PropertyKind::Composite { .. })
                };
                let at = mapper.attribute(name).filter(known);
                let at = at.ok_or_else(|| mapper.no_attribute(name))?;
                let field = made.objects.get_mut(slot as u32).and_then(|o| o.field_mut(at));
                if let Some(field) = field {
                    field.put(value).map_err(|bad| {
                        let which = of_rows(mapper, slot, count);
                        let what =
                            format!("{which}, {}.{name}: the value {bad}", mapper.class_name());
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

    /// The class of rows. Records say themselves of which class they are, which must be the same for all.
    pub(super) fn class_of_rows<T: Mapped>(&mut self, rows: &[T]) -> Result<Option<u16>> {
        let Some(first) = rows.first() else { return Ok(None) };
        if !T::DESCRIBED {
            return self.class_of::<T>().map(Some);
        }
        let def = first.own_class();
        if let Some(at) = rows.iter().position(|row| row.own_class().key() != def.key()) {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "row {} of {} is of class {}, and the first of class {}: write the rows of each class by themselves",
                    at + 1,
                    rows.len(),
                    rows[at].own_class().name,
                    def.name
                ),
            ));
        }
        self.learn(def).map(Some)
    }
}

/// Rows of one shape that follow each other.
pub(super) struct Segment {
    pub(super) columns: Vec<u16>,
    pub(super) first: usize,
    pub(super) rows: usize,
}

/// Rows of a table, with their values.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) segments: Vec<Segment>,
    /// For each row the values of its columns, then those of its key.
    pub(super) params: Vec<Bind<'a>>,
}

impl<'a> Batch<'a> {
    /// Notes a row whose values are there.
    pub(super) fn add(&mut self, columns: &[u16], row: usize) {
        match self.segments.last_mut() {
            Some(last) if last.columns == columns && last.first + last.rows == row => {
                last.rows += 1;
            }
            _ => self.segments.push(Segment { columns: columns.to_vec(), first: row, rows: 1 }),
        }
    }

    /// Each segment with its values, where so many values are behind those of the columns.
    pub(super) fn parts(&self, keys: usize) -> impl Iterator<Item = (&Segment, &[Bind<'a>])> {
        let mut at = 0;
        self.segments.iter().map(move |segment| {
            let start = at;
            at += (segment.columns.len() + keys) * segment.rows;
            (segment, &self.params[start..at])
        })
    }

    /// The batches for a connection.
    pub(super) fn writes<'w>(
        &'w self,
        op: WriteOp,
        table: &'w aludel_sql::Table,
        keys: &'w [u16],
        returning: impl Fn(&Segment) -> &'w [u16],
    ) -> Vec<Write<'w>> {
        let write = |(segment, params): (&'w Segment, &'w [Bind<'a>])| Write {
            op,
            table,
            columns: &segment.columns,
            keys,
            returning: returning(segment),
            rows: segment.rows,
            params,
        };
        self.parts(keys.len()).map(write).collect()
    }
}

/// The columns of a row to be inserted into a table, and their values. `key` is what the first table has generated.
pub(super) fn insert_values<'a>(
    mapper: &Mapper,
    table: u16,
    source: &Source<'a>,
    row: usize,
    key: Option<&[Value]>,
    columns: &mut Vec<u16>,
    params: &mut Vec<Bind<'a>>,
) {
    columns.clear();
    let known = &mapper.tables[usize::from(table)];
    let mut push = |column: u16, value: Bind<'a>| {
        columns.push(column);
        params.push(value);
    };
    for &attribute in mapper.columns.iter().filter(|attribute| !mapper.is_key_copy(**attribute)) {
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
        } else if table > 0
            && let Some(values) = key
            && let Some(part) = mapper.primary_key.iter().position(|a| *a == attribute)
            && let Some(value) = values.get(part)
        {
            // The row's key in the first table, also where that was a default.
            push(at.column, Bind::Owned(value.clone()));
        } else if let Some(default) = &column.client_default {
            push(at.column, Bind::Owned(default.value()));
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
pub(super) fn update_values<'a>(
    mapper: &Mapper,
    table: u16,
    source: &Source<'a>,
    row: usize,
    columns: &mut Vec<u16>,
    params: &mut Vec<Bind<'a>>,
) -> Result<bool> {
    columns.clear();
    let known = &mapper.tables[usize::from(table)];
    for &attribute in mapper.columns.iter().filter(|attribute| !mapper.is_key_copy(**attribute)) {
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
                let name = mapper.property(attribute).name();
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "{} cannot be updated: it lacks its key `{name}`",
                        of_rows(mapper, row, source.rows)
                    ),
                ));
            }
        }
    }
    Ok(true)
}
