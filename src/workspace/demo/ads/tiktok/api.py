"""TikTok for Business, API v1.3, as far as advertisers read it: accounts, what is in them, and daily reports.

Every answer is HTTP 200 and `{"code", "message", "request_id", "data"}`; only `code` tells whether it is one.

Knobs: `tiktok_revoked` (accounts that the token has lost), `tiktok_info` (account: fields of `advertiser/info/`),
`tiktok_smart` (ads that are of Smart+), `tiktok_clock` ("virtual": rates are counted by that clock only), and
those of the report. `limits` may have, under `tiktok_ads`: `app_qps`, `advertiser_qps`.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.simulation import Reply
from workspace.demo.ads.tiktok import entities, report
from workspace.demo.ads.tiktok.asked import Problem
from workspace.demo.ads.tiktok.entities import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workspace.demo.ads.simulation import Request, Simulation

APP_QPS, ADVERTISER_QPS = 10, 20

_PATH = re.compile(r"^/open_api/(v[\d.]+)/(.+?)/?$")
_ENDPOINTS: dict[str, Callable[[Simulation, Request], Any]] = {
    "oauth2/advertiser/get": entities.advertisers,
    "advertiser/info": entities.advertiser_info,
    "campaign/get": entities.campaigns,
    "adgroup/get": entities.groups,
    "ad/get": entities.ads,
    "report/integrated/get": report.report,
}
_SAID = {
    "app_qps": (40100, "App 7099000000000000001 reaches the QPS limit 10, current QPS is 11."),
    "advertiser_qps": (40133, "The advertiser reaches the QPS limit 20, current QPS is 21."),
    "too_frequent": (40132, "Request frequency limited."),
    "too_many": (61000, "Too many requests, please try again later."),
    "system_error": (50000, "System error."),
    "system_timeout": (50002, "Service timed out."),
    "internal_timeout": (51010, "Internal service timeout."),
    "maintenance": (60001, "The system is under maintenance."),
    "too_large": (40067, "The query is too large. Please narrow the date range and try again."),
    "token_expired": (40102, "Access token has expired."),
    "token_invalid": (40105, "Access token is incorrect or has been revoked."),
    "no_permission": (40001, "No permission to operate the advertiser."),
    "bad_parameter": (40002, "start_date: Not a valid date."),
}


def answer(sim: Simulation, request: Request) -> Reply:
    """Answer a request."""
    headers: dict[str, str] = {}
    try:
        data = _data(sim, request, headers)
    except Problem as problem:
        return _envelope(sim, problem.code, problem.message, {})
    return _envelope(sim, 0, "OK", data, headers)


def expire(sim: Simulation) -> None:
    """Let the access token be one of yesterday: a new one has to be given to the simulation, as to its clients."""
    sim.state[PLATFORM].setdefault("expired", set()).add(sim.credentials[PLATFORM].get("access_token"))


def limits(sim: Simulation) -> dict[str, int]:
    """Give what TikTok allows."""
    return {"app_qps": APP_QPS, "advertiser_qps": ADVERTISER_QPS, **report.limits(sim)}


def _data(sim: Simulation, request: Request, headers: dict[str, str]) -> dict[str, Any]:
    route = _PATH.match(request.path)
    if route is None or request.method != "GET":
        raise Problem(40400, "Route not found.")
    version, name = route.groups()
    if version != "v1.3":
        raise Problem(40006, f"The API version {version} is no longer supported.")
    _check_token(sim, request)
    _check_rates(sim, request)
    endpoint = _ENDPOINTS.get(name)
    if endpoint is None:
        raise Problem(40400, "Route not found.")
    found = endpoint(sim, request)
    if isinstance(found, tuple):
        found, more = found
        headers.update(more)
    data: dict[str, Any] = found
    return data


def _check_token(sim: Simulation, request: Request) -> None:
    token = request.headers.get("access-token")
    if not token:
        raise Problem(40104, "Access token is empty.")
    if token in sim.state[PLATFORM].get("expired", ()):
        raise Problem(*_SAID["token_expired"])
    if token != sim.credentials[PLATFORM].get("access_token"):
        raise Problem(*_SAID["token_invalid"])


def _check_rates(sim: Simulation, request: Request) -> None:
    """Count the requests of the last second; it has passed where either the wall's clock or the virtual one says so."""
    advertiser = request.query.get("advertiser_id", "")
    told = sim.settings.get("limits", {}).get(PLATFORM, {})
    app = sim.credentials[PLATFORM].get("app_id", "")
    real = 0.0 if sim.settings.get("tiktok_clock") == "virtual" else time.monotonic()
    now = (real, sim.now.timestamp())
    for key, limit, code, who in (
        ("app", told.get("app_qps", APP_QPS), 40100, f"App {app}"),
        (f"advertiser {advertiser}", told.get("advertiser_qps", ADVERTISER_QPS), 40133, f"Advertiser {advertiser}"),
    ):
        if key == "advertiser ":
            continue
        seen: deque[tuple[float, float]] = sim.state[PLATFORM].setdefault("requests", {}).setdefault(key, deque())
        while seen and any(abs(at - before) >= 1 for at, before in zip(now, seen[0], strict=True)):
            seen.popleft()
        if len(seen) >= limit:
            raise Problem(code, f"{who} reaches the QPS limit {limit}, current QPS is {len(seen) + 1}.")
        seen.append(now)


def _envelope(
    sim: Simulation, code: int, message: str, data: Mapping[str, Any], headers: dict[str, str] | None = None
) -> Reply:
    state = sim.state[PLATFORM]
    state["answers"] = state.get("answers", 0) + 1
    request_id = f"{sim.now:%Y%m%d%H%M%S}{state['answers']:018d}"
    body = {"code": code, "message": message, "request_id": request_id, "data": data}
    return Reply(200, body, {"X-Tt-Logid": request_id, **(headers or {})})


def _saying(code: int, message: str) -> Callable[[Simulation, Request, Mapping[str, Any]], Reply | None]:
    return lambda sim, _, more: _envelope(sim, more.get("code", code), more.get("message", message), {})


def _in_list(
    change: Callable[[list[Any], dict[str, Any]], None],
) -> Callable[[Simulation, Request, Mapping[str, Any]], Reply | None]:
    """Make a fault that changes the rows of an answer."""

    def spoil(sim: Simulation, request: Request, _: Mapping[str, Any]) -> Reply:
        reply = answer(sim, request)
        body: Any = reply.body
        if body["code"] == 0 and "page_info" in body["data"]:
            change(body["data"]["list"], body["data"]["page_info"])
        return reply

    return spoil


def _shrink(rows: list[Any], info: dict[str, Any]) -> None:
    """Let a row of an earlier page be gone, so that all that follow have moved up."""
    info["total_number"] -= 1
    del rows[:1]


def _grow(rows: list[Any], info: dict[str, Any]) -> None:
    """Let a row have come before this page, so that the last one of the page before is seen again."""
    info["total_number"] += 1
    rows.insert(0, rows[0])


def _repeat(rows: list[Any], _: dict[str, Any]) -> None:
    """Send a row twice."""
    rows += rows[-1:]


def _lose(rows: list[Any], _: dict[str, Any]) -> None:
    """Leave a row out, and say nothing of it."""
    del rows[-1:]


FAULTS: dict[str, Callable[[Simulation, Request, Mapping[str, Any]], Reply | None]] = {
    **{name: _saying(code, message) for name, (code, message) in _SAID.items()},
    "code": _saying(50000, "System error."),  # any, by `code` and `message`
    "pages_shrink": _in_list(_shrink),
    "pages_grow": _in_list(_grow),
    "row_twice": _in_list(_repeat),
    "row_lost": _in_list(_lose),
}
"""What TikTok itself may answer instead of what was asked for."""
