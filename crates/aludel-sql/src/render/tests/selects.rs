//! Rendering of selects, for each dialect.

use super::*;

#[test]
fn from_is_inferred() {
    check(
        select((name(), email())).filter(user_id().eq(id())),
        [
            r#"SELECT "user"."name", "address"."email" FROM "user", "address" WHERE "address"."user_id" = "user"."id""#,
            r#"SELECT "user"."name", "address"."email" FROM "user", "address" WHERE "address"."user_id" = "user"."id""#,
            "SELECT `user`.`name`, `address`.`email` FROM `user`, `address` WHERE `address`.`user_id` = `user`.`id`",
        ],
    );
    check(
        select((count_star(),)).from(user()),
        [
            r#"SELECT count(*) FROM "user""#,
            r#"SELECT count(*) FROM "user""#,
            "SELECT count(*) FROM `user`",
        ],
    );
    check(select(literal(1)), ["SELECT ?1", "SELECT CAST($1 AS INTEGER)", "SELECT ?"]);
    check(
        select(id()).from(user()).from(user()),
        [
            r#"SELECT "user"."id" FROM "user""#,
            r#"SELECT "user"."id" FROM "user""#,
            "SELECT `user`.`id` FROM `user`",
        ],
    );
}

#[test]
fn clauses() {
    check(
        select((name(), id().count().label("n")))
            .filter(age().gt(1))
            .filter(age().lt(9) | age().eq(20))
            .group_by(name())
            .having(id().count().gt(1))
            .order_by((id().count().label("n").desc(), name()))
            .limit(10)
            .offset(5)
            .distinct(),
        [
            r#"SELECT DISTINCT "user"."name", count("user"."id") AS "n" FROM "user" WHERE "user"."age" > ?1 AND ("user"."age" < ?2 OR "user"."age" = ?3) GROUP BY "user"."name" HAVING count("user"."id") > ?4 ORDER BY "n" DESC, "user"."name" LIMIT ?5 OFFSET ?6"#,
            r#"SELECT DISTINCT "user"."name", count("user"."id") AS "n" FROM "user" WHERE "user"."age" > $1 AND ("user"."age" < $2 OR "user"."age" = $3) GROUP BY "user"."name" HAVING count("user"."id") > $4 ORDER BY "n" DESC, "user"."name" LIMIT $5 OFFSET $6"#,
            "SELECT DISTINCT `user`.`name`, count(`user`.`id`) AS `n` FROM `user` WHERE `user`.`age` > ? AND (`user`.`age` < ? OR `user`.`age` = ?) GROUP BY `user`.`name` HAVING count(`user`.`id`) > ? ORDER BY `n` DESC, `user`.`name` LIMIT ? OFFSET ?",
        ],
    );
    check(
        select(name().lower().label("low")).group_by(name().lower().label("low")),
        [
            r#"SELECT lower("user"."name") AS "low" FROM "user" GROUP BY 1"#,
            r#"SELECT lower("user"."name") AS "low" FROM "user" GROUP BY 1"#,
            "SELECT lower(`user`.`name`) AS `low` FROM `user` GROUP BY 1",
        ],
    );
    check(
        select(id()).order_by((fullname().asc().nulls_first(), age().desc().nulls_last())),
        [
            r#"SELECT "user"."id" FROM "user" ORDER BY "user"."fullname" ASC NULLS FIRST, "user"."age" DESC NULLS LAST"#,
            r#"SELECT "user"."id" FROM "user" ORDER BY "user"."fullname" ASC NULLS FIRST, "user"."age" DESC NULLS LAST"#,
            "SELECT `user`.`id` FROM `user` ORDER BY `user`.`fullname` IS NOT NULL, `user`.`fullname` ASC, `user`.`age` IS NULL, `user`.`age` DESC",
        ],
    );
    check(
        select(id()).offset(3),
        [
            r#"SELECT "user"."id" FROM "user" LIMIT -1 OFFSET ?1"#,
            r#"SELECT "user"."id" FROM "user" OFFSET $1"#,
            "SELECT `user`.`id` FROM `user` LIMIT 18446744073709551615 OFFSET ?",
        ],
    );
    check(
        select(id()).distinct_on(name()),
        [
            "! SQLite has no DISTINCT ON",
            r#"SELECT DISTINCT ON ("user"."name") "user"."id" FROM "user""#,
            "! MariaDB has no DISTINCT ON",
        ],
    );
}

#[test]
fn locks() {
    check(
        select(id()).for_update(),
        [
            r#"SELECT "user"."id" FROM "user""#,
            r#"SELECT "user"."id" FROM "user" FOR UPDATE"#,
            "SELECT `user`.`id` FROM `user` FOR UPDATE",
        ],
    );
    let lock = Lock { strength: LockStrength::Share, wait: LockWait::SkipLocked, of: Vec::new() };
    check(
        select(id()).lock(lock),
        [
            r#"SELECT "user"."id" FROM "user""#,
            r#"SELECT "user"."id" FROM "user" FOR SHARE SKIP LOCKED"#,
            "SELECT `user`.`id` FROM `user` LOCK IN SHARE MODE SKIP LOCKED",
        ],
    );
    let of = vec![user().to_source()];
    let lock = Lock { strength: LockStrength::Update, wait: LockWait::NoWait, of };
    check(
        select(id()).lock(lock),
        [
            r#"SELECT "user"."id" FROM "user""#,
            r#"SELECT "user"."id" FROM "user" FOR UPDATE OF "user" NOWAIT"#,
            "! MariaDB has no FOR UPDATE OF",
        ],
    );
}

#[test]
fn joins() {
    check(
        select((name(), email())).from(user().join(address()).unwrap()),
        [
            r#"SELECT "user"."name", "address"."email" FROM "user" JOIN "address" ON "address"."user_id" = "user"."id""#,
            r#"SELECT "user"."name", "address"."email" FROM "user" JOIN "address" ON "address"."user_id" = "user"."id""#,
            "SELECT `user`.`name`, `address`.`email` FROM `user` JOIN `address` ON `address`.`user_id` = `user`.`id`",
        ],
    );
    check(
        select((name(), email())).from(address().left_join(user()).unwrap()),
        [
            r#"SELECT "user"."name", "address"."email" FROM "address" LEFT JOIN "user" ON "address"."user_id" = "user"."id""#,
            r#"SELECT "user"."name", "address"."email" FROM "address" LEFT JOIN "user" ON "address"."user_id" = "user"."id""#,
            "SELECT `user`.`name`, `address`.`email` FROM `address` LEFT JOIN `user` ON `address`.`user_id` = `user`.`id`",
        ],
    );
    check(
        select((name(), email())).from(user().full_join_on(address(), id().eq(user_id()))),
        [
            r#"SELECT "user"."name", "address"."email" FROM "user" FULL JOIN "address" ON "user"."id" = "address"."user_id""#,
            r#"SELECT "user"."name", "address"."email" FROM "user" FULL JOIN "address" ON "user"."id" = "address"."user_id""#,
            "! MariaDB has no FULL JOIN",
        ],
    );
    check(
        select(name()).from(user().cross_join(address())),
        [
            r#"SELECT "user"."name" FROM "user" CROSS JOIN "address""#,
            r#"SELECT "user"."name" FROM "user" CROSS JOIN "address""#,
            "SELECT `user`.`name` FROM `user` CROSS JOIN `address`",
        ],
    );
    let inner = user().join(address()).unwrap();
    let other = user().alias();
    let nested = other.left_join_on(inner, other.col::<i64>("id").eq(id()));
    check(
        select(other.col::<i64>("id")).from(nested),
        [
            r#"SELECT "user_1"."id" FROM "user" AS "user_1" LEFT JOIN ("user" JOIN "address" ON "address"."user_id" = "user"."id") ON "user_1"."id" = "user"."id""#,
            r#"SELECT "user_1"."id" FROM "user" AS "user_1" LEFT JOIN ("user" JOIN "address" ON "address"."user_id" = "user"."id") ON "user_1"."id" = "user"."id""#,
            "SELECT `user_1`.`id` FROM `user` AS `user_1` LEFT JOIN (`user` JOIN `address` ON `address`.`user_id` = `user`.`id`) ON `user_1`.`id` = `user`.`id`",
        ],
    );
}

#[test]
fn joins_without_a_key() {
    let error = |r: Result<FromItem>| r.unwrap_err().message().to_owned();
    assert_eq!(
        error(user().join(node())),
        "there is no foreign key between `user` and `node`: give the condition of the join"
    );
    assert_eq!(
        error(node().join(node().alias())),
        "there are several foreign keys between `node` and `node` (node.parent_id -> node.id; \
         node.parent_id -> node.id): give the condition of the join"
    );
}

#[test]
fn aliases() {
    let (a, b, c) = (user().alias(), user().alias(), user().alias_as("user_1"));
    check(
        select((a.col::<i64>("id"), b.col::<i64>("id"), c.col::<i64>("id"), id()))
            .filter(a.col::<i64>("id").lt(b.col::<i64>("id"))),
        [
            r#"SELECT "user_2"."id", "user_3"."id", "user_1"."id", "user"."id" FROM "user" AS "user_2", "user" AS "user_3", "user" AS "user_1", "user" WHERE "user_2"."id" < "user_3"."id""#,
            r#"SELECT "user_2"."id", "user_3"."id", "user_1"."id", "user"."id" FROM "user" AS "user_2", "user" AS "user_3", "user" AS "user_1", "user" WHERE "user_2"."id" < "user_3"."id""#,
            "SELECT `user_2`.`id`, `user_3`.`id`, `user_1`.`id`, `user`.`id` FROM `user` AS `user_2`, `user` AS `user_3`, `user` AS `user_1`, `user` WHERE `user_2`.`id` < `user_3`.`id`",
        ],
    );
}

#[test]
fn derived_tables() {
    let counts = select((user_id(), count_star().label("n"))).group_by(user_id()).subquery();
    check(
        select((name(), counts.col::<i64>("n")))
            .from(user().left_join_on(&counts, id().eq(counts.col::<i64>("user_id")))),
        [
            r#"SELECT "user"."name", "anon_1"."n" FROM "user" LEFT JOIN (SELECT "address"."user_id", count(*) AS "n" FROM "address" GROUP BY "address"."user_id") AS "anon_1" ON "user"."id" = "anon_1"."user_id""#,
            r#"SELECT "user"."name", "anon_1"."n" FROM "user" LEFT JOIN (SELECT "address"."user_id", count(*) AS "n" FROM "address" GROUP BY "address"."user_id") AS "anon_1" ON "user"."id" = "anon_1"."user_id""#,
            "SELECT `user`.`name`, `anon_1`.`n` FROM `user` LEFT JOIN (SELECT `address`.`user_id`, count(*) AS `n` FROM `address` GROUP BY `address`.`user_id`) AS `anon_1` ON `user`.`id` = `anon_1`.`user_id`",
        ],
    );
    let twice = select((name(), user().alias().col::<String>("name"))).subquery_as("t");
    check(
        select((twice.col::<String>("name"), twice.col::<String>("name_1"))),
        [
            r#"SELECT "t"."name", "t"."name_1" FROM (SELECT "user"."name", "user_1"."name" AS "name_1" FROM "user", "user" AS "user_1") AS "t""#,
            r#"SELECT "t"."name", "t"."name_1" FROM (SELECT "user"."name", "user_1"."name" AS "name_1" FROM "user", "user" AS "user_1") AS "t""#,
            "SELECT `t`.`name`, `t`.`name_1` FROM (SELECT `user`.`name`, `user_1`.`name` AS `name_1` FROM `user`, `user` AS `user_1`) AS `t`",
        ],
    );
}

#[test]
fn subqueries_are_correlated() {
    let n = select(address().col::<i64>("id").count()).filter(user_id().eq(id())).scalar::<i64>();
    check(
        select((name(), n)),
        [
            r#"SELECT "user"."name", (SELECT count("address"."id") FROM "address" WHERE "address"."user_id" = "user"."id") FROM "user""#,
            r#"SELECT "user"."name", (SELECT count("address"."id") FROM "address" WHERE "address"."user_id" = "user"."id") FROM "user""#,
            "SELECT `user`.`name`, (SELECT count(`address`.`id`) FROM `address` WHERE `address`.`user_id` = `user`.`id`) FROM `user`",
        ],
    );
    let has = select(()).from(address()).filter(user_id().eq(id())).exists();
    check(
        select(name()).filter(has.clone()),
        [
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            "SELECT `user`.`name` FROM `user` WHERE EXISTS (SELECT 1 FROM `address` WHERE `address`.`user_id` = `user`.`id`)",
        ],
    );
    check(
        select(name()).filter(!has),
        [
            r#"SELECT "user"."name" FROM "user" WHERE NOT EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            r#"SELECT "user"."name" FROM "user" WHERE NOT EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            "SELECT `user`.`name` FROM `user` WHERE NOT EXISTS (SELECT 1 FROM `address` WHERE `address`.`user_id` = `user`.`id`)",
        ],
    );
    // The same table on both levels, and alone in the inner one: it is not left out.
    check(
        select(name()).filter(select(id()).filter(id().eq(3)).exists()),
        [
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "user"."id" FROM "user" WHERE "user"."id" = ?1)"#,
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "user"."id" FROM "user" WHERE "user"."id" = $1)"#,
            "SELECT `user`.`name` FROM `user` WHERE EXISTS (SELECT `user`.`id` FROM `user` WHERE `user`.`id` = ?)",
        ],
    );
    // Two levels: the inner one sees both.
    let inner = select(()).from(node()).filter(node().col::<i64>("id").eq(id())).exists();
    let outer = select(()).from(address()).filter(user_id().eq(id()) & inner).exists();
    check(
        select(name()).filter(outer),
        [
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id" AND EXISTS (SELECT 1 FROM "node", "user" WHERE "node"."id" = "user"."id"))"#,
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id" AND EXISTS (SELECT 1 FROM "node", "user" WHERE "node"."id" = "user"."id"))"#,
            "SELECT `user`.`name` FROM `user` WHERE EXISTS (SELECT 1 FROM `address` WHERE `address`.`user_id` = `user`.`id` AND EXISTS (SELECT 1 FROM `node`, `user` WHERE `node`.`id` = `user`.`id`))",
        ],
    );
    let all = select(email()).filter(user_id().eq(id())).correlate([user(), address()]).exists();
    check(
        select((name(), email())).filter(all),
        [
            "! nothing is left in FROM of a subquery, since the enclosing statement has all of it: say with `correlate` what is to be left out, or use an alias",
            "! nothing is left in FROM of a subquery, since the enclosing statement has all of it: say with `correlate` what is to be left out, or use an alias",
            "! nothing is left in FROM of a subquery, since the enclosing statement has all of it: say with `correlate` what is to be left out, or use an alias",
        ],
    );
    let own = select(email()).filter(user_id().eq(id())).correlate(Vec::<Source>::new()).exists();
    check(
        select(name()).filter(own),
        [
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "address"."email" FROM "address", "user" WHERE "address"."user_id" = "user"."id")"#,
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "address"."email" FROM "address", "user" WHERE "address"."user_id" = "user"."id")"#,
            "SELECT `user`.`name` FROM `user` WHERE EXISTS (SELECT `address`.`email` FROM `address`, `user` WHERE `address`.`user_id` = `user`.`id`)",
        ],
    );
    let except = select(email()).filter(user_id().eq(id())).correlate_except([address()]).exists();
    check(
        select(name()).filter(except),
        [
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "address"."email" FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            r#"SELECT "user"."name" FROM "user" WHERE EXISTS (SELECT "address"."email" FROM "address" WHERE "address"."user_id" = "user"."id")"#,
            "SELECT `user`.`name` FROM `user` WHERE EXISTS (SELECT `address`.`email` FROM `address` WHERE `address`.`user_id` = `user`.`id`)",
        ],
    );
}

#[test]
fn lateral() {
    let last = select(email()).filter(user_id().eq(id())).limit(1).lateral();
    let on = user().left_join_on(&last, literal(true));
    check(
        select((name(), last.col::<String>("email"))).from(on),
        [
            "! SQLite has no LATERAL",
            r#"SELECT "user"."name", "anon_1"."email" FROM "user" LEFT JOIN LATERAL (SELECT "address"."email" FROM "address" WHERE "address"."user_id" = "user"."id" LIMIT $1) AS "anon_1" ON $2"#,
            "! MariaDB has no LATERAL",
        ],
    );
}

#[test]
fn common_table_expressions() {
    let old = select((id(), name())).filter(age().gt(70)).cte("old");
    let again = old.alias();
    check(
        select((old.col::<String>("name"), again.col::<String>("name")))
            .filter(old.col::<i64>("id").lt(again.col::<i64>("id"))),
        [
            r#"WITH "old"("id", "name") AS (SELECT "user"."id", "user"."name" FROM "user" WHERE "user"."age" > ?1) SELECT "old"."name", "old_1"."name" FROM "old", "old" AS "old_1" WHERE "old"."id" < "old_1"."id""#,
            r#"WITH "old"("id", "name") AS (SELECT "user"."id", "user"."name" FROM "user" WHERE "user"."age" > $1) SELECT "old"."name", "old_1"."name" FROM "old", "old" AS "old_1" WHERE "old"."id" < "old_1"."id""#,
            "WITH `old`(`id`, `name`) AS (SELECT `user`.`id`, `user`.`name` FROM `user` WHERE `user`.`age` > ?) SELECT `old`.`name`, `old_1`.`name` FROM `old`, `old` AS `old_1` WHERE `old`.`id` < `old_1`.`id`",
        ],
    );
    let n = node();
    let base = select((n.col::<i64>("id"), n.col::<Option<i64>>("parent_id")))
        .filter(n.col::<i64>("id").eq(1));
    let tree = Cte::recursive("tree", base, |tree| {
        select((n.col::<i64>("id"), n.col::<Option<i64>>("parent_id")))
            .filter(n.col::<Option<i64>>("parent_id").eq(tree.col::<i64>("id")))
    });
    check(
        select(tree.col::<i64>("id")).order_by(tree.col::<i64>("id")),
        [
            r#"WITH RECURSIVE "tree"("id", "parent_id") AS (SELECT "node"."id", "node"."parent_id" FROM "node" WHERE "node"."id" = ?1 UNION ALL SELECT "node"."id", "node"."parent_id" FROM "node", "tree" WHERE "node"."parent_id" = "tree"."id") SELECT "tree"."id" FROM "tree" ORDER BY "tree"."id""#,
            r#"WITH RECURSIVE "tree"("id", "parent_id") AS (SELECT "node"."id", "node"."parent_id" FROM "node" WHERE "node"."id" = $1 UNION ALL SELECT "node"."id", "node"."parent_id" FROM "node", "tree" WHERE "node"."parent_id" = "tree"."id") SELECT "tree"."id" FROM "tree" ORDER BY "tree"."id""#,
            "WITH RECURSIVE `tree`(`id`, `parent_id`) AS (SELECT `node`.`id`, `node`.`parent_id` FROM `node` WHERE `node`.`id` = ? UNION ALL SELECT `node`.`id`, `node`.`parent_id` FROM `node`, `tree` WHERE `node`.`parent_id` = `tree`.`id`) SELECT `tree`.`id` FROM `tree` ORDER BY `tree`.`id`",
        ],
    );
    let second = select(old.col::<i64>("id")).cte("second");
    check(
        select(id()).filter(id().in_query(select(second.col::<i64>("id")))),
        [
            r#"WITH "old"("id", "name") AS (SELECT "user"."id", "user"."name" FROM "user" WHERE "user"."age" > ?1), "second"("id") AS (SELECT "old"."id" FROM "old") SELECT "user"."id" FROM "user" WHERE "user"."id" IN (SELECT "second"."id" FROM "second")"#,
            r#"WITH "old"("id", "name") AS (SELECT "user"."id", "user"."name" FROM "user" WHERE "user"."age" > $1), "second"("id") AS (SELECT "old"."id" FROM "old") SELECT "user"."id" FROM "user" WHERE "user"."id" IN (SELECT "second"."id" FROM "second")"#,
            "WITH `old`(`id`, `name`) AS (SELECT `user`.`id`, `user`.`name` FROM `user` WHERE `user`.`age` > ?), `second`(`id`) AS (SELECT `old`.`id` FROM `old`) SELECT `user`.`id` FROM `user` WHERE `user`.`id` IN (SELECT `second`.`id` FROM `second`)",
        ],
    );
}

#[test]
fn set_operations() {
    check(
        select(name()).union(select(email())).order_by(name().desc()).limit(3),
        [
            r#"SELECT "user"."name" FROM "user" UNION SELECT "address"."email" FROM "address" ORDER BY "name" DESC LIMIT ?1"#,
            r#"SELECT "user"."name" FROM "user" UNION SELECT "address"."email" FROM "address" ORDER BY "name" DESC LIMIT $1"#,
            "SELECT `user`.`name` FROM `user` UNION SELECT `address`.`email` FROM `address` ORDER BY `name` DESC LIMIT ?",
        ],
    );
    check(
        select(name()).union_all(select(email())).union_all(select(fullname())),
        [
            r#"SELECT "user"."name" FROM "user" UNION ALL SELECT "address"."email" FROM "address" UNION ALL SELECT "user"."fullname" FROM "user""#,
            r#"SELECT "user"."name" FROM "user" UNION ALL SELECT "address"."email" FROM "address" UNION ALL SELECT "user"."fullname" FROM "user""#,
            "SELECT `user`.`name` FROM `user` UNION ALL SELECT `address`.`email` FROM `address` UNION ALL SELECT `user`.`fullname` FROM `user`",
        ],
    );
    check(
        select(name()).except(select(email())).intersect(select(fullname())),
        [
            r#"SELECT * FROM (SELECT "user"."name" FROM "user" EXCEPT SELECT "address"."email" FROM "address") INTERSECT SELECT "user"."fullname" FROM "user""#,
            r#"(SELECT "user"."name" FROM "user" EXCEPT SELECT "address"."email" FROM "address") INTERSECT SELECT "user"."fullname" FROM "user""#,
            "(SELECT `user`.`name` FROM `user` EXCEPT SELECT `address`.`email` FROM `address`) INTERSECT SELECT `user`.`fullname` FROM `user`",
        ],
    );
    check(
        select(name()).limit(1).union(select(email())),
        [
            r#"SELECT * FROM (SELECT "user"."name" FROM "user" LIMIT ?1) UNION SELECT "address"."email" FROM "address""#,
            r#"(SELECT "user"."name" FROM "user" LIMIT $1) UNION SELECT "address"."email" FROM "address""#,
            "(SELECT `user`.`name` FROM `user` LIMIT ?) UNION SELECT `address`.`email` FROM `address`",
        ],
    );
    check(
        SetQuery::new(SetOp::ExceptAll, [select(name()), select(email())]),
        [
            "! SQLite has no EXCEPT ALL",
            r#"SELECT "user"."name" FROM "user" EXCEPT ALL SELECT "address"."email" FROM "address""#,
            "SELECT `user`.`name` FROM `user` EXCEPT ALL SELECT `address`.`email` FROM `address`",
        ],
    );
    let both = select(name()).union(select(email())).subquery();
    check(
        select(both.col::<String>("name")),
        [
            r#"SELECT "anon_1"."name" FROM (SELECT "user"."name" FROM "user" UNION SELECT "address"."email" FROM "address") AS "anon_1""#,
            r#"SELECT "anon_1"."name" FROM (SELECT "user"."name" FROM "user" UNION SELECT "address"."email" FROM "address") AS "anon_1""#,
            "SELECT `anon_1`.`name` FROM (SELECT `user`.`name` FROM `user` UNION SELECT `address`.`email` FROM `address`) AS `anon_1`",
        ],
    );
}

#[test]
fn values_are_never_text() {
    let nasty = "'; DROP TABLE user; --";
    let compiled =
        Statement::from(select(id()).filter(name().eq(nasty) & name().starts_with(nasty)).limit(7))
            .render(&Dialect::sqlite())
            .unwrap();
    assert!(!compiled.sql.contains("DROP"));
    assert_eq!(compiled.fixed.len(), 3);
    let odd = Table::build("a\"b`c").column(Column::of::<i64>("x\"; --")).finish().unwrap();
    check(
        select(odd.col::<i64>("x\"; --")),
        [
            r#"SELECT "a""b`c"."x""; --" FROM "a""b`c""#,
            r#"SELECT "a""b`c"."x""; --" FROM "a""b`c""#,
            r#"SELECT `a"b``c`.`x"; --` FROM `a"b``c`"#,
        ],
    );
}
