"""The lease: one process at a time runs steps in a home.

A holder shows that it lives by a heartbeat. A holder that died on this machine is recognised at once by its
process; one on another machine when its heartbeat has been silent for as long as the lease is good.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Self

from workspace.errors import BusyError
from workspace.runs.database import FILE, Database, wall
from workspace.runs.processes import Identity, lives

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPIRY = 60.0
BEAT = 5.0
_NAME = "runner"


class Lease:
    """Held within a `with` block.

    Args:
        var: The home's folder of runtime state.
        work: What is being done, for the one who finds it taken.
        expiry: Seconds of silence after which it is free.
        beat: Seconds between signs of life.

    Raises:
        BusyError: On entering: someone else holds it.
    """

    def __init__(self, var: Path, work: str, *, expiry: float = EXPIRY, beat: float = BEAT) -> None:
        self._path = var / FILE
        self._work = work
        self._expiry = expiry
        self._beat = beat
        self._token = secrets.token_hex(16)
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._when_lost: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._database = Database(self._path)
        try:
            self._take()
        except BaseException:
            self._database.close()
            raise
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with self._database, self._database.transaction() as query:
            query.execute("delete from leases where token = ?", [self._token])

    @property
    def lost(self) -> bool:
        """Whether someone else has taken it, e.g. while this machine was suspended."""
        return self._lost.is_set()

    def when_lost(self, action: Callable[[], None]) -> None:
        """Set what to do, in the heartbeat's thread, as soon as it is lost."""
        self._when_lost = action

    def _take(self) -> None:
        with self._database.transaction() as query:
            holder = query.execute("select * from leases where name = ?", [_NAME]).fetchone()
            if holder and not self._free(holder):
                raise _busy(holder)
            me = Identity.own()
            row = (_NAME, self._token, me.host, me.boot, me.pid, me.born, self._work, wall(), time.time())
            query.execute("replace into leases values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _free(self, holder: sqlite3.Row) -> bool:
        # A clock that was set back must not make a lease good for longer either.
        if abs(time.time() - holder["beat"]) > self._expiry:
            return True
        return not lives(Identity(holder["host"], holder["boot"], holder["pid"], holder["born"]))

    def _keep(self) -> None:
        renewed = time.time()
        while not self._ended.wait(self._beat):
            try:
                held = self._renew()
            except sqlite3.Error:  # locked or full: as good as silent, so it counts once it lasts
                held = time.time() - renewed < self._expiry
            else:
                renewed = time.time()
            if not held:
                self._lost.set()
                if self._when_lost:
                    self._when_lost()
                return

    def _renew(self) -> bool:
        with self._database.transaction() as query:
            return query.execute("update leases set beat = ? where token = ?", [time.time(), self._token]).rowcount == 1


def _busy(holder: sqlite3.Row) -> BusyError:
    silent = max(0, round(time.time() - holder["beat"]))
    return BusyError(
        f"`{holder['work']}` is at work: process {holder['pid']} on {holder['host'].partition(' ')[0]} since "
        f"{holder['since'][:19]}Z, last sign of life {silent} s ago. Nothing was done.",
        cure="Wait until it is done; `workspace status` shows how far it is.",
    )
