"""The weeks that a weekly report sets side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from workspace.errors import RunError


@dataclass(frozen=True)
class Apart:
    """How far back the older of the two weeks lies that a week is held against.

    Attributes:
        weeks: So many, whole ones, so that weekdays stand beside weekdays.
        words: How that is said.
    """

    weeks: int
    words: str


A_YEAR = Apart(52, "a year before")
FOUR_WEEKS = Apart(4, "4 weeks before")


@dataclass(frozen=True)
class Week:
    """Monday to Sunday in the reporting time zone.

    Attributes:
        monday: Its first day.
    """

    monday: date

    @classmethod
    def newest(cls, as_of: datetime, timezone: str) -> Week:
        """Give the newest week that is over at `as_of`, on the reporting zone's clocks.

        Examples:
            >>> Week.newest(datetime(2026, 11, 1, tzinfo=UTC), "Europe/Berlin").label
            '2026-W43'
        """
        local = as_of.astimezone(ZoneInfo(timezone)).date()
        return cls(local - timedelta(days=local.weekday() + 7))

    @classmethod
    def parse(cls, label: str) -> Week:
        """Read a label such as `2026-W43`.

        Raises:
            RunError: It is no week.
        """
        try:
            found = cls(datetime.strptime(f"{label}-1", "%G-W%V-%u").replace(tzinfo=UTC).date())
        except ValueError:
            found = None
        # Python 3.11 takes the 53rd week of a year that has 52 for the next year's first.
        if found is None or found.label != label:
            raise RunError(f"{label!r} is not a week.", cure="Write it like 2026-W43.")
        return found

    @property
    def label(self) -> str:
        """The week in ISO 8601."""
        return f"{self.monday:%G-W%V}"

    @property
    def days(self) -> tuple[date, date]:
        """Its first day, and the first day after it."""
        return self.monday, self.monday + timedelta(weeks=1)

    def span(self, weeks: int) -> tuple[date, date]:
        """The first day of so many weeks that end with this one, and the first day after it.

        Examples:
            >>> Week.parse("2026-W43").span(2)
            (datetime.date(2026, 10, 12), datetime.date(2026, 10, 26))
        """
        return self.days[1] - timedelta(weeks=weeks), self.days[1]

    @property
    def month_so_far(self) -> tuple[date, date]:
        """The first day of the month in which it ends, and the first day after it."""
        return (self.days[1] - timedelta(days=1)).replace(day=1), self.days[1]

    @property
    def before(self) -> Week:
        """The week before."""
        return Week(self.monday - timedelta(weeks=1))

    def earlier(self, apart: Apart) -> Week:
        """The same days so much earlier; a year before is 52 weeks."""
        return Week(self.monday - timedelta(weeks=apart.weeks))

    def __str__(self) -> str:
        last = self.monday + timedelta(days=6)
        first = f"{self.monday.day} {self.monday:%B}" if last.month != self.monday.month else str(self.monday.day)
        return f"{first} to {last.day} {last:%B %Y}"
