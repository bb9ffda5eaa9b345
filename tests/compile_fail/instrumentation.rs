//! The choice of how a class is instrumented is a factory of managers.

use aludel::prelude::*;

fn no_manager(_: &str) -> u8 {
    7
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "songs", instrumentation = no_manager)]
struct Song {
    #[column(primary_key)]
    id: Auto<i64>,
}

fn main() {}
