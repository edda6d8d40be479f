"""`kill -9` anywhere in the main job: nothing lost, doubled or different from an undisturbed run.

Two lakes capture the same databases through slots of their own. One is killed, at named points or at random times, and
run again until it is through, day after day; the other reads everything in peace at the end. Their logs, and what their
newest releases show of every row and its history, must be equal.
"""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

import pytest

from main_job import contents, in_process, read, settings_for, shown, timed
from main_job import work_unchecked as work
from workspace.demo import advance, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTS = [
    "postgres.after_append",
    "postgres.before_watermark",
    "postgres.after_watermark",
    "postgres.before_confirm",
    "postgres.after_confirm",
    "fx.after_append",
    "publish.before_commit",
    "publish.after_commit",
    "fold.after_closed",
    "fold.after_current",
    "maintenance.after_compact",
]
FIRST_POINTS = ["postgres.after_slot", "postgres.snapshot_table", "postgres.snapshot_table:4"]


def compare(home: Path, rounds: int) -> None:
    victim, peaceful = settings_for(home, "victim"), settings_for(home, "peaceful")
    timed(work, peaceful)
    found, expected = contents(victim), contents(peaceful)
    assert found["logs"].keys() == expected["logs"].keys()
    for name, rows in expected["logs"].items():
        # Rates are versioned by when they were fetched, and pulls tell of it: once here and often there.
        if name != "fx.rates" and not name.endswith(".pulls"):
            assert found["logs"][name] == rows, name
    assert len(found["published"]) == rounds
    assert found["published"][-1][:2] == expected["published"][-1][:2]
    assert found["clocks"] == expected["clocks"]
    assert shown(victim) == shown(peaceful)


@pytest.mark.long
def test_a_kill_at_a_named_point_changes_nothing(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home):
        for point in FIRST_POINTS:
            assert in_process(read, settings_for(home, "victim"), crash=point) == -signal.SIGKILL, point
        for name in ("victim", "peaceful"):
            timed(read, settings_for(home, name))
        for point in POINTS:
            advance(home, days=9)
            victim = settings_for(home, "victim")
            assert in_process(work, victim, crash=point) == -signal.SIGKILL, point
            timed(work, victim)
        compare(home, len(POINTS))


def kill_at_random(home: Path, seeds: range) -> None:
    """Kill the job up to three times a round, let it through, and go on to the next days."""
    with running(home):
        length = timed(read, settings_for(home, "peaceful"))
        victim = settings_for(home, "victim")
        killed = sum(in_process(read, victim, kill_after=length * share) != 0 for share in (0.3, 0.6, 0.9))
        timed(read, victim)
        for seed in seeds:
            rng = random.Random(seed)
            advance(home, days=rng.randint(1, 9))
            victim = settings_for(home, "victim")
            for _ in range(rng.randint(1, 2)):
                killed += in_process(work, victim, kill_after=length * rng.random()) != 0
            length = timed(work, victim)
        compare(home, len(seeds))
        assert killed >= len(seeds) // 2, "the kills came too late to prove anything"


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_kills_at_random_times_change_nothing(new_demo: Callable[..., Path]) -> None:
    kill_at_random(new_demo(), range(25))


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("world", range(2, 10))
def test_many_kills_at_random_times_change_nothing(new_demo: Callable[..., Path], world: int) -> None:
    kill_at_random(new_demo(seed=world), range(world * 1000, world * 1000 + 38))
