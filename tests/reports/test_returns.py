"""Rules side by side, returns with their intervals, and how complete claims are, over numbers from paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import ibis
import pytest

from metrics.company import TABLES, Company
from workspace.errors import SemanticError
from workspace.metrics import model
from workspace.reports import completed, completeness, ranged, returns, side_by_side

if TYPE_CHECKING:
    from workspace.front import Workspace

DAYS = ("2026-09-01", "2026-11-01")


def rows(view: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view.rows.to_pylist()
    return found


def test_rules_stand_under_each_other_with_what_they_do(m: Any) -> None:
    view = side_by_side(m, (m.roas, m.roas_first, m.roas_last), m.platform, DAYS)
    assert [column.heading for column in view.columns] == ["rule", "what it does", "facebook_ads", "google_ads", "all"]
    first = rows(view)[1]
    assert (first["name"], first["v0"], first["v1"], first["total"]) == ("roas first", 0, 250 / 200, 1)
    assert first["bias"] == "flatters what makes people aware"
    assert all(row["bias"] for row in rows(view))


def test_returns_are_those_of_the_metrics(m: Any) -> None:
    view = returns(
        m,
        {"Shapley": m.ad_value, "first": m.ad_value_first},
        m.ad_spend,
        (m.booker, m.platform),
        DAYS,
        units=m.bookers,
        beside={"claimed": m.claimed_roas},
    )
    asked = {r["platform"]: r for r in m(m.roas, m.roas_first, by=m.platform, between=DAYS).to_arrow().to_pylist()}
    found = {(row["group"], row["rule"]): row for row in rows(view)}
    for platform in ("google_ads", "facebook_ads"):
        assert found[platform, "Shapley"]["value"] == pytest.approx(asked[platform]["roas"])
        assert found[platform, "first"]["value"] == pytest.approx(asked[platform]["roas_first"])
        assert found[platform, "claimed"]["low"] is None
    # Of few bookings, drawn again, the one with Google's credit may come never or more than once.
    low, value, high = (found["google_ads", "Shapley"][name] for name in ("low", "value", "high"))
    assert low < value < high
    assert found["facebook_ads", "first"]["low"] == found["facebook_ads", "first"]["high"] == 0
    assert ranged(view).startswith("<svg")


def drawn(company: Company) -> list[dict[str, Any]]:
    m = model.bind(company)
    return rows(returns(m, {"Shapley": m.ad_value}, m.ad_spend, (m.booker, m.platform), DAYS, units=m.bookers))


def test_the_bookings_of_one_user_are_drawn_together() -> None:
    company = Company()
    of_one = f"select * replace ('u1' as user_id) from ({TABLES['inventory_db.bookings']})"
    company.write("inventory_db.bookings", of_one)
    found = drawn(company)
    assert [row["group"] for row in found] == ["facebook_ads", "google_ads"]
    assert all(row["low"] == row["value"] == row["high"] > 0 for row in found), "of one user there is no chance"


def test_a_user_who_was_deleted_is_drawn_too() -> None:
    company = Company()
    company.write("user_db.users", f"select * from ({TABLES['user_db.users']}) where id <> 'u2'")
    assert drawn(company) == drawn(Company())


def test_spend_that_no_booking_followed_has_returned_nothing(m: Any) -> None:
    days = ("2026-09-20", "2026-09-30")
    view = returns(m, {"Shapley": m.ad_value}, m.ad_spend, (m.booker, m.platform), days, units=m.bookers)
    assert rows(view) == [{"group": "google_ads", "rule": "Shapley", "value": 0, "low": 0, "high": 0}]
    assert ranged(view).startswith("<svg")


def test_without_ads_there_are_no_returns(m: Any) -> None:
    days = ("2026-08-01", "2026-08-29")
    view = returns(m, {"Shapley": m.ad_value}, m.ad_spend, (m.booker, m.platform), days, units=m.bookers)
    assert rows(view) == []
    assert ranged(view) == ""


def test_the_same_bookings_give_the_same_intervals(m: Any) -> None:
    asked = ({"Shapley": m.ad_value}, m.ad_spend, (m.booker, m.platform), DAYS)
    assert rows(returns(m, *asked, units=m.bookers)) == rows(returns(m, *asked, units=m.bookers))


def test_completeness_is_summed_over_currencies() -> None:
    told = ibis.memtable(
        [
            ("google_ads", "EUR", "conversions", 0, 5.0, 10.0),
            ("google_ads", "USD", "conversions", 0, 1.0, 20.0),
            ("google_ads", "EUR", "conversions", 1, 10.0, 10.0),
            ("google_ads", "EUR", "spend", 0, 9.0, 10.0),
            ("x", "EUR", "conversions", 0, 0.0, 0.0),
        ],
        columns=["platform", "currency", "metric", "age", "known", "final"],
    )

    class Told:
        def table(self, name: str) -> Any:
            assert name == "ads.completeness"
            return told

    for money in ("spend", "conversion_value"):
        with pytest.raises(SemanticError, match=f"{money} is in several currencies"):
            completeness(cast("Workspace", Told()), money)
    view = completeness(cast("Workspace", Told()), "conversions")
    assert [(r["age"], r["share"]) for r in rows(view)] == [(0, pytest.approx(6 / 30)), (1, 1)]
    assert completed(view).startswith("<svg")
