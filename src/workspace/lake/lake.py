"""The lake: logs, watermarks, quarantine and system tables under one root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from workspace.errors import LakeError, did_you_mean
from workspace.lake import delta, log, watermarks
from workspace.lake.events import EventLog
from workspace.lake.layout import Layout
from workspace.lake.schema import TIMESTAMP, columns_of
from workspace.lake.upgrade import upgrade
from workspace.lake.watermarks import Watermark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.lake.log import LogTable
    from workspace.lake.pins import Pin
    from workspace.lake.schema import Column

FORMAT = 2
"""Raised when an older version of this package could not read the lake rightly any more."""

_FORMAT_PROPERTY = "workspace.format"
_APPENDED = "appended"

QUARANTINE = pa.schema(
    [
        pa.field("table", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("position", pa.int64()),
        pa.field("seq", pa.int64()),
        pa.field("raw", pa.binary()),
        pa.field("detail", pa.string()),
        pa.field("recorded_at", TIMESTAMP),
    ]
)
"""A row that was refused or could not be represented, with its reason and its bytes as they came."""


class Lake:
    """Delta tables under one root, and what is known about all of them.

    Args:
        root: A folder, or an object store's prefix. Made if it is not there.

    Raises:
        LakeError: A newer version of this package wrote the lake.
    """

    def __init__(self, root: str) -> None:
        self.layout = Layout(root)
        uri = self.layout.uri("system", "watermarks")
        if not delta.exists(uri):
            mark = {_FORMAT_PROPERTY: str(FORMAT)}
            delta.create(uri, watermarks.SCHEMA, statistics=["sequence", "position"], extra=mark)
        found = int(delta.open_table(uri).metadata().configuration.get(_FORMAT_PROPERTY, 0))
        if found > FORMAT:
            msg = f"The lake at {root} has format {found}; this version of the workspace knows format {FORMAT}."
            raise LakeError(msg, cure="Upgrade the workspace: `uv sync` after `git pull`. Nothing was changed.")
        if found < FORMAT:
            upgrade(self.layout)
            delta.open_table(uri).alter.set_table_properties({_FORMAT_PROPERTY: str(FORMAT)}, raise_if_not_exists=False)

    def define(self, name: str, columns: Sequence[Column]) -> LogTable:
        """Create a table's log empty, or add the columns that it lacks.

        Raises:
            LakeError: There is no key, the key changed, or a column's type did.
        """
        return log.define(self.layout, name, columns)

    def log(self, name: str) -> LogTable:
        """Open a table's log.

        Raises:
            LakeError: There is none of this name.
        """
        if not delta.exists(self.layout.uri("log", name)):
            raise LakeError(f"The lake has no table {name}.", cure=did_you_mean(name, self.names()))
        return log.LogTable(self.layout, name)

    def names(self, source: str | None = None) -> list[str]:
        """List the captured tables, of one source or of all, by name."""
        root = Path(self.layout.root) / "log"
        found = [f"{path.parent.name}.{path.name}" for path in root.glob(f"{source or '*'}/*/") if path.is_dir()]
        return sorted(name for name in found if delta.exists(self.layout.uri("log", name)))

    def events(self, source: str, columns: Sequence[Column] = ()) -> EventLog:
        """Open a source's events; with columns, create them empty if they are not there.

        Raises:
            LakeError: There are none.
        """
        return EventLog(self.layout, source, columns)

    def has_events(self, source: str) -> bool:
        """Tell whether a source has events, and not logs of changes."""
        return delta.exists(self.layout.uri("events", f"{source}.atomic"))

    def columns(self, pin: Pin) -> tuple[Column, ...]:
        """Give the columns of a pinned table, as they were known then."""
        return columns_of(delta.schema_of(delta.open_table(self.layout.uri(pin.kind, pin.table), pin.log)))

    def watermarks(self) -> dict[str, Watermark]:
        """Give the newest watermark of each source."""
        rows = delta.read(delta.open_table(self.layout.uri("system", "watermarks")))
        return {entry["source"]: Watermark.of(entry) for entry in rows.sort_by("sequence").to_pylist()}

    def watermark(self, source: str) -> Watermark | None:
        """Give a source's newest watermark."""
        return self.watermarks().get(source)

    def advance(self, watermark: Watermark) -> None:
        """Record how far a source has been read, once all of its rows up to there are durable."""
        table = delta.open_table(self.layout.uri("system", "watermarks"))
        app = f"watermark/{watermark.source}"
        sequence = (table.transaction_version(app) or 0) + 1
        delta.commit(table, watermark.row(sequence), app=app, version=sequence)

    def quarantine(self, source: str, rows: pa.Table, *, position: int) -> None:
        """Keep what could not be taken in, exactly once by position.

        Args:
            source: Whose rows they are.
            rows: With the columns of `QUARANTINE`.
            position: How far the source's quarantine reaches afterwards.
        """
        uri = self.layout.uri("quarantine", source)
        delta.create(uri, QUARANTINE, statistics=["position", "seq", "recorded_at"])
        table = delta.open_table(uri)
        fresh = rows.filter(pc.greater(rows.column("position"), table.transaction_version(log.CAPTURE) or 0))
        if fresh.num_rows:
            delta.commit(table, fresh.select(QUARANTINE.names).cast(QUARANTINE), app=log.CAPTURE, version=position)

    def quarantined(self, source: str) -> pa.Table:
        """Give what a source's quarantine holds, in the source's order."""
        uri = self.layout.uri("quarantine", source)
        if not delta.exists(uri):
            return QUARANTINE.empty_table()
        rows = delta.read(delta.open_table(uri)).cast(QUARANTINE)
        return rows.sort_by([("position", "ascending"), ("seq", "ascending")])

    def record(self, name: str, rows: pa.Table) -> None:
        """Append rows to a system table, which their schema creates."""
        uri = self.layout.uri("system", name)
        delta.create(uri, rows.schema, statistics=[rows.schema.names[0]])
        table = delta.open_table(uri)
        done = table.transaction_version(_APPENDED) or 0
        delta.commit(table, rows.cast(delta.storable(delta.schema_of(table))), app=_APPENDED, version=done + 1)

    def records(self, name: str) -> pa.Table | None:
        """Give a system table whole; None if nothing was ever recorded."""
        uri = self.layout.uri("system", name)
        return delta.read(delta.open_table(uri)) if delta.exists(uri) else None
