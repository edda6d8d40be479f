"""One batch on its way into the lake: its lines become events or refused lines, each with its address."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workspace.lake import ADDRESS, EVENT_META, FILES, GAPS, REFUSED
from workspace.sources.snowplow.badrows import read_bad_row
from workspace.sources.snowplow.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from workspace.lake import Side
    from workspace.sources.snowplow.archive import ArchiveFile
    from workspace.sources.snowplow.kafka import Chunk, Gap
    from workspace.sources.snowplow.parse import Refused

Address = dict[str, pa.Array]
_AT_ONCE = 10_000


class Batch:
    """What a batch has taken in so far.

    Attributes:
        events: How many lines became events.
        kinds: How many lines were refused, by kind.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.events = 0
        self.kinds: Counter[str] = Counter()
        self._refused: list[pa.Table] = []
        self._files: list[dict[str, Any]] = []
        self._gaps: list[dict[str, Any]] = []

    def records(self, chunks: Iterable[Chunk]) -> Iterator[pa.RecordBatch]:
        """Parse records of the topic of enriched events."""
        for chunk in chunks:
            yield from self._parsed(chunk.lines, _in_topic(chunk))

    def bad(self, chunks: Iterable[Chunk]) -> Iterator[pa.RecordBatch]:
        """Take in records of the topic of bad rows, which are refused already: no event comes of them."""
        for chunk in chunks:
            rows = [read_bad_row(line, place) for place, line in enumerate(chunk.lines)]
            self._refuse(rows, _in_topic(chunk))
        yield from ()

    def lines(self, file: ArchiveFile, chunks: Iterable[list[bytes]]) -> Iterator[pa.RecordBatch]:
        """Parse the lines of a file of the archive."""
        read = 0
        for lines in chunks:
            yield from self._parsed(lines, _in_file(file, read + 1, len(lines)))
            read += len(lines)
        self._files.append({"path": file.path, "size": file.size, "modified": file.modified, "lines": read})

    def again(self, refused: pa.Table) -> Iterator[pa.RecordBatch]:
        """Parse refused lines once more, at their first addresses; those that still do not fit are where they were."""
        for rows in refused.to_batches(max_chunksize=_AT_ONCE):
            address = {name: rows.column(name) for name in ADDRESS.names}
            yield from self._parsed(rows.column("raw").to_pylist(), address)

    @property
    def passed_over(self) -> bool:
        """Whether it goes on without something."""
        return bool(self._gaps)

    def pass_over(self, file: ArchiveFile, reason: str) -> None:
        """Go on without a file that cannot be read, and keep that on record."""
        self._files.append({"path": file.path, "size": file.size, "modified": file.modified, "lines": None})
        self._gaps.append({"file": file.path, "reason": reason})

    def miss(self, gaps: Iterable[Gap]) -> None:
        """Go on behind offsets that are gone, and keep that on record."""
        for gap in gaps:
            place = {"topic": gap.topic, "partition": gap.partition, "first": gap.first, "last": gap.last}
            self._gaps.append({**place, "reason": gap.reason})

    def sides(self) -> Mapping[Side, pa.Table]:
        """Give what belongs to the batch beside its events."""
        refused = pa.concat_tables(self._refused) if self._refused else _shape(REFUSED).empty_table()
        return {"refused": refused, "files": self._table(self._files, FILES), "gaps": self._table(self._gaps, GAPS)}

    def _parsed(self, lines: Sequence[bytes], address: Address) -> Iterator[pa.RecordBatch]:
        parsed = parse(lines)
        self._refuse(parsed.refused, address)
        rows = parsed.rows
        if not rows.num_rows:
            return
        self.events += rows.num_rows
        kept = None if rows.num_rows == len(lines) else pa.array(parsed.kept)
        for name, values in address.items():
            rows = rows.append_column(f"_{name}", values if kept is None else values.take(kept))
        rows = rows.append_column("_batch", pa.nulls(rows.num_rows, pa.int64()))
        rows = rows.append_column("_recorded_at", self._recorded(rows.num_rows))
        rows = rows.append_column("collector_date", pc.cast(rows.column("collector_tstamp"), pa.date32()))
        yield from rows.select([*rows.column_names[: -len(EVENT_META)], *EVENT_META.names]).to_batches()

    def _refuse(self, refused: Sequence[Refused], address: Address) -> None:
        if not refused:
            return
        self.kinds.update(line.kind for line in refused)
        places = pa.array([line.index for line in refused])
        told = {name: [getattr(line, name) for line in refused] for name in ("kind", "reason", "raw", "detail")}
        columns = {**told, **{name: values.take(places) for name, values in address.items()}}
        rows = pa.table({**columns, "recorded_at": self._recorded(len(refused))})
        self._refused.append(rows.select(_shape(REFUSED).names).cast(_shape(REFUSED)))

    def _recorded(self, count: int) -> pa.Array:
        return pa.repeat(pa.scalar(self._now, EVENT_META.field("_recorded_at").type), count)

    def _table(self, entries: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
        told = [{**entry, "recorded_at": self._now} for entry in entries]
        return pa.Table.from_pylist(told, schema=_shape(schema))


def _shape(schema: pa.Schema) -> pa.Schema:
    """Leave out the batch's number, which its commit gives."""
    return pa.schema([field for field in schema if field.name != "batch"])


def _in_topic(chunk: Chunk) -> Address:
    count = len(chunk.lines)
    return {
        "topic": pa.repeat(chunk.topic, count),
        "partition": pa.array(chunk.partitions, pa.int64()),
        "offset": pa.array(chunk.offsets, pa.int64()),
        "file": pa.nulls(count, pa.string()),
        "line": pa.nulls(count, pa.int64()),
    }


def _in_file(file: ArchiveFile, first: int, count: int) -> Address:
    return {
        "topic": pa.nulls(count, pa.string()),
        "partition": pa.nulls(count, pa.int64()),
        "offset": pa.nulls(count, pa.int64()),
        "file": pa.repeat(file.path, count),
        "line": pa.array(np.arange(first, first + count, dtype=np.int64)),
    }
