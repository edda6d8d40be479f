"""Captured tables: the shape of their rows in the lake, as it follows the source's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.errors import LakeError
from workspace.sources.postgres.catalog import lake_column, lake_columns
from workspace.sources.postgres.types import Codec
from workspace.sources.postgres.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.lake import Column, Lake, LogTable
    from workspace.settings import PostgresSource
    from workspace.sources.postgres.catalog import Described, SourceColumn, SourceTable
    from workspace.sources.postgres.spell import Speller
    from workspace.sources.postgres.types import Types


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every table of a run shares.

    Attributes:
        source: Whose tables they are.
        lake: Where they go.
        connection: An ordinary session.
        types: The source's types.
        spell: Asks the source how it writes a value.
        recorded: The run's business time, in microseconds since 1970.
        near: A transaction id of now, in full.
    """

    source: PostgresSource
    lake: Lake
    connection: Connection[TupleRow]
    types: Types
    spell: Speller
    recorded: int
    near: int


@dataclass(frozen=True)
class Slice:
    """One column of the stream on its way to the log: how it is decoded, and what the log holds."""

    name: str
    codec: Codec
    held: pa.DataType


@dataclass(kw_only=True)
class Captured:
    """A table that is being captured.

    Attributes:
        context: The run's.
        table: As the catalog shows it.
        log: Its log.
        filled: The columns, by number, whose defaults the log's old rows have.
        notes: What a reader should know.
    """

    context: Context
    table: SourceTable
    log: LogTable
    filled: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def define(cls, context: Context, table: SourceTable) -> Captured:
        """Make the log of a table that is captured from now on."""
        columns = lake_columns(context.source, table, context.types)
        name = f"{context.source.name}.{table.lake}"
        known = _known(context.lake, name)
        held = [_reconciled(column, known) for column in columns]
        filled = {column.number for column in table.columns if column.default is not None}
        return cls(context=context, table=table, log=context.lake.define(name, held), filled=filled)

    @classmethod
    def open(cls, context: Context, table: SourceTable, filled: Sequence[int]) -> Captured:
        """Open the log of a table that has been captured before."""
        log = context.lake.log(f"{context.source.name}.{table.lake}")
        return cls(context=context, table=table, log=log, filled=set(filled))

    def shape(self, columns: Sequence[Described]) -> list[Slice]:
        """Say how to decode rows of these columns, after adding to the log those that it lacks.

        Raises:
            BadValueError: The log cannot hold them; the first row stands for all.
        """
        try:
            return self._shape(columns)
        except KeyError:
            raise BadValueError(0, "a column of a type that does not exist any more") from None
        except LakeError as error:
            raise BadValueError(0, error.message) from None

    def _shape(self, columns: Sequence[Described]) -> list[Slice]:
        known = {column.name: column for column in self.log.columns}
        codecs = {column.name: self._codec(column) for column in columns}
        wanted = []
        for column in columns:
            old = known.get(column.name)
            key = old.key if old else 0
            described = lake_column(
                self.context.source,
                self.table.lake,
                column,
                self.context.types,
                codec=codecs[column.name],
                key=key,
            )
            wanted.append(_reconciled(described, known))
        missing = set(self.log.keys) - set(codecs)
        if missing:
            raise LakeError(f"{self.log.name} lost the column {', '.join(sorted(missing))} of its key.")
        if any(column.name not in known or column.type != known[column.name].type for column in wanted):
            self._note_defaults({column.name for column in wanted} - set(known))
            self.log = self.context.lake.define(self.log.name, wanted)
        held = {column.name: column.type for column in wanted}
        return [_slice(name, codec, held[name]) for name, codec in codecs.items()]

    def _codec(self, column: Described) -> Codec:
        declared = self._declared(column.name)
        return self.context.types.codec(column.oid, column.typmod, declared.dimensions if declared else 0)

    def _declared(self, name: str) -> SourceColumn | None:
        return next((column for column in self.table.columns if column.name == name), None)

    def _note_defaults(self, added: set[str]) -> None:
        """Say where the server wrote a value into every old row without telling."""
        for name in sorted(added):
            declared = self._declared(name)
            if declared and declared.filled and declared.default is None:
                self.notes.append(
                    f"{self.log.name}.{name} was added with a default; the rows of before show NULL until they change. "
                    f"To bring them up to date: workspace resnapshot {self.context.source.name}"
                )

    def unfilled(self, names: Sequence[str]) -> list[SourceColumn]:
        """List the columns whose default the log's old rows do not have yet."""
        columns = (declared for name in names if (declared := self._declared(name)))
        return [column for column in columns if column.default is not None and column.number not in self.filled]

    def conform(self, rows: pa.Table) -> pa.Table:
        """Give rows the log's columns: NULL where they have none, as for one that was dropped or is new."""
        arrays = [
            rows.column(field.name) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
            for field in self.log.schema
        ]
        return pa.table(arrays, schema=pa.schema([pa.field(f.name, f.type) for f in self.log.schema]))


def _known(lake: Lake, name: str) -> dict[str, Column]:
    source = name.partition(".")[0]
    return {column.name: column for column in lake.log(name).columns} if name in lake.names(source) else {}


def _slice(name: str, codec: Codec, held: pa.DataType) -> Slice:
    """Let the server spell what goes into a column that has become text."""
    spelled = held == pa.string() and codec.lake != held
    return Slice(name, Codec("spelled", held, codec.oid) if spelled else codec, held)


def _reconciled(column: Column, known: Mapping[str, Column]) -> Column:
    """Keep the type that the log has where that can hold the source's new one, value by value."""
    old = known.get(column.name)
    fits = old is not None and (old.type == pa.string() or (_exact(old.type) and _exact(column.type)))
    return dataclasses.replace(column, type=old.type) if old and fits else column


def _exact(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def held(values: pa.Array, slice_: Slice) -> pa.Array:
    """Give values the type that the log has for them."""
    if values.type == slice_.held:
        return values
    try:
        return values.cast(slice_.held)
    except pa.ArrowInvalid:
        singles = (values.slice(index, 1) for index in range(len(values)))
        bad = next((index for index, value in enumerate(singles) if not _fits(value, slice_.held)), 0)
        raise BadValueError(bad, f"a number in {slice_.name} that the log's {slice_.held} cannot hold") from None


def _fits(value: pa.Array, kind: pa.DataType) -> bool:
    try:
        value.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
