"""What `workspace doctor` looks at."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from workspace.errors import Finding, WorkspaceError
from workspace.settings import AdsSource, PostgresSource, SheetsSource, SnowplowSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workspace.settings import Settings

Level = Literal["ok", "warning", "error"]
_GIB = 2**30
_WARN, _STOP = 10 * _GIB, 1 * _GIB


def examine(settings: Settings) -> list[Finding]:
    """Look at everything, going on where one thing is wrong."""
    findings = [Finding(level="ok", subject="home", message=f"{settings.home}, Python {sys.version.split()[0]}")]
    findings += _packages()
    findings += _disk(settings)
    findings += _tried("lake", settings.lake, lambda: _open(settings.lake))
    findings += _tried("schedule", str(settings.pipelines), lambda: _schedule(settings.pipelines))
    for source in settings.sources.values():
        if isinstance(source, PostgresSource):
            findings += _preflight(source)
        if isinstance(source, SnowplowSource):
            findings += _clickstream(source, settings.lake)
        if isinstance(source, AdsSource):
            findings += _ads(source)
        if isinstance(source, SheetsSource):
            findings += _sheets(source)
    return findings


def _clickstream(source: SnowplowSource, root: str) -> Iterator[Finding]:
    from workspace.lake import Lake
    from workspace.sources.snowplow import look

    lake = Lake(root)
    log = lake.events(source.name) if lake.has_events(source.name) else None
    for subject, place, ask in look(source, log):
        for finding in _tried(f"{source.name}: {subject}", place, ask):
            yield replace(finding, message=finding.message.removeprefix(f"{source.name}: "))


def _ads(source: AdsSource) -> Iterator[Finding]:
    from workspace.sources.ads import look

    yield from _tried(f"{source.name}: accounts", source.platform, lambda: look(source))


def _sheets(source: SheetsSource) -> Iterator[Finding]:
    from workspace.sources.sheets import look

    for subject, place, ask in look(source):
        yield from _tried(f"{source.name}: {subject}", place, ask)


def _packages() -> Iterator[Finding]:
    """Compare what is installed with what this package was released against; extras count where they are there."""
    wrong = 0
    for line in requires("bookmyevent-workspace") or ():
        wanted = Requirement(line)
        extra = wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = ""
        if found in wanted.specifier if found else extra:
            continue
        wrong += 1
        yield Finding(
            level="warning" if extra else "error",
            subject=f"package {wanted.name}",
            message=f"{found or 'nothing'} is installed; {wanted.specifier} is needed.",
            cure=f'Install it into this environment: pip install "{wanted.name}{wanted.specifier}"',
        )
    if not wrong:
        yield Finding(level="ok", subject="packages", message="as pinned")


def _disk(settings: Settings) -> Iterator[Finding]:
    for name, path in (("lake", settings.lake), ("var", str(settings.var))):
        if "://" in path:
            continue
        folder = next(folder for folder in (Path(path), *Path(path).parents) if folder.exists())
        free = shutil.disk_usage(folder).free
        level: Level = "error" if free < _STOP else "warning" if free < _WARN else "ok"
        cure = "" if level == "ok" else "Make room, or move it to another disk in workspace.toml."
        yield Finding(level=level, subject=f"disk of {name}", message=f"{free / _GIB:.1f} GiB free", cure=cure)


def _tried(subject: str, where: str, look: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(level="ok", subject=subject, message=f"{where}: {look()}")
    except WorkspaceError as error:
        yield Finding(level="error", subject=subject, message=error.message, cure=error.cure)


def _open(root: str) -> str:
    from workspace.lake import Lake

    return f"{len(Lake(root).names())} tables"


def _schedule(pipelines: Path) -> str:
    from workspace.runs import load_schedule

    return f"{len(load_schedule(pipelines).steps)} steps"


def _preflight(source: PostgresSource) -> list[Finding]:
    from workspace.sources.postgres import preflight

    return preflight(source)
