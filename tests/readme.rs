//! The program that the README opens with.

use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "user_account")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    fullname: Option<String>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    addresses: Many<Address>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "address")]
struct Address {
    #[column(primary_key)]
    id: Auto<i64>,
    email: String,
    #[column(foreign_key = "user_account.id")]
    user_id: Option<i64>,
    #[relationship(back_populates = "addresses")]
    user: One<User>,
}

impl Address {
    fn with_email(email: &str) -> Self {
        Self { email: email.into(), ..Self::default() }
    }
}

async fn program(engine: &Engine) -> aludel::Result<()> {
    let mut session = Session::new(engine);

    // A whole graph is one value; adding it cascades, and the backref is in place at once.
    let sandy = session.add(User {
        name: "sandy".into(),
        addresses: many![
            Address::with_email("sandy@example.org"),
            Address::with_email("s@example.org")
        ],
        ..User::default()
    })?;
    session.commit().await?;

    // Any change, however deep, is tracked; history is there until the flush.
    session.edit(sandy, |u| u.name.push_str(" cheeks"))?;
    assert_eq!(session.history(sandy, User::name)?.deleted(), ["sandy"]);
    session.commit().await?;

    // Class-level attributes are SQL expressions; instance-level ones are values.
    let query = select::<User>()
        .filter(
            User::name.like("s%") & User::addresses.any(Address::email.ends_with("example.org")),
        )
        .order_by(User::id.desc())
        .options(selectin(User::addresses));
    let mut seen = 0;
    for user in session.all(query).await? {
        println!("{} has {} addresses", session[user].name, session[user].addresses.len());
        seen += session[user].addresses.len();
    }
    assert_eq!(seen, 2);
    Ok(())
}

#[test]
fn the_readme_program() -> aludel::Result<()> {
    let engine = Engine::connect_blocking("sqlite::memory:")?;
    let registry = Registry::global();
    registry.register::<User>()?;
    engine.block_on(registry.create_all(&engine))?;
    engine.block_on(program(&engine))?;

    // In a new session everything comes from the database.
    let mut session = blocking::Session::new(&engine);
    let user = session.one(select::<User>().options(joined(User::addresses)))?;
    assert_eq!(session[user].name, "sandy cheeks");
    assert_eq!(session[user].addresses.len(), 2);
    let first = session[user].addresses.at(0).expect("it has two");
    assert_eq!(session.load(first, Address::user)?.get(), Some(user));
    session.remove(user, User::addresses, first)?;
    session.commit()?;
    assert_eq!(session.count(select::<Address>())?, 1);
    session.delete(user)?;
    session.commit()?;
    assert_eq!(session.count(select::<Address>())?, 0);
    Ok(())
}
