"""Reading live rows and history with a 5 % unfolded tail, against plain `read_parquet` of the same rows.

Aim: at most 2.5 times the CPU. Also: what 10,000 changes on a table of 5 million rows write; aim: under 1 MB.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from measure import ratio, report, size_of
from workspace.lake import Column, Lake, duck, views
from workspace.lake.fold import fold
from workspace.lake.parts import open_parts

if TYPE_CHECKING:
    import ibis

    from workspace.lake import LogTable

ROWS = 5_000_000
TABLE = "shop.items"
COLUMNS = (
    Column(name="id", type=pa.int64(), source_type="bigint", key=1),
    Column(name="owner", type=pa.int64(), source_type="bigint"),
    Column(name="amount", type=pa.decimal128(18, 2), source_type="numeric(12,2)"),
    Column(name="state", type=pa.string(), source_type="text"),
)


def changes(op: str, ids: str, position: int, minute: int) -> pa.RecordBatchReader:
    """Make one row per id: its values follow from the id and the position."""
    generated = duckdb.sql(f"""
        SELECT id, id % 9973 AS owner, ((id * 7919 + {position}) % 1000000 / 100)::DECIMAL(18, 2) AS amount,
            CASE id % 3 WHEN 0 THEN 'new' WHEN 1 THEN 'open' ELSE 'done' END AS state, '{op}' AS _op,
            {position}::BIGINT AS _position, row_number() OVER () AS _seq, 0::BIGINT AS _xid,
            TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL ({minute}) MINUTE AS _valid_at,
            TIMESTAMPTZ '2026-02-01 00:00:00+00' AS _recorded_at
        FROM ({ids})""")
    return generated.to_arrow_reader(100_000)


def append(log: LogTable, op: str, ids: str, position: int) -> None:
    log.append(changes(op, ids, position, position), position=position)


def total(rows: ibis.Table) -> None:
    rows.group_by("state").aggregate(total=rows.amount.sum(), ids=rows.id.max(), owners=rows.owner.sum()).to_pyarrow()


def total_then(versions: ibis.Table) -> None:
    total(views.at(versions, datetime(2026, 1, 1, 0, 12, tzinfo=UTC)))


def main() -> None:
    duckdb.sql("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory() as root:
        lake = Lake(f"{root}/lake")
        log = lake.define(TABLE, COLUMNS)
        append(log, "S", f"SELECT range AS id FROM range({ROWS})", 1)
        fold(lake.layout, TABLE, to=1)
        before = size_of(root)
        append(log, "U", f"SELECT (range * 499) % {ROWS} AS id FROM range(10000)", 2)
        written = size_of(root) - before
        print(f"10,000 changes on {ROWS:,} rows write {written / 1e6:.2f} MB (aim: under 1 MB)")
        for step in range(24):
            append(log, "U", f"SELECT (range * 479 + {step}) % {ROWS} AS id FROM range(10000)", 3 + step)
        parts = open_parts(partial(duck.register, duck.connect()), lake.layout, TABLE)
        for name, rows, asked in (
            ("current", views.live(parts), total),
            ("history at a moment", views.versions(parts), total_then),
        ):
            plain = f"{root}/{name}.parquet"
            rows.to_parquet(plain)
            reference = duck.connect().read_parquet(plain)
            ours, theirs = ratio(partial(asked, rows), partial(asked, reference))
            report(f"reading {name}, 5 % tail of {ROWS:,} rows", ours, theirs, unit="CPU s", aim=2.5)


if __name__ == "__main__":
    main()
