//! Classes from the tables of a database: SQLAlchemy's `sqlalchemy.ext.automap`.
//!
//! ```text
//!   engine.reflect() ─▶ MetaData ─ AutoModel::of, by AutomapRules ─▶ AutoModel ─ describe ─▶ AutoClasses: records
//!                                                                        └─ Rust source: the command `aludel reflect`
//! ```
//!
//! * `model`: which classes and relationships tables make, as data.
//! * `rules`: what they are called.

mod model;
mod rules;

use std::collections::BTreeMap;

use aludel_engine::Engine;
use aludel_sql::did_you_mean;

pub use model::{AutoClass, AutoModel, AutoRelationship};
pub use rules::{AutomapRules, DefaultRules, Link};

use crate::instrumentation::RecordClass;
use crate::mapping::{PassiveDeletes, Registry, RelationshipOptions};
use crate::{Error, ErrorKind, Result};

/// Describes a class for each table of a database's default schema, with relationships both ways for each foreign key
/// and association table: SQLAlchemy's `Base.prepare(autoload_with=engine)`.
///
/// What they are called, and which tables there are, says [`AutoModel::of`] with [rules](AutomapRules) of one's own.
///
/// ```
/// # use aludel_engine::Engine;
/// # use aludel_orm::*;
/// # async fn example(engine: &Engine) -> Result<()> {
/// use aludel_orm::ext::automap;
///
/// let registry = Registry::new();
/// let classes = automap(engine, &registry).await?;
/// let album = classes.get("album")?;
/// let mut session = Session::with_registry(engine, &registry);
/// for album in session.all(album.select()).await? {
///     println!("{:?}", session[album].value("title")?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Engine::reflect`] and [`AutoModel::describe`].
pub async fn automap(engine: &Engine, registry: &Registry) -> Result<AutoClasses> {
    AutoModel::of(&engine.reflect().await?, &DefaultRules).describe(registry)
}

/// The classes that were made of tables, by name.
#[derive(Clone, Debug, Default)]
pub struct AutoClasses(BTreeMap<String, RecordClass>);

impl AutoClasses {
    /// The class of a name: SQLAlchemy's `Base.classes.name`.
    ///
    /// # Errors
    ///
    /// When there is none; the error names the nearest.
    pub fn get(&self, name: &str) -> Result<RecordClass> {
        self.0.get(name).copied().ok_or_else(|| {
            let near = did_you_mean(name, self.0.keys().map(String::as_str));
            Error::new(ErrorKind::Unmapped, format!("no table made a class `{name}`{near}"))
        })
    }

    /// The classes, by their names.
    pub fn iter(&self) -> impl Iterator<Item = RecordClass> + '_ {
        self.0.values().copied()
    }
}

impl AutoModel {
    /// Describes the classes with a registry, and configures it.
    ///
    /// # Errors
    ///
    /// When the registry has a class or another table of a name, or a column's type has no Rust type in this build.
    pub fn describe(&self, registry: &Registry) -> Result<AutoClasses> {
        self.describe_with(registry, |_, described| described)
    }

    /// As [`describe`](Self::describe); `say` may say more of a class, or other things of its attributes.
    ///
    /// # Errors
    ///
    /// As [`describe`](Self::describe), and for what is said.
    pub fn describe_with(
        &self,
        registry: &Registry,
        mut say: impl FnMut(
            &AutoClass,
            crate::mapping::RecordClassBuilder,
        ) -> crate::mapping::RecordClassBuilder,
    ) -> Result<AutoClasses> {
        for table in self.unmapped() {
            registry.add_table(table.clone())?;
        }
        let mut classes = BTreeMap::new();
        for class in self.classes() {
            let mut described = registry.describe(&class.name).of_table(&class.table);
            for (column, attribute) in class.table.columns().iter().zip(&class.attributes) {
                described = described.attribute_name(&column.name, attribute);
            }
            for relationship in &class.relationships {
                let (name, target) = (relationship.name.as_str(), relationship.target.as_str());
                let said = relationship.clone();
                let say = move |options: &mut RelationshipOptions| said.say(options);
                described = match relationship.many {
                    true => described.many(name, target, say),
                    false => described.one(name, target, say),
                };
            }
            classes.insert(class.name.clone(), say(class, described).finish()?);
        }
        registry.configure()?;
        Ok(AutoClasses(classes))
    }
}

impl AutoRelationship {
    fn say(&self, options: &mut RelationshipOptions) {
        if let Some(other) = &self.back_populates {
            options.back_populates(other);
        }
        if let Some(secondary) = &self.secondary {
            options.secondary(secondary);
        } else {
            options.foreign_keys(&self.foreign_keys).remote_side(&self.remote_side);
        }
        if let Some(cascade) = &self.cascade {
            options.cascade(cascade);
        }
        if self.passive_deletes {
            options.passive_deletes(PassiveDeletes::Yes);
        }
    }
}
