//! Reading, and writing by criteria.

use std::collections::HashMap;

use aludel::orm::loading::{ByCriteria, EntityRef, LoadKind, Query, Raise, Synchronize};
use aludel::sql::{BinaryOp, In, InSet, Like, LikeShape, Node};
use aludel::{Id, Value};
use serde_json::Value as Json;

use super::Act;
use crate::failure::{Result, malformed};
use crate::scenario::Step;
use crate::value::{Given, encode};
use crate::zoo::{self, Kind};

/// The joined entities of a query, by path.
type Joins = HashMap<String, EntityRef>;

impl Act<'_> {
    pub(super) async fn load(&mut self, step: &Step) -> Result<Json> {
        let class = step.text("cls")?;
        let mut query = self.session.query_named(class)?;
        for option in step.list("options")? {
            self.option(&mut query, option, &Joins::new())?;
        }
        if step.flag("populate_existing") {
            query = query.populate_existing();
        }
        let key = step.list("pk")?.iter().map(|part| self.decode(part)?.into_value(Kind::Plain));
        let key = key.collect::<Result<Vec<Value>>>()?;
        let Some(id) = self.session.get_of(query, key).await? else { return Ok(Json::Null) };
        if let Some(alias) = step.get("as").and_then(Json::as_str) {
            self.bind_alias(alias, id);
        }
        Ok(Json::from(self.name_of(id)?))
    }

    pub(super) async fn query(&mut self, step: &Step) -> Result<Json> {
        let class = step.text("cls")?;
        let mut query = self.session.query_named(class)?;
        let entity = query.entity();
        query = self.along(query, step)?;
        let joins = join(&mut query, &entity, &step.texts("join")?)?;
        for predicate in step.list("where")? {
            query = query.filter(self.predicate(&entity, predicate, &joins)?);
        }
        if step.flag("distinct") {
            query = query.distinct();
        }
        let attributes = match step.get("attrs") {
            None | Some(Json::Null) => None,
            Some(_) => Some(step.texts("attrs")?),
        };
        if step.flag("count") {
            return Ok(Json::from(self.session.count(query).await?));
        }
        for path in step.texts("order_by")? {
            let (path, descending) =
                path.strip_prefix('-').map_or((path, false), |path| (path, true));
            let (entity, name) = self.resolve(&entity, path, &joins)?;
            // As SQLite: NULL is less than all else.
            if !step.flag("distinct") {
                query = query.order_by(Node::eq(entity.attr(name)?, Node::Null), !descending);
            }
            query = query.order_by(entity.attr(name)?, descending);
        }
        if !(step.flag("distinct") && attributes.is_some()) {
            let mappers = zoo::registry()?.mappers();
            let mapper =
                mappers.named(class).ok_or_else(|| malformed(format!("no class {class}")))?;
            for name in mapper.primary_key_names() {
                query = query.order_by(entity.attr(name)?, false);
            }
        }
        if step.get("limit").is_some_and(|l| !l.is_null()) {
            query = query.limit(step.number("limit")?);
        }
        if step.get("offset").is_some_and(|o| !o.is_null()) {
            query = query.offset(step.number("offset")?);
        }
        for option in step.list("options")? {
            self.option(&mut query, option, &joins)?;
        }
        if step.flag("populate_existing") {
            query = query.populate_existing();
        }
        if let Some(attributes) = attributes {
            return self.values(query, &entity, &attributes, &joins).await;
        }
        self.objects(query, step).await
    }

    /// Subclasses whose columns are read along.
    fn along(&self, mut query: Query, step: &Step) -> Result<Query> {
        let names: Vec<String> = match step.get("with_polymorphic") {
            None | Some(Json::Null) => return Ok(query),
            Some(Json::String(_)) => {
                let mappers = zoo::registry()?.mappers();
                let mapper = mappers.named(step.text("cls")?).map_or(0, |m| m.index());
                let below = mappers.self_and_descendants(mapper);
                below.iter().skip(1).map(|m| m.class_name().to_owned()).collect()
            }
            Some(_) => step.texts("with_polymorphic")?.into_iter().map(str::to_owned).collect(),
        };
        for name in names {
            query = query.along(&self.session.entity_named(&name)?);
        }
        Ok(query)
    }

    async fn values(
        &mut self,
        query: Query,
        entity: &EntityRef,
        attributes: &[&str],
        joins: &Joins,
    ) -> Result<Json> {
        let mut columns = Vec::new();
        for path in attributes {
            let (entity, name) = self.resolve(entity, path, joins)?;
            columns.push(entity.attr(name)?);
        }
        let rows = self.session.values_of(query.columns(columns)).await?;
        let row = |row: Vec<Value>| -> Json {
            let kind = |path: &str| zoo::kind(path.rsplit('.').next().unwrap_or(path));
            row.iter().zip(attributes).map(|(value, path)| encode(value, kind(path))).collect()
        };
        Ok(rows.into_iter().map(row).collect())
    }

    async fn objects(&mut self, query: Query, step: &Step) -> Result<Json> {
        let alias = step.get("as").and_then(Json::as_str);
        let found = match step.get("mode").and_then(Json::as_str).unwrap_or("all") {
            "all" => {
                let ids = self.session.all_of(query).await?;
                for (at, id) in ids.iter().enumerate() {
                    if let Some(alias) = alias {
                        self.bind_alias(&format!("{alias}.{at}"), *id);
                    }
                }
                return ids.into_iter().map(|id| Ok(Json::from(self.plain_name(id)?))).collect();
            }
            "first" => self.session.first_of(query).await?,
            "one" => Some(self.session.one_of(query).await?),
            "one_or_none" => self.session.one_or_none_of(query).await?,
            other => return Err(malformed(format!("query: no mode `{other}`"))),
        };
        let Some(found) = found else { return Ok(Json::Null) };
        if let Some(alias) = alias {
            self.bind_alias(alias, found);
        }
        Ok(Json::from(self.plain_name(found)?))
    }

    /// The entity and the attribute of `attr`, `Sub.attr` and `joined.path.attr`.
    fn resolve<'p>(
        &self,
        entity: &EntityRef,
        path: &'p str,
        joins: &Joins,
    ) -> Result<(EntityRef, &'p str)> {
        let (head, last) = path.rsplit_once('.').map_or(("", path), |(head, last)| (head, last));
        let entity = match joins.get(head) {
            Some(joined) => joined.clone(),
            None if head.is_empty() => entity.clone(),
            None => entity.narrowed(&self.session.entity_named(head)?),
        };
        Ok((entity, last))
    }

    fn predicate(&self, entity: &EntityRef, predicate: &Json, joins: &Joins) -> Result<Node> {
        let bad = || malformed(format!("bad predicate {predicate}"));
        let parts = predicate.as_array().ok_or_else(bad)?;
        let first = parts.first().and_then(Json::as_str).ok_or_else(bad)?;
        let all = |parts: &[Json]| -> Result<Vec<Node>> {
            parts.iter().map(|p| self.predicate(entity, p, joins)).collect()
        };
        match (first, parts.as_slice()) {
            ("and", [_, parts @ ..]) => Ok(Node::and(all(parts)?)),
            ("or", [_, parts @ ..]) => Ok(Node::or(all(parts)?)),
            ("not", [_, part]) => Ok(self.predicate(entity, part, joins)?.not()),
            (path, [_, op, value]) => {
                self.comparison(entity, path, op.as_str().ok_or_else(bad)?, value, joins)
            }
            _ => Err(bad()),
        }
    }

    fn comparison(
        &self,
        entity: &EntityRef,
        path: &str,
        op: &str,
        value: &Json,
        joins: &Joins,
    ) -> Result<Node> {
        let (path, of_type) =
            path.split_once(':').map_or((path, None), |(path, sub)| (path, Some(sub)));
        let (entity, name) = self.resolve(entity, path, joins)?;
        if matches!(op, "any" | "has") {
            let of_type = of_type.map(|class| self.session.entity_named(class)).transpose()?;
            let target = match &of_type {
                Some(sub) => sub.clone(),
                None => entity.target(name)?,
            };
            let inner = value.as_array().map_or(&[][..], Vec::as_slice);
            let inner = inner.iter().map(|p| self.predicate(&target, p, &Joins::new()));
            return Ok(entity.any(name, of_type.as_ref(), inner.collect::<Result<_>>()?)?);
        }
        let given = self.decode(value)?;
        if op == "contains" {
            return Ok(entity.is(name, Some(given.into_object()?))?);
        }
        if entity.target(name).is_ok() {
            let object: Option<Id> = given.into_reference()?;
            return match op {
                "==" => Ok(entity.is(name, object)?),
                "!=" => Ok(entity.is_not(name, object)?),
                _ => Err(malformed(format!("`{op}` of a relationship"))),
            };
        }
        let left = entity.attr(name)?;
        let typed = |given: Given| -> Result<Node> {
            Ok(entity.value(name, given.into_value(zoo::kind(name))?)?)
        };
        let binary = |op, given| Ok(Node::binary(op, left.clone(), typed(given)?));
        match op {
            "==" => Ok(Node::eq(left.clone(), typed(given)?)),
            "!=" => Ok(Node::ne(left.clone(), typed(given)?)),
            "<" => binary(BinaryOp::Lt, given),
            "<=" => binary(BinaryOp::Le, given),
            ">" => binary(BinaryOp::Gt, given),
            ">=" => binary(BinaryOp::Ge, given),
            "in" | "not_in" => {
                let Given::List(items) = given else {
                    return Err(malformed(format!("`{op}` takes a list")));
                };
                let list = items.into_iter().map(typed).collect::<Result<_>>()?;
                let negated = op == "not_in";
                Ok(Node::In(Box::new(In { operand: left, negated, set: InSet::List(list) })))
            }
            "like" => Ok(Node::Like(Box::new(Like {
                pattern: typed(given)?,
                operand: left,
                negated: false,
                ignore_case: false,
                shape: LikeShape::Pattern,
            }))),
            "is_null" => {
                let null = Node::eq(left, Node::Null);
                Ok(if value.as_bool() == Some(true) { null } else { null.not() })
            }
            _ => Err(malformed(format!("no operator `{op}`"))),
        }
    }

    fn option(&self, query: &mut Query, option: &Json, joins: &Joins) -> Result<()> {
        let words: Option<Vec<&str>> =
            option.as_array().and_then(|words| words.iter().map(Json::as_str).collect());
        let words = words.ok_or_else(|| malformed(format!("bad option {option}")))?;
        let [kind, args @ ..] = words.as_slice() else { return Err(malformed("an empty option")) };
        let Some(first) = args.first() else {
            return Err(malformed(format!("bad option {option}")));
        };
        match *kind {
            "defer" => query.defer(first, Raise::No)?,
            "defer_raise" => query.defer(first, Raise::Yes)?,
            "undefer" => query.undefer(first)?,
            "undefer_group" => query.undefer_group(first),
            "load_only" => query.load_only(args)?,
            "selectin_polymorphic" => {
                let classes = args.iter().map(|class| self.session.entity_named(class));
                query.selectin_polymorphic(&classes.collect::<aludel::Result<Vec<_>>>()?);
            }
            _ => {
                let kind = load_kind(kind)?;
                let mut path = Vec::new();
                let (mut on, mut done) = (None, String::new());
                for part in first.split('.') {
                    if zoo::registry()?.mappers().named(part).is_some() {
                        on = Some(self.session.entity_named(part)?);
                        continue;
                    }
                    done = if done.is_empty() { part.to_owned() } else { format!("{done}.{part}") };
                    path.push((on.take(), part, joins.get(&done).cloned()));
                }
                query.load_path(kind, &path)?;
            }
        }
        Ok(())
    }

    pub(super) async fn bulk(&mut self, step: &Step) -> Result<Json> {
        let class = step.text("cls")?;
        let mut rows = Vec::new();
        for row in step.list("values")? {
            let row = row.as_object().ok_or_else(|| malformed(format!("{row} is no row")))?;
            let value = |(name, value): (&'_ String, &Json)| -> Result<(String, Value)> {
                Ok((name.clone(), self.decode(value)?.into_value(zoo::kind(name))?))
            };
            rows.push(row.iter().map(value).collect::<Result<Vec<_>>>()?);
        }
        let rows =
            rows.iter().map(|row| row.iter().map(|(n, v)| (n.as_str(), v.clone())).collect());
        match step.op.as_str() {
            "bulk_insert" => self.session.bulk_insert_named(class, rows.collect()).await?,
            _ => self.session.bulk_update_named(class, rows.collect()).await?,
        }
        Ok(Json::Null)
    }

    pub(super) async fn update_where(&mut self, step: &Step) -> Result<Json> {
        let (mut what, entity) = self.by_criteria(step)?;
        for (name, value) in step.need("values")?.as_object().into_iter().flatten() {
            let (_, name) = self.resolve(&entity, name, &Joins::new())?;
            let value = self.decode(value)?.into_value(zoo::kind(name))?;
            what.set(name, entity.value(name, value)?)?;
        }
        Ok(Json::from(self.session.update_by(what).await?))
    }

    pub(super) async fn delete_where(&mut self, step: &Step) -> Result<Json> {
        let (what, _) = self.by_criteria(step)?;
        Ok(Json::from(self.session.delete_by(what).await?))
    }

    fn by_criteria(&self, step: &Step) -> Result<(ByCriteria, EntityRef)> {
        let class = step.text("cls")?;
        let mut what = self.session.by_criteria(class)?;
        let entity = self.session.entity_named(class)?;
        for predicate in step.list("where")? {
            what.filter(self.predicate(&entity, predicate, &Joins::new())?);
        }
        what.synchronize(match step.get("sync").and_then(Json::as_str).unwrap_or("auto") {
            "auto" => Synchronize::Auto,
            "evaluate" => Synchronize::Evaluate,
            "fetch" => Synchronize::Fetch,
            "none" => Synchronize::None,
            other => return Err(malformed(format!("no sync `{other}`"))),
        });
        Ok((what, entity))
    }
}

/// Joins paths of relationships; a final `?` is an outer join.
fn join(query: &mut Query, entity: &EntityRef, paths: &[&str]) -> Result<Joins> {
    let mut joins = Joins::new();
    for path in paths {
        let outer = path.ends_with('?');
        let path = path.trim_end_matches('?');
        let (head, last) = path.rsplit_once('.').map_or(("", path), |(head, last)| (head, last));
        let owner = match head {
            "" => entity.clone(),
            head => joins
                .get(head)
                .cloned()
                .ok_or_else(|| malformed(format!("`{head}` is not joined")))?,
        };
        let joined = query.join(&owner, last, outer)?;
        joins.insert(path.to_owned(), joined);
    }
    Ok(joins)
}

fn load_kind(kind: &str) -> Result<LoadKind> {
    Ok(match kind {
        "selectin" => LoadKind::SelectIn,
        "joined" => LoadKind::Joined,
        "subquery" => LoadKind::Subquery,
        "immediate" => LoadKind::Immediate,
        "lazy" => LoadKind::Lazy,
        "raise" => LoadKind::Raise,
        "contains_eager" => LoadKind::ContainsEager,
        _ => return Err(malformed(format!("no option `{kind}`"))),
    })
}
