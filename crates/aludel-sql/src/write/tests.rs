use super::*;
use crate::{Column, DataType};

fn table() -> Table {
    Table::build("user")
        .column(Column::new("id", DataType::BigInt).primary_key())
        .column(Column::new("name", DataType::Text(Some(30))))
        .column(Column::new("age", DataType::Integer))
        .finish()
        .unwrap()
}

#[test]
fn insert() {
    let (t, lite, pg, my) = (table(), Dialect::sqlite(), Dialect::postgres(), Dialect::mysql());
    let sql = |c: Result<Compiled>| c.unwrap().sql;
    assert_eq!(
        &*sql(insert_row_sql(&t, &[1, 2], &[], &lite)),
        r#"INSERT INTO "user" ("name", "age") VALUES (?, ?)"#
    );
    assert_eq!(
        &*sql(insert_row_sql(&t, &[], &[0], &pg)),
        r#"INSERT INTO "user" DEFAULT VALUES RETURNING "id""#
    );
    assert_eq!(&*sql(insert_row_sql(&t, &[], &[], &my)), "INSERT INTO `user` () VALUES ()");
    assert_eq!(
        &*sql(insert_many_sql(&t, &[1], &[0], 2, &Dialect::mariadb())),
        "INSERT INTO `user` (`name`) VALUES (?), (?) RETURNING `id`"
    );
    assert_eq!(
        &*sql(insert_many_sql(&t, &[1, 2], &[], 2, &pg)),
        r#"INSERT INTO "user" ("name", "age") VALUES ($1, $2), ($3, $4)"#
    );
    let unnest = insert_unnest_sql(&t, &[1, 2], &[0], &pg).unwrap();
    assert_eq!(
        &*unnest.sql,
        r#"INSERT INTO "user" ("name", "age") SELECT d.c1, d.c2 FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS d(c1, c2, o) ORDER BY d.o RETURNING "id""#
    );
    assert_eq!(unnest.table.as_deref(), Some("user"));
    assert!(unnest.returns_rows);
    let refused = insert_row_sql(&t, &[1], &[0], &my).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[test]
fn update() {
    let (t, lite, pg, my) = (table(), Dialect::sqlite(), Dialect::postgres(), Dialect::mysql());
    let row = |how, d: &Dialect| update_row_sql(&t, &[1], &[0], &[], how, d).unwrap().sql;
    assert_eq!(&*row(KeyMatch::Equal, &lite), r#"UPDATE "user" SET "name" = ? WHERE "id" = ?"#);
    assert_eq!(&*row(KeyMatch::NullSafe, &lite), r#"UPDATE "user" SET "name" = ? WHERE "id" IS ?"#);
    assert_eq!(&*row(KeyMatch::NullSafe, &my), "UPDATE `user` SET `name` = ? WHERE `id` <=> ?");
    assert_eq!(
        &*update_unnest_sql(&t, &[1], &[0], &[], KeyMatch::Equal, &pg).unwrap().sql,
        r#"UPDATE "user" AS t SET "name" = d.c1 FROM unnest($1::text[], $2::bigint[]) AS d(c1, k1) WHERE t."id" = d.k1"#
    );
    assert_eq!(
        &*update_unnest_sql(&t, &[1], &[0], &[2], KeyMatch::Equal, &pg).unwrap().sql,
        r#"UPDATE "user" AS t SET "name" = d.c1 FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS d(c1, k1, o) WHERE t."id" = d.k1 RETURNING d.o, t."age""#
    );
    assert_eq!(
        &*update_many_sql(&t, &[1], &[0], 2, &lite).unwrap().sql,
        r#"UPDATE "user" AS t SET "name" = d.column1 FROM (VALUES (?, ?), (?, ?)) AS d WHERE t."id" = d.column2"#
    );
    assert_eq!(update_many_sql(&t, &[1], &[0], 2, &pg).unwrap_err().kind(), ErrorKind::Unsupported);
    let nothing = update_row_sql(&t, &[], &[0], &[], KeyMatch::Equal, &pg).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Argument);
}

#[test]
fn delete() {
    let (t, lite, pg) = (table(), Dialect::sqlite(), Dialect::postgres());
    assert_eq!(
        &*delete_row_sql(&t, &[0], KeyMatch::Equal, &pg).unwrap().sql,
        r#"DELETE FROM "user" WHERE "id" = $1"#
    );
    assert_eq!(
        &*delete_range_sql(&t, 0, &lite).sql,
        r#"DELETE FROM "user" WHERE "id" >= ? AND "id" <= ?"#
    );
    assert_eq!(
        &*delete_in_sql(&t, &[0], 2, &lite).unwrap().sql,
        r#"DELETE FROM "user" WHERE "id" IN (?, ?)"#
    );
    assert_eq!(
        &*delete_in_sql(&t, &[0, 2], 2, &lite).unwrap().sql,
        r#"DELETE FROM "user" WHERE ("id", "age") IN (VALUES (?, ?), (?, ?))"#
    );
    assert_eq!(
        &*delete_unnest_sql(&t, &[0], KeyMatch::Equal, &pg).unwrap().sql,
        r#"DELETE FROM "user" WHERE "id" = ANY($1::bigint[])"#
    );
    assert_eq!(
        &*delete_unnest_sql(&t, &[0, 2], KeyMatch::Equal, &pg).unwrap().sql,
        r#"DELETE FROM "user" AS t USING unnest($1::bigint[], $2::integer[]) AS d(k1, k2) WHERE t."id" = d.k1 AND t."age" = d.k2"#
    );
}
