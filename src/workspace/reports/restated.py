"""What platforms told of days before, and what they tell now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from ibis import _

from workspace.display import Column, View
from workspace.errors import LakeError, ReleaseError, SemanticError
from workspace.lake import Lake, releases
from workspace.reports.compare import change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from workspace.front import Workspace
    from workspace.semantic import Answer, Field

Days = tuple[Any, Any]
_Groups = dict[Any, dict[str, Any]]
_MONEY = ("spend", "conversion_value")
_ZONES = timedelta(days=1)  # the last whole day may be a day that is not over yet in accounts west of UTC


def completeness(workspace: Workspace, metric: str) -> View:
    """Tell how much of what platforms say of a day in the end they had said so many days after it.

    Args:
        workspace: The release.
        metric: A metric of `ads.completeness` that can be added up over currencies: `impressions`, `clicks` or
            `conversions`.

    Returns:
        One row a platform and age in days; none if no day is old enough.

    Raises:
        SemanticError: The metric is money, of which there is no sum over currencies.
    """
    if metric in _MONEY:
        msg = f"{metric} is in several currencies, which cannot be added up."
        raise SemanticError(msg, cure="Read ads.completeness, which has a row for each currency.")
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
    """Open the last release of an earlier month, which is kept as long as month ends are.

    Where there is none, the release just before this one; None if this is the first.
    """
    own = workspace.release
    older = [each for each in releases(Lake(workspace.settings.lake), "published") if each.as_of < own.as_of]
    months = [each for each in older if each.name[:7] < own.name[:7]]
    return workspace.at(max(months or older, key=lambda each: (each.as_of, each.sequence)).name) if older else None


def restated(
    workspace: Workspace, older: Workspace | None, metrics: Sequence[Answer], field: Field, between: Days
) -> View:
    """Set what is known now beside what an older release said of the same days.

    Args:
        workspace: The release.
        older: The other, as `previous` gives it.
        metrics: Additive ones.
        field: What to split them by.
        between: The first day, and the first day after; those that the older release did not see whole are left out.

    Returns:
        One row a group that both know: then, now and the change of each metric. No rows, and a note that says why, if
        the older release can no longer be read or saw none of the days whole; none if it has no such tables.
    """
    names = [_name(metric) for metric in metrics]
    then, now, notes = _compared(workspace, older, names, field, between)
    groups = sorted(now.keys() & then.keys(), key=str)
    rows = [_row(str(group), names, then[group], now[group]) for group in groups]
    sums = [{name: _sum([side[group][name] for group in groups]) for name in names} for side in (then, now)]
    total = _row("total", names, *sums) if groups else None
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
        caption=workspace.metrics(*metrics, between=between).caption,
        notes=notes,
    )


def _compared(
    workspace: Workspace, older: Workspace | None, names: Sequence[str], field: Field, between: Days
) -> tuple[_Groups, _Groups, tuple[str, ...]]:
    """Read what was known then and what is known now, and say why there is nothing if so."""
    if older is None:
        return {}, {}, ()
    days = between[0], min(between[1], _seen_whole(older))
    if days[0] >= days[1]:
        return {}, {}, (f"Release {older.release.name} saw none of these days whole.",)
    try:
        return _known(older, names, field, days), _known(workspace, names, field, days), ()
    except ReleaseError:
        return {}, {}, (f"Release {older.release.name} is no longer kept: what it said cannot be read.",)
    except LakeError:  # it has no such tables
        return {}, {}, ()


def _seen_whole(older: Workspace) -> date:
    """Give the first day that a release did not see whole in every account, however late one of the sources was."""
    sources = {name.partition(".")[0] for name in older.origins("ads.performance")}
    reached = [each.reached for each in older.release.sources if each.source in sources]
    return min([older.release.as_of, *reached]).date() - _ZONES


def _known(workspace: Workspace, names: Sequence[str], field: Field, between: Days) -> _Groups:
    """Read metrics by group."""
    m = workspace.metrics
    asked = m(*(getattr(m, name) for name in names), by=[field], between=between)
    return {row.pop(field.column): row for row in asked.to_arrow().to_pylist()}


def _sum(values: Sequence[Any]) -> Any:
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def _row(name: str, names: Sequence[str], then: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name}
    for i, each in enumerate(names):
        before, after = (None if told[each] is None else float(told[each]) for told in (then, now))
        row |= {f"then{i}": before, f"now{i}": after, f"change{i}": change(after, before)}
    return row


def _name(answer: Answer) -> str:
    (definition,) = answer.definitions
    return definition.name
