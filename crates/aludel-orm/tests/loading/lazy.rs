//! How mappings say that relationships are loaded.

use std::sync::Arc;

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::{
    Auto, Datum, ErrorKind, Lazy, Many, One, Registry, Session, joined, lazy_load, others, select,
    selectin,
};

use crate::databases;
use crate::zoo::Selects;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "authors")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "author", order_by = "id", lazy = "selectin")]
    books: Many<Book>,
    #[relationship(back_populates = "author", lazy = "raise")]
    letters: Many<Letter>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "books")]
struct Book {
    #[column(primary_key)]
    id: Auto<i64>,
    title: String,
    #[column(foreign_key = "authors.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "books", lazy = "joined")]
    author: One<Author>,
    #[relationship(back_populates = "book", order_by = "id", lazy = "joined")]
    chapters: Many<Chapter>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "chapters")]
struct Chapter {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "books.id")]
    book_id: Option<i64>,
    #[relationship(back_populates = "chapters", lazy = "raise_on_sql")]
    book: One<Book>,
    #[column(foreign_key = "chapters.id")]
    after_id: Option<i64>,
    #[relationship(remote_side = "id", lazy = "selectin")]
    after: One<Chapter>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "letters")]
struct Letter {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "authors.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "letters", lazy = "subquery")]
    author: One<Author>,
}

struct Db {
    engine: Engine,
    registry: Registry,
    selects: Selects,
}

impl Db {
    fn each(test: impl Fn(Self)) {
        databases::each(|engine| test(Self::new(engine)));
    }

    fn new(engine: Engine) -> Self {
        let registry = Registry::new();
        registry.register::<Author>().unwrap();
        engine.block_on(registry.create_all(&engine)).unwrap();
        let db = Self { engine, registry, selects: Selects::default() };
        let mut s = db.session();
        for n in 1..=3 {
            let book = s.add(Book { title: format!("b{n}"), ..Book::default() }).unwrap();
            for _ in 0..n {
                s.append(book, Book::chapters, Chapter::default()).unwrap();
            }
            let letters = [Letter::default()].into();
            let name = format!("a{n}");
            s.add(Author { name, books: [book].into(), letters, ..Author::default() }).unwrap();
        }
        db.run(s.commit());
        db.engine.observe(Arc::new(db.selects.clone()));
        db
    }

    fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    fn run<T>(&self, future: impl Future<Output = aludel_orm::Result<T>>) -> T {
        self.engine.block_on(future).unwrap()
    }

    fn selects(&self) -> usize {
        self.selects.take().len()
    }
}

#[test]
fn mappings_say_what_comes_along() {
    Db::each(|db| {
        let mut s = db.session();
        let authors = db.run(s.all(select::<Author>().order_by(Author::id)));
        // The authors; their books with the chapters joined. What led there is not joined again.
        assert_eq!(db.selects(), 2);
        for (n, author) in authors.iter().enumerate() {
            let book = s[*author].books.at(0).unwrap();
            assert_eq!(s[book].chapters.len(), n + 1);
        }
        // A book alone: its author joined, and the author's other books are not gone after.
        s.expunge_all().unwrap();
        let book = db.run(s.get::<Book>(2)).unwrap();
        assert_eq!(db.selects(), 1);
        let author = s[book].author.get().unwrap();
        assert_eq!(s[author].name, "a2");
        assert_eq!(s[book].chapters.len(), 2);
        assert!(!s[author].books.is_loaded());
        s.expunge_all().unwrap();
        let letters = db.run(s.all(select::<Letter>().limit(2).order_by(Letter::id)));
        let sql = db.selects.take();
        assert!(sql[1].contains("LIMIT"), "over the query: {sql:#?}");
        assert!(letters.iter().all(|letter| s[*letter].author.get().is_some()));
    });
}

#[test]
fn a_query_says_otherwise() {
    Db::each(|db| {
        let mut s = db.session();
        let query = || select::<Author>().order_by(Author::id);
        let authors = db.run(s.all(query().options(lazy_load(Author::books))));
        assert_eq!(db.selects(), 1);
        assert!(!s[authors[0]].books.is_loaded());
        s.expunge_all().unwrap();
        db.run(s.all(query().options(joined(Author::books))));
        assert_eq!(db.selects(), 1);
        s.expunge_all().unwrap();
        let authors = db.run(s.all(query().options(others::<Author>(Lazy::Select))));
        assert_eq!(db.selects(), 1);
        // What the mapping forbids, a query allows.
        db.run(s.load(authors[0], Author::letters));
        s.expunge_all().unwrap();
        let query = query().options(selectin(Author::books).then(others::<Book>(Lazy::Raise)));
        let authors = db.run(s.all(query));
        let book = s[authors[0]].books.at(0).unwrap();
        assert_eq!(db.selects(), 3);
        let error = db.engine.block_on(s.load(book, Book::chapters)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        s.expunge_all().unwrap();
        let authors = db.run(s.all(select::<Author>().options(others::<Author>(Lazy::SelectIn))));
        assert!(s[authors[0]].letters.is_loaded() && s[authors[0]].books.is_loaded());
        // By name.
        s.expunge_all().unwrap();
        let mut query = s.query_named("Author").unwrap();
        query.others(Lazy::Immediate);
        let authors = db.run(s.all_of(query));
        let letters = s.get_named(authors[0], "letters").unwrap();
        assert!(matches!(letters, Some(Datum::Many(members)) if members.len() == 1));
    });
}

#[test]
fn mappings_forbid() {
    Db::each(|db| {
        let mut s = db.session();
        let author = db.run(s.get_one::<Author>(1));
        let error = db.engine.block_on(s.load(author, Author::letters)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotLoaded);
        let text = error.to_string();
        assert!(
            text.ends_with(
                "Author.letters of Author(1) may not be loaded: its mapping says `raise`"
            )
        );
        // Deleting and merging load what they need.
        db.run(s.delete(author));
        db.run(s.commit());
        let mut other = db.session();
        let chapter = db.run(other.get_one::<Chapter>(2));
        let error = db.engine.block_on(other.load(chapter, Chapter::book)).unwrap_err();
        assert!(error.to_string().ends_with("its mapping says `raise_on_sql`"), "{error}");
        let book = db.run(other.get_one::<Book>(2));
        assert_eq!(db.run(other.load(chapter, Chapter::book)).get(), Some(book));
    });
}
