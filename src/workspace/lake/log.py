"""The log of one table: every observed change, appended exactly once."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import Schema

from workspace.errors import LakeError
from workspace.lake import delta
from workspace.lake.schema import CLOSED_META, LOG_META, Column, columns_of, keys_of, log_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import ibis

    from workspace.lake.layout import Kind, Layout

    Where = Callable[[ibis.Table], ibis.expr.types.BooleanValue]

CAPTURE = "capture"
_KINDS: tuple[Kind, ...] = ("log", "current", "closed")


class LogTable:
    """An append-only Delta table with the changes of one source table, and its folds beside it.

    Attributes:
        name: `<source>.<table>`.
    """

    def __init__(self, layout: Layout, name: str) -> None:
        self.name = name
        self._layout = layout
        self._table = delta.open_table(layout.uri("log", name))

    @property
    def schema(self) -> pa.Schema:
        """The source's columns, then `LOG_META`."""
        stored = delta.schema_of(self._table)
        return log_schema(columns_of(stored))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The source's columns, in the order in which they appeared."""
        return columns_of(delta.schema_of(self._table))

    @property
    def keys(self) -> tuple[str, ...]:
        """The primary key's columns, in its order."""
        return keys_of(self.columns)

    @property
    def position(self) -> int:
        """The position up to which changes are durable; 0 if none are."""
        return self._table.transaction_version(CAPTURE) or 0

    def append(self, rows: pa.Table | pa.RecordBatchReader, *, position: int, replace: bool = False) -> int:
        """Append changes and the position they reach, in one commit.

        Args:
            rows: In the log's schema, any order of columns. Rows at or before the stored position are a replay
                and are left out.
            position: How far the log reaches afterwards.
            replace: Start over: for a first snapshot that was cut off before anyone could see it.

        Returns:
            How many rows were written.

        Raises:
            LakeError: `position` lies before the stored one, or another process wrote meanwhile.
        """
        done = 0 if replace else self.position
        if position < done:
            msg = f"{self.name} is durable up to position {done}; an end at {position} lies before it."
            raise LakeError(msg, cure="The source was rewound. Run `workspace doctor`.")
        if position == done and not replace:
            return 0
        counted = delta.Counted(self._batches(rows, done))
        reader = pa.RecordBatchReader.from_batches(delta.storable(delta.schema_of(self._table)), counted)
        delta.commit(self._table, reader, app=CAPTURE, version=position, replace=replace)
        return counted.rows

    def latest(self, keys: pa.Table, pending: Sequence[pa.Table] = ()) -> pa.Table:
        """Give the newest row of each given key; keys that have ended or are unknown are left out.

        Args:
            keys: A table with the key's columns.
            pending: Rows in the log's schema that are not appended yet, newer than all stored ones.
        """
        return self._live(pending, keys).to_pyarrow().cast(self.schema)

    def live(self, pending: Sequence[pa.Table] = (), *, where: Where | None = None) -> pa.RecordBatchReader:
        """Stream the rows that exist now, in the log's schema.

        Args:
            pending: Rows in the log's schema that are not appended yet, newer than all stored ones.
            where: Only those for which this holds; it may ask for columns of the key and no others, as it is asked of
                every version of a row.
        """
        return self._live(pending, None, where).to_pyarrow_batches()

    def _live(self, pending: Sequence[pa.Table], keys: pa.Table | None, where: Where | None = None) -> ibis.Table:
        # Ibis costs most of a second to import; a run that only appends never pays it.
        import ibis

        from workspace.lake import duck, views
        from workspace.lake.parts import open_parts

        backend = duck.connect()
        parts = open_parts(partial(duck.register, backend), self._layout, self.name)
        if pending:
            fresh = backend.create_table("pending", pa.concat_tables([p.select(self.schema.names) for p in pending]))
            parts = dataclasses.replace(parts, log=ibis.union(parts.log, fresh))
        if keys is not None:
            wanted = backend.create_table("wanted", keys.select(list(parts.keys)))
            parts = dataclasses.replace(
                parts,
                log=parts.log.semi_join(wanted, parts.keys),
                current=parts.current.semi_join(wanted, parts.keys),
            )
        if where is not None:
            parts = dataclasses.replace(parts, log=parts.log.filter(where), current=parts.current.filter(where))
        return views.live(parts).select(self.schema.names)

    def _batches(self, rows: pa.Table | pa.RecordBatchReader, done: int) -> Iterator[pa.RecordBatch]:
        schema = delta.storable(delta.schema_of(self._table))
        for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
            fresh = batch.filter(pc.greater(batch.column("_position"), done))
            if fresh.num_rows:
                yield fresh.select(schema.names).cast(schema)


def define(layout: Layout, name: str, columns: Sequence[Column]) -> LogTable:
    """Create the three tables of a captured table empty, or add the columns that they lack.

    Args:
        layout: Of the lake.
        name: `<source>.<table>`.
        columns: As the source has them now. A column that the source dropped stays in the lake.

    Raises:
        LakeError: There is no key, the key changed, or a column changed to a type that the lake's cannot hold.
    """
    if not keys_of(columns):
        raise LakeError(f"{name} has no primary key.", cure="Add one in the source, or leave the table out.")
    schema = log_schema(columns)
    statistics = [*keys_of(columns), *(n for n in LOG_META.names if n != "_op")]
    for kind in _KINDS:
        uri = layout.uri(kind, name)
        whole = pa.schema([*schema, *CLOSED_META]) if kind == "closed" else schema
        listed = [*statistics, *CLOSED_META.names] if kind == "closed" else statistics
        delta.create(uri, whole, statistics=listed)
        table = delta.open_table(uri)
        missing = _missing(name, columns, columns_of(delta.schema_of(table)))
        if missing:
            added = Schema.from_arrow(pa.schema([column.field(added=True) for column in missing]))
            table.alter.add_columns(list(added.fields))
    return LogTable(layout, name)


def _missing(name: str, columns: Sequence[Column], stored: Sequence[Column]) -> list[Column]:
    have = {column.name: column for column in stored}
    if keys_of(columns) != keys_of(stored):
        msg = (
            f"The primary key of {name} was ({', '.join(keys_of(stored))}) and is now ({', '.join(keys_of(columns))})."
        )
        raise LakeError(msg, cure="A key is for good: publish the table under a new name.")
    for column in columns:
        old = have.get(column.name)
        if old and old.type != column.type:
            msg = (
                f"{name}.{column.name} is {column.source_type} in the source, which the lake's {old.type} cannot hold."
            )
            raise LakeError(msg, cure="Rename the column in the source, so that the lake keeps both.")
    return [column for column in columns if column.name not in have]
