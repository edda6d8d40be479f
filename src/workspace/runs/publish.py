"""Copying the ledger to where readers look: the lake's table `system.runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from workspace.lake import Lake
    from workspace.runs.ledger import Ledger

_TIME = pa.timestamp("us", "UTC")

# `clock` is business time; the other times are wall time.
_ROWS = pa.schema(
    {
        "run": pa.string(),
        "step": pa.string(),
        "period": pa.string(),
        "attempt": pa.int64(),
        "state": pa.string(),
        "clock": _TIME,
        "started": _TIME,
        "ended": _TIME,
        "fingerprint": pa.string(),
        "parameters": pa.string(),
        "output": pa.string(),
        "error": pa.string(),
    }
)


def publish_ledger(ledger: Ledger, lake: Lake) -> int:
    """Append the attempts that have ended since the last time.

    A crash between the copy and its note repeats rows; run, step, period, attempt and started tell them apart.

    Returns:
        How many rows were appended.
    """
    attempts = ledger.uncopied()
    if attempts:
        rows = [{name: getattr(attempt, name) for name in _ROWS.names} for attempt in attempts]
        lake.record("runs", pa.Table.from_pylist(rows, schema=_ROWS))
        ledger.copied(attempts)
    return len(attempts)
