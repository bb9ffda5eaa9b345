//! Criteria that go with a class: soft deletion, tenants.

use aludel_derive::Mapped;
use aludel_engine::Engine;
use aludel_orm::events::StatementEvent;
use aludel_orm::{
    Auto, Datum, ErrorKind, Handle, LoaderCriteria, Many, One, Registry, Result, Session, aliased,
    contains_eager, delete, immediate, joined, loader_criteria, loader_criteria_for_each, select,
    selectin, subquery, update,
};
use aludel_sql::{Expression, IntoQuery, Node, Statement, Value};

use crate::databases;

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "authors")]
struct Author {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    tenant: i64,
    #[relationship(back_populates = "author", order_by = "id")]
    posts: Many<Post>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "posts", polymorphic_on = "kind", polymorphic_identity = "post")]
struct Post {
    #[column(primary_key)]
    id: Auto<i64>,
    kind: String,
    title: String,
    deleted: bool,
    tenant: i64,
    #[column(foreign_key = "authors.id")]
    author_id: Option<i64>,
    #[relationship(back_populates = "posts")]
    author: One<Author>,
    #[relationship(secondary = "post_tags(post_id; tag_id)", order_by = "id")]
    tags: Many<Tag>,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "videos", polymorphic_identity = "video")]
struct Video {
    #[mapped(base)]
    post: Post,
    seconds: i64,
}

#[derive(Mapped, Clone, Debug, Default)]
#[mapped(crate = aludel_orm, table = "tags")]
struct Tag {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    deleted: bool,
}

struct Db {
    engine: Engine,
    registry: Registry,
}

const ROWS: &str = "
    INSERT INTO authors (id, name, tenant) VALUES (1, 'ed', 1), (2, 'wendy', 2);
    INSERT INTO posts (id, kind, title, deleted, tenant, author_id) VALUES
        (1, 'post', 'p1', FALSE, 1, 1), (2, 'post', 'p2', TRUE, 1, 1), (3, 'post', 'p3', FALSE, 2, 2),
        (4, 'video', 'v4', TRUE, 2, 2), (5, 'video', 'v5', FALSE, 2, 1);
    INSERT INTO videos (id, seconds) VALUES (4, 40), (5, 50);
    INSERT INTO tags (id, name, deleted) VALUES (1, 't1', FALSE), (2, 't2', TRUE);
    INSERT INTO post_tags (post_id, tag_id) VALUES (1, 1), (1, 2), (3, 2);
";

impl Db {
    fn each(test: impl Fn(Self)) {
        databases::each(|engine| test(Self::new(engine)));
    }

    fn new(engine: Engine) -> Self {
        let registry = Registry::new();
        registry.register::<Author>().unwrap();
        registry.register::<Video>().unwrap();
        engine.block_on(registry.create_all(&engine)).unwrap();
        databases::run_script(&engine, ROWS);
        Self { engine, registry }
    }

    fn session(&self) -> Session {
        Session::with_registry(&self.engine, &self.registry)
    }

    fn run<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        self.engine.block_on(future).unwrap()
    }
}

fn living() -> LoaderCriteria {
    loader_criteria::<Post>(Post::deleted.eq(false))
}

fn titles(s: &Session, posts: impl IntoIterator<Item = Handle<Post>>) -> Vec<String> {
    posts.into_iter().map(|post| s.value(post, Post::title).unwrap().clone()).collect()
}

fn posts_of(s: &Session, author: Handle<Author>) -> Vec<String> {
    titles(s, s[author].posts.to_vec())
}

#[test]
fn the_query_itself_under_any_name() {
    Db::each(|db| {
        let mut s = db.session();
        let posts = db.run(s.all(select::<Post>().with_criteria(living()).order_by(Post::id)));
        assert_eq!(titles(&s, posts), ["p1", "p3", "v5"]);
        // Subclasses, whether the query is of them or of the base.
        let videos = db.run(s.all(select::<Video>().with_criteria(living())));
        assert_eq!(videos.len(), 1);
        assert_eq!(db.run(s.count(select::<Video>().with_criteria(living()))), 1);
        let other = aliased::<Post>();
        let query = other.select().with_criteria(living()).order_by(other.col(Post::title));
        assert_eq!(db.run(s.all(query)).len(), 3);
        let titles = select::<Post>().with_criteria(living()).columns(Post::title.max());
        assert_eq!(db.run(s.scalar(titles)), Some(Some("v5".into())));
        // The same shape with other values is the same statement.
        for (tenant, count) in [(1, 2), (2, 3)] {
            let of_tenant = loader_criteria::<Post>(Post::tenant.eq(tenant));
            assert_eq!(db.run(s.count(select::<Post>().with_criteria(of_tenant))), count);
        }
    });
}

#[test]
fn joins_and_criteria_of_relationships() {
    Db::each(|db| {
        let mut s = db.session();
        let authors = || select::<Author>().with_criteria(living()).order_by(Author::id);
        let inner = authors().join(Author::posts).columns((Author::name, Post::title));
        let mut rows = db.run(s.rows(inner));
        rows.sort();
        let row = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(rows, [row("ed", "p1"), row("ed", "v5"), row("wendy", "p3")]);
        // An outer join keeps those that have none which count.
        let two = select::<Author>().with_criteria(living()).filter(Author::id.eq(2));
        let count = two.outer_join(Author::posts).columns(Post::title.count());
        assert_eq!(db.run(s.rows(count)), [1]);
        let none = loader_criteria::<Post>(Post::title.eq("none"));
        let kept = select::<Author>().with_criteria(none).outer_join(Author::posts);
        assert_eq!(
            db.run(s.rows(kept.columns((Author::id, Post::id.count())).group_by(Author::id))).len(),
            2
        );
        let other = aliased::<Post>();
        let inner = authors().join_as(Author::posts, &other).columns(other.col(Post::title));
        assert_eq!(db.run(s.rows(inner)).len(), 3);
        let any = Author::posts.any(Post::title.eq("p2"));
        assert!(db.run(s.all(authors().filter(any.clone()))).is_empty());
        assert_eq!(db.run(s.all(select::<Author>().filter(any))).len(), 1);
        // Subqueries of the class.
        let sub = select::<Post>().columns(Post::author_id).filter(Post::title.in_(["v4"]));
        assert!(db.run(s.all(authors().filter(Author::id.in_query(sub)))).is_empty());
    });
}

#[test]
fn every_way_of_loading() {
    Db::each(|db| {
        let mut s = db.session();
        let options = [
            selectin(Author::posts),
            joined(Author::posts),
            subquery(Author::posts),
            immediate(Author::posts),
        ];
        for option in options {
            let query =
                select::<Author>().with_criteria(living()).order_by(Author::id).options(option);
            let authors = db.run(s.all(query));
            assert_eq!(posts_of(&s, authors[0]), ["p1", "v5"]);
            assert_eq!(posts_of(&s, authors[1]), ["p3"]);
            s.expunge_all().unwrap();
        }
        let query = select::<Author>()
            .with_criteria(living())
            .join(Author::posts)
            .order_by((Author::id, Post::id))
            .options(contains_eager(Author::posts));
        let authors = db.run(s.all(query));
        assert_eq!(posts_of(&s, authors[0]), ["p1", "v5"]);
        s.expunge_all().unwrap();
        // Through an association table.
        let tags = loader_criteria::<Tag>(Tag::deleted.eq(false));
        for option in [selectin(Post::tags), joined(Post::tags)] {
            let query =
                select::<Post>().with_criteria(tags.clone()).order_by(Post::id).options(option);
            let posts = db.run(s.all(query.limit(3)));
            let counts: Vec<usize> = posts.iter().map(|post| s[*post].tags.len()).collect();
            assert_eq!(counts, [1, 0, 0]);
            s.expunge_all().unwrap();
        }
        // In batches.
        let mut stream =
            db.run(s.stream(select::<Post>().with_criteria(living()).order_by(Post::id), 2));
        assert_eq!(db.run(stream.next(&mut s)).map(|batch| batch.len()), Some(2));
        assert_eq!(db.run(stream.next(&mut s)).map(|batch| batch.len()), Some(1));
    });
}

#[test]
fn later_loads_of_the_objects() {
    Db::each(|db| {
        let mut s = db.session();
        let ed = db.run(s.one(select::<Author>().filter(Author::id.eq(1)).with_criteria(living())));
        let wendy = db.run(s.get_one::<Author>(2));
        db.run(s.load_all(&[ed, wendy], Author::posts));
        assert_eq!(posts_of(&s, ed), ["p1", "v5"]);
        assert_eq!(posts_of(&s, wendy), ["p3", "v4"], "which came without");
        // What comes with an eager option has them as well, and hands them on.
        s.expunge_all().unwrap();
        let tags = loader_criteria::<Tag>(Tag::deleted.eq(false));
        let query = select::<Author>().with_criteria(tags).options(joined(Author::posts));
        let authors = db.run(s.all(query.order_by(Author::id)));
        let post = s[authors[0]].posts.at(0).unwrap();
        assert_eq!(db.run(s.load(post, Post::tags)).len(), 1);
        s.expunge_all().unwrap();
        let once = select::<Author>().with_criteria(living().not_propagated());
        let authors = db.run(s.all(once.order_by(Author::id)));
        db.run(s.load(authors[0], Author::posts));
        assert_eq!(posts_of(&s, authors[0]).len(), 3);
        // A reference whose object does not count is none.
        s.expunge_all().unwrap();
        let query = select::<Post>().with_criteria(loader_criteria::<Author>(Author::tenant.eq(2)));
        let posts = db.run(s.all(query.order_by(Post::id)));
        assert_eq!(db.run(s.load(posts[0], Post::author)).get(), None);
        assert!(db.run(s.load(posts[2], Post::author)).get().is_some());
    });
}

#[test]
fn statements_that_are_given_whole() {
    Db::each(|db| {
        let mut s = db.session();
        let of = |id: i64| select::<Post>().filter(Post::author_id.eq(id)).into_statement();
        // The queries of classes in it have the criteria.
        let query = select::<Post>().from_statement(of(1)).with_criteria(living());
        assert_eq!(db.run(s.all(query)).len(), 2);
        let query = select::<Post>().from_statement(of(1).union(of(2))).with_criteria(living());
        assert_eq!(db.run(s.all(query)).len(), 3);
        let query = select::<Post>().from_statement(of(1).union(of(2)));
        assert_eq!(db.run(s.all(query.clone())).len(), 5);
        let id = s.add_criteria(living());
        assert_eq!(db.run(s.all(query.clone())).len(), 3);
        assert_eq!(db.run(s.all(query.without_criteria())).len(), 5);
        assert!(s.remove_criteria(id));
        // SQL as text is as it was written; what is loaded after it has them.
        let text = || Statement::text("SELECT * FROM posts WHERE id < 4 ORDER BY id");
        let posts = db.run(s.all(select::<Post>().from_statement(text()).with_criteria(living())));
        assert_eq!(posts.len(), 3);
        s.expunge_all().unwrap();
        let tags = || loader_criteria::<Tag>(Tag::deleted.eq(false));
        let query = select::<Post>().from_statement(text()).with_criteria(tags());
        let posts = db.run(s.all(query.options(selectin(Post::tags))));
        assert_eq!((s[posts[0]].tags.len(), s[posts[2]].tags.len()), (1, 0));
        s.expunge_all().unwrap();
        let posts = db.run(s.all(select::<Post>().from_statement(text()).with_criteria(tags())));
        assert_eq!(db.run(s.load(posts[0], Post::tags)).len(), 1);
    });
}

#[test]
fn a_whole_session() {
    Db::each(|db| {
        let mut s = db.session();
        let id = s.add_criteria(living());
        assert_eq!(db.run(s.count(select::<Post>())), 3);
        assert!(db.run(s.get::<Post>(2)).is_none());
        assert!(db.run(s.get::<Video>(5)).is_some());
        let ed = db.run(s.get_one::<Author>(1));
        db.run(s.load(ed, Author::posts));
        assert_eq!(posts_of(&s, ed), ["p1", "v5"]);
        assert_eq!(db.run(s.count(select::<Post>().without_criteria())), 5);
        let query = s.query_named("Post").unwrap();
        assert_eq!(db.run(s.all_of(query)).len(), 3);
        let query = s.query_named("Post").unwrap().without_criteria();
        assert_eq!(db.run(s.all_of(query)).len(), 5);
        // What is written by criteria does not reach them either.
        let changed = update::<Post>().set(Post::title, "x").filter(Post::author_id.eq(1));
        assert_eq!(db.run(s.execute_update(changed)), 2);
        assert_eq!(db.run(s.execute_delete(delete::<Post>().filter(Post::id.eq(2)))), 0);
        // Refreshing an object that is there asks for its row, whatever it says.
        let post = s[ed].posts.at(0).unwrap();
        db.run(s.execute_update(update::<Post>().set(Post::deleted, true).filter(Post::id.eq(1))));
        db.run(s.refresh(post));
        assert!(s[post].deleted);
        assert!(s.remove_criteria(id) && !s.remove_criteria(id));
        assert_eq!(db.run(s.count(select::<Post>())), 5);
    });
}

#[test]
fn each_class_that_has_the_attribute() {
    Db::each(|db| {
        let mut s = db.session();
        let of_tenant = |tenant: i64| {
            loader_criteria_for_each(move |class| {
                let attribute = class.attr("tenant").ok()?;
                Some(Node::eq(attribute, class.value("tenant", Value::I64(tenant)).ok()?))
            })
        };
        s.add_criteria(of_tenant(2));
        let query = select::<Author>().options(joined(Author::posts));
        let wendy = db.run(s.one(query));
        assert_eq!(posts_of(&s, wendy), ["p3", "v4"]);
        assert_eq!(db.run(s.count(select::<Video>())), 2);
        assert_eq!(db.run(s.count(select::<Tag>())), 2);
        // For one query; within another it has to be on the outermost.
        db.run(s.close());
        let mut s = db.session();
        assert_eq!(db.run(s.count(select::<Post>().with_criteria(of_tenant(1)))), 2);
        let inner = select::<Post>().with_criteria(of_tenant(1)).columns(Post::author_id);
        let query = select::<Author>().filter(Author::id.in_query(inner));
        let error = db.engine.block_on(s.all(query)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(
            error
                .to_string()
                .contains("a query of Post within another has criteria for each class")
        );
    });
}

#[test]
fn by_name_and_by_a_listener() {
    Db::each(|db| {
        let mut s = db.session();
        let post = s.entity_named("Post").unwrap();
        let condition =
            Node::eq(post.attr("title").unwrap(), post.value("title", "p1".into()).unwrap());
        let criteria = post.loader_criteria(condition);
        let query = s.query_named("Author").unwrap().with_criteria(criteria);
        let authors = db.run(s.all_of(query));
        db.run(s.load_all_named(&authors, "posts"));
        let count = |s: &Session, id| match s.get_named(id, "posts").unwrap() {
            Some(Datum::Many(members)) => members.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!((count(&s, authors[0]), count(&s, authors[1])), (1, 0));
        db.run(s.close());
        let mut s = db.session();
        s.on(StatementEvent::DoOrmExecute, |_, told| {
            told.with_criteria(living());
            Ok(())
        })
        .unwrap();
        assert_eq!(db.run(s.count(select::<Post>())), 3);
    });
}
