"""Spend, claims and returns split and compared, worked out on paper from the rows of `advertising.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pytest

from workspace.errors import SemanticError
from workspace.metrics import views

if TYPE_CHECKING:
    from metrics.company import Company


def read(answer: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def near(*rows: tuple[Any, ...]) -> list[Any]:
    return [tuple(pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for value in r) for r in rows]


def test_by_platform(m: Any) -> None:
    answer = m(m.ad_spend, m.claimed_roas, m.roas, m.roas_first, m.cac, m.overclaim_ratio, by=m.platform)
    assert read(answer) == near(
        # b2 has a third from each; b3 is Google's; both were touched by Google, which claims 3.5.
        ("google_ads", 200.0, 600 / 200, (200 * 0.333333333 + 50) / 200, 250 / 200, 200 / 1, 3.5 / 2),
        ("facebook_ads", 50.0, 250 / 50, 200 * 0.333333334 / 50, 0.0, None, 2.0),
    )


def test_by_account_in_its_own_currency(m: Any) -> None:
    answer = m(m.ad_spend_native, m.claimed_value_native, m.ad_spend, by=[m.account.account_name, m.account_currency])
    assert read(answer) == near(
        ("Berlin office", "EUR", 150.0, 650.0, 150.0), ("New York office", "USD", 120.0, 240.0, 100.0)
    )


def test_a_campaign_has_the_name_that_it_had_on_the_day(m: Any) -> None:
    answer = m(m.ad_spend, m.ad_value, by=m.campaign_name)
    assert sorted(read(answer)) == near(
        ("Brand", 40.0, 200 * 0.333333333),  # b2 was placed on October 1st
        ("Brand | DE", 60.0, 25.0),
        ("Herbst", 50.0, 200 * 0.333333334),
        ("Spaces US", 100.0, 25.0),
    )


def test_by_channel(m: Any) -> None:
    assert read(m(m.ad_spend, m.roas, by=m.ad_channel)) == near(
        ("Paid Search", 200.0, (200 * 0.333333333 + 50) / 200), ("Paid Social", 50.0, 200 * 0.333333334 / 50)
    )


def test_what_no_ad_brought_is_credited_too(m: Any) -> None:
    assert read(m(m.attributed_value, m.attributed_bookings, by=m.player)) == near(
        ("Email", 300 + 200 * 0.333333333, 1.333333333),
        ("google_ads", 200 * 0.333333333 + 50, 1.333333333),
        ("facebook_ads", 200 * 0.333333334, 0.333333334),
    )


def test_spend_is_of_the_accounts_day_and_bookings_of_berlins(m: Any) -> None:
    answer = m(m.ad_spend, m.ad_value_first, m.double_claim_ratio, by=m.month)
    assert [row[1:] for row in read(answer)] == near((140.0, None, 2 / 1), (110.0, 250.0, 3.5 / 2))


def test_spend_against_budget(m: Any) -> None:
    answer = m(m.ad_spend, m.ad_budget, m.budget_used, by=[m.month, m.platform])
    assert {(f"{month:%m}", *rest) for month, *rest in read(answer)} == {
        ("09", "google_ads", 140, 200, 0.7),
        ("10", "google_ads", 60, 100, 0.6),
        ("10", "facebook_ads", 50, 100, 0.5),
    }


def test_bookings_against_targets(m: Any) -> None:
    answer = m(m.gbv, m.gbv_target, m.gbv_against_target, by=[m.month, m.planned_city, m.planned_kind])
    assert {(f"{month:%m}", *rest) for month, *rest in read(answer)} == {
        ("09", "Berlin", "space", 100, 200, 0.5),
        ("09", "Hamburg", "service", 200, 100, 2),
        ("10", "Berlin", "space", 200, 300, 200 / 300),
        ("10", "Potsdam", "space", 50, 40, 1.25),
    }


def test_bookings_by_platform_count_once_for_each(m: Any) -> None:
    with pytest.raises(SemanticError, match="one row of Bookings has many rows of AdCredits"):
        m.bookings.by(m.platform)
    answer = m.bookings.by(m.platform, overlap=True)
    assert sorted(read(answer), key=str) == [("facebook_ads", 1), ("google_ads", 2), (None, 1)]


def test_what_was_restated(m: Any) -> None:
    answer = m(m.restated_share, m.late_claims, by=m.platform)
    assert sorted(read(answer)) == near(("facebook_ads", 1.0, 0.5 / 1.5), ("google_ads", 2 / 3, 1.5 / 2.0))


def test_a_missing_rate_is_counted_and_not_lost(m: Any, company: Company) -> None:
    company.write("fx.rates", "select date '2026-09-29' as day, 'EUR' as currency, 1::decimal(18, 6) as rate")
    assert m.ad_spend.value() == 40
    assert m.unconverted_spend.value() == 3


def test_two_sources_of_a_platform_are_one_platform() -> None:
    [platforms] = [view for view in views if view.name == "marketing.platforms"]
    told = ibis.memtable({"platform": ["google_ads", "google_ads", "x"], "source": ["a", "b", "c"]})

    class Reads:
        def table(self, name: str) -> ibis.Table:
            assert name == "ads.platforms"
            return told

    rows = platforms.rows(Reads())  # type: ignore[arg-type]  # all that it reads
    assert sorted(rows.to_pyarrow().to_pylist(), key=str) == [
        {"platform": "google_ads", "channel": "Paid Search"},
        {"platform": "x", "channel": "Paid Social"},
    ]
