//! The example of custom instrumentation, run as a test.
#![cfg(feature = "sqlite")]

#[path = "../examples/custom_instrumentation.rs"]
mod example;

#[test]
fn the_example_holds() {
    example::main().unwrap();
}
