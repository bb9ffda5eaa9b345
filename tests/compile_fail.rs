//! Mistakes that the compiler finds, and what it says of them: `compile_fail/*.rs` and `.stderr`.
//!
//! What it says names types that could have been meant, and those depend on the features: it is held with all of
//! them, which is how `cargo xtask test` runs it. After a change of a message:
//! `TRYBUILD=overwrite cargo test --all-features --test compile_fail`, and read the difference.
#![cfg(all(
    feature = "chrono",
    feature = "decimal",
    feature = "jiff",
    feature = "json",
    feature = "serde",
    feature = "time",
    feature = "uuid"
))]

#[test]
fn mistakes_are_found_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
