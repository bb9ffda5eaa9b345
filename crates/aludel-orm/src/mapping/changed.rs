//! Attributes that are registered with a described class later, and taken from it again.
//!
//! A description never changes: a class whose attributes change gets another one, under the same identity, and the
//! registry makes new mappers. The numbers of attributes stay, and are never used again. Sessions that exist keep the
//! mappers that they have.

use std::sync::{Arc, OnceLock};

use super::Registry;
use super::builder::{ClassSpec, Said};
use super::describe::{Leaked, RecordClassBuilder, leak_class};
use super::options::RelationshipOptions;
use super::problems::Problems;
use crate::instrumentation::{
    AttrDef, AttrKind, ClassDef, ClassManager, HybridDef, RecordClass, SynonymDef, ValueType,
};
use crate::{Error, ErrorKind, Result};

impl Registry {
    /// Registers attributes with a class that was described at run time: SQLAlchemy's `register_attribute`, and
    /// `mapper.add_property`. Gives the class as it is then, for typed attributes and new records.
    ///
    /// `describe` says them as a new class's are said: values that the database knows nothing of
    /// ([`plain`](RecordClassBuilder::plain)), columns of the class's table that no attribute stands for
    /// ([`attribute`](RecordClassBuilder::attribute)), relationships, expressions.
    ///
    /// Sessions that exist keep the class as they know it; new ones have the new attributes.
    ///
    /// # Errors
    ///
    /// When the class has an attribute of the name, has subclasses (whose attributes follow its own), or the mapping
    /// is wrong with the new attributes; it is as it was then.
    ///
    /// ```
    /// use aludel_orm::{Auto, Registry};
    ///
    /// let registry = Registry::new();
    /// let word = registry.describe("Word").table("words");
    /// let word = word.column::<Auto<i64>>("id", |c| c.primary_key()).finish()?;
    /// let word = registry.register_attribute(word, |class| class.plain::<i64>("seen"))?;
    /// assert_eq!(word.record().with("seen", 3)?.get::<i64>("seen"), Some(&3));
    /// let word = registry.unregister_attribute(word, "seen")?;
    /// assert!(word.record().with("seen", 3).is_err());
    /// # Ok::<(), aludel_orm::Error>(())
    /// ```
    pub fn register_attribute(
        &self,
        class: RecordClass,
        describe: impl FnOnce(RecordClassBuilder) -> RecordClassBuilder,
    ) -> Result<RecordClass> {
        let classes = self.register_attributes(vec![describe(self.more_of(class)?)])?;
        classes.into_iter().next().ok_or_else(|| self.not_here(class))
    }

    /// Begins attributes that are to be registered with a class, for
    /// [`register_attributes`](Self::register_attributes).
    ///
    /// # Errors
    ///
    /// When the class was not described in this registry.
    pub fn more_of(&self, class: RecordClass) -> Result<RecordClassBuilder> {
        let now = self.record_class(class.name()).ok().filter(|now| *now == class);
        let now = now.ok_or_else(|| self.not_here(class))?;
        let mut builder = RecordClassBuilder::new(self.clone(), class.name());
        builder.more_of = Some(now);
        Ok(builder)
    }

    /// Registers attributes with several classes at once: the two sides of a relationship.
    ///
    /// # Errors
    ///
    /// As [`register_attribute`](Self::register_attribute).
    pub fn register_attributes(&self, more: Vec<RecordClassBuilder>) -> Result<Vec<RecordClass>> {
        self.learn(&[])?;
        let changes = more.into_iter().map(|builder| self.with_more(builder));
        self.change(changes.collect::<Result<_>>()?)
    }

    /// Takes an attribute, or a synonym, from a class that was described at run time: SQLAlchemy's `unregister_attribute`. Gives
    /// the class as it is then.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute, has subclasses, or cannot do without it: a part of its primary key, the
    /// other side of a relationship.
    pub fn unregister_attribute(&self, class: RecordClass, name: &str) -> Result<RecordClass> {
        self.learn(&[])?;
        let before = self.more_of(class)?.more_of.unwrap_or(class).def();
        let at = before.attribute(name).ok_or_else(|| before.no_attribute(name))?;
        let mut change = self.again(before)?;
        let attribute = &mut change.attributes[usize::from(at)];
        if attribute.name == name {
            attribute.kind = AttrKind::Unregistered;
            change.gone.push(attribute.name);
        } else {
            change.synonyms.retain(|synonym| synonym.name != name);
        }
        let classes = self.change(vec![change])?;
        classes.into_iter().next().ok_or_else(|| self.not_here(class))
    }

    /// The description of a class, to be made again.
    fn again(&self, before: &'static ClassDef) -> Result<Change> {
        let key = before.key();
        let mappers = self.mappers();
        if mappers.of(before).is_some_and(|mapper| !mapper.subclasses.is_empty()) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "class `{}` has subclasses, whose attributes follow its own: its attributes cannot change",
                    before.name
                ),
            ));
        }
        let known = self.known();
        let spec = known.specs.iter().find(|spec| spec.def.key() == key);
        let (Some(spec), Some(described)) = (spec, before.described) else {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("class `{}` is not configured", before.name),
            ));
        };
        Ok(Change {
            before,
            attributes: before.attributes.to_vec(),
            types: described.types.clone(),
            synonyms: before.synonyms.to_vec(),
            hybrids: before.hybrids.to_vec(),
            said: spec.said.clone(),
            gone: Vec::new(),
            late: Vec::new(),
        })
    }

    fn with_more(&self, mut builder: RecordClassBuilder) -> Result<Change> {
        let Some(class) = builder.more_of else {
            let message = "`register_attributes` takes what `Registry::more_of` begins";
            return Err(Error::new(ErrorKind::Argument, message));
        };
        let before = class.def();
        let mut change = self.again(before)?;
        let Some(manager) = class.manager() else { return Err(self.not_here(class)) };
        change.synonyms.append(&mut builder.synonyms);
        builder.check_composites()?;
        let more = builder.more(manager.manager(), self.table_of(class).as_ref());
        for (attribute, of) in more.attributes {
            if before.attribute(attribute.name).is_some() {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "class `{}` has an attribute `{}` already",
                        before.name, attribute.name
                    ),
                ));
            }
            change.attributes.push(attribute);
            change.types.push(of);
        }
        let columns =
            more.renamed.into_iter().map(|(name, column)| (name.to_owned(), vec![column]));
        change.said.properties.extend(columns);
        for (name, say) in more.relations {
            let def = change.attributes.iter().find(|a| a.name == name).map(|a| a.kind);
            if let Some(AttrKind::Relationship(def)) = def {
                let mut options = RelationshipOptions::of(&def);
                say(&mut options);
                if options.backref.take().is_some() {
                    return Err(Error::new(
                        ErrorKind::Configuration,
                        format!(
                            "{}.{name}: a `backref` is said when a class is described; register both sides at once, with \
                             `back_populates`",
                            before.name
                        ),
                    ));
                }
                change.said.relationships.push((name.to_owned(), options));
            }
        }
        change.late.push(more.late);
        Ok(change)
    }

    /// Takes over other descriptions of classes, all or none.
    fn change(&self, changes: Vec<Change>) -> Result<Vec<RecordClass>> {
        let mut specs = Vec::new();
        for change in changes {
            let (before, gone) = (change.before, change.gone.clone());
            let late = change.late.clone();
            let Some(spec) = change.into_spec() else { continue };
            for late in late {
                // Expressions are made when the mappers are.
                let _ = late.set(spec.def);
            }
            specs.push((before, Arc::new(spec), gone));
        }
        let new: Vec<_> = specs.iter().map(|(_, spec, _)| Arc::clone(spec)).collect();
        self.find_named(&new);
        let mut known = self.known();
        let keys: Vec<_> = new.iter().map(|spec| spec.def.key()).collect();
        let mut all = known.specs.clone();
        for spec in &mut all {
            if let Some(changed) = new.iter().find(|new| new.def.key() == spec.def.key()) {
                *spec = Arc::clone(changed);
            }
        }
        self.build(&mut known, all, &keys, false, Problems::default())?;
        drop(known);
        let mut classes = Vec::new();
        for (before, spec, gone) in specs {
            self.taken_over(before, spec.def, &gone);
            classes.push(RecordClass::new(spec.def));
        }
        Ok(classes)
    }

    /// The class's manager is told of what has come and gone.
    fn taken_over(&self, before: &'static ClassDef, now: &'static ClassDef, gone: &[&str]) {
        self.classes_described_mut().insert(now.name, RecordClass::new(now));
        let Some(described) = now.described else { return };
        let manager = &described.manager;
        self.instrumentation().replace(manager);
        if let Some(before) = before.described {
            manager.take_members(&before.manager);
        }
        for name in gone {
            manager.manager().uninstall_descriptor(manager, name);
        }
        for attribute in &now.attributes[before.attributes.len()..] {
            manager.instrument_attribute(attribute);
            manager.manager().post_configure_attribute(manager, attribute.name, attribute);
            self.instrumentation().tell_attribute(manager, attribute);
        }
    }

    /// Takes every class from its instrumentation: SQLAlchemy's `registry.dispose`. Its managers and those who listen
    /// are told; sessions that exist keep what they know.
    pub fn dispose(&self) {
        let classes: Vec<_> =
            self.classes_described_mut().drain().map(|(_, class)| class).collect();
        let specs = {
            let mut known = self.known();
            known.queue.clear();
            std::mem::take(&mut known.specs)
        };
        self.forget();
        // Also those that were described, and not configured yet.
        let mut classes: Vec<_> = classes.into_iter().map(RecordClass::def).collect();
        let others = specs.iter().map(|spec| spec.def).filter(|def| def.described.is_none());
        classes.extend(others);
        classes.sort_by_key(|class| class.name);
        for class in classes {
            self.instrumentation().uninstrument(class);
        }
    }

    #[cold]
    fn not_here(&self, class: RecordClass) -> Error {
        let message = format!("class `{}` was not described in this registry", class.name());
        Error::new(ErrorKind::Unmapped, message)
    }
}

/// A class's other description.
struct Change {
    before: &'static ClassDef,
    attributes: Vec<AttrDef>,
    types: Vec<ValueType>,
    synonyms: Vec<SynonymDef>,
    hybrids: Vec<&'static HybridDef>,
    said: Said,
    gone: Vec<&'static str>,
    late: Vec<&'static OnceLock<&'static ClassDef>>,
}

impl Change {
    fn into_spec(mut self) -> Option<ClassSpec> {
        let described = self.before.described?;
        let manager = &described.manager;
        self.synonyms.retain(|synonym| !self.gone.contains(&synonym.attribute));
        self.said.relationships.retain(|(name, _)| !self.gone.contains(&name.as_str()));
        self.said.properties.retain(|(name, _)| !self.gone.contains(&name.as_str()));
        let def = leak_class(Leaked {
            name: self.before.name,
            number: Some(described.number),
            attributes: self.attributes,
            types: self.types,
            synonyms: self.synonyms,
            hybrids: self.hybrids,
            inheritance: self.before.inheritance,
            manager: ClassManager::of(
                self.before,
                manager.shared_manager(),
                manager.implementation(),
            ),
            instance: described.instance,
            reconstructors: described.reconstructors.clone(),
        });
        Some(ClassSpec { def, said: self.said })
    }
}
