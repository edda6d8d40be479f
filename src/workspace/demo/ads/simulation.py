"""What one request sees of the simulated platforms, and what it answers."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import PLATFORMS
from workspace.demo.ads.edits import Edited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from workspace.demo.ads.book import Book

# How a path tells the platform.
_ROUTES = (
    ("google_ads", re.compile(r"^/(token$|v\d+(/|$))")),
    ("facebook_ads", re.compile(r"^/v\d+\.\d+(/|$)")),
    ("tiktok_ads", re.compile(r"^/open_api(/|$)")),
    ("twitter_ads", re.compile(r"^/(\d+|ton)(/|$)")),
)
_MARKED = re.compile(r'"\\u0000(-?[0-9.]+)\\u0000"')


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        method: In capitals.
        path: Decoded, without the query.
        query: Decoded; of a name that comes twice, the last value.
        form: The body's fields, where it is a form.
        body: As it came.
        headers: By their names in lower case.
        url: The whole address as it was asked for, as a signature needs it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str]
    url: str

    def json(self) -> Any:
        """Read the body as JSON; None if it is none."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError:
            return None


@dataclass
class Reply:
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: Bytes are sent as they are, anything else as JSON; a `Decimal` becomes a JSON number, digit by digit.
        headers: Besides those that HTTP needs.
        content_type: Of the body.
    """

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"

    def content(self) -> bytes:
        """Give the body as it is sent."""
        return self.body if isinstance(self.body, bytes) else dumps(self.body).encode()


def dumps(value: object) -> str:
    """Write JSON as the platforms do; of the numbers, decimals keep their digits.

    Examples:
        >>> dumps({"é": Decimal("0.10")})
        '{"é":0.10}'
    """
    return _MARKED.sub(r"\1", json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_mark))


def _mark(value: object) -> str:
    """Mark a decimal, which the encoder would only write by way of a float."""
    if isinstance(value, Decimal):
        return f"\0{value:f}\0"
    raise TypeError(f"{type(value).__name__} is not what a platform sends")


class Simulation:
    """The state that all requests share. The server asks a platform with `lock` held, one request at a time.

    Args:
        book: What the platforms know, or what gives it, asked anew each time.
        now: The virtual clock: a moment, or what tells one.
        credentials: What each platform accepts, by its name and by the names of settings (`access_token`, ...).
        strict: Whether a parameter that nobody knows is an error.
        page: How many rows a page has, for tests; a platform's own choice if None.

    Attributes:
        base: The server's own address, without a slash at its end.
        settings: What the control plane was told to set: knobs by any name; `limits` among them.
        state: What a platform remembers: jobs, tokens, buckets; under its own name.
        lock: Held while a request is answered.
    """

    def __init__(
        self,
        book: Book | Callable[[], Book],
        now: datetime | Callable[[], datetime],
        *,
        credentials: Mapping[str, Mapping[str, str]],
        strict: bool = True,
        page: int | None = None,
    ) -> None:
        self._load = book if callable(book) else lambda: book
        self._book: Edited | None = None
        self._clock = now if callable(now) else lambda: now
        self.credentials = {platform: dict(credentials.get(platform, {})) for platform in PLATFORMS}
        self.strict = strict
        self.page = page
        self.base = ""
        self.settings: dict[str, Any] = {}
        self.state: dict[str, dict[str, Any]] = {platform: {} for platform in PLATFORMS}
        self.lock = threading.RLock()

    @property
    def now(self) -> datetime:
        """The virtual clock, in UTC."""
        return self._clock().astimezone(UTC)

    @now.setter
    def now(self, value: datetime) -> None:
        self._clock = lambda: value

    @property
    def book(self) -> Edited:
        """What the platforms know."""
        known = self._load()
        if self._book is None:
            self._book = Edited(known)
        self._book.book = known  # what was edited stays
        return self._book

    def answer(self, platform: str, request: Request) -> Reply:
        """Let a platform answer."""
        module = module_of(platform)
        if module is None:
            return Reply(404, {"error": f"{platform} is not simulated"})
        reply: Reply = module.answer(self, request)
        return reply


def platform_of(path: str) -> str | None:
    """Tell the platform that a path belongs to.

    Examples:
        >>> platform_of("/v26/customers:listAccessibleCustomers"), platform_of("/v26.0/me"), platform_of("/12/accounts")
        ('google_ads', 'facebook_ads', 'twitter_ads')
    """
    return next((platform for platform, route in _ROUTES if route.search(path)), None)


def module_of(platform: str) -> ModuleType | None:
    """Give the module that speaks for a platform; one is only loaded when it is needed."""
    name = f"{__package__}.{platform.removesuffix('_ads')}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
