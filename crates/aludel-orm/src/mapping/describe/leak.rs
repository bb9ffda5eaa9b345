//! Descriptions that stay for the rest of the program, as those of structs do: handles, typed attributes and compiled
//! statements refer to them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashSet;

use crate::instrumentation::{
    AttrDef, ClassDef, ClassManager, Described, HybridDef, InheritanceDef, Instance, Mapped,
    Record, SynonymDef, ValueType,
};

/// What a class is made of.
pub(in crate::mapping) struct Leaked<'a> {
    pub(in crate::mapping) name: &'a str,
    /// The number of the class that this is another description of.
    pub(in crate::mapping) number: Option<u32>,
    pub(in crate::mapping) attributes: Vec<AttrDef>,
    pub(in crate::mapping) types: Vec<ValueType>,
    pub(in crate::mapping) synonyms: Vec<SynonymDef>,
    pub(in crate::mapping) hybrids: Vec<&'static HybridDef>,
    pub(in crate::mapping) inheritance: Option<InheritanceDef>,
    pub(in crate::mapping) manager: ClassManager,
    pub(in crate::mapping) instance: fn() -> Box<dyn Instance>,
    pub(in crate::mapping) reconstructors: Vec<fn(&mut Record)>,
}

/// A description that stays for the rest of the program.
pub(in crate::mapping) fn leak_class(class: Leaked<'_>) -> &'static ClassDef {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = class.number.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed));
    let Leaked { types, manager, instance, reconstructors, .. } = class;
    let manager = Arc::new(manager);
    let described = Described { number, types, manager, instance, reconstructors };
    let described: &'static Described = Box::leak(Box::new(described));
    let none = Record::class();
    let def: &'static ClassDef = Box::leak(Box::new(ClassDef {
        name: leak(class.name),
        described: Some(described),
        attributes: Vec::leak(class.attributes),
        synonyms: Vec::leak(class.synonyms),
        hybrids: Vec::leak(class.hybrids),
        inheritance: class.inheritance,
        ..ClassDef { ..*none }
    }));
    described.manager.set_class(def);
    def
}

/// A name that stays for the rest of the program; each text once.
pub(in crate::mapping) fn leak(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_with(HashSet::new);
    match names.get(name) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(kept);
            kept
        }
    }
}
