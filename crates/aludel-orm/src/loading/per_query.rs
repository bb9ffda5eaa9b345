//! Expressions that a query says for attributes: SQLAlchemy's `with_expression`.

use aludel_sql::{IntoExpr, Node};

use super::query::Query;
use super::resolve::Resolver;
use super::select::Select;
use crate::instrumentation::{Attr, ClassDef, FieldType, IsA, Mapped};
use crate::mapping::{Mapper, PropertyKind};
use crate::{Error, ErrorKind, Result};

/// The expression of an attribute, in one query.
#[derive(Clone, Debug)]
pub(crate) struct PerQuery {
    pub(super) class: &'static ClassDef,
    pub(super) attribute: u16,
    pub(super) node: Node,
}

impl<T: Mapped> Select<T> {
    /// Reads another expression for an attribute of the query's objects: SQLAlchemy's `with_expression`, for an
    /// attribute with `#[expression(query)]`, its `query_expression`, or any `#[expression(…)]`.
    ///
    /// As with all that is loaded, an object that is in the session and has a value keeps it, unless the query
    /// [populates existing](Self::populate_existing) ones.
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// #[derive(Mapped, Clone, Debug, Default)]
    /// #[mapped(crate = aludel_orm, table = "articles")]
    /// struct Article {
    ///     #[column(primary_key)]
    ///     id: Auto<i64>,
    ///     words: i64,
    ///     #[expression(query)]
    ///     score: Option<i64>,
    /// }
    /// # async fn example(session: &mut Session) -> Result<()> {
    /// let scored = select::<Article>().with_expression(Article::score, Article::words * 3);
    /// let articles = session.all(scored).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_expression<C: Mapped, V: FieldType>(
        mut self,
        attribute: Attr<C, V>,
        expression: impl IntoExpr<V::Sql>,
    ) -> Self
    where
        T: IsA<C>,
    {
        let (class, node) = (attribute.class(), expression.into_node());
        self.query.expressions.push(PerQuery { class, attribute: attribute.index(), node });
        self
    }
}

impl Query {
    /// Reads another expression for a named attribute of the query's objects; see [`Select::with_expression`].
    ///
    /// # Errors
    ///
    /// When the class has no such attribute. One that reads no expression is an error of the query.
    pub fn with_expression(mut self, attribute: &str, expression: Node) -> Result<Self> {
        let class = self.entity.class;
        let attribute = self.names.attribute(class, attribute)?;
        self.expressions.push(PerQuery { class, attribute, node: expression });
        Ok(self)
    }
}

impl Resolver<'_> {
    /// What the query says for an attribute, of those that are being read.
    pub(super) fn per_query(&mut self, mapper: &Mapper, attribute: u16) -> Result<Option<Node>> {
        for at in 0..self.expressions.len() {
            let PerQuery { class, attribute: said, .. } = self.expressions[at];
            if said != attribute || !self.concerns(class, mapper)? {
                continue;
            }
            let property = mapper.property(attribute);
            if !matches!(property.kind, PropertyKind::Expression { .. }) {
                let message = format!(
                    "{}.{} reads no expression, so that a query cannot say another: declare it with \
                     `#[expression(query)]`",
                    mapper.class_name(),
                    property.name()
                );
                return Err(Error::new(ErrorKind::Argument, message));
            }
            return Ok(Some(self.expressions[at].node.clone()));
        }
        Ok(None)
    }
}
