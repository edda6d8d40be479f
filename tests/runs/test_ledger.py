"""The ledger: names of runs, states of attempts, the copy for readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from workspace.errors import RunError
from workspace.lake import Lake
from workspace.runs import Ledger
from workspace.runs.ledger import Job, State
from workspace.runs.publish import publish_ledger

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
JOB = Job(step="a", period="2026-10-31", parameters={"limit": 1}, fingerprint="f")


def begin(ledger: Ledger, kind: str = "tick") -> str:
    return ledger.begin(kind, AS_OF, "2026-10-31", AS_OF).run


def test_an_unfinished_run_is_resumed_and_a_finished_one_gets_a_successor(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert begin(ledger) == "2026-10-31"
        assert begin(ledger) == "2026-10-31"
        ledger.end("2026-10-31", "failed")
        assert begin(ledger, "run a") == "2026-10-31.2"
        assert begin(ledger) == "2026-10-31"
        ledger.end("2026-10-31", "done")
        assert begin(ledger) == "2026-10-31.3"


def test_steps_by_hand_share_a_run_until_one_comes_again_or_too_late(tmp_path: Path) -> None:
    later = {"ingest": ("ingest", "check", "publish"), "check": ("check", "publish"), "publish": ("publish",)}
    with Ledger(tmp_path) as ledger:

        def by_hand(step: str, state: State = "done") -> str:
            begun = ledger.begin("by hand", AS_OF, "2026-10-31", AS_OF, join=later[step])
            job = Job(step=step, period="2026-10-31", parameters={}, fingerprint="f")
            ledger.finish(ledger.start(job, run=begun.run, clock=AS_OF, folder=tmp_path), state)
            ledger.end(begun.run, state)
            return begun.run

        assert {by_hand("ingest"), by_hand("check", "failed"), by_hand("check")} == {"2026-10-31"}
        assert by_hand("publish") == "2026-10-31"
        assert by_hand("check") == "2026-10-31.2"
        assert by_hand("publish") == "2026-10-31.2"
        assert by_hand("publish") == "2026-10-31.3"


def test_what_a_dead_runner_left_running_is_interrupted(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        left = ledger.start(JOB, run=begin(ledger), clock=AS_OF, folder=tmp_path)
        assert left.output == str(tmp_path / "2026-10-31/a/2026-10-31/1.ipynb")
        begin(ledger)
        ledger.finish(left, "done")
        assert [attempt.state for attempt in ledger.attempts()] == ["interrupted"]
        assert ledger.done() == {}


def test_the_newest_fingerprint_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for fingerprint in ("f", "g"):
            job = Job(step="a", period="2026-10-31", parameters={}, fingerprint=fingerprint)
            ledger.finish(ledger.start(job, run=begin(ledger), clock=AS_OF, folder=tmp_path), "done")
        assert ledger.done() == {("a", "2026-10-31"): "g"}
        assert ledger.done("another") == {}


def test_ended_attempts_are_copied_once(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    with Ledger(tmp_path) as ledger:
        run = begin(ledger)
        ledger.finish(ledger.start(JOB, run=run, clock=AS_OF, folder=tmp_path), "failed", "no")
        ledger.block(JOB, run=run, clock=AS_OF, reason="why")
        ledger.start(JOB, run=run, clock=AS_OF, folder=tmp_path)
        assert publish_ledger(ledger, lake) == 2
        assert publish_ledger(ledger, lake) == 0
    rows = lake.records("runs")
    assert rows is not None
    columns = ["run", "step", "attempt", "state", "clock", "parameters", "error"]
    assert [tuple(row.values()) for row in rows.select(columns).sort_by("attempt").to_pylist()] == [
        ("2026-10-31", "a", 1, "failed", AS_OF, '{"limit": 1}', "no"),
        ("2026-10-31", "a", 2, "blocked", AS_OF, '{"limit": 1}', "why"),
    ]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(RunError, match="cannot be read") as caught:
        Ledger(tmp_path)
    assert "costs only re-runs" in caught.value.cure
