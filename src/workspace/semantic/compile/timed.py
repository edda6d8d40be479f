"""Numbers of other days than those that they are shown for: trailing, to date, all time, an earlier period.

A period that is shown is joined with the days that count for it. What adds up is summed by day first, so that the join
sees days and not rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import ibis
from ibis import _

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.language.calendar import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from workspace.semantic.language.calendar import Calendar
    from workspace.semantic.language.periods import Shape, Span, Stretch

NESTED = {
    "hour": ("hour", "day", "week", "month", "quarter", "year"),
    "day": ("day", "week", "month", "quarter", "year"),
    "week": ("week",),
    "month": ("month", "quarter", "year"),
    "quarter": ("quarter", "year"),
    "year": ("year",),
}
"""Which grains the periods of a grain are parts of."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
WEEKS_OF_A_YEAR = 52


def nest(grains: Sequence[str]) -> bool:
    """Tell whether the periods of one grain make up those of all others."""
    return any(set(grains) <= set(NESTED.get(grain, (grain,))) for grain in grains)


def finest(grains: Sequence[str]) -> str:
    """Find the grain of which the others are made.

    Raises:
        SemanticError: There is none.
    """
    for grain in grains:
        if set(grains) <= set(NESTED.get(grain, (grain,))):
            return grain
    msg = f"Periods of {' and '.join(grains)} do not nest, so a number that goes back in time has no place in both."
    raise SemanticError(msg, cure="Ask by one of them at a time.")


def fits(shape: Shape, grain: str) -> bool:
    """Tell whether going back leads from a period to one period of the same grain."""
    return all(_steps(span, grain) is not None for span in shape.back)


def check(shape: Shape, grain: str, metric: str) -> None:
    """Refuse to go back by something that is no whole number of the periods that are shown.

    Raises:
        SemanticError: With a span that fits.
    """
    for span in shape.back:
        if _steps(span, grain) is None and not (grain in ("hour", "day") and span.unit in NESTED):
            msg = f"{metric} goes back {span.text}, which is no whole number of periods by {grain}."
            raise SemanticError(msg, cure=f'Go back by {grain}s, e.g. ago("1 {grain}"), or ask by day.')
    if shape.stretch is not None and shape.stretch.grain and grain in NESTED:
        inner = shape.stretch.grain
        if inner in NESTED and inner not in NESTED[grain]:
            msg = f"{metric} counts from the start of the {inner}, but is asked by {grain}."
            shorter = [name for name, others in NESTED.items() if inner in others]
            raise SemanticError(msg, cure=f"Ask by one of: {', '.join(shorter)}.")


def known(shape: Shape, own: Iterable[str], metric: str) -> None:
    """Refuse units of time that nobody knows, or that have no fixed place before a day.

    Raises:
        SemanticError: With the units that there are.
    """
    stretch, every = shape.stretch, (*NESTED, *own)
    units = dict.fromkeys((span.unit for span in shape.back), every)
    if stretch is not None:
        units |= {stretch.span.unit: tuple(NESTED)} if stretch.span else {}
        units |= {stretch.grain: every} if stretch.grain else {}
    for unit, there in units.items():
        if unit not in there:
            raise SemanticError(
                f"{metric} counts in {unit}s, which are no periods here.", cure=did_you_mean(unit, there)
            )


def whole(calendar: Calendar, window: Window, grain: str, metric: str) -> None:
    """Refuse a window that cuts a period, for a level that goes back: its last row may lie in what was cut off.

    Raises:
        SemanticError: With the grain of which it must be made.
    """
    bounds = [day for day in (window.start, window.end) if day is not None]
    if any(calendar.floor(day, grain) != day for day in bounds):
        msg = f"{metric} is a level of another time, and {window.text} is not made of whole periods by {grain}."
        raise SemanticError(msg, cure=f"Choose whole periods, e.g. last='3 {grain}s'.")


def _steps(span: Span, grain: str) -> int | None:
    """Count the periods of a grain that a span is."""
    if span.unit == grain:
        return span.count
    if grain == "week" and span.unit == "year":
        return span.count * WEEKS_OF_A_YEAR
    if span.days is not None and grain in ("hour", "day", "week"):
        hours = span.days * 24
        length = {"hour": 1, "day": 24, "week": 168}[grain]
        return hours // length if hours % length == 0 else None
    if span.months is not None and grain in _MONTHS and span.months % _MONTHS[grain] == 0:
        return span.months // _MONTHS[grain]
    return None


def later(period: Any, count: int, grain: str) -> Any:
    """Move a period's beginning by so many periods."""
    if grain == "hour":
        return period + ibis.interval(hours=count)
    unit, factor = {"day": ("days", 1), "week": ("days", 7)}.get(grain, ("months", _MONTHS.get(grain, 1)))
    # DuckDB makes a timestamp of a date and an interval; Ibis thinks that it stays a date.
    return (period.cast("timestamp") + ibis.interval(**{unit: count * factor})).cast("date")


def forward(period: Any, shape: Shape, grain: str) -> Any:
    """Find the period that shows what happened in one, given that going back fits."""
    for span in reversed(shape.back):
        period = later(period, _steps(span, grain) or 0, grain)
    return period


def counted_days(shape: Shape, window: Window | None, calendar: Calendar, today: date) -> Window | None:
    """Find the days that count for a window as one period, or for everything up to now.

    Raises:
        SemanticError: They depend on periods of the model's own calendar, which only its table knows.
    """
    if shape.plain:
        return window
    start, end = (window.start, window.end) if window else (None, None)
    end = end or today
    if shape.stretch is not None:
        end = min(end, today)
    for span in shape.back:
        start, end = _back(start, end, span)
    stretch = shape.stretch
    if stretch is not None:
        if stretch.span is not None:
            start = stretch.span.back(end)
        elif stretch.grain:
            if stretch.grain not in NESTED:
                msg = f"{stretch.text} has no one value without periods."
                raise SemanticError(msg, cure="Ask for it by day, or by a period of that calendar.")
            start = calendar.floor(end - timedelta(days=1), stretch.grain)
        else:
            start = None
    return Window(start=start, end=end)


def _back(start: date | None, end: date, span: Span) -> tuple[date | None, date]:
    """Move a window back. What ends with a month still ends with a month."""
    if span.months is None or end.day == 1:
        return (span.back(start) if start else None), span.back(end)
    day = timedelta(days=1)
    return (span.back(start) if start else None), span.back(end - day) + day


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The periods that are shown, and how the model's own calendar divides days.

    Attributes:
        calendar: Time zone and weeks.
        grain: Of the periods.
        window: The days that are shown, if not all.
        today: The first day that is not over at the release's `as_of`.
        end: The first day of which there can be no rows.
        days_of: Gives the (day, period) of each day, for a grain of the model's own.
    """

    calendar: Calendar
    grain: str
    window: Window | None
    today: date
    end: date
    days_of: Callable[[str], Any]

    @property
    def own(self) -> Any:
        """The model's own calendar for the grain; None for months and the like."""
        return None if self.grain in NESTED else self.days_of(self.grain)

    @property
    def aligned(self) -> bool:
        """Whether the window, if there is one, is made of whole periods."""
        if self.own is not None:
            return False
        if self.window is None:
            return True
        bounds = [day for day in (self.window.start, self.window.end) if day is not None]
        return all(self.calendar.floor(day, self.grain) == day for day in bounds)

    def shown(self, table: Any, column: str, *, until: date | None = None) -> Any:
        """Keep the rows whose period is shown."""
        start, end = (self.window.start, self.window.end) if self.window else (None, None)
        end = min(day for day in (end, until) if day is not None) if end or until else None
        kind = table[column].type()
        keep = [table[column] >= ibis.literal(start).cast(kind)] if start else []
        keep += [table[column] < ibis.literal(end).cast(kind)] if end else []
        return table.filter(*keep) if keep else table

    def periods(self, shape: Shape, first: Any) -> Any:
        """List the periods that are shown (`period`), each with the days that count: from `lo` up to, without, `hi`.

        Args:
            shape: How they differ from the period.
            first: A table of one row whose `first` is the earliest day that has rows.
        """
        bound = self.today if shape.stretch else self.end
        if self.own is not None:
            ends = self._own(shape, bound)
            if shape.back:
                return self._along(ends, shape.stretch)
        else:
            start = self.window.start if self.window else None
            end = min(self.window.end or bound, bound) if self.window else bound
            every = listed(first, start, end, hours=self.grain == "hour")
            begun = every.select(period=self.calendar.truncate(every.day, self.grain)).distinct()
            ends = begun.mutate(lo=begun.period, hi=later(begun.period, 1, self.grain))
        clipped = self._clipped(ends, bound if shape.stretch else None)
        return self._along(self._backward(clipped, shape), shape.stretch)

    def _clipped(self, spans: Any, bound: date | None) -> Any:
        """Cut the first and the last period to the window, and what is not over to what is."""
        start, end = (self.window.start, self.window.end) if self.window else (None, None)
        end = min(day for day in (end, bound) if day is not None) if end or bound else None
        kind = spans.lo.type()
        lo = ibis.greatest(spans.lo, ibis.literal(start).cast(kind)) if start else spans.lo
        hi = ibis.least(spans.hi, ibis.literal(end).cast(kind)) if end else spans.hi
        cut = spans.mutate(lo=lo, hi=hi)
        return cut.filter(cut.lo < cut.hi)

    def _backward(self, spans: Any, shape: Shape) -> Any:
        if self.own is not None:
            return spans
        for span in shape.back:
            if self.grain == "week" and span.unit == "year":
                moved = {name: later(spans[name], -span.count * WEEKS_OF_A_YEAR, "week") for name in ("lo", "hi")}
            elif self.grain == "hour":
                moved = {"lo": _earlier(spans.lo, span), "hi": _earlier(spans.lo, span) + ibis.interval(hours=1)}
            elif span.months is None:
                moved = {name: _earlier(spans[name], span) for name in ("lo", "hi")}
            else:
                moved = {"lo": _earlier(spans.lo, span), "hi": _end_earlier(spans.hi, span)}
            spans = spans.mutate(**moved)
        return spans

    def _along(self, spans: Any, stretch: Stretch | None) -> Any:
        if stretch is None:
            return spans
        if stretch.span is not None:
            return spans.mutate(lo=_earlier(spans.hi, stretch.span))
        if not stretch.grain:
            return spans.mutate(lo=ibis.null(spans.lo.type()))
        last = spans.hi - ibis.interval(hours=1) if self.grain == "hour" else later(spans.hi, -1, "day")
        if stretch.grain in NESTED:
            return spans.mutate(lo=self.calendar.truncate(last, stretch.grain).cast(spans.hi.type()))
        days = self.days_of(stretch.grain)
        begun = days.mutate(begun=days.day.min().over(group_by="period")).select(last="day", begun="begun")
        found = spans.mutate(last=last.cast("date")).left_join(begun, "last")
        return found.select("period", lo=found.begun.cast(spans.hi.type()), hi=found.hi)

    def _own(self, shape: Shape, bound: date) -> Any:
        """List the periods of the model's own calendar, each with the days of the one that lies so far back.

        They are of different lengths, so an earlier one counts as a whole, even if the window cuts the later one.
        """
        days = self.own.group_by("period").aggregate(lo=_.day.min(), hi=later(_.day.max(), 1, "day"))
        steps = sum(_steps(span, self.grain) or 0 for span in shape.back)
        order = ibis.window(order_by="lo")
        found = days.mutate(own__=_.lo, until__=_.hi, lo=_.lo.lag(steps).over(order), hi=_.hi.lag(steps).over(order))
        start, end = (self.window.start, self.window.end) if self.window else (None, None)
        shown = [_.own__ < ibis.literal(min(end, bound) if end else bound)]
        shown += [_.until__ > ibis.literal(start)] if start else []
        return found.filter(*shown).drop("own__", "until__")


def listed(bounds: Any, start: date | None, end: date | None, *, hours: bool) -> Any:
    """List every `day` (or hour) from a start up to, and without, an end.

    Where one is not given, it is the `first` or (inclusive) the `last` of the only row of `bounds`.
    """
    step = ibis.interval(hours=1) if hours else ibis.interval(days=1)
    begin = ibis.literal(datetime.combine(start, time())) if start else bounds.first.cast("timestamp")
    stop = ibis.literal(datetime.combine(end, time())) if end else bounds.last.cast("timestamp") + step
    every = ibis.range(begin, stop, step).unnest().name("day")
    found = every.as_table() if start and end else bounds.select(every)
    return found if hours else found.select(day=found.day.cast("date"))


def _earlier(moment: Any, span: Span) -> Any:
    """Move a day or an hour back."""
    if span.months is not None:
        length = ibis.interval(months=span.months)
    elif span.days is not None:
        length = ibis.interval(days=span.days)
    else:
        length = ibis.interval(hours=span.count)
    return (moment.cast("timestamp") - length).cast(moment.type())


def _end_earlier(end: Any, span: Span) -> Any:
    """Move the first day after some days back by months. What ends with a month still ends with one."""
    last = later(_earlier(later(end, -1, "day"), span), 1, "day")
    return ibis.ifelse(end.day() == 1, _earlier(end, span), last)


def matched(rows: Any, periods: Any, unit: str) -> Any:
    """Join rows (with their day or hour in `unit`) with the periods for which they count."""
    right = periods.rename(**{f"{unit}_period": "period", f"{unit}_lo": "lo", f"{unit}_hi": "hi"})
    lo, hi = right[f"{unit}_lo"], right[f"{unit}_hi"]
    return rows.join(right, [(lo.isnull() | (lo <= rows[unit])), rows[unit] < hi])
