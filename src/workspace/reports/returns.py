"""What a number is by several rules at once, how sure it is, and what was told of it before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from ibis import _

from workspace.display import Column, View
from workspace.errors import LakeError
from workspace.lake import Lake, releases
from workspace.reports.compare import change
from workspace.reports.intervals import resampled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workspace.front import Workspace
    from workspace.semantic import Answer, Field, Metrics

Days = tuple[Any, Any]
ALL = "all"


def side_by_side(m: Metrics, metrics: Sequence[Answer], field: Field, between: Days) -> View:
    """Set metrics that answer the same question under each other, by a dimension.

    Args:
        m: The metrics of a release.
        metrics: Of one unit. What follows the colon in a description says what to make of each.
        field: What to split them by.
        between: The first day, and the first day after.

    Returns:
        One row a metric: its value for each group and in all, and what to make of it.
    """
    asked = m(*metrics, by=[field], between=between)
    groups = {str(row.pop(field.column)): row for row in asked.to_arrow().to_pylist()}
    total = asked.total().to_arrow().to_pylist()[0]
    names = sorted(groups)
    rows = []
    for metric in metrics:
        (d,) = metric.definitions
        values = {f"v{i}": _plain(groups[name][d.name]) for i, name in enumerate(names)}
        rows.append({"name": d.name.replace("_", " "), **values, "total": _plain(total[d.name]), "bias": _bias(metric)})
    (unit,) = {metric.definitions[0].unit for metric in metrics}
    shown = [Column(name=f"v{i}", kind="value", label=_readable(name), unit=unit) for i, name in enumerate(names)]
    columns = (
        Column(name="name", kind="category", label="rule"),
        Column(name="bias", kind="category", label="what it does"),
        *shown,
        Column(name="total", kind="value", label=ALL, unit=unit),
    )
    title = f"{metrics[0].definitions[0].name} by {field.path}, by several rules"
    return View(
        title=title, columns=columns, rows=pa.Table.from_pylist(rows), count=len(rows), notes=tuple(asked.notes)
    )


def returns(
    m: Metrics,
    values: Mapping[str, Answer],
    cost: Answer,
    fields: tuple[Field, Field],
    between: Days,
    *,
    units: Answer,
    beside: Mapping[str, Answer] | None = None,
    seed: int = 1,
) -> View:
    """Give values over a cost by group, with the interval in which each lies as far as chance goes.

    What is drawn again are units, such as bookings; the cost is what it is.

    Args:
        m: The metrics of a release.
        values: Additive metrics, by what to call them.
        cost: What each is divided by.
        fields: Whose units are drawn again, e.g. `m.booking`, and the groups, e.g. `m.platform`.
        between: The first day, and the first day after.
        units: Counts all units of these days.
        beside: Further ratios to show with them, which have no interval.
        seed: What the draws begin with.

    Returns:
        One row a group and value: the ratio, and the ends of its interval.
    """
    unit, group = fields
    read = m(*values.values(), by=[unit, group], between=between).to_arrow().to_pylist()
    spent = {
        row[group.column]: _plain(row[_name(cost)]) for row in cost.by(group, between=between).to_arrow().to_pylist()
    }
    groups = [name for name in sorted(spent, key=str) if spent[name]]
    places = {key: place for place, key in enumerate(sorted({str(row[unit.column]) for row in read}))}
    names = [_name(answer) for answer in values.values()]
    parts = np.zeros((len(places), len(groups), len(names)))
    for row in read:
        if row[group.column] in groups:
            place = places[str(row[unit.column])], groups.index(row[group.column])
            parts[place] = [_plain(row[name]) or 0.0 for name in names]
    costs = np.array([spent[name] for name in groups], dtype=float)[:, None]
    shape = (len(groups), len(names))
    low, high = resampled(parts.reshape(len(places), -1), int(units.by(between=between).value() or 0), seed=seed)
    found = [parts.sum(axis=0) / costs, low.reshape(shape) / costs, high.reshape(shape) / costs]
    rows = [
        {"group": str(name), "rule": rule, **dict(zip(("value", "low", "high"), map(float, ends), strict=True))}
        for i, name in enumerate(groups)
        for rule, *ends in zip(values, *(each[i] for each in found), strict=True)
    ]
    for rule, answer in (beside or {}).items():
        known = {
            row[group.column]: row[_name(answer)] for row in answer.by(group, between=between).to_arrow().to_pylist()
        }
        rows += [{"group": str(name), "rule": rule, "value": _plain(known.get(name))} for name in groups]
    columns = (
        Column(name="group", kind="category", label=group.path.replace(".", " ")),
        Column(name="rule", kind="category"),
        Column(name="value", kind="value"),
        Column(name="low", kind="value", label="95 % from"),
        Column(name="high", kind="value", label="to"),
    )
    schema = pa.schema([(c.name, pa.string() if c.kind == "category" else pa.float64()) for c in columns])
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["group"])), schema=schema)
    return View(title=f"Returns by {group.path}", columns=columns, rows=table, count=len(rows))


def completeness(workspace: Workspace, metric: str) -> View:
    """Tell how much of what platforms say of a day in the end they had said so many days after it.

    Args:
        workspace: The release.
        metric: `conversions`, `spend`, ...: a metric of `ads.completeness`.

    Returns:
        One row a platform and age in days; none if no day is old enough.
    """
    told = workspace.table("ads.completeness").filter(_.metric == metric).group_by("platform", "age")
    summed = told.aggregate(known=_.known.sum(), final=_.final.sum()).filter(_.final > 0)
    shares = summed.mutate(share=_.known.cast("float64") / _.final.cast("float64"))
    rows = shares.select("platform", "age", "share").order_by("platform", "age").to_pyarrow()
    columns = (
        Column(name="platform", kind="category"),
        Column(name="age", kind="value", label="days later", unit="count"),
        Column(name="share", kind="value", label=f"share of {metric} that was told", unit="percent"),
    )
    return View(title=f"Completeness of {metric}", columns=columns, rows=rows, count=rows.num_rows)


def previous(workspace: Workspace) -> Workspace | None:
    """Open the release before this one; None if this is the first."""
    older = [
        each
        for each in releases(Lake(workspace.settings.lake))
        if each.status == "published" and each.as_of < workspace.release.as_of
    ]
    return workspace.at(max(older, key=lambda each: (each.as_of, each.sequence)).name) if older else None


def restated(
    workspace: Workspace, older: Workspace | None, metrics: Sequence[Answer], field: Field, between: Days
) -> View:
    """Set what is known now beside what an older release said of the same days.

    Args:
        workspace: The release.
        older: The other, as `previous` gives it.
        metrics: Additive ones.
        field: What to split them by.
        between: The first day, and the first day after; those that the older release did not see are left out.

    Returns:
        One row a group: then, now and the change of each metric; no rows if there is no older release that knows them.
    """
    until = min(between[1], older.release.as_of.date()) if older else between[1]
    names = [_name(metric) for metric in metrics]
    now = _known(workspace, names, field, (between[0], until))
    then = _known(older, names, field, (between[0], until)) if older else {}
    rows = [
        {"name": str(group)}
        | {key: value for i, n in enumerate(names) for key, value in _pair(i, then[group][n], now[group][n])}
        for group in sorted(now.keys() & then.keys(), key=str)
    ]
    label = older.release.name if older else "before"
    columns = [Column(name="name", kind="category", label=field.path.replace(".", " "))]
    for i, metric in enumerate(metrics):
        (d,) = metric.definitions
        heading = d.name.replace("_", " ")
        columns += [
            Column(name=f"then{i}", kind="value", label=f"{heading} then", unit=d.unit),
            Column(name=f"now{i}", kind="value", label="now", unit=d.unit),
            Column(name=f"change{i}", kind="value", label="change", unit="percent"),
        ]
    schema = pa.schema([("name", pa.string()), *((column.name, pa.float64()) for column in columns[1:])])
    title = f"Restated since {label}"
    return View(title=title, columns=tuple(columns), rows=pa.Table.from_pylist(rows, schema=schema), count=len(rows))


def _known(workspace: Workspace, names: Sequence[str], field: Field, between: Days) -> dict[Any, dict[str, Any]]:
    m = workspace.metrics
    try:
        rows = m(*(getattr(m, name) for name in names), by=[field], between=between).to_arrow().to_pylist()
    except LakeError:  # it has no such tables
        return {}
    return {row.pop(field.column): row for row in rows}


def _pair(place: int, then: Any, now: Any) -> list[tuple[str, float | None]]:
    before, after = _plain(then), _plain(now)
    return [(f"then{place}", before), (f"now{place}", after), (f"change{place}", change(after, before))]


def _name(answer: Answer) -> str:
    (definition,) = answer.definitions
    return definition.name


def _bias(answer: Answer) -> str:
    (definition,) = answer.definitions
    return definition.description.partition(": ")[2]


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)
