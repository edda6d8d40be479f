"""A demo's folder: its settings, its business clock, its locks.

```
<home>/workspace.toml    settings; the business clock stands in it. Written last: a home without it is not one
<home>/world.json        seed, scale and version of the simulation
<home>/world.state       the simulation's state at the clock; only saves time, it can be played again
<home>/fx/               exchange rates, as published by the clock
<home>/postgres/         the database server
<home>/clickstream/      what the website's pipeline delivers; see `workspace.demo.clickstream.archive`
<home>/sheets/           the finance department's workbook
```
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tomllib
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workspace.demo import planning
from workspace.demo.ads import described
from workspace.demo.clickstream import BROKERS_VARIABLE
from workspace.demo.files import replace_file
from workspace.demo.schema import INVENTORY_DB, USER_DB
from workspace.demo.server import PostgresServer
from workspace.errors import BusyError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS_FILE = "workspace.toml"
DSN_VARIABLES = {USER_DB: "DEMO_USER_DB_DSN", INVENTORY_DB: "DEMO_INVENTORY_DB_DSN"}
_ENTRANCE = ".entrance.lock"  # held for the moment in which the server is started or stopped
PRESENCE = ".presence.lock"  # shared by all who use the server
_CLOCK = re.compile(r"^(clock\s*=\s*)\d{4}-[^#\n]*", re.MULTILINE)

_TOML = """\
# The simulated company's own settings. Its business clock moves with `workspace demo advance`.

[workspace]
clock = {clock}
lake = "lake"
var = "var"
pipelines = {pipelines}
demo = true

[sources.user_db]
kind = "postgres"
dsn_env = "{user_variable}"
clock = "message"
history_from = {clock}
personal = ["users.email", "users.full_name", "users.phone"]
required = true

[sources.inventory_db]
kind = "postgres"
dsn_env = "{inventory_variable}"
clock = "message"
history_from = {clock}
required = true

[sources.fx]
kind = "fx"
location = "fx/eurofxref-hist.csv"

[sources.clickstream]
kind = "snowplow"
brokers = "${brokers_variable}"
topic = "enriched"
bad_topic = "bad"
archive = "clickstream/archive"
schemas = "clickstream/iglu"
conversions = ["purchase"]
required = false

"""


def server(home: Path | str) -> PostgresServer:
    """Give the database server of a home, running or not."""
    return PostgresServer(Path(home) / "postgres")


def write_settings(home: Path, clock: datetime) -> None:
    """Write `workspace.toml`, which makes a folder a home."""
    text = _TOML.format(
        clock=_toml_time(clock),
        pipelines=json.dumps(_pipelines(home), ensure_ascii=False),
        user_variable=DSN_VARIABLES[USER_DB],
        inventory_variable=DSN_VARIABLES[INVENTORY_DB],
        brokers_variable=BROKERS_VARIABLE,
    )
    replace_file(home / SETTINGS_FILE, f"{text}{described.toml()}\n{planning.TOML}".encode())


def _pipelines(home: Path) -> str:
    """Find the pipeline notebooks of the checkout that this code runs from, seen from the home."""
    checkout = Path(__file__).resolve().parents[3]
    folder = checkout / "pipelines"
    if not folder.is_dir():
        return "pipelines"
    inside = home.resolve().is_relative_to(checkout)  # they move together
    return Path(os.path.relpath(folder, home.resolve())).as_posix() if inside else str(folder)


def read_clock(home: Path | str) -> datetime:
    """Read a demo's business clock.

    Raises:
        WorkspaceError: The folder is not a demo's home.
    """
    path = Path(home) / SETTINGS_FILE
    try:
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("workspace", {})
    except FileNotFoundError:
        section = {}
    clock = section.get("clock")
    if not section.get("demo") or not isinstance(clock, datetime) or clock.tzinfo is None:
        msg = f"{path} is not the settings file of a demo."
        raise WorkspaceError(msg, cure="Make a demo with `workspace demo`, or name the folder of one.")
    return clock.astimezone(UTC)


def move_clock(home: Path, clock: datetime) -> None:
    """Set a demo's business clock; the rest of its settings stays as somebody may have edited it."""
    path = home / SETTINGS_FILE
    text = _CLOCK.sub(rf"\g<1>{_toml_time(clock)}", path.read_text(encoding="utf-8"), count=1)
    replace_file(path, text.encode())


def _toml_time(clock: datetime) -> str:
    return clock.astimezone(UTC).isoformat().replace("+00:00", "Z")


def locked(descriptor: int) -> bool:
    """Take an exclusive lock on an open file, if nobody else holds one; a shared one held before is given up."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def entrance(home: Path) -> Iterator[None]:
    """Be the only one who starts or stops a home's server."""
    with (home / _ENTRANCE).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only one who moves a demo on.

    Raises:
        BusyError: Somebody else does.
    """
    with (home / ".advance.lock").open("ab") as file:
        if not locked(file.fileno()):
            msg = f"Another process is moving the demo in {home} on."
            raise BusyError(msg, cure="Wait until it is done.")
        yield
