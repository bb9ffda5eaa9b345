"""What an instrumented operation costs: no database, objects as if they had been loaded.

Prints one line of JSON for each case: nanoseconds an operation, the best of all rounds.
"""

import json
import time
from typing import List, Optional

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, make_transient_to_detached, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value

OBJECTS, MANY, ROUNDS = 10_000, 100_000, 5


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]
    age: Mapped[int]
    score: Mapped[int]


class Owner(Base):
    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True)
    things: Mapped[List["Thing"]] = relationship(back_populates="owner")


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[Optional[int]] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Optional[Owner]] = relationship(back_populates="things")


def loaded(session, value):
    make_transient_to_detached(value)
    session.add(value)
    return value


def people(session):
    return [
        loaded(session, Person(id=i, name=f"person {i}", city="Vienna", age=i % 90, score=i))
        for i in range(1, OBJECTS + 1)
    ]


def things(session, count):
    made = []
    for i in range(1, count + 1):
        thing = loaded(session, Thing(id=i, name="", owner_id=None))
        set_committed_value(thing, "owner", None)
        made.append(thing)
    return made


def owner(session, key, members):
    made = loaded(session, Owner(id=key))
    set_committed_value(made, "things", list(members))
    for thing in members:
        set_committed_value(thing, "owner", made)
    return made


def timed(count, run):
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / count


def case(name, round_):
    each = []
    for _ in range(ROUNDS):
        with Session(autoflush=False) as session:
            each.append(round_(session))
    print(json.dumps({"peer": "sqlalchemy", "case": name, "ns": round(min(each), 1)}), flush=True)


def set_scalar(session):
    all_ = people(session)

    def run():
        for at, person in enumerate(all_):
            person.age = at + 1000

    return timed(OBJECTS, run)


def set_reference(session):
    all_ = things(session, OBJECTS)
    owners = [owner(session, at // 10 + 1, all_[at : at + 10]) for at in range(0, OBJECTS, 10)]

    def run():
        for at, thing in enumerate(all_):
            thing.owner = owners[(at // 10 + 1) % len(owners)]

    return timed(OBJECTS, run)


def append(count):
    def round_(session):
        all_ = things(session, MANY)
        owners = [owner(session, key, []) for key in range(1, MANY // count + 1)]

        def run():
            for at, one in enumerate(owners):
                for thing in all_[at * count : (at + 1) * count]:
                    one.things.append(thing)

        return timed(MANY, run)

    return round_


def remove(session):
    all_ = things(session, MANY)
    one = owner(session, 1, all_)
    # A hundredth of them: each is searched for.
    count = OBJECTS // 100

    def run():
        for at in range(count):
            one.things.remove(all_[at * 7919 % MANY])

    return timed(count, run)


case("set-scalar", set_scalar)
case("set-reference", set_reference)
for size in (10, 1000, MANY):
    case(f"append-{size}", append(size))
case("remove-of-100000", remove)
