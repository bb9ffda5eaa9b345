//! Cursors: where a page ended, as a text that programs hand around.
//!
//! ```text
//! base64url( order (8 bytes) · for each value of the order: kind (1) · length (4) · bytes )
//! ```

use std::fmt;
use std::str::FromStr;

use aludel_sql::{Value, ValueRef};

use crate::{Error, ErrorKind, Result};

/// Where a [page](crate::Session::page) begins or ends: a text to be handed out and to come back, in a URL, say.
///
/// It holds the values that the objects are ordered by, of one object, which it does not hide. One that was
/// altered, or is of a query with another order, is refused; no value in it is ever put into SQL text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(Vec<u8>);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.chunks(3) {
            let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            for at in 0..=chunk.len() {
                let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
                write!(f, "{}", char::from(digit))?;
            }
        }
        Ok(())
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
        for chunk in text.as_bytes().chunks(4) {
            let mut bits = 0u32;
            for digit in chunk {
                let value = DIGITS.iter().position(|d| d == digit).ok_or_else(malformed)?;
                bits = bits << 6 | value as u32;
            }
            bits <<= 6 * (4 - chunk.len());
            let count =
                chunk.len().checked_sub(1).filter(|count| *count > 0).ok_or_else(malformed)?;
            bytes.extend(&bits.to_be_bytes()[1..=count]);
        }
        Ok(Self(bytes))
    }
}

#[cold]
fn malformed() -> Error {
    Error::new(ErrorKind::Argument, "the cursor is malformed: it is not one that a page gave")
}

impl Cursor {
    /// The values of an object, and what tells the order that they are of.
    pub(super) fn new(order: u64, values: &[Value]) -> Result<Self> {
        let mut bytes = order.to_be_bytes().to_vec();
        for value in values {
            let (kind, content): (u8, Vec<u8>) = match value.as_ref() {
                ValueRef::Null => (b'n', Vec::new()),
                ValueRef::Bool(b) => (b'b', vec![u8::from(b)]),
                ValueRef::I64(n) => (b'i', n.to_be_bytes().to_vec()),
                ValueRef::F64(n) => (b'f', n.to_bits().to_be_bytes().to_vec()),
                ValueRef::Text(text) => (b't', text.as_bytes().to_vec()),
                ValueRef::Bytes(bytes) => (b'y', bytes.to_vec()),
                other => match other.storage_text() {
                    Some(text) => (b't', text.into_bytes()),
                    None => {
                        let what = "the objects of a page are ordered by what no cursor can hold";
                        return Err(Error::new(ErrorKind::Argument, what));
                    }
                },
            };
            bytes.push(kind);
            bytes.extend((content.len() as u32).to_be_bytes());
            bytes.extend(content);
        }
        Ok(Self(bytes))
    }

    /// The values, where the cursor is of this order.
    pub(super) fn values(&self, order: u64, count: usize) -> Result<Vec<Value>> {
        let (given, mut rest) = self.0.split_first_chunk::<8>().ok_or_else(malformed)?;
        if u64::from_be_bytes(*given) != order {
            return Err(Error::new(
                ErrorKind::Argument,
                "the cursor is of a query with another order: a page goes on with the query that gave its cursor",
            ));
        }
        let mut values = Vec::with_capacity(count);
        while let Some((kind, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk::<4>().ok_or_else(malformed)?;
            let content = after.split_at_checked(u32::from_be_bytes(*length) as usize);
            let (content, after) = content.ok_or_else(malformed)?;
            rest = after;
            let number = || <[u8; 8]>::try_from(content).map_err(|_| malformed());
            values.push(match kind {
                b'n' => Value::Null,
                b'b' => Value::Bool(content == [1]),
                b'i' => Value::I64(i64::from_be_bytes(number()?)),
                b'f' => Value::F64(f64::from_bits(u64::from_be_bytes(number()?))),
                b't' => Value::Text(String::from_utf8(content.to_vec()).map_err(|_| malformed())?),
                b'y' => Value::Bytes(content.to_vec()),
                _ => return Err(malformed()),
            });
        }
        if values.len() == count { Ok(values) } else { Err(malformed()) }
    }
}
