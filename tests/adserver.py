"""A small made-up book of advertisements, and the demo's ad server over it: needs no simulated company.

It holds what hurts: ids beyond 2^53, names in every script, yen, days of 23 and 25 hours, a renamed, a paused and a
deleted campaign, one without ads, an account that is empty, one that is disabled, and figures that change for a month.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from workspace.demo.ads.book import COUNTED, PLATFORMS, Account, Ad, Campaign, Claim, Facts, Group, total
from workspace.demo.ads.server import AdServer, Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workspace.demo.ads.book import Status, Window

FIRST, NOW = date(2026, 9, 2), datetime(2026, 11, 5, 12, tzinfo=UTC)
RENAMED, DELETED, PAUSED = (datetime(2026, 10, day, 9, 30, tzinfo=UTC) for day in (9, 16, 12))
MADE = datetime(2026, 8, 20, 8, tzinfo=UTC)
CREDENTIALS = {
    "google_ads": {
        "client_id": "1234-small.apps.example",
        "client_secret": "GOCSPX-small-client-secret",
        "refresh_token": "1//small-refresh-token",
        "developer_token": "small-developer-token",
        "login_customer_id": "9990000001",
    },
    "facebook_ads": {"access_token": "EAAsmallAccessToken", "app_secret": "small-app-secret"},
    "tiktok_ads": {"access_token": "small-tiktok-access-token", "app_id": "7099000000000000001", "secret": "small-ss"},
    "twitter_ads": {
        "consumer_key": "small-consumer-key",
        "consumer_secret": "small-consumer-secret",
        "token": "18ce-small-token",
        "token_secret": "small-token-secret",
    },
}
# Platform: id, name, currency, zone, status, manager.
_ACCOUNTS = {
    "google_ads": (
        ("9990000001", "Manager", "EUR", "Europe/Berlin", "enabled", True),
        ("4100000001", "BookMyEvent DE", "EUR", "Europe/Berlin", "enabled", False),
        ("4100000002", "BookMyEvent US", "USD", "America/Los_Angeles", "enabled", False),
        ("4100000003", "Noch leer", "EUR", "Europe/Berlin", "enabled", False),
        ("4100000004", "Gesperrt", "GBP", "Europe/London", "disabled", False),
    ),
    "facebook_ads": (
        ("120000000000000001", "BookMyEvent EU", "EUR", "Europe/Berlin", "enabled", False),
        ("120000000000000002", "BookMyEvent 日本", "JPY", "Asia/Tokyo", "enabled", False),
        ("120000000000000003", "empty", "GBP", "Europe/London", "enabled", False),
        ("120000000000000004", "disabled", "EUR", "Europe/Berlin", "disabled", False),
    ),
    "tiktok_ads": (
        ("7050000000000000001", "BookMyEvent EU", "EUR", "Europe/Berlin", "enabled", False),
        ("7050000000000000002", "BookMyEvent 日本", "JPY", "Asia/Tokyo", "enabled", False),
        ("7050000000000000003", "empty", "EUR", "Europe/Berlin", "enabled", False),
        ("7050000000000000004", "disabled", "EUR", "Europe/Berlin", "disabled", False),
    ),
    "twitter_ads": (
        ("18ce0001", "BookMyEvent US", "USD", "America/Los_Angeles", "enabled", False),
        ("18ce0002", "BookMyEvent UK", "GBP", "Europe/London", "enabled", False),
        ("18ce0003", "empty", "JPY", "Asia/Tokyo", "enabled", False),
        ("18ce0004", "disabled", "USD", "America/Los_Angeles", "disabled", False),
    ),
}
# Of each account's campaigns: its names, and what becomes of it.
_CAMPAIGNS = (
    (("Herbst 🍂 · „Feiern“, 20 %", "Winter ❄️ · „Feiern“, 20 %"), "renamed"),
    (('東京 イベント会場, "quoted"',), "paused"),
    (("قاعات المؤتمرات" + " é" * 100,), "deleted"),
)
_IDS = {  # the first id of each platform; Google's and TikTok's are beyond what a double can hold
    "google_ads": 2**53 + 1,
    "facebook_ads": 120_210_000_000_000_001,
    "tiktok_ads": 1_790_000_000_000_000_003,
    "twitter_ads": 36**5 + 7,
}
_PLACES = {"JPY": Decimal(1), "google_ads": Decimal("0.000001"), "twitter_ads": Decimal("0.000001")}
_GROWTH = ((0, 0), (1, 3), (3, 5), (7, 8), (14, 9), (28, 10))  # tenths of the claims that are known at an age in days


def _chance(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=4).digest())


def _id(platform: str, number: int) -> str:
    return str(_IDS[platform] + 2 * number) if platform != "twitter_ads" else f"{_IDS[platform] + number:x}"


class SmallBook:
    """The book. Every ad is shown on every day from FIRST on, but for each seventh."""

    def __init__(self, last: date = date(2027, 6, 1)) -> None:
        self.last = last
        self._accounts = {
            platform: [
                Account(
                    platform=platform,
                    id=id_,
                    name=name,
                    currency=currency,
                    timezone=zone,
                    status="disabled" if status == "disabled" else "enabled",
                    manager=m,
                )
                for id_, name, currency, zone, status, m in accounts
            ]
            for platform, accounts in _ACCOUNTS.items()
        }
        self._of = {account.id: account for accounts in self._accounts.values() for account in accounts}
        self._campaigns: dict[str, list[Campaign]] = {}
        self._groups: dict[str, list[Group]] = {}
        self._ads: dict[str, list[Ad]] = {}
        for platform in PLATFORMS:
            busy = [each for each in self._accounts[platform] if not each.manager][:2]
            for place, account in enumerate(busy):
                self._fill(account, 1000 * place)

    def _fill(self, account: Account, number: int) -> None:
        id_ = account.id
        self._campaigns[id_], self._groups[id_], self._ads[id_] = [], [], []
        ends: dict[str, tuple[datetime, Status]] = {"paused": (PAUSED, "paused"), "deleted": (DELETED, "deleted")}
        kinds = [*_CAMPAIGNS]
        if account.platform == "google_ads":
            kinds.append((("Performance Max",), "hidden"))
        for names, fate in kinds:
            number += 100
            campaign = Campaign(
                id=_id(account.platform, number),
                account_id=id_,
                names=tuple(zip((MADE, RENAMED), names, strict=False)),
                states=(ends[fate],) if fate in ends else (),
                created=MADE,
                objective="PERFORMANCE_MAX" if fate == "hidden" else "SALES",
                ads_hidden=fate == "hidden",
            )
            self._campaigns[id_].append(campaign)
            for part in range(0 if campaign.ads_hidden else 2):
                self._group(account, campaign, number + 10 * (part + 1))

    def _group(self, account: Account, campaign: Campaign, number: int) -> None:
        group = Group(
            id=_id(account.platform, number),
            account_id=account.id,
            names=((MADE, "Lookalike · 25-44"),),
            created=MADE,
            states=campaign.states,
            campaign_id=campaign.id,
        )
        self._groups[account.id].append(group)
        for part in range(2):
            id_ = _id(account.platform, number + part + 1)
            self._ads[account.id].append(
                Ad(
                    id=id_,
                    account_id=account.id,
                    names=((MADE, "Karussell 💍\nline two" if part else "Image, terrace"),),
                    created=MADE,
                    states=campaign.states,
                    campaign_id=campaign.id,
                    group_id=group.id,
                    url=f"https://www.bookmyevent.com/?utm_source={account.platform}&utm_medium=cpc&utm_content={id_}",
                )
            )

    def accounts(self, platform: str) -> Sequence[Account]:
        return self._accounts[platform]

    def campaigns(self, account_id: str) -> Sequence[Campaign]:
        return self._campaigns.get(account_id, [])

    def groups(self, account_id: str) -> Sequence[Group]:
        return self._groups.get(account_id, [])

    def ads(self, account_id: str) -> Sequence[Ad]:
        return self._ads.get(account_id, [])

    def facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Ad, Facts]]:
        account, told = self._of[account_id], []
        running = {each.id: each for each in self.campaigns(account_id)}
        for ad in self.ads(account_id):
            facts = self._did(account, ad.id, running[ad.campaign_id], day, as_of)
            if facts:
                told.append((ad, facts))
        return told

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Campaign, Facts]]:
        ads, told = self.facts(account_id, day, as_of), []
        for campaign in self.campaigns(account_id):
            facts = total([each for ad, each in ads if ad.campaign_id == campaign.id])
            if campaign.ads_hidden:
                facts = self._did(self._of[account_id], campaign.id, campaign, day, as_of)
            if facts:
                told.append((campaign, facts))
        return told

    def click_views(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[str, Ad, datetime]]:
        if self._of[account_id].platform != "google_ads":
            return []
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(self._of[account_id].timezone))
        return [
            (f"Cj0K{ad.id}-{day:%m%d}-{number}", ad, noon.astimezone(UTC) + timedelta(minutes=number))
            for ad, facts in self.facts(account_id, day, as_of)
            for number in range(facts.link_clicks)
        ]

    def _did(self, account: Account, entity: str, campaign: Campaign, day: date, as_of: datetime) -> Facts:
        begun = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(account.timezone))
        ended = (begun + timedelta(days=1)).astimezone(UTC)
        chance = _chance(entity, day)
        stopped = campaign.status(begun.astimezone(UTC)) != "enabled"
        if not FIRST <= day <= self.last or stopped or as_of <= begun or not chance % 7:
            return Facts()
        age = (as_of - ended) // timedelta(days=1)
        invalid = 1 if account.platform == "google_ads" and age < 3 else 0
        clicks = 2 + chance % 9 + invalid
        rough = account.platform == "twitter_ads" and age < 3
        spend = Decimal(clicks) * Decimal(chance % 10_007 + 1_000) / 7_000 * (100 if account.currency == "JPY" else 1)
        if rough:
            spend *= Decimal("1.07")
        elif account.platform == "twitter_ads" and age < 14:
            spend *= Decimal("1.01")
        place = _PLACES.get(account.platform, _PLACES.get(account.currency, Decimal("0.01")))
        return Facts(
            impressions=clicks * 40 + chance % 31,
            clicks=clicks,
            link_clicks=clicks - chance % 2,
            spend=spend.quantize(place, ROUND_HALF_UP),
            claims=_claims(account, chance, age),
            view_through=chance % 3 * (age >= 1),
            estimate=rough,
        )


def _claims(account: Account, chance: int, age: int) -> tuple[Claim, ...]:
    tenths = max((known for since, known in _GROWTH if age >= since), default=0)
    claims = []
    windows: tuple[Window, ...] = ("1d_click", "7d_click", "28d_click", "1d_view")
    for place, window in enumerate(windows):
        if account.platform == "google_ads" and window == "1d_view":
            continue
        for action, most in (("purchase", chance >> (3 * place) & 3), ("add_to_cart", chance >> (2 * place) & 7)):
            known = Decimal(most * tenths) / 10
            count = known * Decimal("0.87") if account.platform == "google_ads" else Decimal(int(known))
            if count:
                worth = Decimal(chance % 900 + 100) * (100 if account.currency == "JPY" else 1)
                value = count * worth if action == "purchase" else Decimal()
                claims.append(Claim(action=action, conversions=count, value=value, window=window))
    return tuple(claims)


@dataclass
class Ads:
    """A running ad server, and who may steer it over HTTP as anybody else."""

    server: AdServer
    book: SmallBook
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.server.url, timeout=10)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def sim(self) -> Simulation:
        return self.server.sim

    def control(self, method: str, path: str, told: object = None, **query: str) -> Any:
        """Ask the control plane; fail if it refuses."""
        answer = self.client.request(method, f"/_sim/{path}", json=told, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, platform: str = "", **more: object) -> None:
        """Let something go wrong: `path`, `skip`, `times` and what the kind needs."""
        self.control("POST", "faults", [{"kind": kind, "platform": platform, **more}])

    def clock(self, now: datetime) -> None:
        """Set the virtual clock."""
        self.control("POST", "clock", {"now": now.isoformat()})

    def calls(self, platform: str = "") -> list[dict[str, Any]]:
        """Give the requests so far, of one platform or all."""
        return [each for each in self.control("GET", "calls") if platform in ("", each["platform"])]

    def expected(self, account_id: str, day: date, as_of: datetime | None = None) -> dict[str, Facts]:
        """Give what each ad of an account did on a day, edits included."""
        return {ad.id: facts for ad, facts in self.sim.book.facts(account_id, day, as_of or self.sim.now)}

    def counted(self, platform: str, facts: Facts) -> tuple[Decimal, Decimal]:
        """Give the purchases that a platform counts by default, and their value."""
        return facts.claimed("purchase", COUNTED[platform])


@pytest.fixture
def ads() -> Iterator[Ads]:
    """The four platforms over the small book, on a port of this machine; the virtual clock stands at NOW."""
    book = SmallBook()
    with AdServer(Simulation(book, NOW, credentials=CREDENTIALS)) as server:
        running = Ads(server, book)
        yield running
        running.client.close()
        assert server.errors == []
