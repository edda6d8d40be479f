"""What a run does with a PostgreSQL source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from workspace.errors import SlotLostError
from workspace.sources.ingested import Ingested
from workspace.sources.postgres import slot as slots
from workspace.sources.postgres.begin import begin, join
from workspace.sources.postgres.capture import Capture
from workspace.sources.postgres.catalog import read_tables
from workspace.sources.postgres.clock import microseconds
from workspace.sources.postgres.preflight import look, require
from workspace.sources.postgres.session import connect, lsn_number, lsn_text, speaking
from workspace.sources.postgres.spell import Speller
from workspace.sources.postgres.spool import Spool
from workspace.sources.postgres.stream import streaming
from workspace.sources.postgres.tables import Captured, Context
from workspace.sources.postgres.types import Types

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.lake import Lake, Watermark
    from workspace.settings import PostgresSource
    from workspace.sources.postgres.catalog import SourceTable


def ingest(source: PostgresSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    """Read every transaction that was committed when the run began, and make it durable, exactly once.

    The first time, the tables are read whole; after that, what has changed. Killed at any point and run again, it
    loses nothing and writes nothing twice.

    Args:
        source: Which database, and what of it.
        lake: Where it goes.
        run: The run's id.
        as_of: The exclusive end of the run's period.
        now: The business time.

    Returns:
        What was written, and where the source stands.

    Raises:
        SourceError: The source cannot be read; what was durable before stays as it is.
        SlotLostError: Changes are gone for good.
    """
    with connect(source) as connection, Spool() as spool, speaking(source, "Reading"):
        mark = lake.watermark(source.name)
        slot = slots.read_slot(connection, source)
        if mark and (lost := slots.lost(source, slot, mark.position)):
            raise _gap(source, lost, mark, now)
        tables = prepare(connection, source)
        context = open_context(connection, source, lake, now)
        if mark is None:
            mark, taken = begin(context, tables, slot, run=run, now=now)
        else:
            mark, taken = join(context, tables, mark, spool.folder, run=run, now=now)
        capture = read(context, tables, mark, run=run, as_of=as_of, now=now, spool=spool)
        return report(capture.mark, taken.counts, capture)


def read(
    context: Context,
    tables: Sequence[SourceTable],
    mark: Watermark,
    *,
    run: str,
    as_of: datetime,
    now: datetime,
    spool: Spool,
) -> Capture:
    """Read the changes of known tables up to where the source stands now."""
    captured = {t.path: Captured.open(context, t, mark.detail["filled"].get(t.lake, ())) for t in tables}
    capture = Capture(context, captured, mark, run=run, now=now, spool=spool)
    # The business time was `now` before this line; so nothing that is older than that is committed after it.
    bound = flushed(context.connection)
    with streaming(context.source, mark.position + 1) as stream:
        capture.read(stream, bound, lift=as_of if now >= as_of else None)
    return capture


def _gap(source: PostgresSource, what: str, mark: Watermark, now: datetime) -> SlotLostError:
    since = mark.clock or mark.reached
    msg = (
        f"{source.name}: {what} The changes after {lsn_text(mark.position + 1)} cannot be read any more: what was true "
        f"in between {since:%Y-%m-%d %H:%M} and {now:%Y-%m-%d %H:%M} UTC cannot be known, only what is true now."
    )
    return SlotLostError(msg, cure=f"workspace resnapshot {source.name}")


def prepare(connection: Connection[TupleRow], source: PostgresSource) -> list[SourceTable]:
    """Look at everything first, make the publication cover all tables, and list them.

    Raises:
        SourceError: Something is not as it must be.
    """
    require(look(connection, source))
    tables = read_tables(connection, source)
    if slots.publish(connection, source, tables):
        tables = read_tables(connection, source)
    return tables


def open_context(connection: Connection[TupleRow], source: PostgresSource, lake: Lake, now: datetime) -> Context:
    """Gather what the tables of a run share."""
    (near,) = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchall()[0]
    return Context(
        source=source,
        lake=lake,
        connection=connection,
        types=Types(connection),
        spell=Speller(connection),
        recorded=microseconds(now),
        near=near,
    )


def flushed(connection: Connection[TupleRow]) -> int:
    """Ask up to where the server's log is durable now."""
    (position,) = connection.execute("select pg_current_wal_flush_lsn()::text").fetchall()[0]
    return lsn_number(position)


def report(mark: Watermark, before: dict[str, Counter[str]], capture: Capture | None = None) -> Ingested:
    """Tell what a run did."""
    written = capture.writer.counts if capture else {}
    notes = list(capture.notes()) if capture else []
    notes += [f"{mark.source}.{name} has stopped: {entry['reason']}." for name, entry in mark.detail["stopped"].items()]
    if count := mark.detail["without_clock"]:
        notes.append(f"{count:,} transactions had no clock message and were given the time of the one before.")
    if count := mark.detail["unreadable_clock"]:
        notes.append(f"{count:,} transactions had a clock message that is no time; they count as without one.")
    names = sorted(before | written)
    return Ingested(
        source=mark.source,
        watermark=mark,
        rows={name: before.get(name, Counter()) + written.get(name, Counter()) for name in names},
        transactions=capture.transactions if capture else 0,
        quarantined=capture.writer.quarantined if capture else 0,
        notes=tuple(notes),
    )
