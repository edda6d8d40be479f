"""Values of one column: which do not fit, and what the others become."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Converted = tuple[pa.Array, "NDArray[np.bool_]", str]
"""The values (NULL where one does not fit), which do not fit, and what is wrong with those."""

_UTC = pa.timestamp("us", "UTC")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d(?:[ T]\d\d(?::\d\d(?::\d\d(?:\.\d{1,6})?)?)?)?)\d{0,3}")
_OPEN, _CLOSE, _DASH = b"{}-"
_HEX = np.zeros(256, bool)
_HEX[list(b"0123456789abcdefABCDEF")] = True
_UUID = 36
_DASHES = np.array([8, 13, 18, 23])
_DIGITS = np.array([place for place in range(_UUID) if place not in _DASHES])


def not_uuids(text: pa.Array) -> NDArray[np.bool_]:
    """Tell which values, NULL aside, are not 36 characters in the form of a UUID."""
    starts, lengths, data = _bytes(text)
    bad: NDArray[np.bool_] = (lengths != _UUID) & (lengths != 0)
    fit = np.flatnonzero(lengths == _UUID)
    if len(fit) == len(text) and starts[-1] - starts[0] == _UUID * (len(text) - 1):  # side by side: nothing to gather
        letters = data[starts[0] : starts[0] + _UUID * len(text)].reshape(-1, _UUID)
    else:
        letters = data[starts[fit][:, None] + np.arange(_UUID)]
    bad[fit] = ~(_HEX[letters[:, _DIGITS]].all(axis=1) & (letters[:, _DASHES] == _DASH).all(axis=1))
    return bad


def not_objects(text: pa.Array) -> NDArray[np.bool_]:
    """Tell which values, NULL aside, do not start and end as a JSON object does."""
    bad = np.zeros(len(text), bool)
    starts, lengths, data = _bytes(text)
    there = np.flatnonzero(lengths)
    if len(there):
        first = starts[there]
        bad[there] = (data[first] != _OPEN) | (data[first + lengths[there] - 1] != _CLOSE)
    return bad


def not_finite(numbers: pa.Array) -> NDArray[np.bool_]:
    """Tell which values, NULL aside, are infinite or not a number."""
    if numbers.null_count == len(numbers):
        return np.zeros(len(numbers), bool)
    return _mask(pc.invert(pc.fill_null(pc.is_finite(numbers), fill_value=True)))


def _bytes(text: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Give where each value begins, its length (0 for NULL) and the bytes."""
    _validity, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int32, len(text) + 1, text.offset * 4).astype(np.int64)
    letters = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return ends[:-1], np.diff(ends), letters


def _mask(flags: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(flags.to_numpy(zero_copy_only=False), bool)


def _string(text: pa.Array) -> Converted:
    return text, np.zeros(len(text), bool), ""


def _uuid(text: pa.Array) -> Converted:
    return text, not_uuids(text), "is not a UUID"


def _json(text: pa.Array) -> Converted:
    bad = not_objects(text)
    for at in np.flatnonzero(bad):
        bad[at] = not _is_object(text[int(at)].as_py())  # with blanks around it, it may be one after all
    return text, bad, "is not a JSON object"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _boolean(text: pa.Array) -> Converted:
    true = pc.equal(text, "1")
    bad = pc.invert(pc.or_(true, pc.equal(text, "0")))
    return pc.if_else(bad, None, true), _mask(pc.fill_null(bad, fill_value=False)), "is not 1 or 0"


def _integer(text: pa.Array) -> Converted:
    values, bad = _cast(pc.utf8_trim(text, " "), pa.int64())
    return values, bad, "is not an integer of 64 bits"


def _double(text: pa.Array) -> Converted:
    values, bad = _cast(pc.utf8_trim(text, " "), pa.float64())
    return values, bad | not_finite(values), "is not a finite number"


def _timestamp(text: pa.Array) -> Converted:
    nanoseconds, beyond = _cast(text, pa.timestamp("ns"))
    values = pc.floor_temporal(nanoseconds, unit="microsecond").cast(pa.timestamp("us")).cast(_UTC)
    bad = np.zeros(len(text), bool)
    if beyond.any():  # before 1677, after 2262, or no time at all
        given = values.to_pylist()
        for at in np.flatnonzero(beyond):
            given[at] = _far_time(text[int(at)].as_py())
            bad[at] = given[at] is None
        values = pa.array(given, _UTC)
    return values, bad, "is not a time of the years 1 to 9999"


def _far_time(text: str) -> pa.Scalar | None:
    found = _TIME.fullmatch(text)
    if not found or text.startswith("0000"):
        return None
    values, bad = _cast(pa.array([found[1]]), pa.timestamp("us"))
    return None if bad[0] else values.cast(_UTC)[0].as_py()


def _cast(text: pa.Array, kind: pa.DataType) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Cast values, and find those that cannot be by halving."""
    bad = np.zeros(len(text), bool)
    pieces: list[pa.Array] = []
    todo = [(0, len(text))]
    while todo:
        begin, end = todo.pop()
        try:
            pieces.append(text[begin:end].cast(kind))
        except pa.ArrowInvalid:
            if end - begin == 1:
                bad[begin] = True
                pieces.append(pa.nulls(1, kind))
            else:
                middle = (begin + end) // 2
                todo += [(middle, end), (begin, middle)]
    return pa.concat_arrays(pieces) if pieces else pa.nulls(0, kind), bad


CONVERTERS: dict[str, Callable[[pa.Array], Converted]] = {
    "string": _string,
    "uuid": _uuid,
    "json": _json,
    "boolean": _boolean,
    "integer": _integer,
    "double": _double,
    "timestamp": _timestamp,
}
"""How the text of a column becomes values, by the format's name of the type."""
