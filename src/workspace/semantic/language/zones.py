"""When a zone's clocks changed, as a table: DuckDB reads a wall clock off it far faster than off its own library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

FIRST, LAST = datetime(2016, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC)
"""The years that are written out; what lies outside is left to the engine's own conversion."""


@cache
def offsets(zone: str) -> tuple[tuple[datetime, int], ...]:
    """List from when on a zone's clocks were how many seconds ahead of UTC, between `FIRST` and `LAST`.

    Examples:
        >>> [(f"{moment:%Y-%m-%d %H:%M}", ahead) for moment, ahead in offsets("Europe/Berlin")[:3]]
        [('2016-01-01 00:00', 3600), ('2016-03-27 01:00', 7200), ('2016-10-30 01:00', 3600)]
    """
    here = ZoneInfo(zone)
    found = [(FIRST, _ahead(here, FIRST))]
    day = FIRST
    while day < LAST:
        after = day + timedelta(days=1)
        if _ahead(here, after) != _ahead(here, day):
            found.append((_change(here, day, after), _ahead(here, after)))
        day = after
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the second at which the clocks changed between two moments."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _ahead(zone, middle) == _ahead(zone, before):
            before = middle
        else:
            after = middle
    return after


def _ahead(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds())
