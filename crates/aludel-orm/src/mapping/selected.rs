//! What rows are selected from, of a class that is mapped to something else than tables.

use aludel_sql::{BinaryOp, FromItem, JoinKind, Junction, Node, Source, Table, did_you_mean};

use super::problems::quoted;

/// What a class's rows are selected from, where that is not its tables joined by their keys: SQLAlchemy's
/// `persist_selectable`.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    pub(crate) from: FromItem,
    /// The tables that are written, with what shows them in `from`; a table after those that it refers to.
    pub(crate) shows: Vec<(Table, Source)>,
    /// All tables that are to be seen, also those that are only read; and those of subclasses.
    pub(crate) tables: Vec<Table>,
}

/// A column of what rows are selected from: the place of its source, and its own in there.
pub(super) type At = (usize, u16);

/// The columns of what rows are selected from.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) from: FromItem,
    sources: Vec<Source>,
    /// What the conditions of the joins say to be equal.
    equal: Vec<(At, At)>,
    /// The tables that are to be seen.
    tables: Vec<Table>,
}

impl Columns {
    pub(super) fn of(from: FromItem) -> Self {
        let sources: Vec<Source> = from.sources().into_iter().cloned().collect();
        let mut tables = Tables::default();
        // Looking changes nothing, so that nothing fails.
        let _ = from.rewrite(&mut tables);
        let mut columns = Self { from: from.clone(), sources, equal: Vec::new(), tables: tables.0 };
        columns.equate_joins(&from);
        columns
    }

    fn equate_joins(&mut self, item: &FromItem) {
        let FromItem::Join(join) = item else { return };
        self.equate_joins(&join.left);
        self.equate_joins(&join.right);
        if let (JoinKind::Inner | JoinKind::Left, Some(on)) = (join.kind, &join.on) {
            self.equate(on);
        }
    }

    fn equate(&mut self, on: &Node) {
        match on {
            Node::Junction(Junction::And, nodes) => nodes.iter().for_each(|node| self.equate(node)),
            Node::Binary(BinaryOp::Eq, operands) => {
                if let (Some(left), Some(right)) =
                    (self.place(&operands.0), self.place(&operands.1))
                {
                    self.equal.push((left, right));
                }
            }
            _ => {}
        }
    }

    fn place(&self, node: &Node) -> Option<At> {
        let Node::Column(column) = node else { return None };
        Some((self.sources.iter().position(|s| *s == column.source)?, column.column))
    }

    /// A column by its name, or by `source.name` where there are several.
    ///
    /// # Errors
    ///
    /// What is wrong with the name.
    pub(super) fn find(&self, name: &str) -> Result<At, String> {
        let within = |of: Option<&str>, name: &str| -> Vec<At> {
            let sources = self.sources.iter().enumerate();
            let sources = sources.filter(|(_, s)| of.is_none_or(|of| s.describe() == of));
            sources.filter_map(|(at, s)| Some((at, s.column(name)?))).collect()
        };
        let mut found = within(None, name);
        if let Some((of, name)) = name.rsplit_once('.')
            && found.is_empty()
        {
            found = within(Some(of), name);
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] => {
                let near = did_you_mean(name, self.names());
                let of = quoted(self.sources.iter().map(Source::describe));
                Err(format!(
                    "{of} {} no column `{name}`{near}",
                    if self.sources.len() == 1 { "has" } else { "have" }
                ))
            }
            several => Err(format!(
                "`{name}` is a column of several: say which, {}",
                quoted(several.iter().map(|at| self.qualified(*at)))
            )),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().flat_map(|s| (0..s.width()).map(|column| s.column_name(column)))
    }

    /// All columns.
    pub(super) fn all(&self) -> impl Iterator<Item = At> {
        let sources = self.sources.iter().enumerate();
        sources.flat_map(|(at, source)| (0..source.width()).map(move |column| (at, column)))
    }

    pub(super) fn qualified(&self, (source, column): At) -> String {
        let source = &self.sources[source];
        format!("{}.{}", source.describe(), source.column_name(column))
    }

    pub(super) fn name(&self, (source, column): At) -> &str {
        self.sources[source].column_name(column)
    }

    pub(super) fn data_type(&self, (source, column): At) -> Option<aludel_sql::DataType> {
        self.sources[source].column_type(column)
    }

    /// Whether a column may be NULL, and whether the database gives it a value.
    pub(super) fn is_nullable(&self, at: At) -> (bool, bool) {
        let Some(table) = self.sources[at.0].table() else { return (true, false) };
        let column = &table.columns()[usize::from(at.1)];
        let outer = is_outer(&self.from, &self.sources[at.0]);
        (column.nullable || outer, !outer && table.autoincrement() == Some(at.1))
    }

    /// The column as an expression.
    pub(super) fn node(&self, (source, column): At) -> Node {
        Node::column(&self.sources[source], column)
    }

    pub(super) fn source(&self, at: At) -> &Source {
        &self.sources[at.0]
    }

    /// The columns that a join makes equal to one, itself first.
    pub(super) fn equals(&self, at: At) -> Vec<At> {
        let mut all = vec![at];
        let mut next = 0;
        while let Some(&at) = all.get(next) {
            next += 1;
            for &(left, right) in &self.equal {
                for (one, other) in [(left, right), (right, left)] {
                    if one == at && !all.contains(&other) {
                        all.push(other);
                    }
                }
            }
        }
        all
    }

    /// The column of a table that a column shows.
    pub(super) fn shown(&self, (source, column): At, table: &Table) -> Option<u16> {
        let source = &self.sources[source];
        if source.table() == Some(table) {
            return Some(column);
        }
        let origins = source.origins(column);
        origins.into_iter().find(|(id, _)| *id == table.id()).map(|(_, column)| column)
    }

    /// The columns that identify a row, as the tables' primary keys tell.
    pub(super) fn primary_key(&self) -> Vec<At> {
        let mut key: Vec<At> = Vec::new();
        let is_key = |at: At| {
            self.tables
                .iter()
                .any(|t| self.shown(at, t).is_some_and(|c| t.primary_key().contains(&c)))
        };
        for at in self.all().filter(|at| is_key(*at)) {
            if !self.equals(at).iter().any(|equal| key.contains(equal)) {
                key.push(at);
            }
        }
        key
    }

    /// What is selected from, when the attributes have these columns.
    pub(super) fn selected(&self, mapped: &[At]) -> Selected {
        let mut shows: Vec<(Table, Source)> = Vec::new();
        for table in &self.tables {
            let whole = |(place, _): &(usize, &Source)| {
                let key = table.primary_key();
                let has = |column: &u16| {
                    let here = mapped.iter().filter(|at| at.0 == *place);
                    here.into_iter().any(|at| self.shown(*at, table) == Some(*column))
                };
                !key.is_empty() && key.iter().all(has)
            };
            if let Some((_, source)) = self.sources.iter().enumerate().find(whole) {
                shows.push((table.clone(), source.clone()));
            }
        }
        let mut sorted: Vec<(Table, Source)> = Vec::new();
        while !shows.is_empty() {
            let waits = |(table, _): &(Table, Source)| {
                let refers = |(other, _): &(Table, Source)| {
                    other != table
                        && table.foreign_keys().iter().any(|k| !k.use_alter && k.refers_to(other))
                };
                shows.iter().any(refers)
            };
            let ready = shows.iter().position(|shown| !waits(shown)).unwrap_or(0);
            sorted.push(shows.remove(ready));
        }
        Selected { from: self.from.clone(), shows: sorted, tables: self.tables.clone() }
    }
}

/// Whether rows may have nothing of a source, which an outer join brings.
fn is_outer(item: &FromItem, source: &Source) -> bool {
    let FromItem::Join(join) = item else { return false };
    let (left, right) = (&join.left, &join.right);
    match left.sources().contains(&source) {
        true => join.kind == JoinKind::Full || is_outer(left, source),
        false => matches!(join.kind, JoinKind::Left | JoinKind::Full) || is_outer(right, source),
    }
}

/// The tables in a tree, in the order in which they are met.
#[derive(Default)]
struct Tables(Vec<Table>);

impl Tables {
    fn add(&mut self, source: &Source) {
        if let Some(table) = source.table()
            && !self.0.contains(table)
        {
            self.0.push(table.clone());
        }
    }
}

impl aludel_sql::Rewriter for Tables {
    fn item(&mut self, item: &FromItem) -> aludel_sql::Result<Option<FromItem>> {
        if let FromItem::Source(source) = item {
            self.add(source);
        }
        Ok(None)
    }

    /// A query may leave it to its columns to say what it selects from.
    fn node(&mut self, node: &Node) -> aludel_sql::Result<Option<Node>> {
        if let Node::Column(column) = node {
            self.add(&column.source);
        }
        Ok(None)
    }
}
