"""Calendar: the reporting time zone's wall clock, grains, and windows of whole periods.

An hour that the clocks repeat in autumn is one hour here, as on the wall.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.language.declare import GRAINS
from workspace.semantic.language.dialect import dialect

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPEN_START = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """A reporting time zone, and the day on which weeks start."""

    timezone: str
    week: str

    def __post_init__(self) -> None:
        """Check both."""
        if self.week not in WEEKDAYS:
            raise SemanticError(f"week={self.week!r} is not a weekday.", cure=did_you_mean(self.week, WEEKDAYS))
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            msg = f"timezone={self.timezone!r} is not in the time zone database."
            raise SemanticError(msg, cure='Write a name such as "Europe/Berlin".') from None

    def wall(self, value: Any) -> Any:
        """Read a moment as wall clock; dates and wall clock times stay as they are."""
        kind = value.type()
        if kind.is_date() or (kind.is_timestamp() and kind.timezone is None):
            return value
        if not kind.is_timestamp():
            msg = f"A time must be a timestamp or a date, not {kind}."
            raise SemanticError(msg, cure="Declare time(...) on a column of one of these types.")
        return dialect(value).wall(self.timezone, value)

    def moment(self, value: Any) -> Any:
        """Read a time as a moment. A day counts as its last microsecond: what it led to is what it shows."""
        if not value.type().is_date():
            return value
        midnight = dialect(value).moment(self.timezone, (value + ibis.interval(days=1)).cast("timestamp"))
        return midnight - ibis.interval(microseconds=1)

    def truncate(self, wall: Any, grain: str) -> Any:
        """Round a wall clock time or date down to the start of its period."""
        if grain == "hour":
            if wall.type().is_date():
                msg = "A date has no hours."
                raise SemanticError(msg, cure="Ask by day, or use a time that is a timestamp.")
            return wall.truncate("h")
        if grain == "day":
            return wall.cast("date")
        if grain == "week":
            # Truncating a date would give a timestamp in DuckDB that Ibis takes for a date.
            stamp, days = wall.cast("timestamp"), ibis.interval(days=WEEKDAYS.index(self.week))
            return ((stamp - days).truncate("W") + days).cast("date")
        day = wall.cast("date")
        month = {"month": day.month(), "quarter": (day.quarter() - 1) * 3 + 1, "year": ibis.literal(1)}[grain]
        return ibis.date(day.year(), month, 1)

    def floor(self, day: date, grain: str) -> date:
        """Find the first day of the period that a day is in."""
        if grain == "week":
            return day - timedelta(days=(day.weekday() - WEEKDAYS.index(self.week)) % 7)
        months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
        return day if months is None else day.replace(month=(day.month - 1) // months * months + 1, day=1)

    def bound(self, day: date, kind: Any) -> Any:
        """Write the beginning of a day as a value that times of a type can be compared with."""
        if kind.is_date():
            return ibis.literal(day)
        return ibis.literal(self.midnight(day) if kind.timezone else datetime.combine(day, time()), kind)

    def today(self, as_of: datetime) -> date:
        """Find the day in which a moment lies: the first one that is not over then."""
        return as_of.astimezone(ZoneInfo(self.timezone)).date()

    def unknown(self, as_of: datetime) -> date:
        """Find the first day of which there can be no rows yet."""
        today = self.today(as_of)
        return today if self.midnight(today) == as_of else today + timedelta(days=1)

    def midnight(self, day: date) -> datetime:
        """Find the moment at which a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Days from `start` up to, and without, `end`, in the reporting time zone; None where it is open."""

    start: date | None
    end: date | None

    @property
    def text(self) -> str:
        """The window as words."""
        last = self.end - timedelta(days=1) if self.end else None
        if self.start and last:
            return f"{self.start} to {last}"
        return f"from {self.start}" if self.start else f"up to {last}" if last else "all time"

    def holds(self, value: Any, calendar: Calendar) -> Any:
        """Build the condition that a moment lies within. Comparing moments, not days, lets files be skipped."""
        bounds = [None if day is None else calendar.bound(day, value.type()) for day in (self.start, self.end)]
        held = ibis.literal(True)  # noqa: FBT003
        if bounds[0] is not None:
            held = value >= bounds[0]
        if bounds[1] is not None:
            held = value < bounds[1] if bounds[0] is None else held & (value < bounds[1])
        return held


def last(text: str, as_of: datetime, calendar: Calendar) -> Window:
    """Read `last="12 weeks"`: so many whole periods before `as_of`.

    Examples:
        >>> berlin = Calendar(timezone="Europe/Berlin", week="mon")
        >>> last("2 weeks", datetime(2026, 11, 1, tzinfo=UTC), berlin).text
        '2026-10-12 to 2026-10-25'
    """
    match = re.fullmatch(r"\s*(\d+)\s+([a-z]+?)s?\s*", text)
    grains = GRAINS[1:]
    if not match or match[2] not in grains or int(match[1]) == 0:
        msg = f"last={text!r} is not a number of days, weeks, months, quarters or years."
        raise SemanticError(msg, cure='Write last="12 weeks".')
    count, grain = int(match[1]), match[2]
    end = calendar.floor(as_of.astimezone(ZoneInfo(calendar.timezone)).date(), grain)
    if grain in ("day", "week"):
        return Window(start=end - timedelta(days=count * (7 if grain == "week" else 1)), end=end)
    months = end.year * 12 + end.month - 1 - count * {"month": 1, "quarter": 3, "year": 12}[grain]
    return Window(start=date(months // 12, months % 12 + 1, 1), end=end)


def between(bounds: tuple[str | date, str | date]) -> Window:
    """Read `between=("2026-09-01", "2026-10-01")`; the second day is outside.

    Examples:
        >>> between(("2026-09-01", "2026-10-01")).text
        '2026-09-01 to 2026-09-30'
    """
    try:
        start, end = (date.fromisoformat(b) if isinstance(b, str) else b for b in bounds)
    except (TypeError, ValueError):
        msg = f"between={bounds!r} is not a pair of days."
        raise SemanticError(msg, cure='Write between=("2026-09-01", "2026-10-01").') from None
    if start >= end:
        msg = f"between={bounds!r} holds no day."
        raise SemanticError(msg, cure="The first day is within, the second is the first one after.")
    return Window(start=start, end=end)
