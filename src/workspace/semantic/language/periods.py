"""Stretches of time: "28 days", and how the period that a number is shown for differs from the one that it counts."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from workspace.errors import SemanticError

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Span:
    """So many hours, days, weeks, months, quarters or years, or periods of the model's own calendar.

    Examples:
        >>> Span.parse("28 days").back(date(2026, 3, 1))
        datetime.date(2026, 2, 1)
        >>> Span.parse("1 month").back(date(2026, 3, 31))
        datetime.date(2026, 2, 28)
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read "28 days", "1 year".

        Raises:
            SemanticError: It is no positive number and a unit.
        """
        match = re.fullmatch(r"\s*(\d+)\s+([a-z]\w*?)s?\s*", text) if isinstance(text, str) else None
        if not match or int(match[1]) == 0:
            msg = f"{text!r} is not a stretch of time."
            raise SemanticError(msg, cure='Write a number and a unit, e.g. "28 days" or "1 year".')
        return cls(int(match[1]), match[2])

    @property
    def text(self) -> str:
        """The span as words."""
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"

    @property
    def months(self) -> int | None:
        """How many months it is, if it is whole months."""
        return self.count * _MONTHS[self.unit] if self.unit in _MONTHS else None

    @property
    def days(self) -> int | None:
        """How many days it is, if it is whole days."""
        return self.count * _DAYS[self.unit] if self.unit in _DAYS else None

    def back(self, day: date) -> date:
        """Go back from a day; a month that is too short for it ends it."""
        if self.months is None:
            if self.days is None:
                msg = f"A day cannot be moved by {self.text}."
                raise SemanticError(msg, cure="Move it by days, weeks, months, quarters or years.")
            return day - timedelta(days=self.days)
        number = day.year * 12 + day.month - 1 - self.months
        year, month = number // 12, number % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class Stretch:
    """Which days a number counts, given the end of the period that it is shown for.

    Attributes:
        kind: "trailing" for the last `span`; "to_date" from the start of the `grain` that holds the last day;
            "all_time" for everything before.
        span: Of a trailing stretch.
        grain: Of one to date.
    """

    kind: Literal["trailing", "to_date", "all_time"]
    span: Span | None = None
    grain: str = ""

    @property
    def text(self) -> str:
        """The stretch as words."""
        if self.span is not None:
            return f"trailing {self.span.text}"
        return f"{self.grain} to date" if self.grain else "all time"


@dataclass(frozen=True)
class Shape:
    """From the period that is shown to the days that count: first back by each span, then along the stretch.

    Attributes:
        back: How far the period lies back.
        stretch: What is counted at its end; the period itself if None.
    """

    back: tuple[Span, ...] = ()
    stretch: Stretch | None = None

    @property
    def plain(self) -> bool:
        """Whether the period that is shown is the one that counts."""
        return not self.back and self.stretch is None

    @property
    def text(self) -> str:
        """The shape as words."""
        words = [self.stretch.text] if self.stretch else []
        return ", ".join([*words, *(f"{span.text} ago" for span in self.back)])
