//! What is wrong with a mapping: collected, and reported together.

use crate::{Error, ErrorKind};

/// What was found wrong while mappers were configured.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// Something is wrong with a class as a whole.
    pub(super) fn class(&mut self, class: &str, what: impl AsRef<str>) {
        self.add(format!("class `{class}`: {}", what.as_ref()));
    }

    /// Something is wrong with an attribute.
    pub(super) fn attribute(&mut self, class: &str, attribute: &str, what: impl AsRef<str>) {
        self.add(format!("class `{class}`, attribute `{attribute}`: {}", what.as_ref()));
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// More that is wrong.
    pub(super) fn extend(&mut self, more: Self) {
        more.0.into_iter().for_each(|line| self.add(line));
    }

    /// Something else is wrong.
    pub(super) fn add(&mut self, line: String) {
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }

    /// One error of all problems, if there are any.
    pub(super) fn into_result(self) -> Result<(), Error> {
        let message = match self.0.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            lines => format!("the mapping has {} errors:\n{}", lines.len(), lines.join("\n")),
        };
        Err(Error::new(ErrorKind::Configuration, message))
    }
}

/// What is wrong with one thing, in which there may be several mistakes.
#[derive(Debug, Default)]
pub(super) struct Wrong(pub(super) Vec<String>);

impl Wrong {
    /// Keeps what is wrong, and goes on.
    pub(super) fn note<T>(&mut self, result: Result<T, impl Into<Self>>) -> Option<T> {
        result.map_err(|wrong| self.0.extend(wrong.into().0)).ok()
    }

    /// The value, where nothing was wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self(vec![what])
    }
}

/// Names in backquotes, with commas: `` `a`, `b` ``.
pub(super) fn quoted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{}`", n.as_ref())).collect();
    names.join(", ")
}
