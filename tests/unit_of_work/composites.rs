//! Optional composites of which some columns are NULL.

use aludel::orm::load_only;
use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use super::{each, load, script};

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Spot {
    x: i64,
    y: i64,
}

#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Loose {
    x: Option<i64>,
    y: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "composite_pin")]
struct Pin {
    #[column(primary_key)]
    id: i64,
    #[composite]
    at: Option<Spot>,
    #[composite]
    to: Option<Loose>,
}

const ROWS: &str = "INSERT INTO composite_pin (id, at_x, at_y, to_x, to_y) VALUES
    (1, 1, 2, 1, 2), (2, NULL, NULL, NULL, NULL), (3, NULL, NULL, 1, NULL), (4, NULL, 5, NULL, 5), (5, 5, NULL, 5, 5)";

fn run(name: &str, test: impl Fn(&mut blocking::Session)) {
    let registry = Registry::new();
    registry.register::<Pin>().unwrap();
    each(name, &registry, |session, _, _| {
        script(session, ROWS);
        test(session);
    });
}

/// Reads an attribute again, by its name.
fn refresh(session: &mut blocking::Session, pin: Handle<Pin>, name: &str) -> aludel::Result<()> {
    session.refresh_named(pin, Some(&[name]))
}

#[test]
fn it_is_none_when_all_are() {
    run("composite_whole", |session| {
        let pins = session.all(select::<Pin>().filter(Pin::id.le(3)).order_by(Pin::id)).unwrap();
        let at = |pin: usize| session[pins[pin]].at;
        assert_eq!([at(0), at(1), at(2)], [Some(Spot { x: 1, y: 2 }), None, None]);
        let to = |pin: usize| session[pins[pin]].to;
        let part = Some(Loose { x: Some(1), y: None });
        assert_eq!([to(0), to(1), to(2)], [Some(Loose { x: Some(1), y: Some(2) }), None, part]);
    });
}

#[test]
fn a_part_that_must_not_be_null_is_an_error() {
    run("composite_part", |session| {
        for (id, column) in [(4, "at_x"), (5, "at_y")] {
            let error = session.get::<Pin>(id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            for part in ["Pin", column] {
                assert!(error.to_string().contains(part), "{error}");
            }
            assert_eq!(session.peek::<Pin>(id).unwrap(), None);
        }
    });
}

#[test]
fn the_same_column_by_column() {
    run("composite_columns", |session| {
        let keys = select::<Pin>().order_by(Pin::id).options(load_only([Pin::id]));
        let pins = session.all(keys).unwrap();
        for (pin, fits) in pins.iter().zip([true, true, true, false, false]) {
            for name in ["at_y", "at_x"] {
                assert_eq!(load(session, *pin, name).is_ok(), fits, "{pin:?} {name}");
            }
            load(session, *pin, "to_x").unwrap();
        }
        let at =
            |session: &blocking::Session, pin: usize| *session.value(pins[pin], Pin::at).unwrap();
        assert_eq!([at(session, 0), at(session, 1)], [Some(Spot { x: 1, y: 2 }), None]);
        let to: Vec<Option<Loose>> =
            pins.iter().map(|pin| *session.value(*pin, Pin::to).unwrap()).collect();
        let loose = |x, y| Some(Loose { x, y });
        let both = |n| loose(Some(n), Some(n));
        assert_eq!(
            to,
            [loose(Some(1), Some(2)), None, loose(Some(1), None), loose(None, Some(5)), both(5)]
        );
        // One that was a value and is read again by a part is told as well.
        script(session, "UPDATE composite_pin SET at_x = NULL WHERE id = 1");
        assert!(refresh(session, pins[0], "at_x").is_err());
        script(session, "UPDATE composite_pin SET at_x = 7 WHERE id = 1");
        refresh(session, pins[0], "at_x").unwrap();
        assert_eq!(session.get_named(pins[0], "at_x").unwrap(), Some(Value::I64(7).into()));
    });
}
