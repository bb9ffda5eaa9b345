//! Accounts and cards: what can be said of columns and attributes.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::sql::{IntoQuery, select};
use aludel::{Error, ErrorKind};

/// A renamed column (`login`), an excluded column (`secret`, whose client-side default still works),
/// validators on a scalar (`email`) and on a collection (`cards`), active history (`balance`), expressions
/// (`fullname`, `card_count`).
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "accounts", configure = configure)]
pub struct Account {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(name = "account_login", nullable = false)]
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
