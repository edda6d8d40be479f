"""Funnels and retention: what the same one did later, written as further columns of the rows with which it began.

Both mark rows before any condition of the question takes some away: how a row is credited never depends on what is
asked, so groups add up to the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal

import ibis
from ibis import _

from workspace.errors import SemanticError
from workspace.semantic.declare import Dim, Key, Ref
from workspace.semantic.join import Joined, joined
from workspace.semantic.names import Found, find
from workspace.semantic.paths import value_at
from workspace.semantic.plan import counted
from workspace.semantic.rows import Place, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.semantic.calendar import Window
    from workspace.semantic.declare import Spec
    from workspace.semantic.join import Reader
    from workspace.semantic.metric import Funnel, Measure, Metric, Retention
    from workspace.semantic.model import Model


@dataclass(frozen=True, kw_only=True)
class Step:
    """The rows of one step: who, and when.

    Attributes:
        measure: What counts them.
        conditions: Which of them.
        who: Where the entity's key is read.
    """

    measure: Measure
    conditions: tuple[Any, ...]
    who: Found

    def read_who(self, home: Place) -> Any:
        """Read whose row it is."""
        return value_at(home, self.who, None)

    def holds(self, home: Place, asked: Any) -> list[Any]:
        """Build the conditions that make a row one of this step."""
        own = [] if home.spec.where is None else [home.resolve(home.spec.where)]
        return own + [asked(condition)(home) for condition in self.conditions]


def steps_of(model: Model, metrics: Sequence[Metric], by: str, whole: str) -> list[Step]:
    """Find the rows of each step, and the entity that they share.

    Raises:
        SemanticError: A step is no plain count, or refers to no such entity.
    """
    found: list[Step] = []
    for metric in metrics:
        measure, conditions = counted(metric, whole)
        spec = model.specs[measure.dataset]
        names = [by, *_key_name(found[0].who if found else None)]
        whos = next((ends for name in names if (ends := _entities(model, spec, name))), [])
        if len(whos) != 1:
            reason = f"{spec.name} has no {by}" if not whos else f"{by} could mean several things in {spec.name}"
            msg = f"The step {metric.name} of {whole} cannot be followed by {by}: {reason}."
            known = sorted({ref.name for ref in spec.of(Ref)} | {key.name for key in spec.of(Key)})
            raise SemanticError(msg, cure=f"Name an entity that every step refers to: {', '.join(known)}.")
        found.append(Step(measure=measure, conditions=conditions, who=whos[0]))
    if len({step.who.spec.name for step in found}) > 1:
        said = ", ".join(f"{step.who.spec.name} for {step.measure.name}" for step in found)
        raise SemanticError(f"{by} means different things in {whole}: {said}.", cure="Name one entity for all steps.")
    return found


def _entities(model: Model, spec: Spec, name: str) -> list[Found]:
    return [end for end in find(model, spec, (name,)) if end.member is None or isinstance(end.member, Dim)]


def _key_name(who: Found | None) -> list[str]:
    return [who.spec.key.name] if who is not None and who.member is None and who.spec.key is not None else []


def enter_funnel(
    scope: Joined, reader: Reader, funnel: Funnel, name: str, *, asked: Any, window: Window | None
) -> None:
    """Mark the rows of a funnel's first step from which each later step was reached: `<name>__1`, `<name>__2`, ...

    Rows are put in the order of time, with the step's number between equal moments. Each later row is credited to the
    group of rows that the last reached row of the step before it began.
    """
    model = scope.model
    first, *later = steps_of(model, funnel.steps, funnel.by, funnel.name)
    home = scope.home(model.specs[first.measure.dataset])
    entering = reduce(lambda a, b: a & b, first.holds(home, asked), ibis.literal(True))  # noqa: FBT003
    moment = model.calendar.moment(home.event_moment())
    columns = scope.table.columns
    entry = ibis.ifelse(entering.fill_null(False), 0, None)  # noqa: FBT003
    entries = scope.table.mutate(who__=first.read_who(home), at__=moment, step__=entry.cast("int8"))
    others = [
        _later(model, reader, step, number, entries, asked=asked, until=_until(funnel, window))
        for number, step in enumerate(later, start=1)
    ]
    rows = reduce(lambda a, b: a.union(b, distinct=False), others, entries)
    order = ["at__", "step__", *(key for key in keys_of(home.spec) if key in columns)]
    before = ibis.window(group_by=["who__"], order_by=order, preceding=(None, 0))
    rows = rows.mutate(
        group__=(_.step__ == 0).sum().over(before),
        since__=ibis.ifelse(_.step__ == 0, _.at__, None).max().over(before),
    )
    rows = rows.mutate(credit__=ibis.ifelse(_.step__ == 0, _.group__, None))
    for number in range(1, len(funnel.steps)):
        rows = _reach(rows, number, funnel, before)
    same = ibis.window(group_by=["who__", "credit__"])
    marks = {
        f"{name}__{n}": (_.step__ == 0) & (_.step__ == n).any().over(same).fill_null(False)  # noqa: FBT003
        for n in range(1, len(funnel.steps))
    }
    here = (_.step__ == 0) | _.step__.isnull()
    scope.table = rows.mutate(**marks).filter(here).select(*columns, *marks)


def _reach(rows: Any, number: int, funnel: Funnel, before: Any) -> Any:
    """Credit the rows of one step, and let those that were in time start the next."""
    mine = _.step__ == number
    in_time = ibis.literal(True)  # noqa: FBT003
    if funnel.within is not None:
        in_time = _.at__ <= _.since__ + interval(funnel)
    reached = mine & (_.group__ > 0) & in_time
    rows = rows.mutate(credit__=ibis.ifelse(reached, _.group__, _.credit__))
    if number == len(funnel.steps) - 1:
        return rows
    # Groups and their beginnings only grow along time, so the greatest so far is that of the last reached row.
    group = ibis.ifelse(reached, _.group__, None)
    since = ibis.ifelse(reached, _.since__, None)
    return rows.mutate(group__=group.max().over(before).fill_null(0), since__=since.max().over(before))


def _later(model: Model, reader: Reader, step: Step, number: int, like: Any, *, asked: Any, until: Any) -> Any:
    """Read who did a later step and when, in the columns of the entries."""
    spec = model.specs[step.measure.dataset]

    def columns(home: Place) -> dict[str, Any]:
        return {"who__": step.read_who(home), "at__": model.calendar.moment(home.event_moment())}

    trace = Trace(model)
    home = trace.home(spec)
    step.read_who(home), home.event_moment(), step.holds(home, asked)
    scope = joined(model, reader, spec, trace.needs)
    home = scope.home(spec)
    scope.keep(step.holds(home, asked))
    if until is not None:
        scope.keep([scope.within(home.event_moment(), until)])
    rows = scope.table.select(**columns(scope.home(spec)), step__=ibis.literal(number, "int8")).filter(
        _.who__.notnull()
    )
    nulls = {name: ibis.null(dtype) for name, dtype in like.schema().items() if name not in ("who__", "at__", "step__")}
    return rows.mutate(**nulls).select(like.columns)


def _until(funnel: Funnel, window: Window | None) -> Window | None:
    """Which rows of later steps can matter to entries of a window."""
    from workspace.semantic.calendar import Window

    if window is None or window.end is None or funnel.within is None:
        return None if window is None else Window(start=window.start, end=None)
    days = funnel.within.days or -(-funnel.within.count // (24 if funnel.within.unit == "hour" else 1440))
    return Window(start=window.start, end=window.end + timedelta(days=days + 1))


def keys_of(spec: Spec) -> tuple[str, ...]:
    """List the key's columns: they decide between rows of the same moment."""
    return spec.key.columns if spec.key is not None else ()


def interval(funnel: Funnel) -> Any:
    """Write a funnel's window as an interval."""
    assert funnel.within is not None  # noqa: S101 - for the type checker
    return ibis.interval(**{f"{funnel.within.unit}s": funnel.within.count})


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Who was there in which period, to stand beside those who began: a table with a key."""

    model: Model
    reader: Reader
    retention: Retention
    name: str
    asked: Any
    how: Literal["left"] = "left"

    def on(self, home: Place) -> list[Any]:
        """Read who began, and the period in which they should be back."""
        first, _back = self._steps()
        return [first.read_who(home), self._shifted(home)]

    def table(self) -> Any:
        """Give every one's periods, each once."""
        _first, back = self._steps()
        spec = self.model.specs[back.measure.dataset]
        trace = Trace(self.model)
        self._columns(trace.home(spec), back)
        back.holds(trace.home(spec), self.asked)
        scope = joined(self.model, self.reader, spec, trace.needs)
        scope.keep(back.holds(scope.home(spec), self.asked))
        there = scope.table.select(**self._columns(scope.home(spec), back)).distinct()
        return there.mutate(**{f"{self.name}__there": ibis.literal(True)})  # noqa: FBT003

    def _steps(self) -> list[Step]:
        return steps_of(self.model, (self.retention.first, self.retention.back), self.retention.by, self.retention.name)

    def _columns(self, home: Place, back: Step) -> dict[str, Any]:
        assert home.spec.time is not None  # noqa: S101 - for the type checker; see Model
        period = home.period(home.spec.time, self.retention.grain)
        return {f"{self.name}__key0": back.read_who(home), f"{self.name}__key1": period}

    def _shifted(self, home: Place) -> Any:
        from workspace.semantic.timed import later

        assert home.spec.time is not None  # noqa: S101 - for the type checker; see Model
        period = home.period(home.spec.time, self.retention.grain)
        return later(period, self.retention.after, self.retention.grain) if isinstance(home.scope, Joined) else period


def begin(scope: Joined, retention: Retention, name: str, *, asked: Any, as_of: Any) -> None:
    """Mark the rows with which each one begins, where the later period is over: `<name>__first`."""
    from workspace.semantic.timed import later

    model = scope.model
    (first,) = steps_of(model, (retention.first,), retention.by, retention.name)
    home = scope.home(model.specs[first.measure.dataset])
    assert home.spec.time is not None  # noqa: S101 - for the type checker; see Model
    counts = reduce(lambda a, b: a & b, first.holds(home, asked), ibis.literal(True)).fill_null(False)  # noqa: FBT003
    moment = model.calendar.moment(home.event_moment())
    over = later(home.period(home.spec.time, retention.grain), retention.after + 1, retention.grain)
    rows = scope.table.mutate(who__=first.read_who(home), at__=moment, counts__=counts, over__=over <= as_of)
    order = ["at__", *(key for key in keys_of(home.spec) if key in rows.columns)]
    window = ibis.window(group_by=["who__", "counts__"], order_by=order)
    earliest = (ibis.row_number().over(window) == 0) & _.counts__ & _.who__.notnull()
    marked = rows.mutate(**{f"{name}__first": (earliest & _.over__).fill_null(False)})  # noqa: FBT003
    scope.table = marked.drop("who__", "at__", "counts__", "over__")
