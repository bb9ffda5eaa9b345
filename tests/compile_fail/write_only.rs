use aludel::prelude::*;

#[derive(Mapped, Clone, Default)]
#[mapped(table = "account")]
pub struct Account {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[relationship(back_populates = "account")]
    pub entries: WriteOnly<Entry>,
}

#[derive(Mapped, Clone, Default)]
#[mapped(table = "entry")]
pub struct Entry {
    #[column(primary_key)]
    pub id: Auto<i64>,
    #[column(foreign_key = "account.id")]
    pub account_id: Option<i64>,
    #[relationship(back_populates = "entries")]
    pub account: One<Account>,
}

fn read(session: &Session, account: Handle<Account>) -> usize {
    session[account].entries.len()
}

fn members(session: &Session, account: Handle<Account>) -> Vec<Handle<Entry>> {
    session.members(account, Account::entries).collect()
}

async fn load(session: &mut Session, account: Handle<Account>) -> aludel::Result<()> {
    session.load(account, Account::entries).await.map(drop)
}

fn eager() -> aludel::Select<Account> {
    select::<Account>().options(selectin(Account::entries))
}

fn replace(session: &mut Session, account: Handle<Account>) -> aludel::Result<()> {
    session.set(account, Account::entries, [Entry::default()])
}

fn main() {}
