"""Values that an update did not send because they did not change and are kept out of line.

Such a value is the one of the row's previous version: along the lineage of its key, through every change of the
key itself. Carrying it forward by key alone loses it when the key changes in the same update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workspace.sources.postgres.pgoutput import MOVED
from workspace.sources.postgres.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

_DELETED = ord("D")


def fill(
    columns: Mapping[str, pa.Array],
    unchanged: Mapping[str, NDArray[np.bool_]],
    *,
    ops: NDArray[np.uint8],
    keys: Sequence[str],
    latest: Callable[[pa.Table], pa.Table],
) -> dict[str, pa.Array]:
    """Complete the rows of one table, given in the stream's order.

    Args:
        columns: The rows, with NULL where a value was not sent.
        unchanged: By column, in which rows that is so.
        ops: Each row's operation; the row before an update that changed a key is `MOVED` and has the old key.
        keys: The key's columns.
        latest: Looks up the newest earlier version of rows by key.

    Returns:
        The columns, complete.

    Raises:
        BadValueError: There is no earlier version.
    """
    lacking = {name: mask for name, mask in unchanged.items() if mask.any()}
    if not lacking:
        return dict(columns)
    key_table = pa.table({name: columns[name] for name in keys})
    previous = _previous(key_table, ops)
    # A moved row has nothing but its key; what lies before it belongs to the row after it.
    origins = {name: _origins(mask | (ops == MOVED), previous) for name, mask in lacking.items()}
    roots = _roots(origins, lacking, ops)
    found, place = _look_up(key_table, roots, latest)
    filled = dict(columns)
    for name, origin in origins.items():
        index = np.where(lacking[name][origin] | (ops[origin] == MOVED), place[origin], origin)
        index = np.where(lacking[name], index, np.arange(len(ops)))
        both = pa.concat_arrays([columns[name], found.column(name).combine_chunks().cast(columns[name].type)])
        filled[name] = both.take(pa.array(index))
    return filled


def _previous(keys: pa.Table, ops: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Give the row that each row replaced, or -1 if it is not among these."""
    codes = key_codes(keys)
    order = np.argsort(codes, kind="stable")
    previous = np.full(len(codes), -1, np.int64)
    same = codes[order][1:] == codes[order][:-1]
    previous[order[1:][same]] = order[:-1][same]
    moved = np.flatnonzero(ops == MOVED)
    previous[moved + 1] = moved
    return previous


def _origins(passing: NDArray[np.bool_], previous: NDArray[np.int64]) -> NDArray[np.int64]:
    """Follow each row back to the one that has the value, or to the last one known that lacks it too."""
    origin = np.where(passing & (previous >= 0), previous, np.arange(len(previous)))
    while True:
        further = origin[origin]
        if np.array_equal(further, origin):
            return origin
        origin = further


def _roots(
    origins: Mapping[str, NDArray[np.int64]], lacking: Mapping[str, NDArray[np.bool_]], ops: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Find the rows whose earlier version must come from the log."""
    roots = np.zeros(len(ops), np.bool_)
    for name, origin in origins.items():
        reached = origin[lacking[name]]
        gone = ops[reached] == _DELETED
        if gone.any():
            raise _unknown(int(np.flatnonzero(lacking[name])[np.argmax(gone)]))
        roots[reached[lacking[name][reached] | (ops[reached] == MOVED)]] = True
    return np.flatnonzero(roots)


def _look_up(
    keys: pa.Table, roots: NDArray[np.int64], latest: Callable[[pa.Table], pa.Table]
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Give the earlier versions, and for each row where its own stands behind the rows themselves."""
    wanted = keys.take(pa.array(roots))
    found = latest(wanted)
    together = pa.concat_tables([wanted, found.select(keys.column_names).cast(wanted.schema)])
    codes = key_codes(together)
    known = {int(code): number for number, code in enumerate(codes[len(roots) :])}
    place = np.full(len(keys), -1, np.int64)
    for root, code in zip(roots.tolist(), codes.tolist(), strict=False):
        if code not in known:
            raise _unknown(root)
        place[root] = len(keys) + known[code]
    return found, place


def key_codes(keys: pa.Table) -> NDArray[np.int64]:
    """Number the keys, so that equal ones have equal numbers."""
    codes = np.zeros(len(keys), np.int64)
    for column in keys.columns:
        encoded = column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        _, codes = np.unique(codes * (len(keys) + 1) + encoded, return_inverse=True)
    return codes.astype(np.int64)


def _unknown(row: int) -> BadValueError:
    return BadValueError(row, "a value that was not sent because it did not change, of a row that is not known")
