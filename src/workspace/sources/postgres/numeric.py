"""PostgreSQL's binary numeric to Arrow's decimal: a loop over groups of four digits, never over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workspace.sources.postgres.values import big_endian

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workspace.sources.postgres.values import Values

_NEGATIVE = 0x4000
_SPECIAL = 0x8000  # set in the signs of NaN and of the infinities, and in no other
_LIMB = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def decode_numeric(values: Values, kind: pa.DataType) -> pa.Array:
    """Decode numerics into decimals of one precision and scale, exactly.

    A numeric is sent as groups of four decimal digits; the first group's weight is a power of 10,000.

    Raises:
        BadValueError: A value is not a number, infinite, or has digits that the type cannot hold.
    """
    negative = big_endian(values.data, values.begin + 4, "u2")
    values.refuse(negative & _SPECIAL != 0, "a numeric that is infinite or not a number")
    steps = _steps(values, kind.precision, kind.scale)
    join = _join_narrow if kind.precision <= 18 else _join_wide
    return pa.Array.from_buffers(kind, len(values.begin), [None, pa.py_buffer(join(steps, negative == _NEGATIVE))])


def _steps(values: Values, precision: int, scale: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    count = big_endian(values.data, values.begin, "u2").astype(np.int64)
    weight = big_endian(values.data, values.begin + 2, "i2").astype(np.int64)
    highest, lowest = (precision - scale + 3) // 4 - 1, -((scale + 3) // 4)
    values.refuse((count > 0) & (weight > highest), "a numeric with more digits than its type")
    values.refuse(count - 1 - weight > -lowest, "a numeric with more decimals than its type")
    for power in range(highest, lowest - 1, -1):
        index = weight - power
        inside = (index >= 0) & (index < count)
        place = values.begin + 8 + 2 * np.where(inside, index, 0)
        digits = np.where(inside, big_endian(values.data, place, "u2"), 0).astype(np.int64)
        if power == lowest and scale % 4:  # only some of the last group's digits lie within the scale
            beyond = 10 ** (4 - scale % 4)
            values.refuse(digits % beyond != 0, "a numeric with more decimals than its type")
            yield 10 ** (scale % 4), digits // beyond
        else:
            yield 10_000, digits


def _join_narrow(steps: Iterator[tuple[int, NDArray[np.int64]]], negative: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Join up to 18 digits in 64 bits, then extend the sign to 128."""
    total = np.zeros(len(negative), np.int64)
    for factor, digits in steps:
        total = total * factor + digits
    words = np.empty((len(negative), 2), np.int64)
    words[:, 0] = np.where(negative, -total, total)
    words[:, 1] = words[:, 0] >> 63
    return words


def _join_wide(steps: Iterator[tuple[int, NDArray[np.int64]]], negative: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Join up to 38 digits in four limbs of 32 bits, the lowest first."""
    limbs = np.zeros((4, len(negative)), np.uint64)
    for factor, digits in steps:
        carry = digits.astype(np.uint64)
        for limb in limbs:
            product = limb * np.uint64(factor) + carry
            limb[:] = product & _LIMB
            carry = product >> _SHIFT
    # Two's complement: invert and add one.
    carry = negative.astype(np.uint64)
    for limb in limbs:
        total = np.where(negative, ~limb & _LIMB, limb) + carry
        limb[:] = total & _LIMB
        carry = total >> _SHIFT
    return np.ascontiguousarray(limbs.T.astype(np.uint32))
