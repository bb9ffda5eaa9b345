//! The ways between two classes: foreign keys between their tables.

use std::fmt;

use aludel_sql::{ForeignKey, Table};

use super::Build;
use super::hierarchy::Shape;
use super::names::TableColumn;
use crate::mapping::options::RelationshipOptions;
use crate::mapping::{Direction, Mapper};

/// A foreign key between the tables of two classes.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// The table that has the foreign key, and its columns.
    pub(super) from: Table,
    pub(super) columns: Vec<u16>,
    /// The table referred to, and its columns.
    pub(super) to: Table,
    pub(super) targets: Vec<u16>,
    /// The owner can be at the end that has the foreign key.
    forward: bool,
    /// The target can be at the end that has the foreign key.
    backward: bool,
    /// It is what joins a subclass's table with its base's.
    inherits: bool,
}

impl Path {
    fn is_from(&self, columns: &[TableColumn]) -> bool {
        let named = |column: &u16| columns.contains(&(self.from.clone(), *column));
        self.columns.iter().all(named)
    }

    fn is_to(&self, columns: &[TableColumn]) -> bool {
        let named = |column: &u16| columns.contains(&(self.to.clone(), *column));
        self.targets.iter().all(named)
    }
}

/// `orders.user_id -> users.id`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |table: &Table, columns: &[u16]| {
            let names = columns.iter().map(|c| &*table.columns()[usize::from(*c)].name);
            let names: Vec<&str> = names.collect();
            match names.as_slice() {
                [only] => format!("{}.{only}", table.full_name()),
                all => format!("{}.({})", table.full_name(), all.join(", ")),
            }
        };
        write!(f, "{} -> {}", side(&self.from, &self.columns), side(&self.to, &self.targets))
    }
}

/// The foreign keys of one table to another.
pub(super) fn keys_between<'t>(
    from: &'t Table,
    to: &Table,
) -> impl Iterator<Item = (&'t ForeignKey, Vec<u16>)> {
    from.foreign_keys().iter().filter_map(|key| Some((key, key.target_positions(to)?)))
}

impl Build<'_> {
    /// All ways between the tables of two classes.
    fn paths(&self, owner: &Mapper, target: &Mapper) -> Vec<Path> {
        let mut tables: Vec<&Table> = Vec::new();
        for table in owner.tables.iter().chain(&target.tables) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        let mut paths: Vec<Path> = Vec::new();
        for from in &tables {
            for to in &tables {
                let forward = owner.tables.contains(from) && target.tables.contains(to);
                let backward = target.tables.contains(from) && owner.tables.contains(to);
                if !forward && !backward {
                    continue;
                }
                for (key, targets) in keys_between(from, to) {
                    let (from, to, columns) = ((*from).clone(), (*to).clone(), key.columns.clone());
                    let inherits = self.joins_inherited(&from, &columns, &to);
                    let path = Path { from, columns, to, targets, forward, backward, inherits };
                    let twice = |p: &Path| {
                        p.from == path.from
                            && p.columns == path.columns
                            && p.targets == path.targets
                    };
                    if !paths.iter().any(twice) {
                        paths.push(path);
                    }
                }
            }
        }
        paths
    }

    /// Whether a foreign key is what joins the table of a subclass with a table of its base.
    fn joins_inherited(&self, from: &Table, columns: &[u16], to: &Table) -> bool {
        let key = from.primary_key();
        from != to
            && columns.iter().all(|c| key.contains(c))
            && self.mappers.iter().any(|m| {
                self.shape(m.index) == Shape::Joined
                    && m.tables.last() == Some(from)
                    && m.tables.contains(to)
            })
    }

    /// The way that a relationship goes, and in which direction.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    pub(super) fn path(
        &self,
        owner: &Mapper,
        target: &Mapper,
        options: &RelationshipOptions,
    ) -> Result<(Path, Direction), String> {
        let all = self.paths(owner, target);
        let both = [owner, target];
        let named = named(self, &options.foreign_keys, &both)?;
        let remote = self::named(self, &options.remote_side, &both)?;
        let mut paths: Vec<&Path> = match named.is_empty() {
            true => all.iter().filter(|p| !p.inherits).collect(),
            false => all.iter().filter(|p| p.is_from(&named)).collect(),
        };
        if !remote.is_empty() && paths.len() > 1 {
            paths.retain(|p| p.is_from(&remote) || p.is_to(&remote));
        }
        if paths.len() > 1 && named.is_empty() {
            // As between any two classes, the own table counts before those of the base.
            let own = owner.tables.last();
            let is_own = |p: &&Path| Some(&p.from) == own || Some(&p.to) == own;
            let local: Vec<&Path> = paths.iter().copied().filter(is_own).collect();
            if !local.is_empty() {
                paths = local;
            }
        }
        match paths.as_slice() {
            [] => Err(no_path(owner, target, options, &all)),
            [path] => {
                let direction = direction(path, owner, options, &remote)?;
                Ok(((*path).clone(), direction))
            }
            several => {
                let list: Vec<String> = several.iter().map(|p| format!("`{p}`")).collect();
                let first = several[0];
                let column = &first.from.columns()[usize::from(first.columns[0])].name;
                Err(format!(
                    "there are several foreign keys between `{}` and `{}`: {}; say which one, such as \
                     `foreign_keys = \"{}.{column}\"`",
                    owner.name,
                    target.name,
                    list.join(", "),
                    first.from.full_name(),
                ))
            }
        }
    }
}

/// The columns that a list of names means.
fn named(build: &Build<'_>, names: &[String], of: &[&Mapper]) -> Result<Vec<TableColumn>, String> {
    let mut found = Vec::new();
    for name in names {
        found.extend(build.columns_named(name, of)?);
    }
    Ok(found)
}

fn no_path(owner: &Mapper, target: &Mapper, options: &RelationshipOptions, all: &[Path]) -> String {
    let (Some(from), Some(to)) = (owner.tables.last(), target.tables.last()) else {
        let without = if owner.tables.is_empty() { owner } else { target };
        return format!(
            "class `{}` is mapped to a query that shows no table with its key: give the condition, by `primaryjoin`, \
             and say `viewonly`",
            without.name
        );
    };
    if !options.foreign_keys.is_empty() {
        let list: Vec<String> =
            all.iter().filter(|p| !p.inherits).map(|p| format!("`{p}`")).collect();
        let there = match list.is_empty() {
            true => "there is none".to_owned(),
            false => format!("there is {}", list.join(", ")),
        };
        return format!(
            "`{}` is no foreign key between `{}` and `{}`; {there}",
            options.foreign_keys.join(", "),
            owner.name,
            target.name
        );
    }
    // A reference has its key here, a collection over there.
    let (holder, other) = match options.collection {
        None => (owner, to),
        Some(_) => (target, from),
    };
    let key = other.primary_key().first();
    let key = key.map_or("id", |c| &*other.columns()[usize::from(*c)].name);
    format!(
        "there is no foreign key between table `{}` and table `{}`; add \
         `#[column(foreign_key = \"{}.{key}\")]` to a field of `{}`, or name an association table by \
         `secondary = \"…\"`, or a condition by `primaryjoin = …`",
        from.full_name(),
        to.full_name(),
        other.full_name(),
        holder.name,
    )
}

/// Which end the owner is at.
fn direction(
    path: &Path,
    owner: &Mapper,
    options: &RelationshipOptions,
    remote: &[TableColumn],
) -> Result<Direction, String> {
    let many = options.collection.is_some();
    let forward = match (path.forward, path.backward) {
        (true, true) if !remote.is_empty() => match (path.is_to(remote), path.is_from(remote)) {
            (true, false) => true,
            (false, true) => false,
            // Composite keys that share a column: the side whose every column is named.
            (true, true) => !many,
            (false, false) => {
                return Err(format!(
                    "its remote_side `{}` is neither end of `{path}`",
                    options.remote_side.join(", ")
                ));
            }
        },
        // The holder tells: a collection has the foreign keys at its members.
        (true, true) => !many,
        (forward, _) => forward,
    };
    if forward && many {
        return Err(format!(
            "it is a collection, but `{path}` makes each `{}` refer to one object: use `One<…>`, or put the \
             foreign key on the other class",
            owner.name
        ));
    }
    Ok(if forward { Direction::ManyToOne } else { Direction::OneToMany })
}
