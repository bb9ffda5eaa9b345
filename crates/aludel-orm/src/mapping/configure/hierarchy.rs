//! Inheritance: bases, subclasses, and what tells the class of a row.

use aludel_sql::{Value, did_you_mean};

use super::Build;
use crate::mapping::PropertyKind;

/// Where a class keeps its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// In a table of its own, all of them; also with concrete inheritance.
    Alone,
    /// Its own in a table of its own, those of its base in its base's.
    Joined,
    /// In the table of its base.
    Single,
}

impl Build<'_> {
    /// Links the classes with their bases.
    pub(super) fn hierarchy(&mut self) {
        for class in self.classes() {
            let Some(inheritance) = &self.spec(class).def.inheritance else { continue };
            let Some(base) = self.number(inheritance.base()) else { continue };
            self.mapper_mut(class).base = Some(base);
            self.mapper_mut(base).subclasses.push(class);
            if !inheritance.concrete {
                self.mapper_mut(class).root = self.mapper(base).root;
            }
        }
    }

    /// Where a class keeps its attributes.
    pub(super) fn shape(&self, class: u16) -> Shape {
        let spec = self.spec(class);
        let Some(inheritance) = &spec.def.inheritance else { return Shape::Alone };
        if inheritance.concrete {
            Shape::Alone
        } else if spec.said.table.is_none() && !self.names_own_table(class) {
            Shape::Single
        } else {
            Shape::Joined
        }
    }

    /// Whether the derive names a table that is not the base's.
    fn names_own_table(&self, class: u16) -> bool {
        let Some(table) = self.spec(class).def.table else { return false };
        let above = std::iter::successors(self.mapper(class).base, |at| self.mapper(*at).base);
        let inherited = above.filter_map(|base| self.spec(base).def.table).next();
        inherited != Some(table)
    }

    /// The class whose table a class without one of its own uses.
    pub(super) fn keeper(&self, class: u16) -> u16 {
        let mut at = class;
        while self.shape(at) == Shape::Single
            && let Some(base) = self.mapper(at).base
        {
            at = base;
        }
        at
    }

    /// Finds the discriminators.
    pub(super) fn discriminators(&mut self) {
        for class in self.classes() {
            if !self.is_broken(class) {
                self.discriminator(class);
            }
        }
        for class in self.classes() {
            let Some((_, value)) = self.mapper(class).discriminator.clone() else { continue };
            if value.is_null() {
                continue;
            }
            let mut above = Some(class);
            while let Some(at) = above {
                let mapper = self.mapper_mut(at);
                if mapper.discriminator.is_none() {
                    break;
                }
                if at == mapper.root
                    && let Some(&(_, other)) = mapper.polymorphic.iter().find(|(v, _)| *v == value)
                {
                    let other = self.spec(other).def.name;
                    self.problem(
                        class,
                        format!(
                            "its polymorphic identity {value} is that of class `{other}` already; each \
                             class of a hierarchy needs its own"
                        ),
                    );
                    break;
                }
                mapper.polymorphic.push((value.clone(), class));
                above = mapper.base.filter(|_| mapper.root != at);
            }
        }
    }

    fn discriminator(&mut self, class: u16) {
        let spec = self.spec(class);
        let base = self.mapper(class).base.filter(|_| self.mapper(class).root != class);
        let inherited = base.and_then(|base| self.mapper(base).discriminator.as_ref());
        let inherited = inherited.map(|(attribute, _)| *attribute);
        let said = spec.said.polymorphic_on.as_deref();
        let on = said.or(spec.def.polymorphic.as_ref().and_then(|p| p.on));
        let identity = spec.said.polymorphic_identity.clone().or_else(|| {
            let inherits = spec.def.inheritance.as_ref().and_then(|i| i.identity);
            inherits.or(spec.def.polymorphic.as_ref().and_then(|p| p.identity)).map(|f| f())
        });
        if self.is_concrete(class) {
            self.mapper_mut(class).identity = identity.clone();
        }
        let attribute = match on {
            None => inherited,
            Some(name) => match self.mapper(class).attribute(name) {
                Some(at) if self.is_readable(class, at) => Some(at),
                // A concrete hierarchy computes its discriminator in the union of its tables.
                Some(_) | None if self.is_concrete(class) => None,
                found => {
                    let what = match found {
                        Some(_) => format!(
                            "the discriminator `{name}` is neither a column nor an expression"
                        ),
                        None => {
                            let names = self.spec(class).def.attributes.iter().map(|a| a.name);
                            let near = did_you_mean(name, names);
                            format!("the discriminator `{name}` is not an attribute{near}")
                        }
                    };
                    self.problem(class, what);
                    None
                }
            },
        };
        match (attribute, identity) {
            (Some(attribute), identity) => {
                let value = identity.unwrap_or(Value::Null);
                self.mapper_mut(class).discriminator = Some((attribute, value));
            }
            (None, Some(value)) if !self.is_concrete(class) && on.is_none() => {
                self.problem(
                    class,
                    format!(
                        "it has the polymorphic identity {value}, but nothing tells the class of a row: \
                         add `#[mapped(polymorphic_on = \"…\")]` to the base class"
                    ),
                );
            }
            (None, _) => {}
        }
    }

    fn is_readable(&self, class: u16, attribute: u16) -> bool {
        let kind = &self.mapper(class).property(attribute).kind;
        matches!(kind, PropertyKind::Column(_) | PropertyKind::Expression { .. })
    }

    /// Whether the class, or one that inherits from it, has a table with all columns.
    fn is_concrete(&self, class: u16) -> bool {
        let concrete = |at: u16| self.spec(at).def.inheritance.is_some_and(|i| i.concrete);
        concrete(class) || self.mapper(class).subclasses.iter().any(|sub| self.is_concrete(*sub))
    }
}
