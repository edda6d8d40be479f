"""One account, as a run reads it: what is in it, its days in windows, its clicks, and its totals against all that."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from workspace.lake import crash_point
from workspace.sources.ads import audit, policy
from workspace.sources.ads.answers import AccountError, TooLargeError, whole
from workspace.sources.ads.entities import entity_tables
from workspace.sources.ads.rows import KEY, Rows
from workspace.sources.ads.store import within
from workspace.sources.ads.tables import shape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, Adapter, Entity
    from workspace.sources.ads.rows import Key
    from workspace.sources.ads.store import Store

ROWS = 100_000
"""About how many rows a window brings at most: what a run holds in memory, and asks for again after a crash."""

WINDOW = 28
"""How many days a window has at most."""


class Reading:
    """Reads one account for one run.

    Args:
        source: Whose account it is.
        adapter: Its platform.
        store: Where it goes.
        account: Which.
        run: The run's id.
        now: The business time.

    Attributes:
        days: How many days of numbers were read.
        notes: What a reader of the run should know, in sentences.
    """

    def __init__(
        self, source: AdsSource, adapter: Adapter, store: Store, account: Account, *, run: str, now: datetime
    ) -> None:
        self._source, self._adapter, self._store, self._account = source, adapter, store, account
        self._run, self._now = run, now
        self.days = 0
        self.notes: list[str] = []

    def read(self) -> None:
        """Read all that is due.

        Raises:
            AccountRefusedError: The platform will not tell of this account.
            AccountError: It cannot be read to the end.
            SourceError: Nor can any other.
        """
        account, since, calls = self._account, self._source.since, self._adapter.http.calls
        read = self._store.read(account.id)
        until = policy.today(account.timezone, self._now)
        self._entities(until, calls)
        before = read.finished
        touched = None
        if before is not None:
            touched = whole(partial(self._adapter.touched, account, before, self._now), "what changed")
        lookback = whole(partial(self._adapter.lookback, account), "how far back it may change")
        self._windows(policy.due(read, since=since, until=until, lookback=lookback, now=self._now, touched=touched))
        self._clicks(policy.clicks_due(read, since=since, until=until, timezone=account.timezone))
        if policy.audit_due(read, self._now):
            self._audit(until)

    def _entities(self, today: date, calls: int) -> None:
        told = self._listed()
        found = self._unlike(told)
        if any(pc.any(pc.equal(table.column("_op"), "D")).as_py() for table in found.values()):
            # What is missing once may have been on a page that was lost: only what is missing twice has gone.
            told += self._listed()
            found = self._unlike(told)
        if any(table.num_rows for table in found.values()):
            rows = len({(entity.level, entity.id) for page in told for entity in page})
            self._take("entities", (today, today), found, rows=rows, calls=calls)

    def _listed(self) -> list[list[Entity]]:
        """Read to its end what is in the account."""
        return whole(lambda: list(self._adapter.entities(self._account)), "what is in it")

    def _unlike(self, told: Iterable[list[Entity]]) -> dict[str, pa.Table]:
        """Compare what is in the account with what is held of it."""
        fresh = entity_tables(self._source.platform, self._account, told)
        return {table: self._store.entities(table, rows, self._account.id) for table, rows in fresh.items()}

    def _windows(self, days: Iterable[date]) -> None:
        """Read days in windows: as many at once as the platform gives and memory should hold."""
        left = list(days)
        most = min(self._adapter.longest, WINDOW)
        dense = self._store.read(self._account.id).dense
        longest = 1 if dense is None else policy.fitting(ROWS, dense, most)  # nobody knows how much a day brings
        while left:
            first, last = next(policy.windows(left, longest))
            calls = self._adapter.http.calls
            try:
                rows = self._keep((first, last), calls)
            except TooLargeError as error:
                if first == last:
                    msg = f"{first}: the platform will not answer even for one day. {error.message}"
                    raise AccountError(msg, cure=error.cure or "Ask its support.") from error
                longest = most = max(1, ((last - first).days + 1) // 2)
                continue
            left = [day for day in left if not first <= day <= last]
            longest = policy.fitting(ROWS, rows / ((last - first).days + 1), min(most, 2 * longest))

    def _pulled(self, first: date, last: date) -> Rows:
        """Read one window to its end."""

        def pull() -> Rows:
            rows = Rows(self._source.platform, self._account, first, last, self._adapter.api_version)
            for page in self._adapter.performance(self._account, first, last, "ad"):
                rows.add(page)
                crash_point("ads.after_page")
            return rows

        return whole(pull, f"{first} to {last}")

    def _keep(self, window: tuple[date, date], calls: int) -> int:
        """Read one window to its end and write what differs; give how many rows it has."""
        rows = self._pulled(*window)
        found = self._differences(window, rows)
        if gone := _gone(found["performance"]):
            # A row that is missing once may be a page that was lost: only what is missing twice has gone.
            rows = self._pulled(*window)
            found = self._differences(window, rows, gone)
        self.days += (window[1] - window[0]).days + 1
        self._take("ad", window, found, rows=len(rows), calls=calls, refused=rows.refused)
        return len(rows)

    def _differences(
        self, window: tuple[date, date], rows: Rows, before: set[Key] | None = None
    ) -> dict[str, pa.Table]:
        """Compare a window with what is held of it.

        Args:
            window: Which days.
            rows: What the platform says of them.
            before: What was missing at the first look, if this is the second one.
        """
        where = within(self._account.id, *window)
        found = {name: self._store.compared(name, rows.table(name), where) for name in ("performance", "conversions")}
        # What is held stands where the new row is in quarantine, or was there at the first look.
        spared = rows.unread if before is None else rows.unread | (_gone(found["performance"]) - before)
        return {name: _without(changed, spared) for name, changed in found.items()}

    def _clicks(self, days: Iterable[date]) -> None:
        """Read which ads the clicks of some days were on, if the platform tells; at most a week is kept at once."""
        for first, last in policy.windows(days, policy.WEEK.days):
            begin, calls = first, self._adapter.http.calls
            clicks: dict[str, dict[str, Any]] = {}
            for day in policy.span(first, last):
                found = whole(partial(self._clicks_of, day), f"the clicks of {day}")
                if found is None:
                    return
                clicks |= found
                if day == last or len(clicks) >= ROWS:
                    added = {"click_views": self._store.added("click_views", self._click_table(clicks.values()))}
                    self._take("clicks", (begin, day), added, rows=len(clicks), calls=calls)
                    begin, calls, clicks = day + timedelta(days=1), self._adapter.http.calls, {}

    def _click_table(self, clicks: Iterable[dict[str, Any]]) -> pa.Table:
        told = {"platform": self._source.platform, "account_id": self._account.id}
        return pa.Table.from_pylist([told | click for click in clicks], schema=shape("click_views"))

    def _clicks_of(self, day: date) -> dict[str, dict[str, Any]] | None:
        pages = self._adapter.clicks(self._account, day)
        if pages is None:
            return None
        return {click.click_id: dataclasses.asdict(click) for page in pages for click in page}

    def _audit(self, until: date) -> None:
        """Compare totals of campaigns with what the lake holds, and read the days again that differ."""
        calls = self._adapter.http.calls
        first = max(self._source.since, until - timedelta(days=policy.AUDITED - 1))
        last = until - timedelta(days=policy.HOT)  # the latest days move while one looks
        if last < first:
            return
        differing: set[date] = set()
        still: set[date] = set()
        for window in policy.windows(policy.span(first, last), self._adapter.longest):
            totals = whole(partial(audit.totals, self._adapter, self._account, *window), "the totals of its campaigns")
            if days := audit.differing(totals, self._held(window)):
                self._windows(sorted(days))
                differing |= days
                still |= audit.differing(totals, self._held(window))
        note = ""
        if differing:
            note = f"Totals of campaigns differed on {_days(differing)}, read again."
            note += f" On {_days(still)} they are still not the sums of their ads." if still else ""
            self.notes.append(f"Account {self._account.id}: {note}")
        self._take("campaign", (first, last), {}, rows=0, calls=calls, note=note)

    def _held(self, window: tuple[date, date]) -> pa.Table:
        return self._store.known("performance", within(self._account.id, *window), audit.COLUMNS)

    def _take(
        self,
        kind: str,
        window: tuple[date, date],
        found: dict[str, pa.Table],
        *,
        rows: int,
        calls: int,
        refused: Iterable[tuple[str, str]] = (),
        note: str = "",
    ) -> None:
        """Write what belongs together, and last of all that it was read whole."""
        pull: dict[str, Any] = {
            "account_id": self._account.id,
            "kind": kind,
            "first_day": window[0],
            "last_day": window[1],
            "api_version": self._adapter.api_version,
            "rows": rows,
            "changed": sum(table.num_rows for table in found.values()),
            "calls": self._adapter.http.calls - calls,
            "run": self._run,
            "note": note or None,
        }
        self._store.take({**found, "pulls": self._store.done(pull)}, refused)


def _days(days: set[date]) -> str:
    """Say which days, the first few by name.

    Examples:
        >>> from datetime import date
        >>> _days({date(2026, 10, 1)}), _days({date(2026, 10, day) for day in range(1, 8)})
        ('2026-10-01', '7 days (2026-10-01, 2026-10-02, 2026-10-03, ...)')
    """
    named = [str(day) for day in sorted(days)]
    return named[0] if len(named) == 1 else f"{len(named)} days ({', '.join(named[:3])}{', ...' * (len(named) > 3)})"


def _gone(found: pa.Table) -> set[Key]:
    """Give the keys of rows that are no longer told."""
    ended = found.filter(pc.equal(found.column("_op"), "D"))
    return set(zip(*(ended.column(name).to_pylist() for name in KEY), strict=True))


def _without(found: pa.Table, spared: set[Key]) -> pa.Table:
    """Leave out the ends of some rows, and of what is claimed for them."""
    if not spared:
        return found
    rows = zip(found.column("_op").to_pylist(), *(found.column(name).to_pylist() for name in KEY), strict=True)
    return found.filter(
        pa.array([operation != "D" or tuple(key) not in spared for operation, *key in rows], pa.bool_())
    )
