"""What is in the tables when capture begins, read in one state of the database by a binary COPY.

The rows go through the decoder of the stream, so that a value looks the same whichever way it came.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workspace.lake import LOG_META, crash_point
from workspace.sources.postgres.catalog import as_text, quoted
from workspace.sources.postgres.convert import UnrepresentableError
from workspace.sources.postgres.decode import Field, decode, split_copy
from workspace.sources.postgres.difference import differences
from workspace.sources.postgres.rows import Rows
from workspace.sources.postgres.session import connect, lsn_number, speaking
from workspace.sources.postgres.tables import held
from workspace.sources.postgres.values import BadValueError
from workspace.sources.postgres.visible import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.settings import PostgresSource
    from workspace.sources.postgres.catalog import SourceTable
    from workspace.sources.postgres.tables import Captured, Slice

CHUNK = 8 << 20
"""Bytes that are decoded at a time."""

_HEADER = 19  # of a binary COPY: signature, flags, length of the extension
_END = b"\xff\xff"


@dataclass(frozen=True, kw_only=True)
class View:
    """One state of the database, held open.

    Attributes:
        connection: The session whose transaction sees it.
        seen: Which transactions it has seen.
    """

    connection: Connection[TupleRow]
    seen: Seen


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the log a snapshot's rows stand, and from when on they count."""

    position: int
    valid: int


@contextmanager
def viewing(source: PostgresSource, tables: Sequence[SourceTable], exported: str | None = None) -> Iterator[View]:
    """Hold one state of the database open.

    Args:
        source: The database.
        tables: What will be read; they are locked against changes of their shape, and against truncates.
        exported: The snapshot to take up, if it shall not be the present state.
    """
    with connect(source) as connection, speaking(source, "Reading the tables"):
        connection.execute("begin transaction isolation level repeatable read read only")
        if exported:
            connection.execute(f"set transaction snapshot {as_text(exported)}".encode())
        connection.execute(f"lock table {', '.join(table.sql for table in tables)} in access share mode".encode())
        row = connection.execute("select pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text").fetchone()
        snapshot, until = row or ("0:0:", "0/0")
        seen = Seen.of(frozenset(table.lake for table in tables), snapshot, lsn_number(until))
        yield View(connection=connection, seen=seen)
        connection.execute("rollback")


class Snapshot:
    """Reads one table in a view, as batches of its log.

    Args:
        captured: The table.
        view: Which state of it.
        place: Where its rows stand in the log.
    """

    def __init__(self, captured: Captured, view: View, place: Place) -> None:
        self._captured = captured
        self._view = view
        self._place = place
        self._error: Exception | None = None

    def append(self, *, folder: Path | None = None) -> dict[str, int]:
        """Write the table's rows to its log.

        Args:
            folder: Write only what differs from the rows in the log, and sort it out here; all of it anew if None.

        Returns:
            How many rows were written, by operation.

        Raises:
            UnrepresentableError: The lake cannot hold a value; nothing was written.
        """
        log = self._captured.log
        try:
            slices = self._captured.shape(self._captured.table.columns)
            log = self._captured.log
            reader = pa.RecordBatchReader.from_batches(self._schema(), self._guarded(slices))
            if folder is None:
                written = {"S": log.append(reader, position=self._place.position, replace=True)}
            else:
                found = differences(log, reader, [s.name for s in slices], folder)
                meta = self._meta(0, len(found)) | {name: found.column(name) for name in ("_op", "_seq")}
                rows = self._captured.conform(pa.table({n: found.column(n) for n in found.column_names} | meta))
                written = {entry["values"]: entry["counts"] for entry in rows.column("_op").value_counts().to_pylist()}
                log.append(rows, position=self._place.position)
        except Exception as error:
            # What goes wrong while the writer pulls batches arrives as an error of the writer's.
            cause = self._error or error
            if isinstance(cause, BadValueError):
                raise UnrepresentableError(self._place.position, cause.reason) from error
            if self._error:
                raise self._error from error
            raise
        crash_point("postgres.snapshot_table")
        return written

    def _schema(self) -> pa.Schema:
        return pa.schema([pa.field(f.name, f.type) for f in self._captured.log.schema])

    def _guarded(self, slices: Sequence[Slice]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches(slices)
        except Exception as error:
            self._error = error
            raise

    def _batches(self, slices: Sequence[Slice]) -> Iterator[pa.RecordBatch]:
        names = ", ".join(quoted(s.name) + ("::text" if s.codec.how == "spelled" else "") for s in slices)
        table = self._captured.table
        where = f" where {table.filter}" if table.filter else ""
        query = f"copy (select {names} from {table.sql}{where}) to stdout (format binary)"  # noqa: S608 - quoted
        count = 0
        for data, starts in self._chunks(query):
            columns = self._columns(data, starts, slices)
            yield from self._captured.conform(pa.table(columns | self._meta(count, len(starts)))).to_batches()
            count += len(starts)

    def _chunks(self, query: str) -> Iterator[tuple[bytearray, list[int]]]:
        data, starts, skip = bytearray(), [], _HEADER
        with self._view.connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
            for block in copy:
                row = block[skip:]
                skip = max(skip - len(block), 0)
                if not row or row == _END:
                    continue
                starts.append(len(data))
                data += row
                if len(data) > CHUNK:
                    yield data, starts
                    data, starts = bytearray(), []
        if starts:
            yield data, starts

    def _columns(self, data: bytearray, starts: list[int], slices: Sequence[Slice]) -> dict[str, pa.Array]:
        padded = Rows.padded(data)
        found = {}
        for slice_, field in zip(slices, split_copy(padded, np.array(starts), len(slices)), strict=True):
            told = Field(field.begin, field.length, ~field.text) if slice_.codec.how == "spelled" else field
            found[slice_.name] = held(decode(padded, told, slice_.codec, self._captured.context.spell), slice_)
        return found

    def _meta(self, start: int, count: int) -> dict[str, pa.Array]:
        same = {"_op": "S", "_position": self._place.position, "_xid": 0, "_valid_at": self._place.valid}
        values = same | {"_recorded_at": self._captured.context.recorded}
        meta = {n: pa.repeat(pa.scalar(v).cast(LOG_META.field(n).type), count) for n, v in values.items()}
        return meta | {"_seq": pa.array(np.arange(start, start + count))}
