"""From simulated transactions to a real database, fast and exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import psycopg
from psycopg.pq import ExecStatus

from workspace.demo.schema import STATEMENTS
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from types import TracebackType

    from workspace.demo.world import Step, Transaction, Value

CLOCK = "workspace.clock"
BATCH = 500  # transactions sent as one string
_LOCK = 20250927  # held by whoever writes: a killed writer's server process may still be at work

# The clock's message and the count of transactions are part of every transaction, by one statement.
_TELL = f"""
    prepare tell (bigint, text) as
    update demo.progress set transactions = $1, message = pg_logical_emit_message(true, '{CLOCK}', $2)
"""


class Writer:
    """A service's connection to its database. A context manager: what is not yet sent is sent at its end.

    Each transaction carries its number, which is kept in the database by the transaction itself. Those that are
    there already are passed over, so that the same transactions may be written again after any accident.

    Args:
        dsn: A superuser's connection string.

    Attributes:
        done: The number of the last transaction that the database had at first.
    """

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self.done = self._begin()
        self._prepared: set[str] = set()
        self._texts: list[str] = []
        self._waiting = 0

    def _begin(self) -> int:
        try:
            self._connection.execute("set lock_timeout = '60s'")
            self._connection.execute("select pg_advisory_lock(%s)", [_LOCK])
            self._connection.execute(_TELL)
            row = self._connection.execute("select transactions from demo.progress").fetchone()
        except psycopg.Error as error:
            msg = f"The demo's {self._connection.info.dbname} cannot be written to: {error}"
            self._connection.close()
            raise WorkspaceError(
                msg, cure="Wait for whoever holds it, or delete the demo and make it again."
            ) from error
        return int(row[0]) if row else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._connection.close()

    def write(self, transaction: Transaction, clock: str) -> bool:
        """Write a transaction, soon.

        Args:
            transaction: What happened.
            clock: When, in ISO 8601.

        Returns:
            Whether it is new to the database.
        """
        if transaction.number <= self.done:
            return False
        texts = self._texts
        texts += [self._prepare(name) for name, _, _ in transaction.steps if name not in self._prepared]
        texts.append(f"begin; execute tell({transaction.number}, '{clock}')")
        texts += [_execute(step) for step in transaction.steps]
        texts.append("rollback" if transaction.rolled_back else "commit")
        self._waiting += 1
        if self._waiting >= BATCH:
            self.flush()
        return True

    def flush(self) -> None:
        """Send what is waiting.

        Raises:
            WorkspaceError: The database refuses it.
        """
        text, self._texts, self._waiting = ";".join(self._texts), [], 0
        if not text:
            return
        result = self._connection.pgconn.exec_(text.encode())
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            reason = result.get_error_message().strip()
            msg = f"The demo's {self._connection.info.dbname} refuses what its services write: {reason}"
            raise WorkspaceError(msg, cure="Undo the change made by hand, or delete the demo and make it again.")

    def _prepare(self, name: str) -> str:
        self._prepared.add(name)
        statement = STATEMENTS[name]
        return f"prepare {name} as {statement.sql}" if statement.table else ""


def _execute(step: Step) -> str:
    name, values, _ = step
    if not STATEMENTS[name].table:
        return STATEMENTS[name].sql
    return f"execute {name}({','.join(map(_literal, values))})"


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if value is None:
        return "null"
    return str(value)
