"""Taking tables in: all of a new source, or some that have come since."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workspace.errors import LakeError, SourceError
from workspace.lake import Watermark, crash_point
from workspace.sources.postgres import slot as slots
from workspace.sources.postgres.clock import microseconds
from workspace.sources.postgres.convert import UnrepresentableError
from workspace.sources.postgres.session import replicate, speaking
from workspace.sources.postgres.snapshot import Place, Snapshot, View, viewing
from workspace.sources.postgres.tables import Captured

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from workspace.sources.postgres.catalog import SourceTable
    from workspace.sources.postgres.slot import Slot
    from workspace.sources.postgres.tables import Context


@dataclass(kw_only=True)
class Taken:
    """What reading tables whole has led to.

    Attributes:
        counts: The rows written, by table and operation.
        stopped: The tables that the lake cannot hold, with their last good position and the reason; `whole` says that
            it is not some changes that are missing, but all rows.
        filled: By table, the columns whose defaults the rows have.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    stopped: dict[str, dict[str, Any]] = field(default_factory=dict)
    filled: dict[str, list[int]] = field(default_factory=dict)


def take(
    context: Context, tables: Sequence[SourceTable], view: View, place: Place, *, compare: Path | None = None
) -> Taken:
    """Read tables whole, each into its log.

    Args:
        context: What they share.
        tables: Which.
        view: In what state of the database.
        place: Where in the log the rows stand.
        compare: Write only what differs from the log, and sort it out in this folder.
    """
    taken = Taken()
    for table in tables:
        name = f"{context.source.name}.{table.lake}"
        try:
            captured = Captured.define(context, table)
            counts = Snapshot(captured, view, place).append(folder=compare)
        except (UnrepresentableError, LakeError) as error:
            last = context.lake.log(name).position if name in context.lake.names(context.source.name) else 0
            reason = error.message if isinstance(error, LakeError) else error.reason
            taken.stopped[table.lake] = {"position": last, "reason": reason, "whole": True}
            continue
        taken.counts[name] = Counter(counts)
        taken.filled[table.lake] = sorted(captured.filled)
    return taken


def begin(
    context: Context, tables: Sequence[SourceTable], slot: Slot | None, *, run: str, now: datetime
) -> tuple[Watermark, Taken]:
    """Read a source for the first time: every table in one state, and from there on the slot.

    The slot is made here and gives its own state; or it was made before, and the tables are read as they are now.
    Then the slot repeats some of what was seen already, which is left out later.

    Args:
        context: What the tables share.
        tables: All that match.
        slot: If there is one already.
        run: The run's id.
        now: The run's business time.

    Returns:
        Where the source stands, durable, and what was read.
    """
    source = context.source
    started = server_time(context) if source.clock == "commit" else source.history_from or now
    if slot is None:
        with replicate(source) as link, speaking(source, f"Creating the slot {source.slot}"):
            start, exported = slots.create_slot(link, source)
            crash_point("postgres.after_slot")
            with viewing(source, tables, exported) as view:
                return _begun(context, tables, view, start=start, valid=started, run=run, now=now)
    slots.wait_for_older_writers(context.connection, source)
    with viewing(source, tables) as view:
        return _begun(context, tables, view, start=slot.confirmed, valid=started, run=run, now=now)


def _begun(
    context: Context,
    tables: Sequence[SourceTable],
    view: View,
    *,
    start: int,
    valid: datetime,
    run: str,
    now: datetime,
) -> tuple[Watermark, Taken]:
    # A transaction may commit exactly where the slot begins, so what was there before stands earlier; by two bytes,
    # which leaves one for a table that is compared before anything else has happened.
    place = Place(position=start - 2, valid=microseconds(valid))
    taken = take(context, tables, view, place)
    mark = Watermark(
        source=context.source.name,
        position=start - 1,
        clock=valid,
        reached=valid,
        recorded_at=now,
        run=run,
        detail={
            "tables": {table.lake: table.oid for table in tables},
            "snapshots": [view.seen.dump()],
            "stopped": taken.stopped,
            "filled": taken.filled,
            "gaps": [],
            "without_clock": 0,
            "unreadable_clock": 0,
        },
    )
    advance(context, mark)
    return mark, taken


def join(
    context: Context, tables: Sequence[SourceTable], mark: Watermark, folder: Path, *, run: str, now: datetime
) -> tuple[Watermark, Taken]:
    """Take in tables that have come since, and those that were made anew or have come back.

    Args:
        context: What the tables share.
        tables: All that match.
        mark: Where the source stands.
        folder: Room on disk.
        run: The run's id.
        now: The run's business time.

    Returns:
        Where the source stands, durable, and what was read.
    """
    known: dict[str, int] = mark.detail["tables"]
    chosen = [table for table in tables if known.get(table.lake) != table.oid]
    present = {table.lake: table.oid for table in tables}
    everyone = known | {name: 0 for name in known if name not in present} | present
    if not chosen:
        return dataclasses.replace(mark, detail=mark.detail | {"tables": everyone}), Taken()
    slots.wait_for_older_writers(context.connection, context.source)
    # The rows count from the source's running clock on: nothing in a source is older than what lies before it.
    place = Place(position=mark.position, valid=microseconds(mark.clock or now))
    with viewing(context.source, chosen) as view:
        taken = take_again(context, chosen, view, place, known=known, folder=folder)
    detail = again(mark, taken, view) | {"tables": everyone}
    mark = dataclasses.replace(mark, recorded_at=now, run=run, detail=detail)
    advance(context, mark)
    return mark, taken


def take_again(
    context: Context, tables: Sequence[SourceTable], view: View, place: Place, *, known: Collection[str], folder: Path
) -> Taken:
    """Read tables whole: those that the lake knows are compared with their logs, the others begin.

    Raises:
        SourceError: A log reaches up to the very place, so that what differs could not be told from a repetition.
    """
    for table in tables:
        name = f"{context.source.name}.{table.lake}"
        if table.lake in known and context.lake.log(name).position >= place.position:
            msg = f"{name} was made anew or has come back, and nothing was written to the database since it was read."
            raise SourceError(msg, cure=f"workspace resnapshot {context.source.name}")
    fresh = take(context, [table for table in tables if table.lake not in known], view, place)
    back = take(context, [table for table in tables if table.lake in known], view, place, compare=folder)
    return Taken(
        counts=fresh.counts | back.counts,
        stopped=fresh.stopped | back.stopped,
        filled=fresh.filled | back.filled,
    )


def again(mark: Watermark, taken: Taken, view: View) -> dict[str, Any]:
    """Give a watermark's detail after tables were read whole."""
    stopped = {name: entry for name, entry in mark.detail["stopped"].items() if name not in taken.filled}
    return mark.detail | {
        "snapshots": [*mark.detail["snapshots"], view.seen.dump()],
        "stopped": stopped | taken.stopped,
        "filled": mark.detail["filled"] | taken.filled,
    }


def advance(context: Context, mark: Watermark) -> None:
    """Record where the source stands."""
    crash_point("postgres.before_watermark")
    context.lake.advance(mark)
    crash_point("postgres.after_watermark")


def server_time(context: Context) -> datetime:
    """Ask the server what time it is."""
    (time,) = context.connection.execute("select clock_timestamp()").fetchall()[0]
    return time  # type: ignore[no-any-return]  # a row is typed as a tuple of anything
