"""Raw rows as arrays: where each row's tuple begins in a buffer of bytes, and what is known about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from workspace.sources.postgres.pgoutput import Relation

PADDING = 32
"""Zero bytes after the data, so that a gather of fixed width never reads past the end."""

_ROW_ARRAYS = ("starts", "ops", "messages", "ends", "positions", "seqs", "xids")
_ARRAYS = ("data", *_ROW_ARRAYS)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Raw rows of one table in one shape.

    Attributes:
        relation: The shape.
        truncate: Whether this is a truncate; `starts` then mean nothing.
        data: The messages' bytes, padded.
        starts: Where each row's tuple begins.
        ops: Each row's operation.
        messages: Where the message that holds the row begins.
        ends: Where it ends.
        positions: Of each row's transaction; ascending.
        seqs: Each row's number in its transaction.
        xids: Of each row's transaction.
    """

    relation: Relation
    truncate: bool
    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ops: NDArray[np.uint8]
    messages: NDArray[np.int64]
    ends: NDArray[np.int64]
    positions: NDArray[np.int64]
    seqs: NDArray[np.int64]
    xids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @staticmethod
    def padded(data: bytearray) -> NDArray[np.uint8]:
        """Give bytes as an array, with the padding that decoding needs."""
        data += bytes(PADDING)
        return np.frombuffer(data, np.uint8)

    def filter(self, chosen: NDArray[np.bool_]) -> Rows:
        """Keep some of the rows; the bytes are shared."""
        if chosen.all():
            return self
        return self._with({name: getattr(self, name)[chosen] for name in _ROW_ARRAYS})

    def _with(self, arrays: dict[str, Any]) -> Rows:
        return dataclasses.replace(self, **arrays)

    def repeat(self, count: int) -> Rows:
        """Give the first row so many times."""
        return self._with({name: np.repeat(getattr(self, name)[:1], count) for name in _ROW_ARRAYS})

    def before(self, position: int) -> Rows:
        """Keep the rows of the transactions before a position."""
        return self.filter(self.positions < position)

    def since(self, position: int) -> Rows:
        """Keep the rows of the transactions from a position on."""
        return self.filter(self.positions >= position)

    def raw(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Give each message once: position, number of its first row, transaction id, bytes."""
        last = -1
        columns = (self.messages, self.ends, self.positions, self.seqs, self.xids)
        for begin, end, position, seq, xid in zip(*(column.tolist() for column in columns), strict=True):
            if begin != last:
                last = begin
                yield position, seq, xid, self.data[begin:end].tobytes()

    def save(self, path: Path) -> Spilled:
        """Write the rows to a file, out of memory."""
        np.savez(path, **{name: getattr(self, name) for name in _ARRAYS})
        return Spilled(self.relation, self.truncate, path.with_suffix(".npz"))


@dataclass(frozen=True)
class Spilled:
    """Rows in a file."""

    relation: Relation
    truncate: bool
    path: Path

    def load(self) -> Rows:
        """Read the rows back."""
        with np.load(self.path, allow_pickle=False) as kept:
            arrays: dict[str, Any] = {name: kept[name] for name in _ARRAYS}
        return Rows(relation=self.relation, truncate=self.truncate, **arrays)
