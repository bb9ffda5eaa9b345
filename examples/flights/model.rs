//! The classes: airlines, airports, planes, flights and weather.
//!
//! A flight refers to its airline and its origin by foreign keys. Its plane and its destination are not always
//! known to the other tables (see the data's README), so that there the column keeps the value without a
//! constraint, and the relationship says by itself what it joins.

use aludel::prelude::*;
use jiff::Timestamp;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "airlines")]
pub(crate) struct Airline {
    #[column(primary_key)]
    pub(crate) carrier: String,
    pub(crate) name: String,
    #[relationship(back_populates = "airline", order_by = "id")]
    pub(crate) flights: Many<Flight>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "airports")]
pub(crate) struct Airport {
    #[column(primary_key)]
    pub(crate) faa: String,
    pub(crate) name: String,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) alt: i32,
    pub(crate) tz: i32,
    pub(crate) dst: String,
    pub(crate) tzone: Option<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "planes", index(manufacturer))]
pub(crate) struct Plane {
    #[column(primary_key)]
    pub(crate) tailnum: String,
    pub(crate) year: Option<i32>,
    #[column(name = "type")]
    pub(crate) kind: String,
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) engines: i32,
    pub(crate) seats: i32,
    pub(crate) speed: Option<i32>,
    pub(crate) engine: String,
    #[relationship(
        back_populates = "plane",
        primaryjoin = Plane::tailnum.eq(Flight::tailnum),
        foreign_keys = "flights.tailnum",
        order_by = "id"
    )]
    pub(crate) flights: Many<Flight>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "flights", index(tailnum), index(carrier), index(origin, dest))]
pub(crate) struct Flight {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
    pub(crate) dep_time: Option<i32>,
    pub(crate) sched_dep_time: i32,
    /// Minutes; negative is early, unknown for a cancelled flight.
    pub(crate) dep_delay: Option<i32>,
    pub(crate) arr_time: Option<i32>,
    pub(crate) sched_arr_time: i32,
    pub(crate) arr_delay: Option<i32>,
    #[column(foreign_key = "airlines.carrier")]
    pub(crate) carrier: String,
    #[column(name = "flight")]
    pub(crate) number: i32,
    pub(crate) tailnum: Option<String>,
    #[column(foreign_key = "airports.faa")]
    pub(crate) origin: String,
    pub(crate) dest: String,
    pub(crate) air_time: Option<i32>,
    pub(crate) distance: i32,
    pub(crate) hour: i32,
    pub(crate) minute: i32,
    /// The hour of the scheduled departure, in UTC.
    pub(crate) time_hour: Timestamp,
    #[relationship(back_populates = "flights")]
    pub(crate) airline: One<Airline>,
    #[relationship(
        back_populates = "flights",
        primaryjoin = Flight::tailnum.eq(Plane::tailnum),
        foreign_keys = "tailnum"
    )]
    pub(crate) plane: One<Plane>,
    #[relationship(foreign_keys = "origin")]
    pub(crate) origin_airport: One<Airport>,
    #[relationship(primaryjoin = Flight::dest.eq(Airport::faa), foreign_keys = "dest")]
    pub(crate) dest_airport: One<Airport>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "weather")]
pub(crate) struct Weather {
    #[column(primary_key, foreign_key = "airports.faa")]
    pub(crate) origin: String,
    #[column(primary_key)]
    pub(crate) time_hour: Timestamp,
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
    pub(crate) hour: i32,
    pub(crate) temp: Option<f64>,
    pub(crate) dewp: Option<f64>,
    pub(crate) humid: Option<f64>,
    pub(crate) wind_dir: Option<i32>,
    pub(crate) wind_speed: Option<f64>,
    pub(crate) wind_gust: Option<f64>,
    pub(crate) precip: f64,
    pub(crate) pressure: Option<f64>,
    pub(crate) visib: f64,
    pub(crate) airport: One<Airport>,
}
