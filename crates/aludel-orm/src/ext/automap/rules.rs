//! What the classes and relationships that tables make are called.

use aludel_sql::{Column, ForeignKey, Table};

use super::AutoRelationship;
use crate::mapping::Direction;

/// A relationship that wants a name.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The class that has it.
    pub class: &'a str,
    /// The class that it leads to.
    pub target: &'a str,
    /// Which side has the foreign key: the class, its target, or an association table.
    pub direction: Direction,
    /// The table with the foreign key.
    pub table: &'a Table,
    /// The foreign key; of an association table, the one that refers to the target.
    pub key: &'a ForeignKey,
    /// Whether there are several such relationships between the two classes.
    pub several: bool,
}

/// What classes, attributes and relationships are called that are made of tables. Each rule has SQLAlchemy's default.
///
/// A name that a class has already gets a number.
///
/// ```
/// use aludel_orm::ext::{AutomapRules, Link};
///
/// /// `artist` for the column `artist_id`, and `albums` for the other side.
/// struct Mine;
///
/// impl AutomapRules for Mine {
///     fn scalar_name(&self, link: &Link<'_>) -> String {
///         let column = &*link.key.column_names[0];
///         column.strip_suffix("_id").unwrap_or(column).to_owned()
///     }
///     fn collection_name(&self, link: &Link<'_>) -> String {
///         format!("{}s", link.target)
///     }
/// }
/// ```
pub trait AutomapRules {
    /// The class of a table: the table's name. SQLAlchemy's `classname_for_table`.
    fn class_name(&self, table: &Table) -> String {
        table.name().to_owned()
    }

    /// The attribute of a column: the column's name.
    fn attribute_name(&self, _table: &Table, column: &Column) -> String {
        column.name.to_string()
    }

    /// A reference to one object: the name of its class, in lower case. SQLAlchemy's `name_for_scalar_relationship`.
    fn scalar_name(&self, link: &Link<'_>) -> String {
        link.target.to_lowercase()
    }

    /// A collection: the name of the class of its members, in lower case, and `_collection`. SQLAlchemy's
    /// `name_for_collection_relationship`.
    fn collection_name(&self, link: &Link<'_>) -> String {
        format!("{}_collection", link.target.to_lowercase())
    }

    /// What else is to be said of a relationship, before its other side is told of its name; `false` leaves it out.
    /// SQLAlchemy's `generate_relationship`.
    fn relationship(&self, _class: &str, _relationship: &mut AutoRelationship) -> bool {
        true
    }
}

/// SQLAlchemy's rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultRules;

impl AutomapRules for DefaultRules {}
