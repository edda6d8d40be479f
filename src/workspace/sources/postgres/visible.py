"""Which transactions a snapshot has seen already, so that the stream does not repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CYCLE = 2**32


def full_xids(xids: NDArray[np.int64], near: int) -> NDArray[np.int64]:
    """Complete the 32 bits that the stream has of a transaction id, to the number nearest to `near`.

    Examples:
        >>> full_xids(np.array([2, 2**32 - 1]), 2**32 + 10).tolist()
        [4294967298, 4294967295]
    """
    distance = (xids - near + _CYCLE // 2) % _CYCLE - _CYCLE // 2
    full: NDArray[np.int64] = near + distance
    return full


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a snapshot saw.

    Attributes:
        tables: The tables that were read in it, by their names in the lake.
        xmax: The first transaction id that was not given out yet.
        running: The ids below it that had not ended.
        until: The position from which on no transaction can have been seen.
    """

    tables: frozenset[str]
    xmax: int
    running: frozenset[int]
    until: int

    @classmethod
    def of(cls, tables: frozenset[str], snapshot: str, until: int) -> Seen:
        """Read what `pg_current_snapshot()` says."""
        _xmin, xmax, running = snapshot.split(":")
        ids = frozenset(int(xid) for xid in running.split(",") if xid)
        return cls(tables=tables, xmax=int(xmax), running=ids, until=until)

    @classmethod
    def load(cls, entry: dict[str, Any]) -> Seen:
        """Read back what `dump` gave."""
        return cls(
            tables=frozenset(entry["tables"]),
            xmax=entry["xmax"],
            running=frozenset(entry["running"]),
            until=entry["until"],
        )

    def dump(self) -> dict[str, Any]:
        """Give it as JSON can keep it."""
        lists = {"tables": sorted(self.tables), "running": sorted(self.running)}
        return {"xmax": self.xmax, "until": self.until} | lists

    def saw(self, xids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which committed transactions, by their full ids, the snapshot saw.

        That an id lies below `xmax` is not enough: it may have been running still.
        """
        seen: NDArray[np.bool_] = (xids < self.xmax) & ~np.isin(xids, sorted(self.running))
        return seen
