//! From descriptions to mappers: a pure function of what is known of all classes.
//!
//! ```text
//! specs ─ hierarchy ─ tables ─ properties ─ relationships ─ reverse ─ inherited ─> Mappers
//!             └────────────┴── each finds what is wrong and goes on ┴──> one error
//! ```
//!
//! Every step works on half-made [`Mapper`]s, in the order of their numbers, in which a base comes
//! before its subclasses. A class whose table could not be found is marked as *broken*, and whatever would
//! be wrong only because of that is not reported.
//!
//! What was configured before is kept, but for the hierarchies that get a new class: those are made
//! *afresh*, as the new classes are.

mod abstracts;
mod cascades;
mod classes;
mod columns;
mod conditions;
mod foreign_keys;
mod hierarchy;
mod joins;
mod keys;
mod names;
mod paths;
mod polymorphic;
mod relationships;
mod reverse;
mod secondary;
mod selected;
mod synonyms;
mod table_builder;
mod tables;
mod unions;

use crate::mapping::VersionGenerator;
use std::rc::Rc;
use std::sync::Arc;

use aludel_sql::MetaData;
use hashbrown::{HashMap, HashSet};

use super::builder::ClassSpec;
use super::problems::Problems;
use super::{Mapper, Mappers, RowOptions};
use crate::instrumentation::{ClassDef, ClassKey};
use crate::{Error, ErrorKind, Result};

pub(super) use classes::{closure, depth};
pub(super) use foreign_keys::check as check_foreign_keys;
use selected::{Selection, Sources};
pub(super) use tables::Made;
use tables::Tables;
pub(crate) use unions::Union;

/// What was made.
pub(super) struct Built {
    pub(super) mappers: Mappers,
    pub(super) by_hand: MetaData,
    pub(super) made: Made,
}

/// Makes the mappers of the classes that are not there yet, and again those of the hierarchies that have changed.
///
/// # Errors
///
/// For all that is wrong, at once, with the problems that are known.
pub(super) fn build(
    specs: &[Arc<ClassSpec>],
    before: &Mappers,
    (by_hand, made): (&MetaData, &Made),
    changed: &[ClassKey],
    whole: bool,
    problems: Problems,
) -> Result<Built> {
    if specs.len() > usize::from(u16::MAX) {
        let message = format!("{} classes are more than a registry can hold", specs.len());
        return Err(Error::new(ErrorKind::Configuration, message));
    }
    let mut tables = Tables::new(by_hand, made);
    let sources = selected::sources(specs, before, &mut tables, changed);
    let mut build = Build::new(specs, before, tables, changed, sources);
    build.problems = problems;
    build.steps();
    if whole && !build.problems.is_empty() {
        // Of a mapping that is right, it is told when it is there.
        let mut all = build.tables.by_hand().clone();
        for table in tables::of_mappers(&build.mappers) {
            // Tables of one name are one table here.
            let _ = all.add(table);
        }
        build.problems.extend(check_foreign_keys(&build.mappers, &all));
    }
    build.problems.into_result()?;
    let by_name = (0..specs.len()).rev().map(|i| (specs[i].def.name.into(), i as u16)).collect();
    let mappers = Mappers {
        tables: tables::of_mappers(&build.mappers),
        list: build.mappers,
        by_type: build.by_type,
        by_name,
        validators: std::sync::OnceLock::new(),
        statements: crate::loading::Caches::default(),
    };
    let (by_hand, made) = build.tables.into_parts();
    Ok(Built { mappers, by_hand, made })
}

/// Mappers that are being made.
struct Build<'a> {
    specs: &'a [Arc<ClassSpec>],
    by_type: HashMap<ClassKey, u16>,
    mappers: Vec<Arc<Mapper>>,
    /// The classes that are made afresh.
    fresh: Rc<[u16]>,
    /// Classes without a table, and those that inherit from such.
    broken: Vec<bool>,
    tables: Tables,
    /// What classes are mapped to that are mapped to something else than a table.
    sources: Sources,
    selections: HashMap<u16, Selection>,
    problems: Problems,
}

impl<'a> Build<'a> {
    fn new(
        specs: &'a [Arc<ClassSpec>],
        before: &Mappers,
        tables: Tables,
        changed: &[ClassKey],
        sources: Sources,
    ) -> Self {
        let kept = before.list.len();
        // The hierarchies that get a new class, by their topmost classes.
        let is_new = |(at, spec): &(usize, &Arc<ClassSpec>)| {
            *at >= kept || changed.contains(&spec.def.key())
        };
        let new = || specs.iter().enumerate().filter(is_new).map(|(_, spec)| spec);
        let mut grown: HashSet<ClassKey> = new().map(|spec| classes::topmost(spec.def)).collect();
        // And those whose tables a new class extends.
        for name in new().filter(|s| s.said.extend_existing).map(|s| tables::table_name(s.def)) {
            let same = specs.iter().filter(|spec| tables::table_name(spec.def) == name);
            grown.extend(same.map(|spec| classes::topmost(spec.def)));
        }
        let is_fresh = |at: usize| {
            at >= kept || !grown.is_empty() && grown.contains(&classes::topmost(specs[at].def))
        };
        let mapper = |(at, spec): (usize, &Arc<ClassSpec>)| match is_fresh(at) {
            true => Arc::new(empty(at as u16, spec)),
            false => Arc::clone(&before.list[at]),
        };
        let numbered = || specs.iter().enumerate();
        Self {
            specs,
            by_type: numbered().map(|(at, spec)| (spec.def.key(), at as u16)).collect(),
            mappers: numbered().map(mapper).collect(),
            fresh: (0..specs.len()).filter(|at| is_fresh(*at)).map(|at| at as u16).collect(),
            broken: vec![false; specs.len()],
            tables,
            sources,
            selections: HashMap::new(),
            problems: Problems::default(),
        }
    }

    /// All steps, one after the other.
    fn steps(&mut self) {
        self.hierarchy();
        self.tables();
        self.properties();
        self.discriminators();
        self.polymorphic_loads();
        self.unions();
        self.relationships();
        self.reverse();
        self.inherited_relationships();
        self.owners();
        self.foreign_keys();
    }

    /// What was made, without what is wrong with it.
    fn into_parts(self) -> selected::Built {
        let Self { mappers, by_type, tables, sources, .. } = self;
        selected::Built { mappers, by_type, tables, sources }
    }

    /// The numbers of the classes that are made afresh.
    fn classes(&self) -> impl Iterator<Item = u16> + use<> {
        let fresh = Rc::clone(&self.fresh);
        (0..fresh.len()).map(move |at| fresh[at])
    }

    fn spec(&self, class: u16) -> &'a ClassSpec {
        &self.specs[usize::from(class)]
    }

    fn mapper(&self, class: u16) -> &Mapper {
        &self.mappers[usize::from(class)]
    }

    fn mapper_mut(&mut self, class: u16) -> &mut Mapper {
        Arc::make_mut(&mut self.mappers[usize::from(class)])
    }

    fn is_broken(&self, class: u16) -> bool {
        self.broken[usize::from(class)]
    }

    /// The number of a class, by its description.
    fn number(&self, def: &ClassDef) -> Option<u16> {
        self.by_type.get(&def.key()).copied()
    }

    /// The numbers of the attributes that the class has itself; those before are its base's.
    fn own_attributes(&self, class: u16) -> std::ops::Range<u16> {
        let inherited = match self.mapper(class).base {
            Some(base) => self.spec(base).def.attributes.len(),
            None => 0,
        };
        let all = self.spec(class).def.attributes.len();
        inherited.min(all) as u16..all as u16
    }

    /// Whether a class is another or one of its subclasses.
    fn is_a(&self, class: u16, base: u16) -> bool {
        std::iter::successors(Some(class), |at| self.mapper(*at).base).any(|at| at == base)
    }

    fn problem(&mut self, class: u16, what: impl AsRef<str>) {
        self.problems.class(self.spec(class).def.name, what);
    }

    fn attribute_problem(&mut self, class: u16, attribute: &str, what: impl AsRef<str>) {
        self.problems.attribute(self.spec(class).def.name, attribute, what);
    }
}

/// A mapper with nothing in it.
fn empty(index: u16, spec: &ClassSpec) -> Mapper {
    Mapper {
        index,
        name: spec.def.name.into(),
        def: spec.def,
        root: index,
        base: None,
        subclasses: Vec::new(),
        discriminator: None,
        polymorphic: Vec::new(),
        is_abstract: false,
        read_along: Vec::new(),
        selectin: false,
        identity: None,
        union: None,
        is_abstract_concrete: false,
        tables: Vec::new(),
        selected: None,
        properties: Vec::new(),
        by_name: HashMap::new(),
        synonyms: Vec::new(),
        primary_key: Vec::new(),
        nullable_key: 0,
        version: None,
        version_by: VersionGenerator::Counter,
        rows: RowOptions::default(),
        relationships: Vec::new(),
        write_only: Vec::new(),
        columns: Vec::new(),
        owners: Vec::new(),
        delete_orphans: Vec::new(),
        hidden_defaults: Vec::new(),
        hidden_on_updates: Vec::new(),
        key_copies: Vec::new(),
        read_only: Vec::new(),
        attachments: spec.said.attachments.clone(),
    }
}
