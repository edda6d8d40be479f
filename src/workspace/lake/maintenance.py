"""Keeping the lake small without touching what a kept release needs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from workspace.lake import delta
from workspace.lake.crash import crash_point
from workspace.lake.periods import derivations
from workspace.lake.releases import releases

if TYPE_CHECKING:
    from datetime import datetime

    from deltalake import DeltaTable

    from workspace.lake.fold import Folded
    from workspace.lake.lake import Lake
    from workspace.lake.layout import Kind
    from workspace.lake.pins import Pin
    from workspace.lake.releases import Release
    from workspace.settings import Keep

SMALL_FILES = 32
"""Compact a table when it has more files than this: each costs a reader a request."""

GRACE = timedelta(days=7)
"""How long a file that no kept release needs stays, for readers that opened it before."""

_PARTS: tuple[Kind, ...] = ("log", "current", "closed")
_APPENDED: tuple[Kind, ...] = ("log", "closed")


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What maintenance did.

    Attributes:
        folded: Per table.
        compacted: The tables whose files were merged.
        removed: How many files no kept release needed any more.
        kept: The names of the releases that stay readable.
    """

    folded: tuple[Folded, ...]
    compacted: tuple[str, ...]
    removed: int
    kept: tuple[str, ...]


def maintain(lake: Lake, *, keep: Keep, now: datetime, grace: timedelta = GRACE, force: bool = False) -> Maintained:
    """Fold up to the newest published release, merge small files, remove what no kept release needs.

    Args:
        lake: Where.
        keep: Which releases stay readable.
        now: The business time.
        grace: How long unneeded files stay.
        force: Fold and compact however little there is to gain.
    """
    # Folding needs Ibis; those who only write do not.
    from workspace.lake.fold import fold

    published = releases(lake, "published")
    if not published:
        return Maintained(folded=(), compacted=(), removed=0, kept=())
    tables = published[-1].tables.values()
    logs = [pin for pin in tables if pin.kind == "log"]
    folded = tuple(fold(lake.layout, pin.table, to=pin.position, force=force) for pin in logs)
    # A day of a derived table is written whole, and its files are what the next derivation compares.
    compacted = tuple(_compact(lake, pin, force=force) for pin in tables if pin.kind != "derived")
    kept = kept_releases(published, keep, now)
    wanted = _wanted(lake, kept)
    removed = sum(_vacuum(lake, pin, wanted, grace) for pin in tables)
    return Maintained(
        folded=folded,
        compacted=tuple(name for name in compacted if name),
        removed=removed,
        kept=tuple(release.name for release in kept),
    )


def kept_releases(published: list[Release], keep: Keep, now: datetime) -> list[Release]:
    """Choose the releases that stay readable: the newest, the recent ones, and the last of each month.

    Args:
        published: In order.
        keep: The policy.
        now: The business time, from which `keep.days` count.
    """
    last_of_month: dict[str, int] = {}
    for release in published:
        last_of_month[release.name[:7]] = release.sequence
    chosen = set(last_of_month.values()) if keep.month_ends else set()
    recent = {r.sequence for r in published if now - r.recorded_at <= timedelta(days=keep.days)}
    return [r for r in published if r.sequence in chosen | recent | {published[-1].sequence}]


def _compact(lake: Lake, pin: Pin, *, force: bool) -> str:
    done = ""
    for kind in _APPENDED if pin.kind == "log" else (pin.kind,):
        table = delta.open_table(lake.layout.uri(kind, pin.table))
        files, days = _files(table)
        # What is kept apart by day has a file a day at least.
        if files > days + SMALL_FILES or (force and files > days):
            table.optimize.compact()
            crash_point("maintenance.after_compact")
            done = pin.table
    return done


def _files(table: DeltaTable) -> tuple[int, int]:
    """Count a table's files, and the partitions that they are in."""
    partitions = {frozenset(each.items()) for each in table.partitions()} if table.metadata().partition_columns else ()
    return len(table.file_uris()), len(partitions) or 1


def _wanted(lake: Lake, kept: list[Release]) -> dict[tuple[Kind, str], set[int]]:
    """Name the Delta versions of every table that a kept release reads, or that the next derivation begins with."""
    found: defaultdict[tuple[Kind, str], set[int]] = defaultdict(set)
    for release in kept:
        for pin in release.tables.values():
            for part, kind in _parts(pin):
                found[kind, pin.table].add(getattr(pin, part))
    for source in {release_source.source for release in kept for release_source in release.sources}:
        for made in derivations(lake, source)[-1:]:
            for one in made.tables:
                found["derived", one.name].add(one.version)
    return found


def _parts(pin: Pin) -> list[tuple[str, Kind]]:
    return [(part, part) for part in _PARTS] if pin.kind == "log" else [("log", pin.kind)]


def _vacuum(lake: Lake, pin: Pin, wanted: dict[tuple[Kind, str], set[int]], grace: timedelta) -> int:
    removed = 0
    for _, kind in _parts(pin):
        table = delta.open_table(lake.layout.uri(kind, pin.table))
        versions = sorted(wanted[kind, pin.table] | {table.version()})
        removed += len(_remove(table, versions, grace, dry_run=True) and _remove(table, versions, grace, dry_run=False))
    return removed


def _remove(table: DeltaTable, versions: list[int], grace: timedelta, *, dry_run: bool) -> list[str]:
    hours = int(grace.total_seconds() // 3600)
    return table.vacuum(
        retention_hours=hours,
        dry_run=dry_run,
        enforce_retention_duration=False,
        keep_versions=versions,
        full=True,  # also what was written for a commit that never came
    )
