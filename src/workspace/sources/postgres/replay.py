"""Trying again what was put aside, once the lake can hold it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from workspace.errors import SourceError
from workspace.sources.postgres.begin import advance
from workspace.sources.postgres.convert import Times
from workspace.sources.postgres.pgoutput import Segment, described, images_of
from workspace.sources.postgres.run import open_context, prepare, report
from workspace.sources.postgres.session import connect, speaking
from workspace.sources.postgres.spool import Spool
from workspace.sources.postgres.tables import Captured
from workspace.sources.postgres.write import Writer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence
    from datetime import datetime

    from workspace.lake import Lake
    from workspace.settings import PostgresSource
    from workspace.sources.ingested import Ingested
    from workspace.sources.postgres.rows import Rows


def replay_quarantine(source: PostgresSource, lake: Lake, *, run: str, now: datetime) -> Ingested:
    """Append the changes of stopped tables that were put aside, in their order, as far as they fit now.

    A table whose changes all fit goes on with the next run.

    Args:
        source: Whose tables.
        lake: Where they are.
        run: The run's id.
        now: The business time: when they count as learned.

    Raises:
        SourceError: The source has never been read, or cannot be asked about its types.
    """
    mark = lake.watermark(source.name)
    if mark is None:
        raise SourceError(f"{source.name} has never been read.", cure="Run `workspace tick`.")
    aside = lake.quarantined(source.name)
    stopped: dict[str, dict[str, Any]] = dict(mark.detail["stopped"])
    counts: dict[str, Counter[str]] = {}
    with connect(source) as connection, Spool() as spool, speaking(source, "Replaying the quarantine"):
        # A table that could not even be read whole needs a new snapshot; changes alone would not make it right.
        chosen = {name for name, entry in stopped.items() if not entry.get("whole")}
        tables = [table for table in prepare(connection, source) if table.lake in chosen]
        context = open_context(connection, source, lake, now)
        for table in tables:
            captured = Captured.open(context, table, mark.detail["filled"].get(table.lake, ()))
            entries = aside.filter(pc.equal(aside.column("table"), table.lake)).to_pylist()
            writer = Writer(context, {table.path: captured}, seen=(), stopped={}, spool=spool)
            if entries:
                writer.append(captured, _segments(entries), _times(entries))
            counts |= writer.counts
            del stopped[table.lake]
            stopped |= writer.stopped
    detail = mark.detail | {"stopped": stopped}
    mark = dataclasses.replace(mark, recorded_at=now, run=run, detail=detail)
    advance(context, mark)
    return report(mark, counts)


def _segments(entries: Sequence[dict[str, Any]]) -> list[Rows]:
    segments: list[Segment] = []
    for entry in entries:
        known = json.loads(entry["detail"])
        relation = described(known["relation"])
        message = memoryview(entry["raw"])
        truncate = message[0] == ord("T")
        if not segments or segments[-1].relation != relation or truncate or segments[-1].truncate:
            segments.append(Segment(relation, truncate=truncate))
        segments[-1].add(message, images_of(message), entry["position"], entry["seq"], known["xid"])
    return [segment.seal() for segment in segments]


def _times(entries: Sequence[dict[str, Any]]) -> Times:
    valid = {entry["position"]: json.loads(entry["detail"])["valid_at"] for entry in entries}
    return Times(np.array(list(valid), np.int64), np.array(list(valid.values()), np.int64))
