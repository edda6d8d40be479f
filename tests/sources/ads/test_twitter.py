"""X as it is read: over HTTP, from the demo's server, with all that goes wrong there."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from adserver import CREDENTIALS, DELETED, NOW, RENAMED
from sources.ads.pulling import describe
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, TooLargeError
from workspace.sources.ads.twitter import Twitter, open_twitter
from workspace.sources.ads.twitter_days import Stretch, midnight, stretches
from workspace.sources.ads.twitter_entities import Tree, account, currency, switched_at
from workspace.sources.ads.twitter_jobs import job_id
from workspace.sources.ads.twitter_stats import Place, Reading, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adserver import Ads
    from workspace.demo.ads.book import Facts
    from workspace.sources.ads.adapter import Account, Level, Performance

US, UK, EMPTY, DISABLED = (f"18ce000{number}" for number in range(1, 5))
FIRST, LAST = date(2026, 10, 16), date(2026, 11, 4)
"""Three weeks with the end of summer time in both zones: on 25 October in London, on 1 November in Los Angeles."""
ENTITIES, JOBS, RESULTS = r"/campaigns|/line_items|/promoted_tweets", "/stats/jobs/", "^/ton/"
SECRETS = CREDENTIALS["twitter_ads"]


@pytest.fixture
def opened(ads: Ads) -> Iterator[Callable[..., Twitter]]:
    made = []

    def make(credentials: dict[str, str] = SECRETS, **settings: Any) -> Twitter:
        made.append(open_twitter(describe("twitter_ads", ads.url, FIRST, **settings), credentials))
        return made[-1]

    yield make
    for each in made:
        each.http.close()


@pytest.fixture
def twitter(opened: Callable[..., Twitter]) -> Twitter:
    return opened()


def of(twitter: Twitter, account_id: str = US) -> Account:
    return next(each for each in twitter.accounts() if each.id == account_id)


def read(twitter: Twitter, account_id: str = US, *, level: Level = "ad", **days: date) -> list[Performance]:
    whose, first, last = of(twitter, account_id), days.get("first", FIRST), days.get("last", LAST)
    found = [row for page in twitter.performance(whose, first, last, level) for row in page]
    assert len({(row.entity_id, row.placement, row.day) for row in found}) == len(found)
    return found


def actions(facts: Facts) -> dict[str, tuple[Decimal, Decimal]]:
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for claim in facts.claims:
        name = {"purchase": "conversion_purchases", "add_to_cart": "conversion_add_to_carts"}[claim.action]
        count, value = found.get(name, (Decimal(), Decimal()))
        found[name] = count + claim.conversions, value + claim.value
    return found


def told(facts: Facts) -> tuple[Any, ...]:
    views = sum((c.conversions for c in facts.claims if c.action == "purchase" and c.window == "1d_view"), Decimal())
    count, value = actions(facts).get("conversion_purchases", (Decimal(), Decimal()))
    figures = facts.spend, facts.impressions, facts.clicks, facts.link_clicks, count, value, views
    return *figures, actions(facts)


def summed(found: list[Performance]) -> dict[tuple[str, date], tuple[Any, ...]]:
    """Sum placements, as the book has none."""
    by_day = defaultdict(list)
    for row in found:
        by_day[row.entity_id, row.day].append(row)
    return {key: _sum(some) for key, some in by_day.items()}


def _sum(some: list[Performance]) -> tuple[Any, ...]:
    names = ["spend", "impressions", "clicks", "link_clicks"]
    names += ["conversions", "conversion_value", "view_through_conversions"]
    claimed: dict[str, tuple[Decimal, Decimal]] = {}
    for action in (action for row in some for action in row.actions):
        count, value = claimed.get(action.name, (Decimal(), Decimal()))
        claimed[action.name] = count + (action.conversions or 0), value + (action.value or 0)
    return *(sum(getattr(row, name) for row in some) for name in names), claimed


def book(ads: Ads, account_id: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], tuple[Any, ...]]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        (entity, day): told(facts)
        for day in days
        for entity, facts in ads.expected(account_id, day, ads.sim.now).items()
    }


def granularities(ads: Ads) -> set[str]:
    return {call["query"]["granularity"] for call in ads.calls("twitter_ads") if "granularity" in call["query"]}


@pytest.mark.parametrize("account_id", [US, UK])
@pytest.mark.parametrize("knobs", [{}, {"page": 2}, {"twitter_job_polls": 3, "twitter_double_id": True}])
def test_a_clean_pull_is_the_book_exactly(ads: Ads, twitter: Twitter, account_id: str, knobs: dict[str, Any]) -> None:
    ads.control("POST", "knobs", knobs)
    found = read(twitter, account_id)
    assert summed(found) == book(ads, account_id)
    assert {row.placement for row in found} == {"ALL_ON_TWITTER", "SPOTLIGHT"}
    assert not any(row.missing for row in found)
    assert granularities(ads) == {"DAY", "HOUR"}


@pytest.mark.parametrize("account_id", [US, UK])
def test_totals_of_campaigns_are_the_book_exactly(ads: Ads, twitter: Twitter, account_id: str) -> None:
    found = summed(read(twitter, account_id, level="campaign"))
    expected = {
        (campaign.id, day): told(facts)
        for day in sorted({day for _, day in book(ads, account_id)})
        for campaign, facts in ads.sim.book.campaign_facts(account_id, day, ads.sim.now)
    }
    assert found == expected


def test_rows_say_where_they_belong(twitter: Twitter, ads: Ads) -> None:
    parents = {ad.id: (ad.campaign_id, ad.group_id) for ad in ads.book.ads(US)}
    for row in read(twitter):
        assert (row.campaign_id, row.ad_group_id) == parents[str(row.ad_id)]
        assert (row.level, row.currency, row.attribution) == ("ad", "USD", "post_engagement+post_view")
    for row in read(twitter, level="campaign"):
        assert (row.level, row.ad_group_id, row.ad_id, row.entity_id) == ("campaign", None, None, row.campaign_id)


@pytest.mark.parametrize("page", [None, 3])
def test_entities_are_told_with_those_that_are_deleted(ads: Ads, twitter: Twitter, page: int | None) -> None:
    ads.control("POST", "knobs", {"page": page})
    found = {each.id: each for some in twitter.entities(of(twitter)) for each in some}
    assert len(found) == 3 + 6 + 12
    for level, expected in (
        ("campaign", ads.book.campaigns(US)),
        ("ad_group", ads.book.groups(US)),
        ("ad", ads.book.ads(US)),
    ):
        for each in expected:
            entity = found[each.id]
            assert (entity.level, entity.name) == (level, each.name(NOW))
            assert entity.status == each.status(NOW)
    renamed, paused, deleted = ads.book.campaigns(US)
    assert found[renamed.id].name == renamed.names[1][1]
    assert found[renamed.id].objective == "WEBSITE_CLICKS"
    assert (found[paused.id].status, found[deleted.id].status) == ("paused", "deleted")
    for ad in ads.book.ads(US):
        assert found[ad.id].url == ad.url
        assert (found[ad.id].campaign_id, found[ad.id].ad_group_id) == (ad.campaign_id, ad.group_id)


def test_a_renamed_and_a_revived_campaign_are_told_as_they_are(ads: Ads, twitter: Twitter) -> None:
    campaign = ads.book.campaigns(US)[2]
    for name, status in (('a "b", ,\u200f\u05d0\x00\n', "enabled"), ("é" * 255, "paused")):
        ads.control("POST", "entity", {"id": campaign.id, "name": name, "status": status})
        found = {each.id: each for some in twitter.entities(of(twitter)) for each in some}
        assert (found[campaign.id].name, found[campaign.id].status) == (name, status)


def test_accounts_have_the_currency_of_what_funds_them(ads: Ads, twitter: Twitter) -> None:
    found = {each.id: each for each in twitter.accounts()}
    assert [found[each].currency for each in (US, UK, EMPTY, DISABLED)] == ["USD", "GBP", "JPY", "XXX"]
    assert [found[each].open for each in (US, UK, EMPTY, DISABLED)] == [True, True, True, False]
    assert (found[US].timezone, found[US].status, found[DISABLED].status) == (
        "America/Los_Angeles",
        "enabled",
        "cancelled",
    )


def test_accounts_are_asked_for_once(ads: Ads, twitter: Twitter) -> None:
    for _ in range(8):
        twitter.accounts()
    read(twitter)
    read(twitter, UK)
    assert [call["path"] for call in ads.calls("twitter_ads")].count("/12/accounts") == 1


def test_only_the_chosen_accounts_are_told(opened: Callable[..., Twitter]) -> None:
    assert [each.id for each in opened(accounts=(UK,)).accounts()] == [UK]


def test_an_account_without_money_has_no_currency_and_no_rows(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_unfunded": [EMPTY]})
    assert of(twitter, EMPTY).currency == "XXX"
    assert read(twitter, EMPTY) == []
    assert list(twitter.entities(of(twitter, EMPTY))) == [[], [], []]


def test_an_account_that_is_closed_is_refused(twitter: Twitter) -> None:
    with pytest.raises(AccountRefusedError, match="ACCOUNT_LOCKED_OUT"):
        read(twitter, DISABLED)


def test_yen_are_micros_too(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "account", {"id": US, "currency": "JPY"})
    found = read(twitter, first=date(2026, 11, 2))
    assert {row.currency for row in found} == {of(twitter).currency} == {"JPY"}
    assert summed(found) == book(ads, US, date(2026, 11, 2))


# Days and slots


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


# Jobs, or at once


def test_little_is_asked_for_at_once_and_much_by_jobs(ads: Ads, twitter: Twitter) -> None:
    assert summed(read(twitter, first=date(2026, 11, 2))) == book(ads, US, date(2026, 11, 2))
    assert not [call for call in ads.calls("twitter_ads") if "/jobs/" in call["path"]]
    read(twitter, first=date(2026, 10, 1), last=date(2026, 10, 20))
    assert len([call for call in ads.calls("twitter_ads") if call["method"] == "POST"]) == 3  # one a placement


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


# What goes wrong

BREAKS = ["reset_before", "reset_mid", "short", "truncate", "html", "empty", "gzip_corrupt"]
HARMLESS = ["bom", "charset", "duplicate_key"]


@pytest.mark.parametrize("kind", [*BREAKS, *HARMLESS, "refuse"])
@pytest.mark.parametrize("path", [r"/accounts$", ENTITIES, JOBS, RESULTS, "active_entities"])
def test_a_broken_answer_changes_nothing(
    ads: Ads, opened: Callable[..., Twitter], kind: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = NOW - timedelta(hours=30)
    clean = opened()
    expected = read(clean), clean.touched(of(clean), since, NOW)
    if kind == "refuse":
        monkeypatch.setattr("workspace.sources.ads.http.pause", time.sleep)  # the port is closed by the wall's clock
    ads.fault(kind, "twitter_ads", path=path, times=2 if kind in BREAKS else 1)
    twitter = opened()
    assert (read(twitter), twitter.touched(of(twitter), since, NOW)) == expected
    assert ads.control("GET", "faults") == []


@pytest.mark.parametrize(
    "fault",
    [
        ("rate_limit", JOBS, {"seconds": 40}),
        ("rate_limit", ENTITIES, {"seconds": 90, "scope": "user"}),
        ("over_capacity", JOBS, {"retry_after": 7, "code": "SERVICE_UNAVAILABLE"}),
        ("over_capacity", ENTITIES, {}),
        ("internal", ENTITIES, {}),
        ("internal", JOBS, {}),
        ("cancelled", ENTITIES, {}),
        ("locked", JOBS, {}),
        ("too_many_jobs", JOBS, {"method": "POST"}),
        ("job_failed", JOBS, {"method": "POST"}),
        ("job_no_url", JOBS, {"method": "POST"}),
        ("not_ready", RESULTS, {"status": 426}),
        ("not_ready", RESULTS, {"status": 404}),
    ],
)
def test_what_passes_is_waited_for(
    ads: Ads, twitter: Twitter, waits: list[float], fault: tuple[str, str, dict[str, Any]]
) -> None:
    kind, path, more = fault
    ads.fault(kind, "twitter_ads", path=path, times=2, **more)
    assert summed(read(twitter)) == book(ads, US)
    assert ads.control("GET", "faults") == []
    least = more.get("seconds", more.get("retry_after", 1)) - 1  # resets are told in whole seconds
    assert sum(wait >= least for wait in waits) >= {"job_failed": 0, "job_no_url": 1}.get(kind, 2)


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        ("unauthorized", "/accounts$", RefusedError),
        ("unauthorized", JOBS, RefusedError),
        ("no_access", ENTITIES, RefusedError),
        ("account_locked", ENTITIES, AccountRefusedError),
        ("account_locked", JOBS, AccountRefusedError),
        ("html_404", "/accounts$", RefusedError),
        ("retired", "/accounts$", RefusedError),
        ("invalid_cursor", ENTITIES, RestartError),
        ("too_complex", JOBS, TooLargeError),
    ],
)
def test_what_does_not_pass_is_told_by_its_kind(
    ads: Ads, twitter: Twitter, kind: str, path: str, error: type[SourceError]
) -> None:
    ads.fault(kind, "twitter_ads", path=path)
    with pytest.raises(error) as raised:
        read(twitter)
    assert raised.value.cure
    assert not any(secret in str(raised.value) for secret in SECRETS.values())
    assert summed(read(twitter)) == book(ads, US)


def test_a_long_refusal_puts_the_source_off(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.fault("rate_limit", "twitter_ads", path=JOBS, seconds=800)
    with pytest.raises(DeferredError) as raised:
        read(twitter)
    assert timedelta(seconds=700) < raised.value.until - datetime.now(UTC) < timedelta(seconds=810)
    assert sum(waits) < 100


def test_a_rate_that_is_used_up_is_waited_for_before_it_refuses(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.control("POST", "limits", {"twitter_ads": {"core": 1}})
    ads.control("POST", "knobs", {"page": 1})
    with pytest.raises(DeferredError, match="used up until"):
        list(twitter.entities(of(twitter)))
    assert {call["status"] for call in ads.calls("twitter_ads") if "18ce0001" in call["path"]} == {200}
    assert waits == []


def test_the_list_of_accounts_is_given_five_times(ads: Ads, opened: Callable[..., Twitter]) -> None:
    for _ in range(5):
        assert len(opened().accounts()) == 4
    with pytest.raises(DeferredError):
        opened().accounts()
    ads.control("POST", "clock", {"advance": 901})
    assert len(opened().accounts()) == 4


def test_a_revoked_token_stops_and_a_new_one_goes_on(ads: Ads, opened: Callable[..., Twitter]) -> None:
    twitter = opened()
    of(twitter)
    ads.control("POST", "tokens/expire", {"platform": "twitter_ads"})
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        read(twitter)
    assert "four keys" in raised.value.cure
    fresh = {**SECRETS, "token": "18ce-another-token"}
    ads.sim.credentials["twitter_ads"] = fresh
    assert summed(read(opened(fresh))) == book(ads, US)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_wrong_key_is_refused(opened: Callable[..., Twitter], name: str) -> None:
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        opened({**SECRETS, name: "something-else-entirely"}).accounts()
    assert "something-else" not in str(raised.value)


def test_a_clock_that_is_off_is_refused(ads: Ads, twitter: Twitter, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + 400)  # this process's, which the server of the test shares
    ads.control("POST", "knobs", {"twitter_clock_ahead": -400})
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        twitter.accounts()
    assert "clock" in raised.value.cure


def test_a_warning_of_x_is_noted(ads: Ads, twitter: Twitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.sources.ads.twitter.VERSION", "11")
    twitter.accounts()
    assert [note for note in twitter.notes if "Version 11 is deprecated" in note]


def test_no_secret_is_shown(twitter: Twitter) -> None:
    shown = repr(twitter) + repr(vars(twitter.http)) + repr(twitter.http._client.auth)
    for name in ("consumer_secret", "token_secret"):
        assert SECRETS[name] not in shown.replace(repr(twitter.http._secrets), "")


# Numbers


def test_null_is_not_zero(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_null": ["url_clicks", "conversion_purchases"]})
    found = read(twitter)
    assert found
    for row in found:
        assert (row.link_clicks, row.conversions, row.conversion_value, row.view_through_conversions) == (None,) * 4
        assert {"link_clicks", "conversions", "conversion_value", "view_through_conversions"} == row.missing.keys()
        assert all("null" in reason for reason in row.missing.values())
        assert row.impressions is not None
        assert all(action.name != "conversion_purchases" for action in row.actions)


def test_a_metric_that_x_removed_is_missing(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_removed": ["clicks"]})
    for row in read(twitter):
        assert (row.clicks, dict(row.missing)) == (None, {"clicks": "X did not answer with it"})


def test_a_day_on_which_nothing_was_served_has_no_row(ads: Ads, twitter: Twitter) -> None:
    expected = book(ads, US)
    days = {FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)}
    silent = {(ad.id, day) for ad in ads.book.ads(US) for day in days} - expected.keys()
    assert silent
    assert summed(read(twitter)).keys() == expected.keys()


def test_the_unit_of_sales_is_a_setting(ads: Ads, opened: Callable[..., Twitter]) -> None:
    ads.control("POST", "knobs", {"twitter_sale_amount_scale": 100})
    twitter = opened(sale_amount_scale=100)
    assert summed(read(twitter)) == book(ads, US)
    assert [note for note in twitter.notes if "sale_amount" in note and "100 " in note]
    assert len(twitter.notes) == 1


def test_which_actions_count_is_a_setting(ads: Ads, opened: Callable[..., Twitter]) -> None:
    chosen = ("conversion_add_to_carts", "conversion_purchases")
    for row in read(opened(conversions=chosen)):
        assert row.conversions == sum(action.conversions or 0 for action in row.actions if action.counted)
        assert {action.name for action in row.actions if action.counted} <= {*chosen}
    both = [row for row in read(opened(conversions=chosen)) if {*chosen} == {action.name for action in row.actions}]
    assert both


# Restatements


def test_restated_days_are_told(ads: Ads, twitter: Twitter) -> None:
    ad, day = ads.book.ads(US)[0].id, date(2026, 9, 30)
    ads.clock(NOW + timedelta(hours=2))
    before = twitter.touched(of(twitter), NOW, NOW + timedelta(hours=1))
    assert before is not None
    assert day not in before
    ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": {"spend": "-1.250001", "clicks": 2}})
    ads.clock(NOW + timedelta(hours=3))
    after = twitter.touched(of(twitter), NOW + timedelta(hours=1, minutes=30), NOW + timedelta(hours=2, minutes=20))
    assert after is not None
    assert day in after
    assert summed(read(twitter, first=day, last=day)) == book(ads, US, day, day)


def test_a_restated_day_goes_up_down_and_away(ads: Ads, twitter: Twitter) -> None:
    day = date(2026, 11, 3)
    ad = next(iter(ads.expected(US, day)))
    first = summed(read(twitter, first=day, last=day))[ad, day]
    for delta in ({"spend": "3.5", "conversions": 2, "value": "19.99"}, {"spend": "-90"}):
        ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": delta})
        found = summed(read(twitter, first=day, last=day))
        assert found == book(ads, US, day, day)
        assert found[ad, day] != first
    assert found[ad, day][0] < 0
    ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": {"vanish": True}})
    assert (ad, day) not in summed(read(twitter, first=day, last=day))


def test_changes_of_more_than_90_days_are_asked_for_in_parts(ads: Ads, twitter: Twitter) -> None:
    found = twitter.touched(of(twitter), NOW - timedelta(days=100, minutes=1), NOW)
    calls = [call["query"] for call in ads.calls("twitter_ads") if call["path"].endswith("active_entities")]
    assert [call["start_time"] for call in calls] == ["2026-07-28T11:00:00Z", "2026-10-26T11:00:00Z"]
    assert calls[-1]["end_time"] == "2026-11-05T12:00:00Z"
    assert found is not None
    assert {date(2026, 9, 2), date(2026, 11, 5)} <= found


def test_the_days_to_look_back_and_no_clicks(twitter: Twitter) -> None:
    assert twitter.lookback(of(twitter)) == 14
    assert twitter.clicks(of(twitter), LAST) is None


def test_names_of_the_past_are_not_in_the_way(ads: Ads, twitter: Twitter) -> None:
    """Before the campaign was renamed and another deleted, the same rows come."""
    ads.clock(RENAMED - timedelta(days=1))
    assert summed(read(twitter, first=date(2026, 9, 20), last=date(2026, 10, 7))) == book(
        ads, US, date(2026, 9, 20), date(2026, 10, 7)
    )
    ads.clock(DELETED + timedelta(days=1))
    assert summed(read(twitter, first=date(2026, 9, 20), last=date(2026, 10, 7))) == book(
        ads, US, date(2026, 9, 20), date(2026, 10, 7)
    )


# Bodies that X published


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
    told_ = published("active_entities.json")["data"]
    assert [datetime.fromisoformat(each["activity_start_time"]).date() for each in told_][:2] == [
        date(2019, 2, 28),
        date(2019, 2, 27),
    ]
