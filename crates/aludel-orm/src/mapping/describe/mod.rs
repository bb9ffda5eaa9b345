//! Classes described at run time.

mod backref;
mod finish;
mod hybrid;
mod leak;

use std::sync::OnceLock;

use aludel_sql::{Check, Column, ColumnType, Expression, ForeignKey, Index, Node, Table, Unique};

use super::{MapperBuilder, Registry, RelationshipOptions, TableSource};
use crate::Result;
use crate::instrumentation::{
    AttrDef, AttrKind, ClassDef, ClassRef, Collected, Collection, CollectionClass, ColumnDef,
    Composite, CompositeField, FieldType, Instance, InstanceDict, InstrumentationFactory, Many,
    ManyMap, ManySet, NewCollection, One, Record, RecordClass, RelationshipField, SynonymDef,
    ValueType,
};
use crate::loading::Comparator;

pub(super) use backref::{Backref, Expected};
use leak::leak;
pub(super) use leak::{Leaked, leak_class};

/// Describes a class at run time; begun by [`Registry::describe`].
///
/// ```
/// use aludel_orm::{Auto, Registry};
///
/// let registry = Registry::new();
/// let user = registry
///     .describe("User")
///     .table("users")
///     .column::<Auto<i64>>("id", |c| c.primary_key())
///     .column::<String>("name", |c| c)
///     .many("addresses", "Address", |r| {
///         r.back_populates("user").cascade("all, delete-orphan");
///     })
///     .finish()?;
/// let address = registry
///     .describe("Address")
///     .table("addresses")
///     .column::<Auto<i64>>("id", |c| c.primary_key())
///     .column::<Option<i64>>("user_id", |c| c.references("users.id"))
///     .one("user", "User", |r| {
///         r.back_populates("addresses");
///     })
///     .finish()?;
/// registry.configure()?;
/// let ed = user.record().with("name", "ed")?.with_many("addresses", [address.record()])?;
/// assert_eq!(ed.get::<String>("name").map(String::as_str), Some("ed"));
/// # Ok::<(), aludel_orm::Error>(())
/// ```
#[must_use]
pub struct RecordClassBuilder {
    registry: Registry,
    name: String,
    base: Option<(RecordClass, bool)>,
    table: Option<TableOf>,
    source: Option<TableSource>,
    without: Vec<String>,
    only: Option<Vec<String>>,
    prefix: String,
    /// The names of attributes of columns that are not named after these: (column, attribute).
    renamed: Vec<(String, String)>,
    attributes: Vec<Attribute>,
    /// Other names, and the attributes that they stand for.
    pub(in crate::mapping) synonyms: Vec<SynonymDef>,
    parts: Parts,
    /// The columns, where the class has no table: those of its concrete subclasses have them.
    without_table: Vec<Column>,
    /// What the attributes of columns say beside the column: by name.
    said: Vec<(String, SayColumn)>,
    groups: Vec<(String, String)>,
    comparators: Vec<(String, Comparator)>,
    hybrids: Vec<hybrid::Described>,
    configure: Vec<SayMapper>,
    instance: fn() -> Box<dyn Instance>,
    factory: Option<std::sync::Arc<dyn InstrumentationFactory>>,
    reconstructor: Option<fn(&mut Record)>,
    view: bool,
    /// The class that gets more attributes, where it is not a new one.
    pub(in crate::mapping) more_of: Option<RecordClass>,
}

/// The attributes that were described, as data.
pub(in crate::mapping) struct More {
    pub(in crate::mapping) attributes: Vec<(AttrDef, ValueType)>,
    pub(in crate::mapping) renamed: Vec<(&'static str, String)>,
    pub(in crate::mapping) relations: Vec<(&'static str, SayOptions)>,
    /// The class that they belong to, for expressions: known when they are made.
    pub(in crate::mapping) late: &'static OnceLock<&'static ClassDef>,
}

type SayColumn = fn(&mut ColumnDef);
type SayMapper = Box<dyn FnOnce(&mut MapperBuilder)>;
type SayOptions = Box<dyn FnOnce(&mut RelationshipOptions)>;

/// Where the class's table comes from.
enum TableOf {
    Built { name: String, schema: Option<String> },
    Given(Table),
}

/// What a table that is built has beside its columns.
#[derive(Default)]
struct Parts {
    columns: Vec<Column>,
    foreign_keys: Vec<ForeignKey>,
    uniques: Vec<Unique>,
    indexes: Vec<Index>,
    checks: Vec<Check>,
}

/// An attribute that was spoken of.
struct Attribute {
    name: String,
    of: ValueType,
    kind: Kind,
}

/// The target of a relationship, and what holds its objects.
struct Held {
    target: ClassRef,
    collection: Option<Collection>,
    shown: Option<NewCollection>,
}

enum Kind {
    /// The column, where it has another name than the attribute.
    Column(Option<String>),
    Expression(Box<dyn Fn(RecordClass) -> Node + Send + Sync>),
    /// The attributes of the parts, as the composite has them, with the names that they have here.
    Composite {
        parts: &'static [AttrDef],
        optional: bool,
        names: Vec<String>,
    },
    Relationship(Held, SayOptions),
    Plain,
}

impl std::fmt::Debug for RecordClassBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.attributes.iter().map(|a| &a.name);
        f.debug_struct(&self.name).field("attributes", &names.collect::<Vec<_>>()).finish()
    }
}

impl RecordClassBuilder {
    pub(in crate::mapping) fn new(registry: Registry, name: &str) -> Self {
        Self {
            registry,
            name: name.to_owned(),
            base: None,
            table: None,
            source: None,
            without: Vec::new(),
            only: None,
            prefix: String::new(),
            renamed: Vec::new(),
            attributes: Vec::new(),
            synonyms: Vec::new(),
            parts: Parts::default(),
            without_table: Vec::new(),
            said: Vec::new(),
            groups: Vec::new(),
            comparators: Vec::new(),
            hybrids: Vec::new(),
            configure: Vec::new(),
            instance: || Box::<InstanceDict>::default(),
            factory: None,
            reconstructor: None,
            view: false,
            more_of: None,
        }
    }

    /// The class has a table of this name, which is made from its columns.
    pub fn table(mut self, name: &str) -> Self {
        self.table = Some(TableOf::Built { name: name.to_owned(), schema: None });
        self
    }

    /// The schema of the table that is made.
    pub fn schema(mut self, name: &str) -> Self {
        if let Some(TableOf::Built { schema, .. }) = &mut self.table {
            *schema = Some(name.to_owned());
        }
        self
    }

    /// The class is mapped to a table that is there: made by hand, or reflected from a database. Columns of
    /// which nothing else is said get attributes of their names, with the Rust types of
    /// [`DataType`](aludel_sql::DataType).
    pub fn of_table(mut self, table: &Table) -> Self {
        self.table = Some(TableOf::Given(table.clone()));
        self
    }

    /// The class is mapped to something else than a table: a join, a query, an alias, a common table expression.
    /// Its columns get attributes as those of a table do, but for those that a join makes equal to others, which
    /// belong to the attributes of these; a name that is there twice gets its table's before it. What is made of
    /// classes gets the attributes only that are said.
    pub fn of(mut self, source: impl Into<TableSource>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// These columns of the class's table get no attributes: SQLAlchemy's `exclude_properties`.
    pub fn without<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.without.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Only these columns of the class's table get attributes of which nothing else is said: SQLAlchemy's
    /// `include_properties`.
    pub fn only<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.only.get_or_insert_default().extend(columns.into_iter().map(Into::into));
        self
    }

    /// The attributes of columns of which nothing else is said have this before the column's name.
    pub fn column_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.to_owned();
        self
    }

    /// Whether a column, which may be called by these names, gets no attribute.
    fn is_left_out(&self, names: &[&str]) -> bool {
        let among = |list: &[String]| list.iter().any(|name| names.contains(&name.as_str()));
        among(&self.without) || self.only.as_ref().is_some_and(|only| !among(only))
    }

    /// The attribute of a column of the class's table has another name than the column; its type is the column's.
    pub fn attribute_name(mut self, column: &str, attribute: &str) -> Self {
        if column != attribute {
            self.renamed.push((column.to_owned(), attribute.to_owned()));
        }
        self
    }

    /// An attribute with a column of its name. `V` is the field's type, as of a struct's field: `String` is NOT NULL,
    /// `Option<String>` is not, `Auto<i64>` is generated by the database.
    pub fn column<V: FieldType + Default>(
        mut self,
        name: &str,
        say: impl FnOnce(Column) -> Column,
    ) -> Self {
        let mut column = Column::new(name, <V::Sql as ColumnType>::TYPE);
        column.nullable = <V::Sql as ColumnType>::NULLABLE;
        let column = say(column);
        self.parts.columns.push(match V::GENERATED && !column.primary_key {
            true if !column.has_server_value() => column.server_generated(),
            _ => column,
        });
        self.attribute::<V>(name, name)
    }

    /// An attribute for a column of the class's table, of this type.
    pub fn attribute<V: FieldType + Default>(mut self, name: &str, column: &str) -> Self {
        let renamed = (name != column).then(|| column.to_owned());
        self.push(name, ValueType::of::<V>(), Kind::Column(renamed));
        self
    }

    /// An attribute that holds a composite: `F` is a struct with `#[derive(Composite)]`, or an `Option` of it. Each of
    /// its columns has the attribute's name before its own: `start_x`, `start_y`.
    pub fn composite<F: CompositeField + FieldType + Default>(self, name: &str) -> Self {
        let parts = <F::Value as Composite>::PARTS.iter();
        let names = parts.map(|part| format!("{name}_{}", part.name)).collect();
        self.composite_of::<F, String>(name, names)
    }

    /// An attribute that holds a composite of columns of these names, which are attributes of their own as well.
    pub fn composite_of<F: CompositeField + FieldType + Default, S: Into<String>>(
        mut self,
        name: &str,
        columns: Vec<S>,
    ) -> Self {
        let names: Vec<String> = columns.into_iter().map(Into::into).collect();
        let (parts, optional) = (<F::Value as Composite>::PARTS, F::OPTIONAL);
        for (part, name) in parts.iter().zip(&names) {
            if let AttrKind::Column(def) = &part.kind {
                let mut column = Column::new(name.as_str(), def.data_type);
                column.nullable = def.nullable || optional;
                self.parts.columns.push(column);
            }
        }
        self.push(name, ValueType::composite::<F>(), Kind::Composite { parts, optional, names });
        self
    }

    /// An attribute that holds a value which the database knows nothing of: it has history and events. What
    /// SQLAlchemy's `register_attribute` makes by itself.
    pub fn plain<V: FieldType + Default>(mut self, name: &str) -> Self {
        self.push(name, ValueType::of::<V>(), Kind::Plain);
        self
    }

    /// An attribute that reads an expression, made of the class's attributes.
    pub fn expression<V: FieldType + Default, E: Expression>(
        mut self,
        name: &str,
        make: impl Fn(RecordClass) -> Result<E> + Send + Sync + 'static,
    ) -> Self {
        let make = move |class| match make(class) {
            Ok(expression) => expression.into_node(),
            Err(error) => aludel_sql::Node::value(
                aludel_sql::Value::Invalid(error.to_string().into()),
                aludel_sql::DataType::Any,
            ),
        };
        self.push(name, ValueType::of::<V>(), Kind::Expression(Box::new(make)));
        self
    }

    /// Another name of an attribute: SQLAlchemy's `synonym`. With [`attribute`](Self::attribute) it takes a column's own
    /// name, as `map_column` does: `.attribute::<String>("_status", "status").synonym("status", "_status")`.
    pub fn synonym(mut self, name: &str, attribute: &str) -> Self {
        self.synonyms.push(SynonymDef { name: leak(name), attribute: leak(attribute) });
        self
    }

    /// An attribute that refers to one object of a class: by the class's name, its [`RecordClass`], or
    /// [`ClassRef::of`] for a struct.
    pub fn one(
        self,
        name: &str,
        target: impl Into<ClassRef>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        self.related::<One<Record>>(name, target.into(), None, say)
    }

    /// An attribute that holds a list of objects of a class.
    pub fn many(
        self,
        name: &str,
        target: impl Into<ClassRef>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        self.related::<Many<Record>>(name, target.into(), Some(Collection::List), say)
    }

    /// An attribute that holds objects of a class, each at most once.
    pub fn set(
        self,
        name: &str,
        target: impl Into<ClassRef>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        self.related::<ManySet<Record>>(name, target.into(), Some(Collection::Set), say)
    }

    /// An attribute that holds objects of a class under the value of one of their attributes.
    pub fn keyed<K: ColumnType>(
        self,
        name: &str,
        target: impl Into<ClassRef>,
        key: &str,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        let collection = Some(Collection::Keyed(leak(key)));
        self.related::<ManyMap<K, Record>>(name, target.into(), collection, say)
    }

    /// An attribute that holds objects of a class, shown by a [`CollectionClass`] of the program's.
    pub fn collected<C: CollectionClass<Member = Record>>(
        self,
        name: &str,
        target: impl Into<ClassRef>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        let collection = <Collected<C> as RelationshipField>::COLLECTION;
        self.related::<Collected<C>>(name, target.into(), collection, say)
    }

    /// An attribute that holds objects of structs: `relationship::<Many<Address>>("addresses", …)`. A map of structs
    /// is a [`keyed`](Self::keyed) one to [`ClassRef::of`] the struct.
    pub fn relationship<V: RelationshipField + Default>(
        self,
        name: &str,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        self.related::<V>(name, ClassRef::of::<V::Target>(), V::COLLECTION, say)
    }

    fn related<V: RelationshipField + Default>(
        mut self,
        name: &str,
        target: ClassRef,
        collection: Option<Collection>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        let held = Held { target, collection, shown: V::SHOWN };
        let say = move |options: &mut RelationshipOptions| {
            options.lazy = V::LAZY;
            say(options);
        };
        let kind = Kind::Relationship(held, Box::new(say));
        self.push(name, ValueType::holder::<V>(), kind);
        self
    }

    /// An attribute's column is not loaded unless asked for.
    pub fn deferred(mut self, attribute: &str) -> Self {
        self.said.push((attribute.to_owned(), |column| column.deferred = true));
        self
    }

    /// As [`deferred`](Self::deferred); the columns of one group are loaded together.
    pub fn deferred_group(mut self, attribute: &str, group: &str) -> Self {
        self.groups.push((attribute.to_owned(), group.to_owned()));
        self.deferred(attribute)
    }

    /// The old value of an attribute is loaded before it is replaced.
    pub fn active_history(mut self, attribute: &str) -> Self {
        self.said.push((attribute.to_owned(), |column| column.active_history = true));
        self
    }

    /// What a column, a composite, a relationship or a hybrid is compared by in queries; see [`Comparator`].
    pub fn comparator(mut self, attribute: &str, compare: Comparator) -> Self {
        if let Some(hybrid) = self.hybrids.iter_mut().find(|hybrid| hybrid.name == attribute) {
            hybrid.comparator = Some(compare);
            return self;
        }
        self.comparators.push((attribute.to_owned(), compare));
        self
    }

    /// A foreign key of several columns of the table that is made.
    pub fn foreign_key(mut self, key: ForeignKey) -> Self {
        self.parts.foreign_keys.push(key);
        self
    }

    /// A unique constraint of the table that is made.
    pub fn unique<S: Into<Box<str>>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.parts.uniques.push(Unique::on(columns));
        self
    }

    /// An index of the table that is made.
    pub fn index<S: Into<Box<str>>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.parts.indexes.push(Index::on(columns));
        self
    }

    /// A condition that the table that is made checks.
    pub fn check(mut self, sql: &str) -> Self {
        self.parts.checks.push(Check::new(sql));
        self
    }

    /// The class inherits from another: it has its attributes, and is in its table, or joins a table of its own
    /// to it. The discriminator and the identities are said by [`configure`](Self::configure).
    pub fn inherits(mut self, base: RecordClass) -> Self {
        self.base = Some((base, false));
        self
    }

    /// The class inherits from another, and has all columns in a table of its own. A table that is made by
    /// [`table`](Self::table) gets those of the base. The base may have no table, and then says that it is abstract:
    /// `.configure(|mapping| { mapping.polymorphic_abstract(); })`.
    pub fn inherits_concrete(mut self, base: RecordClass) -> Self {
        self.base = Some((base, true));
        self
    }

    /// Says more of the mapping: renamed columns, the version counter, inheritance.
    pub fn configure(mut self, say: impl FnOnce(&mut MapperBuilder) + 'static) -> Self {
        self.configure.push(Box::new(say));
        self
    }

    /// The objects are made of this type: what the class's [instrumentation](Self::instrumentation) keeps the
    /// values in.
    pub fn instances<T: Instance + Default>(mut self) -> Self {
        self.instance = || Box::new(T::default());
        self
    }

    /// The class's own choice of how it is instrumented: the role of SQLAlchemy's `__sa_instrumentation_manager__`.
    /// Subclasses have it, too.
    pub fn instrumentation(mut self, factory: impl InstrumentationFactory) -> Self {
        self.factory = Some(std::sync::Arc::new(factory));
        self
    }

    /// Called of each record that comes from a row, when its columns are filled: SQLAlchemy's `reconstructor`. Nothing
    /// that it sets counts as a change. Of a subclass, the base's is called first.
    pub fn reconstructor(mut self, call: fn(&mut Record)) -> Self {
        self.reconstructor = Some(call);
        self
    }

    /// The table that is made is a [view](aludel_sql::TableBuilder::view): it is neither created nor dropped.
    pub fn view(mut self) -> Self {
        self.view = true;
        self
    }

    fn push(&mut self, name: &str, of: ValueType, kind: Kind) {
        self.attributes.push(Attribute { name: name.to_owned(), of, kind });
    }
}
