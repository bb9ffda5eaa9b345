//! Calls of functions.

use super::Renderer;
use crate::tree::{Function, Node};
use crate::{DialectKind, Error, ErrorKind, Result};

impl Renderer<'_> {
    pub(super) fn function(&mut self, function: &Function) -> Result<()> {
        let name = self.function_name(&function.name)?;
        if name == "CURRENT_TIMESTAMP" {
            self.push(name);
            return Ok(());
        }
        let name = name.to_owned();
        self.push(&name);
        self.push("(");
        self.push(if function.distinct { "DISTINCT " } else { "" });
        let native = self.dialect.capabilities.aggregate_filter;
        match &function.filter {
            Some(filter) if !native => self.filtered_argument(function, filter)?,
            _ => self.each(&function.args, ", ", |r, arg| r.typed(arg, 0))?,
        }
        self.push(")");
        if let Some(filter) = function.filter.as_ref().filter(|_| native) {
            self.push(" FILTER (WHERE ");
            self.node(filter)?;
            self.push(")");
        }
        if let Some(window) = &function.over {
            self.push(" OVER (");
            if !window.partition_by.is_empty() {
                self.push("PARTITION BY ");
                self.nodes(&window.partition_by, ", ")?;
            }
            if !window.order_by.is_empty() {
                let results = std::mem::take(&mut self.results);
                self.order_by(&window.order_by)?;
                self.results = results;
            }
            self.push(")");
        }
        Ok(())
    }

    /// An aggregate leaves NULL out: so a row that does not meet the condition is made NULL.
    fn filtered_argument(&mut self, function: &Function, filter: &Node) -> Result<()> {
        self.push("CASE WHEN ");
        self.node(filter)?;
        self.push(" THEN ");
        match function.args.as_slice() {
            [Node::Star] => self.push("1"),
            [arg] => self.typed(arg, 0)?,
            _ => return Err(self.cannot("FILTER for an aggregate of several arguments")),
        }
        self.push(" END");
        Ok(())
    }

    fn function_name<'n>(&self, name: &'n str) -> Result<&'n str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(plain) {
            let message = format!("`{name}` is no name of a function");
            return Err(Error::new(ErrorKind::Argument, message));
        }
        Ok(match (name, self.is(DialectKind::MySql)) {
            ("now", _) => "CURRENT_TIMESTAMP",
            ("length", true) => "char_length",
            ("random", true) => "rand",
            _ => name,
        })
    }
}
