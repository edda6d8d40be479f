"""The SQLite file under the ledger and the lease: WAL, short transactions, one connection for all threads."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from workspace.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "ledger.sqlite"

_SCHEMA = """
pragma journal_mode = wal;
create table if not exists runs (
    run text primary key, kind text not null, as_of text not null, state text not null,
    clock text not null, started text not null, ended text);
create table if not exists attempts (
    id integer primary key, run text not null, step text not null, period text not null, attempt integer not null,
    state text not null, clock text not null, started text not null, ended text, fingerprint text not null,
    parameters text not null, output text not null, error text not null default '', copied integer not null default 0,
    unique (run, step, period, attempt));
create table if not exists leases (
    name text primary key, token text not null, host text not null, boot text not null, pid integer not null,
    born real not null, work text not null, since text not null, beat real not null);
"""


class Database:
    """An open file. It must not lie on a network file system: SQLite's locks do not hold there.

    Args:
        path: Where it is; created with its folder if it does not exist.

    Raises:
        RunError: The file is there, but SQLite cannot read it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise _failed(path, error) from None
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise RunError(
                f"{path} cannot be read: {error}.", cure="Move it away: losing it costs only re-runs."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock of the file for a few statements; they happen together or not at all.

        Raises:
            RunError: The operating system refuses to write, or another process held the lock for too long.
        """
        with self._lock:
            try:
                with self._held():
                    yield self._connection
            except sqlite3.OperationalError as error:
                raise _failed(self._path, error) from None

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise


def _failed(path: Path, error: sqlite3.OperationalError) -> RunError:
    return RunError(f"{path} cannot be used: {error}.", cure="`workspace doctor` tells whether its disk is full.")


def wall() -> str:
    """Tell the wall time, as the file keeps it."""
    return datetime.now(UTC).isoformat()
