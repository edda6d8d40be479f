"""Bringing a lake that an older version of this package wrote into the shape of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.lake import delta
from workspace.lake.pins import RELEASES, RELEASES_APP

if TYPE_CHECKING:
    from workspace.lake.layout import Layout


def upgrade(layout: Layout) -> None:
    """Bring the releases of a lake of format 1 into the shape of today: then, every table was a log."""
    uri = layout.uri("system", "releases")
    if not delta.exists(uri):
        return
    table = delta.open_table(uri)
    entries = delta.read(table).to_pylist()
    for entry in entries:
        entry["tables"] = [{"kind": "log", "until": None, **pin} for pin in entry["tables"]]
    rows = pa.Table.from_pylist(entries, schema=RELEASES)
    done = table.transaction_version(RELEASES_APP) or 0
    delta.commit(table, rows, app=RELEASES_APP, version=done, replace=True, reshape=True)
