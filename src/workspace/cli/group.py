"""How commands end: our own errors in a box and an exit code, all others with their traceback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from workspace.errors import BusyError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.settings import Settings

FAILED = 1
BUSY = 75  # EX_TEMPFAIL of sysexits.h: try again later


class Commands(TyperGroup):
    """A group of commands that shows a `WorkspaceError` as what it says, and nothing more."""

    def invoke(self, ctx: Any) -> Any:
        """Invoke the command that was asked for."""
        try:
            return super().invoke(ctx)
        except WorkspaceError as error:
            from workspace.cli.shown import box

            box(error)
            raise typer.Exit(BUSY if isinstance(error, BusyError) else FAILED) from None


@contextmanager
def servers(settings: Settings) -> Iterator[None]:
    """Keep the demo's servers up while a command needs them; a home of one's own has its own."""
    if settings.demo:
        from workspace.demo import running

        with running(settings.home):
            yield
    else:
        yield
