//! Ordered lists: the members' positions follow their places.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;
use aludel::{Error, ErrorKind, Numbering, Record, Value};

use crate::support::{Db, each};

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "slides")]
struct Slide {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(order_by = "place", position = "place", cascade = "all, delete-orphan")]
    bullets: Many<Bullet>,
    #[relationship(
        order_by = "place",
        position = "place",
        numbering = Numbering::count_from(1).reorder_on_append()
    )]
    notes: Many<Note>,
    #[relationship(order_by = "letter", position = "letter", numbering = Numbering::by(letter))]
    points: Many<Point>,
}

fn letter(place: usize) -> Value {
    let letter = u8::try_from(place).ok().and_then(|place| b'a'.checked_add(place));
    Value::Text(char::from(letter.unwrap_or(b'z')).to_string())
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "bullets", configure = no_place_9)]
struct Bullet {
    #[column(primary_key)]
    id: Auto<i64>,
    text: String,
    place: Option<i64>,
    #[column(foreign_key = "slides.id")]
    slide_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "slide_notes")]
struct Note {
    #[column(primary_key)]
    id: Auto<i64>,
    text: String,
    place: Option<i64>,
    #[column(foreign_key = "slides.id")]
    slide_id: Option<i64>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(table = "points")]
struct Point {
    #[column(primary_key)]
    id: Auto<i64>,
    letter: Option<String>,
    #[column(foreign_key = "slides.id")]
    slide_id: Option<i64>,
}

impl Bullet {
    fn with_text(text: &str) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

fn no_place_9(mapper: &mut MapperBuilder) {
    mapper.validate(Bullet::place, |_, _: Handle<Bullet>, place| match place {
        Some(9) => Err(Error::new(ErrorKind::Validation, "nothing stands there")),
        _ => Ok(()),
    });
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Slide>().unwrap();
    registry
}

fn at(text: &str, place: i64) -> Bullet {
    Bullet { place: Some(place), ..Bullet::with_text(text) }
}

fn slide(db: &mut Db, bullets: &[&str]) -> Handle<Slide> {
    let slide = db.add(Slide::default()).unwrap();
    for text in bullets {
        db.append(slide, Slide::bullets, Bullet::with_text(text)).unwrap();
    }
    slide
}

fn bullets(db: &Db, slide: Handle<Slide>) -> Vec<(String, i64)> {
    let members = db.members(slide, Slide::bullets);
    members.map(|b| (db[b].text.clone(), db[b].place.unwrap_or(-1))).collect()
}

fn placed(texts: &[&str]) -> Vec<(String, i64)> {
    texts.iter().zip(0..).map(|(text, place)| ((*text).to_owned(), place)).collect()
}

#[test]
fn positions_follow_what_comes_goes_and_moves() {
    each("ordering", registry, |db| {
        let slide = slide(db, &["a", "b", "c"]);
        assert_eq!(bullets(db, slide), placed(&["a", "b", "c"]));
        db.insert_at(slide, Slide::bullets, 1, Bullet::with_text("i")).unwrap();
        assert_eq!(bullets(db, slide), placed(&["a", "i", "b", "c"]));
        let first = db.members(slide, Slide::bullets).next().unwrap();
        db.remove(slide, Slide::bullets, first).unwrap();
        assert_eq!(bullets(db, slide), placed(&["i", "b", "c"]));
        // What goes keeps its position.
        assert_eq!(db[first].place, Some(0));
        db.commit().unwrap();
        db.sent();
        db.move_member(slide, Slide::bullets, 2, 0).unwrap();
        assert_eq!(bullets(db, slide), placed(&["c", "i", "b"]));
        assert!(!db.history(slide, Slide::bullets).unwrap().has_changes());
        db.move_member(slide, Slide::bullets, 0, 1).unwrap();
        db.commit().unwrap();
        assert!(db.sent().iter().all(|sql| sql.starts_with("UPDATE")));
        db.renew();
        let slide = db.one(select::<Slide>()).unwrap();
        db.load(slide, Slide::bullets).unwrap();
        assert_eq!(bullets(db, slide), placed(&["i", "c", "b"]));
        assert!(db.dirty_objects().is_empty());
    });
}

#[test]
fn what_is_appended_keeps_its_position_and_reorder_gives_new_ones() {
    let mut db = Db::new(registry());
    let slide = slide(&mut db, &["a"]);
    db.append(slide, Slide::bullets, at("b", 7)).unwrap();
    db.append(slide, Slide::bullets, Bullet::with_text("c")).unwrap();
    assert_eq!(bullets(&db, slide).iter().map(|b| b.1).collect::<Vec<_>>(), [0, 7, 2]);
    db.reorder(slide, Slide::bullets).unwrap();
    assert_eq!(bullets(&db, slide), placed(&["a", "b", "c"]));
    // A list in another order, as a sort gives it: positions are left alone until they are asked for.
    let mut sorted: Vec<_> = db.members(slide, Slide::bullets).collect();
    sorted.reverse();
    db.set(slide, Slide::bullets, sorted).unwrap();
    assert_eq!(bullets(&db, slide).iter().map(|b| b.1).collect::<Vec<_>>(), [2, 1, 0]);
    db.reorder(slide, Slide::bullets).unwrap();
    assert_eq!(bullets(&db, slide), placed(&["c", "b", "a"]));
}

#[test]
fn numbers_are_as_the_mapping_says() {
    let mut db = Db::new(registry());
    let slide = slide(&mut db, &[]);
    let note = |place| Note { place, ..Note::default() };
    db.append(slide, Slide::notes, note(Some(9))).unwrap();
    db.append(slide, Slide::notes, note(None)).unwrap();
    let places = |db: &Db| -> Vec<_> {
        db.members(slide, Slide::notes).map(|n| db[n].place.unwrap()).collect()
    };
    assert_eq!(places(&db), [1, 2]);
    db.set(slide, Slide::notes, [note(Some(5)), note(None), note(Some(1))]).unwrap();
    assert_eq!(places(&db), [1, 2, 3]);
    for _ in 0..3 {
        db.append(slide, Slide::points, Point::default()).unwrap();
    }
    db.move_member(slide, Slide::points, 0, 2).unwrap();
    let letters: Vec<_> =
        db.members(slide, Slide::points).map(|p| db[p].letter.clone().unwrap()).collect();
    assert_eq!(letters, ["a", "b", "c"]);
}

#[test]
fn a_refusal_leaves_the_list_as_it_was() {
    let mut db = Db::new(registry());
    let texts = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let slide = slide(&mut db, &texts);
    let error = db.insert_at(slide, Slide::bullets, 0, Bullet::with_text("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(bullets(&db, slide), placed(&texts));
    assert_eq!(db.move_member(slide, Slide::bullets, 0, 9).unwrap_err().kind(), ErrorKind::Absent);
    assert_eq!(db.move_member(slide, Slide::bullets, 9, 0).unwrap_err().kind(), ErrorKind::Absent);
    assert_eq!(bullets(&db, slide), placed(&texts));
    db.commit().unwrap();
    db.renew();
    let slide = db.one(select::<Slide>()).unwrap();
    assert_eq!(db.reorder(slide, Slide::bullets).unwrap_err().kind(), ErrorKind::NotLoaded);
    let error = db.move_member(slide, Slide::bullets, 0, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotLoaded);
}

#[test]
fn records_are_ordered_as_structs_are() {
    let registry = Registry::new();
    let band = registry
        .describe("Band")
        .table("bands")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .many("songs", "Song", |r| {
            r.order_by(["place"]).position("place").numbering(Numbering::count_from(1));
        })
        .many("others", "Song", |r| {
            r.viewonly();
        })
        .finish()
        .unwrap();
    let song = registry
        .describe("Song")
        .table("songs")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<i64>("place", |c| c)
        .column::<Option<i64>>("band_id", |c| c.references("bands.id"))
        .finish()
        .unwrap();
    let songs = band.attr::<Many<Record>>("songs").unwrap();
    let mut db = Db::new(registry);
    let x = db.add(band.record()).unwrap();
    for _ in 0..3 {
        db.append(x, songs, song.record()).unwrap();
    }
    db.move_member(x, songs, 2, 0).unwrap();
    db.commit().unwrap();
    let places: Vec<_> = db.members(x, songs).map(|s| db[s].value("place").unwrap()).collect();
    assert_eq!(places, [1i64, 2, 3].map(Value::from));
    let others = band.attr::<Many<Record>>("others").unwrap();
    let error = db.reorder(x, others).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}
