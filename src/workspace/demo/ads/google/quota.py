"""How much may be asked of Google Ads: so many operations a day for a developer token, so many at once an account."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.google.errors import quota_error

if TYPE_CHECKING:
    from workspace.demo.ads.simulation import Simulation

DAILY = 15_000
BURST, REFILL = 200.0, 50.0  # requests at once, and requests a second by the wall clock
_PAUSE = 5


def limits(sim: Simulation) -> dict[str, Any]:
    """Tell the budgets, and how much of the day's is used."""
    given = sim.settings.get("limits", {}).get("google_ads", {})
    return {
        "daily_operations": int(given.get("daily_operations", DAILY)),
        "burst": float(given.get("burst", BURST)),
        "refill": float(given.get("refill", REFILL)),
        "used_today": _used(sim).get(sim.now.date().isoformat(), 0),
    }


def charge(sim: Simulation, account: str) -> None:
    """Take one operation out of the budgets.

    Raises:
        FailureError: There is none left.
    """
    told, today = limits(sim), sim.now.date().isoformat()
    if told["used_today"] >= told["daily_operations"]:
        midnight = (sim.now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        seconds = int((midnight - sim.now).total_seconds())
        raise quota_error("RESOURCE_EXHAUSTED", "DEVELOPER", "Number of operations for basic access", seconds)
    buckets = sim.state["google_ads"].setdefault("buckets", {})
    left, since = buckets.get(account, (told["burst"], time.monotonic()))
    now = time.monotonic()
    left = min(told["burst"], left + (now - since) * told["refill"])
    buckets[account] = (left - 1 if left >= 1 else left, now)
    if left < 1:
        raise quota_error("RESOURCE_TEMPORARILY_EXHAUSTED", "ACCOUNT", "Requests per account", _PAUSE)
    _used(sim)[today] = told["used_today"] + 1


def _used(sim: Simulation) -> dict[str, int]:
    used: dict[str, int] = sim.state["google_ads"].setdefault("used", {})
    return used
