"""Ten million rows of a marketplace as Parquet files, and the words for them.

Facts lie in the order of time, as a log of events does, and some have no user. Both sides of a benchmark read exactly
these files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
from ibis import _

from workspace.semantic import Dataset, Model, dim, fact, funnel, key, measure, ref, time

if TYPE_CHECKING:
    from pathlib import Path

THREADS = 2
USERS, LISTINGS, BOOKINGS, ITEMS, VISITS = 300_000, 40_000, 4_000_000, 10_000_000, 10_000_000
START, DAYS = "2024-11-01", 730
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def _moment(rows: int) -> str:
    """Spread rows evenly over the days, in order."""
    seconds = DAYS * 86_400
    return f"TIMESTAMPTZ '{START} 00:00:00+00' + to_seconds((range::DOUBLE * {seconds} / {rows})::BIGINT)"


def _any(seed: int, below: int) -> str:
    """A number that looks random, and is the same in every run."""
    return f"(hash(range * 31 + {seed}) % {below})::BIGINT"


# Bookings take turns with 2 and 3 items, so that item n belongs to booking n * 2 // 5.
TABLES = {
    "users": f"""SELECT range AS id, 'country ' || range % 30 AS country, {_moment(USERS)} AS created_at
        FROM range({USERS})""",
    # Two listings have three versions and two: each changes on a day of its own.
    "listings": f"""SELECT id, 'city ' || id % 50 AS city, 'tier ' || {_any(1, 3)} AS tier,
            ((5 + {_any(2, 10)}) / 100)::DECIMAL(18, 4) AS commission_rate,
            CASE WHEN version > 0 THEN begins ELSE TIMESTAMPTZ '2020-01-01 00:00:00+00' END AS valid_from,
            CASE WHEN last THEN TIMESTAMPTZ '9999-12-31 00:00:00+00' ELSE begins + to_days(240) END AS valid_to
        FROM (SELECT range, range // 5 * 2 + range % 5 // 3 AS id, range % 5 % 3 AS version,
            range % 5 IN (2, 4) AS last,
            TIMESTAMPTZ '{START} 00:00:00+00' + to_days((version * 240 + id % 200)::INTEGER) AS begins
            FROM range({LISTINGS // 2 * 5}))""",
    "bookings": f"""SELECT range AS id, {_any(3, USERS)} AS user_id, {_moment(BOOKINGS)} AS created_at,
            CASE WHEN {_any(4, 10)} = 0 THEN 'cancelled' ELSE 'completed' END AS status
        FROM range({BOOKINGS})""",
    "items": f"""SELECT range * 2 // 5 AS booking_id, range - (range * 2 // 5 * 5 + 1) // 2 AS line_no,
            {_any(5, LISTINGS)} AS listing_id, 'kind ' || {_any(6, 12)} AS kind,
            ({_any(7, 100_000)} / 100)::DECIMAL(18, 2) AS amount, {_moment(ITEMS)} AS created_at
        FROM range({ITEMS})""",
    "visits": f"""SELECT range AS id, CASE WHEN {_any(8, 50)} > 0 THEN {_any(9, USERS)} END AS user_id,
            'device ' || {_any(10, 4)} AS device, {_any(11, 600)} AS seconds, {_moment(VISITS)} AS visited_at
        FROM range({VISITS})""",
}


def write(folder: Path) -> None:
    """Write each table as one Parquet file."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = 'UTC'; SET threads = {THREADS}")
    for name, rows in TABLES.items():
        connection.execute(f"COPY ({rows}) TO '{folder / name}.parquet' (FORMAT parquet)")


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open DuckDB with a view for each file, for the SQL that is written by hand."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = 'UTC'; SET threads = {THREADS}")
    for name in TABLES:
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}.parquet')")
    return connection


class Users(Dataset, table="users"):
    """People with an account."""

    user = key(_.id)
    country = dim(_.country)
    joined = time(_.created_at, default=True)


class Listings(Dataset, table="listings", history=True):
    """What can be booked."""

    listing = key(_.id)
    city = dim(_.city)
    tier = dim(_.tier)
    commission_rate = fact(_.commission_rate)


class Bookings(Dataset, table="bookings"):
    """One row a booking."""

    booking = key(_.id)
    booker = ref(Users, _.user_id)
    created = time(_.created_at, default=True)
    status = dim(_.status)
    bookings = measure(_.count(), unit="count")
    bookers = measure(_.user_id.nunique(), unit="count")


class Items(Dataset, table="items"):
    """One row a line of a booking."""

    item = key(_.booking_id, _.line_no)
    booking = ref(Bookings, _.booking_id)
    listing = ref(Listings, _.listing_id, valid="event")
    kind = dim(_.kind)
    booked = time(_.created_at, default=True)
    gbv = measure(_.amount.sum(), unit="EUR")
    lines = measure(_.count(), unit="count")
    commission = measure((_.amount * _.listing.commission_rate).sum(), unit="EUR")


class Visits(Dataset, table="visits"):
    """One row a visit, of a user or of somebody unknown."""

    visit = key(_.id)
    visitor = ref(Users, _.user_id)
    device = dim(_.device)
    visited = time(_.visited_at, default=True)
    visits = measure(_.count(), unit="count")
    stay = measure(_.seconds.sum(), "Seconds spent")
    visitors = measure(_.user_id.nunique(), unit="count")


MODEL = Model(
    *(Users, Listings, Bookings, Items, Visits),
    timezone="Europe/Berlin",
    conversion=funnel(Visits.visits, Bookings.bookings, by="user", within="7 days"),
)


@dataclass(frozen=True)
class Release:
    """What a model wants to know of a release."""

    name: str = "2026-11-01"
    as_of: datetime = datetime(2026, 11, 1, tzinfo=UTC)


class Files:
    """The files, as a model wants to read them."""

    def __init__(self, folder: Path) -> None:
        self.release = Release()
        self._backend = ibis.duckdb.connect(threads=THREADS)
        self._backend.raw_sql("SET TimeZone = 'UTC'")
        self._tables = {name: self._backend.read_parquet(folder / f"{name}.parquet") for name in TABLES}

    def at(self, release: str) -> Files:
        """There is no other release."""
        raise LookupError(release)

    def history(self, name: str) -> Any:
        """Read every version."""
        return self._tables[name]

    def table(self, name: str) -> Any:
        """Read live rows."""
        rows = self._tables[name]
        if "valid_to" not in rows.columns:
            return rows
        return rows.filter(rows.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")
