//! What stands for the tables of a class in a statement.

use aludel_sql::{FromItem, Node, Rewriter, Selectable, Source, Table};
use smallvec::SmallVec;

use crate::Result;
use crate::mapping::{ColumnRef, Mapper};

/// What stands for the tables of an entity in a statement.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) class: u16,
    /// A table, and what shows it: itself, an alias, or a query in which it is to be seen.
    pub(crate) tables: SmallVec<[(Table, Source); 2]>,
    /// Of a class that is mapped to something else than tables: what it is mapped to, and what stands for that.
    pub(super) renamed: Vec<(Source, Source)>,
    /// The tables are those of a concrete hierarchy, and one union stands for all of them.
    pub(crate) is_union: bool,
}

impl Sources {
    /// The tables of a mapper, each under the name that is given to it.
    pub(super) fn of_mapper(mapper: &Mapper, name: impl Fn(&dyn Fn() -> Source) -> Source) -> Self {
        let Some(union) = &mapper.union else { return Self::of_own(mapper, name) };
        let of = Source::from(&union.alias);
        let by = name(&|| of.clone());
        let tables = union.tables.iter().map(|table| (table.clone(), by.clone())).collect();
        Self { class: mapper.index, tables, renamed: vec![(of, by)], is_union: true }
    }

    /// The tables of a mapper itself, whatever its subclasses have.
    pub(super) fn of_own(mapper: &Mapper, name: impl Fn(&dyn Fn() -> Source) -> Source) -> Self {
        let Some(selected) = &mapper.selected else {
            let tables =
                mapper.tables.iter().map(|t| (t.clone(), name(&|| t.to_source()))).collect();
            return Self { class: mapper.index, tables, renamed: Vec::new(), is_union: false };
        };
        let rename = |source: &Source| (source.clone(), name(&|| source.clone()));
        let renamed: Vec<_> = selected.from.sources().into_iter().map(rename).collect();
        let shown = selected.shows.iter().map(|(table, by)| {
            let here = renamed.iter().find(|(source, _)| source == by);
            (table.clone(), here.map_or(by, |(_, here)| here).clone())
        });
        let own = mapper.tables.iter().skip(selected.shows.len());
        let own = own.map(|t| (t.clone(), name(&|| t.to_source())));
        let tables = shown.chain(own).collect();
        Self { class: mapper.index, tables, renamed, is_union: false }
    }

    /// The same, and a table.
    pub(super) fn with(&self, table: (Table, Source)) -> Self {
        let tables = self.tables.iter().cloned().chain([table]).collect();
        Self { class: self.class, tables, renamed: self.renamed.clone(), is_union: self.is_union }
    }

    /// A column of what the class is mapped to, as what stands for it has it.
    pub(crate) fn renamed(&self, node: &Node) -> Node {
        node.rewrite_by(&mut Renamed(&self.renamed)).unwrap_or_else(|_| node.clone())
    }

    /// What stands for a table.
    pub(crate) fn of(&self, table: &Table) -> Option<&Source> {
        self.tables.iter().find(|(t, _)| t == table).map(|(_, source)| source)
    }

    /// Everything that stands for a table, or for what the class is mapped to.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Source> {
        let tables = self.tables.iter().map(|(_, source)| source);
        let others = self.renamed.iter().map(|(_, source)| source);
        let others = others.filter(|o| !self.tables.iter().any(|(_, source)| source == *o));
        tables.chain(others)
    }

    /// A column of a table, as what stands for the table shows it.
    pub(crate) fn shown(&self, table: &Table, column: u16) -> Option<Node> {
        let source = self.of(table)?;
        if source.table().is_some() {
            return Some(Node::column(source, column));
        }
        let origin = aludel_sql::ColumnRef { source: table.to_source(), column };
        source.corresponding(&origin).map(|at| Node::column(source, at))
    }

    /// A column of one of the tables of a mapper of the hierarchy; of the table itself where nothing stands
    /// for it.
    pub(super) fn column(&self, mapper: &Mapper, at: ColumnRef) -> Node {
        let table = &mapper.tables[usize::from(at.table)];
        self.shown(table, at.column).unwrap_or_else(|| Node::column(table, at.column))
    }
}

/// Puts what stands for things in their places.
pub(super) struct Renamed<'s>(pub(super) &'s [(Source, Source)]);

impl Renamed<'_> {
    fn of(&self, source: &Source) -> Option<&Source> {
        self.0.iter().find(|(from, _)| from == source).map(|(_, to)| to)
    }
}

impl Rewriter for Renamed<'_> {
    fn node(&mut self, node: &Node) -> Result<Option<Node>> {
        let Node::Column(column) = node else { return Ok(None) };
        let to = self.of(&column.source);
        Ok(Some(to.map_or_else(|| node.clone(), |to| Node::column(to, column.column))))
    }

    fn item(&mut self, item: &FromItem) -> Result<Option<FromItem>> {
        let FromItem::Source(source) = item else { return Ok(None) };
        Ok(Some(self.of(source).unwrap_or(source).clone().into()))
    }
}
