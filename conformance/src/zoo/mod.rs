//! The classes of the kit, as its `models.py` has them.
//!
//! Python's None may be assigned to a column that is not nullable, and only the database refuses it; so the
//! fields of such columns are `Option`s here, and say `nullable = false`.

// The attributes are those of the kit's `models.py`, which says what they are.
#![allow(missing_docs)]

mod account;
mod document;
mod drawing;
mod keys;
mod lists;
mod people;
mod selectable;
mod shapes;
mod shop;
mod small;
mod vault;

use std::sync::OnceLock;

use aludel::{Registry, Result};

pub use account::{Account, Card};
pub use document::{DecimalText, Document, Labels};
pub use drawing::{Point, Vertex};
pub use keys::{Band, City, Country, Enrollment, Musician, Region};
pub use lists::{Entry, Note, Playlist, Reader, Report};
pub use people::{Animal, Cat, Company, Dog, Engineer, Manager, Person};
pub use selectable::{OrderSummary, UserAddress};
pub use shapes::{Circle, Shape, Square};
pub use shop::{Address, Item, Keyword, Node, Order, Profile, User};
pub use small::{Legacy, LegacyCode, Ticket, Word};
pub use vault::{VaultManager, Vaulted};

/// The registry of all classes.
///
/// # Errors
/// When a mapping is wrong.
pub fn registry() -> Result<Registry> {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    if let Some(registry) = REGISTRY.get() {
        return Ok(registry.clone());
    }
    let registry = Registry::new();
    registry.register::<User>()?;
    registry.register::<Node>()?;
    registry.register::<Document>()?;
    registry.register::<Vertex>()?;
    registry.register::<Account>()?;
    registry.register::<Word>()?;
    registry.register::<Ticket>()?;
    registry.register::<Legacy>()?;
    registry.register::<LegacyCode>()?;
    registry.register::<Company>()?;
    registry.register::<Animal>()?;
    registry.register::<Enrollment>()?;
    registry.register::<Country>()?;
    registry.register::<Band>()?;
    registry.register::<Playlist>()?;
    registry.register::<Report>()?;
    registry.register::<UserAddress>()?;
    registry.register::<OrderSummary>()?;
    registry.register::<Shape>()?;
    vault::describe(&registry)?;
    registry.configure()?;
    Ok(REGISTRY.get_or_init(|| registry).clone())
}

/// How the values of a column are written in scenarios, where the value itself does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As they are.
    Plain,
    /// A set of texts, kept as a JSON list.
    Set,
    /// A decimal, kept as text.
    Decimal,
    /// A point, which two columns make.
    Point,
}

/// The kind of an attribute or column; both have the same name where it matters.
pub fn kind(name: &str) -> Kind {
    match name {
        "labels" => Kind::Set,
        "price" => Kind::Decimal,
        "start" | "end" => Kind::Point,
        _ => Kind::Plain,
    }
}
