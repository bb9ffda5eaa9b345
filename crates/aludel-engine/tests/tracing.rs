//! Spans of `tracing`: what they say, and what they do not.
#![cfg(all(feature = "sqlite", feature = "tracing"))]

mod common;

use aludel_engine::observe::Tracing;
use common::*;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down spans and events, without the times.
#[derive(Clone, Default)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "elapsed_us" {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

impl Notes {
    fn note(&self, line: Line) {
        self.lines.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "aludel"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = Line(format!("{id}:"));
        span.record(&mut line);
        self.note(line);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut line = Line(format!("{}:", span.into_u64()));
        values.record(&mut line);
        if !line.0.ends_with(':') {
            self.note(line);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{}:", event.metadata().level()));
        event.record(&mut line);
        self.note(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        self.note(Line(format!("{}: closed", id.into_u64())));
        true
    }
}

#[test]
fn a_span_for_each_statement() {
    let notes = Notes::default();
    let engine = memory();
    engine.observe(Arc::new(Tracing::new()));
    tracing::subscriber::with_default(notes.clone(), || {
        engine
            .block_on(async {
                let mut c = engine.acquire().await?;
                rows(&mut c, "SELECT ?1", &[text("secret")]).await?;
                assert!(rows(&mut c, "SELECT", &[]).await.is_err());
                Ok(())
            })
            .unwrap();
    });
    let want = [
        "1: db.operation=\"SELECT\" db.statement=\"SELECT ?1\"",
        "1: rows=1",
        "1: closed",
        "2: db.operation=\"SELECT\" db.statement=\"SELECT\"",
        "2: rows=0",
        "2: error=\"syntax\"",
        "WARN: message=incomplete input db.operation=\"SELECT\" db.statement=\"SELECT\" error=\"syntax\"",
        "2: closed",
    ];
    assert_eq!(*notes.lines.lock().unwrap(), want);
}
