"""X as tests read it, and what the book says that it must tell."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS
from sources.ads import adapters

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.demo.ads.book import Facts
    from workspace.sources.ads.adapter import Account, Level, Performance
    from workspace.sources.ads.twitter import Twitter

US, UK, EMPTY, DISABLED = (f"18ce000{number}" for number in range(1, 5))
FIRST, LAST = date(2026, 10, 16), date(2026, 11, 4)
"""Three weeks with the end of summer time in both zones: on 25 October in London, on 1 November in Los Angeles."""
ENTITIES, JOBS, RESULTS = r"/campaigns|/line_items|/promoted_tweets", "/stats/jobs/", "^/ton/"
SECRETS = CREDENTIALS["twitter_ads"]


def of(twitter: Twitter, account_id: str = US) -> Account:
    return next(each for each in twitter.accounts() if each.id == account_id)


def read(twitter: Twitter, account_id: str = US, *, level: Level = "ad", **days: date) -> list[Performance]:
    whose, first, last = of(twitter, account_id), days.get("first", FIRST), days.get("last", LAST)
    found = adapters.read(twitter, whose, first, last, level)
    assert len({(row.entity_id, row.placement, row.day) for row in found}) == len(found)
    return found


def actions(facts: Facts) -> dict[str, tuple[Decimal, Decimal]]:
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for claim in facts.claims:
        name = {"purchase": "conversion_purchases", "add_to_cart": "conversion_add_to_carts"}[claim.action]
        count, value = found.get(name, (Decimal(), Decimal()))
        found[name] = count + claim.conversions, value + claim.value
    return found


def told(facts: Facts) -> tuple[Any, ...]:
    views = sum((c.conversions for c in facts.claims if c.action == "purchase" and c.window == "1d_view"), Decimal())
    count, value = actions(facts).get("conversion_purchases", (Decimal(), Decimal()))
    figures = facts.spend, facts.impressions, facts.clicks, facts.link_clicks, count, value, views
    return *figures, actions(facts)


def summed(found: list[Performance]) -> dict[tuple[str, date], tuple[Any, ...]]:
    """Sum placements, as the book has none."""
    by_day = defaultdict(list)
    for row in found:
        by_day[row.entity_id, row.day].append(row)
    return {key: _sum(some) for key, some in by_day.items()}


def _sum(some: list[Performance]) -> tuple[Any, ...]:
    names = ["spend", "impressions", "clicks", "link_clicks"]
    names += ["conversions", "conversion_value", "view_through_conversions"]
    claimed: dict[str, tuple[Decimal, Decimal]] = {}
    for action in (action for row in some for action in row.actions):
        count, value = claimed.get(action.name, (Decimal(), Decimal()))
        claimed[action.name] = count + (action.conversions or 0), value + (action.value or 0)
    return *(sum(getattr(row, name) for row in some) for name in names), claimed


def book(ads: Ads, account_id: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], tuple[Any, ...]]:
    return {key: told(facts) for key, facts in adapters.truth(ads, account_id, first, last).items()}


def granularities(ads: Ads) -> set[str]:
    return {call["query"]["granularity"] for call in ads.calls("twitter_ads") if "granularity" in call["query"]}
