"""A column that was added with a default: the server shows it on old rows and sends no change of them.

The catalog knows the value until the table is rewritten. The log gets it as an update of every row of before, at
the first position at which the column is known to exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import pq

from workspace.lake import LOG_META
from workspace.sources.postgres.catalog import as_text
from workspace.sources.postgres.decode import Field, decode
from workspace.sources.postgres.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workspace.sources.postgres.tables import Captured, Slice

_META = LOG_META.names


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the log, and from when on, the values count."""

    position: int
    valid: int


def backfilled(
    captured: Captured, slices: Sequence[Slice], pending: Sequence[pa.Table], place: Place
) -> pa.RecordBatchReader:
    """Give the rows that exist and lack the value of a column's default, with it.

    Args:
        captured: The table.
        slices: The columns.
        pending: Rows that are not in the log yet.
        place: The rows' position and valid time.
    """
    values = {slice_.name: _default(captured, slice_) for slice_ in slices}
    schema = pa.schema([pa.field(f.name, f.type) for f in captured.log.schema])
    live = captured.log.live(pending)
    return pa.RecordBatchReader.from_batches(schema, _updated(captured, live, schema, values, place))


def _updated(
    captured: Captured, live: pa.RecordBatchReader, schema: pa.Schema, values: dict[str, pa.Scalar], place: Place
) -> Iterator[pa.RecordBatch]:
    for batch in live:
        lacking = np.zeros(len(batch), np.bool_)
        columns = {name: batch.column(name) for name in schema.names if name not in _META}
        for name, value in values.items():
            empty = columns[name].is_null()
            lacking |= empty.to_numpy(zero_copy_only=False)
            columns[name] = pa.compute.if_else(empty, value, columns[name])
        meta = {"_op": "U", "_position": place.position, "_seq": -1, "_xid": 0, "_valid_at": place.valid}
        for name, value in (meta | {"_recorded_at": captured.context.recorded}).items():
            columns[name] = pa.repeat(pa.scalar(value).cast(LOG_META.field(name).type), len(batch))
        whole = pa.record_batch([columns[f.name].cast(f.type) for f in schema], schema=schema)
        yield whole.filter(pa.array(lacking))


def _default(captured: Captured, slice_: Slice) -> pa.Scalar:
    """Ask the server for the value, in the form in which the stream would send it."""
    column = next(column for column in captured.table.columns if column.name == slice_.name)
    kind = captured.context.types.name(column.oid, column.typmod)
    spelled = "::text" if slice_.codec.how == "spelled" else ""
    query = f"select (({as_text(column.default)}::text[])[1])::{kind}{spelled}"
    result = captured.context.connection.pgconn.exec_params(query.encode(), None, result_format=1)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    value = result.get_value(0, 0)
    data = bytearray(value or b"")
    length = -1 if value is None else len(value)
    field = Field(np.zeros(1, np.int64), np.array([length]), np.array([bool(spelled)]))
    return decode(Rows.padded(data), field, slice_.codec, captured.context.spell)[0].cast(slice_.held)
