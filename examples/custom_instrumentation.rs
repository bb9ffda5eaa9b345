//! Custom instrumentation: objects that keep their values, and their state, in a dictionary of their own.
//!
//! It is SQLAlchemy's example of the same name, assertion for assertion: two classes are mapped imperatively to two
//! tables; their objects are `MyClass`es, which keep everything in a dictionary `goofy_dict`.

use std::collections::HashMap;
use std::sync::Arc;

use aludel::orm::{Datum, InstanceState, StateGetter};
use aludel::prelude::*;
use aludel::sql::{Column, MetaData, Table, Value};
use aludel::{
    ClassManager, Instance, InstanceDict, InstrumentationManager, Record, RecordClass, Result,
};

/// How objects of the two classes are instrumented.
struct MyClassState;

impl InstrumentationManager for MyClassState {
    fn get_instance_dict<'i>(
        &self,
        _: &ClassManager,
        instance: &'i dyn Instance,
    ) -> Option<&'i InstanceDict> {
        instance.downcast_ref::<MyClass>().map(|it| &it.goofy_dict)
    }

    fn get_instance_dict_mut<'i>(
        &self,
        _: &ClassManager,
        instance: &'i mut dyn Instance,
    ) -> Option<&'i mut InstanceDict> {
        instance.downcast_mut::<MyClass>().map(|it| &mut it.goofy_dict)
    }

    fn initialize_instance_dict(
        &self,
        _: &ClassManager,
        instance: &mut dyn Instance,
        dict: InstanceDict,
    ) {
        if let Some(it) = instance.downcast_mut::<MyClass>() {
            it.goofy_dict = dict;
        }
    }

    fn install_state(&self, _: &ClassManager, instance: &mut dyn Instance, state: InstanceState) {
        if let Some(it) = instance.downcast_mut::<MyClass>() {
            it.goofy_dict.set_state(Some(state));
        }
    }

    fn state_getter(&self, _: &'static str) -> StateGetter {
        Arc::new(|_, instance| instance.downcast_ref::<MyClass>()?.goofy_dict.state())
    }
}

/// The class makes its own choice of how it is instrumented.
fn my_class_state(_: &'static str) -> MyClassState {
    MyClassState
}

/// What the objects are made of: the values and the state in one dictionary, and what is not mapped in another.
#[derive(Clone, Default)]
struct MyClass {
    goofy_dict: InstanceDict,
    others: HashMap<String, Value>,
}

/// `obj.key`: an attribute that is instrumented is the session's affair, any other is in the object itself.
fn getattr(session: &Session, object: Handle<Record>, key: &str) -> Result<Option<Datum>> {
    if session.is_instrumented(object, key)? {
        return session.get_named(object, key);
    }
    let it = session[object].instance::<MyClass>();
    Ok(it.and_then(|it| it.others.get(key)).cloned().map(Datum::Value))
}

/// The name of an object.
fn name(session: &Session, object: Handle<Record>) -> Result<Option<Datum>> {
    getattr(session, object, "name")
}

/// The program.
///
/// # Errors
///
/// When something is not as it should be.
pub(crate) fn main() -> Result<()> {
    let engine = Engine::connect_blocking("sqlite::memory:")?;
    let table1 = Table::build("table1")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<Option<String>>("name"))
        .finish()?;
    let table2 = Table::build("table2")
        .column(Column::of::<i64>("id").primary_key())
        .column(Column::of::<Option<String>>("name"))
        .column(Column::of::<Option<i64>>("t1id").references("table1.id"))
        .finish()?;
    let mut meta = MetaData::new();
    meta.add(table1.clone())?;
    meta.add(table2.clone())?;
    engine.block_on(engine.create_all(&meta))?;

    let registry = Registry::new();
    let my_class =
        |name: &str| registry.describe(name).instances::<MyClass>().instrumentation(my_class_state);
    let a: RecordClass = my_class("A").of_table(&table1).many("bs", "B", |_| {}).finish()?;
    let b: RecordClass = my_class("B").of_table(&table2).finish()?;
    registry.configure()?;
    let bs = a.attr::<Many<Record>>("bs")?;
    let id = a.attr::<Auto<i64>>("id")?;

    let mut sess = blocking::Session::with_registry(&engine, &registry);
    let members = [b.record().with("name", "b1")?, b.record().with("name", "b2")?];
    let a1 = sess.make(a.record().with("name", "a1")?.with_many("bs", members)?)?;

    assert_eq!(name(&sess, a1)?, Some(Datum::Value("a1".into())));
    let first = sess.members(a1, bs).next().expect("two members");
    assert_eq!(name(&sess, first)?, Some(Datum::Value("b1".into())));
    // Everything is in the dictionary, the state as well.
    let it = sess[a1].instance::<MyClass>().expect("what the class is made of");
    assert_eq!(it.goofy_dict.keys().collect::<Vec<_>>(), ["name", "bs"]);
    assert!(it.goofy_dict.state().is_some());

    sess.add(a1)?;
    sess.commit()?;

    let key = sess.value(a1, id)?.value();
    let a1 = sess.one(a.select().filter(id.eq(key)))?;
    assert_eq!(name(&sess, a1)?, Some(Datum::Value("a1".into())));
    let first = sess.members(a1, bs).next().expect("two members");
    sess.remove(a1, bs, first)?;
    sess.commit()?;

    // Another session knows what the database has.
    let mut sess = blocking::Session::with_registry(&engine, &registry);
    let a1 = sess.one(a.select().filter(id.eq(key)).options(selectin(bs)))?;
    assert_eq!(sess.members(a1, bs).len(), 1);
    Ok(())
}
