"""Connections to a source, and its errors in words that show no secret."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import conninfo, pq

from workspace.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.settings import PostgresSource

PATIENCE = 60.0
"""Seconds to wait for what other sessions of the source hold up."""

# Whatever is read as text shall be the same text whoever reads it. An empty search path makes the server write
# every name in full.
_SESSION = """
    set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set bytea_output = 'hex';
    set extra_float_digits = 1; set lc_monetary = 'C'; set search_path = ''; set lock_timeout = '30s'
"""


def lsn_text(position: int) -> str:
    """Write a position as PostgreSQL does.

    Examples:
        >>> lsn_text(0x1A2B3C4D5)
        '1/A2B3C4D5'
    """
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """Read a position as PostgreSQL writes it.

    Examples:
        >>> lsn_number("1/A2B3C4D5") == 0x1A2B3C4D5
        True
    """
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


@contextmanager
def speaking(source: PostgresSource, doing: str) -> Iterator[None]:
    """Turn the driver's errors into a `SourceError` that says what was being done."""
    try:
        yield
    except psycopg.Error as error:
        # Not chained: the driver's own message may quote the connection string.
        raise SourceError(f"{source.name}: {doing} failed. {_said(source, error)}", cure=_CURE) from None


_CURE = "Run `workspace doctor`, then run this again; nothing that was read is lost, and nothing is read twice."


@contextmanager
def connect(source: PostgresSource) -> Iterator[Connection[TupleRow]]:
    """Open an ordinary session, each statement on its own, and close it in the end.

    Raises:
        SourceError: The server cannot be reached or refuses.
    """
    with speaking(source, "Connecting"):
        connection = psycopg.connect(_parameters(source), autocommit=True)
    with connection:
        with speaking(source, "Setting up the session"):
            connection.execute(_SESSION)
        yield connection


@contextmanager
def replicate(source: PostgresSource) -> Iterator[pq.abc.PGconn]:
    """Open a replication session and close it in the end.

    Raises:
        SourceError: The server cannot be reached or refuses.
    """
    with speaking(source, "Connecting for replication"):
        link = pq.PGconn.connect(_parameters(source, replication="database").encode())
    try:
        with speaking(source, "Connecting for replication"):
            _require_open(link)
            # While a batch is being written the server hears nothing from us, and shall not hang up.
            command(link, f"{_SESSION}; set wal_sender_timeout = '30min'")
        yield link
    finally:
        link.finish()


def _require_open(link: pq.abc.PGconn) -> None:
    if link.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(link.get_error_message())


def command(link: pq.abc.PGconn, text: str) -> pq.abc.PGresult:
    """Run a command on a replication session.

    Raises:
        psycopg.Error: The server refuses it.
    """
    result = link.exec_(text.encode())
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        raise psycopg.errors.error_from_result(result)
    return result


def _parameters(source: PostgresSource, **more: str) -> str:
    given = {name: str(value) for name, value in conninfo.conninfo_to_dict(source.dsn()).items()}
    defaults = {"connect_timeout": "10", "application_name": f"workspace {source.name}"}
    return conninfo.make_conninfo("", **defaults | given | {"client_encoding": "UTF8"} | more)


def _said(source: PostgresSource, error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error)
    try:
        password = conninfo.conninfo_to_dict(source.dsn()).get("password")
    except psycopg.Error:
        return f"The connection string in {source.dsn_env} cannot be read."
    said = " ".join(text.split())
    said = said.replace(str(password), "[secret]") if password else said
    return said if said.endswith(".") else f"{said}."
