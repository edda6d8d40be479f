"""Reading everything whole again: after a slot was lost, or because the rows of before have changed unseen."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from workspace.errors import SourceError
from workspace.lake import crash_point
from workspace.sources.postgres import slot as slots
from workspace.sources.postgres.begin import advance, again, server_time, take_again
from workspace.sources.postgres.clock import microseconds
from workspace.sources.postgres.run import open_context, prepare, read, report
from workspace.sources.postgres.session import connect, lsn_text, replicate, speaking
from workspace.sources.postgres.snapshot import Place, viewing
from workspace.sources.postgres.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from workspace.lake import Lake, Watermark
    from workspace.settings import PostgresSource
    from workspace.sources.ingested import Ingested
    from workspace.sources.postgres.catalog import SourceTable
    from workspace.sources.postgres.tables import Context

# A word in the source's own log, so that what is written here has a position that nothing else has.
_MARK = "select pg_logical_emit_message(true, 'workspace', 'resnapshot')"


def resnapshot(source: PostgresSource, lake: Lake, *, run: str, now: datetime) -> Ingested:
    """Compare every table with its log, and append what differs, as changes of now.

    Where the slot is sound, it is read first, and no change is lost. Where it is not, a new one is made; what happened
    in between cannot be known, and the gap is kept in every later watermark's detail.

    Args:
        source: Which database.
        lake: Where its logs are.
        run: The run's id.
        now: The business time.

    Returns:
        What was written, and where the source stands.

    Raises:
        SourceError: The source has never been read, cannot be read, or is another server than it was.
    """
    with connect(source) as connection, Spool() as spool, speaking(source, "Reading everything again"):
        mark = lake.watermark(source.name)
        if mark is None:
            raise SourceError(f"{source.name} has never been read.", cure="Run `workspace tick`; it reads all of it.")
        lost = slots.lost(source, slots.read_slot(connection, source), mark.position)
        if lost:
            slots.drop_slot(connection, source)
        tables = prepare(connection, source)
        context = open_context(connection, source, lake, now)
        if lost:
            return _bridge(context, tables, mark, spool, run=run, now=now, why=lost)
        connection.execute(_MARK)
        return _refresh(context, tables, mark, spool, run=run, now=now)


def _refresh(
    context: Context, tables: Sequence[SourceTable], mark: Watermark, spool: Spool, *, run: str, now: datetime
) -> Ingested:
    known = [table for table in tables if mark.detail["tables"].get(table.lake) == table.oid]
    capture = read(context, known, mark, run=run, as_of=now, now=now, spool=spool)
    mark = capture.mark
    slots.wait_for_older_writers(context.connection, context.source)
    valid = mark.clock or now
    place = Place(position=mark.position, valid=microseconds(valid))
    with viewing(context.source, tables) as view:
        taken = take_again(context, tables, view, place, known=mark.detail["tables"], folder=spool.folder)
    present = {table.lake: table.oid for table in tables}
    # What a stopped table missed is what it shows from now on: before that, releases must still call it stopped.
    resumed = {
        name: {"at": valid.isoformat(), "reason": entry["reason"]}
        for name, entry in mark.detail["stopped"].items()
        if name in taken.filled
    }
    detail = again(mark, taken, view) | {
        "tables": mark.detail["tables"] | present,
        "resumed": mark.detail.get("resumed", {}) | resumed,
    }
    mark = dataclasses.replace(mark, detail=detail)
    advance(context, mark)
    return report(mark, taken.counts, capture)


def _bridge(
    context: Context,
    tables: Sequence[SourceTable],
    mark: Watermark,
    spool: Spool,
    *,
    run: str,
    now: datetime,
    why: str,
) -> Ingested:
    source = context.source
    clock = now if source.clock == "message" else server_time(context)
    # What is true at the end of the gap belongs to a release as of that end, which is exclusive.
    valid = max(clock - timedelta(microseconds=1), mark.clock or clock)
    with ExitStack() as stack:
        link = stack.enter_context(replicate(source))
        start, exported = slots.create_slot(link, source)
        if start - 2 <= mark.position:
            msg = (
                f"{source.name}: the server stands at {lsn_text(start)}, but was read up to "
                f"{lsn_text(mark.position + 1)}: it is another server, or one that was set back."
            )
            raise SourceError(msg, cure="Give it a new name in workspace.toml, so that it gets logs of its own.")
        crash_point("postgres.after_slot")
        view = stack.enter_context(viewing(source, tables, exported))
        place = Place(position=start - 2, valid=microseconds(valid))
        known = mark.detail["tables"]
        taken = take_again(context, tables, view, place, known=known, folder=spool.folder)
    gap = {"from": (mark.clock or mark.reached).isoformat(), "to": max(clock, valid).isoformat(), "reason": why}
    present = {table.lake: table.oid for table in tables}
    detail = again(mark, taken, view) | {"tables": known | present, "gaps": [*mark.detail["gaps"], gap]}
    mark = dataclasses.replace(
        mark, position=start - 1, clock=valid, reached=now, recorded_at=now, run=run, detail=detail
    )
    advance(context, mark)
    return report(mark, taken.counts)
