"""A branch whose numbers count other days than those of the period that they are shown for."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workspace.semantic.compile import aggregates, timed
from workspace.semantic.compile.join import Joined
from workspace.semantic.language.calendar import Window

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from workspace.semantic.compile.branch import Branch, Part
    from workspace.semantic.language.calendar import Calendar
    from workspace.semantic.language.periods import Shape, Span
    from workspace.semantic.language.words import By

DAY, GROUP = "day__", "group__"


class Along:
    """Aggregates a branch by day, and joins days with the periods that they count for.

    Args:
        branch: What is aggregated.
        scope: Its rows, joined and filtered.
        own: The fields of the question that are periods of its own time.
    """

    def __init__(self, branch: Branch, scope: Joined, own: list[By]) -> None:
        self.branch = branch
        self.scope = scope
        self.own = own
        self.grain = timed.finest([field.grain or "" for field in own])
        self.home = scope.home(branch.home)
        values = {name: branch.aggregate(self.home, leaf) for name, leaf in branch.leaves.items()}
        self.values = values
        self.shapes = dict.fromkeys(leaf.shape for leaf in branch.leaves.values())
        fit = all(shape.stretch is None and timed.fits(shape, self.grain) for shape in self.shapes)
        self.simple = fit and self.line.aligned
        self.adding = {name: value for name, value in values.items() if self.simple or aggregates.adds_up(value)}
        self.others = [name for name in values if name not in self.adding]

    def parts(self) -> list[Part]:
        """Give one table for each way in which days count, of what adds up and of what does not."""
        made: list[Part] = []
        for shape in self.shapes:
            names = [name for name, leaf in self.branch.leaves.items() if leaf.shape == shape]
            adding, others = [n for n in names if n in self.adding], [n for n in names if n in self.others]
            if adding:
                made.append(self._moved(shape, adding) if self.simple else self._summed(shape, adding))
            if others:
                made.append(self._recounted(shape, others))
        return made

    @cached_property
    def line(self) -> timed.Timeline:
        """The periods that are shown."""
        branch, calendar = self.branch, self.branch.model.calendar
        as_of = branch.reader.release.as_of
        today, end = calendar.today(as_of), calendar.unknown(as_of)
        window = branch.question.window
        return timed.Timeline(
            calendar=calendar, grain=self.grain, window=window, today=today, end=end, days_of=self._days_of
        )

    def _days_of(self, grain: str) -> Any:
        """Read which day is in which period of the model's own calendar."""
        model = self.branch.model
        spec = model.specs[model.grains[grain] or ""]
        table = self.branch.reader.table(spec.table)
        assert spec.key is not None  # noqa: S101 - for the type checker; see Model
        day = table[spec.key.columns[0]].cast("date")
        return table.select(day=day, period=Joined(model, table).home(spec).read(grain))

    @cached_property
    def unit(self) -> str:
        """What rows are summed by before they are joined with periods."""
        return self.grain if self.simple or self.grain == "hour" else "day"

    @cached_property
    def _daily(self) -> Any:
        """Sum what adds up by day, or by the period that is shown if each leads to one."""
        if not self.simple:
            return self._pieces(self.adding)
        if not by_day_first(self.branch, self.own, self.values):
            values = self.scope.table.group_by(**self._groups, **{DAY: self._day(self.unit)})
            return values.aggregate(**self.adding)
        days = self._pieces(self.adding)
        period = self.line.calendar.truncate(days[DAY], self.grain)
        groups = {name: days[name] for name in self._groups}
        whole = {name: aggregates.whole(value, name, days) for name, value in self.adding.items()}
        return days.group_by(**groups, **{DAY: period}).aggregate(**whole)

    def _pieces(self, values: dict[str, Any]) -> Any:
        pieces = {p: v for name, value in values.items() for p, v in aggregates.pieces(value, name).items()}
        unit = "hour" if self.unit == "hour" else "day"
        return self.scope.table.group_by(**self._groups, **{DAY: self._day(unit)}).aggregate(**pieces)

    @cached_property
    def _rows(self) -> Any:
        return self.scope.table.mutate(**self._groups, **{DAY: self._day(self.unit)})

    @cached_property
    def _groups(self) -> dict[str, Any]:
        fields = (field for field in self.branch.reading.fields if not self._is_own(field))
        return {f"{GROUP}{field.column}": self.branch.reading.key(self.home, field) for field in fields}

    def _day(self, unit: str) -> Any:
        time = self.branch.home.time
        assert time is not None  # noqa: S101 - for the type checker; see Model
        return self.home.period(time, unit)

    def _moved(self, shape: Shape, names: list[str]) -> Part:
        """Show each period's number at the later period that it leads to."""
        period = timed.forward(self._daily[DAY], shape, self.grain)
        moved = self._daily.mutate(**{DAY: period})
        shown = self.line.shown(moved, DAY, until=self.line.end if shape.back else None)
        return self._part(shown.select(**self._keys(shown, shown[DAY]), **{n: shown[n] for n in names}), names)

    def _summed(self, shape: Shape, names: list[str]) -> Part:
        """Sum days to periods."""
        rows, period = self._matched(self._daily, shape)
        values = {name: aggregates.whole(self.adding[name], name, rows) for name in names}
        return self._part(rows.group_by(**self._keys(rows, period)).aggregate(**values), names)

    def _recounted(self, shape: Shape, names: list[str]) -> Part:
        """Aggregate rows anew for each period, for what is no sum of its days."""
        rows, period = self._matched(self._rows, shape)
        home = Joined(self.branch.model, rows).home(self.branch.home)
        values = {name: self.branch.aggregate(home, self.branch.leaves[name]) for name in names}
        return self._part(rows.group_by(**self._keys(rows, period)).aggregate(**values), names)

    def _part(self, table: Any, names: list[str]) -> Part:
        return self.branch.part(table, {name: self.values[name] for name in names})

    def _matched(self, rows: Any, shape: Shape) -> tuple[Any, Any]:
        """Join rows, or days, with the periods for which they count."""
        if not shape.plain:
            periods = self.line.periods(shape, rows.aggregate(first=rows[DAY].min()))
            found = timed.matched(rows, periods, DAY)
            return found, found[f"{DAY}_period"]
        shown = self.line.shown(rows, DAY)
        if self.line.own is None:
            return shown, self.line.calendar.truncate(shown[DAY], self.grain)
        own = self.line.own.rename(**{f"{DAY}_day": "day", f"{DAY}_period": "period"})
        found = shown.left_join(own, shown[DAY] == own[f"{DAY}_day"])
        return found, found[f"{DAY}_period"]

    def _is_own(self, field: By) -> bool:
        # Fields compare to conditions, so they are told apart by identity.
        return any(field is own for own in self.own)

    def _keys(self, table: Any, period: Any) -> dict[str, Any]:
        """Name what is grouped by as the question does."""
        calendar = self.branch.model.calendar
        keys = {}
        for field in self.branch.reading.fields:
            if not self._is_own(field):
                keys[field.column] = table[f"{GROUP}{field.column}"]
            else:
                keys[field.column] = (
                    period if field.grain == self.grain else calendar.truncate(period, field.grain or "")
                )
        return keys


def by_day_first(branch: Branch, own: list[By], values: dict[str, Any]) -> bool:
    """Tell whether to sum by day first and make periods of the days: a calendar costs more than a second grouping.

    It does not pay where rows are grouped by what almost each of them has alone, as a key.
    """
    reading = branch.reading
    grains = [field.grain or "" for field in own]
    coarse = all(grain in ("week", "month", "quarter", "year") for grain in grains) and timed.nest(grains)
    few = all(reading.is_dimension(field) for field in reading.fields if not any(field is one for one in own))
    return few and coarse and all(aggregates.adds_up(value) for value in values.values())


def rows_of(shapes: Iterable[Shape], window: Window | None, calendar: Calendar) -> Window | None:
    """Find the days whose rows can count for any period of a window."""
    if window is None or window.start is None:
        return window
    starts = []
    for shape in shapes:
        if any(span.unit not in timed.NESTED for span in shape.back):
            return Window(start=None, end=window.end)
        start = calendar.floor(window.start, "week") if shape.back else window.start
        for span in shape.back:
            start = _reach(start, span)
        stretch = shape.stretch
        if stretch is not None and stretch.span is not None:
            start = _reach(start, stretch.span)
        elif stretch is not None:
            if stretch.grain not in timed.NESTED:
                return Window(start=None, end=window.end)
            start = calendar.floor(start, stretch.grain)
        starts.append(start)
    return Window(start=min(starts), end=window.end)


def _reach(day: date, span: Span) -> date:
    """Find a day that lies at least so far back."""
    return day - timedelta(days=span.count // 24 + 1) if span.unit == "hour" else span.back(day)
