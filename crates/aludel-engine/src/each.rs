//! One statement for many rows of parameters.

use aludel_sql::{Bind, Compiled, Error, ErrorKind, Result, ValueRef};
use hashbrown::HashMap;

/// One statement for many rows of parameters, for [`Connection::execute_each`](crate::Connection::execute_each).
#[derive(Clone, Copy, Debug)]
pub struct Each<'a> {
    /// The statement for one row.
    pub statement: &'a Compiled,
    /// How many rows there are.
    pub rows: usize,
    /// The parameters of all rows, one row behind the other, as many for each.
    pub params: &'a [Bind<'a>],
    /// The statement for many rows, where one can do the same.
    pub many: Option<Together<'a>>,
}

/// A statement that does to many rows what another does to one, wherever no row is refused.
#[derive(Clone, Copy, Debug)]
pub struct Together<'a> {
    /// The statement. Its parameters are those of the rows, and behind them what is the same for all. If it gives rows,
    /// it is told by their first values which row they are of: of arrays by its number, counted from one; of rows of
    /// values by what rows are told apart by.
    pub statement: &'a Compiled,
    /// How many rows it takes, whose parameters stand one row behind the other; none, if it takes an array for each
    /// parameter (see [`ArrayRows`](aludel_sql::ArrayRows)).
    pub rows: Option<usize>,
    /// How many of a row's parameters are its own, and not the same for all.
    pub own: usize,
    /// The parameters by which rows are told apart.
    pub matched: &'a [usize],
    /// No two rows that are equal in these parameters may be in one statement.
    pub once: bool,
}

impl<'a> Each<'a> {
    /// How many parameters a row has.
    pub(crate) fn width(&self) -> usize {
        self.params.len().checked_div(self.rows).unwrap_or(0)
    }

    /// The parameters of a row.
    pub(crate) fn row(&self, row: usize) -> &'a [Bind<'a>] {
        let width = self.width();
        &self.params[row * width..][..width]
    }

    pub(crate) fn check(&self) -> Result<()> {
        let width = self.width();
        let wrong = match self.many {
            Some(many) => many.own > width || many.matched.iter().any(|&at| at >= many.own),
            None => false,
        };
        if wrong || width * self.rows != self.params.len() {
            let (rows, given) = (self.rows, self.params.len());
            return Err(Error::new(
                ErrorKind::Argument,
                format!("{given} parameters cannot be those of {rows} rows"),
            ));
        }
        Ok(())
    }
}

impl Together<'_> {
    /// Whether some row has a NULL in what rows are told apart by, which no other row is equal to.
    pub(crate) fn has_nulls(&self, each: &Each<'_>) -> bool {
        (0..each.rows).any(|row| self.has_null(each.row(row)))
    }

    fn has_null(&self, row: &[Bind<'_>]) -> bool {
        self.matched.iter().any(|&at| row[at].as_ref().is_null())
    }

    /// The rows in rounds: in none of them does a row come twice, and of equal ones each is in a later round than
    /// the one before it.
    pub(crate) fn rounds(&self, each: &Each<'_>) -> Vec<Vec<usize>> {
        if !self.once {
            return vec![(0..each.rows).collect()];
        }
        let mut seen: HashMap<Vec<Same<'_>>, usize> = HashMap::with_capacity(each.rows);
        let mut rounds: Vec<Vec<usize>> = vec![Vec::with_capacity(each.rows)];
        for row in 0..each.rows {
            let values = each.row(row);
            if self.has_null(values) {
                rounds[0].push(row);
                continue;
            }
            let same = self.matched.iter().map(|&at| Same(values[at].as_ref())).collect();
            let round = seen.entry(same).or_insert(0);
            if rounds.len() == *round {
                rounds.push(Vec::new());
            }
            rounds[*round].push(row);
            *round += 1;
        }
        rounds
    }
}

/// A value as a key: equal ones are equal to the database, but others may be as well.
#[derive(PartialEq)]
struct Same<'a>(ValueRef<'a>);

impl Eq for Same<'_> {}

impl std::hash::Hash for Same<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self.0 {
            ValueRef::Bool(v) => v.hash(state),
            ValueRef::I64(v) => v.hash(state),
            // Both zeros are equal.
            ValueRef::F64(v) => (v + 0.0).to_bits().hash(state),
            ValueRef::Text(v) => v.hash(state),
            ValueRef::Bytes(v) => v.hash(state),
            other => other.storage_text().hash(state),
        }
    }
}
