"""Google Ads, version 26, over REST: access tokens, the accounts of a user, and reports by `search` and `searchStream`.

Besides what the control plane has for all platforms it knows these settings: `google_tree` and `google_accessible`
(see `Tree`); `google_lookback`, `{account: {"click": days, "view": days}}`; `google_removed_fields`, what the platform
has taken away; `google_longest`, how many days it is willing to sum up at once; `google_refuse_old`, whether days
beyond 37 months are an error; `google_token_minutes`, for which a page token lasts; `google_version`, 26 unless told.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workspace.demo.ads.google import fields, pages
from workspace.demo.ads.google.access import Tree, check, expire, invalid_grant, token
from workspace.demo.ads.google.dates import days, oldest
from workspace.demo.ads.google.errors import FailureError, quota_error, unknown_name
from workspace.demo.ads.google.gaql import parse
from workspace.demo.ads.google.quota import charge, limits
from workspace.demo.ads.google.rows import ACTIONS, ConversionAction, View
from workspace.demo.ads.google.search import answer as rows_of
from workspace.demo.ads.google.search import mask, summed, written
from workspace.demo.ads.simulation import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from workspace.demo.ads.google.gaql import Query
    from workspace.demo.ads.google.pages import Snapshot
    from workspace.demo.ads.simulation import Request, Simulation

__all__ = ["FAULTS", "answer", "expire", "limits"]

VERSION = 26
_LIST = "customers:listAccessibleCustomers"
_SEARCH = re.compile(r"customers/([^/]*)/googleAds:(search|searchStream)")
_BODY = {"search": {"query", "pageToken", "validateOnly", "searchSettings"}, "searchStream": {"query"}}
_SETTINGS = {"omitResults", "returnSummaryRow", "returnTotalResultsCount"}
_GONE = (
    b"<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n"
    b"  <p><b>404.</b> <ins>That\xe2\x80\x99s an error.</ins>\n"
    b"  <p>The requested URL was not found on this server.  <ins>That\xe2\x80\x99s all we know.</ins>\n"
)


class _StrangeError(Exception):
    """A field of the body that no such request has."""


def answer(sim: Simulation, request: Request) -> Reply:
    """Answer a request as Google Ads does."""
    if request.path == "/token":
        return token(sim, request) if request.method == "POST" else _gone()
    version, _, rest = request.path.removeprefix("/v").partition("/")
    search = _SEARCH.fullmatch(rest)
    if int(version) != int(sim.settings.get("google_version", VERSION)) or (search is None and rest != _LIST):
        return _gone()
    if request.method != ("POST" if search else "GET"):
        return _gone()
    try:
        reply = Reply(200, _searched(sim, request, search[1], search[2]) if search else _listed(sim, request))
    except FailureError as failure:
        return _failed(sim, request, failure)
    except _StrangeError as error:
        reply = Reply(400, _wrapped(request, unknown_name(str(error))))
    reply.headers["request-id"] = _request_id(sim)
    return reply


def _gone() -> Reply:
    return Reply(404, _GONE, {}, "text/html; charset=UTF-8")


def _failed(sim: Simulation, request: Request, failure: FailureError) -> Reply:
    version, request_id = request.path.split("/")[1], _request_id(sim)
    return Reply(
        failure.status, _wrapped(request, failure.body(version, request_id)), headers={"request-id": request_id}
    )


def _wrapped(request: Request, body: dict[str, Any]) -> object:
    """A stream is an array, and so is its refusal."""
    return [body] if request.path.endswith(":searchStream") else body


def _request_id(sim: Simulation) -> str:
    state = sim.state["google_ads"]
    state["requests"] = state.get("requests", 0) + 1
    return blake2b(str(state["requests"]).encode(), digest_size=11).hexdigest()


def _listed(sim: Simulation, request: Request) -> dict[str, Any]:
    check(sim, request)
    return {"resourceNames": [f"customers/{each}" for each in Tree(sim).accessible]}


def _searched(sim: Simulation, request: Request, customer: str, method: str) -> object:
    check(sim, request)
    tree = Tree(sim)
    account = tree.reach(customer, request.headers.get("login-customer-id"))
    body = request.json()
    page = body.get("pageToken") if isinstance(body, dict) else None
    if not page:  # the next pages of an answer cost nothing
        charge(sim, account.id)
    asked = _asked(body, method, strict=sim.strict)
    query = parse(asked["query"])
    fields.check(query, manager=account.manager, removed=sim.settings.get("google_removed_fields", ()))
    today = sim.now.astimezone(ZoneInfo(account.timezone)).date()
    span = days(query, today)
    _willing(sim, span, today)
    if asked.get("validateOnly"):
        return {}
    settings = asked.get("searchSettings", {})
    key = sha256(json.dumps([account.id, asked["query"]]).encode()).hexdigest()[:32]
    if page:
        snapshot, offset = pages.opened(sim, page, key)
        pages.consistent(settings, snapshot)
    else:
        below, actions = tree.below(account.id), _actions(sim, account.id)
        view = View(book=sim.book, account=account, at=sim.now, clients=below, actions=actions)
        rows = rows_of(view, query, span, today)
        snapshot, offset = pages.keep(sim, key, rows, query.limit, settings), 0
    if method == "search":
        return _page(sim, settings, query, snapshot, offset)
    return _stream(sim, query, snapshot)


def _asked(body: Any, method: str, *, strict: bool) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _StrangeError("")
    if method == "search" and "pageSize" in body:
        said = (
            "Setting the page size is not supported. The search response will have a fixed page size of '10000' rows."
        )
        raise FailureError(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", said)
    settings = body.get("searchSettings", {})
    strange = [*sorted(body.keys() - _BODY[method]), *sorted(settings.keys() - _SETTINGS)]
    if strict and strange:
        raise _StrangeError(strange[0])
    if not isinstance(body.get("query"), str):
        raise FailureError(400, "requestError", "REQUIRED_FIELD_MISSING", "Required field 'query' is missing.")
    if body.get("validateOnly") and body.get("pageToken"):
        said = "A request with validate_only cannot have a page token."
        raise FailureError(400, "requestError", "VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN", said)
    if settings.get("returnSummaryRow") and "metrics." not in body["query"]:
        said = "Cannot return summary row for a request without metrics."
        raise FailureError(400, "requestError", "CANNOT_RETURN_SUMMARY_ROW_FOR_REQUEST_WITHOUT_METRICS", said)
    return body


def _willing(sim: Simulation, span: tuple[date, date] | None, today: date) -> None:
    longest = sim.settings.get("google_longest")
    if span and longest and (span[1] - span[0]).days >= int(longest):
        raise quota_error(
            "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", "ACCOUNT", "Query resource consumption", 60
        )
    if span and sim.settings.get("google_refuse_old") and span[0] < oldest(today):
        said = "The date is earlier than the earliest day that is kept."
        raise FailureError(400, "dateError", "EARLIER_THAN_MINIMUM_DATE", said)


def _actions(sim: Simulation, account: str) -> list[ConversionAction]:
    told = sim.settings.get("google_lookback", {}).get(account, {})
    return [
        replace(
            action,
            click_days=int(told.get("click", action.click_days)),
            view_days=int(told.get("view", action.view_days)),
        )
        for action in ACTIONS
    ]


def _page(sim: Simulation, settings: dict[str, Any], query: Query, snapshot: Snapshot, offset: int) -> dict[str, Any]:
    end = offset + pages.size(sim)
    rows = [written(row, query.select, query.resource) for row in snapshot.rows[offset:end]]
    told: dict[str, Any] = {"results": rows} if rows and not settings.get("omitResults") else {}
    if end < len(snapshot.rows):
        told["nextPageToken"] = snapshot.token(end)
    elif settings.get("returnSummaryRow"):
        told["summaryRow"] = summed(snapshot.rows, query.select)
    if settings.get("returnTotalResultsCount") and snapshot.total:
        told["totalResultsCount"] = str(snapshot.total)
    return told | {"fieldMask": mask(query.select), "queryResourceConsumption": str(100 + len(rows))}


def _stream(sim: Simulation, query: Query, snapshot: Snapshot) -> list[dict[str, Any]]:
    size = pages.size(sim)
    batches: list[dict[str, Any]] = []
    for begin in range(0, len(snapshot.rows) or 1, size):
        rows = [written(row, query.select, query.resource) for row in snapshot.rows[begin : begin + size]]
        batch: dict[str, Any] = {"results": rows} if rows else {}
        batches.append(batch | {"fieldMask": mask(query.select), "requestId": _request_id(sim)})
    batches[-1]["queryResourceConsumption"] = str(100 + len(snapshot.rows))
    return batches


def _fails(failure: FailureError) -> Callable[[Simulation, Request, dict[str, Any]], Reply | None]:
    return lambda sim, request, _: _failed(sim, request, failure)


def _spent(
    code: str, scope: str, rate: str, seconds: int
) -> Callable[[Simulation, Request, dict[str, Any]], Reply | None]:
    def fail(sim: Simulation, request: Request, more: dict[str, Any]) -> Reply:
        return _failed(sim, request, quota_error(code, scope, rate, int(more.get("seconds", seconds))))

    return fail


def _misplaced(by: int) -> Callable[[Simulation, Request, dict[str, Any]], Reply | None]:
    """Give a next page that begins elsewhere; a first page is as it is."""

    def misplace(sim: Simulation, request: Request, _: dict[str, Any]) -> Reply | None:
        body = request.json()
        if not isinstance(body, dict) or not body.get("pageToken"):  # a form asks for a token, for instance
            return None
        body["pageToken"] = pages.moved(body["pageToken"], by)
        return answer(sim, replace(request, body=json.dumps(body).encode()))

    return misplace


def _stuck(sim: Simulation, request: Request, _: dict[str, Any]) -> Reply:
    """Give a page that names itself as the next one."""
    body, reply = request.json(), answer(sim, request)
    if isinstance(body, dict) and isinstance(reply.body, dict) and body.get("pageToken"):
        reply.body["nextPageToken"] = body["pageToken"]
    return reply


def _expired_now(sim: Simulation, _request: Request, _more: dict[str, Any]) -> None:
    expire(sim)


_DAILY = "Number of operations for basic access"
FAULTS: dict[str, Callable[[Simulation, Request, dict[str, Any]], Reply | None]] = {
    "rate": _spent("RESOURCE_TEMPORARILY_EXHAUSTED", "ACCOUNT", "Requests per account", 5),
    "quota": _spent("RESOURCE_EXHAUSTED", "DEVELOPER", _DAILY, 40591),
    "expensive": _spent("EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", "ACCOUNT", "Query resource consumption", 60),
    "expensive_long": _spent(
        "EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION", "ACCOUNT", "Query resource consumption", 7200
    ),
    "internal": _fails(FailureError(500, "internalError", "INTERNAL_ERROR", "An internal error has occurred.")),
    "transient": _fails(FailureError(503, "internalError", "TRANSIENT_ERROR", "There was a transient error.")),
    "deadline": _fails(
        FailureError(504, "internalError", "DEADLINE_EXCEEDED", "The request took too long to respond.")
    ),
    "token_expired": _expired_now,
    "token_revoked": _fails(
        FailureError(401, "authenticationError", "OAUTH_TOKEN_REVOKED", "OAuth token has been revoked.")
    ),
    "invalid_grant": lambda _sim, _request, _more: invalid_grant(),
    "not_enabled": _fails(
        FailureError(
            403,
            "authorizationError",
            "CUSTOMER_NOT_ENABLED",
            "The customer account can't be accessed because it is not yet enabled or has been deactivated.",
        )
    ),
    "permission": _fails(
        FailureError(
            403, "authorizationError", "USER_PERMISSION_DENIED", "User doesn't have permission to access customer."
        )
    ),
    "page_expired": _fails(pages.expired()),
    "page_invalid": _fails(FailureError(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.")),
    "page_again": _misplaced(-1),
    "page_lost": _misplaced(1),
    "page_stuck": _stuck,
    "retired": lambda _sim, _request, _more: _gone(),
}
