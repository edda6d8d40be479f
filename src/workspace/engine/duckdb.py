"""A release on DuckDB: every table a view over exactly the release's files, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workspace.engine.base import HISTORY, Engine
from workspace.errors import SemanticError
from workspace.lake import duck
from workspace.lake.schema import identifier, literal

if TYPE_CHECKING:
    import ibis
    from deltalake import DeltaTable

    from workspace.lake import Lake, Release


class DuckDBEngine(Engine):
    """Reads one release of a lake inside this process.

    Args:
        lake: Where the tables are.
        release: What to see of them.
    """

    def __init__(self, lake: Lake, release: Release) -> None:
        super().__init__(lake, release)
        self._backend = duck.connect()
        self._named: set[str] = set()
        self._lock()

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

    def _register(self, name: str, table: DeltaTable, *, after: int = 0) -> ibis.Table:
        return duck.register(self._backend, name, table, after=after)

    def _name(self, name: str) -> None:
        if name in self._named:
            return
        source, _, table = name.partition(".")
        self._backend.raw_sql(f"CREATE SCHEMA IF NOT EXISTS {identifier(source)}")
        self._backend.create_view(table, self.table(name), database=source)
        if self.has_history(name):
            self._backend.create_view(f"{table}{HISTORY}", self.history(name), database=source)
        self._named.add(name)

    def _lock(self) -> None:
        """Let DuckDB read the lake's folder and nothing else, for the connection's whole life."""
        root = str(Path(self._lake.layout.root).resolve())
        self._backend.raw_sql(f"SET allowed_directories = [{literal(root)}]")
        self._backend.raw_sql("SET enable_external_access = false")
        self._backend.raw_sql("SET lock_configuration = true")
