"""A reader never sees half a transaction, nor anything too new, while everything else is at work.

The company trades, somebody moves amounts between two tables, the main job reads, publishes, folds and tidies up; all
of it at once, and none of it waits for the reader.
"""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from ibis import _

from main_job import begin_rounds, read, settings_for
from workspace.demo import advance, running, sql
from workspace.engine import run_checks
from workspace.front import Workspace, connect
from workspace.lake import Lake, duck, releases
from workspace.metrics import checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from workspace.demo import PostgresServer
    from workspace.settings import Settings

# Every transaction changes a row in both; so they are equal, except in the middle of one.
PAIRS = """
    create table left_side (id int primary key, amount int not null);
    create table right_side (id int primary key, amount int not null);
    insert into left_side select n, 0 from generate_series(1, 20) n;
    insert into right_side select * from left_side;
    grant select on left_side, right_side to public;
    alter publication workspace add table left_side, right_side;
"""
MOVE = "update {0} set amount = {2} where id = {3}; update {1} set amount = {2} where id = {3}"


# The pauses leave the processors to the others.
def trade(home: Path, over: threading.Event) -> None:
    while not over.wait(0.5):
        advance(home, days=1)


def move(home: Path, over: threading.Event) -> None:
    rng = random.Random(1)
    while not over.wait(0.05):
        sides = rng.sample(["left_side", "right_side"], 2)
        sql(home, "inventory_db", MOVE.format(*sides, rng.randrange(10**6), rng.randint(1, 20)))


def prepare_pairs(server: PostgresServer) -> None:
    with psycopg.connect(server.dsn("inventory_db")) as admin:
        admin.execute(PAIRS.encode())


@dataclass
class Reader:
    """Opens the newest release again and again, and keeps those that it has seen open."""

    settings: Settings
    seen: list[tuple[Workspace, Any]] = field(default_factory=list)
    looks: int = 0

    def look(self) -> None:
        """Open the newest release; what is wrong with it, or with an older one now, fails the test."""
        self.looks += 1
        workspace = connect(settings=self.settings)
        if self.seen and self.seen[-1][0].release.sequence == workspace.release.sequence:
            return
        assert not self.seen or workspace.release.as_of >= self.seen[-1][0].release.as_of
        agree(workspace)
        self.seen.append((workspace, answers(workspace)))
        self.ask_again(self.seen[-2:])

    def ask_again(self, seen: list[tuple[Workspace, Any]]) -> None:
        for workspace, before in seen:
            assert answers(workspace) == before, workspace.release.name


def agree(workspace: Workspace) -> None:
    name = workspace.release.name
    assert [c.text for c in run_checks(workspace, checks) if c.verdict != "holds"] == [], name
    left, right = (workspace.table(f"inventory_db.{side}") for side in ("left_side", "right_side"))
    assert duck.count(left.anti_join(right, ["id", "amount"])) == 0, name
    assert duck.count(left) == duck.count(right) == 20, name
    assert newest_change(workspace) < workspace.release.as_of, name


def newest_change(workspace: Workspace) -> datetime:
    """Tell when the newest version of any row of both databases began, or ended."""
    moments: list[datetime] = []
    for table in captured(workspace):
        versions = workspace.history(table)
        ended = versions.filter(_.valid_to.year() < 9999)
        found = versions.aggregate(began=_.valid_from.max()), ended.aggregate(ended=_.valid_to.max())
        moments += [value for rows in found for value in rows.to_pyarrow().to_pylist()[0].values() if value]
    return max(moments)


def answers(workspace: Workspace) -> dict[str, Any]:
    """Give what a release answers: every table's size, and what is most sensitive to a change of it."""
    sizes = {name: duck.count(workspace.history(name)) for name in captured(workspace)}
    left = workspace.table("inventory_db.left_side").order_by("id").to_pyarrow().to_pylist()
    return sizes | {"left": left, "gbv": str(workspace.metrics.gbv.value())}


def captured(workspace: Workspace) -> list[str]:
    return [name for name in workspace.tables if name.startswith(("user_db.", "inventory_db."))]


@pytest.mark.long
def test_a_reader_sees_whole_transactions_and_nothing_too_new(new_demo: Callable[..., Path]) -> None:
    read_while_all_work(new_demo(), rounds=5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_reader_sees_whole_transactions_for_long(new_demo: Callable[..., Path]) -> None:
    read_while_all_work(new_demo(seed=2), rounds=200)


def read_while_all_work(home: Path, *, rounds: int) -> None:
    over = threading.Event()
    with running(home) as server, ThreadPoolExecutor(2) as writers:
        prepare_pairs(server)
        settings = settings_for(home, "busy")
        read(settings)
        advance(home, days=9)
        sql(home, "inventory_db", MOVE.format("left_side", "right_side", 1, 1))
        job = begin_rounds(home, "busy", 1)
        job.join()
        job = begin_rounds(home, "busy", rounds)
        writing = [writers.submit(write, home, over) for write in (trade, move)]
        try:
            reader = Reader(settings)
            while job.is_alive():
                reader.look()
        finally:
            over.set()
            job.join()
        assert job.exitcode == 0
        for writer in writing:
            writer.result()
        reader.look()
        reader.ask_again(reader.seen)
        published = [release.sequence for release in releases(Lake(settings.lake), "published")]
        assert len(published) > rounds // 2
        assert len(reader.seen) > rounds // 2, "the reader came too late to prove anything"
