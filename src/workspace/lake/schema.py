"""Columns of the lake: wide types, and what the source called them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TIMESTAMP = pa.timestamp("us", "UTC")

LOG_META = pa.schema(
    [
        pa.field("_op", pa.string()),
        pa.field("_position", pa.int64()),
        pa.field("_seq", pa.int64()),
        pa.field("_xid", pa.int64()),
        pa.field("_valid_at", TIMESTAMP),
        pa.field("_recorded_at", TIMESTAMP),
    ]
)
"""What every row of a log carries beside the source's columns.

`_op` is S (snapshot), I, U, D or T (ended by a truncate). `_position` and `_seq` order the log: the stream's
position, and the row's number in its transaction. `_valid_at` is when the change became true in the source,
`_recorded_at` when the lake learned it.
"""

CLOSED_META = pa.schema([pa.field("_ended_at", TIMESTAMP), pa.field("_ended_position", pa.int64())])
"""What a closed version carries beside its log row: when, and at which position, the next one replaced it."""

_KEY = "workspace.key"
_SOURCE_TYPE = "workspace.source_type"
_PERSONAL = "workspace.personal"
_ADDED = "workspace.added"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a log.

    Attributes:
        name: As in the source.
        type: The lake's type, wide from the first commit since Delta cannot widen in place.
        source_type: As the source names it, e.g. `numeric(12,2)`.
        key: The 1-based place in the primary key; 0 if none.
        personal: Whether it holds personal data.
    """

    name: str
    type: pa.DataType
    source_type: str
    key: int = 0
    personal: bool = False

    def field(self, *, added: bool = False) -> pa.Field:
        """Describe the column as an Arrow field; the rest travels in its metadata.

        Args:
            added: Whether the table has rows that were written before this column existed.
        """
        metadata = {_SOURCE_TYPE: self.source_type}
        if added:
            metadata[_ADDED] = "true"
        if self.key:
            metadata[_KEY] = str(self.key)
        if self.personal:
            metadata[_PERSONAL] = "true"
        return pa.field(self.name, self.type, metadata=metadata)


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Read the source's columns back from a stored schema, in stored order."""
    return tuple(
        Column(
            name=field.name,
            type=field.type,
            source_type=_text(field, _SOURCE_TYPE),
            key=int(_text(field, _KEY) or 0),
            personal=bool(_text(field, _PERSONAL)),
        )
        for field in schema
        if field.name not in LOG_META.names and field.name not in CLOSED_META.names
    )


def is_added(field: pa.Field) -> bool:
    """Tell whether there may be files that were written before this column existed."""
    return bool(_text(field, _ADDED))


def keys_of(columns: Iterable[Column]) -> tuple[str, ...]:
    """Name the key's columns in the key's order."""
    return tuple(c.name for c in sorted(columns, key=lambda c: c.key) if c.key)


def log_schema(columns: Sequence[Column]) -> pa.Schema:
    """Give the schema of a log: the source's columns, then `LOG_META`."""
    return pa.schema([*(c.field() for c in columns), *LOG_META])


def sql_type(kind: pa.DataType) -> str:
    """Name an Arrow type in DuckDB's SQL.

    Examples:
        >>> sql_type(pa.list_(pa.decimal128(18, 2)))
        'DECIMAL(18,2)[]'
    """
    if pa.types.is_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{identifier(f.name)} {sql_type(f.type)}' for f in kind)})"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    return {
        pa.int64(): "BIGINT",
        pa.int32(): "INTEGER",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.binary(): "BLOB",
        pa.string(): "VARCHAR",
    }[kind]


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _text(field: pa.Field, name: str) -> str:
    return (field.metadata or {}).get(name.encode(), b"").decode()  # type: ignore[no-any-return]
