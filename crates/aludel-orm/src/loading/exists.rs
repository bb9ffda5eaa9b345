//! Criteria of relationships as conditions over tables: comparisons of keys, and EXISTS.

use std::sync::Arc;

use aludel_sql::{BinaryOp, FromItem, Node, Query, Select, Selectable, Source, UnaryOp};

use super::criterion::{Ask, Criterion};
use super::resolve::Resolver;
use super::sources::Sources;
use crate::mapping::{Direction, Relationship};
use crate::{Error, ErrorKind, Result};

impl Resolver<'_> {
    pub(super) fn criterion(&mut self, criterion: &Criterion) -> Result<Node> {
        let class = self.class(criterion.entity.class)?;
        let relationship = self.relationship(class, criterion.attribute)?;
        let owner = self.sources(&criterion.entity)?;
        if !criterion.bound.is_empty()
            && let Some(said) = self.compared_with_object(criterion, relationship, class, &owner)?
        {
            return Ok(said);
        }
        match criterion.ask {
            Ask::Exists => self.exists(criterion, relationship, &owner, None),
            Ask::None => match local_keys(relationship) {
                Some(locals) => {
                    let nulls = locals.map(|a| {
                        let column = self.attribute(class, a, &owner)?;
                        Ok(Node::Unary(UnaryOp::IsNull, Box::new(column)))
                    });
                    Ok(Node::or(nulls.collect::<Result<Vec<_>>>()?))
                }
                None => Ok(self.exists(criterion, relationship, &owner, None)?.not()),
            },
            Ask::Object | Ask::NotObject if criterion.bound.is_empty() => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "`{}` is compared with an object, which needs a session: run the query by one",
                    relationship.name
                ),
            )),
            Ask::Object => self.is_object(criterion, relationship, class, &owner),
            Ask::NotObject => {
                let is = self.is_object(criterion, relationship, class, &owner)?;
                let Some(locals) = local_keys(relationship) else { return Ok(is.not()) };
                let mut any = vec![is.not()];
                for local in locals {
                    let column = self.attribute(class, local, &owner)?;
                    any.push(Node::Unary(UnaryOp::IsNull, Box::new(column)));
                }
                Ok(Node::or(any))
            }
        }
    }

    /// The object is related: a comparison of keys, where they are the owner's or the object's.
    fn is_object(
        &mut self,
        criterion: &Criterion,
        relationship: &Relationship,
        class: u16,
        owner: &Arc<Sources>,
    ) -> Result<Node> {
        if relationship.secondary.is_some() || relationship.primaryjoin.is_some() {
            return self.exists(criterion, relationship, owner, Some(&criterion.bound));
        }
        let pairs = relationship.pairs.iter().zip(&criterion.bound).map(|((local, _), value)| {
            let local = self.attribute(class, *local, owner)?;
            Ok(Node::binary(BinaryOp::Eq, local, self.resolve(value)?))
        });
        Ok(Node::and(pairs.collect::<Result<Vec<_>>>()?))
    }

    /// `EXISTS (SELECT 1 FROM target WHERE …)`; of an object asked for, by its values.
    fn exists(
        &mut self,
        criterion: &Criterion,
        relationship: &Relationship,
        owner: &Arc<Sources>,
        object: Option<&[Node]>,
    ) -> Result<Node> {
        let class = match criterion.of_type {
            Some(class) => self.class(class)?,
            None => relationship.target,
        };
        let target = self.fresh(class);
        let through = relationship.secondary.as_ref().map(|s| s.table.alias().to_source());
        let (near, far) = self.conditions(relationship, owner, &target, through.as_ref())?;
        let mut select = Select::new().columns((1i64,));
        let mut own: Vec<Source> = through.iter().cloned().collect();
        select.filter.push(near);
        let by_association = match (object, &relationship.secondary, &through) {
            (Some(values), Some(secondary), Some(through))
                if relationship.secondaryjoin.is_none() =>
            {
                for ((_, column), value) in secondary.remote.iter().zip(values) {
                    let value = self.resolve(value)?;
                    select.filter.push(Node::binary(
                        BinaryOp::Eq,
                        Node::column(through, *column),
                        value,
                    ));
                }
                true
            }
            _ => false,
        };
        select.from.extend(through.iter().cloned().map(FromItem::from));
        if !by_association {
            select.filter.extend(far);
            select.from.push(self.tables(&target)?);
            own.extend(target.all().cloned());
            if let Some(values) = object {
                for (column, value) in self.key(class, &target)?.into_iter().zip(values) {
                    select.filter.push(Node::binary(BinaryOp::Eq, column, self.resolve(value)?));
                }
            }
            select.filter.extend(self.of_class(&target)?);
            let sides = self.sides.take();
            let inner = self.within(&target, |r| r.resolve_all(&criterion.inner));
            self.sides = sides;
            select.filter.extend(inner?);
        }
        Ok(Node::Exists(Query::from(select.correlate_except(own))))
    }
}

/// The foreign key attributes of the owner, where the owner has them.
fn local_keys(relationship: &Relationship) -> Option<impl Iterator<Item = u16> + '_> {
    let by_key = relationship.direction == Direction::ManyToOne;
    (by_key && relationship.primaryjoin.is_none())
        .then(|| relationship.pairs.iter().map(|(local, _)| *local))
}
