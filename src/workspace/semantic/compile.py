"""From a question to one Ibis expression.

Each home dataset is joined, filtered and aggregated on its own; the small results are stacked and grouped once more,
which no NULL and no missing match can break.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops

from workspace.semantic.declare import Spec
from workspace.semantic.join import Joined, joined
from workspace.semantic.metric import Arithmetic, Measure, Metric, parts
from workspace.semantic.question import Question, check, is_own_time, read
from workspace.semantic.rows import Trace

if TYPE_CHECKING:
    from workspace.semantic.declare import Ref
    from workspace.semantic.join import Reader
    from workspace.semantic.model import Model
    from workspace.semantic.names import Condition

_COUNTS = (ops.Count, ops.CountStar, ops.CountDistinct, ops.CountDistinctStar)


@dataclass(frozen=True, kw_only=True)
class Branch:
    """The measures of a question that are aggregated together: one home, one kind of snapshot.

    Attributes:
        home: The dataset.
        over: Whose last rows count; None for flows.
        measures: What is aggregated.
        metric: The first metric that needs it, for messages.
    """

    home: Spec
    over: Ref | None
    measures: tuple[Measure, ...]
    metric: str


def answer(model: Model, reader: Reader, question: Question) -> Any:
    """Build the answer: the paths of `by`, then the metrics, in a fixed order of rows."""
    check(model, question)
    tables = [_aggregate(model, reader, question, branch) for branch in branches(model, question)]
    table = tables[0][0] if len(tables) == 1 else _stack(question, tables)
    keys = [table[field.column] for field in question.by]
    values = [_value(metric, table).name(metric.name) for metric in question.metrics]
    result = table.select(*keys, *values)
    order = _order(question, result)
    return result.order_by(order) if order else result


def branches(model: Model, question: Question) -> list[Branch]:
    """Split a question by home dataset."""
    groups: dict[tuple[str, str], dict[str, Measure]] = {}
    first: dict[tuple[str, str], str] = {}
    for metric in question.metrics:
        for part in parts(metric):
            place = (part.dataset, part.over.name if part.over else "")
            groups.setdefault(place, {})[part.name] = part
            first.setdefault(place, metric.name)
    return [
        Branch(
            home=model.specs[place[0]],
            over=next(iter(measures.values())).over,
            measures=tuple(measures.values()),
            metric=first[place],
        )
        for place, measures in groups.items()
    ]


def rows(model: Model, reader: Reader, question: Question, branch: Branch) -> tuple[Joined, dict[str, Any]]:
    """Join and filter the rows that a branch aggregates.

    Returns:
        The scope over those rows, and for each history table that is read at event time, whether a row is older.
    """
    trace = Trace(model)
    home = trace.home(branch.home)
    for field in question.by:
        read(home, field, branch.metric)
    early, late = (_conditions(model, question, branch, timely=timely) for timely in (True, False))
    for condition in (*early, *late):
        condition(home)
    for measure in branch.measures:
        home.resolve(measure.expr)
    if branch.over is not None:
        home.keys_of(branch.over)
    if branch.over is not None or question.window is not None:
        home.event_moment()
    scope = joined(model, reader, branch.home, trace.needs)
    scope.keep(condition(scope.home(branch.home)) for condition in early)
    if branch.over is not None:
        _keep_last(scope, question, branch)
    scope.keep(condition(scope.home(branch.home)) for condition in late)
    return scope, scope.older(trace.needs)


def _aggregate(model: Model, reader: Reader, question: Question, branch: Branch) -> tuple[Any, set[str]]:
    """Aggregate a branch; also name the measures that count, for which nothing is 0 and not NULL."""
    scope, _ = rows(model, reader, question, branch)
    home = scope.home(branch.home)
    keys = {field.column: read(home, field, branch.metric) for field in question.by}
    values = {measure.name: home.resolve(measure.expr) for measure in branch.measures}
    table = scope.table.group_by(**keys).aggregate(**values) if keys else scope.table.aggregate(**values)
    return table, {name for name, value in values.items() if isinstance(value.op(), _COUNTS)}


def _conditions(model: Model, question: Question, branch: Branch, *, timely: bool) -> list[Any]:
    """List the conditions on a branch's rows, each as a function of the home row.

    Conditions on time choose among a snapshot's rows and come first; those on what the rows are choose among the
    last ones. Otherwise "last in Berlin" would find a listing in Berlin that has long moved away.
    """
    early: list[Any] = []
    late: list[Any] = []
    if branch.home.where is not None:
        early.append(lambda place: place.resolve(branch.home.where))
    window = question.window
    if window is not None:
        early.append(lambda place: place.scope.within(place.event_moment(), window))
    for condition in question.where:
        about_time = all(is_own_time(model, branch.home, field, branch.metric) for field in condition.fields)
        (early if about_time else late).append(_asker(condition, branch.metric))
    return early if timely else late


def _asker(condition: Condition, metric: str) -> Any:
    return lambda place: condition.build(lambda field: read(place, field, metric))


def _keep_last(scope: Joined, question: Question, branch: Branch) -> None:
    """Keep each one's rows of its last moment, in each period that the question distinguishes."""
    assert branch.over is not None  # noqa: S101 - for the type checker
    home = scope.home(branch.home)
    own = [field for field in question.by if is_own_time(scope.model, branch.home, field, branch.metric)]
    periods = [read(home, field, branch.metric) for field in own]
    moment = home.event_moment()
    scope.keep([moment == moment.max().over(group_by=[*home.keys_of(branch.over), *periods])])


def _stack(question: Question, tables: list[tuple[Any, set[str]]]) -> Any:
    """Put the branches' small tables on top of each other, and group what belongs together."""
    types = {name: dtype for table, _ in tables for name, dtype in table.schema().items()}
    padded = [
        table.select(
            **{name: table[name] if name in table.columns else ibis.null(dtype) for name, dtype in types.items()}
        )
        for table, _ in tables
    ]
    union = reduce(lambda a, b: a.union(b, distinct=False), padded)
    keys = [field.column for field in question.by]
    counts = {name for _, names in tables for name in names}
    values = {
        name: union[name].max().fill_null(0) if name in counts else union[name].max()
        for name in types
        if name not in keys
    }
    return union.group_by(keys).aggregate(**values) if keys else union.aggregate(**values)


def _value(metric: Metric, table: Any) -> Any:
    """Calculate a metric from its measures. Amounts leave as float64: their sums were exact."""
    if isinstance(metric, Measure):
        value = table[metric.name]
        return value.cast("float64") if value.type().is_decimal() else value
    assert isinstance(metric, Arithmetic)
    above, below = (_value(part, table).cast("float64") for part in (metric.left, metric.right))
    return above / below.nullif(0)


def _order(question: Question, result: Any) -> list[Any]:
    """Time goes forward; categories go from the largest, or by name below a time. What is missing comes last."""
    times = [field for field in question.by if field.grain]
    others = [field for field in question.by if not field.grain]
    first: list[Any] = [ibis.asc(result[field.column], nulls_first=False) for field in times]
    if others and not times:
        first = [ibis.desc(result[question.metrics[0].name], nulls_first=False)]
    return [*first, *(ibis.asc(result[field.column], nulls_first=False) for field in others)]
