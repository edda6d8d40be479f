"""Numbers of other days than those that they are shown for, by brute force: which days count for which period.

What holds, in one place:

- A metric is shown for every period of the window, or, without one, from the first row up to the release's `as_of`;
  a period for which no row counts is not shown. Rows without a time count for no other period than none.
- The first and the last period are cut to the window. What is counted up to a day (trailing, to date, all time) is
  also cut to the days that are over at `as_of`.
- Back by days or weeks: so many days. Back by months, quarters, years: the same day of that month, or its last one;
  what ends with a month still ends with a month. By week, a year is 52 weeks. A day goes back to one day.
- First back, then along: `ago("1 year")` of a trailing metric counts the days that end a year ago.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from semantic.brute import ZONE, Row, grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
Days = tuple[date, date]
"""From a day up to, and without, another."""


@dataclass(frozen=True)
class Moved:
    """`trailing="28 days"`, `to_date="month"` or `all_time`, and how far back, one after the other."""

    back: tuple[str, ...] = ()
    trailing: str | None = None
    to_date: str | None = None
    all_time: bool = False

    @property
    def plain(self) -> bool:
        return self == Moved()

    @property
    def along(self) -> bool:
        return self.all_time or self.trailing is not None or self.to_date is not None

    def of(self, metric: Any) -> Any:
        """The same in the language."""
        if self.trailing:
            metric = metric.trailing(self.trailing)
        if self.to_date:
            metric = metric.to_date(self.to_date)
        if self.all_time:
            metric = metric.all_time()
        for span in reversed(self.back):  # x.ago("1 week") is asked a month ago by .ago("1 month")
            metric = metric.ago(span)
        return metric


def begin(day: date, grain: str) -> date:
    """The first day of the period (weeks begin on Monday)."""
    if grain == "week":
        return day - DAY * day.weekday()
    if grain in MONTHS:
        return day.replace(day=1, month=(day.month - 1) // MONTHS[grain] * MONTHS[grain] + 1)
    return day


def after(day: date, grain: str) -> date:
    """The first day of the next period."""
    return begin(begin(day, grain) + DAY * {"day": 1, "week": 7, "month": 31, "quarter": 93, "year": 366}[grain], grain)


def earlier(day: date, span: str, grain: str = "day") -> date:
    """The day that lies so far back."""
    number, unit = span.removesuffix("s").split()
    count = int(number)
    if grain == "week" and unit == "year":
        return day - DAY * 364 * count
    if unit in ("day", "week"):
        return day - DAY * count * (7 if unit == "week" else 1)
    year, month = divmod(day.year * 12 + day.month - 1 - count * MONTHS[unit], 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def back(days: Days, span: str, grain: str) -> Days:
    """The stretch of days that lies so far back."""
    whole = grain != "day" and days[1].day == 1
    end = earlier(days[1], span, grain) if whole else earlier(days[1] - DAY, span, grain) + DAY
    return earlier(days[0], span, grain), end


def along(days: Days, moved: Moved) -> Days:
    """What is counted up to the end of a stretch of days."""
    if moved.trailing:
        return earlier(days[1], moved.trailing), days[1]
    if moved.to_date:
        return begin(days[1] - DAY, moved.to_date), days[1]
    return (date.min if moved.all_time else days[0]), days[1]


def periods(grain: str, first: date, end: date) -> Iterator[Days]:
    """Every period from the one with a day up to the last that begins before another."""
    day = begin(first, grain)
    while day < end:
        yield day, after(day, grain)
        day = after(day, grain)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def by_period(
    rows: list[Row],
    by: list[str],
    grain: str,
    moved: Moved,
    measure: Callable[[list[Row]], Any],
    *,
    window: Days | None,
    as_of: datetime,
) -> dict[tuple[Any, ...], Any]:
    """(period, *by): the number."""
    today = as_of.astimezone(ZONE).date()
    known = today if midnight(today) == as_of else today + DAY
    until = today if moved.along else known
    dated = [row for row in rows if row["day"] is not None]
    found: dict[tuple[Any, ...], Any] = {}
    if moved.plain and window is None:
        found = {(None, *k): v for k, v in grouped([r for r in rows if r["day"] is None], by, measure).items()}
    if not dated:
        return found
    first = window[0] if window else min(row["day"] for row in dated)
    for start, end in periods(grain, first, min(window[1], until) if window else until):
        days = (max(start, window[0]), min(end, window[1])) if window else (start, end)
        days = (days[0], min(days[1], today)) if moved.along else days
        for span in moved.back:
            days = back(days, span, grain)
        lo, hi = along(days, moved)
        counting = [row for row in dated if lo <= row["day"] < hi]
        found |= {(start, *key): value for key, value in grouped(counting, by, measure).items()}
    return found


def in_total(rows: list[Row], moved: Moved, *, window: Days | None, as_of: datetime) -> list[Row]:
    """The rows that count where nothing is asked by period: the window is the one period, else all that is over."""
    if moved.plain:
        return [row for row in rows if window is None or (row["day"] and window[0] <= row["day"] < window[1])]
    today = as_of.astimezone(ZONE).date()
    lo, hi = window or (date.min, today)
    hi = min(hi, today) if moved.along else hi
    for span in moved.back:
        (_, hi), lo = back((hi - DAY, hi), span, "total"), (lo if lo == date.min else earlier(lo, span))
    lo, hi = along((lo, hi), moved)
    return [row for row in rows if row["day"] and lo <= row["day"] < hi]
