//! The members of a collection without loading it: as a query, as a condition, and many new ones at once.

use std::sync::Arc;

use aludel_sql::{Correlate, Expr, Node};

use super::link::{among, link, member_order};
use super::names::Names;
use super::query::{Query, What};
use super::select::Select;
use crate::instrumentation::entity::Entity;
use crate::instrumentation::{Attr, Handle, Id, IsA, Mapped, Object as _, RelationshipField};
use crate::mapping::{Direction, Mapper, Relationship};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// A query of the members of a collection, or of the object of a reference, as the database has them: to be
    /// narrowed, ordered, counted, read in pages or batches. The collection itself is not loaded; it is how those
    /// are read that are never loaded ([`WriteOnly`](crate::WriteOnly)). SQLAlchemy's `collection.select()`.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
    /// let some = session.members_query(user, User::addresses)?.filter(Address::email.like("%@%")).limit(10);
    /// for address in session.all(some).await? {
    ///     println!("{}", session[address].email);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the owner has no row, or an attribute by which it is related is not loaded.
    pub fn members_query<S: IsA<C>, C: Mapped, V: RelationshipField>(
        &self,
        owner: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<Select<V::Target>> {
        let index = self.number(owner.id, attribute)?;
        Ok(Select::of(self.members_query_at(owner.id, index)?))
    }

    /// As [`members_query`](Self::members_query), by name.
    ///
    /// # Errors
    ///
    /// As [`members_query`](Self::members_query); and when there is no such relationship.
    pub fn members_query_named(&self, owner: impl Into<Id>, name: &str) -> Result<Query> {
        let owner = owner.into();
        self.members_query_at(owner, self.attribute_named(owner, name)?)
    }

    /// The condition that an object is a member of a collection, or what a reference refers to: SQLAlchemy's
    /// `with_parent`. For queries of the target's class, and for UPDATE and DELETE by criteria, so that many members
    /// are changed without loading them.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
    /// let of_user = session.with_parent(user, User::addresses)?;
    /// session.execute_delete(delete::<Address>().filter(of_user).filter(Address::email.eq("old"))).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`members_query`](Self::members_query).
    pub fn with_parent<S: IsA<C>, C: Mapped, V: RelationshipField>(
        &self,
        owner: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<Expr<bool>> {
        let index = self.number(owner.id, attribute)?;
        Ok(Expr::from_node(self.is_related(owner.id, index)?))
    }

    /// As [`with_parent`](Self::with_parent), by name.
    ///
    /// # Errors
    ///
    /// As [`with_parent`](Self::with_parent); and when there is no such relationship.
    pub fn with_parent_named(&self, owner: impl Into<Id>, name: &str) -> Result<Node> {
        let owner = owner.into();
        self.is_related(owner, self.attribute_named(owner, name)?)
    }

    /// Inserts many new members of a collection from plain structs, as [`bulk_insert`](Self::bulk_insert) does: their
    /// foreign keys are set to the owner, and no object comes into the session. SQLAlchemy's `collection.insert()`.
    ///
    /// # Errors
    ///
    /// As [`bulk_insert`](Self::bulk_insert); and when the relationship goes by an association table, is view-only, or
    /// the owner has no row.
    pub async fn insert_members<S: IsA<C>, C: Mapped, V: RelationshipField>(
        &mut self,
        owner: Handle<S>,
        attribute: Attr<C, V>,
        mut members: Vec<V::Target>,
    ) -> Result<()> {
        let index = self.number(owner.id, attribute)?;
        self.autoflush().await?;
        let mappers = Arc::clone(&self.mappers);
        let relationship = self.relationship_of(owner.id, index, &mappers)?;
        if relationship.direction != Direction::OneToMany || relationship.viewonly {
            let what = match relationship.viewonly {
                true => "it is view-only",
                false => "the members have no foreign key to it: `append` them",
            };
            let what = format!(
                "{} cannot be given members at once: {what}",
                self.describe(owner.id, index)
            );
            return Err(Error::new(ErrorKind::InvalidRequest, what));
        }
        for (local, remote) in &relationship.pairs {
            let value = self.arena.field(owner.id, *local).value();
            for member in &mut members {
                let put = member.field_mut(*remote).map(|field| field.put(value.clone()));
                if !matches!(put, Some(Ok(()))) {
                    return Err(self.wrong_type(owner.id, *local));
                }
            }
        }
        self.bulk_insert(&members).await
    }

    fn members_query_at(&self, owner: Id, attribute: u16) -> Result<Query> {
        let relationship = self.relationship_of(owner, attribute, &self.mappers)?;
        let target = self.mappers.at(relationship.target);
        let entity = Entity::of(target.def);
        let mut query = Query::new(entity.clone(), What::Objects);
        query.names = Names::of(&self.mappers);
        if relationship.holder.is_collection() {
            query.sql.order_by = member_order(relationship, target, &entity);
        }
        query.sql.filter.push(self.is_related(owner, attribute)?);
        Ok(query)
    }

    /// A relationship of an owner that has a row.
    fn relationship_of<'m>(
        &self,
        owner: Id,
        attribute: u16,
        mappers: &'m crate::mapping::Mappers,
    ) -> Result<&'m Relationship> {
        self.arena.check(owner)?;
        let Some(relationship) = mappers.at(owner.class).relationship(attribute) else {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("{} is not a relationship", self.describe(owner, attribute)),
            ));
        };
        if self.identity_key(owner).is_none() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{} has no members in the database: the object has no row, flush it first",
                    self.describe(owner, attribute)
                ),
            ));
        }
        Ok(relationship)
    }

    /// The condition on objects of the target that they are related to an owner.
    fn is_related(&self, owner: Id, attribute: u16) -> Result<Node> {
        let relationship = self.relationship_of(owner, attribute, &self.mappers)?;
        let link = link(&self.mappers, relationship);
        let parent: &Mapper = self.mappers.at(owner.class);
        let values = link.locals.iter().map(|local| {
            let key = parent.primary_key.contains(local);
            if !key && !self.arena.is_loaded(owner, *local) && self.needs_load(owner, *local) {
                return Err(self.not_loaded(owner, *local));
            }
            Ok(self.arena.field(owner, *local).value())
        });
        let values = [values.collect::<Result<_>>()?];
        let Some(join) = link.join else {
            return Ok(among(&link.operands, parent, &link.locals, &values));
        };
        // Through an association table, or by a condition of the program's own: by the keys of a query of its own.
        let target = self.mappers.at(relationship.target);
        let entity = Entity::of(target.def);
        let key = |entity: &Entity| -> Vec<Node> {
            target.primary_key.iter().map(|a| entity.leaf(*a)).collect()
        };
        let mut inner = Query::new(entity.clone(), What::Columns);
        inner.joins.push(join);
        inner.sql.columns = key(&entity);
        inner.sql.filter.push(among(&link.operands, parent, &link.locals, &values));
        inner.sql.correlate = Correlate::Only(Vec::new());
        let operand = match key(&entity).as_slice() {
            [one] => one.clone(),
            several => Node::Tuple(several.to_vec()),
        };
        Ok(is_in_query(operand, inner))
    }
}

fn is_in_query(operand: Node, query: Query) -> Node {
    let set = aludel_sql::InSet::Query(query.into_select().into());
    Node::In(Box::new(aludel_sql::In { operand, negated: false, set }))
}
