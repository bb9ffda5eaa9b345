//! From attributes to columns: what is done with the leaves of a tree when a statement of a new shape is
//! made.

use std::sync::Arc;

use aludel_sql::Table;
use aludel_sql::{
    Adapter, FromItem, In, InSet, Join, JoinKind, Node, Rewriter, Select, Selectable, Source,
};
use hashbrown::HashMap;

use super::bulk::ExcludedLeaf;
use super::compare;
use super::composite;
use super::criterion::Criterion;
use super::hybrids::{HybridLeaf, Outside, Shared};
use super::loader_criteria::ClassCriterion;
use super::objects::ObjectLeaf;
use super::per_query::PerQuery;
use super::plan::Plan;
use super::query::QueryNode;
use super::sources::{Renamed, Sources};
use crate::instrumentation::ClassDef;
use crate::instrumentation::entity::{AttrLeaf, Entity};
use crate::mapping::{ColumnRef, Mapper, Mappers, PropertyKind, Relationship};
use crate::{Error, ErrorKind, Result};

/// Rewrites a statement over mapped classes to one over their tables.
pub(crate) struct Resolver<'m> {
    pub(crate) mappers: &'m Mappers,
    aliases: HashMap<u32, Arc<Sources>>,
    /// What classes under their own names stand for, innermost last.
    pub(super) scopes: Vec<Arc<Sources>>,
    /// How many scopes there are around the expressions over aliases that are being resolved.
    pub(super) around: Vec<usize>,
    /// The two sides of the condition of a relationship that is being resolved.
    pub(super) sides: Option<(Arc<Sources>, Arc<Sources>)>,
    /// The criteria of the statements around, by class.
    pub(super) criteria: Vec<ClassCriterion>,
    /// What the query says for attributes of the objects that are being read.
    pub(super) expressions: Vec<PerQuery>,
    /// How deep in subqueries we are.
    pub(super) depth: u32,
    /// What the rows of the outermost statement mean.
    pub(crate) plan: Plan,
    /// A class that is not known yet: the statement can be resolved once it is.
    pub(crate) unknown: Option<&'static ClassDef>,
}

impl<'m> Resolver<'m> {
    pub(crate) fn new(mappers: &'m Mappers) -> Self {
        Self {
            mappers,
            aliases: HashMap::new(),
            scopes: Vec::new(),
            around: Vec::new(),
            sides: None,
            criteria: Vec::new(),
            expressions: Vec::new(),
            depth: 0,
            plan: Plan::default(),
            unknown: None,
        }
    }

    /// The number of a class's mapper.
    pub(crate) fn class(&mut self, class: &'static ClassDef) -> Result<u16> {
        if let Some(index) = self.mappers.by_type.get(&class.key()) {
            return Ok(*index);
        }
        self.unknown = Some(class);
        Err(Error::new(ErrorKind::Unmapped, format!("class {} is not mapped", class.name)))
    }

    /// What stands for the tables of an entity.
    pub(crate) fn sources(&mut self, entity: &Entity) -> Result<Arc<Sources>> {
        let class = self.class(entity.class)?;
        let number = entity.number();
        if number == 0 {
            let scope = self.scopes.iter().rev().find(|s| self.stands_for(s, class));
            return Ok(match scope {
                Some(scope) => Arc::clone(scope),
                None => self.plain(class),
            });
        }
        if let Some(sources) = self.aliases.get(&number) {
            return Ok(Arc::clone(sources));
        }
        let sources = self.fresh(class);
        self.aliases.insert(number, Arc::clone(&sources));
        Ok(sources)
    }

    /// Whether sources stand for a class: for its hierarchy, or for one that shares their tables.
    fn stands_for(&self, sources: &Sources, class: u16) -> bool {
        let mappers = self.mappers;
        mappers.at(sources.class).root == mappers.at(class).root
            || mappers.is_a(sources.class, class)
            || sources.is_union && mappers.is_a(class, sources.class)
    }

    /// The tables of a class itself, whatever its subclasses have, under their own names.
    pub(crate) fn own(&self, class: u16) -> Arc<Sources> {
        Arc::new(Sources::of_own(self.mappers.at(class), |source| source()))
    }

    /// The tables of a class under their own names, without those that the mapping reads along.
    pub(crate) fn without_subclasses(&self, class: u16) -> Arc<Sources> {
        Arc::new(Sources::of_mapper(self.mappers.at(class), |source| source()))
    }

    /// The tables of a class under their own names.
    pub(crate) fn plain(&self, class: u16) -> Arc<Sources> {
        self.reading_along(class, |source| source())
    }

    /// The tables of a class under new names.
    pub(crate) fn fresh(&self, class: u16) -> Arc<Sources> {
        self.reading_along(class, |source| source().alias().to_source())
    }

    /// The tables of a class, and those of the subclasses that its mapping reads along.
    fn reading_along(
        &self,
        class: u16,
        name: impl Fn(&dyn Fn() -> Source) -> Source,
    ) -> Arc<Sources> {
        let mapper = self.mappers.at(class);
        let mut sources = Sources::of_mapper(mapper, &name);
        for sub in &mapper.read_along {
            for table in &self.mappers.at(*sub).tables {
                if sources.of(table).is_none() {
                    sources.tables.push((table.clone(), name(&|| table.to_source())));
                }
            }
        }
        Arc::new(sources)
    }

    /// Takes an alias to stand for these.
    pub(crate) fn stand_for(&mut self, entity: &Entity, sources: &Arc<Sources>) {
        if entity.number() != 0 {
            self.aliases.insert(entity.number(), Arc::clone(sources));
        }
    }

    /// Runs with classes of a hierarchy standing for these.
    pub(crate) fn within<R>(
        &mut self,
        sources: &Arc<Sources>,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        self.scopes.push(Arc::clone(sources));
        let result = run(self);
        self.scopes.pop();
        result
    }

    /// A tree with its leaves resolved.
    pub(crate) fn resolve(&mut self, node: &Node) -> Result<Node> {
        node.rewrite_by(self)
    }

    pub(crate) fn resolve_all(&mut self, nodes: &[Node]) -> Result<Vec<Node>> {
        let mut resolved = Vec::with_capacity(nodes.len());
        for node in nodes {
            match composite::listed(node) {
                Some(columns) => {
                    for column in &columns {
                        resolved.push(self.resolve(column)?);
                    }
                }
                None => resolved.push(self.resolve(node)?),
            }
        }
        Ok(resolved)
    }

    fn leaf(&mut self, leaf: &AttrLeaf) -> Result<Node> {
        let class = self.class(leaf.entity.class)?;
        if leaf.entity.number() == 0
            && let Some((near, far)) = self.sides.clone()
        {
            let is_near = self.stands_for(&near, class);
            let is_far = self.stands_for(&far, class);
            if is_near || is_far {
                let side = if is_far && (leaf.remote || !is_near) { far } else { near };
                return self.attribute_within(class, leaf.attribute, &side);
            }
        }
        let sources = self.sources(&leaf.entity)?;
        self.attribute_within(class, leaf.attribute, &sources)
    }

    /// An attribute of a class, or of a base of it, of which the attributes have other columns in a concrete subclass.
    fn attribute_within(
        &mut self,
        class: u16,
        attribute: u16,
        sources: &Arc<Sources>,
    ) -> Result<Node> {
        let mappers = self.mappers;
        let concrete = mappers.at(sources.class).root != mappers.at(class).root;
        let class =
            if concrete && mappers.is_a(sources.class, class) { sources.class } else { class };
        self.attribute(class, attribute, sources)
    }

    /// An attribute as columns of what stands for its class.
    pub(crate) fn attribute(
        &mut self,
        class: u16,
        attribute: u16,
        sources: &Arc<Sources>,
    ) -> Result<Node> {
        let mappers = self.mappers;
        let mapper = mappers.at(class);
        let Some(property) = mapper.properties.get(usize::from(attribute)) else {
            return Err(not_in_sql(mapper, attribute, "does not exist"));
        };
        match &property.kind {
            PropertyKind::Column(column) => {
                let here =
                    |at: &&ColumnRef| sources.of(&mapper.tables[usize::from(at.table)]).is_some();
                let at = column.columns.iter().find(here).or(column.columns.first());
                match at {
                    Some(at) => Ok(sources.column(mapper, *at)),
                    None => Err(not_in_sql(mapper, attribute, "has no column")),
                }
            }
            PropertyKind::Expression { node, .. } => {
                let sides = self.sides.take();
                let resolved = self.within(sources, |r| r.resolve(node));
                self.sides = sides;
                let own = sources.all().cloned().collect();
                self.adapt(&resolved?, sources)?.rewrite_by(&mut Shared(own))
            }
            PropertyKind::Composite { attributes } => {
                let parts = attributes.iter().map(|a| self.attribute(class, *a, sources));
                Ok(Node::Tuple(parts.collect::<Result<_>>()?))
            }
            PropertyKind::Relationship(_) => Err(not_in_sql(
                mapper,
                attribute,
                "is a relationship: ask by `any`, `has`, `contains` or `is`, or join it",
            )),
            PropertyKind::Unmapped => Err(not_in_sql(mapper, attribute, "is not mapped")),
        }
    }

    /// An expression over the tables themselves, as one over what stands for them.
    fn adapt(&self, node: &Node, sources: &Sources) -> Result<Node> {
        let mut node = node.clone();
        if !sources.renamed.is_empty() {
            node = node.rewrite_by(&mut Renamed(&sources.renamed))?;
        }
        for (_, source) in &sources.tables {
            if matches!(source, Source::Alias(_)) {
                node = Adapter::to(source).adapt(&node)?;
            }
        }
        Ok(node)
    }

    /// The key columns of a class.
    pub(crate) fn key(&mut self, class: u16, sources: &Arc<Sources>) -> Result<Vec<Node>> {
        let mappers = self.mappers;
        mappers.at(class).primary_key.iter().map(|a| self.attribute(class, *a, sources)).collect()
    }

    /// The tables of an entity, joined.
    pub(crate) fn tables(&self, sources: &Sources) -> Result<FromItem> {
        if let (true, Some((_, union))) = (sources.is_union, sources.renamed.first()) {
            return Ok(union.clone().into());
        }
        let mapper = self.mappers.at(sources.class);
        if mapper.is_abstract_concrete {
            let message = format!(
                "class {} is abstract and has no table: say `polymorphic_identity` of its subclasses, by which the \
                 rows of a union of their tables are told, or query one of them",
                mapper.class_name()
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let mut tables = sources.tables.iter();
        let (mut from, first) = match &mapper.selected {
            Some(selected) => {
                let from = selected.from.rewrite(&mut Renamed(&sources.renamed))?;
                (from, selected.shows.len())
            }
            None => match tables.clone().next() {
                Some((_, first)) => (first.clone().into(), 1),
                None => {
                    let message = format!("class {} has no table", mapper.class_name());
                    return Err(Error::new(ErrorKind::Configuration, message));
                }
            },
        };
        for (position, (table, source)) in tables.by_ref().enumerate().skip(first) {
            let own = position < mapper.tables.len();
            let kind = if own { JoinKind::Inner } else { JoinKind::Left };
            let on = Some(self.same_key(mapper, sources, first, table, source)?);
            from = Join { left: from, right: source.clone().into(), kind, on }.into();
        }
        Ok(from)
    }

    /// The condition under which a table of a joined class has the row that belongs to those of its base, the
    /// first ones.
    fn same_key(
        &self,
        mapper: &Mapper,
        sources: &Sources,
        first: usize,
        table: &Table,
        source: &Source,
    ) -> Result<Node> {
        let holder = std::iter::once(mapper)
            .chain(self.mappers.iter().map(|m| &**m))
            .find(|m| m.root == mapper.root && m.tables.contains(table));
        let Some(holder) = holder else {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "table {} does not belong to class {}",
                    table.full_name(),
                    mapper.class_name()
                ),
            ));
        };
        let position = holder.tables.iter().position(|t| t == table).unwrap_or_default() as u16;
        let pairs = holder.primary_key.iter().filter_map(|attribute| {
            let columns = &holder.column(*attribute)?.columns;
            let own = columns.iter().find(|c| c.table == position)?;
            let base = columns.iter().find(|c| usize::from(c.table) < first)?;
            Some(Node::eq(sources.column(holder, *base), Node::column(source, own.column)))
        });
        Ok(Node::and(pairs))
    }

    /// Which rows count as objects of a class: what tells them from those of its base in the same table, and
    /// the criteria that go with the class.
    pub(crate) fn of_class(&mut self, sources: &Arc<Sources>) -> Result<Option<Node>> {
        let own = self.of_single_table(sources)?;
        if self.criteria.is_empty() {
            return Ok(own);
        }
        // Within a criterion none holds: it may ask for objects of its own class.
        let criteria = std::mem::take(&mut self.criteria);
        let sides = self.sides.take();
        let mut all: Vec<Node> = own.into_iter().collect();
        let mut resolve = || {
            for criterion in &criteria {
                let class = self.class(criterion.class)?;
                if self.mappers.is_a(sources.class, class) {
                    all.push(self.within(sources, |r| r.resolve(&criterion.condition))?);
                }
            }
            Ok(())
        };
        let resolved = resolve();
        self.criteria = criteria;
        self.sides = sides;
        resolved?;
        Ok((!all.is_empty()).then(|| Node::and(all)))
    }

    /// What tells the rows of a class from those of its base in the same table.
    fn of_single_table(&mut self, sources: &Arc<Sources>) -> Result<Option<Node>> {
        let mappers = self.mappers;
        let mapper = mappers.at(sources.class);
        let Some((attribute, _)) = &mapper.discriminator else { return Ok(None) };
        let single = mapper.root != mapper.index
            && mapper.base.is_some_and(|base| mappers.at(base).tables == mapper.tables);
        if !single {
            return Ok(None);
        }
        let data_type = mapper.type_of(*attribute);
        let operand = self.attribute(sources.class, *attribute, sources)?;
        let values =
            mapper.polymorphic.iter().map(|(value, _)| Node::value(value.clone(), data_type));
        Ok(Some(is_in(operand, values.collect())))
    }

    /// The conditions that lead along a relationship: from the owner (to the association table, and from
    /// there) to the target.
    pub(crate) fn conditions(
        &mut self,
        relationship: &Relationship,
        owner: &Arc<Sources>,
        target: &Arc<Sources>,
        through: Option<&Source>,
    ) -> Result<(Node, Option<Node>)> {
        let near = match &relationship.primaryjoin {
            Some(condition) => Some(self.said(condition, owner, target, through)?),
            None => None,
        };
        let (Some(secondary), Some(through)) = (&relationship.secondary, through) else {
            let near = match near {
                Some(near) => near,
                None => {
                    let pairs = relationship.pairs.iter().map(|(local, remote)| {
                        let local = self.attribute(owner.class, *local, owner)?;
                        Ok(Node::eq(local, self.attribute(target.class, *remote, target)?))
                    });
                    Node::and(pairs.collect::<Result<Vec<_>>>()?)
                }
            };
            return Ok((near, None));
        };
        let mut equal = |class: u16, sources: &Arc<Sources>, pairs: &[(u16, u16)]| {
            let pairs = pairs.iter().map(|(attribute, column)| {
                let attribute = self.attribute(class, *attribute, sources)?;
                Ok(Node::eq(attribute, Node::column(through, *column)))
            });
            Ok::<_, Error>(Node::and(pairs.collect::<Result<Vec<_>>>()?))
        };
        let near = match near {
            Some(near) => near,
            None => equal(owner.class, owner, &secondary.local)?,
        };
        let far = match &relationship.secondaryjoin {
            None => equal(target.class, target, &secondary.remote)?,
            Some(condition) => self.said(condition, owner, target, Some(through))?,
        };
        Ok((near, Some(far)))
    }

    /// A condition that the program gave for a relationship.
    fn said(
        &mut self,
        condition: &Node,
        owner: &Arc<Sources>,
        target: &Arc<Sources>,
        through: Option<&Source>,
    ) -> Result<Node> {
        let sides = self.sides.replace((Arc::clone(owner), Arc::clone(target)));
        let resolved = self.resolve(condition);
        self.sides = sides;
        let resolved = resolved?;
        let resolved = match through {
            Some(through @ Source::Alias(_)) => Adapter::to(through).adapt(&resolved)?,
            _ => resolved,
        };
        let shared = owner.all().chain(target.all()).chain(through);
        resolved.rewrite_by(&mut Shared(shared.cloned().collect()))
    }

    /// The mapper's relationship that an attribute is.
    pub(crate) fn relationship(&self, class: u16, attribute: u16) -> Result<&'m Relationship> {
        let mapper = self.mappers.at(class);
        let property = mapper.properties.get(usize::from(attribute));
        match property.map(|p| &p.kind) {
            Some(PropertyKind::Relationship(relationship)) => Ok(relationship),
            _ => Err(not_in_sql(mapper, attribute, "is not a relationship")),
        }
    }
}

impl Rewriter for Resolver<'_> {
    fn node(&mut self, node: &Node) -> Result<Option<Node>> {
        match node {
            Node::Custom(custom) => {
                let any = custom.as_any();
                if let Some(leaf) = any.downcast_ref::<AttrLeaf>() {
                    return self.leaf(leaf).map(Some);
                }
                if let Some(criterion) = any.downcast_ref::<Criterion>() {
                    return self.criterion(criterion).map(Some);
                }
                if let Some(leaf) = any.downcast_ref::<ExcludedLeaf>() {
                    return self.excluded(leaf).map(Some);
                }
                if let Some(leaf) = any.downcast_ref::<HybridLeaf>() {
                    return self.hybrid(leaf).map(Some);
                }
                if let Some(outside) = any.downcast_ref::<Outside>() {
                    return self.outside(|r| r.resolve(outside.inner())).map(Some);
                }
                if any.is::<ObjectLeaf>() {
                    return Err(Error::new(
                        ErrorKind::Argument,
                        "an object stands among the columns of a query, not within expressions",
                    ));
                }
                Ok(None)
            }
            Node::Binary(..) | Node::Unary(..) | Node::In(_) => match compare::expand(node)? {
                Some(expanded) => self.resolve(&expanded).map(Some),
                None => Ok(None),
            },
            // What is behind an alias is rewritten where it stands in FROM.
            Node::Column(_) => Ok(Some(node.clone())),
            _ => Ok(None),
        }
    }

    fn select(&mut self, select: &Select) -> Result<Option<Select>> {
        match QueryNode::of(select) {
            Some(query) => self.select_objects(query, select).map(Some),
            None => Ok(None),
        }
    }
}

/// `operand IN (values)`
pub(crate) fn is_in(operand: Node, values: Vec<Node>) -> Node {
    Node::In(Box::new(In { operand, negated: false, set: InSet::List(values) }))
}

#[cold]
fn not_in_sql(mapper: &Mapper, attribute: u16, why: &str) -> Error {
    let name = mapper.properties.get(usize::from(attribute)).map_or("?", |p| p.name());
    Error::new(ErrorKind::Argument, format!("{}.{name} {why}", mapper.class_name()))
}
