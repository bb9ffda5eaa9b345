"""SQLAlchemy: the declarative ORM and its session, the same cases as bench-common's.

The command line and the output are those of the Rust peers; see benches/common/src.
"""

import argparse
import json
import os
import sys
import time

import sqlalchemy as sa
from sqlalchemy import orm


class Base(orm.DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    name: orm.Mapped[str]
    city: orm.Mapped[str]
    age: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    score: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


class Parent(Base):
    __tablename__ = "parent"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    name: orm.Mapped[str]
    score: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    children: orm.Mapped[list["Child"]] = orm.relationship(
        back_populates="parent", cascade="all, delete-orphan", order_by="Child.id"
    )


class Child(Base):
    __tablename__ = "child"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    parent_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("parent.id"), index=True)
    name: orm.Mapped[str]
    position: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    parent: orm.Mapped[Parent] = orm.relationship(back_populates="children")


TABLE = Person.__table__
CHILDREN = 10
GRAPH = ["graph-insert", "graph-selectin", "graph-joined", "graph-change", "graph-move", "graph-delete"]
CASES = ["load", "load-tracked", "load-million", "load-tracked-million", "get", "get-again", "insert", "update", *GRAPH]
FILL = """WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {n})
INSERT INTO person (id, name, city, age, score)
SELECT i, 'person number ' || i, 'city ' || (i % 1000), 18 + i % 60, i * 7919 % 100003 FROM n"""


FILL_PARENTS = """WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {n})
INSERT INTO parent (id, name, score) SELECT i, 'parent ' || i, i * 7919 % 100003 FROM n"""
FILL_CHILDREN = """WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {n} * 10)
INSERT INTO child (id, parent_id, name, position)
SELECT i, 1 + (i - 1) / 10, 'parent ' || (1 + (i - 1) / 10) || ' child ' || (1 + (i - 1) % 10), 1 + (i - 1) % 10
FROM n"""


def keys(n, rows):
    """The order of bench-common's `keys`."""
    everything = list(range(1, rows + 1))
    mask = (1 << 64) - 1
    state = 0x2545F4914F6CDD1D
    for i in range(len(everything) - 1, 0, -1):
        state ^= (state << 13) & mask
        state ^= state >> 7
        state ^= (state << 17) & mask
        j = state % (i + 1)
        everything[i], everything[j] = everything[j], everything[i]
    return everything[:n]


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


class Bench:
    def __init__(self, options):
        if options.postgres:
            rows, gets, updates = 20_000, 2_000, 5_000
            url = options.postgres.replace("postgres://", "postgresql+psycopg://", 1)
            self.engine = sa.create_engine(url)
        else:
            rows, gets, updates = 100_000, 20_000, 20_000
            self.engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        scale = 10 if options.quick else 1
        self.rows, self.gets, self.updates = rows // scale, gets // scale, updates // scale
        self.parents = 1000 // scale
        self.options = options

    def session(self):
        return orm.Session(self.engine, expire_on_commit=False)

    def run(self, case):
        if case in GRAPH:
            self.run_graph(case)
            return
        if case.endswith("million") and self.options.postgres:
            return
        n = self.rows * 10 if case.endswith("million") else self.rows
        worked = {"get": self.gets, "get-again": self.gets, "update": self.updates}.get(case, n)
        with self.engine.begin() as connection:
            Base.metadata.drop_all(connection)
            Base.metadata.create_all(connection)
            if case != "insert":
                connection.execute(sa.text(FILL.format(n=n)))
        method = getattr(self, case.replace("-million", "").replace("-", "_"))
        self.rounds(case, worked, lambda: method(n, worked))

    def rounds(self, case, worked, work):
        samples, grown, begun = [], None, time.perf_counter()
        while len(samples) < self.options.rounds and (len(samples) < 3 or time.perf_counter() - begun < 6):
            before = resident_bytes()
            samples.append(work())
            grown = resident_bytes() - before if grown is None else grown
        database = "postgres" if self.options.postgres else "sqlite"
        record = {"peer": "sqlalchemy", "database": database, "case": case, "rows": worked}
        print(json.dumps(record | {"ns": samples, "bytes_per_row": grown // worked}), flush=True)

    def run_graph(self, case):
        """Parents with children: what bench-common's `graph_run` does."""
        n = self.parents
        with self.engine.begin() as connection:
            Base.metadata.drop_all(connection)
            Base.metadata.create_all(connection)
        worked = {"graph-change": n * (1 + CHILDREN) // 10, "graph-move": n}.get(case, n * (1 + CHILDREN))
        self.rounds(case, worked, lambda: self.graph(case, n))

    def fill_graph(self, n):
        with self.engine.begin() as connection:
            if self.options.postgres:
                connection.execute(sa.text("TRUNCATE child, parent RESTART IDENTITY"))
            else:
                connection.execute(sa.delete(Child))
                connection.execute(sa.delete(Parent))
            if n:
                connection.execute(sa.text(FILL_PARENTS.format(n=n)))
                connection.execute(sa.text(FILL_CHILDREN.format(n=n)))
        if n and self.options.postgres:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("ANALYZE parent"))
                connection.execute(sa.text("ANALYZE child"))

    def number(self, sql):
        with self.engine.connect() as connection:
            return connection.scalar(sa.text(sql))

    def mark(self, what):
        if self.options.marks:
            with self.engine.connect() as connection:
                connection.execute(sa.text(f"SELECT 'bench: {what}'"))

    def graph(self, case, n):
        self.fill_graph(0 if case == "graph-insert" else n)
        with self.session() as session:
            if case == "graph-insert":
                parents = [
                    Parent(
                        name=f"parent {i}",
                        score=i * 7919 % 100003,
                        children=[Child(name=f"parent {i} child {c}", position=c) for c in range(1, CHILDREN + 1)],
                    )
                    for i in range(1, n + 1)
                ]
            elif case in ("graph-selectin", "graph-joined"):
                parents = None
            else:
                parents = self.load_graph(session, orm.selectinload)
                session.commit()
            work = getattr(self, case.replace("-", "_"))
            self.mark("begin")
            begun = time.perf_counter_ns()
            parents = work(session, parents)
            took = time.perf_counter_ns() - begun
            self.mark("end")
            self.check_graph(case, n, parents)
        return took

    def check_graph(self, case, n, parents):
        if case in ("graph-selectin", "graph-joined"):
            assert len(parents) == n and all(len(parent.children) == CHILDREN for parent in parents)
        count = self.number("SELECT COUNT(*) FROM child")
        assert count == (0 if case == "graph-delete" else n * CHILDREN)
        own = self.number(
            "SELECT COUNT(*) FROM child JOIN parent ON parent.id = child.parent_id"
            " WHERE child.name LIKE parent.name || ' child %'"
        )
        assert own == {"graph-delete": 0, "graph-move": n * (CHILDREN - 1)}.get(case, n * CHILDREN)
        if case == "graph-change":
            assert self.number("SELECT SUM(position) FROM child") == n * 55 + n

    @staticmethod
    def load_graph(session, strategy):
        query = sa.select(Parent).order_by(Parent.id).options(strategy(Parent.children))
        return session.scalars(query).unique().all()

    def graph_insert(self, session, parents):
        session.add_all(parents)
        session.commit()

    def graph_selectin(self, session, _):
        return self.load_graph(session, orm.selectinload)

    def graph_joined(self, session, _):
        return self.load_graph(session, orm.joinedload)

    def graph_change(self, session, parents):
        for parent in parents[::10]:
            parent.score += 1
            for child in parent.children:
                child.position += 1
        session.commit()

    def graph_move(self, session, parents):
        children = [parent.children[0] for parent in parents]
        for n, child in enumerate(children):
            child.parent = parents[(n + 1) % len(parents)]
        session.commit()

    def graph_delete(self, session, parents):
        for parent in parents:
            session.delete(parent)
        session.commit()

    def load(self, n, _):
        """Rows without objects: what SQLAlchemy advises for reading only."""
        with self.session() as session:
            begun = time.perf_counter_ns()
            rows = session.execute(sa.select(*TABLE.c)).all()
            took = time.perf_counter_ns() - begun
            assert len(rows) == n and rows[996].name == "person number 997"
            return took

    def load_tracked(self, n, _):
        with self.session() as session:
            begun = time.perf_counter_ns()
            people = session.scalars(sa.select(Person)).all()
            took = time.perf_counter_ns() - begun
            assert len(people) == n
            return took

    def get(self, n, worked):
        wanted = keys(worked, n)
        with self.session() as session, session.begin():
            begun = time.perf_counter_ns()
            people = [session.get(Person, key) for key in wanted]
            took = time.perf_counter_ns() - begun
            assert [person.id for person in people] == wanted
            return took

    def get_again(self, n, worked):
        wanted = keys(worked, n)
        with self.session() as session, session.begin():
            people = session.scalars(sa.select(Person)).all()
            begun = time.perf_counter_ns()
            ages = sum(session.get(Person, key).age for key in wanted)
            took = time.perf_counter_ns() - begun
            assert ages == sum(18 + key % 60 for key in wanted) and len(people) == n
            return took

    def insert(self, n, _):
        clear = "TRUNCATE person RESTART IDENTITY" if self.options.postgres else "DELETE FROM person"
        with self.engine.begin() as connection:
            connection.execute(sa.text(clear))
        people = [
            Person(name=f"person number {i}", city=f"city {i % 1000}", age=18 + i % 60, score=i * 7919 % 100003)
            for i in range(1, n + 1)
        ]
        with self.session() as session:
            begun = time.perf_counter_ns()
            session.add_all(people)
            session.commit()
            took = time.perf_counter_ns() - begun
            assert [person.id for person in people] == list(range(1, n + 1))
            return took

    def update(self, _, worked):
        with self.session() as session:
            people = session.scalars(sa.select(Person).where(Person.id <= worked).order_by(Person.id)).all()
            begun = time.perf_counter_ns()
            for person in people:
                person.age += 1
            session.commit()
            return time.perf_counter_ns() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--marks", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    for name in CASES:
        if name in arguments.cases.split(","):
            bench.run(name)
    # CPython 3.11 may crash in the collection of garbage with which it ends: by then all is measured.
    sys.stdout.flush()
    os._exit(0)
