"""Periods of all grains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.errors import RunError
from workspace.runs import Period
from workspace.runs.periods import GRAINS, Grain, parse_range

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@given(MOMENTS, st.sampled_from(GRAINS))
def test_periods_are_half_open_and_follow_each_other(moment: datetime, grain: Grain) -> None:
    period = Period.containing(moment, grain)
    assert period.start <= moment < period.end
    assert period.next.start == period.end
    assert period.next.previous == period
    assert Period.parse(period.label, grain) == period
    assert Period.newest(period.end, grain) == period
    assert Period.newest(period.end - timedelta(microseconds=1), grain) == period.previous


def test_weeks_start_on_monday_and_belong_to_the_iso_year() -> None:
    week = Period.containing(datetime(2027, 1, 1, tzinfo=UTC), "week")
    assert (week.label, week.start) == ("2026-W53", datetime(2026, 12, 28, tzinfo=UTC))


@pytest.mark.parametrize(
    ("label", "grain", "cure"),
    [
        ("2026-10-31", "week", "2026-10-31 lies in 2026-W44"),
        ("2026-1-3", "day", "A day is written like 2026-10-31."),
        ("2026-W54", "week", "A week is written like"),
        ("2026-13", "month", "A month is written like"),
    ],
)
def test_other_labels_are_refused(label: str, grain: Grain, cure: str) -> None:
    with pytest.raises(RunError) as caught:
        Period.parse(label, grain)
    assert cure in caught.value.cure


def test_ranges_include_both_ends() -> None:
    assert [str(week) for week in parse_range("2026-W52..2027-W01", "week")] == ["2026-W52", "2026-W53", "2027-W01"]
    assert [str(day) for day in parse_range("2026-10-31", "day")] == ["2026-10-31"]
    with pytest.raises(RunError, match="ends before it starts"):
        parse_range("2026-10-31..2026-10-30", "day")
