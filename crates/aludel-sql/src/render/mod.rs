//! From the tree to SQL text.
//!
//! ```text
//! render ── names     first look: names that are taken, WITH in the order of dependence
//!    │
//!    ├─ select, from  FROM and correlation
//!    ├─ write         INSERT, UPDATE, DELETE
//!    ├─ arrays        INSERT of rows that come as arrays
//!    └─ node, call    expressions
//! ```
//!
//! Parameters of the caller are written by their ordinals. A value that is still in the tree (a
//! rewriter put it there) becomes a fixed parameter behind them. Where lists of values go as arrays, or
//! parameters are left out, a statement is written twice: the second time it is known which number each placeholder has.

mod arrays;
mod call;
mod from;
mod names;
mod node;
mod select;
mod write;

use hashbrown::HashMap;

use crate::statement::{Query, Statement};
use crate::tree::{Source, TextNode, TextPart};
use crate::{
    ArrayParam, Compiled, Dialect, DialectKind, Error, ErrorKind, Result, StatementKind, Value,
};

/// Renders a statement in which the caller's parameters are numbered. `params` says how many there
/// are; if it does not, those that stand in the statement tell.
pub(crate) fn render(
    statement: &Statement,
    dialect: &Dialect,
    params: Option<u32>,
) -> Result<Compiled> {
    let (mut compiled, found) = write(statement, dialect, params, Found::default())?;
    // Databases want as many parameters as there are placeholders.
    let dropped = params.is_some() && found.sent.is_some();
    if dropped || !found.arrays.is_empty() {
        let sent = found.sent.clone().filter(|_| dropped);
        let known = Found { sent: sent.clone(), arrays: found.arrays };
        (compiled, _) = write(statement, dialect, params, known)?;
        compiled.order = compiled.order.or(sent.map(Into::into));
    }
    Ok(compiled)
}

/// What the first writing of a statement has found.
#[derive(Clone, Debug, Default)]
struct Found {
    /// The parameters that have placeholders, by their ordinals, where some have none.
    sent: Option<Vec<u32>>,
    /// Those that go as arrays, by the ordinal of the first, in their order.
    arrays: Vec<ArrayParam>,
}

impl Found {
    /// The position of a parameter among those that are sent.
    fn position(&self, ordinal: u32) -> u32 {
        let known = self.sent.as_ref().and_then(|sent| sent.binary_search(&ordinal).ok());
        known.map_or(ordinal, |at| at as u32)
    }

    /// The number of the placeholder of a parameter, from 0 on.
    fn number(&self, ordinal: u32) -> usize {
        let before = self.arrays.iter().filter(|array| array.first < ordinal);
        (self.position(ordinal) - before.map(|array| array.len - 1).sum::<u32>()) as usize
    }
}

/// Writes a statement by what is known of its parameters; gives what was found of them, for a second time.
fn write(
    statement: &Statement,
    dialect: &Dialect,
    params: Option<u32>,
    known: Found,
) -> Result<(Compiled, Found)> {
    let first_look = names::Names::of(statement);
    let mut r = Renderer {
        dialect,
        takes_arrays: dialect.capabilities.arrays && matches!(statement, Statement::Query(_)),
        known,
        sql: String::new(),
        params: params.unwrap_or(first_look.params),
        fixed: Vec::new(),
        order: Vec::new(),
        arrays: Vec::new(),
        aliases: HashMap::default(),
        names: first_look,
        scopes: Vec::new(),
        bare: Bare::Nothing,
        results: Vec::new(),
    };
    let queries = r.names.queries;
    let (kind, table, columns, rows) = r.statement(statement)?;
    let found = Found { sent: r.sent(), arrays: r.whole_arrays() };
    let order = (dialect.kind == DialectKind::MySql && !r.in_order()).then(|| r.order.into());
    let at = |array: &ArrayParam| ArrayParam { first: r.known.position(array.first), ..*array };
    let compiled = Compiled {
        table: table.map(|t| t.full_name().into()),
        columns: columns.into(),
        returns_rows: rows,
        queries,
        fixed: r.fixed.into(),
        order,
        arrays: r.known.arrays.iter().map(at).collect(),
        ..Compiled::new(r.sql, kind)
    };
    Ok((compiled, found))
}

/// Which columns are written without the name of their table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    Nothing,
    /// Those of a source.
    Of(u32),
    /// All: columns of a result.
    All,
}

struct Renderer<'d> {
    dialect: &'d Dialect,
    /// Lists of values may go as arrays. In a statement that writes each value has a placeholder: it may be one of a
    /// batch.
    takes_arrays: bool,
    /// What the first writing has found, if this is the second one.
    known: Found,
    sql: String,
    /// How many parameters the caller gives.
    params: u32,
    fixed: Vec<Value>,
    /// The ordinal of each parameter that has a placeholder, in the order of the text.
    order: Vec<u32>,
    /// Lists that could go as arrays.
    arrays: Vec<ArrayParam>,
    /// The names of aliases, by their ids.
    aliases: HashMap<u32, Box<str>, foldhash::fast::RandomState>,
    names: names::Names,
    /// What the enclosing statements have in FROM, the innermost last.
    scopes: Vec<Vec<u32>>,
    bare: Bare,
    /// The labels of the result of the SELECT at hand, and their positions.
    results: Vec<(Box<str>, usize)>,
}

type Rendered<'s> = (StatementKind, Option<&'s crate::Table>, Vec<Box<str>>, bool);

impl Renderer<'_> {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn quote(&mut self, name: &str) {
        self.dialect.quote(&mut self.sql, name);
    }

    fn is(&self, kind: DialectKind) -> bool {
        self.dialect.kind == kind
    }

    fn each<T>(
        &mut self,
        items: &[T],
        between: &str,
        mut f: impl FnMut(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push(between);
            }
            f(self, item)?;
        }
        Ok(())
    }

    fn placeholder(&mut self, ordinal: u32) {
        self.dialect.placeholder(&mut self.sql, self.known.number(ordinal));
        self.order.push(ordinal);
    }

    /// The parameters that have placeholders, where some have none.
    fn sent(&self) -> Option<Vec<u32>> {
        let mut there = self.order.clone();
        there.sort_unstable();
        there.dedup();
        (there.len() < self.params as usize + self.fixed.len()).then_some(there)
    }

    /// The lists that can go as arrays, since nothing else has a part of their values.
    fn whole_arrays(&self) -> Vec<ArrayParam> {
        if self.arrays.is_empty() {
            return Vec::new();
        }
        let mut uses: HashMap<u32, usize> = HashMap::default();
        self.order.iter().for_each(|ordinal| *uses.entry(*ordinal).or_default() += 1);
        let whole = |array: &&ArrayParam| {
            let written = self.arrays.iter().filter(|other| other == array).count();
            (array.first..array.first + array.len).all(|ordinal| uses[&ordinal] == written)
        };
        let mut arrays: Vec<ArrayParam> = self.arrays.iter().filter(whole).copied().collect();
        arrays.sort_unstable_by_key(|array| array.first);
        arrays.dedup();
        arrays
    }

    /// A value that the caller does not know of.
    fn constant(&mut self, value: &Value) {
        let ordinal = self.params + self.fixed.len() as u32;
        self.fixed.push(value.clone());
        self.placeholder(ordinal);
    }

    /// Whether the placeholders take all parameters in their order.
    fn in_order(&self) -> bool {
        let all = self.params as usize + self.fixed.len();
        self.order.len() == all && self.order.iter().enumerate().all(|(i, &o)| i == o as usize)
    }

    #[cold]
    fn cannot(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unsupported, format!("{} has no {what}", self.dialect.name()))
    }

    fn demand(&self, can: bool, what: &str) -> Result<()> {
        if can { Ok(()) } else { Err(self.cannot(what)) }
    }

    fn statement<'s>(&mut self, statement: &'s Statement) -> Result<Rendered<'s>> {
        let written = |table: &crate::Table, columns: &mut dyn Iterator<Item = u16>| {
            columns.map(|c| table.columns()[usize::from(c)].name.clone()).collect()
        };
        Ok(match statement {
            Statement::Query(query) => {
                self.with()?;
                self.query(query, select::Place::Top, None)?;
                (StatementKind::Select, None, Vec::new(), true)
            }
            Statement::Insert(insert) => {
                self.insert(insert)?;
                let columns = written(&insert.table, &mut insert.columns.iter().copied());
                let rows = !insert.returning.is_empty();
                (StatementKind::Insert, Some(&insert.table), columns, rows)
            }
            Statement::Update(update) => {
                self.with()?;
                self.update(update)?;
                let columns = written(&update.table, &mut update.set.iter().map(|(c, _)| *c));
                let rows = !update.returning.is_empty();
                (StatementKind::Update, Some(&update.table), columns, rows)
            }
            Statement::Delete(delete) => {
                self.with()?;
                self.delete(delete)?;
                let rows = !delete.returning.is_empty();
                (StatementKind::Delete, Some(&delete.table), Vec::new(), rows)
            }
            Statement::Text(text) => {
                self.text(text)?;
                let kind = Compiled::raw(self.sql.as_str()).kind;
                (kind, None, Vec::new(), kind == StatementKind::Select)
            }
        })
    }

    /// WITH, and what is in it.
    fn with(&mut self) -> Result<()> {
        let ctes = std::mem::take(&mut self.names.ctes);
        if ctes.is_empty() {
            return Ok(());
        }
        let recursive = ctes.iter().any(|cte| cte.is_recursive());
        self.push(if recursive { "WITH RECURSIVE " } else { "WITH " });
        self.each(&ctes, ", ", |r, cte| {
            r.quote(cte.name());
            r.push("(");
            r.each(cte.derived(), ", ", |r, column| {
                r.quote(&column.name);
                Ok(())
            })?;
            r.push(") AS (");
            if let Some(body) = cte.body() {
                r.query(body, select::Place::From, None)?;
            }
            r.push(")");
            Ok(())
        })?;
        self.push(" ");
        Ok(())
    }

    fn text(&mut self, text: &TextNode) -> Result<()> {
        for part in &text.parts {
            match part {
                TextPart::Sql(sql) => self.push(sql),
                TextPart::Bind(_, Some(node)) => self.operand(node, node::ATOM)?,
                TextPart::Bind(name, None) => {
                    let message =
                        format!("no value was given for the parameter `{name}` of a text");
                    return Err(Error::new(ErrorKind::Argument, message));
                }
            }
        }
        Ok(())
    }

    /// The name by which columns of a source are qualified.
    fn qualifier(&mut self, source: &Source) {
        match source {
            Source::Table(table) => self.dialect.quote_table(&mut self.sql, table),
            Source::Alias(alias) => {
                let name = self.alias_name(alias);
                self.quote(&name);
            }
            Source::Cte(cte) => self.quote(cte.name()),
        }
    }

    /// A query that stands in brackets, for a value.
    fn subquery(&mut self, query: &Query) -> Result<()> {
        self.push("(");
        self.query(query, select::Place::Value, None)?;
        self.push(")");
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
