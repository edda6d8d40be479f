"""The publication and the slot: what they are, and making them where our role may."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from workspace.errors import SourceError
from workspace.sources.postgres import session
from workspace.sources.postgres.catalog import quoted
from workspace.sources.postgres.session import lsn_number, lsn_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.settings import PostgresSource
    from workspace.sources.postgres.catalog import SourceTable

PLUGIN = "pgoutput"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A replication slot as the server shows it.

    Attributes:
        plugin: Its output plugin.
        database: Whose changes it gives.
        reader: The process that reads it now.
        lost: Whether the server has thrown away what it still needed.
        confirmed: The position up to which a reader has confirmed.
    """

    plugin: str
    database: str
    reader: int | None
    lost: bool
    confirmed: int


def read_slot(connection: Connection[TupleRow], source: PostgresSource) -> Slot | None:
    """Look the source's slot up."""
    row = connection.execute(
        "select plugin::text, database::text, active_pid, wal_status, confirmed_flush_lsn::text"
        " from pg_replication_slots where slot_name = %s",
        [source.slot],
    ).fetchone()
    if row is None:
        return None
    plugin, database, reader, status, confirmed = row
    return Slot(
        plugin=plugin or "",
        database=database or "",
        reader=reader,
        lost=status == "lost",
        confirmed=lsn_number(confirmed or "0/0"),
    )


def lost(source: PostgresSource, slot: Slot | None, position: int) -> str:
    """Say why a slot cannot give everything after a position; empty if it can."""
    if slot is None:
        return f"The slot {source.slot} is gone."
    if slot.lost:
        return f"The server has invalidated the slot {source.slot}: it held back too much, or lay idle for too long."
    if slot.confirmed > position + 1:
        return f"Someone else has read the slot {source.slot}, up to {lsn_text(slot.confirmed)}."
    return ""


def create_slot(link: pq.abc.PGconn, source: PostgresSource) -> tuple[int, str]:
    """Create the slot and export the state of the database at its very beginning.

    The exported snapshot can be taken up until the next command on the same session.

    Args:
        link: A replication session.
        source: With the slot's name.

    Returns:
        The position from which the slot gives changes, and the snapshot's name.

    Raises:
        SourceError: A transaction that has written stayed open for too long; the server waits for all of them.
        psycopg.Error: The server refuses.
    """
    link.send_query(f"CREATE_REPLICATION_SLOT \"{source.slot}\" LOGICAL {PLUGIN} (SNAPSHOT 'export')".encode())
    deadline = time.monotonic() + session.PATIENCE
    while link.is_busy():
        if not select.select([link.socket], [], [], max(deadline - time.monotonic(), 0))[0]:
            link.get_cancel().cancel()
            raise blocked(source)
        link.consume_input()
    result = link.get_result()
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result) if result else psycopg.OperationalError("no answer")
    position, snapshot = result.get_value(0, 1) or b"", result.get_value(0, 2) or b""
    return lsn_number(position.decode()), snapshot.decode()


def blocked(source: PostgresSource) -> SourceError:
    """Say that other sessions' open transactions hold us up."""
    msg = f"{source.name}: transactions that have written are still open after {session.PATIENCE:.0f} seconds."
    cure = (
        "End them, then run this again. They are: select pid, xact_start, query from pg_stat_activity"
        " where backend_xid is not null order by xact_start;"
    )
    return SourceError(msg, cure=cure)


def drop_slot(connection: Connection[TupleRow], source: PostgresSource) -> None:
    """Drop the source's slot, if it is there."""
    connection.execute(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", [source.slot]
    )


def publication_sql(source: PostgresSource, missing: Sequence[SourceTable], *, exists: bool) -> str:
    """Give the statement that makes the publication cover further tables."""
    tables = ", ".join(table.sql for table in missing)
    name = quoted(source.publication)
    return (
        f"alter publication {name} add table {tables};" if exists else f"create publication {name} for table {tables};"
    )


def publish(connection: Connection[TupleRow], source: PostgresSource, tables: Sequence[SourceTable]) -> bool:
    """Make the publication cover all tables; tells whether anything was to be done."""
    missing = [table for table in tables if not table.published]
    if missing:
        exists = publication_exists(connection, source)
        connection.execute(publication_sql(source, missing, exists=exists).encode())
    return bool(missing)


def publication_exists(connection: Connection[TupleRow], source: PostgresSource) -> bool:
    """Tell whether there is a publication of the source's name."""
    query = "select from pg_publication where pubname = %s"
    return connection.execute(query, [source.publication]).fetchone() is not None


# The age of the youngest entry that made the publication what it is, and of the oldest transaction that still writes.
_AGES = """
    select min(age(xmin)), age(pg_snapshot_xmin(pg_current_snapshot())::xid) from (
        select p.xmin from pg_publication p where p.pubname = %(name)s
        union all select r.xmin from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
        where p.pubname = %(name)s
    ) entries
"""


def wait_for_older_writers(connection: Connection[TupleRow], source: PostgresSource) -> None:
    """Wait for the transactions that were writing before the publication became what it is.

    What they wrote before then is not in the stream, so a snapshot must not be taken until it can see it.

    Raises:
        SourceError: They stayed open for too long.
    """
    deadline = time.monotonic() + session.PATIENCE
    while True:
        row = connection.execute(_AGES, {"name": source.publication}).fetchone()
        if row is None or row[0] is None or row[1] < row[0]:
            return
        if time.monotonic() > deadline:
            raise blocked(source)
        time.sleep(0.05)
