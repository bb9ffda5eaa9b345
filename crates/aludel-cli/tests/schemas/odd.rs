//! Tables as somebody else has drawn them by hand.

/// Comments, quotes and capitals wherever SQLite takes them; references to tables without a key, and to none.
pub(crate) const SQLITE: &str = r#"
CREATE TABLE "order" ( -- who's (paid
  "Order Id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "group" TEXT NOT NULL DEFAULT 'it''s', /* never, (used */
  "select" INT,
  "default" TEXT,
  "self" TEXT,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "area m²" REAL,
  total NUMERIC(10,2) NOT NULL DEFAULT 0 CHECK (total >= 0),
  twice INT AS (total * 2), -- computed
  buyer_id INTEGER NOT NULL REFERENCES PERSON(Person_ID),
  currency TEXT REFERENCES currency(code),
  a_id INT,
  b_id INT,
  FOREIGN KEY (a_id, b_id) REFERENCES a_b(a_id, b_id),
  CONSTRAINT "a check" CHECK ("select" IS NULL OR "select" > 0),
  CONSTRAINT two UNIQUE ("group", "select")
);
CREATE UNIQUE INDEX one_open ON "order" ("group")
  WHERE "select" IS NULL;
CREATE INDEX by_lower ON "order" (lower("group"));
CREATE TABLE person (
  person_id integer primary key,
  "First Name" varchar(20) not null,
  email text unique,
  boss int references person,
  active boolean not null default 1
);
CREATE TABLE lost (id INTEGER PRIMARY KEY, at INTEGER REFERENCES nowhere(id));
CREATE TABLE currency (code TEXT NOT NULL UNIQUE);
CREATE TABLE a (id INTEGER PRIMARY KEY);
CREATE TABLE b (id INTEGER PRIMARY KEY);
CREATE TABLE a_b (a_id INT NOT NULL REFERENCES a(id), b_id INT NOT NULL REFERENCES b(id), PRIMARY KEY (b_id, a_id));
CREATE TABLE both (id INTEGER PRIMARY KEY REFERENCES a(id) REFERENCES b(id));
CREATE TABLE friend (
  person_id INT REFERENCES person,
  friend_id INT REFERENCES person,
  since DATE,
  PRIMARY KEY (person_id, friend_id)
);
CREATE TABLE token (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), kind TEXT) WITHOUT ROWID;
CREATE TABLE "weird(table" ("a,b" INTEGER PRIMARY KEY, "e)" TEXT CHECK ("e)" <> ')'));
"#;

/// Types that have no counterpart, defaults of keys, enums and domains, and a reference to another schema.
pub(crate) const POSTGRES: &str = r#"
DROP SCHEMA IF EXISTS "odd other" CASCADE;
CREATE SCHEMA "odd other";
CREATE TABLE "odd other".region (id int PRIMARY KEY, name text);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN zip AS varchar(5) CHECK (VALUE ~ '^\d+$');
CREATE TABLE "Odd" (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  mood mood NOT NULL DEFAULT 'ok',
  tags text[] NOT NULL DEFAULT '{}',
  grid numeric[],
  span interval,
  address inet,
  valid daterange,
  words tsvector,
  number serial,
  zip zip,
  always bigint GENERATED ALWAYS AS IDENTITY,
  created timestamptz NOT NULL DEFAULT now(),
  low text GENERATED ALWAYS AS (lower(zip::text)) STORED,
  region_id int REFERENCES "odd other".region(id)
);
COMMENT ON TABLE "Odd" IS E'An odd table.\n\n    which is not code';
CREATE INDEX by_tag ON "Odd" USING gin (tags);
CREATE UNIQUE INDEX by_low ON "Odd" (lower(zip::text));
"#;
