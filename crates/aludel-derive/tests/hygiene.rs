//! The derives work whatever names the user has taken, wherever the struct stands, and add no warnings.

#![deny(warnings, missing_docs, unreachable_pub)]

/// The names of the prelude mean something else here, and nothing is imported.
mod shadowed {
    #![allow(dead_code)]

    struct Option;
    struct Result;
    struct String;
    struct Vec;
    struct Box;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct Attr;
    trait Clone {}
    trait Default {}
    trait From {}
    trait Into {}
    trait FnMut {}
    trait Deref {}
    mod std {}
    mod core {}
    mod aludel {}

    /// Its fields have the names of the variables in what is written.
    #[derive(::aludel::Mapped, ::std::clone::Clone, ::std::default::Default)]
    #[mapped(table = "odd")]
    pub(super) struct Odd {
        #[column(primary_key)]
        pub(super) row: i64,
        at: i64,
        changed: ::std::string::String,
        attribute: ::std::option::Option<i64>,
        other: ::aludel::Deferred<i64>,
        #[column(default = 5)]
        value: i64,
    }

    #[derive(::aludel::Mapped, ::std::clone::Clone, ::std::default::Default)]
    #[mapped(table = "odder", polymorphic_identity = "odder")]
    pub(super) struct Odder {
        #[mapped(base)]
        base: Odd,
        state: State,
    }

    #[derive(::aludel::ColumnEnum, ::std::clone::Clone, ::std::default::Default)]
    enum State {
        #[default]
        None,
        Some,
    }
}

/// Under another path, with the facade hidden.
mod renamed {
    pub(super) mod orm {
        pub(in super::super) use ::aludel::__private;
        pub(in super::super) use ::aludel::{ColumnEnum, Mapped};
    }

    #[derive(orm::Mapped, Clone, Default)]
    #[mapped(table = "renamed", crate = crate::renamed::orm)]
    pub(super) struct Renamed {
        #[column(primary_key)]
        pub(super) id: i64,
        pub(super) kind: Kind,
    }

    #[derive(orm::ColumnEnum, Clone, Default)]
    #[column_enum(integer, crate = crate::renamed::orm)]
    pub(super) enum Kind {
        #[default]
        One = 1,
    }
}

/// A type of the user's with the name of a holder, where it says that it is a column.
mod namesake {
    use aludel::{ColumnEnum, Mapped};

    #[derive(ColumnEnum, Clone, Copy, Debug, Default, PartialEq)]
    pub(super) enum One {
        #[default]
        First,
        Second,
    }

    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "namesake")]
    pub(super) struct Namesake {
        #[column(primary_key)]
        pub(super) id: i64,
        pub(super) one: One,
    }
}

use aludel::Mapped;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "item")]
struct Item {
    #[column(primary_key)]
    id: i64,
    r#type: String,
    #[mapped(attr = "amount_")]
    amount: i64,
}

impl Item {
    /// Has the attribute's name, which is why the constant has another.
    fn amount(&self) -> i64 {
        self.amount
    }
}

#[test]
fn raw_identifiers_and_renamed_constants() {
    assert_eq!(Item::r#type.name(), "type");
    assert_eq!(Item::ATTRS.r#type.index(), 1);
    assert_eq!(Item::amount_.name(), "amount");
    assert_eq!(Item::ATTRS.amount.index(), Item::amount_.index());
    assert_eq!(Item { id: 1, r#type: String::new(), amount: 7 }.amount(), 7);
}

#[test]
fn structs_in_functions_may_name_each_other() {
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "outer")]
    struct Outer {
        #[column(primary_key)]
        id: i64,
        inner: aludel::Many<Inner>,
    }
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "inner")]
    struct Inner {
        #[column(primary_key)]
        id: i64,
        outer: aludel::One<Outer>,
    }
    let names = [Outer::class().name, Inner::class().name];
    assert_eq!(names, ["Outer", "Inner"]);
    assert_eq!((Outer::id.index(), Outer::inner.index(), Inner::outer.index()), (0, 1, 1));
    let (outer, inner) = (Outer::default(), Inner::default());
    assert_eq!((outer.id, outer.inner.len(), inner.id, inner.outer.get()), (0, 0, 0, None));
}

#[test]
fn other_modules_see_what_the_fields_show() {
    let _ = (shadowed::Odd::row, shadowed::Odder::ATTRS.row);
    let _ = (renamed::Renamed::id, renamed::Renamed::kind, renamed::Kind::One);
    assert_eq!(namesake::Namesake::one.name(), "one");
    assert_ne!(namesake::Namesake { id: 1, ..Default::default() }.one, namesake::One::Second);
}
