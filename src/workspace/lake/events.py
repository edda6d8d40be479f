"""Events: append-only rows, one Delta commit a batch, and what belongs to the batch beside them.

A batch has a number, the version of `capture` in its commit, together with the offsets that it reaches. What was
refused of it, which files it read and what it found missing go to *side tables* before that commit, under the same
number; a side row counts only if its batch was committed. So a batch is whole or is not there: a crash leaves at most
side rows of the next number, which the batch that then gets the number replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from workspace.errors import LakeError
from workspace.lake import delta
from workspace.lake.crash import crash_point
from workspace.lake.log import CAPTURE
from workspace.lake.partfiles import PartFiles
from workspace.lake.schema import TIMESTAMP, Column, columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from deltalake import DeltaTable

    from workspace.lake.layout import Kind, Layout

Side = Literal["refused", "files", "gaps"]

ADDRESS = pa.schema(
    [
        pa.field("topic", pa.string()),
        pa.field("partition", pa.int64()),
        pa.field("offset", pa.int64()),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
    ]
)
"""Where an event or a refused line came from: a topic's partition and offset, or a file's line, which counts from 1."""

EVENT_META = pa.schema(
    [
        *(pa.field(f"_{field.name}", field.type) for field in ADDRESS),
        pa.field("_batch", pa.int64()),
        pa.field("_recorded_at", TIMESTAMP),
        pa.field("collector_date", pa.date32()),
    ]
)
"""What every event carries beside the source's fields; `collector_date` (UTC) keeps its files apart."""

_BATCH = [pa.field("batch", pa.int64()), pa.field("recorded_at", TIMESTAMP)]

REFUSED = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("reason", pa.string()),
        *ADDRESS,
        pa.field("raw", pa.binary()),
        pa.field("detail", pa.string()),
        *_BATCH,
    ]
)
"""A line that was refused, here or in the pipeline before; of kind `TAKEN` where a later batch took it in after all."""

FILES = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("modified", TIMESTAMP),
        pa.field("lines", pa.int64()),
        *_BATCH,
    ]
)
"""A file of the archive that was read whole; one that cannot be read has no `lines`."""

GAPS = pa.schema(
    [
        pa.field("topic", pa.string()),
        pa.field("partition", pa.int64()),
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
        pa.field("file", pa.string()),
        pa.field("reason", pa.string()),
        *_BATCH,
    ]
)
"""Offsets (both ends included) or a file that could not be read, and why: gone on from, on record."""

TAKEN = "taken in"

_STATISTICS = ("collector_tstamp", "_partition", "_offset", "_batch")

# Values that hardly repeat. A dictionary would make these columns larger, and slower to write.
_DISTINCT = (
    *("event_id", "event_fingerprint", "contexts", "unstruct_event", "page_url", "_offset", "_line"),
    *("collector_tstamp", "etl_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp", "derived_tstamp"),
)

_SIDES: dict[Side, tuple[pa.Schema, Kind]] = {
    "refused": (REFUSED, "quarantine"),
    "files": (FILES, "system"),
    "gaps": (GAPS, "system"),
}


class EventLog:
    """The events of one source, `<source>.atomic`, and their side tables.

    Everything is written through the tables as they were when this was made: whoever writes meanwhile makes the next
    `append` fail instead of doubling rows. It is good for one run.

    Attributes:
        name: `<source>.atomic`.
    """

    def __init__(self, layout: Layout, source: str, columns: Sequence[Column] = ()) -> None:
        self.name = f"{source}.atomic"
        self._uri = layout.uri("events", self.name)
        self._side_uris = {
            side: layout.uri(kind, source if side == "refused" else f"{side}_{source}")
            for side, (_, kind) in _SIDES.items()
        }
        if columns:
            self._create(columns)
        # The side tables first: a batch that is committed in between leaves them behind, and the next write conflicts.
        self._sides = {side: delta.open_table(uri) for side, uri in self._side_uris.items()}
        self._events = delta.open_table(self._uri)

    def _create(self, columns: Sequence[Column]) -> None:
        for side, (schema, _) in _SIDES.items():
            delta.create(self._side_uris[side], schema, statistics=["batch"])
        schema = pa.schema([*(column.field() for column in columns), *EVENT_META])
        delta.create(self._uri, schema, statistics=_STATISTICS, partition="collector_date")

    @property
    def table(self) -> DeltaTable:
        """The events, at the version that this knows."""
        return self._events

    @property
    def columns(self) -> tuple[Column, ...]:
        """The source's fields."""
        return tuple(c for c in columns_of(delta.schema_of(self._events)) if c.name not in EVENT_META.names)

    @property
    def batch(self) -> int:
        """The number of the last batch that is durable; 0 if there is none."""
        return self._events.transaction_version(CAPTURE) or 0

    def mark(self, name: str) -> int | None:
        """Give how far the batches have come in something that they count, such as an offset."""
        return self._events.transaction_version(name)

    def side(self, side: Side, columns: Sequence[str] | None = None) -> pa.Table:
        """Give the rows of a side table whose batches are durable, in no order; `batch` must be among the columns."""
        rows = delta.read(self._sides[side], columns)
        return rows.filter(pc.less_equal(rows.column("batch"), self.batch))

    def quarantined(self) -> pa.Table:
        """Give what was refused and not taken in by a later batch, in the columns of `REFUSED`."""
        left = _left(self.side("refused")).select(REFUSED.names)
        return left.sort_by([(name, "ascending") for name in ("batch", *ADDRESS.names)])

    def waiting(self) -> int:
        """Count what is in quarantine, without reading the lines themselves."""
        return int(_left(self.side("refused", ["kind", *ADDRESS.names, "batch"])).num_rows)

    def append(
        self,
        rows: Iterable[pa.RecordBatch],
        *,
        marks: Mapping[str, int],
        sides: Callable[[], Mapping[Side, pa.Table]],
    ) -> int:
        """Commit the next batch: its events, the marks that it reaches, and its side rows.

        Args:
            rows: Events in the table's columns, `_batch` still empty; read once, as they are written.
            marks: How far it comes, by name; no mark goes back.
            sides: Gives the side rows, `batch` left out; asked when all of `rows` have been read.

        Returns:
            The batch's number.

        Raises:
            LakeError: Another process committed a batch meanwhile, or a mark would go back.
        """
        number = self.batch + 1
        for name, value in marks.items():
            if value < (known := self.mark(name) or 0):
                msg = f"{self.name} has {name} at {known}; a batch up to {value} lies before it."
                raise LakeError(msg, cure="Nothing was written. Run `workspace doctor`.")
        if any((table.transaction_version(CAPTURE) or 0) >= number for table in self._sides.values()):
            self._fence()
        files = self._files(rows, number)
        self._write_sides(sides(), number)
        crash_point("events.before_commit")
        delta.register(self._events, files.actions(), app=CAPTURE, version=number, marks=marks)
        crash_point("events.after_commit")
        return number

    def _fence(self) -> None:
        """Shut out whoever is on the way with the batch whose side rows are there, be it dead or only slow.

        Its commit now conflicts with this one, which changes nothing else.
        """
        delta.commit(self._events, self._events_schema().empty_table(), app=CAPTURE, version=self.batch)

    def _events_schema(self) -> pa.Schema:
        return delta.storable(delta.schema_of(self._events))

    def _files(self, rows: Iterable[pa.RecordBatch], number: int) -> PartFiles:
        schema = self._events_schema()
        place = schema.get_field_index("_batch")
        files = PartFiles(self._events, schema, partition="collector_date", statistics=_STATISTICS, distinct=_DISTINCT)
        for batch in rows:
            files.add(batch.set_column(place, "_batch", pa.repeat(pa.scalar(number, pa.int64()), batch.num_rows)))
        return files

    def _write_sides(self, found: Mapping[Side, pa.Table], number: int) -> None:
        for side, table in self._sides.items():
            self._write(table, found.get(side), number)

    def _write(self, table: DeltaTable, rows: pa.Table | None, number: int) -> None:
        schema = delta.storable(delta.schema_of(table))
        left_over = (table.transaction_version(CAPTURE) or 0) >= number
        if not left_over and not (rows and rows.num_rows):
            return
        found = schema.empty_table() if rows is None else rows
        if rows is not None:
            found = rows.append_column("batch", pa.repeat(pa.scalar(number, pa.int64()), rows.num_rows))
        replace = f"batch = {number}" if left_over else False
        delta.commit(table, found.select(schema.names).cast(schema), app=CAPTURE, version=number, replace=replace)
        crash_point("events.after_side")


def _left(refused: pa.Table) -> pa.Table:
    """Leave out what a later batch has taken in."""
    # Nothing equals NULL, in a join neither, and every address has some.
    placed = refused.append_column("place", _places(refused))
    is_taken = pc.equal(placed.column("kind"), TAKEN)
    taken = placed.filter(is_taken).select(["place"])
    return placed.filter(pc.invert(is_taken)).join(taken, "place", join_type="left anti")


def _places(rows: pa.Table) -> pa.ChunkedArray:
    """Write each address as one text."""
    parts = [pc.fill_null(pc.cast(rows.column(name), pa.string()), "") for name in ADDRESS.names]
    return pc.binary_join_element_wise(*parts, "\t")
