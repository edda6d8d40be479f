"""PostgreSQL's binary values to Arrow: a loop over columns, never over rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workspace.sources.postgres.numeric import decode_numeric
from workspace.sources.postgres.values import BadValueError, Values, big_endian, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from workspace.sources.postgres.types import Codec

    Spell = Callable[[int, list[bytes]], list[str]]

NULL, UNCHANGED = -1, -2
_TEXT, _BINARY, _NULL, _UNCHANGED = b"tbnu"
_DAYS = 10_957  # from 1970 to 2000
_MICROSECONDS = 946_684_800_000_000
_LONG = 64  # bytes from which copying value by value beats an index a byte
_HEX = np.array([[ord(c) for c in f"{byte:02x}"] for byte in range(256)], np.uint8)
# Where the 32 hexadecimal digits of a uuid stand in its 36 characters.
_UUID = np.array([n for n in range(36) if n not in (8, 13, 18, 23)])


@dataclass(frozen=True)
class Field:
    """One column of raw rows: where each value lies.

    Attributes:
        begin: Where the value begins.
        length: Its bytes, or `NULL`, or `UNCHANGED` if it is kept out of line and was not sent.
        text: Whether it was sent as text.
    """

    begin: NDArray[np.int64]
    length: NDArray[np.int64]
    text: NDArray[np.bool_]


def split_stream(data: NDArray[np.uint8], starts: NDArray[np.int64], count: int) -> list[Field]:
    """Find the values in tuples as pgoutput sends them.

    Raises:
        BadValueError: A row has another number of columns.
    """
    _check_count(data, starts, count)
    at = starts + 2
    fields = []
    for _ in range(count):
        kind = data[at]
        sent = (kind == _BINARY) | (kind == _TEXT)
        length = np.where(sent, big_endian(data, at + 1, "i4"), np.where(kind == _UNCHANGED, UNCHANGED, NULL))
        fields.append(Field(at + 5, length, kind == _TEXT))
        at = at + 1 + np.where(sent, 4 + length, 0)
    return fields


def split_copy(data: NDArray[np.uint8], starts: NDArray[np.int64], count: int) -> list[Field]:
    """Find the values in rows as a binary COPY sends them."""
    _check_count(data, starts, count)
    at = starts + 2
    fields = []
    for _ in range(count):
        length = big_endian(data, at, "i4")
        fields.append(Field(at + 4, length, np.zeros(len(at), np.bool_)))
        at = at + 4 + np.maximum(length, 0)
    return fields


def _check_count(data: NDArray[np.uint8], starts: NDArray[np.int64], count: int) -> None:
    wrong = np.flatnonzero(big_endian(data, starts, "i2") != count)
    if len(wrong):
        raise BadValueError(int(wrong[0]), f"a row does not have the {count} columns that were announced")


def decode(
    data: NDArray[np.uint8], field: Field, codec: Codec, spell: Callable[[int, list[bytes]], list[str]]
) -> pa.Array:
    """Decode one column; values that are NULL or unchanged become NULL.

    Args:
        data: The bytes, padded.
        field: Where each value lies.
        codec: What it is.
        spell: Asks the server for the text of binary values of a type.

    Raises:
        BadValueError: A value has no counterpart in the lake; it names the first such row.
    """
    present = field.length >= 0
    where = np.flatnonzero(present)
    values = Values(data, field.begin[where], field.length[where])
    try:
        found = _decode(values, field.text[where], codec, spell)
    except BadValueError as error:
        raise BadValueError(int(where[error.index]), error.reason) from None
    return found if len(where) == len(present) else _spread(found, present)


def _spread(values: pa.Array, present: NDArray[np.bool_]) -> pa.Array:
    return values.take(pa.array(np.cumsum(present) - 1, pa.int64(), mask=~present))


def _decode(values: Values, text: NDArray[np.bool_], codec: Codec, spell: Spell) -> pa.Array:
    if text.any():
        # The server sends text where a type has no binary form, and none of the types decoded here lacks one.
        if codec.lake != pa.string() or not text.all():
            raise BadValueError(int(np.argmax(text)), "a value was sent as text")
        return _text(values, pa.string())
    if codec.how == "spelled":
        return pa.array(spell(codec.oid, values.tolist()), pa.string())
    if codec.how == "array":
        return _array(values, codec, spell)
    if codec.width:
        values.require(codec.width)
    return _DECODERS[codec.how](values, codec)


def _integer(values: Values, codec: Codec) -> pa.Array:
    sign = "i" if codec.how == "int" else "u"
    return pa.array(big_endian(values.data, values.begin, f"{sign}{codec.width}"), pa.int64())


def _float(values: Values, codec: Codec) -> pa.Array:
    return pa.array(big_endian(values.data, values.begin, f"f{codec.width}").astype(np.float64))


def _bool(values: Values, _codec: Codec) -> pa.Array:
    return pa.array(values.data[values.begin] != 0)


def _date(values: Values, _codec: Codec) -> pa.Array:
    days = big_endian(values.data, values.begin, "i4").astype(np.int64)
    values.refuse((days == 2**31 - 1) | (days == -(2**31)) | (days + _DAYS > 2**31 - 1), "an infinite date")
    return pa.array((days + _DAYS).astype(np.int32), pa.int32()).cast(pa.date32())


def _timestamp(values: Values, codec: Codec) -> pa.Array:
    moments = big_endian(values.data, values.begin, "i8")
    limit = 2**63 - 1 - _MICROSECONDS
    values.refuse((moments > limit) | (moments == -(2**63)), "an infinite timestamp")
    return pa.array(moments + _MICROSECONDS, pa.int64()).cast(codec.lake)


def _uuid(values: Values, _codec: Codec) -> pa.Array:
    raw = gather(values.data, values.begin, 16)
    characters = np.full((len(raw), 36), ord("-"), np.uint8)
    characters[:, _UUID] = _HEX[raw].reshape(-1, 32)
    offsets = np.arange(len(raw) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(offsets), pa.py_buffer(characters))


def _jsonb(values: Values, _codec: Codec) -> pa.Array:
    values.refuse(values.data[values.begin] != 1, "a jsonb of an unknown version")
    return _text(Values(values.data, values.begin + 1, values.length - 1), pa.string())


def _text(values: Values, kind: pa.DataType) -> pa.Array:
    offsets = np.zeros(len(values.begin) + 1, np.int64)
    np.cumsum(values.length, out=offsets[1:])
    total = int(offsets[-1])
    if total > _LONG * len(values.begin):
        joined = pa.py_buffer(b"".join(values.tolist()))
    else:
        source = np.arange(total) + np.repeat(values.begin - offsets[:-1], values.length)
        joined = pa.py_buffer(values.data[source])
    array = pa.Array.from_buffers(kind, len(values.begin), [None, pa.py_buffer(offsets.astype(np.int32)), joined])
    if kind == pa.string():
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            raise BadValueError(_first_invalid(values.tolist()), "a text that is not UTF-8") from None
    return array


def _first_invalid(texts: Sequence[bytes]) -> int:
    for index, text in enumerate(texts):
        try:
            text.decode()
        except UnicodeDecodeError:
            return index
    return 0


def _array(values: Values, codec: Codec, spell: Spell) -> pa.Array:
    """Decode arrays; a lower bound other than one is not kept."""
    dimensions = big_endian(values.data, values.begin, "i4")
    values.refuse(dimensions > 1, "an array of several dimensions")
    counts = np.where(dimensions > 0, big_endian(values.data, values.begin + 12, "i4"), 0).astype(np.int64)
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    begin = np.empty(offsets[-1], np.int64)
    length = np.empty(offsets[-1], np.int64)
    at = values.begin + 20
    left = np.flatnonzero(counts)
    place = 0
    while len(left):
        size = big_endian(values.data, at[left], "i4")
        begin[offsets[left] + place] = at[left] + 4
        length[offsets[left] + place] = size
        at[left] += 4 + np.maximum(size, 0)
        place += 1
        left = left[counts[left] > place]
    items = Field(begin, length, np.zeros(len(begin), np.bool_))
    if codec.item is None:
        msg = "An array's codec has no item."
        raise ValueError(msg)
    try:
        found = decode(values.data, items, codec.item, spell)
    except BadValueError as error:
        row = int(np.searchsorted(offsets, error.index, side="right")) - 1
        raise BadValueError(row, f"{error.reason} in an array") from None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int64()).cast(pa.int32()), found, type=codec.lake)


_DECODERS: dict[str, Callable[[Values, Codec], pa.Array]] = {
    "int": _integer,
    "uint": _integer,
    "float": _float,
    "bool": _bool,
    "numeric": lambda values, codec: decode_numeric(values, codec.lake),
    "text": lambda values, codec: _text(values, codec.lake),
    "bytes": lambda values, codec: _text(values, codec.lake),
    "uuid": _uuid,
    "jsonb": _jsonb,
    "date": _date,
    "timestamp": _timestamp,
}
