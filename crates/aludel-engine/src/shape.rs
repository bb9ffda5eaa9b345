//! The shape of a write, as a key to the statements that a connection keeps for it.

use aludel_sql::{
    Dialect, Error, ErrorKind, KeyMatch, Result, Write, WriteOp, delete_row_sql, insert_row_sql,
    update_row_sql,
};
use hashbrown::{Equivalent, HashMap};
use std::hash::{Hash, Hasher};

/// What two writes have in common when one statement serves both.
#[derive(PartialEq, Eq)]
pub(crate) struct Shape {
    op: WriteOp,
    table: u32,
    columns: Box<[u16]>,
    keys: Box<[u16]>,
    returning: Box<[u16]>,
}

/// The same, borrowed from a write.
pub(crate) struct ShapeRef<'w, 'a>(pub(crate) &'w Write<'a>);

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, self.table, &*self.columns, &*self.keys, &*self.returning).hash(state);
    }
}

impl Hash for ShapeRef<'_, '_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let w = self.0;
        (w.op, w.table.id(), w.columns, w.keys, w.returning).hash(state);
    }
}

impl Equivalent<Shape> for ShapeRef<'_, '_> {
    fn equivalent(&self, key: &Shape) -> bool {
        let w = self.0;
        w.op == key.op
            && w.table.id() == key.table
            && *w.columns == *key.columns
            && *w.keys == *key.keys
            && *w.returning == *key.returning
    }
}

impl ShapeRef<'_, '_> {
    fn own(&self) -> Shape {
        let w = self.0;
        Shape {
            op: w.op,
            table: w.table.id(),
            columns: w.columns.into(),
            keys: w.keys.into(),
            returning: w.returning.into(),
        }
    }
}

/// Something kept for each shape; bounded, since a program may make tables without end.
pub(crate) struct Shapes<T> {
    map: HashMap<Shape, T>,
    max: usize,
}

impl<T: Clone> Shapes<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self { map: HashMap::new(), max }
    }

    pub(crate) fn get(&self, write: &Write<'_>) -> Option<T> {
        self.map.get(&ShapeRef(write)).cloned()
    }

    pub(crate) fn put(&mut self, write: &Write<'_>, value: T) {
        if self.map.len() >= self.max {
            self.map.clear();
        }
        self.map.insert(ShapeRef(write).own(), value);
    }

    pub(crate) fn clear(&mut self) {
        self.map.clear();
    }
}

/// The statement for one row of a write, as observers are told it.
pub(crate) fn row_sql(write: &Write<'_>, dialect: &Dialect) -> Result<String> {
    Ok(write_sql(write, write.returning, dialect)?.into())
}

/// The statement for one row of a write, giving `returning` back.
pub(crate) fn write_sql(
    write: &Write<'_>,
    returning: &[u16],
    dialect: &Dialect,
) -> Result<Box<str>> {
    let compiled = match write.op {
        WriteOp::Insert => insert_row_sql(write.table, write.columns, returning, dialect),
        WriteOp::Update => update_row_sql(
            write.table,
            write.columns,
            write.keys,
            returning,
            KeyMatch::Equal,
            dialect,
        ),
        WriteOp::Delete if returning.is_empty() => {
            delete_row_sql(write.table, write.keys, KeyMatch::Equal, dialect)
        }
        WriteOp::Delete => Err(Error::new(ErrorKind::Unsupported, "a DELETE gives no values back")),
    };
    Ok(compiled?.sql)
}
