"""A release without its personal columns, for those who may not see them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from workspace.settings import PostgresSource, SheetsSource, SnowplowSource

if TYPE_CHECKING:
    from workspace.front import Workspace
    from workspace.lake import Release
    from workspace.settings import Settings


class Discreet:
    """Reads a release like the workspace itself, but for the columns that hold personal data.

    They are not there: no metric, path or condition can reach them, so nothing of them can leave, not even by
    guessing. What is personal is what the settings name now, and what they named when a column was first captured.

    Attributes:
        release: Which one.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.release: Release = workspace.release
        self._workspace = workspace
        self._personal = cache(self._find)

    def table(self, name: str) -> Any:
        """Give a table's live rows, without personal columns."""
        return self._without(self._workspace.table(name), name)

    def history(self, name: str) -> Any:
        """Give every version of a table's rows, without personal columns."""
        return self._without(self._workspace.history(name), name)

    def personal(self) -> list[str]:
        """Name the columns that are left out, each `<source>.<table>.<column>`."""
        return [f"{table}.{column}" for table in self._workspace.tables for column in sorted(self._personal(table))]

    def _without(self, rows: Any, name: str) -> Any:
        hidden = [column for column in rows.columns if column in self._personal(name)]
        return rows.drop(*hidden) if hidden else rows

    def _find(self, name: str) -> frozenset[str]:
        # What is no part of a release has no such marks.
        columns = self._workspace.columns(name) if name in self._workspace.tables else ()
        # Events by name are typed by their schema, so what the settings do not call personal is not; but their JSON
        # may hold anything.
        whole = {"data"} if ":" in name else set()
        # The settings name columns of tables, and a view has them of its tables.
        listed = {c for origin in self._workspace.origins(name) for c in _named(self._workspace.settings, origin)}
        return frozenset({c.name for c in columns if c.personal} | listed | whole)


def _named(settings: Settings, name: str) -> set[str]:
    source, _, table = name.partition(".")
    found = settings.sources.get(source)
    if isinstance(found, SnowplowSource):
        return set(found.personal)
    if isinstance(found, SheetsSource) and table in found.tables:
        return {column.name for column in found.tables[table].columns.values() if column.personal}
    listed = found.personal if isinstance(found, PostgresSource) else ()
    return {entry.rpartition(".")[2] for entry in listed if entry.rpartition(".")[0] == table}
