//! Association proxies in conditions.

use aludel::prelude::*;

use crate::association_proxy::{Keyword, Note, Profile, Rating, User, registry};
use crate::support::{Db, each};

fn users(db: &mut Db) {
    let named = |name: &str| User { name: name.into(), ..User::default() };
    let ed = db.add(named("ed")).unwrap();
    User::WORDS.of_mut(db, ed).extend(["orm", "sql"]).unwrap();
    User::RATED_WORDS.of_mut(db, ed).append("rust").unwrap();
    User::NICKS.of_mut(db, ed).append("eddie").unwrap();
    User::NOTES.of_mut(db, ed).set("k".into(), "v").unwrap();
    User::MOTTO.of_mut(db, ed).set("so be it").unwrap();
    // A value of none, and none.
    db.add(User { profile: Profile::default().into(), ..named("jo") }).unwrap();
    db.add(named("al")).unwrap();
    db.commit().unwrap();
}

fn who(db: &mut Db, condition: aludel::sql::Expr<bool>) -> Vec<String> {
    let query = select::<User>().filter(condition).order_by(User::id);
    let found = db.all(query).unwrap();
    found.into_iter().map(|user| db[user].name.clone()).collect()
}

#[test]
fn values_are_asked_for() {
    each("proxy_queries", registry, |db| {
        users(db);
        assert_eq!(who(db, User::WORDS.contains("sql")), ["ed"]);
        assert_eq!(who(db, User::WORDS.contains("no")), [""; 0]);
        assert_eq!(who(db, !User::WORDS.contains("sql")), ["jo", "al"]);
        assert_eq!(who(db, User::WORDS.any(Keyword::word.starts_with("or"))), ["ed"]);
        assert_eq!(who(db, User::WORDS.any_exists()), ["ed"]);
        assert_eq!(who(db, User::NICKS.contains("eddie")), ["ed"]);
        assert_eq!(who(db, User::NOTES.contains("v")), ["ed"]);
        assert_eq!(who(db, User::NOTES.any(Note::key.eq("k"))), ["ed"]);
        // An expression of the outer query.
        assert_eq!(who(db, User::NICKS.contains(User::name)), [""; 0]);
    });
}

#[test]
fn scalars_are_compared_and_none_is_both_no_object_and_no_value() {
    each("proxy_scalars", registry, |db| {
        users(db);
        assert_eq!(who(db, User::MOTTO.eq("so be it")), ["ed"]);
        assert_eq!(who(db, User::MOTTO.has(Profile::motto.like("so%"))), ["ed"]);
        assert_eq!(who(db, User::MOTTO.is_none()), ["jo", "al"]);
        assert_eq!(who(db, User::MOTTO.is_some()), ["ed"]);
    });
}

#[test]
fn objects_behind_association_objects_are_asked_for() {
    each("proxy_far", registry, |db| {
        users(db);
        let rust = db.one(select::<Keyword>().filter(Keyword::word.eq("rust"))).unwrap();
        let orm = db.one(select::<Keyword>().filter(Keyword::word.eq("orm"))).unwrap();
        assert_eq!(who(db, User::RATED.contains(rust)), ["ed"]);
        assert_eq!(who(db, User::RATED.contains(orm)), [""; 0]);
        // The condition speaks of the keyword.
        assert_eq!(who(db, User::RATED.any(Keyword::word.eq("rust"))), ["ed"]);
        assert_eq!(who(db, User::RATED_WORDS.contains("rust")), ["ed"]);
        assert_eq!(who(db, User::RATED_WORDS.contains("orm")), [""; 0]);
        let ratings = db.all(select::<Rating>().filter(Rating::WORD.eq("rust"))).unwrap();
        assert_eq!(ratings.len(), 1);
    });
}
