//! Databases for scenarios, and what is counted of the session's statements.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aludel::engine::{Engine, Event, Journal, Observer, Outcome, SqliteOptions, Synchronous};
use aludel::sql::{Dialect, StatementKind, Value, Write, WriteOp};
use aludel::{Error, ErrorKind, Result};
use serde_json::{Value as Json, json};

use crate::zoo;

/// Where scenarios run: each on the kit's tables, which are empty.
#[derive(Debug)]
pub struct Databases(Place);

#[derive(Debug)]
enum Place {
    /// A folder with a template; every scenario gets a fresh copy of it.
    Folder(PathBuf),
    /// A schema of a server, which is emptied for each scenario.
    /// `keys` lets the generated keys go on from the rows that are there, as SQLite does by itself.
    Server { url: String, schema: String, empty: String, keys: String },
}

impl Databases {
    /// Files of SQLite, in memory where the system has a folder for that.
    ///
    /// # Errors
    /// When the tables cannot be made.
    pub fn new() -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = base.join(unique("aludel-conformance-"));
        std::fs::create_dir_all(&folder).map_err(|e| io(&folder, e))?;
        let databases = Self(Place::Folder(folder));
        let engine = databases.open("template.db", None)?;
        run(&engine, &zoo::registry()?.metadata().create_all(&Dialect::sqlite())?)?;
        engine.close();
        Ok(databases)
    }

    /// Whether they are on a PostgreSQL server.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self.0, Place::Server { .. })
    }

    /// A schema of its own on a PostgreSQL server.
    ///
    /// # Errors
    /// When the server cannot be reached, or the tables cannot be made.
    pub fn on_server(url: &str) -> Result<Self> {
        let schema = unique("conformance_").replace('-', "_");
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}options=-csearch_path%3D{schema}");
        let engine = Engine::connect_blocking(&url)?;
        let metadata = zoo::registry()?.metadata();
        run(&engine, &[format!("CREATE SCHEMA {schema}")])?;
        run(&engine, &metadata.create_all(&Dialect::postgres())?)?;
        let tables: Vec<_> = metadata.iter().map(|t| format!("\"{}\"", t.name())).collect();
        let empty = format!("TRUNCATE {} RESTART IDENTITY CASCADE", tables.join(", "));
        let keys = metadata.iter().filter_map(|t| {
            let column = &t.columns()[usize::from(t.autoincrement()?)].name;
            let table = format!("\"{}\"", t.name());
            Some(format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max(\"{column}\"), 0) + 1, \
                 false) FROM {table}"
            ))
        });
        let keys = keys.collect::<Vec<_>>().join(" UNION ALL ");
        Ok(Self(Place::Server { url, schema, empty, keys }))
    }

    /// On a server: the statement that lets generated keys go on from the rows that are there.
    pub(crate) fn keys(&self) -> Option<String> {
        match &self.0 {
            Place::Folder(_) => None,
            Place::Server { keys, .. } => Some(keys.clone()),
        }
    }

    /// A fresh database: an engine on it, whose statements are counted, and another one behind its back.
    ///
    /// # Errors
    /// When the file cannot be made, or the tables cannot be emptied.
    pub(crate) fn fresh(&self, counts: Arc<Counts>) -> Result<(Engine, Engine)> {
        let behind = match &self.0 {
            Place::Folder(folder) => {
                let file = folder.join("scenario.db");
                std::fs::copy(folder.join("template.db"), &file).map_err(|e| io(&file, e))?;
                self.open("scenario.db", None)?
            }
            Place::Server { empty, .. } => {
                let engine = self.open("", None)?;
                run(&engine, std::slice::from_ref(empty))?;
                engine
            }
        };
        Ok((self.open("scenario.db", Some(counts))?, behind))
    }

    fn open(&self, name: &str, counts: Option<Arc<Counts>>) -> Result<Engine> {
        let mut options = match &self.0 {
            Place::Server { url, .. } => Engine::options(url),
            Place::Folder(folder) => {
                let sqlite = SqliteOptions::default()
                    .journal(Journal::Delete)
                    .synchronous(Synchronous::Off)
                    .busy_timeout(Duration::from_millis(200));
                Engine::options(&format!("sqlite://{}", folder.join(name).display())).sqlite(sqlite)
            }
        };
        if let Some(counts) = counts {
            options = options.observe(counts);
        }
        options.connect_blocking()
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        match &self.0 {
            Place::Folder(folder) => {
                let _ = std::fs::remove_dir_all(folder);
            }
            Place::Server { url, schema, .. } => {
                let drop = format!("DROP SCHEMA {schema} CASCADE");
                let _ = Engine::connect_blocking(url).and_then(|engine| run(&engine, &[drop]));
            }
        }
    }
}

/// A name that no other run has.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn run(engine: &Engine, statements: &[String]) -> Result<()> {
    engine.block_on(async {
        let mut connection = engine.acquire().await?;
        for statement in statements {
            connection.execute_raw(statement).await?;
        }
        Ok(())
    })
}

fn io(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Resources, format!("{}: {error}", path.display())).with_cause(error)
}

/// Operation, table and columns: what `dml` tells apart.
type Shape = (&'static str, String, Vec<String>);

/// What the session sent: an observer of its engine.
#[derive(Default)]
pub(crate) struct Counts {
    quiet: AtomicBool,
    told: Mutex<Told>,
    /// Rows were deleted, or inserted with keys of their own, since it was last asked.
    keys_moved: AtomicBool,
    /// Every statement, where somebody wants to see them.
    pub(crate) shown: Option<Mutex<Vec<String>>>,
}

/// What was sent since it was last asked for.
#[derive(Clone, Default)]
pub(crate) struct Told {
    selects: u64,
    dml: BTreeMap<Shape, usize>,
}

impl Counts {
    pub(crate) fn new(shown: bool) -> Arc<Self> {
        Arc::new(Self { shown: shown.then(Mutex::default), ..Self::default() })
    }

    /// Statements are not counted from now on, or are again.
    pub(crate) fn quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
    }

    /// Whether the keys that the database would generate are others now, since it was last asked for.
    pub(crate) fn take_keys_moved(&self) -> bool {
        self.keys_moved.swap(false, Ordering::Relaxed)
    }

    /// The number of SELECTs since it was last asked for.
    pub(crate) fn take_selects(&self) -> u64 {
        std::mem::take(&mut self.told().selects)
    }

    /// The statements that wrote since it was last asked for.
    pub(crate) fn take_dml(&self) -> Json {
        let all = std::mem::take(&mut self.told().dml);
        let each = |((op, table, columns), rows): (Shape, usize)| json!({ "op": op, "table": table, "columns": columns, "rows": rows });
        Json::Array(all.into_iter().map(each).collect())
    }

    /// What was counted of statements that write, to be [put back](Self::restore) when the step fails.
    pub(crate) fn save(&self) -> Told {
        self.told().clone()
    }

    /// The statements that wrote since then do not count.
    pub(crate) fn restore(&self, saved: Told) {
        self.told().dml = saved.dml;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, op: &'static str, table: &str, mut columns: Vec<String>) {
        columns.sort();
        if op == "delete" {
            self.keys_moved.store(true, Ordering::Relaxed);
        }
        *self.told().dml.entry((op, table.to_owned(), columns)).or_default() += 1;
    }

    fn write(&self, write: &Write<'_>) {
        let generated = write.table.autoincrement();
        if write.op == WriteOp::Insert && generated.is_some_and(|c| write.columns.contains(&c)) {
            self.keys_moved.store(true, Ordering::Relaxed);
        }
        let name = |at: &u16| write.table.columns()[usize::from(*at)].name.to_string();
        for row in 0..write.rows {
            let (op, columns) = match write.op {
                WriteOp::Insert => {
                    let given = write.columns.iter().zip(write.row(row));
                    let given = given.filter(|(_, value)| !value.as_ref().is_null());
                    ("insert", given.map(|(at, _)| name(at)).collect())
                }
                WriteOp::Update => ("update", write.columns.iter().map(name).collect()),
                WriteOp::Delete => ("delete", Vec::new()),
            };
            self.add(op, write.table.name(), columns);
        }
    }

    /// A statement by criteria: its table and columns are read from its text.
    fn statement(&self, kind: StatementKind, sql: &str) {
        match kind {
            StatementKind::Select => self.told().selects += 1,
            StatementKind::Update => {
                let (table, columns) = update_shape(sql);
                self.add("update", &table, columns);
            }
            StatementKind::Delete => self.add("delete", &first_name(sql), Vec::new()),
            StatementKind::Insert => {
                let inside = sql.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
                let names = inside.map(|(names, _)| names.split(',').map(bare).collect());
                self.add("insert", &first_name(sql), names.unwrap_or_default());
            }
            _ => {}
        }
    }
}

impl Observer for Counts {
    fn after(&self, event: &Event<'_>, outcome: &Outcome<'_>) {
        if let (Some(shown), Some(sql)) = (&self.shown, event.sql()) {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let (params, rows) = match event {
                Event::Statement { params, .. } => (params.to_vec(), String::new()),
                Event::Write { write, .. } => (write.params.to_vec(), format!(" × {}", write.rows)),
                _ => (Vec::new(), String::new()),
            };
            let params: Vec<Value> = params.iter().map(|p| p.as_ref().to_owned()).collect();
            let error = outcome.error.map(|e| format!(" failed: {e}")).unwrap_or_default();
            shown.push(format!("{} {params:?}{rows}{error}", sql.replace('\n', " ")));
        }
        if self.quiet.load(Ordering::Relaxed) || outcome.error.is_some() {
            return;
        }
        match event {
            Event::Statement { kind, sql, .. } => self.statement(*kind, sql),
            Event::Write { write, .. } => self.write(write),
            _ => {}
        }
    }
}

fn bare(name: &str) -> String {
    name.trim().trim_matches('"').to_owned()
}

/// The name after `UPDATE`, `DELETE FROM` or `INSERT INTO`.
fn first_name(sql: &str) -> String {
    sql.split('"').nth(1).unwrap_or_default().to_owned()
}

/// The table and the columns of `UPDATE "table" SET "a" = …, "b" = … WHERE …`.
fn update_shape(sql: &str) -> (String, Vec<String>) {
    let set = sql.split_once(" SET ").map_or("", |(_, rest)| rest);
    let (mut columns, mut depth, mut start, mut quoted) = (Vec::new(), 0, 0, false);
    let mut end = set.len();
    for (at, c) in set.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                columns.push(&set[start..at]);
                start = at + 1;
            }
            'W' | 'R' if !quoted && depth == 0 => {
                let rest = &set[at..];
                if rest.starts_with("WHERE ") || rest.starts_with("RETURNING ") {
                    end = at;
                    break;
                }
            }
            _ => {}
        }
    }
    columns.push(&set[start..end]);
    let names = columns.iter().map(|c| bare(c.split('=').next().unwrap_or_default()));
    (first_name(sql), names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_tells_its_columns() {
        let sql = r#"UPDATE "t" SET "a" = ?1, "b WHERE" = coalesce("a", ?2) WHERE "t"."id" = ?3"#;
        assert_eq!(update_shape(sql), ("t".into(), vec!["a".into(), "b WHERE".into()]));
    }
}
