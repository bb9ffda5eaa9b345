//! What a registry does with classes described at run time.

use std::sync::Arc;

use aludel_sql::{Column, Table, did_you_mean};

use super::TableSource;
use super::builder::{ClassSpec, MapperBuilder};
use super::{Mappers, RecordClassBuilder, Registry};
use crate::instrumentation::{AttrKind, ClassDef, ClassRef, InstrumentationFactory, RecordClass};
use crate::{Error, ErrorKind, Result};

impl Registry {
    /// Begins a class that has no struct.
    ///
    /// A class described at run time belongs to this registry.
    pub fn describe(&self, name: &str) -> RecordClassBuilder {
        RecordClassBuilder::new(self.clone(), name)
    }

    /// Describes a class for a table, as the table is: one made by hand, or reflected from a database.
    ///
    /// # Errors
    ///
    /// As [`RecordClassBuilder::finish`].
    pub fn describe_table(&self, name: &str, table: &Table) -> Result<RecordClass> {
        self.describe(name).of_table(table).finish()
    }

    /// The class that was described under a name.
    ///
    /// # Errors
    ///
    /// When there is none; the error names the nearest.
    pub fn record_class(&self, name: &str) -> Result<RecordClass> {
        let classes = self.classes_described();
        classes.get(name).copied().ok_or_else(|| {
            let near = did_you_mean(name, classes.keys().copied());
            let message = format!("no class `{name}` was described in this registry{near}");
            Error::new(ErrorKind::Unmapped, message)
        })
    }

    /// The classes that were described at run time, by their names.
    pub fn record_classes(&self) -> Vec<RecordClass> {
        let mut classes: Vec<_> = self.classes_described().values().copied().collect();
        classes.sort_by_key(|class| class.name());
        classes
    }

    /// What the registry knows, the classes on its list included as far as they can be configured: what is wrong
    /// with them is told when they are first needed.
    pub(crate) fn mappers_now(&self) -> Arc<Mappers> {
        if self.known().queue.is_empty() {
            return self.mappers();
        }
        self.learn(&[]).unwrap_or_else(|_| self.mappers())
    }

    /// Whether a class of a name may be described.
    pub(super) fn check_name(&self, name: &str) -> Result<()> {
        let taken = self.classes_described().contains_key(name)
            || self.mappers().named(name).is_some()
            || self.known().queue.iter().any(|spec| spec.def.name == name);
        if !taken && !name.is_empty() {
            return Ok(());
        }
        let message = match name.is_empty() {
            true => "a class needs a name".to_owned(),
            false => format!("there is a class `{name}` in this registry already"),
        };
        Err(Error::new(ErrorKind::Configuration, message))
    }

    pub(super) fn factory_for(
        &self,
        name: &str,
        own: Option<Arc<dyn InstrumentationFactory>>,
        base: Option<RecordClass>,
    ) -> Result<Option<Arc<dyn InstrumentationFactory>>> {
        let base = base.and_then(|base| base.def().described);
        let base = base.map(|described| Arc::clone(&described.manager));
        self.instrumentation()
            .factory_for(name, own, base)
            .map_err(|what| Error::new(ErrorKind::Configuration, format!("class `{name}`: {what}")))
    }

    /// The table of a class, also of one that is on the list still.
    pub(super) fn table_of(&self, class: RecordClass) -> Option<Table> {
        let key = class.def().key();
        let known = self.known();
        let spec = known.specs.iter().chain(&known.queue).find(|spec| spec.def.key() == key)?;
        match &spec.said.table {
            Some(TableSource::Table(table)) => Some(table.clone()),
            Some(TableSource::Named(name)) => known.tables.get(name).cloned(),
            Some(TableSource::From(_) | TableSource::Classes(_)) | None => None,
        }
    }

    /// The columns that concrete subclasses of a class without a table have of it.
    pub(super) fn columns_of_abstract(&self, class: RecordClass) -> Vec<Column> {
        let key = class.def().key();
        let known = self.known();
        let found = known.specs.iter().chain(&known.queue).find(|spec| spec.def.key() == key);
        let (own, base) = match found {
            Some(spec) => (spec.said.columns_below.clone(), spec.def.inheritance),
            None => return Vec::new(),
        };
        drop(known);
        let above = base.and_then(|base| base.described).map(RecordClass::new);
        let above = above.map(|above| self.columns_of_abstract(above)).unwrap_or_default();
        above.into_iter().chain(own).collect()
    }

    /// Takes a described class in.
    pub(super) fn described(
        &self,
        class: &'static ClassDef,
        builder: &mut MapperBuilder,
    ) -> Result<()> {
        {
            let mut classes = self.classes_described_mut();
            if classes.contains_key(class.name) {
                drop(classes);
                return self.check_name(class.name);
            }
            classes.insert(class.name, RecordClass::new(class));
        }
        if let Err(error) = builder.add() {
            self.classes_described_mut().remove(class.name);
            return Err(error);
        }
        if let Some(described) = class.described {
            self.instrumentation().instrument(&described.manager);
        }
        Ok(())
    }

    /// Finds the classes that others refer to by name.
    pub(super) fn find_named(&self, queued: &[Arc<ClassSpec>]) {
        let specs = self.known().specs.clone();
        let find = |target: &ClassRef| {
            if let ClassRef::Named(named) = target
                && named.found.get().is_none()
            {
                let described = self.classes_described().get(&*named.name).map(|class| class.def());
                let mapped = || {
                    let all = specs.iter().chain(queued);
                    all.map(|spec| spec.def).find(|def| def.name == named.name)
                };
                if let Some(found) = described.or_else(mapped) {
                    // Another thread may have found it, too.
                    let _ = named.found.set(found);
                }
            }
        };
        for spec in queued {
            for attribute in spec.def.attributes {
                if let AttrKind::Relationship(relationship) = &attribute.kind {
                    find(&relationship.target);
                }
            }
            for (_, options) in &spec.said.relationships {
                find(&options.target);
            }
        }
    }
}
