r"""Reading PostgreSQL, against the best that its own programs do.

A snapshot of 2 million rows into Delta, against `\\copy ... binary` to /dev/null; aim: at most 2.5 times its wall time.
Capture and append of 100,000 changes, in client CPU, beside a plain drain of the same stream.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from measure import cpu_seconds, report
from workspace.demo import PostgresServer
from workspace.lake import Lake
from workspace.settings import PostgresSource
from workspace.sources.postgres import ingest
from workspace.sources.postgres.stream import streaming

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 2_000_000
CHANGES = 100_000
ROUNDS = 3
DSN = "BENCHMARK_DSN"

TABLE = f"""
    create table orders (id bigint primary key, customer uuid not null, amount numeric(12,2), currency char(3),
        note text, placed_at timestamptz, paid boolean, tags text[]);
    insert into orders select n, gen_random_uuid(), (n * 7919 % 1000000) / 100.0, 'EUR', 'order ' || n,
        timestamptz '2026-01-01' + n * interval '1 second', n % 3 = 0, array['a', 'b' || n % 7]
    from generate_series(1::bigint, {ROWS}) n;
    create publication workspace for table orders;
"""


def wall_seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def source(slot: str) -> PostgresSource:
    return PostgresSource(name="shop", dsn_env=DSN, slot=slot)


def read(lake: Lake, slot: str) -> None:
    now = datetime.now(UTC)
    ingest(source(slot), lake, run="benchmark", as_of=now, now=now)


def copy_away(dsn: str) -> None:
    command = r"\copy orders to '/dev/null' with (format binary)"
    subprocess.run([PostgresServer.program("psql"), dsn, "-qc", command], check=True)


def change(dsn: str) -> None:
    """Commit the changes in transactions of ten, as an application would."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("""
            create or replace procedure change(first bigint, last bigint) language plpgsql as $$
            begin
                for n in first..last loop
                    update orders set amount = amount + 1, note = 'changed ' || n where id = n * 17 % 2000000 + 1;
                    if n % 10 = 0 then commit; end if;
                end loop;
            end $$""")
        connection.execute(f"call change(1, {CHANGES})")


def drain(slot: str, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(
            "select confirmed_flush_lsn - '0/0', pg_current_wal_flush_lsn() - '0/0' from pg_replication_slots "
            "where slot_name = %s",
            [slot],
        ).fetchone()
    assert row is not None  # noqa: S101 - the slot was just used
    with streaming(source(slot), int(row[0])) as stream:
        for _ in stream.read(int(row[1])):
            pass


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o711)  # the server runs as another user
        server = PostgresServer(Path(root) / "postgres").start()
        try:
            measure(server, root)
        finally:
            server.stop()


def measure(server: PostgresServer, root: str) -> None:
    dsn = server.dsn("postgres")
    os.environ[DSN] = dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)
    copy_away(dsn)
    lakes = [Lake(f"{root}/lake {turn}") for turn in range(ROUNDS)]
    ours = [wall_seconds(partial(read, lake, f"s{turn}")) for turn, lake in enumerate(lakes)]
    theirs = [wall_seconds(lambda: copy_away(dsn)) for _ in range(ROUNDS)]
    claim = f"snapshot of {ROWS:,} rows to Delta"
    report(claim, statistics.median(ours), statistics.median(theirs), unit="s", aim=2.5)
    change(dsn)
    drained = cpu_seconds(lambda: drain("s0", dsn))
    captured = cpu_seconds(lambda: read(lakes[1], "s1"))
    said = f"{captured:.2f} CPU s; draining the stream alone: {drained:.2f} CPU s"
    print(f"capture and append of {CHANGES:,} changes: {said}")


if __name__ == "__main__":
    main()
