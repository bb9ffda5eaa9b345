//! Keys of several columns, keys that change, and tables that refer to each other.

use aludel::prelude::*;

/// A primary key of two columns, not generated.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "enrollments")]
pub struct Enrollment {
    #[column(primary_key, nullable = false)]
    pub student_id: Option<i64>,
    #[column(primary_key, nullable = false)]
    pub course_id: Option<i64>,
    pub grade: Option<i64>,
}

/// A natural primary key that may be switched. For cities the unit of work carries the change over, for
/// regions the database does.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "countries")]
pub struct Country {
    #[column(primary_key, nullable = false)]
    pub code: Option<String>,
    pub name: Option<String>,
    #[relationship(back_populates = "country", passive_updates = false, order_by = "id")]
    pub cities: Many<City>,
    #[relationship(back_populates = "country", order_by = "id")]
    pub regions: Many<Region>,
}

/// Child whose foreign key is carried over by the unit of work.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "cities")]
pub struct City {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[column(foreign_key = "countries.code", deferrable)]
    pub country_code: Option<String>,
    #[relationship(back_populates = "cities", passive_updates = false)]
    pub country: One<Country>,
}

/// Child whose foreign key is carried over by the database.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "regions")]
pub struct Region {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[column(foreign_key = "countries.code", on_update = "cascade")]
    pub country_code: Option<String>,
    #[relationship(back_populates = "regions")]
    pub country: One<Country>,
}

/// Two tables that refer to each other; the leader is written by an UPDATE of its own.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "bands")]
pub struct Band {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[column(foreign_key = "musicians.id", use_alter)]
    pub leader_id: Option<i64>,
    #[relationship(
        back_populates = "band",
        foreign_keys = "musicians.band_id",
        cascade = "all",
        order_by = "id"
    )]
    pub members: Many<Musician>,
    #[relationship(foreign_keys = "leader_id", post_update)]
    pub leader: One<Musician>,
}

/// Member of a band, perhaps its leader.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "musicians")]
pub struct Musician {
    #[column(primary_key)]
    pub id: Auto<i64>,
    pub name: Option<String>,
    #[column(foreign_key = "bands.id")]
    pub band_id: Option<i64>,
    #[relationship(back_populates = "members", foreign_keys = "band_id")]
    pub band: One<Band>,
}
