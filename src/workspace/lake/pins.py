"""What a release remembers of each source and table: positions and Delta versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from datetime import datetime


PinKind = Literal["log", "events", "derived"]


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Which versions of a table's parts to open, and the last position to see."""

    log: int | None = None
    current: int | None = None
    closed: int | None = None
    cut: int | None = None


@dataclass(frozen=True, kw_only=True)
class SourceCut:
    """How far a release sees one source.

    Attributes:
        source: Its name.
        position: The last position that is part of the release.
        reached: The business time up to which the source had been read.
        required: Whether no release is published without it.
        late: Whether it had not been read up to the release's `as_of`: older data is shown.
        clock: The newest valid time in the cut; None if it is empty or cut by recorded time.
    """

    source: str
    position: int
    reached: datetime
    required: bool
    late: bool
    clock: datetime | None


@dataclass(frozen=True, kw_only=True)
class Pin:
    """The physical state of one table in a release.

    Attributes:
        table: `<source>.<table>`.
        kind: A log of changes with its folds; events, which only come to be; or derived from those.
        log: The Delta version of the log, or of the one table that events and derived rows are in.
        current: The Delta version of the folded live rows.
        closed: The Delta version of the ended versions.
        folded: The position up to which `current` is folded.
        position: The last position that readers see: of events, the last batch.
        until: Of events, the exclusive end of the collector's time that readers see.
        rows: How many rows are live at the cut.
        fingerprint: Eight hex digits that change when the columns do.
        stopped: Why the table stands still at an older position; empty if it does not.
    """

    table: str
    log: int
    current: int
    closed: int
    folded: int
    position: int
    rows: int
    fingerprint: str
    stopped: str
    kind: PinKind = "log"
    until: datetime | None = None

    @property
    def versions(self) -> Versions:
        """The Delta versions and the cut to open the table with."""
        return Versions(log=self.log, current=self.current, closed=self.closed, cut=self.position)


SOURCE_CUT = pa.struct(
    [
        pa.field("source", pa.string()),
        pa.field("position", pa.int64()),
        pa.field("reached", TIMESTAMP),
        pa.field("required", pa.bool_()),
        pa.field("late", pa.bool_()),
        pa.field("clock", TIMESTAMP),
    ]
)
PIN = pa.struct(
    [
        pa.field("table", pa.string()),
        pa.field("log", pa.int64()),
        pa.field("current", pa.int64()),
        pa.field("closed", pa.int64()),
        pa.field("folded", pa.int64()),
        pa.field("position", pa.int64()),
        pa.field("rows", pa.int64()),
        pa.field("fingerprint", pa.string()),
        pa.field("stopped", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("until", TIMESTAMP),
    ]
)

RELEASES = pa.schema(
    [
        pa.field("sequence", pa.int64()),
        pa.field("name", pa.string()),
        pa.field("as_of", TIMESTAMP),
        pa.field("status", pa.string()),
        pa.field("run", pa.string()),
        pa.field("recorded_at", TIMESTAMP),
        pa.field("package", pa.string()),
        pa.field("code", pa.string()),
        pa.field("failed", pa.list_(pa.string())),
        pa.field("sources", pa.list_(SOURCE_CUT)),
        pa.field("tables", pa.list_(PIN)),
    ]
)
"""`system.releases`: one row for each step of each release."""

RELEASES_APP = "releases"
"""The app whose version is the sequence number of the newest row."""
