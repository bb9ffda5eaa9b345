//! A synonym is another name, of an attribute of the class's own.

use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "albums")]
struct Album {
    #[column(primary_key)]
    id: Auto<i64>,
    #[mapped(synonym = id)]
    name: String,
    #[mapped(synonym = "two words")]
    artist: String,
    #[mapped(skip, synonym = cover)]
    pages: Vec<u8>,
}

fn main() {}
