"""What platforms told of days before, and what they tell now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from ibis import _

from workspace.display import Column, View
from workspace.errors import LakeError
from workspace.lake import Lake, releases
from workspace.reports.compare import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.front import Workspace
    from workspace.semantic import Answer, Field

Days = tuple[Any, Any]
_ALL = object()  # the key of all groups together, which no group has


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
    groups = sorted((group for group in now.keys() & then.keys() if group is not _ALL), key=str)
    rows = [_row(str(group), names, then[group], now[group]) for group in groups]
    total = _row("total", names, then[_ALL], now[_ALL]) if groups else None
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
    return View(
        title=f"Restated since {label}",
        columns=tuple(columns),
        rows=pa.Table.from_pylist(rows, schema=schema),
        count=len(rows),
        total=total,
        caption=workspace.metrics(*metrics, between=(between[0], until)).caption,
    )


def _known(workspace: Workspace, names: Sequence[str], field: Field, between: Days) -> dict[Any, dict[str, Any]]:
    """Read metrics by group, and of all groups."""
    m = workspace.metrics
    try:
        asked = m(*(getattr(m, name) for name in names), by=[field], between=between)
        rows = asked.to_arrow().to_pylist()
    except LakeError:  # it has no such tables
        return {}
    return {row.pop(field.column): row for row in rows} | {_ALL: asked.total().to_arrow().to_pylist()[0]}


def _row(name: str, names: Sequence[str], then: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name}
    for i, each in enumerate(names):
        before, after = (None if told[each] is None else float(told[each]) for told in (then, now))
        row |= {f"then{i}": before, f"now{i}": after, f"change{i}": change(after, before)}
    return row


def _name(answer: Answer) -> str:
    (definition,) = answer.definitions
    return definition.name
