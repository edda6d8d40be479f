"""X Ads, version 12, as a server: accounts, entities, statistics, jobs.

Knobs: `twitter_job_polls` and `twitter_job_seconds` (until a job is done), `twitter_jobs_at_once`, `twitter_double_id`
(a job's `id` twice, no `id_str`), `twitter_null` and `twitter_removed` (metrics), `twitter_sale_amount_scale`,
`twitter_timezone_switch_at` (by account), `twitter_unfunded` (accounts), `twitter_without_tweets` (line items that
promote something else), `twitter_clock_ahead` (seconds).
Limits: `{"twitter_ads": {"accounts": 5, "analytics": 250, "core": 10000, "other": 2000}}` in 15 minutes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.simulation import Reply
from workspace.demo.ads.twitter import jobs, lists, stats
from workspace.demo.ads.twitter.access import PLATFORM, expire, limits, spend, unsigned
from workspace.demo.ads.twitter.asked import DAY, question
from workspace.demo.ads.twitter.entities import KINDS
from workspace.demo.ads.twitter.replies import (
    VERSIONS,
    Asked,
    Refused,
    errors,
    headers,
    unauthorized,
    unknown_page,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Request, Simulation

__all__ = ["FAULTS", "answer", "expire", "limits"]

_VERSIONED = re.compile(r"/(\d+)/(.+?)/?")
_OF_ACCOUNT = re.compile(r"(accounts|stats/accounts|stats/jobs/accounts)/([^/]+)(?:/(.+))?")
_SYNC = 7 * DAY


def answer(sim: Simulation, request: Request) -> Reply:
    """Answer a request."""
    if request.path.startswith("/ton/"):
        return jobs.result(sim, request)
    versioned = _VERSIONED.fullmatch(request.path)
    if versioned is None or versioned.group(1) not in VERSIONS:
        return unknown_page()
    version, path = versioned.groups()
    told = headers(sim, request, version)
    if unsigned(sim, request) is not None:
        reply = unauthorized()
    else:
        try:
            reply = _answered(sim, request, path)
        except Refused as refused:
            reply = errors(refused.status, refused.error, params=request.query)
    reply.headers = told | reply.headers
    return reply


def _answered(sim: Simulation, request: Request, path: str) -> Reply:
    if path == "accounts" and request.method == "GET":
        return _within(sim, Asked(sim, request), "accounts", lists.accounts)
    read = _OF_ACCOUNT.fullmatch(path)
    if read is None:
        raise Refused(404, "ROUTE_NOT_FOUND", f"The route {path} was not found")
    room, account, rest = read.group(1), _account(sim, read.group(2)), read.group(3) or ""
    asked = Asked(sim, request, account)
    if (room, rest) != ("accounts", "") and account.status != "enabled":
        raise Refused(403, "ACCOUNT_LOCKED_OUT", f"The account {account.id} is locked")
    if room == "stats/jobs/accounts" and not rest:
        if request.method == "POST":
            return jobs.create(asked)
        return _within(sim, asked, "other", jobs.listed, endpoint="jobs")
    if request.method != "GET":
        raise Refused(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed")
    if room == "stats/accounts":
        return _statistics(sim, asked, rest)
    return _entities(sim, asked, rest)


def _statistics(sim: Simulation, asked: Asked, rest: str) -> Reply:
    if rest == "active_entities":
        return _within(sim, asked, "analytics", stats.active)
    if rest:
        raise Refused(404, "ROUTE_NOT_FOUND", "The route was not found")

    def told(asked: Asked) -> Any:
        return stats.answer(sim, question(asked, _SYNC), stats.known(sim, asked.of, sim.now))

    return _within(sim, asked, "analytics", told)


def _entities(sim: Simulation, asked: Asked, rest: str) -> Reply:
    name, _, entity = rest.partition("/")
    if not rest:
        return _within(sim, asked, "core", lists.account, endpoint="account")
    if name == "tweets" and not entity:
        return _within(sim, asked, "other", lists.tweets, endpoint="tweets")
    if name not in KINDS or "/" in entity:
        raise Refused(404, "ROUTE_NOT_FOUND", f"The route {rest} was not found")
    if entity:
        return _within(sim, asked, "core", lambda asked: lists.single(asked, name, entity), endpoint=name)
    return _within(sim, asked, "core", lambda asked: lists.listed(asked, name), endpoint=name)


def _within(sim: Simulation, asked: Asked, kind: str, told: Callable[[Asked], Any], endpoint: str = "") -> Reply:
    """Answer within the rate, and tell of it."""
    account = asked.account.id if asked.account and kind in ("core", "other") else ""
    is_free, rate = spend(sim, kind, account, endpoint)
    if not is_free:
        reply = errors(429, {"code": "TOO_MANY_REQUESTS", "message": "Too many requests"}, params=asked.query)
    else:
        found = told(asked)
        reply = found if isinstance(found, Reply) else Reply(200, found)
    reply.headers |= rate
    return reply


def _account(sim: Simulation, account_id: str) -> Account:
    found = next((each for each in sim.book.accounts(PLATFORM) if each.id == account_id and not each.manager), None)
    if found is None:
        raise Refused(403, "ACCOUNT_NOT_FOUND", f"Account {account_id} was not found")
    return found


def _error(status: int, code: str, message: str) -> Callable[[Simulation, Request, Mapping[str, Any]], Reply]:
    def told(sim: Simulation, request: Request, _: Mapping[str, Any]) -> Reply:
        reply = errors(status, {"code": code, "message": message})
        reply.headers = headers(sim, request)
        return reply

    return told


def _rate(sim: Simulation, request: Request, more: Mapping[str, Any]) -> Reply:
    """429, to be asked again in `seconds`; of the account's rate, or the user's if `scope` is `user`."""
    reply = _error(429, "TOO_MANY_REQUESTS", "Too many requests")(sim, request, more)
    scope = "x-rate-limit" if more.get("scope") == "user" else "x-account-rate-limit"
    reset = int(sim.now.timestamp() + float(more.get("seconds", 2)))
    reply.headers |= {f"{scope}-limit": "250", f"{scope}-remaining": "0", f"{scope}-reset": str(reset)}
    return reply


def _busy(sim: Simulation, request: Request, more: Mapping[str, Any]) -> Reply:
    """503, with `retry_after` seconds if any are told."""
    code = str(more.get("code", "OVER_CAPACITY"))
    reply = _error(503, code, "The service is over capacity")(sim, request, more)
    if "retry_after" in more:
        reply.headers["retry-after"] = str(more["retry_after"])
    return reply


def _fate(fate: str) -> Callable[[Simulation, Request, Mapping[str, Any]], None]:
    """Let the next job that is put to work end so; the request itself is answered as ever."""

    def doomed(sim: Simulation, request: Request, _: Mapping[str, Any]) -> None:
        if request.method == "POST":
            sim.state[PLATFORM].setdefault("fates", []).append(fate)

    return doomed


def _expired(sim: Simulation, request: Request, _: Mapping[str, Any]) -> None:
    """The file is gone for good."""
    for job in jobs.jobs(sim).values():
        job.lost = job.lost or str(job.id) in request.path


def _cursor(_: Simulation, request: Request, __: Mapping[str, Any]) -> Reply:
    told = {"code": "INVALID_PARAMETER", "message": "invalid cursor", "parameter": "cursor"}
    return errors(400, told, params=request.query)


def _page(status: int) -> Callable[[Simulation, Request, Mapping[str, Any]], Reply]:
    """A page that is no JSON, with `status` if one is told."""
    return lambda _, __, more: unknown_page(int(more.get("status", status)))


FAULTS: dict[str, Callable[[Simulation, Request, Mapping[str, Any]], Reply | None]] = {
    "rate_limit": _rate,
    "over_capacity": _busy,
    "internal": _error(500, "INTERNAL_ERROR", "An internal error occurred"),
    "cancelled": _error(408, "CANCELLED_REQUEST", "The request was cancelled"),
    "locked": _error(423, "LOCK_ACQUISITION_TIMEOUT", "The lock could not be acquired"),
    "too_many_jobs": _error(400, "TOO_MANY_JOBS", "Too many jobs are processing"),
    "too_complex": _error(400, "REQUEST_TOO_COMPLEX", "The request is too complex"),
    "invalid_cursor": _cursor,
    "unauthorized": lambda *_: unauthorized(),
    "no_access": _error(403, "UNAUTHORIZED_CLIENT_APPLICATION", "This client application is not allowed"),
    "no_funding_access": _error(403, "FUNDING_INSTRUMENT_ACCESS_NOT_ALLOWED", "The funding instrument is not yours"),
    "account_locked": _error(403, "ACCOUNT_LOCKED_OUT", "The account is locked"),
    "html_404": _page(404),
    "retired": _page(410),
    "not_ready": _page(426),
    "job_failed": _fate("FAILED"),
    "job_stuck": _fate("PROCESSING"),
    "job_no_url": _fate("ADDRESSLESS"),
    "result_expired": _expired,
}
"""What can go wrong at X, besides what can go wrong anywhere."""
