//! One struct for several tables, and several classes of one table.

use aludel::prelude::*;
use aludel::{ErrorKind, Value};

use crate::each;

/// What all tables of the log have.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_abstract)]
struct Entry {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(index)]
    line: String,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "sc_entries_2024", concrete)]
struct Entry2024 {
    #[mapped(base)]
    entry: Entry,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "sc_entries_2025", concrete)]
struct Entry2025 {
    #[mapped(base)]
    entry: Entry,
}

fn entries() -> Registry {
    let registry = Registry::new();
    registry.register::<Entry2024>().unwrap();
    registry.register::<Entry2025>().unwrap();
    registry
}

fn line(text: &str) -> Entry {
    Entry { line: text.into(), ..Entry::default() }
}

/// Works for every table.
fn shout(db: &mut blocking::Session, entry: Handle<Entry>) -> aludel::Result<()> {
    let line = db.value(entry, Entry::line)?.to_uppercase();
    db.set(entry, Entry::line, line)
}

#[test]
fn one_struct_in_several_tables() {
    each("several_entity_name", entries, |db| {
        let old = db.add(Entry2024 { entry: line("a") }).unwrap();
        let new = db.add(Entry2025 { entry: line("b") }).unwrap();
        db.commit().unwrap();
        // Each table has its own keys and objects.
        assert_eq!((db[old].id.value(), db[new].id.value()), (1, 1));
        assert_ne!(old.up::<Entry>(), new.up::<Entry>());
        shout(db, old.up()).unwrap();
        db.commit().unwrap();
        assert_eq!(db.raw("SELECT line FROM sc_entries_2024"), [[Value::from("A")]]);
        assert_eq!(db.raw("SELECT line FROM sc_entries_2025"), [[Value::from("b")]]);
        let found = select::<Entry2025>().filter(Entry::line.eq("b"));
        assert_eq!(db.all(found).unwrap(), [new]);
        db.delete(old).unwrap();
        db.commit().unwrap();
        assert_eq!(db.count(select::<Entry2024>()).unwrap(), 0);
        assert_eq!(db.get::<Entry2025>(1).unwrap(), Some(new));
    });
}

#[test]
fn tables_that_are_known_at_run_time() {
    let registry = || {
        let registry = entries();
        let table = registry.mapper::<Entry2025>().unwrap().local_table().unwrap().clone();
        for year in [2026, 2027] {
            let copy = table.copy_as(format!("sc_entries_{year}")).finish().unwrap();
            registry.describe_table(&format!("Entry{year}"), &copy).unwrap();
        }
        registry.configure().unwrap();
        registry
    };
    each("several_entity_name_run", registry, |db| {
        let class = |db: &crate::support::Db, year: i64| {
            db.registry.record_class(&format!("Entry{year}")).unwrap()
        };
        for year in [2026, 2027] {
            let of = class(db, year);
            let record = of.record().with("line", format!("of {year}")).unwrap();
            db.add(record).unwrap();
        }
        let typed = db.add(Entry2025 { entry: line("typed") }).unwrap();
        db.commit().unwrap();
        let of = class(db, 2027);
        let line = of.attr::<String>("line").unwrap();
        let found = db.one(of.select().filter(line.like("of%"))).unwrap();
        assert_eq!(db[found].value("line").unwrap(), Value::from("of 2027"));
        assert_eq!(db[typed].line, "typed");
        let table = of.class_table(&db.registry);
        assert_eq!(table, "sc_entries_2027");
    });
}

/// The name of the table of a described class.
trait ClassTable {
    fn class_table(self, registry: &Registry) -> String;
}

impl ClassTable for aludel::RecordClass {
    fn class_table(self, registry: &Registry) -> String {
        let mappers = registry.mappers();
        mappers.named(self.name()).unwrap().local_table().unwrap().full_name().to_owned()
    }
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "sc_accounts")]
struct Account {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
}

/// What few ask for, of the same row.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "sc_accounts", extend_existing)]
struct AccountDetails {
    #[column(primary_key)]
    id: Auto<i64>,
    biography: Option<String>,
    #[column(default = 3)]
    stars: Option<i64>,
}

fn accounts() -> Registry {
    let registry = Registry::new();
    registry.register::<Account>().unwrap();
    registry.register::<AccountDetails>().unwrap();
    registry
}

#[test]
fn several_classes_of_one_table() {
    each("several_classes", accounts, |db| {
        let tables = db.registry.metadata();
        assert_eq!(tables.iter().count(), 1);
        let account = db.add(Account { name: "ann".into(), ..Account::default() }).unwrap();
        db.commit().unwrap();
        // Two objects of one row.
        let details = db.get_one::<AccountDetails>(1).unwrap();
        assert_ne!(account.id(), details.id());
        assert_eq!(db[details].stars, Some(3));
        db.set(details, AccountDetails::biography, Some("long".to_owned())).unwrap();
        db.set(account, Account::name, "anne").unwrap();
        db.commit().unwrap();
        let row = db.raw("SELECT id, name, biography, stars FROM sc_accounts");
        assert_eq!(row, [vec![Value::from(1), "anne".into(), "long".into(), Value::from(3)]]);
        assert_eq!(db.get_one::<Account>(1).unwrap(), account);
        db.delete(account).unwrap();
        db.commit().unwrap();
        let error = db.refresh(details).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    });
}

#[test]
fn the_order_of_registration_does_not_matter() {
    let registry = Registry::new();
    let error = registry.register::<AccountDetails>().unwrap_err();
    assert!(error.message().contains("no class has it"), "{error}");
    registry.register::<Account>().unwrap();
    assert_eq!(registry.metadata().iter().next().unwrap().columns().len(), 2);
    registry.register::<AccountDetails>().unwrap();
    let mappers = registry.mappers();
    let names = mappers.named("Account").unwrap().local_table().unwrap().columns().len();
    assert_eq!((names, registry.metadata().iter().count()), (4, 1));
    let (one, other) = (mappers.named("Account"), mappers.named("AccountDetails"));
    assert_eq!(one.unwrap().local_table(), other.unwrap().local_table());
}

#[test]
fn a_table_of_two_classes_that_do_not_say_so() {
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "sc_accounts")]
    struct Other {
        #[column(primary_key)]
        id: Auto<i64>,
        more: i64,
    }
    let registry = accounts();
    let error = registry.register::<Other>().unwrap_err();
    assert!(error.message().contains("has no `more`: say `extend_existing`"), "{error}");
}
