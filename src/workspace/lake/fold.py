"""Folding: the log's tail becomes live rows (`current`) and ended versions (`closed`).

An append costs what changed; a fold costs the table. So logs are folded seldom, and never past the newest
published cut: `closed` first, then `current`, each with the position it reaches in its own commit. A fold that
is killed in between is completed by the next, since readers ignore closed rows that ended after `current`'s position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.lake import delta, duck, views
from workspace.lake.crash import crash_point
from workspace.lake.parts import FOLD, open_parts
from workspace.lake.pins import Versions

if TYPE_CHECKING:
    import ibis
    from deltalake import DeltaTable

    from workspace.lake.layout import Layout

WORTHWHILE = 0.1
"""Fold when the tail has this share of the live rows: reading a longer tail costs more than it saves in writing."""


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What one fold did to one table.

    Attributes:
        table: Its name.
        position: Up to where it is folded now.
        tail: How many rows of the log were waiting.
        live: How many rows are live at `position`.
        ended: How many versions were closed.
        done: Whether it was worth a rewrite; if not, nothing changed.
    """

    table: str
    position: int
    tail: int
    live: int
    ended: int
    done: bool


def fold(layout: Layout, name: str, *, to: int, force: bool = False) -> Folded:
    """Fold one table's log up to a position, if its tail is long enough to be worth it.

    Args:
        layout: Of the lake.
        name: `<source>.<table>`.
        to: The newest published cut; nothing after it is touched.
        force: Fold however short the tail is.

    Raises:
        LakeError: Another process folds the same table.
    """
    backend = duck.connect()
    # Opened before anything is read: their commits conflict with those of a second folder.
    current = delta.open_table(layout.uri("current", name))
    closed = delta.open_table(layout.uri("closed", name))
    opened = Versions(current=current.version(), closed=closed.version(), cut=to)
    parts = open_parts(partial(duck.register, backend), layout, name, opened)
    tail, live = (duck.count(table) for table in (parts.tail(), parts.current))
    if parts.folded >= to or not tail or not (force or tail >= WORTHWHILE * live):
        return Folded(table=name, position=parts.folded, tail=tail, live=live, ended=0, done=False)
    reached = closed.transaction_version(FOLD) or 0
    ended = _write(closed, views.ended(parts, after=max(reached, parts.folded)), to) if reached < to else 0
    crash_point("fold.after_closed")
    live = _write(current, views.live(parts), to, replace=True)
    crash_point("fold.after_current")
    return Folded(table=name, position=to, tail=tail, live=live, ended=ended, done=True)


def _write(table: DeltaTable, rows: ibis.Table, position: int, *, replace: bool = False) -> int:
    schema = delta.storable(delta.schema_of(table))
    counted = delta.Counted(batch.cast(schema) for batch in rows.select(schema.names).to_pyarrow_batches())
    reader = pa.RecordBatchReader.from_batches(schema, counted)
    delta.commit(table, reader, app=FOLD, version=position, replace=replace)
    return counted.rows
