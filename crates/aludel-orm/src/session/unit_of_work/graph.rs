//! What waits for what: the graph of actions, and the steps in their order.
//!
//! ```text
//! save(users) ─> process(User.addresses) ─> save(addresses) ─> delete(users)
//! ```
//!
//! There is an action for each hierarchy (all its saves, all its deletions) and two for each relationship
//! (carrying keys over after saves, and before deletions). Where these go in a circle (a table that refers to
//! itself, tables that refer to each other) the actions on the circle are broken up into actions for single
//! objects, which are done level by level.

use std::sync::Arc;

use indexmap::IndexMap;

use super::dependency::{self, Ends, OneEnds, ProcessorKey};
use super::links::{Links, Wanted};
use super::plan::Step;
use super::topological::{a_circle, levels, on_circles};
use super::work::{Processor, Side, Work};
use aludel_sql::Column;

use crate::instrumentation::Id;
use crate::mapping::{Direction, Relationship};
use crate::session::Session;
use crate::{Error, ErrorKind, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Save(u16),
    Delete(u16),
    Process {
        processor: usize,
        delete: bool,
    },
    PostUpdate {
        root: u16,
        delete: bool,
    },
    SaveOne(Id),
    DeleteOne(Id),
    ProcessOne {
        processor: usize,
        delete: bool,
        id: Id,
    },
    /// Between the single saves and the single deletions of a hierarchy.
    Between(u16),
}

type Nodes = IndexMap<Action, (), foldhash::fast::RandomState>;

#[derive(Default)]
struct Graph {
    nodes: Nodes,
    edges: Vec<(u32, u32)>,
}

impl Graph {
    fn node(&mut self, action: Action) -> u32 {
        self.nodes.insert_full(action, ()).0 as u32
    }

    fn action(&self, node: u32) -> Action {
        self.nodes
            .get_index(node as usize)
            .map_or(Action::Between(u16::MAX), |(action, ())| *action)
    }
}

impl Session {
    /// The steps of a flush, in order, once its objects are [sorted out](Work::freeze).
    ///
    /// Where rows wait for each other in a circle, a relationship on it whose foreign key may be NULL is written at
    /// last, in this flush, as if the mapping said `post_update`.
    pub(super) fn sorted_steps(&self, work: &mut Work) -> Result<Vec<Step>> {
        loop {
            let (graph, left) = match self.try_sort(work) {
                Ok(steps) => return Ok(steps),
                Err(stuck) => *stuck,
            };
            let circle = a_circle(&graph.edges, &left);
            let opened = self.ways_around(work, &graph, &circle);
            let opened = opened.into_iter().map(|at| &work.processors[at]);
            let opened =
                opened.filter(|p| self.may_be_last(work, p)).map(|p| (p.parent, p.attribute));
            let Some((class, attribute)) = opened.min() else {
                return Err(self.circular(work, &graph, &circle));
            };
            work.mappers = Arc::new(work.mappers.with_post_update(class, attribute));
        }
    }

    /// The relationships by way of which the rows on a circle wait for each other.
    fn ways_around(&self, work: &Work, graph: &Graph, circle: &[u32]) -> Vec<usize> {
        let (mut ways, mut roots) = (Vec::new(), Vec::new());
        for node in circle {
            match graph.action(*node) {
                Action::Process { processor, .. } | Action::ProcessOne { processor, .. } => {
                    ways.push(processor);
                }
                Action::SaveOne(id) | Action::DeleteOne(id) => {
                    roots.push(work.mappers.at(id.class).root);
                }
                _ => {}
            }
        }
        if ways.is_empty() {
            // Deletions wait for each other without anything between.
            let root = |class: u16| work.mappers.at(class).root;
            ways.extend((0..work.processors.len()).filter(|at| {
                let processor = &work.processors[*at];
                let target = work.relationship_of(processor).map(|r| root(r.target));
                processor.active
                    && roots.contains(&root(processor.parent))
                    && target.is_some_and(|target| roots.contains(&target))
            }));
        }
        ways.sort_unstable();
        ways.dedup();
        ways
    }

    /// Whether the foreign key of a relationship may be NULL until all rows are there.
    fn may_be_last(&self, work: &Work, processor: &Processor) -> bool {
        let Some(relationship) = work.relationship_of(processor).filter(|r| !r.post_update) else {
            return false;
        };
        processor.side == Side::Owners
            && relationship.secondary.is_none()
            && self.foreign_key_columns(work, relationship).all(|column| column.nullable)
    }

    /// The columns that a relationship writes.
    fn foreign_key_columns<'a>(
        &self,
        work: &'a Work,
        relationship: &'a Relationship,
    ) -> impl Iterator<Item = &'a Column> {
        let to_many = relationship.direction == Direction::OneToMany;
        let owner = if to_many { relationship.target } else { relationship.parent };
        let mapper = work.mappers.at(owner);
        let own = move |(local, remote): &(u16, u16)| if to_many { *remote } else { *local };
        relationship.pairs.iter().map(own).flat_map(move |attribute| {
            let columns = mapper.column(attribute).map(|p| p.columns.as_slice());
            columns
                .unwrap_or_default()
                .iter()
                .map(move |c| &mapper.tables[usize::from(c.table)].columns()[usize::from(c.column)])
        })
    }

    /// The steps, or the graph and what of it waits for itself.
    fn try_sort(&self, work: &Work) -> Result<Vec<Step>, Box<(Graph, Vec<u32>)>> {
        if let [root] = work.roots.as_slice()
            && !work.processors.iter().any(|p| p.active)
        {
            let steps = [Action::Save(root.root), Action::Delete(root.root)];
            return Ok(steps.into_iter().filter_map(|action| whole_step(work, action)).collect());
        }
        let mut graph = Graph::default();
        for root in &work.roots {
            let save = graph.node(Action::Save(root.root));
            let delete = graph.node(Action::Delete(root.root));
            graph.edges.push((save, delete));
        }
        for at in 0..work.processors.len() {
            if work.processors[at].active {
                self.relate(work, &mut graph, at);
            }
        }
        let circles = self.follow_foreign_keys(work, &mut graph);
        if !circles.contains(&true) {
            let nodes = graph.nodes.len();
            let sorted = match levels(nodes, &graph.edges, &vec![false; nodes]) {
                Ok(sorted) => sorted,
                Err(left) => return Err(Box::new((graph, left))),
            };
            let steps =
                sorted.into_iter().flatten().map(|node| whole_step(work, graph.action(node)));
            return Ok(steps.flatten().collect());
        }
        let skip = self.break_up(work, &mut graph, circles);
        let sorted = match levels(graph.nodes.len(), &graph.edges, &skip) {
            Ok(sorted) => sorted,
            Err(left) => return Err(Box::new((graph, left))),
        };
        Ok(sorted.iter().flat_map(|level| level_steps(work, &graph, level)).collect())
    }

    /// The edges of a relationship.
    fn relate(&self, work: &Work, graph: &mut Graph, at: usize) {
        let processor = &work.processors[at];
        let Some(relationship) = work.relationship_of(processor) else { return };
        let parent = work.mappers.at(relationship.parent).root;
        let child = work.mappers.at(relationship.target).root;
        let after_save = graph.node(Action::Process { processor: at, delete: false });
        if processor.side == Side::Referred {
            let saved = graph.node(Action::Save(parent));
            graph.edges.push((saved, after_save));
            return;
        }
        let updated = if relationship.direction == Direction::OneToMany { child } else { parent };
        let (post_update, pre_update) = if relationship.post_update {
            (
                graph.node(Action::PostUpdate { root: updated, delete: false }),
                graph.node(Action::PostUpdate { root: updated, delete: true }),
            )
        } else {
            (after_save, after_save)
        };
        let ends = Ends {
            parent_save: graph.node(Action::Save(parent)),
            child_save: graph.node(Action::Save(child)),
            parent_delete: graph.node(Action::Delete(parent)),
            child_delete: graph.node(Action::Delete(child)),
            before_delete: graph.node(Action::Process { processor: at, delete: true }),
            after_save,
            post_update,
            pre_update,
        };
        dependency::order(relationship, ends, &mut graph.edges);
    }

    /// Tables that refer to each other without a relationship between their classes are written in the order of
    /// their foreign keys, where nothing else speaks against it. Gives what is on circles.
    fn follow_foreign_keys(&self, work: &Work, graph: &mut Graph) -> Vec<bool> {
        let mut wishes = Vec::new();
        for to in work.roots.iter().filter(|_| work.roots.len() > 1) {
            let mapper = work.mappers.at(to.root);
            for key in mapper.tables.iter().flat_map(|t| t.foreign_keys()).filter(|k| !k.use_alter)
            {
                for from in work.roots.iter().filter(|from| from.root != to.root) {
                    if work.mappers.at(from.root).tables.first().is_some_and(|t| key.refers_to(t)) {
                        wishes.push((
                            graph.node(Action::Save(from.root)),
                            graph.node(Action::Save(to.root)),
                        ));
                        wishes.push((
                            graph.node(Action::Delete(to.root)),
                            graph.node(Action::Delete(from.root)),
                        ));
                    }
                }
            }
        }
        let circles = on_circles(graph.nodes.len(), &graph.edges);
        if wishes.is_empty() {
            return circles;
        }
        let before = graph.edges.len();
        graph.edges.extend_from_slice(&wishes);
        if on_circles(graph.nodes.len(), &graph.edges) != circles {
            // One by one, then.
            graph.edges.truncate(before);
            for wish in wishes {
                graph.edges.push(wish);
                if on_circles(graph.nodes.len(), &graph.edges) != circles {
                    graph.edges.pop();
                }
            }
        }
        circles
    }

    /// Breaks the actions on circles up into actions for single objects; gives the nodes that are left out.
    fn break_up(&self, work: &Work, graph: &mut Graph, mut circles: Vec<bool>) -> Vec<bool> {
        // The saves and the deletions of a hierarchy are broken up together.
        for root in &work.roots {
            let pair = [Action::Save(root.root), Action::Delete(root.root)]
                .map(|a| graph.node(a) as usize);
            if pair.iter().any(|n| circles[*n]) {
                pair.iter().for_each(|n| circles[*n] = true);
            }
        }
        let whole = graph.nodes.len();
        let broken = |graph: &Graph, circles: &[bool], action: Action| {
            graph.nodes.get_index_of(&action).is_some_and(|n| n < whole && circles[n])
        };
        // The relationships whose owners are broken up go with them.
        let mut left_out = circles.clone();
        let mut apart = Vec::new();
        for (at, processor) in work.processors.iter().enumerate() {
            let root = work.mappers.at(processor.parent).root;
            if processor.active
                && processor.side == Side::Owners
                && broken(graph, &circles, Action::Save(root))
            {
                apart.push(at);
                for delete in [false, true] {
                    let node = graph.node(Action::Process { processor: at, delete });
                    left_out[node as usize] = true;
                }
            }
        }
        let edges = std::mem::take(&mut graph.edges);
        for root in &work.roots {
            if !broken(graph, &circles, Action::Save(root.root)) {
                continue;
            }
            let between = graph.node(Action::Between(root.root));
            for id in root.saves.iter() {
                let node = graph.node(Action::SaveOne(*id));
                graph.edges.push((node, between));
            }
            for id in root.deletes.iter() {
                let node = graph.node(Action::DeleteOne(*id));
                graph.edges.push((between, node));
            }
        }
        for at in apart {
            self.relate_one_by_one(work, graph, at, &|graph, action| {
                broken(graph, &circles, action)
            });
        }
        self.rewrite(work, graph, edges, &left_out);
        left_out.resize(graph.nodes.len(), false);
        left_out
    }

    /// The edges of a relationship between single objects.
    fn relate_one_by_one(
        &self,
        work: &Work,
        graph: &mut Graph,
        at: usize,
        broken: &dyn Fn(&Graph, Action) -> bool,
    ) {
        let processor = &work.processors[at];
        let Some(relationship) = work.relationship_of(processor) else { return };
        let child_root = work.mappers.at(relationship.target).root;
        let children_apart = broken(graph, Action::Save(child_root));
        let updated = if relationship.direction == Direction::OneToMany {
            child_root
        } else {
            work.mappers.at(relationship.parent).root
        };
        let (mut links, mut related) = (Links::default(), Vec::new());
        for delete in [false, true] {
            for &id in work.objects_of(at, delete).iter() {
                if !self.related(id, relationship, delete, &mut links, &mut related) {
                    continue;
                }
                let process = graph.node(Action::ProcessOne { processor: at, delete, id });
                let (post_update, pre_update) = if relationship.post_update {
                    (
                        graph.node(Action::PostUpdate { root: updated, delete: false }),
                        graph.node(Action::PostUpdate { root: updated, delete: true }),
                    )
                } else {
                    (process, process)
                };
                let owner =
                    graph.node(if delete { Action::DeleteOne(id) } else { Action::SaveOne(id) });
                let mut ends = OneEnds { owner, child: None, process, post_update, pre_update };
                if !children_apart {
                    for (action, deleted) in
                        [(Action::Save(child_root), false), (Action::Delete(child_root), true)]
                    {
                        ends.child = Some((graph.node(action), deleted));
                        dependency::order_one(relationship, delete, ends, &mut graph.edges);
                    }
                    continue;
                }
                if related.is_empty() {
                    dependency::order_one(relationship, delete, ends, &mut graph.edges);
                }
                for child in &related {
                    ends.child = work.marks.get(*child).filter(|m| !m.list_only).map(|mark| {
                        let action = if mark.delete {
                            Action::DeleteOne(*child)
                        } else {
                            Action::SaveOne(*child)
                        };
                        (graph.node(action), mark.delete)
                    });
                    dependency::order_one(relationship, delete, ends, &mut graph.edges);
                }
            }
        }
    }

    /// All objects that a relationship leads to now, or led to; says whether it says anything.
    fn related(
        &self,
        id: Id,
        relationship: &Relationship,
        delete: bool,
        links: &mut Links,
        related: &mut Vec<Id>,
    ) -> bool {
        related.clear();
        self.links(id, relationship, Wanted::All, links);
        related.extend(links.added.iter().chain(&links.unchanged).chain(&links.deleted));
        if related.is_empty() && delete && relationship.direction == Direction::ManyToOne {
            related.extend(self.peek_reference(id, relationship).flatten());
        }
        !related.is_empty() || links.cleared
    }

    /// The edges between whole actions, where one end has been broken up.
    fn rewrite(&self, work: &Work, graph: &mut Graph, edges: Vec<(u32, u32)>, left_out: &[bool]) {
        let singles = |graph: &mut Graph, node: u32| -> Vec<u32> {
            let (ids, delete) = match graph.action(node) {
                Action::Save(root) => {
                    (work.roots.iter().find(|r| r.root == root).map(|r| &r.saves), false)
                }
                Action::Delete(root) => {
                    (work.roots.iter().find(|r| r.root == root).map(|r| &r.deletes), true)
                }
                _ => (None, false),
            };
            let Some(ids) = ids.map(Arc::clone) else { return Vec::new() };
            ids.iter()
                .map(|id| {
                    graph.node(if delete { Action::DeleteOne(*id) } else { Action::SaveOne(*id) })
                })
                .collect()
        };
        for (from, to) in edges {
            match (left_out[from as usize], left_out[to as usize]) {
                (false, false) => graph.edges.push((from, to)),
                (true, true) => {}
                (true, false) => {
                    let single = singles(graph, from);
                    graph.edges.extend(single.into_iter().map(|single| (single, to)));
                }
                (false, true) => {
                    let single = singles(graph, to);
                    graph.edges.extend(single.into_iter().map(|single| (from, single)));
                }
            }
        }
    }

    /// Rows that wait for each other.
    #[cold]
    fn circular(&self, work: &Work, graph: &Graph, circle: &[u32]) -> Error {
        let mut names = Vec::new();
        for &node in circle {
            names.extend(match graph.action(node) {
                Action::Save(root) | Action::Delete(root) => {
                    Some(work.mappers.at(root).class_name().to_owned())
                }
                Action::SaveOne(id) | Action::DeleteOne(id) => Some(self.describe_object(id)),
                _ => None,
            });
        }
        let mut ways = Vec::new();
        for at in self.ways_around(work, graph, circle) {
            let Some(relationship) = work.relationship_of(&work.processors[at]) else { continue };
            let class = work.mappers.at(relationship.parent).class_name();
            let keys = self.foreign_key_columns(work, relationship);
            let keys: Vec<&str> = keys.filter(|c| !c.nullable).map(|c| &*c.name).collect();
            ways.push(format!(
                "{class}.{} ({} may not be NULL)",
                relationship.name,
                keys.join(", ")
            ));
        }
        if let Some(first) = names.first().cloned() {
            names.push(first);
        }
        Error::new(
            ErrorKind::Circular,
            format!(
                "rows wait for each other in a circle: {}, by way of {}; let one of these foreign keys be NULL, so that \
                 it can be written after both rows are there",
                names.join(" -> "),
                ways.join(", "),
            ),
        )
    }
}

/// The step of an action for all objects.
fn whole_step(work: &Work, action: Action) -> Option<Step> {
    let of = |root: u16| work.roots.iter().find(|r| r.root == root);
    let step = match action {
        Action::Save(root) => Step::Save { ids: Arc::clone(&of(root)?.saves) },
        Action::Delete(root) => Step::Delete { ids: Arc::clone(&of(root)?.deletes) },
        Action::Process { processor, delete } => Step::Process {
            processor: ProcessorKey::from(&work.processors[processor]),
            delete,
            ids: work.objects_of(processor, delete),
        },
        Action::PostUpdate { root, delete } => return Some(Step::PostUpdate { root, delete }),
        _ => return None,
    };
    (!step.ids().is_empty()).then_some(step)
}

/// The steps of a level: single actions of one kind are done together.
fn level_steps(work: &Work, graph: &Graph, level: &[u32]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut saves: IndexMap<u16, Vec<Id>> = IndexMap::new();
    let mut deletes: IndexMap<u16, Vec<Id>> = IndexMap::new();
    let mut processes: IndexMap<(usize, bool), Vec<Id>> = IndexMap::new();
    for node in level {
        let action = graph.action(*node);
        match action {
            Action::SaveOne(id) => {
                saves.entry(work.mappers.at(id.class).root).or_default().push(id)
            }
            Action::DeleteOne(id) => {
                deletes.entry(work.mappers.at(id.class).root).or_default().push(id)
            }
            Action::ProcessOne { processor, delete, id } => {
                processes.entry((processor, delete)).or_default().push(id);
            }
            Action::Between(_) => {}
            whole => steps.extend(whole_step(work, whole)),
        }
    }
    steps.extend(processes.into_iter().map(|((processor, delete), ids)| Step::Process {
        processor: ProcessorKey::from(&work.processors[processor]),
        delete,
        ids: Arc::new(ids),
    }));
    steps.extend(saves.into_values().map(|ids| Step::Save { ids: Arc::new(ids) }));
    steps.extend(deletes.into_values().map(|ids| Step::Delete { ids: Arc::new(ids) }));
    steps
}
