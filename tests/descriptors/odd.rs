//! Bodies of hybrids whose translation is easily wrong.
#![allow(
    clippy::nonminimal_bool,
    clippy::manual_range_contains,
    clippy::partialeq_to_none,
    clippy::comparison_to_empty,
    reason = "what a program may write is translated as well"
)]

use aludel::prelude::*;

use crate::each;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "odd_things")]
struct Thing {
    #[column(primary_key)]
    id: Auto<i64>,
    name: Option<String>,
    note: Option<String>,
    text: String,
    flag: bool,
    maybe: Option<bool>,
    n: i64,
    m: Option<i64>,
    f: f64,
}

#[hybrids]
impl Thing {
    #[hybrid]
    fn begins(&self, with: &str) -> bool {
        self.text.starts_with(with)
    }
    #[hybrid]
    fn ends(&self, with: &str) -> bool {
        self.text.ends_with(with)
    }
    #[hybrid]
    fn has(&self, what: &str) -> bool {
        self.text.contains(what)
    }
    #[hybrid]
    fn note_of_named(&self) -> Option<String> {
        if let Some(_name) = &self.name { self.note.clone() } else { Some("none".to_owned()) }
    }
    #[hybrid]
    fn chained(&self) -> Option<String> {
        self.name.clone().and_then(|n| self.note.clone().map(|o| format!("{n}-{o}")))
    }
    #[hybrid]
    fn nested(&self) -> bool {
        self.name.as_ref().map_or(self.note.is_none(), |n| Some(n) == self.note.as_ref())
    }
    #[hybrid]
    fn same(&self) -> bool {
        !(self.name == self.note) && !(self.maybe == Some(true))
    }
    #[hybrid]
    fn truth(&self) -> bool {
        self.maybe.unwrap_or(self.flag) != self.flag
    }
    #[hybrid]
    fn quotient(&self) -> i64 {
        self.n / 3 * 10 + self.n % 3
    }
    #[hybrid]
    fn largest(&self) -> i64 {
        self.m.unwrap_or(-7).max(self.n).min(5)
    }
    #[hybrid]
    fn counted(&self) -> i64 {
        self.text.chars().count() as i64
    }
    #[hybrid]
    fn choice(&self) -> &str {
        if self.flag && self.m.is_some_and(|m| m > 1 || m < -1) {
            "yes"
        } else if self.m == None {
            "none"
        } else {
            "no"
        }
    }
    #[hybrid]
    fn shouted(&self) -> String {
        self.text.to_uppercase() + &self.n.to_string() + "!"
    }
    #[hybrid]
    fn blank(&self) -> bool {
        self.text.is_empty() || self.name.as_deref().unwrap_or("") == ""
    }
    #[hybrid]
    fn average(&self) -> f64 {
        (self.n as f64 + self.f) / 2.0
    }
    #[hybrid]
    fn negated(&self) -> i64 {
        -self.n - -2
    }
    #[hybrid]
    fn either(&self) -> Option<i64> {
        if self.flag { self.m } else { None }
    }
}

#[test]
fn sql_means_what_rust_means() {
    let registry = || {
        let registry = Registry::new();
        registry.register::<Thing>().unwrap();
        registry
    };
    each("odd_hybrids", registry, |db| {
        let mut handles = Vec::new();
        let names = [None, Some("a"), Some("A"), Some("")];
        let texts = ["", "abc", "ABC", "a%c", "a_c", "äöü", "\\"];
        let mut k = 0i64;
        for name in names {
            for note in names {
                for text in texts {
                    k += 1;
                    let t = Thing {
                        name: name.map(Into::into),
                        note: note.map(Into::into),
                        text: text.into(),
                        flag: k % 2 == 0,
                        maybe: [None, Some(true), Some(false)][(k % 3) as usize],
                        n: k % 17 - 8,
                        m: (k % 5 != 0).then_some(k % 7 - 3),
                        f: k as f64 / 4.0,
                        ..Thing::default()
                    };
                    handles.push(db.add(t).unwrap());
                }
            }
        }
        db.commit().unwrap();
        macro_rules! same {($($hybrid:ident),*) => {$(
            let query = select::<Thing>().order_by(Thing::id).columns(Thing::$hybrid);
            let of_rows = db.rows(query).unwrap();
            let of_objects: Vec<_> = handles.iter().map(|h| db[*h].$hybrid().to_owned()).collect();
            assert_eq!(of_rows, of_objects, stringify!($hybrid));
        )*}}
        same!(note_of_named, chained, nested, same, truth, quotient, largest, counted, choice);
        same!(blank, average, negated, either);
        let query = select::<Thing>().order_by(Thing::id).columns(Thing::shouted);
        for (of_row, handle) in db.rows(query).unwrap().iter().zip(&handles) {
            let of_object = db[*handle].shouted();
            // Databases differ beyond ASCII.
            assert!(!of_object.is_ascii() || *of_row == of_object, "{of_row} {of_object}");
        }
        for with in ["", "a", "A", "abc", "%", "_", "\\", "ä", "bc", "BC", "a_"] {
            macro_rules! same_rows {($($hybrid:ident),*) => {$(
                let query = select::<Thing>().filter(Thing::$hybrid(with)).order_by(Thing::id);
                let of_rows = db.rows(query.columns(Thing::text)).unwrap();
                let objects = handles.iter().filter(|h| db[**h].$hybrid(with));
                let of_objects: Vec<_> = objects.map(|h| db[*h].text.clone()).collect();
                assert_eq!(of_rows, of_objects, "{} {with:?}", stringify!($hybrid));
            )*}}
            same_rows!(begins, ends, has);
        }
    });
}
