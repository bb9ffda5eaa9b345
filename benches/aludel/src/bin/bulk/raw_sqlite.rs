//! The same by rusqlite: a prepared statement that is run for each row.

use rusqlite::Connection;

use crate::{Item, Writer, case, half};

const INSERT: &str = "INSERT INTO item (name, city, age, score) VALUES (?, ?, ?, ?)";

impl Writer for Connection {
    fn refill(&mut self, rows: &[Item]) {
        self.execute("DELETE FROM item", []).unwrap();
        each(self, INSERT, rows);
    }

    fn count(&mut self) -> i64 {
        self.query_row("SELECT count(*) FROM item", [], |row| row.get(0)).unwrap()
    }
}

fn each(db: &mut Connection, sql: &str, rows: &[Item]) {
    let transaction = db.transaction().unwrap();
    {
        let mut statement = transaction.prepare_cached(sql).unwrap();
        for row in rows {
            statement.execute((&row.name, &row.city, row.age, row.score)).unwrap();
        }
    }
    transaction.commit().unwrap();
}

pub(crate) fn cases(rows: &[Item]) {
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, city TEXT NOT NULL, \
         age INTEGER NOT NULL, score INTEGER NOT NULL)",
    )
    .unwrap();
    let half = half(rows);
    case(&mut db, "sqlite raw insert", &[], rows, |db, rows| each(db, INSERT, rows));
    let upsert = format!(
        "{INSERT} ON CONFLICT (name) DO UPDATE SET age = excluded.age, score = excluded.score"
    );
    case(&mut db, "sqlite raw upsert", &half, rows, |db, rows| each(db, &upsert, rows));
    for (name, sql, before) in [("insert", INSERT, &[][..]), ("upsert", &upsert, &half)] {
        let sql = format!("{sql} RETURNING id, name, city, age, score");
        case(&mut db, &format!("sqlite raw {name} returning"), before, rows, |db, rows| {
            returning(db, &sql, rows);
        });
    }
}

fn returning(db: &mut Connection, sql: &str, rows: &[Item]) {
    let transaction = db.transaction().unwrap();
    {
        let mut statement = transaction.prepare_cached(sql).unwrap();
        for row in rows {
            let values = (&row.name, &row.city, row.age, row.score);
            let of = |row: &rusqlite::Row<'_>| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, i64>(4)?,
                ))
            };
            std::hint::black_box(statement.query_row(values, of).unwrap());
        }
    }
    transaction.commit().unwrap();
}
