//! Which classes and relationships tables make, as data.

use aludel_sql::{Action, ForeignKey, MetaData, Table};
use hashbrown::HashSet;

use super::{AutomapRules, Link};
use crate::mapping::Direction;

/// The classes that tables make: to be [described](Self::describe) with a registry, or to be written as source.
#[derive(Clone, Debug, Default)]
pub struct AutoModel {
    classes: Vec<AutoClass>,
    unmapped: Vec<Table>,
}

/// The class of a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AutoClass {
    /// Its name.
    pub name: String,
    /// The table.
    pub table: Table,
    /// The names of the attributes of the table's columns, in their order.
    pub attributes: Vec<String>,
    /// Its relationships.
    pub relationships: Vec<AutoRelationship>,
}

/// A relationship of a class that was made of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AutoRelationship {
    /// Its name.
    pub name: String,
    /// The class that it leads to.
    pub target: String,
    /// It is a collection.
    pub many: bool,
    /// The other side, where there is one.
    pub back_populates: Option<String>,
    /// The foreign key, as `table.column`; none where it goes by an association table.
    pub foreign_keys: Vec<String>,
    /// The columns at the far side, as `table.column`.
    pub remote_side: Vec<String>,
    /// The association table, with its columns: `table(to here; to there)`.
    pub secondary: Option<String>,
    /// The cascades, where they are not the usual ones.
    pub cascade: Option<String>,
    /// A deletion of the owner leaves members that are not loaded to the database.
    pub passive_deletes: bool,
}

/// Two sides of one relationship: the class of each, by number, and what it gets.
type Pair = [(usize, AutoRelationship); 2];

impl AutoModel {
    /// The classes of tables, with what rules say.
    ///
    /// A table without a primary key makes no class, nor does a view. One that has two foreign keys and no other column
    /// is an association table, and makes a collection on both sides. A foreign key makes a reference, and a collection
    /// on the other side; a reference there too, where its columns are unique. Where the key is NOT NULL, the members
    /// are deleted with their owner.
    pub fn of(tables: &MetaData, rules: &dyn AutomapRules) -> Self {
        let mut model = Self::default();
        let (associations, others): (Vec<&Table>, Vec<&Table>) =
            tables.iter().partition(|table| is_association(table, tables));
        for table in others {
            if table.primary_key().is_empty() || table.is_view() {
                model.unmapped.push(table.clone());
                continue;
            }
            let mut taken = HashSet::new();
            let names = table.columns().iter().map(|c| rules.attribute_name(table, c));
            let attributes = names.map(|name| free(name, &mut taken)).collect();
            let mut names: HashSet<String> =
                model.classes.iter().map(|class| class.name.clone()).collect();
            let name = free(rules.class_name(table), &mut names);
            let relationships = Vec::new();
            model.classes.push(AutoClass { name, table: table.clone(), attributes, relationships });
        }
        for at in 0..model.classes.len() {
            let table = model.classes[at].table.clone();
            for key in table.foreign_keys() {
                if let Some(pair) = model.by_key(at, &table, key, rules) {
                    model.add(pair, rules);
                }
            }
        }
        for table in associations {
            if let Some(pair) = model.by_association(table, rules) {
                model.add(pair, rules);
            }
            model.unmapped.push(table.clone());
        }
        model
    }

    /// The classes.
    pub fn classes(&self) -> &[AutoClass] {
        &self.classes
    }

    /// The tables that make no class: association tables, those without a primary key, and views.
    pub fn unmapped(&self) -> &[Table] {
        &self.unmapped
    }

    /// The class of a name.
    pub fn class(&self, name: &str) -> Option<&AutoClass> {
        self.classes.iter().find(|class| class.name == name)
    }

    fn class_of(&self, key: &ForeignKey) -> Option<usize> {
        self.classes.iter().position(|class| class.table.full_name() == &*key.target_table)
    }

    fn by_key(
        &self,
        from: usize,
        table: &Table,
        key: &ForeignKey,
        rules: &dyn AutomapRules,
    ) -> Option<Pair> {
        let to = self.class_of(key)?;
        let (local, target) = (&self.classes[from], &self.classes[to]);
        let alike = |k: &&ForeignKey| k.target_table == key.target_table;
        let back = |k: &&ForeignKey| &*k.target_table == table.full_name();
        let several = table.foreign_keys().iter().filter(alike).count()
            + target.table.foreign_keys().iter().filter(back).count()
            > if from == to { 2 } else { 1 };
        let link = Link {
            class: &local.name,
            target: &target.name,
            table,
            key,
            direction: Direction::ManyToOne,
            several,
        };
        let columns = |table: &Table, names: &[Box<str>]| -> Vec<String> {
            names.iter().map(|name| format!("{}.{name}", table.full_name())).collect()
        };
        let foreign_keys = columns(table, &key.column_names);
        let one = AutoRelationship {
            name: rules.scalar_name(&link),
            target: target.name.clone(),
            many: false,
            back_populates: None,
            foreign_keys: foreign_keys.clone(),
            remote_side: columns(&target.table, &key.target_columns),
            secondary: None,
            cascade: None,
            passive_deletes: false,
        };
        let direction = Direction::OneToMany;
        let link = Link { class: &target.name, target: &local.name, direction, ..link };
        let many = !is_unique(table, key);
        let nullable = key.columns.iter().any(|at| table.columns()[usize::from(*at)].nullable);
        let passive = if nullable { Action::SetNull } else { Action::Cascade };
        let other = AutoRelationship {
            name: match many {
                true => rules.collection_name(&link),
                false => rules.scalar_name(&link),
            },
            target: local.name.clone(),
            many,
            remote_side: foreign_keys.clone(),
            foreign_keys,
            cascade: (!nullable).then(|| "all, delete-orphan".to_owned()),
            passive_deletes: key.on_delete == Some(passive),
            ..one.clone()
        };
        Some([(from, one), (to, other)])
    }

    fn by_association(&self, table: &Table, rules: &dyn AutomapRules) -> Option<Pair> {
        let [near, far] = table.foreign_keys() else { return None };
        let (from, to) = (self.class_of(near)?, self.class_of(far)?);
        let side = |class: usize, target: usize, here: &ForeignKey, there: &ForeignKey| {
            let (class, target) = (&self.classes[class].name, &self.classes[target].name);
            let several = from == to;
            let direction = Direction::ManyToMany;
            let link = Link { class, target, direction, table, key: there, several };
            let (here, there) = (here.column_names.join(", "), there.column_names.join(", "));
            AutoRelationship {
                name: rules.collection_name(&link),
                target: target.clone(),
                many: true,
                back_populates: None,
                foreign_keys: Vec::new(),
                remote_side: Vec::new(),
                secondary: Some(format!("{}({here}; {there})", table.full_name())),
                cascade: None,
                passive_deletes: false,
            }
        };
        Some([(from, side(from, to, near, far)), (to, side(to, from, far, near))])
    }

    /// Gives the two classes their sides, under names that are free.
    fn add(&mut self, pair: Pair, rules: &dyn AutomapRules) {
        let kept = pair.map(|(class, mut relationship)| {
            let of = &self.classes[class];
            let keep = rules.relationship(&of.name, &mut relationship);
            keep.then_some((class, relationship))
        });
        let mut names = [None, None];
        let mut added = Vec::new();
        for (side, kept) in kept.into_iter().enumerate() {
            let Some((at, mut relationship)) = kept else { continue };
            let class = &mut self.classes[at];
            let relationships = class.relationships.iter().map(|r| r.name.clone());
            let mut taken: HashSet<String> =
                class.attributes.iter().cloned().chain(relationships).collect();
            relationship.name = free(relationship.name, &mut taken);
            names[side] = Some(relationship.name.clone());
            added.push((side, at, class.relationships.len()));
            class.relationships.push(relationship);
        }
        for (side, class, place) in added {
            self.classes[class].relationships[place].back_populates = names[1 - side].clone();
        }
    }
}

/// Whether a table does nothing but relate two others: two foreign keys of different columns, and no other column.
fn is_association(table: &Table, tables: &MetaData) -> bool {
    let keys = table.foreign_keys();
    let columns: Vec<u16> = keys.iter().flat_map(|key| &key.columns).copied().collect();
    keys.len() == 2
        && columns.len() == table.columns().len()
        && (0..columns.len() as u16).all(|at| columns.contains(&at))
        && keys.iter().all(|key| {
            tables.get(&key.target_table).is_some_and(|target| !target.primary_key().is_empty())
        })
}

/// Whether no two rows have the same foreign key.
fn is_unique(table: &Table, key: &ForeignKey) -> bool {
    let same = |columns: &[u16]| {
        columns.len() == key.columns.len() && columns.iter().all(|c| key.columns.contains(c))
    };
    let alone = |at: &u16| table.columns()[usize::from(*at)].unique;
    same(table.primary_key())
        || table.uniques().iter().any(|unique| same(&unique.columns))
        || table.indexes().iter().any(|i| i.unique && i.filter.is_none() && same(&i.columns))
        || (key.columns.len() == 1 && key.columns.iter().any(alone))
}

/// A name that is not taken: with a number, where it is.
fn free(name: String, taken: &mut HashSet<String>) -> String {
    let mut found = name.clone();
    let mut number = 1;
    while !taken.insert(found.clone()) {
        number += 1;
        found = format!("{name}_{number}");
    }
    found
}
