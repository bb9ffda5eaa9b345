//! Mixins: columns that several classes have, brought by a composite without a prefix.

use aludel::Composite;
use aludel::prelude::*;

use crate::each;

/// When a row was written, by how many, and whose it is.
#[derive(Composite, Clone, Debug, Default, PartialEq)]
struct Audit {
    #[column(onupdate = 2, index)]
    touched: i64,
    by: Option<String>,
    #[column(foreign_key = "mixin_users.id")]
    owner_id: Option<i64>,
}

/// A key that is called the same everywhere.
#[derive(Composite, Clone, Copy, Debug, Default, PartialEq)]
struct Keyed {
    #[column(primary_key)]
    code: i64,
}

/// What every audited class can do: a mixin's methods.
trait Audited {
    fn audit(&self) -> &Audit;
    fn is_owned(&self) -> bool {
        self.audit().owner_id.is_some()
    }
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "mixin_users")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    #[relationship(back_populates = "owner")]
    articles: Many<Article>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "mixin_articles")]
struct Article {
    #[composite(prefix = "")]
    key: Keyed,
    title: String,
    #[composite(prefix = "")]
    audit: Audit,
    #[relationship(back_populates = "articles")]
    owner: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "mixin_photos")]
struct Photo {
    #[column(primary_key)]
    id: Auto<i64>,
    #[composite(prefix = "")]
    audit: Audit,
}

impl Audited for Article {
    fn audit(&self) -> &Audit {
        &self.audit
    }
}

impl Audited for Photo {
    fn audit(&self) -> &Audit {
        &self.audit
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry.register::<Article>().unwrap();
    registry.register::<Photo>().unwrap();
    registry.configure().unwrap();
    registry
}

#[test]
fn columns_have_the_names_of_the_mixin() {
    let registry = registry();
    for (class, names) in [
        (
            registry.mapper::<Article>().unwrap(),
            &["code", "title", "touched", "by", "owner_id"][..],
        ),
        (registry.mapper::<Photo>().unwrap(), &["id", "touched", "by", "owner_id"]),
    ] {
        let table = class.local_table().unwrap();
        let columns: Vec<&str> = table.columns().iter().map(|column| &*column.name).collect();
        assert_eq!(columns, names);
    }
}

#[test]
fn they_are_written_and_read_as_any_column() {
    each("mixins", registry, |db| {
        let user = db.add(User::default()).unwrap();
        let article = db
            .add(Article { key: Keyed { code: 7 }, title: "a".into(), ..Article::default() })
            .unwrap();
        db.set(article, Article::owner, user).unwrap();
        db.edit(article, |a| a.audit.by = Some("ed".into())).unwrap();
        let photo = db.add(Photo::default()).unwrap();
        db.commit().unwrap();
        assert!(db[article].is_owned() && !db[photo].is_owned());
        assert_eq!(db[article].audit.owner_id, Some(db[user].id.value()));
        db.expire_all().unwrap();
        let found = db.all(select::<Article>().filter(Article::audit.part(Audit::by).eq("ed")));
        assert_eq!(found.unwrap(), [article]);
        let same = db.get::<Article>(7).unwrap();
        assert_eq!(same, Some(article));
        db.edit(article, |a| a.title.push('!')).unwrap();
        db.refresh(photo).unwrap();
        db.edit(photo, |p| p.audit.touched = 9).unwrap();
        db.commit().unwrap();
        db.refresh(article).unwrap();
        assert_eq!((db[article].audit.touched, db[photo].audit.touched), (2, 9));
    });
}
