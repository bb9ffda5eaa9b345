//! SQL as it is written: the way out.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{IntoNode, IntoNodes};
use crate::tree::{Node, TextNode, TextPart};
use crate::{ColumnType, DataType, Statement};

/// SQL as it is written, with parameters `:name` or `?`, whose values are bound.
///
/// A colon or question mark in a quoted text, a quoted name or a comment is left alone, and so is
/// `::`. `??` is a question mark and `\:` a colon. A parameter without a value is an error when
/// the statement is rendered.
///
/// ```
/// use aludel_sql::text;
///
/// let named = text::<bool>("lower(name) = :name").bind("name", "sandy");
/// let numbered = text::<i64>("abs(? - ?)").binds((1, 2));
/// ```
pub fn text<T: ColumnType>(sql: &str) -> TextBuilder<T> {
    TextBuilder { parts: parse(sql), data_type: Some(T::TYPE), of: PhantomData }
}

impl Statement {
    /// A statement as it is written; see [`text`].
    pub fn text(sql: &str) -> TextBuilder<()> {
        TextBuilder { parts: parse(sql), data_type: None, of: PhantomData }
    }
}

/// SQL as it is written; see [`text`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TextBuilder<T> {
    parts: Vec<TextPart>,
    data_type: Option<DataType>,
    of: PhantomData<fn() -> T>,
}

impl<T> TextBuilder<T> {
    /// The value or expression for `:name`, wherever it stands.
    pub fn bind(mut self, name: &str, value: impl IntoNode) -> Self {
        let value = value.into_node();
        for part in &mut self.parts {
            if let TextPart::Bind(of, node) = part
                && **of == *name
            {
                *node = Some(value.clone());
            }
        }
        self
    }

    /// The values or expressions for `?`, from the first.
    pub fn binds(mut self, values: impl IntoNodes) -> Self {
        let mut values = values.into_nodes().into_iter();
        for part in &mut self.parts {
            if let TextPart::Bind(of, node) = part
                && of.starts_with(|c: char| c.is_ascii_digit())
            {
                *node = values.next();
            }
        }
        self
    }

    fn finish(self) -> Arc<TextNode> {
        Arc::new(TextNode { parts: self.parts, data_type: self.data_type })
    }
}

impl<T> IntoNode for TextBuilder<T> {
    fn into_node(self) -> Node {
        Node::Text(self.finish())
    }
}

impl From<TextBuilder<()>> for Statement {
    fn from(value: TextBuilder<()>) -> Self {
        Self::Text(value.finish())
    }
}

/// Divides a text at its parameters.
fn parse(sql: &str) -> Vec<TextPart> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut numbered = 0;
    let mut rest = sql;
    let bind = |parts: &mut Vec<TextPart>, plain: &mut String, name: String| {
        if !plain.is_empty() {
            parts.push(TextPart::Sql(std::mem::take(plain).into()));
        }
        parts.push(TextPart::Bind(name.into(), None));
    };
    while let Some(c) = rest.chars().next() {
        let quoted = quoted_length(rest);
        if quoted > 0 {
            plain.push_str(&rest[..quoted]);
            rest = &rest[quoted..];
        } else if let Some(after) = rest.strip_prefix("??") {
            plain.push('?');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\:") {
            plain.push(':');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            plain.push_str("::");
            rest = after;
        } else if c == '?' {
            numbered += 1;
            bind(&mut parts, &mut plain, numbered.to_string());
            rest = &rest[1..];
        } else if c == ':' && rest[1..].starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let name = &rest[1..];
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            bind(&mut parts, &mut plain, name[..end].to_owned());
            rest = &name[end..];
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !plain.is_empty() {
        parts.push(TextPart::Sql(plain.into()));
    }
    parts
}

/// The length of the quoted text, quoted name or comment at the beginning; 0 if there is none.
fn quoted_length(sql: &str) -> usize {
    let until = |start: usize, end: &str| match sql[start..].find(end) {
        Some(at) => start + at + end.len(),
        None => sql.len(),
    };
    match sql.as_bytes() {
        [b'\'', ..] => until(1, "'"),
        [b'"', ..] => until(1, "\""),
        [b'`', ..] => until(1, "`"),
        [b'-', b'-', ..] => until(2, "\n"),
        [b'/', b'*', ..] => until(2, "*/"),
        _ => 0,
    }
}
