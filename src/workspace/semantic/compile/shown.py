"""The last touches on an answer: the periods in which nothing happened, and the order of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from workspace.semantic.compile import timed
from workspace.semantic.compile.join import Joined
from workspace.semantic.compile.reading import REST
from workspace.semantic.language.words import Per

if TYPE_CHECKING:
    from datetime import date

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.question import Question
    from workspace.semantic.model import Model


def filled(model: Model, question: Question, found: Any, sums: frozenset[str], *, end: date) -> Any:
    """Add the periods that are missing, for every group. Sums of nothing are 0 then, everything else is unknown.

    Periods go from the first to the last of the window, or of those that are there; none begins at or after `end`, of
    which nobody can know yet.
    """
    (time,) = (field for field in question.by if field.grain)
    grain, column = time.grain or "", time.column
    window = question.window
    first = found.aggregate(first=found[column].min(), last=found[column].max())
    start = window.start if window else None
    last = min(window.end, end) if window and window.end else None
    listed = timed.listed(first, start, last, hours=grain == "hour")
    kind = found[column].type()
    periods = listed.select(**{column: model.calendar.truncate(listed.day, grain).cast(kind)}).distinct()
    others = [field.column for field in question.by if field is not time]
    groups = periods.cross_join(found.select(others).distinct()) if others else periods
    right = found.rename({f"{name}__found": name for name in (column, *others)})
    same = [groups[name].identical_to(right[f"{name}__found"]) for name in (column, *others)]
    every = groups.left_join(right, same)
    values = {
        metric.name: every[metric.name].fill_null(0) if metric.name in sums else every[metric.name]
        for metric in question.metrics
    }
    undated = found.filter(found[column].isnull())
    whole = every.select(column, *others, **values)
    names = [*(field.column for field in question.by), *(metric.name for metric in question.metrics)]
    return whole.select(names).union(undated.select(names).cast(whole.select(names).schema()), distinct=False)


def ordered(model: Model, reader: Reader, question: Question, result: Any) -> Any:
    """Order rows: time goes forward and numbers go up; categories go from the largest, or by name below those.

    What is missing comes last, and before it the rest.
    """
    times = [field for field in question.by if field.grain or (isinstance(field, Per) and question.top is None)]
    others = [field for field in question.by if not any(field is one for one in times)]
    columns = result.columns
    order: list[Any] = []
    for field in times:
        key = result[field.column]
        name = model.grains[field.grain] if field.grain else None
        if name is not None:
            begun = _begun(model, reader, field.grain or "", name)
            right = begun.rename({f"{field.column}__label": "label", f"{field.column}__begun": "begun"})
            result = result.left_join(right, result[field.column] == right[f"{field.column}__label"])
            key = result[f"{field.column}__begun"]
        order.append(ibis.asc(key, nulls_first=False))
    if question.top is not None:
        order += [ibis.asc(result[field.column] == REST, nulls_first=False) for field in others]
    if others and not times:
        order.append(ibis.desc(result[question.metrics[0].name], nulls_first=False))
    order += [ibis.asc(result[field.column], nulls_first=False) for field in others]
    return result.order_by(order).select(columns) if order else result


def _begun(model: Model, reader: Reader, grain: str, calendar: str) -> Any:
    """Find on which day each period of the model's own calendar begins."""
    spec = model.specs[calendar]
    table = reader.table(spec.table)
    assert spec.key is not None  # noqa: S101 - for the type checker; see Model
    label = Joined(model, table).home(spec).read(grain)
    days = table.select(day=table[spec.key.columns[0]], label=label)
    return days.group_by("label").aggregate(begun=days.day.min())
