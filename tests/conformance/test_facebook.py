"""Meta's own SDK, unmodified, against the demo's server: what it can read is what Meta would send."""

from __future__ import annotations

import warnings
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS

pytest.importorskip("facebook_business", reason="the official SDKs: make conformance")

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adserver import Ads

EU = "120000000000000001"
DAY = date(2026, 10, 5)


@pytest.fixture
def api(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    monkeypatch.setattr(FacebookSession, "GRAPH", ads.url)
    known = CREDENTIALS["facebook_ads"]
    ads.control("POST", "knobs", {"facebook_proof": True})
    api = FacebookAdsApi.init("770000000000001", known["app_secret"], known["access_token"], crash_log=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a field that the SDK does not know is a warning
        yield api
    api._session.requests.close()


def test_it_speaks_the_version_that_we_read(api: FacebookAdsApi) -> None:
    from workspace.sources.ads.facebook.adapter import VERSION

    assert api.API_VERSION == VERSION


def test_accounts(api: FacebookAdsApi) -> None:
    found = list(User(fbid="me", api=api).get_ad_accounts(fields=["account_id", "name", "currency", "timezone_name"]))
    assert [each["account_id"] for each in found][:2] == [EU, "120000000000000002"]
    assert found[1]["name"] == "BookMyEvent 日本"


def test_campaigns_page_by_page(api: FacebookAdsApi, ads: Ads) -> None:
    fields = [Campaign.Field.name, Campaign.Field.objective, Campaign.Field.effective_status]
    states = ["ACTIVE", "PAUSED", "DELETED", "ARCHIVED"]
    cursor = AdAccount(f"act_{EU}", api=api).get_campaigns(
        fields=fields, params={"limit": 1, "effective_status": states}
    )
    found = {each["id"]: each["effective_status"] for each in cursor}
    assert sorted(found.values()) == ["ACTIVE", "DELETED", "PAUSED"]
    assert cursor.total() == 3
    assert found.keys() == {each.id for each in ads.book.campaigns(EU)}
    assert len(ads.calls("facebook_ads")) == 3


def test_insights_by_a_job(api: FacebookAdsApi, ads: Ads) -> None:
    params: dict[str, Any] = {
        "level": AdsInsights.Level.ad,
        "time_increment": 1,
        "time_range": {"since": str(DAY), "until": str(DAY)},
        "action_attribution_windows": ["1d_click", "7d_click", "28d_click", "1d_view"],
        "use_unified_attribution_setting": True,
    }
    fields = [AdsInsights.Field.ad_id, AdsInsights.Field.spend, AdsInsights.Field.actions]
    job = AdAccount(f"act_{EU}", api=api).get_insights_async(fields=fields, params=params)
    looks = 0
    while job.api_get()[AdReportRun.Field.async_status] != "Job Completed":
        looks += 1
        assert looks < 10
    rows = list(job.get_insights(params={"limit": 3}))
    kept = {ad.id for ad in ads.book.ads(EU) if ad.status(ads.sim.now) != "deleted"}
    wanted = {ad: facts.spend for ad, facts in ads.expected(EU, DAY).items() if ad in kept}
    assert {row["ad_id"]: Decimal(row["spend"]) for row in rows} == wanted
    assert {"1d_click", "value"} <= {key for row in rows for action in row["actions"] for key in action}


def test_errors_are_understood(api: FacebookAdsApi, ads: Ads) -> None:
    ads.fault("rate_limit", "facebook_ads", code=80000, minutes=7)
    account = AdAccount(f"act_{EU}", api=api)
    with pytest.raises(FacebookRequestError) as raised:
        account.api_get(fields=["name"])
    assert (raised.value.api_error_code(), raised.value.api_error_subcode()) == (80000, 2446079)
    assert raised.value.api_error_type() == "OAuthException"
    assert '"estimated_time_to_regain_access": 7' in raised.value.http_headers()["x-business-use-case-usage"]
    ads.fault("transient", "facebook_ads", code=2)
    with pytest.raises(FacebookRequestError) as raised:
        account.api_get(fields=["name"])
    assert raised.value.api_transient_error() is True
    assert account.api_get(fields=["name"])["name"] == "BookMyEvent EU"
