//! The same by tokio-postgres: rows copied in the binary format, and arrays by `unnest`.

use std::pin::pin;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use crate::{Item, Writer, case, half};

const COPY: &str = "COPY item (name, city, age, score) FROM STDIN (FORMAT binary)";
const INSERT: &str = "INSERT INTO item (name, city, age, score) SELECT name, city, age, score \
    FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[]) WITH ORDINALITY AS u (name, city, age, score, o) \
    ORDER BY o";
const UPDATE: &str = "ON CONFLICT (name) DO UPDATE SET age = excluded.age, score = excluded.score";
const ALL: &str = "RETURNING id, name, city, age, score";

struct Postgres {
    runtime: Runtime,
    client: Client,
}

impl Writer for Postgres {
    fn refill(&mut self, rows: &[Item]) {
        self.runtime.block_on(self.client.batch_execute("DELETE FROM item")).unwrap();
        copy(self, rows);
    }

    fn count(&mut self) -> i64 {
        let row = self.runtime.block_on(self.client.query_one("SELECT count(*) FROM item", &[]));
        row.unwrap().get(0)
    }
}

fn copy(db: &mut Postgres, rows: &[Item]) {
    db.runtime.block_on(async {
        let transaction = db.client.transaction().await.unwrap();
        let sink = transaction.copy_in(COPY).await.unwrap();
        let types = [Type::TEXT, Type::TEXT, Type::INT8, Type::INT8];
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            let values: [&(dyn ToSql + Sync); 4] = [&row.name, &row.city, &row.age, &row.score];
            writer.as_mut().write(&values).await.unwrap();
        }
        writer.finish().await.unwrap();
        transaction.commit().await.unwrap();
    });
}

/// Runs a statement with an array for each column; says how many rows came back.
fn arrays(db: &mut Postgres, sql: &str, rows: &[Item]) -> usize {
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let cities: Vec<&str> = rows.iter().map(|row| row.city.as_str()).collect();
    let ages: Vec<i64> = rows.iter().map(|row| row.age).collect();
    let scores: Vec<i64> = rows.iter().map(|row| row.score).collect();
    db.runtime.block_on(async {
        let transaction = db.client.transaction().await.unwrap();
        let back = transaction.query(sql, &[&names, &cities, &ages, &scores]).await.unwrap();
        transaction.commit().await.unwrap();
        let item = |row: &tokio_postgres::Row| {
            (
                row.get::<_, i64>(0),
                row.get::<_, String>(1),
                row.get::<_, String>(2),
                row.get::<_, i64>(3),
                row.get::<_, i64>(4),
            )
        };
        back.iter().map(item).collect::<Vec<_>>().len()
    })
}

pub(crate) fn cases(url: &str, rows: &[Item]) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(async move { connection.await.unwrap() });
        client
    });
    let mut db = Postgres { runtime, client };
    let half = half(rows);
    case(&mut db, "postgres raw COPY", &[], rows, copy);
    case(&mut db, "postgres raw unnest", &[], rows, |db, rows| {
        arrays(db, INSERT, rows);
    });
    case(&mut db, "postgres raw unnest returning", &[], rows, |db, rows| {
        assert_eq!(arrays(db, &format!("{INSERT} {ALL}"), rows), rows.len());
    });
    case(&mut db, "postgres raw upsert", &half, rows, |db, rows| {
        arrays(db, &format!("{INSERT} {UPDATE}"), rows);
    });
    case(&mut db, "postgres raw upsert returning", &half, rows, |db, rows| {
        assert_eq!(arrays(db, &format!("{INSERT} {UPDATE} {ALL}"), rows), rows.len());
    });
}
