"""A release on DuckDB: every table a view over exactly the release's files, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workspace.engine.base import HISTORY, Engine
from workspace.engine.views import none
from workspace.errors import SemanticError
from workspace.lake import duck
from workspace.lake.schema import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import ibis
    import ibis.expr.datatypes as dt
    from deltalake import DeltaTable

    from workspace.lake import Lake, Release, View


_CATALOGS = ("information_schema", "pg_catalog", "duckdb_")
"""What a statement names that asks which tables there are."""


class DuckDBEngine(Engine):
    """Reads one release of a lake inside this process.

    Args:
        lake: Where the tables are.
        release: What to see of them.
        given: Gives the views that there may be over them.
    """

    def __init__(self, lake: Lake, release: Release, given: Callable[[], Iterable[View]] = none) -> None:
        super().__init__(lake, release, given)
        self._backend = duck.connect()
        self._named: set[str] = set()
        self._lock()

    def sql(self, text: str) -> ibis.Table:
        """Ask in DuckDB's SQL; `user_db.users` is a table's live rows, `user_db.users_history` its history.

        Raises:
            SemanticError: It is no single SELECT, or DuckDB refuses it.
        """
        for name in self._meant(text):
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

    def _meant(self, text: str) -> list[str]:
        """List the tables that a statement may mean: to name all takes seconds, many a question less."""
        asked = text.lower().replace('""', '"')
        if any(catalog in asked for catalog in _CATALOGS):
            return self.tables
        return [name for name in self.tables if name.partition(".")[2].lower() in asked]

    def _name(self, name: str) -> None:
        if name in self._named:
            return
        self._put(name, self.table(name))
        past = f"{name}{HISTORY}"
        if self.has_history(name) and past not in self.tables:
            self._put(past, self.history(name))
        self._named.add(name)

    def _put(self, name: str, rows: ibis.Table) -> None:
        source, _, table = name.partition(".")
        self._backend.raw_sql(f"CREATE SCHEMA IF NOT EXISTS {identifier(source)}")
        self._backend.create_view(table, rows, database=source)

    def _shown(self, name: str, rows: ibis.Table, *, kept: bool) -> ibis.Table:
        # Its text is translated once, and not again for each question.
        made = self._backend.create_table(name, rows) if kept else self._backend.create_view(name, rows)
        # DuckDB sums whole numbers into wider ones than Ibis promises.
        kinds = {name: kind for name, kind in rows.schema().items() if not _same(made[name].type(), kind)}
        return made.cast(kinds) if kinds else made

    def _lock(self) -> None:
        """Let DuckDB read the lake's folder and nothing else, for the connection's whole life."""
        root = str(Path(self._lake.layout.root).resolve())
        self._backend.raw_sql(f"SET allowed_directories = [{literal(root)}]")
        self._backend.raw_sql("SET enable_external_access = false")
        self._backend.raw_sql("SET lock_configuration = true")


def _same(one: dt.DataType, other: dt.DataType) -> bool:
    return bool(one.copy(nullable=True) == other.copy(nullable=True))
