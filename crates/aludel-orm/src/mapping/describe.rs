//! Classes described at run time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aludel_sql::{
    Check, Column, ColumnType, Expression, ForeignKey, Index, Node, Table, TypeVisitor, Unique,
};

use super::{MapperBuilder, Registry, RelationshipOptions};
use crate::instrumentation::{
    AttrDef, AttrKind, Auto, ClassDef, ClassManager, ClassRef, Collection, ColumnDef, Described,
    ExpressionDef, Field, FieldType, InheritanceDef, Instance, InstanceDict,
    InstrumentationFactory, InstrumentationManager, Make, Many, ManyMap, ManySet, Mapped, One,
    Record, RecordClass, RelationshipDef, RelationshipField, ValueType,
};
use crate::{Error, ErrorKind, Result};

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
    without: Vec<String>,
    attributes: Vec<Attribute>,
    parts: Parts,
    /// What the attributes of columns say beside the column: by name.
    said: Vec<(String, SayColumn)>,
    groups: Vec<(String, String)>,
    configure: Vec<SayMapper>,
    instance: fn() -> Box<dyn Instance>,
    factory: Option<std::sync::Arc<dyn InstrumentationFactory>>,
    /// The class that gets more attributes, where it is not a new one.
    pub(super) more_of: Option<RecordClass>,
}

/// The attributes that were described, as data.
pub(super) struct More {
    pub(super) attributes: Vec<(AttrDef, ValueType)>,
    pub(super) renamed: Vec<(&'static str, String)>,
    pub(super) relations: Vec<(&'static str, SayOptions)>,
    /// The class that they belong to, for expressions: known when they are made.
    pub(super) late: &'static OnceLock<&'static ClassDef>,
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

enum Kind {
    /// The column, where it has another name than the attribute.
    Column(Option<String>),
    Expression(Box<dyn Fn(RecordClass) -> Node + Send + Sync>),
    Relationship(ClassRef, Option<Collection>, SayOptions),
    Plain,
}

impl std::fmt::Debug for RecordClassBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.attributes.iter().map(|a| &a.name);
        f.debug_struct(&self.name).field("attributes", &names.collect::<Vec<_>>()).finish()
    }
}

impl RecordClassBuilder {
    pub(super) fn new(registry: Registry, name: &str) -> Self {
        Self {
            registry,
            name: name.to_owned(),
            base: None,
            table: None,
            without: Vec::new(),
            attributes: Vec::new(),
            parts: Parts::default(),
            said: Vec::new(),
            groups: Vec::new(),
            configure: Vec::new(),
            instance: || Box::<InstanceDict>::default(),
            factory: None,
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

    /// These columns of the class's table get no attributes.
    pub fn without<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.without.extend(columns.into_iter().map(Into::into));
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

    /// An attribute that holds objects of structs: `relationship::<Many<Address>>("addresses", …)`. A map of structs
    /// is a [`keyed`](Self::keyed) one to [`ClassRef::of`] the struct.
    pub fn relationship<V: RelationshipField + Default>(
        self,
        name: &str,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        self.related::<V>(name, ClassRef::of::<V::Target>(), V::COLLECTION, say)
    }

    fn related<V: Field + Default>(
        mut self,
        name: &str,
        target: ClassRef,
        collection: Option<Collection>,
        say: impl FnOnce(&mut RelationshipOptions) + 'static,
    ) -> Self {
        let kind = Kind::Relationship(target, collection, Box::new(say));
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

    /// The class inherits from another, and has all columns in a table of its own.
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

    fn push(&mut self, name: &str, of: ValueType, kind: Kind) {
        self.attributes.push(Attribute { name: name.to_owned(), of, kind });
    }

    /// Makes the class, and puts it on the registry's list: it is configured with the next class that is needed,
    /// or by [`Registry::configure`], so that classes can refer to each other.
    ///
    /// # Errors
    ///
    /// When the registry has a class of this name, the table cannot be made, a column's type has no Rust type,
    /// or the class's hierarchy has another instrumentation.
    pub fn finish(mut self) -> Result<RecordClass> {
        if self.more_of.is_some() {
            let message =
                "what `Registry::more_of` begins is finished by `Registry::register_attributes`";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        self.registry.check_name(&self.name)?;
        let table = self.make_table()?;
        if let Some(table) = &table {
            self.attributes_of(table)?;
        }
        let factory = self.registry.factory_for(
            &self.name,
            self.factory.take(),
            self.base.map(|(base, _)| base),
        )?;
        let manager = match &factory {
            None => std::sync::Arc::new(crate::instrumentation::DefaultInstrumentation),
            Some(factory) => factory.manager(leak(&self.name)),
        };
        let More { attributes, renamed, relations, late } = self.more(&*manager, table.as_ref());
        let (mut defs, mut types) = (Vec::new(), Vec::new());
        if let Some((base, _)) = self.base {
            defs.extend_from_slice(base.def().attributes);
            types.extend(base.def().described.iter().flat_map(|d| d.types.iter().copied()));
        }
        for (def, of) in attributes {
            defs.push(def);
            types.push(of);
        }
        let class = leak_class(Leaked {
            name: &self.name,
            number: None,
            attributes: defs,
            types,
            inheritance: self.base.map(|(base, concrete)| InheritanceDef {
                base: Record::class,
                described: Some(base.def()),
                identity: None,
                concrete,
            }),
            manager: ClassManager::of(Record::class(), manager, factory.map(|f| f.name())),
            instance: self.instance,
        });
        // Expressions are made when the mappers are configured.
        let _ = late.set(class);
        check_instances(class)?;
        let mut builder = MapperBuilder::by_hand(class, self.registry.clone());
        if let Some(table) = table {
            builder.table(table);
        }
        for (attribute, column) in renamed {
            builder.property(attribute, &column);
        }
        for (attribute, say) in relations {
            builder.relationship(attribute, say);
        }
        for say in self.configure {
            say(&mut builder);
        }
        self.registry.described(class, &mut builder)?;
        Ok(RecordClass::new(class))
    }

    /// The attributes as data.
    pub(super) fn more(
        &mut self,
        manager: &dyn InstrumentationManager,
        table: Option<&Table>,
    ) -> More {
        let late: &'static OnceLock<&'static ClassDef> = Box::leak(Box::default());
        let (mut attributes, mut renamed, mut relations) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in std::mem::take(&mut self.attributes) {
            let name = leak(&attribute.name);
            let mut of = attribute.of;
            let kind = match attribute.kind {
                Kind::Column(column) => {
                    let stands_for = column.as_deref().unwrap_or(name);
                    let def = self.column_def(name, stands_for, &of, table);
                    renamed.extend(column.map(|column| (name, column)));
                    AttrKind::Column(def)
                }
                Kind::Expression(make) => AttrKind::Expression(expression_def(&of, make, late)),
                Kind::Relationship(target, asked, say) => {
                    let class = leak(&self.name);
                    let chosen =
                        asked.map(|kind| manager.instrument_collection_class(class, name, kind));
                    let kind = |of: Option<Collection>| of.map(|c| std::mem::discriminant(&c));
                    if kind(chosen) != kind(asked) {
                        of = held_by(chosen);
                    }
                    let mut def = RelationshipDef::new(Record::class, chosen);
                    def.target = target;
                    relations.push((name, say));
                    AttrKind::Relationship(def)
                }
                Kind::Plain => AttrKind::Plain,
            };
            attributes.push((AttrDef { name, kind }, of));
        }
        More { attributes, renamed, relations, late }
    }

    fn make_table(&mut self) -> Result<Option<Table>> {
        let parts = std::mem::take(&mut self.parts);
        match &self.table {
            Some(TableOf::Given(table)) => {
                let lacking = parts.columns.iter().find(|c| table.column(&c.name).is_none());
                match lacking {
                    None => Ok(Some(table.clone())),
                    Some(column) => table
                        .position(&column.name)
                        .map(|_| None)
                        .map_err(|error| error.context(format_args!("class {}", self.name))),
                }
            }
            Some(TableOf::Built { name, schema }) => {
                let mut table =
                    Table::build(name.as_str()).columns(self.inherited_key(parts.columns));
                if let Some(schema) = schema {
                    table = table.schema(schema.as_str());
                }
                for key in parts.foreign_keys {
                    table = table.foreign_key(key);
                }
                for unique in parts.uniques {
                    table = table.unique(unique);
                }
                for index in parts.indexes {
                    table = table.index(index);
                }
                for check in parts.checks {
                    table = table.check(check);
                }
                Ok(Some(table.finish()?))
            }
            None => Ok(None),
        }
    }

    /// A joined subclass's table has its base's key, which refers to it.
    fn inherited_key(&self, mut own: Vec<Column>) -> Vec<Column> {
        let Some((base, false)) = self.base else { return own };
        if own.iter().any(|column| column.primary_key) {
            return own;
        }
        let Some(above) = self.registry.table_of(base) else { return own };
        for at in above.primary_key().iter().rev() {
            let column = &above.columns()[usize::from(*at)];
            let target = format!("{}.{}", above.full_name(), column.name);
            let key = Column::new(&*column.name, column.data_type).primary_key();
            let key = key.autoincrement(aludel_sql::AutoIncrement::Never).references(&target);
            own.insert(0, key);
        }
        own
    }

    /// Attributes for the columns of a table of which nothing was said.
    fn attributes_of(&mut self, table: &Table) -> Result<()> {
        if !matches!(self.table, Some(TableOf::Given(_))) {
            return Ok(());
        }
        let mut missing = Vec::new();
        for (at, column) in table.columns().iter().enumerate() {
            let stands = |a: &&Attribute| match &a.kind {
                Kind::Column(renamed) => renamed.as_deref().unwrap_or(&a.name) == &*column.name,
                _ => false,
            };
            let inherited =
                self.base.is_some_and(|(base, _)| base.def().attribute(&column.name).is_some());
            let left_out = self.without.iter().any(|name| *name == *column.name);
            if left_out || inherited || self.attributes.iter().any(|a| stands(&a)) {
                continue;
            }
            let generated = table.autoincrement() == Some(at as u16);
            let of = OfColumn { nullable: column.nullable, generated };
            match column.data_type.visit(of) {
                Some(of) => missing.push(Attribute {
                    name: column.name.to_string(),
                    of,
                    kind: Kind::Column(None),
                }),
                None => {
                    let feature = column.data_type.feature().unwrap_or("json");
                    return Err(Error::new(
                        ErrorKind::Configuration,
                        format!(
                            "class {}: the column `{}.{}` has the type {:?}, which takes the feature \
                             `{feature}`: switch it on, or give the attribute a type by `attribute::<…>`",
                            self.name,
                            table.full_name(),
                            column.name,
                            column.data_type
                        ),
                    ));
                }
            }
        }
        // In the order of the table, before the relationships.
        missing.append(&mut self.attributes);
        self.attributes = missing;
        Ok(())
    }

    fn column_def(
        &self,
        name: &str,
        stands_for: &str,
        of: &ValueType,
        table: Option<&Table>,
    ) -> ColumnDef {
        let mut def = of.column.unwrap_or(ColumnDef::new(aludel_sql::DataType::Any, true));
        let column =
            table.and_then(|t| t.column(stands_for).map(|at| &t.columns()[usize::from(at)]));
        if let Some(column) = column {
            def.data_type = column.data_type;
            def.nullable = column.nullable;
            def.primary_key = column.primary_key;
        }
        for (_, say) in self.said.iter().filter(|(attribute, _)| attribute == name) {
            say(&mut def);
        }
        let group = self.groups.iter().find(|(attribute, _)| attribute == name);
        def.group = group.map(|(_, group)| leak(group));
        def
    }
}

/// The Rust type of a column that is known at run time only.
struct OfColumn {
    nullable: bool,
    generated: bool,
}

impl TypeVisitor for OfColumn {
    type Output = ValueType;

    fn visit<T: ColumnType + Default>(self) -> ValueType {
        match (self.generated, self.nullable) {
            (true, _) => ValueType::of::<Auto<T>>(),
            (false, true) => ValueType::of::<Option<T>>(),
            (false, false) => ValueType::of::<T>(),
        }
    }
}

fn expression_def(
    of: &ValueType,
    make: Box<dyn Fn(RecordClass) -> Node + Send + Sync>,
    late: &'static OnceLock<&'static ClassDef>,
) -> ExpressionDef {
    let make = move || match late.get() {
        Some(class) => make(RecordClass::new(class)),
        None => Node::Null,
    };
    let column = of.column.unwrap_or(ColumnDef::new(aludel_sql::DataType::Any, true));
    ExpressionDef {
        data_type: column.data_type,
        expression: Make::Closure(Box::leak(Box::new(make))),
        deferred: column.deferred,
    }
}

/// The holder of a collection of which the class's manager has chosen another kind.
fn held_by(collection: Option<Collection>) -> ValueType {
    match collection {
        Some(Collection::Set) => ValueType::holder::<ManySet<Record>>(),
        Some(Collection::Keyed(_)) => ValueType::holder::<ManyMap<aludel_sql::Value, Record>>(),
        Some(Collection::List) | None => ValueType::holder::<Many<Record>>(),
    }
}

/// The class's instrumentation has to find a dictionary in its instances.
fn check_instances(class: &'static ClassDef) -> Result<()> {
    match Record::blank(class).dict() {
        Some(dict) if dict.is_of(class) => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "class {}: its instrumentation finds no dictionary in an instance: `get_instance_dict` and \
                 `get_instance_dict_mut` have to give the one that `initialize_instance_dict` was given",
                class.name
            ),
        )),
    }
}

/// What a class is made of.
pub(super) struct Leaked<'a> {
    pub(super) name: &'a str,
    /// The number of the class that this is another description of.
    pub(super) number: Option<u32>,
    pub(super) attributes: Vec<AttrDef>,
    pub(super) types: Vec<ValueType>,
    pub(super) inheritance: Option<InheritanceDef>,
    pub(super) manager: ClassManager,
    pub(super) instance: fn() -> Box<dyn Instance>,
}

/// A description that stays for the rest of the program.
pub(super) fn leak_class(class: Leaked<'_>) -> &'static ClassDef {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = class.number.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed));
    let Leaked { types, manager, instance, .. } = class;
    let described: &'static Described =
        Box::leak(Box::new(Described { number, types, manager, instance }));
    let none = Record::class();
    let def: &'static ClassDef = Box::leak(Box::new(ClassDef {
        name: leak(class.name),
        described: Some(described),
        attributes: Vec::leak(class.attributes),
        inheritance: class.inheritance,
        ..ClassDef { ..*none }
    }));
    described.manager.set_class(def);
    def
}

/// A name that stays for the rest of the program; each text once.
pub(super) fn leak(name: &str) -> &'static str {
    static NAMES: std::sync::Mutex<Option<hashbrown::HashSet<&'static str>>> =
        std::sync::Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let names = names.get_or_insert_with(hashbrown::HashSet::new);
    match names.get(name) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(kept);
            kept
        }
    }
}
