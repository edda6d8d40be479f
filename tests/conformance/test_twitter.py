"""X's own SDK, unmodified, against the demo's server: what it can read is what X would send. It speaks version 11."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS, NOW

pytest.importorskip("twitter_ads", reason="the official SDKs: make conformance")

from twitter_ads.campaign import Campaign, FundingInstrument, LineItem
from twitter_ads.client import Client
from twitter_ads.creative import PromotedTweet
from twitter_ads.enum import GRANULARITY, METRIC_GROUP, PLACEMENT
from twitter_ads.error import BadRequest, NotAuthorized, NotFound, RateLimit, ServiceUnavailable
from twitter_ads.http import Request

if TYPE_CHECKING:
    from adserver import Ads

US, UK, EMPTY, DISABLED = (f"18ce000{number}" for number in range(1, 5))
DAY = date(2026, 11, 3)
GROUPS = [METRIC_GROUP.ENGAGEMENT, METRIC_GROUP.BILLING, METRIC_GROUP.WEB_CONVERSION]

# The SDK keeps no hold of its sessions, so their connections are closed whenever they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture
def client(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Request, "_DEFAULT_DOMAIN", ads.url)
    return opened()


def opened(**options: Any) -> Any:
    names = ("consumer_key", "consumer_secret", "token", "token_secret")
    return Client(*(CREDENTIALS["twitter_ads"][name] for name in names), options=options)


def test_accounts(client: Any, ads: Ads) -> None:
    found = list(client.accounts())
    assert {each.id: each.timezone for each in found} == {
        each.id: each.timezone for each in ads.book.accounts("twitter_ads")
    }
    account = client.accounts(US)
    assert (account.id, account.name, account.approval_status) == (US, "BookMyEvent US", "ACCEPTED")
    assert account.timezone_switch_at == "2020-01-01T08:00:00Z"


def test_campaigns_page_by_page(client: Any, ads: Ads) -> None:
    account = client.accounts(US)
    cursor = account.campaigns(with_deleted=True, count=1, sort_by="created_at-asc")
    found = {each.id: each for each in cursor}
    assert {each: found[each].name for each in found} == {each.id: each.name(NOW) for each in ads.book.campaigns(US)}
    paused, deleted = (each.id for each in ads.book.campaigns(US)[1:])
    assert (found[paused].entity_status, found[deleted].deleted) == ("PAUSED", True)
    assert {each.currency for each in found.values()} == {"USD"}
    assert cursor.current_api_version == "12"
    assert deleted not in {each.id for each in account.campaigns()}
    assert Campaign.load(account, paused).name == found[paused].name
    with pytest.raises(NotFound):
        Campaign.load(account, deleted)
    assert Campaign.load(account, deleted, with_deleted=True).deleted is True


def test_line_items_promoted_tweets_and_funding(client: Any, ads: Ads) -> None:
    account = client.accounts(US)
    items = list(LineItem.all(account, with_deleted=True))
    assert {each.id: each.campaign_id for each in items} == {each.id: each.campaign_id for each in ads.book.groups(US)}
    tweets = list(PromotedTweet.all(account, with_deleted=True))
    assert {each.id: each.line_item_id for each in tweets} == {each.id: each.group_id for each in ads.book.ads(US)}
    some = [each.id for each in items[:2]]
    narrowed = list(LineItem.all(account, with_deleted=True, line_item_ids=",".join(some)))
    assert {each.id for each in narrowed} == {*some}
    assert [each.currency for each in FundingInstrument.all(account)] == ["USD"]


def asked(ads: Ads, **more: Any) -> dict[str, Any]:
    """Ask about whole days; the SDK drops the time, and X takes the account's midnight."""
    begun = datetime(DAY.year, DAY.month, DAY.day)  # noqa: DTZ001  # as the SDK's own examples have it
    return {
        "start_time": begun - timedelta(days=1),
        "end_time": begun + timedelta(days=1),
        "granularity": GRANULARITY.DAY,
        **more,
    }


def test_statistics_at_once(client: Any, ads: Ads) -> None:
    account = client.accounts(US)
    ids = [ad.id for ad in ads.book.ads(US)]
    expected = {id_: facts.impressions for id_, facts in ads.expected(US, DAY).items()}
    found: dict[str, int] = {}
    for placement in (PLACEMENT.ALL_ON_TWITTER, "SPOTLIGHT"):
        for each in PromotedTweet.all_stats(account, ids, GROUPS, **asked(ads, placement=placement)):
            slots = each["id_data"][0]["metrics"]["impressions"] or [None, None]
            assert len(slots) == 2
            found[each["id"]] = found.get(each["id"], 0) + (slots[1] or 0)
    assert {id_: count for id_, count in found.items() if count} == expected


def test_statistics_by_a_job(client: Any, ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_polls": 1})
    account = client.accounts(US)
    ids = [ad.id for ad in ads.book.ads(US)]
    job = PromotedTweet.queue_async_stats_job(account, ids, GROUPS, **asked(ads))
    assert job.status == "PROCESSING"
    assert job.concurrent_job_limit_remaining == "99"
    assert PromotedTweet.async_stats_job_result(account, job_ids=[job.id]).first.status == "PROCESSING"
    done = PromotedTweet.async_stats_job_result(account, job_ids=[job.id]).first
    assert (done.status, done.id) == ("SUCCESS", job.id)
    assert done.expires_at == "2026-11-07T12:00:00Z"
    body = PromotedTweet.async_stats_job_data(account, url=done.url)
    assert body["data"] == PromotedTweet.all_stats(account, ids, GROUPS, **asked(ads))
    assert body["time_series_length"] == 2


def test_what_changed(client: Any, ads: Ads) -> None:
    account = client.accounts(US)
    ad = ads.book.ads(US)[0].id
    ads.control("POST", "restate", {"ad": ad, "date": "2026-10-01", "delta": {"spend": "-0.25"}})
    ads.clock(NOW + timedelta(hours=1))
    found = PromotedTweet.active_entities(account, NOW.replace(hour=11, tzinfo=None), NOW.replace(hour=13, tzinfo=None))
    assert {each["entity_id"]: each["activity_start_time"] for each in found}[ad] == "2026-10-01T07:00:00Z"


def test_errors_are_of_the_kinds_that_it_knows(client: Any, ads: Ads) -> None:
    account = client.accounts(US)
    with pytest.raises(BadRequest) as raised:
        PromotedTweet.all_stats(account, ["1"] * 21, GROUPS, **asked(ads))
    assert raised.value.details[0]["code"] == "INVALID_PARAMETER"
    ads.fault("over_capacity", "twitter_ads", retry_after=3)
    with pytest.raises(ServiceUnavailable) as busy:
        list(account.campaigns())
    assert busy.value.retry_after == "3"
    ads.fault("rate_limit", "twitter_ads", seconds=60)
    with pytest.raises(RateLimit) as limited:
        list(account.campaigns())
    assert 50 < int(limited.value.reset_at) - NOW.timestamp() <= 60
    ads.control("POST", "tokens/expire", {"platform": "twitter_ads"})
    with pytest.raises(NotAuthorized):
        list(account.campaigns())


def test_it_waits_for_a_rate_and_goes_on(ads: Ads, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("twitter_ads.http.time.sleep", waited.append)
    ads.clock(datetime.now(UTC))  # the SDK holds the reset against this machine's clock
    patient = opened(handle_rate_limit=True, retry_max=1)
    ads.fault("rate_limit", "twitter_ads", seconds=60)
    assert patient.accounts(US).id == US
    assert [50 < each <= 65 for each in waited] == [True]
