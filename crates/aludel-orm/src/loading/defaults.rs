//! What mappings say of how relationships, and what subclasses add, are loaded: as options of a query.

use std::borrow::Cow;

use super::options::{LoadOption, RelationshipOption, Strategy};
use super::resolve::Resolver;
use crate::Result;
use crate::instrumentation::Lazy;
use crate::mapping::{Mapper, Relationship};

impl Resolver<'_> {
    /// The options of a query for the objects of a class, with what the mappings say of the relationships that
    /// no option speaks of.
    ///
    /// What a mapping says is not followed back to a hierarchy that led there, so that it comes to an end.
    pub(super) fn with_defaults<'o>(
        &mut self,
        class: u16,
        options: &'o [LoadOption],
    ) -> Result<Cow<'o, [LoadOption]>> {
        let mappers = self.mappers;
        let others = options.iter().find_map(|option| match option {
            LoadOption::Others(how) => Some(how),
            _ => None,
        });
        if others.is_none() && !mappers.loads_along(class) {
            return Ok(Cow::Borrowed(options));
        }
        let root = |class: u16| mappers.at(mappers.at(class).root).def;
        let mut above: Vec<LoadOption> = Vec::new();
        above.extend(options.iter().filter(|o| matches!(o, LoadOption::Above(_))).cloned());
        above.push(LoadOption::Above(root(class)));
        let led_here = |target: u16| {
            let target = root(target).key();
            above.iter().any(|o| matches!(o, LoadOption::Above(def) if def.key() == target))
        };
        let mut all = Cow::Borrowed(options);
        for mapper in mappers.self_and_descendants(class) {
            if mapper.selectin && mapper.index != class {
                all.to_mut().push(LoadOption::Polymorphic(vec![mapper.def]));
            }
            for relationship in mapper.relationships() {
                let inherited = mapper.index != class && relationship.parent != mapper.index;
                let how = match relationship.lazy {
                    Lazy::WriteOnly => None,
                    lazy => others.cloned().or_else(|| Strategy::of(lazy)),
                };
                let Some(how) = how.filter(|how| how.is_after() || matches!(how, Strategy::Joined))
                else {
                    continue;
                };
                if inherited
                    || others.is_none() && led_here(relationship.target)
                    || self.is_spoken_of(mapper, relationship, options)?
                {
                    continue;
                }
                all.to_mut().push(LoadOption::Relationship(RelationshipOption {
                    class: mapper.def,
                    attribute: relationship.attribute,
                    how,
                    below: above.clone(),
                }));
            }
        }
        Ok(all)
    }

    /// Whether an option speaks of a relationship.
    fn is_spoken_of(
        &mut self,
        mapper: &Mapper,
        relationship: &Relationship,
        options: &[LoadOption],
    ) -> Result<bool> {
        for option in options {
            if let LoadOption::Relationship(option) = option
                && option.attribute == relationship.attribute
                && self.concerns(option.class, mapper)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
