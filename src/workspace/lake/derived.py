"""Derived tables: calculated from a release, replaced whole, one commit for each state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspace.lake import delta

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from workspace.lake.lake import Lake
    from workspace.lake.releases import Release

_APP = "derived"


def derived_from(lake: Lake, name: str) -> dict[str, str]:
    """Tell what a derived table was calculated from, as its newest commit with rows says; empty if there is none."""
    uri = lake.layout.uri("derived", name)
    if not delta.exists(uri):
        return {}
    commits = delta.open_table(uri).history()
    return next((_said(commit) for commit in commits if "release" in commit), {})


def derive(lake: Lake, name: str, rows: pa.Table, release: Release, said: Mapping[str, str]) -> str:
    """Replace a derived table in one commit, which says what it was calculated from.

    Args:
        lake: Where; the table lies at `<lake>/derived/<source>/<table>`.
        name: `<source>.<table>`.
        rows: All of its rows. They may have other columns than before.
        release: What they were calculated from.
        said: What else the commit says, beside `release` and `as_of`.

    Returns:
        Where the table is.

    Raises:
        LakeError: Another process replaced it at the same time, or the name is none.
    """
    uri = lake.layout.uri("derived", name)
    # No statistics: whatever is derived may be personal, and the Delta log keeps what it was told.
    delta.create(uri, rows.schema, statistics=[])
    metadata = {"release": release.name, "as_of": release.as_of.isoformat(), **said}
    table = delta.open_table(uri)
    delta.commit(table, rows, app=_APP, version=release.sequence, replace=True, reshape=True, metadata=metadata)
    return uri


def _said(commit: Mapping[str, object]) -> dict[str, str]:
    """Leave out what Delta itself writes into a commit: all of that is there in the commit of an empty table too."""
    return {name: value for name, value in commit.items() if isinstance(value, str) and name not in _DELTA}


_DELTA = frozenset({"operation", "engineInfo", "clientVersion"})
