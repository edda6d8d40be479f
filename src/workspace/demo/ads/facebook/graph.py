"""Meta's Graph API: who may ask, what for, and the pages of the answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from workspace.demo.ads.facebook import errors, insights, jobs
from workspace.demo.ads.facebook.errors import GraphError
from workspace.demo.ads.facebook.limits import PLATFORM, Meter
from workspace.demo.ads.facebook.nodes import EFFECTIVE, HIDDEN, Nodes, fields
from workspace.demo.ads.simulation import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Request, Simulation

VERSIONS = ("v24.0", "v25.0", "v26.0")
SYNC_ROWS, MOST_ROWS, MOST_LIMIT = 2000, 20_000, 5000
_PATH = re.compile(r"^/(v\d+\.\d+)(?:/(?P<node>[^/]+))?(?:/(?P<edge>[^/]*))?/?$")
_COMMON = frozenset(
    {"access_token", "appsecret_proof", "fields", "pretty", "format", "locale", "summary", "input_token"}
)
_LISTED = frozenset({"limit", "after", "before", "effective_status", "filtering"})
_EDGES = {"campaigns": "campaign", "adsets": "adset", "ads": "ad"}


def accepted(sim: Simulation) -> str:
    """Give the access token that is valid now."""
    return str(sim.settings.get("facebook_access_token") or sim.credentials[PLATFORM].get("access_token", ""))


class Call:
    """One request.

    Args:
        sim: The simulation.
        request: The request.
    """

    def __init__(self, sim: Simulation, request: Request) -> None:
        self.sim, self.request = sim, request
        self.given: Mapping[str, str] = {**request.query, **request.form}
        match = _PATH.match(request.path)
        self.version: str
        self.node: str | None
        self.edge: str | None
        self.version, self.node, self.edge = (match[1], match["node"], match["edge"]) if match else ("", None, None)
        self.nodes = Nodes(sim)
        self.job = jobs.find(sim, self.node or "")
        whose = (
            self.job.account.id if self.job else (self.node or "").removeprefix("act_") if self._is_account() else ""
        )
        self.meter = Meter(sim, whose, insights=self.edge == "insights" or self.job is not None)

    def _is_account(self) -> bool:
        return (self.node or "").startswith("act_")

    def reply(self) -> Reply:
        """Give the answer, with the headers that every answer has."""
        try:
            self._admit()
            reply = Reply(200, self._answer())
        except GraphError as error:
            reply = error.reply()
        reply.headers |= self.meter.headers(self.version)
        return reply

    def _admit(self) -> None:
        """Check the version, the token, the proof, the budgets, in this order."""
        if self.version and int(self.version[1:].split(".")[0]) < int(VERSIONS[0][1:].split(".")[0]):
            raise errors.retired(VERSIONS[-1])
        if self.version not in VERSIONS:
            raise GraphError(2500, f"Unknown path components: {self.request.path}")
        token = self.token()
        if not token:
            raise errors.no_token()
        if token in self.sim.state[PLATFORM].get("expired", ()):
            raise errors.token_expired()
        if not hmac.compare_digest(token.encode(), accepted(self.sim).encode()):
            raise errors.token_invalid()
        self._check_proof(token)
        self.meter.check()

    def token(self) -> str:
        """Give the access token, which may be in the query, the body or the header."""
        bearer = self.request.headers.get("authorization", "")
        return self.given.get("access_token") or bearer.removeprefix("Bearer ").removeprefix("OAuth ").strip()

    def _check_proof(self, token: str) -> None:
        secret, proof = self.sim.credentials[PLATFORM].get("app_secret", ""), self.given.get("appsecret_proof")
        if proof is None and self.sim.settings.get("facebook_proof"):
            message = "API calls from the server require an appsecret_proof argument"
            raise GraphError(100, message, kind="GraphMethodException")
        right = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if proof is not None and not hmac.compare_digest(proof, right):
            raise errors.wrong_proof()

    def _answer(self) -> object:
        node, edge, method = self.node or "", self.edge or "", self.request.method
        if method not in ("GET", "POST") or (method == "POST" and edge != "insights"):
            raise errors.unknown_object(node, method)
        if node == "me":
            return self._me(edge)
        if node == "debug_token":
            return {"data": self._token_told()}
        if self.job is not None:
            return self._job(self.job, edge)
        account = self.nodes.find_account(node.removeprefix("act_")) if self._is_account() else None
        if account is None:
            raise errors.unknown_object(node, method)
        if account.id in self.sim.settings.get("facebook_denied", ()):
            raise errors.permission(account.id)
        return self._account(account, edge)

    def _me(self, edge: str) -> object:
        if edge == "adaccounts":
            self._known(_LISTED)
            reachable = [each for each in self.sim.book.accounts(PLATFORM) if not each.manager]
            return self._page([(each.id, _writer(self.nodes, each)) for each in reachable])
        if edge:
            raise errors.nonexisting(edge, "User")
        self._known()
        return {"id": "122100000000000001"} | ({"name": "Workspace"} if "name" in self._fields() else {})

    def _token_told(self) -> dict[str, Any]:
        """Tell of a token."""
        self._known()
        asked = self.given.get("input_token", "")
        valid = asked == accepted(self.sim) and asked not in self.sim.state[PLATFORM].get("expired", ())
        known = {"app_id": "770000000000001", "type": "SYSTEM_USER", "application": "Workspace", "is_valid": valid}
        return known | {"expires_at": 0, "scopes": ["ads_read"], "user_id": "122100000000000001"}

    def _account(self, account: Account, edge: str) -> object:
        if edge == "":
            self._known()
            return self.nodes.account(account, self._fields())
        if edge in _EDGES:
            self._known(_LISTED)
            return self._page(self._visible(account, edge))
        if edge != "insights":
            raise errors.nonexisting(edge, "AdAccount")
        self._known(insights.PARAMETERS)
        if self.request.method == "POST":
            return jobs.begin(self.sim, account, self.given)
        rows = insights.rows(self.sim, account, insights.read(self.sim, self.given))
        if len(rows) > int(self.sim.settings.get("facebook_most_rows", MOST_ROWS)):
            raise errors.reduce_data()
        if len(rows) > int(self.sim.settings.get("facebook_sync_rows", SYNC_ROWS)):
            raise errors.too_many_rows()
        return self._rows(rows)

    def _job(self, job: jobs.Job, edge: str) -> object:
        if edge == "insights":
            self._known(frozenset({"limit", "after", "before", "default_summary"}))
            return self._rows(jobs.result(job))
        if edge:
            raise errors.nonexisting(edge, "AdReportRun")
        self._known()
        return jobs.status(self.sim, job, self._fields())

    def _known(self, allowed: frozenset[str] = frozenset()) -> None:
        """Refuse a parameter that nobody knows; Meta itself would ignore it, and whoever sent it would never learn."""
        unknown = self.given.keys() - allowed - _COMMON
        if unknown and self.sim.strict:
            raise errors.parameter(f"Unknown parameter: {min(unknown)}")

    def _fields(self) -> dict[str, Any]:
        return fields(self.given.get("fields", ""))

    def _visible(self, account: Account, edge: str) -> list[tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]]:
        """Leave out what is deleted or archived, unless it is asked for."""
        kind = _EDGES[edge]
        wanted = self._wanted(kind) or frozenset(EFFECTIVE[kind]) - {*HIDDEN}
        states = self.nodes.effective(account.id)
        return [(id_, write) for id_, write in self.nodes.edge(account, edge) if states[id_] in wanted]

    def _wanted(self, kind: str) -> frozenset[str]:
        try:
            told = json.loads(self.given.get("effective_status", "[]"))
            filters = json.loads(self.given.get("filtering", "[]"))
            for each in filters:
                if (each["field"], each["operator"]) != (f"{kind}.effective_status", "IN"):
                    raise errors.parameter(f"filtering by {each['field']} {each['operator']} is not simulated")
                told += each["value"]
        except (ValueError, TypeError, KeyError):
            raise errors.parameter("param effective_status must be an array.") from None
        for place, state in enumerate(told):
            if state not in EFFECTIVE[kind]:
                known = ", ".join(EFFECTIVE[kind])
                raise errors.parameter(f"effective_status[{place}] must be one of the following values: {known}")
        return frozenset(told)

    def _limit(self) -> int:
        text = self.given.get("limit", "25")
        if not text.isdecimal() or int(text) < 1:
            raise errors.parameter("param limit must be a positive integer.")
        if int(text) > MOST_LIMIT:
            raise errors.reduce_data()
        return min(int(text), self.sim.page or MOST_LIMIT)

    def _page(self, nodes: Sequence[tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]]) -> dict[str, Any]:
        """Give a page of nodes: its cursor is the node that it ends at, wherever that is by then."""
        keys = [key for key, _ in nodes]
        start = 0
        if "after" in self.given:
            key = _uncursor(self.given["after"])
            if key not in keys:
                raise errors.invalid_cursor()
            start = keys.index(key) + 1
        asked = self._fields()
        chosen = nodes[start : start + self._limit()]
        body: dict[str, Any] = {"data": [write(asked) for _, write in chosen]}
        if chosen:
            more = start + len(chosen) < len(nodes)
            body["paging"] = self._paging(chosen[0][0], chosen[-1][0], more=more)
        if self.given.get("summary") == "true":
            body["summary"] = {"total_count": len(nodes)}
        return body

    def _rows(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Give a page of rows: its cursor is a place among them."""
        start = 0
        if "after" in self.given:
            place = _uncursor(self.given["after"])
            if not place.isdecimal():
                raise errors.invalid_cursor()
            start = int(place) + 1
        chosen = rows[start : start + self._limit()]
        body: dict[str, Any] = {"data": list(chosen)}
        endless = bool(self.sim.settings.get("facebook_endless"))
        if chosen or endless:
            last = start + max(len(chosen), 1) - 1
            body["paging"] = self._paging(str(start), str(last), more=endless or start + len(chosen) < len(rows))
        return body

    def _paging(self, first: str, last: str, *, more: bool) -> dict[str, Any]:
        paging: dict[str, Any] = {"cursors": {"before": _cursor(first), "after": _cursor(last)}}
        if more:
            given = {**self.given, "access_token": self.token(), "limit": str(self._limit()), "after": _cursor(last)}
            paging["next"] = f"{self.sim.base}{self.request.path}?{urlencode(given)}"
        return paging


def _writer(nodes: Nodes, account: Account) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda asked: nodes.account(account, asked)


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _uncursor(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, ValueError):
        raise errors.invalid_cursor() from None
