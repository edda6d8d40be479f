"""Google Ads as the demo speaks it: its query language, and what rows look like."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import FIRST, NOW
from demo.ads.google_client import ANGELES, BERLIN, BY_AD, DAY, MANAGER, Google, refusal
from workspace.demo.ads.book import COUNTED

if TYPE_CHECKING:
    from adserver import Ads


@pytest.fixture
def google(ads: Ads) -> Google:
    return Google(ads)


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
