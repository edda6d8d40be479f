"""A release on DuckDB: every table a view over exactly the release's files, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workspace.errors import LakeError, SemanticError, did_you_mean
from workspace.lake import delta, duck, views
from workspace.lake.parts import open_parts
from workspace.lake.schema import LOG_META, identifier, literal

if TYPE_CHECKING:
    from datetime import datetime

    import ibis

    from workspace.lake import Lake, Release

SYSTEM = "system"
HISTORY = "_history"
"""What the SQL name of a table's history ends with: `user_db.users_history`."""

_SYSTEM_TABLES = ("checks", "releases", "runs", "watermarks")


class DuckDBEngine:
    """Reads one release of a lake, and can change nothing.

    Args:
        lake: Where the tables are.
        release: What to see of them.
    """

    def __init__(self, lake: Lake, release: Release) -> None:
        self.release = release
        self._lake = lake
        self._backend = duck.connect()
        self._parts: dict[str, views.Parts] = {}
        self._named: set[str] = set()
        self._lock()

    @property
    def tables(self) -> list[str]:
        """The tables of the release, by name."""
        return sorted(self.release.tables)

    def table(self, name: str) -> ibis.Table:
        """Give a table's live rows; a `system` table as it is now.

        Raises:
            LakeError: The release has no such table.
        """
        if name.startswith(f"{SYSTEM}."):
            return self._system(name)
        parts = self._open(name)
        return views.live(parts).drop(LOG_META.names)

    def history(self, name: str) -> ibis.Table:
        """Give every version of every row, with `valid_from` and `valid_to` (half-open, UTC).

        Raises:
            LakeError: The release has no such table.
        """
        return views.versions(self._open(name)).drop(LOG_META.names)

    def deleted(self, name: str) -> ibis.Table:
        """Give every deletion of a row: the key's columns, and the moment as `deleted_at` (UTC).

        Raises:
            LakeError: The release has no such table.
        """
        parts, pin = self._open(name), self.release.tables[name]
        whole = delta.open_table(self._lake.layout.uri("log", name), pin.log)
        return views.deleted(duck.register(self._backend, f"whole log.{name}", whole), parts.keys, pin.position)

    def valid_at(self, name: str, moment: datetime) -> ibis.Table:
        """Give the rows that were true at a moment, as known in this release.

        Raises:
            LakeError: The release has no such table.
        """
        return views.at(self.history(name), moment).drop("valid_from", "valid_to")

    def sql(self, text: str) -> ibis.Table:
        """Ask in DuckDB's SQL; `user_db.users` is a table's live rows, `user_db.users_history` its history.

        Raises:
            SemanticError: It is no single SELECT, or DuckDB refuses it.
        """
        for name in self.tables:
            self._name(name)
        try:
            statements = self._backend.con.extract_statements(text)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                msg = "A release is read-only: sql() takes one SELECT."
                raise SemanticError(msg, cure="Keep results of your own with .to_pandas() or .to_parquet(...).")
            return self._backend.sql(text)
        except duckdb.Error as error:
            raise SemanticError(f"DuckDB refuses this SQL: {error}", cure="Mend the statement.") from None

    def _open(self, name: str) -> views.Parts:
        if name not in self._parts:
            pin = self.release.tables.get(name)
            if pin is None:
                msg = f"Release {self.release.name} has no table {name!r}."
                raise LakeError(msg, cure=did_you_mean(name, self.tables))
            self._parts[name] = open_parts(self._backend, self._lake.layout, name, pin.versions)
        return self._parts[name]

    def _system(self, name: str) -> ibis.Table:
        table = name.partition(".")[2]
        uri = self._lake.layout.uri("system", table)
        if not delta.exists(uri):
            raise LakeError(f"There is no table {name} yet.", cure=did_you_mean(table, _SYSTEM_TABLES))
        return duck.register(self._backend, name, delta.open_table(uri))

    def _name(self, name: str) -> None:
        if name in self._named:
            return
        source, _, table = name.partition(".")
        self._backend.raw_sql(f"CREATE SCHEMA IF NOT EXISTS {identifier(source)}")
        for suffix, rows in (("", self.table(name)), (HISTORY, self.history(name))):
            self._backend.create_view(f"{table}{suffix}", rows, database=source)
        self._named.add(name)

    def _lock(self) -> None:
        """Let DuckDB read the lake's folder and nothing else, for the connection's whole life."""
        root = str(Path(self._lake.layout.root).resolve())
        self._backend.raw_sql(f"SET allowed_directories = [{literal(root)}]")
        self._backend.raw_sql("SET enable_external_access = false")
        self._backend.raw_sql("SET lock_configuration = true")
