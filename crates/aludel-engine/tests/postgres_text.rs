//! PostgreSQL: values of types without a counterpart, read as the texts that the server writes.
#![cfg(feature = "postgres")]

mod common;
#[path = "common/postgres.rs"]
mod server;

use aludel_sql::Value;
use common::*;
use server::run;

const VALUES: &[&str] = &[
    "'{}'::text[]",
    "'{a,\"b c\",NULL,\"NULL\",\"\",\"x\\\"y\\\\z\",\"{\",\"p,q\",é}'::text[]",
    "'{{1,2,3},{4,NULL,6}}'::int[]",
    "'{{{1},{2}},{{3},{4}}}'::bigint[]",
    "'[0:2]={1,2,3}'::int[]",
    "'{1.50,-2}'::numeric(9,2)[]",
    "'{0.1,1.5}'::real[]",
    "'{2024-02-29}'::date[]",
    "'{10.0.0.0/8}'::cidr[]",
    "'{\"[1,2)\",empty}'::int4range[]",
    "'[1,5)'::int4range",
    "'empty'::int4range",
    "'(,5)'::int8range",
    "'[2024-01-01,)'::daterange",
    "'[a,\"b c\"]'::text_range",
    "'1 year 2 mons 3 days 04:05:06.7'::interval",
    "'-1 mons +2 days -03:00:00'::interval",
    "'-1 days +00:00:01'::interval",
    "'1 day'::interval",
    "'0'::interval",
    "'26:00:00.000001'::interval",
    "'10.0.0.1'::inet",
    "'10.0.0.1/8'::inet",
    "'10.0.0.0/8'::cidr",
    "'10.0.0.1/32'::cidr",
    "'::1'::inet",
    "'2001:db8::/32'::cidr",
    "'08:00:2b:01:02:03'::macaddr",
    "'08:00:2b:01:02:03:04:05'::macaddr8",
    "'1011'::bit(4)",
    "'101100111'::varbit",
    "''::varbit",
    "'x'::\"char\"",
    "'(1.5,-2)'::point",
    "'fat:2,4A cat:3B ''it''''s'' a\\\\b'::tsvector",
    "''::tsvector",
    "'$.a[*] ? (@ > 1)'::jsonpath",
    "'ok'::mood",
    "'{sad,ok}'::mood[]",
    "'{1,2}'::few",
];

#[test]
fn texts_are_those_of_the_server() {
    run("t_texts", async |e| {
        let mut c = e.acquire().await?;
        let types = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN few AS int[]; \
                     CREATE TYPE text_range AS RANGE (subtype = text)";
        c.execute_raw(types).await?;
        for value in VALUES {
            let got = rows(&mut c, &format!("SELECT {value}, format('%s', {value}), {value}"), &[])
                .await?;
            assert_eq!(got[0][0], got[0][1], "{value}");
            assert_eq!(got[0][0], got[0][2], "{value}");
        }
        // PostgreSQL reads them again.
        let sql =
            "SELECT $1::timetz = '01:02:03.5-03:30'::timetz, $2::bool[] = '{t,f,NULL}'::bool[]";
        let times =
            rows(&mut c, "SELECT '01:02:03.5-03:30'::timetz, '{t,f,NULL}'::bool[]", &[]).await?;
        let [Value::Text(time), Value::Text(truths)] = &*times[0] else { panic!("{times:?}") };
        let same = rows(&mut c, sql, &[text(time), text(truths)]).await?;
        assert_eq!(same, [[Value::Bool(true), Value::Bool(true)]]);
        Ok(())
    });
}
