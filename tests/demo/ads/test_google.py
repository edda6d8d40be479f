"""Google Ads as the demo speaks it: who may ask, in which order it refuses, what a row looks like, pages and quotas."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS, FIRST, NOW
from workspace.demo.ads.book import COUNTED

if TYPE_CHECKING:
    import httpx

    from adserver import Ads

MANAGER, BERLIN, ANGELES, EMPTY, DISABLED = ("9990000001", *(f"410000000{number}" for number in range(1, 5)))
SECRET = CREDENTIALS["google_ads"]
DAY = date(2026, 10, 5)
FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
BY_AD = (
    "SELECT campaign.id, ad_group.id, ad_group_ad.ad.id, segments.date, metrics.impressions, metrics.clicks, "
    "metrics.cost_micros, metrics.conversions, metrics.conversions_value, metrics.view_through_conversions "
    "FROM ad_group_ad WHERE segments.date BETWEEN '2026-10-01' AND '2026-10-14'"
)


class Google:
    """A client that does no more than it is told."""

    def __init__(self, ads: Ads) -> None:
        self.ads = ads
        self.headers = {
            "authorization": f"Bearer {self.token().json()['access_token']}",
            "developer-token": SECRET["developer_token"],
            "login-customer-id": MANAGER,
        }

    def token(self, **changes: str) -> httpx.Response:
        names = ("client_id", "client_secret", "refresh_token")
        form = {"grant_type": "refresh_token"} | {name: SECRET[name] for name in names} | changes
        return self.ads.client.post("/token", data=form)

    def post(self, query: str, account: str = BERLIN, method: str = "search", **body: Any) -> httpx.Response:
        path = f"/v26/customers/{account}/googleAds:{method}"
        return self.ads.client.post(path, json={"query": query, **body}, headers=self.headers)

    def page(self, query: str, account: str = BERLIN, **body: Any) -> Any:
        answer = self.post(query, account, **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["request-id"]
        return json.loads(answer.content, parse_float=Decimal)

    def rows(self, query: str, account: str = BERLIN) -> list[Any]:
        """Give all rows, page by page."""
        found: list[Any] = []
        token: dict[str, str] = {}
        while True:
            page = self.page(query, account, **token)
            found += page.get("results", [])
            if "nextPageToken" not in page:
                return found
            token = {"pageToken": page["nextPageToken"]}


@pytest.fixture
def google(ads: Ads) -> Google:
    return Google(ads)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Give the status, the kind of error and which one it is; check all that every refusal has."""
    body = answer.json()
    error = (body[0] if isinstance(body, list) else body)["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    (detail,) = error["details"]
    assert detail["@type"] == FAILURE
    assert detail["requestId"] == answer.headers["request-id"]
    (failure,) = detail["errors"]
    ((family, code),) = failure["errorCode"].items()
    assert failure["message"]
    return answer.status_code, family, code


def test_an_access_token_for_a_refresh_token(google: Google) -> None:
    body = google.token().json()
    assert body.pop("access_token").startswith("ya29.")
    assert body == {"expires_in": 3599, "scope": "https://www.googleapis.com/auth/adwords", "token_type": "Bearer"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"refresh_token": "1//old"}, 400, "invalid_grant"),
        ({"client_secret": "other"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "all"}, 400, "invalid_request"),
    ],
)
def test_no_access_token(google: Google, changes: dict[str, str], status: int, error: str) -> None:
    answer = google.token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_checks_come_in_their_order(ads: Ads, google: Google) -> None:
    """All is wrong at first; each mistake that is mended lets the next one show."""
    good = dict(google.headers)
    google.headers = {}
    wrong: dict[str, Any] = {"version": "v25", "account": "410-000-0004", "query": "nonsense", "pageSize": 5}
    ads.control("POST", "limits", {"google_ads": {"daily_operations": 0}})

    def ask() -> httpx.Response:
        body = {name: wrong[name] for name in ("query", "pageSize") if name in wrong}
        path = f"/{wrong['version']}/customers/{wrong['account']}/googleAds:search"
        return ads.client.post(path, json=body, headers=google.headers)

    retired = ask()
    assert retired.status_code == 404
    assert retired.headers["content-type"] == "text/html; charset=UTF-8"
    wrong["version"] = "v26"
    assert refusal(ask()) == (401, "authenticationError", "OAUTH_TOKEN_INVALID")
    google.headers["authorization"] = good["authorization"]
    assert refusal(ask()) == (400, "requestError", "DEVELOPER_TOKEN_PARAMETER_MISSING")
    google.headers["developer-token"] = "test"
    assert refusal(ask()) == (403, "authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED")
    google.headers["developer-token"] = "other"
    assert refusal(ask()) == (401, "authenticationError", "DEVELOPER_TOKEN_INVALID")
    google.headers["developer-token"] = good["developer-token"]
    assert refusal(ask()) == (400, "requestError", "INVALID_CUSTOMER_ID")
    wrong["account"] = DISABLED
    google.headers["login-customer-id"] = "999-000-0001"
    assert refusal(ask()) == (400, "headerError", "INVALID_LOGIN_CUSTOMER_ID")
    del google.headers["login-customer-id"]
    assert refusal(ask()) == (403, "authorizationError", "USER_PERMISSION_DENIED")
    google.headers["login-customer-id"] = MANAGER
    assert refusal(ask()) == (403, "authorizationError", "CUSTOMER_NOT_ENABLED")
    wrong["account"] = BERLIN
    assert refusal(ask()) == (429, "quotaError", "RESOURCE_EXHAUSTED")
    ads.control("POST", "limits", {})
    assert refusal(ask()) == (400, "requestError", "PAGE_SIZE_NOT_SUPPORTED")
    del wrong["pageSize"]
    assert refusal(ask()) == (400, "queryError", "EXPECTED_SELECT")
    wrong["query"] = "SELECT campaign.id FROM campaign"
    assert ask().status_code == 200


def test_a_token_lasts_an_hour_or_until_it_is_expired(ads: Ads, google: Google) -> None:
    query = "SELECT customer.id FROM customer"
    ads.clock(NOW + timedelta(seconds=3598))
    assert google.post(query).status_code == 200
    ads.clock(NOW + timedelta(seconds=3599))
    assert refusal(google.post(query)) == (401, "authenticationError", "OAUTH_TOKEN_EXPIRED")
    fresh = Google(ads)
    assert fresh.post(query).status_code == 200
    ads.control("POST", "tokens/expire", {"platform": "google_ads"})
    assert refusal(fresh.post(query)) == (401, "authenticationError", "OAUTH_TOKEN_EXPIRED")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "EXPECTED_SELECT"),
        ("SELECT", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id", "UNEXPECTED_END_OF_QUERY"),
        ("SELECT campaign.id campaign.name FROM campaign", "EXPECTED_FROM"),
        ("SELECT campaign.id, FROM campaign", "BAD_FIELD_NAME"),
        ("SELECT campaign.id FROM advert", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT campaign.id FROM campaign GROUP BY campaign.id", "UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaign; DROP", "BAD_SYMBOL"),
        ("SELECT cämpaign.id FROM campaign", "BAD_SYMBOL"),
        ("SELECT campaign.nom FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaign WHERE metrics.views > 1", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name LIKE 'a", "STRING_NOT_TERMINATED"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'a\nb'", "PROHIBITED_NEWLINE_IN_STRING"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'a\\qb'", "BAD_ESCAPE_SEQUENCE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = word", "INVALID_STRING_VALUE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name > 'a'", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id LIKE '1%'", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 'seven'", "BAD_VALUE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 1.2.3", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 7", "BAD_SYMBOL"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id CONTAINS 7", "BAD_OPERATOR"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = (7)", "EXPECTED_SINGLE_VALUE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN 7", "EXPECTED_LIST"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN ()", "PROHIBITED_EMPTY_LIST_IN_CONDITION"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN (7, 'a')", "PROHIBITED_VALUE_COMBINATION_IN_LIST"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id BETWEEN 1 2", "EXPECTED_AND"),
        ("SELECT campaign.id FROM campaign WHERE campaign.status = 'DELETED'", "BAD_ENUM_CONSTANT"),
        ("SELECT campaign.id FROM campaign ORDER campaign.id", "EXPECTED_BY"),
        ("SELECT campaign.id FROM campaign LIMIT many", "BAD_LIMIT_VALUE"),
        ("SELECT campaign.id FROM campaign LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
        ("SELECT campaign.id FROM campaign PARAMETERS drafts = true", "BAD_PARAMETER_NAME"),
        ("SELECT ad_group.id FROM campaign", "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE ad_group.id = 7", "PROHIBITED_RESOURCE_TYPE_IN_WHERE_CLAUSE"),
        ("SELECT metrics.clicks FROM customer_client", "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"),
        ("SELECT segments.date FROM conversion_action", "PROHIBITED_SEGMENT_IN_SELECT_OR_WHERE_CLAUSE"),
        ("SELECT segments.date, metrics.clicks FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT segments.date FROM campaign WHERE segments.date >= '2026-10-01'", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        (
            "SELECT metrics.clicks FROM campaign WHERE segments.month = '2026-10-01'",
            "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
        ),
        ("SELECT campaign.id FROM campaign ORDER BY metrics.clicks", "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE segments.date = '2026-02-30'", "INVALID_DATE_FORMAT"),
        ("SELECT campaign.id FROM campaign WHERE segments.date = '20261001'", "INVALID_DATE_FORMAT"),
        ("SELECT campaign.id FROM campaign WHERE segments.date = 20261001", "INVALID_DATE_FORMAT"),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date DURING LAST_SUMMER",
            "INVALID_VALUE_WITH_DURING_OPERATOR",
        ),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date BETWEEN '2026-10-02' AND '2026-10-01'",
            "DATE_RANGE_TOO_NARROW",
        ),
        (
            "SELECT segments.conversion_action_name, metrics.clicks FROM campaign",
            "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
        ),
    ],
)
def test_queries_that_are_refused(google: Google, query: str, code: str) -> None:
    assert refusal(google.post(query)) == (400, "queryError", code)


def test_unknown_fields_are_named(google: Google) -> None:
    error = google.post("SELECT metrics.a, campaign.id, metrics.b FROM campaign").json()["error"]
    (failure,) = error["details"][0]["errors"]
    assert failure["message"] == "Unrecognized fields in the query: 'metrics.a', 'metrics.b'."


def test_metrics_of_a_manager_are_refused(google: Google) -> None:
    query = "SELECT metrics.clicks FROM customer"
    assert refusal(google.post(query, MANAGER)) == (400, "queryError", "REQUESTED_METRICS_FOR_MANAGER")
    assert google.rows("SELECT customer.manager FROM customer", MANAGER)[0]["customer"]["manager"] is True


@pytest.mark.parametrize("body", [{"pageNumber": 1}, {"searchSettings": {"returnAll": True}}, {"customerId": BERLIN}])
def test_a_body_that_google_does_not_know(google: Google, body: dict[str, Any]) -> None:
    answer = google.post("SELECT campaign.id FROM campaign", **body)
    assert answer.status_code == 400
    assert "Cannot find field" in answer.json()["error"]["message"]


def test_a_query_that_is_only_checked(google: Google) -> None:
    assert google.page(BY_AD, validateOnly=True) == {}
    refused = google.post(BY_AD, validateOnly=True, pageToken="x")
    assert refusal(refused) == (400, "requestError", "VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN")


@pytest.mark.parametrize("account", [BERLIN, ANGELES])
def test_what_ads_did_is_what_the_book_says(ads: Ads, google: Google, account: str) -> None:
    found = {}
    for row in google.rows(BY_AD, account):
        metrics = row["metrics"]
        numbers = [int(metrics[name]) for name in ("impressions", "clicks", "costMicros", "viewThroughConversions")]
        claimed = Decimal(metrics["conversions"]), Decimal(metrics["conversionsValue"])
        found[row["adGroupAd"]["ad"]["id"], row["segments"]["date"]] = (*numbers, *claimed)
    told = {}
    for day in (date(2026, 10, number) for number in range(1, 15)):
        for ad, facts in ads.expected(account, day).items():
            numbers = [facts.impressions, facts.clicks, int(facts.spend * 10**6), facts.view_through]
            told[ad, str(day)] = (*numbers, *ads.counted("google_ads", facts))
    assert found == told
    assert len(found) > 100


def test_how_values_are_written(google: Google) -> None:
    query = (
        "SELECT customer.id, customer.manager, campaign.name, campaign.status, metrics.clicks, metrics.ctr, "
        "metrics.conversions FROM campaign WHERE campaign.status = 'REMOVED' AND segments.date DURING LAST_7_DAYS"
    )
    page = google.page(query)
    assert page["fieldMask"] == (
        "customer.id,customer.manager,campaign.name,campaign.status,metrics.clicks,metrics.ctr,metrics.conversions"
    )
    (row,) = page["results"]
    name = row["campaign"].pop("name")
    assert len(name) > 200  # not cut
    number = row["campaign"]["resourceName"].rpartition("/")[2]
    assert int(number) > 2**53
    assert row == {
        "customer": {"resourceName": f"customers/{BERLIN}", "id": BERLIN, "manager": False},
        "campaign": {"resourceName": f"customers/{BERLIN}/campaigns/{number}", "status": "REMOVED"},
        "metrics": {"clicks": "0", "ctr": 0, "conversions": 0},
    }


def test_zeros_are_left_out_as_soon_as_a_segment_is_asked_for(google: Google) -> None:
    where = "WHERE segments.date = '2026-11-01'"
    all_of_them = google.rows(f"SELECT campaign.id, metrics.clicks FROM campaign {where}")
    split = google.rows(f"SELECT campaign.id, segments.date, metrics.clicks FROM campaign {where}")
    assert len(all_of_them) == 4
    assert sum(row["metrics"]["clicks"] == "0" for row in all_of_them) == 4 - len(split) > 0


def test_sums_agree_at_every_level(ads: Ads, google: Google) -> None:
    where = "WHERE segments.date BETWEEN '2026-10-20' AND '2026-10-31'"
    metrics = "metrics.cost_micros, metrics.impressions, metrics.all_conversions"
    sums = {}
    for resource in ("customer", "campaign", "ad_group", "ad_group_ad"):
        rows = google.rows(f"SELECT {metrics} FROM {resource} {where}")
        sums[resource] = [sum(Decimal(row["metrics"][name]) for row in rows) for name in rows[0]["metrics"]]
    hidden = next(each for each in ads.book.campaigns(BERLIN) if each.ads_hidden)
    (alone,) = google.rows(f"SELECT {metrics} FROM campaign {where} AND campaign.id = {hidden.id}")
    assert sums["customer"] == sums["campaign"]
    assert sums["ad_group"] == sums["ad_group_ad"]
    apart = [Decimal(value) for value in alone["metrics"].values()]
    assert [have + more for have, more in zip(sums["ad_group"], apart, strict=True)] == sums["campaign"]
    assert all(apart)


def test_claims_by_action(ads: Ads, google: Google) -> None:
    query = (
        "SELECT campaign.id, segments.conversion_action, segments.conversion_action_name, "
        "segments.conversion_action_category, metrics.conversions, metrics.all_conversions, "
        f"metrics.all_conversions_value FROM campaign WHERE segments.date = '{DAY}'"
    )
    found = {}
    for row in google.rows(query):
        segments, metrics = row["segments"], row["metrics"]
        found[row["campaign"]["id"], segments["conversionActionName"]] = metrics["allConversions"]
        primary = segments["conversionActionCategory"] == "PURCHASE"
        assert metrics["conversions"] == (metrics["allConversions"] if primary else 0)
        assert segments["conversionAction"].startswith(f"customers/{BERLIN}/conversionActions/")
    told = {}
    for campaign, facts in ads.sim.book.campaign_facts(BERLIN, DAY, NOW):
        for action, name in (("purchase", "Purchase"), ("add_to_cart", "Add to cart")):
            if count := facts.claimed(action, COUNTED["google_ads"])[0]:
                told[campaign.id, name] = count
    assert found == told
    assert len(found) > 3


def test_removed_campaigns_are_told_unless_filtered(google: Google) -> None:
    states = Counter(row["campaign"]["status"] for row in google.rows("SELECT campaign.status FROM campaign"))
    assert states == {"ENABLED": 2, "PAUSED": 1, "REMOVED": 1}
    kept = google.rows("SELECT campaign.status FROM campaign WHERE campaign.status != 'REMOVED'")
    assert len(kept) == 3
    assert len(google.rows("SELECT campaign.id FROM campaign WHERE campaign.status NOT IN ('REMOVED', 'PAUSED')")) == 2


def test_names_in_every_script_are_found(google: Google) -> None:
    def named(pattern: str) -> list[str]:
        rows = google.rows(f"SELECT campaign.name FROM campaign WHERE campaign.name LIKE {pattern}")
        return [row["campaign"]["name"] for row in rows]

    assert named("'%20 [%]'") == ["Winter ❄️ · „Feiern“, 20 %"]
    assert named("'%20 %'") == ["Winter ❄️ · „Feiern“, 20 %"]
    assert named("'%[_]%'") == []
    assert named('"%\\"QUOTED\\""') == ['東京 イベント会場, "quoted"']
    assert named("'東京_イベント%'") == ['東京 イベント会場, "quoted"']


def test_rows_are_sorted_and_limited(google: Google) -> None:
    query = (
        "select campaign.id, metrics.clicks from campaign where segments.date during LAST_30_DAYS "
        "order by metrics.clicks desc, campaign.id limit 3"
    )
    page = google.page(query, searchSettings={"returnTotalResultsCount": True, "returnSummaryRow": True})
    clicks = [int(row["metrics"]["clicks"]) for row in page["results"]]
    assert clicks == sorted(clicks, reverse=True)
    assert (len(clicks), page["totalResultsCount"]) == (3, "4")
    assert page["summaryRow"] == {"metrics": {"clicks": str(sum(clicks))}}


@pytest.mark.parametrize(
    ("now", "account", "word", "days"),
    [
        (datetime(2026, 10, 31, 23, 30, tzinfo=UTC), BERLIN, "TODAY", ["2026-11-01"]),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), ANGELES, "TODAY", ["2026-10-31"]),
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), ANGELES, "YESTERDAY", ["2026-10-31"]),
        (datetime(2026, 11, 2, 12, tzinfo=UTC), BERLIN, "LAST_WEEK_MON_SUN", [f"2026-10-{d}" for d in range(26, 32)]),
        (datetime(2026, 10, 4, 12, tzinfo=UTC), BERLIN, "THIS_MONTH", [f"2026-10-0{day}" for day in range(1, 5)]),
        (datetime(2026, 10, 4, 12, tzinfo=UTC), BERLIN, "LAST_7_DAYS", ["2026-09-27", "2026-10-03"]),
    ],
)
def test_days_are_the_accounts_own(ads: Ads, now: datetime, account: str, word: str, days: list[str]) -> None:
    ads.clock(now)
    google = Google(ads)
    query = f"SELECT segments.date, metrics.impressions FROM customer WHERE segments.date DURING {word}"
    found = [row["segments"]["date"] for row in google.rows(query, account)]
    assert set(days) <= set(found)
    assert min(found) == days[0]


def test_weeks_months_and_days_of_the_week(google: Google) -> None:
    query = (
        "SELECT segments.month, segments.day_of_week, metrics.clicks FROM customer "
        "WHERE segments.date BETWEEN '2026-09-28' AND '2026-10-11' AND segments.day_of_week = 'MONDAY'"
    )
    found = {row["segments"]["month"]: row["segments"]["dayOfWeek"] for row in google.rows(query)}
    assert found == {"2026-09-01": "MONDAY", "2026-10-01": "MONDAY"}
    months = google.rows("SELECT segments.month, metrics.clicks FROM customer WHERE segments.month = '2026-10-01'")
    days = google.rows("SELECT metrics.clicks FROM customer WHERE segments.date BETWEEN '2026-10-01' AND '2026-10-31'")
    assert [row["metrics"] for row in months] == [row["metrics"] for row in days]


def test_what_is_older_than_37_months_is_gone(ads: Ads) -> None:
    ads.clock(datetime(2029, 10, 20, 12, tzinfo=UTC))
    google = Google(ads)
    query = (
        "SELECT segments.date, metrics.clicks FROM customer WHERE segments.date BETWEEN '2026-08-01' AND '2026-09-09'"
    )
    found = [row["segments"]["date"] for row in google.rows(query)]
    assert found[0] == str(FIRST)
    ads.clock(datetime(2029, 11, 1, 12, tzinfo=UTC))
    google = Google(ads)
    assert google.rows(query) == []
    ads.control("POST", "knobs", {"google_refuse_old": True})
    assert refusal(google.post(query)) == (400, "dateError", "EARLIER_THAN_MINIMUM_DATE")


def test_pages_are_one_answer_whatever_happens_meanwhile(ads: Ads, google: Google) -> None:
    whole = google.rows(BY_AD)
    ads.control("POST", "knobs", {"page": 10})
    first = google.page(BY_AD)
    assert len(first["results"]) == 10
    ad = first["results"][-1]["adGroupAd"]["ad"]["id"]
    ads.control("POST", "restate", {"ad": ad, "date": "2026-10-14", "delta": {"clicks": 100}})
    ads.control("POST", "restate", {"ad": ad, "date": "2026-10-13", "delta": {"vanish": True}})
    found, page = first["results"], first
    while "nextPageToken" in page:
        page = google.page(BY_AD, pageToken=page["nextPageToken"])
        found += page["results"]
    assert found == whole
    assert google.rows(BY_AD) != whole  # whoever asks anew is told


def test_page_tokens_are_bound_to_their_question_and_their_time(ads: Ads, google: Google) -> None:
    ads.control("POST", "knobs", {"page": 10, "google_token_minutes": 30})
    token = google.page(BY_AD)["nextPageToken"]
    invalid = (400, "requestError", "INVALID_PAGE_TOKEN")
    assert refusal(google.post(BY_AD + " LIMIT 99", pageToken=token)) == invalid
    assert refusal(google.post(BY_AD, ANGELES, pageToken=token)) == invalid
    assert refusal(google.post(BY_AD, pageToken="bm9uc2Vuc2U")) == invalid
    assert refusal(google.post(BY_AD, pageToken="é")) == invalid
    assert google.post(BY_AD, pageToken=token).status_code == 200
    ads.clock(NOW + timedelta(minutes=31))
    assert refusal(google.post(BY_AD, pageToken=token)) == (400, "requestError", "EXPIRED_PAGE_TOKEN")


def test_next_pages_are_asked_for_as_the_first_one_was(ads: Ads, google: Google) -> None:
    ads.control("POST", "knobs", {"page": 10})
    token = google.page(BY_AD)["nextPageToken"]
    counted = google.post(BY_AD, pageToken=token, searchSettings={"returnTotalResultsCount": True})
    assert refusal(counted)[2] == "TOTAL_RESULTS_COUNT_NOT_ORIGINALLY_REQUESTED"
    summed = google.post(BY_AD, pageToken=token, searchSettings={"returnSummaryRow": True})
    assert refusal(summed)[2] == "INCONSISTENT_RETURN_SUMMARY_ROW_VALUE"


def test_a_stream_is_an_array_of_the_same_rows(ads: Ads, google: Google) -> None:
    whole = google.rows(BY_AD)
    ads.control("POST", "knobs", {"page": 25})
    batches = google.post(BY_AD, method="searchStream").json()
    assert [len(batch["results"]) for batch in batches][:2] == [25, 25]
    streamed = [row for batch in batches for row in batch["results"]]
    assert json.loads(json.dumps(streamed), parse_float=Decimal) == whole
    assert [("queryResourceConsumption" in batch) for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert all(batch["requestId"] and batch["fieldMask"] for batch in batches)
    refused = google.post("SELECT x.y FROM campaign", method="searchStream")
    assert isinstance(refused.json(), list)
    assert refusal(refused) == (400, "queryError", "UNRECOGNIZED_FIELD")


def test_the_daily_quota_counts_questions_not_pages(ads: Ads, google: Google) -> None:
    ads.control("POST", "knobs", {"page": 10})
    ads.control("POST", "limits", {"google_ads": {"daily_operations": 2}})
    assert len(google.rows(BY_AD)) > 50
    google.rows("SELECT customer.id FROM customer")
    refused = google.post("SELECT customer.id FROM customer")
    assert refusal(refused) == (429, "quotaError", "RESOURCE_EXHAUSTED")
    assert refused.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
    (failure,) = refused.json()["error"]["details"][0]["errors"]
    assert failure["details"]["quotaErrorDetails"] == {
        "rateScope": "DEVELOPER",
        "rateName": "Number of operations for basic access",
        "retryDelay": "43200s",
    }
    assert ads.control("GET", "limits")["google_ads"]["used_today"] == 2
    ads.clock(NOW + timedelta(hours=12))
    assert Google(ads).post("SELECT customer.id FROM customer").status_code == 200


def test_each_account_has_a_rate_of_its_own(ads: Ads, google: Google) -> None:
    ads.control("POST", "limits", {"google_ads": {"burst": 2, "refill": 0}})
    query = "SELECT customer.id FROM customer"
    assert [google.post(query).status_code for _ in range(3)] == [200, 200, 429]
    refused = google.post(query)
    assert refusal(refused) == (429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED")
    (failure,) = refused.json()["error"]["details"][0]["errors"]
    assert failure["details"]["quotaErrorDetails"] == {
        "rateScope": "ACCOUNT",
        "rateName": "Requests per account",
        "retryDelay": "5s",
    }
    assert google.post(query, ANGELES).status_code == 200


def test_clicks_of_one_day(ads: Ads, google: Google) -> None:
    query = (
        "SELECT click_view.gclid, click_view.ad_group_ad, campaign.id, segments.date, metrics.clicks "
        "FROM click_view WHERE segments.date = '{}'"
    )
    found = google.rows(query.format(DAY))
    told = {number: ad for number, ad, _ in ads.book.click_views(BERLIN, DAY, NOW)}
    assert [row["clickView"]["gclid"] for row in found] == list(told)
    for row in found:
        ad = told[row["clickView"]["gclid"]]
        assert row["clickView"]["adGroupAd"] == f"customers/{BERLIN}/adGroupAds/{ad.group_id}~{ad.id}"
        assert row["campaign"]["id"] == ad.campaign_id
        assert (row["segments"]["date"], row["metrics"]["clicks"]) == (str(DAY), "1")
    two = "FROM click_view WHERE segments.date BETWEEN '2026-10-05' AND '2026-10-06'"
    single = (400, "clickViewError", "EXPECTED_FILTER_ON_A_SINGLE_DAY")
    assert refusal(google.post(f"SELECT click_view.gclid {two}")) == single
    assert refusal(google.post("SELECT click_view.gclid FROM click_view")) == single
    assert google.post(query.format("2026-08-07")).status_code == 200
    assert refusal(google.post(query.format("2026-08-06"))) == (400, "clickViewError", "DATE_TOO_OLD")


def test_accounts_below_a_manager(ads: Ads, google: Google) -> None:
    answer = ads.client.get("/v26/customers:listAccessibleCustomers", headers=google.headers)
    assert answer.json() == {"resourceNames": [f"customers/{MANAGER}"]}
    query = (
        "SELECT customer_client.id, customer_client.level, customer_client.manager, customer_client.status, "
        "customer_client.client_customer FROM customer_client"
    )
    found = {row["customerClient"]["id"]: row["customerClient"] for row in google.rows(query, MANAGER)}
    assert {name: client["level"] for name, client in found.items()} == {
        MANAGER: "0",
        BERLIN: "1",
        ANGELES: "1",
        EMPTY: "1",
        DISABLED: "1",
    }
    assert found[DISABLED]["status"] == "SUSPENDED"
    assert found[BERLIN]["clientCustomer"] == f"customers/{BERLIN}"
    assert [row["customerClient"]["level"] for row in google.rows(query, BERLIN)] == ["0"]


def test_a_tree_of_managers(ads: Ads, google: Google) -> None:
    tree = {MANAGER: [ANGELES], ANGELES: [BERLIN]}
    ads.control("POST", "knobs", {"google_tree": tree, "google_accessible": [MANAGER, EMPTY]})
    query = "SELECT customer_client.id, customer_client.level FROM customer_client"
    found = [(row["customerClient"]["id"], row["customerClient"]["level"]) for row in google.rows(query, MANAGER)]
    assert found == [(MANAGER, "0"), (ANGELES, "1"), (BERLIN, "2")]
    assert google.post("SELECT customer.id FROM customer", BERLIN).status_code == 200
    denied = (403, "authorizationError", "USER_PERMISSION_DENIED")
    assert refusal(google.post("SELECT customer.id FROM customer", EMPTY)) == denied  # not below that manager
    del google.headers["login-customer-id"]
    assert google.post("SELECT customer.id FROM customer", EMPTY).status_code == 200
    google.headers["login-customer-id"] = ANGELES
    assert refusal(google.post("SELECT customer.id FROM customer", BERLIN)) == denied  # not let in there


def test_conversion_actions_have_windows(ads: Ads, google: Google) -> None:
    query = (
        "SELECT conversion_action.name, conversion_action.category, "
        "conversion_action.click_through_lookback_window_days, conversion_action.view_through_lookback_window_days, "
        "conversion_action.attribution_model_settings.attribution_model, conversion_action.primary_for_goal "
        "FROM conversion_action WHERE conversion_action.category = 'PURCHASE'"
    )
    (row,) = google.rows(query)
    action = row["conversionAction"]
    assert (action["clickThroughLookbackWindowDays"], action["viewThroughLookbackWindowDays"]) == ("30", "1")
    assert action["attributionModelSettings"]["attributionModel"] == "GOOGLE_SEARCH_ATTRIBUTION_DATA_DRIVEN"
    ads.control("POST", "knobs", {"google_lookback": {BERLIN: {"click": 90, "view": 30}}})
    (row,) = google.rows(query)
    action = row["conversionAction"]
    assert (action["clickThroughLookbackWindowDays"], action["viewThroughLookbackWindowDays"]) == ("90", "30")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("rate", (429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED")),
        ("quota", (429, "quotaError", "RESOURCE_EXHAUSTED")),
        ("expensive", (429, "quotaError", "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION")),
        ("expensive_long", (429, "quotaError", "EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION")),
        ("internal", (500, "internalError", "INTERNAL_ERROR")),
        ("transient", (503, "internalError", "TRANSIENT_ERROR")),
        ("deadline", (504, "internalError", "DEADLINE_EXCEEDED")),
        ("token_expired", (401, "authenticationError", "OAUTH_TOKEN_EXPIRED")),
        ("token_revoked", (401, "authenticationError", "OAUTH_TOKEN_REVOKED")),
        ("not_enabled", (403, "authorizationError", "CUSTOMER_NOT_ENABLED")),
        ("permission", (403, "authorizationError", "USER_PERMISSION_DENIED")),
        ("page_expired", (400, "requestError", "EXPIRED_PAGE_TOKEN")),
        ("page_invalid", (400, "requestError", "INVALID_PAGE_TOKEN")),
    ],
)
@pytest.mark.parametrize("method", ["search", "searchStream"])
def test_faults_of_the_platforms_own(
    ads: Ads, google: Google, kind: str, told: tuple[int, str, str], method: str
) -> None:
    ads.fault(kind, "google_ads", path="googleAds:search")
    answer = google.post(BY_AD, method=method)
    assert isinstance(answer.json(), list) is (method == "searchStream")
    assert refusal(answer) == told


@pytest.mark.parametrize(("kind", "rows"), [("page_again", 1), ("page_lost", -1)])
def test_a_platform_that_loses_its_place(ads: Ads, google: Google, kind: str, rows: int) -> None:
    whole = google.rows(BY_AD)
    ads.control("POST", "knobs", {"page": 10})
    ads.fault(kind, "google_ads", path="googleAds:search", skip=len(whole) // 10)
    found = google.rows(BY_AD)
    assert len(found) == len(whole) + rows
    assert len({json.dumps(row, default=str) for row in found}) == len(whole) + min(rows, 0)


def test_tokens_tell_nothing_but_where_they_stand(ads: Ads, google: Google) -> None:
    ads.control("POST", "knobs", {"page": 10})
    token = google.page(BY_AD)["nextPageToken"]
    told = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    assert not any(value in told for value in SECRET.values())
