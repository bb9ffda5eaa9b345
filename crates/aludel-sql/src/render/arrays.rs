//! INSERT of rows that come as arrays.
//!
//! What RETURNING gives is only the row of the table, and PostgreSQL promises no order for it. Where it is wanted to
//! which row of the arrays it belongs, the two are joined:
//!
//! ```text
//! WITH aludel_rows AS (SELECT … FROM unnest($1, $2) WITH ORDINALITY),
//!      aludel_written AS (INSERT … SELECT … FROM aludel_rows … ON CONFLICT … RETURNING …)
//! SELECT the number of the row, … FROM aludel_written LEFT JOIN aludel_rows ON the matched columns
//! ```

use super::{Bare, Renderer};
use crate::statement::{ArrayRows, ConflictAction, Insert};
use crate::{Dialect, Result};

/// The names of the two parts, which no expression at hand can refer to.
const ROWS: &str = "\"aludel_rows\"";
const WRITTEN: &str = "\"aludel_written\"";

impl Renderer<'_> {
    pub(super) fn insert_arrays(&mut self, insert: &Insert, rows: &ArrayRows) -> Result<()> {
        let can = self.dialect.capabilities.arrays;
        self.demand(can && !rows.arrays.is_empty(), "INSERT of these rows as arrays")?;
        let numbered = !rows.matched.is_empty();
        if numbered {
            self.push("WITH ");
            self.push(ROWS);
            self.push(" AS MATERIALIZED (SELECT * FROM ");
            self.arrays(insert, rows)?;
            self.push("), ");
            self.push(WRITTEN);
            self.push(" AS (");
        }
        self.push("INSERT INTO ");
        self.table(&insert.table);
        self.push(" (");
        self.names(&insert.table, &insert.columns)?;
        self.push(") SELECT ");
        for number in 0..rows.arrays.len() {
            self.push(if number == 0 { "" } else { ", " });
            self.array_column(number);
        }
        for node in &rows.rest {
            self.push(", ");
            self.node(node)?;
        }
        self.push(" FROM ");
        if numbered {
            self.push(ROWS)
        } else {
            self.arrays(insert, rows)?
        }
        self.push(" ORDER BY ");
        self.push(ROWS);
        self.push(".\"o\"");
        if let Some(conflict) = &insert.on_conflict {
            self.on_conflict(insert, conflict)?;
        }
        if !numbered {
            return Ok(());
        }
        self.returned(insert, rows)?;
        self.push(") SELECT ");
        self.push(ROWS);
        self.push(".\"o\"");
        for (number, node) in insert.returning.iter().enumerate() {
            self.push(&format!(", {WRITTEN}.\"r{}\" AS ", number + 1));
            self.quote(node.name().unwrap_or("value"));
        }
        self.push(" FROM ");
        self.push(WRITTEN);
        self.push(" LEFT JOIN ");
        self.known_rows(insert, rows);
        self.push(" ON ");
        for number in 0..rows.matched.len() {
            self.push(if number == 0 { "" } else { " AND " });
            self.push(&format!("{WRITTEN}.\"m{}\" = ", number + 1));
            self.array_column(place(insert, rows.matched[number]));
        }
        Ok(())
    }

    fn array_column(&mut self, number: usize) {
        self.push(&format!("{ROWS}.\"c{}\"", number + 1));
    }

    /// `unnest($1::bigint[], …) WITH ORDINALITY AS …`
    fn arrays(&mut self, insert: &Insert, rows: &ArrayRows) -> Result<()> {
        self.push("unnest(");
        for (number, array) in rows.arrays.iter().enumerate() {
            self.push(if number == 0 { "" } else { ", " });
            self.node(array)?;
            let column = &insert.table.columns()[usize::from(insert.columns[number])];
            self.push("::");
            self.push(Dialect::array_type(column.data_type));
        }
        self.push(") WITH ORDINALITY AS ");
        self.push(ROWS);
        self.push("(");
        for number in 1..=rows.arrays.len() {
            self.push(&format!("\"c{number}\", "));
        }
        self.push("\"o\")");
        Ok(())
    }

    /// RETURNING what is wanted, and what the rows are matched by.
    fn returned(&mut self, insert: &Insert, rows: &ArrayRows) -> Result<()> {
        self.push(" RETURNING ");
        self.bare = Bare::Of(insert.table.id());
        self.scopes.push(vec![insert.table.id()]);
        for (number, node) in insert.returning.iter().enumerate() {
            self.typed(node.unlabelled(), 0)?;
            self.push(&format!(" AS \"r{}\", ", number + 1));
        }
        self.scopes.pop();
        self.bare = Bare::Nothing;
        for (number, &column) in rows.matched.iter().enumerate() {
            self.push(if number == 0 { "" } else { ", " });
            self.column(&insert.table, column);
            self.push(&format!(" AS \"m{}\"", number + 1));
        }
        Ok(())
    }

    /// The rows that can have been written: where those that are there already are left out, of equal ones the
    /// first.
    fn known_rows(&mut self, insert: &Insert, rows: &ArrayRows) {
        let left_out = matches!(
            insert.on_conflict.as_ref().map(|conflict| &conflict.action),
            Some(ConflictAction::Nothing)
        );
        if !left_out {
            return self.push(ROWS);
        }
        let columns: Vec<String> = rows
            .matched
            .iter()
            .map(|&column| format!("\"c{}\"", place(insert, column) + 1))
            .collect();
        let columns = columns.join(", ");
        self.push(&format!(
            "(SELECT {columns}, min(\"o\") AS \"o\" FROM {ROWS} GROUP BY {columns}) AS {ROWS}"
        ));
    }
}

/// The place of a column among those of the INSERT.
fn place(insert: &Insert, column: u16) -> usize {
    insert.columns.iter().position(|&c| c == column).unwrap_or(0)
}
