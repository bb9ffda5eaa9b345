//! Documents, sets, decimals, dates and bytes; deferred columns.

use std::collections::BTreeSet;

use aludel::prelude::*;
use aludel::sql::{Bad, Bind, Json, ValueRef};
use aludel::{ColumnType, DataType, Value};
use serde_json::{Map, Value as Any};

/// A JSON dictionary, a JSON list and a set; a column deferred on its own, two columns deferred as the group
/// `big`; date, decimal and bytes values.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "documents")]
pub struct Document {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(nullable = false)]
    pub title: Option<String>,
    pub published: Option<jiff::civil::Date>,
    pub price: Option<DecimalText>,
    pub data: Option<Json<Map<String, Any>>>,
    pub tags: Option<Json<Vec<Any>>>,
    pub labels: Option<Labels>,
    #[column(deferred)]
    pub summary: Deferred<Option<String>>,
    #[column(deferred, group = "big")]
    pub body: Deferred<Option<String>>,
    #[column(deferred, group = "big")]
    pub attachment: Deferred<Option<Vec<u8>>>,
}

/// A set of texts, kept as a sorted JSON list in a text column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub BTreeSet<String>);

impl ColumnType for Labels {
    const TYPE: DataType = DataType::Text(None);

    fn bind(&self) -> Bind<'_> {
        let items: Vec<Any> = self.0.iter().map(|item| Any::from(item.as_str())).collect();
        Bind::Owned(Value::Text(Any::Array(items).to_string()))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        match value {
            ValueRef::Text(text) => {
                serde_json::from_str(text).map(Self).map_err(|_| Bad::Invalid("JSON list of texts"))
            }
            ValueRef::Null => Err(Bad::Null),
            _ => Err(Bad::Type("a set of texts")),
        }
    }
}

/// A decimal kept as text, so that SQLite does not round it: the digits stay as they were written.
#[derive(Clone, Debug, Default)]
pub struct DecimalText(pub String);

impl DecimalText {
    /// The digits without zeros that do not count.
    fn significant(&self) -> &str {
        match self.0.contains('.') {
            true => self.0.trim_end_matches('0').trim_end_matches('.'),
            false => &self.0,
        }
    }
}

impl ColumnType for DecimalText {
    const TYPE: DataType = DataType::Text(None);

    fn bind(&self) -> Bind<'_> {
        Bind::Ref(ValueRef::Text(&self.0))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, Bad> {
        String::from_ref(value).map(Self)
    }

    fn same(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}
