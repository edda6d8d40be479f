"""Periods of the reporting time zone, over clock changes and week starts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.shop import Shop, at, connection
from workspace.errors import SemanticError
from workspace.semantic import Dataset, Model, measure, time
from workspace.semantic.language.calendar import WEEKDAYS, Calendar, between, last


class Events(Dataset, table="shop.customers"):
    happened = time(_.joined_at, default=True)
    events = measure(_.count())


def asked(moments: list[datetime], grain: str, *, zone: str = "Europe/Berlin", week: str = "mon") -> dict[Any, int]:
    shop = Shop({"shop.customers": [(i, None, moment) for i, moment in enumerate(moments)]})
    m = Model(Events, timezone=zone, week=week).bind(shop)
    return {row[grain]: row["events"] for row in m.events.by(getattr(m, grain)).to_arrow().to_pylist()}


def test_the_day_has_23_or_25_hours_when_clocks_change() -> None:
    spring = [datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 21, 59, tzinfo=UTC)]
    autumn = [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 22, 59, tzinfo=UTC)]
    assert asked(spring, "day") == {date(2026, 3, 29): 2}
    assert asked(autumn, "day") == {date(2026, 10, 25): 2}
    assert asked([datetime(2026, 3, 29, 22, tzinfo=UTC)], "day") == {date(2026, 3, 30): 1}


def test_the_hour_that_autumn_repeats_is_one() -> None:
    moments = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    assert asked(moments, "hour") == {datetime(2026, 10, 25, 2): 2}  # noqa: DTZ001 - wall clock


@pytest.mark.parametrize("week", WEEKDAYS)
def test_weeks_start_when_told(week: str) -> None:
    moments = [at(day, hour=0) for day in range(1, 15)]
    weeks = asked(moments, "week", zone="UTC", week=week)
    assert {WEEKDAYS[start.weekday()] for start in weeks} == {week}
    assert set(weeks.values()) <= {7, 14 - 7, *range(1, 7)}
    assert sum(weeks.values()) == 14


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), min_size=1, max_size=8),  # noqa: DTZ001
    st.sampled_from(["hour", "day", "week", "month", "quarter", "year"]),
    st.sampled_from(["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"]),
    st.sampled_from(WEEKDAYS),
)
def test_the_engine_agrees_with_python(moments: list[datetime], grain: str, zone: str, week: str) -> None:
    calendar = Calendar(timezone=zone, week=week)
    expected: dict[Any, int] = {}
    for moment in moments:
        wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        hour = wall.replace(minute=0, second=0, microsecond=0)
        label = hour if grain == "hour" else calendar.floor(wall.date(), grain)
        expected[label] = expected.get(label, 0) + 1
    assert asked(moments, grain, zone=zone, week=week) == expected


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1 day", "2026-10-31 to 2026-10-31"),  # as of midnight UTC it is one o'clock on November 1st in Berlin
        ("2 weeks", "2026-10-12 to 2026-10-25"),
        ("1 month", "2026-10-01 to 2026-10-31"),
        ("13 months", "2025-10-01 to 2026-10-31"),
        ("1 quarter", "2026-07-01 to 2026-09-30"),
        ("2 years", "2024-01-01 to 2025-12-31"),
    ],
)
def test_last_whole_periods(text: str, days: str) -> None:
    as_of = datetime(2026, 11, 1, tzinfo=UTC)
    assert last(text, as_of, Calendar(timezone="Europe/Berlin", week="mon")).text == days


def test_a_window_begins_at_midnight_of_the_reporting_zone() -> None:
    calendar = Calendar(timezone="Europe/Berlin", week="mon")
    window = between(("2026-06-01", "2026-06-02"))
    assert window.start is not None
    assert calendar.midnight(window.start) == datetime(2026, 5, 31, 22, tzinfo=UTC)
    moments = [datetime(2026, 5, 31, 21, 59, tzinfo=UTC), datetime(2026, 5, 31, 22, tzinfo=UTC), at(1, hour=22)]
    Shop({"shop.customers": [(i, None, moment) for i, moment in enumerate(moments)]})
    table = connection().table("shop.customers")
    assert table.filter(window.holds(table.joined_at, calendar)).count().to_pyarrow().as_py() == 1


def test_a_day_shows_what_it_led_to() -> None:
    Shop({"shop.stock": [(1, date(2026, 3, 29), 1)]})
    table = connection().table("shop.stock")
    moment = Calendar(timezone="Europe/Berlin", week="mon").moment(table.day)
    found = table.select(moment=moment).to_pyarrow().to_pylist()[0]["moment"]
    assert found == datetime(2026, 3, 29, 21, 59, 59, 999999, tzinfo=UTC)


def test_a_time_of_another_type() -> None:
    Shop({})
    table = connection().table("shop.customers")
    with pytest.raises(SemanticError, match="A time must be a timestamp or a date, not int64"):
        Calendar(timezone="UTC", week="mon").wall(table.id)
