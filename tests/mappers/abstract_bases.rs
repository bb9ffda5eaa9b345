//! Abstract bases: embedded structs that bring columns, constraints and relationships, for each class anew.

use aludel::orm::mapping::MapperBuilder;
use aludel::prelude::*;

use crate::each;

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "ab_users")]
struct User {
    #[column(primary_key)]
    id: Auto<i64>,
    name: String,
    #[relationship(back_populates = "owner", order_by = "title")]
    articles: Many<Article>,
    #[relationship]
    photos: Many<Photo>,
}

/// A key, in every table.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_abstract)]
struct Keyed {
    #[column(primary_key)]
    id: Auto<i64>,
}

/// Whose a row is: a foreign key, an index on it, and the relationship.
#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(polymorphic_abstract, concrete, index(owner_id), check = "slug <> ''")]
struct Owned {
    #[mapped(base)]
    keyed: Keyed,
    #[column(unique)]
    slug: String,
    #[column(foreign_key = "ab_users.id", on_delete = "cascade")]
    owner_id: Option<i64>,
    #[relationship]
    owner: One<User>,
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "ab_articles", concrete, configure = Self::mapping)]
struct Article {
    #[mapped(base)]
    owned: Owned,
    title: String,
}

impl Article {
    /// What is different from class to class: the other side.
    fn mapping(mapping: &mut MapperBuilder) {
        mapping.relationship("owner", |r| {
            r.back_populates("articles");
        });
    }
}

#[derive(Mapped, Clone, Debug, Default, PartialEq)]
#[mapped(table = "ab_photos", concrete)]
struct Photo {
    #[mapped(base)]
    owned: Owned,
    width: i64,
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.register::<User>().unwrap();
    registry
}

fn article(slug: &str, title: &str) -> Article {
    let owned = Owned { slug: slug.into(), ..Owned::default() };
    Article { owned, title: title.into() }
}

#[test]
fn tables_have_what_the_bases_say() {
    let registry = registry();
    let metadata = registry.metadata();
    let names: Vec<&str> = metadata.iter().map(|table| table.full_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for table in ["ab_articles", "ab_photos"] {
        let table = metadata.get(table).unwrap();
        let columns: Vec<&str> = table.columns().iter().map(|c| &*c.name).collect();
        assert_eq!(columns[..3], ["id", "slug", "owner_id"]);
        assert_eq!(table.foreign_keys().len(), 1);
        assert_eq!((table.indexes().len(), table.checks().len()), (1, 1));
    }
}

#[test]
fn each_class_has_the_relationship_for_itself() {
    each("abstract_bases", registry, |db| {
        let ann = db.add(User { name: "ann".into(), ..User::default() }).unwrap();
        let one = db.add(article("one", "a")).unwrap();
        db.append(ann, User::articles, one).unwrap();
        // The other side of this class follows.
        assert_eq!(db[one].owner.get(), Some(ann));
        let two = db.add(article("two", "b")).unwrap();
        db.set(two, Owned::owner, ann).unwrap();
        assert_eq!(db.members(ann, User::articles).count(), 2);
        let owned = Owned { slug: "p".into(), owner: ann.into(), ..Owned::default() };
        let photo = db.add(Photo { owned, width: 3 }).unwrap();
        db.commit().unwrap();
        assert_eq!(db[photo].owner_id, Some(db[ann].id.value()));
        db.renew();
        let by_owner = select::<Article>().join(Owned::owner).filter(User::name.eq("ann"));
        assert_eq!(db.count(by_owner).unwrap(), 2);
        let by_owner = select::<Photo>().filter(Owned::owner.has(User::name.eq("ann")));
        let photo = db.one(by_owner).unwrap();
        db.load(photo, Owned::owner).unwrap();
        let ann = db[photo].owner.get().unwrap();
        db.load(ann, User::articles).unwrap();
        db.load(ann, User::photos).unwrap();
        let titles: Vec<_> = db.members(ann, User::articles).map(|a| db[a].title.clone()).collect();
        assert_eq!(titles, ["a", "b"]);
        assert_eq!(db.members(ann, User::photos).collect::<Vec<_>>(), [photo]);
        let eager = select::<Article>().options(selectin(Owned::owner));
        for article in db.all(eager).unwrap() {
            assert_eq!(db[article].owner.get(), Some(ann));
        }
    });
}

#[test]
fn the_base_itself_has_no_rows() {
    each("abstract_bases_none", registry, |db| {
        let error = db.all(select::<Owned>()).unwrap_err();
        assert!(error.message().contains("class Owned is abstract and has no table"), "{error}");
        assert!(db.get::<Owned>(1).is_err());
    });
    #[derive(Mapped, Clone, Default)]
    #[mapped(table = "ab_readers")]
    struct Reader {
        #[column(primary_key)]
        id: Auto<i64>,
        #[column(foreign_key = "ab_articles.id")]
        read_id: Option<i64>,
        #[relationship]
        read: One<Owned>,
    }
    let registry = registry();
    let error = registry.register::<Reader>().unwrap_err();
    assert!(error.message().contains("its target class `Owned` is abstract"), "{error}");
}
