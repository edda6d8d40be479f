"""The front door for schedules and servers: `workspace <command>`.

Commands import what they need when they are called, so that the others start at once.
"""

from __future__ import annotations

import typer

from workspace.cli import demo, home, looking, metrics, serving, working
from workspace.cli.group import Commands

app = typer.Typer(
    cls=Commands,
    name="workspace",
    help="BookMyEvent's analytics workspace: exact history, published releases, every metric defined once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(demo.app, name="demo")
app.add_typer(metrics.app, name="metrics")
for command in (
    home.init,
    working.tick,
    working.run,
    working.backfill,
    looking.status,
    looking.releases,
    looking.doctor,
    home.resnapshot,
    home.lab,
    working.report,
    serving.mcp,
):
    app.command()(command)


def main() -> None:
    """Run the command that the process was started with."""
    app()
