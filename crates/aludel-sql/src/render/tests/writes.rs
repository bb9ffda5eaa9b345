//! Rendering of writes, for each dialect.

use super::*;

#[test]
fn insert() {
    check(
        Insert::into(&user()).set("name", "x").set(age(), 5),
        [
            r#"INSERT INTO "user" ("name", "age") VALUES (?1, ?2)"#,
            r#"INSERT INTO "user" ("name", "age") VALUES ($1, $2)"#,
            "INSERT INTO `user` (`name`, `age`) VALUES (?, ?)",
        ],
    );
    check(
        Insert::into(&user()),
        [
            r#"INSERT INTO "user" DEFAULT VALUES"#,
            r#"INSERT INTO "user" DEFAULT VALUES"#,
            "INSERT INTO `user` () VALUES ()",
        ],
    );
    check(
        Insert::into(&user())
            .columns(["name", "age"])
            .row(("a", 1))
            .row(("b", literal(1) + 1))
            .returning((id(), name().upper().label("up"))),
        [
            r#"INSERT INTO "user" ("name", "age") VALUES (?1, ?2), (?3, ?4 + ?5) RETURNING "id", upper("name") AS "up""#,
            r#"INSERT INTO "user" ("name", "age") VALUES ($1, $2), ($3, CAST($4 AS INTEGER) + CAST($5 AS INTEGER)) RETURNING "id", upper("name") AS "up""#,
            "INSERT INTO `user` (`name`, `age`) VALUES (?, ?), (?, ? + ?) RETURNING `id`, upper(`name`) AS `up`",
        ],
    );
    check(
        Insert::into(&address())
            .columns(["email", "user_id"])
            .from_select(select((name(), id())).filter(age().gt(5))),
        [
            r#"INSERT INTO "address" ("email", "user_id") SELECT "user"."name", "user"."id" FROM "user" WHERE "user"."age" > ?1"#,
            r#"INSERT INTO "address" ("email", "user_id") SELECT "user"."name", "user"."id" FROM "user" WHERE "user"."age" > $1"#,
            "INSERT INTO `address` (`email`, `user_id`) SELECT `user`.`name`, `user`.`id` FROM `user` WHERE `user`.`age` > ?",
        ],
    );
    let old = select((name(), id())).cte("old");
    check(
        Insert::into(&address())
            .columns(["email", "user_id"])
            .from_select(select((old.col::<String>("name"), old.col::<i64>("id")))),
        [
            r#"WITH "old"("name", "id") AS (SELECT "user"."name", "user"."id" FROM "user") INSERT INTO "address" ("email", "user_id") SELECT "old"."name", "old"."id" FROM "old""#,
            r#"WITH "old"("name", "id") AS (SELECT "user"."name", "user"."id" FROM "user") INSERT INTO "address" ("email", "user_id") SELECT "old"."name", "old"."id" FROM "old""#,
            "INSERT INTO `address` (`email`, `user_id`) WITH `old`(`name`, `id`) AS (SELECT `user`.`name`, `user`.`id` FROM `user`) SELECT `old`.`name`, `old`.`id` FROM `old`",
        ],
    );
    check(
        Insert::into(&user()).set("nmae", "x"),
        [
            "! INSERT INTO `user`: table `user` has no column `nmae`; did you mean `name`?",
            "! INSERT INTO `user`: table `user` has no column `nmae`; did you mean `name`?",
            "! INSERT INTO `user`: table `user` has no column `nmae`; did you mean `name`?",
        ],
    );
    check(
        Insert::into(&user()).columns(["name"]).row(("a", "b")),
        [
            "! INSERT INTO `user`: a row has 2 values for 1 columns",
            "! INSERT INTO `user`: a row has 2 values for 1 columns",
            "! INSERT INTO `user`: a row has 2 values for 1 columns",
        ],
    );
}

#[test]
fn on_conflict() {
    let row = || Insert::into(&address()).columns(["email", "user_id"]).row(("a", 1));
    check(
        row().on_conflict_do_nothing::<&str>([]),
        [
            r#"INSERT INTO "address" ("email", "user_id") VALUES (?1, ?2) ON CONFLICT DO NOTHING"#,
            r#"INSERT INTO "address" ("email", "user_id") VALUES ($1, $2) ON CONFLICT DO NOTHING"#,
            "INSERT INTO `address` (`email`, `user_id`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `id` = `id`",
        ],
    );
    let new = excluded::<Option<i64>>(&address(), "user_id").unwrap();
    check(
        row().on_conflict_do_update(["email"]).conflict_set("user_id", new.clone()),
        [
            r#"INSERT INTO "address" ("email", "user_id") VALUES (?1, ?2) ON CONFLICT ("email") DO UPDATE SET "user_id" = excluded."user_id""#,
            r#"INSERT INTO "address" ("email", "user_id") VALUES ($1, $2) ON CONFLICT ("email") DO UPDATE SET "user_id" = excluded."user_id""#,
            "INSERT INTO `address` (`email`, `user_id`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `user_id` = VALUES(`user_id`)",
        ],
    );
    check(
        row()
            .on_conflict_do_update(["email"])
            .conflict_set("user_id", new.clone() + 1)
            .conflict_filter(user_id().lt(new)),
        [
            r#"INSERT INTO "address" ("email", "user_id") VALUES (?1, ?2) ON CONFLICT ("email") DO UPDATE SET "user_id" = excluded."user_id" + ?3 WHERE "address"."user_id" < excluded."user_id""#,
            r#"INSERT INTO "address" ("email", "user_id") VALUES ($1, $2) ON CONFLICT ("email") DO UPDATE SET "user_id" = excluded."user_id" + $3 WHERE "address"."user_id" < excluded."user_id""#,
            "! MariaDB has no condition for ON DUPLICATE KEY UPDATE",
        ],
    );
    check(
        Insert::into(&address())
            .columns(["email", "user_id"])
            .from_select(select((name(), id())))
            .on_conflict_do_nothing(["email"]),
        [
            r#"INSERT INTO "address" ("email", "user_id") SELECT * FROM (SELECT "user"."name", "user"."id" FROM "user") WHERE 1 = 1 ON CONFLICT ("email") DO NOTHING"#,
            r#"INSERT INTO "address" ("email", "user_id") SELECT "user"."name", "user"."id" FROM "user" ON CONFLICT ("email") DO NOTHING"#,
            "INSERT INTO `address` (`email`, `user_id`) SELECT `user`.`name`, `user`.`id` FROM `user` ON DUPLICATE KEY UPDATE `id` = `id`",
        ],
    );
}

#[test]
fn update() {
    check(
        Update::table(&user()).set("name", "x").set(age(), age() + 1).filter(id().eq(5)),
        [
            r#"UPDATE "user" SET "name" = ?1, "age" = "user"."age" + ?2 WHERE "user"."id" = ?3"#,
            r#"UPDATE "user" SET "name" = $1, "age" = "user"."age" + $2 WHERE "user"."id" = $3"#,
            "UPDATE `user` SET `name` = ?, `age` = `user`.`age` + ? WHERE `user`.`id` = ?",
        ],
    );
    check(
        Update::table(&user()).set("name", email()).filter(id().eq(user_id())),
        [
            r#"UPDATE "user" SET "name" = "address"."email" FROM "address" WHERE "user"."id" = "address"."user_id""#,
            r#"UPDATE "user" SET "name" = "address"."email" FROM "address" WHERE "user"."id" = "address"."user_id""#,
            "UPDATE `user`, `address` SET `user`.`name` = `address`.`email` WHERE `user`.`id` = `address`.`user_id`",
        ],
    );
    let n = select(count_star()).from(address()).filter(user_id().eq(id())).scalar::<i64>();
    check(
        Update::table(&user()).set("age", n).returning(id()),
        [
            r#"UPDATE "user" SET "age" = (SELECT count(*) FROM "address" WHERE "address"."user_id" = "user"."id") RETURNING "id""#,
            r#"UPDATE "user" SET "age" = (SELECT count(*) FROM "address" WHERE "address"."user_id" = "user"."id") RETURNING "id""#,
            "! MariaDB has no RETURNING for this statement",
        ],
    );
    check(
        Update::table(&user()).filter(id().eq(1)),
        [
            "! UPDATE of `user` sets nothing",
            "! UPDATE of `user` sets nothing",
            "! UPDATE of `user` sets nothing",
        ],
    );
}

#[test]
fn delete() {
    check(
        Delete::from(&user()).filter(id().in_([1, 2, 3])),
        [
            r#"DELETE FROM "user" WHERE "user"."id" IN (?1, ?2, ?3)"#,
            r#"DELETE FROM "user" WHERE "user"."id" IN ($1, $2, $3)"#,
            "DELETE FROM `user` WHERE `user`.`id` IN (?, ?, ?)",
        ],
    );
    check(
        Delete::from(&user()).filter(id().eq(user_id()) & email().eq("x")),
        [
            "! SQLite has no DELETE with other tables: use a subquery",
            r#"DELETE FROM "user" USING "address" WHERE "user"."id" = "address"."user_id" AND "address"."email" = $1"#,
            "DELETE FROM `user` USING `user`, `address` WHERE `user`.`id` = `address`.`user_id` AND `address`.`email` = ?",
        ],
    );
    let has = select(()).from(address()).filter(user_id().eq(id())).exists();
    check(
        Delete::from(&user()).filter(!has).returning((id(), name())),
        [
            r#"DELETE FROM "user" WHERE NOT EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id") RETURNING "id", "name""#,
            r#"DELETE FROM "user" WHERE NOT EXISTS (SELECT 1 FROM "address" WHERE "address"."user_id" = "user"."id") RETURNING "id", "name""#,
            "DELETE FROM `user` WHERE NOT EXISTS (SELECT 1 FROM `address` WHERE `address`.`user_id` = `user`.`id`) RETURNING `id`, `name`",
        ],
    );
}

#[test]
fn text() {
    check(
        Statement::text("SELECT email FROM address WHERE id = :id").bind("id", 5),
        [
            "SELECT email FROM address WHERE id = ?1",
            "SELECT email FROM address WHERE id = $1",
            "SELECT email FROM address WHERE id = ?",
        ],
    );
}

#[test]
fn schema_names() {
    let t = Table::build("t").schema("main").column(Column::of::<i64>("id")).finish().unwrap();
    check(
        select(t.col::<i64>("id")),
        [
            r#"SELECT "main"."t"."id" FROM "main"."t""#,
            r#"SELECT "main"."t"."id" FROM "main"."t""#,
            "SELECT `main`.`t`.`id` FROM `main`.`t`",
        ],
    );
    check(
        Delete::from(&t).filter(t.col::<i64>("id").eq(1)),
        [
            r#"DELETE FROM "main"."t" WHERE "main"."t"."id" = ?1"#,
            r#"DELETE FROM "main"."t" WHERE "main"."t"."id" = $1"#,
            "DELETE FROM `main`.`t` WHERE `main`.`t`.`id` = ?",
        ],
    );
}

#[test]
fn insert_of_arrays() {
    let param = |n, data_type| Node::param(n, data_type);
    let (named, old) = (param(0, DataType::Text(None)), param(1, DataType::BigInt));
    let mut insert = Insert::into(&user())
        .columns(["name", "age", "fullname"])
        .on_conflict_do_update(["name"])
        .conflict_set("age", excluded::<i64>(&user(), "age").unwrap() + age());
    insert.values = InsertValues::Arrays(ArrayRows {
        arrays: vec![named.clone(), old],
        rest: vec![param(2, DataType::Text(None))],
        matched: Vec::new(),
    });
    check(
        insert.clone(),
        [
            "! SQLite has no INSERT of these rows as arrays",
            r#"INSERT INTO "user" ("name", "age", "fullname") SELECT "aludel_rows"."c1", "aludel_rows"."c2", $3 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS "aludel_rows"("c1", "c2", "o") ORDER BY "aludel_rows"."o" ON CONFLICT ("name") DO UPDATE SET "age" = excluded."age" + "user"."age""#,
            "! MariaDB has no INSERT of these rows as arrays",
        ],
    );
    // With the numbers of the rows that come back; those that are left out are told apart.
    let mut insert = Insert::into(&user())
        .columns(["name"])
        .on_conflict_do_nothing(["name"])
        .returning((id(), name()));
    insert.values =
        InsertValues::Arrays(ArrayRows { arrays: vec![named], rest: Vec::new(), matched: vec![1] });
    check(
        insert,
        [
            "! SQLite has no INSERT of these rows as arrays",
            r#"WITH "aludel_rows" AS MATERIALIZED (SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS "aludel_rows"("c1", "o")), "aludel_written" AS (INSERT INTO "user" ("name") SELECT "aludel_rows"."c1" FROM "aludel_rows" ORDER BY "aludel_rows"."o" ON CONFLICT ("name") DO NOTHING RETURNING "id" AS "r1", "name" AS "r2", "name" AS "m1") SELECT "aludel_rows"."o", "aludel_written"."r1" AS "id", "aludel_written"."r2" AS "name" FROM "aludel_written" LEFT JOIN (SELECT "c1", min("o") AS "o" FROM "aludel_rows" GROUP BY "c1") AS "aludel_rows" ON "aludel_written"."m1" = "aludel_rows"."c1""#,
            "! MariaDB has no INSERT of these rows as arrays",
        ],
    );
}
