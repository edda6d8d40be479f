"""Facebook as tests read it: with a clock that only pauses move."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS
from workspace.sources.ads.facebook import Facebook

if TYPE_CHECKING:
    from datetime import datetime

    from adserver import Ads
    from workspace.demo.ads.book import Facts
    from workspace.sources.ads.adapter import Account, Level

EU, JAPAN, EMPTY, DISABLED = (f"12000000000000000{number}" for number in range(1, 5))
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 20)
SECRET = CREDENTIALS["facebook_ads"]


class Clock:
    """A clock that only pauses move, ours and the server's.

    Attributes:
        paused: For how long, in all.
        real: How many seconds of each pause really pass.
    """

    def __init__(self, ads: Ads) -> None:
        self.ads, self.paused, self.real = ads, 0.0, 0.0

    def __call__(self) -> float:
        return self.paused

    def pause(self, seconds: float) -> None:
        self.paused += seconds
        self.ads.sim.now += timedelta(seconds=seconds)
        time.sleep(min(seconds, self.real))


class Opened:
    """Opens Facebook as often as a test wants it, and closes it again."""

    def __init__(self, ads: Ads) -> None:
        self.ads = ads
        self.made: list[Facebook] = []

    def __call__(self, token: str = SECRET["access_token"], secret: str = SECRET["app_secret"], **how: Any) -> Facebook:
        self.made.append(Facebook(self.ads.url, token, secret, **how))
        return self.made[-1]

    def close(self) -> None:
        for each in self.made:
            each.http.close()


def account(facebook: Facebook, account_id: str = EU) -> Account:
    return next(each for each in facebook.accounts() if each.id == account_id)


def pulled(facebook: Facebook, whose: Account, first: date = FIRST, last: date = LAST, level: Level = "ad") -> Any:
    rows = [row for page in facebook.performance(whose, first, last, level) for row in page]
    found = {(row.entity_id, row.day): row for row in rows}
    assert len(found) == len(rows)
    return found


def truth(ads: Ads, account_id: str, first: date, last: date, as_of: datetime | None = None) -> dict[Any, Facts]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {(ad, day): facts for day in days for ad, facts in ads.expected(account_id, day, as_of).items()}
