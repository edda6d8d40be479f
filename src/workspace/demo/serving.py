"""A demo's servers while somebody needs them: the databases, the broker, the advertising platforms."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workspace.demo import clickstream
from workspace.demo.ads import serving as ads
from workspace.demo.home import DSN_VARIABLES, PRESENCE, entrance, locked, read_clock, server
from workspace.demo.schema import ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.server import PostgresServer


@contextmanager
def running(home: Path | str) -> Iterator[PostgresServer]:
    """Keep a demo's servers up, and their addresses in the environment, while the block runs.

    Any number of processes may do so at once; the last one out stops the database server. One that is killed leaves it
    running, for the next to find and to stop. The broker and the advertising platforms are each process's own, and end
    with it.

    Args:
        home: The demo's folder.

    Yields:
        The database server.
    """
    folder = Path(home)
    read_clock(folder)
    engine = server(folder)
    before = {name: os.environ.get(name) for name in DSN_VARIABLES.values()}
    with (folder / PRESENCE).open("ab") as presence:
        with entrance(folder):
            engine.start()
            fcntl.flock(presence, fcntl.LOCK_SH)
        os.environ.update({name: engine.dsn(database, ROLE) for database, name in DSN_VARIABLES.items()})
        try:
            with clickstream.serving(folder / "clickstream"), ads.serving(folder):
                yield engine
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})
            with entrance(folder):
                if locked(presence.fileno()):  # nobody else is here
                    engine.stop()
