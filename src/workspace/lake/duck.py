"""DuckDB over pinned Delta versions, as an Ibis backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from workspace.lake.delta import scan_sql
from workspace.lake.schema import identifier

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from ibis.backends.duckdb import Backend


def connect() -> Backend:
    """Open an in-memory DuckDB whose session time zone is UTC."""
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET TimeZone = 'UTC'")
    backend.raw_sql("SET preserve_insertion_order = false")
    return backend


def register(backend: Backend, name: str, table: DeltaTable, *, after: int = 0) -> ibis.Table:
    """Make a pinned version readable under a name, and give it as an Ibis table.

    Args:
        backend: Where it becomes a view.
        name: Of the view.
        table: An open version.
        after: Files whose rows all lie at or before this position may be left out.
    """
    backend.raw_sql(f"CREATE OR REPLACE VIEW {identifier(name)} AS {scan_sql(table, after=after)}")
    return backend.table(name)


def count(rows: ibis.Table) -> int:
    """Count rows, without the import of pandas that `execute` costs."""
    return int(rows.count().to_pyarrow().as_py())
