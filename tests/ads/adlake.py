"""A lake with the tables of advertising sources, written by hand, change by change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.front import Workspace, connect
from workspace.lake import Column, Lake, Watermark, prepare, publish
from workspace.settings import Settings
from workspace.sources.ads.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START = datetime(2026, 9, 1, tzinfo=UTC)


def at(days: float) -> datetime:
    """So many days after the first day begins, in UTC."""
    return START + timedelta(days=days)


def day(number: int) -> date:
    return at(number).date()


class AdLake:
    """A lake that a test writes into, and its releases.

    Args:
        home: A folder of the test's own.
        metrics: The metrics module of the settings.
    """

    def __init__(self, home: Path, *sources: str, metrics: str = "workspace.metrics") -> None:
        self.lake = Lake(str(home / "lake"))
        places: dict[str, Any] = {"home": home, "lake": str(home / "lake"), "var": home, "pipelines": home}
        self.settings = Settings(**places, metrics=metrics)
        self._positions: Counter[str] = Counter()
        self.sources: set[str] = set()
        for source in sources:
            self.add(source)

    def add(self, source: str, tables: Mapping[str, Sequence[Column]] = TABLES) -> None:
        """Define a source's tables, empty: those of advertising unless told otherwise."""
        self.sources.add(source)
        for table, columns in tables.items():
            self.lake.define(f"{source}.{table}", columns)

    def write(self, table: str, when: datetime, rows: Sequence[dict[str, Any]], op: str = "U") -> None:
        """Record rows as one change of a table, at a time of the business clock."""
        source = table.partition(".")[0]
        self._positions[source] += 1
        position = self._positions[source]
        log = self.lake.log(table)
        meta = {"_position": position, "_xid": position, "_valid_at": when, "_recorded_at": when}
        whole = [{"_op": op, "_seq": number, **meta, **row} for number, row in enumerate(rows)]
        log.append(pa.Table.from_pylist(whole, schema=log.schema), position=position)

    def release(self, when: datetime) -> str:
        """Publish what is there, as known at a time."""
        for source in sorted(self.sources):
            mark: dict[str, Any] = {"source": source, "position": self._positions[source], "clock": None}
            self.lake.advance(Watermark(**mark, reached=when, recorded_at=when, run="r", cut_by="recorded"))
        run = f"run {when}"
        prepare(self.lake, run=run, as_of=when, required=dict.fromkeys(sorted(self.sources), True), now=when)
        return publish(self.lake, run=run, now=when).name

    def open(self, name: str | None = None, engine: str | None = None) -> Workspace:
        return connect(name, settings=self.settings, engine=engine)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """A table's rows in an order of their own."""
    return sorted(table.to_pyarrow().to_pylist(), key=repr)


def alike(found: Any, expected: Any) -> bool:
    """Tell whether two tables, each read once, have the same rows of the same types, in whatever order."""
    one, other = found.to_pyarrow(), expected.to_pyarrow()
    assert one.schema == other.schema
    assert sorted(one.to_pylist(), key=repr) == sorted(other.to_pylist(), key=repr)
    return bool(one.num_rows)
