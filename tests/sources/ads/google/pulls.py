"""Reading the demo's Google Ads with the adapter alone, and what the book says that it must find."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sources.ads.adapters import Pulled, keyed, read, totals
from sources.ads.adapters import truth as shown
from workspace.demo.ads.book import COUNTED, Facts

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.sources.ads.adapter import Account, Level, Performance
    from workspace.sources.ads.google import Google

MANAGER, BERLIN, ANGELES, EMPTY, DISABLED = ("9990000001", *(f"410000000{number}" for number in range(1, 5)))
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 27)


def account(google: Google, number: str = BERLIN) -> Account:
    return next(each for each in google.accounts() if each.id == number)


def pulled(google: Google, whose: Account, first: date = FIRST, last: date = LAST, level: Level = "ad") -> Pulled:
    return keyed(read(google, whose, first, last, level))


def truth(ads: Ads, number: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], Facts]:
    """Give what the book says of ads, and of campaigns that hide theirs."""
    return shown(ads, number, first, last) | totals(ads, number, first, last, hidden=True)


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
