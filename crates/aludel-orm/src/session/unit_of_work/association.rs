//! The rows of association tables.

use aludel_sql::{Bind, ErrorKind, Table, WriteOp};

use super::run::Run;
use super::write::{Back, Segment, rows_at_once, send};
use crate::instrumentation::{Id, NULL};
use crate::mapping::{Relationship, Secondary};
use crate::session::Session;
use crate::{Error, Result};

/// Association rows of one relationship to be written: (owner, member).
pub(super) struct Association {
    /// `Class.relationship`, for messages.
    name: Box<str>,
    parent: u16,
    secondary: Option<Secondary>,
    pub(super) inserts: Vec<(Id, Id)>,
    pub(super) deletes: Vec<(Id, Id)>,
    /// The keys of one end have changed.
    pub(super) updates: Vec<(Id, Id)>,
}

impl Association {
    pub(super) fn new(relationship: &Relationship) -> Self {
        Self {
            name: relationship.name.as_ref().into(),
            parent: relationship.parent,
            secondary: relationship.secondary.clone(),
            inserts: Vec::new(),
            deletes: Vec::new(),
            updates: Vec::new(),
        }
    }
}

impl Session {
    /// Writes association rows: those that go first.
    pub(super) async fn write_association(
        &mut self,
        run: &mut Run,
        rows: Association,
    ) -> Result<()> {
        let Some(secondary) = &rows.secondary else { return Ok(()) };
        let written = rows.deletes.iter().chain(&rows.updates).chain(&rows.inserts);
        self.disconnect(run);
        self.read_expired(written.flat_map(|(owner, member)| [*owner, *member])).await?;
        for (op, pairs) in [
            (WriteOp::Delete, &rows.deletes),
            (WriteOp::Update, &rows.updates),
            (WriteOp::Insert, &rows.inserts),
        ] {
            if pairs.is_empty() {
                continue;
            }
            self.connect(run).await?;
            let at_once = run.connected().map_or(256, |c| rows_at_once(c));
            for part in pairs.chunks(at_once) {
                self.write_links(run, &rows, secondary, op, part).await?;
            }
        }
        Ok(())
    }

    async fn write_links(
        &mut self,
        run: &mut Run,
        rows: &Association,
        secondary: &Secondary,
        op: WriteOp,
        part: &[(Id, Id)],
    ) -> Result<()> {
        let table = &secondary.table;
        let mut own: Vec<u16> =
            secondary.local.iter().chain(&secondary.remote).map(|(_, column)| *column).collect();
        own.dedup();
        let defaults = default_columns(table, &own);
        let mut segment = Segment { rows: part.len(), ..Segment::default() };
        match op {
            WriteOp::Insert => segment.columns = own.iter().chain(&defaults).copied().collect(),
            WriteOp::Update => (segment.columns, segment.keys) = (own.clone(), own),
            WriteOp::Delete => segment.keys = own,
        }
        let mut back = Back::default();
        let segments = [segment];
        let result = {
            let mut params: Vec<Bind<'_>> =
                Vec::with_capacity(part.len() * segments[0].columns.len().max(2));
            for &(owner, member) in part {
                let now = |s, id, attribute| Self::bind_now(s, id, attribute);
                match op {
                    WriteOp::Insert => {
                        self.bind_link(secondary, owner, member, now, &mut params);
                        params.extend(defaults.iter().map(|c| {
                            let default = &table.columns()[usize::from(*c)].client_default;
                            default.as_ref().map_or(NULL, |d| Bind::Owned(d.value()))
                        }));
                    }
                    WriteOp::Update => {
                        self.bind_link(secondary, owner, member, now, &mut params);
                        self.bind_link(secondary, owner, member, Self::bind_before, &mut params);
                    }
                    WriteOp::Delete => {
                        self.bind_link(secondary, owner, member, now, &mut params);
                    }
                }
            }
            let Some(connection) = run.connected() else { return Ok(()) };
            send(connection, op, table, &segments, &params, &mut back).await
        };
        let class = self.mappers.at(rows.parent).class_name();
        if let Err(error) = result {
            let failed = self.failed_row(&error, &segments).and_then(|row| part.get(row));
            let which = match failed {
                Some((owner, member)) => {
                    format!(
                        "{} and {}",
                        self.describe_object(*owner),
                        self.describe_object(*member)
                    )
                }
                None => format!("{} pairs", part.len()),
            };
            let table = table.full_name();
            return Err(
                error.context(format!("writing {class}.{} in `{table}` for {which}", rows.name))
            );
        }
        let matched: u64 = back.matched.iter().sum();
        if op != WriteOp::Insert && matched != part.len() as u64 {
            let what = if op == WriteOp::Delete { "deleted" } else { "updated" };
            return Err(Error::new(
                ErrorKind::Stale,
                format!(
                    "{class}.{}: of {} association rows to be {what} in `{}`, {matched} were there; another \
                     transaction has changed them: roll back, refresh the collections and try again",
                    rows.name,
                    part.len(),
                    table.full_name()
                ),
            ));
        }
        Ok(())
    }

    fn bind_link<'a>(
        &'a self,
        secondary: &Secondary,
        owner: Id,
        member: Id,
        value: impl Fn(&'a Self, Id, u16) -> Bind<'a>,
        params: &mut Vec<Bind<'a>>,
    ) {
        params.extend(secondary.local.iter().map(|(attribute, _)| value(self, owner, *attribute)));
        params
            .extend(secondary.remote.iter().map(|(attribute, _)| value(self, member, *attribute)));
    }

    fn bind_now(&self, id: Id, attribute: u16) -> Bind<'_> {
        self.arena.field(id, attribute).bind()
    }

    /// The value that the row had before the flush.
    fn bind_before(&self, id: Id, attribute: u16) -> Bind<'_> {
        self.committed_value(id, attribute).map_or(NULL, Bind::Owned)
    }
}

/// The columns of an association table that have a default of the program.
fn default_columns(table: &Table, own: &[u16]) -> Vec<u16> {
    let columns = table.columns().iter().enumerate();
    columns
        .filter(|(at, c)| c.client_default.is_some() && !own.contains(&(*at as u16)))
        .map(|(at, _)| at as u16)
        .collect()
}
