"""Random changes of one table, and what they must lead to, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import strategies as st

from workspace.lake import Column, Lake, LogTable
from workspace.lake.views import OPEN_END

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    Column(name="a", type=pa.int64(), source_type="bigint", key=1),
    Column(name="b", type=pa.string(), source_type="text", key=2),
    Column(name="value", type=pa.decimal128(18, 2), source_type="numeric(12,2)"),
)
TABLE = "shop.stock"


@dataclass(frozen=True)
class Change:
    """One row of a log."""

    op: str
    key: tuple[int, str]
    value: int | None
    position: int
    seq: int
    minute: int

    def row(self) -> dict[str, Any]:
        return {
            "a": self.key[0],
            "b": self.key[1],
            "value": self.value,
            "_op": self.op,
            "_position": self.position,
            "_seq": self.seq,
            "_xid": self.position,
            "_valid_at": START + timedelta(minutes=self.minute),
            "_recorded_at": START,
        }


@st.composite
def transactions(draw: st.DrawFn, keys: int = 4, most: int = 12) -> list[list[Change]]:
    """Draw transactions that a database could have committed, with a clock that may stand still."""
    alive: set[tuple[int, str]] = set()
    done: list[list[Change]] = []
    minute = 0
    for number in range(draw(st.integers(1, most))):
        minute += draw(st.integers(0, 2))
        changes: list[Change] = []
        for seq in range(draw(st.integers(1, 4))):
            key = (draw(st.integers(1, keys)), draw(st.sampled_from("xy")))
            ends = key in alive and draw(st.booleans())
            op = draw(st.sampled_from("DT")) if ends else ("U" if key in alive else "I")
            (alive.discard if ends else alive.add)(key)
            value = None if ends else draw(st.none() | st.integers(0, 999))
            changes.append(Change(op, key, value, (number + 1) * 10, seq, minute))
        done.append(changes)
    return done


def log_rows(table: LogTable, changes: Sequence[Change]) -> pa.Table:
    """Give changes as rows of a log."""
    return pa.Table.from_pylist([change.row() for change in changes], schema=table.schema)


def new_log(root: str) -> tuple[Lake, LogTable]:
    """Make a lake with one empty log."""
    lake = Lake(root)
    return lake, lake.define(TABLE, COLUMNS)


def expected_live(changes: Sequence[Change], cut: int) -> list[tuple[Any, ...]]:
    """Replay the changes up to a cut, row by row."""
    state: dict[tuple[int, str], int | None] = {}
    for change in changes:
        if change.position <= cut:
            if change.op in "DT":
                state.pop(change.key, None)
            else:
                state[change.key] = change.value
    return sorted((*key, value) for key, value in state.items())


def expected_versions(changes: Sequence[Change], cut: int) -> list[tuple[Any, ...]]:
    """Give every version with some extent, row by row."""
    found = []
    seen = [change for change in changes if change.position <= cut]
    for index, change in enumerate(seen):
        if change.op in "DT":
            continue
        later = [other for other in seen[index + 1 :] if other.key == change.key]
        start = START + timedelta(minutes=change.minute)
        end = START + timedelta(minutes=later[0].minute) if later else OPEN_END
        if start < end:
            found.append((*change.key, change.value, start, end))
    return sorted(found, key=lambda row: (row[0], row[1], row[3]))
