"""Random models, their data, and what they mean by brute force: to try the language where nobody has thought it out.

A world is a handful of datasets `D0`, `D1`, ... in which each may refer to later ones, several times over. All have the
columns `id`, `t` (a time), `c` (a word), `x` (an amount) and `r0`, `r1`, ... (keys of others).
"""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import strategies as st
from ibis import _

import workspace.semantic as ws
from semantic.brute import ZONE
from semantic.brute_time import midnight
from semantic.shop import FOREVER, Release, connection

START = datetime(2026, 3, 27, 22, 30, tzinfo=UTC)
Raw = dict[str, Any]


@dataclass(frozen=True)
class Link:
    """A reference: `r<number>` of one dataset holds a key of another."""

    number: int
    target: int
    valid: str | None = None
    before: str = "earliest"


@dataclass
class Table:
    """What a dataset is, and its rows. A history's rows have `valid_from` and `valid_to`."""

    number: int
    history: bool
    dates: bool
    where: bool
    links: list[Link]
    rows: list[Raw] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"D{self.number}"

    def ref(self, link: Link) -> str:
        return f"ref{self.number}{link.number}"

    @property
    def live(self) -> list[Raw]:
        return [row for row in self.rows if not self.history or row["valid_to"] == FOREVER]

    def kept(self, row: Raw) -> bool:
        return not self.where or (row["c"] is not None and row["c"] != "z")

    def moment(self, row: Raw | None) -> datetime | None:
        """A day counts as its last microsecond."""
        if row is None or row["t"] is None:
            return None
        return midnight(row["t"] + timedelta(days=1)) - timedelta(microseconds=1) if self.dates else row["t"]

    def day(self, row: Raw) -> date | None:
        moment: Any = row["t"]
        day: date | None = moment if moment is None or self.dates else moment.astimezone(ZONE).date()
        return day


@dataclass(frozen=True)
class Place:
    """A row, and the moment at which what it refers to is read: None for the newest."""

    table: Table
    row: Raw | None
    at: datetime | None = None
    newest: bool = False


@dataclass
class World:
    """Every dataset. It is its own reader."""

    tables: list[Table]
    release: Release = field(default_factory=Release)

    def follow(self, place: Place, link: Link) -> Place:
        """The one row that is meant, if there is one."""
        target = self.tables[link.target]
        at, newest = place.at, place.newest
        if link.valid == "event":
            at, newest = place.table.moment(place.row), False
        elif link.valid == "now":
            at, newest = None, True
        elif link.valid is not None:
            at, newest = midnight(date.fromisoformat(link.valid)), False
        key = place.row[f"r{link.number}"] if place.row else None
        rows = [row for row in target.rows if key is not None and row["id"] == key]
        if target.history and newest:
            rows = [row for row in rows if row["valid_to"] == FOREVER]
        elif target.history:
            first = min((row["valid_from"] for row in rows), default=None)
            rows = [
                row
                for row in rows
                if at is not None
                and at < row["valid_to"]
                and (row["valid_from"] <= at or (row["valid_from"] == first and link.before == "earliest"))
            ]
        row = next((row for row in rows if target.kept(row)), None)
        return Place(target, row, at, newest)

    def read(self, table: Table, row: Raw, path: Path) -> Any:
        """The value of a path for a row of its home."""
        place = Place(table, row, table.moment(row))
        for link in path.links[:-1] if path.column == "id" else path.links:
            place = self.follow(place, link)
        if path.column == "id" and path.links:  # the key is known on this side
            return place.row[f"r{path.links[-1].number}"] if place.row else None
        if path.column == "t":
            day = place.table.day(place.row) if place.row else None
            return day and day.replace(day=1)
        return place.row[path.column] if place.row else None

    def home(self, number: int) -> list[Raw]:
        table = self.tables[number]
        return [row for row in table.live if table.kept(row)]

    def walks(self, number: int) -> list[tuple[Link, ...]]:
        """Every chain of references that starts at a dataset."""
        links = self.tables[number].links
        return [(), *((link, *rest) for link in links for rest in self.walks(link.target))]

    def end(self, number: int, links: tuple[Link, ...]) -> int:
        return links[-1].target if links else number

    def model(self, order: list[int] | None = None, *, backwards: bool = False) -> ws.Model:
        """Declare it, in any order."""
        made = {table.number: declare(self, table, backwards=backwards) for table in self.tables}
        return ws.Model(*(made[number] for number in order or made), timezone="Europe/Berlin")

    def load(self) -> World:
        for table in self.tables:
            schema = SCHEMA | {f"r{link.number}": pa.int64() for link in table.links}
            if table.dates:
                schema |= {"t": pa.date32()}
            if table.history:
                schema |= {"valid_from": MOMENT, "valid_to": MOMENT}
            arrays = [pa.array([row[name] for row in table.rows], kind) for name, kind in schema.items()]
            connection().con.register("given", pa.table(arrays, names=list(schema)))
            connection().con.execute(f'create or replace table "w.{table.name}" as from given')
        return self

    def history(self, name: str) -> Any:
        return connection().table(name)

    def table(self, name: str) -> Any:
        table = self.history(name)
        if "valid_to" not in table.columns:
            return table
        return table.filter(table.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")


@dataclass(frozen=True)
class Path:
    """References, and a column at their end: `c`, the month of `t`, or `id` for the row itself."""

    home: int
    links: tuple[Link, ...]
    column: str

    def of(self, world: World, m: Any) -> Any:
        """The path as it is written, from the dataset itself."""
        here, number = m, self.home
        for link in self.links:
            here, number = getattr(here, world.tables[number].ref(link)), link.target
        if self.column == "c":
            return getattr(here, f"c{number}")
        if self.column == "t":
            return getattr(here, f"t{number}").month
        return here if self.links else getattr(m, f"d{number}")


MOMENT = pa.timestamp("us", "UTC")
SCHEMA = {"id": pa.int64(), "t": MOMENT, "c": pa.string(), "x": pa.decimal128(18, 2)}


def declare(world: World, table: Table, *, backwards: bool) -> Any:
    """Write the dataset's class."""
    n = table.number
    members: dict[str, Any] = {
        f"d{n}": ws.key(_.id),
        f"c{n}": ws.dim(_.c),
        f"f{n}": ws.fact(_.x * 2),
        f"t{n}": ws.time(_.t, default=True),
        f"sum{n}": ws.measure(_.x.sum()),
        f"rows{n}": ws.measure(_.count()),
        f"some{n}": ws.measure(_.count(where=_.c.isin(["a", "b"]))),
        f"words{n}": ws.measure(_[f"c{n}"].nunique()),
        f"least{n}": ws.measure(_.x.min()),
        f"most{n}": ws.measure(_.x.max()),
        f"mean{n}": ws.measure(_.x.mean()),
        f"middle{n}": ws.measure(_.x.median()),
        f"quarter{n}": ws.measure(_.x.quantile(0.25)),
    }
    for link in table.links:
        name = table.ref(link)
        how: Any = {"valid": link.valid, "before": link.before}
        members[name] = ws.ref(world.tables[link.target].name, _[f"r{link.number}"], **how)
        members[f"through{n}{link.number}"] = ws.measure((_.x * _[name][f"f{link.target}"]).sum())
        members[f"kind{n}{link.number}"] = ws.dim(_[name][f"c{link.target}"].upper())
    if table.links:
        over = members[table.ref(table.links[0])]
        members[f"last{n}"] = ws.measure(_.x.sum(), snapshot="last", over=over)
        members[f"first{n}"] = ws.measure(_.count(), snapshot="first", over=over)
    if backwards:
        members = dict(reversed(members.items()))
    how = {"table": f"w.{table.name}", "history": table.history, "where": _.c != "z" if table.where else None}
    return types.new_class(table.name, (ws.Dataset,), how, lambda space: space.update(members))


# What every measure means, given the home rows of a group.


def sums(world: World, n: int, name: str, rows: list[Raw]) -> Any:
    table = world.tables[n]
    amounts = [row["x"] for row in rows if row["x"] is not None]
    if name.startswith("through"):
        link = table.links[int(name[-1])]
        theirs = [(row["x"], world.read(table, row, Path(n, (link,), "x"))) for row in rows]
        amounts = [mine * other * 2 for mine, other in theirs if mine is not None and other is not None]
        return sum(amounts) if amounts else None
    values: dict[str, Any] = {
        "sum": sum(amounts) if amounts else None,
        "last": sum(amounts) if amounts else None,
        "rows": len(rows),
        "first": len(rows),
        "some": sum(row["c"] in ("a", "b") for row in rows),
        "words": len({row["c"] for row in rows} - {None}),
        "least": min(amounts, default=None),
        "most": max(amounts, default=None),
        "mean": sum(amounts) / len(amounts) if amounts else None,
        "middle": quantile(amounts, Decimal("0.5")),
        "quarter": quantile(amounts, Decimal("0.25")),
    }
    return values[name.rstrip("0123456789")]


COUNTS = ("rows", "first", "some", "words")
ADDITIVE = ("sum", "rows", "some")


def quantile(values: list[Decimal], part: Decimal) -> Decimal | None:
    """Between the two nearest values, in proportion."""
    if not values:
        return None
    place = part * (len(values) - 1)
    ordered, low = sorted(values), int(place)
    high = min(low + 1, len(values) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def level(table: Table, rows: list[Raw], kind: str, period: Any) -> list[Raw]:
    """Keep the rows of each one's last (or first) moment in each period."""
    rows = [row for row in rows if row["t"] is not None]
    ends: dict[Any, Any] = {}
    for row in rows:
        place, pick = (row["r0"], period(row)), max if kind == "last" else min
        ends[place] = pick(ends.get(place, row["t"]), row["t"])
    return [row for row in rows if row["t"] == ends[row["r0"], period(row)]]


# How worlds come about.

moments = st.integers(0, 8).map(lambda step: START + timedelta(hours=131 * step))
words = st.sampled_from(["a", "a", "b", "c", "z", None])
amounts = st.one_of(st.none(), *[st.integers(-900, 900).map(lambda cents: Decimal(cents).scaleb(-2))] * 4)
valids = st.sampled_from([None, None, None, "event", "now", "2026-04-10"])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    size = draw(st.integers(2, 4))
    tables = []
    for n in range(size):
        later = list(range(n + 1, size))
        count = draw(st.integers(1 if n == 0 else 0, 2)) if later else 0
        targets = [draw(st.sampled_from(later)) for _each in range(count)]
        links = [
            Link(i, target, draw(valids), draw(st.sampled_from(["earliest", "earliest", "null"])))
            for i, target in enumerate(targets)
        ]
        history = n > 0 and draw(st.booleans())
        table = Table(n, history, draw(st.integers(0, 3)) == 0, draw(st.booleans()), links)
        table.rows = draw(histories(table) if history else facts(table))
        tables.append(table)
    return World(tables)


def row(draw: st.DrawFn, table: Table, key: int) -> Raw:
    moment = draw(st.one_of(moments, moments, moments, moments, st.none()))
    when = moment.astimezone(ZONE).date() if moment and table.dates else moment
    links = {f"r{link.number}": draw(st.sampled_from([1, 1, 2, 2, 3, None, 99])) for link in table.links}
    return {"id": key, "t": when, "c": draw(words), "x": draw(amounts), **links}


@st.composite
def facts(draw: st.DrawFn, table: Table) -> list[Raw]:
    size = draw(st.integers(0, 7 if table.number == 0 else 3))
    return [row(draw, table, key) for key in range(1, size + 1)]


@st.composite
def histories(draw: st.DrawFn, table: Table) -> list[Raw]:
    """Some keys are unknown, some versions end, some come back after a gap."""
    found = []
    for key in draw(st.sampled_from([(1, 2), (1, 2, 3), (1,), ()])):
        cuts = sorted(draw(st.sets(moments, min_size=2, max_size=4)))
        ends = [*cuts[1:], FOREVER] if draw(st.integers(0, 3)) else cuts[1:]
        for start, end in zip(cuts, ends, strict=False):
            if start == cuts[0] or draw(st.integers(0, 4)):
                found.append(row(draw, table, key) | {"valid_from": start, "valid_to": end})
    return found
