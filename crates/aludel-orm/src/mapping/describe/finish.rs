//! From what was said of a class to its description, and its table.

use std::sync::OnceLock;

use aludel_sql::{Column, ColumnType, ForeignKey, Node, Table, TypeVisitor};

use super::leak::{Leaked, leak, leak_class};
use super::{Attribute, Held, Kind, More, RecordClassBuilder, TableOf};
use crate::instrumentation::{
    AttrDef, AttrKind, Auto, ClassDef, ClassManager, Collection, ColumnDef, CompositeDef,
    ExpressionDef, InheritanceDef, InstrumentationManager, Make, Many, ManyMap, ManySet, Mapped,
    Record, RecordClass, RelationshipDef, ValueType,
};
use crate::mapping::selected::{At, Columns};
use crate::mapping::{MapperBuilder, TableSource};
use crate::{Error, ErrorKind, Result};

impl RecordClassBuilder {
    /// Makes the class, and puts it on the registry's list: it is configured with the next class that is needed,
    /// or by [`Registry::configure`](crate::mapping::Registry::configure), so that classes can refer to each other.
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
        let expected = self.backrefs()?;
        self.check_composites()?;
        let table = self.make_table()?;
        if let Some(table) = &table {
            self.attributes_of(table)?;
        }
        if let Some(TableSource::From(item)) = &self.source
            && self.source.iter().all(|source| source.classes().is_empty())
        {
            let columns = Columns::of(item.clone());
            self.attributes_of_columns(&columns)?;
        }
        self.check_comparators()?;
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
        let of_base = self.base.and_then(|(base, _)| base.def().described);
        let of_base = of_base.iter().flat_map(|described| described.reconstructors.iter().copied());
        let hybrids = self.leak_hybrids(late);
        let class = leak_class(Leaked {
            hybrids,
            name: &self.name,
            number: None,
            attributes: defs,
            types,
            synonyms: self.synonyms,
            inheritance: self.base.map(|(base, concrete)| InheritanceDef {
                base: Record::class,
                described: Some(base.def()),
                identity: None,
                concrete,
            }),
            manager: ClassManager::of(Record::class(), manager, factory.map(|f| f.name())),
            instance: self.instance,
            reconstructors: of_base.chain(self.reconstructor).collect(),
        });
        // Expressions are made when the mappers are configured.
        let _ = late.set(class);
        check_instances(class)?;
        let mut builder = MapperBuilder::by_hand(class, self.registry.clone());
        builder.said.columns_below = std::mem::take(&mut self.without_table);
        if let Some(table) = table {
            builder.table(table);
        }
        if let Some(source) = self.source {
            builder.table(source);
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
        self.registry.expect(class.name, expected);
        Ok(RecordClass::new(class))
    }

    /// The attributes as data.
    pub(in crate::mapping) fn more(
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
                    let def = of.column.unwrap_or(ColumnDef::new(aludel_sql::DataType::Any, true));
                    let def = self.column_def(name, stands_for, def, table);
                    renamed.extend(column.map(|column| (name, column)));
                    AttrKind::Column(def)
                }
                Kind::Expression(make) => AttrKind::Expression(expression_def(&of, make, late)),
                Kind::Relationship(held, say) => {
                    let Held { target, collection: asked, mut shown } = held;
                    let class = leak(&self.name);
                    let chosen =
                        asked.map(|kind| manager.instrument_collection_class(class, name, kind));
                    let kind = |of: Option<Collection>| of.map(|c| std::mem::discriminant(&c));
                    if kind(chosen) != kind(asked) {
                        of = held_by(chosen);
                        shown = None;
                    }
                    let mut def = RelationshipDef::new(Record::class, chosen);
                    (def.target, def.shown) = (target, shown);
                    relations.push((name, say));
                    AttrKind::Relationship(def)
                }
                Kind::Composite { parts, optional, names } => {
                    let def =
                        CompositeDef { parts: parts.len() as u16, optional, comparator: None };
                    attributes.push((AttrDef { name, kind: AttrKind::Composite(def) }, of));
                    for ((at, part), name) in (0..).zip(parts).zip(&names) {
                        let mut kind = part.kind;
                        if let AttrKind::Column(def) = &mut kind {
                            def.nullable |= optional;
                            *def = self.column_def(name, name, *def, table);
                        }
                        attributes.push((AttrDef { name: leak(name), kind }, of.part(at)));
                    }
                    continue;
                }
                Kind::Plain => AttrKind::Plain,
            };
            attributes.push((AttrDef { name, kind }, of));
        }
        for (name, compare) in &self.comparators {
            let def = attributes.iter_mut().find(|(def, _)| def.name == name);
            match def.map(|(def, _)| &mut def.kind) {
                Some(AttrKind::Column(def)) => def.comparator = Some(*compare),
                Some(AttrKind::Composite(def)) => def.comparator = Some(*compare),
                Some(AttrKind::Relationship(def)) => def.comparator = Some(*compare),
                _ => {}
            }
        }
        More { attributes, renamed, relations, late }
    }

    /// What has a comparator is a column, a composite or a relationship of the class itself.
    fn check_comparators(&self) -> Result<()> {
        let compared =
            |attribute: &&Attribute| !matches!(attribute.kind, Kind::Expression(_) | Kind::Plain);
        let names = || self.attributes.iter().filter(compared).map(|a| a.name.as_str());
        match self.comparators.iter().find(|(name, _)| !names().any(|known| known == name)) {
            None => Ok(()),
            Some((name, _)) => {
                let hint = aludel_sql::did_you_mean(name, names());
                let message = format!(
                    "class {} has no column, composite or relationship `{name}` of its own to compare{hint}",
                    self.name
                );
                Err(Error::new(ErrorKind::Configuration, message))
            }
        }
    }

    /// A composite has as many columns as its type has, all of them columns.
    pub(in crate::mapping) fn check_composites(&self) -> Result<()> {
        for attribute in &self.attributes {
            let Kind::Composite { parts, names, .. } = &attribute.kind else { continue };
            if parts.len() != names.len() {
                let message = format!(
                    "{}.{} is made of {} columns, and {} are given",
                    self.name,
                    attribute.name,
                    parts.len(),
                    names.len()
                );
                return Err(Error::new(ErrorKind::Configuration, message));
            }
        }
        Ok(())
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
                let inherited = self.inherited(&parts.columns);
                let mut table = Table::build(name.as_str()).columns(inherited.0);
                for key in inherited.1 {
                    table = table.foreign_key(key);
                }
                table = table.columns(parts.columns);
                if let Some(schema) = schema {
                    table = table.schema(schema.as_str());
                }
                if self.view {
                    table = table.view();
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
            None => {
                self.without_table = parts.columns;
                Ok(None)
            }
        }
    }

    /// What the table has of the base: all columns with concrete inheritance, else the key, which refers to the
    /// base's.
    fn inherited(&self, own: &[Column]) -> (Vec<Column>, Vec<ForeignKey>) {
        let Some((base, concrete)) = self.base else { return Default::default() };
        let is_own = |name: &str| own.iter().any(|column| *column.name == *name);
        let above = self.registry.table_of(base);
        if concrete {
            let keys = above.iter().flat_map(Table::foreign_keys);
            let keys = keys.filter(|key| !key.column_names.iter().any(|name| is_own(name)));
            let keys = keys.cloned().map(|mut key| {
                // A name is of one table.
                key.name = None;
                key
            });
            let keys = keys.collect();
            let columns = match &above {
                Some(above) => above.columns().to_vec(),
                None => self.registry.columns_of_abstract(base),
            };
            return (columns.into_iter().filter(|c| !is_own(&c.name)).collect(), keys);
        }
        let Some(above) = above.filter(|_| !own.iter().any(|c| c.primary_key)) else {
            return Default::default();
        };
        let key = |at: &u16| {
            let column = &above.columns()[usize::from(*at)];
            let target = format!("{}.{}", above.full_name(), column.name);
            let key = Column::new(&*column.name, column.data_type).primary_key();
            key.autoincrement(aludel_sql::AutoIncrement::Never).references(&target)
        };
        (above.primary_key().iter().map(key).collect(), Vec::new())
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
                Kind::Composite { names, .. } => names.iter().any(|name| **name == *column.name),
                _ => false,
            };
            let inherited =
                self.base.is_some_and(|(base, _)| base.def().attribute(&column.name).is_some());
            let qualified = format!("{}.{}", table.full_name(), column.name);
            let left_out = self.is_left_out(&[&column.name, &qualified]);
            if left_out || inherited || self.attributes.iter().any(|a| stands(&a)) {
                continue;
            }
            let generated = table.autoincrement() == Some(at as u16);
            let of = OfColumn { nullable: column.nullable, generated };
            match column.data_type.visit(of) {
                Some(of) => {
                    let renamed = self.renamed.iter().find(|(name, _)| **name == *column.name);
                    missing.push(match renamed {
                        Some((column, name)) => Attribute {
                            name: name.clone(),
                            of,
                            kind: Kind::Column(Some(column.clone())),
                        },
                        None => Attribute {
                            name: format!("{}{}", self.prefix, column.name),
                            of,
                            kind: match self.prefix.is_empty() {
                                true => Kind::Column(None),
                                false => Kind::Column(Some(column.name.to_string())),
                            },
                        },
                    });
                }
                None => {
                    let name = format!("{}.{}", table.full_name(), column.name);
                    return Err(self.no_type(&name, column.data_type));
                }
            }
        }
        // In the order of the table, before the relationships.
        missing.append(&mut self.attributes);
        self.attributes = missing;
        Ok(())
    }

    /// Attributes for the columns of what the class is mapped to of which nothing was said.
    fn attributes_of_columns(&mut self, columns: &Columns) -> Result<()> {
        let mut taken: Vec<At> = Vec::new();
        for attribute in &self.attributes {
            let Kind::Column(renamed) = &attribute.kind else { continue };
            let found = columns.find(renamed.as_deref().unwrap_or(&attribute.name));
            taken.extend(found.ok().into_iter().flat_map(|at| columns.equals(at)));
        }
        let mut missing: Vec<Attribute> = Vec::new();
        for at in columns.all() {
            let (plain, qualified) = (columns.name(at), columns.qualified(at));
            if taken.contains(&at) || self.is_left_out(&[plain, &qualified]) {
                continue;
            }
            let equal = columns.equals(at);
            let another = |other: At| columns.name(other) == plain && !equal.contains(&other);
            let clashes =
                columns.all().any(another) || self.attributes.iter().any(|a| a.name == plain);
            taken.extend(&equal);
            let (nullable, generated) = columns.is_nullable(at);
            let data_type = columns.data_type(at).unwrap_or(aludel_sql::DataType::Any);
            let Some(of) = data_type.visit(OfColumn { nullable, generated }) else {
                return Err(self.no_type(&qualified, data_type));
            };
            let name = match clashes {
                true => format!("{}{}", self.prefix, qualified.replace('.', "_")),
                false => format!("{}{plain}", self.prefix),
            };
            let kind = Kind::Column(Some(qualified));
            missing.push(Attribute { name, of, kind });
        }
        missing.append(&mut self.attributes);
        self.attributes = missing;
        Ok(())
    }

    #[cold]
    fn no_type(&self, column: &str, data_type: aludel_sql::DataType) -> Error {
        let feature = data_type.feature().unwrap_or("json");
        Error::new(
            ErrorKind::Configuration,
            format!(
                "class {}: the column `{column}` has the type {data_type:?}, which takes the feature `{feature}`: \
                 switch it on, or give the attribute a type by `attribute::<…>`",
                self.name,
            ),
        )
    }

    fn column_def(
        &self,
        name: &str,
        stands_for: &str,
        mut def: ColumnDef,
        table: Option<&Table>,
    ) -> ColumnDef {
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
