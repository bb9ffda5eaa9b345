//! A record shop, after the Chinook database: references, a self-reference, an association table, a composite key.

use aludel::DataType::{self, BigInt, DateTime, Numeric, Text};
use aludel::sql::{
    Action, Check, Column, ForeignKey, Index, MetaData, Table, TableBuilder, Unique,
};

use super::{all, id, key, refers};

fn text(name: &str, size: u32) -> Column {
    Column::new(name, Text(Some(size)))
}

fn required(name: &str, data_type: DataType) -> Column {
    Column::new(name, data_type).not_null()
}

fn named(name: &str) -> TableBuilder {
    Table::build(name).columns([id(&format!("{name}Id")), text("Name", 120).nullable()])
}

fn money(name: &str) -> Column {
    required(name, Numeric(Some((10, 2))))
}

pub(crate) fn tables() -> MetaData {
    all([
        named("Artist"),
        named("Genre"),
        named("MediaType"),
        named("Playlist"),
        Table::build("Album")
            .columns([id("AlbumId"), text("Title", 160).not_null(), required("ArtistId", BigInt)])
            .foreign_key(key("ArtistId", "Artist.ArtistId").on_delete(Action::Cascade))
            .index(Index::on(["ArtistId"]).name("AlbumByArtist")),
        Table::build("Track")
            .columns([id("TrackId"), text("Name", 200).not_null(), refers("AlbumId")])
            .columns([required("MediaTypeId", BigInt), refers("GenreId"), money("UnitPrice")])
            .columns([required("Milliseconds", BigInt), refers("Bytes")])
            .foreign_key(key("AlbumId", "Album.AlbumId").on_delete(Action::SetNull))
            .foreign_key(key("MediaTypeId", "MediaType.MediaTypeId"))
            .foreign_key(key("GenreId", "Genre.GenreId"))
            .check(Check::new("\"Milliseconds\" > 0").name("TrackTakesTime")),
        Table::build("PlaylistTrack")
            .columns([Column::new("PlaylistId", BigInt).primary_key()])
            .columns([Column::new("TrackId", BigInt).primary_key()])
            .foreign_key(key("PlaylistId", "Playlist.PlaylistId"))
            .foreign_key(key("TrackId", "Track.TrackId")),
        Table::build("Employee")
            .columns([id("EmployeeId"), text("LastName", 20).not_null(), refers("ReportsTo")])
            .columns([Column::new("HireDate", DateTime).nullable()])
            .foreign_key(key("ReportsTo", "Employee.EmployeeId")),
        Table::build("Customer")
            .columns([id("CustomerId"), text("Email", 60).not_null().unique()])
            .columns([refers("SupportRepId")])
            .foreign_key(key("SupportRepId", "Employee.EmployeeId")),
        Table::build("Invoice")
            .columns([id("InvoiceId"), required("CustomerId", BigInt)])
            .columns([required("InvoiceDate", DateTime), money("Total").server_default("0")])
            .foreign_key(key("CustomerId", "Customer.CustomerId")),
        Table::build("InvoiceLine")
            .columns([Column::new("InvoiceId", BigInt).primary_key()])
            .columns([Column::new("Line", BigInt).primary_key()])
            .columns([
                required("TrackId", BigInt),
                money("UnitPrice"),
                required("Quantity", BigInt),
            ])
            .foreign_key(key("InvoiceId", "Invoice.InvoiceId").on_delete(Action::Cascade))
            .foreign_key(key("TrackId", "Track.TrackId"))
            .unique(Unique::on(["InvoiceId", "TrackId"])),
        Table::build("Refund")
            .columns([id("RefundId"), refers("InvoiceId"), refers("Line")])
            .columns([Column::new("Reason", Text(None)).nullable()])
            .foreign_key(ForeignKey::new(
                ["InvoiceId", "Line"],
                "InvoiceLine",
                ["InvoiceId", "Line"],
            )),
    ])
}
