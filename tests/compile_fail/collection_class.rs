//! A collection of the user's own kind has to say how it takes members.

use aludel::prelude::*;

#[derive(Clone, Default)]
struct Playlist;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "albums")]
struct Album {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(position = "at")]
    songs: Collected<Playlist>,
}

fn main() {}
