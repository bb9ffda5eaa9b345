//! Editing objects: the history before the flush, the SQL of the flush, and a rollback.

use std::sync::{Arc, Mutex};

use aludel::Result;
use aludel::engine::{Event, Observer};
use aludel::prelude::*;

use crate::model::{Flight, Plane};

/// Keeps the SQL that the engine sends, while it is told to.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Option<Vec<String>>>);

impl Recorder {
    fn record(&self) {
        if let Ok(mut seen) = self.0.lock() {
            *seen = Some(Vec::new());
        }
    }

    fn take(&self) -> Vec<String> {
        self.0.lock().ok().and_then(|mut seen| seen.take()).unwrap_or_default()
    }
}

impl Observer for Recorder {
    fn before(&self, event: &Event<'_>) {
        if let Ok(mut seen) = self.0.lock()
            && let Some(seen) = seen.as_mut()
        {
            seen.push(event.sql().map_or_else(|| event.name().to_owned(), str::to_owned));
        }
    }
}

/// Changes a plane and one of its flights, and takes the change back; gives what happened, line by line.
pub(crate) fn demonstrate(
    session: &mut blocking::Session,
    recorder: &Arc<Recorder>,
) -> Result<Vec<String>> {
    let mut told = Vec::new();
    let query = select::<Plane>()
        .filter(Plane::flights.any_exists())
        .order_by(Plane::tailnum)
        .options(selectin(Plane::flights))
        .limit(1);
    let Some(plane) = session.first(query)? else { return Ok(told) };
    let Some(flight) = session[plane].flights.at(0) else { return Ok(told) };

    session.edit(plane, |p| {
        p.seats += 2;
        p.engine = "Turbo-fan, repaired".into();
    })?;
    session.remove(plane, Plane::flights, flight)?;
    let seats = session.history(plane, Plane::seats)?;
    told.push(format!(
        "history of Plane.seats: added {:?}, deleted {:?}",
        seats.added(),
        seats.deleted()
    ));
    let flights = session.history(plane, Plane::flights)?;
    told.push(format!(
        "history of Plane.flights: {} unchanged, {} deleted",
        flights.unchanged().len(),
        flights.deleted().len()
    ));
    let reference = session.history(flight, Flight::plane)?;
    told.push(format!("history of Flight.plane: added {:?}", reference.added()));

    recorder.record();
    session.flush()?;
    told.extend(recorder.take().into_iter().map(|sql| format!("flush: {sql}")));
    session.rollback()?;
    session.refresh(plane)?;
    told.push(format!("after the rollback Plane.seats is {} again", session[plane].seats));
    Ok(told)
}
