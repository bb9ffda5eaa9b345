//! Adaption.

use crate::render::tests::{address, id, name, node, sql, user, user_id};
use crate::*;

fn where_(node: Node) -> String {
    let statement = Statement::from(select(()).filter(Expr::<bool>::from_node(node)));
    let text = sql(&statement, &Dialect::sqlite());
    text.split_once(" FROM ").unwrap().1.to_owned()
}

#[test]
fn to_an_alias() {
    let other = user().alias_as("other");
    let condition =
        id().eq(5) & name().in_([user().col::<String>("fullname")]) & user_id().eq(id());
    let adapted = Adapter::to(&other).adapt(condition.node()).unwrap();
    assert_eq!(
        where_(adapted),
        r#""user" AS "other", "address" WHERE "other"."id" = ?1 AND "other"."name" IN ("other"."fullname") AND "address"."user_id" = "other"."id""#
    );
}

#[test]
fn to_a_derived_table() {
    let inner = user().alias();
    let of_alias = select((name(), id().label("key"), inner.col::<i64>("age"))).subquery_as("d");
    let condition = name().eq("x") & id().eq(1) & user().col::<i64>("age").eq(2);
    // `age` of the table itself is not shown, but that of an alias of the table is.
    let adapted = Adapter::to(&of_alias).adapt(condition.node()).unwrap();
    assert!(where_(adapted).ends_with(r#""d"."name" = ?1 AND "d"."key" = ?2 AND "d"."age" = ?3"#));
    // A derived table of a derived table shows what the first one shows.
    let twice = select((of_alias.col::<i64>("key"),)).subquery_as("e");
    let adapted = Adapter::to(&twice).adapt(id().eq(1).node()).unwrap();
    assert!(where_(adapted).ends_with(r#"WHERE "e"."key" = ?1"#));
    let cte = select((id(), name())).cte("c");
    let adapted = Adapter::to(&cte).adapt(id().eq(1).node()).unwrap();
    assert!(where_(adapted).ends_with(r#"WHERE "c"."id" = ?1"#));
}

#[test]
fn within_subqueries() {
    let other = user().alias_as("other");
    let correlated = select(()).from(address()).filter(user_id().eq(id())).exists();
    let adapted = Adapter::to(&other).adapt(correlated.node()).unwrap();
    let statement =
        Statement::from(select(other.col::<i64>("id")).filter(Expr::<bool>::from_node(adapted)));
    assert_eq!(
        sql(&statement, &Dialect::sqlite()),
        r#"SELECT "other"."id" FROM "user" AS "other" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "other"."id")"#
    );
    // A subquery with a FROM of its own is left alone.
    let own = id().in_query(select(id()).from(user()).filter(name().eq("x")));
    let adapted = Adapter::to(&other).adapt(own.node()).unwrap();
    assert_eq!(
        where_(adapted),
        r#""user" AS "other" WHERE "other"."id" IN (SELECT "user"."id" FROM "user" WHERE "user"."name" = ?1)"#
    );
}

#[test]
fn joins_and_selects() {
    let (one, two) = (user().alias_as("one"), address().alias_as("two"));
    let adapter = Adapter::to(&one).and_to(&two);
    let on = adapter.adapt(user_id().eq(id()).node()).unwrap();
    let from = one.join_on(&two, Expr::<bool>::from_node(on));
    let statement = Statement::from(select(one.col::<i64>("id")).from(from));
    assert_eq!(
        sql(&statement, &Dialect::sqlite()),
        r#"SELECT "one"."id" FROM "user" AS "one" JOIN "address" AS "two" ON "two"."user_id" = "one"."id""#
    );
    let only = Adapter::to(&one).and_to(&two).only([&address()]);
    let adapted = only.adapt_select(&select(id()).filter(user_id().eq(id()))).unwrap();
    assert_eq!(
        sql(&adapted.into(), &Dialect::sqlite()),
        r#"SELECT "user"."id" FROM "user", "address" AS "two" WHERE "two"."user_id" = "user"."id""#
    );
}

#[test]
fn a_table_of_another_kind_is_left_alone() {
    let other = user().alias();
    let condition = node().col::<i64>("id").eq(1);
    let adapted = Adapter::to(&other).adapt(condition.node()).unwrap();
    assert_eq!(where_(adapted), r#""node" WHERE "node"."id" = ?1"#);
}
