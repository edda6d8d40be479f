"""What a table's rows are now, against what its log says: the changes that nobody saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from workspace.lake import LOG_META
from workspace.sources.postgres.catalog import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workspace.lake import LogTable


def differences(log: LogTable, fresh: pa.RecordBatchReader, columns: Sequence[str], folder: Path) -> pa.Table:
    """Give the changes that lead from the log's rows to fresh ones.

    Args:
        log: The log.
        fresh: The rows that there are, in the log's schema.
        columns: Those to compare; a column that the source has dropped makes no difference.
        folder: Where to sort it out when there is no room in memory.

    Returns:
        The source's columns, `_op` (I, U or D) and `_seq`, in the order of the key.
    """
    with duckdb.connect(str(folder / "differences.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("fresh_rows", fresh)
        connection.execute("CREATE TABLE fresh AS FROM fresh_rows")
        connection.register("known_rows", log.live())
        connection.execute("CREATE TABLE known AS FROM known_rows")
        found = connection.execute(_query(log, columns)).to_arrow_table()
    (folder / "differences.duckdb").unlink()
    return found.cast(pa.schema([pa.field(name, log.schema.field(name).type) for name in found.column_names]))


def _query(log: LogTable, columns: Sequence[str]) -> str:
    keys = [quoted(name) for name in log.keys]
    compared = [quoted(name) for name in columns if name not in log.keys]
    same = " AND ".join(f"f.{key} = k.{key}" for key in keys)
    differs = " OR ".join(f"f.{name} IS DISTINCT FROM k.{name}" for name in compared) or "false"
    chosen = []
    for field in log.schema:
        name = quoted(field.name)
        if field.name in log.keys:
            chosen.append(f"coalesce(f.{name}, k.{name}) AS {name}")
        elif field.name not in LOG_META.names:
            chosen.append(f"f.{name}")
    order = ", ".join(f"coalesce(f.{key}, k.{key})" for key in keys)
    chosen.append("CASE WHEN k._op IS NULL THEN 'I' WHEN f._op IS NULL THEN 'D' ELSE 'U' END AS _op")
    chosen.append(f"row_number() OVER (ORDER BY {order}) - 1 AS _seq")
    shown = ", ".join(chosen)
    return f"""
        SELECT {shown} FROM fresh f FULL JOIN known k ON {same}
        WHERE f._op IS NULL OR k._op IS NULL OR {differs} ORDER BY _seq
    """  # noqa: S608 - every name is quoted
