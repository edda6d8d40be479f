"""Ticks, end to end: real notebooks, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from workspace.errors import BusyError, RunError
from workspace.lake import Lake
from workspace.runs import Event, Ledger, backfill, run, tick
from workspace.runs.leases import Lease

if TYPE_CHECKING:
    from runs.homes import Home

DSN = "postgresql://reader:s3cret@db/inventory"
THREE = """
[steps.ingest]
notebook = "ingest.ipynb"
[steps.check]
notebook = "check.ipynb"
after = ["ingest"]
[steps.report]
notebook = "report.ipynb"
after = ["check"]
period = "week"
"""


def states(events: tuple[Event, ...]) -> dict[str, str]:
    return {f"{event.step} {event.period}": event.state for event in events}


def start_tick(home: Home) -> subprocess.Popen[str]:
    """Start a tick in a process of its own."""
    command = [sys.executable, "-c", "from workspace.cli import main; main()", "tick"]
    environment = {**os.environ, "WORKSPACE_HOME": str(home.path)}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def wait_for(home: Home, mark: str) -> None:
    while mark not in home.marks():
        time.sleep(0.05)


def test_a_tick_does_what_is_due_in_order_and_nothing_twice(home: Home) -> None:
    for name in ("ingest", "check", "report"):
        home.notebook(name, home.mark(f"'{name} ' + period + ' ' + as_of[:10]"))
    home.schedule(THREE)
    seen: list[Event] = []
    did = tick(home.settings, seen.append)
    assert did.run is not None
    assert did.run.run == "2026-10-31"
    assert home.marks() == [
        "check 2026-10-31 2026-11-01",
        "ingest 2026-10-31 2026-11-01",
        "report 2026-W43 2026-11-01",
    ]
    done = {"ingest 2026-10-31": "done", "check 2026-10-31": "done", "report 2026-W43": "done"}
    assert states(did.outcomes) == done
    assert [event.step for event in seen if event.state == "done"] == ["ingest", "check", "report"]
    assert [event.state for event in seen if event.step == "ingest"] == ["waiting", "running", "done"]
    assert (home.path / "var/runs/2026-10-31/report/2026-W43/1.ipynb").is_file()
    recorded = Lake(home.settings.lake).records("runs")
    assert recorded is not None
    assert recorded["step"].to_pylist() == ["ingest", "check", "report"]

    assert tick(home.settings).run is None
    home.notebook("check", "changed = 1")
    later = tick(home.settings)
    assert later.run is None
    assert later.outdated == (("check", "2026-10-31"), ("report", "2026-W43"))


def test_a_failure_blocks_what_comes_after_and_is_repaired_in_the_same_run(home: Home) -> None:
    home.notebook("ingest", home.mark("'ingest'"))
    home.notebook(
        "check", "from workspace.errors import RunError; raise RunError('3 rows lack a key.', cure='Ask them.')"
    )
    home.notebook("report", home.mark("'report'"))
    home.schedule(THREE)
    did = tick(home.settings)
    assert states(did.outcomes) == {
        "ingest 2026-10-31": "done",
        "check 2026-10-31": "failed",
        "report 2026-W43": "blocked",
    }
    assert [event.step for event in did.failed] == ["check"]
    assert str(did.failed[0].error).startswith("3 rows lack a key.\nExecuted notebook: ")
    assert str(did.outcomes[2].error) == "It comes after check 2026-10-31, which did not finish (failed)."
    assert home.marks() == ["ingest"]
    (home.seen / "ingest").unlink()
    home.notebook("check", "1")
    repaired = tick(home.settings)
    assert repaired.run == did.run
    assert states(repaired.outcomes) == {"check 2026-10-31": "done", "report 2026-W43": "done"}
    assert home.marks() == ["report"]
    assert (home.path / "var/runs/2026-10-31/check/2026-10-31/2.ipynb").is_file()


def test_a_failed_attempt_is_retried_and_each_copy_kept(home: Home) -> None:
    home.notebook(
        "a",
        f"import pathlib; first = pathlib.Path({str(home.seen / 'first')!r})",
        "if not first.exists():\n    first.touch()\n    1 / 0",
    )
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nretries = 1')
    seen: list[Event] = []
    did = tick(home.settings, seen.append)
    assert [(event.state, event.attempt) for event in seen] == [
        ("waiting", 0),
        ("running", 1),
        ("retrying", 1),
        ("running", 2),
        ("done", 2),
    ]
    assert states(did.outcomes) == {"a 2026-10-31": "done"}
    with Ledger(home.settings.var) as ledger:
        assert [(a.state, a.error.partition("\n")[0]) for a in ledger.attempts()] == [
            ("done", ""),
            ("failed", "ZeroDivisionError: division by zero"),
        ]


def test_wrong_settings_are_not_tried_twice(home: Home) -> None:
    home.notebook("a", "from workspace.errors import SettingsError\nraise SettingsError('No such sheet.')")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nretries = 5')
    (outcome,) = tick(home.settings).outcomes
    assert (outcome.state, outcome.attempt) == ("failed", 1)


def test_what_is_not_required_blocks_nothing_and_is_tried_again(home: Home) -> None:
    home.notebook("rates", "1 / 0")
    home.notebook("publish", home.mark("'published'"))
    home.schedule(
        'steps.rates = { notebook = "rates.ipynb", required = false }\n'
        'steps.publish = { notebook = "publish.ipynb", after = ["rates"] }'
    )
    assert states(tick(home.settings).outcomes) == {"rates 2026-10-31": "failed", "publish 2026-10-31": "done"}
    assert home.marks() == ["published"]
    home.notebook("rates")
    assert states(tick(home.settings).outcomes) == {"rates 2026-10-31": "done"}


def test_what_a_source_puts_off_is_not_asked_again_now_but_by_a_later_tick(home: Home) -> None:
    home.toml()
    home.schedule("""
[steps.ingest]
notebook = "ingest.ipynb"
retries = 3
required = false
[steps.check]
notebook = "check.ipynb"
after = ["ingest"]
""")
    leave = 'pathlib.Path(seen).joinpath(f"asked {len(list(pathlib.Path(seen).iterdir()))}").touch()'
    raising = (
        "import pathlib, datetime\n"
        f"seen = {str(home.seen)!r}\n"
        f"{leave}\n"
        "from workspace.errors import DeferredError\n"
        "if len(list(pathlib.Path(seen).glob('asked*'))) == 1:\n"
        "    until = datetime.datetime(2026, 11, 2, tzinfo=datetime.UTC)\n"
        "    raise DeferredError('The quota of the day is used up.', until=until)"
    )
    home.notebook("ingest", raising)
    home.notebook("check", home.mark("'checked'"))

    first = tick(home.settings)
    assert states(first.outcomes) == {"ingest 2026-10-31": "deferred", "check 2026-10-31": "done"}
    assert not first.failed
    assert first.complete
    assert [event.attempt for event in first.deferred] == [1], "retries would only burn more of the quota"
    assert "after 2026-11-02 00:00 UTC goes on" in str(first.deferred[0].error)

    assert states(tick(home.settings).outcomes) == {"ingest 2026-10-31": "done"}


def test_a_runner_whose_lease_is_taken_over_stops(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease.__init__, "__kwdefaults__", {"expiry": 60.0, "beat": 0.01})
    take = (
        f"import sqlite3; db = sqlite3.connect({str(home.path / 'var/ledger.sqlite')!r}, isolation_level=None)\n"
        "db.execute('update leases set token = 0'); db.close()\n"
        "import time; time.sleep(600)"
    )
    home.notebook("a", take)
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nretries = 5')
    with pytest.raises(RunError, match="Another process has taken over"):
        tick(home.settings)


def test_of_two_ticks_at_once_one_works_and_the_other_says_who(home: Home) -> None:
    home.notebook(
        "a",
        home.mark("'started'"),
        f"import time\nwhile not pathlib.Path({str(home.seen / 'go')!r}).exists(): time.sleep(0.05)",
    )
    home.schedule('[steps.a]\nnotebook = "a.ipynb"')
    first = start_tick(home)
    wait_for(home, "started")
    with pytest.raises(BusyError, match=rf"`workspace tick` is at work: process {first.pid} on "):
        tick(home.settings)
    (home.seen / "go").touch()
    assert finish(first) == 0
    with Ledger(home.settings.var) as ledger:
        assert [(run.run, run.state) for run in ledger.runs()] == [("2026-10-31", "done")]


def test_a_runner_killed_in_mid_step_leaves_no_kernel_and_the_next_tick_resumes(home: Home) -> None:
    wait = f"import time\nwhile not pathlib.Path({str(home.seen / 'go')!r}).exists(): time.sleep(0.05)"
    home.notebook("ingest", home.mark("'ingest'"))
    home.notebook(
        "check", f"import os, pathlib; pathlib.Path({str(home.seen / 'pid')!r}).write_text(str(os.getpid()))", wait
    )
    home.notebook("report", home.mark("'report'"))
    home.schedule(THREE)
    runner = start_tick(home)
    wait_for(home, "pid")
    runner.kill()
    assert finish(runner) == -signal.SIGKILL
    while home.alive():
        time.sleep(0.1)
    (home.seen / "ingest").unlink()
    (home.seen / "go").touch()
    did = tick(home.settings)
    assert did.run is not None
    assert did.run.run == "2026-10-31"
    assert home.marks() == ["go", "pid", "report"]
    with Ledger(home.settings.var) as ledger:
        assert [(a.step, a.attempt, a.state) for a in reversed(ledger.attempts())] == [
            ("ingest", 1, "done"),
            ("check", 1, "interrupted"),
            ("check", 2, "done"),
            ("report", 1, "done"),
        ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_tick_leaves_nothing_running(home: Home, number: signal.Signals) -> None:
    home.notebook(
        "a",
        f"import os, pathlib, time; pathlib.Path({str(home.seen / 'pid')!r}).write_text(str(os.getpid()))",
        "time.sleep(600)",
    )
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nretries = 5')
    runner = start_tick(home)
    wait_for(home, "pid")
    runner.send_signal(number)
    assert finish(runner) == 130
    assert not home.alive()
    with Ledger(home.settings.var) as ledger:
        assert [a.state for a in ledger.attempts()] == ["interrupted"]
        assert [run.state for run in ledger.runs()] == ["interrupted"]
    with Lease(home.settings.var, "the next"):
        pass


def test_a_step_by_hand_has_a_run_of_its_own_and_takes_parameters(home: Home) -> None:
    parameters = 'run: str = ""\nperiod: str = ""\nlimit: int = 1\nsources: list[str] = []'
    home.notebook("a", home.mark("f'{run} {period} {limit} {sources}'"), parameters=parameters)
    home.notebook("b")
    home.schedule(
        '[steps.a]\nnotebook = "a.ipynb"\nparameters = { limit = 2 }\n[steps.b]\nnotebook = "b.ipynb"\nafter = ["a"]'
    )
    run(home.settings, "a")
    did = run(home.settings, "a", period="2026-10-05", parameters=["sources=x, y"])
    assert did.downstream == ("b",)
    assert home.marks() == ["2026-10-31 2026-10-31 2 []", "2026-10-31.2 2026-10-05 2 ['x', 'y']"]
    did = run(home.settings, "b")
    assert did.run is not None
    assert did.run.run == "2026-10-31.2"


def test_a_step_by_hand_that_fails_is_told_once(home: Home) -> None:
    home.notebook("ingest", "1 / 0")
    for name in ("check", "report"):
        home.notebook(name)
    home.schedule(THREE)
    assert [(event.step, event.state) for event in run(home.settings, "ingest").outcomes] == [("ingest", "failed")]


def test_a_backfill_that_was_cut_off_goes_on_where_it_stopped(home: Home) -> None:
    stop = home.seen / "stop"
    home.notebook("a", home.mark(), f"if period.endswith('02') and pathlib.Path({str(stop)!r}).exists(): 1 / 0")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"')
    stop.touch()
    did = backfill(home.settings, "a", "2026-10-01..2026-10-02")
    assert states(did.outcomes) == {"a 2026-10-01": "done", "a 2026-10-02": "failed"}
    stop.unlink()
    did = backfill(home.settings, "a", "2026-10-01..2026-10-02")
    assert states(did.outcomes) == {"a 2026-10-02": "done"}


@pytest.mark.parametrize(
    ("step", "period", "given"),
    [
        ("b", None, ([], "has no step 'b'")),
        ("a", "2026-11-01", ([], "a 2026-11-01 is not over yet")),
        ("a", "2026-W40", ([], "'2026-W40' is not a day")),
        ("a", None, (["limt=1"], "declares no parameter 'limt'.\nWhat to do: Did you mean limit")),
        ("a", None, (["limit=x"], "limit = 'x' is not of the declared type int")),
        ("a", None, (["run=x"], "declares no parameter 'run'")),
        ("a", None, (["limit"], "'limit' is not name=value")),
        ("a", None, ([f"limit={DSN}"], "the value of limit contains a connection string")),
    ],
)
def test_what_is_wrong_is_said_before_a_kernel_starts(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str, period: str | None, given: tuple[list[str], str]
) -> None:
    monkeypatch.setenv("INVENTORY_DSN", DSN)
    home.toml(more='[sources.inventory_db]\nkind = "postgres"\ndsn_env = "INVENTORY_DSN"')
    home.notebook("a", parameters='run: str = ""\nlimit: int = 1')
    home.schedule('[steps.a]\nnotebook = "a.ipynb"')
    parameters, message = given
    with pytest.raises(RunError) as caught:
        run(home.settings, step, period=period, parameters=parameters)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert not (home.path / "var").exists()


def test_no_secret_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_DSN", DSN)
    home.toml(more='[sources.inventory_db]\nkind = "postgres"\ndsn_env = "INVENTORY_DSN"')
    home.notebook("a", "import os; dsn = os.environ['INVENTORY_DSN']; print(dsn)", "raise ValueError('no ' + dsn[20:])")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"')
    did = tick(home.settings)
    assert "no [secret]@db" in str(did.failed[0].error)
    for file in (home.path / "var").rglob("*"):
        assert not file.is_file() or b"s3cret" not in file.read_bytes()


def test_steps_of_sources_that_a_home_lacks_are_left_out_and_named(home: Home) -> None:
    home.toml(more='[sources.fx]\nkind = "fx"\nlocation = "rates.csv"\n')
    home.schedule("""
[steps.ads]
notebook = "ingest.ipynb"
parameters = { source = "google_ads" }
[steps.rates]
notebook = "ingest.ipynb"
parameters = { source = "fx" }
[steps.check]
notebook = "check.ipynb"
after = ["ads", "rates"]
""")
    home.notebook("ingest", home.mark("source"), parameters='source: str = ""')
    home.notebook("check", home.mark("'checked'"))
    done = tick(home.settings)
    assert done.left_out == ("ads",)
    assert states(done.outcomes) == {"rates 2026-10-31": "done", "check 2026-10-31": "done"}
    assert home.marks() == ["checked", "fx"]
