"""Meta's budgets: how many calls an ad account, an app and a user have made in this hour, told with every answer."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.facebook.errors import rate_limit

if TYPE_CHECKING:
    from workspace.demo.ads.simulation import Simulation

PLATFORM = "facebook_ads"
HOUR = timedelta(hours=1)
# Calls an hour: of an ad account, for its insights and for all else; of the app; of the user.
ALLOWED = {"ads_insights": 190_000, "ads_management": 100_000, "app": 1_000_000, "user": 1_000_000}
_CODES = {"ads_insights": 80000, "ads_management": 80004, "app": 4, "user": 17}
_TIER = "standard_access"


def allowed(sim: Simulation) -> dict[str, int]:
    """Give the budgets: Meta's own, or as `limits` of the control plane has them under `facebook_ads`."""
    told: dict[str, int] = sim.settings.get("limits", {}).get(PLATFORM, {})
    return ALLOWED | told


def limits(sim: Simulation) -> dict[str, Any]:
    """Tell the budgets and what is used of them."""
    used = {"/".join(key): count for key, (_, count) in sim.state[PLATFORM].get("used", {}).items()}
    return {"allowed": allowed(sim), "used": used}


class Meter:
    """Counts one call, and tells how much of each budget is used.

    Args:
        sim: The simulation.
        account_id: Whose budget it is; empty if no account's.
        insights: Whether it is about performance.

    Raises:
        GraphError: By `check`: a budget is used up.
    """

    def __init__(self, sim: Simulation, account_id: str, *, insights: bool) -> None:
        self.account_id, self.use = account_id, "ads_insights" if insights else "ads_management"
        self._now, budgets = sim.now, allowed(sim)
        self._used = sim.state[PLATFORM].setdefault("used", {})
        self.percent: dict[str, int] = {}
        self.minutes: dict[str, int] = {}
        for kind, whose in ((self.use, account_id), ("app", "app"), ("user", "user")):
            if not whose:
                continue
            begun, count = self._used.get((kind, whose), (self._now, 0))
            if self._now - begun >= HOUR:
                begun, count = self._now, 0
            self._used[kind, whose] = begun, count + 1
            self.percent[kind] = 100 * (count + 1) // budgets[kind]
            over = count + 1 > budgets[kind]
            self.minutes[kind] = math.ceil((begun + HOUR - self._now) / timedelta(minutes=1)) if over else 0

    def check(self) -> None:
        """Refuse the call if a budget is used up."""
        for kind, minutes in self.minutes.items():
            if minutes:
                raise rate_limit(_CODES[kind])

    def fill(self, percent: int, minutes: int = 0) -> None:
        """Let it look as if so much were used."""
        for kind in self.percent:
            self.percent[kind], self.minutes[kind] = percent, minutes

    def headers(self, version: str) -> dict[str, str]:
        """Give the headers of an answer."""
        app, minutes = self.percent["app"], self.minutes.get(self.use, 0)
        trace = blake2b(repr(self._used).encode(), digest_size=8).hexdigest()
        told: dict[str, Any] = {"x-app-usage": {"call_count": app, "total_time": app // 2, "total_cputime": app // 3}}
        if self.account_id:
            account = self.percent[self.use]
            case = {"type": self.use, "call_count": account, "total_cputime": account // 2, "total_time": account // 2}
            case |= {"estimated_time_to_regain_access": minutes, "ads_api_access_tier": _TIER}
            told["x-business-use-case-usage"] = {self.account_id: [case]}
            usage = {"acc_id_util_pct": account, "reset_time_duration": 60 * minutes, "ads_api_access_tier": _TIER}
            told["x-ad-account-usage"] = usage
            if self.use == "ads_insights":
                throttle = {"app_id_util_pct": app, "acc_id_util_pct": account, "ads_api_access_tier": _TIER}
                told["x-fb-ads-insights-throttle"] = throttle
        plain = {"facebook-api-version": version, "x-fb-trace-id": trace, "x-fb-rev": "1031000000"}
        return {name: json.dumps(value) for name, value in told.items()} | plain
