"""Google's own message types, which refuse any field or value that they do not know, read what the demo sends.

The SDK speaks gRPC only, so it is its types that are asked, not its client; JSON is their own other spelling.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS

pytest.importorskip("google.ads.googleads", reason="the official SDKs: make conformance")

from google.ads.googleads.v26.errors.types import errors
from google.ads.googleads.v26.services.types import customer_service, google_ads_service
from google.protobuf import json_format

from workspace.demo.ads.google.fields import ATTRIBUTED, BY_ACTION, FIELDS, MEASURED, owner
from workspace.settings import AdsSource
from workspace.sources.ads.google import Google, open_google
from workspace.sources.ads.google import answers as google_answers
from workspace.sources.ads.google import rows as google_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from adserver import Ads

MANAGER, BERLIN, DISABLED = "9990000001", "4100000001", "4100000004"
DAY = date(2026, 10, 5)
SPAN = "segments.date BETWEEN '2026-10-01' AND '2026-10-07'"
SECRET = CREDENTIALS["google_ads"]
SEARCH = google_ads_service.SearchGoogleAdsResponse
STREAM = google_ads_service.SearchGoogleAdsStreamResponse
# What the descriptors call our types.
_TYPES = {"int64": {3, 5}, "double": {1}, "string": {9}, "date": {9}, "bool": {8}, "enum": {14}, "strings": {9}}


@pytest.fixture
def google(ads: Ads) -> Iterator[Google]:
    """The adapter, signed in: what it asks is what must be understood."""
    named = dict.fromkeys(SECRET, "$UNUSED")
    source = AdsSource(name="g", platform="google_ads", credentials=named, since=DAY, url=ads.url)
    google = open_google(source, SECRET)
    google.accounts()
    yield google
    google.http.close()


def post(ads: Ads, google: Google, query: str, account: str = BERLIN, method: str = "search") -> httpx.Response:
    path = f"/v26/customers/{account}/googleAds:{method}"
    return ads.client.post(path, json={"query": query}, headers=google.http.headers)


def read(content: bytes | str, kind: Any) -> Any:
    """Read JSON as one of Google's types, strictly."""
    message = kind.pb()()
    json_format.Parse(content, message)
    return kind.wrap(message)


def queries() -> Iterator[tuple[str, str, list[str]]]:
    """Ask for every field that the demo knows, wherever it may be asked for."""
    for resource, more in ATTRIBUTED.items():
        mine = [name for name in FIELDS if owner(name) in (resource, *more)]
        if resource in MEASURED:
            plain = [name for name in FIELDS if owner(name) == "metrics"]
            days = [name for name in FIELDS if owner(name) == "segments" and "conversion" not in name]
            actions = [name for name in FIELDS if owner(name) == "segments" and "conversion" in name]
            yield resource, f" WHERE {SPAN}", [*mine, *plain, *days]
            yield resource, f" WHERE {SPAN}", [*mine, *sorted(BY_ACTION), *actions, "segments.date"]
        elif resource == "click_view":
            yield resource, f" WHERE segments.date = '{DAY}'", [*mine, "segments.date", "metrics.clicks"]
        else:
            yield resource, "", mine


@pytest.mark.parametrize(("resource", "where", "fields"), list(queries()), ids=lambda value: str(value)[:20])
def test_every_field_is_one_of_googles(ads: Ads, google: Google, resource: str, where: str, fields: list[str]) -> None:
    query = f"SELECT {', '.join(fields)} FROM {resource}{where}"
    account = MANAGER if resource == "customer_client" else BERLIN
    body = post(ads, google, query, account)
    assert body.status_code == 200, body.text
    told = read(body.content, SEARCH)
    assert len(told.results) > 0
    assert sorted(told.field_mask.paths) == sorted(fields)
    batches = post(ads, google, query, account, "searchStream").json()
    streamed = [row for batch in batches for row in read(json.dumps(batch), STREAM).results]
    assert streamed == list(told.results)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_demos_fields_are_of_googles_types(name: str) -> None:
    descriptor = google_ads_service.GoogleAdsRow.pb().DESCRIPTOR
    *path, last = name.split(".")
    for part in path:
        descriptor = descriptor.fields_by_name[part].message_type
    found = descriptor.fields_by_name.get(last) or descriptor.fields_by_name[f"{last}_"]
    assert found.type in _TYPES[FIELDS[name]]


def test_the_adapter_asks_for_nothing_that_google_does_not_know(google: Google, ads: Ads) -> None:
    """Every question that it asks in a run is a `SearchGoogleAdsRequest`, for fields that rows have."""
    account = next(each for each in google.accounts() if each.id == BERLIN)
    for pages in (google.entities(account), google.performance(account, DAY, DAY, "ad"), google.clicks(account, DAY)):
        assert [row for page in pages or () for row in page]
    asked = [call for call in ads.calls("google_ads") if "googleAds:search" in call["path"]]
    assert len(asked) > 8
    descriptor = google_ads_service.GoogleAdsRow.pb().DESCRIPTOR
    for call in asked:
        request = read(call["text"], google_ads_service.SearchGoogleAdsRequest)
        for name in request.query.removeprefix("SELECT ").partition(" FROM ")[0].split(", "):
            message = descriptor
            for part in name.split("."):
                known = message.fields_by_name
                message = (known.get(part) or known[f"{part}_"]).message_type


def test_numbers_are_the_books_through_googles_types(ads: Ads, google: Google) -> None:
    query = (
        "SELECT ad_group_ad.ad.id, metrics.cost_micros, metrics.clicks, metrics.conversions, segments.date "
        f"FROM ad_group_ad WHERE segments.date = '{DAY}'"
    )
    rows = read(post(ads, google, query).content, SEARCH).results
    told = {str(row.ad_group_ad.ad.id): row.metrics for row in rows}
    expected = ads.expected(BERLIN, DAY)
    assert told.keys() == expected.keys()
    for number, facts in expected.items():
        assert Decimal(told[number].cost_micros).scaleb(-6) == facts.spend
        assert told[number].clicks == facts.clicks
        assert told[number].conversions == float(ads.counted("google_ads", facts)[0])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('"costMicros"', '"costMicro"'), ('"status":"ENABLED"', '"status":"ENABELD"'), ('"results"', '"result"')],
)
def test_the_types_are_strict(ads: Ads, google: Google, right: str, wrong: str) -> None:
    query = f"SELECT campaign.status, metrics.cost_micros FROM campaign WHERE {SPAN}"
    body = post(ads, google, query).text
    assert right in body
    read(body, SEARCH)
    with pytest.raises(json_format.ParseError):
        read(body.replace(right, wrong, 1), SEARCH)


def test_accounts(ads: Ads, google: Google) -> None:
    body = ads.client.get("/v26/customers:listAccessibleCustomers", headers=google.http.headers).content
    assert list(read(body, customer_service.ListAccessibleCustomersResponse).resource_names) == [f"customers/{MANAGER}"]


@pytest.mark.parametrize(
    ("query", "account", "fault"),
    [
        ("SELECT campaign.id", BERLIN, ""),
        ("SELECT campaign.nothing FROM campaign", BERLIN, ""),
        ("SELECT click_view.gclid FROM click_view", BERLIN, ""),
        ("SELECT metrics.clicks FROM customer", MANAGER, ""),
        ("SELECT customer.id FROM customer", DISABLED, ""),
        ("SELECT customer.id FROM customer", "4-5", ""),
        ("SELECT customer.id FROM customer", BERLIN, "rate"),
        ("SELECT customer.id FROM customer", BERLIN, "quota"),
        ("SELECT customer.id FROM customer", BERLIN, "expensive"),
        ("SELECT customer.id FROM customer", BERLIN, "expensive_long"),
        ("SELECT customer.id FROM customer", BERLIN, "internal"),
        ("SELECT customer.id FROM customer", BERLIN, "transient"),
        ("SELECT customer.id FROM customer", BERLIN, "deadline"),
        ("SELECT customer.id FROM customer", BERLIN, "token_expired"),
        ("SELECT customer.id FROM customer", BERLIN, "token_revoked"),
        ("SELECT customer.id FROM customer", BERLIN, "permission"),
        ("SELECT customer.id FROM customer", BERLIN, "page_expired"),
        ("SELECT customer.id FROM customer", BERLIN, "page_invalid"),
    ],
)
def test_refusals_are_googles(ads: Ads, google: Google, query: str, account: str, fault: str) -> None:
    if fault:
        ads.fault(fault, "google_ads", path="googleAds:search")
    (detail,) = post(ads, google, query, account).json()["error"]["details"]
    assert detail.pop("@type") == f"type.googleapis.com/{errors.GoogleAdsFailure.pb().DESCRIPTOR.full_name}"
    failure = read(json.dumps(detail), errors.GoogleAdsFailure)
    assert failure.errors[0].message
    assert errors.ErrorCode.pb(failure.errors[0].error_code).WhichOneof("error_code")
    if fault in ("rate", "quota"):
        delay = failure.errors[0].details.quota_error_details.retry_delay
        assert delay.total_seconds() == {"rate": 5, "quota": 40591}[fault]


def test_the_adapter_knows_errors_by_names_that_google_has() -> None:
    known = set()
    for field in errors.ErrorCode.pb().DESCRIPTOR.fields:
        known |= {value.name for value in field.enum_type.values}
    groups = (
        *(google_answers._PAGES, google_answers._STALE, google_answers._LARGE, google_answers._PASSING),
        *(google_answers._WITHDRAWN, google_answers._CLOSED, google_answers._CURES),
    )
    named = {name for group in groups for name in group} - {"SERVICE_DISABLED"}  # that one is said before the service
    assert sorted(named - known) == []


def test_the_adapters_statuses_and_categories_are_googles(google: Google) -> None:
    row = google_ads_service.GoogleAdsRow.pb().DESCRIPTOR.fields_by_name
    states = row["campaign"].message_type.fields_by_name["status"].enum_type.values_by_name
    assert set(google_rows._STATUS) <= set(states)
    categories = row["conversion_action"].message_type.fields_by_name["category"].enum_type.values_by_name
    assert set(google._counted) <= set(categories)
