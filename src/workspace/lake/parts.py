"""Opening the three Delta tables of a captured table, at pinned versions or the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import ibis

from workspace.lake import delta, views
from workspace.lake.pins import Versions
from workspace.lake.schema import columns_of, keys_of

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from workspace.lake.layout import Layout

FOLD = "fold"
"""The app whose version, in `current` and `closed`, is the position up to which they are folded."""


class Register(Protocol):
    """Makes an open version readable under a name, on whichever engine."""

    def __call__(self, name: str, table: DeltaTable, *, after: int = 0) -> ibis.Table:
        """Give it as an Ibis table; files whose rows all lie at or before the position `after` may be left out."""


def open_parts(register: Register, layout: Layout, name: str, versions: Versions | None = None) -> views.Parts:
    """Make a captured table's three Delta tables readable, at pinned versions or the newest.

    Args:
        register: Makes each readable, e.g. as a view of DuckDB.
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
        log=register(f"log.{name}", log, after=folded),
        current=_widened(register(f"current.{name}", current), shape),
        closed=_widened(register(f"closed.{name}", closed), shape),
        keys=keys_of(columns_of(delta.schema_of(log))),
        folded=folded,
        cut=pinned.cut,
    )


def _widened(rows: ibis.Table, shape: ibis.Schema) -> ibis.Table:
    """Give rows that were folded before a column was added that column as NULL."""
    missing = {name: ibis.null(kind) for name, kind in shape.items() if name not in rows.columns}
    return rows.mutate(**missing) if missing else rows
