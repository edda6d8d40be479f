"""The company's advertisements on four platforms, and what a click on one of them leaves behind."""

from __future__ import annotations

import base64
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

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
            Account("7055500000000000101", "EUR", "Europe/Berlin"),
            Account("7055500000000000102", "JPY", "Asia/Tokyo"),
        ),
    ),
    Platform(
        *("twitter", "paid_social", "twclid", "Twitter", 1.2, "2-", 25),
        accounts=(Account("18ce55aa01", "USD", "America/Los_Angeles"), Account("18ce55aa02", "GBP", "Europe/London")),
    ),
)
# Campaigns by platform: their names, as marketing wrote them, and the account they are billed to.
_NAMES = (
    (
        ("Search | Brand | DE", 0),
        ("Suche - Hochzeitslocation", 0),
        ("Search | Event spaces | US", 1),
        ("Αίθουσες δεξιώσεων", 0),
    ),
    (("Herbst-Feiern 🍂", 0), ("Prospecting UK", 1), ("Réveillon - reciblage", 0)),
    (("Party-Ideen", 0), ("東京 イベント会場", 1), ("Študentské večery", 0)),
    (("Conference season", 0), ("قاعات المؤتمرات", 1)),
)
_GROUPS = ("Broad", "Lookalike · 25-44")
_ADS = ("Image - terrace", "Video 15 s", "Karussell 💍")
KEYWORDS = ("event+space", "wedding+venue", "hochzeitslocation", "partyraum", "conference+room")


@dataclass(frozen=True, slots=True)
class Ad:
    """An advertisement, with what it belongs to."""

    platform: int
    account: str
    campaign: str
    campaign_name: str
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
        return f"{number % 36**6 + 36**5:x}"
    low = {"google": 10**10, "facebook": 120_200_000_000_000_000, "tiktok": 1_790_000_000_000_000_000}
    first = low[PLATFORMS[platform].name]
    return str(first + number % (first // 100))


def _ads() -> Iterator[Ad]:
    for platform, campaigns in enumerate(_NAMES):
        for campaign, account in campaigns:
            for group in _GROUPS:
                for name in _ADS:
                    yield Ad(
                        platform,
                        PLATFORMS[platform].accounts[account].id,
                        _id(platform, campaign),
                        campaign,
                        _id(platform, campaign, group),
                        group,
                        _id(platform, campaign, group, name),
                        name,
                    )


ADS = tuple(_ads())
ADS_OF = tuple(tuple(n for n, ad in enumerate(ADS) if ad.platform == p) for p in range(len(PLATFORMS)))


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
    """Every click on an advertisement, a few bytes each, and which of them caused a booking."""

    def __init__(self) -> None:
        self.at = array("q")
        self.ad = array("H")
        self.visitor = array("q")
        self.booking = array("q")  # the bookings that a click caused, by their numbers ...
        self.cause = array("q")  # ... and that click

    def add(self, at: int, ad: int, visitor: int) -> int:
        """Enter a click; give its number."""
        self.at.append(at)
        self.ad.append(ad)
        self.visitor.append(visitor)
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
