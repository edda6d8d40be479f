"""Keeping the lake small without touching what a kept release needs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from workspace.lake import delta
from workspace.lake.crash import crash_point
from workspace.lake.releases import releases

if TYPE_CHECKING:
    from datetime import datetime

    from deltalake import DeltaTable

    from workspace.lake.fold import Folded
    from workspace.lake.lake import Lake
    from workspace.lake.layout import Kind
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
    newest = published[-1]
    folded = tuple(fold(lake.layout, pin.table, to=pin.position, force=force) for pin in newest.tables.values())
    compacted = tuple(_compact(lake, name, force=force) for name in newest.tables)
    kept = kept_releases(published, keep, now)
    removed = sum(_vacuum(lake, name, kept, grace) for name in newest.tables)
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


def _compact(lake: Lake, name: str, *, force: bool) -> str:
    done = ""
    for kind in _APPENDED:
        table = delta.open_table(lake.layout.uri(kind, name))
        files = len(table.file_uris())
        if files > SMALL_FILES or (force and files > 1):
            table.optimize.compact()
            crash_point("maintenance.after_compact")
            done = name
    return done


def _vacuum(lake: Lake, name: str, kept: list[Release], grace: timedelta) -> int:
    pinned: dict[str, set[int]] = defaultdict(set)
    for release in kept:
        if pin := release.tables.get(name):
            for kind in _PARTS:
                pinned[kind].add(getattr(pin, kind))
    removed = 0
    for kind in _PARTS:
        table = delta.open_table(lake.layout.uri(kind, name))
        wanted = sorted(pinned[kind] | {table.version()})
        removed += len(_remove(table, wanted, grace, dry_run=True) and _remove(table, wanted, grace, dry_run=False))
    return removed


def _remove(table: DeltaTable, versions: list[int], grace: timedelta, *, dry_run: bool) -> list[str]:
    hours = int(grace.total_seconds() // 3600)
    return table.vacuum(
        retention_hours=hours, dry_run=dry_run, enforce_retention_duration=False, keep_versions=versions
    )
