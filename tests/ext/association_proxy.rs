//! Association proxies: the values of objects, as they are read and changed.

use aludel::ext::{AssociationProxy, association_proxy};
use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Record};

use crate::support::{Db, each};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "users")]
pub(crate) struct User {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) name: String,
    #[relationship(secondary = "user_keywords", order_by = "id")]
    pub(crate) keywords: Many<Keyword>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan", order_by = "id")]
    pub(crate) ratings: Many<Rating>,
    #[relationship(cascade = "all, delete-orphan")]
    pub(crate) nicks: ManySet<Nick>,
    #[relationship(key = "key", cascade = "all, delete-orphan")]
    pub(crate) notes: ManyMap<String, Note>,
    #[relationship(back_populates = "user", cascade = "all, delete-orphan")]
    pub(crate) profile: One<Profile>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "keywords", configure = no_bad_words)]
pub(crate) struct Keyword {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) word: String,
}

/// An association object: a user's rating of a keyword.
#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "ratings")]
pub(crate) struct Rating {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    #[column(foreign_key = "users.id")]
    pub(crate) user_id: Option<i64>,
    #[column(foreign_key = "keywords.id")]
    pub(crate) keyword_id: Option<i64>,
    #[column(default = 1)]
    pub(crate) stars: i64,
    #[relationship(back_populates = "ratings")]
    pub(crate) user: One<User>,
    pub(crate) keyword: One<Keyword>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "nicks")]
pub(crate) struct Nick {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) nick: String,
    #[column(foreign_key = "users.id")]
    pub(crate) user_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "notes")]
pub(crate) struct Note {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) key: String,
    pub(crate) text: Option<String>,
    #[column(foreign_key = "users.id")]
    pub(crate) user_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "profiles")]
pub(crate) struct Profile {
    #[column(primary_key)]
    pub(crate) id: Auto<i64>,
    pub(crate) motto: Option<String>,
    #[column(foreign_key = "users.id")]
    pub(crate) user_id: Option<i64>,
    #[relationship(back_populates = "profile")]
    pub(crate) user: One<User>,
}

fn no_bad_words(mapper: &mut MapperBuilder) {
    mapper.validate(Keyword::word, |_, _: Handle<Keyword>, word| match word.as_str() {
        "bad" => Err(Error::new(ErrorKind::Validation, "no bad words")),
        _ => Ok(()),
    });
}

type WordOfRating = AssociationProxy<Rating, One<Keyword>, aludel::Attr<Keyword, String>>;

impl User {
    pub(crate) const WORDS: AssociationProxy<User, Many<Keyword>, aludel::Attr<Keyword, String>> =
        association_proxy(User::keywords, Keyword::word);
    /// The keywords that were rated.
    pub(crate) const RATED: AssociationProxy<
        User,
        Many<Rating>,
        aludel::Attr<Rating, One<Keyword>>,
    > = association_proxy(User::ratings, Rating::keyword);
    /// Their words: a proxy over a proxy.
    pub(crate) const RATED_WORDS: AssociationProxy<User, Many<Rating>, WordOfRating> =
        association_proxy(User::ratings, Rating::WORD);
    pub(crate) const NICKS: AssociationProxy<User, ManySet<Nick>, aludel::Attr<Nick, String>> =
        association_proxy(User::nicks, Nick::nick);
    pub(crate) const NOTES: AssociationProxy<
        User,
        ManyMap<String, Note>,
        aludel::Attr<Note, Option<String>>,
    > = association_proxy(User::notes, Note::text);
    pub(crate) const MOTTO: AssociationProxy<
        User,
        One<Profile>,
        aludel::Attr<Profile, Option<String>>,
    > = association_proxy(User::profile, Profile::motto);
}

impl Rating {
    pub(crate) const WORD: WordOfRating = association_proxy(Rating::keyword, Keyword::word);
}

pub(crate) fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry
}

fn user(db: &mut Db) -> Handle<User> {
    db.add(User { name: "ed".into(), ..User::default() }).unwrap()
}

fn words(db: &Db, user: Handle<User>) -> Vec<String> {
    User::WORDS.of(db, user).values().unwrap().into_iter().cloned().collect()
}

/// The user as another session finds it.
pub(crate) fn again(db: &mut Db) -> Handle<User> {
    db.commit().unwrap();
    db.renew();
    db.one(select::<User>()).unwrap()
}

#[test]
fn a_list_of_values_is_one_of_objects() {
    each("proxy_list", registry, |db| {
        let ed = user(db);
        let mut all = User::WORDS.of_mut(db, ed);
        all.append("b").unwrap();
        all.extend(["c", "b"]).unwrap();
        all.insert(0, "a").unwrap();
        assert_eq!(all.values().unwrap(), ["a", "b", "c", "b"]);
        assert_eq!((all.len().unwrap(), all.is_empty().unwrap()), (4, false));
        assert_eq!(all.at(1).unwrap().map(String::as_str), Some("b"));
        assert_eq!(all.at(9).unwrap(), None);
        assert_eq!(all.position("b").unwrap(), Some(1));
        assert!(all.contains("c").unwrap() && !all.contains("d").unwrap());
        // The first of two goes.
        all.remove("b").unwrap();
        assert_eq!(all.pop(0).unwrap(), "a");
        all.set_at(0, "C").unwrap();
        assert_eq!(all.values().unwrap(), ["C", "b"]);
        let keywords: Vec<_> = db.members(ed, User::keywords).collect();
        assert_eq!(db[keywords[0]].word, "C");
        let ed = again(db);
        db.load(ed, User::keywords).unwrap();
        let mut found = words(db, ed);
        found.sort();
        assert_eq!(found, ["C", "b"]);
    });
}

#[test]
fn replacing_a_list_makes_new_objects_and_that_of_a_set_keeps_what_stays() {
    let mut db = Db::new(registry());
    let ed = user(&mut db);
    User::WORDS.of_mut(&mut db, ed).replace(["a", "b", "a"]).unwrap();
    let before: Vec<_> = db.members(ed, User::keywords).collect();
    User::WORDS.of_mut(&mut db, ed).replace(["b", "c"]).unwrap();
    assert_eq!(words(&db, ed), ["b", "c"]);
    assert!(!before.contains(&db.members(ed, User::keywords).next().unwrap()));

    let mut nicks = User::NICKS.of_mut(&mut db, ed);
    nicks.extend(["a", "b", "b"]).unwrap();
    assert_eq!(nicks.len().unwrap(), 2);
    let of = |db: &Db, nick: &str| db.members(ed, User::nicks).find(|n| db[*n].nick == nick);
    let b = of(&db, "b").unwrap();
    let a = of(&db, "a").unwrap();
    User::NICKS.of_mut(&mut db, ed).replace(["c", "b", "c"]).unwrap();
    assert_eq!(User::NICKS.of(&db, ed).values().unwrap(), ["b", "c"]);
    assert_eq!(of(&db, "b"), Some(b));
    assert!(!db.members(ed, User::nicks).any(|nick| nick == a));
    User::NICKS.of_mut(&mut db, ed).clear().unwrap();
    assert!(db[ed].nicks.is_empty());
}

#[test]
fn a_map_of_values_is_one_of_objects() {
    each("proxy_map", registry, |db| {
        let ed = user(db);
        let mut notes = User::NOTES.of_mut(db, ed);
        notes.set("x".into(), "1").unwrap();
        notes.set("y".into(), "2").unwrap();
        assert_eq!(notes.get(&"x".into()).unwrap(), Some(&Some("1".to_owned())));
        assert!(notes.contains_key(&"y".into()).unwrap());
        let y = db[ed].notes.get(&"y".into()).unwrap();
        let mut notes = User::NOTES.of_mut(db, ed);
        notes.replace([("y".to_owned(), "3"), ("z".to_owned(), "4")]).unwrap();
        let entries = notes.entries().unwrap();
        let entries: Vec<_> =
            entries.iter().map(|(key, text)| (key.as_str(), text.as_deref().unwrap())).collect();
        assert_eq!(entries, [("y", "3"), ("z", "4")]);
        assert_eq!(db[ed].notes.get(&"y".into()), Some(y));
        let mut notes = User::NOTES.of_mut(db, ed);
        let error = notes.remove(&"x".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Absent);
        notes.remove(&"z".into()).unwrap();
        let ed = again(db);
        db.load(ed, User::notes).unwrap();
        assert_eq!(User::NOTES.of(db, ed).len().unwrap(), 1);
        assert!(User::NOTES.of(db, ed).contains(Some("3".to_owned())).unwrap());
    });
}

#[test]
fn a_scalar_makes_its_object_when_there_is_a_value() {
    let mut db = Db::new(registry());
    let ed = user(&mut db);
    assert_eq!(User::MOTTO.of(&db, ed).get().unwrap(), None);
    let mut motto = User::MOTTO.of_mut(&mut db, ed);
    motto.set(None::<String>).unwrap();
    assert_eq!(motto.del().unwrap_err().kind(), ErrorKind::NoValue);
    assert_eq!(db[ed].profile.get(), None);
    User::MOTTO.of_mut(&mut db, ed).set("so be it").unwrap();
    let profile = db[ed].profile.get().unwrap();
    User::MOTTO.of_mut(&mut db, ed).set("be it so").unwrap();
    assert_eq!(db[ed].profile.get(), Some(profile));
    assert_eq!(db[profile].motto.as_deref(), Some("be it so"));
    User::MOTTO.of_mut(&mut db, ed).set(None::<String>).unwrap();
    assert_eq!((db[ed].profile.get(), &db[profile].motto), (Some(profile), &None));

    let cascading = User::MOTTO.cascade_scalar_deletes();
    cascading.of_mut(&mut db, ed).set(None::<String>).unwrap();
    assert_eq!(db[ed].profile.get(), None);
    cascading.of_mut(&mut db, ed).set("new").unwrap();
    cascading.of_mut(&mut db, ed).del().unwrap();
    assert_eq!(db[ed].profile.get(), None);
}

#[test]
fn an_association_object_is_gone_through() {
    each("proxy_object", registry, |db| {
        let ed = user(db);
        let orm = db.add(Keyword { word: "orm".into(), ..Keyword::default() }).unwrap();
        let mut rated = User::RATED.of_mut(db, ed);
        rated.append(orm).unwrap();
        rated.append(Keyword { word: "sql".into(), ..Keyword::default() }).unwrap();
        assert!(rated.contains(orm).unwrap());
        assert_eq!(rated.values().unwrap()[0], Some(orm));
        // What the objects need beside, a creator says.
        let best = User::RATED.creator(|keyword| Rating { keyword, stars: 5, ..Rating::default() });
        best.of_mut(db, ed).append(Keyword { word: "ddl".into(), ..Keyword::default() }).unwrap();
        let ed = again(db);
        db.waiting(async |session| User::RATED_WORDS.load(session, ed).await).unwrap();
        db.selects();
        let words = User::RATED_WORDS.of(db, ed);
        assert_eq!(
            words.values().unwrap().into_iter().flatten().collect::<Vec<_>>(),
            ["orm", "sql", "ddl"]
        );
        assert!(words.contains("sql").unwrap());
        assert_eq!(db.selects(), 0);
        let stars: Vec<i64> = db.members(ed, User::ratings).map(|r| db[r].stars).collect();
        assert_eq!(stars, [1, 1, 5]);
        // Through two objects, both of which are made.
        User::RATED_WORDS.of_mut(db, ed).append("new").unwrap();
        User::RATED_WORDS.of_mut(db, ed).set_at(0, "ORM").unwrap();
        let sql = rated_of(db, ed, "sql");
        User::RATED.of_mut(db, ed).remove(sql).unwrap();
        db.commit().unwrap();
        let mut all: Vec<String> = db
            .rows(select::<Keyword>().columns((Keyword::word,)))
            .unwrap()
            .into_iter()
            .map(|(w,)| w)
            .collect();
        all.sort();
        assert_eq!(all, ["ORM", "ddl", "new", "sql"]);
        assert_eq!(db.count(select::<Rating>()).unwrap(), 3);
    });
}

fn rated_of(db: &Db, user: Handle<User>, word: &str) -> Handle<Keyword> {
    let rated = User::RATED.of(db, user).values().unwrap();
    rated.into_iter().flatten().find(|k| db[*k].word == word).unwrap()
}

#[test]
fn a_creator_may_take_what_the_session_has() {
    let mut db = Db::new(registry());
    let ed = user(&mut db);
    let orm = db.add(Keyword { word: "orm".into(), ..Keyword::default() }).unwrap();
    db.flush().unwrap();
    let known = User::WORDS.creator_in(|session, word| {
        let same = |id: &aludel::Id| {
            let keyword = session.handle_of::<Keyword>(*id).ok()?;
            (session[keyword].word == word).then_some(keyword)
        };
        match session.persistent_objects().iter().find_map(same) {
            Some(known) => Ok(known),
            None => session.make(Keyword { word, ..Keyword::default() }),
        }
    });
    db.load(ed, User::keywords).unwrap();
    known.of_mut(&mut db, ed).extend(["new", "orm"]).unwrap();
    assert!(db.members(ed, User::keywords).any(|keyword| keyword == orm));
    db.commit().unwrap();
    assert_eq!(db.count(select::<Keyword>()).unwrap(), 2);
}

#[test]
fn what_is_not_loaded_is_an_error_and_appending_to_it_is_none() {
    let mut db = Db::new(registry());
    let ed = user(&mut db);
    User::WORDS.of_mut(&mut db, ed).append("a").unwrap();
    User::RATED_WORDS.of_mut(&mut db, ed).append("r").unwrap();
    User::MOTTO.of_mut(&mut db, ed).set("m").unwrap();
    let ed = again(&mut db);
    let kinds = [
        User::WORDS.of(&db, ed).values().unwrap_err().kind(),
        User::WORDS.of(&db, ed).len().unwrap_err().kind(),
        User::WORDS.of(&db, ed).contains("a").unwrap_err().kind(),
        User::NOTES.of(&db, ed).get(&"x".into()).unwrap_err().kind(),
        User::MOTTO.of(&db, ed).get().unwrap_err().kind(),
        User::MOTTO.of_mut(&mut db, ed).set("n").unwrap_err().kind(),
        User::NICKS.of_mut(&mut db, ed).append("n").unwrap_err().kind(),
        User::WORDS.of_mut(&mut db, ed).clear().unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotLoaded; 8]);
    assert!(!db.is_dirty(ed).unwrap());
    // The collection is, its members' references are not.
    db.load(ed, User::ratings).unwrap();
    assert_eq!(User::RATED.of(&db, ed).values().unwrap_err().kind(), ErrorKind::NotLoaded);
    User::WORDS.of_mut(&mut db, ed).append("b").unwrap();
    assert!(!db[ed].keywords.is_loaded());
    db.commit().unwrap();
    assert_eq!(db.load(ed, User::keywords).unwrap().len(), 2);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let mut db = Db::new(registry());
    let ed = user(&mut db);
    User::WORDS.of_mut(&mut db, ed).append("good").unwrap();
    db.commit().unwrap();
    let words_of = |db: &Db| words(db, ed);
    let error = User::WORDS.of_mut(&mut db, ed).append("bad").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(User::WORDS.of_mut(&mut db, ed).extend(["fine", "bad"]).is_err());
    assert!(User::WORDS.of_mut(&mut db, ed).replace(["fine", "bad"]).is_err());
    assert!(User::WORDS.of_mut(&mut db, ed).insert(7, "fine").is_err());
    assert!(User::WORDS.of_mut(&mut db, ed).set_at(7, "fine").is_err());
    assert!(User::WORDS.of_mut(&mut db, ed).pop(7).is_err());
    assert!(User::WORDS.of_mut(&mut db, ed).remove("fine").is_err());
    assert_eq!(words_of(&db), ["good"]);
    assert!(!db.is_modified(ed).unwrap() && db.new_objects().is_empty());
}

#[test]
fn records_have_proxies_as_structs_do() {
    let registry = Registry::new();
    let band = registry
        .describe("Band")
        .table("bands")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .many("songs", "Song", |r| {
            r.order_by(["id"]);
        })
        .keyed::<String>("facts", "Fact", "key", |_| {})
        .finish()
        .unwrap();
    let song = registry
        .describe("Song")
        .table("songs")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("title", |c| c)
        .column::<Option<i64>>("band_id", |c| c.references("bands.id"))
        .finish()
        .unwrap();
    let fact = registry
        .describe("Fact")
        .table("facts")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("key", |c| c)
        .column::<i64>("number", |c| c)
        .column::<Option<i64>>("band_id", |c| c.references("bands.id"))
        .finish()
        .unwrap();
    let songs = band.attr::<Many<Record>>("songs").unwrap();
    let titles = association_proxy(songs, song.attr::<String>("title").unwrap());
    let facts = band.attr::<ManyMap<String, Record>>("facts").unwrap();
    let facts = association_proxy(facts, fact.attr::<i64>("number").unwrap());
    let mut db = Db::new(registry);
    let x = db.add(band.record()).unwrap();
    titles.of_mut(&mut db, x).extend(["one", "two"]).unwrap();
    facts.of_mut(&mut db, x).set("members".into(), 4).unwrap();
    db.commit().unwrap();
    assert_eq!(titles.of(&db, x).values().unwrap(), ["one", "two"]);
    assert_eq!(facts.of(&db, x).get(&"members".into()).unwrap(), Some(&4));
    let found = db.all(band.select().filter(titles.contains("two") & facts.contains(4))).unwrap();
    assert_eq!(found, [x]);
    assert_eq!(db.count(band.select().filter(titles.contains("three"))).unwrap(), 0);
}
