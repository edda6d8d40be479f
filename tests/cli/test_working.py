"""The commands that execute notebooks."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from workspace.runs import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from runs.homes import Home

    Call = Callable[..., Result]

ONE = 'steps.a = { notebook = "a.ipynb" }\n'


def test_a_tick_ends_with_one_line(home: Home, workspace: Call) -> None:
    home.notebook("a")
    home.schedule(ONE)
    told = workspace("tick")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert [line.partition("Z  ")[2] for line in lines[:-1]] == ["a 2026-10-31  running", "a 2026-10-31  done"]
    assert lines[-1].startswith("1 step done in ")
    assert lines[-1].endswith(" s. No release was published.")
    home.notebook("a", "changed = 1")
    again = workspace("tick")
    assert again.exit_code == 0
    assert "`workspace run a --period 2026-10-31` does it again" in again.stdout
    assert again.stdout.endswith("Nothing is due: everything before 2026-11-01 00:00 UTC is done.\n")


def test_a_failure_is_told_in_its_own_words_and_nothing_comes_after(home: Home, workspace: Call) -> None:
    home.notebook("a", "from workspace.errors import RunError; raise RunError('3 rows lack a key.', cure='Ask them.')")
    home.notebook("b", home.mark())
    home.schedule(ONE + 'steps.b = { notebook = "b.ipynb", after = ["a"] }\n')
    told = workspace("tick")
    assert told.exit_code == 1
    assert told.stderr.startswith("a 2026-10-31: 3 rows lack a key.\nExecuted notebook: ")
    assert told.stderr.endswith("What to do: Ask them.\n")
    assert "Traceback" not in told.output
    assert "b 2026-10-31  blocked  It comes after a 2026-10-31, which did not finish (failed).\n" in told.stdout
    assert told.stdout.splitlines()[-1] == (
        "a 2026-10-31 did not finish. No release was published. Mend it, then `workspace tick` goes on from there."
    )
    assert not home.marks()


def test_nothing_due_costs_no_papermill(home: Home) -> None:
    home.schedule("")
    code = (
        "import sys; from workspace.cli import app\n"
        "app(['tick'], standalone_mode=False)\n"
        "sys.exit('papermill' in sys.modules or 'deltalake' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_one_that_is_at_work_is_named_and_left_alone(home: Home, workspace: Call) -> None:
    home.schedule("")
    with Lease(home.settings.var, "workspace backfill"):
        told = workspace("tick")
    assert told.exit_code == 75
    assert "`workspace backfill` is at work: process" in told.stderr


def test_what_is_wrong_is_said_in_a_line_or_two(home: Home, workspace: Call) -> None:
    home.notebook("a", parameters="limit: int = 1")
    home.schedule(ONE)
    for words, message in (
        (["run", "b"], "has no step 'b'"),
        (["run", "a", "-p", "limt=2"], "Did you mean limit?"),
        (["run", "a", "--period", "2026-W01"], "is not a day"),
        (["backfill", "a", "2026-10-02..2026-10-01"], "ends before it starts"),
        (["report", "weekly"], "There is no report 'weekly'"),
    ):
        told = workspace(*words)
        assert told.exit_code == 1
        assert message in told.stderr
        assert len(told.stderr.splitlines()) == 2


def test_a_report_tells_which_files_came_of_it(home: Home, workspace: Call) -> None:
    made = home.path / "var" / "reports" / "weekly.html"
    cell = f"import pathlib; pathlib.Path({str(made)!r}).write_text(release)"
    home.notebook("reports/weekly", cell, parameters='release: str = "newest"')
    told = workspace("report", "weekly", "--release", "2026-10-31")
    assert told.exit_code == 0
    assert made.read_text() == "2026-10-31"
    assert told.stdout.split() == [str(home.path / "var/reports/weekly/executed/2026-10-31.ipynb"), str(made)]
