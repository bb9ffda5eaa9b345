//! Queries with everything at once, merges of graphs with circles, and savepoints around it all.

use aludel::orm::{Select, aliased, contains_eager, immediate, subquery};
use aludel::prelude::*;

use super::{rows, with};
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_author")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(unique)]
    name: String,
    age: i64,
    #[relationship(
        back_populates = "author",
        order_by = "id",
        cascade = "all, delete-orphan",
        foreign_keys = "combined_book.author_id"
    )]
    books: Many<Book>,
    #[column(foreign_key = "combined_book.id", use_alter)]
    best_id: Option<i64>,
    #[relationship(foreign_keys = "best_id", post_update)]
    best: One<Book>,
    #[relationship(secondary = "combined_friends(a; b)", order_by = "id")]
    friends: Many<Author>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "combined_book")]
struct Book {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(foreign_key = "combined_author.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "books", foreign_keys = "author_id")]
    author: One<Author>,
}

fn book(title: &str) -> Book {
    Book { title: title.into(), ..Book::default() }
}

/// Four authors, each a friend of the next; the last of their books is the best. Seen by a new session.
fn with_authors(schema: &str, test: impl Fn(&mut Db)) {
    with::<Author>(schema, |db| {
        let author = |name: &str, age, books: &[&str]| {
            let books = Many::new(books.iter().map(|title| book(title)));
            Author { name: name.into(), age, books, ..Author::default() }
        };
        let authors = [
            author("ann", 30, &["z", "a", "m"]),
            author("bob", 20, &["b"]),
            author("cy", 40, &[]),
            author("dan", 10, &["c", "y"]),
        ];
        let authors = db.add_all(authors).unwrap();
        db.flush().unwrap();
        for (at, author) in authors.iter().enumerate() {
            let best = db[*author].books.to_vec().last().copied();
            db.set(*author, Author::best, best).unwrap();
            db.append(*author, Author::friends, authors[(at + 1) % 4]).unwrap();
        }
        db.commit().unwrap();
        db.renew();
        test(db);
    });
}

/// The names of the authors that a query gives, and how many books each has; all in one SELECT.
fn one_select(db: &mut Db, query: Select<Author>) -> String {
    db.renew();
    db.selects();
    let authors = db.all(query).unwrap();
    assert_eq!(db.selects(), 1);
    let shown = authors.iter().map(|a| format!("{}{}", db[*a].name, db[*a].books.len()));
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn limits_count_objects_whatever_is_joined() {
    with_authors("combined_limits", |db| {
        let by_best = || select::<Author>().join(Author::best).order_by(Book::title);
        let query = by_best().limit(2).options(joined(Author::books));
        assert_eq!(one_select(db, query), "bob1 ann3");
        let query = select::<Author>()
            .outer_join(Author::best)
            .order_by((Book::title.desc().nulls_last(), Author::id))
            .limit(2)
            .offset(1)
            .options((joined(Author::books), joined(Author::best)));
        assert_eq!(one_select(db, query), "ann3 bob1");
        let query = select::<Author>()
            .join(Author::books)
            .filter(Book::title.gt("b"))
            .distinct()
            .order_by(Author::name)
            .limit(10)
            .options(joined(Author::books));
        assert_eq!(one_select(db, query), "ann3 dan2");
        let query = select::<Author>()
            .outer_join(Author::books)
            .group_by(Author::id)
            .order_by((Book::id.count().desc(), Author::id))
            .limit(2)
            .options(joined(Author::books));
        assert_eq!(one_select(db, query), "ann3 dan2");
        let both = (
            joined(Author::friends).joined(Author::books),
            joined(Author::books).joined(Book::author),
        );
        let query = select::<Author>().order_by(Author::age).limit(2).options(both);
        assert_eq!(one_select(db, query), "dan2 bob1");
        let author = aliased::<Author>();
        let query = author.select().order_by(author.col(Author::age)).limit(2);
        assert_eq!(one_select(db, query.options(joined(Author::books))), "dan2 bob1");
        // Of a join of the program's own, rows are counted.
        let query = select::<Author>().join(Author::books).order_by(Book::title).limit(3);
        assert_eq!(one_select(db, query.options(contains_eager(Author::books))), "ann1 bob1 dan1");
        // A count takes no notice of what comes along.
        let query = select::<Author>().join(Author::books).filter(Book::title.gt("a")).limit(3);
        assert_eq!(db.count(query.options(joined(Author::friends))).unwrap(), 3);
    });
}

#[test]
fn rows_are_locked_with_what_comes_along() {
    with_authors("combined_locks", |db| {
        let locked = || select::<Author>().order_by(Author::id).for_update();
        for query in [
            locked().options(joined(Author::books)),
            locked().options(joined(Author::best)),
            locked().limit(4).options(joined(Author::books)),
            locked().options(selectin(Author::books)),
            locked().options(subquery(Author::books)),
            locked().options(immediate(Author::books)),
        ] {
            let authors = db.all(query).unwrap();
            assert_eq!(authors.len(), 4);
            db.set(authors[2], Author::age, 41).unwrap();
            db.rollback().unwrap();
            db.renew();
        }
    });
}

#[test]
fn streams_bring_everything_along() {
    with_authors("combined_streams", |db| {
        let authors = select::<Author>;
        for (query, wanted) in [
            (authors().options(selectin(Author::books).joined(Book::author)), "ann3 bob1 cy0 dan2"),
            (
                authors().order_by(Author::age.desc()).options(joined(Author::books)),
                "cy0 ann3 bob1 dan2",
            ),
            (
                authors().options((subquery(Author::books), joined(Author::best))),
                "ann3 bob1 cy0 dan2",
            ),
            (
                authors().join(Author::best).order_by(Book::title).options(selectin(Author::books)),
                "bob1 ann3 dan2",
            ),
        ] {
            let mut stream = db.stream(query, 2).unwrap();
            let mut seen = Vec::new();
            while let Some(batch) = db.next_batch(&mut stream).unwrap() {
                let shown = batch.iter().map(|a| format!("{}{}", db[*a].name, db[*a].books.len()));
                seen.extend(shown);
            }
            assert_eq!(seen.join(" "), wanted);
            db.renew();
        }
    });
}

#[test]
fn a_graph_with_circles_is_merged() {
    with_authors("combined_merge", |db| {
        let author =
            |id: Auto<i64>, name: &str| Author { id, name: name.into(), ..Author::default() };
        let (ann, bob) = (author(1.into(), "ann 2"), author(2.into(), "bob 2"));
        let [ann, bob, new] =
            [ann, bob, author(Auto::Unset, "new")].map(|author| db.make(author).unwrap());
        for (from, to) in [(ann, bob), (bob, new), (new, ann)] {
            db.append(from, Author::friends, to).unwrap();
        }
        let first = db.make(Book { id: 1.into(), ..book("first") }).unwrap();
        let fresh = db.make(book("fresh")).unwrap();
        db.set(ann, Author::books, [first, fresh]).unwrap();
        db.set(ann, Author::best, fresh).unwrap();
        db.set(new, Author::best, first).unwrap();
        let merged = db.merge(ann).unwrap();
        db.commit().unwrap();
        assert_eq!(db.state(ann).unwrap(), ObjectState::Transient);
        assert_eq!(db[merged].books.len(), 2);
        let names = "SELECT name FROM combined_author ORDER BY id";
        assert_eq!(rows(db, names), "ann 2 bob 2 cy dan new");
        let books = "SELECT title, author_id FROM combined_book ORDER BY id";
        assert_eq!(rows(db, books), "first:1 b:2 c:4 y:4 fresh:1");
        let friends = "SELECT a, b FROM combined_friends ORDER BY a, b";
        assert_eq!(rows(db, friends), "1:2 2:5 3:4 4:1 5:1");
        let best = "SELECT a.id, b.title FROM combined_author a JOIN combined_book b ON b.id = best_id ORDER BY 1";
        assert_eq!(rows(db, best), "1:fresh 4:y 5:first");
    });
}

#[test]
fn a_savepoint_takes_all_of_it_back() {
    with_authors("combined_savepoints", |db| {
        let all = [
            "SELECT name, best_id FROM combined_author ORDER BY id",
            "SELECT title, author_id FROM combined_book ORDER BY id",
            "SELECT a, b FROM combined_friends ORDER BY a, b",
        ];
        let before = all.map(|sql| rows(db, sql));
        let along = (selectin(Author::books), selectin(Author::friends), selectin(Author::best));
        let authors = db.all(select::<Author>().order_by(Author::id).options(along)).unwrap();
        let (ann, bob) = (authors[0], authors[1]);
        let books = db[ann].books.to_vec();
        db.begin_nested().unwrap();
        db.append(bob, Author::books, books[0]).unwrap();
        db.delete(books[1]).unwrap();
        let new = db.add(book("new")).unwrap();
        db.append(ann, Author::books, new).unwrap();
        db.set(ann, Author::best, new).unwrap();
        db.remove(ann, Author::friends, bob).unwrap();
        db.set(ann, Author::name, "x").unwrap();
        db.flush().unwrap();
        // One within it.
        db.begin_nested().unwrap();
        let other = db[authors[3]].books.at(0).unwrap();
        db.delete(other).unwrap();
        db.flush().unwrap();
        db.commit_nested().unwrap();
        assert_ne!(all.map(|sql| rows(db, sql)), before);
        db.rollback_nested().unwrap();
        assert_eq!(all.map(|sql| rows(db, sql)), before);
        assert_eq!(db.state(new).unwrap(), ObjectState::Transient);
        for author in [ann, bob, authors[3]] {
            db.refresh(author).unwrap();
            db.load(author, Author::books).unwrap();
            db.load(author, Author::friends).unwrap();
        }
        let counts = [ann, bob, authors[3]].map(|a| (db[a].books.len(), db[a].friends.len()));
        assert_eq!(counts, [(3, 1), (1, 1), (2, 1)]);
        assert_eq!(db[ann].name, "ann");
        assert!(db.dirty_objects().is_empty() && db.new_objects().is_empty());
        // What was new can be added again, and nothing else is written.
        db.sent();
        db.append(ann, Author::books, new).unwrap();
        db.commit().unwrap();
        assert_eq!(db.sent().len(), 1);
        assert_eq!(db.count(select::<Book>()).unwrap(), 7);
    });
}
