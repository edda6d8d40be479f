"""What an answer of X means, how its requests are signed, and how its rate is kept to."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
from oauthlib import oauth1

from workspace.errors import DeferredError
from workspace.sources.ads import http as core
from workspace.sources.ads.answers import (
    AccountRefusedError,
    Ok,
    RefusedError,
    RestartError,
    Stop,
    TooLargeError,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from workspace.errors import SourceError
    from workspace.sources.ads.answers import Verdict
    from workspace.sources.ads.http import Answer

VERSION = "12"

SKEW = 300  # seconds that a signature may be off the platform's clock

# At its debug level it writes down what it signs, the token among it, and the signature.
logging.getLogger("oauthlib").setLevel(logging.WARNING)

_RETRY = frozenset({408, 423, 500, 502, 503, 504})
_ACCOUNT = frozenset(
    {"ACCOUNT_LOCKED_OUT", "ACCOUNT_NOT_FOUND", "ACTION_NOT_ALLOWED", "FUNDING_INSTRUMENT_ACCESS_NOT_ALLOWED"}
)
_LARGE = frozenset({"REQUEST_TOO_COMPLEX", "INVALID_TIME_WINDOW"})
_SHOWN = 300  # characters of a message


class OAuth1(httpx.Auth):
    """Signs each request by OAuth 1.0a with HMAC-SHA1, with a new nonce each time it is sent.

    Args:
        consumer_key: The application's.
        consumer_secret: Its secret.
        token: The user's.
        token_secret: Its secret.
    """

    def __init__(self, consumer_key: str, consumer_secret: str, token: str, token_secret: str) -> None:
        self._client = oauth1.Client(consumer_key, consumer_secret, token, token_secret)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the address as it is sent: what is in the query is part of the signature."""
        _, headers, _ = self._client.sign(str(request.url), http_method=request.method)
        request.headers["Authorization"] = headers["Authorization"]
        yield request


def classify(answer: Answer) -> Verdict:
    """Tell what an answer means for the run."""
    codes = _codes(answer.data)
    if 200 <= answer.status < 300:
        return Ok()
    if answer.status == 429:
        return Wait(reset_in(answer.headers), f"too many requests ({_said(answer)})")
    if answer.status in _RETRY:
        return Wait(_retry_after(answer.headers), f"status {answer.status} ({_said(answer)})", failing=True)
    if "TOO_MANY_JOBS" in codes:  # a status 400, but it passes: others of the account's jobs are running
        return Wait(None, "too many jobs are running")
    return Stop(_refusal(answer, codes))


def _refusal(answer: Answer, codes: frozenset[str]) -> SourceError:
    said = f"twitter_ads: {_said(answer)}"
    gone = any(code.endswith("_NOT_FOUND") and code != "ROUTE_NOT_FOUND" for code in codes)
    if answer.status == 401:
        cure = "Check the four keys of this source, and this machine's clock: a signature holds for five minutes."
        return RefusedError(said + _clocks(answer.headers), cure=cure)
    if codes & _ACCOUNT:
        return AccountRefusedError(said, cure="Grant the account to the user whose token this is, or leave it out.")
    if codes & _LARGE:
        return TooLargeError(said, cure="Ask for fewer days.")
    if "cursor" in _parameters(answer.data) or (answer.status == 404 and gone):
        return RestartError(said, cure="What was asked for is gone; it is read anew.")
    cure = "Check the rights of the token, and the settings of this source."
    if answer.status in (404, 410):
        said += f"; the current version of its API is {answer.headers.get('x-current-api-version', 'unknown')}"
        cure = f"Update the workspace, if version {VERSION} is retired."
    return RefusedError(said, cure=cure)


def _errors(data: Any) -> list[dict[str, Any]]:
    told = data.get("errors") if isinstance(data, dict) else None
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def _codes(data: Any) -> frozenset[str]:
    return frozenset(str(each.get("code")) for each in _errors(data))


def _parameters(data: Any) -> frozenset[str]:
    return frozenset(str(each.get("parameter")) for each in _errors(data))


def _said(answer: Answer) -> str:
    told = "; ".join(f"{each.get('code')}: {each.get('message')}" for each in _errors(answer.data))
    return told[:_SHOWN] or f"status {answer.status} without a reason"


def _clocks(headers: Mapping[str, str]) -> str:
    theirs = clock(headers)
    if theirs is None:
        return ""
    off = (datetime.now(UTC) - theirs).total_seconds()
    return "" if abs(off) < SKEW else f". This machine's clock is {off:+.0f} seconds off the platform's"


def clock(headers: Mapping[str, str]) -> datetime | None:
    """Give the platform's own time, as an answer tells it."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _now(headers: Mapping[str, str]) -> datetime:
    return clock(headers) or datetime.now(UTC)


def reset_in(headers: Mapping[str, str]) -> float | None:
    """Tell in how many seconds the rate is free again: the account's where there is one, else the user's.

    X tells when, by its own clock; this machine's may be minutes off it.
    """
    for name in ("x-account-rate-limit-reset", "x-rate-limit-reset"):
        if headers.get(name, "").isdigit():
            return max(1.0, int(headers[name]) - _now(headers).timestamp())
    return _retry_after(headers)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    try:
        return max(1.0, (parsedate_to_datetime(told) - _now(headers)).total_seconds()) if told else None
    except (ValueError, TypeError):
        return None


class Rates:
    """Keeps to the rates that X tells of in its answers, one for each kind of question."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}

    def before(self, kind: str) -> None:
        """Wait until a question of this kind may be asked again.

        Raises:
            DeferredError: That is longer than a run should sit and wait.
        """
        seconds = self._spent.get(kind, 0.0) - time.time()
        if seconds > core.PATIENCE:
            until = datetime.fromtimestamp(time.time() + seconds, UTC)
            raise DeferredError(f"twitter_ads: the rate for {kind} is used up until {until:%H:%M} UTC.", until=until)
        if seconds > 0:
            core.pause(seconds)
        self._spent.pop(kind, None)

    def after(self, kind: str, headers: Mapping[str, str]) -> None:
        """Keep in mind what an answer says about the rate."""
        for scope in ("x-account-rate-limit", "x-rate-limit"):
            if f"{scope}-remaining" in headers:
                if int(headers[f"{scope}-remaining"]) <= 0:
                    self._spent[kind] = time.time() + (reset_in(headers) or 0.0)
                return
