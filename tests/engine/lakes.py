"""A lake with everything that an engine may stumble over, and its releases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.lake import Column, Lake, Watermark, prepare, publish
from workspace.lake.fold import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = "shop.things"
START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = pa.timestamp("us", "UTC")
COLUMNS = (
    Column(name="id", type=pa.int64(), source_type="bigint", key=1),
    Column(name="part", type=pa.string(), source_type="text", key=2),
    Column(name="owner", type=pa.int64(), source_type="bigint"),
    Column(name="name", type=pa.string(), source_type="text"),
    Column(name="price", type=pa.decimal128(18, 2), source_type="numeric(12,2)"),
    Column(name="exact", type=pa.decimal128(38, 10), source_type="numeric"),
    Column(name="share", type=pa.float64(), source_type="double precision"),
    Column(name="made_at", type=MOMENT, source_type="timestamptz"),
    Column(name="day", type=pa.date32(), source_type="date"),
    Column(name="open", type=pa.bool_(), source_type="boolean"),
    Column(name="tags", type=pa.list_(pa.string()), source_type="text[]"),
    Column(name="order", type=pa.string(), source_type="text"),
)
NOTE = Column(name="note", type=pa.string(), source_type="text")
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
RICH: dict[str, Any] = {
    "owner": 7,
    "name": "Käse 'n' \"Brot\"\\ \n",
    "price": Decimal("9999999999999999.99"),
    "exact": Decimal("-1234567890123456789012345678.0123456789"),
    "share": 0.1,
    "made_at": LAST,
    "day": date(9999, 12, 31),
    "open": True,
    "tags": ["a", None, ""],
    "order": "a reserved word",
}
EARLY: dict[str, Any] = {
    "owner": None,
    "price": Decimal("-0.01"),
    "made_at": FIRST,
    "day": date(1, 1, 1),
    "open": False,
    "tags": [],
}


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def append(
    lake: Lake, position: int, minute: int, changes: Sequence[tuple[str, tuple[int, str], dict[str, Any]]]
) -> None:
    """Write one transaction: operation, key and values of each row."""
    log = lake.log(TABLE)
    rows = [
        {"id": key[0], "part": key[1], **values, "_op": op, "_position": position, "_seq": seq, "_xid": position}
        | {"_valid_at": at(minute), "_recorded_at": at(minute)}
        for seq, (op, key, values) in enumerate(changes)
    ]
    log.append(pa.Table.from_pylist(rows, schema=log.schema), position=position)
    reached = at(minute + 2)
    mark: dict[str, Any] = {"source": "shop", "position": position, "clock": reached, "reached": reached}
    lake.advance(Watermark(**mark, recorded_at=reached, run="r"))


def release(lake: Lake, minute: int) -> str:
    run = f"run {minute}"
    prepare(lake, run=run, as_of=at(minute), required={"shop": True}, now=at(minute))
    return publish(lake, run=run, now=at(minute)).name


def rich_lake(root: str) -> tuple[Lake, list[str]]:
    """Make a lake of which three releases were published.

    One before any fold; one just after a fold that closed versions; one with a tail of every kind behind the fold, and
    a column that was added.
    """
    lake = Lake(root)
    lake.define(TABLE, COLUMNS)
    append(lake, 10, 1, [("S", (1, "a"), RICH), ("S", (2, "a"), EARLY), ("S", (3, "a"), {}), ("S", (4, "ü"), RICH)])
    append(lake, 20, 2, [("U", (1, "a"), {**RICH, "price": Decimal("1.10")}), ("I", (5, "a"), {"tags": ["x"]})])
    names = [release(lake, 3)]
    append(lake, 30, 4, [("D", (3, "a"), {}), ("U", (2, "a"), {**EARLY, "owner": 8}), ("U", (2, "a"), EARLY)])
    names.append(release(lake, 5))
    fold(lake.layout, TABLE, to=30, force=True)
    names[-1] = release(lake, 6)
    lake.define(TABLE, (*COLUMNS, NOTE))
    append(lake, 40, 7, [("U", (1, "a"), {**RICH, "note": "new"}), ("I", (3, "a"), {"note": None, "share": -0.0})])
    append(lake, 50, 8, [("T", (4, "ü"), {}), ("D", (5, "a"), {}), ("I", (6, "a"), {"name": "", "note": "ß"})])
    names.append(release(lake, 9))
    return lake, names


def disturb(lake: Lake) -> None:
    """Write, fold and release further: nothing of it may be seen at an older release."""
    append(lake, 60, 10, [("D", (1, "a"), {}), ("U", (2, "a"), {**EARLY, "name": "late"})])
    release(lake, 11)
    fold(lake.layout, TABLE, to=60, force=True)
    append(lake, 70, 12, [("I", (9, "a"), {})])
