"""The lease: one holder at a time, and no dead one for long."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from workspace.errors import BusyError
from workspace.runs.database import FILE, Database
from workspace.runs.leases import Lease
from workspace.runs.processes import Identity, lives

if TYPE_CHECKING:
    from pathlib import Path


def change(var: Path, columns: dict[str, object]) -> None:
    """Make the holder look like another one."""
    names = ", ".join(f"{name} = :{name}" for name in columns)
    with Database(var / FILE) as database, database.transaction() as query:
        query.execute(f"update leases set {names}", columns)


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    with Lease(tmp_path, "workspace tick"):
        with pytest.raises(
            BusyError, match=r"`workspace tick` is at work: process \d+ on .* since 20.*Nothing was done"
        ) as caught:
            Lease(tmp_path, "workspace tick").__enter__()
        assert "status" in caught.value.cure
    with Lease(tmp_path, "another"):
        pass


def test_a_dead_holder_frees_it_at_once(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, signal
from workspace.runs.leases import Lease
with Lease(pathlib.Path({str(tmp_path)!r}), "dying"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with Lease(tmp_path, "next"):
        pass


@pytest.mark.parametrize("other", [{"boot": "another start of this machine"}, {"born": 1.0}])
def test_a_number_used_again_is_not_the_holder(tmp_path: Path, other: dict[str, object]) -> None:
    with Lease(tmp_path, "before", beat=60):
        change(tmp_path, other)
        with Lease(tmp_path, "next"):
            pass


def test_a_holder_elsewhere_frees_it_by_silence_only(tmp_path: Path) -> None:
    with Lease(tmp_path, "elsewhere", beat=60):
        change(tmp_path, {"host": "another machine", "pid": 1})
        with pytest.raises(BusyError):
            Lease(tmp_path, "next").__enter__()
        with Lease(tmp_path, "next", expiry=0):
            pass


def test_a_holder_that_lost_it_notices(tmp_path: Path) -> None:
    noticed = threading.Event()
    with Lease(tmp_path, "suspended", beat=0.01) as lease:
        lease.when_lost(noticed.set)
        change(tmp_path, {"token": "somebody else's"})
        assert noticed.wait(30)
        assert lease.lost


def test_a_holder_that_lives_keeps_it_however_long_it_takes(tmp_path: Path) -> None:
    with Lease(tmp_path, "long", beat=0.01) as lease:
        change(tmp_path, {"beat": 1.0})
        with Database(tmp_path / FILE) as database:
            beat = 1.0
            while beat == 1.0:
                with database.transaction() as query:
                    beat = query.execute("select beat from leases").fetchone()[0]
        assert not lease.lost


def test_identities_tell_processes_apart() -> None:
    me = Identity.own()
    assert lives(me)
    assert lives(dataclasses.replace(me, host="elsewhere", pid=1))
    assert not lives(dataclasses.replace(me, born=me.born - 60))
    assert not lives(dataclasses.replace(me, pid=2**22 + 1))
