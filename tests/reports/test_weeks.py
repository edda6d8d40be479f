"""Weeks: their labels, their neighbours, and which one is over."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from workspace.errors import RunError
from workspace.reports import A_YEAR, FOUR_WEEKS, Week


@pytest.mark.parametrize("label", ["2026-W53", "2026-W01", "2020-W53", "2024-W09"])
def test_a_label_is_read_as_it_is_written(label: str) -> None:
    assert Week.parse(label).label == label


@pytest.mark.parametrize("label", ["2025-W53", "2026-W00", "2026-W54", "2026-43", "2026-W1", "", "last"])
def test_what_is_no_week_is_refused(label: str) -> None:
    with pytest.raises(RunError, match="is not a week"):
        Week.parse(label)


def test_a_year_before_is_52_weeks_also_around_a_long_year() -> None:
    week = Week.parse("2027-W01")
    assert (week.before.label, week.earlier(A_YEAR).label) == ("2026-W53", "2026-W02")
    assert week.earlier(FOUR_WEEKS).label == "2026-W50"
    assert week.days == (date(2027, 1, 4), date(2027, 1, 11))


@pytest.mark.parametrize(
    ("as_of", "label"),
    [
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-W42"),  # Sunday 23:59 in Berlin, winter time
        (datetime(2026, 10, 25, 23, tzinfo=UTC), "2026-W43"),
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "2026-W12"),  # Sunday 23:59 in Berlin, summer time
        (datetime(2026, 3, 29, 22, tzinfo=UTC), "2026-W13"),
    ],
)
def test_the_newest_week_ends_with_berlins_sunday(as_of: datetime, label: str) -> None:
    assert Week.newest(as_of, "Europe/Berlin").label == label


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("2026-W43", "19 to 25 October 2026"),
        ("2026-W40", "28 September to 4 October 2026"),
        ("2026-W53", "28 December to 3 January 2027"),
    ],
)
def test_a_week_in_words(label: str, words: str) -> None:
    assert str(Week.parse(label)) == words
