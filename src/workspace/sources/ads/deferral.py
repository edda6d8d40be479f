"""What a source's watermark keeps of a platform's wish to be left alone: until when, and whether as a whole."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from workspace.errors import DeferredError
from workspace.lake import Watermark
from workspace.sources.ads.answers import AccountDeferredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.settings import AdsSource


class SomeDeferredError(DeferredError):
    """Some accounts ask to be left alone; all others were read.

    Args:
        accounts: What each of them said, by its id.
        among: How many accounts there are.
    """

    def __init__(self, accounts: Mapping[str, DeferredError], among: int) -> None:
        told = " ".join(f"Account {account}: {error.message}" for account, error in accounts.items())
        counted = "1 account" if among == 1 else f"{among:,} accounts"
        message = f"{len(accounts):,} of {counted} had to be put off. {told}"
        super().__init__(message, until=min(error.until for error in accounts.values()))
        self.accounts = dict(accounts)


def away(mark: Watermark | None) -> dict[str, AccountDeferredError]:
    """Give the accounts that are still to be left alone, with what each said last.

    Raises:
        DeferredError: The platform is, as a whole.
    """
    told = mark.detail.get("deferred", {}) if mark else {}
    now = datetime.now(UTC)
    if told and "accounts" not in told and now < (until := datetime.fromisoformat(told["until"])):
        raise DeferredError(told["reason"], until=until)
    return {
        account: AccountDeferredError(each["reason"], until=until)
        for account, each in told.get("accounts", {}).items()
        if now < (until := datetime.fromisoformat(each["until"]))
    }


def put_off(source: AdsSource, mark: Watermark | None, error: DeferredError, run: str, now: datetime) -> Watermark:
    """Keep who is to be left alone until when; the source stands where it stood.

    Args:
        source: Which.
        mark: Where it stood, if it was ever read.
        error: What the platform said.
        run: The run's id.
        now: The business time.
    """
    told = _told(error)
    if isinstance(error, SomeDeferredError):
        told["accounts"] = {account: _told(each) for account, each in error.accounts.items()}
    if mark is not None:
        return dataclasses.replace(mark, run=run, recorded_at=now, detail={**mark.detail, "deferred": told})
    return Watermark(
        source=source.name,
        position=0,
        clock=None,
        reached=datetime.combine(source.since, time(), UTC),
        recorded_at=now,
        run=run,
        cut_by="recorded",
        detail={"deferred": told},
    )


def _told(error: DeferredError) -> dict[str, Any]:
    return {"until": error.until.isoformat(), "reason": error.message}
