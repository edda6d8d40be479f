"""TikTok as the demo speaks it: the envelope, the codes, the rules of reports, the ways with numbers and pages."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS
from workspace.demo.ads.book import COUNTED, total

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adserver import Ads
    from workspace.demo.ads.book import Facts

BUSY, YEN, EMPTY, DISABLED = (f"705000000000000000{number}" for number in (1, 2, 3, 4))
TOKEN = CREDENTIALS["tiktok_ads"]["access_token"]
OTHER = "another-token-or-secret"
DAY = date(2026, 10, 5)
ALL = '[{"field_name":"ad_status","filter_type":"IN","filter_value":"[\\"STATUS_ALL\\"]"}]'


@pytest.fixture(autouse=True)
def _without_pauses(ads: Ads) -> None:
    ads.control("POST", "limits", {"tiktok_ads": {"app_qps": 10_000, "advertiser_qps": 10_000}})


def ask(ads: Ads, path: str, query: Mapping[str, object], token: str | None = TOKEN) -> Any:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
    headers = {} if token is None else {"Access-Token": token}
    answer = ads.client.get(f"/open_api/v1.3/{path}", params=texts, headers=headers)
    assert answer.status_code == 200
    body = json.loads(answer.content, parse_float=Decimal)
    assert body.keys() == {"code", "message", "request_id", "data"}
    return body


def data(ads: Ads, path: str, **query: object) -> Any:
    body = ask(ads, path, query)
    assert (body["code"], body["message"]) == (0, "OK")
    return body["data"]


def report(ads: Ads, **changes: object) -> dict[str, object]:
    return {
        "advertiser_id": BUSY,
        "report_type": "BASIC",
        "data_level": "AUCTION_AD",
        "dimensions": ["ad_id", "stat_time_day"],
        "metrics": ["spend", "impressions", "clicks", "complete_payment", "total_complete_payment_rate"],
        "start_date": str(DAY),
        "end_date": str(DAY),
        "page_size": "1000",
        **changes,
    }


def code(ads: Ads, **changes: object) -> tuple[int, str]:
    given = {name: value for name, value in report(ads, **changes).items() if value is not None}
    body = ask(ads, "report/integrated/get/", given)
    return body["code"], body["message"]


def rows(ads: Ads, **changes: object) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = data(ads, "report/integrated/get/", **report(ads, **changes))["list"]
    return listed


@pytest.mark.parametrize(
    ("token", "told"), [(None, 40104), ("", 40104), ("of-somebody-else", 40105), ("small-tiktok-access-token2", 40105)]
)
def test_who_has_no_token_is_told_so_with_status_200(ads: Ads, token: str | None, told: int) -> None:
    assert ask(ads, "campaign/get/", {"advertiser_id": BUSY}, token)["code"] == told


def test_an_expired_token_stays_expired_until_there_is_another(ads: Ads) -> None:
    assert ads.control("POST", "tokens/expire", {"platform": "tiktok_ads"}) == ["tiktok_ads"]
    assert ask(ads, "campaign/get/", {"advertiser_id": BUSY})["code"] == 40102
    ads.sim.credentials["tiktok_ads"]["access_token"] = OTHER
    assert ask(ads, "campaign/get/", {"advertiser_id": BUSY}, OTHER)["code"] == 0
    assert ask(ads, "campaign/get/", {"advertiser_id": BUSY})["code"] == 40102


def test_accounts_are_those_that_were_granted(ads: Ads) -> None:
    app = {name: CREDENTIALS["tiktok_ads"][name] for name in ("app_id", "secret")}
    listed = data(ads, "oauth2/advertiser/get/", **app)["list"]
    assert [one["advertiser_id"] for one in listed] == [BUSY, YEN, EMPTY, DISABLED]
    ads.control("POST", "knobs", {"tiktok_revoked": [YEN]})
    listed = data(ads, "oauth2/advertiser/get/", **app)["list"]
    assert [one["advertiser_id"] for one in listed] == [BUSY, EMPTY, DISABLED]
    assert ask(ads, "oauth2/advertiser/get/", {**app, "secret": OTHER})["code"] == 40002


def test_an_account_tells_what_it_is(ads: Ads) -> None:
    fields = ["advertiser_id", "name", "currency", "timezone", "display_timezone", "status"]
    (one, other) = data(ads, "advertiser/info/", advertiser_ids=[YEN, DISABLED], fields=fields)["list"]
    zone = "Asia/Tokyo"
    assert list(one.values()) == [YEN, "BookMyEvent 日本", "JPY", zone, zone, "STATUS_ENABLE"]
    assert other["status"] == "STATUS_DISABLE"
    assert ask(ads, "advertiser/info/", {"advertiser_ids": [BUSY, "7059999999999999999"]})["code"] == 40001
    assert ask(ads, "advertiser/info/", {"advertiser_ids": [BUSY], "fields": ["nothing"]})["code"] == 40002
    assert ask(ads, "advertiser/info/", {"advertiser_ids": [str(n) for n in range(101)]})["code"] == 40002
    assert ask(ads, "advertiser/info/", {})["code"] == 40002


def test_a_zone_is_an_offset_from_greenwich_and_a_city_is_shown(ads: Ads) -> None:
    ads.control("POST", "account", {"id": BUSY, "timezone": "Etc/GMT+8"})
    (one,) = data(ads, "advertiser/info/", advertiser_ids=[BUSY])["list"]
    assert (one["timezone"], one["display_timezone"]) == ("Etc/GMT+8", "America/Los_Angeles")


@pytest.mark.parametrize("identity", [DISABLED, "7059999999999999999", "1"])
def test_an_account_that_may_not_be_operated_is_refused(ads: Ads, identity: str) -> None:
    for path in ("campaign/get/", "adgroup/get/", "ad/get/"):
        assert ask(ads, path, {"advertiser_id": identity})["code"] == 40001
    assert code(ads, advertiser_id=identity)[0] == 40001


def test_what_is_deleted_is_left_out_unless_it_is_asked_for(ads: Ads) -> None:
    def count(path: str, **filtering: object) -> int:
        listed = data(ads, path, advertiser_id=BUSY, filtering=filtering, page_size="1000")
        assert listed["page_info"]["total_number"] == len(listed["list"])
        return len(listed["list"])

    for path, word, every in (("campaign/get/", "CAMPAIGN", 3), ("adgroup/get/", "ADGROUP", 6), ("ad/get/", "AD", 12)):
        assert count(path) == every * 2 // 3
        assert count(path, secondary_status=f"{word}_STATUS_ALL") == every
        assert count(path, secondary_status=f"{word}_STATUS_DELETE") == every // 3
        assert count(path, primary_status="STATUS_ALL") == every
        assert count(path, secondary_status=f"{word}_STATUS_DISABLE") == every // 3


def test_the_status_of_what_is_above_shows_below(ads: Ads) -> None:
    first = ads.book.campaigns(BUSY)[0]
    ads.control("POST", "entity", {"id": first.id, "status": "paused"})
    under = {"campaign_ids": [first.id]}
    groups = data(ads, "adgroup/get/", advertiser_id=BUSY, filtering=under)["list"]
    assert {(one["operation_status"], one["secondary_status"]) for one in groups} == {
        ("ENABLE", "ADGROUP_STATUS_CAMPAIGN_DISABLE")
    }
    ads.control("POST", "entity/delete", {"id": first.id})
    assert data(ads, "ad/get/", advertiser_id=BUSY, filtering=under)["list"] == []
    every = {**under, "secondary_status": "AD_STATUS_ALL"}
    told = data(ads, "ad/get/", advertiser_id=BUSY, filtering=every)["list"]
    assert {one["secondary_status"] for one in told} == {"AD_STATUS_CAMPAIGN_DELETE"}
    assert len(told) == 4


def test_names_and_addresses_come_as_they_are(ads: Ads) -> None:
    listed = data(ads, "campaign/get/", advertiser_id=BUSY, filtering={"primary_status": "STATUS_ALL"})["list"]
    assert {one["campaign_name"] for one in listed} == {one.name(ads.sim.now) for one in ads.book.campaigns(BUSY)}
    ads.control("POST", "knobs", {"tiktok_smart": [ads.book.ads(BUSY)[0].id]})
    told = {one["ad_id"]: one for one in data(ads, "ad/get/", advertiser_id=BUSY, page_size="50")["list"]}
    smart, plain = (ads.book.ads(BUSY)[place] for place in (0, 1))
    assert told[smart.id]["modify_time"] is None
    assert told[smart.id]["landing_page_url"] is None
    assert told[smart.id]["landing_page_urls"] == [{"landing_page_url": smart.url}]
    assert told[plain.id]["landing_page_url"] == plain.url
    assert told[plain.id]["ad_name"] == "Karussell 💍\nline two"


def test_only_the_fields_that_were_asked_for_come_back(ads: Ads) -> None:
    fields = ["campaign_id", "deep_bid_type"]
    listed = data(ads, "campaign/get/", advertiser_id=BUSY, fields=fields)["list"]
    assert {tuple(one) for one in listed} == {("campaign_id", "deep_bid_type")}
    without = ["NULL_FIELD"]
    listed = data(ads, "campaign/get/", advertiser_id=BUSY, fields=fields, exclude_field_types_in_response=without)
    assert {tuple(one) for one in listed["list"]} == {("campaign_id",)}
    assert ask(ads, "campaign/get/", {"advertiser_id": BUSY, "fields": ["status"]})["code"] == 40002


def test_pages_say_how_many_there_are(ads: Ads) -> None:
    pages = [data(ads, "ad/get/", advertiser_id=BUSY, page=str(page), page_size="3") for page in (1, 2, 3, 4)]
    assert [len(page["list"]) for page in pages] == [3, 3, 2, 0]
    assert pages[1]["page_info"] == {"page": 2, "page_size": 3, "total_number": 8, "total_page": 3}
    ids = [int(one["ad_id"]) for page in pages for one in page["list"]]
    assert ids == sorted(ids, reverse=True)
    assert data(ads, "ad/get/", advertiser_id=YEN)["page_info"]["page_size"] == 10
    for wrong in ({"page_size": "1001"}, {"page_size": "0"}, {"page": "0"}, {"page": "first"}):
        assert ask(ads, "ad/get/", {"advertiser_id": BUSY, **wrong})["code"] == 40002


def test_a_report_has_what_the_book_has(ads: Ads) -> None:
    metrics = ["spend", "impressions", "clicks", "complete_payment", "total_complete_payment_rate", "currency"]
    metrics += ["vta_complete_payment", "web_event_add_to_cart", "campaign_id", "adgroup_id", "ad_name"]
    told = {row["dimensions"]["ad_id"]: row for row in rows(ads, metrics=metrics, filtering=ALL)}
    known = {ad.id: (ad, facts) for ad, facts in ads.book.facts(BUSY, DAY, ads.sim.now)}
    assert told.keys() == known.keys()
    for identity, (ad, facts) in known.items():
        metrics_told = told[identity]["metrics"]
        assert told[identity]["dimensions"]["stat_time_day"] == "2026-10-05 00:00:00"
        assert Decimal(metrics_told["spend"]) == facts.spend
        assert [metrics_told[name] for name in ("impressions", "clicks", "vta_complete_payment")] == [
            str(facts.impressions),
            str(facts.clicks),
            str(facts.view_through),
        ]
        assert _claimed(metrics_told) == facts.claimed("purchase", COUNTED["tiktok_ads"])
        assert (metrics_told["campaign_id"], metrics_told["adgroup_id"]) == (ad.campaign_id, ad.group_id)
        assert (metrics_told["currency"], metrics_told["ad_name"]) == ("EUR", ad.name(ads.sim.now))


def _claimed(metrics: dict[str, str]) -> tuple[Decimal, Decimal]:
    return Decimal(metrics["complete_payment"]), Decimal(metrics["total_complete_payment_rate"])


def test_a_report_leaves_deleted_ads_out_by_itself(ads: Ads) -> None:
    deleted = {ad.id for ad in ads.book.ads(BUSY) if ad.status(ads.sim.now) == "deleted"}
    told = {row["dimensions"]["ad_id"] for row in rows(ads)}
    every = {row["dimensions"]["ad_id"] for row in rows(ads, filtering=ALL)}
    assert every - told == every & deleted != set()


@pytest.mark.parametrize(
    ("level", "dimension", "parent"),
    [
        ("AUCTION_CAMPAIGN", "campaign_id", lambda ad: ad.campaign_id),
        ("AUCTION_ADGROUP", "adgroup_id", lambda ad: ad.group_id),
        ("AUCTION_ADVERTISER", "advertiser_id", lambda ad: ad.account_id),
    ],
)
def test_levels_above_are_sums(ads: Ads, level: str, dimension: str, parent: Any) -> None:
    every = ALL.replace("ad_status", dimension.replace("_id", "_status"))
    asked = {"data_level": level, "dimensions": [dimension, "stat_time_day"]}
    if dimension != "advertiser_id":
        asked["filtering"] = every
    told = {row["dimensions"][dimension]: row["metrics"] for row in rows(ads, **asked)}
    known: dict[str, list[Facts]] = {}
    for ad, facts in ads.book.facts(BUSY, DAY, ads.sim.now):
        known.setdefault(parent(ad), []).append(facts)
    assert told.keys() == known.keys()
    for identity, several in known.items():
        whole = total(several)
        assert Decimal(told[identity]["spend"]) == whole.spend
        assert told[identity]["impressions"] == str(whole.impressions)
        assert _claimed(told[identity]) == whole.claimed("purchase", COUNTED["tiktok_ads"])


def test_without_a_day_a_report_sums_over_them(ads: Ads) -> None:
    span = {"start_date": "2026-10-01", "end_date": "2026-10-10"}
    daily = rows(ads, **span)
    (first, *_) = rows(ads, dimensions=["ad_id"], **span)
    mine = [row for row in daily if row["dimensions"]["ad_id"] == first["dimensions"]["ad_id"]]
    assert len(mine) > 1
    assert int(first["metrics"]["impressions"]) == sum(int(row["metrics"]["impressions"]) for row in mine)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dimensions": ["ad_id", "campaign_id", "stat_time_day"]}, "campaign_id"),
        ({"dimensions": ["campaign_id", "stat_time_day"]}, "campaign_id"),
        ({"dimensions": ["stat_time_day"]}, "dimensions"),
        ({"dimensions": None}, "dimensions"),
        ({"dimensions": "ad_id"}, "dimensions"),
        ({"metrics": ["spend", "show_cnt"]}, "Invalid metric fields: ['show_cnt']"),
        ({"data_level": "AUCTION_CAMPAIGN", "dimensions": ["campaign_id"], "metrics": ["adgroup_id"]}, "adgroup_id"),
        ({"data_level": "AUCTION_CAMPAIGN", "dimensions": ["campaign_id"], "metrics": ["conversion"]}, "conversion"),
        ({"start_date": "2026-09-05", "end_date": "2026-10-05"}, "30 days"),
        ({"start_date": "2026-10-06"}, "end_date"),
        ({"start_date": "05.10.2026"}, "start_date"),
        ({"start_date": None}, "start_date"),
        ({"page_size": "1001"}, "page_size"),
        ({"report_type": "HOURLY"}, "report_type"),
        ({"data_level": "AUC_AD"}, "data_level"),
        ({"filters": "[]"}, "filters: Unknown field."),
        ({"filtering": '{"ad_status":"STATUS_ALL"}'}, "filtering"),
        ({"filtering": ALL.replace('"[\\"STATUS_ALL\\"]"', '["STATUS_ALL"]')}, "filter_value"),
    ],
)
def test_what_a_report_does_not_allow(ads: Ads, changes: dict[str, object], said: str) -> None:
    told, message = code(ads, **changes)
    assert told == 40002
    assert said in message


def test_thirty_days_and_a_whole_year_are_allowed(ads: Ads) -> None:
    assert code(ads, start_date="2026-09-06") == (0, "OK")
    assert code(ads, dimensions=["ad_id"], start_date="2025-10-06") == (0, "OK")
    assert code(ads, dimensions=["ad_id"], start_date="2025-10-05")[0] == 40002


def test_too_large_a_report_is_refused(ads: Ads) -> None:
    ads.control("POST", "limits", {"tiktok_ads": {"cost": 8 * 5 * 2}})
    assert code(ads, start_date="2026-10-04")[0] == 0
    assert code(ads, start_date="2026-10-03")[0] == 40067


def test_a_report_of_too_many_ads_says_in_a_header_that_some_are_missing(ads: Ads) -> None:
    ads.control("POST", "limits", {"tiktok_ads": {"ads": 5}})
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in report(ads).items()}
    path = "/open_api/v1.3/report/integrated/get/"
    answer = ads.client.get(path, params=texts, headers={"Access-Token": TOKEN})
    assert "only return the top" in answer.headers["X-Tt-Ads-Throttle"]
    newest = sorted((ad for ad in ads.book.ads(BUSY) if ad.status(ads.sim.now) != "deleted"), key=lambda ad: int(ad.id))
    assert {row["dimensions"]["ad_id"] for row in answer.json()["data"]["list"]} <= {ad.id for ad in newest[-5:]}
    few = ALL.replace("ad_status", "campaign_ids").replace("STATUS_ALL", ads.book.campaigns(BUSY)[0].id)
    texts["filtering"] = few
    assert "X-Tt-Ads-Throttle" not in ads.client.get(path, params=texts, headers={"Access-Token": TOKEN}).headers


def test_ids_may_come_as_numbers_that_no_double_holds(ads: Ads) -> None:
    ads.control("POST", "knobs", {"numeric_ids": True})
    asked = {"metrics": ["campaign_id", "adgroup_id", "spend"], "filtering": ALL}
    first = rows(ads, **asked)[0]
    whole = {ad.id: ad for ad in ads.book.ads(BUSY)}
    ad = whole[str(first["dimensions"]["ad_id"])]
    assert first["dimensions"]["ad_id"] == int(ad.id) > 2**53
    assert first["metrics"]["campaign_id"] == int(ad.campaign_id)
    listed = data(ads, "ad/get/", advertiser_id=BUSY)["list"]
    assert {type(one[name]) for one in listed for name in ("ad_id", "adgroup_id", "campaign_id")} == {int}


def test_metrics_may_be_dashes_null_absent_or_numbers(ads: Ads) -> None:
    how = {"spend": "number", "clicks": "dash", "impressions": "null", "complete_payment": "absent"}
    ads.control("POST", "knobs", {"tiktok_metrics": how})
    for row in rows(ads):
        assert isinstance(row["metrics"]["spend"], Decimal | int)
        assert row["metrics"]["clicks"] == "-"
        assert row["metrics"]["impressions"] is None
        assert "complete_payment" not in row["metrics"]
        assert isinstance(row["metrics"]["total_complete_payment_rate"], str)
    assert {row["metrics"]["secondary_goal_result"] for row in rows(ads, metrics=["secondary_goal_result"])} == {"-"}


def test_yen_are_whole(ads: Ads) -> None:
    spends = [Decimal(row["metrics"]["spend"]) for row in rows(ads, advertiser_id=YEN)]
    assert spends
    assert all(spend == spend.to_integral_value() for spend in spends)


def test_more_than_ten_requests_a_second_are_refused(ads: Ads) -> None:
    ads.control("POST", "knobs", {"tiktok_clock": "virtual"})
    ads.control("POST", "limits", {"tiktok_ads": {"app_qps": 2}})
    told = [ask(ads, "campaign/get/", {"advertiser_id": BUSY}) for _ in range(3)]
    assert told[2]["code"] == 40100
    assert "reaches the QPS limit 2, current QPS is 3" in told[2]["message"]
    ads.control("POST", "limits", {"tiktok_ads": {"app_qps": 100, "advertiser_qps": 2}})
    told = [ask(ads, "campaign/get/", {"advertiser_id": YEN}) for _ in range(3)]
    assert told[2]["code"] == 40133
    assert ads.control("GET", "limits")["tiktok_ads"]["advertiser_qps"] == 2
    ads.control("POST", "clock", {"advance": 1})
    assert ask(ads, "campaign/get/", {"advertiser_id": YEN})["code"] == 0
    ads.control("DELETE", "knobs")
    told = ads.control("GET", "limits")["tiktok_ads"]
    assert [told[name] for name in ("app_qps", "advertiser_qps", "days", "ads")] == [10, 20, 30, 20_000]


@pytest.mark.parametrize(("path", "told"), [("v1.2/campaign/get/", 40006), ("v1.3/nothing/get/", 40400)])
def test_what_is_not_there(ads: Ads, path: str, told: int) -> None:
    answer = ads.client.get(f"/open_api/{path}", params={"advertiser_id": BUSY}, headers={"Access-Token": TOKEN})
    assert (answer.status_code, answer.json()["code"]) == (200, told)


def test_every_answer_has_an_id_of_its_own(ads: Ads) -> None:
    ids = [ask(ads, "campaign/get/", {"advertiser_id": BUSY})["request_id"] for _ in range(3)]
    assert len(set(ids)) == 3


def test_faults_of_its_own(ads: Ads) -> None:
    ads.fault("app_qps", "tiktok_ads", times=2, skip=1)
    told = [ask(ads, "campaign/get/", {"advertiser_id": BUSY})["code"] for _ in range(4)]
    assert told == [0, 40100, 40100, 0]
    ads.fault("code", "tiktok_ads", code=40132, message="slower")
    body = ask(ads, "campaign/get/", {"advertiser_id": BUSY})
    assert (body["code"], body["message"], body["data"]) == (40132, "slower", {})
