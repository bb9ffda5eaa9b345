//! Abstract classes without a table, whose subclasses are concrete: SQLAlchemy's `__abstract__`, and its
//! `AbstractConcreteBase` where identities tell the subclasses' rows.

use super::Build;
use super::hierarchy::Shape;

impl Build<'_> {
    /// Whether a class has no rows but those of its concrete subclasses.
    pub(super) fn is_abstract_concrete(&self, class: u16) -> bool {
        let spec = self.spec(class);
        spec.said.polymorphic_abstract
            && spec.said.table.is_none()
            && spec.def.table.is_none()
            && self.shape(class) == Shape::Alone
    }

    /// Abstract classes speak of their columns as the first of their concrete subclasses has them: what stands for its
    /// table in a query, the union, stands for the others, too. One without subclasses waits for them.
    pub(super) fn tables_of_abstract(&mut self) {
        for class in self.classes() {
            if !self.is_abstract_concrete(class) || self.is_broken(class) {
                continue;
            }
            let tables = self.concrete_below(class).map(|at| self.mapper(at).tables.clone()).next();
            match tables {
                Some(tables) => {
                    let mapper = self.mapper_mut(class);
                    (mapper.tables, mapper.is_abstract_concrete) = (tables, true);
                }
                None => self.broken[usize::from(class)] = true,
            }
        }
    }

    /// The abstract classes without a table that a class inherits from, and itself.
    pub(super) fn with_abstract_bases(&self, class: u16) -> impl Iterator<Item = u16> {
        let above = std::iter::successors(self.mapper(class).base, |at| self.mapper(*at).base);
        let concrete = self.shape(class) == Shape::Alone;
        let above = above.take_while(move |at| concrete && self.is_abstract_concrete(*at));
        std::iter::once(class).chain(above)
    }

    /// What is wrong with a relationship to an abstract class that has no rows.
    pub(super) fn check_target(&self, target: u16) -> Result<(), String> {
        let mapper = self.mapper(target);
        match mapper.is_abstract_concrete && mapper.union.is_none() {
            false => Ok(()),
            true => Err(format!(
                "its target class `{}` is abstract and has no table, and nothing tells the rows of its subclasses: \
                 say `polymorphic_identity` of each, or refer to one of them",
                mapper.name
            )),
        }
    }

    /// The concrete subclasses that have rows.
    pub(super) fn concrete_below(&self, class: u16) -> impl Iterator<Item = u16> {
        self.classes().filter(move |&at| {
            at != class
                && self.is_a(at, class)
                && self.mapper(at).root == at
                && !self.is_abstract_concrete(at)
                && !self.is_broken(at)
        })
    }

    /// Whose rows they are is told by the identities of the subclasses: all have one, or none, where nobody asks.
    pub(super) fn check_identities_below(&mut self, class: u16) {
        let (with, without): (Vec<u16>, Vec<u16>) =
            self.concrete_below(class).partition(|at| self.mapper(*at).identity.is_some());
        if with.is_empty() {
            return;
        }
        for at in without {
            let base = self.spec(class).def.name;
            let what = format!(
                "queries of its base class `{base}`, which has no table, read its rows with those of others, and \
                 nothing tells them: say `polymorphic_identity`"
            );
            self.problem(at, what);
        }
    }
}
