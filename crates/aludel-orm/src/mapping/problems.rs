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

/// Names in backquotes, with commas: `` `a`, `b` ``.
pub(super) fn quoted<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{}`", n.as_ref())).collect();
    names.join(", ")
}
