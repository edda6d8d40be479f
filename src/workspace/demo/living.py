"""What can be done with a demo: let it live on, and change something by hand."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from workspace.demo import planning, rates
from workspace.demo.clickstream import top_up, write
from workspace.demo.company import founded, live
from workspace.demo.files import replace_file
from workspace.demo.home import alone, move_clock, read_clock, server
from workspace.demo.schema import DATABASES
from workspace.demo.world import FIRST_DAY, VERSION, World, stamp
from workspace.demo.write import CLOCK, Writer
from workspace.errors import WorkspaceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

_STATE = "world.state"


@dataclass(frozen=True, kw_only=True)
class Advance:
    """What happened while a demo lived on.

    Attributes:
        clock: The business clock now.
        days: How many days passed.
        transactions: How many transactions were committed in them.
        rows: Row changes, by `<database>.<table>`.
        events: How many distinct events the website's pipeline delivered.
    """

    clock: datetime
    days: int
    transactions: int
    rows: dict[str, int]
    events: int


def advance(
    home: Path | str,
    *,
    days: int | None = None,
    until: date | datetime | str | None = None,
    progress: Callable[[date], None] | None = None,
) -> Advance:
    """Let a demo live on, then move its business clock. Call it within `running`.

    What an earlier call was prevented from finishing is finished first, and nothing is written twice.

    Args:
        home: The demo's folder.
        days: How many days; or
        until: The midnight (UTC) at which to stop.
        progress: Called with each day that is over.

    Returns:
        What happened.

    Raises:
        WorkspaceError: The time is not later than the clock, the server does not run, or refuses a change.
        BusyError: Another process is moving the demo on.
    """
    folder = Path(home)
    with alone(folder):
        clock = read_clock(folder)
        goal = _goal(clock, days, until)
        world = world_at(folder, clock)
        changes, transactions = world.ledger.changes.copy(), world.written.total()
        events = world.web.books.events.total()
        engine = server(folder)
        if not engine.running:
            raise WorkspaceError(f"The server in {engine.data} does not run.", cure="Use `with running(home):`.")
        with ExitStack() as stack:
            writers = {name: stack.enter_context(Writer(engine.dsn(name))) for name in DATABASES}
            while world.today < goal.date():
                for transaction in live(world, partial(write, folder / "clickstream")):
                    writers[transaction.database].write(transaction, stamp(transaction.at))
                if progress:
                    progress(world.today - timedelta(days=1))
        rates.publish(folder / "fx", goal.date())
        planning.publish(folder / "sheets", goal.date(), world.scale)
        replace_file(folder / _STATE, pickle.dumps((VERSION, world)))
        move_clock(folder, goal)
        top_up(folder / "clickstream")
    rows: Counter[str] = Counter()
    for (database, table, _), count in (world.ledger.changes - changes).items():
        rows[f"{database}.{table}"] += count
    return Advance(
        clock=goal,
        days=(goal - clock).days,
        transactions=world.written.total() - transactions,
        rows=dict(sorted(rows.items())),
        events=world.web.books.events.total() - events,
    )


def _goal(clock: datetime, days: int | None, until: date | datetime | str | None) -> datetime:
    if (days is None) == (until is None):
        raise WorkspaceError("Say either how many days to live on, or until when.", cure="advance(home, days=1)")
    if days is not None:
        goal = clock + timedelta(days=days)
    else:
        goal = datetime.fromisoformat(str(until))
        goal = goal.replace(tzinfo=UTC) if goal.tzinfo is None else goal.astimezone(UTC)
    if goal.time() != time() or goal < clock:
        msg = f"The demo cannot live on until {goal.isoformat()}: its clock stands at {clock.isoformat()}."
        raise WorkspaceError(msg, cure="Name a midnight (UTC) that is not before the clock.")
    return goal


def world_at(home: Path, clock: datetime) -> World:
    """Give the simulation's state at the clock: the one that was kept, or played again from the first day.

    Raises:
        WorkspaceError: The demo was made by a version that lives another life.
    """
    facts = json.loads((home / "world.json").read_text(encoding="utf-8"))
    if facts["version"] != VERSION:
        msg = f"The demo in {home} was made by version {facts['version']} of the simulation; this is {VERSION}."
        raise WorkspaceError(msg, cure="Delete the folder and make the demo again.")
    day = (clock.date() - FIRST_DAY).days
    world = _kept(home / _STATE)
    if world is None or world.day > day:
        world = founded(facts["seed"], facts["scale"])
    while world.day < day:
        for _ in live(world):
            pass
    return world


def _kept(path: Path) -> World | None:
    try:
        version, world = pickle.loads(path.read_bytes())  # noqa: S301  # written by `advance` into the same folder
    except FileNotFoundError:
        return None
    return world if version == VERSION and isinstance(world, World) else None


def sql(home: Path | str, database: str, statement: str) -> list[tuple[Any, ...]] | int:
    """Run a statement as the database's administrator would, in a transaction that carries the business clock.

    The clock is the exclusive end of the last day, so a change made now belongs to the next day's release.

    Args:
        home: The demo's folder; its server must run.
        database: `user_db` or `inventory_db`.
        statement: One or more SQL statements.

    Returns:
        The rows of the last statement, or how many rows it changed.

    Raises:
        WorkspaceError: There is no such database, or it refuses the statement.
    """
    if database not in DATABASES:
        raise WorkspaceError(f"The demo has no database {database!r}.", cure=did_you_mean(database, DATABASES))
    clock = read_clock(home)
    try:
        # Not the connection's own context: it stays open when its commit fails.
        with closing(psycopg.connect(server(home).dsn(database))) as connection:
            cursor = connection.execute(statement.encode())
            while cursor.nextset():
                pass
            result = cursor.fetchall() if cursor.description else max(cursor.rowcount, 0)
            # A query is no event.
            connection.execute(
                "select pg_logical_emit_message(true, %s, %s) where pg_current_xact_id_if_assigned() is not null",
                [CLOCK, clock.isoformat()],
            )
            connection.commit()
            return result
    except psycopg.Error as error:
        raise WorkspaceError(f"{database}: {error}", cure="Correct the statement.") from error
