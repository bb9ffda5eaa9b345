#!/usr/bin/env python3
"""The answers that the flights example must give, computed from the CSV files without any database.

    python3 expected.py .         > expected.json        # January, from the files beside this one
    python3 expected.py FULL_DIR  > expected-full.json   # the year, from the full CSV files

Plain Python and its standard library; README.md says what each answer means.
"""

import csv
import gzip
import json
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

TABLES = ["airlines", "airports", "planes", "flights", "weather"]


def read(folder, table):
    plain = folder / f"{table}.csv"
    if plain.exists():
        with open(plain, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    with gzip.open(folder / f"{table}.csv.gz", "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def top(counts, n):
    """The n most frequent, ties by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]


def rounded(sum_, count):
    exact = Fraction(sum_, count) * 1000
    assert exact.denominator != 2, "half a unit: say how it is rounded"
    return round(exact) / 1000


def answers(folder):
    rows = {table: read(folder, table) for table in TABLES}
    flights = rows["flights"]
    planes = {plane["tailnum"]: plane for plane in rows["planes"]}
    airports = {airport["faa"] for airport in rows["airports"]}

    delays = defaultdict(list)
    for flight in flights:
        if flight["dep_delay"] != "NA":
            delays[flight["carrier"]].append(int(flight["dep_delay"]))
    known = [flight for flight in flights if flight["dep_delay"] != "NA"]
    worst = max(int(flight["dep_delay"]) for flight in known)
    (longest,) = [flight for flight in known if int(flight["dep_delay"]) == worst]

    return {
        "rows": {table: len(rows[table]) for table in TABLES},
        "flights_by_carrier": dict(sorted(Counter(f["carrier"] for f in flights).items())),
        "mean_dep_delay_by_carrier": {
            carrier: rounded(sum(values), len(values)) for carrier, values in sorted(delays.items())
        },
        "busiest_routes": [
            [origin, dest, n]
            for (origin, dest), n in top(Counter((f["origin"], f["dest"]) for f in flights), 10)
        ],
        "flights_without_plane": sum(f["tailnum"] not in planes for f in flights),
        "flights_without_destination_airport": sum(f["dest"] not in airports for f in flights),
        "flights_by_manufacturer": [
            [name, n]
            for name, n in top(
                Counter(planes[f["tailnum"]]["manufacturer"] for f in flights if f["tailnum"] in planes), 5
            )
        ],
        "busiest_planes": [
            [tailnum, n]
            for tailnum, n in top(Counter(f["tailnum"] for f in flights if f["tailnum"] != "NA"), 5)
        ],
        "longest_departure_delay": {
            "carrier": longest["carrier"],
            "flight": int(longest["flight"]),
            "origin": longest["origin"],
            "dest": longest["dest"],
            "time_hour": longest["time_hour"],
            "dep_delay": worst,
        },
    }


if __name__ == "__main__":
    json.dump(answers(Path(sys.argv[1])), sys.stdout, indent=2)
    print()
