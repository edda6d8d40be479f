"""What the commands show: errors in a box, progress as a live table in a terminal and as lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from workspace.errors import WorkspaceError
    from workspace.runs import Event, Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLOURS = {
    "done": "green",
    "running": "yellow",
    "retrying": "yellow",
    "waiting": "dim",
    "blocked": "magenta",
    "deferred": "yellow",
}


def box(error: WorkspaceError, title: str = "Error") -> None:
    """Show an error on the standard error stream; without a frame where it is not a terminal."""
    if err.is_terminal:
        text = Text(error.message)
        if error.cure:
            text.append("\n\nWhat to do: ", style="bold").append(error.cure)
        err.print(Panel(text, title=title, title_align="left", border_style="red"))
    else:
        err.print(f"{title}: {error}", markup=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print a line that is never cut, whatever is in it."""
    out.print(Text(text, style=style), soft_wrap=True)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; with a word instead of one if it has no rows."""
    listed = [[Text(cell) for cell in row] for row in rows]
    if not listed:
        say(f"{title}: none")
        return
    shown = Table(
        *columns, title=title, title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False
    )
    for row in listed:
        shown.add_row(*row)
    # Where nobody watches there is no width to fit into.
    (out if out.is_terminal else Console(width=200, highlight=False)).print(shown)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show what happens to steps, until the block ends."""
    if not out.is_terminal:
        yield _line
        return
    from rich.live import Live

    board = _Board()
    with Live(board, console=out, refresh_per_second=4):
        yield board.note


def _line(event: Event) -> None:
    if event.state != "waiting":
        now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
        said = f"  {event.error.message.splitlines()[0]}" if event.error else ""
        say(f"{now}  {event.step} {event.period}  {event.state}{said}")


class _Board:
    """The live table: one row for each step and period."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], Event] = {}
        self._began: dict[tuple[str, str], float] = {}
        self._ended: dict[tuple[str, str], float] = {}

    def note(self, event: Event) -> None:
        pair = (event.step, event.period)
        self._events[pair] = event
        if event.state == "running":
            self._began.setdefault(pair, time.monotonic())
        elif event.state not in ("waiting", "retrying"):
            self._ended[pair] = time.monotonic()

    def __rich__(self) -> RenderableType:
        shown = Table("step", "period", "state", "elapsed", box=None, header_style="dim", pad_edge=False)
        for pair, event in list(self._events.items()):
            began = self._began.get(pair)
            spent = self._ended.get(pair, time.monotonic()) - began if began else None
            state = Text(event.state, style=_COLOURS.get(event.state, "red"))
            if event.attempt > 1:
                state.append(f" (attempt {event.attempt})")
            shown.add_row(event.step, event.period, state, f"{spent:.0f} s" if spent is not None else "")
        return shown
