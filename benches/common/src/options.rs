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
    /// Insert parents with their children.
    GraphInsert,
    /// Load parents, and their children by a second statement.
    GraphSelectin,
    /// Load parents with their children by one statement.
    GraphJoined,
    /// Change a tenth of the parents and of the children.
    GraphChange,
    /// Give a child of each parent to another.
    GraphMove,
    /// Delete the parents with their children.
    GraphDelete,
}

impl Case {
    /// The work on one table.
    pub const TABLE: [Self; 8] = [
        Self::Load,
        Self::LoadTracked,
        Self::LoadMillion,
        Self::LoadTrackedMillion,
        Self::Get,
        Self::GetAgain,
        Self::Insert,
        Self::Update,
    ];

    /// The work on parents and children.
    pub const GRAPH: [Self; 6] = [
        Self::GraphInsert,
        Self::GraphSelectin,
        Self::GraphJoined,
        Self::GraphChange,
        Self::GraphMove,
        Self::GraphDelete,
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
            Self::GraphInsert => "graph-insert",
            Self::GraphSelectin => "graph-selectin",
            Self::GraphJoined => "graph-joined",
            Self::GraphChange => "graph-change",
            Self::GraphMove => "graph-move",
            Self::GraphDelete => "graph-delete",
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
    /// Parents of the graph.
    pub parents: usize,
}

/// What the command line says.
pub(crate) struct Options {
    pub(crate) database: Database,
    pub(crate) cases: Vec<Case>,
    pub(crate) sizes: Sizes,
    pub(crate) rounds: usize,
    /// Tell the server where what is timed begins and ends.
    pub(crate) marks: bool,
}

impl Options {
    /// `[--postgres URL] [--cases A,B] [--quick] [--rounds N] [--marks]`.
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Self {
        let mut database = Database::Memory;
        let mut cases = [&Case::TABLE[..], &Case::GRAPH].concat();
        let mut quick = false;
        let mut rounds = 5;
        let mut marks = false;
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
                "--marks" => marks = true,
                "--rounds" => rounds = value().parse().expect("`--rounds` is a number"),
                _ => panic!("unknown argument `{arg}`"),
            }
        }
        let (rows, gets, updates) = match database {
            Database::Memory => (100_000, 20_000, 20_000),
            Database::Postgres(_) => (20_000, 2_000, 5_000),
        };
        let scale = if quick { 10 } else { 1 };
        let sizes = Sizes {
            rows: rows / scale,
            gets: gets / scale,
            updates: updates / scale,
            parents: 1_000 / scale,
        };
        Self { database, cases, sizes, rounds, marks }
    }
}
