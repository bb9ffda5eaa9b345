//! Plain structs, at the speed of the driver: read-only, in no session.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use aludel_sql::{Row, RowSink};

use super::plan::ClassPlan;
use super::select::Select;
use crate::instrumentation::Mapped;
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

impl Session {
    /// The objects that a query gives as plain structs that the session knows nothing of. Relationships are not
    /// loaded, and loader options for them do nothing.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    #[track_caller]
    pub fn all_untracked<T: Mapped>(
        &mut self,
        query: Select<T>,
    ) -> impl Future<Output = Result<Vec<T>>> {
        self.called();
        async move {
            let mut query = query.into_query();
            // What is not in the session is of the class's own type.
            query.own = true;
            query
                .options
                .retain(|option| !matches!(option, super::options::LoadOption::Relationship(_)));
            self.ready_for(&mut query).await?;
            let select = query.into_select();
            let ready = self.prepare(&select)?;
            let plan = ready.plan()?.entity.as_ref().map(|entity| &entity.own);
            let plan = plan.ok_or_else(|| {
                Error::new(ErrorKind::Argument, "the query does not give objects")
            })?;
            let mut sink = Structs { plan, structs: Vec::new(), class: PhantomData };
            let mut connection = self.checkout().await?;
            let result = connection.query(&ready.compiled, &ready.params, &mut sink).await;
            let structs = sink.structs;
            self.checkin(connection);
            result.map_err(|error| match error.kind() {
                ErrorKind::Value => {
                    error.context(format_args!("loading {} objects", T::class().name))
                }
                _ => error,
            })?;
            Ok(structs)
        }
    }
}

/// Makes structs of rows.
struct Structs<'a, T> {
    plan: &'a ClassPlan,
    structs: Vec<T>,
    class: PhantomData<fn() -> T>,
}

impl<T: Mapped> RowSink for Structs<'_, T> {
    fn reads_once(&self) -> bool {
        true
    }

    #[inline]
    fn row(&mut self, row: &dyn Row) -> Result<ControlFlow<()>> {
        let mut object = match self.plan.whole {
            true => T::decode(row, &self.plan.at)?,
            false => {
                let mut object = T::default();
                object.fill(row, &self.plan.at)?;
                object
            }
        };
        object.reconstruct();
        self.structs.push(object);
        Ok(ControlFlow::Continue(()))
    }
}
