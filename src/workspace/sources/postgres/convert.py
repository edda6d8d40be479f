"""From raw rows of one table to rows of its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workspace.lake import LOG_META
from workspace.sources.postgres.decode import UNCHANGED, decode, split_stream
from workspace.sources.postgres.defaults import Place, backfilled
from workspace.sources.postgres.fill import fill
from workspace.sources.postgres.pgoutput import MOVED
from workspace.sources.postgres.rows import Rows
from workspace.sources.postgres.tables import held
from workspace.sources.postgres.values import BadValueError
from workspace.sources.postgres.visible import full_xids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workspace.sources.postgres.rows import Spilled
    from workspace.sources.postgres.spool import Spool
    from workspace.sources.postgres.tables import Captured, Slice
    from workspace.sources.postgres.visible import Seen

_OPS = pa.array(["I", "U", "D", "T"])
_CODES = {ord("I"): 0, ord("U"): 1, ord("D"): 2, MOVED: 2, ord("T"): 3}
_LOOKUP = np.zeros(256, np.int64)
for _code, _number in _CODES.items():
    _LOOKUP[_code] = _number


class UnrepresentableError(Exception):
    """A transaction holds what the log of a table cannot.

    Attributes:
        position: Of the transaction.
        reason: What it is.
    """

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@dataclass(frozen=True)
class Times:
    """The valid time of each transaction of a batch, by position."""

    positions: NDArray[np.int64]
    valid: NDArray[np.int64]

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the valid time at each of these positions."""
        found: NDArray[np.int64] = self.valid[np.searchsorted(self.positions, positions)]
        return found


class Converter:
    """Turns the segments of one table into rows of its log, in order.

    Args:
        captured: The table.
        times: The transactions that the segments belong to.
        seen: Snapshots, whose transactions are left out where they saw this table.
        spool: Where to put what is too large for memory.
        spilled: Whether it is.

    Attributes:
        tables: What there is so far.
        filled: The columns, by number, whose defaults were written into the old rows.
    """

    def __init__(
        self, captured: Captured, times: Times, *, seen: Sequence[Seen], spool: Spool, spilled: bool = False
    ) -> None:
        self._captured = captured
        self._times = times
        self._seen = [s for s in seen if captured.table.lake in s.tables]
        self._spool = spool
        self._spilled = spilled
        self.tables: list[pa.Table] = []
        self.filled: set[int] = set()

    def clear(self) -> None:
        """Start over."""
        self.tables = []
        self.filled = set()

    def add(self, segment: Rows | Spilled, *, until: int | None = None) -> None:
        """Convert a segment.

        Args:
            segment: Raw rows.
            until: Leave out the transactions from this position on.

        Raises:
            UnrepresentableError: The log cannot hold it.
        """
        rows = self.fresh(segment)
        if until is not None:
            rows = rows.before(until)
        if not len(rows):
            return
        try:
            if rows.truncate:
                self._keep(self._ended(rows))
            else:
                slices = self._captured.shape(rows.relation.columns)
                self._fill_defaults(rows, slices)
                self._keep(self._table(*self._decoded(rows, slices)))
        except BadValueError as error:
            raise UnrepresentableError(int(rows.positions[error.index]), error.reason) from None

    def fresh(self, segment: Rows | Spilled) -> Rows:
        """Give the rows of a segment that are neither in the log nor in a snapshot."""
        rows = segment if isinstance(segment, Rows) else segment.load()
        rows = rows.since(self._captured.log.position + 1)
        xids = full_xids(rows.xids, self._captured.context.near)
        for seen in self._seen:
            rows, xids = rows.filter(~seen.saw(xids)), xids[~seen.saw(xids)]
        return rows

    def pending(self) -> list[pa.Table]:
        """Give what there is so far in the log's present shape."""
        self.tables[:] = [self._captured.conform(table) for table in self.tables]
        return self.tables

    def _keep(self, rows: pa.Table) -> None:
        if len(rows):
            self.tables.append(self._spool.keep(rows) if self._spilled else rows)

    def _fill_defaults(self, rows: Rows, slices: Sequence[Slice]) -> None:
        columns = self._captured.unfilled([slice_.name for slice_ in slices])
        columns = [column for column in columns if column.number not in self.filled]
        if columns:
            # Numbered before the transaction's own rows, which have the column already.
            first = rows.repeat(1)
            place = Place(position=int(first.positions[0]), valid=int(self._times.at(first.positions)[0]))
            by_name = {slice_.name: slice_ for slice_ in slices}
            slices = [by_name[column.name] for column in columns]
            self.tables.append(self._spool.keep(backfilled(self._captured, slices, self.pending(), place)))
            self.filled |= {column.number for column in columns}

    def _decoded(self, rows: Rows, slices: Sequence[Slice]) -> tuple[Rows, dict[str, pa.Array]]:
        """Decode rows and complete them."""
        context = self._captured.context
        columns: dict[str, pa.Array] = {}
        unchanged: dict[str, NDArray[np.bool_]] = {}
        for slice_, field in zip(slices, split_stream(rows.data, rows.starts, len(slices)), strict=True):
            found = decode(rows.data, field, slice_.codec, context.spell)
            columns[slice_.name] = held(found, slice_)
            unchanged[slice_.name] = field.length == UNCHANGED
        keys = self._captured.log.keys
        for name in keys:
            # A key that was not sent because it did not change is in the old image before it.
            index = np.arange(len(rows)) - unchanged.pop(name)
            columns[name] = columns[name].take(pa.array(index))
        filled = fill(columns, unchanged, ops=rows.ops, keys=keys, latest=self._latest)
        return _without_idle_moves(rows, _only_keys_of_ended(filled, rows.ops, keys), keys)

    def _latest(self, keys: pa.Table) -> pa.Table:
        if not len(keys):
            return self._captured.log.schema.empty_table()
        pending = [_matching(table, keys) for table in self.pending()]
        return self._captured.log.latest(keys, [table for table in pending if len(table)])

    def _table(self, rows: Rows, columns: dict[str, pa.Array]) -> pa.Table:
        kind = LOG_META.field("_valid_at").type
        meta = {
            "_op": _OPS.take(pa.array(_LOOKUP[rows.ops])),
            "_position": pa.array(rows.positions),
            "_seq": pa.array(rows.seqs),
            "_xid": pa.array(full_xids(rows.xids, self._captured.context.near)),
            "_valid_at": pa.array(self._times.at(rows.positions)).cast(kind),
            "_recorded_at": pa.repeat(pa.scalar(self._captured.context.recorded).cast(kind), len(rows)),
        }
        return self._captured.conform(pa.table(columns | meta))

    def _ended(self, rows: Rows) -> pa.Table:
        """End every row that exists, as a truncate does.

        It is one change, with one number, however many rows it ends.
        """
        names = list(self._captured.log.keys)
        live = [batch.select(names) for batch in self._captured.log.live(self.pending())]
        if not live:
            return self._captured.log.schema.empty_table()
        ended = pa.Table.from_batches(live).combine_chunks()
        columns = {name: ended.column(name).combine_chunks() for name in names}
        return self._table(rows.repeat(len(ended)), columns)


def _only_keys_of_ended(
    columns: dict[str, pa.Array], ops: NDArray[np.uint8], keys: Sequence[str]
) -> dict[str, pa.Array]:
    """Leave nothing but the key in the rows that end a version."""
    ended = (ops == ord("D")) | (ops == MOVED)
    if not ended.any():
        return columns
    index = pa.array(np.arange(len(ops)), mask=ended)
    return {name: column if name in keys else column.take(index) for name, column in columns.items()}


def _without_idle_moves(
    rows: Rows, columns: dict[str, pa.Array], keys: Sequence[str]
) -> tuple[Rows, dict[str, pa.Array]]:
    """Leave out the old image of an update whose key is the same as before."""
    moved = np.flatnonzero(rows.ops == MOVED)
    if not len(moved):
        return rows, columns
    same = np.ones(len(moved), np.bool_)
    for name in keys:
        old, new = (columns[name].take(pa.array(moved + step)) for step in (0, 1))
        same &= pc.equal(old, new).to_numpy(zero_copy_only=False)
    kept = np.ones(len(rows), np.bool_)
    kept[moved[same]] = False
    return rows.filter(kept), {name: column.filter(pa.array(kept)) for name, column in columns.items()}


def _matching(rows: pa.Table, keys: pa.Table) -> pa.Table:
    """Narrow rows to those that may have one of the keys."""
    for name in keys.column_names:
        rows = rows.filter(pc.is_in(rows.column(name), keys.column(name).combine_chunks()))
    return rows
