//! Hybrids of classes described at run time.

use std::sync::OnceLock;

use aludel_sql::{ColumnType, DataType, IntoExpr, Node, Value};

use super::RecordClassBuilder;
use super::leak::leak;
use crate::Result;
use crate::instrumentation::hybrid::{Get, Set, get_hybrid, set_hybrid};
use crate::instrumentation::{ClassDef, HybridDef, Make, Record, RecordClass};
use crate::loading::Comparator;

/// A hybrid that was spoken of.
pub(super) struct Described {
    pub(super) name: String,
    data_type: DataType,
    expression: Box<dyn Fn(RecordClass) -> Node + Send + Sync>,
    get: Get,
    set: Option<Set>,
    pub(super) comparator: Option<Comparator>,
}

impl RecordClassBuilder {
    /// A hybrid: what is computed of a record in Rust, and of a row in SQL. See [`Hybrid`](crate::Hybrid) for structs.
    ///
    /// The expression is made of the class's attributes when a query first asks for it.
    ///
    /// ```
    /// use aludel_orm::{Auto, Registry};
    /// use aludel_sql::Expression as _;
    ///
    /// let registry = Registry::new();
    /// let interval = registry
    ///     .describe("Interval")
    ///     .table("intervals")
    ///     .column::<Auto<i64>>("id", |c| c.primary_key())
    ///     .column::<i64>("start", |c| c)
    ///     .column::<i64>("end", |c| c)
    ///     .hybrid::<i64, _>(
    ///         "length",
    ///         |record| record.get::<i64>("end").unwrap_or(&0) - record.get::<i64>("start").unwrap_or(&0),
    ///         |class| Ok(class.attr::<i64>("end")? - class.attr::<i64>("start")?),
    ///     )
    ///     .finish()?;
    /// let longer = interval.select().filter(interval.hybrid::<i64>("length")?.gt(5));
    /// # drop(longer);
    /// # Ok::<(), aludel_orm::Error>(())
    /// ```
    pub fn hybrid<V: ColumnType, E: IntoExpr<V>>(
        mut self,
        name: &str,
        get: impl Fn(&Record) -> V + Send + Sync + 'static,
        expression: impl Fn(RecordClass) -> Result<E> + Send + Sync + 'static,
    ) -> Self {
        let expression = move |class| match expression(class) {
            Ok(expression) => expression.into_node(),
            Err(error) => Node::value(Value::Invalid(error.to_string().into()), DataType::Any),
        };
        let get: Get = Box::leak(Box::new(move |session: &_, id| {
            get_hybrid::<Record, V>(session, id, |record| get(record))
        }));
        self.hybrids.push(Described {
            name: name.to_owned(),
            data_type: V::TYPE,
            expression: Box::new(expression),
            get,
            set: None,
            comparator: None,
        });
        self
    }

    /// What sets the [hybrid](Self::hybrid) that was said last: `session.set(record, hybrid, value)`, and by name.
    pub fn hybrid_set<V: ColumnType>(
        mut self,
        set: impl Fn(&mut Record, V) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        if let Some(last) = self.hybrids.last_mut() {
            let name = leak(&last.name);
            last.set = Some(Box::leak(Box::new(move |session: &mut _, id, value| {
                set_hybrid::<Record, V, _>(session, id, (name, value), |record, value| {
                    set(record, value)
                })
            })));
        }
        self
    }

    /// The hybrids as data that stays; the class is known when their expressions are made.
    pub(super) fn leak_hybrids(
        &mut self,
        late: &'static OnceLock<&'static ClassDef>,
    ) -> Vec<&'static HybridDef> {
        let hybrids = std::mem::take(&mut self.hybrids).into_iter();
        let leaked = hybrids.map(|hybrid| {
            let Described { name, data_type, expression, get, set, comparator } = hybrid;
            let make = move || match late.get() {
                Some(class) => expression(RecordClass::new(class)),
                None => Node::Null,
            };
            let expression = Make::Closure(Box::leak(Box::new(make)));
            let (name, update) = (leak(&name), None);
            let def = HybridDef { name, data_type, expression, comparator, get, set, update };
            &*Box::leak(Box::new(def))
        });
        leaked.collect()
    }
}
