"""One run: from where the logs stand to where the source stood when the run began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workspace.errors import SourceError
from workspace.lake import Watermark, crash_point
from workspace.sources.postgres.clock import Clock
from workspace.sources.postgres.convert import Times
from workspace.sources.postgres.pgoutput import Reader, Transaction
from workspace.sources.postgres.visible import Seen
from workspace.sources.postgres.write import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from workspace.sources.postgres.rows import Rows, Spilled
    from workspace.sources.postgres.spool import Spool
    from workspace.sources.postgres.stream import Stream
    from workspace.sources.postgres.tables import Captured, Context

BUDGET = 64 << 20
"""Bytes of raw changes to hold in memory."""


class Capture:
    """Brings the logs of one source up to a bound.

    Args:
        context: What the tables share.
        captured: The tables, by schema and name.
        mark: Where the source stands.
        run: The run's id.
        now: The run's business time.
        spool: Room on disk.

    Attributes:
        mark: Where the source stands; durable.
        writer: What was written.
        transactions: How many were read.
    """

    def __init__(
        self,
        context: Context,
        captured: Mapping[tuple[str, str], Captured],
        mark: Watermark,
        *,
        run: str,
        now: datetime,
        spool: Spool,
    ) -> None:
        self._context = context
        self._captured = captured
        self._run = run
        self._now = now
        self._spool = spool
        self._clock = Clock(context.source.clock, mark.clock or now, mark.detail)
        self._seen = [Seen.load(entry) for entry in mark.detail["snapshots"]]
        self._reader = Reader(lambda schema, table: (schema, table) in captured)
        self._finished: list[tuple[Transaction, int]] = []
        self._spilled: dict[tuple[str, str], list[Spilled]] = {}
        self.mark = mark
        self.writer = Writer(context, captured, seen=self._seen, stopped=mark.detail["stopped"], spool=spool)
        self.transactions = 0

    def read(self, stream: Stream, bound: int, *, lift: datetime | None) -> None:
        """Read every transaction that committed before a bound, and make them durable.

        Args:
            stream: The source's slot.
            bound: Where to stop.
            lift: No later transaction shall be older than this.
        """
        for message in stream.read(bound):
            ended = self._reader.feed(message)
            if ended:
                self._finished.append((ended, self._clock.tick(ended)))
                # Early, so that what is held of finished transactions never crowds out one that is large itself.
                if self._spilled or self._reader.size > BUDGET // 2:
                    self._write(self._reader.take())
                    self._advance(ended.end - 1, reached=self.mark.reached)
                    self._confirm(stream)
            elif self._reader.size > BUDGET:
                self._spill(stream)
        end = max(bound - 1, self.mark.position)
        self._write(self._reader.take())
        # One byte before the end, as in `begin`.
        self.writer.fill_defaults(end - 1, self._clock.running)
        if lift:
            self._clock.lift(lift)
        self._advance(end, reached=self._now)
        self._confirm(stream)

    def notes(self) -> Iterator[str]:
        """Tell what a reader should know of the tables."""
        for captured in self._captured.values():
            yield from captured.notes

    def _spill(self, stream: Stream) -> None:
        """Move the transaction that is still open out of memory, after writing those before it."""
        begin = self._reader.open
        batch = self._reader.take()
        if self._finished:
            end = self._finished[-1][0].end - 1
            self._write({path: [rows.before(begin) for rows in segments] for path, segments in batch.items()})
            self._advance(end, reached=self.mark.reached)
            self._confirm(stream)
        for path, segments in batch.items():
            rest = [rows for segment in segments if len(rows := segment.since(begin))]
            self._spilled.setdefault(path, []).extend(self._spool.put(rows) for rows in rest)

    def _write(self, batch: dict[tuple[str, str], list[Rows]]) -> None:
        finished, self._finished = self._finished, []
        spilled, self._spilled = self._spilled, {}
        if not finished:
            return
        positions = np.array([transaction.position for transaction, _ in finished], np.int64)
        times = Times(positions, np.array([valid for _, valid in finished], np.int64))
        whole: dict[tuple[str, str], list[Rows | Spilled]] = {
            path: [*spilled.get(path, []), *batch.get(path, [])] for path in {**spilled, **batch}
        }
        self.writer.write(whole, times, spilled=bool(spilled))
        self.transactions += len(finished)

    def _advance(self, position: int, *, reached: datetime) -> None:
        source = self._context.source
        newest = self._context.lake.watermark(source.name)
        if newest is None or (newest.position, newest.run) != (self.mark.position, self.mark.run):
            msg = f"{source.name}: another run has read it since this one began; nothing was written twice."
            raise SourceError(msg, cure="Run it again.")
        crash_point("postgres.before_watermark")
        filled = {c.table.lake: sorted(c.filled) for c in self._captured.values() if c.filled}
        changed = {
            "snapshots": [seen.dump() for seen in self._seen if seen.until > position],
            "stopped": self.writer.stopped,
            "filled": self.mark.detail["filled"] | filled,
        }
        mark = Watermark(
            source=source.name,
            position=position,
            clock=self._clock.running,
            reached=reached,
            recorded_at=self._now,
            run=self._run,
            detail=self.mark.detail | changed | self._clock.counted,
        )
        self._context.lake.advance(mark)
        self.mark = mark
        crash_point("postgres.after_watermark")

    def _confirm(self, stream: Stream) -> None:
        crash_point("postgres.before_confirm")
        stream.confirm(self.mark.position + 1)
        crash_point("postgres.after_confirm")
