//! Relationships: their target, the way there, and their options.

use aludel_sql::did_you_mean;

use super::{Build, cascades};
use crate::instrumentation::{AttrKind, Collection, Lazy};
use crate::mapping::options::RelationshipOptions;
use crate::mapping::{Direction, Holder, Mapper, PropertyKind, Relationship};

impl Build<'_> {
    /// Configures the relationships that classes declare.
    pub(super) fn relationships(&mut self) {
        for class in self.classes() {
            if self.is_broken(class) {
                self.check_broken(class);
                continue;
            }
            let own = self.own_attributes(class);
            // A concrete subclass has its base's relationships as far as its own table has the keys.
            for attribute in self.first_relationship(class)..own.end {
                let Some(options) = self.options(class, attribute) else { continue };
                let name = self.spec(class).def.attributes[usize::from(attribute)].name;
                match self.relationship(class, attribute, name, &options) {
                    Ok(Some(relationship)) => {
                        let property =
                            &mut self.mapper_mut(class).properties[usize::from(attribute)];
                        property.kind = PropertyKind::Relationship(Box::new(relationship));
                    }
                    Ok(None) => {}
                    Err(_) if attribute < own.start => {}
                    Err(wrong) => {
                        for what in wrong {
                            self.attribute_problem(class, name, what);
                        }
                    }
                }
            }
            let mapper = self.mapper(class);
            let declared = |attribute: &u16| mapper.relationship(*attribute).is_some();
            let relationships: Vec<u16> =
                (self.first_relationship(class)..own.end).filter(declared).collect();
            let never =
                |a: &u16| mapper.relationship(*a).is_some_and(|r| r.lazy == Lazy::WriteOnly);
            let write_only = relationships.iter().copied().filter(never).collect();
            let mapper = self.mapper_mut(class);
            (mapper.relationships, mapper.write_only) = (relationships, write_only);
        }
    }

    /// The first attribute whose relationship the class configures itself.
    fn first_relationship(&self, class: u16) -> u16 {
        match self.shape(class) {
            super::hierarchy::Shape::Alone => 0,
            _ => self.own_attributes(class).start,
        }
    }

    /// What is said of a relationship; none where the attribute is not one, or is not mapped.
    pub(super) fn options(&self, class: u16, attribute: u16) -> Option<RelationshipOptions> {
        let spec = self.spec(class);
        let def = &spec.def.attributes[usize::from(attribute)];
        let AttrKind::Relationship(relationship) = &def.kind else { return None };
        let named = |list: &[String]| list.iter().any(|name| name == def.name);
        // `include_properties` is about columns, unless it names relationships.
        if named(&spec.said.exclude) {
            return None;
        }
        let by_hand = spec.said.relationship(def.name).cloned();
        Some(by_hand.unwrap_or_else(|| RelationshipOptions::of(relationship)))
    }

    /// Of a class that has no table: what can be said of its relationships all the same.
    fn check_broken(&mut self, class: u16) {
        for attribute in self.own_attributes(class) {
            let Some(options) = self.options(class, attribute) else { continue };
            let name = self.spec(class).def.attributes[usize::from(attribute)].name;
            let (target, mut wrong) = (self.target(&options), self.mistakes(&options));
            wrong.extend(target.err());
            wrong.iter().for_each(|what| self.attribute_problem(class, name, what));
        }
    }

    fn target(&self, options: &RelationshipOptions) -> Result<u16, String> {
        options.target.get().and_then(|target| self.number(target)).ok_or_else(|| {
            let name = options.target.name();
            let near = did_you_mean(name, self.specs.iter().map(|spec| spec.def.name));
            let near = match near.is_empty() {
                true => "; register it, or describe a class of this name".to_owned(),
                false => near,
            };
            format!("its target class `{name}` is not mapped{near}")
        })
    }

    /// What is wrong with options, whatever the way to the target.
    fn mistakes(&self, options: &RelationshipOptions) -> Vec<String> {
        let mut wrong = Vec::new();
        if let (Ok(target), Some(back)) = (self.target(options), &options.back_populates) {
            wrong.extend(self.named_other_side(target, back).err());
        }
        wrong.extend(cascades::parse(options.cascade.as_deref(), options.viewonly).err());
        if options.position.is_some() && !matches!(options.collection, Some(Collection::List)) {
            wrong.push("it keeps a position, so it must be a list: use `Many<…>`".to_owned());
        }
        if options.lazy == Lazy::WriteOnly && options.collection.is_none() {
            wrong.push("it refers to one object, and only a collection is `write_only`".to_owned());
        }
        wrong
    }

    fn relationship(
        &mut self,
        class: u16,
        attribute: u16,
        name: &'static str,
        options: &RelationshipOptions,
    ) -> Result<Option<Relationship>, Vec<String>> {
        let mut wrong = self.mistakes(options);
        let target = match self.target(options) {
            Ok(target) if !self.is_broken(target) => target,
            Ok(_) if wrong.is_empty() => return Ok(None),
            Ok(_) => return Err(wrong),
            Err(what) => {
                wrong.push(what);
                return Err(wrong);
            }
        };
        wrong.extend(self.check_target(target).err());
        let cascades =
            cascades::parse(options.cascade.as_deref(), options.viewonly).unwrap_or_default();
        let far = self.mapper(target);
        let mut of_target = |what: &str, name: &str| {
            target_attribute(far, what, name).map_err(|what| wrong.push(what)).ok()
        };
        let holder = match options.collection {
            None => Some(Holder::One),
            Some(Collection::List) => Some(Holder::List),
            Some(Collection::Set) => Some(Holder::Set),
            Some(Collection::Keyed(key)) => of_target("key", key).map(Holder::Keyed),
        };
        let order_by: Vec<(u16, bool)> = options
            .order_by
            .iter()
            .filter_map(|name| match name.strip_prefix('-') {
                Some(name) => of_target("order_by", name.trim()).map(|at| (at, true)),
                None => of_target("order_by", name).map(|at| (at, false)),
            })
            .collect();
        let position = options.position.as_deref().and_then(|name| of_target("position", name));
        let primaryjoin = options.primaryjoin.as_ref().map(|make| make.call().node().clone());
        let secondaryjoin = options.secondaryjoin.as_ref().map(|make| make.call().node().clone());
        let joined =
            self.join(class, name, target, options, primaryjoin.as_ref(), secondaryjoin.as_ref());
        let joined = joined.map_err(|what| wrong.push(what)).ok();
        if let Some(joined) = &joined
            && cascades.delete_orphan
            && joined.direction != Direction::OneToMany
            && !options.single_parent
        {
            let kind = match joined.direction {
                Direction::ManyToOne => "many-to-one",
                _ => "many-to-many",
            };
            wrong.push(format!(
                "it is {kind}, so an object may have several owners, and `delete-orphan` does not know which \
                 counts: put it on the other side, or add `single_parent`"
            ));
        }
        let (Some(holder), Some(joined), true) = (holder, joined, wrong.is_empty()) else {
            return Err(wrong);
        };
        let key = &self.mapper(target).primary_key;
        let mut pairs = joined.pairs;
        // In the order of the target's key, where they are the target's key.
        pairs.sort_by_key(|(_, far)| key.iter().position(|k| k == far).unwrap_or(key.len()));
        let by_key = holder == Holder::One
            && joined.exact
            && joined.secondary.is_none()
            && pairs.iter().map(|(_, far)| far).eq(key);
        Ok(Some(Relationship {
            attribute,
            name: name.into(),
            parent: class,
            target,
            direction: joined.direction,
            holder,
            shown: options.shown,
            pairs,
            secondary: joined.secondary,
            reverse: Vec::new(),
            cascades,
            viewonly: options.viewonly,
            passive_deletes: options.passive_deletes,
            passive_updates: options.passive_updates,
            post_update: options.post_update,
            single_parent: options.single_parent,
            active_history: options.active_history,
            lazy: options.lazy,
            order_by,
            position,
            numbering: options.numbering,
            primaryjoin,
            secondaryjoin,
            by_key,
        }))
    }
}

/// An attribute of the target that holds a column or an expression.
fn target_attribute(target: &Mapper, what: &str, name: &str) -> Result<u16, String> {
    let kind = |at: u16| &target.property(at).kind;
    match target.attribute(name) {
        Some(at)
            if matches!(kind(at), PropertyKind::Column(_) | PropertyKind::Expression { .. }) =>
        {
            Ok(at)
        }
        Some(_) => Err(format!(
            "its {what} `{name}` is an attribute of `{}` that holds no column",
            target.name
        )),
        None => {
            let near = did_you_mean(name, target.properties.iter().map(|p| &*p.name));
            Err(format!("its {what} `{name}` is not an attribute of `{}`{near}", target.name))
        }
    }
}
