"""Writing a batch of finished transactions: each table's log in one commit, and aside what a log cannot hold."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.lake import LOG_META, QUARANTINE, crash_point
from workspace.sources.postgres.clock import microseconds
from workspace.sources.postgres.convert import Converter, Times, UnrepresentableError
from workspace.sources.postgres.defaults import Place, backfilled
from workspace.sources.postgres.pgoutput import describe
from workspace.sources.postgres.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from workspace.sources.postgres.rows import Rows, Spilled
    from workspace.sources.postgres.spool import Spool
    from workspace.sources.postgres.tables import Captured, Context
    from workspace.sources.postgres.visible import Seen

    Segments = Sequence[Rows | Spilled]


class Writer:
    """Writes batches to the logs of one source.

    Args:
        context: What the tables share.
        captured: The tables, by schema and name.
        seen: What snapshots have seen.
        stopped: The tables that have stopped, with their last good position and the reason.
        spool: Room on disk.

    Attributes:
        stopped: As above, with those that have stopped since.
        counts: The rows written, by table and operation.
        quarantined: How many changes were put aside.
    """

    def __init__(
        self,
        context: Context,
        captured: Mapping[tuple[str, str], Captured],
        *,
        seen: Sequence[Seen],
        stopped: Mapping[str, dict[str, Any]],
        spool: Spool,
    ) -> None:
        self._context = context
        self._captured = captured
        self._seen = seen
        self._spool = spool
        self.stopped = dict(stopped)
        self.counts: dict[str, Counter[str]] = {}
        self.quarantined = 0

    def write(self, batch: Mapping[tuple[str, str], Segments], times: Times, *, spilled: bool) -> None:
        """Write the changes of whole transactions.

        Args:
            batch: Raw rows by schema and name of their table.
            times: The transactions.
            spilled: Whether they are too large for memory.
        """
        aside: list[dict[str, Any]] = []
        for path, segments in batch.items():
            captured = self._captured[path]
            converter = Converter(captured, times, seen=self._seen, spool=self._spool, spilled=spilled)
            if captured.table.lake not in self.stopped:
                self._append(captured, converter, segments, end=int(times.positions[-1]))
            if halted := self.stopped.get(captured.table.lake):
                aside += self._put_aside(captured, converter, segments, times, halted)
        if aside:
            self.quarantined += len(aside)
            table = pa.Table.from_pylist(aside, schema=QUARANTINE)
            self._context.lake.quarantine(self._context.source.name, table, position=int(times.positions[-1]))

    def fill_defaults(self, position: int, valid: datetime) -> None:
        """Give old rows the default of a column that was added and of which no change has told yet."""
        for captured in self._captured.values():
            names = [column.name for column in captured.table.columns]
            lacking = set(names) - {column.name for column in captured.log.columns}
            columns = captured.unfilled(names)
            if not (lacking or columns) or captured.table.lake in self.stopped or captured.log.position >= position:
                continue
            try:
                slices = captured.shape(captured.table.columns)
            except BadValueError:
                continue  # the first change that has such a column stops the table, with its reason
            chosen = [slice_ for slice_ in slices if slice_.name in {column.name for column in columns}]
            if chosen:
                place = Place(position=position, valid=microseconds(valid))
                rows = captured.log.append(backfilled(captured, chosen, (), place), position=position)
                self._count(captured, Counter({"U": rows}))
                captured.filled |= {column.number for column in columns}

    def append(self, captured: Captured, segments: Segments, times: Times) -> None:
        """Write the changes of one table as far as its log can hold them, and put nothing aside."""
        converter = Converter(captured, times, seen=(), spool=self._spool, spilled=True)
        self._append(captured, converter, segments, end=int(times.positions[-1]))

    def _append(self, captured: Captured, converter: Converter, segments: Segments, *, end: int) -> None:
        stop = self._convert(converter, segments)
        rows = converter.pending()
        if rows:
            together = pa.concat_tables(rows)
            # Not past the transaction at which it stops: what is put aside after it may be appended later.
            captured.log.append(together, position=stop.position - 1 if stop else end)
            found = together.column("_op").value_counts().to_pylist()
            self._count(captured, Counter({entry["values"]: entry["counts"] for entry in found}))
            captured.filled |= converter.filled
            crash_point("postgres.after_append")
        if stop:
            self.stopped[captured.table.lake] = {"position": stop.position - 1, "reason": stop.reason}

    @staticmethod
    def _convert(converter: Converter, segments: Segments) -> UnrepresentableError | None:
        """Convert as many whole transactions as can be; tells where and why it ends before the last."""
        stop: UnrepresentableError | None = None
        while True:
            converter.clear()
            try:
                for segment in segments:
                    converter.add(segment, until=stop.position if stop else None)
            except UnrepresentableError as error:
                stop = error
            else:
                return stop

    def _put_aside(
        self, captured: Captured, converter: Converter, segments: Segments, times: Times, halted: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        aside = []
        for segment in segments:
            rows = converter.fresh(segment).since(halted["position"] + 1)
            valid = dict(zip(rows.positions.tolist(), times.at(rows.positions).tolist(), strict=True))
            for position, seq, xid, raw in rows.raw():
                known = {"relation": describe(rows.relation), "xid": xid, "valid_at": valid[position]}
                aside.append(
                    {
                        "table": captured.table.lake,
                        "reason": halted["reason"],
                        "position": position,
                        "seq": seq,
                        "raw": raw,
                        "detail": json.dumps(known),
                        "recorded_at": pa.scalar(self._context.recorded).cast(LOG_META.field("_recorded_at").type),
                    }
                )
        return aside

    def _count(self, captured: Captured, rows: Counter[str]) -> None:
        self.counts.setdefault(captured.log.name, Counter()).update(rows)
