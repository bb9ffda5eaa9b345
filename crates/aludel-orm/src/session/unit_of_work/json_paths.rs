//! The changed paths of JSON documents, which an UPDATE sends in place of the documents.

use aludel_sql::{JsonPatch, Table, Value};

use super::update::{Change, Changes};
use crate::Result;
use crate::instrumentation::Id;
use crate::session::Session;

impl Changes {
    /// Whether a column of a row is a document of which the changed paths are sent.
    pub(super) fn is_by_paths(&self, table: &Table, change: &Change, set: (u16, u16)) -> bool {
        self.facts(change).table(table).is_some_and(|(_, of)| of.json_paths.contains(&set))
    }
}

impl Session {
    /// The changes of a document since it was loaded, where they are known and shorter than the document.
    pub(super) fn json_patch(&self, id: Id, attribute: u16) -> Result<Option<JsonPatch>> {
        let logged = self.log.find(self.arena.state(id).head, attribute);
        let Some(Value::Json(old)) = logged.and_then(|entry| entry.old.value()) else {
            return Ok(None);
        };
        let Value::Json(new) = self.arena.field(id, attribute).value() else { return Ok(None) };
        let dialect = self.engine()?.dialect().kind;
        Ok(JsonPatch::between(old, &new, dialect))
    }
}
