//! UPDATEs that send the changed paths of JSON documents, and not the documents.
//!
//! Each such row is written by a statement of its own, whose text depends on the number of changes only.

use aludel_sql::{Bind, JsonPatch, Node, Table, Update, Value, WriteOp};

use super::run::Run;
use super::update::{Change, Changes};
use crate::Result;
use crate::attributes::log::Old;
use crate::instrumentation::Id;
use crate::session::Session;

impl Session {
    /// Writes those rows of which a document is changed by its paths; gives the others.
    pub(super) async fn write_json_paths(
        &mut self,
        run: &mut Run,
        table: &Table,
        mut changes: Changes,
    ) -> Result<Changes> {
        let has_documents = |change: &Change| {
            changes.facts(change).table(table).is_some_and(|(_, of)| !of.json_paths.is_empty())
        };
        if !changes.rows.iter().any(has_documents) {
            return Ok(changes);
        }
        let mut others = Vec::with_capacity(changes.rows.len());
        for change in std::mem::take(&mut changes.rows) {
            match self.by_paths(run, table, &changes, &change)? {
                None => others.push(change),
                Some(statement) => {
                    self.send_by_paths(run, table, &changes, change, &statement).await?;
                }
            }
        }
        changes.rows = others;
        Ok(changes)
    }

    /// The UPDATE of a row that changes a document by its paths; `None` where no document is.
    fn by_paths(
        &self,
        run: &Run,
        table: &Table,
        changes: &Changes,
        change: &Change,
    ) -> Result<Option<Update>> {
        let Some((at, facts)) = changes.facts(change).table(table) else { return Ok(None) };
        let set = changes.set_of(change);
        let mut patches: Vec<(u16, JsonPatch)> = Vec::new();
        for (column, attribute) in set.iter().filter(|entry| facts.json_paths.contains(entry)) {
            if let Some(patch) = self.json_patch(change.id, *attribute)? {
                patches.push((*column, patch));
            }
        }
        if patches.is_empty() {
            return Ok(None);
        }
        let node = |column: u16, value: Bind<'_>| {
            let value = match value {
                Bind::Ref(value) => value.to_owned(),
                Bind::Owned(value) => value,
            };
            Node::value(value, table.columns()[usize::from(column)].data_type)
        };
        let mut values = Vec::with_capacity(set.len());
        self.bind_set(table, change.id, set, &mut values);
        let mut statement = Update::table(table);
        for ((column, _), value) in set.iter().zip(values) {
            let patch = patches.iter().find(|(patched, _)| patched == column);
            let value = match patch {
                Some((_, patch)) => patch.apply(Node::column(table, *column)),
                None => node(*column, value),
            };
            statement.set.push((*column, value));
        }
        let mut key = Vec::new();
        let cascaded = |a| run.cascaded.contains(&(change.id, a));
        self.bind_row_key(change.id, facts, at == 0, &cascaded, &mut key);
        for (column, value) in facts.key_columns.iter().zip(key) {
            statement.filter.push(Node::eq(Node::column(table, *column), node(*column, value)));
        }
        if let (Some(column), Some(version)) = (facts.version, changes.version_of(change)) {
            let version = node(column, Bind::Ref(version.as_ref()));
            statement.filter.push(Node::eq(Node::column(table, column), version));
        }
        Ok(Some(statement))
    }

    /// The changes of a document since it was loaded, where they are known and shorter than the document.
    fn json_patch(&self, id: Id, attribute: u16) -> Result<Option<JsonPatch>> {
        let logged = self.log.find(self.arena.state(id).head, attribute).map(|entry| &entry.old);
        let Some(Old::Value(Value::Json(old))) = logged else { return Ok(None) };
        let Value::Json(new) = self.arena.field(id, attribute).value() else { return Ok(None) };
        let dialect = self.engine()?.dialect().kind;
        Ok(JsonPatch::between(old, &new, dialect))
    }

    async fn send_by_paths(
        &mut self,
        run: &mut Run,
        table: &Table,
        changes: &Changes,
        change: Change,
        statement: &Update,
    ) -> Result<()> {
        let ready = self.prepare_any(statement)?;
        let Some(connection) = run.connected() else { return Ok(()) };
        let id = change.id;
        match connection.execute(&ready.compiled, &ready.params).await {
            Ok(1) => {}
            Ok(matched) => {
                return Err(self.stale_update(run, table, changes, &[change], matched).await);
            }
            Err(error) => return Err(self.refused(error, WriteOp::Update, table, &[id], None)),
        }
        let facts = changes.facts(&change);
        let by_database = facts.table(table).map(|(_, of)| of.by_database_on_update.as_slice());
        for (_, attribute) in by_database.unwrap_or_default() {
            self.expire_unknown(id, *attribute);
        }
        Ok(())
    }
}
