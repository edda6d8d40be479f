"""Which days of an account to ask for: those never read, the latest ones, and those that may still change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

HOT = 3
"""The days up to today that every run asks for."""

AUDITED = 90
"""The days whose totals are compared once a week, whatever the platform says of its windows."""

WEEK = timedelta(days=7)
CLICKS_KEPT = 90
"""For how many days Google tells which ad a click was on."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of an account: for each day, when it was last read whole.

    Attributes:
        ads: Days of which the ads' numbers were read.
        clicks: Days of which the clicks were.
        audited: When totals were last compared.
        dense: How many rows a day had, of the windows that were read last, in the densest; None if none was read.
    """

    ads: Mapping[date, datetime] = field(default_factory=dict)
    clicks: Mapping[date, datetime] = field(default_factory=dict)
    audited: datetime | None = None
    dense: float | None = None

    @classmethod
    def of(cls, pulls: Iterable[Mapping[str, Any]]) -> Read:
        """Make it of the rows of `pulls`."""
        days: dict[str, dict[date, datetime]] = {"ad": {}, "clicks": {}}
        audited: datetime | None = None
        dense: dict[datetime, float] = {}
        for pull in sorted(pulls, key=lambda each: each["pulled_at"]):
            kind, first, last, at = (pull[name] for name in ("kind", "first_day", "last_day", "pulled_at"))
            if kind == "campaign":
                audited = at
            elif kind in days:
                days[kind] |= dict.fromkeys(span(first, last), at)
            if kind == "ad":
                dense[at] = max(dense.get(at, 0.0), pull["rows"] / ((last - first).days + 1))
        return cls(days["ad"], days["clicks"], audited, dense[max(dense)] if dense else None)

    @property
    def finished(self) -> datetime | None:
        """When all that was asked for was last read: days are read in their order, so the newest one comes last."""
        return self.ads[max(self.ads)] if self.ads else None


def today(timezone: str, now: datetime) -> date:
    """Tell the day that it is in an account."""
    return now.astimezone(ZoneInfo(timezone)).date()


def is_zone(name: str) -> bool:
    """Tell whether a time zone is one that is known here.

    Examples:
        >>> is_zone("Europe/Berlin"), is_zone("Europe/Atlantis"), is_zone("")
        (True, False, False)
    """
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return bool(name)


def due(read: Read, *, since: date, until: date, lookback: int, now: datetime, touched: set[date] | None) -> list[date]:
    """Give the days to ask for, in their order.

    Args:
        read: What was read before.
        since: The first day of the source.
        until: Today, in the account.
        lookback: How many days back the platform may still change its numbers.
        now: The business time.
        touched: The days that it says it has changed since the last run; None if it does not say.
    """
    days = list(span(since, until))
    wanted = {day for day in days if day not in read.ads}
    wanted |= {day for day in days if day > until - timedelta(days=HOT)}
    # Days that were last read while they could still change: today's windows, and those that closed since.
    known = {day: read.ads[day].date() for day in days if day in read.ads}
    old = {day for day, at in known.items() if at <= day + timedelta(days=lookback + 1) and at < now.date()}
    if touched is None:
        wanted |= old
    else:
        # What it says it has changed, however old; and once a week all that may have.
        wanted |= {day for day in days if day in touched}
        wanted |= {day for day in old if now - read.ads[day] >= WEEK or day < until - timedelta(days=lookback)}
    return sorted(wanted)


def clicks_due(read: Read, *, since: date, until: date, timezone: str) -> list[date]:
    """Give the days whose clicks to ask for: until they were read a day after they had ended."""
    zone = ZoneInfo(timezone)
    found = []
    for day in span(max(since, until - timedelta(days=CLICKS_KEPT - 1)), until):
        settled = datetime.combine(day + timedelta(days=2), time(), zone)
        if day not in read.clicks or read.clicks[day] < settled:
            found.append(day)
    return found


def audit_due(read: Read, now: datetime) -> bool:
    """Tell whether a week has passed since totals were compared."""
    return read.audited is None or now - read.audited >= WEEK


def fitting(rows: int, dense: float, most: int) -> int:
    """Tell how many days bring so many rows.

    Args:
        rows: How many.
        dense: How many a day brings.
        most: How many days it may be at most.

    Examples:
        >>> fitting(100_000, 50_000.0, 28), fitting(100_000, 0.0, 28), fitting(100_000, 1e6, 28)
        (2, 28, 1)
    """
    return max(1, min(most, int(rows / dense))) if dense else most


def windows(days: Iterable[date], longest: int) -> Iterator[tuple[date, date]]:
    """Join days that follow each other, into windows of at most so many.

    Examples:
        >>> from datetime import date
        >>> days = [date(2026, 10, day) for day in (1, 2, 3, 7)]
        >>> [(first.day, last.day) for first, last in windows(days, 2)]
        [(1, 2), (3, 3), (7, 7)]
    """
    window: list[date] = []
    for day in days:
        if window and (day - window[-1] > timedelta(days=1) or len(window) == longest):
            yield window[0], window[-1]
            window = []
        window.append(day)
    if window:
        yield window[0], window[-1]


def span(first: date, last: date) -> Iterator[date]:
    """Give every day from the first to the last."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
