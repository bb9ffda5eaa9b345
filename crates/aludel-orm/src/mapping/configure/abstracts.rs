//! Abstract classes without a table, whose subclasses are concrete: SQLAlchemy's `AbstractConcreteBase`.

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

    /// Whose rows they are is told by the identities of the subclasses.
    pub(super) fn check_identities_below(&mut self, class: u16) {
        let without: Vec<u16> =
            self.concrete_below(class).filter(|at| self.mapper(*at).identity.is_none()).collect();
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
