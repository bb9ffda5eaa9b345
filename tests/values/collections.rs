//! Collections of the user's own kind: in structs and in records, through every way that members come and go.

use std::collections::{BTreeMap, BTreeSet};

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Record, Value};

use crate::support::Db;

/// Songs in the order of their length, with the sum of them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Playlist {
    songs: Vec<(i64, Handle<Song>)>,
    seconds: i64,
}

impl Playlist {
    fn longest(&self) -> Option<Handle<Song>> {
        self.songs.last().map(|(_, song)| *song)
    }
}

impl CollectionClass for Playlist {
    type Member = Song;
    fn append(&mut self, song: Handle<Song>, session: &Session) {
        let seconds = session[song].seconds;
        let at = self.songs.partition_point(|(other, _)| *other <= seconds);
        self.songs.insert(at, (seconds, song));
        self.seconds += seconds;
    }
    fn remove(&mut self, song: Handle<Song>, _: &Session) {
        if let Some(at) = self.songs.iter().position(|(_, other)| *other == song) {
            self.seconds -= self.songs.remove(at).0;
        }
    }
}

/// The first letters of the names of labels, each object once.
#[derive(Clone, Debug, Default, PartialEq)]
struct Initials(BTreeMap<char, BTreeSet<String>>);

impl CollectionClass for Initials {
    type Member = Tag;
    const UNIQUE: bool = true;
    fn append(&mut self, tag: Handle<Tag>, session: &Session) {
        let name = session[tag].name.clone();
        self.0.entry(name.chars().next().unwrap_or(' ')).or_default().insert(name);
    }
    fn remove(&mut self, tag: Handle<Tag>, session: &Session) {
        let name = &session[tag].name;
        self.0.values_mut().for_each(|names| {
            names.remove(name);
        });
        self.0.retain(|_, names| !names.is_empty());
    }
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "albums", configure = configure)]
struct Album {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "album", cascade = "all, delete-orphan", order_by = "id")]
    songs: Collected<Playlist>,
    #[relationship(back_populates = "albums", secondary = "album_tags")]
    tags: Collected<Initials>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "songs")]
struct Song {
    #[column(primary_key)]
    id: Auto<i64>,
    seconds: i64,
    #[column(foreign_key = "albums.id")]
    album_id: Option<i64>,
    #[relationship(back_populates = "songs")]
    album: One<Album>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "tags")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "tags", secondary = "album_tags")]
    albums: Many<Album>,
}

fn configure(mapper: &mut MapperBuilder) {
    mapper.validate_member(Album::songs, |session, owner: Handle<Album>, song| {
        let strict = session[owner].name == "strict";
        match session.value(song, Song::seconds)? {
            seconds if strict || *seconds == 0 => {
                Err(Error::new(ErrorKind::Validation, "a song takes time"))
            }
            _ => Ok(()),
        }
    });
}

fn db() -> Db {
    let registry = Registry::new();
    registry.register::<Album>().unwrap();
    registry.register::<Tag>().unwrap();
    Db::new(registry)
}

fn song(seconds: i64) -> Song {
    Song { seconds, ..Song::default() }
}

fn album(db: &mut Db) -> Handle<Album> {
    let songs = many![song(30), song(10), song(20)];
    db.add(Album { name: "a".into(), songs, ..Album::default() }).unwrap()
}

fn lengths(db: &Db, album: Handle<Album>) -> Vec<i64> {
    let shown = &db[album].songs;
    assert_eq!(shown.songs.len(), shown.len(), "what is shown are the members");
    assert_eq!(shown.songs.iter().map(|(seconds, _)| seconds).sum::<i64>(), shown.seconds);
    shown.songs.iter().map(|(seconds, _)| *seconds).collect()
}

#[test]
fn a_collection_shows_what_is_added_removed_and_replaced() {
    let mut db = db();
    let a = album(&mut db);
    assert_eq!(lengths(&db, a), [10, 20, 30]);
    let longest = db[a].songs.longest().unwrap();
    db.append(a, Album::songs, song(15)).unwrap();
    db.remove(a, Album::songs, longest).unwrap();
    assert_eq!(lengths(&db, a), [10, 15, 20]);
    db.edit(a, |a| a.songs = many![song(5), longest]).unwrap();
    assert_eq!(lengths(&db, a), [5, 30]);
    db.set(a, Album::songs, [song(1), song(2)]).unwrap();
    assert_eq!(lengths(&db, a), [1, 2]);
    // In the order in which they came.
    let members: Vec<i64> = db.members(a, Album::songs).map(|s| db[s].seconds).collect();
    assert_eq!(members, [1, 2]);
    db.del(a, Album::songs).unwrap();
    assert_eq!(lengths(&db, a), [0; 0]);
    assert_eq!(db[a].songs.longest(), None);
}

#[test]
fn one_that_was_never_touched_is_empty_and_one_that_is_not_loaded_says_so() {
    let mut db = db();
    assert_eq!(*Album::default().songs, Playlist::default());
    album(&mut db);
    db.commit().unwrap();
    db.renew();
    let a = db.get_one::<Album>(1).unwrap();
    assert!(!db[a].songs.is_loaded());
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| db[a].songs.seconds));
    let said = *said.unwrap_err().downcast::<&str>().unwrap();
    assert!(said.contains("this collection is not loaded"), "{said}");
}

#[test]
fn the_other_side_history_and_the_flush_are_as_of_any_collection() {
    let mut db = db();
    let a = album(&mut db);
    db.commit().unwrap();
    let late = db.add(song(25)).unwrap();
    db.set(late, Song::album, a).unwrap();
    assert_eq!(lengths(&db, a), [10, 20, 25, 30]);
    let longest = db[a].songs.longest().unwrap();
    db.set(longest, Song::album, One::none()).unwrap();
    assert_eq!(lengths(&db, a), [10, 20, 25]);
    let history = db.history(a, Album::songs).unwrap();
    assert_eq!((history.added(), history.deleted()), (&[late][..], &[longest][..]));
    db.commit().unwrap();
    db.renew();
    let found = db.all(select::<Album>().filter(Album::songs.any(Song::seconds.gt(20)))).unwrap();
    db.load(found[0], Album::songs).unwrap();
    assert_eq!(lengths(&db, found[0]), [10, 20, 25]);
}

#[test]
fn what_waits_for_a_load_is_shown_after_it() {
    let mut db = db();
    album(&mut db);
    db.commit().unwrap();
    db.renew();
    let a = db.get_one::<Album>(1).unwrap();
    let ten = db.one(select::<Song>().filter(Song::seconds.eq(10))).unwrap();
    db.append(a, Album::songs, song(40)).unwrap();
    db.remove(a, Album::songs, ten).unwrap();
    db.load(a, Album::songs).unwrap();
    assert_eq!(lengths(&db, a), [20, 30, 40]);
    db.rollback().unwrap();
    db.refresh(a).unwrap();
    assert!(!db[a].songs.is_loaded());
    db.load(a, Album::songs).unwrap();
    assert_eq!(lengths(&db, a), [10, 20, 30]);
    // Loaded with the query, by each way.
    for option in [selectin(Album::songs), joined(Album::songs), aludel::subquery(Album::songs)] {
        db.renew();
        let found = db.one(select::<Album>().options(option)).unwrap();
        assert_eq!(lengths(&db, found), [10, 20, 30]);
    }
}

#[test]
fn a_refusal_leaves_what_is_shown_as_it_was() {
    let mut db = db();
    let a = album(&mut db);
    let before = (*db[a].songs).clone();
    db.append(a, Album::songs, song(0)).unwrap_err();
    assert_eq!(*db[a].songs, before);
    db.set(a, Album::songs, [song(7), song(0)]).unwrap_err();
    assert_eq!(*db[a].songs, before);
    // Taken from one album, and refused by the other.
    let strict = db.add(Album { name: "strict".into(), ..Album::default() }).unwrap();
    let longest = before.longest().unwrap();
    db.append(strict, Album::songs, longest).unwrap_err();
    assert_eq!(*db[a].songs, before);
    db.commit().unwrap();
    assert_eq!(lengths(&db, a), [10, 20, 30]);
}

#[test]
fn a_unique_one_takes_a_member_once() {
    let mut db = db();
    let a = album(&mut db);
    let tag = |name: &str| Tag { name: name.into(), ..Tag::default() };
    let [jazz, blues] = ["jazz", "blues"].map(|name| db.add(tag(name)).unwrap());
    db.append(a, Album::tags, jazz).unwrap();
    db.append(a, Album::tags, jazz).unwrap();
    db.append(blues, Tag::albums, a).unwrap();
    assert_eq!(db[a].tags.0.keys().collect::<String>(), "bj");
    assert_eq!(db.members(a, Album::tags).len(), 2);
    db.commit().unwrap();
    db.remove(jazz, Tag::albums, a).unwrap();
    assert_eq!(db[a].tags.0.keys().collect::<String>(), "b");
    db.commit().unwrap();
    let rows = db.raw("SELECT count(*) FROM album_tags");
    assert_eq!(rows, [[Value::I64(1)]]);
}

#[test]
fn members_come_and_go_without_events() {
    let mut db = db();
    let a = album(&mut db);
    db.commit().unwrap();
    let other = db.add(song(50)).unwrap();
    let mut adapter = db.init_collection(a, Album::songs).unwrap();
    adapter.append_without_event(other).unwrap();
    assert_eq!(lengths(&db, a), [50]);
    let mut adapter = db.collection_adapter(a, Album::songs).unwrap();
    adapter.remove_without_event(other).unwrap();
    assert_eq!(lengths(&db, a), [0; 0]);
    db.set_committed(a, Album::songs, [other]).unwrap();
    assert_eq!(lengths(&db, a), [50]);
    assert!(!db.history(a, Album::songs).unwrap().has_changes());
}

#[test]
fn by_name() {
    let mut db = db();
    let a = album(&mut db);
    let new = db.add(song(60)).unwrap();
    db.append_named(a, "songs", new.id(), None).unwrap();
    assert_eq!(db[a].songs.longest(), Some(new));
    db.remove_named(a, "songs", new.id()).unwrap();
    assert_eq!(lengths(&db, a), [10, 20, 30]);
}

#[test]
fn a_thousand_members() {
    let mut db = db();
    let a = album(&mut db);
    db.commit().unwrap();
    for seconds in (100..1100).rev() {
        db.append(a, Album::songs, song(seconds)).unwrap();
    }
    assert_eq!(lengths(&db, a)[3..], (100..1100).collect::<Vec<_>>()[..]);
}

#[cfg(feature = "serde")]
#[test]
fn it_travels() {
    let mut db = db();
    let a = album(&mut db);
    db.commit().unwrap();
    db.append(a, Album::songs, song(5)).unwrap();
    let graph = db.serialize([a]).unwrap();
    db.renew();
    let ids = db.deserialize(&graph).unwrap();
    let a = db.handle_of::<Album>(ids[0]).unwrap();
    assert_eq!(lengths(&db, a), [5, 10, 20, 30]);
    assert_eq!(db.history(a, Album::songs).unwrap().added().len(), 1);
}

/// The members by a word of theirs.
#[derive(Clone, Debug, Default, PartialEq)]
struct ByWord(BTreeMap<String, Handle<Record>>);

impl CollectionClass for ByWord {
    type Member = Record;
    fn append(&mut self, member: Handle<Record>, session: &Session) {
        let word = session[member].get::<String>("word").cloned().unwrap_or_default();
        self.0.insert(word, member);
    }
    fn remove(&mut self, member: Handle<Record>, _: &Session) {
        self.0.retain(|_, other| *other != member);
    }
}

#[test]
fn of_records() {
    let registry = Registry::new();
    let text = registry
        .describe("Text")
        .table("texts")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .collected::<ByWord>("words", "Word", |r| {
            r.back_populates("text").cascade("all, delete-orphan");
        })
        .finish()
        .unwrap();
    let word = registry
        .describe("Word")
        .table("words")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<String>("word", |c| c)
        .column::<Option<i64>>("text_id", |c| c.references("texts.id"))
        .one("text", "Text", |r| {
            r.back_populates("words");
        })
        .finish()
        .unwrap();
    registry.configure().unwrap();
    let mut db = Db::new(registry);
    let make = |said: &str| word.record().with("word", said).unwrap();
    let t = db.add(text.record().with_many("words", [make("b"), make("a")]).unwrap()).unwrap();
    let words = text.attr::<Collected<ByWord>>("words").unwrap();
    let shown = |db: &Db| {
        db[t].get::<Collected<ByWord>>("words").unwrap().0.keys().cloned().collect::<String>()
    };
    assert_eq!(shown(&db), "ab");
    let c = db.add(make("c")).unwrap();
    db.append(t, words, c).unwrap();
    db.commit().unwrap();
    assert_eq!(shown(&db), "abc");
    db.remove_named(t, "words", c.id()).unwrap();
    assert_eq!(shown(&db), "ab");
    db.rollback().unwrap();
    db.load(t, words).unwrap();
    assert_eq!(shown(&db), "abc");
}
