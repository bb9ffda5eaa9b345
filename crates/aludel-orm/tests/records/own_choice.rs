//! A struct's own choice of how it is instrumented: one implementation for a hierarchy.

use std::sync::Arc;

use aludel_derive::Mapped;
use aludel_orm::{
    Auto, ClassManager, ClassMember, ErrorKind, InstrumentationFactory, InstrumentationManager,
    Mapped as _, Registry,
};

/// Leaves a mark on the classes that it manages.
struct Marking(&'static str);

impl InstrumentationManager for Marking {
    fn manage(&self, class: &ClassManager) {
        class.set_member("mark", ClassMember::Other(Arc::new(self.0)));
    }
}

/// A function is a factory.
fn marked(class: &'static str) -> Marking {
    Marking(class)
}

/// So is any value that says so, with a name of its own.
struct Other;

impl InstrumentationFactory for Other {
    fn manager(&self, _: &'static str) -> Arc<dyn InstrumentationManager> {
        Arc::new(Marking("other"))
    }
    fn name(&self) -> &'static str {
        "the other one"
    }
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(
    crate = aludel_orm,
    table = "shapes",
    polymorphic_on = kind,
    polymorphic_identity = "shape",
    instrumentation = marked
)]
struct Shape {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "circles", polymorphic_identity = "circles")]
struct Circle {
    #[mapped(base)]
    base: Shape,
    more: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "squares", polymorphic_identity = "squares", instrumentation = marked)]
struct Square {
    #[mapped(base)]
    base: Shape,
    more: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "stars", polymorphic_identity = "stars", instrumentation = Other)]
struct Star {
    #[mapped(base)]
    base: Shape,
    more: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "plain", polymorphic_on = kind, polymorphic_identity = "p")]
struct Plain {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "fancy", polymorphic_identity = "fancy", instrumentation = Other)]
struct Fancy {
    #[mapped(base)]
    base: Plain,
    more: i64,
}

fn mark(registry: &Registry, class: &'static aludel_orm::ClassDef) -> Option<&'static str> {
    let manager = registry.instrumentation().manager_of_class(class)?;
    match manager.member("mark")? {
        ClassMember::Other(value) => value.downcast_ref().copied(),
        _ => None,
    }
}

#[test]
fn a_hierarchy_has_its_bases_choice() {
    let registry = Registry::new();
    registry.register::<Circle>().unwrap();
    registry.register::<Square>().unwrap();
    assert_eq!(mark(&registry, Shape::class()), Some("Shape"));
    // A subclass that says nothing has the very manager of its base.
    assert_eq!(mark(&registry, Circle::class()), Some("Shape"));
    assert_eq!(mark(&registry, Square::class()), Some("Square"));
    let manager = |class| registry.instrumentation().manager_of_class(class).unwrap();
    let names =
        [Shape::class(), Circle::class(), Square::class()].map(|c| manager(c).implementation());
    assert!(names.iter().all(|name| name.is_some() && *name == names[0]), "{names:?}");
}

#[test]
fn another_one_in_a_hierarchy_is_refused() {
    let registry = Registry::new();
    let error = registry.register::<Star>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let said = error.to_string();
    assert!(
        said.contains("class `Star`: there are several instrumentation implementations"),
        "{said}"
    );
    assert!(said.contains("`the other one`") && said.contains("of class `Shape`"), "{said}");
    let error = registry.register::<Fancy>().unwrap_err().to_string();
    assert!(error.contains("the default one of class `Plain`"), "{error}");
    // Nothing of them is there.
    assert_eq!(mark(&registry, Star::class()), None);
    registry.register::<Circle>().unwrap();
    assert_eq!(mark(&registry, Shape::class()), Some("Shape"));
}

#[test]
fn a_finder_before_it_decides() {
    let registry = Registry::new();
    registry.instrumentation().prepend_finder(|name, own| {
        assert!(own.is_some(), "the class's own choice is given");
        (name == "Shape").then(|| Arc::new(Other) as Arc<dyn InstrumentationFactory>)
    });
    registry.register::<Shape>().unwrap();
    assert_eq!(mark(&registry, Shape::class()), Some("other"));
}
