"""Batches of events as the tests write them, in this process or in one that may be killed."""

from __future__ import annotations

import multiprocessing
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.lake import EVENT_META, REFUSED, Column, Lake, delta
from workspace.lake.crash import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workspace.lake import EventLog, Side

NOW = datetime(2026, 10, 1, tzinfo=UTC)
COLUMNS = (
    Column(name="event_id", type=pa.string(), source_type="uuid"),
    Column(name="collector_tstamp", type=pa.timestamp("us", "UTC"), source_type="timestamp"),
)
PROCESSES = multiprocessing.get_context("forkserver")


def batch(first: int, last: int) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([*(c.field() for c in COLUMNS), *EVENT_META])
    rows = [
        {
            "event_id": f"e{offset}",
            "collector_tstamp": NOW,
            "_topic": "t",
            "_partition": 0,
            "_offset": offset,
            "_recorded_at": NOW,
            "collector_date": date(2026, 10, 1),
        }
        for offset in range(first, last)
    ]
    yield from pa.Table.from_pylist(rows, schema=delta.storable(schema)).to_batches()


def refused(offsets: Sequence[int], kind: str = "loader_parsing_error") -> Mapping[Side, pa.Table]:
    entries = [
        {"kind": kind, "topic": "t", "partition": 0, "offset": o, "raw": b"x", "recorded_at": NOW} for o in offsets
    ]
    shape = pa.schema([field for field in REFUSED if field.name != "batch"])
    return {"refused": pa.Table.from_pylist(entries, schema=shape)}


def write(log: EventLog, first: int, last: int, bad: Sequence[int] = ()) -> int:
    return log.append(batch(first, last), marks={"offset/t/0": last + len(bad)}, sides=lambda: refused(bad))


def run(work: Callable[..., None], *args: str) -> int | None:
    process = PROCESSES.Process(target=work, args=args)
    process.start()
    process.join()
    return process.exitcode


def overtake(root: str) -> None:
    write(Lake(root).events("shop"), 0, 2, [2])


def killed(root: str, point: str) -> None:
    os.environ[VARIABLE] = point
    write(Lake(root).events("shop"), 0, 3, [3, 4])
