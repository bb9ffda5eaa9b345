//! What queries of a base class read of its subclasses.

use aludel_sql::did_you_mean;

use super::Build;
use crate::mapping::{PolymorphicLoad, WithPolymorphic};

impl Build<'_> {
    /// Notes which subclasses queries of each class read along, and which by one more SELECT.
    pub(super) fn polymorphic_loads(&mut self) {
        for class in self.classes() {
            let spec = self.spec(class);
            self.mapper_mut(class).is_abstract = spec.said.polymorphic_abstract;
            if let Some(with) = &spec.said.with_polymorphic {
                let found = self.with_polymorphic(class, with);
                self.mapper_mut(class).read_along.extend(found);
            }
            let Some(load) = spec.said.polymorphic_load else { continue };
            let base = self.mapper(class).base;
            match base.filter(|_| self.mapper(class).root != class) {
                None => {
                    let what = "`polymorphic_load` is for a subclass that is in its base's table, or joins a table \
                                to it; queries of the base of a concrete class read all that it has";
                    self.problem(class, what);
                }
                Some(base) => match load {
                    PolymorphicLoad::Inline => self.mapper_mut(base).read_along.push(class),
                    PolymorphicLoad::SelectIn => self.mapper_mut(class).selectin = true,
                },
            }
        }
        for class in self.classes() {
            let mapper = self.mapper(class);
            let told = mapper.discriminator.is_some() || self.is_abstract_concrete(class);
            if mapper.is_abstract && !told {
                let what = "no object can be of it, and nothing tells of which subclass a row is: say \
                            `polymorphic_on`";
                self.problem(class, what);
            }
        }
    }

    fn with_polymorphic(&mut self, class: u16, with: &WithPolymorphic) -> Vec<u16> {
        let root = self.mapper(class).root;
        let below: Vec<u16> = self
            .classes()
            .filter(|at| *at != class && self.is_a(*at, class) && self.mapper(*at).root == root)
            .collect();
        let WithPolymorphic::Classes(names) = with else { return below };
        let mut found = Vec::new();
        for name in names {
            match below.iter().find(|at| self.spec(**at).def.name == name) {
                Some(at) => found.push(*at),
                None => {
                    let known = below.iter().map(|at| self.spec(*at).def.name);
                    let near = did_you_mean(name, known);
                    let what = format!(
                        "`with_polymorphic` names `{name}`, which is no subclass in its tables{near}"
                    );
                    self.problem(class, what);
                }
            }
        }
        found
    }
}
