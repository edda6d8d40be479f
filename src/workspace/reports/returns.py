"""What a number is by several rules at once, and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workspace.display import Column, View
from workspace.reports.intervals import resampled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

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
    shown = [Column(name=f"v{i}", kind="value", label=name, unit=unit) for i, name in enumerate(names)]
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

    What is drawn again are units; the cost is what it is. Draw users, not bookings: the bookings of one user share
    clicks, so those drawn each for itself look surer than they are.

    Args:
        m: The metrics of a release.
        values: Additive metrics, by what to call them.
        cost: What each is divided by.
        fields: The units that are drawn again, e.g. `m.booker`, and the groups, e.g. `m.platform`.
        between: The first day, and the first day after.
        units: Counts all units of these days, e.g. `m.bookers`.
        beside: Further ratios to show with them, which have no interval.
        seed: What the draws begin with.

    Returns:
        One row a group and value: the ratio, and the ends of its interval.
    """
    group = fields[1]
    spent = {name: value for name, value in _by_group(cost, group, between).items() if value}
    groups = sorted(spent, key=str)
    parts = _parts(m, tuple(values.values()), fields, groups, between)
    costs = np.array([spent[name] for name in groups], dtype=float)[:, None]
    flat = parts.reshape(len(parts), len(groups) * len(values))
    low, high = resampled(flat, int(units.by(between=between).value() or 0), seed=seed)
    found = [each.reshape(len(groups), len(values)) / costs for each in (parts.sum(axis=0), low, high)]
    rows = [
        {"group": str(name), "rule": rule, **dict(zip(("value", "low", "high"), map(float, ends), strict=True))}
        for i, name in enumerate(groups)
        for rule, *ends in zip(values, *(each[i] for each in found), strict=True)
    ]
    for rule, answer in (beside or {}).items():
        known = _by_group(answer, group, between)
        rows += [{"group": str(name), "rule": rule, "value": known.get(name)} for name in groups]
    columns = (
        Column(name="group", kind="category", label=group.path.replace(".", " ")),
        Column(name="rule", kind="category"),
        Column(name="value", kind="value"),
        Column(name="low", kind="value", label="95 % from"),
        Column(name="high", kind="value", label="to"),
    )
    schema = pa.schema([(c.name, pa.string() if c.kind == "category" else pa.float64()) for c in columns])
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["group"])), schema=schema)
    caption = m(*values.values(), cost, between=between).caption
    return View(title=f"Returns by {group.path}", columns=columns, rows=table, count=len(rows), caption=caption)


def _by_group(answer: Answer, group: Field, between: Days) -> dict[Any, float | None]:
    (definition,) = answer.definitions
    rows = answer.by(group, between=between).to_arrow().to_pylist()
    return {row[group.column]: _plain(row[definition.name]) for row in rows}


def _parts(
    m: Metrics, values: Sequence[Answer], fields: tuple[Field, Field], groups: Sequence[Any], between: Days
) -> NDArray[np.float64]:
    """Give what each unit adds: by unit, group and value."""
    unit, group = fields
    read = m(*values, by=[unit, group], between=between).to_arrow().to_pylist()
    names = [definition.name for answer in values for definition in answer.definitions]
    places = {key: place for place, key in enumerate(sorted({str(row[unit.column]) for row in read}))}
    parts = np.zeros((len(places), len(groups), len(names)))
    for row in read:
        if row[group.column] in groups:
            place = places[str(row[unit.column])], groups.index(row[group.column])
            parts[place] = [_plain(row[name]) or 0.0 for name in names]
    return parts


def _bias(answer: Answer) -> str:
    (definition,) = answer.definitions
    return definition.description.partition(": ")[2]


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)
