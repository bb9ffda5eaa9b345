//! What a second, non-primary mapper is for: a class loaded from a particular query, or such a query as the target of a
//! relationship.

use aludel::orm::{Rows, aliased, subquery};
use aludel::prelude::*;
use aludel::sql::{Expr, Over, func};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "lm_authors")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "author")]
    posts: Many<Post>,
    /// The two best: a relationship limited by rows, over a window.
    #[relationship(primaryjoin = best(), viewonly, order_by = "-score")]
    best: Many<Post>,
    /// Those of posts with a comment of the author's own: by a join of other classes.
    #[relationship(primaryjoin = answered(), viewonly, order_by = "id")]
    answered: Many<Post>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "lm_posts")]
struct Post {
    #[column(primary_key)]
    id: Auto<i64>,
    score: i64,
    #[column(foreign_key = "lm_authors.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "posts")]
    author: One<Author>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "lm_comments")]
struct Comment {
    #[column(primary_key)]
    id: Auto<i64>,
    #[column(foreign_key = "lm_posts.id")]
    post_id: i64,
    #[column(foreign_key = "lm_authors.id")]
    author_id: i64,
    #[relationship]
    post: One<Post>,
}

/// The posts with their places among those of their authors: a class of its own over a query.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(source = Self::rows)]
struct Ranked {
    #[column(primary_key)]
    id: i64,
    place: i64,
}

impl Ranked {
    fn rows() -> Rows<(i64, i64)> {
        let window = Over::new().partition_by(Post::author_id).order_by(Post::score.desc());
        let place = func::<i64>("row_number", ()).over(window).label("place");
        select::<Post>().columns((Post::id, place))
    }
}

fn best() -> Expr<bool> {
    let first = select::<Ranked>().filter(Ranked::place.le(2)).columns(Ranked::id);
    Author::id.eq(Post::author_id) & Post::id.in_query(first)
}

fn answered() -> Expr<bool> {
    let post = aliased::<Post>();
    let own = select::<Comment>()
        .join_as(Comment::post, &post)
        .filter(post.col(Post::author_id).eq(Comment::author_id))
        .columns(Comment::post_id);
    Author::id.eq(Post::author_id) & Post::id.in_query(own)
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Author>().unwrap();
    registry.register::<Comment>().unwrap();
    registry.register::<Ranked>().unwrap();
    registry
}

fn posts(db: &mut Db) {
    let post = |score| Post { score, ..Post::default() };
    for (name, scores) in [("ann", vec![1, 5, 3]), ("bob", vec![2])] {
        let posts = scores.into_iter().map(post).collect();
        db.add(Author { name: name.into(), posts, ..Author::default() }).unwrap();
        db.flush().unwrap();
    }
    for (post_id, author_id) in [(1, 1), (2, 2), (4, 1)] {
        db.add(Comment { post_id, author_id, ..Comment::default() }).unwrap();
    }
    db.commit().unwrap();
    db.renew();
}

fn scores(db: &Db, author: Handle<Author>, which: aludel::Attr<Author, Many<Post>>) -> Vec<i64> {
    db.members(author, which).map(|post| db[post].score).collect()
}

#[test]
fn a_relationship_limited_by_rows() {
    each("mappers_load_only", registry, |db| {
        posts(db);
        for options in [selectin(Author::best), joined(Author::best), subquery(Author::best)] {
            let query = select::<Author>().order_by(Author::id).options(options);
            let authors = db.all(query).unwrap();
            assert_eq!(scores(db, authors[0], Author::best), [5, 3]);
            assert_eq!(scores(db, authors[1], Author::best), [2]);
            db.expunge_all().unwrap();
        }
        let ann = db.get_one::<Author>(1).unwrap();
        db.load(ann, Author::best).unwrap();
        assert_eq!(scores(db, ann, Author::best), [5, 3]);
        // Its members are the objects of the class, as everywhere.
        let post = db.members(ann, Author::best).next().unwrap();
        db.set(post, Post::score, 9).unwrap();
        db.commit().unwrap();
        let high = select::<Author>().filter(Author::best.any(Post::score.gt(8)));
        assert_eq!(db.all(high).unwrap(), [ann]);
    });
}

#[test]
fn a_relationship_by_a_join_of_others() {
    each("mappers_load_only_join", registry, |db| {
        posts(db);
        let query = select::<Author>().order_by(Author::id).options(selectin(Author::answered));
        let authors = db.all(query).unwrap();
        assert_eq!(scores(db, authors[0], Author::answered), [1]);
        assert_eq!(scores(db, authors[1], Author::answered), [] as [i64; 0]);
    });
}

#[test]
fn the_class_from_a_query() {
    each("mappers_load_only_statement", registry, |db| {
        posts(db);
        let firsts = select::<Post>()
            .filter(
                Post::id
                    .in_query(select::<Ranked>().filter(Ranked::place.eq(1)).columns(Ranked::id)),
            )
            .order_by(Post::id);
        let firsts = db.all(firsts).unwrap();
        let scores: Vec<i64> = firsts.iter().map(|post| db[*post].score).collect();
        assert_eq!(scores, [5, 2]);
        // What is loaded so is written by the class's own mapper.
        db.set(firsts[1], Post::score, 7).unwrap();
        db.commit().unwrap();
        assert_eq!(db.get_one::<Post>(4).unwrap(), firsts[1]);
    });
}
