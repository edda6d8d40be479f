"""Cuts: one consistent state over all sources, as positions and pinned Delta versions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from ibis import _

from workspace.errors import ReleaseError
from workspace.lake import delta, duck, views
from workspace.lake.fold import Versions, open_parts
from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ibis.backends.duckdb import Backend

    from workspace.lake.lake import Lake
    from workspace.lake.watermarks import Watermark


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
        log: The log's Delta version.
        current: The Delta version of the folded live rows.
        closed: The Delta version of the ended versions.
        folded: The position up to which `current` is folded.
        position: The last position that readers see.
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
    ]
)


def cut(lake: Lake, as_of: datetime, required: Mapping[str, bool]) -> tuple[list[SourceCut], list[Pin]]:
    """Cut every source at `as_of` and pin its tables.

    Of a source cut by valid time, every transaction with valid time before `as_of` is in, whole; of one cut by
    recorded time, everything that is durable now.

    Args:
        lake: Where the sources are.
        as_of: The exclusive end.
        required: The sources that there should be, and which of them no release may lack.

    Raises:
        ReleaseError: A required source has never been read, or not up to `as_of`.
    """
    marks = lake.watermarks()
    cuts: list[SourceCut] = []
    pins: list[Pin] = []
    for source, needed in sorted(required.items()):
        mark = marks.get(source)
        if needed and (mark is None or mark.reached < as_of):
            seen = f"only been read up to {mark.reached:%Y-%m-%d %H:%M} UTC" if mark else "never been read"
            msg = f"The required source {source} has {seen}; a release as of {as_of:%Y-%m-%d %H:%M} UTC needs it."
            raise ReleaseError(msg, cure=f"Mend its ingest (`workspace status`), or set required = false for {source}.")
        if mark is not None:
            done, tables = _cut_source(lake, mark, as_of, required=needed)
            cuts.append(done)
            pins.extend(tables)
    return cuts, pins


def _cut_source(lake: Lake, mark: Watermark, as_of: datetime, *, required: bool) -> tuple[SourceCut, list[Pin]]:
    backend = duck.connect()
    opened = {name: _pinned_parts(lake, name, backend) for name in lake.names(mark.source)}
    position, clock = mark.position, None
    if mark.cut_by == "valid":
        position, clock = _last_before(opened, as_of, mark.position)
    stopped = mark.detail.get("stopped", {})
    pins = []
    for name, (versions, parts) in opened.items():
        halted = stopped.get(name.partition(".")[2])
        end = min(position, halted["position"]) if halted else position
        seen = views.Parts(**{**vars(parts), "cut": end})
        pins.append(
            Pin(
                table=name,
                log=versions.log or 0,
                current=versions.current or 0,
                closed=versions.closed or 0,
                folded=parts.folded,
                position=end,
                rows=int(views.live(seen).count().execute()),
                fingerprint=_fingerprint(parts),
                stopped=halted["reason"] if halted else "",
            )
        )
    late = mark.reached < as_of
    done = SourceCut(
        source=mark.source, position=position, reached=mark.reached, required=required, late=late, clock=clock
    )
    return done, pins


def _pinned_parts(lake: Lake, name: str, backend: Backend) -> tuple[Versions, views.Parts]:
    uri = lake.layout.uri
    # In this order a fold in between leaves `closed` and `log` ahead of `current`, which readers allow for.
    current, closed, log = (delta.open_table(uri(kind, name)).version() for kind in ("current", "closed", "log"))
    versions = Versions(log=log, current=current, closed=closed)
    return versions, open_parts(backend, lake.layout, name, versions)


def _last_before(
    opened: Mapping[str, tuple[Versions, views.Parts]], as_of: datetime, bound: int
) -> tuple[int, datetime | None]:
    """Find the last position whose transaction is older than `as_of`, over all tables of a source."""
    position, clock = 0, None
    for _versions, parts in opened.values():
        rows = parts.log.filter(_._position > parts.folded, _._position <= bound, _._valid_at < as_of)
        found = rows.aggregate(position=_._position.max(), clock=_._valid_at.max()).to_pyarrow().to_pylist()[0]
        # What is folded belongs to a published, hence older, release.
        position = max(position, parts.folded, found["position"] or 0)
        if found["clock"] is not None:
            clock = max(clock or found["clock"], found["clock"])
    return position, clock


def _fingerprint(parts: views.Parts) -> str:
    shape = "\n".join(f"{name} {kind}" for name, kind in sorted(parts.log.schema().items()))
    return hashlib.sha256(shape.encode()).hexdigest()[:8]
