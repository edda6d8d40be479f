"""What a terminal shows."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from workspace.cli import shown
from workspace.errors import RunError
from workspace.runs import Event


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    file = StringIO()
    for name in ("out", "err"):
        monkeypatch.setattr(shown, name, Console(file=file, force_terminal=True, color_system=None, width=60))
    return file


def test_a_terminal_sees_a_row_for_each_step_and_period(terminal: StringIO) -> None:
    with shown.progress() as show:
        for name in ("ingest", "check"):
            show(Event(step=name, period="2026-10-31", state="waiting"))
        show(Event(step="ingest", period="2026-10-31", state="running", attempt=1))
        show(Event(step="ingest", period="2026-10-31", state="retrying", attempt=1, error=RunError("no")))
        show(Event(step="ingest", period="2026-10-31", state="done", attempt=2))
    last = terminal.getvalue().splitlines()[-3:]
    # The last word but one is how long it took.
    assert [line.split()[:5] for line in last if line.startswith(("ingest", "check"))] == [
        ["ingest", "2026-10-31", "done", "(attempt", "2)"],
        ["check", "2026-10-31", "waiting"],
    ]


def test_a_terminal_sees_errors_in_a_box_and_as_they_are(terminal: StringIO) -> None:
    shown.box(RunError("It failed in [bold]cell[/bold] [3].", cure="Mend it."), "check")
    told = terminal.getvalue()
    assert told.startswith("╭─ check ")
    assert "[bold]cell[/bold] [3]." in told
    assert "What to do: Mend it." in told
