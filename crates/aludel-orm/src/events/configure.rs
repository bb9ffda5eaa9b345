//! The events of configuring mappers: they come without a session.

use std::sync::Arc;

use super::table::ListenerId;
use crate::mapping::{Mapper, Registry};
use crate::{Error, ErrorKind, Result};

/// What can happen when a registry configures mappers: SQLAlchemy's `MapperEvents` of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigureEvent {
    /// Mappers are about to be configured. An error leaves the registry as it was.
    BeforeConfigured,
    /// A class is about to be. An error leaves the registry as it was.
    BeforeMapperConfigured,
    /// A mapper has been configured, together with all that it refers to.
    MapperConfigured,
    /// Mappers have been configured.
    AfterConfigured,
}

/// What a listener of [`ConfigureEvent`]s is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Configuration {
    /// What happens.
    pub event: ConfigureEvent,
    /// The class that it is about; `None` where it is about all.
    pub class: Option<&'static str>,
    /// The mapper, where there is one by now.
    pub mapper: Option<Arc<Mapper>>,
}

/// How often the configuring of mappers may lead to that of others; several threads count together.
const DEEPEST: u32 = 100;

pub(crate) type ConfigureListener = Arc<dyn Fn(&Configuration) -> Result<()> + Send + Sync>;

impl Registry {
    /// Calls `listener` when mappers of this registry are configured. It is removed by
    /// [`off`](Self::off).
    ///
    /// The registry learns classes when they are first needed, so that this may come often, each time with the classes
    /// that are new. A listener may use the registry. The error of one that is told *after* is that of what needed the
    /// classes; they stay configured.
    pub fn on_configure(
        &self,
        event: ConfigureEvent,
        listener: impl Fn(&Configuration) -> Result<()> + Send + Sync + 'static,
    ) -> ListenerId {
        let id = ListenerId::next();
        self.listening().configuring.push((id, event, Arc::new(listener)));
        id
    }

    /// Tells of the configuring of mappers, while nothing is locked.
    pub(crate) fn tell_configure(
        &self,
        event: ConfigureEvent,
        class: Option<&'static str>,
        mapper: Option<&Arc<Mapper>>,
    ) -> Result<()> {
        let listeners: Vec<ConfigureListener> = {
            let mut listening = self.listening();
            if listening.depth >= DEEPEST {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    format!("{event:?}: listeners configure mappers more than {DEEPEST} deep"),
                ));
            }
            listening.depth += 1;
            let of_event = listening.configuring.iter().filter(|(_, e, _)| *e == event);
            of_event.map(|(_, _, listener)| Arc::clone(listener)).collect()
        };
        let told = Configuration { event, class, mapper: mapper.cloned() };
        let result = listeners.iter().try_for_each(|listener| listener(&told));
        self.listening().depth -= 1;
        result
    }
}
