//! What is to be run, and on how much.

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Load all rows as plain structs.
    Load,
    /// The same, as objects of a session.
    LoadTracked,
    /// Load ten times as many rows as plain structs: the growth.
    LoadMillion,
    /// The same, as objects of a session.
    LoadTrackedMillion,
    /// Get rows by key, one query each, in random order; with an identity map: none of them is in it.
    Get,
    /// Get objects by key that are in the identity map.
    GetAgain,
    /// Insert rows; their generated keys are wanted.
    Insert,
    /// Change one column of loaded objects and write them.
    Update,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Load,
        Self::LoadTracked,
        Self::LoadMillion,
        Self::LoadTrackedMillion,
        Self::Get,
        Self::GetAgain,
        Self::Insert,
        Self::Update,
    ];

    /// The name on the command line and in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::LoadTracked => "load-tracked",
            Self::LoadMillion => "load-million",
            Self::LoadTrackedMillion => "load-tracked-million",
            Self::Get => "get",
            Self::GetAgain => "get-again",
            Self::Insert => "insert",
            Self::Update => "update",
        }
    }
}

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite, in memory.
    Memory,
    /// PostgreSQL, at this URL.
    Postgres(String),
}

/// How many rows each piece of work is on.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of the table, and rows that are inserted.
    pub rows: usize,
    /// Rows that are got by key.
    pub gets: usize,
    /// Rows that are changed.
    pub updates: usize,
}

/// What the command line says.
pub(crate) struct Options {
    pub(crate) database: Database,
    pub(crate) cases: Vec<Case>,
    pub(crate) sizes: Sizes,
    pub(crate) rounds: usize,
}

impl Options {
    /// `[--postgres URL] [--cases A,B] [--quick] [--rounds N]`.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Self {
        let mut database = Database::Memory;
        let mut cases = Case::ALL.to_vec();
        let mut quick = false;
        let mut rounds = 5;
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("`{arg}` needs a value"));
            match arg.as_str() {
                "--postgres" => database = Database::Postgres(value()),
                "--cases" => {
                    let names = value();
                    let wanted: Vec<&str> = names.split(',').collect();
                    cases.retain(|case| wanted.contains(&case.name()));
                }
                "--quick" => quick = true,
                "--rounds" => rounds = value().parse().expect("`--rounds` is a number"),
                _ => panic!("unknown argument `{arg}`"),
            }
        }
        let mut sizes = match database {
            Database::Memory => Sizes { rows: 100_000, gets: 20_000, updates: 20_000 },
            Database::Postgres(_) => Sizes { rows: 20_000, gets: 2_000, updates: 5_000 },
        };
        if quick {
            sizes =
                Sizes { rows: sizes.rows / 10, gets: sizes.gets / 10, updates: sizes.updates / 10 };
        }
        Self { database, cases, sizes, rounds }
    }
}
