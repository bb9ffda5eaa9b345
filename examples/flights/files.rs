//! The CSV files: found, unpacked, and read row by row. A row that does not parse is an error with its line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use flate2::read::GzDecoder;

/// Why something could not be read.
pub(crate) type Problem = Box<dyn std::error::Error + Send + Sync>;

/// One row of a file: its fields by column name.
pub(crate) struct Fields<'a> {
    columns: &'a csv::StringRecord,
    values: &'a csv::StringRecord,
}

impl Fields<'_> {
    /// The text of a column; `None` where it is unknown (`NA`).
    pub(crate) fn maybe(&self, column: &str) -> Result<Option<&str>, Problem> {
        let at = self.columns.iter().position(|c| c == column);
        let text =
            at.and_then(|at| self.values.get(at)).ok_or_else(|| format!("no column `{column}`"))?;
        Ok((text != "NA").then_some(text))
    }

    /// The text of a column that must be known.
    pub(crate) fn text(&self, column: &str) -> Result<String, Problem> {
        Ok(self.maybe(column)?.ok_or_else(|| format!("`{column}` is NA"))?.to_owned())
    }

    /// The value of a column, if it is known.
    pub(crate) fn parse_maybe<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.maybe(column)? else { return Ok(None) };
        Ok(Some(text.parse().map_err(|e| format!("`{column}` is {text:?}: {e}"))?))
    }

    /// The value of a column that must be known.
    pub(crate) fn parse<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &str,
    ) -> Result<T, Problem> {
        Ok(self.parse_maybe(column)?.ok_or_else(|| format!("`{column}` is NA"))?)
    }
}

/// A data set: a directory with the five files, plain or compressed.
pub(crate) struct DataSet {
    pub(crate) directory: PathBuf,
}

impl DataSet {
    fn open(&self, table: &str) -> Result<csv::Reader<Box<dyn Read>>, Problem> {
        let plain = self.directory.join(format!("{table}.csv"));
        let packed = self.directory.join(format!("{table}.csv.gz"));
        let reader: Box<dyn Read> = if plain.is_file() {
            Box::new(open(&plain)?)
        } else {
            Box::new(GzDecoder::new(open(&packed)?))
        };
        Ok(csv::Reader::from_reader(reader))
    }

    /// Reads a table; gives how many rows there were. Rows that `take` refuses go to `refused` with their line.
    pub(crate) fn read(
        &self,
        table: &str,
        refused: &mut Vec<String>,
        mut take: impl FnMut(&Fields<'_>) -> Result<(), Problem>,
    ) -> Result<u64, Problem> {
        let mut reader = self.open(table)?;
        let columns = reader.headers()?.clone();
        let mut values = csv::StringRecord::new();
        let mut rows = 0;
        loop {
            match reader.read_record(&mut values) {
                Ok(false) => return Ok(rows),
                Ok(true) => {
                    rows += 1;
                    if let Err(problem) = take(&Fields { columns: &columns, values: &values }) {
                        let line = values.position().map_or(0, csv::Position::line);
                        refused.push(format!("{table}, line {line}: {problem}"));
                    }
                }
                Err(problem) => {
                    rows += 1;
                    refused.push(format!("{table}: {problem}"));
                    if problem.is_io_error() {
                        return Err(problem.into());
                    }
                }
            }
        }
    }
}

fn open(path: &Path) -> Result<File, Problem> {
    File::open(path).map_err(|e| format!("{}: {e}", path.display()).into())
}
