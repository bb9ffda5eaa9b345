//! Rendering of expressions, for each dialect.

use super::*;

/// A condition, as the WHERE of a query of users.
#[track_caller]
fn condition(condition: impl IntoExpr<bool>, expected: [&str; 3]) {
    let begin = [
        r#"SELECT "user"."id" FROM "user" WHERE "#,
        r#"SELECT "user"."id" FROM "user" WHERE "#,
        "SELECT `user`.`id` FROM `user` WHERE ",
    ];
    let whole: Vec<String> = begin.iter().zip(expected).map(|(b, e)| format!("{b}{e}")).collect();
    check(select(id()).filter(condition), [&whole[0], &whole[1], &whole[2]]);
}

/// An expression of the result of a query of users.
#[track_caller]
fn result(expression: impl IntoNodes, expected: [&str; 3]) {
    let from = [r#" FROM "user""#, r#" FROM "user""#, " FROM `user`"];
    let whole: Vec<String> =
        from.iter().zip(expected).map(|(f, e)| format!("SELECT {e}{f}")).collect();
    check(select(expression).from(user()), [&whole[0], &whole[1], &whole[2]]);
}

#[test]
fn comparison() {
    condition(id().eq(5), [r#""user"."id" = ?1"#, r#""user"."id" = $1"#, "`user`.`id` = ?"]);
    condition(
        name().ne("x") & age().lt(1) & age().le(2) & age().gt(3) & age().ge(4),
        [
            r#""user"."name" <> ?1 AND "user"."age" < ?2 AND "user"."age" <= ?3 AND "user"."age" > ?4 AND "user"."age" >= ?5"#,
            r#""user"."name" <> $1 AND "user"."age" < $2 AND "user"."age" <= $3 AND "user"."age" > $4 AND "user"."age" >= $5"#,
            "`user`.`name` <> ? AND `user`.`age` < ? AND `user`.`age` <= ? AND `user`.`age` > ? AND `user`.`age` >= ?",
        ],
    );
    condition(
        fullname().eq(None) | fullname().ne(None),
        [
            r#""user"."fullname" IS NULL OR "user"."fullname" IS NOT NULL"#,
            r#""user"."fullname" IS NULL OR "user"."fullname" IS NOT NULL"#,
            "`user`.`fullname` IS NULL OR `user`.`fullname` IS NOT NULL",
        ],
    );
    condition(
        fullname().eq("x") & fullname().eq(name()),
        [
            r#""user"."fullname" = ?1 AND "user"."fullname" = "user"."name""#,
            r#""user"."fullname" = $1 AND "user"."fullname" = "user"."name""#,
            "`user`.`fullname` = ? AND `user`.`fullname` = `user`.`name`",
        ],
    );
    condition(
        fullname().is_null() & fullname().is_not_null(),
        [
            r#""user"."fullname" IS NULL AND "user"."fullname" IS NOT NULL"#,
            r#""user"."fullname" IS NULL AND "user"."fullname" IS NOT NULL"#,
            "`user`.`fullname` IS NULL AND `user`.`fullname` IS NOT NULL",
        ],
    );
    condition(
        fullname().is_distinct_from("x") & fullname().is_not_distinct_from(name()),
        [
            r#""user"."fullname" IS NOT ?1 AND "user"."fullname" IS "user"."name""#,
            r#""user"."fullname" IS DISTINCT FROM $1 AND "user"."fullname" IS NOT DISTINCT FROM "user"."name""#,
            "NOT (`user`.`fullname` <=> ?) AND `user`.`fullname` <=> `user`.`name`",
        ],
    );
    condition(
        age().between(1, 2) & !age().between(3, 4),
        [
            r#""user"."age" BETWEEN ?1 AND ?2 AND "user"."age" NOT BETWEEN ?3 AND ?4"#,
            r#""user"."age" BETWEEN $1 AND $2 AND "user"."age" NOT BETWEEN $3 AND $4"#,
            "`user`.`age` BETWEEN ? AND ? AND `user`.`age` NOT BETWEEN ? AND ?",
        ],
    );
}

#[test]
fn logic() {
    condition(
        (id().eq(1) | id().eq(2)) & id().eq(3),
        [
            r#"("user"."id" = ?1 OR "user"."id" = ?2) AND "user"."id" = ?3"#,
            r#"("user"."id" = $1 OR "user"."id" = $2) AND "user"."id" = $3"#,
            "(`user`.`id` = ? OR `user`.`id` = ?) AND `user`.`id` = ?",
        ],
    );
    condition(
        id().eq(1) & id().eq(2) | id().eq(3),
        [
            r#""user"."id" = ?1 AND "user"."id" = ?2 OR "user"."id" = ?3"#,
            r#""user"."id" = $1 AND "user"."id" = $2 OR "user"."id" = $3"#,
            "`user`.`id` = ? AND `user`.`id` = ? OR `user`.`id` = ?",
        ],
    );
    condition(
        !(id().eq(1) | id().eq(2)) & not_(id().eq(3)),
        [
            r#"NOT ("user"."id" = ?1 OR "user"."id" = ?2) AND "user"."id" <> ?3"#,
            r#"NOT ("user"."id" = $1 OR "user"."id" = $2) AND "user"."id" <> $3"#,
            "NOT (`user`.`id` = ? OR `user`.`id` = ?) AND `user`.`id` <> ?",
        ],
    );
    condition(
        user().col::<bool>("active") & !user().col::<bool>("active"),
        [
            r#""user"."active" AND NOT "user"."active""#,
            r#""user"."active" AND NOT "user"."active""#,
            "`user`.`active` AND NOT `user`.`active`",
        ],
    );
    condition(and_([]), ["1 = 1", "1 = 1", "1 = 1"]);
    condition(or_([]) | true, ["?1", "$1", "?"]);
}

#[test]
fn in_lists() {
    condition(
        id().in_([1]),
        [r#""user"."id" IN (?1)"#, r#""user"."id" IN ($1)"#, "`user`.`id` IN (?)"],
    );
    condition(
        id().in_([1, 2, 3]),
        [
            r#""user"."id" IN (?1, ?2, ?3)"#,
            r#""user"."id" IN ($1, $2, $3)"#,
            "`user`.`id` IN (?, ?, ?)",
        ],
    );
    condition(
        id().not_in([1, 2]),
        [
            r#""user"."id" NOT IN (?1, ?2)"#,
            r#""user"."id" NOT IN ($1, $2)"#,
            "`user`.`id` NOT IN (?, ?)",
        ],
    );
    condition(id().in_(Vec::<i64>::new()), ["1 = 0", "1 = 0", "1 = 0"]);
    condition(id().not_in(Vec::<i64>::new()), ["1 = 1", "1 = 1", "1 = 1"]);
    condition(
        id().in_([age(), literal(3)]),
        [
            r#""user"."id" IN ("user"."age", ?1)"#,
            r#""user"."id" IN ("user"."age", $1)"#,
            "`user`.`id` IN (`user`.`age`, ?)",
        ],
    );
    condition(
        id().in_query(select(user_id())),
        [
            r#""user"."id" IN (SELECT "address"."user_id" FROM "address")"#,
            r#""user"."id" IN (SELECT "address"."user_id" FROM "address")"#,
            "`user`.`id` IN (SELECT `address`.`user_id` FROM `address`)",
        ],
    );
    condition(
        id().not_in_query(select(user_id())),
        [
            r#""user"."id" NOT IN (SELECT "address"."user_id" FROM "address")"#,
            r#""user"."id" NOT IN (SELECT "address"."user_id" FROM "address")"#,
            "`user`.`id` NOT IN (SELECT `address`.`user_id` FROM `address`)",
        ],
    );
    condition(
        tuple((id(), name())).in_([(1, "a"), (2, "b")]),
        [
            r#"("user"."id", "user"."name") IN (VALUES (?1, ?2), (?3, ?4))"#,
            r#"("user"."id", "user"."name") IN (($1, $2), ($3, $4))"#,
            "(`user`.`id`, `user`.`name`) IN ((?, ?), (?, ?))",
        ],
    );
    condition(
        tuple((id(), name())).eq((1, "a")),
        [
            r#"("user"."id", "user"."name") = (?1, ?2)"#,
            r#"("user"."id", "user"."name") = ($1, $2)"#,
            "(`user`.`id`, `user`.`name`) = (?, ?)",
        ],
    );
}

#[test]
fn texts() {
    condition(
        name().like("a%") & name().not_like("b%"),
        [
            r#""user"."name" LIKE ?1 AND "user"."name" NOT LIKE ?2"#,
            r#""user"."name" LIKE $1 AND "user"."name" NOT LIKE $2"#,
            "`user`.`name` LIKE ? AND `user`.`name` NOT LIKE ?",
        ],
    );
    condition(
        name().ilike("a%"),
        [
            r#"lower("user"."name") LIKE lower(?1)"#,
            r#""user"."name" ILIKE $1"#,
            "lower(`user`.`name`) LIKE lower(?)",
        ],
    );
    condition(
        !name().ilike("a%"),
        [
            r#"lower("user"."name") NOT LIKE lower(?1)"#,
            r#""user"."name" NOT ILIKE $1"#,
            "lower(`user`.`name`) NOT LIKE lower(?)",
        ],
    );
    condition(
        name().starts_with("50%_/x"),
        [
            r#""user"."name" LIKE ?1 ESCAPE '/'"#,
            r#""user"."name" LIKE $1 ESCAPE '/'"#,
            "`user`.`name` LIKE ? ESCAPE '/'",
        ],
    );
    condition(
        fullname().contains(name()),
        [
            r#""user"."fullname" LIKE '%' || replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') || '%' ESCAPE '/'"#,
            r#""user"."fullname" LIKE '%' || replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') || '%' ESCAPE '/'"#,
            "`user`.`fullname` LIKE CONCAT('%', replace(replace(replace(`user`.`name`, '/', '//'), '%', '/%'), '_', '/_'), '%') ESCAPE '/'",
        ],
    );
    condition(
        fullname().starts_with(name()) & fullname().ends_with(name()),
        [
            r#""user"."fullname" LIKE replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') || '%' ESCAPE '/' AND "user"."fullname" LIKE '%' || replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') ESCAPE '/'"#,
            r#""user"."fullname" LIKE replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') || '%' ESCAPE '/' AND "user"."fullname" LIKE '%' || replace(replace(replace("user"."name", '/', '//'), '%', '/%'), '_', '/_') ESCAPE '/'"#,
            "`user`.`fullname` LIKE CONCAT(replace(replace(replace(`user`.`name`, '/', '//'), '%', '/%'), '_', '/_'), '%') ESCAPE '/' AND `user`.`fullname` LIKE CONCAT('%', replace(replace(replace(`user`.`name`, '/', '//'), '%', '/%'), '_', '/_')) ESCAPE '/'",
        ],
    );
    result(
        name().concat(" ").concat(fullname()),
        [
            r#""user"."name" || ?1 || "user"."fullname""#,
            r#""user"."name" || $1 || "user"."fullname""#,
            "CONCAT(`user`.`name`, ?, `user`.`fullname`)",
        ],
    );
    result(
        (name().lower(), name().upper(), name().length(), fullname().trim()),
        [
            r#"lower("user"."name"), upper("user"."name"), length("user"."name"), trim("user"."fullname")"#,
            r#"lower("user"."name"), upper("user"."name"), length("user"."name"), trim("user"."fullname")"#,
            "lower(`user`.`name`), upper(`user`.`name`), char_length(`user`.`name`), trim(`user`.`fullname`)",
        ],
    );
    condition(
        name().concat("x").eq("yx"),
        [
            r#""user"."name" || ?1 = ?2"#,
            r#""user"."name" || $1 = $2"#,
            "CONCAT(`user`.`name`, ?) = ?",
        ],
    );
}

#[test]
fn numbers() {
    result(
        (age() + 1) * 2 - age() / (age() - 3) % 4,
        [
            r#"("user"."age" + ?1) * ?2 - "user"."age" / ("user"."age" - ?3) % ?4"#,
            r#"("user"."age" + $1) * $2 - "user"."age" / ("user"."age" - $3) % $4"#,
            "(`user`.`age` + ?) * ? - `user`.`age` / (`user`.`age` - ?) % ?",
        ],
    );
    result(
        -(age() - 1),
        [r#"-("user"."age" - ?1)"#, r#"-("user"."age" - $1)"#, "-(`user`.`age` - ?)"],
    );
    result(
        age() - (age() - age()),
        [
            r#""user"."age" - ("user"."age" - "user"."age")"#,
            r#""user"."age" - ("user"."age" - "user"."age")"#,
            "`user`.`age` - (`user`.`age` - `user`.`age`)",
        ],
    );
    result(
        (age().abs(), score().round(), literal(1).add(2)),
        [
            r#"abs("user"."age"), round("user"."score"), ?1 + ?2"#,
            r#"abs("user"."age"), round("user"."score"), CAST($1 AS INTEGER) + CAST($2 AS INTEGER)"#,
            "abs(`user`.`age`), round(`user`.`score`), ? + ?",
        ],
    );
    condition(
        (age() + 1).gt(2) & (score() * 2.0).lt(1.5),
        [
            r#""user"."age" + ?1 > ?2 AND "user"."score" * ?3 < ?4"#,
            r#""user"."age" + $1 > $2 AND "user"."score" * $3 < $4"#,
            "`user`.`age` + ? > ? AND `user`.`score` * ? < ?",
        ],
    );
}

#[test]
fn aggregates() {
    result(
        (count_star(), id().count(), name().count().distinct()),
        [
            r#"count(*), count("user"."id"), count(DISTINCT "user"."name")"#,
            r#"count(*), count("user"."id"), count(DISTINCT "user"."name")"#,
            "count(*), count(`user`.`id`), count(DISTINCT `user`.`name`)",
        ],
    );
    result(
        (age().sum(), age().avg(), score().sum(), age().min(), name().max()),
        [
            r#"sum("user"."age"), avg("user"."age"), sum("user"."score"), min("user"."age"), max("user"."name")"#,
            r#"CAST(sum("user"."age") AS BIGINT), CAST(avg("user"."age") AS DOUBLE PRECISION), CAST(sum("user"."score") AS DOUBLE PRECISION), min("user"."age"), max("user"."name")"#,
            "CAST(sum(`user`.`age`) AS SIGNED), CAST(avg(`user`.`age`) AS DOUBLE), CAST(sum(`user`.`score`) AS DOUBLE), min(`user`.`age`), max(`user`.`name`)",
        ],
    );
    result(
        (age().sum().filter(age().gt(5)), count_star().filter(age().gt(5)).filter(age().lt(9))),
        [
            r#"sum("user"."age") FILTER (WHERE "user"."age" > ?1), count(*) FILTER (WHERE "user"."age" > ?2 AND "user"."age" < ?3)"#,
            r#"CAST(sum("user"."age") FILTER (WHERE "user"."age" > $1) AS BIGINT), count(*) FILTER (WHERE "user"."age" > $2 AND "user"."age" < $3)"#,
            "CAST(sum(CASE WHEN `user`.`age` > ? THEN `user`.`age` END) AS SIGNED), count(CASE WHEN `user`.`age` > ? AND `user`.`age` < ? THEN 1 END)",
        ],
    );
    result(
        func::<i64>("row_number", ())
            .over(Over::new().partition_by(age()).order_by((score().desc(), id()))),
        [
            r#"row_number() OVER (PARTITION BY "user"."age" ORDER BY "user"."score" DESC, "user"."id")"#,
            r#"row_number() OVER (PARTITION BY "user"."age" ORDER BY "user"."score" DESC, "user"."id")"#,
            "row_number() OVER (PARTITION BY `user`.`age` ORDER BY `user`.`score` DESC, `user`.`id`)",
        ],
    );
}

#[test]
fn the_rest() {
    result(
        case::<String>().when(age().lt(18), "young").when(age().gt(70), "old").otherwise(name()),
        [
            r#"CASE WHEN "user"."age" < ?1 THEN ?2 WHEN "user"."age" > ?3 THEN ?4 ELSE "user"."name" END"#,
            r#"CASE WHEN "user"."age" < $1 THEN CAST($2 AS TEXT) WHEN "user"."age" > $3 THEN CAST($4 AS TEXT) ELSE "user"."name" END"#,
            "CASE WHEN `user`.`age` < ? THEN ? WHEN `user`.`age` > ? THEN ? ELSE `user`.`name` END",
        ],
    );
    result(
        case::<String>().when(age().lt(18), "young").end().label("group"),
        [
            r#"CASE WHEN "user"."age" < ?1 THEN ?2 END AS "group""#,
            r#"CASE WHEN "user"."age" < $1 THEN CAST($2 AS TEXT) END AS "group""#,
            "CASE WHEN `user`.`age` < ? THEN ? END AS `group`",
        ],
    );
    result(
        (age().cast::<String>(), name().cast::<i64>(), score().cast::<f32>()),
        [
            r#"CAST("user"."age" AS TEXT), CAST("user"."name" AS INTEGER), CAST("user"."score" AS REAL)"#,
            r#"CAST("user"."age" AS TEXT), CAST("user"."name" AS BIGINT), CAST("user"."score" AS REAL)"#,
            "CAST(`user`.`age` AS CHAR), CAST(`user`.`name` AS SIGNED), CAST(`user`.`score` AS DOUBLE)",
        ],
    );
    result(
        (fullname().unwrap_or("?"), fullname().coalesce((name(), "?")), name().null_if("")),
        [
            r#"coalesce("user"."fullname", ?1), coalesce("user"."fullname", "user"."name", ?2), nullif("user"."name", ?3)"#,
            r#"coalesce("user"."fullname", CAST($1 AS TEXT)), coalesce("user"."fullname", "user"."name", CAST($2 AS TEXT)), nullif("user"."name", CAST($3 AS TEXT))"#,
            "coalesce(`user`.`fullname`, ?), coalesce(`user`.`fullname`, `user`.`name`, ?), nullif(`user`.`name`, ?)",
        ],
    );
    result(
        (literal(1), literal("x".to_owned()), null::<i64>(), now::<String>()),
        [
            "?1, ?2, NULL, CURRENT_TIMESTAMP",
            "CAST($1 AS INTEGER), CAST($2 AS TEXT), NULL, CURRENT_TIMESTAMP",
            "?, ?, NULL, CURRENT_TIMESTAMP",
        ],
    );
    result(
        func::<String>("substr", (name(), 1, 2)),
        [
            r#"substr("user"."name", ?1, ?2)"#,
            r#"substr("user"."name", CAST($1 AS INTEGER), CAST($2 AS INTEGER))"#,
            "substr(`user`.`name`, ?, ?)",
        ],
    );
    let refused = "! `drop table` is no name of a function";
    check(select(func::<String>("drop table", (name(),))), [refused, refused, refused]);
    result(
        name().op::<String>("||", "x"),
        [r#""user"."name" || ?1"#, r#""user"."name" || $1"#, "`user`.`name` || ?"],
    );
    condition(
        text::<bool>("name = :name OR age > ?").bind("name", "x").binds((5,)).into_expr()
            & text::<bool>("'a:b?' <> 'c' /* :no ? */"),
        [
            "(name = ?1 OR age > ?2) AND ('a:b?' <> 'c' /* :no ? */)",
            "(name = $1 OR age > $2) AND ('a:b?' <> 'c' /* :no ? */)",
            "(name = ? OR age > ?) AND ('a:b?' <> 'c' /* :no ? */)",
        ],
    );
    let refused = "! no value was given for the parameter `name` of a text";
    check(select(text::<bool>("name = :name")), [refused, refused, refused]);
}
