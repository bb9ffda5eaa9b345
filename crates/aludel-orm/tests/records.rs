//! Classes without a struct: described at run time, instrumented in several ways.

#[path = "flush_support.rs"]
mod support;

#[path = "records/changes.rs"]
mod changes;
#[path = "records/collections.rs"]
mod collections;
#[path = "records/errors.rs"]
mod errors;
#[path = "records/instrumentation.rs"]
mod instrumentation;
#[path = "records/mixed.rs"]
mod mixed;
#[path = "records/own_choice.rs"]
mod own_choice;
#[path = "records/reflected.rs"]
mod reflected;
#[path = "records/session.rs"]
mod session;
