//! What names mean in queries: asked of the mappers, which know what a class's description alone does not.
//!
//! A mapping may say more than the class: synonyms, what a field of records refers to, the columns of a table made by
//! hand. A query that was begun by a session has the session's mappers. One that was written with types has none until a
//! session runs it, and then its names are those of the description.

use std::fmt;
use std::sync::Arc;

use aludel_sql::DataType;

use crate::instrumentation::{AttrKind, ClassDef, HybridDef};
use crate::mapping::{Mapper, Mappers, PropertyKind};
use crate::{Error, ErrorKind, Result};

/// The mappers that names are asked of.
#[derive(Clone, Default)]
pub(crate) struct Names(Option<Arc<Mappers>>);

impl Names {
    pub(super) fn of(mappers: &Arc<Mappers>) -> Self {
        Self(Some(Arc::clone(mappers)))
    }

    fn mapper(&self, class: &ClassDef) -> Option<&Mapper> {
        self.0.as_deref()?.of(class)
    }

    /// An attribute of a class, by its name or a synonym.
    pub(super) fn attribute(&self, class: &ClassDef, name: &str) -> Result<u16> {
        match self.mapper(class) {
            Some(mapper) => mapper.attribute(name).ok_or_else(|| mapper.no_attribute(name)),
            None => class.attribute(name).ok_or_else(|| class.no_attribute(name)),
        }
    }

    /// A hybrid of a class, by a name that no attribute has.
    pub(super) fn hybrid(&self, class: &ClassDef, name: &str) -> Option<&'static HybridDef> {
        let is_attribute = match self.mapper(class) {
            Some(mapper) => mapper.attribute(name).is_some(),
            None => class.attribute(name).is_some(),
        };
        if is_attribute { None } else { class.hybrid(name) }
    }

    /// A relationship of a class, and the class that it leads to.
    pub(super) fn relationship(
        &self,
        class: &ClassDef,
        name: &str,
    ) -> Result<(u16, &'static ClassDef)> {
        let at = self.attribute(class, name)?;
        if let (Some(mappers), Some(mapper)) = (&self.0, self.mapper(class)) {
            return match &mapper.property(at).kind {
                PropertyKind::Relationship(relationship) => {
                    Ok((at, mappers.at(relationship.target).def))
                }
                PropertyKind::Unmapped => Err(wrong(class, name, "is not mapped")),
                _ => Err(wrong(class, name, "is not a relationship")),
            };
        }
        let AttrKind::Relationship(def) = &class.attributes[usize::from(at)].kind else {
            return Err(wrong(class, name, "is not a relationship"));
        };
        def.target.get().map(|target| (at, target)).ok_or_else(|| {
            let what = format!(
                "refers to a class `{}` that only its mapping knows: begin the query by `session.query_named`",
                def.target.name()
            );
            Error::new(ErrorKind::Unmapped, format!("{}.{name} {what}", class.name))
        })
    }

    /// The type of the values of an attribute.
    pub(super) fn data_type(&self, class: &ClassDef, name: &str) -> Result<DataType> {
        let at = self.attribute(class, name)?;
        let kind = &class.attributes[usize::from(at)].kind;
        match (kind, self.mapper(class)) {
            (AttrKind::Composite(_), _) => Ok(DataType::Tuple),
            (AttrKind::Column(_) | AttrKind::Expression(_), Some(mapper)) => Ok(mapper.type_of(at)),
            (AttrKind::Column(column), None) => Ok(column.data_type),
            (AttrKind::Expression(expression), None) => Ok(expression.data_type),
            _ => Err(wrong(class, name, "is not a column")),
        }
    }
}

#[cold]
fn wrong(class: &ClassDef, name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("{}.{name} {what}", class.name))
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "of mappers" } else { "of descriptions" })
    }
}
