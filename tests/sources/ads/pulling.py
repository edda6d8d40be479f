"""Reading the demo's advertising platforms into a lake, as a run does, and what the lake then holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS
from workspace.lake import Lake
from workspace.settings import AdsSource
from workspace.sources.ads import ingest
from workspace.sources.ads.tables import shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adserver import Ads
    from workspace.sources import Ingested

SINCE = date(2026, 10, 20)
"""Where most tests begin to read: 17 days before the virtual clock, the end of summer time among them."""

URL = "TEST_ADS_URL"


def describe(platform: str, url: str, since: date = SINCE, **more: Any) -> AdsSource:
    """Describe a platform of the server at an address, its credentials in the environment."""
    os.environ[URL] = url
    named = {}
    for name, value in CREDENTIALS[platform].items():
        variable = f"TEST_{platform}_{name}".upper()
        os.environ[variable] = value
        named[name] = f"${variable}"
    return AdsSource(name=platform, platform=platform, credentials=named, since=since, url=f"${URL}", **more)  # type: ignore[arg-type]


@dataclass
class Home:
    """A lake, and one platform that is read into it."""

    root: Path
    ads: Ads
    platform: str
    since: date = SINCE

    def __post_init__(self) -> None:
        self.source = describe(self.platform, self.ads.url, self.since)

    @property
    def lake(self) -> Lake:
        return Lake(str(self.root))

    def pull(self, now: datetime | None = None, **changed: Any) -> Ingested:
        """Read the platform at a virtual time."""
        if now is not None:
            self.ads.clock(now)
        source = describe(self.platform, self.ads.url, self.since, **changed) if changed else self.source
        at = self.ads.sim.now
        return ingest(source, self.lake, run=f"run {at}", as_of=at, now=at)

    def rows(self, table: str, *, live: bool = True) -> list[dict[str, Any]]:
        """Give a table's live rows, or every row of its log."""
        log = self.lake.log(f"{self.platform}.{table}")
        if live:
            rows: list[dict[str, Any]] = log.live().read_all().select(shape(table).names).to_pylist()
            return rows
        from workspace.lake import delta

        whole = delta.read(log._table).sort_by([("_position", "ascending"), ("_seq", "ascending")])
        every: list[dict[str, Any]] = whole.to_pylist()
        return every

    def busy(self) -> list[str]:
        """Give the accounts that have something to tell."""
        return [each.id for each in self.ads.book.accounts(self.platform) if self.ads.book.campaigns(each.id)]

    def days(self) -> Iterator[date]:
        """Give the days from the first to the virtual today, wherever that is furthest ahead."""
        last = (self.ads.sim.now + timedelta(hours=14)).date()
        return (self.since + timedelta(days=number) for number in range((last - self.since).days + 1))

    def told(self) -> dict[tuple[str, str, date], tuple[Decimal, int, int, Decimal, Decimal]]:
        """Work out from the book what the lake must hold: by account, ad or hidden campaign, and day."""
        found = {}
        for account in self.busy():
            for day in self.days():
                book = self.ads.sim.book
                shown = [(ad.id, facts) for ad, facts in book.facts(account, day, self.ads.sim.now)]
                totals = book.campaign_facts(account, day, self.ads.sim.now)
                shown += [(campaign.id, facts) for campaign, facts in totals if campaign.ads_hidden]
                for entity, facts in shown:
                    count, value = self.ads.counted(self.platform, facts)
                    found[account, entity, day] = (facts.spend, facts.impressions, facts.clicks, count, value)
        return found

    def held(self) -> dict[tuple[str, str, date], tuple[Decimal, int, int, Decimal, Decimal]]:
        """Give the same of the lake, placements summed."""
        found: dict[tuple[str, str, date], tuple[Decimal, int, int, Decimal, Decimal]] = {}
        for row in self.rows("performance"):
            key = (row["account_id"], row["entity_id"], row["day"])
            before = found.get(key, (Decimal(), 0, 0, Decimal(), Decimal()))
            names = ("spend", "impressions", "clicks", "conversions", "conversion_value")
            spend, impressions, clicks, count, value = (row[name] or 0 for name in names)
            more = (
                before[0] + spend,
                before[1] + impressions,
                before[2] + clicks,
                before[3] + count,
                before[4] + value,
            )
            found[key] = more
        return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
