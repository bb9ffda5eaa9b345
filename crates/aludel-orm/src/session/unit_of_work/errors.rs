//! What is said of a row that the database refused: which object, which attribute.

use aludel_sql::{Table, WriteOp};

use super::facts::TableFacts;
use super::write::Segment;
use crate::instrumentation::Id;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};
use crate::{Error, ErrorKind, Result};

impl Session {
    /// The row of a batch at which the database stopped, where it says so.
    pub(super) fn failed_row(&self, error: &Error, segments: &[Segment]) -> Option<usize> {
        let detail = error.database()?;
        let segment = segments.get(detail.write.unwrap_or(0))?;
        match detail.row {
            Some(row) => Some(segment.first + row),
            None if segments.len() == 1 && segment.rows == 1 => Some(segment.first),
            None => None,
        }
    }

    /// Completes the error of a refused write: what was done to which object, and which attribute it is about.
    #[cold]
    pub(super) fn refused(
        &self,
        error: Error,
        op: WriteOp,
        table: &Table,
        part: &[Id],
        failed: Option<usize>,
    ) -> Error {
        let doing = match op {
            WriteOp::Insert => "inserting",
            WriteOp::Update => "updating",
            WriteOp::Delete => "deleting",
        };
        let only = if let [only] = part { Some(*only) } else { None };
        let id = failed.and_then(|row| part.get(row)).copied().or(only);
        let Some(id) = id.or_else(|| part.first().copied()).filter(|id| self.arena.holds(*id))
        else {
            return error;
        };
        let which = match failed {
            None if part.len() > 1 => {
                format!("one of {} {} objects", part.len(), self.mapper_of(id).class_name())
            }
            _ => self.describe_object(id),
        };
        let attribute = self.attribute_at_fault(&error, table, id);
        let mut doing = format!("{doing} {which}");
        if let Some(attribute) = attribute {
            doing.push_str(&format!(
                ", {}.{}",
                self.mapper_of(id).class_name(),
                self.mapper_of(id).property(attribute).name()
            ));
        }
        if error.kind() == ErrorKind::NotNullViolation
            && let Some(reference) = attribute.and_then(|a| self.reference_that_gives(id, a))
        {
            doing.push_str(&format!(" (no `{reference}` is set, which would give it)"));
        }
        if error.kind() == ErrorKind::UniqueViolation && op == WriteOp::Insert && self.is_twin(id) {
            doing.push_str(
                " (another object with this key is in the session: change that one, or merge)",
            );
        }
        error.context(doing)
    }

    /// The attribute whose column the database names.
    fn attribute_at_fault(&self, error: &Error, table: &Table, id: Id) -> Option<u16> {
        let detail = error.database()?;
        let constraint = detail.constraint.as_deref();
        let by_constraint = || {
            let unique = table
                .uniques()
                .iter()
                .find(|u| u.name.as_deref() == constraint && constraint.is_some());
            unique.and_then(|u| u.columns.first().copied())
        };
        let column = match detail.column.as_deref() {
            Some(names) => names
                .split(", ")
                .next()
                .and_then(|name| table.column(name.rsplit('.').next().unwrap_or(name))),
            None => by_constraint(),
        }?;
        let mapper = self.mapper_of(id);
        let at = mapper.tables.iter().position(|t| t == table)?;
        mapper.columns.iter().copied().find(|a| {
            let columns = mapper.column(*a).map(|p| p.columns.as_slice()).unwrap_or_default();
            columns.iter().any(|c| usize::from(c.table) == at && c.column == column)
        })
    }

    /// Whether another object of the session stands for the row that a new object wants to be.
    fn is_twin(&self, id: Id) -> bool {
        self.arena.state(id).life == ObjectState::Pending
            && self
                .current_key(id)
                .and_then(|key| self.identity_of(id.class)?.get(&key))
                .is_some_and(|place| self.id_at(place) != id)
    }

    /// The reference whose foreign key an attribute is.
    fn reference_that_gives(&self, id: Id, attribute: u16) -> Option<&str> {
        let mapper = self.mapper_of(id);
        let mut all = mapper.relationships.iter().filter_map(|r| mapper.relationship(*r));
        let gives = all.find(|r| {
            r.direction == crate::mapping::Direction::ManyToOne
                && r.pairs.iter().any(|(local, _)| *local == attribute)
        });
        gives.map(|r| &*r.name)
    }

    /// Refuses an UPDATE that would take a row's key away.
    pub(super) fn check_key_kept(&self, id: Id, attribute: u16) -> crate::Result<()> {
        if !self.arena.field(id, attribute).bind().as_ref().is_null() {
            return Ok(());
        }
        let what = format!(
            "updating {}: {}.{} is part of the primary key and must not be cleared; delete the object, or give it \
             another key",
            self.row_key(id).map_or_else(
                || self.describe_object(id),
                |key| format!("{}({key})", self.mapper_of(id).class_name())
            ),
            self.mapper_of(id).class_name(),
            self.mapper_of(id).property(attribute).name(),
        );
        Err(Error::new(ErrorKind::NotNullViolation, what))
    }

    /// Refuses to write a row that its key does not tell, since a part of it is NULL.
    #[inline]
    pub(super) fn check_row_known(&self, id: Id, facts: &TableFacts, doing: &str) -> Result<()> {
        if self.mapper_of(id).nullable_key == 0 {
            return Ok(());
        }
        let is_null = |(_, attribute): &&(u16, u16)| {
            let old = self.log.find(self.arena.state(id).head, *attribute);
            match old.and_then(|entry| entry.old.value()) {
                Some(old) => old.is_null(),
                None => self.arena.field(id, *attribute).bind().as_ref().is_null(),
            }
        };
        let Some((_, attribute)) = facts.keys.iter().find(is_null) else { return Ok(()) };
        let mapper = self.mapper_of(id);
        let (class, name) = (mapper.class_name(), mapper.property(*attribute).name());
        Err(Error::new(
            ErrorKind::Flush,
            format!(
                "{doing} {}: {class}.{name} is NULL, which is part of the key of its row in `{}`: nothing tells which \
                 row that is",
                self.describe_object(id),
                facts.table.full_name()
            ),
        ))
    }

    /// A key attribute has no value, and the database does not make one.
    #[cold]
    pub(super) fn key_missing(&self, id: Id, attribute: u16) -> Error {
        let mapper = self.mapper_of(id);
        let name = mapper.property(attribute).name();
        let todo = match self.reference_that_gives(id, attribute) {
            Some(reference) => format!("set it, or the reference `{reference}` that gives it"),
            None if self.arena.state(id).has(Flags::HAS_KEY) => "it must not be cleared".to_owned(),
            None => "set it before the flush, or let the database generate it (`Auto`)".to_owned(),
        };
        Error::new(
            ErrorKind::NotNullViolation,
            format!(
                "inserting a new {class}: {class}.{name} is part of the primary key and has no value; {todo}",
                class = mapper.class_name()
            ),
        )
    }
}
