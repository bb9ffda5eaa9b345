//! The simple model: objects are maps, tables are maps, and nothing is ever loaded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// The classes, with what the model has to know of them.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    pub(crate) text: &'static str,
    /// The reference to an owner, and the foreign key.
    pub(crate) owner: Option<(&'static str, &'static str)>,
    /// The collection of those that it owns.
    pub(crate) members: Option<&'static str>,
    /// The class that it refers to, or that refers to it.
    pub(crate) other: usize,
    /// What of this class has lost its owner is deleted, as it is with the owner.
    pub(crate) orphans_go: bool,
}

pub(crate) const USER: usize = 0;
pub(crate) const ITEM: usize = 4;
pub(crate) const KEYWORD: usize = 5;

pub(crate) const CLASSES: [Class; 6] = [
    Class::owner("User", "users", "name", "addresses", 1),
    Class {
        orphans_go: true,
        ..Class::owned("Address", "addresses", "email", ("user", "user_id"), USER)
    },
    Class::owner("Gadget", "gadgets", "name", "parts", 3),
    Class::owned("Part", "parts", "name", ("gadget", "gadget_id"), 2),
    Class::owner("Item", "items", "description", "keywords", KEYWORD),
    Class { owner: None, ..Class::owned("Keyword", "keywords", "name", ("", ""), ITEM) },
];

impl Class {
    const fn owner(
        name: &'static str,
        table: &'static str,
        text: &'static str,
        members: &'static str,
        other: usize,
    ) -> Self {
        Self { name, table, text, owner: None, members: Some(members), other, orphans_go: false }
    }

    const fn owned(
        name: &'static str,
        table: &'static str,
        text: &'static str,
        owner: (&'static str, &'static str),
        other: usize,
    ) -> Self {
        Self { name, table, text, owner: Some(owner), members: None, other, orphans_go: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Transient,
    Pending,
    Persistent,
    /// Deleted, or lost with a rollback: the model does not speak of it any more.
    Gone,
}

/// The values of an object, which are those of its row once it was flushed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Values {
    pub(crate) text: String,
    pub(crate) owner: Option<usize>,
    /// Of an item: its keywords.
    pub(crate) links: BTreeSet<usize>,
}

pub(crate) struct Object {
    pub(crate) class: usize,
    pub(crate) life: Life,
    pub(crate) key: Option<i64>,
    pub(crate) now: Values,
    /// It had an owner since it was last read, and has none.
    orphan: bool,
}

type Rows = BTreeMap<usize, Values>;

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) objects: Vec<Object>,
    rows: Rows,
    /// What the rows were when the transaction began, and when each of its savepoints did; whether rows were
    /// deleted since.
    marks: Vec<(Rows, bool)>,
}

impl Model {
    pub(crate) fn create(&mut self, class: usize, text: String) -> usize {
        let now = Values { text, ..Values::default() };
        let life = Life::Transient;
        self.objects.push(Object { class, life, key: None, now, orphan: false });
        self.objects.len() - 1
    }

    pub(crate) fn class(&self, object: usize) -> &'static Class {
        &CLASSES[self.objects[object].class]
    }

    pub(crate) fn in_session(&self, object: usize) -> bool {
        matches!(self.objects[object].life, Life::Pending | Life::Persistent)
    }

    /// The objects that are spoken of.
    pub(crate) fn known(&self, wanted: impl Fn(&Object) -> bool) -> Vec<usize> {
        let there = |at: &usize| self.objects[*at].life != Life::Gone;
        (0..self.objects.len()).filter(there).filter(|at| wanted(&self.objects[*at])).collect()
    }

    /// The members of an object's collection.
    pub(crate) fn members(&self, object: usize) -> Vec<usize> {
        if self.objects[object].class == ITEM {
            return self.objects[object].now.links.iter().copied().collect();
        }
        self.known(|o| o.now.owner == Some(object))
    }

    // ---- What is done.

    /// The object joins the session, with what hangs on it.
    pub(crate) fn add(&mut self, object: usize) {
        if self.objects[object].life != Life::Transient {
            return;
        }
        self.objects[object].life = Life::Pending;
        let owner = self.objects[object].now.owner;
        for next in self.members(object).into_iter().chain(owner) {
            self.add(next);
        }
    }

    /// Whether an object that is pending leaves the session when it goes to another owner, since for a moment it
    /// has none: it has to be added again.
    pub(crate) fn moves_as_new(&self, object: usize, owner: Option<usize>) -> bool {
        let it = &self.objects[object];
        self.class(object).orphans_go
            && it.life == Life::Pending
            && it.now.owner.is_some_and(|old| owner.is_some_and(|new| new != old))
    }

    pub(crate) fn set_owner(&mut self, object: usize, owner: Option<usize>) {
        let orphans_go = self.class(object).orphans_go;
        let it = &mut self.objects[object];
        if it.now.owner == owner {
            return;
        }
        it.now.owner = owner;
        it.orphan = owner.is_none();
        if it.orphan && orphans_go && it.life != Life::Persistent {
            // It is transient (again), and remembers that it has lost its owner.
            it.life = Life::Gone;
        }
    }

    /// What is in the session is in its tables now.
    pub(crate) fn flush(&mut self) {
        self.begin();
        for at in 0..self.objects.len() {
            let orphans_go = self.class(at).orphans_go;
            let it = &mut self.objects[at];
            match it.life {
                Life::Persistent if it.orphan && orphans_go => self.remove(at),
                Life::Pending | Life::Persistent => {
                    it.life = Life::Persistent;
                    it.orphan = false;
                    self.rows.insert(at, it.now.clone());
                }
                Life::Transient | Life::Gone => {}
            }
        }
    }

    /// An object's row is deleted, as it stands.
    pub(crate) fn delete(&mut self, object: usize) {
        for member in self.members(object) {
            if self.class(member).orphans_go {
                self.remove(member);
            } else if self.objects[object].class != ITEM {
                self.objects[member].now.owner = None;
            }
        }
        self.remove(object);
        self.flush();
    }

    /// The rows of a class that have a text have another; says how many there were. All is flushed.
    pub(crate) fn rename_all(&mut self, class: usize, old: &str, new: &str) -> usize {
        let named = self.named(class, old);
        named.iter().for_each(|at| self.objects[*at].now.text = new.to_owned());
        self.flush();
        named.len()
    }

    /// The rows of a class that have a text are deleted; says how many there were. All is flushed.
    pub(crate) fn delete_all(&mut self, class: usize, text: &str) -> usize {
        let named = self.named(class, text);
        named.iter().for_each(|at| self.remove(*at));
        self.flush();
        named.len()
    }

    fn named(&self, class: usize, text: &str) -> Vec<usize> {
        self.known(|o| o.class == class && o.life == Life::Persistent && o.now.text == text)
    }

    fn remove(&mut self, object: usize) {
        self.objects[object].life = Life::Gone;
        self.rows.remove(&object);
        self.marks.iter_mut().for_each(|(_, deleted)| *deleted = true);
    }

    fn begin(&mut self) {
        if self.marks.is_empty() {
            self.marks.push((self.rows.clone(), false));
        }
    }

    pub(crate) fn nested(&self) -> usize {
        self.marks.len().saturating_sub(1)
    }

    pub(crate) fn begin_nested(&mut self) {
        self.flush();
        self.marks.push((self.rows.clone(), false));
    }

    pub(crate) fn commit_nested(&mut self) {
        self.flush();
        self.marks.pop();
    }

    pub(crate) fn commit(&mut self) {
        self.flush();
        self.marks.clear();
    }

    /// Everything is as when the innermost savepoint was made; says whether rows had been deleted since.
    pub(crate) fn rollback_nested(&mut self) -> bool {
        let Some((rows, deleted)) = self.marks.pop() else { return false };
        self.restore(rows);
        deleted
    }

    /// Everything is as when the transaction began.
    pub(crate) fn rollback(&mut self) {
        self.begin();
        self.marks.truncate(1);
        self.rollback_nested();
    }

    fn restore(&mut self, rows: Rows) {
        for (at, it) in self.objects.iter_mut().enumerate() {
            match rows.get(&at) {
                Some(row) => {
                    it.life = Life::Persistent;
                    it.now = row.clone();
                    it.orphan = false;
                }
                None if it.life != Life::Transient => it.life = Life::Gone,
                None => {}
            }
        }
        self.rows = rows;
        // What refers to those that are lost is not spoken of either.
        let lost = |at: &usize| self.objects[*at].life == Life::Gone;
        let refer = |o: &Object| o.life == Life::Transient && o.now.links.iter().any(lost);
        for at in self.known(refer) {
            self.objects[at].life = Life::Gone;
        }
    }

    // ---- What is seen.

    /// The rows of a class's table, in the order of their keys.
    pub(crate) fn table(&self, class: usize) -> Json {
        let key = |at: usize| self.objects[at].key;
        let of_class = |(at, _): &(&usize, &Values)| self.objects[**at].class == class;
        let mut rows: Vec<_> = self.rows.iter().filter(of_class).collect();
        rows.sort_by_key(|(at, _)| key(**at));
        let row = |(at, row): (&usize, &Values)| {
            let it = &CLASSES[class];
            let mut json = json!({ "id": key(*at), it.text: row.text });
            if let Some((_, column)) = it.owner {
                json[column] = row.owner.and_then(key).into();
            }
            if class == USER {
                json["fullname"] = Json::Null;
            }
            json
        };
        rows.into_iter().map(row).collect()
    }

    /// The rows of the association table.
    pub(crate) fn associations(&self) -> Json {
        let key = |at: usize| self.objects[at].key;
        let mut pairs: Vec<_> = self
            .rows
            .iter()
            .flat_map(|(item, row)| row.links.iter().map(move |k| (key(*item), key(*k))))
            .collect();
        pairs.sort_unstable();
        pairs.into_iter().map(|(i, k)| json!({ "item_id": i, "keyword_id": k })).collect()
    }

    /// The object of a key.
    pub(crate) fn find(&self, class: usize, key: i64) -> Option<usize> {
        self.rows
            .keys()
            .copied()
            .find(|at| self.objects[*at].class == class && self.objects[*at].key == Some(key))
    }
}
