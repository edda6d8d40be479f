"""Which days a query is about."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from workspace.demo.ads.google.errors import FailureError, query_error
from workspace.demo.ads.google.fields import DATES

if TYPE_CHECKING:
    from workspace.demo.ads.google.gaql import Condition, Query, Token

_SPELT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST = {"segments.date": 0, "segments.week": 6, "segments.month": 30, "segments.quarter": 91}
CLICKS_KEPT = 90  # days for which a click can be asked for
_KEPT = 37  # months for which single days can be asked for
_LAST = {"LAST_7_DAYS": 7, "LAST_14_DAYS": 14, "LAST_30_DAYS": 30}


def days(query: Query, today: date) -> tuple[date, date] | None:
    """Give the first and the last day that a query asks about; None if that is none of its questions.

    Args:
        query: The query, with its fields checked.
        today: The present day in the account's time zone.

    Raises:
        FailureError: It should name a range and does not, or what it names is no date.
    """
    low: date | None = None
    high: date | None = None
    for condition in query.where:
        if condition.field in DATES:
            first, last = _range(condition, today)
            low = first if low is None or (first and first > low) else low
            high = last if high is None or (last and last < high) else high
    if query.resource == "click_view":
        return _single(low, high, today)
    if (low is None or high is None) and any(name in DATES for name in query.select):
        said = "A finite range of dates must be given in the WHERE clause when a date segment is in the SELECT clause."
        raise query_error("EXPECTED_FILTERS_ON_DATE_RANGE", said)
    if low is None and high is None:
        return None
    if low and high and low > high:
        raise query_error("DATE_RANGE_TOO_NARROW", "Filters on date have a start date after the end date.")
    return low or date.min, high or today


def _single(low: date | None, high: date | None, today: date) -> tuple[date, date]:
    if low is None or low != high:
        said = "Queries including ClickView must have a filter limiting the results to one day"
        raise FailureError(400, "clickViewError", "EXPECTED_FILTER_ON_A_SINGLE_DAY", said)
    if low < today - timedelta(days=CLICKS_KEPT):
        said = "Queries including ClickView cannot have a date older than 90 days."
        raise FailureError(400, "clickViewError", "DATE_TOO_OLD", said)
    return low, low


def oldest(today: date) -> date:
    """Give the oldest day of which the platform still tells."""
    months = today.year * 12 + today.month - 1 - _KEPT
    return date(months // 12, months % 12 + 1, 1)


def _range(condition: Condition, today: date) -> tuple[date | None, date | None]:
    """Give the days that a condition leaves at most; rows are filtered by it once more."""
    operator = condition.operator
    if operator == "DURING":
        return _during(condition.values[0].text.upper(), today)
    read = [_date(value) for value in condition.values]
    if operator in ("BETWEEN", "=", "IN"):
        ordered = read if operator == "BETWEEN" else sorted(read)
        return ordered[0], ordered[-1] + timedelta(days=_LONGEST[condition.field])
    if operator in (">", ">="):
        return read[0] + timedelta(days=operator == ">"), None
    if operator in ("<", "<="):
        return None, read[0] + timedelta(days=_LONGEST[condition.field] - (operator == "<"))
    said = f"Operator '{operator}' cannot be used with field '{condition.field}'."
    raise query_error("OPERATOR_FIELD_MISMATCH", said)


def _date(value: Token) -> date:
    complaint = query_error("INVALID_DATE_FORMAT", f"Invalid date format: '{value.text}'. Expected 'YYYY-MM-DD'.")
    if value.kind != "string" or not _SPELT.fullmatch(value.text):
        raise complaint
    try:
        return date.fromisoformat(value.text)
    except ValueError:
        raise complaint from None


def _during(word: str, today: date) -> tuple[date, date]:
    one = timedelta(days=1)
    first_of_month = today.replace(day=1)
    ranges = {
        "TODAY": (today, today),
        "YESTERDAY": (today - one, today - one),
        "THIS_MONTH": (first_of_month, today),
        "LAST_MONTH": ((first_of_month - one).replace(day=1), first_of_month - one),
        "THIS_WEEK_MON_TODAY": (today - today.weekday() * one, today),
        "LAST_WEEK_MON_SUN": (today - (today.weekday() + 7) * one, today - (today.weekday() + 1) * one),
        **{name: (today - count * one, today - one) for name, count in _LAST.items()},
    }
    if word not in ranges:
        raise query_error("INVALID_VALUE_WITH_DURING_OPERATOR", f"Invalid date range '{word}'.")
    return ranges[word]


def segments(day: date) -> dict[str, date | str]:
    """Give what a day is told apart by.

    Examples:
        >>> segments(date(2026, 8, 5))["segments.quarter"]
        datetime.date(2026, 7, 1)
    """
    return {
        "segments.date": day,
        "segments.week": day - timedelta(days=day.weekday()),
        "segments.month": day.replace(day=1),
        "segments.quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "segments.day_of_week": day.strftime("%A").upper(),
    }
