//! The exact key of a statement: tokens that tell its shape, and its parameters in order.
//!
//! Every node writes a tag, what its SQL depends on, and its parts. Of a value only the type is
//! written; the value itself becomes a parameter. An alias is written as a number, with what it is
//! of where it is met first: so two statements that differ only in the identity of their aliases
//! have one key. Lists are written with their length, so that no key begins another in a way that
//! could be mistaken.

mod node;
mod statement;

use smallvec::SmallVec;

pub(crate) use self::node::is_uniform;
use super::{Aliased, Cte, Derived, Source};
use crate::Bind;

/// How many parameters an `IN` of so many values gets: they are filled up by the last value, so
/// that few shapes serve all lengths. A power of two up to 1,024, then a multiple of 512.
pub fn in_bucket(values: usize) -> usize {
    match values {
        0 => 0,
        1..=1024 => values.next_power_of_two(),
        _ => values.next_multiple_of(512),
    }
}

/// Collects the key and the parameters of a statement in one walk.
#[derive(Debug, Default)]
pub struct KeyWriter<'a> {
    pub(crate) tokens: Vec<u32>,
    pub(crate) params: Vec<Bind<'a>>,
    /// The ordinals of the placeholders that were met, in order.
    pub(crate) ordinals: Vec<u32>,
    seen: SmallVec<[u32; 8]>,
}

/// The low eight bits of a token that begins something; the others say more about it.
mod tag {
    pub(super) const TABLE_COLUMN: u32 = 1;
    pub(super) const COLUMN: u32 = 2;
    pub(super) const LITERAL: u32 = 3;
    pub(super) const NULL: u32 = 4;
    pub(super) const STAR: u32 = 5;
    pub(super) const UNARY: u32 = 6;
    pub(super) const BINARY: u32 = 7;
    pub(super) const JUNCTION: u32 = 8;
    pub(super) const IN_PADDED: u32 = 9;
    pub(super) const IN_EXACT: u32 = 10;
    pub(super) const IN_QUERY: u32 = 11;
    pub(super) const BETWEEN: u32 = 12;
    pub(super) const LIKE: u32 = 13;
    pub(super) const CASE: u32 = 14;
    pub(super) const CAST: u32 = 15;
    pub(super) const COERCE: u32 = 16;
    pub(super) const FUNCTION: u32 = 17;
    pub(super) const TUPLE: u32 = 18;
    pub(super) const SUBQUERY: u32 = 19;
    pub(super) const EXISTS: u32 = 20;
    pub(super) const LABEL: u32 = 21;
    pub(super) const ORDER: u32 = 22;
    pub(super) const EXCLUDED: u32 = 23;
    pub(super) const TEXT: u32 = 24;
    pub(super) const CUSTOM: u32 = 25;
    pub(super) const SOURCE_TABLE: u32 = 32;
    pub(super) const SOURCE_SEEN: u32 = 33;
    pub(super) const SOURCE_ALIAS: u32 = 34;
    pub(super) const SOURCE_CTE: u32 = 35;
    pub(super) const SOURCE_ITSELF: u32 = 36;
    pub(super) const FROM_SOURCE: u32 = 40;
    pub(super) const FROM_JOIN: u32 = 41;
    pub(super) const FROM_CUSTOM: u32 = 42;
    pub(super) const SELECT: u32 = 48;
    pub(super) const SET: u32 = 49;
    pub(super) const QUERY: u32 = 50;
    pub(super) const INSERT: u32 = 51;
    pub(super) const UPDATE: u32 = 52;
    pub(super) const DELETE: u32 = 53;
    pub(super) const TEXT_STATEMENT: u32 = 54;
}
impl<'a> KeyWriter<'a> {
    pub(crate) fn with_tokens(mut tokens: Vec<u32>) -> Self {
        tokens.clear();
        Self { tokens, ..Self::default() }
    }

    /// Writes a token.
    pub fn token(&mut self, token: u32) {
        self.tokens.push(token);
    }

    fn tagged(&mut self, tag: u32, with: u32) {
        self.tokens.push(tag | with << 8);
    }

    /// Writes a number of 64 bits.
    pub fn number(&mut self, number: u64) {
        self.tokens.extend([number as u32, (number >> 32) as u32]);
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.tokens.push(bytes.len() as u32);
        self.tokens.extend(bytes.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        }));
    }
    /// Writes what columns belong to.
    pub fn source(&mut self, source: &'a Source) {
        match source {
            Source::Table(table) => {
                self.token(tag::SOURCE_TABLE);
                self.token(table.id());
            }
            Source::Alias(alias) => {
                if self.met(alias.id()) {
                    return;
                }
                self.tagged(tag::SOURCE_ALIAS, u32::from(alias.name().is_some()));
                if let Some(name) = alias.name() {
                    self.text(name);
                }
                match alias.of() {
                    Aliased::Table(table) => {
                        self.token(0);
                        self.token(table.id());
                    }
                    Aliased::Cte(cte) => {
                        self.token(1);
                        self.cte(cte);
                    }
                    Aliased::Query(query) => {
                        self.token(2);
                        self.derived(alias.derived());
                        self.query(query);
                    }
                    Aliased::Lateral(query) => {
                        self.token(3);
                        self.derived(alias.derived());
                        self.query(query);
                    }
                }
            }
            Source::Cte(cte) => self.cte(cte),
        }
    }

    fn cte(&mut self, cte: &'a Cte) {
        if self.met(cte.id()) {
            return;
        }
        match cte.body() {
            Some(body) => {
                self.tagged(tag::SOURCE_CTE, cte.is_recursive().into());
                self.text(cte.name());
                self.derived(cte.derived());
                self.query(body);
            }
            None => {
                self.token(tag::SOURCE_ITSELF);
                self.token(cte.id());
            }
        }
    }

    /// The columns' names are rendered.
    fn derived(&mut self, columns: &'a [Derived]) {
        self.token(columns.len() as u32);
        for column in columns {
            self.text(&column.name);
        }
    }

    /// Writes the number of an alias that was met before; notes one that was not.
    fn met(&mut self, id: u32) -> bool {
        match self.seen.iter().position(|&seen| seen == id) {
            Some(number) => {
                self.tagged(tag::SOURCE_SEEN, number as u32);
                true
            }
            None => {
                self.seen.push(id);
                false
            }
        }
    }
}
