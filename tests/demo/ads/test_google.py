"""Google Ads as the demo speaks it: who may ask, in which order it refuses, pages, quotas, and what goes wrong."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import NOW
from demo.ads.google_client import ANGELES, BERLIN, BY_AD, DISABLED, EMPTY, MANAGER, SECRET, Google, refusal

if TYPE_CHECKING:
    import httpx

    from adserver import Ads


@pytest.fixture
def google(ads: Ads) -> Google:
    return Google(ads)


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
