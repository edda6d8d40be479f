"""X's statistics in the demo: slots, nulls, what may be asked, and what changed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from adserver import NOW
from demo.ads.signed import DAY, UK, US, ask, asked, at, refused, stats, summed
from workspace.demo.ads.book import total

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.demo.ads.book import Facts


def test_a_day_is_the_book_over_its_placements(ads: Ads) -> None:
    told = [stats(ads, placement=placement) for placement in ("ALL_ON_TWITTER", "SPOTLIGHT", "TREND")]
    expected = ads.expected(US, DAY)
    assert any(at(each, "impressions") for each in told[1].values())
    for ad in ads.book.ads(US):
        by_placement = [metrics[ad.id] for metrics in told]
        facts: Facts = expected.get(ad.id, total([]))
        assert summed(by_placement, "impressions") == facts.impressions
        assert summed(by_placement, "clicks") == facts.clicks
        assert summed(by_placement, "url_clicks") == facts.link_clicks
        assert summed(by_placement, "billed_charge_local_micro") == facts.spend * 10**6
        purchases = [claim for claim in facts.claims if claim.action == "purchase"]
        for part, windows in (("post_view", {"1d_view"}), ("post_engagement", {"1d_click", "7d_click", "28d_click"})):
            count = sum(claim.conversions for claim in purchases if claim.window in windows)
            assert summed(by_placement, f"conversion_purchases.{part}") == count
        value = sum(claim.value for claim in purchases) * 10**6
        assert summed(by_placement, "conversion_purchases.sale_amount") == value


def test_null_is_what_was_not_served(ads: Ads) -> None:
    expected = ads.expected(US, DAY)
    silent = {ad.id for ad in ads.book.ads(US)} - expected.keys()
    assert silent
    for each, metrics in stats(ads).items():
        assert (metrics["impressions"] is None) == (each in silent)
        assert metrics["retweets"] is None
        assert metrics["conversion_purchases"].keys() == {
            "post_view",
            "post_engagement",
            "assisted",
            "order_quantity",
            "sale_amount",
            "metric",
        }
        assert (metrics["conversion_purchases"]["metric"] is None) == (each in silent)


def test_slots_are_as_many_as_were_asked_for(ads: Ads) -> None:
    for granularity, count in (("TOTAL", 1), ("DAY", 2), ("HOUR", 48)):
        query = asked(ads, date(2026, 11, 2), DAY, granularity=granularity)
        body = ask(ads, f"stats/accounts/{US}", **query)
        assert body["time_series_length"] == count
        lengths = {
            len(metrics[name])
            for each in body["data"]
            for metrics in [each["id_data"][0]["metrics"]]
            for name in ("impressions", "billed_charge_local_micro")
            if metrics[name] is not None
        }
        assert lengths == {count}
        assert body["request"]["params"]["entity_ids"] == query["entity_ids"].split(",")


def test_hours_days_and_the_total_agree(ads: Ads) -> None:
    sums = []
    for granularity in ("TOTAL", "DAY", "HOUR"):
        told = stats(ads, first=date(2026, 11, 2), granularity=granularity)
        sums.append(
            [
                sum(value or 0 for metrics in told.values() for value in metrics[name] or [])
                for name in ("impressions", "billed_charge_local_micro")
            ]
        )
    assert sums[0] == sums[1] == sums[2]


def test_levels_agree(ads: Ads) -> None:
    ids = {
        "CAMPAIGN": [each.id for each in ads.book.campaigns(US)],
        "LINE_ITEM": [each.id for each in ads.book.groups(US)],
        "ACCOUNT": [US],
        "FUNDING_INSTRUMENT": [ask(ads, f"accounts/{US}/funding_instruments")["data"][0]["id"]],
    }
    whole = summed(stats(ads).values(), "billed_charge_local_micro")
    for entity, some in ids.items():
        told = stats(ads, entity=entity, entity_ids=",".join(some))
        assert summed(told.values(), "billed_charge_local_micro") == whole


def test_days_are_cut_by_todays_offset(ads: Ads) -> None:
    """On 25 October London's day had 25 hours; X gives the 24 from the midnight that it would have today."""
    ids = ",".join(ad.id for ad in ads.book.ads(UK))
    whole = sum(facts.impressions for facts in ads.expected(UK, date(2026, 10, 25)).values())
    found = {}
    for name, start, end in (
        ("slot", "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z"),
        ("day", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z"),
    ):
        query = asked(ads, entity_ids=ids, start_time=start, end_time=end, granularity="HOUR")
        query["granularity"] = "DAY" if name == "slot" else "HOUR"
        bodies = [
            ask(ads, f"stats/accounts/{UK}", **{**query, "placement": placement})
            for placement in ("ALL_ON_TWITTER", "SPOTLIGHT")
        ]
        found[name] = sum(
            value or 0
            for body in bodies
            for each in body["data"]
            for value in each["id_data"][0]["metrics"]["impressions"] or []
        )
    assert found["day"] == whole
    assert 0 < whole - found["slot"] < whole / 10
    wrong = asked(ads, entity_ids=ids, start_time="2026-10-23T23:00:00Z", end_time="2026-10-24T23:00:00Z")
    assert refused(ads, f"stats/accounts/{UK}", **wrong) == (400, "INVALID_PARAMETER", "start_time")


def test_a_day_alone_is_the_accounts(ads: Ads) -> None:
    assert stats(ads, start_time=str(DAY), end_time="2026-11-04") == stats(ads)


@pytest.mark.parametrize(
    ("changes", "code", "parameter"),
    [
        ({"entity_ids": ",".join(str(number) for number in range(21))}, "INVALID_PARAMETER", "entity_ids"),
        ({"entity_ids": "nothing"}, "PROMOTED_TWEET_NOT_FOUND", "entity_ids"),
        ({"entity_ids": ""}, "MISSING_PARAMETER", "entity_ids"),
        ({"placement": "ALL_ON_TWITTER,TREND"}, "INVALID_PARAMETER", "placement"),
        ({"granularity": "WEEK"}, "INVALID_PARAMETER", "granularity"),
        ({"entity": "TWEET"}, "INVALID_PARAMETER", "entity"),
        ({"metric_groups": "EVERYTHING"}, "INVALID_PARAMETER", "metric_groups"),
        ({"metric_groups": "MOBILE_CONVERSION,BILLING"}, "INVALID_PARAMETER", "metric_groups"),
        ({"start_time": "yesterday"}, "INVALID_PARAMETER", "start_time"),
        ({"start_time": "2026-11-03T08:30:00Z"}, "INVALID_PARAMETER", "start_time"),
        ({"start_time": "2026-11-03T07:00:00Z"}, "INVALID_PARAMETER", "start_time"),
        ({"end_time": "2026-11-04T00:00:00Z"}, "INVALID_PARAMETER", "end_time"),
        ({"end_time": "2026-11-03T08:00:00Z"}, "INVALID_PARAMETER", "end_time"),
        ({"start_time": "2026-10-27T08:00:00Z"}, "INVALID_TIME_WINDOW", ""),
        ({"platform": "0"}, "INVALID_PARAMETER", "platform"),
    ],
)
def test_what_may_not_be_asked(ads: Ads, changes: dict[str, Any], code: str, parameter: str) -> None:
    assert refused(ads, f"stats/accounts/{US}", **asked(ads, **changes))[1:] == (code, parameter)


def test_a_switch_of_the_zone_leaves_a_gap(ads: Ads) -> None:
    switched = datetime(2026, 11, 3, tzinfo=ZoneInfo("Europe/London"))
    ads.control("POST", "knobs", {"twitter_timezone_switch_at": {UK: switched.isoformat()}})
    assert ask(ads, f"accounts/{UK}")["data"]["timezone_switch_at"] == "2026-11-03T00:00:00Z"
    ids = ",".join(ad.id for ad in ads.book.ads(UK))
    query = asked(ads, entity_ids=ids, start_time="2026-11-02T00:00:00Z", end_time="2026-11-04T00:00:00Z")
    body = ask(ads, f"stats/accounts/{UK}", **{**query, "granularity": "HOUR"})
    served = {
        hour
        for each in body["data"]
        for hour, value in enumerate(each["id_data"][0]["metrics"]["impressions"] or [])
        if value is not None
    }
    assert served == {*range(8), *range(24, 48)}  # nothing from Los Angeles' last midnight to London's first


# What changed


def test_changes_are_told_by_the_hours_they_were_recorded_in(ads: Ads) -> None:
    ad, day = ads.book.ads(US)[1].id, date(2026, 9, 20)
    ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": {"spend": "-0.5"}})
    ads.clock(NOW + timedelta(hours=4))
    query = {"entity": "PROMOTED_TWEET", "start_time": "2026-11-05T11:00:00Z", "end_time": "2026-11-05T13:00:00Z"}
    found = {each["entity_id"]: each for each in ask(ads, f"stats/accounts/{US}/active_entities", **query)["data"]}
    assert found[ad]["activity_start_time"] == "2026-09-20T07:00:00Z"
    assert found[ad]["placements"]
    later = query | {"start_time": "2026-11-05T13:00:00Z", "end_time": "2026-11-05T14:00:00Z"}
    others = {e["entity_id"]: e for e in ask(ads, f"stats/accounts/{US}/active_entities", **later)["data"]}
    assert others.get(ad, {"activity_start_time": "2026-11"})["activity_start_time"] > "2026-10"
    campaign = ads.book.ads(US)[1].campaign_id
    above = ask(ads, f"stats/accounts/{US}/active_entities", **query | {"entity": "CAMPAIGN"})["data"]
    assert campaign in {each["entity_id"] for each in above}
    narrowed = ask(ads, f"stats/accounts/{US}/active_entities", **query, campaign_ids=campaign)["data"]
    mine = {each.id for each in ads.book.ads(US) if each.campaign_id == campaign}
    assert {each["entity_id"] for each in narrowed} <= mine
    too_long = query | {"start_time": "2026-08-01T00:00:00Z"}
    assert refused(ads, f"stats/accounts/{US}/active_entities", **too_long)[1] == "INVALID_TIME_WINDOW"
