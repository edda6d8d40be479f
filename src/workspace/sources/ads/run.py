"""What a run does with an advertising source: account by account, window by window, each whole or not at all."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from workspace.errors import DeferredError, SourceError
from workspace.lake import Watermark, crash_point
from workspace.sources.ads import audit, policy
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, TooLargeError
from workspace.sources.ads.entities import UNREACHED, accounts_table, entity_tables
from workspace.sources.ads.platforms import open_adapter
from workspace.sources.ads.rows import KEY, Rows
from workspace.sources.ads.store import Store, within
from workspace.sources.ads.tables import shape
from workspace.sources.ingested import Ingested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from workspace.lake import Lake
    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, Adapter
    from workspace.sources.ads.rows import Key

T = TypeVar("T")

ROWS = 100_000
"""About how many rows a window brings at most: what a run holds in memory, and asks for again after a crash."""

WINDOW = 28
"""How many days a window has at most."""

UNKNOWN = 7
"""How many days the first window of an account has, when nobody knows how many rows its days bring."""

ATTEMPTS = 3
"""How often a window is asked for whose pages turn out to belong to different answers."""


def ingest(source: AdsSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    """Read what is new and what may have been restated, and keep every version.

    Windows are whole: one that was read to its end is compared with what the lake holds, and only what differs is
    written. Killed at any point and run again, it asks for the unfinished windows again.

    Args:
        source: Which platform, which accounts.
        lake: Where it goes: `<source>.performance` and the tables beside it.
        run: The run's id.
        as_of: The exclusive end of the run's period.
        now: The business time.

    Returns:
        What was written, and where the source stands.

    Raises:
        DeferredError: The platform's quota is used up for long; nothing is asked before that time.
        SourceError: The platform refuses, cannot be reached, or does not keep to its own format; windows that were
            complete are kept, and the next run goes on after them.
    """
    del as_of  # a platform tells what it knows now; what it knew before is in the versions
    mark = lake.watermark(source.name)
    _stay_away(mark)
    adapter = open_adapter(source)
    try:
        return Ingest(source, lake, now, adapter, run).work()
    except DeferredError as error:
        lake.advance(_put_off(source, mark, error, run, now))
        raise
    finally:
        adapter.http.close()


def look(source: AdsSource) -> str:
    """Ask a platform which accounts there are; say so in a few words.

    Raises:
        SourceError: The platform refuses, or cannot be reached.
        SettingsError: The environment lacks a credential.
    """
    adapter = open_adapter(source)
    try:
        accounts = adapter.accounts()
    finally:
        adapter.http.close()
    readable = sum(account.open for account in accounts)
    return f"{_counted(len(accounts), 'account')}, {readable} to be read, API {adapter.api_version}"


def _stay_away(mark: Watermark | None) -> None:
    """Raise what the platform said last, as long as it holds."""
    told = mark.detail.get("deferred") if mark else None
    if told and datetime.now(UTC) < (until := datetime.fromisoformat(told["until"])):
        raise DeferredError(told["reason"], until=until)


def _put_off(source: AdsSource, mark: Watermark | None, error: DeferredError, run: str, now: datetime) -> Watermark:
    """Keep until when nothing is to be asked; the source stands where it stood."""
    told = {"deferred": {"until": error.until.isoformat(), "reason": error.message}}
    if mark is not None:
        return dataclasses.replace(mark, run=run, recorded_at=now, detail={**mark.detail, **told})
    begin = datetime.combine(source.since, time(), UTC)
    return Watermark(
        source=source.name,
        position=0,
        clock=None,
        reached=begin,
        recorded_at=now,
        run=run,
        cut_by="recorded",
        detail=told,
    )


class Ingest:
    """One run over a source, and what came of it."""

    def __init__(self, source: AdsSource, lake: Lake, now: datetime, adapter: Adapter, run: str) -> None:
        self._source, self._lake, self._now, self._run = source, lake, now, run
        self._adapter = adapter
        self._store = Store(source, lake, now)
        self._notes: list[str] = []
        self._days = 0

    def work(self) -> Ingested:
        """Read every account, and record how far it went."""
        accounts = self._accounts()
        refused: dict[str, str] = {}
        for account in accounts:
            try:
                self._account(account)
            except AccountRefusedError as error:
                refused[account.id] = error.message
                self._notes.append(f"Account {account.id} ({account.name}) was left out: {error.message}")
        mark = Watermark(
            source=self._source.name,
            position=self._store.position,
            clock=None,
            reached=self._now,
            recorded_at=self._now,
            run=self._run,
            cut_by="recorded",
            detail={"accounts_left_out": refused} if refused else {},
        )
        self._lake.advance(mark)
        calls = self._adapter.http.calls
        asked = (
            f"{_counted(len(accounts), 'account')}, {_counted(self._days, 'day')} of them, in {_counted(calls, 'call')}"
        )
        return Ingested(
            source=self._source.name,
            watermark=mark,
            rows=self._store.written,
            quarantined=self._store.refused,
            notes=(f"{asked}.", *self._notes, *self._adapter.notes),
        )

    def _accounts(self) -> list[Account]:
        """Read the accounts that the credentials reach; give those that are to be read."""
        found = self._adapter.accounts()
        reached = {account.id for account in found}
        if lacking := [name for name in self._source.accounts if name not in reached]:
            msg = f"The credentials of [sources.{self._source.name}] do not reach the account {', '.join(lacking)}."
            cure = f"Grant it, or correct `accounts`; they reach {', '.join(sorted(reached)) or 'none'}."
            raise RefusedError(msg, cure=cure)
        known = {row["account_id"]: row for row in self._store.known("accounts").to_pylist()}
        fresh = accounts_table(self._source.platform, found, known)
        self._notes += _news(known, fresh.to_pylist())
        self._store.take({"accounts": self._store.compared("accounts", fresh, None)})
        wanted = [one for one in found if one.open and (not self._source.accounts or one.id in self._source.accounts)]
        self._notes += [
            f"Account {one.id} ({one.name}) was left out: its time zone, {one.timezone!r}, is unknown."
            for one in wanted
            if not policy.is_zone(one.timezone)
        ]
        return [one for one in wanted if policy.is_zone(one.timezone)]

    def _account(self, account: Account) -> None:
        calls = self._adapter.http.calls
        read = self._store.read(account.id)
        until = policy.today(account.timezone, self._now)
        self._entities(account, until, calls)
        before = read.finished
        touched = self._adapter.touched(account, before, self._now) if before else None
        lookback = self._adapter.lookback(account)
        days = policy.due(
            read, since=self._source.since, until=until, lookback=lookback, now=self._now, touched=touched
        )
        self._windows(account, days, read.dense)
        self._clicks(account, policy.clicks_due(read, since=self._source.since, until=until, timezone=account.timezone))
        if policy.audit_due(read, self._now):
            self._audit(account, until, read.dense)

    def _entities(self, account: Account, today: date, calls: int) -> None:
        def pull() -> dict[str, pa.Table]:
            return entity_tables(self._source.platform, account, self._adapter.entities(account))

        fresh = _whole(pull, f"what is in {account.id}")
        found = {table: self._store.entities(table, rows, account.id) for table, rows in fresh.items()}
        rows = sum(table.num_rows for table in fresh.values())
        if any(table.num_rows for table in found.values()):
            self._take(account, "entities", (today, today), found, rows=rows, calls=calls)

    def _windows(self, account: Account, days: Iterable[date], dense: float | None) -> None:
        """Read days in windows: as many at once as the platform gives and memory should hold.

        Args:
            account: Whose.
            days: Which.
            dense: How many rows a day had the last time; None if nobody knows.
        """
        left = list(days)
        most = min(self._adapter.longest, WINDOW)
        longest = min(most, UNKNOWN) if dense is None else policy.fitting(ROWS, dense, most)
        while left:
            first, last = next(policy.windows(left, longest))
            calls = self._adapter.http.calls
            try:
                rows = self._pulled(account, first, last)
            except TooLargeError as error:
                if first == last:
                    msg = f"{account.id} on {first}: the platform will not answer even for one day. {error.message}"
                    raise SourceError(msg, cure=error.cure or "Ask the platform's support.") from error
                longest = most = max(1, ((last - first).days + 1) // 2)
                continue
            self._keep(account, (first, last), rows, calls)
            left = [day for day in left if not first <= day <= last]
            longest = policy.fitting(ROWS, len(rows) / ((last - first).days + 1), min(most, 2 * longest))

    def _pulled(self, account: Account, first: date, last: date) -> Rows:
        """Read one window to its end."""

        def pull() -> Rows:
            rows = Rows(self._source.platform, account, first, last, self._adapter.api_version)
            for page in self._adapter.performance(account, first, last, "ad"):
                rows.add(page)
                crash_point("ads.after_page")
            return rows

        return _whole(pull, f"{account.id}, {first} to {last}")

    def _keep(self, account: Account, window: tuple[date, date], rows: Rows, calls: int) -> None:
        found = self._differences(account, window, rows)
        if gone := _gone(found["performance"]):
            # A row that is missing once may be a page that was lost: only what is missing twice has gone.
            rows = self._pulled(account, *window)
            found = self._differences(account, window, rows, gone)
        self._days += (window[1] - window[0]).days + 1
        self._take(account, "ad", window, found, rows=len(rows), calls=calls, refused=rows.refused)

    def _differences(
        self, account: Account, window: tuple[date, date], rows: Rows, before: set[Key] | None = None
    ) -> dict[str, pa.Table]:
        """Compare a window with what is held of it.

        Args:
            account: Whose.
            window: Which days.
            rows: What the platform says of them.
            before: What was missing at the first look, if this is the second one.
        """
        where = within(account.id, *window)
        found = {name: self._store.compared(name, rows.table(name), where) for name in ("performance", "conversions")}
        # What is held stands where the new row is in quarantine, or was there at the first look.
        spared = rows.unread if before is None else rows.unread | (_gone(found["performance"]) - before)
        return {name: _without(changed, spared) for name, changed in found.items()}

    def _clicks(self, account: Account, days: Iterable[date]) -> None:
        """Read which ads the clicks of some days were on, if the platform tells; a week is kept at once."""
        for first, last in policy.windows(days, policy.WEEK.days):
            calls = self._adapter.http.calls
            clicks: dict[str, dict[str, Any]] = {}
            for day in policy.span(first, last):
                found = _whole(partial(self._clicks_of, account, day), f"the clicks of {account.id} on {day}")
                if found is None:
                    return
                clicks |= found
            told = {"platform": self._source.platform, "account_id": account.id}
            fresh = pa.Table.from_pylist([told | click for click in clicks.values()], schema=shape("click_views"))
            added = {"click_views": self._store.added("click_views", fresh)}
            self._take(account, "clicks", (first, last), added, rows=len(clicks), calls=calls)

    def _clicks_of(self, account: Account, day: date) -> dict[str, dict[str, Any]] | None:
        pages = self._adapter.clicks(account, day)
        if pages is None:
            return None
        return {click.click_id: dataclasses.asdict(click) for page in pages for click in page}

    def _audit(self, account: Account, until: date, dense: float | None) -> None:
        """Compare totals of campaigns with what the lake holds, and read the days again that differ."""
        calls = self._adapter.http.calls
        first = max(self._source.since, until - timedelta(days=policy.AUDITED - 1))
        last = until - timedelta(days=policy.HOT)  # the latest days move while one looks
        differing: set[date] = set()
        for window in policy.windows(policy.span(first, last), self._adapter.longest):
            totals = _whole(partial(audit.totals, self._adapter, account, *window), f"the totals of {account.id}")
            held = self._store.known("performance", within(account.id, *window), audit.COLUMNS)
            differing |= audit.differing(totals, held)
        self._windows(account, sorted(differing), dense)
        if differing:
            shown = ", ".join(str(day) for day in sorted(differing)[:5])
            self._notes.append(
                f"Account {account.id}: totals differed on {_counted(len(differing), 'day')} ({shown}), read again."
            )
        self._take(account, "campaign", (first, max(first, last)), {}, rows=0, calls=calls)

    def _take(
        self,
        account: Account,
        kind: str,
        window: tuple[date, date],
        found: dict[str, pa.Table],
        *,
        rows: int,
        calls: int,
        refused: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Write what belongs together, and last of all that it was read whole."""
        pull: dict[str, Any] = {
            "account_id": account.id,
            "kind": kind,
            "first_day": window[0],
            "last_day": window[1],
            "api_version": self._adapter.api_version,
            "rows": rows,
            "changed": sum(table.num_rows for table in found.values()),
            "calls": self._adapter.http.calls - calls,
            "run": self._run,
        }
        self._store.take({**found, "pulls": self._store.done(pull)}, refused)


def _whole(pull: Callable[[], T], what: str) -> T:
    """Ask anew where an answer turns out to be none that is whole."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return pull()
        except RestartError as error:
            if attempt == ATTEMPTS:
                msg = f"{what}: {ATTEMPTS} attempts gave no whole answer. {error.message}"
                raise SourceError(msg, cure="Run it again later; what was read before is kept.") from error
    raise AssertionError("unreachable")


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


def _news(known: dict[str, dict[str, Any]], found: Iterable[dict[str, Any]]) -> list[str]:
    """Say what is new about accounts, where they were read before."""
    notes = []
    for account in found if known else ():
        name = f"Account {account['account_id']} ({account['name']})"
        before = known.get(account["account_id"])
        if before is None:
            notes.append(f"{name} is new: in {account['currency']}, {account['timezone']}.")
        elif account["status"] == UNREACHED:
            notes += [f"{name} is not reached any more."] if before["status"] != UNREACHED else []
        else:
            told = [what for what in ("currency", "timezone", "status") if before[what] != account[what]]
            notes += [f"{name}: its {what} was {before[what]} and is {account[what]} now." for what in told]
    return notes


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
