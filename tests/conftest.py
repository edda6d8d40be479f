"""What the tests of every room share: a real PostgreSQL server and fresh databases in it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from workspace.demo import PostgresServer, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["adserver", "brokers", "engine.servers", "processes"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's user can enter; pytest's own are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="workspace-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(open_folder: Path) -> Iterator[PostgresServer]:
    """A running server with `wal_level=logical`."""
    server = PostgresServer(open_folder / "postgres").start()
    yield server
    server.stop()


@pytest.fixture
def new_database(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Make fresh empty databases; each call returns a superuser's connection string."""
    made: list[str] = []

    def make() -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
            admin.execute(f"create database {name}")
        made.append(name)
        return postgres.dsn(name)

    yield make
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        for name in made:
            slots = "select slot_name, active_pid from pg_replication_slots where database = %s"
            for slot, pid in admin.execute(slots, [name]).fetchall():
                admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
                admin.execute("select pg_drop_replication_slot(%s)", [slot])
            admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The connection string of a superuser in a fresh empty database."""
    return new_database()


@pytest.fixture(scope="session")
def _pristine_demo(open_folder: Path) -> Callable[[int, float], Path]:
    @cache
    def make(seed: int, scale: float) -> Path:
        home = open_folder / f"pristine {seed} {scale}"
        create(home, seed=seed, scale=scale)
        return home

    return make


@pytest.fixture(scope="session")
def first_day(_pristine_demo: Callable[[int, float], Path]) -> Path:
    """A small home of the simulated company on its first day, shared by all tests: none may change it."""
    return _pristine_demo(1, 0.05)


@pytest.fixture
def new_demo(open_folder: Path, _pristine_demo: Callable[[int, float], Path]) -> Iterator[Callable[..., Path]]:
    """Make homes of the simulated company, small unless told otherwise; each call returns a folder."""
    made: list[Path] = []

    def make(seed: int = 1, scale: float = 0.05) -> Path:
        made.append(open_folder / f"demo {next(_numbers)}")
        # A copy that keeps owners: much faster than to found the company once more.
        subprocess.run(["cp", "-a", _pristine_demo(seed, scale), made[-1]], check=True)
        return made[-1]

    yield make
    for home in made:
        PostgresServer(home / "postgres").remove()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def whole_demo(open_folder: Path) -> Iterator[Path]:
    """The home that `workspace demo` makes, seven releases and all, shared by all tests: none may change it."""
    home = open_folder / "whole demo"
    environment = {**os.environ, "WORKSPACE_HOME": str(home)}
    command = [str(Path(sys.executable).parent / "workspace"), "demo"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield home
    PostgresServer(home / "postgres").remove()


@pytest.fixture
def copied_demo(open_folder: Path) -> Iterator[Callable[[Path], Path]]:
    """Copy a home, its databases included, so that a test may change it."""
    made: list[Path] = []

    def copy(home: Path) -> Path:
        made.append(open_folder / f"copy {next(_numbers)}")
        subprocess.run(["cp", "-a", home, made[-1]], check=True)
        settings = made[-1] / "workspace.toml"
        settings.write_text(settings.read_text().replace(str(home), str(made[-1])))
        return made[-1]

    yield copy
    for home in made:
        PostgresServer(home / "postgres").remove()
        shutil.rmtree(home)
