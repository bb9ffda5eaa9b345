//! Accounts and cards: what can be said of columns and attributes.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::{IntoQuery, func, select};
use aludel::{Error, ErrorKind};

/// A renamed column (`login`), an excluded column (`secret`, whose client-side default still works),
/// validators on a scalar (`email`) and on a collection (`cards`), active history (`balance`), expressions
/// (`fullname`, `card_count`), hybrids with setter and expression (`displayname`, `contact`), a synonym (`username`).
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "accounts", configure = configure)]
pub struct Account {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(name = "account_login", nullable = false)]
    #[mapped(synonym = username)]
    pub login: Option<String>,
    pub email: Option<String>,
    pub firstname: Option<String>,
    pub lastname: Option<String>,
    #[column(active_history)]
    pub balance: Option<i64>,
    #[column(name = "contact")]
    pub _contact: Option<String>,
    #[column(default = "unset")]
    pub secret: Option<String>,
    #[expression(Self::firstname.concat(" ").concat(Self::lastname))]
    pub fullname: Option<String>,
    #[expression(select(Card::id.count()).filter(Card::account_id.eq(Self::id)).scalar::<i64>())]
    pub card_count: Option<i64>,
    #[relationship(back_populates = "account", cascade = "all, delete-orphan", order_by = "id")]
    pub cards: Many<Card>,
}

/// What is added to a contact's local part when it is stored.
const DOMAIN: &str = "@example.org";

#[hybrids]
impl Account {
    /// `lastname, firstname`; what sets it splits at the comma.
    #[hybrid(
        expression = Self::lastname.concat(", ").concat(Self::firstname),
        set = Self::set_displayname,
    )]
    fn displayname(&self) -> Option<String> {
        // As Python writes what is not there.
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "None".to_owned());
        Some(format!("{}, {}", shown(&self.lastname), shown(&self.firstname)))
    }

    fn set_displayname(&mut self, name: Option<String>) -> aludel::Result<()> {
        let name = name.unwrap_or_default();
        let parts: Vec<&str> = name.split(',').map(str::trim).collect();
        let [last, first] = parts[..] else {
            return Err(Error::new(
                ErrorKind::Validation,
                "a display name is a last name, and a first",
            ));
        };
        (self.lastname, self.firstname) = (Some(last.to_owned()), Some(first.to_owned()));
        Ok(())
    }

    /// The local part; the domain is added when it is stored.
    #[hybrid(
        expression = func::<Option<String>>("substr", (Self::_contact, 1i32, Self::_contact.length() - 12)),
        set = Self::set_contact,
    )]
    fn contact(&self) -> Option<&str> {
        self._contact.as_deref().map(|text| text.strip_suffix(DOMAIN).unwrap_or(text))
    }

    fn set_contact(&mut self, local: Option<String>) {
        self._contact = local.map(|local| local + DOMAIN);
    }
}

fn configure(mapper: &mut MapperBuilder) {
    mapper.exclude_properties(["secret"]);
    mapper.validate(Account::email, |_, _, email| {
        if let Some(text) = email {
            if !text.contains('@') {
                return Err(Error::new(ErrorKind::Validation, "an email needs an @"));
            }
            *text = text.to_lowercase();
        }
        Ok(())
    });
    mapper.validate_member(Account::cards, |session, _, card: Handle<Card>| {
        match session.value(card, Card::number) {
            Ok(Some(number)) if !number.is_empty() => Ok(()),
            _ => Err(Error::new(ErrorKind::Validation, "a card needs a number")),
        }
    });
}

/// Child of an account.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "cards")]
pub struct Card {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "accounts.id")]
    pub account_id: Option<i64>,
    pub number: Option<String>,
    #[relationship(back_populates = "cards")]
    pub account: One<Account>,
}
