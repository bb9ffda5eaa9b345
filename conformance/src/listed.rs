//! Scenarios of which something differs on purpose, each with the row of `docs/differences.md` that says why.

/// A difference that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The scenario.
    pub name: &'static str,
    /// It differs on PostgreSQL alone.
    pub on_postgres: bool,
    /// Words of the row's first cell.
    pub row: &'static str,
}

/// All of `listed.txt`.
pub fn listed() -> impl Iterator<Item = Listed> {
    let lines = include_str!("../listed.txt").lines();
    let mut row = "";
    lines.filter(|line| !line.trim().is_empty() && !line.starts_with("//")).filter_map(
        move |line| match line.strip_prefix("# ") {
            Some(words) => {
                row = words.trim();
                None
            }
            None => {
                let name = line.trim();
                let postgres = name.strip_suffix(" (PostgreSQL)");
                let (name, on_postgres) = (postgres.unwrap_or(name), postgres.is_some());
                Some(Listed { name, on_postgres, row })
            }
        },
    )
}

/// Why a scenario differs, where that is listed.
pub fn reason(name: &str, on_postgres: bool) -> Option<&'static str> {
    listed().find(|l| l.name == name && (on_postgres || !l.on_postgres)).map(|l| l.row)
}
