"""A database, a lake, and what the tests ask of both."""

from __future__ import annotations

import multiprocessing
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from deltalake import DeltaTable
from psycopg import sql

from workspace.lake import LOG_META, Lake
from workspace.lake.crash import VARIABLE as CRASH
from workspace.settings import PostgresSource
from workspace.sources import postgres
from workspace.sources.postgres import capture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.sources.ingested import Ingested

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["workspace.sources.postgres"])
VARIABLE = "SHOP_DSN"
NAME = "shop"
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Shop:
    """A source in message mode, and the lake it goes to.

    Args:
        dsn: Of a superuser.
        root: Where the lake is.
        slot: A name for the slot that no other test uses.
        options: Of the source.
    """

    def __init__(self, dsn: str, root: Path, slot: str, **options: Any) -> None:
        self.dsn = dsn
        self.slot = slot
        self.root = root
        self.lake = Lake(str(root))
        self.now = NOW
        self.as_of = START
        clock: Literal["commit", "message"] = options.pop("clock", "message")
        self.source = PostgresSource(
            name=NAME, dsn_env=VARIABLE, clock=clock, history_from=START, slot=slot, publication=slot, **options
        )

    def sql(self, *statements: str, at: datetime | str | None = None) -> None:
        """Run statements as one transaction, with a clock message if a time is given."""
        with psycopg.connect(self.dsn) as connection:
            if at is not None:
                text = at.isoformat() if isinstance(at, datetime) else at
                connection.execute("select pg_logical_emit_message(true, 'workspace.clock', %s)", [text])
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    def ingest(self, run: str = "r") -> Ingested:
        """Read the source once."""
        return postgres.ingest(self.source, self.lake, run=run, as_of=self.as_of, now=self.now)

    def resnapshot(self) -> Ingested:
        """Read everything again."""
        return postgres.resnapshot(self.source, self.lake, run="again", now=self.now)

    def log(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Give a log in its order: operation and the columns; all but the recorded time if none are named."""
        rows = DeltaTable(self.lake.layout.uri("log", f"{NAME}.{table}")).to_pyarrow_table()
        rows = rows.sort_by([("_position", "ascending"), ("_seq", "ascending")])
        names = [n for n in rows.column_names if n not in LOG_META.names]
        shown = ["_op", *columns] if columns else [*names, *LOG_META.names[:-1]]
        return [tuple(row[name] for name in shown) for row in rows.to_pylist()]

    def live(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Give the rows that the log says exist, sorted."""
        rows = self.lake.log(f"{NAME}.{table}").live().read_all()
        names = columns or tuple(n for n in rows.column_names if n not in LOG_META.names)
        return sorted((tuple(row[name] for name in names) for row in rows.to_pylist()), key=repr)

    def source_rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Give the rows that do exist, sorted."""
        return sorted(self.query(f"select {', '.join(columns) or '*'} from {table}"), key=repr)

    def agree(self, table: str, *columns: str) -> None:
        """Fail unless the log, folded, is the source."""
        found, expected = self.live(table, *columns), self.source_rows(table, *columns)
        assert found == expected, (found, expected)

    def slot_position(self) -> int:
        """Ask up to where the slot was confirmed."""
        query = f"select confirmed_flush_lsn - '0/0' from pg_replication_slots where slot_name = '{self.slot}'"
        return int(self.query(query)[0][0])

    def dba_makes_slot(self, *tables: str) -> None:
        """Make publication and slot as an administrator would, before the first run."""
        name = sql.Identifier(self.slot).as_string()
        with psycopg.connect(self.dsn, autocommit=True) as admin:
            admin.execute(f"create publication {name} for table {', '.join(tables)}".encode())
            admin.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [self.slot])

    def in_process(self, job: Callable[[Shop], object], *, crash: str, budget: int = 1 << 20) -> int | None:
        """Do a job in a process of its own, which kills itself at a named point; gives its exit code."""
        process = PROCESSES.Process(target=_run, args=(job, self, crash, budget, os.environ[VARIABLE]))
        process.start()
        process.join(60)
        return process.exitcode


def _run(job: Callable[[Shop], object], shop: Shop, crash: str, budget: int, dsn: str) -> None:
    os.environ |= {CRASH: crash, VARIABLE: dsn}
    capture.BUDGET = budget
    job(shop)
