"""The control plane, `/_sim/`: what only the one who runs the simulation may ask.

```
GET    clock                                   the virtual clock
POST   clock          {"now": "..."} or {"advance": seconds}
GET    faults                                  those still to come
POST   faults         [{"kind", "platform", "path", "method", "skip", "times", ...}, ...]
DELETE faults
GET    calls                                   the requests so far, oldest first
DELETE calls
POST   tokens/expire  {"platform"}             access tokens given so far are expired; of all platforms if none is named
POST   restate        {"entity" or "ad", "date", "delta": {"spend", "clicks", ...}}
POST   account        {"id", "name" | "currency" | "timezone" | "status"}
POST   entity         {"id", "name" | "status"}
POST   entity/delete  {"id"}
GET    truth          ?platform=&account=&day=[&as_of=]
GET    limits                                  what each platform counts and allows
POST   limits         {...}                    kept as settings["limits"]
GET    knobs
POST   knobs          {...}                    settings by any name; "strict" and "page" are the simulation's own
DELETE knobs
```
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import PLATFORMS
from workspace.demo.ads.faults import Fault
from workspace.demo.ads.simulation import Reply, module_of
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from workspace.demo.ads.simulation import Request, Simulation

PREFIX = "/_sim/"


class Control:
    """Answers what is asked under `/_sim/`.

    Args:
        sim: The simulation.
        calls: The log of the requests.
        faults: What is to go wrong.
    """

    def __init__(self, sim: Simulation, calls: deque[dict[str, Any]], faults: list[Fault]) -> None:
        self.sim = sim
        self.calls = calls
        self.faults = faults
        self._routes: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "faults"): lambda _: [fault.told() for fault in self.faults if fault.times > 0],
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): lambda _: self.faults.clear(),
            ("GET", "calls"): lambda _: list(self.calls),
            ("DELETE", "calls"): lambda _: self.calls.clear(),
            ("POST", "tokens/expire"): self._expire,
            ("POST", "restate"): self._restate,
            ("POST", "account"): self._account,
            ("POST", "entity"): self._entity,
            ("POST", "entity/delete"): lambda request: self._entity(request, status="deleted"),
            ("GET", "truth"): self._truth,
            ("GET", "limits"): self._limits,
            ("POST", "limits"): lambda request: self.sim.settings.update(limits=_object(request)),
            ("GET", "knobs"): lambda _: {**self.sim.settings, "strict": self.sim.strict, "page": self.sim.page},
            ("POST", "knobs"): self._turn,
            ("DELETE", "knobs"): lambda _: self.sim.settings.clear(),
        }

    def answer(self, request: Request) -> Reply:
        """Do what is asked; what cannot be done is told with status 400."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return Reply(404, {"error": f"There is no {request.method} {request.path}."})
        try:
            return Reply(200, _texts(route(request)))
        except (WorkspaceError, KeyError, ValueError, TypeError) as error:
            return Reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _clock(self, _: Request) -> dict[str, str]:
        return {"now": self.sim.now.isoformat()}

    def _set_clock(self, request: Request) -> dict[str, str]:
        told = _object(request)
        if "now" in told:
            self.sim.now = moment(told["now"])
        else:
            self.sim.now += timedelta(seconds=float(told["advance"]))
        return self._clock(request)

    def _add_faults(self, request: Request) -> list[dict[str, Any]]:
        told = request.json()
        fresh = [Fault.read(entry) for entry in (told if isinstance(told, list) else [told])]
        self.faults += fresh
        return [fault.told() for fault in fresh]

    def _expire(self, request: Request) -> list[str]:
        """Tell the platforms to expire what they gave out: each has a function `expire(sim)`, if it has tokens."""
        chosen = [request.json()["platform"]] if request.body else PLATFORMS
        done = []
        for platform in chosen:
            expire = getattr(module_of(platform), "expire", None)
            if expire:
                expire(self.sim)
                done.append(platform)
        return done

    def _restate(self, request: Request) -> None:
        told = _object(request)
        entity, day = told.get("entity") or told["ad"], date.fromisoformat(told["date"])
        self.sim.book.restate(entity, day, told["delta"], self.sim.now)

    def _account(self, request: Request) -> None:
        told = _object(request)
        self.sim.book.change_account(told.pop("id"), told)

    def _entity(self, request: Request, status: str | None = None) -> None:
        told = _object(request)
        self.sim.book.change_entity(
            told["id"], self.sim.now, name=told.get("name"), status=status or told.get("status")
        )

    def _truth(self, request: Request) -> dict[str, Any]:
        asked = request.query
        as_of = moment(asked["as_of"]) if "as_of" in asked else self.sim.now
        which = asked["account"], date.fromisoformat(asked["day"]), as_of
        return {
            "ads": {ad.id: asdict(facts) for ad, facts in self.sim.book.facts(*which)},
            "campaigns": {campaign.id: asdict(facts) for campaign, facts in self.sim.book.campaign_facts(*which)},
        }

    def _limits(self, _: Request) -> dict[str, Any]:
        """Tell what each platform says of its budgets in its function `limits(sim)`, if it has any."""
        told = {platform: getattr(module_of(platform), "limits", None) for platform in PLATFORMS}
        return {platform: limits(self.sim) for platform, limits in told.items() if limits}

    def _turn(self, request: Request) -> None:
        told = _object(request)
        self.sim.strict = bool(told.pop("strict", self.sim.strict))
        self.sim.page = told.pop("page", self.sim.page)
        self.sim.settings.update(told)


def _texts(value: object) -> object:
    """Write decimals as texts, for those who read them back."""
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value


def _object(request: Request) -> dict[str, Any]:
    told = request.json()
    if not isinstance(told, dict):
        raise TypeError("the body is no JSON object")
    return told


def moment(text: str) -> datetime:
    """Read a moment; one without a zone is UTC."""
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
