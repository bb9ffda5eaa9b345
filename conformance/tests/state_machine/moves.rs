//! Values that move: unique ones from row to row, keys that change with those that refer to them, versions, and what the
//! database carries on by itself.

use std::collections::BTreeMap;

use aludel::ErrorKind;
use conformance::Databases;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::Machine;
use crate::steps::{Done, Steps, alias, name};

/// An operation; the numbers choose among the objects that there are.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    New(Class, usize),
    Rename(usize),
    /// A country gets another key.
    Recode(usize),
    /// A city goes to another country, or to none.
    Move(usize, Option<usize>),
    /// Keywords give their unique names on, in a circle.
    Rotate(usize, usize),
    /// A keyword is deleted, and a new one takes its name.
    Replace(usize),
    Delete(Class, usize),
    /// A playlist is deleted whose entries are not loaded, so that the database deletes them; whether that is committed.
    Cascade(usize, bool),
    Flush,
    Commit,
    Rollback,
    BeginNested,
    /// Commits the innermost savepoint, or rolls it back.
    EndNested(bool),
    Expire,
    /// Another program changes an order meanwhile.
    Stale(usize),
}

/// The classes of the kit that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Its key changes. The unit of work tells its cities, the database its regions.
    Country,
    City,
    Region,
    /// Its name is unique.
    Keyword,
    /// It has a version.
    Order,
    /// Its entries go with it.
    Playlist,
    Entry,
}

impl Class {
    const ALL: [Self; 7] = [
        Self::Country,
        Self::City,
        Self::Region,
        Self::Keyword,
        Self::Order,
        Self::Playlist,
        Self::Entry,
    ];

    fn table(self) -> &'static str {
        match self {
            Self::Country => "countries",
            Self::City => "cities",
            Self::Region => "regions",
            Self::Keyword => "keywords",
            Self::Order => "orders",
            Self::Playlist => "playlists",
            Self::Entry => "entries",
        }
    }

    /// The attribute with a text.
    fn text(self) -> &'static str {
        match self {
            Self::Order => "description",
            Self::Entry => "title",
            _ => "name",
        }
    }

    /// The class of its owner, and the reference to it.
    fn owner(self) -> Option<(Self, &'static str)> {
        match self {
            Self::City | Self::Region => Some((Self::Country, "country")),
            Self::Entry => Some((Self::Playlist, "playlist")),
            _ => None,
        }
    }
}

/// A row, which an object of the session stands for.
#[derive(Clone, Debug)]
struct Row {
    class: Class,
    text: String,
    /// Of a country.
    code: String,
    owner: Option<usize>,
    /// Of an order: how often it was written.
    version: i64,
    /// Of an entry: its place in the list.
    position: usize,
    /// What the database has chosen.
    key: Option<i64>,
    /// The next flush writes it.
    changed: bool,
}

type Rows = BTreeMap<usize, Row>;

/// A session, and the rows as they have to be.
pub(crate) struct Moves {
    steps: Steps,
    rows: Rows,
    /// As they were when the transaction began, and when each of its savepoints did.
    marks: Vec<Rows>,
    /// How many objects were made, and texts given.
    made: usize,
    texts: usize,
}

impl Machine for Moves {
    type Op = Op;

    const NAME: &'static str = "moves";
    const RUN: usize = 40;

    fn new(databases: &Databases) -> Self {
        let (rows, marks) = (Rows::new(), vec![Rows::new()]);
        Self { steps: Steps::new(databases), rows, marks, made: 0, texts: 0 }
    }

    fn op() -> impl Strategy<Value = Op> {
        let n = 0..8usize;
        let class = || proptest::sample::select(&Class::ALL[..]);
        let owner = proptest::option::weighted(0.8, n.clone());
        prop_oneof![
            12 => (class(), n.clone()).prop_map(|(class, owner)| Op::New(class, owner)),
            3 => n.clone().prop_map(Op::Rename),
            3 => n.clone().prop_map(Op::Recode),
            3 => (n.clone(), owner).prop_map(|(city, country)| Op::Move(city, country)),
            5 => (n.clone(), 2..6usize).prop_map(|(first, count)| Op::Rotate(first, count)),
            3 => n.clone().prop_map(Op::Replace),
            2 => (class(), n.clone()).prop_map(|(class, n)| Op::Delete(class, n)),
            1 => (n.clone(), any::<bool>()).prop_map(|(n, commit)| Op::Cascade(n, commit)),
            3 => Just(Op::Flush),
            2 => Just(Op::Commit),
            1 => Just(Op::Rollback),
            1 => Just(Op::BeginNested),
            1 => any::<bool>().prop_map(Op::EndNested),
            1 => Just(Op::Expire),
            1 => n.prop_map(Op::Stale),
        ]
    }

    fn steps(&self) -> &Steps {
        &self.steps
    }

    fn apply(&mut self, op: &Op) -> Done {
        match *op {
            Op::New(class, owner) => self.create(class, owner),
            Op::Rename(n) => match self.pick(n, |row| row.class != Class::Keyword) {
                Some(object) => self.rename(object),
                None => Ok(()),
            },
            Op::Recode(n) => match self.pick(n, |row| row.class == Class::Country) {
                Some(country) => {
                    let code = self.text();
                    self.look(country, "code")?;
                    self.set(country, "code", json!(code))?;
                    self.row(country).code = code;
                    Ok(())
                }
                None => Ok(()),
            },
            Op::Move(n, to) => match self.pick(n, |row| row.class == Class::City) {
                Some(city) => {
                    let to = to.and_then(|n| self.pick(n, |row| row.class == Class::Country));
                    self.look(city, "country")?;
                    self.set(city, "country", to.map_or(Json::Null, |to| json!(alias(to))))?;
                    self.row(city).owner = to;
                    Ok(())
                }
                None => Ok(()),
            },
            Op::Rotate(first, count) => self.rotate(first, count),
            Op::Replace(n) => {
                // A keyword that is new would leave without having been there.
                self.flush()?;
                match self.pick(n, |row| row.class == Class::Keyword) {
                    Some(keyword) => {
                        let taken = self.rows[&keyword].text.clone();
                        self.do_with("delete", keyword)?;
                        self.rows.remove(&keyword);
                        self.add(Class::Keyword, taken, None)
                    }
                    None => Ok(()),
                }
            }
            Op::Delete(class, n) => self.delete(class, n),
            Op::Cascade(n, commit) => self.cascade(n, commit),
            Op::Flush => self.flush(),
            Op::Commit => self.commit(),
            Op::Rollback => {
                self.plain("rollback")?;
                self.restore(0);
                Ok(())
            }
            Op::BeginNested if self.marks.len() < 3 => {
                self.flush()?;
                self.plain("begin_nested")?;
                self.marks.push(self.rows.clone());
                Ok(())
            }
            Op::EndNested(true) if self.marks.len() > 1 => {
                self.flush()?;
                self.plain("commit_nested")?;
                self.marks.pop();
                Ok(())
            }
            Op::EndNested(false) if self.marks.len() > 1 => {
                self.plain("rollback_nested")?;
                self.restore(self.marks.len() - 1);
                // What was read in it is not forgotten by a savepoint.
                self.plain("expire_all")
            }
            Op::BeginNested | Op::EndNested(_) => Ok(()),
            Op::Expire => {
                self.flush()?;
                self.plain("expire_all")
            }
            Op::Stale(n) => self.stale(n),
        }
    }

    fn check_everything(&mut self) -> Done {
        self.flush()?;
        for class in Class::ALL {
            let rows = self.table(class);
            self.steps.check(json!({ "do": "rows", "table": class.table() }), rows)?;
        }
        self.plain("expire_all")?;
        for object in self.rows.keys().copied().collect::<Vec<_>>() {
            let class = self.rows[&object].class;
            self.look(object, class.text())?;
            if let Some((_, owner)) = class.owner() {
                self.look(object, owner)?;
            }
        }
        Ok(())
    }
}

impl Moves {
    // ---- What is done.

    fn create(&mut self, class: Class, owner: usize) -> Done {
        let owner = class.owner().and_then(|(of, _)| self.pick(owner, |row| row.class == of));
        if matches!(class, Class::Region | Class::Entry) && owner.is_none() {
            return Ok(());
        }
        let text = self.text();
        self.add(class, text, owner)
    }

    fn add(&mut self, class: Class, text: String, owner: Option<usize>) -> Done {
        let object = self.made;
        self.made += 1;
        let code = format!("c{object}");
        let mut set = json!({ class.text(): text });
        if class == Class::Country {
            set["code"] = json!(code);
        }
        let cls = format!("{class:?}");
        let new = json!({ "do": "new", "cls": cls, "as": name(object), "set": set });
        self.steps.check(new, Json::Null)?;
        let entries = self.rows.values().filter(|row| row.class == Class::Entry);
        let position = entries.filter(|row| row.owner == owner).count();
        let row = Row { class, text, code, owner, version: 0, position, key: None, changed: true };
        self.rows.insert(object, row);
        match (class.owner(), owner) {
            (Some((Class::Playlist, _)), Some(owner)) => {
                let (owner, value) = (alias(owner), alias(object));
                let append =
                    json!({ "do": "append", "obj": owner, "attr": "entries", "value": value });
                self.steps.check(append, Json::Null)
            }
            (Some((_, attribute)), Some(owner)) => {
                self.set(object, attribute, json!(alias(owner)))?;
                self.do_with("add", object)
            }
            _ => self.do_with("add", object),
        }
    }

    fn rename(&mut self, object: usize) -> Done {
        let (text, attribute) = (self.text(), self.rows[&object].class.text());
        self.set(object, attribute, json!(text))?;
        let row = self.row(object);
        (row.text, row.changed) = (text, true);
        Ok(())
    }

    fn rotate(&mut self, first: usize, count: usize) -> Done {
        let keywords: Vec<usize> = self
            .rows
            .iter()
            .filter(|(_, r)| r.class == Class::Keyword)
            .map(|(at, _)| *at)
            .collect();
        let count = count.min(keywords.len());
        let first = first % keywords.len().max(1);
        let some: Vec<usize> = keywords.iter().cycle().skip(first).take(count).copied().collect();
        let names: Vec<String> = some.iter().map(|at| self.rows[at].text.clone()).collect();
        for (at, keyword) in some.into_iter().enumerate() {
            let new = names[(at + 1) % count].clone();
            self.look(keyword, "name")?;
            self.set(keyword, "name", json!(new))?;
            self.row(keyword).text = new;
        }
        Ok(())
    }

    /// Deletes a row when all is flushed; what was read before is read again.
    fn delete(&mut self, class: Class, n: usize) -> Done {
        self.flush()?;
        // Entries would have to close up.
        if class == Class::Entry {
            return Ok(());
        }
        let Some(object) = self.pick(n, |row| row.class == class) else { return Ok(()) };
        if class == Class::Playlist {
            // The session is to know of them; else see `cascade`.
            let entries = self.rows.iter().filter(|(_, row)| row.owner == Some(object));
            let entries: Json = entries.map(|(entry, _)| json!(alias(*entry))).collect();
            let get = json!({ "do": "get", "obj": alias(object), "attr": "entries" });
            self.steps.check(get, entries)?;
        }
        self.do_with("delete", object)?;
        self.rows.remove(&object);
        self.rows.retain(|_, row| row.class != Class::Entry || row.owner != Some(object));
        for row in self.rows.values_mut().filter(|row| row.owner == Some(object)) {
            row.owner = None;
        }
        self.flush()?;
        self.plain("expire_all")
    }

    /// Deletes a playlist of which nothing is loaded. The session learns that its entries are gone when it looks; what
    /// the program does not expunge then gives way to an object that gets its key.
    fn cascade(&mut self, n: usize, commit: bool) -> Done {
        self.commit()?;
        let Some(playlist) = self.pick(n, |row| row.class == Class::Playlist) else {
            return Ok(());
        };
        let entries = self.rows.iter().filter(|(_, row)| row.owner == Some(playlist));
        let entries: Vec<usize> = entries.map(|(entry, _)| *entry).collect();
        self.plain("expire_all")?;
        self.do_with("delete", playlist)?;
        self.plain("flush")?;
        self.look_in_vain(&entries)?;
        if !commit {
            self.plain("rollback")?;
            return entries.into_iter().try_for_each(|entry| self.look(entry, "title"));
        }
        self.rows.retain(|at, _| *at != playlist && !entries.contains(at));
        self.commit()?;
        self.look_in_vain(&entries)?;
        entries
            .into_iter()
            .filter(|entry| entry % 2 == 0)
            .try_for_each(|entry| self.do_with("expunge", entry))
    }

    fn look_in_vain(&mut self, entries: &[usize]) -> Done {
        for entry in entries {
            let get = json!({ "do": "get", "obj": alias(*entry), "attr": "title" });
            self.steps.check_refused(get, ErrorKind::ObjectDeleted, "object_deleted")?;
        }
        Ok(())
    }

    fn stale(&mut self, n: usize) -> Done {
        self.commit()?;
        let Some(order) = self.pick(n, |row| row.class == Class::Order) else { return Ok(()) };
        self.do_with("refresh", order)?;
        self.plain("commit")?;
        let row = self.row(order);
        (row.version, row.text) = (row.version + 1, "theirs".into());
        let key = row.key.unwrap_or_default();
        let sql = format!(
            "UPDATE orders SET version = version + 1, description = 'theirs' WHERE id = {key}"
        );
        self.steps.check(json!({ "do": "external", "sql": sql }), Json::Null)?;
        self.marks = vec![self.rows.clone()];
        self.set(order, "description", json!("ours"))?;
        self.steps.check_refused(json!({ "do": "flush" }), ErrorKind::Stale, "stale")?;
        self.plain("rollback")
    }

    fn flush(&mut self) -> Done {
        self.plain("flush")?;
        for row in self.rows.values_mut() {
            row.version += i64::from(std::mem::take(&mut row.changed));
        }
        let new = |(_, row): &(&usize, &Row)| row.key.is_none() && row.class != Class::Country;
        let new: Vec<usize> = self.rows.iter().filter(new).map(|(at, _)| *at).collect();
        for object in new {
            let class = self.rows[&object].class;
            let has = |row: &Row, key| row.class == class && row.key == Some(key);
            let is_free = |key| !self.rows.values().any(|row| has(row, key));
            let key = self.steps.learn_key(object, &format!("{class:?}"), is_free)?;
            self.row(object).key = Some(key);
        }
        Ok(())
    }

    fn commit(&mut self) -> Done {
        self.flush()?;
        self.plain("commit")?;
        self.marks = vec![self.rows.clone()];
        Ok(())
    }

    fn restore(&mut self, mark: usize) {
        self.rows = self.marks[mark].clone();
        self.marks.truncate(mark.max(1));
    }

    // ---- Steps.

    fn plain(&mut self, step: &str) -> Done {
        self.steps.check(json!({ "do": step }), Json::Null)
    }

    fn do_with(&mut self, step: &str, object: usize) -> Done {
        self.steps.check(json!({ "do": step, "obj": alias(object) }), Json::Null)
    }

    fn set(&mut self, object: usize, attribute: &str, value: Json) -> Done {
        let set = json!({ "do": "set", "obj": alias(object), "attr": attribute, "value": value });
        self.steps.check(set, Json::Null)
    }

    /// Reads an attribute, which the model knows.
    fn look(&mut self, object: usize, attribute: &str) -> Done {
        let row = &self.rows[&object];
        let value = match attribute {
            "code" => json!(row.code),
            "country" | "playlist" => row.owner.map_or(Json::Null, |owner| json!(alias(owner))),
            _ => json!(row.text),
        };
        self.steps.check(json!({ "do": "get", "obj": alias(object), "attr": attribute }), value)
    }

    // ---- The model.

    fn pick(&self, n: usize, wanted: impl Fn(&Row) -> bool) -> Option<usize> {
        let among: Vec<_> = self.rows.iter().filter(|(_, row)| wanted(row)).collect();
        among.get(n.checked_rem(among.len())?).map(|(at, _)| **at)
    }

    fn row(&mut self, object: usize) -> &mut Row {
        self.rows.get_mut(&object).expect("it was picked from the rows")
    }

    /// A text that nothing else has.
    fn text(&mut self) -> String {
        self.texts += 1;
        format!("t{}", self.texts)
    }

    /// The rows of a table, in the order of their keys.
    fn table(&self, class: Class) -> Json {
        let mut rows: Vec<&Row> = self.rows.values().filter(|row| row.class == class).collect();
        rows.sort_by_key(|row| (row.key, (class == Class::Country).then(|| row.code.clone())));
        let code = |owner: Option<usize>| owner.map(|owner| self.rows[&owner].code.clone());
        let key = |owner: Option<usize>| owner.and_then(|owner| self.rows[&owner].key);
        let json = |row: &Row| {
            let mut json = json!({ class.text(): row.text });
            match class {
                Class::Country => json["code"] = json!(row.code),
                _ => json["id"] = json!(row.key),
            }
            match class {
                Class::City | Class::Region => json["country_code"] = json!(code(row.owner)),
                Class::Entry => {
                    json["playlist_id"] = json!(key(row.owner));
                    json["position"] = json!(row.position);
                }
                Class::Order => {
                    json["version"] = json!(row.version);
                    json["status"] = json!("new");
                    (json["user_id"], json["ship_to_id"]) = (Json::Null, Json::Null);
                }
                Class::Country | Class::Keyword | Class::Playlist => {}
            }
            json
        };
        rows.into_iter().map(json).collect()
    }
}
