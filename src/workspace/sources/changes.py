"""What a source that is read whole, or window by window, has changed since the last time, as rows of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from workspace.lake.schema import identifier

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    import pyarrow as pa

    from workspace.lake import LogTable


def changes(
    fresh: pa.Table,
    known: pa.Table | pa.RecordBatchReader,
    log: LogTable,
    *,
    position: int,
    now: datetime,
    ignored: Collection[str] = (),
) -> pa.Table:
    """Compare what a source says now with what the lake holds of the same rows.

    Args:
        fresh: What it says, in the log's columns; one row a key.
        known: The live rows that are compared: whatever of them is not in `fresh` has gone.
        log: Whose rows they are.
        position: The position of the changes.
        now: The business time, from which they are known.
        ignored: Columns whose change alone is none, such as who told us.

    Returns:
        New (S in an empty log, else I), changed (U) and gone (D) rows, in the log's schema; of a gone row only the key.
    """
    columns = [column.name for column in log.columns]
    keys = log.keys
    rest = [name for name in columns if name not in keys]
    compared = [name for name in rest if name not in ignored]
    same = " AND ".join(f"fresh.{identifier(key)} = known.{identifier(key)}" for key in keys)
    both = ", ".join(f"coalesce(fresh.{identifier(key)}, known.{identifier(key)}) AS {identifier(key)}" for key in keys)
    values = "".join(f", fresh.{identifier(name)}" for name in rest)
    differs = " OR ".join(f"fresh.{n} IS DISTINCT FROM known.{n}" for n in map(identifier, compared)) or "false"
    order = ", ".join(identifier(key) for key in keys)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("fresh", fresh)
    connection.register("stored", known)
    connection.execute(f"CREATE TABLE known AS SELECT {', '.join(map(identifier, columns))} FROM stored")  # noqa: S608
    found = connection.execute(
        f"""
        WITH changed AS (
            SELECT {both}{values},
                CASE WHEN fresh.{identifier(keys[0])} IS NULL THEN 'D'
                     WHEN known.{identifier(keys[0])} IS NOT NULL THEN 'U' WHEN $first THEN 'S' ELSE 'I' END AS _op
            FROM fresh FULL JOIN known ON {same}
            WHERE fresh.{identifier(keys[0])} IS NULL OR known.{identifier(keys[0])} IS NULL OR {differs}
        )
        SELECT *, $position AS _position, row_number() OVER (ORDER BY {order}) AS _seq, 0 AS _xid,
            $now::TIMESTAMPTZ AS _valid_at, $now::TIMESTAMPTZ AS _recorded_at
        FROM changed
        """,  # noqa: S608
        {"first": log.position == 0, "position": position, "now": now.isoformat()},
    ).to_arrow_table()
    connection.close()
    return found.select(log.schema.names).cast(log.schema)
