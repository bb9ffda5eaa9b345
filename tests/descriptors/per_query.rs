//! Expressions that each query says for an attribute.

use aludel::orm::aliased;
use aludel::prelude::*;
use aludel::sql::{BinaryOp, Node};
use aludel::{ErrorKind, Value};

use crate::each;
use crate::support::Db;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "articles")]
struct Article {
    #[column(primary_key)]
    id: Auto<i64>,
    words: i64,
    #[expression(query)]
    score: Option<i64>,
    #[expression(Self::words * 2i64)]
    double: i64,
    #[column(foreign_key = "articles.id")]
    about_id: Option<i64>,
    #[relationship(remote_side = "id")]
    about: One<Article>,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<Article>().unwrap();
    registry
}

fn articles(db: &mut Db) {
    let first = db.add(Article { words: 10, ..Article::default() }).unwrap();
    db.flush().unwrap();
    let second = db.add(Article { words: 20, ..Article::default() }).unwrap();
    db.set(second, Article::about, first).unwrap();
    db.commit().unwrap();
    db.renew();
}

fn scores(db: &mut Db, query: aludel::orm::Select<Article>) -> Vec<Option<i64>> {
    let found = db.all(query.order_by(Article::id)).unwrap();
    found.into_iter().map(|article| db[article].score).collect()
}

#[test]
fn a_query_says_what_an_attribute_reads() {
    each("per_query_reads", registry, |db| {
        articles(db);
        // Without, it is NULL.
        assert_eq!(scores(db, select::<Article>()), [None, None]);
        // What was not loaded is loaded.
        let times =
            |n: i64| select::<Article>().with_expression(Article::score, Article::words * n);
        assert_eq!(scores(db, times(3)), [Some(30), Some(60)]);
        // What was loaded stays, unless the query says otherwise.
        assert_eq!(scores(db, times(4)), [Some(30), Some(60)]);
        assert_eq!(scores(db, times(5).populate_existing()), [Some(50), Some(100)]);
        db.renew();
        assert_eq!(scores(db, times(6).filter(Article::words.gt(10))), [Some(120)]);
    });
}

#[test]
fn also_for_expressions_of_the_mapping_and_over_what_is_joined() {
    each("per_query_others", registry, |db| {
        articles(db);
        let query = select::<Article>().with_expression(Article::double, Article::words + 1i64);
        let found = db.all(query.order_by(Article::id)).unwrap();
        assert_eq!(found.iter().map(|a| db[*a].double).collect::<Vec<_>>(), [11, 21]);
        db.renew();
        let other = aliased::<Article>();
        let query = select::<Article>()
            .join_as(Article::about, &other)
            .with_expression(Article::score, other.col(Article::words) + Article::words);
        assert_eq!(scores(db, query), [Some(30)]);
        // What is loaded along is none of the query's own objects.
        db.renew();
        let query = select::<Article>()
            .filter(Article::words.eq(20))
            .options(joined(Article::about))
            .with_expression(Article::score, Article::words * 7i64);
        assert_eq!(scores(db, query), [Some(140)]);
        let first = db.get::<Article>(1).unwrap().unwrap();
        assert_eq!((db[first].score, db[first].double), (None, 20));
    });
}

#[test]
fn by_name_and_mistakes() {
    each("per_query_names", registry, |db| {
        articles(db);
        let class = db.entity_named("Article").unwrap();
        let double = Node::binary(
            BinaryOp::Mul,
            class.attr("words").unwrap(),
            class.value("words", Value::I64(2)).unwrap(),
        );
        let query = db.query_named("Article").unwrap().with_expression("score", double.clone());
        let ids = db.all_of(query.unwrap());
        assert_eq!(db.get_named(ids[0], "score").unwrap(), Some(Value::I64(20).into()));
        let unknown = db.query_named("Article").unwrap().with_expression("scor", double);
        assert!(unknown.unwrap_err().to_string().contains("did you mean `score`"));
        let column = select::<Article>().with_expression(Article::words, 5);
        let refused = db.all(column).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Argument);
        assert!(refused.to_string().contains("Article.words reads no expression"), "{refused}");
    });
}
