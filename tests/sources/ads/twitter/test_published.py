"""X's own examples of its answers, as far as others have published them, are read."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workspace.sources.ads.answers import RestartError
from workspace.sources.ads.twitter.days import Stretch, applied, midnight
from workspace.sources.ads.twitter.entities import Tree, account, currency, switched_at
from workspace.sources.ads.twitter.jobs import job_id
from workspace.sources.ads.twitter.stats import Place, Reading, rows


def published(name: str) -> Any:
    folder = os.environ.get("WORKSPACE_CONFORMANCE", "")
    path = Path(folder) / "ads" / "x" / name
    if not folder or not path.exists():
        pytest.skip("no conformance data: set WORKSPACE_CONFORMANCE to their folder")
    return json.loads(path.read_bytes(), parse_float=Decimal)


def test_published_entities_are_read() -> None:
    accounts = [account(each, "USD") for each in published("accounts_all.json")["data"]]
    assert [each.id for each in accounts] == ["2iqph", "pz6ec", "j9ozo", "9ttgd", "47d0v"]
    assert {each.status for each in accounts} == {"enabled"}
    assert account(published("accounts_load.json")["data"], "USD") == accounts[0]
    assert switched_at(published("accounts_load.json")["data"]) == datetime(2014, 11, 17, 8, tzinfo=UTC)
    assert currency(published("funding_instruments_all.json")["data"]) == "USD"
    tree = Tree()
    groups = tree.line_items(published("line_items_all.json")["data"])
    campaigns = tree.campaigns(published("campaigns_all.json")["data"])
    found = tree.promoted_tweets(published("promoted_tweets_all.json")["data"], {})
    assert (len(campaigns), len(groups), len(found)) == (10, 10, 20)
    assert tree.campaigns([published("campaigns_load.json")["data"]]) == campaigns[:1]
    assert (campaigns[0].name, campaigns[0].status, campaigns[1].status) == (
        "Intelligent Granite Computer",
        "enabled",
        "paused",
    )
    assert (campaigns[0].objective, groups[0].campaign_id) == ("CUSTOM", "2wap7")
    assert {each.name for each in found} == {None}  # their tweets were not asked for


def test_a_published_job_has_its_id_twice() -> None:
    jobs = published("analytics_async_get.json")["data"]
    assert [job_id(job) for job in jobs] == ["111111111111111111"]
    assert job_id(published("analytics_async_post.json")["data"]) == "111111111111111111"


def test_published_statistics_are_read() -> None:
    day = date(2019, 1, 1)
    here = ZoneInfo("UTC")
    stretch = Stretch("DAY", midnight(day, here), midnight(date(2019, 1, 2), here), (day,), here)
    places = {name: Place(name, None, None, "USD") for name in ("aaaa", "bbbb")}
    reading = Reading("campaign", places, ("conversion_purchases",), Decimal(1_000_000))
    body = published("analytics_sync_stats.json")
    first, second = rows(body, stretch=stretch, placement="ALL_ON_TWITTER", reading=reading)
    assert (first.impressions, first.clicks, first.link_clicks, first.spend) == (1, 1, None, None)
    assert (second.impressions, second.clicks, second.day) == (2, 2, day)
    assert "null" in first.missing["link_clicks"]
    assert first.missing["spend"] == "X did not answer with it"
    with pytest.raises(RestartError, match="1 slots where 2"):
        list(
            rows(
                body,
                stretch=Stretch("DAY", stretch.start, stretch.end, (day, day), here),
                placement="ALL_ON_TWITTER",
                reading=reading,
            )
        )


def test_published_changes_are_read() -> None:
    found = applied(published("active_entities.json")["data"], ZoneInfo("America/Los_Angeles"))
    assert found == {date(2019, 2, 27), date(2019, 2, 28)}
