"""Every metric of the marketplace, worked out on paper from the rows of `company.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from workspace.errors import SemanticError
from workspace.metrics import model

if TYPE_CHECKING:
    from metrics.company import Company

WORKED_OUT = {
    "gbv": 100 + 200 + 220 / 1.1 + 50,  # b2 was placed on October 1st in Berlin, at that day's rate
    "bookings": 3,
    "bookers": 2,
    "booking_users": 2,
    "undone_bookings": 1,
    "aov": (100 + 200 + 200 + 50) / 3,
    "cancellation_rate": 1 / 3,
    "refunds": 200,  # 220 USD at the rate of the booking's day, not of the refund's
    "commission": 100 * 0.1 + 200 * 0.15 + 200 * 0.1 + 50 * 0.2,  # the vendor went to gold, and 20 %, on October 10th
    "take_rate": (10 + 30 + 20 + 10) / 550,
    "new_users": 3,
    "open_slots": 2 + 7,
    "unconverted_items": 0,
    "gbv_28d": 50,  # b3; the 28 days before November 1st
    "gbv_growth": None,  # nothing is known of the year before
    "signup_to_booking": 2 / 3,  # u1 after nine days and u2 after ten
    "bookers_back": 1,  # u1 came in September and was back in October; November, that of u2, is not over
    "billed_amount": 290 + 220 + 50,  # euros and dollars: no sum for people, but one for checks
    "undiscounted_amount": 300 + 220 + 50,
    "listed_amount": 100 + 200 + 220 + 50,
    "paid_amount": 290 + 220 - 220 + 50,  # 70 failed
    "sessions": 4,
    "visitors": 3,
    "new_visitors": 3,
    "active_users": 2,  # u1 and u2; v3 never logged in
    "page_views": 1 + 2 + 1 + 1,
    "events": 9 + 4 + 5 + 2 + 2,  # what arrived twice is one; the bot's are there
    "searches": 3,
    "item_views": 1,
    "cart_adds": 2,
    "checkouts": 2,
    "purchases": 2,
    "purchase_value": 220 / 1.1 + 50,
    "touchpoints": 2,  # the paid one and the one by e-mail
    "engaged_time": 15 + 0 + 0 + 5,
    "engaged_time_per_session": 20 / 4,
    "bounced_sessions": 1,  # v3's; the first has one page and 15 seconds only, but a purchase
    "bounce_rate": 1 / 4,
    "converted_sessions": 2,
    "conversion_rate": 2 / 4,
    "revenue_per_session": 250 / 4,
    "add_to_cart_rate": 2 / 4,
    "visit_to_purchase": 1 / 4,  # the other purchase came without a cart in the same visit
    "search_to_book": 2 / 3,  # v2 searched twice before the purchase, which is credited to the later search
    "visitors_back": 1 / 2,  # v2 a week later, v1 not; for v3 that week is not over
    "ad_spend": 40 + 60 + 120 / 1.2 + 50,  # the dollars at the rate of September 30th
    "ad_spend_native": None,  # euros and dollars
    "unconverted_spend": 0,
    "ad_impressions": 1000 + 2000 + 5000 + 4000,
    "ad_clicks": 20 + 30 + 50 + 10,
    "cpc": 250 / 110,
    "cpm": 250 / 12,
    "ctr": 110 / 12000,
    "claimed_conversions": 1 + 1.5 + 1 + 2,
    "claimed_value": 300 + 100 + 240 / 1.2 + 250,
    "claimed_value_native": None,
    "claimed_roas": 850 / 250,
    "double_claim_ratio": 5.5 / 3,
    "touched_bookings": 2,  # b1 was led to by an e-mail only
    "overclaim_ratio": 5.5 / 2,
    "attributed_value": 300 + 200 + 50,
    "attributed_bookings": 3,
    "ad_bookings": 0.333333333 + 0.333333334 + 1,
    "ad_new_customers": 1,  # b3; b1 was a first one too, but no ad's
    "ad_value": 200 * 0.666666667 + 50,  # the dollars of b2 at the rate of the day of the booking
    "ad_value_first": 200 * 1 + 50,
    "ad_value_last": 200 * 0 + 50,
    "ad_value_linear": 200 * 0.666666667 + 50,
    "ad_value_position": 200 * 0.6 + 50,
    "ad_value_time_decay": 200 * 0.55 + 50,
    "roas": (200 * 0.666666667 + 50) / 250,
    "roas_first": 250 / 250,
    "roas_last": 50 / 250,
    "roas_linear": (200 * 0.666666667 + 50) / 250,
    "roas_position": 170 / 250,
    "roas_time_decay": 160 / 250,
    "cac": 250 / 1,
    "told_rows": 5,
    "restated_rows": 4,
    "restated_share": 4 / 5,
    "claimed_at_first": 0 + 1.5 + 0.5 + 1 + 0.5,
    "claimed_later": 1 + 0 + 0.5 + 1 - 0.5,  # the last row was deleted
    "late_claims": 2 / 3.5,
    "ad_budget": 200 + 100 + 100,
    "budget_used": 250 / 400,
    "gbv_target": 200 + 100 + 300 + 40,
    "gbv_against_target": 550 / 640,
}


def test_every_metric_is_worked_out() -> None:
    missing = model.metrics.keys() - WORKED_OUT.keys()
    assert not missing, f"work these out from the rows of company.py, and add them to WORKED_OUT: {sorted(missing)}"
    assert not WORKED_OUT.keys() - model.metrics.keys()


@pytest.mark.parametrize("name", sorted(model.metrics))
def test_totals(m: Any, name: str) -> None:
    expected = WORKED_OUT[name]
    assert getattr(m, name).value() == (None if expected is None else pytest.approx(expected, rel=1e-9))


def test_growth(m: Any) -> None:
    rows = m.gbv.growth("1 month").by(m.month, last="1 month").to_arrow().to_pylist()
    assert [row["gbv_growth_1_month"] for row in rows] == [pytest.approx(250 / 300 - 1)]


def test_by_month(m: Any) -> None:
    answer = m(m.gbv, m.bookings, m.new_users, m.refunds, m.open_slots, by=m.month)
    assert answer.to_pandas().astype({"month": str}).replace(float("nan"), None).to_dict("records") == [
        {"month": "2026-09-01", "gbv": 300, "bookings": 1, "new_users": 1, "refunds": None, "open_slots": 3 + 7},
        {"month": "2026-10-01", "gbv": 250, "bookings": 2, "new_users": 2, "refunds": 200, "open_slots": 2},
    ]


def test_tier_at_the_time(m: Any) -> None:
    assert m.gbv.by(m.listing.vendor.tier).to_arrow().to_pylist() == [
        {"listing_vendor_tier": "basic", "gbv": 300},
        {"listing_vendor_tier": "silver", "gbv": 200},
        {"listing_vendor_tier": "gold", "gbv": 50},
    ]


def test_answer_says_what_is_older_than_history(m: Any) -> None:
    assert m.commission.notes == [
        "history of inventory_db.listings begins 2026-09-01; 25 % of rows use the earliest known value",
        "history of inventory_db.vendors begins 2026-09-01; 25 % of rows use the earliest known value",
    ]


def test_a_missing_rate_is_counted_and_not_lost(m: Any, company: Company) -> None:
    company.write("fx.rates", "select date '2026-09-10' as day, 'EUR' as currency, 1::decimal(18, 6) as rate")
    assert m.gbv.value() == 300
    assert m.unconverted_items.value() == 2


def test_bookings_do_not_split_by_listing(m: Any) -> None:
    with pytest.raises(SemanticError) as refused:
        m.bookings.by(m.listing.city)
    assert str(refused.value) == (
        "bookings cannot be split or filtered by listing.city: one row of Bookings has many rows of Items "
        "(Items.booking leads to Bookings), and each may have another listing.city.\n"
        "What to do: Ask for a metric of Items instead, which splits cleanly: gbv, listed_amount, commission, "
        "unconverted_items; or add overlap=True, and each row of Bookings counts once for every listing.city that it "
        "has."
    )
