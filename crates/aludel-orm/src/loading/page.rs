//! Pages by key: what comes after (or before) an object in the order of a query, however far one has gone.
//!
//! A page is asked for by the values of the order at its edge, and not by an offset, so that it costs the same
//! wherever it is, and rows that come or go elsewhere do not move it.

use std::sync::Arc;

use aludel_sql::{BinaryOp, DataType, Direction, Node, NullsOrder, Row, UnaryOp, Value};

use super::cursor::Cursor;
use super::named::Prototype;
use super::query::{Query, What};
use super::select::Select;
use crate::instrumentation::entity::AttrLeaf;
use crate::instrumentation::{AttrKind, Handle, Id, Mapped};
use crate::mapping::Mapper;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// Which page of a query's objects is wanted; see [`Session::page`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Page {
    size: u32,
    edge: Option<Cursor>,
    backwards: bool,
}

impl Page {
    /// The first so many.
    pub const fn first(size: u32) -> Self {
        Self { size, edge: None, backwards: false }
    }

    /// The last so many.
    pub const fn last(size: u32) -> Self {
        Self { size, edge: None, backwards: true }
    }

    /// So many after a cursor: after the [`next`](PageOf::next) of the page before.
    pub const fn after(cursor: Cursor, size: u32) -> Self {
        Self { size, edge: Some(cursor), backwards: false }
    }

    /// So many before a cursor: before the [`previous`](PageOf::previous) of the page after.
    pub const fn before(cursor: Cursor, size: u32) -> Self {
        Self { size, edge: Some(cursor), backwards: true }
    }
}

/// A page of objects, in the order of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The objects.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the page before ends, if there is one.
    pub previous: Option<Cursor>,
}

impl<T> PageOf<T> {
    fn map<U>(self, item: impl Fn(T) -> U) -> PageOf<U> {
        let items = self.items.into_iter().map(item).collect();
        PageOf { items, next: self.next, previous: self.previous }
    }
}

/// One expression of the order.
pub(super) struct Key {
    operand: Node,
    /// The attribute's field, where it is one, to read values of cursors as it would.
    prototype: Option<Prototype>,
    data_type: DataType,
    descending: bool,
    nullable: bool,
    /// Whether NULLs come before all others.
    nulls_first: bool,
    /// The order says so.
    nulls_said: bool,
}

impl Key {
    fn of(node: &Node, query: &Query, mapper: &Mapper) -> Result<Self> {
        let (operand, direction) = match node {
            Node::Order(operand, direction) => (&**operand, *direction),
            other => (other, Direction { descending: false, nulls: NullsOrder::Default }),
        };
        let leaf = AttrLeaf::of(operand);
        let (mut nullable, mut data_type) = (true, operand.data_type().unwrap_or(DataType::Any));
        if let Some(leaf) = leaf {
            let class = leaf.entity.class;
            let def = class.attributes.get(usize::from(leaf.attribute));
            match def.map(|def| &def.kind) {
                Some(AttrKind::Column(column)) => data_type = column.data_type,
                Some(AttrKind::Composite(_)) => {
                    return Err(Error::new(
                        ErrorKind::Argument,
                        format!(
                            "{}.{} is a composite: a page is ordered by its parts",
                            class.name, leaf.name
                        ),
                    ));
                }
                _ => {}
            }
            if leaf.entity == query.entity
                && let Some(at) = mapper.column(leaf.attribute).and_then(|c| c.columns.first())
            {
                let key = mapper.primary_key.contains(&leaf.attribute);
                nullable = !key && mapper.column_of(*at).nullable;
            }
        }
        let nulls_first = match direction.nulls {
            NullsOrder::First => true,
            NullsOrder::Last => false,
            NullsOrder::Default => !direction.descending,
        };
        Ok(Self {
            operand: operand.clone(),
            prototype: leaf.map(Prototype::new),
            data_type,
            descending: direction.descending,
            nullable,
            nulls_first,
            nulls_said: direction.nulls != NullsOrder::Default,
        })
    }

    /// Where the order does not say where NULLs are, they are larger than all else, or smaller.
    pub(super) fn nulls_by_default(&mut self, large: bool) {
        if !self.nulls_said {
            self.nulls_first = self.descending == large;
        }
    }

    pub(super) fn operand(&self) -> &Node {
        &self.operand
    }

    fn reverse(&mut self) {
        self.descending = !self.descending;
        self.nulls_first = !self.nulls_first;
    }

    pub(super) fn order(&self) -> Node {
        let nulls = match (self.nullable, self.nulls_first) {
            (false, _) => NullsOrder::Default,
            (true, true) => NullsOrder::First,
            (true, false) => NullsOrder::Last,
        };
        let direction = Direction { descending: self.descending, nulls };
        Node::Order(Box::new(self.operand.clone()), direction)
    }

    fn is_null(&self) -> Node {
        Node::Unary(UnaryOp::IsNull, Box::new(self.operand.clone()))
    }

    fn value(&self, value: &Value) -> Node {
        let typed = self.prototype.as_ref().and_then(|prototype| prototype.typed(value));
        Node::value(typed.unwrap_or_else(|| value.clone()), self.data_type)
    }

    fn equals(&self, value: &Value) -> Node {
        match value.is_null() {
            true => self.is_null(),
            false => Node::eq(self.operand.clone(), self.value(value)),
        }
    }

    /// What comes after a value; nothing does where it is a NULL that comes last.
    fn beyond(&self, value: &Value) -> Option<Node> {
        if value.is_null() {
            return self.nulls_first.then(|| self.is_null().not());
        }
        let op = if self.descending { BinaryOp::Lt } else { BinaryOp::Gt };
        let greater = Node::binary(op, self.operand.clone(), self.value(value));
        Some(match self.nullable && !self.nulls_first {
            true => Node::or([greater, self.is_null()]),
            false => greater,
        })
    }
}

/// The order of a query of objects, with the primary key at its end.
pub(super) fn total_order(query: &Query, mapper: &Mapper) -> Result<Vec<Key>> {
    let order = &query.sql.order_by;
    let named: Vec<u16> = order
        .iter()
        .filter_map(|node| AttrLeaf::of(if let Node::Order(of, _) = node { of } else { node }))
        .filter(|leaf| leaf.entity == query.entity)
        .map(|leaf| leaf.attribute)
        .collect();
    let rest = mapper.primary_key.iter().filter(|attribute| !named.contains(attribute));
    let rest = rest.map(|attribute| query.entity.leaf(*attribute));
    order.iter().cloned().chain(rest).map(|node| Key::of(&node, query, mapper)).collect()
}

/// What comes after an object in the order.
pub(super) fn beyond(keys: &[Key], values: &[Value]) -> Node {
    let mut any = Vec::with_capacity(keys.len());
    let mut equal: Vec<Node> = Vec::with_capacity(keys.len());
    for (key, value) in keys.iter().zip(values) {
        if let Some(beyond) = key.beyond(value) {
            any.push(Node::and(equal.iter().cloned().chain([beyond])));
        }
        equal.push(key.equals(value));
    }
    Node::or(any)
}

/// What tells one order from another, in whatever process: the names, and which way they go.
fn fingerprint(keys: &[Key]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut write = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for key in keys {
        if let Some(leaf) = AttrLeaf::of(&key.operand) {
            write(leaf.entity.class.name);
            write(leaf.name);
        }
        write(if key.descending { ">" } else { "<" });
        write(if key.nulls_first { "first" } else { "last" });
    }
    hash
}

impl Session {
    /// A page of the objects that a query gives, and where the pages beside it begin: pagination by key (*keyset*).
    ///
    /// The query says the order, by any number of attributes or expressions, ascending or descending; the primary
    /// key is added to it, so that it is a total one. Where a database does not say otherwise, NULLs count as less
    /// than all else. Eager options work as ever.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let query = select::<User>().order_by((User::age.desc(), User::name));
    /// let first = session.page(query.clone(), Page::first(20)).await?;
    /// if let Some(next) = first.next {
    ///     let second = session.page(query, Page::after(next, 20)).await?;
    ///     println!("{} more", second.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all); when the page has no size, the query a limit or offset of its own or a join of a
    /// collection (whose rows are no pages of objects), and when the cursor is malformed or of another order.
    #[track_caller]
    pub fn page<T: Mapped>(
        &mut self,
        query: Select<T>,
        page: Page,
    ) -> impl Future<Output = Result<PageOf<Handle<T>>>> {
        self.called();
        async move { Ok(self.page_ids(query.into_query(), page).await?.map(Handle::new)) }
    }

    /// As [`page`](Self::page), of a query without types.
    ///
    /// # Errors
    ///
    /// As [`page`](Self::page).
    #[track_caller]
    pub fn page_of(
        &mut self,
        query: Query,
        page: Page,
    ) -> impl Future<Output = Result<PageOf<Id>>> {
        self.called();
        self.page_ids(query, page)
    }

    async fn page_ids(&mut self, mut query: Query, page: Page) -> Result<PageOf<Id>> {
        let Page { size, edge, backwards } = page;
        self.check_pages(&query, size)?;
        let class = self.learn(query.entity.class)?;
        let mappers = Arc::clone(&self.mappers);
        let mapper = mappers.at(class);
        let mut keys = total_order(&query, mapper)?;
        let fingerprint = fingerprint(&keys);
        if backwards {
            keys.iter_mut().for_each(Key::reverse);
        }
        if let Some(edge) = &edge {
            let values = edge.values(fingerprint, keys.len())?;
            query.sql.filter.push(beyond(&keys, &values));
        }
        query.sql.order_by = keys.iter().map(Key::order).collect();
        query.sql.columns = keys.iter().map(|key| key.operand.clone()).collect();
        query.sql.limit = Some(Node::literal(i64::from(size) + 1));
        self.ready_for(&mut query).await?;
        let (populate_existing, width) = (query.populate_existing, keys.len());
        drop(keys);
        let origin = query.wants_origin(&self.mappers).then(|| query.clone());
        let select = query.into_select();
        let mut rows: Vec<(Id, Vec<Value>)> = Vec::new();
        let mut extra = |id: Id, row: &dyn Row, at: usize| {
            if rows.last().is_none_or(|(last, _)| *last != id) {
                let value = |at| row.get(at).map_or(Value::Null, |value| value.to_owned());
                rows.push((id, (at..at + width).map(value).collect()));
            }
            Ok(())
        };
        let fetched =
            self.fetch_objects(&select, populate_existing, origin.as_ref(), Some(&mut extra));
        Box::pin(fetched).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        if backwards {
            rows.reverse();
        }
        let cursor = |wanted: bool, row: Option<&(Id, Vec<Value>)>| match row.filter(|_| wanted) {
            Some((_, values)) => Cursor::new(fingerprint, values).map(Some),
            None => Ok(None),
        };
        let (further, back) =
            if backwards { (edge.is_some(), more) } else { (more, edge.is_some()) };
        Ok(PageOf {
            next: cursor(further, rows.last())?,
            previous: cursor(back, rows.first())?,
            items: rows.into_iter().map(|(id, _)| id).collect(),
        })
    }

    fn check_pages(&mut self, query: &Query, size: u32) -> Result<()> {
        let mut wrong = None;
        if size == 0 {
            wrong = Some("a page holds one object at least");
        }
        if query.what != What::Objects {
            wrong = Some("a page is of objects");
        }
        if query.sql.limit.is_some() || query.sql.offset.is_some() {
            wrong =
                Some("the size of a page takes the place of a limit, its cursor that of an offset");
        }
        for join in &query.joins {
            let Some(attribute) = join.attribute else { continue };
            let owner = self.learn(join.owner.class)?;
            let relationship = self.mappers.at(owner).relationship(attribute);
            if relationship.is_some_and(|r| r.holder.is_collection()) {
                wrong =
                    Some("the join of a collection gives several rows for an object: use `any`");
            }
        }
        match wrong {
            None => Ok(()),
            Some(what) => Err(Error::new(
                ErrorKind::Argument,
                format!("no page of {} can be read: {what}", query.entity.class.name),
            )),
        }
    }
}
