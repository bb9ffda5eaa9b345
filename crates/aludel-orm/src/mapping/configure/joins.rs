//! How owner and target of a relationship are joined: by a foreign key, a condition of the user's own,
//! or an association table.

use aludel_sql::{Node, Table};

use super::Build;
use super::conditions::{Condition, End};
use super::paths::Path;
use crate::mapping::options::RelationshipOptions;
use crate::mapping::{Direction, Mapper, Secondary};

/// How owner and target are joined.
pub(super) struct Joined {
    pub(super) direction: Direction,
    pub(super) pairs: Vec<(u16, u16)>,
    pub(super) secondary: Option<Secondary>,
    /// The pairs are the whole condition.
    pub(super) exact: bool,
}

impl Build<'_> {
    /// How a relationship joins its owner and its target.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write instead.
    pub(super) fn join(
        &mut self,
        class: u16,
        name: &str,
        target: u16,
        options: &RelationshipOptions,
        primaryjoin: Option<&Node>,
        secondaryjoin: Option<&Node>,
    ) -> Result<Joined, String> {
        let primary = primaryjoin.map(|node| self.condition(node));
        if let Some(text) = &options.secondary {
            let given = match (&primary, secondaryjoin.map(|node| self.condition(node))) {
                (Some(primary), Some(secondary)) => {
                    self.secondary_given(class, target, text, primary, &secondary)
                }
                _ => None,
            };
            let secondary = match given {
                Some(secondary) => secondary,
                None => self.secondary(class, name, target, options, text)?,
            };
            return Ok(Joined {
                direction: Direction::ManyToMany,
                pairs: Vec::new(),
                secondary: Some(secondary),
                exact: false,
            });
        }
        let exact = primary.as_ref().is_none_or(|condition| !condition.more);
        let (owner, far) = (self.mapper(class), self.mapper(target));
        let (pairs, direction) = match &primary {
            Some(condition) if options.viewonly => {
                // What is only read may go by any condition.
                let free = match options.collection {
                    Some(_) => Direction::OneToMany,
                    None => Direction::ManyToOne,
                };
                self.pairs_given(owner, far, options, condition).unwrap_or((Vec::new(), free))
            }
            Some(condition) if !condition.equations.is_empty() => {
                self.pairs_given(owner, far, options, condition)?
            }
            _ => {
                let (path, direction) = self.path(owner, far, options)?;
                (self.pairs(owner, far, &path, direction)?, direction)
            }
        };
        Ok(Joined { direction, pairs, secondary: None, exact })
    }

    /// The attributes at both ends of a foreign key.
    fn pairs(
        &self,
        owner: &Mapper,
        target: &Mapper,
        path: &Path,
        direction: Direction,
    ) -> Result<Vec<(u16, u16)>, String> {
        let (keyed, referred) = match direction {
            Direction::ManyToOne => (owner, target),
            _ => (target, owner),
        };
        let ends = path.columns.iter().zip(&path.targets);
        let pairs = ends.map(|(column, referred_column)| {
            let key = stands(keyed, &path.from, *column)?;
            let to = stands(referred, &path.to, *referred_column)?;
            Ok(match direction {
                Direction::ManyToOne => (key, to),
                _ => (to, key),
            })
        });
        pairs.collect()
    }

    /// The pairs that a condition of the user's own equates, and the direction.
    fn pairs_given(
        &self,
        owner: &Mapper,
        target: &Mapper,
        options: &RelationshipOptions,
        condition: &Condition,
    ) -> Result<(Vec<(u16, u16)>, Direction), String> {
        let both = [owner, target];
        let mut foreign = Vec::new();
        for name in &options.foreign_keys {
            foreign.extend(self.columns_named(name, &both)?);
        }
        let mut remote = Vec::new();
        for name in &options.remote_side {
            remote.extend(self.columns_named(name, &both)?);
        }
        let mut found: Vec<(u16, u16, Direction)> = Vec::new();
        for (a, b) in &condition.equations {
            for (key, referred) in [(a, b), (b, a)] {
                let is_key = match foreign.is_empty() {
                    true => key.refers_to(referred),
                    false => key.is_among(&foreign),
                };
                if !is_key {
                    continue;
                }
                let forward = key.of(owner).zip(referred.of(target));
                let backward = referred.of(owner).zip(key.of(target));
                let is_remote = |end: &End| end.remote || end.is_among(&remote);
                // Between objects of one class both are possible.
                let forward_first = match (is_remote(referred), is_remote(key)) {
                    (true, false) => true,
                    (false, true) => false,
                    _ => options.collection.is_none(),
                };
                let forward = forward.map(|(near, far)| (near, far, Direction::ManyToOne));
                let backward = backward.map(|(near, far)| (near, far, Direction::OneToMany));
                let pair = match forward_first {
                    true => forward.or(backward),
                    false => backward.or(forward),
                };
                if let Some(pair) = pair {
                    found.push(pair);
                    break;
                }
            }
        }
        let Some(&(.., direction)) = found.first() else {
            return Err(
                "its primaryjoin equates no foreign key of the two classes; say which columns are \
                        foreign keys: `foreign_keys = \"…\"`"
                    .to_owned(),
            );
        };
        if direction == Direction::ManyToOne && options.collection.is_some() {
            return Err(format!(
                "it is a collection, but its primaryjoin makes each `{}` refer to one object: use `One<…>`",
                owner.name
            ));
        }
        let pairs = found.iter().filter(|(.., d)| *d == direction).map(|(a, b, _)| (*a, *b));
        Ok((pairs.collect(), direction))
    }

    /// An association table whose columns are said by two conditions.
    fn secondary_given(
        &mut self,
        class: u16,
        target: u16,
        text: &str,
        primary: &Condition,
        secondary: &Condition,
    ) -> Option<Secondary> {
        let name = text.split('(').next().unwrap_or(text).trim();
        let table = self.tables.get(name)?.clone();
        let side = |mapper: &Mapper, condition: &Condition| {
            let mut side = Vec::new();
            for (a, b) in &condition.equations {
                for (near, far) in [(a, b), (b, a)] {
                    let column = far.columns.iter().find(|(t, _)| *t == table).map(|(_, c)| *c);
                    side.extend(near.of(mapper).zip(column));
                }
            }
            side
        };
        let local = side(self.mapper(class), primary);
        let remote = side(self.mapper(target), secondary);
        (!local.is_empty() && !remote.is_empty()).then_some(Secondary { table, local, remote })
    }
}

/// The attribute that stands for a column.
fn stands(mapper: &Mapper, table: &Table, column: u16) -> Result<u16, String> {
    mapper.attribute_of(table, column).ok_or_else(|| {
        let (name, full) = (&table.columns()[usize::from(column)].name, table.full_name());
        format!(
            "column `{full}.{name}` is needed for it, and no attribute of `{}` stands for it: add the field \
             `{name}`",
            mapper.name
        )
    })
}
