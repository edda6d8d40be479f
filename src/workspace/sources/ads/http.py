"""Asking an advertising platform over HTTP: again where that helps, later where it says so, no secret ever told."""

from __future__ import annotations

import contextlib
import gzip
import json as jsonlib
import logging
import random
import time
import zlib
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import tenacity

from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import AccountDeferredError, Ok, Refresh, Stop, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from workspace.sources.ads.answers import Verdict

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds that one question may wait in all for a quota; a longer refusal puts the source off."""

ATTEMPTS = 6
"""How often a question is asked where the network or the platform fails without a word."""

SPENT = 1e9  # calls in the minute: what says that nothing was ever used

_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_AGAIN = frozenset({500, 502, 503, 504, 408, 423})
_SHOWN = 300  # characters of what a platform said


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        headers: With lower-case names.
        data: The body as JSON, with exact decimals; None if it is none.
        content: The body.
    """

    status: int
    headers: Mapping[str, str]
    data: Any
    content: bytes


class BrokenError(Exception):
    """An answer that never came whole, or without a meaning: asking again is all that can be done."""


class Pace:
    """Keeps below a platform's rate before it refuses: at most so many requests in so many seconds.

    Args:
        calls: How many.
        seconds: In how long.
    """

    def __init__(self, calls: float = SPENT, seconds: float = 60.0) -> None:
        self._calls, self._seconds = calls, seconds
        self._sent: deque[float] = deque()
        self._free = 0.0  # by the monotonic clock

    def before(self, url: str) -> None:  # noqa: ARG002
        """Wait until one more request is within the rate, which is the same wherever it goes."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - self._seconds:
            self._sent.popleft()
        if len(self._sent) >= self._calls:
            self._free = max(self._free, self._sent[0] + self._seconds)
        if self._free > now:
            pause(self._free - now)
        self._sent.append(time.monotonic())

    def after(self, answer: Answer) -> None:
        """Look at what an answer says about the rate; this one says nothing."""

    def hold(self, seconds: float, *, account: bool = False) -> None:
        """Send nothing for so long.

        Args:
            seconds: How long.
            account: Whether it is one account's rate, and not that of all.

        Raises:
            DeferredError: That is longer than a run should sit and wait.
        """
        if seconds > PATIENCE:
            whose, error = ("account", AccountDeferredError) if account else ("platform", DeferredError)
            said = f"The {whose}'s rate is nearly used up, and it is long until it is free again."
            raise error(said, until=datetime.now(UTC) + timedelta(seconds=seconds))
        self._free = max(self._free, time.monotonic() + seconds)


def pause(seconds: float) -> None:
    """Wait; the one place where a run does, so that tests can let time pass."""
    time.sleep(seconds)


def _without_query(record: logging.LogRecord) -> bool:
    """Cut off what an address carries: some platforms want their secrets there."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            str(each).partition("?")[0] if isinstance(each, httpx.URL) else each for each in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_query)


class Http:
    """One platform's address, and how to ask there.

    Args:
        platform: Whose; errors name it.
        base: The address that paths are added to.
        classify: Tells what an answer means; called with each that is complete, with None for data that is no JSON.
        auth: Signs each request.
        headers: Sent with each request.
        refresh: Gets another access token and puts it into `headers`.
        secrets: What must never be shown.
        pace: Keeps to the platform's rate.

    Attributes:
        calls: How many requests were sent, repeated ones included.
        headers: Sent with each request; `refresh` may change them.
    """

    def __init__(
        self,
        platform: str,
        base: str,
        *,
        classify: Callable[[Answer], Verdict],
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        refresh: Callable[[], None] | None = None,
        secrets: Iterable[str] = (),
        pace: Pace | None = None,
    ) -> None:
        self.calls = 0
        self.headers = dict(headers or {})
        self._platform, self._base = platform, base.rstrip("/")
        self._classify, self._refresh = classify, refresh
        self._secrets: list[str] = []
        self.hide(*secrets)
        self._pace = pace or Pace()
        # Certificates and proxies as the environment says; a redirect would carry the token elsewhere.
        self._client = httpx.Client(timeout=_TIMEOUT, auth=auth, follow_redirects=False)
        self._plain = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """Ask until there is an answer that means something.

        A request that breaks off is sent again: every question of an adapter may be asked twice.

        Args:
            method: `GET` or `POST`.
            path: Below the base, with a slash; or a whole address below the base.
            query: What the address carries.
            form: The body, as a form.
            json: The body, as JSON.

        Raises:
            SourceError: What the platform's verdict says, or it cannot be reached or understood.
            DeferredError: It asks for more patience than a run has; an `AccountDeferredError` if only for this account.
        """
        url = path if path.startswith(self._base) else self._base + path
        refreshed, waited = False, 0.0
        for turn in range(1, 1000):
            answer, verdict = self._whole(method, url, query, form, json)
            if isinstance(verdict, Ok):
                return answer
            if isinstance(verdict, Stop):
                raise self._safe(verdict.error)
            if isinstance(verdict, Refresh):
                if self._refresh is None or refreshed:
                    raise SourceError(self._said(verdict.reason), cure="Give this source a new access token.")
                refreshed = True
                self._refresh()
            else:
                waited += self._wait(verdict, turn, waited)
        raise SourceError(self._said("it asks to be asked again without end"), cure="Try again later.")

    def hide(self, *secrets: str) -> None:
        """Never show these, either."""
        known = {*self._secrets, *(secret for secret in secrets if len(secret) >= 4)}
        self._secrets = sorted(known, key=len, reverse=True)

    def file(self, url: str) -> bytes:
        """Fetch a file by its address, unpacked if it is packed; no token goes with it.

        Raises:
            SourceError: It cannot be fetched, or is cut short.
        """
        return self._retrying(lambda: self._fetched(url))

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()
        self._plain.close()

    def _fetched(self, url: str) -> bytes:
        response = self._sent(self._plain, "GET", url)
        if response.status_code != httpx.codes.OK:
            raise BrokenError(f"a result file is not there: status {response.status_code}")
        content = response.content
        if content[:2] != b"\x1f\x8b":
            return content
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise BrokenError(f"a packed result file is broken: {error}") from None

    def _whole(self, method: str, url: str, query: Any, form: Any, json: Any) -> tuple[Answer, Verdict]:
        """Ask until an answer is complete and can be told what it means."""

        def once() -> tuple[Answer, Verdict]:
            self._pace.before(url)
            response = self._sent(self._client, method, url, params=query, data=form, json=json, headers=self.headers)
            answer = self._read(response)
            self._pace.after(answer)
            verdict = self._classify(answer)
            if isinstance(verdict, Ok) and answer.data is None:
                raise BrokenError(f"status {answer.status} and a body that is no JSON: {self._text(answer.content)!r}")
            return answer, verdict

        return self._retrying(once)

    def _sent(self, client: httpx.Client, method: str, url: str, **how: Any) -> httpx.Response:
        self.calls += 1
        given = {name: value for name, value in how.items() if value is not None}
        return client.request(method, url, **given)

    def _retrying(self, once: Callable[[], T]) -> T:
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=30),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            sleep=pause,
            reraise=True,
        )
        try:
            return again(once)
        except httpx.LocalProtocolError:  # which quotes the header that it will not send
            msg = self._said("a request cannot be sent as it is")
            cure = "Look for characters in this source's credentials that are none of theirs."
            raise SourceError(msg, cure=cure) from None
        except (httpx.HTTPError, BrokenError) as error:
            what = str(error) or type(error).__name__
            msg = self._said(f"{ATTEMPTS} attempts failed, the last one with: {what}")
            raise SourceError(msg, cure="Try again later; what was read before is kept.") from None

    def _wait(self, verdict: Wait, turn: int, waited: float) -> float:
        """Wait as long as the platform says, or longer each time if it does not; give how long."""
        given = verdict.seconds
        # Spread, so that several runs do not come back at the same moment.
        seconds = min(60.0, 2.0**turn) * random.uniform(0.5, 1) if given is None else given + random.uniform(0, 0.5)  # noqa: S311
        if waited + seconds > PATIENCE:
            if verdict.failing and given is None:
                msg = self._said(f"{verdict.reason.rstrip('.')}, again and again for {waited:.0f} seconds")
                raise SourceError(msg, cure="Try again later; what was read before is kept.")
            error = AccountDeferredError if verdict.account else DeferredError
            raise error(self._said(verdict.reason), until=datetime.now(UTC) + timedelta(seconds=seconds))
        pause(seconds)
        return seconds

    def _read(self, response: httpx.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        data = None
        with contextlib.suppress(ValueError):  # what is no JSON, or no text, has no data, and is told apart there
            data = jsonlib.loads(response.content.decode("utf-8-sig"), parse_float=Decimal)
        answer = Answer(response.status_code, headers, data, response.content)
        if data is None and response.status_code in _AGAIN:
            raise BrokenError(f"status {response.status_code}: {self._text(response.content)!r}")
        return answer

    def _text(self, content: bytes) -> str:
        # Hidden before it is cut: half a secret would not be found.
        return " ".join(self._hidden(content.decode("utf-8", "replace")).split())[:_SHOWN]

    def _safe(self, error: SourceError) -> SourceError:
        error.message = self._hidden(error.message)
        error.cure = self._hidden(error.cure)
        error.args = (error.message,)
        return error

    def _said(self, what: str) -> str:
        return self._hidden(f"{self._platform}: {what}".rstrip(".") + ".")

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def _passes(error: BaseException) -> bool:
    """Tell whether asking again may help: not where the request itself cannot be sent."""
    broken = isinstance(error, httpx.TransportError | httpx.DecodingError | BrokenError)
    return broken and not isinstance(error, httpx.LocalProtocolError)
