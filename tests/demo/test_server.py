"""The life of an embedded server: made, stopped, found by others, killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from workspace.demo import PostgresServer
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    made = PostgresServer(open_folder / f"{request.node.name} Zürich"[-40:])
    yield made
    made.stop()


def write(server: PostgresServer, value: int) -> None:
    with psycopg.connect(server.dsn("postgres")) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (%s)", [value])


def read(server: PostgresServer) -> list[int]:
    with psycopg.connect(server.dsn("postgres")) as connection:
        return [n for (n,) in connection.execute("select n from kept order by n")]


def postmaster(server: PostgresServer) -> int:
    return int((server.data.resolve() / "cluster" / "postmaster.pid").read_text().split("\n")[0])


def test_what_was_written_is_there_after_a_restart(server: PostgresServer) -> None:
    assert not server.running
    server.start()
    write(server, 1)
    port = server.port
    server.stop()
    assert not server.running
    server.stop()
    assert read(server.start()) == [1]
    assert server.port == port


def test_a_second_process_finds_the_running_server(server: PostgresServer) -> None:
    server.start()
    write(server, 1)
    program = f"from workspace.demo import PostgresServer; print(PostgresServer({str(server.data)!r}).start().port)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == server.port
    assert read(server) == [1]


def test_a_killed_server_recovers(server: PostgresServer) -> None:
    server.start()
    write(server, 1)
    os.kill(postmaster(server), signal.SIGKILL)
    assert read(server.start()) == [1]


@pytest.mark.parametrize("impostor", ["stranger", "zombie"])
def test_a_lock_file_that_names_another_process_does_not_hinder(server: PostgresServer, impostor: str) -> None:
    server.start()
    write(server, 1)
    lock = server.data.resolve() / "cluster" / "postmaster.pid"
    lines = lock.read_text().split("\n")
    os.kill(postmaster(server), signal.SIGKILL)
    with subprocess.Popen(
        [sys.executable, "-c", "input()" if impostor == "stranger" else ""], stdin=subprocess.PIPE
    ) as p:
        if impostor == "zombie":
            os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)
        lock.write_text("\n".join([str(p.pid), *lines[1:]]))
        assert read(server.start()) == [1]
        assert postmaster(server) != p.pid


def test_a_taken_port_is_replaced(server: PostgresServer, open_folder: Path) -> None:
    server.start()
    port = server.port
    server.stop()
    other = PostgresServer(open_folder / "other")
    (other.start().data / "port").write_text(str(port))
    other.stop()
    try:
        assert other.start().port == port
        assert not server.running
        assert server.start().port != port
    finally:
        other.stop()


def test_an_init_cut_off_is_begun_again(server: PostgresServer) -> None:
    server.start().stop()
    (server.data / "port").unlink()
    assert server.start().running


def test_strangers_are_asked_for_a_password(server: PostgresServer) -> None:
    server.start()
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")


def test_settings_hold_at_the_next_start(open_folder: Path) -> None:
    data = open_folder / "settings"
    for level in ("replica", "logical"):
        server = PostgresServer(data, settings={"wal_level": level}).start()
        with psycopg.connect(server.dsn("postgres")) as connection:
            assert connection.execute("show wal_level").fetchone() == (level,)
        server.stop()


def test_a_server_that_cannot_start_says_why(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.demo.server.LAUNCHES", 2)
    server = PostgresServer(open_folder / "broken", settings={"max_connections": "few"})
    with pytest.raises(WorkspaceError, match="max_connections"):
        server.start()


def test_a_folder_without_a_server_has_no_address(open_folder: Path) -> None:
    with pytest.raises(WorkspaceError, match="no PostgreSQL server"):
        PostgresServer(open_folder / "nothing").dsn("postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as another user")
def test_root_may_keep_a_server_in_a_closed_folder(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "closed").start()
    write(server, 1)
    server.stop()
    moved = PostgresServer(server.data.rename(tmp_path / "moved"))
    assert read(moved.start()) == [1]
    moved.stop()
    shutil.rmtree(moved.data.resolve())
