"""Periods: half-open intervals in UTC that steps cover, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from workspace.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

Grain = Literal["hour", "day", "week", "month"]

_LABELS: dict[Grain, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
_EXAMPLES: dict[Grain, str] = {"hour": "2026-10-31T14", "day": "2026-10-31", "week": "2026-W44", "month": "2026-10"}
GRAINS: tuple[Grain, ...] = tuple(_LABELS)


@dataclass(frozen=True, order=True)
class Period:
    """One interval of a grain, from `start` up to but without `end`.

    Attributes:
        start: The first moment, in UTC; weeks start on Monday.
        grain: How long it is.

    Examples:
        >>> week = Period.parse("2026-W44", "week")
        >>> print(week, week.start.date(), week.end.date())
        2026-W44 2026-10-26 2026-11-02
    """

    start: datetime
    grain: Grain

    @classmethod
    def containing(cls, moment: datetime, grain: Grain) -> Period:
        """Give the period in which a moment lies.

        Examples:
            >>> print(Period.containing(datetime(2026, 10, 31, 14, 5, tzinfo=UTC), "month"))
            2026-10
        """
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        midnight = hour.replace(hour=0)
        starts = {
            "hour": hour,
            "day": midnight,
            "week": midnight - timedelta(days=midnight.weekday()),
            "month": midnight.replace(day=1),
        }
        return cls(starts[grain], grain)

    @classmethod
    def newest(cls, before: datetime, grain: Grain) -> Period:
        """Give the newest period that is over at a moment.

        Examples:
            >>> print(Period.newest(datetime(2026, 11, 1, tzinfo=UTC), "day"))
            2026-10-31
        """
        return cls.containing(before, grain).previous

    @classmethod
    def parse(cls, label: str, grain: Grain) -> Period:
        """Read a label such as `2026-10-31T14`, `2026-10-31`, `2026-W44` or `2026-10`.

        Raises:
            RunError: It is no label of this grain.
        """
        try:
            return cls(_read(label, grain), grain)
        except ValueError:
            raise RunError(f"{label!r} is not a {grain}.", cure=_advice(label, grain)) from None

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        if self.grain == "month":
            return (self.start + timedelta(days=31)).replace(day=1)
        return (
            self.start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[self.grain]
        )

    @property
    def next(self) -> Period:
        """The one after it."""
        return Period(self.end, self.grain)

    @property
    def previous(self) -> Period:
        """The one before it."""
        return Period.containing(self.start - timedelta(microseconds=1), self.grain)

    @property
    def label(self) -> str:
        """How it is written, e.g. `2026-10-31`."""
        return self.start.strftime(_LABELS[self.grain])

    def __str__(self) -> str:
        return self.label


def span(first: Period, last: Period) -> Iterator[Period]:
    """Yield the periods from `first` to `last`, both included.

    Examples:
        >>> month = Period.parse("2026-11", "month")
        >>> [str(period) for period in span(month, month.next.next)]
        ['2026-11', '2026-12', '2027-01']
    """
    while first <= last:
        yield first
        first = first.next


def parse_range(text: str, grain: Grain) -> tuple[Period, ...]:
    """Read `FROM..TO`, both included; a single label means itself.

    Raises:
        RunError: An end is no label of this grain, or they are the wrong way round.

    Examples:
        >>> [str(day) for day in parse_range("2026-10-30..2026-11-01", "day")]
        ['2026-10-30', '2026-10-31', '2026-11-01']
    """
    first, dots, last = text.partition("..")
    start = Period.parse(first, grain)
    end = Period.parse(last, grain) if dots else start
    if end < start:
        raise RunError(f"{text} ends before it starts.", cure=f"Write {last}..{first}.")
    return tuple(span(start, end))


def _read(label: str, grain: Grain) -> datetime:
    form = _LABELS[grain]
    # strptime knows the days of an ISO week, not the week itself, and is lax about leading zeros.
    text, full = (f"{label}-1", f"{form}-%u") if grain == "week" else (label, form)
    start = datetime.strptime(text, full).replace(tzinfo=UTC)
    if start.strftime(form) != label:
        raise ValueError(label)
    return start


def _advice(label: str, grain: Grain) -> str:
    form = f"A {grain} is written like {_EXAMPLES[grain]}"
    try:
        moment = datetime.fromisoformat(label).replace(tzinfo=UTC)
    except ValueError:
        return f"{form}."
    return f"{form}; {label} lies in {Period.containing(moment, grain)}."
