"""What a run does with an advertising source: account by account, window by window, each whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workspace.errors import DeferredError, SourceError
from workspace.lake import Watermark
from workspace.sources.ads import deferral, policy
from workspace.sources.ads.account import Reading
from workspace.sources.ads.answers import AccountDeferredError, AccountError, AccountRefusedError, RefusedError, whole
from workspace.sources.ads.entities import UNREACHED, accounts_table
from workspace.sources.ads.platforms import open_adapter
from workspace.sources.ads.store import Store
from workspace.sources.ingested import Ingested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workspace.lake import Lake
    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, Adapter


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
        DeferredError: The platform's quota is used up for long, and nothing is asked before that time; or that of some
            accounts is, and all others were read.
        SourceError: The platform refuses, cannot be reached, or does not keep to its own format; windows that were
            complete are kept, and the next run goes on after them. Where that is so of some accounts, all others were
            read.
    """
    del as_of  # a platform tells what it knows now; what it knew before is in the versions
    mark = lake.watermark(source.name)
    away = deferral.away(mark)
    adapter = open_adapter(source)
    try:
        return Ingest(source, lake, now, adapter, run=run, away=away).work()
    except DeferredError as error:
        lake.advance(deferral.put_off(source, mark, error, run, now))
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


class Ingest:
    """One run over a source, and what came of it."""

    def __init__(
        self,
        source: AdsSource,
        lake: Lake,
        now: datetime,
        adapter: Adapter,
        *,
        run: str,
        away: Mapping[str, AccountDeferredError],
    ) -> None:
        self._source, self._lake, self._now, self._run, self._away = source, lake, now, run, away
        self._adapter = adapter
        self._store = Store(source, lake, now)
        self._notes: list[str] = []

    def work(self) -> Ingested:
        """Read every account, and record how far it went."""
        accounts = self._accounts()
        unread: dict[str, SourceError] = {}
        days = 0
        for account in accounts:
            reading = Reading(self._source, self._adapter, self._store, account, run=self._run, now=self._now)
            try:
                if account.id in self._away:
                    raise self._away[account.id]
                reading.read()
            except (AccountError, AccountDeferredError, AccountRefusedError) as error:
                unread[account.id] = error
                self._notes.append(f"Account {account.id} ({account.name}) was left out: {error.message}")
            self._notes += reading.notes
            days += reading.days
        _complete(unread, len(accounts))
        mark = Watermark(
            source=self._source.name,
            position=self._store.position,
            clock=None,
            reached=self._now,
            recorded_at=self._now,
            run=self._run,
            cut_by="recorded",
        )
        self._lake.advance(mark)
        calls = self._adapter.http.calls
        asked = f"{_counted(len(accounts), 'account')}, {_counted(days, 'day')} of them, in {_counted(calls, 'call')}"
        return Ingested(
            source=self._source.name,
            watermark=mark,
            rows=self._store.written,
            quarantined=self._store.refused,
            notes=(f"{asked}.", *self._notes, *self._adapter.notes),
        )

    def _accounts(self) -> list[Account]:
        """Read the accounts that the credentials reach; give those that are to be read."""
        found = whole(self._adapter.accounts, "the list of accounts")
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
        # Where a quota ends a run early, the next one begins with those that had to wait.
        return sorted((one for one in wanted if policy.is_zone(one.timezone)), key=self._waiting)

    def _waiting(self, account: Account) -> datetime:
        return self._store.read(account.id).finished or datetime.min.replace(tzinfo=UTC)


def _complete(unread: Mapping[str, SourceError], among: int) -> None:
    """Let a run count as complete, though some accounts were refused.

    Raises:
        SourceError: Some failed, which also tells of itself where others were put off; or all were refused.
        SomeDeferredError: Some were put off.
    """
    counted = _counted(among, "account")
    if failed := {account: error for account, error in unread.items() if isinstance(error, AccountError)}:
        told = " ".join(f"Account {account}: {error.message}" for account, error in failed.items())
        cure = " ".join(dict.fromkeys(error.cure for error in failed.values()))
        raise SourceError(f"{len(failed):,} of {counted} could not be read to the end. {told}", cure=cure)
    if put_off := {account: error for account, error in unread.items() if isinstance(error, DeferredError)}:
        raise deferral.SomeDeferredError(put_off, among)
    if among and len(unread) == among:
        account, error = next(iter(unread.items()))
        raise RefusedError(f"Of {counted}, none can be read. Account {account}: {error.message}", cure=error.cure)


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
