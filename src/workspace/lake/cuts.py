"""Cuts: one consistent state over all sources, as positions and pinned Delta versions."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ibis import _

from workspace.errors import ReleaseError, did_you_mean
from workspace.lake import delta, duck, views
from workspace.lake.parts import open_parts
from workspace.lake.periods import derivations
from workspace.lake.pins import Pin, SourceCut, Versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ibis.backends.duckdb import Backend

    from workspace.lake.lake import Lake
    from workspace.lake.pins import PinKind
    from workspace.lake.watermarks import Watermark


def cut(
    lake: Lake, as_of: datetime, required: Mapping[str, bool], tables: Iterable[str] = ()
) -> tuple[list[SourceCut], list[Pin]]:
    """Cut every source at `as_of` and pin its tables.

    Of a source cut by valid time, every transaction with valid time before `as_of` is in, whole; of one cut by
    recorded time, everything that is durable now.

    Args:
        lake: Where the sources are.
        as_of: The exclusive end.
        required: The sources that there should be, and which of them no release may lack.
        tables: The tables that no release may lack, by name.

    Raises:
        ReleaseError: A required source or table has never been read, or not up to `as_of`, or not at that time.
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
        if needed and mark and (gap := _gap_at(mark, as_of)):
            msg = (
                f"What happened in the required source {source} from {gap['from']} to {gap['to']} is not known; "
                f"a release as of {as_of:%Y-%m-%d %H:%M} UTC would lack some of it."
            )
            raise ReleaseError(msg, cure="Wait: the next period's `workspace tick` publishes what is true again.")
        if mark is not None:
            each = _cut_events if lake.has_events(source) else _cut_source
            done, pinned = each(lake, mark, as_of, required=needed)
            cuts.append(done)
            pins.extend(pinned)
    _require(tables, {pin.table: pin for pin in pins})
    return cuts, pins


def _gap_at(mark: Watermark, as_of: datetime) -> dict[str, Any] | None:
    """Find the interval around `as_of` of which only the state at its end is known."""
    for gap in mark.detail.get("gaps", ()):
        if datetime.fromisoformat(gap["from"]) < as_of < datetime.fromisoformat(gap["to"]):
            return dict(gap)
    return None


def _missed(mark: Watermark, table: str, as_of: datetime) -> str:
    """Say why a table that goes on now still stood at `as_of`; empty if it did not."""
    resumed = mark.detail.get("resumed", {}).get(table)
    if resumed is None or as_of > datetime.fromisoformat(resumed["at"]):
        return ""
    return f"{resumed['reason']}, until {resumed['at']}"


def _require(tables: Iterable[str], pins: Mapping[str, Pin]) -> None:
    for name in tables:
        source, _, bare = name.partition(".")
        if name not in pins:
            known = [pin.partition(".")[2] for pin in pins if pin.startswith(f"{source}.")]
            msg = f"The required table {name} has never been read."
            cure = f"Correct required_tables of [sources.{source}] or its tables. {did_you_mean(bare, known)}"
            raise ReleaseError(msg, cure=cure)
        if reason := pins[name].stopped:
            msg = f"The required table {name} has stopped: {reason}."
            cure = (
                f"Mend it in its database, then `workspace resnapshot {source}`, from which on it is true again; "
                f"or take it out of required_tables of [sources.{source}], and it is published as it was."
            )
            raise ReleaseError(msg, cure=cure)


def _cut_source(lake: Lake, mark: Watermark, as_of: datetime, *, required: bool) -> tuple[SourceCut, list[Pin]]:
    backend = duck.connect()
    opened = {name: _pinned_parts(lake, name, backend) for name in lake.names(mark.source)}
    position, clock = mark.position, None
    if mark.cut_by == "valid":
        position, clock = _last_before(opened, as_of, mark.position)
    stopped = mark.detail.get("stopped", {})
    pins = []
    for name, (versions, parts) in opened.items():
        bare = name.partition(".")[2]
        halted = stopped.get(bare)
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
                rows=duck.count(views.live(seen)),
                fingerprint=_fingerprint((name, str(kind)) for name, kind in parts.log.schema().items()),
                stopped=halted["reason"] if halted else _missed(mark, bare, as_of),
            )
        )
    late = mark.reached < as_of or _gap_at(mark, as_of) is not None
    done = SourceCut(
        source=mark.source, position=position, reached=mark.reached, required=required, late=late, clock=clock
    )
    return done, pins


def _cut_events(lake: Lake, mark: Watermark, as_of: datetime, *, required: bool) -> tuple[SourceCut, list[Pin]]:
    """Cut a source of events where all its derived tables stand, so that they and the events agree."""
    log = lake.events(mark.source)
    made = [one for one in derivations(lake, mark.source) if one.as_of <= as_of]
    derived = made[-1] if made else None
    if required and (derived is None or derived.as_of < as_of):
        stand = f"only up to {derived.as_of:%Y-%m-%d %H:%M} UTC" if derived else "never"
        msg = (
            f"The tables derived from {mark.source} were made {stand}; a release as of {as_of:%Y-%m-%d %H:%M} needs it."
        )
        raise ReleaseError(msg, cure=f"Mend the step that derives them, or set required = false for {mark.source}.")
    batch, until = (derived.batch, derived.as_of) if derived else (log.batch, as_of)
    backend = duck.connect()
    rows = duck.register(backend, log.name, log.table)
    seen = duck.count(rows.filter(rows._batch <= batch, rows.collector_tstamp < until))
    events = Pin(
        **_physical(lake, "events", log.name, log.table.version()), position=batch, rows=seen, until=until, stopped=""
    )
    pins = [events]
    for one in derived.tables if derived else ():
        physical = _physical(lake, "derived", one.name, one.version)
        pins.append(Pin(**physical, position=batch, rows=one.rows, stopped=""))
    # What was taken in after the derived tables were made is not in the release either.
    late = mark.reached < as_of or until < as_of or batch < mark.position
    done = SourceCut(
        source=mark.source, position=batch, reached=min(mark.reached, until), required=required, late=late, clock=None
    )
    return done, pins


def _physical(lake: Lake, kind: PinKind, name: str, version: int) -> dict[str, Any]:
    """Describe one Delta table at a version, as the part of a pin; it has no folds."""
    columns = delta.schema_of(delta.open_table(lake.layout.uri(kind, name), version))
    shape = _fingerprint((column.name, str(column.type)) for column in columns)
    return {"table": name, "kind": kind, "log": version, "current": 0, "closed": 0, "folded": 0, "fingerprint": shape}


def _pinned_parts(lake: Lake, name: str, backend: Backend) -> tuple[Versions, views.Parts]:
    uri = lake.layout.uri
    # In this order a fold in between leaves `closed` and `log` ahead of `current`, which readers allow for.
    current, closed, log = (delta.open_table(uri(kind, name)).version() for kind in ("current", "closed", "log"))
    versions = Versions(log=log, current=current, closed=closed)
    return versions, open_parts(partial(duck.register, backend), lake.layout, name, versions)


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


def _fingerprint(columns: Iterable[tuple[str, str]]) -> str:
    shape = "\n".join(f"{name} {kind}" for name, kind in sorted(columns))
    return hashlib.sha256(shape.encode()).hexdigest()[:8]
