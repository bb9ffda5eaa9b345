//! Index-like access into JSON columns: SQLAlchemy's `sqlalchemy.ext.indexable`.

use std::fmt;
use std::marker::PhantomData;

use aludel_sql::{
    BinaryOp, ColumnType, DataType, Expr, Expression, IntoExpr, IntoNode, IntoNodes, Node, Value,
};
use serde_json::Value as Json;

use crate::instrumentation::{Attr, Handle, IntoField, IsA, Mapped};
use crate::loading::{AliasOf, ClassExpression, Columns, ResultColumn, ResultRow};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

/// A step into a JSON document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonStep {
    /// The member of an object under a key.
    Key(&'static str),
    /// The element of an array at a place, counted from 0.
    Index(u32),
}

/// What lies at a place in the JSON documents of an attribute, as if it were an attribute of its own: SQLAlchemy's
/// `index_property`. `T` is the type of a column that could hold it; where nothing lies there, it is `None`.
///
/// A constant of the class names it; in queries it is an expression, of an object it is read by
/// [`get`](Self::get) and set by [`set`](Self::set), which sets the document that has it in.
///
/// ```
/// use aludel_derive::Mapped;
/// use aludel_orm::ext::{IndexProperty, JsonStep};
/// use aludel_orm::{Auto, Handle, Result, Session, select};
/// use aludel_sql::Expression as _;
///
/// #[derive(Mapped, Clone, Debug, Default)]
/// #[mapped(crate = aludel_orm, table = "profiles")]
/// struct Profile {
///     #[column(primary_key)]
///     id: Auto<i64>,
///     data: serde_json::Value,
/// }
///
/// impl Profile {
///     const COLOR: IndexProperty<Self, String> = IndexProperty::new(Self::data, JsonStep::Key("color"));
///     const SIZE: IndexProperty<Self, i64> =
///         IndexProperty::path(Self::data, &[JsonStep::Key("sizes"), JsonStep::Index(0)]);
/// }
///
/// # fn example(session: &mut Session, profile: Handle<Profile>) -> Result<()> {
/// let red = select::<Profile>().filter(Profile::COLOR.eq("red")).order_by(Profile::SIZE);
/// Profile::COLOR.set(session, profile, "blue".to_owned())?;
/// assert_eq!(Profile::COLOR.get(session, profile)?.as_deref(), Some("blue"));
/// # drop(red);
/// # Ok(())
/// # }
/// ```
pub struct IndexProperty<C, T> {
    /// The attribute, whatever its type: its column holds JSON.
    document: Attr<C, Json>,
    at: Steps,
    value: PhantomData<fn() -> T>,
}

#[derive(Clone, Copy)]
enum Steps {
    One(JsonStep),
    Many(&'static [JsonStep]),
}

impl Steps {
    fn all(&self) -> &[JsonStep] {
        match self {
            Self::One(step) => std::slice::from_ref(step),
            Self::Many(steps) => steps,
        }
    }
}

impl<C, T> Clone for IndexProperty<C, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, T> Copy for IndexProperty<C, T> {}

impl<C, T> fmt::Debug for IndexProperty<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{:?}", self.document, self.at.all())
    }
}

impl<C, T> IndexProperty<C, T> {
    /// What lies under a key, or at a place.
    pub const fn new<V>(document: Attr<C, V>, at: JsonStep) -> Self {
        Self::at(document, Steps::One(at))
    }

    /// What lies further in.
    pub const fn path<V>(document: Attr<C, V>, at: &'static [JsonStep]) -> Self {
        Self::at(document, Steps::Many(at))
    }

    const fn at<V>(document: Attr<C, V>, at: Steps) -> Self {
        let mut same = Attr::new(document.index(), document.name());
        same.described = document.described;
        Self { document: same, at, value: PhantomData }
    }
}

impl<C: Mapped, T: ColumnType> IndexProperty<C, T> {
    /// What lies there in the object's document; `None` where nothing does, or NULL.
    ///
    /// # Errors
    ///
    /// When the attribute is not loaded, or what lies there is of another type.
    pub fn get<S: IsA<C>>(self, session: &Session, object: Handle<S>) -> Result<Option<T>> {
        let document = self.document_of(session, object)?;
        let mut found = Some(&document);
        for step in self.at.all() {
            found = found.and_then(|within| match step {
                JsonStep::Key(key) => within.get(*key),
                JsonStep::Index(at) => within.get(*at as usize),
            });
        }
        match found {
            None | Some(Json::Null) => Ok(None),
            Some(found) => T::from_value(value(found, T::TYPE))
                .map(Some)
                .map_err(|bad| Error::new(ErrorKind::Value, format!("{self:?}: the value {bad}"))),
        }
    }

    /// Sets what lies there, by setting the attribute to a document that has it; objects on the way are made where they
    /// are missing.
    ///
    /// # Errors
    ///
    /// When the attribute is not loaded, an array on the way has no such place (its end is one), something else than an
    /// object or array is in the way, or somebody refuses the document.
    pub fn set<S: IsA<C>>(
        self,
        session: &mut Session,
        object: Handle<S>,
        value: impl IntoField<T>,
    ) -> Result<()> {
        let mut document = self.document_of(session, object)?;
        let mut place = &mut document;
        for step in self.at.all() {
            place = inside(place, *step).ok_or_else(|| {
                let message = format!("{self:?}: there is no such place in the document");
                Error::new(ErrorKind::Value, message)
            })?;
        }
        *place = json(value.into_field().into_value()).map_err(|what| {
            Error::new(ErrorKind::Value, format!("{self:?}: {what} cannot be put into JSON"))
        })?;
        session.set_named(object, self.document.name(), Value::Json(Box::new(document)))
    }

    fn document_of<S>(self, session: &Session, object: Handle<S>) -> Result<Json> {
        match session.get_named(object, self.document.name())? {
            None | Some(crate::Datum::Value(Value::Null)) => Ok(Json::Null),
            Some(crate::Datum::Value(Value::Json(document))) => Ok(*document),
            _ => {
                let message = format!("{:?} holds no JSON", self.document);
                Err(Error::new(ErrorKind::Argument, message))
            }
        }
    }

    fn within(self, document: Node) -> Node {
        let (last, before) = match self.at.all() {
            [before @ .., last] => (last, before),
            [] => return document,
        };
        let go = |document: Node, step: &JsonStep, op: &'static str| {
            let key = match step {
                JsonStep::Key(key) => Node::Cast(Box::new(key.into_node()), DataType::Text(None)),
                JsonStep::Index(at) => {
                    Node::Cast(Box::new(i64::from(*at).into_node()), DataType::Integer)
                }
            };
            Node::binary(BinaryOp::Other(op), document, key)
        };
        let document = before.iter().fold(document, |document, step| go(document, step, "->"));
        match T::TYPE {
            DataType::Json => go(document, last, "->"),
            data_type => Node::Cast(Box::new(go(document, last, "->>")), data_type),
        }
    }
}

/// The place that a step leads to; made, where that can be done.
fn inside(place: &mut Json, step: JsonStep) -> Option<&mut Json> {
    match step {
        JsonStep::Key(key) => {
            if place.is_null() {
                *place = Json::Object(serde_json::Map::new());
            }
            Some(place.as_object_mut()?.entry(key).or_insert(Json::Null))
        }
        JsonStep::Index(at) => {
            if place.is_null() {
                *place = Json::Array(Vec::new());
            }
            let list = place.as_array_mut()?;
            let at = at as usize;
            if at == list.len() {
                list.push(Json::Null);
            }
            list.get_mut(at)
        }
    }
}

/// A JSON value as one of a column.
fn value(json: &Json, data_type: DataType) -> Value {
    match (json, data_type) {
        (json, DataType::Json) => Value::Json(Box::new(json.clone())),
        (Json::Bool(b), _) => Value::Bool(*b),
        (Json::Number(n), DataType::Real | DataType::Double) => {
            n.as_f64().map_or(Value::Null, Value::F64)
        }
        (Json::Number(n), _) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Value::I64(n),
            (None, Some(n)) => Value::F64(n),
            (None, None) => Value::Null,
        },
        (Json::String(text), _) => Value::Text(text.clone()),
        (Json::Null, _) => Value::Null,
        (other, _) => Value::Json(Box::new(other.clone())),
    }
}

/// A column's value as JSON.
fn json(value: Value) -> std::result::Result<Json, &'static str> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(b),
        Value::I64(n) => Json::from(n),
        Value::F64(n) => {
            serde_json::Number::from_f64(n).map(Json::Number).ok_or("an infinite number")?
        }
        Value::Text(text) => Json::String(text),
        Value::Json(json) => *json,
        _ => return Err("a value of this type"),
    })
}

impl<C: Mapped, T: ColumnType> IntoNode for IndexProperty<C, T> {
    fn into_node(self) -> Node {
        self.within(self.document.into_node())
    }
}

impl<C: Mapped, T: ColumnType> IntoNodes for IndexProperty<C, T> {
    fn into_nodes(self) -> Vec<Node> {
        vec![self.into_node()]
    }
}

impl<C: Mapped, T: ColumnType> Expression for IndexProperty<C, T> {
    type Value = Option<T>;
}

impl<C: Mapped, T: ColumnType> IntoExpr<T> for IndexProperty<C, T> {}
impl<C: Mapped, T: ColumnType> IntoExpr<Option<T>> for IndexProperty<C, T> {}

impl<C: Mapped, T: ColumnType> Columns for IndexProperty<C, T>
where
    Option<T>: ColumnType,
{
    type Row = Option<T>;

    fn into_columns(self) -> Vec<Node> {
        self.into_nodes()
    }

    fn decode(row: &mut ResultRow<'_>) -> Result<Option<T>> {
        <Self as ResultColumn>::read(row)
    }
}

impl<C: Mapped, T: ColumnType> ClassExpression for IndexProperty<C, T> {
    type Class = C;
    type Value = Option<T>;

    fn under<U>(self, alias: &AliasOf<U>) -> Expr<Option<T>> {
        Expr::from_node(self.within(self.document.under(alias).into_node()))
    }
}
