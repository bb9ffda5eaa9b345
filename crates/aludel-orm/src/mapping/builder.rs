//! Mapping by hand: what is said of a mapper over what the derive says.

use crate::mapping::VersionGenerator;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

use aludel_sql::Value;

use super::SaidOfRows;
use super::options::RelationshipOptions;
use super::polymorphic_load::{PolymorphicLoad, WithPolymorphic};
use super::registry::Registry;
use super::source::TableSource;
use crate::events::of::AttributeRef;
use crate::events::table::{ClassRef, Registration, Subject};
use crate::instrumentation::{AttrKind, ClassDef};
use crate::{Error, ErrorKind, Result};

/// Says how a class is mapped, where that is not what its derive says.
///
/// [`Registry::map`] gives one, to map a class by hand; a class's own `configure` function gets one for
/// every mapping of the class.
///
/// ```
/// # include!("../fixtures/doc_models.rs");
/// # fn main() {}
/// # fn example(registry: &Registry, users: aludel_sql::Table) -> Result<()> {
/// registry.map::<User>().table(users).column_prefix("_").finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MapperBuilder {
    def: &'static ClassDef,
    registry: Option<Registry>,
    pub(super) said: Said,
}

/// A class to be mapped, and how.
#[derive(Debug)]
pub(crate) struct ClassSpec {
    pub(crate) def: &'static ClassDef,
    pub(crate) said: Said,
}

impl ClassSpec {
    /// The classes that what this one is mapped to is made of.
    pub(super) fn needs(&self) -> Vec<&'static ClassDef> {
        self.said.table.as_ref().map(TableSource::classes).unwrap_or_default()
    }
}

/// What was said by hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(super) table: Option<TableSource>,
    pub(super) properties: Vec<(String, Vec<String>)>,
    pub(super) column_prefix: Option<String>,
    /// Other names of attributes: synonym and attribute.
    pub(super) synonyms: Vec<(String, String)>,
    pub(super) include: Option<Vec<String>>,
    pub(super) exclude: Vec<String>,
    pub(super) primary_key: Vec<String>,
    /// The columns by which the table of a joined subclass refers to that of its base.
    pub(super) inherits_by: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) version_by: Option<VersionGenerator>,
    pub(super) polymorphic_on: Option<String>,
    pub(super) polymorphic_identity: Option<Value>,
    pub(super) polymorphic_abstract: bool,
    /// The columns of a described class without a table, for those of its concrete subclasses.
    pub(super) columns_below: Vec<aludel_sql::Column>,
    pub(super) polymorphic_load: Option<PolymorphicLoad>,
    pub(super) with_polymorphic: Option<WithPolymorphic>,
    pub(super) view: bool,
    pub(super) active_history: Vec<String>,
    pub(super) extend_existing: bool,
    pub(super) rows: SaidOfRows,
    pub(super) relationships: Vec<(String, RelationshipOptions)>,
    pub(super) attachments: Vec<Attachment>,
    /// Attributes that were spoken of and do not exist (or are something else), and what is wrong.
    pub(super) wrong: Vec<(String, String)>,
}

impl Said {
    /// The options of a relationship, if they were changed by hand.
    pub(super) fn relationship(&self, attribute: &str) -> Option<&RelationshipOptions> {
        self.relationships.iter().find(|(name, _)| name == attribute).map(|(_, options)| options)
    }
}

/// A value of any type that hangs on a mapper.
#[derive(Clone)]
pub(crate) struct Attachment(pub(super) Arc<dyn Any + Send + Sync>);

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachment(..)")
    }
}

impl MapperBuilder {
    /// What the class says of itself: the derive's description and the class's `configure` function.
    pub(super) fn of(def: &'static ClassDef) -> Self {
        let source = def.source.map(|source| source());
        let said = Said { table: source, ..Said::default() };
        let mut builder = Self { def, registry: None, said };
        if let Some(configure) = def.configure {
            configure(&mut builder);
        }
        builder
    }

    pub(super) fn by_hand(def: &'static ClassDef, registry: Registry) -> Self {
        let mut builder = Self::of(def);
        builder.registry = Some(registry);
        builder
    }

    pub(super) fn into_spec(self) -> ClassSpec {
        ClassSpec { def: self.def, said: self.said }
    }

    /// The class's description.
    pub fn class(&self) -> &'static ClassDef {
        self.def
    }

    /// The number of an attribute of the class, by its name or a synonym.
    pub fn attribute(&self, name: &str) -> Option<u16> {
        let mut name = name;
        for _ in 0..=self.said.synonyms.len() {
            if let Some(at) = self.def.attribute(name) {
                return Some(at);
            }
            name = &self.said.synonyms.iter().find(|(synonym, _)| synonym == name)?.1;
        }
        None
    }

    /// What the class is mapped to: a table made by hand, or the name of one that the registry has; a join, a query, an
    /// alias ([`TableSource`]).
    pub fn table(&mut self, table: impl Into<TableSource>) -> &mut Self {
        self.said.table = Some(table.into());
        self
    }

    /// The column that an attribute stands for, where it has another name than the attribute.
    pub fn property(&mut self, attribute: &str, column: &str) -> &mut Self {
        self.properties(attribute, [column])
    }

    /// The columns that an attribute stands for; all of them are kept equal. A column is `name`, or
    /// `table.name` where the class has several tables.
    pub fn properties<S: Into<String>>(
        &mut self,
        attribute: &str,
        columns: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        let columns = columns.into_iter().map(Into::into).collect();
        self.said.properties.retain(|(name, _)| name != attribute);
        self.said.properties.push((attribute.to_owned(), columns));
        self
    }

    /// The columns that a composite is made of, in the order of its parts.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(registry: &Registry, vertices: aludel_sql::Table) -> Result<()> {
    /// registry.map::<Vertex>().table(vertices).composite("start", ["x1", "y1"]).finish()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn composite<S: Into<String>>(
        &mut self,
        attribute: &str,
        columns: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        let parts: Vec<&'static str> = match self.attribute(attribute) {
            Some(at) => {
                let parts = self.def.columns_of_composite(at);
                parts.map(|part| self.def.attributes[usize::from(part)].name).collect()
            }
            None => Vec::new(),
        };
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        if parts.is_empty() || parts.len() != columns.len() {
            let what = match parts.len() {
                0 => "it is not a composite".to_owned(),
                n => format!("it is made of {n} columns, and {} are given", columns.len()),
            };
            self.said.wrong.push((attribute.to_owned(), what));
            return self;
        }
        for (part, column) in parts.into_iter().zip(columns) {
            self.properties(part, [column]);
        }
        self
    }

    /// Gives an attribute of the class, or one that it inherits, another name: SQLAlchemy's
    /// `properties={"name": synonym("attribute")}`. By name it is the attribute in everything: queries, values, history,
    /// events. What is wrong with it is told when the mapping is configured: there is no such attribute, or the name is
    /// that of another.
    ///
    /// `synonym("status", map_column=True)` is two words here: `property("state", "status")` says which column the
    /// attribute `state` stands for, and `synonym("status", "state")` gives it the column's name.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # fn example(registry: &Registry, session: &mut Session, user: Handle<User>) -> Result<()> {
    /// registry.map::<User>().synonym("nick", "name").finish()?;
    /// session.set_named(user, "nick", "ed")?;
    /// let nick = session.entity_named("User")?.attr("nick")?;
    /// # drop(nick);
    /// # Ok(())
    /// # }
    /// ```
    pub fn synonym(&mut self, name: impl Into<String>, of: impl Into<String>) -> &mut Self {
        self.said.synonyms.push((name.into(), of.into()));
        self
    }

    /// The attributes' names are the columns' with this before them.
    pub fn column_prefix(&mut self, prefix: impl Into<String>) -> &mut Self {
        self.said.column_prefix = Some(prefix.into());
        self
    }

    /// Only these attributes (or the attributes of these columns, as `name` or `table.name`) are mapped.
    pub fn include_properties<S: Into<String>>(
        &mut self,
        names: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.said.include = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// These attributes (or the attributes of these columns, as `name` or `table.name`) are not mapped.
    pub fn exclude_properties<S: Into<String>>(
        &mut self,
        names: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.said.exclude.extend(names.into_iter().map(Into::into));
        self
    }

    /// The old value of an attribute is loaded before it is replaced: `column_property(…, active_history=True)`.
    pub fn active_history(&mut self, attribute: &str) -> &mut Self {
        match self.attribute(attribute).map(|at| &self.def.attributes[usize::from(at)].kind) {
            Some(AttrKind::Column(_)) => {
                self.said.active_history.push(attribute.to_owned());
                self
            }
            Some(_) => self.mistake(attribute, "it does not hold a column"),
            None => {
                let near = self.near(attribute);
                self.mistake(attribute, &format!("there is no such attribute{near}"))
            }
        }
    }

    /// Which attribute a name may mean.
    fn near(&self, name: &str) -> String {
        aludel_sql::did_you_mean(name, self.def.attributes.iter().map(|a| a.name))
    }

    /// The attributes (or columns) that identify an object, where they are not the table's primary key.
    pub fn primary_key<S: Into<String>>(
        &mut self,
        names: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.said.primary_key = names.into_iter().map(Into::into).collect();
        self
    }

    /// The columns (or their attributes) by which the table of a joined subclass refers to that of its base, where its
    /// primary key does not, and there are several foreign keys, or none: SQLAlchemy's `inherit_condition` and
    /// `inherit_foreign_keys`.
    pub fn inherits_by<S: Into<String>>(
        &mut self,
        columns: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.said.inherits_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The attribute that holds the row's version, which is counted: SQLAlchemy's `version_id_col`.
    pub fn version(&mut self, attribute: impl Into<String>) -> &mut Self {
        self.said.version = Some(attribute.into());
        self
    }

    /// What makes the versions, where they are not counted: SQLAlchemy's `version_id_generator`.
    pub fn version_by(&mut self, generator: VersionGenerator) -> &mut Self {
        self.said.version_by = Some(generator);
        self
    }

    /// The attribute that tells the class of a row: a column, or an expression that the class reads, such as a
    /// CASE over its columns, which is written by nobody.
    pub fn polymorphic_on(&mut self, attribute: impl Into<String>) -> &mut Self {
        self.said.polymorphic_on = Some(attribute.into());
        self
    }

    /// The discriminator's value for objects of this class.
    pub fn polymorphic_identity(&mut self, value: impl Into<Value>) -> &mut Self {
        self.said.polymorphic_identity = Some(value.into());
        self
    }

    /// No object is of this class itself: a row has the identity of a subclass, and making an object fails. A class that
    /// is abstract and has no table is the base of concrete ones, over whose tables queries of it go: SQLAlchemy's
    /// `AbstractConcreteBase`.
    pub fn polymorphic_abstract(&mut self) -> &mut Self {
        self.said.polymorphic_abstract = true;
        self
    }

    /// How queries of the base load what this class adds.
    pub fn polymorphic_load(&mut self, how: PolymorphicLoad) -> &mut Self {
        self.said.polymorphic_load = Some(how);
        self
    }

    /// Queries of this class read the columns that these subclasses add, by the classes' names.
    pub fn with_polymorphic<S: Into<String>>(
        &mut self,
        subclasses: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        let classes = subclasses.into_iter().map(Into::into).collect();
        self.said.with_polymorphic = Some(WithPolymorphic::Classes(classes));
        self
    }

    /// Queries of this class read the columns that its subclasses add: SQLAlchemy's `with_polymorphic="*"`.
    pub fn with_polymorphic_all(&mut self) -> &mut Self {
        self.said.with_polymorphic = Some(WithPolymorphic::All);
        self
    }

    /// The table that is made of the class's description is a [view](aludel_sql::TableBuilder::view): it is neither
    /// created nor dropped.
    pub fn view(&mut self) -> &mut Self {
        self.said.view = true;
        self
    }

    /// The table that is named is that of another class, and gets this class's columns as well: SQLAlchemy's
    /// `extend_existing`. They may be NULL, since rows of the other class have nothing there. Each class has its own
    /// objects of a row.
    pub fn extend_existing(&mut self) -> &mut Self {
        self.said.extend_existing = true;
        self
    }

    /// Changes the options of a relationship.
    pub fn relationship(
        &mut self,
        attribute: &str,
        change: impl FnOnce(&mut RelationshipOptions),
    ) -> &mut Self {
        let relationships = &mut self.said.relationships;
        if !relationships.iter().any(|(name, _)| name == attribute) {
            match self.def.attributes.iter().find(|a| a.name == attribute).map(|a| &a.kind) {
                Some(AttrKind::Relationship(def)) => {
                    relationships.push((attribute.to_owned(), RelationshipOptions::of(def)));
                }
                Some(_) => {
                    let what = "it is not a relationship".to_owned();
                    self.said.wrong.push((attribute.to_owned(), what));
                }
                None => {
                    let names = self.def.attributes.iter().map(|a| a.name);
                    let near = aludel_sql::did_you_mean(attribute, names);
                    let what = format!("there is no such attribute{near}");
                    self.said.wrong.push((attribute.to_owned(), what));
                }
            }
        }
        if let Some((_, options)) = relationships.iter_mut().find(|(name, _)| name == attribute) {
            change(options);
            if options.backref.take().is_some() {
                let what = "a `backref` is said when a class is described at run time (`registry.describe`); here, say \
                            `back_populates` on both sides";
                self.mistake(attribute, what);
            }
        }
        self
    }

    /// Hangs a value of any type on the mapper, for [`Mapper::attachments`](super::Mapper::attachments)
    /// to find: what extensions keep with a mapping.
    pub fn attach<A: Any + Send + Sync>(&mut self, value: A) -> &mut Self {
        self.said.attachments.push(Attachment(Arc::new(value)));
        self
    }

    /// Hangs a listener on the mapping.
    pub(crate) fn listen(&mut self, registration: Registration) -> &mut Self {
        let own = match registration.class() {
            None => false,
            Some(ClassRef::Def(def)) => (def.type_id)() == (self.def.type_id)(),
            Some(ClassRef::Named(name)) => name == self.def.name,
        };
        if !own {
            return self.mistake("events", "a mapping listens to events of its own class only");
        }
        if let Subject::Attribute { attribute: AttributeRef::Named(name), .. } =
            &registration.subject
            && self.attribute(name).is_none()
        {
            let names = self.def.attributes.iter().map(|a| a.name);
            let near = aludel_sql::did_you_mean(name, names);
            let name = name.clone();
            return self.mistake(&name, &format!("there is no such attribute{near}"));
        }
        self.attach(registration)
    }

    /// Something that was said cannot be: the registration of the class tells of it.
    pub(crate) fn mistake(&mut self, attribute: &str, what: &str) -> &mut Self {
        self.said.wrong.push((attribute.to_owned(), what.to_owned()));
        self
    }

    /// Puts the mapping on the registry's list. It is configured with the next class that is needed, or
    /// by [`Registry::configure`]: for classes that refer to each other, both mapped by hand.
    ///
    /// # Errors
    ///
    /// When the class is mapped already.
    pub fn add(&mut self) -> Result<()> {
        let registry = self.registry()?;
        let said = std::mem::take(&mut self.said);
        registry.enqueue(Arc::new(ClassSpec { def: self.def, said }))
    }

    /// Configures the mapping, and all that are on the registry's list; gives the mapper's number.
    ///
    /// # Errors
    ///
    /// When the class is mapped already, and for all that is wrong with the mappings.
    pub fn finish(&mut self) -> Result<u16> {
        self.add()?;
        self.registry()?.ensure(self.def).map(|(_, index)| index)
    }

    fn registry(&self) -> Result<Registry> {
        self.registry.clone().ok_or_else(|| {
            let class = self.def.name;
            let message = format!(
                "class `{class}`: `configure` only changes the mapping; the registry finishes it"
            );
            Error::new(ErrorKind::InvalidRequest, message)
        })
    }
}
