//! Making a tree of another: the one walk by which trees are changed.
//!
//! The parts are visited in the order in which the key is written. What belongs to an alias is
//! rewritten once, however often the alias is met, and keeps the alias' identity.

use hashbrown::HashMap;

use super::key::{in_bucket, is_uniform};
use super::{
    Alias, Aliased, Between, Case, ColumnRef, Cte, FromItem, Function, In, InSet, Join, Like, Node,
    Source, TextNode, TextPart, Window,
};
use crate::statement::{
    ArrayRows, ConflictAction, Correlate, Delete, Distinct, Insert, InsertValues, Lock, OnConflict,
    Query, Select, SetQuery, Statement, Update,
};
use crate::{Error, ErrorKind, Result};

/// What changes a tree. Each method is asked before the parts of what it is shown are visited:
/// what it gives is taken as it is, and `None` goes on with the parts.
pub trait Rewriter {
    /// What a node becomes.
    ///
    /// # Errors
    /// Whatever is wrong; the rewriting ends with it.
    fn node(&mut self, node: &Node) -> Result<Option<Node>> {
        let _ = node;
        Ok(None)
    }

    /// What an item of FROM becomes.
    ///
    /// # Errors
    /// Whatever is wrong; the rewriting ends with it.
    fn item(&mut self, item: &FromItem) -> Result<Option<FromItem>> {
        let _ = item;
        Ok(None)
    }

    /// What a SELECT becomes, be it the statement or within it. Parts that it keeps can be
    /// rewritten by [`Select::rewrite_parts`].
    ///
    /// # Errors
    /// Whatever is wrong; the rewriting ends with it.
    fn select(&mut self, select: &Select) -> Result<Option<Select>> {
        let _ = select;
        Ok(None)
    }
}

/// A rewriter of nodes only.
struct Nodes<'f>(&'f mut dyn FnMut(&Node) -> Result<Option<Node>>);

impl Rewriter for Nodes<'_> {
    fn node(&mut self, node: &Node) -> Result<Option<Node>> {
        (self.0)(node)
    }
}

impl Node {
    /// This node with itself and its parts replaced: `f` says what a node becomes, `None` to go on
    /// with its parts. Subqueries are rewritten, too.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn rewrite(&self, f: &mut dyn FnMut(&Node) -> Result<Option<Node>>) -> Result<Node> {
        Walk::new(&mut Nodes(f)).node(self)
    }

    /// As [`rewrite`](Self::rewrite), by a [`Rewriter`].
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite_by(&self, rewriter: &mut dyn Rewriter) -> Result<Node> {
        Walk::new(rewriter).node(self)
    }

    /// As [`rewrite`](Self::rewrite), for the parts of the node only.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn rewrite_parts(&self, f: &mut dyn FnMut(&Node) -> Result<Option<Node>>) -> Result<Node> {
        Walk::new(&mut Nodes(f)).parts(self)
    }
}

impl FromItem {
    /// This item with its parts rewritten; see [`Rewriter`].
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite(&self, rewriter: &mut dyn Rewriter) -> Result<FromItem> {
        Walk::new(rewriter).item(self)
    }
}

impl Query {
    /// This query with its parts rewritten; see [`Rewriter`].
    ///
    /// # Errors
    /// Those of the rewriter.
    pub fn rewrite(&self, rewriter: &mut dyn Rewriter) -> Result<Query> {
        Walk::new(rewriter).query(self)
    }
}

/// The statement with every value replaced by a parameter, numbered in the order of the key; and
/// how many there are.
pub(crate) fn number(statement: &Statement) -> Result<(Statement, u32)> {
    struct Nothing;
    impl Rewriter for Nothing {}
    let mut nothing = Nothing;
    let mut walk = Walk { numbering: Some(0), ..Walk::new(&mut nothing) };
    let numbered = walk.statement(statement)?;
    Ok((numbered, walk.numbering.unwrap_or(0)))
}

/// One rewriting of a statement.
pub(crate) struct Walk<'r> {
    rewriter: &'r mut dyn Rewriter,
    /// What aliases and common table expressions have become, by their ids.
    done: HashMap<u32, Source, foldhash::fast::RandomState>,
    /// The next ordinal, where values are to become parameters.
    numbering: Option<u32>,
}

impl<'r> Walk<'r> {
    pub(crate) fn new(rewriter: &'r mut dyn Rewriter) -> Self {
        Self { rewriter, done: HashMap::default(), numbering: None }
    }

    fn boxed(&mut self, node: &Node) -> Result<Box<Node>> {
        self.node(node).map(Box::new)
    }

    fn nodes(&mut self, nodes: &[Node]) -> Result<Vec<Node>> {
        nodes.iter().map(|node| self.node(node)).collect()
    }

    fn option(&mut self, node: Option<&Node>) -> Result<Option<Node>> {
        node.map(|node| self.node(node)).transpose()
    }

    pub(crate) fn node(&mut self, node: &Node) -> Result<Node> {
        match self.rewriter.node(node)? {
            Some(done) => Ok(done),
            None => self.parts(node),
        }
    }

    pub(crate) fn parts(&mut self, node: &Node) -> Result<Node> {
        Ok(match node {
            Node::Column(c) => {
                Node::Column(ColumnRef { source: self.source(&c.source)?, column: c.column })
            }
            Node::Literal(literal) => match &mut self.numbering {
                Some(next) => {
                    *next += 1;
                    Node::param(*next - 1, literal.data_type)
                }
                None => node.clone(),
            },
            Node::Param(_) | Node::Null | Node::Star | Node::Excluded(..) => node.clone(),
            Node::Unary(op, operand) => Node::Unary(*op, self.boxed(operand)?),
            Node::Binary(op, operands) => {
                Node::binary(*op, self.node(&operands.0)?, self.node(&operands.1)?)
            }
            Node::Junction(kind, nodes) => Node::Junction(*kind, self.nodes(nodes)?),
            Node::In(node) => Node::In(Box::new(In {
                operand: self.node(&node.operand)?,
                negated: node.negated,
                set: self.in_set(&node.set)?,
            })),
            Node::Between(node) => Node::Between(Box::new(Between {
                operand: self.node(&node.operand)?,
                low: self.node(&node.low)?,
                high: self.node(&node.high)?,
                negated: node.negated,
            })),
            Node::Like(like) => Node::Like(Box::new(Like {
                operand: self.node(&like.operand)?,
                pattern: self.node(&like.pattern)?,
                ..**like
            })),
            Node::Case(case) => {
                let whens = case.whens.iter().map(|(w, t)| Ok((self.node(w)?, self.node(t)?)));
                let whens = whens.collect::<Result<_>>()?;
                let otherwise = self.option(case.otherwise.as_ref())?;
                Node::Case(Box::new(Case { whens, otherwise }))
            }
            Node::Cast(operand, data_type) => Node::Cast(self.boxed(operand)?, *data_type),
            Node::Coerce(operand, data_type) => Node::Coerce(self.boxed(operand)?, *data_type),
            Node::Function(function) => Node::Function(Box::new(Function {
                name: function.name.clone(),
                args: self.nodes(&function.args)?,
                data_type: function.data_type,
                distinct: function.distinct,
                filter: self.option(function.filter.as_ref())?,
                over: match &function.over {
                    Some(window) => Some(Window {
                        partition_by: self.nodes(&window.partition_by)?,
                        order_by: self.nodes(&window.order_by)?,
                    }),
                    None => None,
                },
            })),
            Node::Tuple(nodes) => Node::Tuple(self.nodes(nodes)?),
            Node::Subquery(query) => Node::Subquery(self.query(query)?),
            Node::Exists(query) => Node::Exists(self.query(query)?),
            Node::Label(operand, name) => Node::Label(self.boxed(operand)?, name.clone()),
            Node::Order(operand, direction) => Node::Order(self.boxed(operand)?, *direction),
            Node::Text(text) => Node::Text(self.text(text)?.into()),
            Node::Custom(custom) => match custom.rebuild(&mut |node| self.node(node))? {
                Some(rebuilt) => Node::Custom(rebuilt),
                None => node.clone(),
            },
        })
    }

    fn in_set(&mut self, set: &InSet) -> Result<InSet> {
        let list = match set {
            InSet::Query(query) => return Ok(InSet::Query(self.query(query)?)),
            InSet::List(list) => list,
        };
        let mut done = self.nodes(list)?;
        if self.numbering.is_some() && is_uniform(list) {
            for _ in list.len()..in_bucket(list.len()) {
                done.push(self.node(&list[list.len() - 1])?);
            }
        }
        Ok(InSet::List(done))
    }

    fn text(&mut self, text: &TextNode) -> Result<TextNode> {
        let part = |part: &TextPart| {
            Ok(match part {
                TextPart::Sql(sql) => TextPart::Sql(sql.clone()),
                TextPart::Bind(name, node) => {
                    TextPart::Bind(name.clone(), self.option(node.as_ref())?)
                }
            })
        };
        let parts = text.parts.iter().map(part).collect::<Result<_>>()?;
        Ok(TextNode { parts, data_type: text.data_type })
    }

    fn source(&mut self, source: &Source) -> Result<Source> {
        Ok(match source {
            Source::Table(_) => source.clone(),
            Source::Alias(alias) => Source::Alias(self.alias(alias)?),
            Source::Cte(cte) => Source::Cte(self.cte(cte)?),
        })
    }

    fn sources(&mut self, sources: &[Source]) -> Result<Vec<Source>> {
        sources.iter().map(|source| self.source(source)).collect()
    }

    fn alias(&mut self, alias: &Alias) -> Result<Alias> {
        if let Some(Source::Alias(done)) = self.done.get(&alias.id()) {
            return Ok(done.clone());
        }
        let done = match alias.of() {
            Aliased::Table(_) => alias.clone(),
            Aliased::Cte(cte) => alias.with(Aliased::Cte(self.cte(cte)?)),
            Aliased::Query(query) => alias.with(Aliased::Query(self.query(query)?)),
            Aliased::Lateral(query) => alias.with(Aliased::Lateral(self.query(query)?)),
        };
        self.done.insert(alias.id(), Source::Alias(done.clone()));
        Ok(done)
    }

    fn cte(&mut self, cte: &Cte) -> Result<Cte> {
        if let Some(Source::Cte(done)) = self.done.get(&cte.id()) {
            return Ok(done.clone());
        }
        // The reference to itself, within a recursive one, stays what it is.
        let Some(body) = &cte.body else { return Ok(cte.clone()) };
        let done = cte.with(self.query(body)?);
        self.done.insert(cte.id(), Source::Cte(done.clone()));
        Ok(done)
    }

    fn items(&mut self, items: &[FromItem]) -> Result<Vec<FromItem>> {
        items.iter().map(|item| self.item(item)).collect()
    }

    pub(crate) fn item(&mut self, item: &FromItem) -> Result<FromItem> {
        if let Some(done) = self.rewriter.item(item)? {
            return Ok(done);
        }
        Ok(match item {
            FromItem::Source(source) => FromItem::Source(self.source(source)?),
            FromItem::Join(join) => FromItem::Join(Box::new(Join {
                left: self.item(&join.left)?,
                right: self.item(&join.right)?,
                kind: join.kind,
                on: self.option(join.on.as_ref())?,
            })),
            FromItem::Custom(custom) => match custom.rebuild(&mut |node| self.node(node))? {
                Some(rebuilt) => FromItem::Custom(rebuilt),
                None => item.clone(),
            },
        })
    }

    pub(crate) fn query(&mut self, query: &Query) -> Result<Query> {
        Ok(match query {
            Query::Select(select) => self.select(select)?.into(),
            Query::Set(set) => SetQuery {
                op: set.op,
                parts: set.parts.iter().map(|part| self.query(part)).collect::<Result<_>>()?,
                order_by: self.nodes(&set.order_by)?,
                limit: self.option(set.limit.as_ref())?,
                offset: self.option(set.offset.as_ref())?,
            }
            .into(),
        })
    }

    pub(crate) fn select(&mut self, select: &Select) -> Result<Select> {
        match self.rewriter.select(select)? {
            Some(done) => Ok(done),
            None => self.select_parts(select),
        }
    }

    pub(crate) fn select_parts(&mut self, select: &Select) -> Result<Select> {
        Ok(Select {
            columns: self.nodes(&select.columns)?,
            from: self.items(&select.from)?,
            filter: self.nodes(&select.filter)?,
            group_by: self.nodes(&select.group_by)?,
            having: self.nodes(&select.having)?,
            order_by: self.nodes(&select.order_by)?,
            limit: self.option(select.limit.as_ref())?,
            offset: self.option(select.offset.as_ref())?,
            distinct: match &select.distinct {
                Distinct::On(by) => Distinct::On(self.nodes(by)?),
                other => other.clone(),
            },
            lock: match &select.lock {
                Some(lock) => Some(Lock { of: self.sources(&lock.of)?, ..lock.clone() }),
                None => None,
            },
            correlate: match &select.correlate {
                Correlate::Auto => Correlate::Auto,
                Correlate::Only(sources) => Correlate::Only(self.sources(sources)?),
                Correlate::Except(sources) => Correlate::Except(self.sources(sources)?),
            },
            carried: self.nodes(&select.carried)?,
        })
    }

    pub(crate) fn statement(&mut self, statement: &Statement) -> Result<Statement> {
        Ok(match statement {
            Statement::Query(query) => Statement::Query(self.query(query)?),
            Statement::Insert(insert) => Statement::Insert(Box::new(self.insert(insert)?)),
            Statement::Update(update) => Statement::Update(Box::new(Update {
                set: self.assignments(&update.set)?,
                from: self.items(&update.from)?,
                filter: self.nodes(&update.filter)?,
                returning: self.nodes(&update.returning)?,
                ..(**update).clone()
            })),
            Statement::Delete(delete) => Statement::Delete(Box::new(Delete {
                table: delete.table.clone(),
                using: self.items(&delete.using)?,
                filter: self.nodes(&delete.filter)?,
                returning: self.nodes(&delete.returning)?,
            })),
            Statement::Text(text) => Statement::Text(self.text(text)?.into()),
        })
    }

    fn assignments(&mut self, set: &[(u16, Node)]) -> Result<Vec<(u16, Node)>> {
        set.iter().map(|(column, value)| Ok((*column, self.node(value)?))).collect()
    }

    fn insert(&mut self, insert: &Insert) -> Result<Insert> {
        Ok(Insert {
            values: match &insert.values {
                InsertValues::Rows(rows) => {
                    let rows = rows.iter().map(|row| self.nodes(row));
                    InsertValues::Rows(rows.collect::<Result<_>>()?)
                }
                InsertValues::Query(query) => InsertValues::Query(self.query(query)?),
                InsertValues::Arrays(rows) => InsertValues::Arrays(ArrayRows {
                    arrays: self.nodes(&rows.arrays)?,
                    rest: self.nodes(&rows.rest)?,
                    matched: rows.matched.clone(),
                }),
            },
            on_conflict: match &insert.on_conflict {
                None => None,
                Some(OnConflict { target, action }) => Some(OnConflict {
                    target: target.clone(),
                    action: match action {
                        ConflictAction::Nothing => ConflictAction::Nothing,
                        ConflictAction::Update { set, filter } => ConflictAction::Update {
                            set: self.assignments(set)?,
                            filter: self.nodes(filter)?,
                        },
                    },
                }),
            },
            returning: self.nodes(&insert.returning)?,
            ..insert.clone()
        })
    }
}

/// The numbering and the key disagree: a custom node rebuilds what it does not write, or the other
/// way round.
#[cold]
pub(crate) fn out_of_step() -> Error {
    Error::new(
        ErrorKind::Configuration,
        "a custom node writes other nodes into its key than it rebuilds, or in another order",
    )
}
