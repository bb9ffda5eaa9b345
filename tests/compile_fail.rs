//! Mistakes that the compiler finds, and what it says of them: `compile_fail/*.rs` and `.stderr`.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test --test compile_fail`, and read the difference.

#[test]
fn mistakes_are_found_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
