"""A book of one account with many ads, on any platform, of which some figures change when they are told to."""

# ruff: noqa: ARG002 - there is one account only, and it has no clicks to tell

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from workspace.demo.ads.book import PLATFORMS, Account, Ad, Campaign, Claim, Facts, Group, total

if TYPE_CHECKING:
    from collections.abc import Sequence

CAMPAIGNS, GROUPS, ADS = 20, 10, 10
MADE = datetime(2026, 8, 1, tzinfo=UTC)
CREDENTIALS = {
    "google_ads": dict.fromkeys(("client_id", "client_secret", "refresh_token", "developer_token"), "of-the-benchmark"),
    "facebook_ads": {"access_token": "of-the-benchmark"},
    "tiktok_ads": dict.fromkeys(("access_token", "app_id", "secret"), "of-the-benchmark"),
    "twitter_ads": dict.fromkeys(("consumer_key", "consumer_secret", "token", "token_secret"), "of-the-benchmark"),
}


class ManyAds:
    """The book. Every ad is shown on each of its days; of every hundred rows, so many as said differ from a moment on.

    Args:
        first: The first day.
        days: How many days there are.
    """

    def __init__(self, first: date, days: int) -> None:
        self.days = [first + timedelta(days=number) for number in range(days)]
        self._changes: list[tuple[datetime, int]] = []
        self._known: dict[tuple[str, date, int], list[tuple[Ad, Facts]]] = {}
        self._accounts = {
            platform: Account(platform=platform, id=str(7_000_000_001), name="Many", currency="EUR", timezone="Etc/UTC")
            for platform in PLATFORMS
        }
        account = self._accounts[PLATFORMS[0]].id
        self._campaigns, self._groups, self._ads = _entities(account)

    def change(self, since: datetime, percent: int) -> None:
        """Let so many of a hundred rows have another click, cent and purchase from a moment on."""
        self._changes.append((since, percent))

    def accounts(self, platform: str) -> Sequence[Account]:
        """As `Book`."""
        return [self._accounts[platform]]

    def campaigns(self, account_id: str) -> Sequence[Campaign]:
        """As `Book`."""
        return self._campaigns

    def groups(self, account_id: str) -> Sequence[Group]:
        """As `Book`."""
        return self._groups

    def ads(self, account_id: str) -> Sequence[Ad]:
        """As `Book`."""
        return self._ads

    def facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Ad, Facts]]:
        """As `Book`."""
        if day not in self.days:
            return []
        edition = sum(since <= as_of for since, _ in self._changes)
        key = (account_id, day, edition)
        if key not in self._known:
            shares = [percent for _, percent in self._changes[:edition]]
            place = self.days.index(day)
            self._known[key] = [
                (ad, _facts(sum((number * 37 + place) % 100 < percent for percent in shares), number + place))
                for number, ad in enumerate(self._ads)
            ]
        return self._known[key]

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Campaign, Facts]]:
        """As `Book`."""
        several: dict[str, list[Facts]] = {}
        for ad, facts in self.facts(account_id, day, as_of):
            several.setdefault(ad.campaign_id, []).append(facts)
        return [(campaign, total(several[campaign.id])) for campaign in self._campaigns if campaign.id in several]

    def click_views(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[str, Ad, datetime]]:
        """As `Book`."""
        return []


def _facts(times: int, number: int) -> Facts:
    purchases = Decimal(number % 3 + times)
    return Facts(
        impressions=1000 + number % 1000,
        clicks=10 + number % 10 + times,
        link_clicks=9 + number % 10 + times,
        spend=Decimal(number % 5000 + 100 + times) / 100,
        claims=(Claim(action="purchase", conversions=purchases, value=purchases * 120, window="1d_click"),)
        if purchases
        else (),
    )


def _entities(account: str) -> tuple[list[Campaign], list[Group], list[Ad]]:
    campaigns, groups, ads = [], [], []

    def given(name: str, number: int) -> dict[str, object]:
        return {"id": str(8_000_000_000 + number), "account_id": account, "names": ((MADE, name),), "created": MADE}

    number = 0
    for place in range(CAMPAIGNS):
        campaign = Campaign(**given(f"Campaign {place}", number := number + 1), objective="SALES")  # type: ignore[arg-type]
        campaigns.append(campaign)
        for _ in range(GROUPS):
            group = Group(**given(f"Group {number}", number := number + 1), campaign_id=campaign.id)  # type: ignore[arg-type]
            groups.append(group)
            for _ in range(ADS):
                number += 1
                parents = {"campaign_id": campaign.id, "group_id": group.id}
                url = f"https://www.bookmyevent.com/?utm_content={number}"
                ads.append(Ad(**given(f"Ad {number}", number), **parents, url=url))  # type: ignore[arg-type]
    return campaigns, groups, ads
