//! SQL expressions in place of values: what the database is to compute when the object is flushed.
//!
//! The expression is kept in the log, beside the value in whose place it came; the attribute itself has no value. So
//! history, rollback and whatever forgets changes know of it, and a value that is set later stands in its place.

use aludel_sql::{ColumnType, Error, ErrorKind, Expr, IntoExpr, IntoNode, Literal, Node};

use super::Datum;
use super::events::{Change, Incoming, Initiator, Op};
use super::journal::Undo;
use super::log::{Old, Replaced};
use crate::Result;
use crate::instrumentation::{Attr, FieldType, Handle, Id, IsA, Mapped};
use crate::mapping::PropertyKind;
use crate::session::Session;
use crate::session::state::Flags;

impl Session {
    /// Sets an attribute to an SQL expression, which the next flush puts into the INSERT or UPDATE of the object's
    /// row: in SQLAlchemy, `x.n = X.n + 1`.
    ///
    /// Until then the attribute has no value: reading it is an error, [`history`](Self::history) says
    /// [`is_expression`](super::History::is_expression), and [`pending_expr`](Self::pending_expr) gives the
    /// expression. With the flush the attribute gets the value that the row has (by RETURNING), or is expired, as the
    /// mapping says (`eager_defaults`). In an UPDATE the attributes of the class stand for the object's own row; rows
    /// that get equal expressions and nothing else are written by one statement. A plain value is set as by
    /// [`set`](Self::set).
    ///
    /// Validators of values are not asked; listeners are told, with [`Incoming::Expression`].
    ///
    /// ```
    /// # include!("../fixtures/doc_models.rs");
    /// # fn main() {}
    /// # async fn example(session: &mut Session, user: Handle<User>) -> Result<()> {
    /// session.set_expr(user, User::age, User::age + 1)?;
    /// session.flush().await?; // UPDATE … SET age = age + 1 WHERE id = … RETURNING age
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the attribute is no column that is written, or is the version or the key of an object that has a row;
    /// and when a listener refuses. Everything is then as it was.
    pub fn set_expr<S: IsA<C>, C: Mapped, V: FieldType>(
        &mut self,
        object: Handle<S>,
        attribute: Attr<C, V>,
        expression: impl IntoExpr<V::Sql>,
    ) -> Result<()>
    where
        V::Sql: ColumnType,
    {
        let index = self.number(object.id, attribute)?;
        self.set_expression(object.id, index, expression.into_node())
    }

    /// As [`set_expr`](Self::set_expr), by the attribute's name. The type of the expression is the database's affair.
    ///
    /// # Errors
    ///
    /// As [`set_expr`](Self::set_expr); and when there is no such attribute.
    pub fn set_expr_named(
        &mut self,
        object: impl Into<Id>,
        name: &str,
        expression: impl IntoNode,
    ) -> Result<()> {
        let id = object.into();
        let attribute = self.attribute_named(id, name)?;
        self.set_expression(id, attribute, expression.into_node())
    }

    /// The SQL expression that an attribute was set to, and that is not flushed yet.
    ///
    /// # Errors
    ///
    /// When the handle's object is not here.
    pub fn pending_expr<S: IsA<C>, C: Mapped, V: FieldType>(
        &self,
        object: Handle<S>,
        attribute: Attr<C, V>,
    ) -> Result<Option<Expr<V::Sql>>> {
        self.arena.check(object.id)?;
        let attribute = self.number(object.id, attribute)?;
        Ok(self.expression(object.id, attribute).cloned().map(Expr::from_node))
    }

    /// The SQL expression that is to make the value of an attribute.
    #[inline]
    pub(crate) fn expression(&self, id: Id, attribute: u16) -> Option<&Node> {
        if !self.log.has_expressions() {
            return None;
        }
        self.expression_logged(id, attribute)
    }

    #[cold]
    fn expression_logged(&self, id: Id, attribute: u16) -> Option<&Node> {
        match &self.log.find(self.arena.state(id).head, attribute)?.old {
            Old::Expression(replaced) if !self.arena.is_loaded(id, attribute) => Some(&replaced.by),
            _ => None,
        }
    }

    /// Whether an SQL expression is to make one of the object's values.
    pub(crate) fn has_expression(&self, id: Id) -> bool {
        self.log.has_expressions()
            && self.log.chain(self.arena.state(id).head).any(|entry| {
                matches!(entry.old, Old::Expression(_))
                    && !self.arena.is_loaded(id, entry.attribute)
            })
    }

    /// Sets an attribute to an expression.
    pub(crate) fn set_expression(
        &mut self,
        id: Id,
        attribute: u16,
        expression: Node,
    ) -> Result<()> {
        self.arena.check(id)?;
        if let Node::Literal(Literal { value, .. }) = expression {
            return self.set_datum(id, attribute, Datum::Value(value));
        }
        self.check_computable(id, attribute)?;
        let mut expression = self.with_objects(expression)?;
        if !self.may_refuse() {
            self.put_expression(id, attribute, expression);
            return Ok(());
        }
        self.scope(|s| {
            let mapper = s.declaring(id, attribute);
            if s.listeners.listens(mapper, attribute, Op::Replace) {
                let initiator = Initiator { mapper, attribute, op: Op::Replace };
                let old = s.datum(id, attribute);
                let new = Incoming::Expression(&mut expression);
                let mut change =
                    Change { target: id, attribute, op: Op::Replace, initiator, new, old };
                s.notify(mapper, &mut change)?;
            }
            s.put_expression(id, attribute, expression);
            Ok(())
        })
    }

    /// The change itself: no events.
    fn put_expression(&mut self, id: Id, attribute: u16, by: Node) {
        self.unfreshen(id);
        let slab = self.arena.of(id);
        let (loaded, expired) =
            (slab.is_loaded(id.slot, attribute), slab.is_expired(id.slot, attribute));
        let present = self.arena.field(id, attribute).value();
        let logged = self.log.find(self.arena.state(id).head, attribute);
        let old = match logged {
            Some(entry) => entry.old.value().cloned(),
            None => loaded.then(|| present.clone()),
        };
        let old = Old::Expression(Box::new(Replaced { old, by }));
        self.replace_old(id, attribute, old);
        self.log.note_expression();
        self.journal.write(|| Undo::Column { id, attribute, old: present, loaded, expired });
        self.arena.field_mut(id, attribute).clear();
        let slab = self.arena.of_mut(id);
        slab.set_loaded(id.slot, attribute, false);
        slab.set_expired(id.slot, attribute, false);
        self.touch(id);
    }

    /// Of an attribute that was set to an expression, what it was before is remembered, and the expression no more.
    pub(crate) fn drop_expression(&mut self, id: Id, attribute: u16) {
        if !self.log.has_expressions() {
            return;
        }
        let logged = self.log.find(self.arena.state(id).head, attribute).map(|e| &e.old);
        if let Some(Old::Expression(replaced)) = logged {
            let old = Old::of_column(replaced.old.clone());
            self.replace_old(id, attribute, old);
        }
    }

    /// Remembers something else of what an attribute was.
    fn replace_old(&mut self, id: Id, attribute: u16, new: Old) {
        let head = self.arena.state(id).head;
        match self.log.find_mut(head, attribute) {
            Some(entry) => {
                let old = std::mem::replace(&mut entry.old, new);
                self.journal.write(|| Undo::Forgotten { id, attribute, old });
            }
            None => self.write_log(id, attribute, new),
        }
    }

    /// Refuses an expression for what no expression can make.
    fn check_computable(&self, id: Id, attribute: u16) -> Result<()> {
        let mapper = self.mapper_of(id);
        let column = match &mapper.property(attribute).kind {
            PropertyKind::Column(column) => column,
            PropertyKind::Composite { .. } => {
                return Err(self.not_computable(id, attribute, "set its parts, each by itself"));
            }
            PropertyKind::Relationship(_) => {
                let instead = "it is a relationship: set its foreign key";
                return Err(self.not_computable(id, attribute, instead));
            }
            PropertyKind::Expression { .. } | PropertyKind::Unmapped => {
                return Err(self.not_computable(id, attribute, "it is no column of a table"));
            }
        };
        if self.arena.object(id).field(attribute).is_none() {
            return Err(self.not_of_type(id, attribute));
        }
        if column.columns.is_empty()
            || column.columns.iter().all(|at| mapper.column_of(*at).is_read_only())
        {
            return Err(self.not_computable(id, attribute, "it is only read"));
        }
        if mapper.version == Some(attribute) {
            let why = "it is the version, by which the row is found";
            return Err(self.not_computable(id, attribute, why));
        }
        if mapper.primary_key.contains(&attribute) && self.arena.state(id).has(Flags::HAS_KEY) {
            let why = "it is of the key, by which the object is known: give it a value";
            return Err(self.not_computable(id, attribute, why));
        }
        Ok(())
    }

    #[cold]
    fn not_computable(&self, id: Id, attribute: u16, why: &str) -> Error {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("{} cannot be set to an SQL expression: {why}", self.describe(id, attribute)),
        )
    }

    /// The error of reading what the database has not computed yet.
    #[cold]
    pub(crate) fn not_flushed(&self, id: Id, attribute: u16) -> Error {
        Error::new(
            ErrorKind::NotLoaded,
            format!(
                "{} was set to an SQL expression, and has no value before it is flushed: flush first",
                self.describe(id, attribute)
            ),
        )
    }
}
