//! Which classes belong together.

use hashbrown::HashSet;

use crate::instrumentation::{AttrKind, ClassDef, ClassKey};

/// The classes, and all that they refer to: bases, named subclasses, targets of relationships. In the
/// order in which they are found, the first ones first.
pub(in crate::mapping) fn closure(
    classes: impl IntoIterator<Item = &'static ClassDef>,
) -> Vec<&'static ClassDef> {
    let mut seen: HashSet<ClassKey> = HashSet::new();
    let mut found = Vec::new();
    let mut take = |def: &'static ClassDef, found: &mut Vec<_>| {
        if seen.insert(def.key()) {
            found.push(def);
        }
    };
    for def in classes {
        take(def, &mut found);
    }
    let mut at = 0;
    while let Some(&def) = found.get(at) {
        at += 1;
        if let Some(inheritance) = &def.inheritance {
            take(inheritance.base(), &mut found);
        }
        for attribute in def.attributes {
            if let AttrKind::Relationship(relationship) = &attribute.kind
                && let Some(target) = relationship.target.get()
            {
                take(target, &mut found);
            }
        }
        for subclass in def.subclasses {
            take(subclass(), &mut found);
        }
    }
    found
}

/// How many classes are above a class.
pub(in crate::mapping) fn depth(def: &'static ClassDef) -> usize {
    let base = |def: &&'static ClassDef| def.inheritance.as_ref().map(|i| i.base());
    // A class cannot inherit from itself: its base is a field of it.
    std::iter::successors(base(&def), base).count()
}

/// The topmost class above a class, or itself.
pub(super) fn topmost(def: &'static ClassDef) -> ClassKey {
    let mut at = def;
    while let Some(inheritance) = &at.inheritance {
        at = inheritance.base();
    }
    at.key()
}
