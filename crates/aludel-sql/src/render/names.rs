//! The first look at a statement: which names are taken, what must stand in WITH, and how many
//! parameters there are.

use hashbrown::HashSet;

use super::Renderer;
use crate::statement::Statement;
use crate::tree::visit::{self, Seen};
use crate::tree::{Alias, Aliased, Cte, Node, Source};

type Set<T> = HashSet<T, foldhash::fast::RandomState>;

#[derive(Default)]
pub(super) struct Names {
    /// Names of tables and common table expressions, and of aliases that have one.
    taken: Set<Box<str>>,
    /// Common table expressions, each after those on which it depends.
    pub(super) ctes: Vec<Cte>,
    /// How many parameters there are: one more than the greatest ordinal.
    pub(super) params: u32,
    /// Whether there are queries, or texts, which may be some.
    pub(super) queries: bool,
    sources: Set<u32>,
}

impl Names {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut names = Self::default();
        let table = match statement {
            Statement::Insert(s) => Some(&s.table),
            Statement::Update(s) => Some(&s.table),
            Statement::Delete(s) => Some(&s.table),
            Statement::Query(_) | Statement::Text(_) => None,
        };
        names.taken.extend(table.map(|t| t.name().into()));
        visit::statement(statement, &mut |seen| names.see(seen));
        names
    }

    fn see(&mut self, seen: Seen<'_>) -> bool {
        match seen {
            Seen::Node(Node::Param(param)) => self.params = self.params.max(param.ordinal + 1),
            Seen::Node(Node::Text(_)) | Seen::Query => self.queries = true,
            Seen::Node(_) => {}
            Seen::Source(Source::Cte(cte)) => {
                self.cte(cte);
                return false;
            }
            Seen::Source(source) => {
                if !self.sources.insert(source.id()) {
                    return false;
                }
                match source {
                    Source::Table(table) => {
                        self.taken.insert(table.name().into());
                    }
                    Source::Alias(alias) => {
                        self.taken.extend(alias.name().map(Into::into));
                        match alias.of() {
                            Aliased::Table(table) => {
                                self.taken.insert(table.name().into());
                            }
                            Aliased::Cte(cte) => {
                                self.cte(cte);
                                return false;
                            }
                            _ => {}
                        }
                    }
                    Source::Cte(_) => {}
                }
            }
        }
        true
    }

    fn cte(&mut self, cte: &Cte) {
        let Some(body) = cte.body() else { return };
        if self.sources.insert(cte.id()) {
            self.taken.insert(cte.name().into());
            visit::query(body, &mut |seen| self.see(seen));
            self.ctes.push(cte.clone());
        }
    }
}

impl Renderer<'_> {
    /// The name of an alias: its own, or `table_1` with the next number that is free.
    pub(super) fn alias_name(&mut self, alias: &Alias) -> Box<str> {
        if let Some(name) = alias.name() {
            return name.into();
        }
        if let Some(name) = self.aliases.get(&alias.id()) {
            return name.clone();
        }
        let base = match alias.of() {
            Aliased::Table(table) => table.name(),
            Aliased::Cte(cte) => cte.name(),
            _ => "anon",
        };
        let free = (1..).map(|n| format!("{base}_{n}")).find(|n| !self.names.taken.contains(&**n));
        let name: Box<str> = free.expect("there is always another number").into();
        self.names.taken.insert(name.clone());
        self.aliases.insert(alias.id(), name.clone());
        name
    }
}
