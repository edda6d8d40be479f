"""A lake with the tables of advertising sources, written by hand, change by change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.front import Workspace, connect
from workspace.lake import Column, Lake, Watermark, prepare, publish
from workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXT, INT, DAY, BOOL = pa.string(), pa.int64(), pa.date32(), pa.bool_()
MOMENT, MONEY = pa.timestamp("us", "UTC"), pa.decimal128(18, 6)

_PLACE = {"platform": TEXT, "campaign_id": TEXT, "ad_group_id": TEXT, "ad_id": TEXT}
_ROW = {"account_id!": TEXT, "level!": TEXT, "entity_id!": TEXT, "placement!": TEXT, "day!": DAY}
TABLES: dict[str, dict[str, pa.DataType]] = {
    "accounts": {"account_id!": TEXT, "platform": TEXT, "name": TEXT, "currency": TEXT, "timezone": TEXT}
    | {"status": TEXT},
    "campaigns": {"account_id!": TEXT, "campaign_id!": TEXT, "platform": TEXT, "name": TEXT, "status": TEXT}
    | {"objective": TEXT},
    "ad_groups": {"account_id!": TEXT, "ad_group_id!": TEXT, "platform": TEXT, "campaign_id": TEXT, "name": TEXT}
    | {"status": TEXT},
    "ads": {"account_id!": TEXT, "ad_id!": TEXT, "platform": TEXT, "campaign_id": TEXT, "ad_group_id": TEXT}
    | {"name": TEXT, "status": TEXT, "url": TEXT},
    "performance": _ROW
    | _PLACE
    | {"currency": TEXT, "timezone": TEXT, "day_hours": INT, "spend": MONEY, "impressions": INT, "clicks": INT}
    | {"link_clicks": INT, "conversions": MONEY, "view_through_conversions": MONEY, "conversion_value": MONEY}
    | {"attribution": TEXT, "counted_actions": TEXT, "missing": TEXT, "api_version": TEXT},
    "conversions": _ROW
    | {"action!": TEXT}
    | _PLACE
    | {"currency": TEXT, "conversions": MONEY, "conversion_value": MONEY, "counted": BOOL},
    "click_views": {"account_id!": TEXT, "click_id!*": TEXT, "platform": TEXT, "day": DAY, "campaign_id": TEXT}
    | {"ad_group_id": TEXT, "ad_id": TEXT},
    "pulls": {"account_id!": TEXT, "kind!": TEXT, "first_day!": DAY, "last_day!": DAY, "pulled_at!": MOMENT}
    | {"platform": TEXT, "api_version": TEXT, "rows": INT, "changed": INT, "calls": INT, "run": TEXT, "note": TEXT},
}
"""The tables of an advertising source: `!` marks a column of the key, `*` a personal one."""

START = datetime(2026, 9, 1, tzinfo=UTC)


def at(days: float) -> datetime:
    """So many days after the first day begins, in UTC."""
    return START + timedelta(days=days)


def day(number: int) -> date:
    return at(number).date()


def columns(given: dict[str, pa.DataType]) -> list[Column]:
    keys = 0
    found = []
    for entry, kind in given.items():
        name = entry.rstrip("!*")
        keys += "!" in entry
        place = keys if "!" in entry else 0
        found.append(Column(name=name, type=kind, source_type=str(kind), key=place, personal="*" in entry))
    return found


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

    def add(self, source: str, tables: dict[str, dict[str, pa.DataType]] = TABLES) -> None:
        """Define a source's tables, empty."""
        self.sources.add(source)
        for table, given in tables.items():
            self.lake.define(f"{source}.{table}", columns(given))

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
