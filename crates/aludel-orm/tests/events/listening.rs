//! How listeners are registered, and what they may do.

use aludel_orm::events::{
    AttributeEvent, ConfigureEvent, Event, Executed, ObjectEvent, StatementEvent,
};
use aludel_orm::{ErrorKind, Handle, Registry, Result, Session, select};
use aludel_sql::Expression;

use crate::*;

#[test]
fn attribute_events_and_how_they_are_registered() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let listen = |s: &mut Session, name: &'static str, event| {
        let heard = heard.clone();
        s.on(event, move |_, _| {
            heard.push(name);
            Ok(())
        })
    };
    let second = listen(&mut s, "second", AttributeEvent::Set.of(User::name))?;
    let to_first = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).first(), move |_, change| {
        to_first.push("first");
        if let Some(name) = change.value::<String>() {
            name.make_ascii_uppercase();
        }
        Ok(())
    })?;
    let to_once = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).once(), move |_, _| {
        to_once.push("once");
        Ok(())
    })?;
    let u = s.add(user("ed"))?;
    assert_eq!(heard.take(), "first second once");
    assert_eq!(s[u].name, "ED");
    s.set(u, User::name, "x")?;
    assert_eq!(heard.take(), "first second");
    assert!(s.off(second));
    assert!(!s.off(second));
    s.set(u, User::name, "y")?;
    assert_eq!(heard.take(), "first");

    for (name, event) in [
        ("init", AttributeEvent::InitCollection),
        ("append", AttributeEvent::Append),
        ("again", AttributeEvent::AppendWithoutMutation),
        ("remove", AttributeEvent::Remove),
        ("bulk", AttributeEvent::BulkReplace),
        ("dispose", AttributeEvent::DisposeCollection),
    ] {
        listen(&mut s, name, event.of(User::tags))?;
    }
    let (one, two) = (s.make(Tag::default())?, s.make(Tag::default())?);
    s.append(u, User::tags, one)?;
    assert_eq!(heard.take(), "init append");
    s.append(u, User::tags, one)?;
    assert_eq!(heard.take(), "again");
    s.set(u, User::tags, [two])?;
    assert_eq!(heard.take(), "init bulk append remove dispose");
    Ok(())
}

#[test]
fn a_listener_of_a_base_class_hears_of_subclasses_only_when_it_propagates() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let to = |what: &'static str| {
        let heard = heard.clone();
        move |_: &mut Session, _: &mut aludel_orm::attributes::Change<'_>| {
            heard.push(what);
            Ok(())
        }
    };
    s.on(AttributeEvent::Set.of(Staff::name), to("own"))?;
    s.on(AttributeEvent::Set.of(Staff::name).propagate(), to("all"))?;
    s.on(AttributeEvent::Set.of(Staff::name).within::<Boss>(), to("boss"))?;
    let staff = s.create::<Staff>()?;
    let boss = s.create::<Boss>()?;
    s.set(staff, Staff::name, "a")?;
    assert_eq!(heard.take(), "own all");
    s.set(boss, Staff::name, "b")?;
    assert_eq!(heard.take(), "all boss");
    for (what, event) in [
        ("own", Event::first(ObjectEvent::AfterAttach.of::<Staff>())),
        ("all", ObjectEvent::AfterAttach.of::<Staff>().propagate()),
    ] {
        let heard = heard.clone();
        s.on(event, move |_, _| {
            heard.push(what);
            Ok(())
        })?;
    }
    s.add(boss)?;
    assert_eq!(heard.take(), "all");
    s.add(staff)?;
    assert_eq!(heard.take(), "own all");
    Ok(())
}

#[test]
fn values_for_what_was_not_given() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.on(AttributeEvent::InitScalar.of(User::visits), |_, change| {
        if let Some(visits) = change.value::<Option<i64>>() {
            *visits = Some(9);
        }
        Ok(())
    })?;
    let created = s.create::<User>()?;
    s.set(created, User::name, "c")?;
    s.add(created)?;
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name, visits FROM users"), ["c|9"]);
    Ok(())
}

#[test]
fn statements_may_be_changed() -> Result<()> {
    let db = db();
    let mut s = db.session();
    s.add_all([user("ed"), user("jack"), user("wendy")])?;
    db.run(s.commit())?;
    s.expunge_all()?;
    let heard = Heard::default();
    let to = heard.clone();
    s.on(StatementEvent::DoOrmExecute, move |_, told| {
        to.push(format!("{:?}", told.what));
        if told.is_of::<User>() {
            told.filter(User::name.ne("jack"));
        }
        Ok(())
    })?;
    for event in [StatementEvent::AfterBulkUpdate, StatementEvent::AfterBulkDelete] {
        let to = heard.clone();
        s.on(event, move |_, told| {
            to.push(format!("{:?}:{:?}", told.event, told.rows));
            Ok(())
        })?;
    }
    assert_eq!(db.run(s.all(select::<User>()))?.len(), 2);
    assert_eq!(db.run(s.count(select::<User>()))?, 2);
    assert_eq!(db.run(s.get::<User>(2))?, None);
    assert_eq!(heard.take(), "Select Select Select");
    let older = aludel_orm::update::<User>().set(User::visits, Some(1));
    assert_eq!(db.run(s.execute_update(older))?, 2);
    assert_eq!(heard.take(), "Update AfterBulkUpdate:Some(2)");
    assert_eq!(db.run(s.execute_delete(aludel_orm::delete::<User>()))?, 2);
    assert_eq!(heard.take(), "Delete AfterBulkDelete:Some(2)");
    db.run(s.commit())?;
    assert_eq!(db.rows("SELECT name FROM users"), ["jack"]);
    assert_ne!(Executed::Select, Executed::ColumnLoad);
    Ok(())
}

#[test]
fn the_old_value_for_a_listener_that_wants_it() -> Result<()> {
    let db = db();
    let mut s = db.session();
    let heard = Heard::default();
    let to = heard.clone();
    s.on(AttributeEvent::Set.of(User::name).active_history(), move |_, change| {
        to.push(format!("{:?}", change.old));
        Ok(())
    })?;
    let u = s.add(user("ed"))?;
    db.run(s.commit())?;
    s.expire(u)?;
    heard.take();
    db.run(s.set_with_history(u, User::name, "jack"))?;
    assert_eq!(heard.take(), r#"Some(Value(Text("ed")))"#);
    Ok(())
}

#[test]
fn listeners_of_the_registry_and_of_what_is_known() -> Result<()> {
    let db = db();
    let heard = Heard::default();
    let to = heard.clone();
    let id = db.registry.on(ObjectEvent::Init.of::<User>(), move |_, _| {
        to.push("registry");
        Ok(())
    })?;
    let mut s = db.session();
    let to = heard.clone();
    s.on(ObjectEvent::Init.of_named("User").first(), move |s, told| {
        let user: Handle<User> = s.handle_of(told.object)?;
        assert!(s.handle_of::<Tag>(user).is_err());
        to.push("session");
        Ok(())
    })?;
    s.create::<User>()?;
    assert_eq!(heard.take(), "registry session");
    assert!(db.registry.off(id));
    s.create::<User>()?;
    assert_eq!(heard.take(), "session");
    let error = s.on(ObjectEvent::Init.of_named("Usre"), |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("User"), "{error}");
    let error = s.on(AttributeEvent::Set.of_named("User", "nmae"), |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("name"), "{error}");
    let waits = s.on_async(ObjectEvent::Init, |_, _| Box::pin(async { Ok(()) }));
    assert_eq!(waits.unwrap_err().kind(), ErrorKind::Argument);
    Ok(())
}

#[test]
fn listeners_of_a_mapping_and_of_configuring() -> Result<()> {
    let heard = Heard::default();
    let registry = Registry::new();
    for event in [
        ConfigureEvent::BeforeConfigured,
        ConfigureEvent::BeforeMapperConfigured,
        ConfigureEvent::MapperConfigured,
        ConfigureEvent::AfterConfigured,
    ] {
        let to = heard.clone();
        registry.on_configure(event, move |told| {
            to.push(format!("{:?}({})", told.event, told.class.unwrap_or_default()));
            assert_eq!(told.mapper.is_some(), event == ConfigureEvent::MapperConfigured);
            Ok(())
        });
    }
    let to = heard.clone();
    let mut mapping = registry.map::<Tag>();
    mapping.on(AttributeEvent::Set.of(Tag::name), move |_, _| {
        to.push("mapping");
        Ok(())
    });
    mapping.finish()?;
    assert_eq!(
        heard.take(),
        "BeforeConfigured() BeforeMapperConfigured(Tag) MapperConfigured(Tag) AfterConfigured()"
    );
    let mut s = Session::detached(&registry);
    let tag = s.create::<Tag>()?;
    s.set(tag, Tag::name, "x")?;
    assert_eq!(heard.take(), "mapping");

    let mut wrong = Registry::new().map::<Tag>();
    wrong.on(AttributeEvent::Set.of_named("Tag", "nmae"), |_, _| Ok(()));
    wrong.on(ObjectEvent::Load.of::<User>(), |_, _| Ok(()));
    let error = wrong.finish().unwrap_err();
    assert!(error.to_string().contains("`name`") && error.to_string().contains("own class"));

    let refusing = Registry::new();
    refusing.on_configure(ConfigureEvent::BeforeConfigured, |_| Err(refuse()));
    assert!(refusing.register::<Tag>().is_err());
    assert!(refusing.mappers().named("Tag").is_none());
    Ok(())
}
