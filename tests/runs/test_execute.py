"""Executing notebooks: real kernels, each about a second."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from workspace.runs.execute import Execution, Executor, NotebookError

if TYPE_CHECKING:
    from pathlib import Path

    from runs.homes import Home


def execution(notebook: Path, *, timeout: float = 60, **parameters: str) -> Execution:
    output = notebook.parent.parent / "out" / "1.ipynb"
    return Execution(notebook=notebook, output=output, parameters=parameters, timeout=timedelta(seconds=timeout))


def said(path: Path) -> str:
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][-1]["outputs"][0]["text"])


def texts(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_parameters_are_data_and_the_executed_copy_is_kept(home: Home) -> None:
    evil = '"); raise SystemExit  # \\" \n{run} \u00fc'
    notebook = home.notebook("a", "import os, sys\nprint(repr(run), os.environ['WORKSPACE_HOME'], sys.executable)")
    before = texts(notebook)
    wanted = execution(notebook, run=evil)
    Executor(home.path, ()).execute(wanted)

    assert said(wanted.output) == f"{evil!r} {home.path} {sys.executable}\n"
    assert texts(notebook) == before


def test_a_cell_that_raises_is_told_in_its_own_words(home: Home) -> None:
    cell = "from workspace.errors import SourceError\nraise SourceError('The slot is gone.', cure='Make a new one.')"
    wanted = execution(home.notebook("a", "1", cell, "2"))
    with pytest.raises(NotebookError) as caught:
        Executor(home.path, ()).execute(wanted)
    assert (
        str(caught.value)
        == f"The slot is gone.\nExecuted notebook: {wanted.output}, cell [3]\nWhat to do: Make a new one."
    )
    assert caught.value.state == "failed"
    assert "The slot is gone." in texts(wanted.output)


def test_other_errors_fit_on_a_screen_and_hold_no_secret(home: Home) -> None:
    dsn = "postgresql://reader:s3cret%21@db/inventory"
    cell = f"print({dsn!r})\nimport sys; print('s3cret!', file=sys.stderr)\nraise ValueError({dsn!r} + '\\nx' * 500)"
    wanted = execution(home.notebook("a", cell))
    with pytest.raises(NotebookError) as caught:
        Executor(home.path, (dsn, "s3cret!")).execute(wanted)
    assert "s3cret" not in str(caught.value) + texts(wanted.output)
    assert str(caught.value).startswith("ValueError: [secret]\nx\n")
    assert len(str(caught.value).splitlines()) < 20


def test_what_takes_too_long_is_killed_with_its_children(home: Home) -> None:
    cell = f"""
import pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
pathlib.Path({str(home.seen / "pid")!r}).write_text(str(child.pid))
time.sleep(600)"""
    with pytest.raises(NotebookError, match=r"longer than 0:00:04 and was stopped") as caught:
        Executor(home.path, ()).execute(execution(home.notebook("a", cell), timeout=4))
    assert caught.value.state == "timeout"
    assert not home.alive()


def test_a_kernel_that_is_killed_is_called_dead(home: Home) -> None:
    cell = "import os, sys\nos.write(2, b'out of luck')\nos.kill(os.getpid(), 9)"
    with pytest.raises(NotebookError, match=r"Its kernel died[^\n]*\nout of luck") as caught:
        Executor(home.path, ()).execute(execution(home.notebook("a", cell)))
    assert caught.value.state == "failed"


def test_stop_ends_what_runs_and_what_comes_after(home: Home) -> None:
    notebook = home.notebook("a", home.mark("'started'"), "import time; time.sleep(600)")
    executor = Executor(home.path, ())
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(executor.execute, execution(notebook))
        while not home.marks():
            time.sleep(0.05)
        executor.stop()
        with pytest.raises(NotebookError, match="interrupted") as caught:
            future.result()
        assert caught.value.state == "interrupted"
    with pytest.raises(NotebookError, match="interrupted"):
        executor.execute(execution(notebook))


def test_kernels_side_by_side_do_not_mix(home: Home) -> None:
    executor = Executor(home.path, ())
    gate = threading.Barrier(2)

    def work(name: str) -> str:
        notebook = home.notebook(name, f"for _ in range(50): print({name!r})")
        gate.wait()
        output = home.path / f"{name}.ipynb"
        executor.execute(Execution(notebook=notebook, output=output, parameters={}, timeout=timedelta(minutes=1)))
        return said(output)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, "ab")) == ["a\n" * 50, "b\n" * 50]
