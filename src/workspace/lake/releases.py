"""Releases: what every reader sees. A candidate is cut, checked, and published or rejected.

`system.releases` is an append-only log of these steps; each row carries the pins of its release whole. A row is
committed with its sequence number as app transaction, so that of two publishers one gets through.
"""

from __future__ import annotations

import dataclasses
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from workspace.errors import ReleaseError, did_you_mean
from workspace.lake import delta
from workspace.lake.crash import crash_point
from workspace.lake.pins import RELEASES, RELEASES_APP, Pin, SourceCut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workspace.lake.lake import Lake

Status = Literal["candidate", "published", "rejected"]


@dataclass(frozen=True, kw_only=True)
class Release:
    """One consistent state over all tables.

    Attributes:
        sequence: Its place in `system.releases`.
        name: The day it covers, e.g. `2026-10-31`; a second one of that day is `2026-10-31.2`.
        as_of: The exclusive end of what it sees, in UTC.
        status: Published, rejected, or still a candidate.
        run: The run that made it.
        recorded_at: The business time at which this status was recorded.
        package: The version of this package.
        code: The git commit of the checkout; empty outside of one.
        failed: The checks that rejected it.
        sources: How far it sees each source.
        tables: The pins, by table.
    """

    sequence: int
    name: str
    as_of: datetime
    status: Status
    run: str
    recorded_at: datetime
    package: str
    code: str
    failed: tuple[str, ...]
    sources: tuple[SourceCut, ...]
    tables: dict[str, Pin]

    def __repr__(self) -> str:
        return f"Release {self.name} ({self.status}), as of {self.as_of:%Y-%m-%d %H:%M} UTC, {len(self.tables)} tables"

    def row(self) -> pa.Table:
        """Give the release as a row of `system.releases`."""
        entry = {name: getattr(self, name) for name in RELEASES.names}
        entry["sources"] = [dataclasses.asdict(source) for source in self.sources]
        entry["tables"] = [dataclasses.asdict(pin) for pin in self.tables.values()]
        return pa.Table.from_pylist([entry], schema=RELEASES)

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Release:
        """Read a row of `system.releases`."""
        pins = {pin["table"]: Pin(**pin) for pin in entry["tables"]}
        sources = tuple(SourceCut(**source) for source in entry["sources"])
        return cls(**entry | {"tables": pins, "sources": sources, "failed": tuple(entry["failed"])})


def releases(lake: Lake, status: Status | None = None) -> list[Release]:
    """List releases in the order in which they came about.

    Args:
        lake: Where.
        status: Only those; every step of every release if not given.
    """
    uri = lake.layout.uri("system", "releases")
    if not delta.exists(uri):
        return []
    rows = delta.read(delta.open_table(uri)).sort_by("sequence").to_pylist()
    return [Release.of(entry) for entry in rows if status in (None, entry["status"])]


def find(
    lake: Lake, name: str | None = None, *, known_by: str | date | None = None, candidate: str | None = None
) -> Release:
    """Find the release to read.

    Args:
        lake: Where.
        name: A published release by name; the newest if nothing is asked for.
        known_by: The newest published release that sees nothing after this day (UTC, inclusive) or moment.
        candidate: The unpublished candidate of this run.

    Raises:
        ReleaseError: There is none.
    """
    if candidate is not None:
        made = [r for r in releases(lake) if r.run == candidate]
        if made and made[-1].status != "rejected":
            return made[-1]
        raise ReleaseError(
            f"The run {candidate!r} has no candidate.", cure="Cut one first: prepare(run=..., as_of=...)."
        )
    published = releases(lake, "published")
    if not published:
        raise ReleaseError("No release has been published yet.", cure="Run `workspace tick`, then `workspace status`.")
    if name is not None:
        named = {release.name: release for release in published}
        if name not in named:
            raise ReleaseError(f"There is no release {name!r}.", cure=did_you_mean(name, named))
        return named[name]
    if known_by is not None:
        end = _end_of(known_by)
        published = [release for release in published if release.as_of <= end]
        if not published:
            msg = f"No release was known by {known_by}."
            raise ReleaseError(msg, cure="`workspace releases` lists them.")
    return published[-1]


def prepare(
    lake: Lake,
    *,
    run: str,
    as_of: datetime,
    required: Mapping[str, bool],
    tables: Iterable[str] = (),
    now: datetime,
) -> Release:
    """Cut a candidate at `as_of`, for derived tables and checks to read before anyone else does.

    Args:
        lake: Where.
        run: The run that it belongs to. Its published release, if it has one, is returned as it is.
        as_of: The exclusive end.
        required: The configured sources, and which of them a release must have.
        tables: The tables that it must have, and that must not have stopped.
        now: The business time.

    Raises:
        ReleaseError: A required source or table is behind, or a release with a later `as_of` is published already.
    """
    # The cut needs Ibis; those who only read releases do not.
    from workspace.lake.cuts import cut

    every = releases(lake)
    for release in every:
        if release.run == run and release.status == "published":
            return release
    newest = max((r.as_of for r in every if r.status == "published"), default=as_of)
    if as_of < newest:
        msg = f"A release as of {newest:%Y-%m-%d %H:%M} UTC is published; one as of {as_of:%Y-%m-%d %H:%M} is older."
        raise ReleaseError(msg, cure="Releases only go forward. Read the past with valid_at(...).")
    sources, pins = cut(lake, as_of, required, tables)
    release = Release(
        sequence=len(every) + 1,
        name=_label(as_of),
        as_of=as_of,
        status="candidate",
        run=run,
        recorded_at=now,
        package=_package_version(),
        code=_git_commit(),
        failed=(),
        sources=tuple(sources),
        tables={pin.table: pin for pin in pins},
    )
    return _commit(lake, release)


def publish(lake: Lake, *, run: str, now: datetime) -> Release:
    """Make a run's candidate the newest release, exactly as it was checked; once, however often it is called.

    Raises:
        ReleaseError: The run has no candidate, or a later release was published meanwhile.
    """
    candidate = find(lake, candidate=run)
    if candidate.status == "published":
        return candidate
    every = releases(lake)
    published = [r for r in every if r.status == "published"]
    if published and published[-1].as_of > candidate.as_of:
        msg = f"The release {published[-1].name} was published meanwhile; {candidate.name} would be older."
        raise ReleaseError(msg, cure="Nothing to do: readers see the newer one.")
    same = sum(r.as_of == candidate.as_of for r in published)
    name = f"{candidate.name}.{same + 1}" if same else candidate.name
    crash_point("publish.before_commit")
    done = dataclasses.replace(candidate, sequence=len(every) + 1, name=name, status="published", recorded_at=now)
    release = _commit(lake, done)
    crash_point("publish.after_commit")
    return release


def reject(lake: Lake, *, run: str, failed: Sequence[str], now: datetime) -> Release:
    """Record that a run's candidate failed these checks; readers never see it.

    Raises:
        ReleaseError: The run has no candidate, or it is published already.
    """
    candidate = find(lake, candidate=run)
    if candidate.status == "published":
        msg = f"The release {candidate.name} is published already and cannot be rejected."
        raise ReleaseError(msg, cure="Publish a mended one: it becomes the newest.")
    sequence = len(releases(lake)) + 1
    return _commit(
        lake,
        dataclasses.replace(candidate, sequence=sequence, status="rejected", failed=tuple(failed), recorded_at=now),
    )


def _commit(lake: Lake, release: Release) -> Release:
    uri = lake.layout.uri("system", "releases")
    delta.create(uri, RELEASES, statistics=["sequence", "as_of"])
    table = delta.open_table(uri)
    if (table.transaction_version(RELEASES_APP) or 0) >= release.sequence:
        msg = f"Another run recorded a release while {release.name} was being recorded."
        raise ReleaseError(msg, cure="Run it again.")
    delta.commit(table, release.row(), app=RELEASES_APP, version=release.sequence)
    return release


def _label(as_of: datetime) -> str:
    """Name the period that ends at `as_of`: a day by its date, a part of one with its last hour."""
    if as_of == as_of.replace(hour=0, minute=0, second=0, microsecond=0):
        return f"{as_of - timedelta(days=1):%Y-%m-%d}"
    return f"{as_of:%Y-%m-%dT%H%M}"


def _end_of(moment: str | date) -> datetime:
    """Give the exclusive end of a day, or a moment as it is; UTC unless it says otherwise."""
    if isinstance(moment, str):
        is_day = len(moment) == len("2026-10-31")
        moment = date.fromisoformat(moment) if is_day else datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC) + timedelta(days=1)


def _package_version() -> str:
    return version("bookmyevent-workspace")


def _git_commit() -> str:
    """Name the commit of the checkout that this package runs from; empty where it is installed without one."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
