"""X as the demo speaks it: signatures, lists, statistics, jobs, rates and errors, as its documentation has them."""

from __future__ import annotations

import gzip
import json
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from oauthlib import oauth1

from adserver import CREDENTIALS, NOW
from workspace.demo.ads.book import total

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from adserver import Ads
    from workspace.demo.ads.book import Facts

US, UK, EMPTY, DISABLED = (f"18ce000{number}" for number in range(1, 5))
KEYS = [CREDENTIALS["twitter_ads"][name] for name in ("consumer_key", "consumer_secret", "token", "token_secret")]
DAY = date(2026, 11, 3)
GROUPS = "ENGAGEMENT,BILLING,WEB_CONVERSION"


def signed(ads: Ads, method: str, path: str, query: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in (query or {}).items())
    url = f"{ads.url}/{more.pop('version', 12)}/{path}" + (f"?{written}" if written else "")
    _, headers, _ = oauth1.Client(*more.pop("keys", KEYS), **more).sign(url, http_method=method)
    return ads.client.request(method, url, headers=headers)


def ask(ads: Ads, path: str, method: str = "GET", **query: str) -> Any:
    answer = signed(ads, method, path, query)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def refused(ads: Ads, path: str, method: str = "GET", **query: str) -> tuple[int, str, str]:
    answer = signed(ads, method, path, query)
    body = answer.json()
    assert body.keys() == {"errors", "request"}
    error = body["errors"][0]
    return answer.status_code, error["code"], error.get("parameter", "")


def asked(ads: Ads, first: date = DAY, last: date = DAY, **changes: str) -> dict[str, str]:
    """Ask about ads of Los Angeles, whose days begin at 08:00 UTC at present."""
    return {
        "entity": "PROMOTED_TWEET",
        "entity_ids": ",".join(ad.id for ad in ads.book.ads(US)),
        "start_time": f"{first}T08:00:00Z",
        "end_time": f"{last + timedelta(days=1)}T08:00:00Z",
        "granularity": "DAY",
        "placement": "ALL_ON_TWITTER",
        "metric_groups": GROUPS,
        **changes,
    }


def stats(ads: Ads, **changes: Any) -> dict[str, dict[str, Any]]:
    body = ask(ads, f"stats/accounts/{US}", **asked(ads, **changes))
    return {each["id"]: each["id_data"][0]["metrics"] for each in body["data"]}


def at(metrics: dict[str, Any], name: str, slot: int = 0) -> Any:
    whole: Any = metrics
    for part in name.split("."):
        whole = whole[part]
    return None if whole is None else whole[slot]


def summed(told: Iterable[dict[str, Any]], name: str, slot: int = 0) -> int:
    return sum(at(metrics, name, slot) or 0 for metrics in told)


# Signatures


def test_a_signed_request_is_answered_and_an_unsigned_one_is_not(ads: Ads) -> None:
    assert signed(ads, "GET", "accounts").status_code == 200
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": 'OAuth oauth_token="x"'}):
        answer = ads.client.get("/12/accounts", headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED_ACCESS")


@pytest.mark.parametrize("place", range(4))
def test_every_key_is_part_of_the_signature(ads: Ads, place: int) -> None:
    keys = [*KEYS]
    keys[place] += "x"
    assert signed(ads, "GET", "accounts", keys=keys).status_code == 401


@pytest.mark.parametrize(("off", "status"), [(-290, 200), (290, 200), (-330, 401), (330, 401)])
def test_a_signature_holds_for_five_minutes(ads: Ads, off: int, status: int) -> None:
    stamp = str(int(time.time()) + off)
    assert signed(ads, "GET", "accounts", timestamp=stamp).status_code == status
    ads.control("POST", "knobs", {"twitter_clock_ahead": off})
    assert signed(ads, "GET", "accounts", timestamp=stamp).status_code == 200


def test_a_nonce_is_good_once(ads: Ads) -> None:
    once: dict[str, Any] = {"timestamp": str(int(time.time())), "nonce": "once"}
    assert [signed(ads, "GET", "accounts", **once).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("changed", ["?count=2", "?count=1&with_deleted=true", ""])
def test_the_query_is_part_of_the_signature(ads: Ads, changed: str) -> None:
    _, headers, _ = oauth1.Client(*KEYS).sign(f"{ads.url}/12/accounts?count=1", http_method="GET")
    assert ads.client.get(f"/12/accounts{changed}", headers=headers).status_code == 401
    assert ads.client.post("/12/accounts?count=1", headers=headers).status_code == 401
    assert ads.client.get("/12/accounts?count=1", headers=headers).status_code == 200


def test_a_form_is_part_of_the_signature(ads: Ads) -> None:
    url, form = f"{ads.url}/12/stats/jobs/accounts/{US}", "x=%C3%A4+b%3A%2C&y="
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    _, headers, body = oauth1.Client(*KEYS).sign(url, "POST", form, kind)
    assert ads.client.post(url, content=body, headers=headers).json()["errors"][0]["code"] == "MISSING_PARAMETER"
    assert ads.client.post(url, content="x=other", headers=headers).status_code == 401


def test_what_only_plain_writing_would_get_wrong_is_signed_rightly(ads: Ads) -> None:
    found = ask(ads, f"accounts/{US}/campaigns", q="東京", sort_by="created_at-asc", with_deleted="true")
    assert len(found["data"]) == 1
    query = asked(ads, start_time="2026-11-03T00:00:00-0800", end_time="2026-11-04T00:00:00-08:00")
    assert ask(ads, f"stats/accounts/{US}", **query)["time_series_length"] == 1


# Versions and headers


def test_version_11_is_warned_of_and_others_are_gone(ads: Ads) -> None:
    old, new = (signed(ads, "GET", "accounts", version=version) for version in (11, 12))
    assert (old.status_code, new.status_code) == (200, 200)
    assert old.headers["x-current-api-version"] == new.headers["x-current-api-version"] == "12"
    assert "deprecated" in old.headers["x-api-warn"]
    assert "x-api-warn" not in new.headers
    gone = signed(ads, "GET", "accounts", version=10)
    assert (gone.status_code, gone.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_every_answer_has_an_id_and_the_virtual_time(ads: Ads) -> None:
    some = [signed(ads, "GET", f"accounts/{US}") for _ in range(3)]
    assert len({each.headers["x-transaction-id"] for each in some}) == 3
    assert {each.headers["date"] for each in some} == {"Thu, 05 Nov 2026 12:00:00 GMT"}


def test_the_list_of_accounts_is_given_five_times_in_15_minutes(ads: Ads) -> None:
    left = [int(signed(ads, "GET", "accounts").headers["x-rate-limit-remaining"]) for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    answer = signed(ads, "GET", "accounts")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 800 < int(answer.headers["x-rate-limit-reset"]) - time.time() <= 901
    assert ask(ads, f"accounts/{US}")["data"]["id"] == US
    ads.control("POST", "clock", {"advance": 900})
    assert signed(ads, "GET", "accounts").status_code == 200


def test_lists_of_an_account_have_its_own_rate(ads: Ads) -> None:
    ads.control("POST", "limits", {"twitter_ads": {"core": 2, "analytics": 1}})
    one, two, three = (signed(ads, "GET", f"accounts/{US}/campaigns") for _ in range(3))
    assert [each.headers["x-account-rate-limit-remaining"] for each in (one, two, three)] == ["1", "0", "0"]
    assert (two.status_code, three.status_code) == (200, 429)
    assert int(three.headers["x-rate-limit-remaining"]) > 1000
    assert signed(ads, "GET", f"accounts/{UK}/campaigns").status_code == 200
    assert signed(ads, "GET", f"accounts/{US}/line_items").status_code == 200
    assert signed(ads, "GET", f"stats/accounts/{US}", asked(ads)).status_code == 200
    assert signed(ads, "GET", f"stats/accounts/{US}", asked(ads)).status_code == 429
    assert ads.control("GET", "limits")["twitter_ads"]["used"]["18ce0001 campaigns"] == 2


# Lists


def test_accounts_tell_their_zone_and_no_currency(ads: Ads) -> None:
    body = ask(ads, "accounts", with_total_count="true")
    assert (body["data_type"], body["total_count"], body["next_cursor"]) == ("account", 4, None)
    found = {each["id"]: each for each in body["data"]}
    assert found[US]["timezone"] == "America/Los_Angeles"
    assert found[US]["timezone_switch_at"] == "2020-01-01T08:00:00Z"
    assert (found[US]["approval_status"], found[DISABLED]["approval_status"]) == ("ACCEPTED", "CANCELLED")
    assert "currency" not in found[US]
    assert ask(ads, f"accounts/{US}/funding_instruments")["data"][0]["currency"] == "USD"


@pytest.mark.parametrize("kind", ["campaigns", "line_items", "promoted_tweets"])
def test_pages_are_the_whole(ads: Ads, kind: str) -> None:
    whole = ask(ads, f"accounts/{US}/{kind}", with_deleted="true")["data"]
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(ads, f"accounts/{US}/{kind}", with_deleted="true", count="2", **cursor)
        assert len(page["data"]) <= 2
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole
    assert len(whole) == {"campaigns": 3, "line_items": 6, "promoted_tweets": 12}[kind]


def test_a_cursor_belongs_to_one_question(ads: Ads) -> None:
    cursor = ask(ads, f"accounts/{US}/line_items", count="1")["next_cursor"]
    again = {"cursor": cursor, "count": "1"}
    for path, more in (("campaigns", {}), ("line_items", {"with_deleted": "true"})):
        assert refused(ads, f"accounts/{US}/{path}", **again, **more) == (400, "INVALID_PARAMETER", "cursor")
    assert refused(ads, f"accounts/{US}/line_items", cursor="c-ä") == (400, "INVALID_PARAMETER", "cursor")
    assert refused(ads, f"accounts/{US}/line_items", **again, with_total_count="true")[1] == "EXCLUSIVE_PARAMETERS"


def test_deleted_ones_are_for_who_asks_for_them(ads: Ads) -> None:
    deleted = ads.book.campaigns(US)[2].id
    assert deleted not in {each["id"] for each in ask(ads, f"accounts/{US}/campaigns")["data"]}
    assert refused(ads, f"accounts/{US}/campaigns/{deleted}") == (404, "CAMPAIGN_NOT_FOUND", "")
    told = ask(ads, f"accounts/{US}/campaigns/{deleted}", with_deleted="true")["data"]
    assert (told["deleted"], told["currency"], told["updated_at"]) == (True, "USD", "2026-10-16T09:30:00Z")
    assert refused(ads, f"accounts/{US}/promoted_tweets/nothing", with_deleted="true")[1] == "PROMOTED_TWEET_NOT_FOUND"


def test_promoted_tweets_of_a_deleted_line_item_are_hidden_and_say_that_they_are_not(ads: Ads) -> None:
    group = ads.book.groups(US)[0]
    ads.control("POST", "entity/delete", {"id": group.id})
    mine = {ad.id for ad in ads.book.ads(US) if ad.group_id == group.id}
    assert not mine & {each["id"] for each in ask(ads, f"accounts/{US}/promoted_tweets")["data"]}
    found = ask(ads, f"accounts/{US}/promoted_tweets", with_deleted="true", line_item_ids=group.id)["data"]
    assert {each["id"]: each["deleted"] for each in found} == dict.fromkeys(mine, False)
    assert found[0].keys() == {
        "line_item_id",
        "id",
        "entity_status",
        "created_at",
        "updated_at",
        "approval_status",
        "tweet_id",
        "deleted",
    }


def test_lists_are_sorted_and_narrowed(ads: Ads) -> None:
    campaigns = ask(ads, f"accounts/{US}/campaigns", with_deleted="true", sort_by="updated_at-desc")["data"]
    assert [each["updated_at"] for each in campaigns] == sorted((e["updated_at"] for e in campaigns), reverse=True)
    some = [each["id"] for each in campaigns[:2]]
    found = ask(ads, f"accounts/{US}/campaigns", with_deleted="true", campaign_ids=",".join(some))
    assert {each["id"] for each in found["data"]} == {*some}
    assert found["request"]["params"] == {"account_id": US, "with_deleted": True, "campaign_ids": some}
    items = ask(ads, f"accounts/{US}/line_items", with_deleted="true", campaign_ids=some[0])["data"]
    assert {each["campaign_id"] for each in items} == {some[0]}
    assert refused(ads, f"accounts/{US}/campaigns", sort_by="budget-up")[2] == "sort_by"
    many = ",".join(str(number) for number in range(201))
    assert refused(ads, f"accounts/{US}/campaigns", campaign_ids=many)[2] == "campaign_ids"


def test_unknown_parameters_are_errors(ads: Ads) -> None:
    assert refused(ads, f"accounts/{US}/campaigns", fields="name") == (400, "INVALID_PARAMETER", "fields")
    assert refused(ads, f"accounts/{US}/campaigns", count="0")[2] == "count"
    assert refused(ads, f"accounts/{US}/campaigns", with_deleted="yes")[2] == "with_deleted"
    ads.control("POST", "knobs", {"strict": False})
    assert ask(ads, f"accounts/{US}/campaigns", fields="name")["data"]


def test_tweets_have_the_names_and_addresses(ads: Ads) -> None:
    promoted = ask(ads, f"accounts/{US}/promoted_tweets", with_deleted="true")["data"]
    ids = ",".join(each["tweet_id"] for each in promoted)
    found = {
        each["tweet_id"]: each
        for each in ask(ads, f"accounts/{US}/tweets", tweet_ids=ids, tweet_type="PUBLISHED")["data"]
    }
    ads_by_id = {ad.id: ad for ad in ads.book.ads(US)}
    for each in promoted:
        tweet = found[each["tweet_id"]]
        assert tweet["name"] == ads_by_id[each["id"]].name(NOW)
        assert tweet["entities"]["urls"][0]["expanded_url"] == ads_by_id[each["id"]].url
        assert (tweet["id"], tweet["id_str"]) == (int(each["tweet_id"]), each["tweet_id"])
        assert tweet["id"] > 2**53
    assert refused(ads, f"accounts/{US}/tweets")[1:] == ("MISSING_PARAMETER", "tweet_type")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("accounts/nobody/campaigns", 403, "ACCOUNT_NOT_FOUND"),
        (f"accounts/{DISABLED}/campaigns", 403, "ACCOUNT_LOCKED_OUT"),
        (f"accounts/{US}/nothing", 404, "ROUTE_NOT_FOUND"),
        (f"stats/accounts/{US}/nothing", 404, "ROUTE_NOT_FOUND"),
        ("nothing", 404, "ROUTE_NOT_FOUND"),
    ],
)
def test_what_is_not_there(ads: Ads, path: str, status: int, code: str) -> None:
    assert refused(ads, path)[:2] == (status, code)
    assert refused(ads, f"accounts/{US}", "POST")[:2] == (405, "METHOD_NOT_ALLOWED")


# Statistics


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


# Jobs


def job(ads: Ads, **changes: Any) -> Any:
    return ask(ads, f"stats/jobs/accounts/{US}", "POST", **asked(ads, date(2026, 10, 6), **changes))["data"]


def polled(ads: Ads, *ids: str) -> Any:
    return ask(ads, f"stats/jobs/accounts/{US}", job_ids=",".join(ids))["data"]


def test_a_job_is_put_to_work_asked_after_and_fetched(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_polls": 1})
    made = job(ads)
    assert (made["status"], made["url"], made["expires_at"]) == ("PROCESSING", None, None)
    assert made["id"] == int(made["id_str"]) > 2**53
    assert polled(ads, made["id_str"])[0]["status"] == "PROCESSING"
    done = polled(ads, made["id_str"])[0]
    assert (done["status"], done["expires_at"]) == ("SUCCESS", "2026-11-07T12:00:00Z")
    answer = ads.client.get(done["url"].removeprefix(ads.url))
    assert answer.headers["content-type"] == "application/gzip"
    body = json.loads(gzip.decompress(answer.content))
    assert (body["data_type"], body["time_series_length"]) == ("stats", 29)
    assert len(body["data"]) == 12


def test_a_result_is_frozen_when_it_is_done(ads: Ads) -> None:
    made = job(ads)
    url = polled(ads, made["id_str"])[0]["url"].removeprefix(ads.url)
    before = ads.client.get(url).content
    ad = next(iter(ads.expected(US, DAY)))
    ads.control("POST", "restate", {"ad": ad, "date": str(DAY), "delta": {"clicks": 5}})
    assert ads.client.get(url).content == before
    fresh = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    assert ads.client.get(fresh).content != before


def test_a_result_is_kept_for_two_days(ads: Ads) -> None:
    url = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    ads.control("POST", "clock", {"advance": 48 * 3600 - 1})
    assert ads.client.get(url).status_code == 200
    ads.control("POST", "clock", {"advance": 1})
    assert ads.client.get(url).status_code == 404


def test_a_job_takes_virtual_time(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_seconds": 30})
    made = job(ads)
    assert [polled(ads, made["id_str"])[0]["status"] for _ in range(3)] == ["PROCESSING"] * 3
    ads.control("POST", "clock", {"advance": 31})
    assert polled(ads, made["id_str"])[0]["status"] == "SUCCESS"


def test_a_hundred_jobs_run_and_no_more(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_polls": 1})
    answers = [signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)) for _ in range(100)]
    assert {each.status_code for each in answers} == {200}
    assert answers[-1].headers["x-concurrent-job-limit-remaining"] == "0"
    assert answers[-1].headers["x-concurrent-job-limit"] == "100"
    assert refused(ads, f"stats/jobs/accounts/{US}", "POST", **asked(ads))[:2] == (400, "TOO_MANY_JOBS")
    ids = [each.json()["data"]["id_str"] for each in answers]
    polled(ads, *ids)
    assert {each["status"] for each in polled(ads, *ids)} == {"SUCCESS"}
    assert signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)).status_code == 200
    assert refused(ads, f"stats/jobs/accounts/{US}", job_ids=",".join(["1"] * 201))[2] == "job_ids"


def test_a_cursor_is_given_even_to_who_names_his_jobs(ads: Ads) -> None:
    job(ads)
    made = job(ads)
    body = ask(ads, f"stats/jobs/accounts/{US}", job_ids=made["id_str"])
    assert [each["id_str"] for each in body["data"]] == [made["id_str"]]
    assert body["next_cursor"] is not None


def test_a_jobs_id_can_come_twice(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_double_id": True})
    text = signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)).text
    assert text.count('"id":') == 2
    assert "id_str" not in text


def test_jobs_may_span_90_days(ads: Ads) -> None:
    assert job(ads, start_time="2026-08-06T08:00:00Z")["status"] == "PROCESSING"
    wrong = asked(ads, start_time="2026-08-05T08:00:00Z")
    assert refused(ads, f"stats/jobs/accounts/{US}", "POST", **wrong)[1] == "INVALID_TIME_WINDOW"


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


# Faults


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rate_limit", 429, "TOO_MANY_REQUESTS"),
        ("over_capacity", 503, "OVER_CAPACITY"),
        ("internal", 500, "INTERNAL_ERROR"),
        ("cancelled", 408, "CANCELLED_REQUEST"),
        ("locked", 423, "LOCK_ACQUISITION_TIMEOUT"),
        ("too_many_jobs", 400, "TOO_MANY_JOBS"),
        ("too_complex", 400, "REQUEST_TOO_COMPLEX"),
        ("invalid_cursor", 400, "INVALID_PARAMETER"),
        ("unauthorized", 401, "UNAUTHORIZED_ACCESS"),
        ("no_access", 403, "UNAUTHORIZED_CLIENT_APPLICATION"),
        ("account_locked", 403, "ACCOUNT_LOCKED_OUT"),
    ],
)
def test_a_fault_happens_as_often_as_it_is_told(ads: Ads, kind: str, status: int, code: str) -> None:
    ads.fault(kind, "twitter_ads", path="campaigns", skip=1)
    assert signed(ads, "GET", f"accounts/{US}/campaigns").status_code == 200
    assert refused(ads, f"accounts/{US}/campaigns")[:2] == (status, code)
    assert signed(ads, "GET", f"accounts/{US}/campaigns").status_code == 200


def test_a_busy_service_may_say_when_to_come_back(ads: Ads) -> None:
    ads.fault("over_capacity", "twitter_ads", retry_after=7)
    ads.fault("over_capacity", "twitter_ads")
    first, second = (signed(ads, "GET", f"accounts/{US}") for _ in range(2))
    assert (first.headers["retry-after"], "retry-after" in second.headers) == ("7", False)


@pytest.mark.parametrize(("kind", "status"), [("html_404", 404), ("retired", 410)])
def test_some_errors_are_pages(ads: Ads, kind: str, status: int) -> None:
    ads.fault(kind, "twitter_ads")
    answer = signed(ads, "GET", f"accounts/{US}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("kind", "states"), [("job_failed", ["FAILED"] * 3), ("job_stuck", ["PROCESSING"] * 3)])
def test_jobs_may_fail_or_never_end(ads: Ads, kind: str, states: list[str]) -> None:
    ads.fault(kind, "twitter_ads", method="POST")
    made = job(ads)
    assert [polled(ads, made["id_str"])[0]["status"] for _ in range(3)] == states
    assert polled(ads, job(ads)["id_str"])[0]["status"] == "SUCCESS"


def test_a_job_may_be_done_without_an_address(ads: Ads) -> None:
    ads.fault("job_no_url", "twitter_ads", method="POST")
    made = job(ads)
    told = [polled(ads, made["id_str"])[0] for _ in range(3)]
    assert {each["status"] for each in told} == {"SUCCESS"}
    assert [each["url"] is None for each in told] == [True, True, False]


def test_a_result_may_not_be_ready_or_be_gone(ads: Ads) -> None:
    url = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    ads.fault("not_ready", "twitter_ads", path="^/ton/")
    ads.fault("result_expired", "twitter_ads", path="^/ton/", skip=1)
    assert [ads.client.get(url).status_code for _ in range(4)] == [426, 200, 404, 404]


def test_a_revoked_token_is_refused(ads: Ads) -> None:
    ads.control("POST", "tokens/expire", {"platform": "twitter_ads"})
    assert refused(ads, "accounts")[:2] == (401, "UNAUTHORIZED_ACCESS")
