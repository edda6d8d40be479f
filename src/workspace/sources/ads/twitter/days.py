"""Which hours X is to be asked for, so that its slots become the account's days.

X cuts days (`granularity=DAY`) at midnight by the UTC offset that the account has *today*, for past days as well. In
the weeks after the clocks were changed, its slots for the days before are therefore an hour off, and the day of the
change itself has 23 or 25 hours of which a slot holds 24. Such days are asked for by the hour and added up; all others
by the day. A question's end is exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_FORMER = ZoneInfo("America/Los_Angeles")  # the zone of every account before its `timezone_switch_at`


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of days that one question can be about.

    Attributes:
        granularity: By what X is to cut it.
        start: Its begin, in UTC.
        end: Its end, in UTC, exclusive.
        days: The day that each slot belongs to.
        zone: The account's zone.
    """

    granularity: Literal["DAY", "HOUR"]
    start: datetime
    end: datetime
    days: tuple[date, ...]
    zone: ZoneInfo

    def times(self, now: datetime) -> dict[str, str]:
        """Give the parameters that say so, as X understands them."""
        return {"start_time": written(self.start, self.zone, now), "end_time": written(self.end, self.zone, now)}


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give when a day begins, in UTC.

    Examples:
        >>> midnight(date(2026, 10, 25), ZoneInfo("Europe/Berlin")).isoformat()
        '2026-10-24T22:00:00+00:00'
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def written(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Write a moment as X wants it, in whole hours: in UTC, or with the account's offset where that has half hours.

    Examples:
        >>> written(datetime(2026, 10, 24, 18, 30, tzinfo=UTC), ZoneInfo("Asia/Kolkata"), datetime.now(UTC))
        '2026-10-25T00:00:00+0530'
    """
    if not moment.minute:
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    offset = now.astimezone(zone).strftime("%z")
    return (moment + (now.astimezone(zone).utcoffset() or timedelta())).strftime("%Y-%m-%dT%H:%M:%S") + offset


def stretches(zone: ZoneInfo, first: date, last: date, now: datetime) -> Iterator[Stretch]:
    """Cut days into what can be asked for at once, the last one included.

    Args:
        zone: The account's zone.
        first: The first day.
        last: The last day.
        now: The time by X's clock: it tells by which offset X cuts.

    Examples:
        >>> berlin, winter = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 1, tzinfo=UTC)
        >>> for each in stretches(berlin, date(2026, 10, 24), date(2026, 10, 27), winter):
        ...     print(each.granularity, len(each.days), each.start, each.end)
        HOUR 49 2026-10-23 22:00:00+00:00 2026-10-25 23:00:00+00:00
        DAY 2 2026-10-25 23:00:00+00:00 2026-10-27 23:00:00+00:00
    """
    here = now.astimezone(zone)
    offset, today = here.utcoffset() or timedelta(), here.date()
    # On the day of a change, nobody says which of the two offsets X takes for today's; hours are right by either.
    steady = midnight(today + _DAY, zone) - midnight(today, zone) == _DAY

    def straight(day: date) -> bool:
        ends = (day, day + _DAY)
        return steady and all(midnight(end, zone) == datetime.combine(end, time(), UTC) - offset for end in ends)

    days = [first + _DAY * number for number in range((last - first).days + 1)]
    for by_day, run in groupby(days, straight):
        some = list(run)
        start, end = midnight(some[0], zone), midnight(some[-1] + _DAY, zone)
        if by_day:
            yield Stretch("DAY", start, end, tuple(some), zone)
        else:
            hours = -((start - end) // _HOUR)
            slots = tuple((start + _HOUR * hour).astimezone(zone).date() for hour in range(hours))
            yield Stretch("HOUR", start, end, slots, zone)


def applied(changes: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> set[date]:
    """Give the days that changes apply to, from the first to the last moment that X tells of each.

    Examples:
        >>> change = {"activity_start_time": "2026-11-02T05:00:00Z", "activity_end_time": "2026-11-02T22:59:59Z"}
        >>> [str(day) for day in sorted(applied([change], ZoneInfo("America/New_York")))]
        ['2026-11-02']
    """
    days: set[date] = set()
    for told in changes:
        first, last = (
            datetime.fromisoformat(told[f"activity_{end}_time"]).astimezone(zone).date() for end in ("start", "end")
        )
        days |= {first + _DAY * number for number in range((last - first).days + 1)}
    return days


def gap(zone: ZoneInfo, switched: datetime | None) -> frozenset[date]:
    """Tell the days of which X lacks hours, because the account got its zone in them.

    Before, its days were those of Los Angeles; from the last of their midnights to the first one of the new zone it
    keeps nothing.

    Examples:
        >>> sorted(gap(ZoneInfo("Europe/Berlin"), datetime(2026, 10, 19, 22, tzinfo=UTC)))
        [datetime.date(2026, 10, 19)]
        >>> gap(_FORMER, datetime(2026, 10, 20, 7, tzinfo=UTC))
        frozenset()
    """
    if switched is None:
        return frozenset()
    begun = midnight(switched.astimezone(_FORMER).date(), _FORMER)
    hours = -((begun - switched) // _HOUR)
    return frozenset((begun + _HOUR * hour).astimezone(zone).date() for hour in range(hours))
