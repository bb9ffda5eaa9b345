//! `post_update`: foreign keys that are written by UPDATEs of their own, after all rows are there and before rows
//! are deleted.

use super::run::Run;
use super::update::Changes;
use super::work::Work;
use crate::Result;
use crate::attributes::log::Old;
use crate::instrumentation::Id;
use crate::session::Session;
use crate::session::state::{Flags, ObjectState};

impl Session {
    /// Writes the foreign keys of objects that are saved, or of those that are deleted.
    pub(super) async fn write_post_updates(
        &mut self,
        run: &mut Run,
        work: &Work,
        root: u16,
        delete: bool,
    ) -> Result<()> {
        let Some((all, attributes)) = run.post_updates.get_mut(&root) else { return Ok(()) };
        let attributes = attributes.clone();
        let mut ids: Vec<Id> =
            all.iter().copied().filter(|id| work.is_deleted(*id) == delete).collect();
        all.retain(|id| work.is_deleted(*id) != delete);
        ids.retain(|id| self.arena.holds(*id) && !run.replaced.contains(id));
        self.sort_by_row(&mut ids);
        for table in self.tables_of(&ids)? {
            let mut changes = Changes::default();
            for &id in &ids {
                let facts = run.facts(self, id.class);
                let Some((at, of_table)) = facts.table(&table) else { continue };
                let mut set = Vec::new();
                for &attribute in attributes.iter().filter(|a| self.is_new_value(id, **a)) {
                    let Some(property) = facts.mapper.column(attribute) else { continue };
                    let own = property.columns.iter().filter(|c| usize::from(c.table) == at);
                    set.extend(own.map(|c| (c.column, attribute)));
                }
                if set.is_empty() {
                    continue;
                }
                self.check_row_known(id, of_table, "updating")?;
                let mut version = None;
                if let (Some(column), Some(attribute)) = (of_table.version, facts.mapper.version) {
                    let current = self.arena.is_loaded(id, attribute);
                    version = current
                        .then(|| self.arena.field(id, attribute).value())
                        .filter(|v| !v.is_null());
                    if self.arena.state(id).life == ObjectState::Persistent
                        && let Some(next) = self.next_version(id, attribute, version.as_ref())?
                    {
                        self.put_written(id, attribute, next)?;
                        set.push((column, attribute));
                    }
                }
                self.add_on_updates(of_table, id, &mut set, 0)?;
                changes.turn_to(&facts);
                changes.push(id, &set, version);
            }
            self.write_changes(run, &table, changes).await?;
        }
        self.tell_written(run).await
    }

    /// Whether an attribute has a value that its row does not have.
    fn is_new_value(&self, id: Id, attribute: u16) -> bool {
        let state = self.arena.state(id);
        let loaded = self.arena.is_loaded(id, attribute);
        if state.has(Flags::FRESH) {
            return loaded;
        }
        match self.log.find(state.head, attribute).map(|e| &e.old) {
            Some(Old::Value(old)) => !loaded || !self.same_value(id, attribute, old),
            Some(Old::Expression(_)) => true,
            Some(_) => loaded,
            None => false,
        }
    }
}
