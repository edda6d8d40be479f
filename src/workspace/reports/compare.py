"""One week against the week before and an older one: the same week a year before, or four weeks before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.display import Column, View
from workspace.reports.weeks import A_YEAR

if TYPE_CHECKING:
    from workspace.reports.weeks import Apart, Week
    from workspace.semantic import Answer, Field, Metrics


def periods(older: Apart) -> tuple[str, str, str]:
    """Name the three weeks."""
    return "this week", "week before", older.words


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One metric in one week, and in the two weeks that it is held against.

    Attributes:
        name: Of the metric.
        unit: Of its values.
        description: What it means.
        values: This week, the week before, the older week; None where there is none.
        older: Which that is.
    """

    name: str
    unit: str
    description: str
    values: tuple[Any, Any, Any]
    older: Apart = A_YEAR

    @property
    def changes(self) -> tuple[float | None, float | None]:
        """The change against the week before and the older week, as a share of the older value."""
        now, before, older = self.values
        return change(now, before), change(now, older)


def change(now: Any, then: Any) -> float | None:
    """Give the change between two values as a share of the older one; None where there is no older one.

    Examples:
        >>> change(110, 100)
        0.1
    """
    return None if now is None or not then else round(float(now) / float(then) - 1, 12)


def figures(m: Metrics, metrics: tuple[Answer, ...], week: Week, older: Apart = A_YEAR) -> list[Figure]:
    """Read metrics for a week and for those that it is held against.

    Args:
        m: The metrics of a release.
        metrics: Which.
        week: The week in question.
        older: How far back the older of the two weeks lies.
    """
    rows = [m(*metrics, between=w.days).to_arrow().to_pylist() for w in (week, week.before, week.earlier(older))]
    found = []
    for metric in metrics:
        (definition,) = metric.definitions
        now, before, then = ((row[0] if row else {}).get(definition.name) for row in rows)
        found.append(
            Figure(
                name=definition.name,
                unit=definition.unit,
                description=definition.description,
                values=(now, before, then),
                older=older,
            )
        )
    return found


def split(m: Metrics, metric: Answer, field: Field, week: Week, older: Apart = A_YEAR) -> View:
    """Split a metric by a dimension, for a week and for those that it is held against.

    Args:
        m: The metrics of a release.
        metric: One metric.
        field: What to split it by.
        week: The week in question.
        older: How far back the older of the two weeks lies.

    Returns:
        One row a value of the dimension, the largest first, with both changes.
    """
    (definition,) = metric.definitions
    asked = [m(metric, by=[field], between=w.days) for w in (week, week.before, week.earlier(older))]
    read = [{r[field.column]: r[definition.name] for r in answer.to_arrow().to_pylist()} for answer in asked]
    every = {name for values in read for name in values}
    names = sorted(every, key=lambda name: (-float(read[0].get(name) or 0), str(name)))
    table = [_row(name, tuple(values.get(name) for values in read)) for name in names]
    totals = tuple(answer.total().to_arrow().to_pylist()[0][definition.name] for answer in asked)
    label = field.path.replace(".", " ")
    return View(
        title=f"{definition.name} by {label}",
        columns=_columns(label, definition.unit, older),
        rows=pa.Table.from_pylist(table, schema=_SCHEMA),
        count=len(table),
        total=_row("total", totals),
        notes=tuple(asked[0].notes),
    )


def passage(m: Metrics, funnel: Answer, week: Week, older: Apart = A_YEAR) -> View:
    """Count how many got to each step of a funnel, in a week and in those that it is held against.

    Args:
        m: The metrics of a release.
        funnel: A funnel.
        week: The week in question.
        older: How far back the older of the two weeks lies.

    Returns:
        One row a step, in their order, with both changes.
    """
    (definition,) = funnel.definitions
    steps = funnel.steps()
    rows = [m(*steps, between=w.days).to_arrow().to_pylist()[0] for w in (week, week.before, week.earlier(older))]
    names = [step.definitions[0].name for step in steps]
    # A step is called after the funnel, its number, and what it counts: search_to_book_2_purchases.
    table = [
        _row(name.removeprefix(f"{definition.name}_{number}_").replace("_", " "), tuple(row[name] for row in rows))
        for number, name in enumerate(names, start=1)
    ]
    return View(
        title=f"{definition.name}, step by step",
        columns=_columns("step", "count", older),
        rows=pa.Table.from_pylist(table, schema=_SCHEMA),
        count=len(table),
    )


def trend(m: Metrics, metric: Answer, week: Week, *, weeks: int = 12) -> View:
    """Follow a metric over the weeks up to this one, beside the same weeks a year before.

    Args:
        m: The metrics of a release.
        metric: One metric.
        week: The last week.
        weeks: How many.

    Returns:
        One row a week and year from the first that has a value; the older year is moved to this one's weeks.
    """
    (definition,) = metric.definitions
    rows = []
    for last, name in ((week, "this year"), (week.earlier(A_YEAR), A_YEAR.words)):
        first = last.monday - timedelta(weeks=weeks - 1)
        read = m(metric, by=[m.week], between=(first, last.days[1])).to_arrow().to_pylist()
        known = {r["week"]: _plain(r[definition.name]) for r in read if r["week"]}
        if not known:
            continue
        mondays = (first + timedelta(weeks=i) for i in range(weeks))
        moved = week.monday - last.monday
        rows += [{"week": day + moved, "year": name, "value": known.get(day)} for day in mondays if day >= min(known)]
    schema = pa.schema([("week", pa.date32()), ("year", pa.string()), ("value", pa.float64())])
    return View(
        title=f"{definition.name} by week",
        columns=(
            Column(name="week", kind="time", grain="week"),
            Column(name="year", kind="category"),
            Column(name="value", kind="value", label=definition.name, unit=definition.unit),
        ),
        rows=pa.Table.from_pylist(rows, schema=schema),
        count=len(rows),
    )


_SCHEMA = pa.schema([("name", pa.string()), *((name, pa.float64()) for name in ("v0", "v1", "v2", "c1", "c2"))])


def _columns(label: str, unit: str, older: Apart) -> tuple[Column, ...]:
    names = periods(older)
    values = [Column(name=f"v{i}", kind="value", label=name, unit=unit) for i, name in enumerate(names)]
    changes = [Column(name=f"c{i}", kind="value", label=f"vs {names[i]}", unit="percent") for i in (1, 2)]
    return Column(name="name", kind="category", label=label), *values, *changes


def _row(name: Any, values: tuple[Any, ...]) -> dict[str, Any]:
    now, before, year = map(_plain, values)
    return {"name": name, "v0": now, "v1": before, "v2": year, "c1": change(now, before), "c2": change(now, year)}


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)
