"""Trying again the lines that were refused, after whatever refused them was mended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from workspace.errors import SourceError
from workspace.lake import ADDRESS, REFUSED, TAKEN
from workspace.sources.ingested import Ingested
from workspace.sources.snowplow.batch import Batch
from workspace.sources.snowplow.refused import KIND

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from workspace.lake import Lake, Side
    from workspace.settings import SnowplowSource


def replay_quarantine(source: SnowplowSource, lake: Lake, *, run: str, now: datetime) -> Ingested:
    """Parse the refused lines again; what becomes an event now leaves the quarantine in the same commit.

    An event keeps the address at which its line was read first. What the pipeline itself refused stays: only the
    pipeline can mend it.

    Args:
        source: Whose lines.
        lake: Where they are.
        run: The run's id.
        now: The business time.

    Raises:
        SourceError: The source has never been read.
    """
    del run
    mark = lake.watermark(source.name)
    if mark is None or not lake.has_events(source.name):
        raise SourceError(f"{source.name} has never been read.", cure="Run `workspace tick` first.")
    log = lake.events(source.name)
    waiting = log.quarantined()
    ours = waiting.filter(pc.equal(waiting.column("kind"), KIND))
    if source.bad_topic:  # what another loader of the pipeline could not parse is no line of ours
        ours = ours.filter(pc.not_equal(pc.fill_null(ours.column("topic"), ""), source.bad_topic))
    batch = Batch(now)
    rows = list(batch.again(ours))
    if not rows:
        note = f"Of {_lines(ours.num_rows)} in quarantine, none can be taken in." if ours.num_rows else "Nothing waits."
        return Ingested(source=source.name, watermark=mark, notes=(note,))

    def sides() -> Mapping[Side, pa.Table]:
        kept = pa.Table.from_batches(rows).select([f"_{name}" for name in ADDRESS.names]).rename_columns(ADDRESS.names)
        told = {"kind": pa.repeat(TAKEN, kept.num_rows), "recorded_at": pa.repeat(pa.scalar(now), kept.num_rows)}
        shape = pa.schema([field for field in REFUSED if field.name != "batch"])
        columns = {**{name: kept.column(name) for name in ADDRESS.names}, **told}
        nothing = {field.name: pa.nulls(kept.num_rows, field.type) for field in shape if field.name not in columns}
        return {"refused": pa.table({**columns, **nothing}).select(shape.names).cast(shape)}

    log.append(rows, marks={}, sides=sides)
    left = ours.num_rows - batch.events
    note = f"{_lines(left)} cannot be taken in yet." if left else "None of ours is left in quarantine."
    done = {log.name: Counter(I=batch.events)}
    return Ingested(source=source.name, watermark=mark, rows=done, notes=(note,))


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
