"""Processes of the operating system: whether one still lives, and how to end one with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Identity:
    """What tells one process from every other, a later one with the same number included.

    Attributes:
        host: The machine and, where there is one, the container: a number says nothing across them.
        boot: Which start of the machine.
        pid: The number.
        born: When the process started, in seconds since 1970.
    """

    host: str
    boot: str
    pid: int
    born: float

    @classmethod
    def own(cls) -> Identity:
        """Describe this process."""
        me = psutil.Process()
        return cls(_host(), _boot(), me.pid, me.create_time())


def lives(process: Identity) -> bool:
    """Tell whether a process may still be alive; of another machine's that is all one can say."""
    if process.host != _host():
        return True
    if process.boot != _boot():
        return False
    try:
        found = psutil.Process(process.pid)
        return bool(abs(found.create_time() - process.born) < 1 and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill_tree(pid: int) -> None:
    """Kill a process and all that it started, children that left its process group included."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _host() -> str:
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink() if namespace.is_symlink() else ''}".strip()


def _boot() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text(encoding="ascii").strip() if boot.is_file() else str(psutil.boot_time())
