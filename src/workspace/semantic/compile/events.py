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
import ibis.expr.operations as ops
from ibis import _

from workspace.errors import SemanticError
from workspace.semantic.compile.join import Joined, joined
from workspace.semantic.compile.paths import value_at
from workspace.semantic.compile.plan import counted
from workspace.semantic.compile.rows import Place, Trace
from workspace.semantic.language.calendar import Window
from workspace.semantic.language.declare import Dim, Key, Ref
from workspace.semantic.language.dialect import dialect
from workspace.semantic.language.names import Found, find
from workspace.semantic.language.periods import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.declare import Spec
    from workspace.semantic.language.metric import Funnel, Measure, Metric, Retention
    from workspace.semantic.model import Model


_YEAR_1 = 62_135_596_800_000_000  # microseconds from its beginning to 1970


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
        """Build the conditions that make a row one of this step: those of its dataset, of its measure, and its own."""
        own = [] if home.spec.where is None else [home.resolve(home.spec.where)]
        counted = counted_rows(home, self.measure)
        return [
            *own,
            *([] if counted is None else [counted]),
            *(asked(condition)(home) for condition in self.conditions),
        ]


def counted_rows(home: Place, measure: Measure) -> Any:
    """Find which rows a measure counts; None for all of them.

    Raises:
        SemanticError: It does not count rows.
    """
    value = home.resolve(measure.expr)
    if not isinstance(home.scope, Joined):
        return None
    node = value.op()
    if not isinstance(node, ops.Count | ops.CountStar):
        msg = f"{measure.dataset}.{measure.name} cannot be a step: it does not count rows."
        raise SemanticError(msg, cure="Name a measure of the form _.count(), or one with a condition.")
    where = None if node.where is None else node.where.to_expr()
    if isinstance(node, ops.CountStar):
        return where
    there = node.arg.to_expr().notnull()
    return there if where is None else there & where


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

    Everybody's rows are put in the order of time; at one moment in that of the steps, and entries of one moment in that
    of their key. Moment and step are one number, for a sort by one number is what all this costs.
    """
    model, steps = scope.model, len(funnel.steps)
    first, *later = steps_of(model, funnel.steps, funnel.by, funnel.name)
    if window is not None:
        scope.keep([scope.within(scope.home(model.specs[first.measure.dataset]).event_moment(), _span(funnel, window))])
    home = scope.home(model.specs[first.measure.dataset])
    columns = scope.table.columns
    at = _micros(model, home) * steps
    entering = reduce(lambda a, b: a & b, first.holds(home, asked), at.notnull())
    # Rows that enter nothing go along, but belong to nobody.
    who = ibis.ifelse(entering, first.read_who(home), None)
    entries = scope.table.mutate(who__=who, at__=ibis.ifelse(entering, at, None))
    others = [
        _later(model, reader, step, number, entries, asked=asked, funnel=funnel, window=window)
        for number, step in enumerate(later, start=1)
    ]
    rows = reduce(lambda a, b: a.union(b, distinct=False), others, entries).mutate(step__=_.at__ % steps)
    order = ["at__", *(key for key in keys_of(home.spec) if key in columns)]
    rows = _followed(rows, order, funnel, name) if steps == 2 else _credited(rows, order, funnel, name)
    marks = [f"{name}__{number}" for number in range(1, steps)]
    here = rows.filter((rows.step__ == 0) | rows.step__.isnull())
    known = {mark: (here.who__.notnull() & here[mark]).fill_null(False) for mark in marks}  # noqa: FBT003
    scope.table = here.select(*columns, **known)


def _followed(rows: Any, order: list[str], funnel: Funnel, name: str) -> Any:
    """Of two steps, the second is reached if it is the very next row: before it no other entry takes the credit."""
    following = _.at__.lead().over(ibis.window(group_by="who__", order_by=order))
    rows = rows.mutate(next__=following)
    return rows.mutate(**{f"{name}__1": (_.next__ % 2 == 1) & _in_time(_.next__ - _.at__, 1, funnel)})


def _credited(rows: Any, order: list[str], funnel: Funnel, name: str) -> Any:
    """Credit each later row to the entry that the last reached row of the step before it goes back to."""
    before = ibis.window(group_by="who__", order_by=order, preceding=(None, 0))
    entry = ibis.ifelse(_.step__ == 0, _.at__, None)
    rows = rows.mutate(group__=(_.step__ == 0).sum().over(before), since__=entry.max().over(before))
    rows = rows.mutate(credit__=ibis.ifelse(_.step__ == 0, _.group__, None))
    last = len(funnel.steps) - 1
    for number in range(1, last + 1):
        reached = (_.step__ == number) & (_.group__ > 0) & _in_time(_.at__ - _.since__, number, funnel)
        rows = rows.mutate(reached__=reached.fill_null(False))  # noqa: FBT003
        rows = rows.mutate(credit__=ibis.ifelse(_.reached__, _.group__, _.credit__))
        if number < last:
            # Entries and their moments only grow along time, so the greatest so far is that of the last reached row.
            group, since = (
                ibis.ifelse(_.reached__, value, None).max().over(before) for value in (_.group__, _.since__)
            )
            rows = rows.mutate(group__=group.fill_null(0), since__=since)
    same = ibis.window(group_by=["who__", "credit__"])
    marks = {f"{name}__{n}": (_.step__ == n).any().over(same) for n in range(1, last + 1)}
    return rows.mutate(**marks)


def _in_time(distance: Any, step: int, funnel: Funnel) -> Any:
    """Tell whether a later step is close enough to its entry, given the distance of their numbers."""
    if funnel.within is None:
        return ibis.literal(True)  # noqa: FBT003
    return distance <= _length(funnel.within) * len(funnel.steps) + step


def _length(span: Span) -> int:
    seconds = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}[span.unit]
    return span.count * seconds * 1_000_000


def _micros(model: Model, home: Place) -> Any:
    # Counted from the year 1, so that no number is negative and each leaves its step as the remainder.
    moment = model.calendar.moment(home.event_moment())
    return dialect(moment).micros(moment) + _YEAR_1


def _later(
    model: Model,
    reader: Reader,
    step: Step,
    number: int,
    like: Any,
    *,
    asked: Any,
    funnel: Funnel,
    window: Window | None,
) -> Any:
    """Read who did a later step and when, in the columns of the entries."""
    spec = model.specs[step.measure.dataset]
    trace = Trace(model)
    home = trace.home(spec)
    step.read_who(home), home.event_moment(), step.holds(home, asked)
    scope = joined(model, reader, spec, trace.needs)
    scope.keep(step.holds(scope.home(spec), asked))
    if window is not None:
        scope.keep([scope.within(scope.home(spec).event_moment(), _span(funnel, window))])
    home = scope.home(spec)
    at = _micros(model, home) * len(funnel.steps) + number
    rows = scope.table.select(who__=step.read_who(home), at__=at).filter(_.who__.notnull(), _.at__.notnull())
    nulls = {name: ibis.null(dtype) for name, dtype in like.schema().items() if name not in rows.columns}
    return rows.mutate(**nulls).select(like.columns)


def _span(funnel: Funnel, window: Window) -> Window:
    """Find the days whose rows can matter to entries of a window: later ones convert, and take credit away."""
    if window.end is None or funnel.within is None:
        return Window(start=window.start, end=None)
    days = -(-_length(funnel.within) // _length(Span(1, "day")))
    return Window(start=window.start, end=window.end + timedelta(days=days + 1))


def keys_of(spec: Spec) -> tuple[str, ...]:
    """List the key's columns: they decide between rows of the same moment."""
    return spec.key.columns if spec.key is not None else ()


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Who was there in which period, to stand beside those who began: a table with a key."""

    model: Model
    reader: Reader
    retention: Retention
    name: str
    asked: Any
    how: Literal["left"] = "left"
    repeats: bool = False

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
        from workspace.semantic.compile.timed import later

        assert home.spec.time is not None  # noqa: S101 - for the type checker; see Model
        period = home.period(home.spec.time, self.retention.grain)
        return later(period, self.retention.after, self.retention.grain) if isinstance(home.scope, Joined) else period


def begin(scope: Joined, retention: Retention, name: str, *, asked: Any, as_of: Any) -> None:
    """Mark the rows with which each one begins, where the later period is over: `<name>__first`."""
    from workspace.semantic.compile.timed import later

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
