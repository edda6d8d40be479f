"""TikTok's own SDK, as it is published, reads the demo: the proof that the demo speaks what TikTok speaks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS
from workspace.demo.ads.book import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adserver import Ads

sdk = pytest.importorskip("business_api_client", reason="TikTok's SDK: make conformance")
filters = pytest.importorskip("business_api_client.models.filtering_report_integrated_get")

BUSY, YEN, EMPTY, DISABLED = (f"705000000000000000{number}" for number in (1, 2, 3, 4))
TOKEN = CREDENTIALS["tiktok_ads"]["access_token"]
DAY = "2026-10-05"
ALL = [filters.FilteringReportIntegratedGet(field_name="ad_status", filter_type="IN", filter_value='["STATUS_ALL"]')]
METRICS = [
    "spend",
    "impressions",
    "clicks",
    "complete_payment",
    "total_complete_payment_rate",
    "campaign_id",
    "adgroup_id",
]


@pytest.fixture
def client(ads: Ads) -> Iterator[Any]:
    ads.control("POST", "limits", {"tiktok_ads": {"app_qps": 10_000, "advertiser_qps": 10_000}})
    configuration = sdk.Configuration()
    configuration.host = ads.url
    made = sdk.ApiClient(configuration)
    yield made
    made.rest_client.pool_manager.clear()


def report(client: Any, **changes: Any) -> Any:
    asked = {
        "report_type": "BASIC",
        "access_token": TOKEN,
        "advertiser_id": BUSY,
        "service_type": "AUCTION",
        "data_level": "AUCTION_AD",
        "dimensions": ["ad_id", "stat_time_day"],
        "metrics": METRICS,
        "start_date": DAY,
        "end_date": DAY,
        "page_size": 1000,
        "filtering": ALL,
    }
    return sdk.ReportingApi(client).report_integrated_get(**{**asked, **changes})


def refused(client: Any, **changes: Any) -> str:
    from business_api_client.tiktok_business.tiktok_exceptions import TiktokSDKError

    with pytest.raises(TiktokSDKError) as caught:
        report(client, **changes)
    return str(caught.value)


def test_accounts(client: Any) -> None:
    app = {name: CREDENTIALS["tiktok_ads"][name] for name in ("app_id", "secret")}
    listed = sdk.AuthenticationApi(client).oauth2_advertiser_get(access_token=TOKEN, **app)["data"]["list"]
    assert [one["advertiser_id"] for one in listed] == [BUSY, YEN, EMPTY, DISABLED]
    info = sdk.AccountManagementApi(client).advertiser_info([BUSY, YEN], TOKEN, fields=["advertiser_id", "currency"])
    assert info["data"]["list"] == [
        {"advertiser_id": BUSY, "currency": "EUR"},
        {"advertiser_id": YEN, "currency": "JPY"},
    ]


def test_what_is_in_an_account(ads: Ads, client: Any) -> None:
    campaigns = sdk.CampaignCreationApi(client).campaign_get(
        BUSY, TOKEN, filtering=sdk.FilteringCampaignGet(secondary_status="CAMPAIGN_STATUS_ALL"), page_size=1000
    )
    assert {one["campaign_id"]: one["campaign_name"] for one in campaigns["data"]["list"]} == {
        one.id: one.name(ads.sim.now) for one in ads.book.campaigns(BUSY)
    }
    groups = sdk.AdgroupApi(client).adgroup_get(BUSY, TOKEN, filtering=sdk.FilteringAdgroupGet(), page_size=1000)
    assert groups["data"]["page_info"]["total_number"] == 4, "the deleted ones are left out"
    found = sdk.AdApi(client).ad_get(
        BUSY, TOKEN, filtering=sdk.FilteringAdGet(primary_status="STATUS_ALL"), fields=["ad_id", "landing_page_url"]
    )
    whole = {one.id: one.url for one in ads.book.ads(BUSY)}
    assert len(found["data"]["list"]) == 10, "the size of a page, unless another is asked for"
    assert found["data"]["page_info"]["total_number"] == len(whole) == 12
    assert all(whole[one["ad_id"]] == one["landing_page_url"] for one in found["data"]["list"])


def test_a_report_is_what_the_book_has(ads: Ads, client: Any) -> None:
    told = report(client)
    known = {ad.id: (ad, facts) for ad, facts in ads.book.facts(BUSY, date.fromisoformat(DAY), ads.sim.now)}
    assert told["data"]["page_info"]["total_number"] == len(told["data"]["list"]) == len(known)
    for row in told["data"]["list"]:
        ad, facts = known[row["dimensions"]["ad_id"]]
        metrics = row["metrics"]
        assert (metrics["campaign_id"], metrics["adgroup_id"]) == (ad.campaign_id, ad.group_id)
        assert Decimal(metrics["spend"]) == facts.spend
        assert [metrics["impressions"], metrics["clicks"]] == [str(facts.impressions), str(facts.clicks)]
        claimed = Decimal(metrics["complete_payment"]), Decimal(metrics["total_complete_payment_rate"])
        assert claimed == facts.claimed("purchase", COUNTED["tiktok_ads"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_token": "of-somebody-else"}, 40105),
        ({"advertiser_id": DISABLED}, 40001),
        ({"metrics": ["show_cnt"]}, 40002),
        ({"dimensions": ["ad_id", "campaign_id", "stat_time_day"]}, 40002),
        ({"start_date": "2026-09-01"}, 40002),
    ],
)
def test_the_sdk_raises_what_the_code_says(client: Any, changes: dict[str, Any], code: int) -> None:
    assert f"Error Code: {code}" in refused(client, **changes)


def test_the_codes_are_the_sdk_s_own(ads: Ads, client: Any) -> None:
    from business_api_client.tiktok_business.tiktok_code import NumericErrorCodes

    known = {value for name, value in vars(NumericErrorCodes).items() if name.startswith("ERROR_CODE_")}
    for fault in ("app_qps", "too_frequent", "too_many", "system_error", "system_timeout", "internal_timeout"):
        ads.fault(fault, "tiktok_ads")
        code = int(refused(client).removeprefix("Error Code: ").split(",")[0])
        assert code in known
    assert {40001, 40002, 40006, 40102, 40104, 40105, 60001, 61000} <= known
