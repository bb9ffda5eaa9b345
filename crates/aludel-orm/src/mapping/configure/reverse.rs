//! The other sides of relationships, and what subclasses inherit of them.

use aludel_sql::did_you_mean;

use super::Build;
use super::hierarchy::Shape;
use crate::mapping::{Direction, PropertyKind, Relationship};

impl Build<'_> {
    /// Links each relationship with its other side.
    pub(super) fn reverse(&mut self) {
        for class in self.classes() {
            for attribute in self.mapper(class).relationships.clone() {
                // What a concrete subclass has of its base is one-way, unless it says its other side itself.
                let inherited = attribute < self.own_attributes(class).start;
                if inherited && !self.says_other_side(class, attribute) {
                    continue;
                }
                match self.other_side(class, attribute) {
                    Ok(Some(other)) => {
                        self.relationship_mut(class, attribute, |r| r.reverse.push(other))
                    }
                    Ok(None) => {}
                    Err(what) => {
                        let name = self.spec(class).def.attributes[usize::from(attribute)].name;
                        self.attribute_problem(class, name, what);
                    }
                }
            }
        }
    }

    fn relationship_mut(
        &mut self,
        class: u16,
        attribute: u16,
        change: impl FnOnce(&mut Relationship),
    ) {
        let property = &mut self.mapper_mut(class).properties[usize::from(attribute)];
        if let PropertyKind::Relationship(relationship) = &mut property.kind {
            change(relationship);
        }
    }

    /// The other side that a relationship names, if it is kept in step.
    fn other_side(&self, class: u16, attribute: u16) -> Result<Option<(u16, u16)>, String> {
        let Some(name) = self.options(class, attribute).and_then(|o| o.back_populates) else {
            return Ok(None);
        };
        let Some(this) = self.mapper(class).relationship(attribute) else { return Ok(None) };
        let (owner, target) = (self.mapper(class), self.mapper(this.target));
        let at = self.named_other_side(this.target, &name)?;
        let declared = match self.says_other_side(this.target, at) {
            true => this.target,
            false => target.property(at).declared_by,
        };
        let Some(options) = self.options(declared, at) else {
            return Err(format!(
                "its back_populates `{}.{name}` is not a relationship",
                target.name
            ));
        };
        let there = format!("`{}.{name}`", self.mapper(declared).name);
        let here = format!("`{}.{}`", owner.name, this.name);
        let back = options.target.get().and_then(|back| self.number(back));
        let related = back.is_some_and(|back| self.is_a(back, class) || self.is_a(class, back));
        if !related {
            return Err(format!(
                "its back_populates {there} refers to `{}`, not to `{}`",
                options.target.name(),
                owner.name
            ));
        }
        match options.back_populates.as_deref() {
            Some(answer) if answer == &*this.name => {}
            Some(answer) => {
                return Err(format!(
                    "its back_populates {there} says `back_populates = \"{answer}\"`; both must name each \
                     other: write `back_populates = \"{}\"` there",
                    this.name
                ));
            }
            None => {
                return Err(format!(
                    "its back_populates {there} does not answer: write `back_populates = \"{}\"` there",
                    this.name
                ));
            }
        }
        // One that could not be configured has been reported.
        let Some(other) = self.mapper(declared).relationship(at) else { return Ok(None) };
        complementary(this, other, &here, &there)?;
        if this.viewonly || other.viewonly {
            return Ok(None);
        }
        Ok(Some((declared, at)))
    }

    /// The attribute of a target that a relationship names as its other side.
    pub(super) fn named_other_side(&self, target: u16, name: &str) -> Result<u16, String> {
        self.mapper(target).attribute(name).ok_or_else(|| {
            let near = did_you_mean(name, self.relationship_names(target));
            let class = self.spec(target).def.name;
            let near = match near.is_empty() {
                true => format!("; add it to `{class}`, or leave `back_populates` out"),
                false => near,
            };
            format!("its back_populates `{name}` is not an attribute of `{class}`{near}")
        })
    }

    /// Whether a mapping says the other side of a relationship that the class inherits.
    fn says_other_side(&self, class: u16, attribute: u16) -> bool {
        let name = self.spec(class).def.attributes[usize::from(attribute)].name;
        let said = self.spec(class).said.relationship(name);
        self.shape(class) == Shape::Alone && said.is_some_and(|o| o.back_populates.is_some())
    }

    fn relationship_names(&self, class: u16) -> Vec<&str> {
        let attributes = self.spec(class).def.attributes.iter();
        let relationship = |a: &&crate::instrumentation::AttrDef| {
            matches!(a.kind, crate::instrumentation::AttrKind::Relationship(_))
        };
        attributes.filter(relationship).map(|a| a.name).collect()
    }

    /// Subclasses have the relationships of their bases.
    pub(super) fn inherited_relationships(&mut self) {
        for class in self.classes() {
            let Some(base) = self.mapper(class).base else { continue };
            if self.shape(class) == Shape::Alone || self.is_broken(class) {
                continue;
            }
            let base = self.mapper(base);
            let (inherited, write_only) = (base.relationships.clone(), base.write_only.clone());
            let kinds: Vec<(u16, PropertyKind)> =
                inherited.iter().map(|at| (*at, base.property(*at).kind.clone())).collect();
            let mapper = self.mapper_mut(class);
            for (at, kind) in kinds {
                mapper.properties[usize::from(at)].kind = kind;
            }
            mapper.relationships.extend(inherited);
            mapper.write_only.extend(write_only);
        }
    }

    /// Targets, and their subclasses, know which relationships remember their owners, and delete orphans.
    pub(super) fn owners(&mut self) {
        let owners: Vec<(u16, (u16, u16), bool)> = self
            .mappers
            .iter()
            .flat_map(|mapper| mapper.relationships().filter(|r| r.parent == mapper.index))
            .filter(|r| r.tracks_parents() || r.cascades.delete_orphan)
            .map(|r| (r.target, (r.parent, r.attribute), r.cascades.delete_orphan))
            .collect();
        for (target, relationship, deletes_orphans) in owners {
            let mut classes = vec![target];
            while let Some(class) = classes.pop() {
                let mapper = self.mapper(class);
                classes.extend(&mapper.subclasses);
                let mapper = self.mapper_mut(class);
                if !mapper.owners.contains(&relationship) {
                    mapper.owners.push(relationship);
                    if deletes_orphans {
                        mapper.delete_orphans.push(relationship);
                    }
                }
            }
        }
    }
}

/// Whether two relationships are the two sides of one thing.
fn complementary(
    this: &Relationship,
    other: &Relationship,
    here: &str,
    there: &str,
) -> Result<(), String> {
    match (this.direction, other.direction) {
        (Direction::ManyToMany, Direction::ManyToMany) => {
            let (Some(a), Some(b)) = (&this.secondary, &other.secondary) else { return Ok(()) };
            if a.table != b.table {
                return Err(format!(
                    "it goes through `{}`, but its other side {there} through `{}`: both must have the same \
                     `secondary`",
                    a.table.full_name(),
                    b.table.full_name()
                ));
            }
            if !same_columns(&a.local, &b.remote) || !same_columns(&a.remote, &b.local) {
                return Err(format!(
                    "{here} and its other side {there} go through `{}` by different columns: what one calls \
                     columns to here the other must call columns to there",
                    a.table.full_name()
                ));
            }
            Ok(())
        }
        (Direction::OneToMany, Direction::ManyToOne)
        | (Direction::ManyToOne, Direction::OneToMany) => {
            let mirrored = |(near, far): &(u16, u16)| other.pairs.contains(&(*far, *near));
            let by_hand = this.primaryjoin.is_some() || other.primaryjoin.is_some();
            let read = this.viewonly || other.viewonly;
            if by_hand || read || this.pairs.iter().all(mirrored) {
                return Ok(());
            }
            Err(format!(
                "{here} and its other side {there} use different foreign keys: give both the same \
                 `foreign_keys`"
            ))
        }
        (a, b) if a == b => {
            let kind = match a {
                Direction::OneToMany => "one-to-many",
                _ => "many-to-one",
            };
            Err(format!(
                "{here} and its other side {there} are both {kind}: one of them must be on the side of the \
                 foreign key; between objects of one class, say `remote_side`"
            ))
        }
        _ => Err(format!(
            "one of {here} and its other side {there} goes through an association table: both must have the \
             same `secondary`"
        )),
    }
}

fn same_columns(a: &[(u16, u16)], b: &[(u16, u16)]) -> bool {
    a.len() == b.len() && a.iter().all(|(_, column)| b.iter().any(|(_, other)| other == column))
}
