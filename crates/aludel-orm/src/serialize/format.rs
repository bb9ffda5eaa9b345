//! The format: what is written of a graph of objects.

use aludel_sql::Value;
use serde::{Deserialize, Serialize};

use crate::loading::Allowed;
use crate::{Error, ErrorKind, Result};

/// The version of the format. Another one is refused.
const VERSION: u32 = 2;

/// What binary data begins with, before the version.
const MAGIC: [u8; 4] = *b"alud";

/// A graph of objects with their state, outside of any session: what pickling gives in SQLAlchemy.
///
/// [`Session::serialize`](crate::Session::serialize) makes one, and
/// [`Session::deserialize`](crate::Session::deserialize) makes objects of it. It is plain data, for serde as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Serialized {
    /// The version of the format.
    pub(super) format: u32,
    /// The objects that were asked for, by their places in `objects`.
    pub(super) roots: Vec<u32>,
    pub(super) objects: Vec<Object>,
}

/// An object, and what its session knew of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) class: String,
    /// The key under which the database knows it.
    pub(super) key: Option<Vec<Value>>,
    pub(super) fresh: bool,
    pub(super) modified: bool,
    pub(super) orphaned: bool,
    pub(super) columns: Vec<(String, Column)>,
    pub(super) references: Vec<(String, Reference)>,
    pub(super) collections: Vec<(String, Collection)>,
    /// What attributes were before they changed, from the oldest change on.
    pub(super) history: Vec<(String, Before)>,
    /// Owners that it has, or is known to have lost: class and attribute of the relationship.
    pub(super) owners: Vec<(String, String, Owner)>,
    /// What options of queries have said of loading attributes.
    pub(super) restrictions: Vec<(String, Allowed)>,
}

/// An owner that an object has, or had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Owner {
    Lost,
    /// One of the objects here.
    Here(u32),
    /// Another one: its class and its key.
    Away(String, Vec<Value>),
    /// Another one, which has no row.
    New,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Column {
    Expired,
    Loaded(Value),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Reference {
    NotLoaded,
    Loaded(Option<u32>),
}

/// The members of a collection, by their places among the objects; the keys of a keyed one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Members {
    pub(super) ids: Vec<u32>,
    pub(super) keys: Vec<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Collection {
    /// `None` where it is not loaded.
    pub(super) members: Option<Members>,
    pub(super) change: Option<Change>,
}

/// What came to and went from a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) added: Vec<u32>,
    pub(super) removed: Vec<u32>,
    /// The committed members in their order, where the others do not tell it.
    pub(super) original: Option<Vec<u32>>,
}

/// What an attribute was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Before {
    Absent,
    Value(Value),
    ReferenceUnset,
    ReferenceNotLoaded,
    Reference(Option<u32>),
}

/// The part of a document that says how to read the rest.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

impl Serialized {
    pub(super) fn new() -> Self {
        Self { format: VERSION, roots: Vec::new(), objects: Vec::new() }
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// As a JSON document.
    ///
    /// # Errors
    ///
    /// When a value cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| unwritable(&error))
    }

    /// From a JSON document.
    ///
    /// # Errors
    ///
    /// When it is none, or is of another version of the format.
    pub fn from_json(json: &str) -> Result<Self> {
        let header: Header = serde_json::from_str(json).map_err(|error| unreadable(&error))?;
        check_version(header.format)?;
        serde_json::from_str(json).map_err(|error| unreadable(&error))
    }

    /// In a compact binary form ([postcard](https://postcard.jamesmunns.com)).
    ///
    /// # Errors
    ///
    /// When a value cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        postcard::to_extend(self, bytes).map_err(|error| unwritable(&error))
    }

    /// From the binary form.
    ///
    /// # Errors
    ///
    /// When the bytes are something else, incomplete, or of another version of the format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (version, rest) = bytes
            .strip_prefix(&MAGIC)
            .and_then(<[u8]>::split_first_chunk::<4>)
            .ok_or_else(|| unreadable(&"they do not begin as such do"))?;
        check_version(u32::from_le_bytes(*version))?;
        let (read, rest): (Self, _) =
            postcard::take_from_bytes(rest).map_err(|error| unreadable(&error))?;
        if !rest.is_empty() {
            return Err(unreadable(&format_args!("{} bytes too many", rest.len())));
        }
        check_version(read.format)?;
        Ok(read)
    }

    pub(super) fn check_version(&self) -> Result<()> {
        check_version(self.format)
    }
}

fn check_version(format: u32) -> Result<()> {
    if format == VERSION {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Value,
        format!("serialized objects of format {format} cannot be read: this is format {VERSION}"),
    ))
}

#[cold]
fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Value, format!("the objects cannot be serialized: {error}"))
}

#[cold]
fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Value, format!("these are no serialized objects: {error}"))
}
