//! Concrete hierarchies: the union that queries of a base select from.

use std::sync::Arc;

use aludel_sql::{Alias, Join, JoinKind, Node, Selectable as _, Table, Value};

use super::Build;
use crate::mapping::polymorphic_union::{Arm, union};

/// The union of the tables of a concrete hierarchy.
#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) alias: Alias,
    /// The column that tells of which table a row is.
    pub(crate) tag: Node,
    /// The classes whose tables they are, by what tells their rows.
    pub(crate) arms: Vec<(Value, u16)>,
    /// All tables.
    pub(crate) tables: Vec<Table>,
}

impl Build<'_> {
    /// Makes the unions of the classes that have a polymorphic identity, and concrete subclasses that have one.
    pub(super) fn unions(&mut self) {
        for class in self.classes() {
            let is_abstract = self.mapper(class).is_abstract_concrete;
            if self.is_broken(class) || self.mapper(class).identity.is_none() && !is_abstract {
                continue;
            }
            if is_abstract {
                self.check_identities_below(class);
            }
            let classes: Vec<u16> = self.classes().collect();
            let is_arm = |at: &u16| {
                let mapper = self.mapper(*at);
                let with_tables = mapper.selected.is_none() && !mapper.tables.is_empty();
                self.is_a(*at, class)
                    && mapper.root == *at
                    && mapper.identity.is_some()
                    && !mapper.is_abstract_concrete
                    && with_tables
            };
            let arms: Vec<u16> = classes.into_iter().filter(is_arm).collect();
            if arms.len() < 2 && !(is_abstract && arms.len() == 1) {
                continue;
            }
            let made = self.union_of(class, &arms);
            self.mapper_mut(class).union = Some(Arc::new(made));
        }
    }

    fn union_of(&mut self, class: u16, arms: &[u16]) -> Union {
        let mut tables: Vec<Table> = Vec::new();
        let mut told: Vec<(Value, u16)> = Vec::new();
        let mut parts = Vec::new();
        for &arm in arms {
            let Some(tag) = self.mapper(arm).identity.clone() else { continue };
            if let Some((_, other)) = told.iter().find(|(value, _)| *value == tag) {
                let other = self.spec(*other).def.name;
                let what = format!(
                    "its polymorphic identity {tag} is that of class `{other}` already; each class of a hierarchy needs its own"
                );
                self.problem(arm, what);
                continue;
            }
            told.push((tag.clone(), arm));
            let part = self.arm(arm, tag);
            tables.extend(part.1);
            parts.push(part.0);
        }
        let taken =
            |name: &str| parts.iter().any(|p: &Arm| p.columns.iter().any(|(c, ..)| c == name));
        let on = self.spec(class).def.polymorphic.as_ref().and_then(|p| p.on);
        let wanted = self.spec(class).said.polymorphic_on.as_deref().or(on).unwrap_or("type");
        let mut tag = wanted.to_owned();
        while taken(&tag) {
            tag.push('_');
        }
        let width = |parts: &[Arm]| {
            let names = parts.iter().flat_map(|p| &p.columns).map(|(name, ..)| name);
            names.collect::<hashbrown::HashSet<_>>().len()
        };
        let at = width(&parts) as u16;
        let of = self.mapper(class).local_table().map(|table| table.name().to_owned());
        let name =
            format!("all_{}", of.unwrap_or_else(|| self.spec(class).def.name.to_lowercase()));
        let alias = union(parts, &tag, &name);
        let tag = Node::column(&alias, at);
        Union { alias, tag, arms: told, tables }
    }

    /// The tables of a class and of those that share them, joined; a column under its own name, or with its table's
    /// before it where there is another of the name.
    fn arm(&self, class: u16, tag: Value) -> (Arm, Vec<Table>) {
        let mapper = self.mapper(class);
        let below = self.classes().filter(|at| self.mapper(*at).root == class);
        let mut tables: Vec<Table> = mapper.tables.clone();
        for at in std::iter::once(class).chain(below) {
            for table in &self.mapper(at).tables {
                if !tables.contains(table) {
                    tables.push(table.clone());
                }
            }
        }
        let mut from = tables[0].to_from();
        for table in &tables[1..] {
            let kind = if mapper.tables.contains(table) { JoinKind::Inner } else { JoinKind::Left };
            let on = Some(self.with_key_of(class, table));
            from = Join { left: from, right: table.to_from(), kind, on }.into();
        }
        let mut columns: Vec<(String, aludel_sql::DataType, Node)> = Vec::new();
        for table in &tables {
            for (at, column) in (0..).zip(table.columns()) {
                let name = match columns.iter().any(|(name, ..)| **name == *column.name) {
                    true => format!("{}_{}", table.name(), column.name),
                    false => column.name.to_string(),
                };
                columns.push((name, column.data_type, Node::column(table, at)));
            }
        }
        (Arm { tag, from, columns }, tables)
    }

    /// The condition under which a table of a subclass has the row that belongs to the class's first table.
    fn with_key_of(&self, class: u16, table: &Table) -> Node {
        let first = &self.mapper(class).tables[0];
        let holder = self
            .classes()
            .map(|at| self.mapper(at))
            .find(|m| m.root == class && m.tables.contains(table));
        let pairs = holder.into_iter().flat_map(|holder| {
            holder.primary_key.iter().filter_map(|attribute| {
                let columns = &holder.column(*attribute)?.columns;
                let own = columns.iter().find(|c| holder.table_of(**c) == table)?;
                let base = columns.iter().find(|c| holder.table_of(**c) == first)?;
                Some(Node::eq(Node::column(first, base.column), Node::column(table, own.column)))
            })
        });
        Node::and(pairs)
    }
}
