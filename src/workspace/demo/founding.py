"""Making a demo: server, databases, rights, and what existed on the company's first day."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from workspace.demo import planning, rates
from workspace.demo.clickstream import publish
from workspace.demo.company import found
from workspace.demo.home import SETTINGS_FILE, entrance, server, write_settings
from workspace.demo.schema import COLUMNS, DATABASES, ROLE, STATEMENTS, script
from workspace.demo.world import FIRST_DAY, VERSION, World
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.server import PostgresServer
    from workspace.demo.world import Step, Value

_CHUNK = 10_000  # rows held in memory


def create(home: Path | str, *, seed: int = 1, scale: float = 1.0) -> None:
    """Make a demo, as it is when the company's first day begins; one that exists is left as it is.

    Args:
        home: Its folder.
        seed: Decides everything that will ever happen in it.
        scale: 1.0 is the documented size; the first day's load and all later days grow with it.

    Raises:
        WorkspaceError: The folder has a lake, but no settings that it could belong to.
    """
    folder = Path(home)
    folder.mkdir(parents=True, exist_ok=True)
    with entrance(folder):
        if (folder / SETTINGS_FILE).exists():
            return
        if (folder / "lake").exists():
            msg = f"{folder} has a lake, but no {SETTINGS_FILE}: a new company's changes do not fit to an old lake."
            raise WorkspaceError(msg, cure="Delete the folder, or choose another.")
        _clear(folder)
        engine = server(folder).start()
        try:
            _found(engine, World(seed, scale))
        finally:
            engine.stop()
        rates.publish(folder / "fx", FIRST_DAY)
        planning.publish(folder / "sheets", FIRST_DAY, scale)
        publish(folder / "clickstream" / "iglu")
        (folder / "clickstream" / "archive").mkdir(exist_ok=True)  # empty until the website is tracked
        facts = {"seed": seed, "scale": scale, "version": VERSION}
        (folder / "world.json").write_text(json.dumps(facts), encoding="utf-8")
        write_settings(folder, datetime.combine(FIRST_DAY, time(), UTC))  # last: now it is a home


def _clear(folder: Path) -> None:
    """Remove what a creation that was cut off has left."""
    server(folder).remove()
    shutil.rmtree(folder / "fx", ignore_errors=True)
    shutil.rmtree(folder / "clickstream", ignore_errors=True)
    shutil.rmtree(folder / "sheets", ignore_errors=True)
    (folder / "world.state").unlink(missing_ok=True)


def _found(engine: PostgresServer, world: World) -> None:
    with psycopg.connect(engine.dsn("postgres"), autocommit=True) as admin:
        admin.execute(f"create role {ROLE} login replication password '{engine.password(ROLE)}'")
        for database in DATABASES:
            admin.execute(f"create database {database}")
            admin.execute(f"revoke all on database {database} from public")
            admin.execute(f"grant connect on database {database} to {ROLE}")
    connections = {database: psycopg.connect(engine.dsn(database)) for database in DATABASES}
    try:
        for database, connection in connections.items():
            connection.execute(script(database))
        _load(connections, found(world))
        for connection in connections.values():
            connection.commit()
    finally:
        for connection in connections.values():
            connection.close()


def _load(connections: dict[str, psycopg.Connection], steps: Iterator[Step]) -> None:
    while chunk := list(islice(steps, _CHUNK)):
        rows: dict[str, list[tuple[Value, ...]]] = {}
        for name, values, _ in chunk:
            rows.setdefault(name, []).append(values)
        for name, several in rows.items():
            statement = STATEMENTS[name]
            columns = ", ".join(COLUMNS[statement.table].split())
            text = f"copy {statement.table} ({columns}) from stdin"
            with connections[statement.database].cursor() as cursor, cursor.copy(text) as copy:
                for row in several:
                    copy.write_row(row)
