"""Facebook as the demo speaks it: who may ask, fields, pages, insights."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import NOW
from demo.ads.graph import DAILY, DAY, DISABLED, EMPTY, EU, EVERY, JAPAN, PROOF, RANGE, TOKEN, ask, error, told
from workspace.demo.ads.book import COUNTED
from workspace.demo.ads.facebook.nodes import fields

if TYPE_CHECKING:
    from adserver import Ads


@pytest.mark.parametrize(
    ("how", "code", "subcode"),
    [
        ({"headers": {}}, 2500, None),
        ({"headers": {"Authorization": "Bearer nobody"}}, 190, None),
        ({"headers": {}, "params": {"access_token": TOKEN, "appsecret_proof": "0" * 64}}, 100, None),
        ({"headers": {}, "params": {"access_token": TOKEN, "appsecret_proof": PROOF}}, None, None),
        ({"headers": {}, "params": {"access_token": TOKEN}}, None, None),
    ],
)
def test_who_may_ask(ads: Ads, how: dict[str, Any], code: int | None, subcode: int | None) -> None:
    answer = ads.client.get("/v26.0/me", **how)
    if code is None:
        assert answer.json() == {"id": "122100000000000001"}
    else:
        told = answer.json()["error"]
        assert (answer.status_code, told["code"], told.get("error_subcode")) == (400, code, subcode)
        assert told.keys() >= {"message", "type", "code", "fbtrace_id"}


def test_tokens_run_out_and_are_replaced(ads: Ads) -> None:
    ads.control("POST", "tokens/expire", {"platform": "facebook_ads"})
    found = error(ads, "me")
    assert (found["code"], found["error_subcode"], found["type"]) == (190, 463, "OAuthException")
    ads.control("POST", "knobs", {"facebook_access_token": "EAAnext"})
    answer = ask(ads, "debug_token", {"input_token": TOKEN}, headers={"Authorization": "Bearer EAAnext"})
    assert answer.json()["data"]["is_valid"] is False
    answer = ask(ads, "debug_token", {"input_token": "EAAnext"}, headers={"Authorization": "Bearer EAAnext"})
    assert (answer.json()["data"]["is_valid"], answer.json()["data"]["scopes"]) == (True, ["ads_read"])


@pytest.mark.parametrize(("version", "code"), [("v23.0", 2635), ("v2.9", 2635), ("v27.0", 2500), ("v24.0", None)])
def test_versions(ads: Ads, version: str, code: int | None) -> None:
    answer = ads.client.get(f"/{version}/me", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json().get("error", {}).get("code") == code
    if code == 2635:
        assert answer.json()["error"]["message"].endswith("Please update to the latest version: v26.0.")


def test_only_fields_that_are_asked_for_come(ads: Ads) -> None:
    assert told(ads, "me/adaccounts")["data"] == [{"id": f"act_{each}"} for each in (EU, JAPAN, EMPTY, DISABLED)]
    wanted = "account_id,name,currency,timezone_name,account_status,timezone_offset_hours_utc"
    assert told(ads, f"act_{JAPAN}", fields=wanted) == {
        "account_id": JAPAN,
        "name": "BookMyEvent 日本",
        "currency": "JPY",
        "timezone_name": "Asia/Tokyo",
        "account_status": 1,
        "timezone_offset_hours_utc": 9.0,
        "id": f"act_{JAPAN}",
    }
    assert told(ads, f"act_{DISABLED}", fields="account_status")["account_status"] == 2
    found = error(ads, f"act_{EU}", fields="name,nonsense")
    assert found["message"] == "(#100) Tried accessing nonexisting field (nonsense) on node type (AdAccount)"
    assert error(ads, "act_1")["error_subcode"] == 33
    assert error(ads, "9")["type"] == "GraphMethodException"
    ads.control("POST", "knobs", {"facebook_denied": [EU]})
    assert error(ads, f"act_{EU}")["code"] == 200


def test_a_list_of_fields() -> None:
    assert fields("id, creative{id,object_story_spec{link_data}} ,name") == {
        "id": {},
        "creative": {"id": {}, "object_story_spec": {"link_data": {}}},
        "name": {},
    }
    assert fields('["spend","clicks"]') == {"spend": {}, "clicks": {}}
    assert fields("") == {}


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, 8),
        ({"effective_status": '["DELETED"]'}, 4),
        ({"effective_status": '["DELETED","CAMPAIGN_PAUSED","PAUSED","ACTIVE"]'}, 12),
        ({"filtering": '[{"field":"ad.effective_status","operator":"IN","value":["PAUSED"]}]'}, 4),
    ],
)
def test_what_is_deleted_comes_if_it_is_asked_for(ads: Ads, query: dict[str, str], number: int) -> None:
    found = told(ads, f"act_{EU}/ads", fields="id,effective_status,configured_status,name", limit="100", **query)
    assert len(found["data"]) == number
    if not query:
        assert {each["effective_status"] for each in found["data"]} == {"ACTIVE", "PAUSED"}


def test_an_unknown_status_parameter_or_limit_is_an_error(ads: Ads) -> None:
    assert "effective_status[0]" in error(ads, f"act_{EU}/campaigns", effective_status='["ADSET_PAUSED"]')["message"]
    assert "array" in error(ads, f"act_{EU}/campaigns", effective_status="DELETED")["message"]
    assert "Unknown parameter: page_size" in error(ads, f"act_{EU}/campaigns", page_size="3")["message"]
    assert "limit" in error(ads, f"act_{EU}/campaigns", limit="-1")["message"]
    ads.control("POST", "knobs", {"strict": False})
    assert len(told(ads, f"act_{EU}/campaigns", page_size="3")["data"]) == 2


def test_pages_follow_each_other_by_cursor(ads: Ads) -> None:
    query = {"effective_status": EVERY, "fields": "name,adset_id", "limit": "5"}
    page, found = told(ads, f"act_{EU}/ads", **query), []
    while True:
        found += page["data"]
        assert page["paging"]["cursors"].keys() == {"before", "after"}
        if "next" not in page["paging"]:
            break
        assert f"access_token={TOKEN}" in page["paging"]["next"]
        page = ads.client.get(page["paging"]["next"]).json()
    assert len({each["id"] for each in found}) == len(found) == 12
    assert told(ads, f"act_{EMPTY}/ads") == {"data": []}
    assert error(ads, f"act_{EU}/ads", after="bm9uZQ==")["code"] == 2642
    assert error(ads, f"act_{EU}/ads", after="!")["code"] == 2642
    assert told(ads, f"act_{EU}/campaigns", summary="true")["summary"] == {"total_count": 2}


def test_a_page_holds_though_another_ad_of_it_is_deleted_meanwhile(ads: Ads) -> None:
    first = told(ads, f"act_{EU}/ads", limit="3")
    ads.control("POST", "entity/delete", {"id": first["data"][0]["id"]})
    rest = told(ads, f"act_{EU}/ads", limit="50", after=first["paging"]["cursors"]["after"])
    assert len(rest["data"]) == 5
    assert not {each["id"] for each in first["data"]} & {each["id"] for each in rest["data"]}


def test_creatives_keep_the_address_apart_from_its_parameters(ads: Ads) -> None:
    found = told(ads, f"act_{EU}/ads", fields="creative{url_tags,object_story_spec,asset_feed_spec}", limit="50")
    places = set()
    for ad in found["data"]:
        assert ad["creative"]["url_tags"] == f"utm_source=facebook_ads&utm_medium=cpc&utm_content={ad['id']}"
        places |= ad["creative"].keys() | ad["creative"]["object_story_spec"].keys()
    assert places >= {"link_data", "video_data", "asset_feed_spec"}
    bare = told(ads, f"act_{EU}/ads", fields="creative", limit="1")["data"][0]
    assert bare["creative"].keys() == {"id"}
    assert "AdCreative" in error(ads, f"act_{EU}/ads", fields="creative{nothing}")["message"]


def test_insights_are_strings_of_what_was_asked_for(ads: Ads) -> None:
    wanted = "account_currency,campaign_id,campaign_name,adset_id,ad_id,spend,impressions,clicks,inline_link_clicks"
    page = told(ads, f"act_{EU}/insights", **DAILY, fields=wanted, limit="100")
    known = {(ad, DAY): facts for ad, facts in ads.expected(EU, DAY).items()}
    known |= {(ad, DAY + timedelta(1)): facts for ad, facts in ads.expected(EU, DAY + timedelta(1)).items()}
    names = {each.id: each.name(NOW) for each in ads.book.campaigns(EU)}
    kept = {ad.id for ad in ads.book.ads(EU) if ad.status(NOW) != "deleted"}
    assert {(row["ad_id"], date.fromisoformat(row["date_start"])) for row in page["data"]} == {
        key for key in known if key[0] in kept
    }
    for row in page["data"]:
        facts = known[row["ad_id"], date.fromisoformat(row["date_start"])]
        assert row.keys() == {*wanted.split(","), "date_start", "date_stop"}
        assert all(isinstance(value, str) for value in row.values())
        assert (row["spend"], row["clicks"]) == (f"{facts.spend:f}", str(facts.clicks))
        assert row["campaign_name"] == names[row["campaign_id"]]
        assert row["date_start"] == row["date_stop"]


def test_insights_of_several_days_and_higher_levels_are_sums(ads: Ads) -> None:
    both = [*ads.expected(EU, DAY).values(), *ads.expected(EU, DAY + timedelta(days=1)).values()]
    page = told(ads, f"act_{EU}/insights", level="account", time_range=RANGE, fields="spend,clicks,campaign_id")
    (row,) = page["data"]
    assert row.keys() == {"spend", "clicks", "date_start", "date_stop"}
    assert (row["date_start"], row["date_stop"]) == ("2026-10-05", "2026-10-06")
    assert (Decimal(row["spend"]), int(row["clicks"])) == (
        sum(each.spend for each in both),
        sum(each.clicks for each in both),
    )
    sets = told(ads, f"act_{EU}/insights", **DAILY | {"level": "adset"}, fields="adset_id,ad_id,spend")["data"]
    assert all("ad_id" not in row for row in sets)
    assert len({row["adset_id"] for row in sets}) == 4


def test_actions_by_window(ads: Ads) -> None:
    windows = ["1d_click", "7d_click", "28d_click", "1d_view"]
    query = {**DAILY, "fields": "ad_id,actions,action_values,attribution_setting", "limit": "100"}
    rows = told(ads, f"act_{EU}/insights", **query, action_attribution_windows=json.dumps(windows))["data"]
    facts = ads.expected(EU, DAY)
    seen = 0
    for row in (row for row in rows if row["date_start"] == str(DAY)):
        assert row["attribution_setting"] == "7d_click_1d_view"
        actions = {each["action_type"]: each for each in row.get("actions", [])}
        values = {each["action_type"]: each for each in row.get("action_values", [])}
        count, value = facts[row["ad_id"]].claimed("purchase", COUNTED["facebook_ads"])
        if "omni_purchase" not in actions:
            assert count == 0
            continue
        seen += 1
        bought = actions["omni_purchase"]
        assert (Decimal(bought["value"]), Decimal(values["omni_purchase"]["value"])) == (count, value)
        clicked = [Decimal(bought.get(window, 0)) for window in windows[:3]]
        assert clicked == sorted(clicked)
        assert bought | {"action_type": "purchase"} == actions["purchase"]
    assert seen
    plain = told(ads, f"act_{EU}/insights", **query)["data"]
    assert {key for row in plain for each in row["actions"] for key in each} == {"action_type", "value"}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"fields": "spend,dma,nothing"}, 100, "(#100) dma, nothing are not valid for fields param. please check"),
        ({"action_attribution_windows": '["1d_click","7d_view"]'}, 100, "action_attribution_windows[1] must be one of"),
        ({"action_attribution_windows": '["28d_view"]'}, 100, "action_attribution_windows[0]"),
        ({"level": "creative"}, 100, "level must be one of the following values: ad, adset, campaign, account"),
        ({"time_range": '{"since":"2026-10-06","until":"2026-10-05"}'}, 100, "start date"),
        ({"time_range": "yesterday"}, 100, "time_range"),
        ({"time_range": '{"since":"2023-09-30","until":"2023-10-05"}'}, 3018, "beyond 37 months"),
        ({"breakdowns": '["age"]'}, 100, "Unknown parameter: breakdowns"),
        ({"filtering": '[{"field":"ad.effective_status","operator":"IN","value":["GONE"]}]'}, 100, "effective_status"),
    ],
)
def test_what_insights_refuse(ads: Ads, changes: dict[str, str], code: int, said: str) -> None:
    for method in ("GET", "POST"):
        found = error(ads, f"act_{EU}/insights", method, **{**DAILY, "fields": "spend", **changes})
        assert found["code"] == code
        assert said in found["message"]


def test_a_question_too_large_to_be_answered_at_once(ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_sync_rows": 5})
    found = error(ads, f"act_{EU}/insights", **DAILY, fields="spend")
    assert (found["code"], found["error_subcode"], found["error_user_title"]) == (100, 1487534, "Too many rows")
    ads.control("POST", "knobs", {"facebook_most_rows": 6})
    answer = ask(ads, f"act_{EU}/insights", {**DAILY, "fields": "spend"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, 1)
    assert answer.json()["error"]["message"].startswith("Please reduce the amount of data")
    assert "report_run_id" in told(ads, f"act_{EU}/insights", "POST", **DAILY, fields="spend")
