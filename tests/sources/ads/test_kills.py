"""Runs that are killed, and runs beside each other: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adserver import NOW
from workspace.errors import LakeError

if TYPE_CHECKING:
    from sources.ads.pulling import Home

_RUN = """
import sys
from datetime import datetime
import workspace.sources.ads.http
from sources.ads.pulling import describe
from workspace.lake import Lake
from workspace.sources.ads import ingest
workspace.sources.ads.http.pause = lambda seconds: None
platform, url, since, root, now = sys.argv[1:]
at = datetime.fromisoformat(now)
ingest(describe(platform, url, datetime.fromisoformat(since).date()), Lake(root), run="run", as_of=at, now=at)
"""
POINTS = ("ads.after_page:2", "ads.after_performance", "ads.after_conversions:2", "ads.after_pulls:3", "ads.after_ads")


def start(home: Home, crash: str = "") -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(str(Path(__file__).parents[up] / more) for up, more in ((2, ""), (3, "src")))
    environment = {**os.environ, "PYTHONPATH": paths, "WORKSPACE_CRASH": crash}
    now = home.ads.sim.now.isoformat()
    given = (home.platform, home.ads.url, str(home.since), str(home.root), now)
    return subprocess.Popen([sys.executable, "-c", _RUN, *given], env=environment, stderr=subprocess.PIPE)


def once(home: Home) -> None:
    """Check that the lake holds what the platform has, and each version of it once."""
    assert home.held() == home.told()
    keys = ("account_id", "entity_id", "placement", "day")
    told = Counter((*(row[key] for key in keys), row["_op"]) for row in home.rows("performance", live=False))
    assert max(told.values()) == 1, "all was read at one virtual moment: nothing has two versions"


@pytest.mark.parametrize("home", ["google_ads"], indirect=True)
@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_point_is_finished_by_the_next(home: Home, point: str) -> None:
    killed = start(home, point)
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    home.ads.clock(NOW)
    home.pull()
    once(home)


@pytest.mark.long
def test_runs_killed_at_random_are_finished_by_the_next(home: Home) -> None:
    chance = random.Random(7)
    # Eight runs at one virtual moment are more than a platform allows: X lists its accounts five times in 15 minutes.
    tiktok = {"app_qps": 10_000, "advertiser_qps": 10_000}
    home.ads.control("POST", "limits", {"twitter_ads": {"accounts": 1000}, "tiktok_ads": tiktok})
    for _ in range(8):
        run = start(home)
        time.sleep(1.5 + chance.random() * 5)
        run.kill()
        run.communicate()
    home.ads.clock(NOW)
    home.pull()
    once(home)


@pytest.mark.parametrize("home", ["facebook_ads"], indirect=True)
def test_of_two_runs_at_once_each_row_comes_once(home: Home) -> None:
    runs = [start(home), start(home)]
    said = [run.communicate(timeout=180)[1].decode() for run in runs]
    assert any(run.returncode == 0 for run in runs) or all(LakeError.__name__ in text for text in said), said
    home.ads.clock(NOW)
    home.pull()
    once(home)
