"""A week against two others, over numbers that can be worked out on paper."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from workspace.reports import FOUR_WEEKS, Week, figures, passage, split, trend
from workspace.reports.charts import compared, trended

if TYPE_CHECKING:
    from collections.abc import Callable

    Numbers = Callable[[Any], dict[Any, tuple[Any, ...]]]


def test_figures_stand_beside_the_week_before_and_a_year_before(m: Any) -> None:
    gbv, bookings, rate = figures(m, (m.gbv, m.bookings, m.cancellation_rate), Week.parse("2026-W42"))
    assert gbv.values == (50, None, 40)  # b3; nothing in W41; c1
    assert gbv.changes == (None, 0.25)
    assert bookings.values == (1, 0, 1)
    assert bookings.changes == (None, 0)  # of nothing there is no share
    assert rate.values == (0, None, 0)
    assert (gbv.unit, rate.unit) == ("EUR", "percent")


def test_what_has_no_year_yet_stands_beside_four_weeks_before(m: Any, numbers: Numbers) -> None:
    week = Week.parse("2026-W43")
    (visits,) = figures(m, (m.sessions,), Week.parse("2026-W44"), FOUR_WEEKS)
    assert (visits.values, visits.older.words) == ((0, 1, 1), "4 weeks before")
    view = split(m, m.sessions, m.session.channel, week, FOUR_WEEKS)
    assert [column.heading for column in view.columns[1:]] == [
        *("this week", "week before", "4 weeks before"),
        *("vs week before", "vs 4 weeks before"),
    ]
    assert numbers(view) == {"Organic Search": (1, None, None), "Email": (None, 1, None)}
    assert "4 weeks before" in compared(view)


def test_a_funnel_is_counted_step_by_step(m: Any, numbers: Numbers) -> None:
    view = passage(m, m.visit_to_purchase, Week.parse("2026-W42"), FOUR_WEEKS)
    steps = ["sessions", "searches", "item views", "cart adds", "checkouts", "purchases"]
    assert [row["name"] for row in view.rows.to_pylist()] == steps
    assert numbers(view) == dict(zip(steps, [(1, 1, 0), (1, 1, 0), *[(0, 0, 0)] * 4], strict=True))
    assert view.total is None


def test_nothing_is_drawn_of_nothing(m: Any) -> None:
    before = passage(m, m.visit_to_purchase, Week.parse("2026-W30"), FOUR_WEEKS)
    assert (before.count, compared(before)) == (6, "")


def test_shares_are_drawn_as_such(m: Any) -> None:
    assert "%" in trended(trend(m, m.conversion_rate, Week.parse("2026-W43")))


def test_before_history_begins_there_is_nothing_to_compare(m: Any) -> None:
    gbv, bookings = figures(m, (m.gbv, m.bookings), Week.parse("2025-W42"))
    assert gbv.values == (40, None, None)
    assert bookings.values == (1, 0, 0)
    assert gbv.changes == bookings.changes == (None, None)


@pytest.mark.parametrize(
    ("label", "bookings"),
    [("2026-W12", 0), ("2026-W13", 1), ("2026-W14", 1), ("2026-W42", 1), ("2026-W43", 2), ("2026-W44", 1)],
)
def test_weeks_of_167_and_169_hours_end_at_berlins_midnight(m: Any, label: str, bookings: int) -> None:
    (found,) = figures(m, (m.bookings,), Week.parse(label))
    assert found.values[0] == bookings


def test_a_split_has_every_name_of_the_three_weeks(m: Any, numbers: Numbers) -> None:
    view = split(m, m.gbv, m.listing.city, Week.parse("2026-W43"))
    # c3 and c2; b3 the week before; nothing a year before
    assert numbers(view) == {"Hamburg": (2, None, None), "Berlin": (1, None, None), "Potsdam": (None, 50, None)}
    assert [row["name"] for row in view.rows.to_pylist()] == ["Hamburg", "Berlin", "Potsdam"]
    assert view.total is not None
    assert [view.total[key] for key in ("v0", "v1", "v2", "c1", "c2")] == [3, 50, None, -0.94, None]


def test_a_tier_is_that_of_the_booking_not_todays(m: Any, numbers: Numbers) -> None:
    assert numbers(split(m, m.gbv, m.listing.vendor.tier, Week.parse("2026-W42"))) == {
        "gold": (50, None, None),
        "basic": (None, None, 40),
    }


def test_the_total_of_a_share_is_no_sum(m: Any) -> None:
    view = split(m, m.take_rate, m.listing.city, Week.parse("2026-W43"))
    assert view.total is not None
    # Berlin's 1 at 20 %, Hamburg's 2 at 15 %
    assert view.total["v0"] == pytest.approx((0.2 + 0.3) / 3, rel=1e-9)


def test_a_trend_puts_the_older_year_on_this_ones_weeks(m: Any) -> None:
    rows = trend(m, m.gbv, Week.parse("2026-W44"), weeks=5).rows.to_pylist()
    assert [(r["week"], r["year"], r["value"]) for r in rows] == [
        (date(2026, 9, 28), "this year", 200),
        (date(2026, 10, 5), "this year", None),  # not 125, as a line from its neighbours would say
        (date(2026, 10, 12), "this year", 50),
        (date(2026, 10, 19), "this year", 3),
        (date(2026, 10, 26), "this year", 4),
        (date(2026, 10, 12), "a year before", 40),  # where history begins
        (date(2026, 10, 19), "a year before", None),
        (date(2026, 10, 26), "a year before", None),
    ]


def test_the_charts_show_what_there_is(m: Any) -> None:
    week = Week.parse("2026-W42")
    drawn = trended(trend(m, m.gbv, week))
    assert "this year" in drawn
    assert "a year before" in drawn
    assert "Oct 12" in drawn  # Mondays, not Sundays
    bars = compared(split(m, m.gbv, m.listing.vendor.tier, week))
    assert ("gold" in bars, "basic" in bars, "silver" in bars) == (True, True, False)


def test_without_data_there_is_a_table_without_rows_and_no_chart(m: Any) -> None:
    week = Week.parse("2024-W10")
    view = split(m, m.gbv, m.listing.city, week)
    assert (view.count, compared(view), trended(trend(m, m.gbv, week))) == (0, "", "")
    assert figures(m, (m.gbv,), week)[0].values == (None, None, None)
