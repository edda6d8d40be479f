"""A bakery that advertises: the small world of these pages. `python -i docs/ads/campaigns.py` gives you `ws`."""  # noqa: INP001

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from ibis import _

from workspace import connect
from workspace.demo.ads.book import Account, Ad, Campaign, Claim, Facts, Group, total
from workspace.demo.ads.server import AdServer, Simulation
from workspace.lake import Column, Lake, Watermark, prepare
from workspace.lake.schema import TIMESTAMP
from workspace.settings import load_settings
from workspace.sources import ads, fx

GOOGLE, FACEBOOK = "4100000001", "120000000000000001"
SECRETS = {
    "google_ads": dict.fromkeys(("client_id", "client_secret", "refresh_token", "developer_token"), "secret-of-google"),
    "facebook_ads": {"access_token": "secret-of-facebook"},
}


def at(day: str, hour: int = 0) -> datetime:
    """Give an hour of a day in 2026, in UTC."""
    return datetime.fromisoformat(f"2026-{day}").replace(hour=hour, tzinfo=UTC)


def did(spend: str, *claims: Claim, clicks: int = 10) -> Facts:
    """Say what an ad did on a day."""
    viewed = sum(claim.window == "1d_view" for claim in claims)
    return Facts(
        impressions=100 * clicks,
        clicks=clicks,
        link_clicks=clicks,
        spend=Decimal(spend),
        claims=claims,
        view_through=viewed,
    )


def claim(conversions: str, value: str, window: Any) -> Claim:
    """Say that an ad is claimed to have led to purchases."""
    return Claim(action="purchase", conversions=Decimal(conversions), value=Decimal(value), window=window)


# What each platform says of each day of its ad, and from when on it says it.
TOLD: dict[str, dict[str, dict[datetime, Facts]]] = {
    GOOGLE: {
        "06-01": {
            at("06-02"): did("11.00", clicks=11),
            at("06-05"): did("10.00"),  # one click was a robot's
            at("06-23"): did("10.00", claim("0.4", "36.00", "28d_click")),
        },
        "06-02": {at("06-03"): did("1.00", clicks=1), at("06-05"): Facts()},  # and so was that day's only one
        "06-08": {at("06-09"): did("10.00"), at("06-23"): did("10.00", claim("0.6", "54.00", "28d_click"))},
    },
    FACEBOOK: {
        "06-15": {
            at("06-16"): did("25.00"),
            at("06-17"): did("25.00", claim("1", "75.00", "1d_view")),
            at("06-23"): did("25.00", claim("1", "75.00", "1d_view"), claim("1", "112.50", "7d_click")),
        },
        "06-16": {at("06-17"): did("24.00")},
    },
}
RATES = "Date,USD\n2026-06-16,1.20\n2026-06-15,1.25\n2026-06-12,1.25\n2026-06-05,1.25\n2026-05-29,1.25\n"


class Book:
    """What the platforms know: one account each, with one campaign, one group and one ad."""

    def __init__(self) -> None:
        made: dict[str, Any] = {"created": at("05-20")}
        self._accounts = {
            "google_ads": Account(
                platform="google_ads", id=GOOGLE, name="Bakery", currency="EUR", timezone="Europe/Berlin"
            ),
            "facebook_ads": Account(
                platform="facebook_ads", id=FACEBOOK, name="Bakery US", currency="USD", timezone="America/New_York"
            ),
        }
        self._of = {account.id: self._filled(account, made) for account in self._accounts.values()}

    def _filled(self, account: Account, made: dict[str, Any]) -> tuple[Campaign, Group, Ad]:
        named: dict[str, Any] = {**made, "account_id": account.id, "names": ((at("05-20"), "Cakes"),)}
        renamed = {**named, "names": ((at("05-20"), "Cakes"), (at("06-20"), "Summer cakes"))}
        number = account.id[:4]
        campaign = Campaign(id=f"{number}1", objective="SEARCH", **(renamed if account.id == GOOGLE else named))
        group = Group(id=f"{number}2", campaign_id=campaign.id, **named)
        url = "https://bakery.example/cakes?utm_campaign=cakes"
        return campaign, group, Ad(id=f"{number}3", campaign_id=campaign.id, group_id=group.id, url=url, **named)

    def accounts(self, platform: str) -> list[Account]:
        """Give a platform's accounts."""
        return [self._accounts[platform]]

    def campaigns(self, account_id: str) -> list[Campaign]:
        """Give an account's campaigns."""
        return [self._of[account_id][0]]

    def groups(self, account_id: str) -> list[Group]:
        """Give an account's groups."""
        return [self._of[account_id][1]]

    def ads(self, account_id: str) -> list[Ad]:
        """Give an account's ads."""
        return [self._of[account_id][2]]

    def facts(self, account_id: str, day: date, as_of: datetime) -> list[tuple[Ad, Facts]]:
        """Give what the ad did on a day, as told at a moment."""
        told = TOLD[account_id].get(f"{day:%m-%d}", {})
        known = [facts for since, facts in told.items() if since <= as_of]
        return [(self._of[account_id][2], known[-1])] if known and known[-1] else []

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> list[tuple[Campaign, Facts]]:
        """Give what the campaign did on a day: the same."""
        found = [facts for _ad, facts in self.facts(account_id, day, as_of)]
        return [(self._of[account_id][0], total(found))] if found else []

    def click_views(self, account_id: str, day: date, as_of: datetime) -> list[tuple[str, Ad, datetime]]:
        """Give the clicks that Google tells of."""
        clicked = account_id == GOOGLE and f"{day:%m-%d}" == "06-08" and as_of >= at("06-09")
        return [("Cj0K-cake", self._of[account_id][2], at("06-08", 12))] if clicked else []


# What our own website and shop saw. User 7 clicked four times and then ordered; user 8 just came and ordered.
CLICKS = [
    {"event_id": "e1", "domain_userid": "phone", "clicked_at": at("06-01", 12), "channel": "Paid Search"}
    | {"mkt_source": "google", "mkt_medium": "cpc", "mkt_campaign": "Cakes", "mkt_content": "41003"},
    {"event_id": "e2", "domain_userid": "phone", "clicked_at": at("06-08", 12), "channel": "Paid Search"}
    | {"click_id": "Cj0K-cake", "click_network": "Google", "gclid": "Cj0K-cake"},
    {"event_id": "e3", "domain_userid": "laptop", "clicked_at": at("06-15", 12), "channel": "Paid Social"}
    | {"mkt_source": "facebook", "mkt_medium": "paid_social", "mkt_campaign": "Cakes"},
    {"event_id": "e4", "domain_userid": "laptop", "clicked_at": at("06-22", 12), "channel": "Email"}
    | {"mkt_source": "newsletter", "mkt_medium": "email"},
]
LOGINS = [
    {"domain_userid": "phone", "user_id": "7", "valid": at("06-03")},
    {"domain_userid": "laptop", "user_id": "7", "valid": at("06-15")},
]
ORDERS = [
    {"id": "1", "user_id": "8", "created_at": at("06-16", 9), "total_amount": Decimal("60.00")},
    {"id": "2", "user_id": "7", "created_at": at("06-22", 12), "total_amount": Decimal("90.00")},
]
COLUMNS = {
    "marketing.touchpoints": "event_id! domain_userid* clicked_at:at channel mkt_medium mkt_source mkt_content "
    "mkt_campaign click_id* click_network gclid*",
    "clickstream.identities": "domain_userid!* user_id*",
    "inventory_db.bookings": "id! user_id status created_at:at total_amount:money discount_amount:money currency",
}
KINDS = {"": pa.string(), "at": TIMESTAMP, "money": pa.decimal128(18, 2)}


def describe(text: str) -> list[Column]:
    """Give columns: `name`, with `!` of the key, `*` personal, and `:kind` if it is no text."""
    found = []
    for word in text.split():
        name, kind = word.partition(":")[::2]
        more: dict[str, Any] = {"source_type": kind or "text", "key": int("!" in name), "personal": "*" in name}
        found.append(Column(name=name.rstrip("!*"), type=KINDS[kind], **more))
    return found


def write(table: str, rows: list[dict[str, Any]]) -> None:
    """Write rows by hand, as the databases and the clickstream bring them."""
    log = lake.define(table, describe(COLUMNS[table]))
    told = [
        {"_op": "I", "_position": 1, "_seq": number, "_xid": 1, "_valid_at": valid, "_recorded_at": valid, **row}
        for number, row in enumerate(rows, 1)
        for valid in [row.pop("valid", at("06-01"))]
    ]
    log.append(pa.Table.from_pylist(told, schema=log.schema), position=1)
    moment: dict[str, Any] = {"reached": END, "recorded_at": END, "run": "bakery", "cut_by": "recorded"}
    lake.advance(Watermark(source=table.partition(".")[0], position=1, clock=None, **moment))


SETTINGS = """
[workspace]
clock = 2026-07-20T00:00:00Z

[sources.fx]
kind = "fx"
location = "rates.csv"

[sources.google_ads]
kind = "ads"
platform = "google_ads"
since = 2026-06-01
url = "$BAKERY_ADS"
credentials.client_id = "$BAKERY_GOOGLE_ADS"
credentials.client_secret = "$BAKERY_GOOGLE_ADS"
credentials.refresh_token = "$BAKERY_GOOGLE_ADS"
credentials.developer_token = "$BAKERY_GOOGLE_ADS"

[sources.facebook_ads]
kind = "ads"
platform = "facebook_ads"
since = 2026-06-15
url = "$BAKERY_ADS"
credentials.access_token = "$BAKERY_FACEBOOK_ADS"
"""
END = at("07-20")
RUNS = {"google_ads": ("06-03", "06-05", "06-09", "06-23"), "facebook_ads": ("06-17", "06-23")}

home = Path(tempfile.mkdtemp(prefix="campaigns-"))
atexit.register(shutil.rmtree, home)
(home / "workspace.toml").write_text(SETTINGS)
(home / "rates.csv").write_text(RATES)
settings = load_settings(home)
lake = Lake(settings.lake)
server = AdServer(Simulation(Book(), END, credentials=SECRETS))
os.environ |= {"BAKERY_ADS": server.url}
os.environ |= {f"BAKERY_{platform}".upper(): next(iter(told.values())) for platform, told in SECRETS.items()}
runs = {}
for name, days in RUNS.items():
    for day in days:
        server.sim.now = now = at(day, 6)
        runs[name, day] = ads.ingest(settings.source(name), lake, run="bakery", as_of=now, now=now)
server.close()
fx.ingest(settings.source("fx"), lake, run="bakery", as_of=END, now=END)
write("marketing.touchpoints", CLICKS)
write("clickstream.identities", LOGINS)
told = {"status": "confirmed", "discount_amount": Decimal("0.00"), "currency": "EUR"}
write("inventory_db.bookings", [order | told for order in ORDERS])
sources = (*settings.sources, "marketing", "clickstream", "inventory_db")
prepare(lake, run="bakery", as_of=END, required=dict.fromkeys(sources, False), now=END)
ws = connect(candidate="bakery", settings=settings)
m = ws.metrics


def of(platform: str) -> Any:
    """Choose a platform's rows."""
    return _.platform == platform


def show(table: Any, *columns: str) -> None:
    """Print some columns of a table, in the order of the first three."""
    rows = table.select(*columns).order_by(columns[:3]).to_pandas()
    print(rows.map(_written).to_string(index=False))  # noqa: T201 - this is what the pages show


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime) and value.tzinfo:
        return "-" if value.year == 9999 else f"{value:%m-%d %H:%M}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return "-" if pd.isna(value) else value
