//! Association tables.

use aludel_sql::{Column, ForeignKey, Table};

use super::Build;
use super::paths::keys_between;
use super::tables::Recipe;
use crate::instrumentation::AttrKind;
use crate::mapping::options::RelationshipOptions;
use crate::mapping::problems::quoted;
use crate::mapping::{Mapper, Secondary};

/// What `secondary` says: `name`, `name(a, b)`, or `name(a, b; c, d)`.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    table: &'a str,
    /// The columns that refer to this class, and those that refer to the target.
    columns: Option<(Vec<&'a str>, Vec<&'a str>)>,
}

/// One side of an association: (attribute of the class, column of the table).
type Side = Vec<(u16, u16)>;

fn parse(text: &str, key_length: usize) -> Result<Said<'_>, String> {
    let Some((table, rest)) = text.split_once('(') else {
        return Ok(Said { table: text.trim(), columns: None });
    };
    let wrong = || {
        format!(
            "`secondary = \"{text}\"` is not understood; write `name`, or `name(column to here, column to \
             there)`"
        )
    };
    let inner = rest.trim_end().strip_suffix(')').ok_or_else(wrong)?;
    let (here, there) = match inner.split_once(';') {
        Some((here, there)) => (words(here), words(there)),
        None => {
            let mut here = words(inner);
            let there = here.split_off(key_length.min(here.len()));
            (here, there)
        }
    };
    let empty = |side: &[&str]| side.is_empty() || side.iter().any(|c| c.is_empty());
    if table.trim().is_empty() || empty(&here) || empty(&there) {
        return Err(wrong());
    }
    Ok(Said { table: table.trim(), columns: Some((here, there)) })
}

fn words(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).collect()
}

impl Build<'_> {
    /// The association table of a relationship: one that is there, or a new one.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    pub(super) fn secondary(
        &mut self,
        owner: u16,
        attribute: &str,
        target: u16,
        options: &RelationshipOptions,
        text: &str,
    ) -> Result<Secondary, String> {
        let said = parse(text, self.mapper(owner).primary_key.len())?;
        let other = self.other_columns(owner, attribute, target, options);
        let columns = match (&said.columns, &other) {
            (Some((here, there)), _) => Some((here.clone(), there.clone())),
            (None, Some((there, here))) => {
                Some((here.iter().map(|c| &**c).collect(), there.iter().map(|c| &**c).collect()))
            }
            (None, None) => None,
        };
        let there = self.tables.get(said.table).cloned();
        let (here, far) = (self.mapper(owner), self.mapper(target));
        if let Some(table) = there {
            let found = match &columns {
                Some((local, remote)) => Secondary {
                    local: named_side(here, &table, local)?,
                    remote: named_side(far, &table, remote)?,
                    table: table.clone(),
                },
                None => unnamed_sides(here, far, &table)?,
            };
            return Ok(found);
        }
        let (local, remote) = match columns {
            Some((local, remote)) => (
                local.into_iter().map(str::to_owned).collect(),
                remote.into_iter().map(str::to_owned).collect(),
            ),
            None => (default_columns(here), default_columns(far)),
        };
        for (mapper, columns) in [(here, &local), (far, &remote)] {
            if columns.len() != mapper.primary_key.len() {
                return Err(format!(
                    "the association table `{}` needs {} columns that refer to `{}`, not {}",
                    said.table,
                    mapper.primary_key.len(),
                    mapper.name,
                    columns.len()
                ));
            }
        }
        if local.iter().any(|column| remote.contains(column)) {
            return Err(format!(
                "both sides of the association table `{0}` would have the column `{1}`; name the columns: \
                 `secondary = \"{0}(column to here, column to there)\"`",
                said.table, local[0]
            ));
        }
        let recipe = Recipe::Association(local.iter().chain(&remote).cloned().collect());
        let table = match self.tables.reuse(said.table, &recipe) {
            Some(table) => table,
            None => {
                let (here, far) = (self.mapper(owner), self.mapper(target));
                let table = association(said.table, [(here, &local), (far, &remote)])?;
                self.tables.keep(said.table, recipe, &table);
                table
            }
        };
        let (here, far) = (self.mapper(owner), self.mapper(target));
        let local: Vec<&str> = local.iter().map(String::as_str).collect();
        let remote: Vec<&str> = remote.iter().map(String::as_str).collect();
        Ok(Secondary {
            local: named_side(here, &table, &local)?,
            remote: named_side(far, &table, &remote)?,
            table,
        })
    }

    /// The columns that the other side names: (those to it, those to here).
    fn other_columns(
        &self,
        owner: u16,
        attribute: &str,
        target: u16,
        options: &RelationshipOptions,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let name = options.back_populates.as_deref()?;
        if owner == target && name == attribute {
            return None;
        }
        let spec = self.spec(target);
        let other = match spec.said.relationship(name) {
            Some(options) => options.clone(),
            None => match &spec.def.attributes.iter().find(|a| a.name == name)?.kind {
                AttrKind::Relationship(def) => RelationshipOptions::of(def),
                _ => return None,
            },
        };
        let text = other.secondary.as_deref()?;
        let (here, there) = parse(text, self.mapper(target).primary_key.len()).ok()?.columns?;
        let owned = |side: Vec<&str>| side.into_iter().map(str::to_owned).collect();
        Some((owned(here), owned(there)))
    }
}

/// `users_id` for the key `id` of table `users`.
fn default_columns(mapper: &Mapper) -> Vec<String> {
    let table = mapper.tables[0].name();
    key_columns(mapper).iter().map(|column| format!("{table}_{column}")).collect()
}

/// The names of the primary key's columns in the base table.
fn key_columns(mapper: &Mapper) -> Vec<&str> {
    let columns = mapper.primary_key.iter().filter_map(|attribute| mapper.column(*attribute));
    columns.map(|property| &*mapper.column_of(property.columns[0]).name).collect()
}

fn association(name: &str, sides: [(&Mapper, &Vec<String>); 2]) -> Result<Table, String> {
    let (schema, bare) = match name.rsplit_once('.') {
        Some((schema, bare)) => (Some(schema), bare),
        None => (None, name),
    };
    let mut table = Table::build(bare);
    if let Some(schema) = schema {
        table = table.schema(schema);
    }
    for (mapper, columns) in sides {
        let key = mapper.primary_key.iter().filter_map(|attribute| mapper.column(*attribute));
        for (property, column) in key.zip(columns) {
            let referred = mapper.column_of(property.columns[0]);
            table = table.column(Column::new(column.as_str(), referred.data_type).primary_key());
        }
        table = table.foreign_key(ForeignKey::new(
            columns.iter().map(String::as_str),
            mapper.tables[0].full_name(),
            key_columns(mapper),
        ));
    }
    table.finish().map_err(|e| e.message().to_owned())
}

/// A side whose columns are named: they refer to what their foreign keys say, else to the primary key.
fn named_side(mapper: &Mapper, table: &Table, columns: &[&str]) -> Result<Side, String> {
    let mut side = Vec::new();
    for (at, name) in columns.iter().enumerate() {
        let Some(column) = table.column(name) else {
            return Err(super::names::no_column(table, name));
        };
        let referred = mapper.tables.iter().find_map(|of| {
            keys_between(table, of).find_map(|(key, targets)| {
                let place = key.columns.iter().position(|c| *c == column)?;
                mapper.attribute_of(of, targets[place])
            })
        });
        match referred.or_else(|| mapper.primary_key.get(at).copied()) {
            Some(attribute) => side.push((attribute, column)),
            None => {
                let full = table.full_name();
                return Err(format!(
                    "column `{full}.{name}` refers to nothing of `{}`",
                    mapper.name
                ));
            }
        }
    }
    Ok(side)
}

/// Both sides from the foreign keys of the association table.
fn unnamed_sides(here: &Mapper, far: &Mapper, table: &Table) -> Result<Secondary, String> {
    let local = side_by_key(here, table)?;
    let remote = side_by_key(far, table)?;
    if local.iter().any(|(_, c)| remote.iter().any(|(_, other)| c == other)) {
        return Err(several(here, table));
    }
    Ok(Secondary { table: table.clone(), local, remote })
}

fn side_by_key(mapper: &Mapper, table: &Table) -> Result<Side, String> {
    let mut found: Vec<Side> = Vec::new();
    let mut unmapped = None;
    for of in &mapper.tables {
        for (key, targets) in keys_between(table, of) {
            let pairs = key.columns.iter().zip(&targets);
            let pairs =
                pairs.map(|(column, target)| Some((mapper.attribute_of(of, *target)?, *column)));
            match pairs.collect::<Option<Side>>() {
                Some(side) => found.push(side),
                None => unmapped = Some(key.target_columns.join(", ")),
            }
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(match unmapped {
            Some(columns) => format!(
                "the association table `{}` refers to `{columns}` of `{}`, for which no attribute stands: add \
                 a field",
                table.full_name(),
                mapper.name
            ),
            None => format!(
                "the association table `{0}` has no foreign key to `{1}`; name its columns: \
                 `secondary = \"{0}(column to here, column to there)\"`",
                table.full_name(),
                mapper.tables[0].full_name()
            ),
        }),
        _ => Err(several(mapper, table)),
    }
}

fn several(mapper: &Mapper, table: &Table) -> String {
    let keys = mapper.tables.iter().flat_map(|of| keys_between(table, of));
    let columns = quoted(keys.map(|(key, _)| key.column_names.join(", ")));
    format!(
        "the association table `{0}` has several foreign keys to `{1}`: {columns}; say which is which: \
         `secondary = \"{0}(column to here, column to there)\"`",
        table.full_name(),
        mapper.tables[0].full_name()
    )
}

#[cfg(test)]
mod tests {
    use super::{Said, parse};

    #[test]
    fn what_secondary_says() {
        let said = |text| parse(text, 1).unwrap();
        assert_eq!(said("links"), Said { table: "links", columns: None });
        let columns = Some((vec!["a"], vec!["b"]));
        assert_eq!(said("links(a, b)"), Said { table: "links", columns });
        let columns = Some((vec!["a"], vec!["b", "c"]));
        assert_eq!(said("links(a; b, c)"), Said { table: "links", columns });
        assert!(parse("links(a", 1).is_err());
        assert!(parse("links(a)", 1).is_err());
    }
}
