"""X's slots as the account's days: summer time, a change of the zone, and who is asked how."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from sources.ads.twitter.pulls import JOBS, RESULTS, UK, US, book, of, read, summed
from workspace.errors import DeferredError
from workspace.sources.ads.answers import RestartError, TooLargeError
from workspace.sources.ads.twitter.days import midnight, stretches

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.sources.ads.twitter import Twitter


@pytest.mark.parametrize(
    ("account_id", "now", "first"),
    [
        pytest.param(UK, datetime(2027, 4, 6, 12, tzinfo=UTC), date(2027, 3, 24), id="23 hours"),
        pytest.param(US, datetime(2026, 11, 1, 19, tzinfo=UTC), date(2026, 10, 22), id="today"),
        pytest.param(US, datetime(2026, 10, 31, 12, tzinfo=UTC), date(2026, 10, 22), id="the day before"),
        pytest.param(UK, datetime(2026, 10, 26, 0, 30, tzinfo=UTC), date(2026, 10, 24), id="the day after"),
    ],
)
def test_days_of_23_and_25_hours(ads: Ads, twitter: Twitter, account_id: str, now: datetime, first: date) -> None:
    ads.clock(now)
    last = now.astimezone(ZoneInfo(of(twitter, account_id).timezone)).date()
    assert summed(read(twitter, account_id, first=first, last=last)) == book(ads, account_id, first, last)


def test_slots_by_todays_offset_are_not_the_days_before_a_change(ads: Ads, twitter: Twitter) -> None:
    """The trap: X answers without a complaint, and every figure is that of another hour."""
    day = date(2026, 10, 30)
    of(twitter)
    query = {
        "entity": "PROMOTED_TWEET",
        "entity_ids": ",".join(ad.id for ad in ads.book.ads(US)),
        "start_time": "2026-10-30T08:00:00Z",
        "end_time": "2026-10-31T08:00:00Z",
        "granularity": "DAY",
        "placement": "ALL_ON_TWITTER",
        "metric_groups": "ENGAGEMENT,BILLING,WEB_CONVERSION",
    }
    body = twitter._ask("GET", f"stats/accounts/{US}", query, rate="analytics").data
    naive = sum((each["id_data"][0]["metrics"]["impressions"] or [0])[0] or 0 for each in body["data"])
    rightly = sum(
        row.impressions or 0 for row in read(twitter, first=day, last=day) if row.placement == "ALL_ON_TWITTER"
    )
    assert naive != rightly
    assert summed(read(twitter, first=day, last=day)) == book(ads, US, day, day)


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("Europe/Berlin", datetime(2026, 11, 20, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 20, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 11, 20, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 11, 20, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 11, 20, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 11, 20, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_every_day_is_asked_for_once_and_whole(zone: str, now: datetime) -> None:
    here = ZoneInfo(zone)
    last = now.astimezone(here).date()
    first = last - timedelta(days=89)
    found = list(stretches(here, first, last, now))
    assert [day for each in found for day in dict.fromkeys(each.days)] == [
        first + timedelta(days=number) for number in range(90)
    ]
    offset = now.astimezone(here).utcoffset() or timedelta()
    for each in found:
        assert each.start == midnight(each.days[0], here)
        assert each.end == midnight(each.days[-1] + timedelta(days=1), here)
        if each.granularity == "DAY":
            assert each.end - each.start == len(each.days) * timedelta(days=1)
            assert {(each.start + offset).hour, (each.end + offset).hour} == {0}
        assert len(each.days) == -((each.start - each.end) // timedelta(hours=24 if each.granularity == "DAY" else 1))


def test_the_day_of_a_new_time_zone_lacks_hours(ads: Ads, twitter: Twitter) -> None:
    switched = midnight(date(2026, 11, 3), ZoneInfo("Europe/London"))
    ads.control("POST", "knobs", {"twitter_timezone_switch_at": {UK: switched.isoformat()}})
    found = read(twitter, UK, first=date(2026, 11, 1), last=date(2026, 11, 4))
    short = [row for row in found if row.missing]
    assert {row.day for row in short} == {date(2026, 11, 2)}
    assert all("lacks hours" in row.missing["day"] for row in short)
    whole, expected = summed(found), book(ads, UK, date(2026, 11, 1))
    assert {key: row for key, row in whole.items() if key[1] != date(2026, 11, 2)} == {
        key: row for key, row in expected.items() if key[1] != date(2026, 11, 2)
    }
    day = [key for key in expected if key[1] == date(2026, 11, 2)]
    assert sum(whole[key][1] for key in day if key in whole) < sum(expected[key][1] for key in day)


def test_little_is_asked_for_at_once_and_much_by_jobs(ads: Ads, twitter: Twitter) -> None:
    assert summed(read(twitter, first=date(2026, 11, 2))) == book(ads, US, date(2026, 11, 2))
    assert not [call for call in ads.calls("twitter_ads") if "/jobs/" in call["path"]]
    read(twitter, first=date(2026, 10, 1), last=date(2026, 10, 20))
    assert len([call for call in ads.calls("twitter_ads") if call["method"] == "POST"]) == 3  # one a placement


def test_seven_days_of_which_one_is_longer_are_too_much_at_once(ads: Ads, twitter: Twitter) -> None:
    first, last = date(2026, 10, 20), date(2026, 10, 26)
    assert summed(read(twitter, UK, first=first, last=last)) == book(ads, UK, first, last)
    assert {call["status"] for call in ads.calls("twitter_ads")} <= {200, 403}  # of the closed account


def test_no_more_jobs_than_may_run_are_put_to_work(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.control("POST", "knobs", {"twitter_jobs_at_once": 2, "twitter_job_polls": 2})
    assert summed(read(twitter)) == book(ads, US)
    calls = [call for call in ads.calls("twitter_ads") if "/jobs/" in call["path"]]
    assert {call["status"] for call in calls} == {200}
    assert len([call for call in calls if call["method"] == "POST"]) == 6
    assert waits


def test_slow_jobs_are_waited_for(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.control("POST", "knobs", {"twitter_job_seconds": 600})
    assert summed(read(twitter)) == book(ads, US)
    assert 600 <= sum(waits) < 700


def test_a_job_that_is_stuck_puts_the_source_off(ads: Ads, twitter: Twitter) -> None:
    ads.fault("job_stuck", "twitter_ads", path=JOBS, method="POST")
    with pytest.raises(DeferredError, match="1 statistics jobs make no progress") as raised:
        read(twitter)
    assert raised.value.until > datetime.now(UTC)
    assert summed(read(twitter)) == book(ads, US)


def test_a_job_that_fails_again_and_again_is_too_large(ads: Ads, twitter: Twitter) -> None:
    ads.fault("job_failed", "twitter_ads", path=JOBS, method="POST", times=40)
    with pytest.raises(TooLargeError, match="ended as FAILED, 3 times"):
        read(twitter)


def test_a_result_that_is_gone_is_asked_for_anew(ads: Ads, twitter: Twitter) -> None:
    ads.fault("result_expired", "twitter_ads", path=RESULTS)
    with pytest.raises(RestartError, match="cannot be fetched"):
        read(twitter)
    assert summed(read(twitter)) == book(ads, US)


def test_results_need_no_signature(ads: Ads, twitter: Twitter) -> None:
    read(twitter)
    path = next(call["path"] for call in ads.calls("twitter_ads") if call["path"].startswith("/ton/"))
    content = ads.client.get(path).content
    assert content[:2] == b"\x1f\x8b"
