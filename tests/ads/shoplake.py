"""A lake with advertisements, clicks, logins and bookings, written by hand or drawn at random."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ads.adlake import AdLake
from workspace.lake import Column
from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.front import Workspace

Row = dict[str, Any]

TEXT, MONEY = pa.string(), pa.decimal128(18, 2)
OPEN = datetime(9999, 12, 31, tzinfo=UTC)
PLATFORMS = ("facebook_ads", "google_ads", "tiktok_ads", "twitter_ads")
USERS = [f"u{number}" for number in range(5)]
NETWORKS = {"google_ads": "Google", "facebook_ads": "Facebook", "tiktok_ads": "TikTok", "twitter_ads": "Twitter"}


def described(text: str) -> list[Column]:
    kinds = {"": TEXT, "at": TIMESTAMP, "money": MONEY}
    found = []
    for place, word in enumerate(text.split(), 1):
        name, _, kind = word.partition(":")
        key = place if "!" in name else 0
        found.append(Column(name=name.rstrip("!*"), type=kinds[kind], source_type=kind, key=key, personal="*" in name))
    return found


CLICKS = described(
    "event_id! domain_userid* clicked_at:at channel mkt_medium mkt_source mkt_content mkt_campaign click_id* "
    "click_network gclid*"
)
LOGINS = described("domain_userid!* user_id*")
BOOKINGS = described("id! user_id status created_at:at total_amount:money discount_amount:money currency")


def moment(text: str) -> datetime:
    """A moment in October 2026: day, hour, and more if need be."""
    return datetime.fromisoformat(f"2026-10-{text}").replace(tzinfo=UTC)


def click(event: str, visitor: str, when: datetime, **told: Any) -> Row:
    """A click with an e-mail's marks, unless told otherwise."""
    known = (
        {"mkt_medium": "email", "mkt_source": "newsletter", "channel": "Email"} if not told else {"channel": "Other"}
    )
    return {"event_id": event, "domain_userid": visitor, "clicked_at": when, **known, **told}


def booking(name: str, user: str, when: datetime, total: str = "100.00", **more: Any) -> Row:
    known = {"status": "confirmed", "discount_amount": None, "currency": "EUR"}
    return {"id": name, "user_id": user, "created_at": when, "total_amount": Decimal(total), **known, **more}


@dataclass(kw_only=True)
class Shop:
    """What happened: what a lake is filled with, and what an oracle reads.

    Attributes:
        clicks: Rows of touchpoints.
        logins: Browser, user, and since when.
        bookings: Rows of bookings, pending ones too.
        campaigns: Platform, account, id, name, and since when it had it (None: it is gone from then on).
        ads: Platform, account, id of the ad and of its campaign.
        views: What Google tells of a click: id, account, ad and campaign.
    """

    clicks: list[Row] = field(default_factory=list)
    logins: list[tuple[str, str, datetime]] = field(default_factory=list)
    bookings: list[Row] = field(default_factory=list)
    campaigns: list[tuple[str, str, str, str | None, datetime]] = field(default_factory=list)
    ads: list[tuple[str, str, str, str]] = field(default_factory=list)
    views: list[tuple[str, str, str, str]] = field(default_factory=list)

    def lake(self, home: Path, *platforms: str, at: datetime = OPEN - timedelta(days=30_000)) -> AdLake:
        """Write all of it into a lake of its own, and publish it."""
        made = AdLake(home, *(platforms or PLATFORMS))
        made.add("marketing", {"touchpoints": CLICKS})
        made.add("clickstream", {"identities": LOGINS})
        made.add("inventory_db", {"bookings": BOOKINGS})
        start = datetime(2026, 9, 1, tzinfo=UTC)
        made.write("marketing.touchpoints", start, self.clicks)
        for visitor, user, since in sorted(self.logins, key=lambda login: login[2]):
            made.write("clickstream.identities", since, [{"domain_userid": visitor, "user_id": user}])
        made.write("inventory_db.bookings", start, self.bookings)
        for platform, account, name, title, since in sorted(self.campaigns, key=lambda one: one[4]):
            row = {"account_id": account, "campaign_id": name, "platform": platform, "name": title}
            made.write(f"{platform}.campaigns", since, [row], op="U" if title is not None else "D")
        for platform, account, ad, campaign in self.ads:
            row = {"account_id": account, "ad_id": ad, "platform": platform, "campaign_id": campaign}
            made.write(f"{platform}.ads", start, [row | {"ad_group_id": f"g{ad}"}])
        for click_id, account, ad, campaign in self.views:
            row = {"account_id": account, "click_id": click_id, "platform": "google_ads", "campaign_id": campaign}
            made.write("google_ads.click_views", start, [row | {"ad_group_id": f"g{ad}", "ad_id": ad}])
        made.release(at)
        return made

    def open(self, home: Path, *platforms: str) -> Workspace:
        return self.lake(home, *platforms).open()


def drawn(seed: int) -> Shop:
    """Draw a shop in which everything happens that attribution may stumble over."""
    rng = random.Random(seed)
    shop = Shop(views=[("G1", "a", "90071992547409931", "c1"), ("G2", "a", "2", "c2"), ("G2", "b", "2", "c2")])
    shop.ads += [("google_ads", "a", "7", "c1"), ("google_ads", "b", "7", "c3"), ("tiktok_ads", "b", "5", "c4")]
    visitors = [f"v{number}" for number in range(8)]
    logins = {
        (visitor, _some(rng, 60)): rng.choice(USERS) for visitor in visitors[1:] for _ in range(rng.randrange(1, 4))
    }
    shop.logins += [(visitor, user, since) for (visitor, since), user in logins.items()]
    for platform in PLATFORMS:
        shop.ads += [(platform, "a", "90071992547409931", "c1"), (platform, "a", "2", "c2"), (platform, "b", "4", "c3")]
        for account, name in (("a", "c1"), ("a", "c2"), ("b", "c3")):
            # Two campaigns share a name, at times; each begins before it can end.
            since = sorted({_some(rng, 90) for _ in range(rng.randrange(1, 4))})
            titles = ["spring", *(rng.choice(["summer", "Sömmer ☀️", "winter", None]) for _ in since)]
            shop.campaigns += [
                (platform, account, name, title, when) for title, when in zip(titles, since, strict=False)
            ]
    shop.clicks += [_click(rng, f"e{number:03}", rng.choice(visitors), _some(rng, 95)) for number in range(160)]
    shop.bookings += [_booking(rng, f"b{number:02}", _some(rng, 95)) for number in range(60)]
    return shop


def _some(rng: random.Random, days: float) -> datetime:
    """A moment; some moments are taken by several."""
    when = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(days=rng.uniform(0, days))
    return rng.choice([when, when.replace(hour=12, minute=0, second=0, microsecond=0)])


def _booking(rng: random.Random, name: str, when: datetime) -> Row:
    known: Row = {"status": rng.choice(["pending", "confirmed", "cancelled", "completed", "refunded"])}
    known |= {"discount_amount": rng.choice([None, Decimal("0.00"), Decimal("12.34")])}
    known |= {"currency": rng.choice(["EUR", "JPY"])}
    total = f"{rng.randrange(10**6)}.{rng.randrange(100):02}"
    return booking(name, rng.choice([*USERS, "nobody"]), when, total, **known)


def _click(rng: random.Random, event: str, visitor: str, when: datetime) -> Row:
    network = rng.choice([None, None, *NETWORKS.values(), "Microsoft"])
    return click(
        event,
        visitor,
        when,
        channel=rng.choice(["Paid Search", "Paid Social", "Email", "Referral"]),
        mkt_medium=rng.choice([None, "cpc", " CPM", "paid_social", "social", "email", "retargeting"]),
        mkt_source=rng.choice([None, "google", "Facebook ", "ig", "tiktok", "x", "bing", "newsletter"]),
        mkt_content=rng.choice([None, None, None, "90071992547409931", "2", "4", "5", "7", "banner"]),
        mkt_campaign=rng.choice([None, "summer", "Sömmer ☀️", "winter", "spring", "other"]),
        click_network=network,
        click_id=network and rng.choice(["G1", "G2", "G9"]),
        gclid=rng.choice([None, None, "G1", "G2"]) if network == "Google" else None,
    )
