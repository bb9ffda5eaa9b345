//! A dozen questions, all of them asked through the ORM.

use aludel::prelude::*;
use aludel::{Result, func};
use serde_json::{Map, Value, json};

use crate::model::{Airline, Airport, Flight, Plane, Weather};

/// Answers all questions as one JSON object.
pub(crate) fn answers(session: &mut blocking::Session) -> Result<Map<String, Value>> {
    let mut answers = Map::new();
    answers.insert("rows".into(), rows(session)?);
    answers.insert("flights_by_carrier".into(), flights_by_carrier(session)?);
    answers.insert("mean_dep_delay_by_carrier".into(), mean_delay_by_carrier(session)?);
    answers.insert("busiest_routes".into(), busiest_routes(session)?);
    answers.insert("flights_without_plane".into(), without_plane(session)?.into());
    answers
        .insert("flights_without_destination_airport".into(), without_destination(session)?.into());
    answers.insert("flights_by_manufacturer".into(), flights_by_manufacturer(session)?);
    answers.insert("busiest_planes".into(), busiest_planes(session)?);
    answers.insert("longest_departure_delay".into(), longest_delay(session)?);
    answers.insert("fleet_of_cessna".into(), fleet(session, "CESSNA")?);
    answers.insert("airlines_to_honolulu".into(), airlines_to(session, "HNL")?);
    answers.insert("windiest_hour".into(), windiest_hour(session)?);
    Ok(answers)
}

fn rows(session: &mut blocking::Session) -> Result<Value> {
    Ok(json!({
        "airlines": session.count(select::<Airline>())?,
        "airports": session.count(select::<Airport>())?,
        "planes": session.count(select::<Plane>())?,
        "flights": session.count(select::<Flight>())?,
        "weather": session.count(select::<Weather>())?,
    }))
}

fn flights_by_carrier(session: &mut blocking::Session) -> Result<Value> {
    let query =
        select::<Flight>().columns((Flight::carrier, count_star())).group_by(Flight::carrier);
    Ok(session
        .rows(query)?
        .into_iter()
        .map(|(carrier, n)| (carrier, n.into()))
        .collect::<Map<_, _>>()
        .into())
}

fn mean_delay_by_carrier(session: &mut blocking::Session) -> Result<Value> {
    let query = select::<Flight>()
        .filter(Flight::dep_delay.is_not_null())
        .columns((Flight::carrier, Flight::dep_delay.cast::<f64>().avg()))
        .group_by(Flight::carrier);
    let round = |mean: f64| (mean * 1000.0).round() / 1000.0;
    let means = session.rows(query)?.into_iter();
    Ok(means.map(|(carrier, mean)| (carrier, json!(mean.map(round)))).collect::<Map<_, _>>().into())
}

fn busiest_routes(session: &mut blocking::Session) -> Result<Value> {
    let query = select::<Flight>()
        .columns((Flight::origin, Flight::dest, count_star()))
        .group_by((Flight::origin, Flight::dest))
        .order_by((count_star().desc(), Flight::origin, Flight::dest))
        .limit(10);
    Ok(json!(session.rows(query)?))
}

fn without_plane(session: &mut blocking::Session) -> Result<u64> {
    session.count(select::<Flight>().filter(!Flight::plane.has(Plane::tailnum.is_not_null())))
}

fn without_destination(session: &mut blocking::Session) -> Result<u64> {
    session.count(select::<Flight>().filter(!Flight::dest_airport.has(Airport::faa.is_not_null())))
}

fn flights_by_manufacturer(session: &mut blocking::Session) -> Result<Value> {
    let query = select::<Flight>()
        .join(Flight::plane)
        .columns((Plane::manufacturer, count_star()))
        .group_by(Plane::manufacturer)
        .order_by((count_star().desc(), Plane::manufacturer))
        .limit(5);
    Ok(json!(session.rows(query)?))
}

fn busiest_planes(session: &mut blocking::Session) -> Result<Value> {
    let query = select::<Flight>()
        .filter(Flight::tailnum.is_not_null())
        .columns((Flight::tailnum, count_star()))
        .group_by(Flight::tailnum)
        .order_by((count_star().desc(), Flight::tailnum))
        .limit(5);
    Ok(json!(session.rows(query)?))
}

fn longest_delay(session: &mut blocking::Session) -> Result<Value> {
    let query = select::<Flight>()
        .filter(Flight::dep_delay.is_not_null())
        .order_by((Flight::dep_delay.desc(), Flight::id))
        .options(joined(Flight::airline))
        .limit(1);
    let Some(flight) = session.first(query)? else { return Ok(Value::Null) };
    let flight = &session[flight];
    Ok(json!({
        "carrier": flight.carrier,
        "flight": flight.number,
        "origin": flight.origin,
        "dest": flight.dest,
        "time_hour": flight.time_hour.to_string(),
        "dep_delay": flight.dep_delay,
    }))
}

/// The planes of a manufacturer with their flights: two statements, however many planes.
fn fleet(session: &mut blocking::Session, manufacturer: &str) -> Result<Value> {
    let query = select::<Plane>()
        .filter(Plane::manufacturer.eq(manufacturer))
        .order_by(Plane::tailnum)
        .options(selectin(Plane::flights));
    let planes = session.all(query)?;
    let flights: usize = planes.iter().map(|p| session[*p].flights.len()).sum();
    let seats: i32 = planes.iter().map(|p| session[*p].seats).sum();
    Ok(json!({ "planes": planes.len(), "seats": seats, "flights": flights }))
}

fn airlines_to(session: &mut blocking::Session, dest: &str) -> Result<Value> {
    let query = select::<Airline>()
        .filter(Airline::flights.any(Flight::dest.eq(dest)))
        .order_by(Airline::name)
        .columns(Airline::name);
    Ok(json!(session.rows(query)?))
}

fn windiest_hour(session: &mut blocking::Session) -> Result<Value> {
    let fastest =
        session.scalar(select::<Weather>().columns(func::<f64>("max", Weather::wind_speed)))?;
    let Some(fastest) = fastest else { return Ok(Value::Null) };
    let query = select::<Weather>()
        .filter(Weather::wind_speed.eq(fastest))
        .order_by((Weather::origin, Weather::time_hour));
    let Some(hour) = session.first(query)? else { return Ok(Value::Null) };
    let hour = &session[hour];
    Ok(json!([hour.origin, hour.time_hour.to_string(), hour.wind_speed]))
}
