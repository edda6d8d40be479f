"""An advertising source's tables in the lake: what is there of an account, and what changes of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from workspace.lake import crash_point
from workspace.sources.ads.policy import Read
from workspace.sources.ads.rows import quarantine
from workspace.sources.ads.tables import TABLES, shape
from workspace.sources.changes import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime

    import ibis

    from workspace.lake import Lake, LogTable
    from workspace.settings import AdsSource

    Where = Callable[[ibis.Table], Any]


class Store:
    """The logs of one source, opened once: whoever writes meanwhile makes the next commit fail.

    A position counts what was taken in: one more for each window, list of entities or day of clicks. All that belongs
    to it carries it, and the row of `pulls`, which says that it is whole, is written last.

    Args:
        source: Whose.
        lake: Where.
        now: The business time, from which what is written is known.

    Attributes:
        position: How far the source's logs reach.
        written: How many rows were written, by table and operation.
        refused: How many rows are in quarantine.
    """

    def __init__(self, source: AdsSource, lake: Lake, now: datetime) -> None:
        self._source, self._lake, self._now = source, lake, now
        self._logs: dict[str, LogTable] = {
            table: lake.define(f"{source.name}.{table}", columns)
            for table, columns in TABLES.items()
            if table != "click_views" or source.platform == "google_ads"  # nobody else tells
        }
        self._pulls = self._newest_pulls()
        self._entities: dict[str, pa.Table] = {}
        waiting = lake.quarantined(source.name)
        self._rejected = set(zip(*(waiting.column(name).to_pylist() for name in ("reason", "raw")), strict=True))
        positions = [log.position for log in self._logs.values()]
        # Rows may be in quarantine under a position that was never finished.
        self.position = max([*positions, *waiting.column("position").to_pylist()])
        self.written: dict[str, Counter[str]] = {}
        self.refused = 0

    def known(self, table: str, where: Where | None = None, columns: Sequence[str] = ()) -> pa.Table:
        """Give the live rows of a table, or those whose key is as told; all columns, or some."""
        names = list(columns or shape(table).names)
        log = self._logs[table]
        if not log.position:
            return log.schema.empty_table().select(names)
        reader = log.live(where=where)
        kept = pa.schema([reader.schema.field(name) for name in names])
        return pa.Table.from_batches((batch.select(names) for batch in reader), schema=kept)

    def read(self, account: str) -> Read:
        """Tell what was read of an account before."""
        return Read.of(self._pulls.get(account, ()))

    def compared(self, table: str, fresh: pa.Table, where: Where | None) -> pa.Table:
        """Give what would have to be written for a table to say what the source says now.

        Args:
            table: Its bare name.
            fresh: What the source says.
            where: Of which rows, by their key; of all if None.
        """
        return self._changes(table, fresh, self._live(table, where))

    def entities(self, table: str, fresh: pa.Table, account: str) -> pa.Table:
        """Give what would have to be written for a table of entities to say of an account what the source says now.

        All accounts are read at once, the first time: a question for each would cost more than what it saves.
        """
        if table not in self._entities:
            self._entities[table] = self._live(table, None)
        known = self._entities[table]
        return self._changes(table, fresh, known.filter(pc.equal(known.column("account_id"), account)))

    def _changes(self, table: str, fresh: pa.Table, known: pa.Table) -> pa.Table:
        log = self._logs[table]
        return changes(fresh, known, log, position=self.position + 1, now=self._now, ignored={"api_version"})

    def added(self, table: str, fresh: pa.Table) -> pa.Table:
        """Give what would have to be written so that a table says this, too: nothing of it goes."""
        log = self._logs[table]
        known = log.latest(fresh.select(log.keys)) if log.position else log.schema.empty_table()
        return changes(fresh, known, log, position=self.position + 1, now=self._now)

    def _newest_pulls(self) -> dict[str, list[dict[str, Any]]]:
        """Give by account when each window was last read: every run reads the hot one, for years."""
        window = ("account_id", "kind", "first_day", "last_day")
        pulls = self.known("pulls", columns=(*window, "pulled_at", "rows"))
        newest = pulls.group_by(window).aggregate([("pulled_at", "max"), ("rows", "max")])
        found: dict[str, list[dict[str, Any]]] = {}
        for pull in newest.rename_columns([name.removesuffix("_max") for name in newest.column_names]).to_pylist():
            found.setdefault(pull["account_id"], []).append(pull)
        return found

    def _live(self, table: str, where: Where | None) -> pa.Table:
        log = self._logs[table]
        return log.live(where=where).read_all() if log.position else log.schema.empty_table()

    def take(self, found: Mapping[str, pa.Table], refused: Iterable[tuple[str, str]] = ()) -> int:
        """Append changes that belong together, under the next position; give how many.

        Args:
            found: Changes by table, as `compared` gives them.
            refused: Rows of the performance table that cannot be right, each with its reason.
        """
        position = self.position + 1
        fresh = [each for each in dict.fromkeys(refused) if (each[0], each[1].encode()) not in self._rejected]
        self._rejected |= {(reason, raw.encode()) for reason, raw in fresh}
        rejected = quarantine(fresh, f"{self._source.name}.performance", position, self._now)
        if rejected.num_rows:
            self._lake.quarantine(self._source.name, rejected, position=position)
            self.refused += rejected.num_rows
        count = 0
        for table, rows in found.items():
            if not rows.num_rows:
                continue
            self._logs[table].append(rows, position=position)
            crash_point(f"ads.after_{table}")
            operations = Counter(rows.column("_op").to_pylist())
            count += operations.total()
            if table != "pulls":
                self.written.setdefault(f"{self._source.name}.{table}", Counter()).update(operations)
        self.position = position
        return count

    def done(self, pull: Mapping[str, Any]) -> pa.Table:
        """Give the row of `pulls` that says that something was read whole."""
        told = {"platform": self._source.platform, "pulled_at": self._now, **pull}
        fresh = pa.Table.from_pylist([told], schema=shape("pulls"))
        log = self._logs["pulls"]
        return changes(fresh, shape("pulls").empty_table(), log, position=self.position + 1, now=self._now)


def within(account: str, first: date, last: date) -> Where:
    """Choose an account's rows of some days."""
    return lambda rows: (rows.account_id == account) & rows.day.between(first, last)
