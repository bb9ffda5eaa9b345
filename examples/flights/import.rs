//! The import: every row becomes an object, and the session writes them.

use std::collections::HashMap;

use aludel::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use crate::files::{DataSet, Fields, Problem};
use crate::model::{Airline, Airport, Flight, Plane, Weather};

/// How many objects wait for a flush.
const BATCH: usize = 10_000;

/// What an import did.
#[derive(Default)]
pub(crate) struct Imported {
    /// Rows read of each table.
    pub(crate) read: Vec<(&'static str, u64)>,
    /// Rows that did not parse, each with its line and what is wrong.
    pub(crate) refused: Vec<String>,
}

/// The objects that others refer to, by key.
#[derive(Default)]
struct Known {
    airlines: HashMap<String, Handle<Airline>>,
    airports: HashMap<String, Handle<Airport>>,
    planes: HashMap<String, Handle<Plane>>,
}

/// Reads all files and writes their rows; one transaction for each table.
pub(crate) fn import(
    session: &mut blocking::Session,
    data: &DataSet,
    bar: &ProgressBar,
) -> Result<Imported, Problem> {
    let mut done = Imported::default();
    let mut known = Known::default();
    table(session, data, bar, &mut done, "airlines", |session, row| {
        let carrier = row.text("carrier")?;
        let airline =
            Airline { carrier: carrier.clone(), name: row.text("name")?, ..Airline::default() };
        known.airlines.insert(carrier, session.add(airline)?);
        Ok(())
    })?;
    table(session, data, bar, &mut done, "airports", |session, row| {
        let faa = row.text("faa")?;
        let airport = airport(faa.clone(), row)?;
        known.airports.insert(faa, session.add(airport)?);
        Ok(())
    })?;
    table(session, data, bar, &mut done, "planes", |session, row| {
        let tailnum = row.text("tailnum")?;
        let plane = plane(tailnum.clone(), row)?;
        known.planes.insert(tailnum, session.add(plane)?);
        Ok(())
    })?;
    table(session, data, bar, &mut done, "flights", |session, row| {
        let flight = flight(row, &known)?;
        session.add(flight)?;
        Ok(())
    })?;
    table(session, data, bar, &mut done, "weather", |session, row| {
        let weather = weather(row, &known)?;
        session.add(weather)?;
        Ok(())
    })?;
    Ok(done)
}

/// Imports one table: flushed in batches, committed at its end.
fn table(
    session: &mut blocking::Session,
    data: &DataSet,
    bar: &ProgressBar,
    done: &mut Imported,
    name: &'static str,
    mut add: impl FnMut(&mut blocking::Session, &Fields<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    bar.set_message(name);
    let mut failed = None;
    let mut waiting = 0;
    let rows = data.read(name, &mut done.refused, |row| {
        add(session, row)?;
        waiting += 1;
        bar.inc(1);
        if waiting == BATCH && failed.is_none() {
            waiting = 0;
            failed = session.flush().err();
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    session.commit()?;
    done.read.push((name, rows));
    Ok(())
}

/// The bar that shows how many rows have been read.
pub(crate) fn progress(visible: bool) -> ProgressBar {
    if !visible {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {msg:10} {human_pos} rows, {per_sec}, {elapsed}");
    ProgressBar::new_spinner()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn airport(faa: String, row: &Fields<'_>) -> Result<Airport, Problem> {
    Ok(Airport {
        faa,
        name: row.text("name")?,
        lat: row.parse("lat")?,
        lon: row.parse("lon")?,
        alt: row.parse("alt")?,
        tz: row.parse("tz")?,
        dst: row.text("dst")?,
        tzone: row.maybe("tzone")?.map(str::to_owned),
    })
}

fn plane(tailnum: String, row: &Fields<'_>) -> Result<Plane, Problem> {
    Ok(Plane {
        tailnum,
        year: row.parse_maybe("year")?,
        kind: row.text("type")?,
        manufacturer: row.text("manufacturer")?,
        model: row.text("model")?,
        engines: row.parse("engines")?,
        seats: row.parse("seats")?,
        speed: row.parse_maybe("speed")?,
        engine: row.text("engine")?,
        flights: Many::default(),
    })
}

fn flight(row: &Fields<'_>, known: &Known) -> Result<Flight, Problem> {
    let (carrier, origin, dest) = (row.text("carrier")?, row.text("origin")?, row.text("dest")?);
    let tailnum = row.maybe("tailnum")?.map(str::to_owned);
    // A reference is set where the object is known; else the column alone keeps the value.
    let plane = tailnum.as_ref().and_then(|t| known.planes.get(t));
    Ok(Flight {
        id: Auto::Unset,
        year: row.parse("year")?,
        month: row.parse("month")?,
        day: row.parse("day")?,
        dep_time: row.parse_maybe("dep_time")?,
        sched_dep_time: row.parse("sched_dep_time")?,
        dep_delay: row.parse_maybe("dep_delay")?,
        arr_time: row.parse_maybe("arr_time")?,
        sched_arr_time: row.parse("sched_arr_time")?,
        arr_delay: row.parse_maybe("arr_delay")?,
        number: row.parse("flight")?,
        air_time: row.parse_maybe("air_time")?,
        distance: row.parse("distance")?,
        hour: row.parse("hour")?,
        minute: row.parse("minute")?,
        time_hour: row.parse::<Timestamp>("time_hour")?,
        airline: known.airlines.get(&carrier).map_or_else(One::default, |a| One::from(*a)),
        plane: plane.map_or_else(One::default, |p| One::from(*p)),
        origin_airport: known.airports.get(&origin).map_or_else(One::default, |a| One::from(*a)),
        dest_airport: known.airports.get(&dest).map_or_else(One::default, |a| One::from(*a)),
        carrier,
        tailnum,
        origin,
        dest,
    })
}

fn weather(row: &Fields<'_>, known: &Known) -> Result<Weather, Problem> {
    let origin = row.text("origin")?;
    Ok(Weather {
        airport: known.airports.get(&origin).map_or_else(One::default, |a| One::from(*a)),
        origin,
        time_hour: row.parse::<Timestamp>("time_hour")?,
        year: row.parse("year")?,
        month: row.parse("month")?,
        day: row.parse("day")?,
        hour: row.parse("hour")?,
        temp: row.parse_maybe("temp")?,
        dewp: row.parse_maybe("dewp")?,
        humid: row.parse_maybe("humid")?,
        wind_dir: row.parse_maybe("wind_dir")?,
        wind_speed: row.parse_maybe("wind_speed")?,
        wind_gust: row.parse_maybe("wind_gust")?,
        precip: row.parse("precip")?,
        pressure: row.parse_maybe("pressure")?,
        visib: row.parse("visib")?,
    })
}
