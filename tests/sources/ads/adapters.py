"""A platform's adapter asked by itself, without a lake, and what the book says that it must answer."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pytest

from adserver import CREDENTIALS
from sources.ads.pulling import describe
from workspace.sources.ads.adapter import Adapter, Performance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adserver import Ads
    from workspace.demo.ads.book import Facts
    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, Level

A = TypeVar("A", bound=Adapter)

Pulled = dict[tuple[str, date], Performance]


class Opener(ExitStack, Generic[A]):
    """Opens a platform as often as a test wants it, and closes all that it opened when the block ends.

    Args:
        ads: The server.
        platform: Which of its platforms.
        way: What opens it.
    """

    def __init__(self, ads: Ads, platform: str, way: Callable[[AdsSource, dict[str, str]], A]) -> None:
        super().__init__()
        self._ads, self._platform, self._way = ads, platform, way

    def __call__(self, credentials: dict[str, str] | None = None, **settings: Any) -> A:
        """Open it, with other credentials or settings where they are given; an empty credential is left out."""
        given = CREDENTIALS[self._platform] | (credentials or {})
        source = describe(self._platform, self._ads.url, **settings)
        made = self._way(source, {name: value for name, value in given.items() if value})
        self.callback(made.http.close)
        return made


def opening(platform: str, way: Callable[[AdsSource, dict[str, str]], A]) -> Any:
    """Make a fixture of it: what opens a platform of the server that `ads` is."""

    @pytest.fixture
    def opened(ads: Ads) -> Iterator[Opener[A]]:
        with Opener(ads, platform, way) as opener:
            yield opener

    return opened


def read(adapter: Adapter, whose: Account, first: date, last: date, level: Level) -> list[Performance]:
    return [row for page in adapter.performance(whose, first, last, level) for row in page]


def keyed(rows: list[Performance]) -> Pulled:
    """Give rows by what they are about and their day, of which each has one."""
    found = {(row.entity_id, row.day): row for row in rows}
    assert len(found) == len(rows)
    return found


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def truth(ads: Ads, account_id: str, first: date, last: date) -> dict[tuple[str, date], Facts]:
    """Give what the book says of each ad, day by day."""
    return {(ad, day): facts for day in days(first, last) for ad, facts in ads.expected(account_id, day).items()}


def totals(
    ads: Ads, account_id: str, first: date, last: date, *, hidden: bool = False
) -> dict[tuple[str, date], Facts]:
    """Give what the book says of each campaign, day by day, or only of those that hide their ads."""
    book, now = ads.sim.book, ads.sim.now
    return {
        (campaign.id, day): facts
        for day in days(first, last)
        for campaign, facts in book.campaign_facts(account_id, day, now)
        if campaign.ads_hidden or not hidden
    }
