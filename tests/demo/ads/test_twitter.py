"""X as the demo speaks it: signatures, versions, rates and lists, as its documentation has them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from oauthlib import oauth1

from adserver import NOW
from demo.ads.signed import DISABLED, KEYS, UK, US, ask, asked, refused, signed

if TYPE_CHECKING:
    from adserver import Ads


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
    assert 800 < int(answer.headers["x-rate-limit-reset"]) - NOW.timestamp() <= 901
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
