//! What can be asked of mappers and relationships, and how they print.

use std::any::Any;
use std::fmt;

use aludel_sql::{Column, DataType, FromItem, Table, Value};

use super::{
    Cascades, ColumnProperty, ColumnRef, Direction, Holder, Mapper, Mappers, PolymorphicLoad,
    Property, PropertyKind, Relationship, Secondary,
};
use crate::instrumentation::{AttrKind, ClassDef, Lazy};
use crate::loading::Resolver;
use crate::{Error, ErrorKind, Result};

impl Mappers {
    /// The mapper of a number, as [`Relationship::target`] gives one.
    pub fn get(&self, index: u16) -> Option<&Mapper> {
        self.list.get(usize::from(index)).map(|mapper| &**mapper)
    }

    /// The mapper of a class.
    pub fn of(&self, class: &ClassDef) -> Option<&Mapper> {
        self.by_type.get(&class.key()).and_then(|index| self.get(*index))
    }

    /// What rows of a class are selected from: a table, the join of the tables of a hierarchy, or what the class is
    /// mapped to. SQLAlchemy's `persist_selectable`.
    ///
    /// # Errors
    ///
    /// When the mapper is not one of these.
    pub fn persist_selectable(&self, mapper: &Mapper) -> Result<FromItem> {
        let resolver = Resolver::new(self);
        match self.get(mapper.index).filter(|known| known.def.key() == mapper.def.key()) {
            Some(_) => resolver.tables(&resolver.without_subclasses(mapper.index)),
            None => Err(Error::new(
                ErrorKind::Unmapped,
                format!("class {} is not mapped in this registry", mapper.class_name()),
            )),
        }
    }

    /// How many mappers there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no mapper.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The tables of the mappers, and the association tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The mapper at the top of a hierarchy; the mapper itself without inheritance. Unlike [`Mapper::root`], by which objects
    /// are told apart, it is the same for the classes of a concrete hierarchy.
    pub fn base_mapper(&self, index: u16) -> Option<&Mapper> {
        let mut at = self.get(index)?;
        while let Some(base) = at.base.and_then(|base| self.get(base)) {
            at = base;
        }
        Some(at)
    }

    /// Whether two mappers are of one hierarchy.
    pub fn common_parent(&self, one: u16, other: u16) -> bool {
        let top = |index| self.base_mapper(index).map(|mapper| mapper.index);
        top(one).is_some() && top(one) == top(other)
    }

    /// Whether a mapper is another, or inherits from it.
    pub fn isa(&self, index: u16, base: u16) -> bool {
        self.get(index).is_some() && self.is_a(index, base)
    }

    /// The polymorphic identities of a whole hierarchy, with their mappers; any class of it has the same.
    pub fn polymorphic_map(&self, index: u16) -> Vec<(&Value, &Mapper)> {
        let top = self.base_mapper(index).map(|mapper| mapper.index);
        let all = top.into_iter().flat_map(|top| self.self_and_descendants(top));
        all.filter_map(|mapper| Some((mapper.polymorphic_identity()?, mapper))).collect()
    }

    /// The mapper and all below it, a class before its subclasses. SQLAlchemy's `self_and_descendants`, and its
    /// `polymorphic_iterator`.
    pub fn self_and_descendants(&self, index: u16) -> Vec<&Mapper> {
        let mut found: Vec<&Mapper> = self.get(index).into_iter().collect();
        let mut at = 0;
        while at < found.len() {
            let below = found[at].subclasses.iter().filter_map(|sub| self.get(*sub));
            found.extend(below.collect::<Vec<_>>());
            at += 1;
        }
        found
    }
}

impl Mapper {
    /// The mapper's number in its registry.
    pub fn index(&self) -> u16 {
        self.index
    }

    /// The class's description.
    pub fn class(&self) -> &'static ClassDef {
        self.def
    }

    /// The number of the base class's mapper.
    pub fn base(&self) -> Option<u16> {
        self.base
    }

    /// The number of the mapper at the root of the hierarchy; its own without inheritance.
    pub fn root(&self) -> u16 {
        self.root
    }

    /// The tables that hold the attributes, base table first; of a class that is mapped to something else than a table,
    /// all that are to be seen in it.
    pub fn tables(&self) -> &[Table] {
        match (&self.selected, &self.union) {
            (Some(selected), _) => &selected.tables,
            (None, Some(union)) if self.is_abstract_concrete => &union.tables,
            _ => &self.tables,
        }
    }

    /// The tables that objects of the class are written to: those of which the whole primary key is mapped. None, of an
    /// abstract class whose subclasses are concrete.
    pub fn written_tables(&self) -> &[Table] {
        if self.is_abstract_concrete { &[] } else { &self.tables }
    }

    /// The composites, each with the names of the column attributes that it is made of.
    pub fn composites(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.properties.iter().filter_map(|property| match &property.kind {
            PropertyKind::Composite { attributes } => {
                Some((property.name(), self.names(attributes)))
            }
            _ => None,
        })
    }

    /// The other names of attributes, synonym and attribute, as the class and its mapping say them: a class's own before
    /// inherited ones.
    pub fn synonyms(&self) -> impl Iterator<Item = (&str, &str)> {
        self.synonyms.iter().map(|synonym| (&*synonym.name, &*synonym.attribute))
    }

    /// There is no attribute of a name.
    #[cold]
    pub(crate) fn no_attribute(&self, name: &str) -> Error {
        self.def.no_attribute_but(name, self.synonyms.iter().map(|synonym| &*synonym.name))
    }

    /// The names of the attributes that identify an object.
    pub fn primary_key_names(&self) -> Vec<&str> {
        self.names(&self.primary_key)
    }

    /// The names of the attributes that hold columns.
    pub fn column_attributes(&self) -> Vec<&str> {
        self.names(&self.columns)
    }

    /// The names of the attributes that read an expression: `column_property` of what is no column.
    pub fn expression_attributes(&self) -> Vec<&str> {
        let read = |p: &&Property| matches!(p.kind, PropertyKind::Expression { .. });
        self.properties.iter().filter(read).map(Property::name).collect()
    }

    fn names(&self, attributes: &[u16]) -> Vec<&str> {
        attributes.iter().map(|a| &*self.property(*a).name).collect()
    }

    /// The columns of an attribute, as `table.column`; none where it holds none.
    pub fn column_names(&self, attribute: &str) -> Vec<String> {
        let columns = self.attribute(attribute).and_then(|a| self.column(a));
        let columns = columns.map(|property| property.columns.as_slice()).unwrap_or_default();
        columns.iter().map(|at| self.qualified(*at)).collect()
    }

    fn qualified(&self, at: ColumnRef) -> String {
        let union = self.union.as_ref().filter(|_| self.is_abstract_concrete);
        let of = union.and_then(|u| u.alias.name()).unwrap_or(self.table_of(at).full_name());
        format!("{of}.{}", self.column_of(at).name)
    }

    /// The columns, as `table.column`, that no attribute stands for but that the program gives a value by
    /// their default.
    pub fn unmapped_defaults(&self) -> Vec<String> {
        let columns = self.hidden_defaults.iter();
        columns.map(|&(table, column)| self.qualified(ColumnRef { table, column })).collect()
    }

    /// The relationships, a class's own before inherited ones.
    pub fn relationships(&self) -> impl Iterator<Item = &Relationship> {
        self.relationships.iter().filter_map(|attribute| self.relationship(*attribute))
    }

    /// Whether the class has a table of its own with all columns, those of its base as well.
    pub fn is_concrete(&self) -> bool {
        self.def.inheritance.is_some_and(|inheritance| inheritance.concrete)
    }

    /// Whether the class has no table of its own, but is in that of its base: SQLAlchemy's `mapper.single`.
    pub fn is_single(&self, mappers: &Mappers) -> bool {
        let base = self.base.and_then(|base| mappers.get(base));
        !self.is_concrete() && base.is_some_and(|base| base.tables == self.tables)
    }

    /// Whether a discriminator tells the class of a row.
    pub fn is_polymorphic(&self) -> bool {
        self.discriminator.is_some()
    }

    /// The attribute that tells the class of a row.
    pub fn polymorphic_on(&self) -> Option<&str> {
        self.discriminator.as_ref().map(|(attribute, _)| &*self.property(*attribute).name)
    }

    /// Whether no object is of the class itself.
    pub fn is_polymorphic_abstract(&self) -> bool {
        self.is_abstract
    }

    /// The numbers of the mappers of those subclasses whose columns queries of the class read in the same rows.
    pub fn with_polymorphic(&self) -> &[u16] {
        &self.read_along
    }

    /// How queries of a base load what the class adds, beside what [`with_polymorphic`](Self::with_polymorphic) of
    /// the base says; `None` where that is when it is asked for.
    pub fn polymorphic_load(&self, mappers: &Mappers) -> Option<PolymorphicLoad> {
        let base = self.base.and_then(|base| mappers.get(base));
        match base {
            Some(base) if base.read_along.contains(&self.index) => Some(PolymorphicLoad::Inline),
            _ => self.selectin.then_some(PolymorphicLoad::SelectIn),
        }
    }

    /// The discriminator's value for this class.
    pub fn polymorphic_identity(&self) -> Option<&Value> {
        let told = self.discriminator.as_ref().map(|(_, value)| value);
        told.filter(|value| !value.is_null()).or(self.identity.as_ref())
    }

    /// The attribute that counts versions.
    pub fn version_attribute(&self) -> Option<&str> {
        self.version.map(|attribute| &*self.property(attribute).name)
    }

    /// The attribute that stands for a column of one of the mapper's tables: SQLAlchemy's
    /// `get_property_by_column`.
    pub fn property_by_column(&self, table: &Table, column: &str) -> Option<&Property> {
        let attribute = self.attribute_of(table, table.column(column)?)?;
        Some(self.property(attribute))
    }

    /// The values that were hung on the mapping by [`MapperBuilder::attach`](super::MapperBuilder::attach),
    /// of one type.
    pub fn attachments<A: Any>(&self) -> impl Iterator<Item = &A> {
        self.attachments.iter().filter_map(|attached| attached.0.downcast_ref())
    }

    /// The table of a column.
    #[inline]
    pub(crate) fn table_of(&self, at: ColumnRef) -> &Table {
        &self.tables[usize::from(at.table)]
    }

    /// The column itself.
    #[inline]
    pub(crate) fn column_of(&self, at: ColumnRef) -> &Column {
        &self.table_of(at).columns()[usize::from(at.column)]
    }

    /// The type of an attribute's values in the database.
    pub(crate) fn type_of(&self, attribute: u16) -> DataType {
        let column = self.column(attribute).and_then(|c| c.columns.first());
        match (column, self.def.attributes.get(usize::from(attribute)).map(|def| &def.kind)) {
            (Some(at), _) => self.column_of(*at).data_type,
            (None, Some(AttrKind::Column(column))) => column.data_type,
            (None, Some(AttrKind::Expression(expression))) => expression.data_type,
            (None, _) => DataType::Any,
        }
    }

    /// Whether an attribute stands for the reference of a joined subclass's table to its base's, which is written from
    /// the base's key.
    pub(crate) fn is_key_copy(&self, attribute: u16) -> bool {
        self.key_copies.iter().any(|(copy, _)| *copy == attribute)
    }

    /// The attribute that stands for a column.
    pub(crate) fn attribute_of(&self, table: &Table, column: u16) -> Option<u16> {
        let table = self.tables.iter().position(|t| t == table)? as u16;
        let at = ColumnRef { table, column };
        let stands =
            |attribute: &u16| self.column(*attribute).is_some_and(|p| p.columns.contains(&at));
        self.columns.iter().copied().find(stands)
    }
}

impl ColumnProperty {
    /// The columns; several that are kept equal, the base table's first.
    pub fn columns(&self) -> &[ColumnRef] {
        &self.columns
    }

    /// Whether it is left out of queries unless asked for.
    pub fn is_deferred(&self) -> bool {
        self.deferred
    }

    /// Whether the old value has to be known when it is replaced: configured so, or part of the primary key.
    pub fn has_active_history(&self) -> bool {
        self.active_history
    }

    /// Whether an UPDATE sends the changed paths of the JSON document only.
    pub fn is_written_by_paths(&self) -> bool {
        self.json_paths
    }

    /// The group of deferred columns that it is loaded with.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }
}

impl Relationship {
    /// Whether the old object has to be known when it is replaced: configured so, or a reference whose foreign
    /// key is at the other side, that goes by other columns than the key, or that is the single parent.
    pub fn has_active_history(&self) -> bool {
        self.active_history
            || self.holder == Holder::One && (!self.is_by_key() || self.single_parent)
    }

    /// Whether it is a reference by the primary key of what it refers to, so that the identity map can tell the
    /// object.
    pub fn is_by_key(&self) -> bool {
        self.by_key && self.primaryjoin.is_none()
    }

    /// The attribute's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the mapper that declares it.
    pub fn parent(&self) -> u16 {
        self.parent
    }

    /// The number of the target's mapper.
    pub fn target(&self) -> u16 {
        self.target
    }

    /// Which side holds the foreign key.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What is equal on both sides, by attribute number: (owner, target). Empty with an association
    /// table.
    pub fn pairs(&self) -> &[(u16, u16)] {
        &self.pairs
    }

    /// The association table.
    pub fn secondary(&self) -> Option<&Secondary> {
        self.secondary.as_ref()
    }

    /// The other sides: (mapper, attribute).
    pub fn reverse(&self) -> &[(u16, u16)] {
        &self.reverse
    }

    /// Which operations on the owner reach the members.
    pub fn cascades(&self) -> Cascades {
        self.cascades
    }

    /// What holds the members.
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// How it is loaded where a query does not say it.
    pub fn lazy(&self) -> Lazy {
        self.lazy
    }

    /// Whether it is read, never written.
    pub fn is_viewonly(&self) -> bool {
        self.viewonly
    }
}

impl Secondary {
    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is equal on the owner's side: (attribute, column of the table).
    pub fn local(&self) -> &[(u16, u16)] {
        &self.local
    }

    /// What is equal on the target's side: (attribute, column of the table).
    pub fn remote(&self) -> &[(u16, u16)] {
        &self.remote
    }
}

/// The class and its table, with the attributes and their columns, a line each.
impl fmt::Display for Mapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<&str> = self.tables().iter().map(Table::full_name).collect();
        write!(f, "{} -> {}", self.name, tables.join(" + "))?;
        if let Some((attribute, value)) = &self.discriminator {
            write!(f, " ({} = {value})", self.property(*attribute).name)?;
        }
        for (number, property) in self.properties.iter().enumerate() {
            write!(f, "\n  {}: ", property.name)?;
            match &property.kind {
                PropertyKind::Column(_) => {
                    f.write_str(&self.column_names(&property.name).join(" = "))?;
                    let key = self.primary_key.contains(&(number as u16));
                    f.write_str(if key { ", primary key" } else { "" })?;
                }
                PropertyKind::Expression { .. } => f.write_str("an expression")?,
                PropertyKind::Relationship(relationship) => relationship.fmt(f)?,
                PropertyKind::Composite { attributes } => {
                    write!(f, "made of {}", self.names(attributes).join(", "))?;
                }
                PropertyKind::Unmapped => f.write_str("not mapped")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::OneToMany if self.holder.is_collection() => "one to many",
            Direction::OneToMany => "one to one",
            Direction::ManyToOne => "many to one",
            Direction::ManyToMany => "many to many",
        };
        f.write_str(direction)?;
        if let Some(secondary) = &self.secondary {
            write!(f, " through {}", secondary.table.full_name())?;
        }
        Ok(())
    }
}
