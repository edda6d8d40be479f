"""PostgreSQL's types and how each is held in the lake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import Connection
    from psycopg.rows import TupleRow

TIMESTAMP = pa.timestamp("us", "UTC")
How = Literal[
    "int", "uint", "float", "bool", "numeric", "text", "bytes", "uuid", "jsonb", "date", "timestamp", "array", "spelled"
]


@dataclass(frozen=True)
class Codec:
    """How a type's binary form becomes a lake value.

    Attributes:
        how: The kind of decoding; `spelled` means that the server is asked for the value's text.
        lake: The lake's type.
        oid: The type as it is sent.
        width: In bytes, where it is fixed.
        item: Of an array, the elements' codec.
    """

    how: How
    lake: pa.DataType
    oid: int
    width: int = 0
    item: Codec | None = None


_NUMERIC = 1700
_PLAIN: Mapping[int, tuple[How, pa.DataType, int]] = {
    16: ("bool", pa.bool_(), 1),
    17: ("bytes", pa.binary(), 0),
    19: ("text", pa.string(), 0),  # name
    20: ("int", pa.int64(), 8),
    21: ("int", pa.int64(), 2),
    23: ("int", pa.int64(), 4),
    25: ("text", pa.string(), 0),
    26: ("uint", pa.int64(), 4),  # oid
    114: ("text", pa.string(), 0),  # json
    700: ("float", pa.float64(), 4),
    701: ("float", pa.float64(), 8),
    1042: ("text", pa.string(), 0),  # char(n), with its blanks
    1043: ("text", pa.string(), 0),
    1082: ("date", pa.date32(), 4),
    1114: ("timestamp", TIMESTAMP, 8),
    1184: ("timestamp", TIMESTAMP, 8),
    2950: ("uuid", pa.string(), 16),
    3802: ("jsonb", pa.string(), 0),
}

_QUERY = """
    select t.oid::bigint, t.typtype::text, t.typbasetype::bigint, t.typtypmod,
           coalesce((select e.oid from pg_type e where e.typarray = t.oid), 0)::bigint
    from pg_type t where t.oid = any(%s::oid[])
"""


class Types:
    """What the server's catalog says about types, asked once each.

    Args:
        connection: To ask it.
    """

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._known: dict[int, tuple[str, int, int, int]] = {}

    def codec(self, oid: int, typmod: int, dimensions: int = 0) -> Codec:
        """Choose how a column of this type is held.

        Whatever has no counterpart in the lake is held as the text that the server writes for it, which is exact.

        Args:
            oid: The type.
            typmod: Its modifier, -1 for none.
            dimensions: As declared: `integer[][]` has two.

        Raises:
            KeyError: The type does not exist any more.
        """
        if oid == _NUMERIC:
            held = _decimal(typmod)
            return Codec("numeric", held, oid) if held else Codec("spelled", pa.string(), oid)
        if oid in _PLAIN:
            how, held, width = _PLAIN[oid]
            return Codec(how, held, oid, width)
        kind, base, base_typmod, element = self._look_up(oid)
        if kind == "e":
            return Codec("text", pa.string(), oid)
        if kind == "d":  # sent just as its base type
            return self.codec(base, base_typmod, dimensions)
        if element and dimensions < 2:
            item = self.codec(element, typmod)
            if item.how not in ("spelled", "array"):
                return Codec("array", pa.list_(item.lake), oid, item=item)
        return Codec("spelled", pa.string(), oid)

    def name(self, oid: int, typmod: int) -> str:
        """Name a type as the source does, e.g. `numeric(12,2)`."""
        row = self._connection.execute("select format_type(%s::oid, %s)", [oid, typmod]).fetchone()
        return str(row[0]) if row else ""

    def learn(self, oids: Iterable[int]) -> None:
        """Ask for many types at once."""
        wanted = [oid for oid in oids if oid not in self._known and oid not in _PLAIN]
        if wanted:
            found = self._connection.execute(_QUERY, [wanted]).fetchall()
            self._known |= {oid: (kind, base, typmod, element) for oid, kind, base, typmod, element in found}
            self.learn({part for _oid, _kind, base, _typmod, element in found for part in (base, element) if part})

    def _look_up(self, oid: int) -> tuple[str, int, int, int]:
        self.learn([oid])
        return self._known[oid]


def _decimal(typmod: int) -> pa.DataType | None:
    """Give the lake's type for a constrained numeric; None if it has no scale, or more digits than the lake holds."""
    if typmod < 0:
        return None
    precision = (typmod - 4) >> 16 & 0xFFFF
    scale = ((typmod - 4) & 0x7FF ^ 1024) - 1024  # eleven bits, signed
    digits = max(precision, scale) if scale >= 0 else precision - scale
    for width in (18, 38):
        if digits <= width:
            return pa.decimal128(width, max(scale, 0))
    return None
