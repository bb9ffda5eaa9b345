//! Where an object keeps its values: in its struct, in a dictionary of its own, in a record, or elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aludel_derive::Mapped;
use aludel_orm::{
    AttrDef, Auto, ClassManager, ClassMember, Collection, Handle, Instance, InstanceDict,
    InstanceState, InstrumentationManager, Many, ObjectState, One, Record, RecordClass, Registry,
    StateGetter, ValueStore, selectin,
};
use aludel_sql::{Expression, Value};

use aludel_orm::mapping::{ClassEvent, RecordClassBuilder};

use crate::support::Db;

/// An instance with a dictionary of its own, and something that the mapper knows nothing of.
#[derive(Clone, Default)]
struct Goofy {
    dict: InstanceDict,
    state: Option<InstanceState>,
    laughs: u32,
}

struct GoofyState(Arc<Mutex<Vec<String>>>);

impl GoofyState {
    fn log(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl InstrumentationManager for GoofyState {
    fn manage(&self, class: &ClassManager) {
        self.log(format!("manage {}", class.class_name()));
    }
    fn dispose(&self, class: &ClassManager) {
        self.log(format!("dispose {}", class.class_name()));
    }
    fn instrument_attribute(&self, _: &ClassManager, key: &str, _: &AttrDef) {
        self.log(format!("instrument_attribute {key}"));
    }
    fn post_configure_attribute(&self, _: &ClassManager, key: &str, _: &AttrDef) {
        self.log(format!("post_configure_attribute {key}"));
    }
    fn install_descriptor(&self, class: &ClassManager, key: &str, attribute: &AttrDef) {
        self.log(format!("install_descriptor {key}"));
        class.set_member(key, ClassMember::Descriptor(*attribute));
    }
    fn uninstall_descriptor(&self, class: &ClassManager, key: &str) {
        self.log(format!("uninstall_descriptor {key}"));
        class.remove_member(key);
    }
    fn install_member(&self, class: &ClassManager, key: &str, member: ClassMember) {
        self.log(format!("install_member {key}"));
        class.set_member(key, member);
    }
    fn uninstall_member(&self, class: &ClassManager, key: &str) {
        self.log(format!("uninstall_member {key}"));
        class.remove_member(key);
    }
    fn instrument_collection_class(
        &self,
        _: &'static str,
        key: &str,
        collection: Collection,
    ) -> Collection {
        self.log(format!("instrument_collection_class {key}"));
        collection
    }
    fn get_instance_dict<'i>(
        &self,
        _: &ClassManager,
        instance: &'i dyn Instance,
    ) -> Option<&'i InstanceDict> {
        instance.downcast_ref::<Goofy>().map(|goofy| &goofy.dict)
    }
    fn get_instance_dict_mut<'i>(
        &self,
        _: &ClassManager,
        instance: &'i mut dyn Instance,
    ) -> Option<&'i mut InstanceDict> {
        instance.downcast_mut::<Goofy>().map(|goofy| &mut goofy.dict)
    }
    fn initialize_instance_dict(
        &self,
        _: &ClassManager,
        instance: &mut dyn Instance,
        dict: InstanceDict,
    ) {
        if let Some(goofy) = instance.downcast_mut::<Goofy>() {
            goofy.dict = dict;
        }
    }
    fn install_state(
        &self,
        class: &ClassManager,
        instance: &mut dyn Instance,
        state: InstanceState,
    ) {
        self.log(format!("install_state {}", class.class_name()));
        if let Some(goofy) = instance.downcast_mut::<Goofy>() {
            goofy.state = Some(state);
        }
    }
    fn remove_state(&self, class: &ClassManager, instance: &mut dyn Instance) {
        self.log(format!("remove_state {}", class.class_name()));
        if let Some(goofy) = instance.downcast_mut::<Goofy>() {
            goofy.state = None;
        }
    }
    fn state_getter(&self, _: &'static str) -> StateGetter {
        Arc::new(|_, instance| instance.downcast_ref::<Goofy>()?.state)
    }
}

/// Values in a store of their own, beside all objects.
#[derive(Default)]
struct Vault(Mutex<HashMap<(u64, String), Value>>);

impl ValueStore for Vault {
    fn get(&self, instance: u64, key: &str) -> Option<Value> {
        self.0.lock().unwrap().get(&(instance, key.to_owned())).cloned()
    }
    fn set(&self, instance: u64, key: &str, value: Value) {
        self.0.lock().unwrap().insert((instance, key.to_owned()), value);
    }
    fn remove(&self, instance: u64, key: &str) {
        self.0.lock().unwrap().remove(&(instance, key.to_owned()));
    }
    fn dispose(&self, instance: u64) {
        self.0.lock().unwrap().retain(|(of, _), _| *of != instance);
    }
}

struct Vaulted(Arc<Vault>);

impl InstrumentationManager for Vaulted {
    fn initialize_instance_dict(
        &self,
        class: &ClassManager,
        instance: &mut dyn Instance,
        mut dict: InstanceDict,
    ) {
        dict.keep_in(Arc::clone(&self.0) as Arc<dyn ValueStore>);
        if let Some(place) = self.get_instance_dict_mut(class, instance) {
            *place = dict;
        }
    }
}

fn nodes(
    registry: &Registry,
    name: &str,
    say: impl FnOnce(RecordClassBuilder) -> RecordClassBuilder,
) -> RecordClass {
    let table = name.to_lowercase();
    let builder = registry
        .describe(name)
        .table(&table)
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("name", |c| c)
        .column::<i64>("size", |c| c.default(1))
        .column::<Option<i64>>("up_id", |c| c.references(&format!("{table}.id")))
        .many("down", name, |r| {
            r.back_populates("up").order_by(["id"]);
        })
        .one("up", name, |r| {
            r.back_populates("down").remote_side(["id"]);
        });
    let class = say(builder).finish().unwrap();
    registry.configure().unwrap();
    class
}

/// The whole session over a class of nodes, wherever its objects keep their values.
fn works_with_the_whole_session(db: &Db, class: RecordClass) {
    let down = class.attr::<Many<Record>>("down").unwrap();
    let up = class.attr::<One<Record>>("up").unwrap();
    let (name, size) = (class.attr::<String>("name").unwrap(), class.attr::<i64>("size").unwrap());
    let node = |name: &str| class.record().with("name", name).unwrap();
    let mut s = db.session();
    let root = node("root").with_many("down", [node("a"), node("b")]).unwrap();
    assert_eq!(root.get::<Auto<i64>>("id"), None);
    let root = s.add(root).unwrap();
    let both: Vec<Handle<Record>> = s.members(root, down).collect();
    assert_eq!(s.value(both[0], up).unwrap().get(), Some(root));
    db.run(s.commit()).unwrap();
    assert_eq!(s.state(root).unwrap(), ObjectState::Persistent);
    // Changes, history, rollback.
    s.set(both[0], size, 5).unwrap();
    assert_eq!(
        s.get_named(both[0], "size").unwrap(),
        Some(aludel_orm::Datum::Value(Value::I64(5)))
    );
    let history = s.history(both[0], size).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[5][..], &[1][..]));
    db.run(s.rollback()).unwrap();
    db.run(s.refresh(both[0])).unwrap();
    assert_eq!(
        s.get_named(both[0], "size").unwrap(),
        Some(aludel_orm::Datum::Value(Value::I64(1)))
    );
    // A draft, and a failed one.
    db.run(s.refresh(both[1])).unwrap();
    s.edit(both[1], |b| b.set("size", 9)).unwrap().unwrap();
    assert_eq!(s[both[1]].value("size").unwrap(), Value::I64(9));
    assert!(s.set_named(both[1], "size", "x").is_err());
    db.run(s.commit()).unwrap();
    // Members, deletion.
    db.run(s.load(root, down)).unwrap();
    s.remove(root, down, both[0]).unwrap();
    db.run(s.delete(both[0])).unwrap();
    db.run(s.commit()).unwrap();
    // Queries, eager loading, expiry.
    let mut s = db.session();
    let query = class.select().filter(size.gt(8) | name.eq("root")).order_by(name.desc());
    let found = db.run(s.all(query.options(selectin(down)))).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(s.members(found[0], down).collect::<Vec<_>>(), [found[1]]);
    assert_eq!(s[found[1]].value("name").unwrap(), Value::from("b"));
    s.expire(found[1]).unwrap();
    assert!(s.try_get(found[1]).is_err());
    db.run(s.load_named(found[1], "name")).unwrap();
    assert_eq!(s[found[1]].value("size").unwrap(), Value::I64(9));
    assert_eq!(s.record_of(s[found[0]].state().unwrap()).unwrap(), found[0]);
    s.expunge(found[1]).unwrap();
    let plain: Record = s.take(found[1]).unwrap();
    assert_eq!(plain.value("name").unwrap(), Value::from("b"));
    assert!(plain.state().is_none());
}

#[test]
fn values_in_the_record() {
    let registry = Registry::new();
    let class = nodes(&registry, "Node", |b| b);
    works_with_the_whole_session(&Db::new(registry), class);
}

#[test]
fn values_in_a_dictionary_that_the_object_owns() {
    let registry = Registry::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&log);
    let class = nodes(&registry, "Node", |b| {
        b.instances::<Goofy>().instrumentation(move |_| GoofyState(Arc::clone(&told)))
    });
    assert!(class.record().instance::<Goofy>().is_some());
    works_with_the_whole_session(&Db::new(registry), class);
    let mut record = class.record();
    record.instance_mut::<Goofy>().unwrap().laughs = 3;
    assert_eq!(record.clone().instance::<Goofy>().unwrap().laughs, 3);
    assert!(record.instance::<Goofy>().unwrap().dict.is_empty());
}

#[test]
fn values_outside_of_the_objects() {
    let registry = Registry::new();
    let vault = Arc::new(Vault::default());
    let kept = Arc::clone(&vault);
    let class =
        nodes(&registry, "Node", |b| b.instrumentation(move |_| Vaulted(Arc::clone(&kept))));
    let record = class.record().with("name", "x").unwrap();
    assert_eq!(vault.0.lock().unwrap().len(), 1);
    let copy = record.clone().with("name", "y").unwrap();
    assert_eq!(record.value("name").unwrap(), Value::from("x"));
    drop((record, copy));
    // Who is gone leaves nothing behind.
    assert!(vault.0.lock().unwrap().is_empty());
    works_with_the_whole_session(&Db::new(registry), class);
    assert!(vault.0.lock().unwrap().is_empty());
}

#[test]
fn several_kinds_of_managers_side_by_side() {
    let registry = Registry::new();
    let vault = Arc::new(Vault::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&log);
    // A finder that decides for one class, before the classes' own choice is asked for.
    let kept = Arc::clone(&vault);
    registry.instrumentation().prepend_finder(move |class, _| {
        let kept = Arc::clone(&kept);
        let factory = move |_: &'static str| Vaulted(Arc::clone(&kept));
        (class == "Kept").then(|| Arc::new(factory) as Arc<dyn aludel_orm::InstrumentationFactory>)
    });
    let plain = nodes(&registry, "Plain", |b| b);
    let kept = nodes(&registry, "Kept", |b| b);
    let goofy = nodes(&registry, "Silly", |b| {
        b.instances::<Goofy>().instrumentation(move |_| GoofyState(Arc::clone(&told)))
    });
    let db = Db::new(registry.clone());
    for class in [plain, kept, goofy] {
        works_with_the_whole_session(&db, class);
        let manager = registry.instrumentation().manager_of_class(class.def()).unwrap();
        assert_eq!(manager.class_name(), class.name());
    }
    assert_eq!(plain.manager().unwrap().implementation(), None);
    assert!(kept.manager().unwrap().implementation().is_some());
}

#[test]
fn hooks_are_called_at_their_moments() {
    let registry = Registry::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let take = || std::mem::take(&mut *log.lock().unwrap());
    let told = Arc::clone(&log);
    let class = registry
        .describe("Part")
        .table("parts")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<Option<i64>>("up_id", |c| c.references("parts.id"))
        .many("down", "Part", |_| {})
        .instances::<Goofy>()
        .instrumentation(move |_| GoofyState(Arc::clone(&told)))
        .finish()
        .unwrap();
    assert_eq!(
        take(),
        [
            "instrument_collection_class down",
            "manage Part",
            "install_member new",
            "install_descriptor id",
            "instrument_attribute id",
            "install_descriptor up_id",
            "instrument_attribute up_id",
            "install_descriptor down",
            "instrument_attribute down",
        ]
    );
    registry.configure().unwrap();
    assert_eq!(
        take(),
        ["id", "up_id", "down"].map(|key| format!("post_configure_attribute {key}"))
    );
    let db = Db::new(registry.clone());
    let mut s = db.session();
    let part = s.add(class.record()).unwrap();
    assert_eq!(take(), ["install_state Part"]);
    db.run(s.commit()).unwrap();
    let mut other = db.session();
    db.run(other.all(class.select())).unwrap();
    assert_eq!(take(), ["install_state Part"]);
    s.expunge(part).unwrap();
    let _: Record = s.take(part).unwrap();
    assert_eq!(take(), ["remove_state Part"]);
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(crate = aludel_orm, table = "plain")]
struct Struct {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
}

#[test]
fn values_in_the_fields_of_a_struct() {
    let registry = Registry::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&log);
    // A struct comes under a manager by a finder; the manager is told of the class and its attributes.
    registry.instrumentation().prepend_finder(move |_, _| {
        let told = Arc::clone(&told);
        let factory = move |_: &'static str| GoofyState(Arc::clone(&told));
        Some(Arc::new(factory) as Arc<dyn aludel_orm::InstrumentationFactory>)
    });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    registry.instrumentation().listen(ClassEvent::ClassInstrument, move |class, _| {
        told.lock().unwrap().push(class.class_name());
    });
    registry.register::<Struct>().unwrap();
    assert_eq!(*heard.lock().unwrap(), ["Struct"]);
    assert_eq!(
        *log.lock().unwrap(),
        [
            "manage Struct",
            "install_descriptor id",
            "instrument_attribute id",
            "install_descriptor name",
            "instrument_attribute name",
            "post_configure_attribute id",
            "post_configure_attribute name",
        ]
    );
    let db = Db::new(registry);
    let mut s = db.session();
    let it = s.add(Struct { name: "x".into(), ..Struct::default() }).unwrap();
    db.run(s.commit()).unwrap();
    s.set(it, Struct::name, "y").unwrap();
    assert_eq!(s[it].name, "y");
    assert!(s.is_instrumented(it, "name").unwrap());
    assert!(!s.is_instrumented(it, "nothing").unwrap());
}
