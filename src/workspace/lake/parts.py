"""Opening the three Delta tables of a captured table, at pinned versions or the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from workspace.lake import delta, duck, views
from workspace.lake.pins import Versions
from workspace.lake.schema import columns_of, keys_of

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from workspace.lake.layout import Layout

FOLD = "fold"
"""The app whose version, in `current` and `closed`, is the position up to which they are folded."""


def open_parts(backend: Backend, layout: Layout, name: str, versions: Versions | None = None) -> views.Parts:
    """Make a captured table's three Delta tables readable, at pinned versions or the newest.

    Args:
        backend: Where they become views.
        layout: Of the lake.
        name: `<source>.<table>`.
        versions: What to pin; the newest of each if not given.
    """
    pinned = versions or Versions()
    # `current` is opened before `closed` and `log`, so that a fold in between can only leave them ahead of it.
    current = delta.open_table(layout.uri("current", name), pinned.current)
    closed = delta.open_table(layout.uri("closed", name), pinned.closed)
    log = delta.open_table(layout.uri("log", name), pinned.log)
    folded = current.transaction_version(FOLD) or 0
    shape = ibis.Schema.from_pyarrow(delta.schema_of(log))
    return views.Parts(
        log=duck.register(backend, f"log.{name}", log, after=folded),
        current=_widened(duck.register(backend, f"current.{name}", current), shape),
        closed=_widened(duck.register(backend, f"closed.{name}", closed), shape),
        keys=keys_of(columns_of(delta.schema_of(log))),
        folded=folded,
        cut=pinned.cut,
    )


def _widened(rows: ibis.Table, shape: ibis.Schema) -> ibis.Table:
    """Give rows that were folded before a column was added that column as NULL."""
    missing = {name: ibis.null(kind) for name, kind in shape.items() if name not in rows.columns}
    return rows.mutate(**missing) if missing else rows
