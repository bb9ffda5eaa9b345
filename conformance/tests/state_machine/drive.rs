//! Operations, done by the session and by the model.

use conformance::Databases;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::Machine;
use crate::model::{self, CLASSES, ITEM, KEYWORD, Life, Model};
use crate::steps::{Done, Steps, alias, name};

/// An operation; the numbers choose among the objects that there are.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    New(usize),
    Add(usize),
    Rename(usize, u8),
    SetOwner(usize, Option<usize>),
    Append(usize, usize),
    Remove(usize),
    Delete(usize),
    Flush,
    Commit,
    Rollback,
    BeginNested,
    CommitNested,
    RollbackNested,
    Expire(usize),
    ExpireAll,
    Look(usize),
    Rows(usize),
    Query(usize),
    Load(usize, i64),
    Pending,
    Merge(usize, u8),
    UpdateWhere(usize, u8, u8, Sync),
    DeleteWhere(usize, u8, Sync),
}

/// How objects learn what a statement by criteria has done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sync {
    Auto,
    Evaluate,
    Fetch,
}

impl Sync {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Evaluate => "evaluate",
            Self::Fetch => "fetch",
        }
    }
}

/// A session of objects that own each other, and the model of it.
pub(crate) struct Graph {
    steps: Steps,
    model: Model,
    /// How many objects were merged.
    merged: usize,
}

fn sync() -> impl Strategy<Value = Sync> {
    prop_oneof![Just(Sync::Auto), Just(Sync::Evaluate), Just(Sync::Fetch)]
}

fn op() -> impl Strategy<Value = Op> {
    let (n, class) = (0..24usize, 0..model::CLASSES.len());
    prop_oneof![
        5 => class.clone().prop_map(Op::New),
        5 => n.clone().prop_map(Op::Add),
        4 => (n.clone(), any::<u8>()).prop_map(|(n, text)| Op::Rename(n, text)),
        6 => (n.clone(), proptest::option::weighted(0.8, n.clone()))
            .prop_map(|(n, owner)| Op::SetOwner(n, owner)),
        7 => (n.clone(), n.clone()).prop_map(|(n, member)| Op::Append(n, member)),
        4 => n.clone().prop_map(Op::Remove),
        2 => n.clone().prop_map(Op::Delete),
        3 => Just(Op::Flush),
        2 => Just(Op::Commit),
        1 => Just(Op::Rollback),
        2 => Just(Op::BeginNested),
        1 => Just(Op::CommitNested),
        1 => Just(Op::RollbackNested),
        2 => n.clone().prop_map(Op::Expire),
        1 => Just(Op::ExpireAll),
        4 => n.clone().prop_map(Op::Look),
        1 => class.clone().prop_map(Op::Rows),
        1 => class.clone().prop_map(Op::Query),
        1 => (class.clone(), 1..6i64).prop_map(|(class, key)| Op::Load(class, key)),
        1 => Just(Op::Pending),
        2 => (n, any::<u8>()).prop_map(|(n, text)| Op::Merge(n, text)),
        2 => (class.clone(), any::<u8>(), any::<u8>(), sync())
            .prop_map(|(class, old, new, sync)| Op::UpdateWhere(class, old, new, sync)),
        2 => (class, any::<u8>(), sync())
            .prop_map(|(class, text, sync)| Op::DeleteWhere(class, text, sync)),
    ]
}

impl Machine for Graph {
    type Op = Op;

    const NAME: &'static str = "graph";
    const RUN: usize = 60;

    fn new(databases: &Databases) -> Self {
        Self { steps: Steps::new(databases), model: Model::default(), merged: 0 }
    }

    fn op() -> impl Strategy<Value = Op> {
        op()
    }

    fn steps(&self) -> &Steps {
        &self.steps
    }

    fn apply(&mut self, op: &Op) -> Done {
        match op {
            Op::New(class) => self.create(*class),
            Op::Add(n) => self.with(*n, |_| true, Self::add),
            Op::Rename(n, text) => {
                self.with(*n, |class| class != KEYWORD, |s, object| s.rename(object, *text))
            }
            Op::SetOwner(n, owner) => self.with(
                *n,
                |class| CLASSES[class].owner.is_some(),
                |s, object| s.set_owner(object, *owner),
            ),
            Op::Append(n, member) => self.with(
                *n,
                |class| CLASSES[class].members.is_some(),
                |s, object| s.append(object, *member),
            ),
            Op::Remove(n) => self.with(*n, |class| CLASSES[class].members.is_some(), Self::remove),
            Op::Delete(n) => {
                self.flush()?;
                self.with(*n, |_| true, Self::delete)
            }
            Op::Flush => self.flush(),
            Op::Commit => {
                self.check(json!({ "do": "commit" }), Json::Null)?;
                self.model.commit();
                self.learn_keys()
            }
            Op::Rollback => {
                self.model.rollback();
                self.check(json!({ "do": "rollback" }), Json::Null)
            }
            Op::BeginNested if self.model.nested() < 3 => {
                self.check(json!({ "do": "begin_nested" }), Json::Null)?;
                self.model.begin_nested();
                self.learn_keys()
            }
            Op::CommitNested if self.model.nested() > 0 => {
                self.check(json!({ "do": "commit_nested" }), Json::Null)?;
                self.model.commit_nested();
                self.learn_keys()
            }
            Op::RollbackNested if self.model.nested() > 0 => {
                let deleted = self.model.rollback_nested();
                self.check(json!({ "do": "rollback_nested" }), Json::Null)?;
                // What was read while rows were missing is not forgotten by a savepoint.
                if deleted { self.expire_all() } else { Ok(()) }
            }
            Op::BeginNested | Op::CommitNested | Op::RollbackNested => Ok(()),
            Op::Expire(n) => {
                self.flush()?;
                self.with(
                    *n,
                    |_| true,
                    |s, object| match s.model.objects[object].life {
                        Life::Persistent => {
                            let expire = json!({ "do": "expire", "obj": alias(object) });
                            s.check(expire, Json::Null)
                        }
                        _ => Ok(()),
                    },
                )
            }
            Op::ExpireAll => {
                self.flush()?;
                self.expire_all()
            }
            Op::Look(n) => self.with(*n, |_| true, Self::look),
            Op::Rows(class) => self.rows(*class),
            Op::Query(class) => {
                self.flush()?;
                let name = CLASSES[*class].name;
                let rows = self.model.table(*class);
                let found = rows.as_array().into_iter().flatten();
                let found = found.map(|row| json!(format!("{name}#{}", row["id"]))).collect();
                self.check(json!({ "do": "query", "cls": name }), found)
            }
            Op::Load(class, key) => {
                let found = self.model.find(*class, *key).map_or(Json::Null, |o| json!(alias(o)));
                let name = CLASSES[*class].name;
                self.check(json!({ "do": "load", "cls": name, "pk": [key] }), found)
            }
            Op::Pending => {
                let pending = self.model.known(|o| o.life == Life::Pending);
                self.check(json!({ "do": "session_new" }), aliases(&pending))
            }
            Op::Merge(n, text) => self.with(*n, |_| true, |s, object| s.merge(object, *text)),
            Op::UpdateWhere(class, old, new, sync) => {
                self.flush()?;
                let (old, new) = (renamed(*old), renamed(*new));
                let (it, count) = (&CLASSES[*class], self.model.rename_all(*class, &old, &new));
                let (r#where, values) = (json!([[it.text, "==", old]]), json!({ it.text: new }));
                let update = json!({
                    "do": "update_where", "cls": it.name, "where": r#where, "values": values, "sync": sync.name(),
                });
                self.check(update, json!(count))
            }
            // Of these nothing else depends.
            Op::DeleteWhere(class, text, sync) if CLASSES[*class].owner.is_some() => {
                self.flush()?;
                let text = renamed(*text);
                let (it, count) = (&CLASSES[*class], self.model.delete_all(*class, &text));
                let r#where = json!([[it.text, "==", text]]);
                let delete = json!({ "do": "delete_where", "cls": it.name, "where": r#where, "sync": sync.name() });
                self.check(delete, json!(count))?;
                // Collections are not told.
                self.expire_all()
            }
            Op::DeleteWhere(..) => Ok(()),
        }
    }

    fn check_everything(&mut self) -> Done {
        self.model.known(|_| true).into_iter().try_for_each(|object| self.look(object))?;
        self.flush()?;
        (0..CLASSES.len()).try_for_each(|class| self.rows(class))
    }
}

impl Graph {
    fn check(&mut self, step: Json, expected: Json) -> Done {
        self.steps.check(step, expected)
    }

    // ---- Objects.

    fn create(&mut self, class: usize) -> Done {
        let object = self.model.create(class, String::new());
        let text = format!("t{object}");
        self.model.objects[object].now.text = text.clone();
        let class = &CLASSES[class];
        let set = json!({ class.text: text });
        let new = json!({ "do": "new", "cls": class.name, "as": name(object), "set": set });
        self.check(new, Json::Null)
    }

    fn add(&mut self, object: usize) -> Done {
        self.model.add(object);
        self.check(json!({ "do": "add", "obj": alias(object) }), Json::Null)
    }

    fn rename(&mut self, object: usize, text: u8) -> Done {
        let text = renamed(text);
        self.model.objects[object].now.text = text.clone();
        let attribute = self.model.class(object).text;
        let set = json!({ "do": "set", "obj": alias(object), "attr": attribute, "value": text });
        self.check(set, Json::Null)
    }

    /// Somebody else's object of the same row is merged: it brings its text.
    fn merge(&mut self, object: usize, text: u8) -> Done {
        let it = &self.model.objects[object];
        let (Life::Persistent, Some(key)) = (it.life, it.key) else { return Ok(()) };
        let (class, text) = (self.model.class(object), renamed(text));
        self.merged += 1;
        let name = format!("m{}", self.merged);
        let set = json!({ "id": key, class.text: text });
        self.check(json!({ "do": "new", "cls": class.name, "as": name, "set": set }), Json::Null)?;
        self.model.objects[object].now.text = text;
        let given = format!("${name}");
        self.check(json!({ "do": "merge", "obj": given, "as": name }), json!(alias(object)))
    }

    /// What refers to each other is in the session together.
    fn bring_together(&mut self, a: usize, b: usize) -> Done {
        match (self.model.in_session(a), self.model.in_session(b)) {
            (true, false) => self.add(b),
            (false, true) => self.add(a),
            _ => Ok(()),
        }
    }

    fn set_owner(&mut self, object: usize, owner: Option<usize>) -> Done {
        let class = self.model.class(object);
        let Some((attribute, _)) = class.owner else { return Ok(()) };
        let owner = owner.and_then(|n| self.pick(n, |c| c == class.other));
        if let Some(owner) = owner {
            self.bring_together(object, owner)?;
        }
        self.look_at_owner(object)?;
        let moves = self.model.moves_as_new(object, owner);
        self.model.set_owner(object, owner);
        let value = owner.map_or(Json::Null, |o| json!(alias(o)));
        let set = json!({ "do": "set", "obj": alias(object), "attr": attribute, "value": value });
        self.check(set, Json::Null)?;
        if moves { self.add(object) } else { Ok(()) }
    }

    fn append(&mut self, object: usize, member: usize) -> Done {
        let class = self.model.class(object);
        let Some(attribute) = class.members else { return Ok(()) };
        let Some(member) = self.pick(member, |c| c == class.other) else { return Ok(()) };
        if self.model.members(object).contains(&member) {
            return Ok(());
        }
        self.bring_together(object, member)?;
        self.look_at_owner(member)?;
        let moves = self.model.moves_as_new(member, Some(object));
        if self.model.objects[object].class == ITEM {
            self.model.objects[object].now.links.insert(member);
        } else {
            self.model.set_owner(member, Some(object));
        }
        let value = alias(member);
        let step =
            json!({ "do": "append", "obj": alias(object), "attr": attribute, "value": value });
        self.check(step, Json::Null)?;
        if moves { self.add(member) } else { Ok(()) }
    }

    fn remove(&mut self, object: usize) -> Done {
        let Some(attribute) = self.model.class(object).members else { return Ok(()) };
        let Some(&member) = self.model.members(object).first() else { return Ok(()) };
        self.look_at_owner(member)?;
        if self.model.objects[object].class == ITEM {
            self.model.objects[object].now.links.remove(&member);
        } else {
            self.model.set_owner(member, None);
        }
        let value = alias(member);
        let step =
            json!({ "do": "remove", "obj": alias(object), "attr": attribute, "value": value });
        self.check(step, Json::Null)
    }

    /// Deletes a row when all is flushed; what was read before is read again.
    fn delete(&mut self, object: usize) -> Done {
        let refers = |item: &crate::model::Object| item.now.links.contains(&object);
        if self.model.objects[object].life != Life::Persistent
            || !self.model.known(refers).is_empty()
        {
            return Ok(());
        }
        self.model.delete(object);
        self.check(json!({ "do": "delete", "obj": alias(object) }), Json::Null)?;
        self.check(json!({ "do": "flush" }), Json::Null)?;
        self.expire_all()
    }

    fn flush(&mut self) -> Done {
        self.check(json!({ "do": "flush" }), Json::Null)?;
        self.model.flush();
        self.learn_keys()
    }

    fn expire_all(&mut self) -> Done {
        self.check(json!({ "do": "expire_all" }), Json::Null)
    }

    /// The database chooses the keys: no two rows of a table have the same.
    fn learn_keys(&mut self) -> Done {
        for object in self.model.known(|o| o.life == Life::Persistent && o.key.is_none()) {
            let class = self.model.objects[object].class;
            let is_free = |key| self.model.find(class, key).is_none();
            let key = self.steps.learn_key(object, CLASSES[class].name, is_free)?;
            self.model.objects[object].key = Some(key);
        }
        Ok(())
    }

    // ---- Looking.

    fn look_at_owner(&mut self, object: usize) -> Done {
        let Some((attribute, _)) = self.model.class(object).owner else { return Ok(()) };
        let owner = self.model.objects[object].now.owner.map_or(Json::Null, |o| json!(alias(o)));
        self.check(json!({ "do": "get", "obj": alias(object), "attr": attribute }), owner)
    }

    fn look(&mut self, object: usize) -> Done {
        let life = match self.model.objects[object].life {
            Life::Transient => "transient",
            Life::Pending => "pending",
            Life::Persistent => "persistent",
            Life::Gone => return Ok(()),
        };
        self.check(json!({ "do": "state", "obj": alias(object) }), json!(life))?;
        let class = self.model.class(object);
        let text = json!(self.model.objects[object].now.text);
        self.check(json!({ "do": "get", "obj": alias(object), "attr": class.text }), text)?;
        self.look_at_owner(object)?;
        if let Some(attribute) = class.members {
            let members = aliases(&self.model.members(object));
            self.check(json!({ "do": "get", "obj": alias(object), "attr": attribute }), members)?;
        }
        Ok(())
    }

    fn rows(&mut self, class: usize) -> Done {
        let table = self.model.table(class);
        self.check(json!({ "do": "rows", "table": CLASSES[class].table }), table)?;
        let links = self.model.associations();
        self.check(json!({ "do": "rows", "table": "item_keywords" }), links)
    }

    // ---- Choosing.

    fn pick(&self, n: usize, class: impl Fn(usize) -> bool) -> Option<usize> {
        let among = self.model.known(|o| class(o.class));
        (!among.is_empty()).then(|| among[n % among.len()])
    }

    fn with(
        &mut self,
        n: usize,
        class: impl Fn(usize) -> bool,
        run: impl FnOnce(&mut Self, usize) -> Done,
    ) -> Done {
        match self.pick(n, class) {
            Some(object) => run(self, object),
            None => Ok(()),
        }
    }
}

/// One of four texts.
fn renamed(text: u8) -> String {
    format!("n{}", text % 4)
}

fn aliases(objects: &[usize]) -> Json {
    objects.iter().map(|o| json!(alias(*o))).collect()
}
