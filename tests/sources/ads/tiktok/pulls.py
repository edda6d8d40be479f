"""Asking TikTok as the demo speaks it, and what the book says that the answers must be."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from sources.ads.adapters import read, truth

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.demo.ads.book import Facts
    from workspace.sources.ads.adapter import Account, Level, Performance
    from workspace.sources.ads.tiktok import TikTok

PLATFORM = "tiktok_ads"
BUSY, YEN, EMPTY, DISABLED = (f"705000000000000000{number}" for number in (1, 2, 3, 4))
FIRST, LAST = date(2026, 10, 7), date(2026, 11, 5)
REPORT = "report/integrated/get"


def of(tiktok: TikTok, identity: str = BUSY) -> Account:
    return next(one for one in tiktok.accounts() if one.id == identity)


def pulled(
    tiktok: TikTok, who: Account, first: date = FIRST, last: date = LAST, level: Level = "ad"
) -> list[Performance]:
    return read(tiktok, who, first, last, level)


def expected(ads: Ads, who: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], Facts]:
    return truth(ads, who, first, last)


def check(ads: Ads, who: str, rows: list[Performance], first: date = FIRST, last: date = LAST) -> None:
    """The rows are the book's facts: no more, no fewer, to the last digit."""
    known = expected(ads, who, first, last)
    assert Counter((row.ad_id, row.day) for row in rows) == Counter(known.keys())
    parents = {ad.id: ad for ad in ads.book.ads(who)}
    for row in rows:
        facts = known[str(row.ad_id), row.day]
        count, value = ads.counted(PLATFORM, facts)
        assert (row.spend, row.impressions, row.clicks) == (facts.spend, facts.impressions, facts.clicks)
        assert (row.conversions, row.conversion_value) == (count, value)
        assert row.view_through_conversions == facts.view_through
        ad = parents[str(row.ad_id)]
        assert (row.campaign_id, row.ad_group_id, row.level) == (ad.campaign_id, ad.group_id, "ad")
