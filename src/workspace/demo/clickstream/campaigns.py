"""The company's advertisements on four platforms, and what a click on one of them leaves behind."""

from __future__ import annotations

import base64
from array import array
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Account(NamedTuple):
    """An account on a platform: what it is billed in, and whose midnight ends its day."""

    id: str
    currency: str
    zone: str


@dataclass(frozen=True, slots=True)
class Platform:
    """Where advertisements run.

    Attributes:
        name: `google`, `facebook`, `tiktok` or `twitter`; also the `utm_source`.
        medium: The `utm_medium`.
        parameter: The query parameter that carries the click id.
        network: What enrich calls it in `mkt_network`.
        roas: Planted truth: what a unit of money spent here truly brings back.
        prefix: How its click ids begin.
        length: How many characters follow.
    """

    name: str
    medium: str
    parameter: str
    network: str
    roas: float
    prefix: str
    length: int
    accounts: tuple[Account, Account]


PLATFORMS = (
    Platform(
        *("google", "cpc", "gclid", "Google", 3.1, "Cj0KCQjw", 56),
        accounts=(
            Account("4105550101", "EUR", "Europe/Berlin"),
            Account("4105550102", "USD", "America/Los_Angeles"),
        ),
    ),
    Platform(
        *("facebook", "paid_social", "fbclid", "Facebook", 1.9, "IwAR", 54),
        accounts=(
            Account("120055500000101", "EUR", "Europe/Berlin"),
            Account("120055500000102", "GBP", "Europe/London"),
        ),
    ),
    Platform(
        *("tiktok", "paid_social", "ttclid", "TikTok", 0.8, "E.C.P.", 60),
        accounts=(
            Account("7055500000000000101", "EUR", "Etc/GMT-1"),  # it knows no summer time
            Account("7055500000000000102", "JPY", "Asia/Tokyo"),
        ),
    ),
    Platform(
        *("twitter", "paid_social", "twclid", "Twitter", 1.2, "2-", 25),
        accounts=(Account("18ce55aa01", "USD", "America/Los_Angeles"), Account("18ce55aa02", "GBP", "Europe/London")),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A campaign.

    Attributes:
        platform: The place of its platform.
        account: Whom it is billed to.
        id: What the platform calls it.
        name: What marketing called it at first.
        tags: What its links carry besides the click id: `ids` of campaign and ad, the campaign's `name`, `nothing`; or
            they are `shortened`, carry a word of somebody's own, and lose the click id.
        slug: That word.
        renamed: The day (UTC) from which on it has another name, and that name.
        paused: When it was paused.
        deleted: When it was deleted.
        hidden: Whether the platform keeps its ads to itself (Performance Max).
    """

    platform: int
    account: Account
    id: str
    name: str
    tags: str
    slug: str = ""
    renamed: tuple[date, str] | None = None
    paused: datetime | None = None
    deleted: datetime | None = None
    hidden: bool = False

    def name_on(self, today: date) -> str:
        """Give its name on a day (UTC)."""
        return self.renamed[1] if self.renamed and self.renamed[0] <= today else self.name

    def runs(self, today: date) -> bool:
        """Tell whether it runs on the whole of a day (UTC)."""
        ends = self.paused or self.deleted
        return ends is None or today < ends.date()


# By platform: campaigns as marketing named them, with the account that they are billed to, the most shown first.
_NAMES: tuple[tuple[tuple[str, int, dict[str, Any]], ...], ...] = (
    (
        ("Search | Brand | DE", 0, {}),
        ("Search | Event spaces | US", 1, {}),
        ("Suche - Hochzeitslocation", 0, {}),
        ("Performance Max | EU", 0, {"hidden": True, "tags": "name"}),
        ("Search | Brand | US", 1, {}),
        ("Αίθουσες δεξιώσεων", 0, {"paused": datetime(2026, 10, 5, 7, 15, tzinfo=UTC)}),
        ("Fiestas y quinceañeras", 1, {}),
        ("Performance Max | US", 1, {"hidden": True}),
    ),
    (
        ("Herbst-Feiern 🍂", 0, {}),
        ("Prospecting UK", 1, {}),
        ("Réveillon - reciblage", 0, {"deleted": datetime(2026, 10, 16, 9, 30, tzinfo=UTC)}),
        ("Retargeting UK", 1, {}),
        ("Ślub i wesele", 0, {}),
        ("Office parties UK", 1, {}),
    ),
    (
        ("東京 イベント会場", 1, {"renamed": (date(2026, 10, 10), "東京 パーティー会場")}),
        ("Party-Ideen", 0, {}),
        ("大阪 イベント会場", 1, {}),
        ("Študentské večery", 0, {}),
        ("Geburtstag", 0, {}),
        ("誕生日会", 1, {}),
    ),
    (
        ("Conference season", 0, {}),
        ("قاعات المؤتمرات", 1, {}),
        ("Winter parties UK", 1, {"tags": "shortened", "slug": "winter-uk"}),
        ("Team offsites", 0, {}),
        ("כנסים ואירועים", 1, {}),
        ("Rooftops", 0, {}),
    ),
)
# What links carry, by platform and account, unless a campaign has its own way.
_TAGS = (("ids", "nothing"), ("ids", "ids"), ("ids", "name"), ("ids", "name"))
_GROUPS = ("Broad", "Lookalike · 25-44")
_ADS = ("Image - terrace", "Video 15 s", "Karussell 💍")
KEYWORDS = ("event+space", "wedding+venue", "hochzeitslocation", "partyraum", "conference+room")


@dataclass(frozen=True, slots=True)
class Ad:
    """An advertisement; one that its platform keeps to itself has neither id nor group."""

    platform: int
    campaign: Campaign
    group: str
    group_name: str
    id: str
    name: str


def _number(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest())


def _id(platform: int, *parts: object) -> str:
    """Number something as its platform would: TikTok beyond what a double can hold, Twitter in base 36."""
    number = _number(platform, *parts)
    if PLATFORMS[platform].name == "twitter":
        return _base36(number % 36**5 + 36**5)
    low = {"google": 10**10, "facebook": 120_200_000_000_000_000, "tiktok": 1_790_000_000_000_000_000}
    first = low[PLATFORMS[platform].name]
    return str(first + number % (first // 100))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def _campaigns() -> Iterator[Campaign]:
    for platform, campaigns in enumerate(_NAMES):
        for name, account, more in campaigns:
            billed = PLATFORMS[platform].accounts[account]
            habits = {"tags": _TAGS[platform][account], **more}
            yield Campaign(platform=platform, account=billed, id=_id(platform, name), name=name, **habits)


def _ads() -> Iterator[Ad]:
    for campaign in CAMPAIGNS:
        platform, called = campaign.platform, campaign.name
        if campaign.hidden:
            yield Ad(platform, campaign, "", "", "", "")
            continue
        for group in _GROUPS:
            number = _id(platform, called, group)
            for name in _ADS:
                yield Ad(platform, campaign, number, group, _id(platform, called, group, name), name)


CAMPAIGNS = tuple(_campaigns())
ADS = tuple(_ads())
ADS_OF = tuple(tuple(n for n, ad in enumerate(ADS) if ad.platform == p) for p in range(len(PLATFORMS)))
LETTER = 0xFFFF  # in place of an ad: the click was in a letter


class Click(NamedTuple):
    """A click on an advertisement, as the company's books keep it.

    Attributes:
        number: Counts the clicks from 0.
        at: When, in milliseconds of the epoch.
        ad: Which.
        click_id: What the platform calls it.
        visitor: The number of the browser.
        user: The number of the user whose browser it is, or will be; None if nobody's.
    """

    number: int
    at: int
    ad: Ad
    click_id: str
    visitor: int
    user: int | None


class Clicks:
    """Every click on an advertisement or in a letter, a few bytes each, and which of them caused a booking.

    Attributes:
        at: When, in milliseconds of the epoch.
        ad: On what: the place of the ad, or `LETTER`.
        visitor: The number of the browser.
        told: When it happened by what the pipeline delivered of the landing, 0 as long as it has not.
        booking: The numbers of the bookings that a click caused, ...
        cause: ... and that click.
    """

    def __init__(self) -> None:
        self.at = array("q")
        self.ad = array("H")
        self.visitor = array("q")
        self.told = array("q")
        self.booking = array("q")
        self.cause = array("q")

    def add(self, at: int, ad: int, visitor: int) -> int:
        """Enter a click; give its number."""
        self.at.append(at)
        self.ad.append(ad)
        self.visitor.append(visitor)
        self.told.append(0)
        return len(self.at) - 1

    def blame(self, booking: int, click: int) -> None:
        """Enter the one click that caused a booking."""
        self.booking.append(booking)
        self.cause.append(click)


def click_id(seed: int, platform: int, number: int) -> str:
    """Give the id of a click, of the kind that its platform makes."""
    kind = PLATFORMS[platform]
    digest = blake2b(f"{seed}:click:{number}".encode(), digest_size=45).digest()
    return kind.prefix + base64.urlsafe_b64encode(digest).decode()[: kind.length]
