"""Performance in the columns of the public dbt package: names, sums and addresses."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ads.adlake import AdLake, alike, at, day, rows_of
from engine.servers import SERVERS_LONG

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.front import Workspace

HEAD = ("source_relation", "date_day", "platform", "account_id", "account_name")
SUMS = ("clicks", "impressions", "spend", "conversions", "conversions_value")
CAMPAIGN = ("campaign_id", "campaign_name")
GROUP = (*CAMPAIGN, "ad_group_id", "ad_group_name")
AD = (*GROUP, "ad_id", "ad_name")
URL = ("base_url", "url_host", "url_path", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# The columns of dbt_ad_reporting 2.3, model by model.
COLUMNS = {
    "account": (*HEAD, *SUMS),
    "campaign": (*HEAD, *CAMPAIGN, *SUMS),
    "ad_group": (*HEAD, *GROUP, *SUMS),
    "ad": (*HEAD, *AD, *SUMS),
    "url": (*HEAD, *AD, *URL, *SUMS),
}
ADDRESSES = {
    "1": (
        "https://www.book.example/a/b?utm_source=google&utm_campaign=S%C3%B6mmer&x=1#top",
        ("https://www.book.example/a/b", "www.book.example", "/a/b", "google", None, "S%C3%B6mmer", None, None),
    ),
    "2": ("book.example", ("book.example", "book.example", None, None, None, None, None, None)),
    "3": (
        "http://book.example?xutm_source=no&utm_content={creative}&utm_term=",
        ("http://book.example", "book.example", None, None, None, None, "{creative}", None),
    ),
    "4": (None, None),
}


def row(level: str, entity: str, number: int, **more: Any) -> dict[str, Any]:
    place = {"account_id": "a", "level": level, "entity_id": entity, "placement": "ALL", "day": day(number)}
    above = {"ad": {"ad_group_id": "g", "campaign_id": "c"}, "ad_group": {"campaign_id": "c"}, "campaign": {}}
    own = {f"{level}_id": entity, **above[level]}
    return {**place, **own, "platform": "google_ads", "currency": "EUR", **more}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AdLake:
    made = AdLake(tmp_path_factory.mktemp("dbt"), "google_ads", "tiktok_ads")
    own = {"account_id": "a", "platform": "google_ads"}
    made.write("google_ads.accounts", at(1), [{**own, "name": "Konto"}])
    names = [{**own, "campaign_id": "c", "name": "old"}, {**own, "campaign_id": "max", "name": "Max"}]
    made.write("google_ads.campaigns", at(1), names)
    made.write("google_ads.campaigns", at(2), [{**own, "campaign_id": "c", "name": "new"}])
    made.write("google_ads.ad_groups", at(1), [{**own, "ad_group_id": "g", "campaign_id": "c", "name": "Group"}])
    ads = [{**own, "ad_id": ad, "name": f"Ad {ad}", "url": url} for ad, (url, _) in ADDRESSES.items()]
    made.write("google_ads.ads", at(1), ads)
    numbers = {"clicks": 2, "impressions": 2**40, "conversions": Decimal("0.333333"), "conversion_value": None}
    rows = [
        row("ad", "1", 0, spend=Decimal("999999999999.999999"), **numbers),
        row("ad", "1", 0, placement="SPOTLIGHT", spend=Decimal("0.000001"), **numbers),
        *(row("ad", ad, 0, spend=Decimal(1)) for ad in ("2", "3", "4")),
        row("ad_group", "followers", 0, spend=Decimal(2)),
        row("campaign", "max", 0, spend=Decimal(5)),
    ]
    made.write("google_ads.performance", at(1), rows)
    # An account that is not listed, as one that was closed long ago.
    other = {"account_id": "t", "platform": "tiktok_ads", "spend": Decimal(7)}
    made.write("tiktok_ads.performance", at(1), [row("ad", "9", 0) | other])
    made.release(at(3))
    return made


def report(ws: Workspace, level: str) -> Any:
    return ws.table(f"dbt_ad_reporting.ad_reporting__{level}_report")


def test_columns_are_those_of_the_package(made: AdLake) -> None:
    assert {level: report(made.open(), level).columns for level in COLUMNS} == COLUMNS


def test_reports_sum_what_belongs_to_each(made: AdLake) -> None:
    ws = made.open()
    found = {level: rows_of(report(ws, level)) for level in COLUMNS}
    spent = {level: [str(row["spend"]) for row in rows] for level, rows in found.items()}
    whole = "1000000000000.000000"
    assert spent["account"] == ["1000000000010.000000", "7.000000"]
    assert sorted(spent["campaign"]) == ["1000000000005.000000", "5.000000", "7.000000"]
    assert sorted(spent["ad_group"]) == ["1000000000003.000000", "2.000000", "7.000000"]
    assert spent["ad"] == [whole, "1.000000", "1.000000", "1.000000", "7.000000"]
    first = found["ad"][0]
    names = ("account_name", "campaign_name", "ad_group_name", "ad_name")
    assert [first[name] for name in names] == ["Konto", "new", "Group", "Ad 1"]
    assert (first["clicks"], first["impressions"]) == (4, 2**41)
    assert (first["conversions"], first["conversions_value"]) == (Decimal("0.666666"), None)
    assert (found["ad"][-1]["account_name"], found["ad"][-1]["ad_name"]) == (None, None)


def test_addresses_are_taken_apart(made: AdLake) -> None:
    found = {row["ad_id"]: tuple(row[name] for name in URL) for row in rows_of(report(made.open(), "url"))}
    assert found == {ad: parts for ad, (_, parts) in ADDRESSES.items() if parts}


@pytest.fixture(params=SERVERS_LONG)
def there(request: pytest.FixtureRequest, made: AdLake, server_url: Callable[[str], str]) -> Workspace:
    return made.open(engine=server_url(request.param))


def test_reports_are_the_same_on_every_engine(made: AdLake, there: Workspace) -> None:
    for level in COLUMNS:
        assert alike(report(there, level), report(made.open(), level)), level
