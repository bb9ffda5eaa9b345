//! `RefreshFlush`: which attributes a flush has given values to.

use aludel_orm::events::ObjectEvent;

use crate::*;

/// The key comes from the program, so that the number is what the database gives back.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "tickets")]
struct Ticket {
    #[column(primary_key)]
    code: String,
    #[column(server_default = "3")]
    priority: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "bands")]
struct Band {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(version)]
    version: i64,
    #[column(foreign_key = "musicians.id", use_alter)]
    leader_id: Option<i64>,
    #[relationship(back_populates = "band", foreign_keys = "musicians.band_id")]
    members: Many<Musician>,
    #[relationship(foreign_keys = "leader_id", post_update)]
    leader: One<Musician>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "musicians")]
struct Musician {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "bands.id")]
    band_id: Option<i64>,
    #[relationship(back_populates = "members", foreign_keys = "band_id")]
    band: One<Band>,
}

fn hear(s: &mut Session) -> Result<Heard> {
    let heard = Heard::default();
    let log = heard.clone();
    s.on(ObjectEvent::RefreshFlush, move |session, told| {
        let names = told.attributes.clone().unwrap_or_default().join(",");
        log.push(format!("{}:{names}", session.class_name(told.object)?));
        Ok(())
    })?;
    Ok(heard)
}

#[test]
fn numbers_that_an_insert_gives_back() -> Result<()> {
    let registry = Registry::new();
    registry.register::<Ticket>()?;
    let db = Db::new(registry);
    let mut s = db.session();
    let heard = hear(&mut s)?;
    let t = s.make(Ticket { code: "a".into(), ..Ticket::default() })?;
    s.add(t)?;
    db.run(s.flush())?;
    assert_eq!(heard.take(), "Ticket:priority");
    Ok(())
}

#[test]
fn versions_that_come_with_a_post_update() -> Result<()> {
    let registry = Registry::new();
    registry.register::<Band>()?;
    registry.register::<Musician>()?;
    let db = Db::new(registry);
    let mut s = db.session();
    let heard = hear(&mut s)?;
    let b = s.add(Band::default())?;
    let m = s.add(Musician::default())?;
    db.run(s.flush())?;
    assert_eq!(heard.take(), "Band:version");
    s.set(b, Band::leader, m)?;
    db.run(s.flush())?;
    assert_eq!(heard.take(), "Band:version");
    assert_eq!(s[b].version, 2);
    Ok(())
}
