//! From names in a database to names in Rust.

use aludel::ext::{AutomapRules, Link};
use aludel::orm::mapping::Direction;
use aludel::sql::{Column, Table};

/// Names as Rust has them: `AlbumTrack`, `unit_price`; a reference is called as its column is, without `_id`, a
/// collection as the class of its members, with an `s`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustNames;

impl AutomapRules for RustNames {
    fn class_name(&self, table: &Table) -> String {
        let name = camel(table.name());
        // What the source needs under its own name.
        match USED.contains(&name.as_str()) {
            true => format!("{name}Row"),
            false => name,
        }
    }

    fn attribute_name(&self, _: &Table, column: &Column) -> String {
        snake(&column.name)
    }

    fn scalar_name(&self, link: &Link<'_>) -> String {
        match link.direction {
            Direction::ManyToOne => by_column(link).map_or_else(|| snake(link.target), allowed),
            _ => self.distinct(snake(link.target), link),
        }
    }

    fn collection_name(&self, link: &Link<'_>) -> String {
        let target = snake(link.target);
        let plural = match target.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
            _ if target.ends_with('s') => target,
            _ => format!("{target}s"),
        };
        allowed(self.distinct(plural, link))
    }
}

impl RustNames {
    /// Says by which key, where there are several between two classes.
    fn distinct(self, name: String, link: &Link<'_>) -> String {
        match by_column(link) {
            Some(by) if link.several => format!("{name}_by_{by}"),
            _ => name,
        }
    }
}

/// What a foreign key of one column is called without `_id`.
fn by_column(link: &Link<'_>) -> Option<String> {
    let [column] = &*link.key.column_names else { return None };
    let name = snake(column);
    name.strip_suffix("_id").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The types that the source speaks of.
const USED: &[&str] = &[
    "Auto", "Clone", "DataType", "Debug", "Default", "Many", "Mapped", "One", "Option", "Self",
    "String", "Vec",
];

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// A name that may be that of a field. One called `default` would stand in the way of the function.
fn allowed(name: String) -> String {
    match KEYWORDS.contains(&name.as_str()) || name == "default" {
        true => format!("{name}_"),
        false => name,
    }
}

/// `UnitPrice`, `unit price` and `unit_price` are `unit_price`.
pub(crate) fn snake(name: &str) -> String {
    let found = words(name).join("_");
    match found.chars().next() {
        None => "column".to_owned(),
        Some(first) if !unicode_ident::is_xid_start(first) => format!("n{found}"),
        _ => allowed(found),
    }
}

/// `unit_price` is `UnitPrice`.
fn camel(name: &str) -> String {
    let capital = |word: String| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
    };
    let found: String = words(name).into_iter().map(capital).collect();
    match found.chars().next() {
        None => "Table".to_owned(),
        Some(first) if !unicode_ident::is_xid_start(first) => format!("N{found}"),
        _ => found,
    }
}

/// The words of a name, in lower case, of what may be in a name of Rust.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        if *c == '_' || !unicode_ident::is_xid_continue(*c) {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_words() {
        let names = ["UnitPrice", "unit price", "unit_price", "unit-price", "unitPrice"];
        assert_eq!(names.map(snake), ["unit_price"; 5]);
        assert_eq!(names.map(camel), ["UnitPrice"; 5]);
        assert_eq!(
            ["ID", "HTMLPage", "type", "2nd", "§", "Straße", "area m²", "default"].map(snake),
            ["id", "html_page", "type_", "n2nd", "column", "straße", "area_m", "default_"]
        );
        assert_eq!(["2nd", "", "HTMLPage"].map(camel), ["N2nd", "Table", "HtmlPage"]);
    }
}
