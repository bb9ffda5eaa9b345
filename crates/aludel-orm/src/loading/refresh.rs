//! Reading objects again.

use std::sync::Arc;

use super::relation::{Asker, Wanted};
use crate::instrumentation::{AttributeKey, Handle, Id, Mapped};
use crate::mapping::PropertyKind;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// Reads an object's row again: what is loaded is replaced, and pending changes of the object are lost;
    /// related objects are loaded when they are next asked for. What else is pending is flushed first, where
    /// the session does that. The cascade `refresh-expire` expires related objects.
    ///
    /// # Errors
    ///
    /// When the object is not persistent, or its row is gone. When a listener refuses, the object is as it was, with its
    /// changes.
    #[track_caller]
    pub fn refresh<T>(&mut self, object: Handle<T>) -> impl Future<Output = Result<()>> {
        self.called();
        async move { self.refresh_at(object.id, None).await }
    }

    /// Reads some attributes of an object again; relationships as well.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh).
    #[track_caller]
    pub fn refresh_attributes<T: Mapped>(
        &mut self,
        object: Handle<T>,
        attributes: impl IntoIterator<Item = impl Into<AttributeKey<T>>>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let attributes: Vec<u16> = attributes.into_iter().map(|a| a.into().index).collect();
            self.refresh_at(object.id, Some(&attributes)).await
        }
    }

    /// Reads an object, or some of its attributes by name, again.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh); and when there is no such attribute.
    #[track_caller]
    pub fn refresh_named(
        &mut self,
        object: impl Into<Id>,
        names: Option<&[&str]>,
    ) -> impl Future<Output = Result<()>> {
        self.called();
        async move {
            let id = object.into();
            let Some(names) = names else { return self.refresh_at(id, None).await };
            let attributes: Vec<u16> =
                names.iter().map(|name| self.attribute_named(id, name)).collect::<Result<_>>()?;
            self.refresh_at(id, Some(&attributes)).await
        }
    }

    pub(crate) async fn refresh_at(&mut self, id: Id, attributes: Option<&[u16]>) -> Result<()> {
        self.check_persistent(id)?;
        let before = self.before_refresh_with(id);
        // Its own changes are lost; those of others are flushed, since they may concern what is read.
        let columns = match attributes {
            None => {
                self.expire_at(id)?;
                self.expired_columns(id)
            }
            Some(attributes) => {
                self.expire_attributes_at(id, attributes)?;
                self.columns_among(id, attributes)
            }
        };
        self.autoflush().await?;
        self.load_columns_since(before, id, &columns, Asker::Program).await.map_err(|error| {
            match error.kind() {
                ErrorKind::ObjectDeleted => Error::new(
                    ErrorKind::InvalidRequest,
                    format!("{} cannot be refreshed: its row is gone", self.describe_object(id)),
                ),
                _ => error,
            }
        })?;
        for attribute in attributes.unwrap_or_default() {
            if self.mapper_of(id).relationship(*attribute).is_some() {
                let wanted = Wanted {
                    attribute: *attribute,
                    below: &[],
                    origin: None,
                    populate_existing: true,
                    committed: false,
                    renew: false,
                    by: Asker::Program,
                    criteria: None,
                };
                Box::pin(self.load_relation(&[id], wanted)).await?;
            }
        }
        Ok(())
    }

    /// The column attributes among some attributes; of a composite, its parts.
    fn columns_among(&self, id: Id, attributes: &[u16]) -> Vec<u16> {
        let mapper = Arc::clone(self.mapper_of(id));
        let mut columns = Vec::new();
        for attribute in attributes {
            match &mapper.property(*attribute).kind {
                PropertyKind::Column(_) | PropertyKind::Expression { .. } => {
                    columns.push(*attribute)
                }
                PropertyKind::Composite { attributes } => columns.extend(attributes),
                PropertyKind::Relationship(_) | PropertyKind::Unmapped => {}
            }
        }
        columns
    }
}
