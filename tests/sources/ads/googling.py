"""Reading the demo's Google Ads with the adapter alone, and what the book says that it must find."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS
from sources.ads.pulling import describe
from workspace.demo.ads.book import COUNTED, Facts
from workspace.sources.ads.google import Google, open_google

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.sources.ads.adapter import Account, Level, Performance

MANAGER, BERLIN, ANGELES, EMPTY, DISABLED = ("9990000001", *(f"410000000{number}" for number in range(1, 5)))
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 27)
SECRET = CREDENTIALS["google_ads"]

Pulled = dict[tuple[str, date], "Performance"]


class Opener:
    """Opens adapters, and closes them all at the end."""

    def __init__(self, ads: Ads) -> None:
        self.ads = ads
        self.made: list[Google] = []

    def __call__(self, settings: dict[str, Any] | None = None, **changed: str) -> Google:
        """Open one, with other settings or credentials where they are given; an empty credential is left out."""
        given = {name: value for name, value in (SECRET | changed).items() if value}
        self.made.append(open_google(describe("google_ads", self.ads.url, **(settings or {})), given))
        return self.made[-1]

    def close(self) -> None:
        for each in self.made:
            each.http.close()


def account(google: Google, number: str = BERLIN) -> Account:
    return next(each for each in google.accounts() if each.id == number)


def pulled(google: Google, whose: Account, first: date = FIRST, last: date = LAST, level: Level = "ad") -> Pulled:
    rows = [row for page in google.performance(whose, first, last, level) for row in page]
    found = {(row.entity_id, row.day): row for row in rows}
    assert len(found) == len(rows)
    return found


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def truth(ads: Ads, number: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], Facts]:
    """Give what the book says of ads, and of campaigns that hide theirs."""
    book, now = ads.sim.book, ads.sim.now
    told = {(ad.id, day): facts for day in days(first, last) for ad, facts in book.facts(number, day, now)}
    for day in days(first, last):
        hidden = [each for each in book.campaign_facts(number, day, now) if each[0].ads_hidden]
        told |= {(campaign.id, day): facts for campaign, facts in hidden}
    return told


def agrees(row: Performance, facts: Facts) -> None:
    """Check a row against the book, to the last digit."""
    assert (row.impressions, row.clicks, row.spend) == (facts.impressions, facts.clicks, facts.spend)
    assert (row.conversions, row.conversion_value) == facts.claimed("purchase", COUNTED["google_ads"])
    assert row.view_through_conversions == facts.view_through
    assert row.link_clicks is None
    assert row.missing.keys() == {"link_clicks"}
    assert row.attribution == "data_driven/30d_click"
    claimed = {action.name: (action.conversions, action.value, action.counted) for action in row.actions}
    told = {}
    for action, name in (("purchase", "Purchase"), ("add_to_cart", "Add to cart")):
        count, value = facts.claimed(action, COUNTED["google_ads"])
        if count or value:
            told[name] = (count, value, action == "purchase")
    assert claimed == told
