//! INSERT of many rows, as the program writes it.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use aludel_sql::{ColumnType, CustomNode, DataType, Expr, IntoExpr, KeyWriter, Node, Value};

use super::run::Inserted;
use super::source::Source;
use crate::instrumentation::entity::{AttrLeaf, Entity};
use crate::instrumentation::{
    Attr, AttributeKey, ClassDef, FieldType, Handle, Id, IsA, Mapped, Object,
};
use crate::loading::names::Names;
use crate::loading::resolve::Resolver;
use crate::mapping::{Mapper, PropertyKind};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// What an INSERT does beside inserting.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    /// What every row gets.
    pub(super) set: Vec<(u16, Node)>,
    pub(super) conflict: Option<Conflict>,
    pub(super) populate_existing: bool,
    /// Something was said of an UPDATE that is none.
    no_update: bool,
}

/// What happens where a row is there already.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    pub(super) target: Vec<u16>,
    /// Without it, the new row is left out.
    pub(super) update: Option<ConflictUpdate>,
}

/// How a row that is there already is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct ConflictUpdate {
    pub(super) set: Vec<(u16, Node)>,
    pub(super) filter: Vec<Node>,
}

impl How {
    /// Whether each row takes a statement over expressions.
    pub(super) fn by_statement(&self) -> bool {
        self.conflict.is_some() || !self.set.is_empty()
    }

    fn update(&mut self, change: impl FnOnce(&mut ConflictUpdate)) {
        match self.conflict.as_mut().and_then(|conflict| conflict.update.as_mut()) {
            Some(update) => change(update),
            None => self.no_update = true,
        }
    }

    fn take_excluded(&mut self, class: &'static ClassDef, attribute: u16) {
        let is_composite = class.columns_of_composite(attribute).next().is_some();
        let own = (!is_composite).then_some(attribute);
        let columns: Vec<u16> =
            own.into_iter().chain(class.columns_of_composite(attribute)).collect();
        self.update(|update| {
            update.set.extend(columns.into_iter().map(|a| (a, ExcludedLeaf::of(class, a))));
        });
    }

    pub(super) fn check(&self, mapper: &Mapper) -> Result<()> {
        if self.no_update {
            return Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "an INSERT of {} says what a conflict sets, and has no `on_conflict_do_update`",
                    mapper.class_name()
                ),
            ));
        }
        if mapper.selected.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "class {} is mapped to a join or a query, into which no rows are inserted: name a class that is \
                     mapped to the table",
                    mapper.class_name()
                ),
            ));
        }
        Ok(())
    }
}

/// An INSERT of rows of a class; [`insert`] makes one.
#[must_use]
pub struct Insert<'a, T: Mapped> {
    rows: Cow<'a, [T]>,
    how: How,
}

/// An INSERT of many rows, from plain structs or records: SQLAlchemy's `insert(User)` with a list of values.
/// [`Session::execute_insert`] runs it for the rows alone, [`Session::insert_returning`] for objects of them.
/// Relationships are not looked at, and nothing cascades.
///
/// Generated values that are not set, and deferred ones, get their defaults; whatever else a struct has is given.
///
/// ```
/// # include!("../../fixtures/doc_models.rs");
/// # fn main() {}
/// # async fn example(session: &mut Session) -> Result<()> {
/// let named = |name: &str| User { name: name.into(), ..User::default() };
/// let users = session.insert_returning(insert(vec![named("ed"), named("wendy")])).await?;
/// assert_eq!(session[users[1]].name, "wendy");
///
/// let again = [User { age: 30, ..named("ed") }];
/// let upsert = insert(&again).on_conflict_do_update([User::name]).conflict_set_excluded([User::age]);
/// let ed = session.insert_returning(upsert.populate_existing()).await?;
/// assert_eq!((ed[0], session[ed[0]].age), (users[0], 30));
/// # Ok(())
/// # }
/// ```
pub fn insert<'a, T: Mapped>(rows: impl Into<Cow<'a, [T]>>) -> Insert<'a, T> {
    Insert { rows: rows.into(), how: How::default() }
}

/// In ON CONFLICT DO UPDATE: the value that would have been inserted.
///
/// ```
/// # include!("../../fixtures/doc_models.rs");
/// # fn main() {}
/// # async fn example(session: &mut Session, users: Vec<User>) -> Result<()> {
/// let older = insert(users)
///     .on_conflict_do_update([User::name])
///     .conflict_set(User::age, excluded(User::age))
///     .conflict_filter(User::age.lt(excluded(User::age)));
/// session.execute_insert(older).await?;
/// # Ok(())
/// # }
/// ```
pub fn excluded<T: Mapped, V: FieldType>(attribute: Attr<T, V>) -> Expr<V::Sql> {
    Expr::from_node(ExcludedLeaf::of(attribute.class(), attribute.index()))
}

impl<T: Mapped> Insert<'_, T> {
    /// Gives an attribute of every row the value of an expression, in place of what the row has.
    ///
    /// ```
    /// # include!("../../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, users: Vec<User>) -> Result<()> {
    /// session.execute_insert(insert(users).set(User::name, aludel_sql::func::<String>("upper", ("sandy",)))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set<C: Mapped, V: FieldType>(
        mut self,
        attribute: Attr<C, V>,
        value: impl IntoExpr<V::Sql>,
    ) -> Self
    where
        T: IsA<C>,
        V::Sql: ColumnType,
    {
        self.how.set.push((attribute.index(), value.into_node()));
        self
    }

    /// Leaves out rows that are there already, by these attributes, which have a unique constraint.
    pub fn on_conflict_do_nothing<C: Mapped>(
        mut self,
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>,
    ) -> Self
    where
        T: IsA<C>,
    {
        let target = attributes.into_iter().map(|a| a.into().index).collect();
        self.how.conflict = Some(Conflict { target, update: None });
        self
    }

    /// Leaves out rows that are there already, by whatever constraint.
    pub fn on_any_conflict_do_nothing(mut self) -> Self {
        self.how.conflict = Some(Conflict { target: Vec::new(), update: None });
        self
    }

    /// Changes the rows that are there already, by these attributes, which have a unique constraint. What is set
    /// follows.
    pub fn on_conflict_do_update<C: Mapped>(
        mut self,
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>,
    ) -> Self
    where
        T: IsA<C>,
    {
        let target = attributes.into_iter().map(|a| a.into().index).collect();
        self.how.conflict = Some(Conflict { target, update: Some(ConflictUpdate::default()) });
        self
    }

    /// What an attribute of a row that is there already is set to: a value, or an expression of the row's attributes
    /// and of those that would have been inserted ([`excluded`]).
    pub fn conflict_set<C: Mapped, V: FieldType>(
        mut self,
        attribute: Attr<C, V>,
        value: impl IntoExpr<V::Sql>,
    ) -> Self
    where
        T: IsA<C>,
        V::Sql: ColumnType,
    {
        let value = value.into_node();
        self.how.update(|update| update.set.push((attribute.index(), value)));
        self
    }

    /// Sets these attributes of a row that is there already to what would have been inserted.
    pub fn conflict_set_excluded<C: Mapped>(
        mut self,
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<C>>>,
    ) -> Self
    where
        T: IsA<C>,
    {
        for attribute in attributes {
            let attribute = attribute.into();
            let class = attribute.described.unwrap_or_else(C::class);
            self.how.take_excluded(class, attribute.index);
        }
        self
    }

    /// Changes a row that is there already only if this holds; the new row is left out else.
    pub fn conflict_filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        let condition = condition.into_node();
        self.how.update(|update| update.filter.push(condition));
        self
    }

    /// Overwrites what is loaded, pending changes included, of objects of the session whose rows come back.
    /// Without it, such an object keeps what it has.
    pub fn populate_existing(mut self) -> Self {
        self.how.populate_existing = true;
        self
    }
}

impl<T: Mapped> Clone for Insert<'_, T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), how: self.how.clone() }
    }
}

impl<T: Mapped> fmt::Debug for Insert<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Insert({} rows of {}, {:?})", self.rows.len(), T::class().name, self.how)
    }
}

/// An INSERT of rows of named values; [`Session::insert_into`] makes one. It is the by-name face of [`insert`].
#[derive(Clone, Debug)]
pub struct InsertInto {
    class: &'static ClassDef,
    rows: Vec<Vec<(String, Value)>>,
    how: How,
    names: Names,
}

impl InsertInto {
    fn attribute(&self, name: &str) -> Result<u16> {
        self.names.attribute(self.class, name)
    }

    fn attributes(&self, names: &[&str]) -> Result<Vec<u16>> {
        names.iter().map(|name| self.attribute(name)).collect()
    }

    /// Gives an attribute of every row the value of an expression.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn set(&mut self, name: &str, value: Node) -> Result<()> {
        let attribute = self.attribute(name)?;
        self.how.set.push((attribute, value));
        Ok(())
    }

    /// Leaves out rows that are there already: by these attributes, or by whatever constraint, if there are none.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn on_conflict_do_nothing(&mut self, names: &[&str]) -> Result<()> {
        let target = self.attributes(names)?;
        self.how.conflict = Some(Conflict { target, update: None });
        Ok(())
    }

    /// Changes the rows that are there already, by these attributes.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn on_conflict_do_update(&mut self, names: &[&str]) -> Result<()> {
        let target = self.attributes(names)?;
        self.how.conflict = Some(Conflict { target, update: Some(ConflictUpdate::default()) });
        Ok(())
    }

    /// What an attribute of a row that is there already is set to.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn conflict_set(&mut self, name: &str, value: Node) -> Result<()> {
        let attribute = self.attribute(name)?;
        self.how.update(|update| update.set.push((attribute, value)));
        Ok(())
    }

    /// Sets these attributes of a row that is there already to what would have been inserted.
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn conflict_set_excluded(&mut self, names: &[&str]) -> Result<()> {
        for attribute in self.attributes(names)? {
            self.how.take_excluded(self.class, attribute);
        }
        Ok(())
    }

    /// Changes a row that is there already only if this holds.
    pub fn conflict_filter(&mut self, condition: Node) {
        self.how.update(|update| update.filter.push(condition));
    }

    /// The value of an attribute that would have been inserted; see [`excluded`].
    ///
    /// # Errors
    ///
    /// When the class has no such attribute.
    pub fn excluded(&self, name: &str) -> Result<Node> {
        Ok(ExcludedLeaf::of(self.class, self.attribute(name)?))
    }

    /// Overwrites what is loaded of objects of the session whose rows come back.
    pub fn populate_existing(&mut self) {
        self.how.populate_existing = true;
    }
}

impl Session {
    /// Inserts rows; gives how many were written, which a conflict may leave some out of. No object comes into the
    /// session. What is pending is flushed first.
    ///
    /// # Errors
    ///
    /// When the class cannot be mapped, a row has new objects in a relationship, ON CONFLICT is said of a class of
    /// several tables or sets nothing, a listener refuses, or the database refuses a row. The error names the class and,
    /// where the database tells, the row.
    #[track_caller]
    pub fn execute_insert<T: Mapped>(
        &mut self,
        insert: Insert<'_, T>,
    ) -> impl Future<Output = Result<u64>> {
        self.called();
        async move { Ok(self.insert_typed(insert, false).await?.rows) }
    }

    /// Inserts rows, and gives their objects, in the order of the rows: SQLAlchemy's `insert(User).returning(User)`.
    /// Rows that a conflict leaves out have none; see [`insert_returning_each`](Self::insert_returning_each).
    ///
    /// The objects are as if they had been loaded. One that the session has already keeps what it has, unless
    /// [`populate_existing`](Insert::populate_existing) is asked for.
    ///
    /// # Errors
    ///
    /// As [`execute_insert`](Self::execute_insert).
    #[track_caller]
    pub fn insert_returning<T: Mapped>(
        &mut self,
        insert: Insert<'_, T>,
    ) -> impl Future<Output = Result<Vec<Handle<T>>>> {
        self.called();
        async move {
            let inserted = self.insert_typed(insert, true).await?;
            Ok(inserted.ids.into_iter().flatten().map(Handle::new).collect())
        }
    }

    /// Inserts rows, and gives for each its object, or none where a conflict left it out.
    ///
    /// ```
    /// # include!("../../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, users: &[User]) -> Result<()> {
    /// let new = insert(users).on_conflict_do_nothing([User::name]);
    /// for (user, object) in users.iter().zip(session.insert_returning_each(new).await?) {
    ///     println!("{} is {}", user.name, if object.is_some() { "new" } else { "known" });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute_insert`](Self::execute_insert).
    #[track_caller]
    pub fn insert_returning_each<T: Mapped>(
        &mut self,
        insert: Insert<'_, T>,
    ) -> impl Future<Output = Result<Vec<Option<Handle<T>>>>> {
        self.called();
        async move {
            let inserted = self.insert_typed(insert, true).await?;
            Ok(inserted.ids.into_iter().map(|id| id.map(Handle::new)).collect())
        }
    }

    /// Begins an INSERT of rows of a named class, from values by attribute name.
    ///
    /// ```
    /// # include!("../../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let rows = vec![vec![("name", "ed".into())], vec![("name", "wendy".into())]];
    /// let mut insert = session.insert_into("User", rows)?;
    /// insert.on_conflict_do_nothing(&["name"])?;
    /// let users = session.insert_by_returning(insert).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When no class of that name is mapped.
    pub fn insert_into(&self, class: &str, rows: Vec<Vec<(&str, Value)>>) -> Result<InsertInto> {
        let class = self.mappers.at(self.mapper_named(class)?).def;
        let owned = |row: Vec<(&str, Value)>| {
            row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let rows = rows.into_iter().map(owned).collect();
        Ok(InsertInto { class, rows, how: How::default(), names: Names::of(&self.mappers) })
    }

    /// Inserts rows of named values; gives how many were written.
    ///
    /// # Errors
    ///
    /// As [`execute_insert`](Self::execute_insert); and when there is no such attribute, or a value does not fit.
    pub async fn insert_by(&mut self, insert: InsertInto) -> Result<u64> {
        Ok(self.insert_named(insert, false).await?.rows)
    }

    /// Inserts rows of named values, and gives for each its object, or none where a conflict left it out.
    ///
    /// # Errors
    ///
    /// As [`insert_by`](Self::insert_by).
    pub async fn insert_by_returning(&mut self, insert: InsertInto) -> Result<Vec<Option<Id>>> {
        Ok(self.insert_named(insert, true).await?.ids)
    }

    async fn insert_typed<T: Mapped>(
        &mut self,
        insert: Insert<'_, T>,
        wanted: bool,
    ) -> Result<Inserted> {
        let rows = &*insert.rows;
        let Some(class) = self.class_of_rows(rows)? else { return Ok(Inserted::default()) };
        let source = Source {
            rows: rows.len(),
            object: &|row| rows.get(row).map(|object| object as &dyn Object),
            given: &|row, attribute| rows[row].is_given(attribute),
        };
        self.insert_rows(class, source, &insert.how, wanted).await
    }

    async fn insert_named(&mut self, insert: InsertInto, wanted: bool) -> Result<Inserted> {
        let class = self.learn(insert.class)?;
        let made = self.made_of(class, insert.rows)?;
        let source = Source {
            rows: made.given.len(),
            object: &|row| made.object(row),
            given: &|row, attribute| made.given[row].contains(&attribute),
        };
        self.insert_rows(class, source, &insert.how, wanted).await
    }
}

/// The column of an attribute in the class's one table.
pub(super) fn column_at(mapper: &Mapper, attribute: u16) -> Result<u16> {
    match mapper.column(attribute).and_then(|c| c.columns.first()) {
        Some(at) => Ok(at.column),
        None => Err(Error::new(
            ErrorKind::Argument,
            format!(
                "{}.{} is not a column, so that an INSERT cannot name it",
                mapper.class_name(),
                mapper.property(attribute).name()
            ),
        )),
    }
}

/// The value of an attribute that would have been inserted, as a leaf of the expression tree.
#[derive(Clone, Debug)]
pub(in crate::loading) struct ExcludedLeaf {
    entity: Entity,
    attribute: u16,
}

impl ExcludedLeaf {
    /// The attribute that a node is the value of, if it is one.
    pub(super) fn attribute(node: &Node) -> Option<u16> {
        match node {
            Node::Custom(custom) => {
                custom.as_any().downcast_ref().map(|leaf: &Self| leaf.attribute)
            }
            _ => None,
        }
    }

    fn of(class: &'static ClassDef, attribute: u16) -> Node {
        Node::Custom(std::sync::Arc::new(Self { entity: Entity::of(class), attribute }))
    }
}

impl CustomNode for ExcludedLeaf {
    fn key<'a>(&'a self, key: &mut KeyWriter<'a>) {
        // Bits 1 and 0 tell it from an attribute and from a criterion.
        key.token(u32::from(self.attribute) << 8 | 4);
        self.entity.key(key);
    }

    fn name(&self) -> Option<&str> {
        None
    }

    fn data_type(&self) -> Option<DataType> {
        AttrLeaf::of(&self.entity.leaf(self.attribute)).and_then(|leaf| leaf.data_type)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Resolver<'_> {
    pub(in crate::loading) fn excluded(&mut self, leaf: &ExcludedLeaf) -> Result<Node> {
        let class = self.class(leaf.entity.class)?;
        let mapper = self.mappers.at(class);
        let column = match mapper.property(leaf.attribute).kind() {
            PropertyKind::Column(column) => column.columns.first(),
            _ => None,
        };
        match column {
            Some(at) => Ok(Node::Excluded(mapper.tables[usize::from(at.table)].clone(), at.column)),
            None => Err(column_at(mapper, leaf.attribute)
                .err()
                .unwrap_or_else(|| Error::new(ErrorKind::Argument, "`excluded` wants a column"))),
        }
    }
}
