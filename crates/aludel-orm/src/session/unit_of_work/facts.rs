//! What can be said of a class before its objects are looked at: which columns an INSERT gives, which may be
//! left out, what identifies a row.

use std::sync::Arc;

use aludel_sql::{Bind, Capabilities, ServerDefault, Table, Value};

use super::slots::{Slot, slots_of};
use crate::instrumentation::Id;
use crate::mapping::{EagerDefaults, Mapper};
use crate::session::Session;
use crate::session::identity::Key;
use crate::{Error, ErrorKind, Result};

/// In place of an attribute: the column has none.
pub(super) const NO_ATTRIBUTE: u16 = u16::MAX;

/// What a flush knows of a class.
pub(super) struct Facts {
    pub(super) mapper: Arc<Mapper>,
    /// In the order of the mapper's tables.
    pub(super) tables: Vec<TableFacts>,
    /// Some attribute has to be given a value before an INSERT: a default, a version.
    pub(super) prepares: bool,
}

/// One of the tables of a class.
pub(super) struct TableFacts {
    pub(super) table: Table,
    /// The columns that an INSERT leaves out where they have no value, since the database gives one; they stand
    /// first.
    pub(super) optional: Vec<(u16, u16)>,
    /// The other columns of an INSERT.
    pub(super) plain: Vec<(u16, u16)>,
    /// The attributes of `plain`.
    pub(super) attributes: Vec<u16>,
    /// The attributes of `plain`, as bits, where all of them are below 64.
    pub(super) mask: Option<u64>,
    /// The places in `plain` of key columns that the database gives no value.
    pub(super) required: Vec<usize>,
    /// The columns of the primary key, and their attributes.
    pub(super) keys: Vec<(u16, u16)>,
    pub(super) key_columns: Vec<u16>,
    /// By attribute, the one column that a change of it is written to, or [`NO_ATTRIBUTE`]: it is not of this table, or
    /// there is more to it (a key, a version, several columns).
    direct: Vec<u16>,
    /// The JSON documents of which an UPDATE sends the changed paths: (column, attribute).
    #[cfg(feature = "json")]
    pub(super) json_paths: Vec<(u16, u16)>,
    /// The unique constraints.
    pub(super) slots: Vec<Slot>,
    /// The version column.
    pub(super) version: Option<u16>,
    /// Its attribute.
    pub(super) version_attribute: Option<u16>,
    /// It is the database that makes the versions.
    pub(super) version_by_database: bool,
    /// The columns with a default of the program: (column, attribute).
    pub(super) defaults: Vec<(u16, u16)>,
    /// The columns that the program gives a value with every UPDATE: (column, attribute).
    pub(super) on_updates: Vec<(u16, u16)>,
    /// The columns that the database gives a value at an INSERT, where none was given.
    pub(super) on_insert: Made,
    /// Those that it gives a value at an UPDATE.
    pub(super) on_update: Made,
}

/// What the database makes of a row, by how it is learned: (column, attribute).
#[derive(Default)]
pub(super) struct Made {
    /// It comes back with the statement.
    pub(super) returned: Vec<(u16, u16)>,
    /// It is read right after it.
    pub(super) read: Vec<(u16, u16)>,
    /// It is read when it is asked for.
    pub(super) expired: Vec<(u16, u16)>,
    /// Whether what SQL expressions make comes back with the statement.
    pub(super) expressions: bool,
}

/// When what the database makes of a row is learned.
struct Learning<'a> {
    eager: EagerDefaults,
    /// RETURNING gives what triggers have made of the row.
    sees_triggers: bool,
    /// It has to be known in any case.
    needed: &'a dyn Fn(u16) -> bool,
}

impl Made {
    fn new(
        columns: Vec<(u16, u16)>,
        how: &Learning<'_>,
        gives_back: bool,
        by_trigger: &dyn Fn(u16) -> bool,
    ) -> Self {
        let eager = how.eager != EagerDefaults::Never;
        let mut made = Self { expressions: gives_back && eager, ..Self::default() };
        for (column, attribute) in columns {
            let needed = (how.needed)(attribute);
            let comes_back = gives_back && (how.sees_triggers || !by_trigger(column));
            let list = match comes_back {
                true if eager || needed => &mut made.returned,
                false if how.eager == EagerDefaults::Always || needed => &mut made.read,
                _ => &mut made.expired,
            };
            list.push((column, attribute));
        }
        made
    }
}

impl Facts {
    pub(super) fn new(mapper: &Arc<Mapper>, of: &Capabilities) -> Self {
        let tables: Vec<TableFacts> =
            (0..mapper.tables.len()).map(|at| TableFacts::new(mapper, at as u16, of)).collect();
        Self {
            prepares: mapper.version.is_some()
                || !mapper.key_copies.is_empty()
                || tables.iter().any(|t| !t.defaults.is_empty()),
            tables,
            mapper: Arc::clone(mapper),
        }
    }

    /// The key of some values.
    pub(super) fn key_of(&self, values: &[Value]) -> Option<Key> {
        let binds: Vec<Bind<'_>> = values.iter().map(|value| Bind::Ref(value.as_ref())).collect();
        self.mapper.key_of(&binds)
    }

    /// The facts of a table, where the class has it.
    pub(super) fn table(&self, table: &Table) -> Option<(usize, &TableFacts)> {
        self.tables.iter().enumerate().find(|(_, t)| t.table == *table)
    }
}

impl TableFacts {
    /// The column that a change of an attribute is written to, where there is no more to it.
    #[inline]
    pub(super) fn direct(&self, attribute: u16) -> Option<u16> {
        self.direct.get(usize::from(attribute)).copied().filter(|column| *column != NO_ATTRIBUTE)
    }

    /// Whether changed paths of a document are sent.
    pub(super) fn has_json_paths(&self) -> bool {
        #[cfg(feature = "json")]
        return !self.json_paths.is_empty();
        #[cfg(not(feature = "json"))]
        false
    }

    fn new(mapper: &Mapper, at: u16, of: &Capabilities) -> Self {
        let table = mapper.tables[usize::from(at)].clone();
        let columns = table.columns();
        let mapped = mapped_columns(mapper, at);
        let hidden = |list: &[(u16, u16)]| -> Vec<(u16, u16)> {
            list.iter()
                .filter(|(t, _)| *t == at)
                .map(|(_, column)| (*column, NO_ATTRIBUTE))
                .collect()
        };
        let column = |c: u16| &columns[usize::from(c)];
        let generated = table.autoincrement();
        let given = mapped.iter().copied().filter(|(c, _)| !column(*c).is_read_only());
        let own_version = |a: u16| mapper.version == Some(a) && mapper.version_by.is_database();
        let (optional, mut plain): (Vec<_>, Vec<_>) = given.partition(|(c, a)| {
            generated == Some(*c) || column(*c).server_default.is_some() || own_version(*a)
        });
        plain.extend(hidden(&mapper.hidden_defaults));
        plain.sort_unstable();
        let narrow = plain.iter().all(|(_, a)| *a < 64);
        let mask = narrow.then(|| plain.iter().fold(0, |mask, (_, a)| mask | 1 << a));
        let is_key = |(c, a): &(u16, u16)| {
            let part = mapper.primary_key.iter().position(|part| part == a);
            part.is_some_and(|at| at >= 32 || mapper.nullable_key & (1 << at) == 0)
                || column(*c).primary_key
        };
        let required =
            plain.iter().enumerate().filter(|(_, c)| is_key(c)).map(|(at, _)| at).collect();
        let of_table = || mapped.iter().filter(|(c, _)| column(*c).primary_key).copied();
        let mut keys: Vec<(u16, u16)> = match mapper.selected {
            // The rows of each table have a key of their own.
            Some(_) => of_table().collect(),
            None => {
                let of = |a: &u16| mapped.iter().find(|(_, attribute)| attribute == a).copied();
                mapper.primary_key.iter().filter_map(of).collect()
            }
        };
        if keys.is_empty() {
            keys = of_table().collect();
        }
        let with = |test: &dyn Fn(u16) -> bool| -> Vec<(u16, u16)> {
            mapped.iter().filter(|(c, _)| test(*c)).copied().collect()
        };
        let version = mapper.version.and_then(|v| mapped.iter().find(|(_, a)| *a == v));
        let version = version.map(|(c, _)| *c);
        let version_by_database = version.is_some() && mapper.version_by.is_database();
        let database_version = |c: u16| version_by_database && version == Some(c);
        let how = Learning {
            eager: mapper.rows.eager_defaults,
            sees_triggers: of.returning_sees_triggers,
            needed: &|a| {
                mapper.primary_key.contains(&a) || version_by_database && mapper.version == Some(a)
            },
        };
        #[cfg(feature = "json")]
        let by_paths = |(_, a): &&(u16, u16)| mapper.column(*a).is_some_and(|c| c.json_paths);
        Self {
            #[cfg(feature = "json")]
            json_paths: mapped.iter().filter(by_paths).copied().collect(),
            optional,
            attributes: plain.iter().map(|(_, a)| *a).collect(),
            plain,
            mask,
            required,
            key_columns: keys.iter().map(|(c, _)| *c).collect(),
            keys,
            slots: slots_of(&table, &mapped),
            direct: {
                let mut direct = vec![NO_ATTRIBUTE; mapper.properties.len()];
                for (at, (c, a)) in mapped.iter().enumerate() {
                    let alone = |(other, (_, b)): (usize, &(u16, u16))| other == at || b != a;
                    if mapped.iter().enumerate().all(alone)
                        && !mapper.primary_key.contains(a)
                        && mapper.version != Some(*a)
                        && !column(*c).is_read_only()
                    {
                        direct[usize::from(*a)] = *c;
                    }
                }
                direct
            },
            version,
            version_attribute: mapper.version.filter(|_| version.is_some()),
            version_by_database,
            defaults: with(&|c| column(c).client_default.is_some()),
            on_updates: {
                let mut all = with(&|c| column(c).on_update.is_some());
                all.extend(hidden(&mapper.hidden_on_updates));
                all
            },
            on_insert: Made::new(
                with(&|c| {
                    generated != Some(c) && (column(c).has_server_value() || database_version(c))
                }),
                &how,
                of.insert_returning,
                &|c| {
                    let fetched = column(c).server_default == Some(ServerDefault::Fetched);
                    (fetched || database_version(c)) && !column(c).is_read_only()
                },
            ),
            on_update: Made::new(
                with(&|c| {
                    column(c).server_on_update || column(c).is_read_only() || database_version(c)
                }),
                &how,
                of.update_returning,
                &|c| !column(c).is_read_only(),
            ),
            table,
        }
    }
}

/// The columns of one of a class's tables that attributes stand for, and the attributes that they are written from.
pub(super) fn mapped_columns(mapper: &Mapper, table: u16) -> Vec<(u16, u16)> {
    let mut mapped: Vec<(u16, u16)> = Vec::new();
    for &attribute in mapper.columns.iter().filter(|attribute| !mapper.is_key_copy(**attribute)) {
        let of = mapper.column(attribute).map(|p| p.columns.as_slice()).unwrap_or_default();
        mapped.extend(of.iter().filter(|c| c.table == table).map(|c| (c.column, attribute)));
    }
    mapped.sort_unstable();
    mapped
}

impl Session {
    /// The tables of some objects of one hierarchy, in the order in which their rows are inserted: the base
    /// table first, and a table after those that it refers to.
    ///
    /// # Errors
    ///
    /// When a class has none.
    pub(super) fn tables_of(&self, ids: &[Id]) -> Result<Vec<Table>> {
        let classes = classes_of(ids);
        if let Some(class) = classes.iter().find(|class| self.mappers.at(**class).tables.is_empty())
        {
            return Err(read_only(self.mappers.at(*class)));
        }
        if let [class] = classes.as_slice() {
            return Ok(self.mappers.at(*class).tables.clone());
        }
        let mut all: Vec<(usize, Table)> = Vec::new();
        for class in classes {
            for (depth, table) in self.mappers.at(class).tables.iter().enumerate() {
                if !all.iter().any(|(_, t)| t == table) {
                    all.push((depth, table.clone()));
                }
            }
        }
        all.sort_by_key(|(depth, _)| *depth);
        let mut sorted: Vec<Table> = Vec::new();
        while !all.is_empty() {
            let ready = |at: &usize| {
                let table = &all[*at].1;
                let waits = |(_, other): &(usize, Table)| {
                    other != table
                        && table.foreign_keys().iter().any(|k| !k.use_alter && k.refers_to(other))
                };
                !all.iter().any(waits)
            };
            let at = (0..all.len()).find(ready).unwrap_or(0);
            sorted.push(all.remove(at).1);
        }
        Ok(sorted)
    }
}

#[cold]
fn read_only(mapper: &Mapper) -> Error {
    let message = format!(
        "class {} is only read: what it is mapped to shows no table with its whole primary key, to which its \
         objects could be written",
        mapper.class_name()
    );
    Error::new(ErrorKind::InvalidRequest, message)
}

/// The classes of some objects.
pub(super) fn classes_of(ids: &[Id]) -> Vec<u16> {
    let mut classes: Vec<u16> = Vec::new();
    for same in ids.chunk_by(|a, b| a.class == b.class) {
        if !classes.contains(&same[0].class) {
            classes.push(same[0].class);
        }
    }
    classes
}
