"""The catalog: one page that says what every metric means, whose it is, where it comes from and how it is going."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.display import Column, formatter
from workspace.errors import WorkspaceError
from workspace.front import definitions
from workspace.reports.catalog_page import page
from workspace.reports.uses import uses
from workspace.semantic.origins import Lineage, lineage, splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from workspace.front import Workspace
    from workspace.semantic import Definition, Metrics, Model
    from workspace.settings import Settings

SPAN = "12 weeks"
"""What a sparkline shows."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A metric of the last weeks.

    Attributes:
        points: First days of periods, and values; periods without one are left out.
        last: The newest value, formatted.
        grain: Of the periods: weeks, or days for what counts from the start of a month and has no value by week.
        missing: Why there is nothing to show, where there is nothing.
    """

    points: Sequence[tuple[date, float]] = ()
    last: str = ""
    grain: str = "week"
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """All that the catalog says about one metric.

    Attributes:
        definition: What it means.
        splits: The dimensions by which it can be split.
        lineage: What it is made of.
        used_in: Notebooks, pipelines and saved questions that name it.
        trend: How it has been going.
    """

    definition: Definition
    splits: Sequence[str]
    lineage: Lineage
    used_in: Sequence[str]
    trend: Trend


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Every metric of a model.

    Attributes:
        entries: By name.
        timezone: Where days and weeks begin.
        release: Which release the trends are of; empty without one.
        as_of: The exclusive end of what it sees; empty without one.
    """

    entries: Sequence[Entry]
    timezone: str
    release: str = ""
    as_of: str = ""


def write_catalog(settings: Settings, workspace: Workspace | None, folder: Path) -> Path:
    """Write the catalog as one HTML file that loads nothing.

    Args:
        settings: Of the home; its metrics are described, its notebooks and pipelines are searched for uses.
        workspace: The release to draw trends from; without one there are none.
        folder: Where `index.html` comes to lie.

    Returns:
        The file.

    Raises:
        SettingsError: The metrics module cannot be imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page(catalog(settings, workspace)), encoding="utf-8")
    return path


def catalog(settings: Settings, workspace: Workspace | None) -> Catalog:
    """Gather what there is to say about every metric."""
    model: Model = definitions(settings, "model")
    names = sorted(model.metrics)
    beside = settings.pipelines.parent
    folders = [settings.home / "notebooks", beside / "notebooks", settings.pipelines]
    found = uses(names, folders, beside.resolve())
    m = workspace.metrics if workspace else model.bind(None)  # type: ignore[arg-type]  # nothing is read without one
    entries = [_entry(m, model, name, found, asked=workspace is not None) for name in names]
    if workspace is None:
        return Catalog(entries=entries, timezone=m.timezone)
    release = workspace.release
    as_of = f"{release.as_of:%Y-%m-%d %H:%M} UTC"
    return Catalog(entries=entries, timezone=m.timezone, release=release.name, as_of=as_of)


def _entry(m: Metrics, model: Model, name: str, found: Mapping[str, Sequence[str]], *, asked: bool) -> Entry:
    definition = model.definition(name)
    return Entry(
        definition=definition,
        splits=splits(m, model, name),
        lineage=lineage(model, name),
        used_in=found.get(name, ()),
        trend=_trend(m, name, definition.unit) if asked else Trend(missing="no release yet"),
    )


def _trend(m: Metrics, name: str, unit: str, grain: str = "week") -> Trend:
    try:
        rows = m(getattr(m, name), by=getattr(m, grain), last=SPAN).to_arrow()
    except WorkspaceError as error:
        by_day = _trend(m, name, unit, "day") if grain == "week" else Trend()
        # One metric that cannot be asked so leaves the others alone.
        return by_day if by_day.points else Trend(missing=error.message)
    pairs = zip(*(rows.column(column).to_pylist() for column in (grain, name)), strict=True)
    values: list[tuple[date, Any]] = [(day, value) for day, value in pairs if day is not None and value is not None]
    if not values:
        return Trend(missing=f"nothing in the last {SPAN}")
    show = formatter(Column(name=name, kind="value", unit=unit), [value for _, value in values])
    return Trend(points=[(day, float(value)) for day, value in values], last=show(values[-1][1]), grain=grain)
