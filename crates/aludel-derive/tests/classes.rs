//! What a derived class answers: its description, its fields by number, its rows, its differences.

use aludel::__private::{
    AttrKind, Bad, Collection, ConstraintDef, IsA, Mapped as _, NOT_IN_ROW, Object, Row, Value,
    ValueRef,
};
use aludel::prelude::*;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "employee", polymorphic_on = kind, polymorphic_identity = "employee")]
#[mapped(subclasses(Manager, Boss), unique(name, kind))]
struct Employee {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(name = "full_name", default = "nobody")]
    name: Option<String>,
    kind: String,
    #[expression(Self::salary * 12_i64)]
    yearly: i64,
    salary: i64,
    notes: Deferred<String>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_identity = Level::High)]
struct Manager {
    level: Level,
    #[mapped(base)]
    base: Employee,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "boss", polymorphic_identity = 3)]
struct Boss {
    #[mapped(base)]
    base: Manager,
    #[relationship(key = "name", cascade = "all,delete-orphan")]
    staff: ManyMap<String, Employee>,
    #[mapped(skip)]
    cache: Vec<i64>,
}

#[derive(ColumnEnum, Clone, Copy, Debug, Default, PartialEq)]
#[column_enum(integer)]
#[repr(u8)]
enum Level {
    #[default]
    Low = 1,
    High = 5,
}

struct Cells(Vec<Value>);

impl Row for Cells {
    fn get(&self, index: usize) -> Result<ValueRef<'_>, Bad> {
        self.0.get(index).map(Value::as_ref).ok_or(Bad::Index)
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn name(&self, index: usize) -> String {
        format!("c{index}")
    }
}

fn row() -> Cells {
    Cells(vec![
        Value::I64(1),
        "ed".into(),
        "boss".into(),
        Value::I64(120),
        Value::I64(10),
        Value::I64(5),
    ])
}

#[test]
fn the_attributes_of_the_base_come_first() {
    let names: Vec<_> = Boss::class().attributes.iter().map(|a| a.name).collect();
    assert_eq!(names, ["id", "name", "kind", "yearly", "salary", "notes", "level", "staff"]);
    assert_eq!((Manager::level.index(), Boss::staff.index()), (6, 7));
    assert_eq!(Boss::ATTRS.level.index(), 6);
    assert_eq!(Boss::ATTRS.salary.name(), "salary");
}

#[test]
fn the_description_says_what_the_struct_says() {
    let class = Employee::class();
    assert_eq!((class.name, class.table), ("Employee", Some("employee")));
    let AttrKind::Column(name) = class.attributes[1].kind else { panic!("a column") };
    assert_eq!((name.name, name.nullable, name.generated), (Some("full_name"), true, false));
    assert_eq!(name.default.expect("a default")(), "nobody".into());
    let AttrKind::Column(notes) = class.attributes[5].kind else { panic!("a column") };
    assert!(notes.deferred && !notes.nullable);
    assert!(matches!(class.attributes[3].kind, AttrKind::Expression(_)));
    assert!(matches!(class.constraints, [ConstraintDef::Unique(["full_name", "kind"])]));
    assert_eq!(class.polymorphic.expect("a hierarchy").on, Some("kind"));
    let subclasses: Vec<_> = class.subclasses.iter().map(|class| class().name).collect();
    assert_eq!(subclasses, ["Manager", "Boss"]);

    let inheritance = Manager::class().inheritance.expect("a base");
    assert_eq!((inheritance.base)().name, "Employee");
    assert_eq!(inheritance.identity.expect("an identity")(), Value::I64(5));
    let AttrKind::Relationship(staff) = Boss::class().attributes[7].kind else {
        panic!("a relationship")
    };
    assert_eq!(staff.collection, Some(Collection::Keyed("name")));
    assert_eq!(staff.cascade, Some("all, delete-orphan"));
}

#[test]
fn a_row_becomes_an_object_of_all_levels() {
    let mut boss = Boss::decode(&row(), &[0, 1, 2, 3, 4, NOT_IN_ROW, 5, NOT_IN_ROW]).unwrap();
    assert_eq!((boss.id.value(), boss.name.as_deref(), boss.yearly), (1, Some("ed"), 120));
    assert_eq!((boss.level, boss.notes.get()), (Level::High, None));
    assert!(!boss.staff.is_loaded() && boss.cache.is_empty());

    let mut at = [NOT_IN_ROW; 8];
    at[4] = 0;
    boss.fill(&row(), &at).unwrap();
    assert_eq!((boss.salary, boss.level), (1, Level::High));
    at[6] = 4;
    let error = boss.fill(&row(), &at).unwrap_err();
    assert!(error.to_string().contains("column `c4` is not a valid Level"), "{error}");
    assert_eq!(boss.level, Level::High);
}

#[test]
fn fields_are_found_by_number_and_differences_by_field() {
    let mut boss = Boss { cache: vec![1], ..Boss::default() };
    boss.name = Some("ed".to_owned());
    assert_eq!(boss.field(1).unwrap().value(), "ed".into());
    assert!(boss.field(7).unwrap().bind() == aludel::__private::Bind::Ref(ValueRef::Null));
    assert!(boss.field(8).is_none() && boss.field_mut(8).is_none());
    assert!(boss.base().unwrap().base().unwrap().base().is_none());

    let mut other = boss.clone();
    other.salary = 3;
    other.level = Level::High;
    let mut changed = Vec::new();
    boss.diff(&other, &mut |attribute| changed.push(attribute));
    assert_eq!(changed, [4, 6]);
}

#[test]
fn a_class_is_all_its_bases() {
    fn is<T: IsA<B>, B>() {}
    is::<Boss, Boss>();
    is::<Boss, Manager>();
    is::<Boss, Employee>();
    is::<Manager, Employee>();
}

#[test]
fn enums_are_stored_as_they_say() {
    use aludel::ColumnType;
    #[derive(ColumnEnum, Clone, Copy, Debug, PartialEq)]
    #[column_enum(rename_all = "kebab-case")]
    enum Status {
        InProgress,
        #[column_enum(rename = "end")]
        Done,
    }
    assert_eq!(Status::InProgress.into_value(), "in-progress".into());
    assert_eq!(Status::from_ref(ValueRef::Text("end")), Ok(Status::Done));
    assert_eq!(
        Status::from_ref(ValueRef::Text("over")),
        Err(Bad::Invalid("Status: known are `in-progress` and `end`"))
    );
    assert_eq!(Status::from_ref(ValueRef::Null), Err(Bad::Null));
    assert_eq!(Value::from(Level::High), Value::I64(5));
    assert_eq!(Level::from_ref(ValueRef::I64(2)), Err(Bad::Invalid("Level")));
}
