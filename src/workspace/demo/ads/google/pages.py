"""Pages of an answer: what Google Ads remembers of it, and the tokens by which the rest is asked for."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.google.errors import FailureError

if TYPE_CHECKING:
    from workspace.demo.ads.google.rows import Row
    from workspace.demo.ads.simulation import Simulation

SIZE = 10_000
_MINUTES = 120.0  # for which a page can be asked for, unless the setting `google_token_minutes` says otherwise
_KEPT = 64  # answers whose next pages can still be asked for


@dataclass(frozen=True)
class Snapshot:
    """An answer as it was when it was asked for, whatever happens later.

    Attributes:
        key: Stands for the question.
        number: Counts the answers.
        rows: All of it, as far as its limit.
        total: How many there are without a limit.
        settings: The `searchSettings` of the question.
        taken: When.
    """

    key: str
    number: int
    rows: list[Row]
    total: int
    settings: dict[str, Any]
    taken: datetime

    def token(self, offset: int) -> str:
        """Give what the rest from a row on is asked for with."""
        told = json.dumps([self.key, self.number, offset, self.taken.isoformat()])
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def size(sim: Simulation) -> int:
    """Give how many rows a page has."""
    return sim.page or SIZE


def keep(sim: Simulation, key: str, rows: list[Row], limit: int | None, settings: dict[str, Any]) -> Snapshot:
    """Remember an answer."""
    state = sim.state["google_ads"]
    number = state["answers"] = state.get("answers", 0) + 1
    kept: dict[int, Snapshot] = state.setdefault("snapshots", {})
    kept[number] = Snapshot(key, number, rows[:limit], len(rows), settings, sim.now)
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
    return kept[number]


def opened(sim: Simulation, token: str, key: str) -> tuple[Snapshot, int]:
    """Give what a token stands for: an answer, and from which row on.

    Raises:
        FailureError: It is none, is another question's, or is too old.
    """
    asked, number, offset, taken = read(token)
    if asked != key:
        raise FailureError(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.")
    until = datetime.fromisoformat(taken) + timedelta(minutes=sim.settings.get("google_token_minutes", _MINUTES))
    kept = sim.state["google_ads"].get("snapshots", {})
    if number not in kept or sim.now > until:
        raise expired()
    return kept[number], offset


def consistent(settings: dict[str, Any], snapshot: Snapshot) -> None:
    """Check that the next pages are asked for as the first one was.

    Raises:
        FailureError: They are not.
    """
    first = snapshot.settings
    if settings.get("returnTotalResultsCount") and not first.get("returnTotalResultsCount"):
        said = "Total results count was not originally requested."
        raise FailureError(400, "requestError", "TOTAL_RESULTS_COUNT_NOT_ORIGINALLY_REQUESTED", said)
    if bool(settings.get("returnSummaryRow")) != bool(first.get("returnSummaryRow")):
        said = "The return_summary_row value must be the same for all pages."
        raise FailureError(400, "requestError", "INCONSISTENT_RETURN_SUMMARY_ROW_VALUE", said)


def read(token: str) -> tuple[str, int, int, str]:
    """Give what a token says: the question, the answer's number, the row, and when it was taken."""
    try:
        key, number, offset, taken = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        raise FailureError(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.") from None
    return key, number, offset, taken


def moved(token: str, by: int) -> str:
    """Give the token of a page that begins some rows later, as a platform would that has lost its place."""
    told: list[Any] = list(read(token))
    told[2] += by
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def expired() -> FailureError:
    """Say that an answer is remembered no more."""
    return FailureError(400, "requestError", "EXPIRED_PAGE_TOKEN", "Page token has expired.")
