"""A fold that is killed anywhere changes no answer, and the next one completes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lake.changes import TABLE, Change, expected_live, expected_versions, log_rows, new_log
from lake.test_views import read
from workspace.lake.crash import VARIABLE
from workspace.lake.fold import fold
from workspace.lake.pins import Versions

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.lake import Lake

CHANGES = [
    Change("S", (1, "x"), 1, 10, 0, 0),
    Change("S", (2, "x"), 2, 10, 1, 0),
    Change("U", (1, "x"), 3, 20, 0, 5),
    Change("U", (1, "x"), 4, 20, 1, 5),
    Change("D", (2, "x"), None, 30, 0, 6),
    Change("I", (3, "y"), 5, 30, 1, 6),
    Change("I", (2, "x"), 6, 40, 0, 9),
]
FOLD = """
import sys
from workspace.lake import Lake
from workspace.lake.fold import fold
fold(Lake(sys.argv[1]).layout, "shop.stock", to=int(sys.argv[2]), force=True)
"""


def folded_to(root: Path, position: int, crash: str = "") -> int:
    command = [sys.executable, "-c", FOLD, str(root), str(position)]
    return subprocess.run(command, env={**os.environ, VARIABLE: crash}, check=False).returncode


def filled(root: Path) -> Lake:
    lake, log = new_log(str(root))
    log.append(log_rows(log, CHANGES), position=40)
    return lake


@pytest.mark.parametrize("point", ["fold.after_closed", "fold.after_current"])
@pytest.mark.parametrize("later", [20, 30, 40])
def test_a_killed_fold_is_completed_by_the_next(tmp_path: Path, point: str, later: int) -> None:
    lake = filled(tmp_path)
    assert folded_to(tmp_path, 20, crash=point) == -signal.SIGKILL
    for cut in (20, 30, 40):
        assert read(lake, Versions(cut=cut)) == (expected_live(CHANGES, cut), expected_versions(CHANGES, cut))
    fold(lake.layout, TABLE, to=later, force=True)
    assert read(lake, Versions()) == (expected_live(CHANGES, 40), expected_versions(CHANGES, 40))
    assert fold(lake.layout, TABLE, to=later, force=True).done is False


def test_a_short_tail_is_left_in_the_log(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    assert fold(lake.layout, TABLE, to=40).done
    log = lake.log(TABLE)
    many = [Change("I", (key, "z"), key, 50, key, 20) for key in range(100)]
    log.append(log_rows(log, many), position=50)
    assert fold(lake.layout, TABLE, to=50).done
    log = lake.log(TABLE)
    log.append(log_rows(log, [Change("U", (1, "z"), 0, 60, 0, 30)]), position=60)
    assert not fold(lake.layout, TABLE, to=60).done


def test_nothing_is_folded_past_the_cut(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    assert fold(lake.layout, TABLE, to=20).position == 20
    assert read(lake, Versions(cut=20))[0] == expected_live(CHANGES, 20)
