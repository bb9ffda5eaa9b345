//! The Rust types that a column can hold, and how each is bound and read.
//!
//! Reading is lenient only where databases differ: SQLite shows booleans as integers and dates,
//! UUIDs, decimals and JSON as text, and an aggregate may come back as a decimal. Nothing is ever
//! truncated: what does not fit is a [`Bad`](crate::Bad), which names the range or the type wanted.
//!
//! | file | types |
//! |---|---|
//! | `numbers` | `bool`, integers, floats |
//! | `text` | `String`, `Box<str>`, `Cow<str>`, `char`, bytes, `Option<T>`, [`Value`](crate::Value) |
//! | `external` | decimals and UUIDs |
//! | `temporal` | dates and times of `jiff` |
//! | `chrono_types`, `time_types` | the same of `chrono` and of `time`, by way of `jiff` |
//! | `json` | `serde_json::Value`, and `Json<T>` for any type that `serde` knows |
//! | `into_value` | `From<T> for Value` |
//! | `visit` | from a [`DataType`](crate::DataType) to the Rust type |

#[cfg(feature = "chrono")]
mod chrono_types;
mod external;
mod into_value;
#[cfg(feature = "json")]
mod json;
mod numbers;
#[cfg(feature = "jiff")]
pub(crate) mod temporal;
mod text;
#[cfg(feature = "time")]
mod time_types;
mod visit;

#[cfg(feature = "json")]
pub use json::Json;

pub use visit::TypeVisitor;

#[cfg(test)]
mod tests;
