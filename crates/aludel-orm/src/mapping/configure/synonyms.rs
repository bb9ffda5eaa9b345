//! Other names of attributes.

use aludel_sql::did_you_mean;

use super::Build;
use crate::mapping::Synonym;

impl Build<'_> {
    /// Gives attributes their other names: those that the class says, those that the mapping says, and the base's as far
    /// as the class has the attributes.
    pub(super) fn synonyms(&mut self, class: u16) {
        let own = self.own_synonyms(class);
        let inherited = match self.mapper(class).base {
            Some(base) => self.mapper(base).synonyms.clone(),
            None => Vec::new(),
        };
        // A name may be that of another synonym, which comes later.
        let mut open = own.clone();
        while let Some(at) = open.iter().position(|synonym| self.is_known(class, synonym)) {
            let synonym = open.remove(at);
            if self.add_synonym(class, &synonym) {
                let what = "it is to be a synonym, and the class has an attribute of this name";
                self.attribute_problem(class, &synonym.name, what);
            }
        }
        for synonym in open {
            let attributes = self.spec(class).def.attributes.iter().map(|a| a.name);
            let near = did_you_mean(&synonym.attribute, attributes);
            let of = &synonym.attribute;
            let what = format!("it is a synonym of `{of}`, which does not exist{near}");
            self.attribute_problem(class, &synonym.name, what);
        }
        for synonym in &inherited {
            if self.is_known(class, synonym)
                && !self.mapper(class).by_name.contains_key(&synonym.name)
            {
                self.add_synonym(class, synonym);
            }
        }
        self.mapper_mut(class).synonyms = own.into_iter().chain(inherited).collect();
    }

    /// What the class says, and then what its mapping says.
    fn own_synonyms(&self, class: u16) -> Vec<Synonym> {
        let spec = self.spec(class);
        let said = spec.said.synonyms.iter();
        let said = said.map(|(name, of)| (name.as_str(), of.as_str()));
        let own = spec.def.synonyms.iter().map(|synonym| (synonym.name, synonym.attribute));
        let synonym =
            |(name, of): (&str, &str)| Synonym { name: name.into(), attribute: of.into() };
        own.chain(said).map(synonym).collect()
    }

    fn is_known(&self, class: u16, synonym: &Synonym) -> bool {
        self.mapper(class).by_name.contains_key(&synonym.attribute)
    }

    /// Says whether the name was that of another attribute.
    fn add_synonym(&mut self, class: u16, synonym: &Synonym) -> bool {
        let by_name = &mut self.mapper_mut(class).by_name;
        let Some(at) = by_name.get(&synonym.attribute).copied() else { return false };
        by_name.insert(synonym.name.clone(), at).is_some_and(|known| known != at)
    }
}
