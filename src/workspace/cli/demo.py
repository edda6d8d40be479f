"""The commands of the simulated company: demo, demo advance, demo sql."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workspace.settings import Settings

app = typer.Typer(invoke_without_command=True)

# The last days before each tick: a long catch-up, some weeks, then day by day.
LAST_DAYS = tuple(date(2026, 10, day) for day in (3, 10, 17, 24, 29, 30, 31))


@app.callback()
def demo(
    context: typer.Context,
    *,
    reset: Annotated[bool, typer.Option("--reset", help="Delete an existing demo first.")] = False,
    scale: Annotated[float, typer.Option(help="How large the company is; 1 is the documented size.")] = 1.0,
) -> None:
    """Make the simulated company, let it live for 13 months, and publish seven releases about it.

    What is there already is kept: an interrupted demo goes on where it stopped.
    """
    if context.invoked_subcommand:
        return
    from workspace.cli.shown import say
    from workspace.demo import create, running
    from workspace.settings import load_settings

    began = time.monotonic()
    home = demo_home()
    if reset:
        _delete(home)
    create(home, scale=scale)
    with running(home):
        _connect(home)
        for day in LAST_DAYS:
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            if load_settings(home).now() <= end:
                _live(home, end)
                _tick(home, day)
    _farewell(load_settings(home), time.monotonic() - began)
    say("`workspace lab` opens the notebooks; `workspace demo advance --days 1` and `workspace tick` go on.")


@app.command()
def advance(days: Annotated[int, typer.Option(min=1, help="How many days to live on.")] = 1) -> None:
    """Let the simulated company live on, and move its business clock."""
    from workspace.cli.shown import say
    from workspace.demo import running

    settings = _demo_settings()
    with running(settings.home):
        _live(settings.home, settings.now() + timedelta(days=days))
    say("`workspace tick` brings what happened into a release.")


@app.command()
def sql(
    database: Annotated[str, typer.Argument(help="user_db or inventory_db.")],
    statement: Annotated[str, typer.Argument(help="One SQL statement.")],
) -> None:
    """Change or query the simulated company's databases by hand; a change is stamped with the business clock."""
    from workspace.cli.shown import say
    from workspace.demo import running
    from workspace.demo import sql as execute

    settings = _demo_settings()
    with running(settings.home):
        result = execute(settings.home, database, statement)
    if isinstance(result, int):
        say(f"{result} rows changed.")
    else:
        for row in result:
            say("  ".join(str(value) for value in row))


def demo_home() -> Path:
    """Tell where the demo is, or would be made: at `WORKSPACE_HOME`, or in `var/demo` of the nearest home."""
    from workspace.errors import SettingsError
    from workspace.settings import DEMO_HOME, FILE, HOME_VARIABLE, find_home, load_settings

    named = os.environ.get(HOME_VARIABLE)
    if named and not (Path(named) / FILE).exists():
        return Path(named).resolve()
    try:
        found = find_home()
    except SettingsError:
        return (Path.cwd() / DEMO_HOME).resolve()
    return found if load_settings(found).demo else found / DEMO_HOME


def _demo_settings() -> Settings:
    from workspace.errors import SettingsError
    from workspace.settings import load_settings

    settings = load_settings()
    if not settings.demo:
        raise SettingsError(f"{settings.home} is no demo.", cure="Make one with `workspace demo`.")
    return settings


def _delete(home: Path) -> None:
    """Delete a demo, unless somebody is using it."""
    from workspace.demo import PostgresServer, running
    from workspace.errors import BusyError, SettingsError
    from workspace.runs import Lease
    from workspace.settings import FILE, load_settings

    if not (home / FILE).exists():
        return
    settings = load_settings(home)
    if not settings.demo:
        raise SettingsError(f"{home} is no demo; it is left as it is.", cure="Delete it by hand if you mean it.")
    with Lease(settings.var, "workspace demo --reset"):
        with running(home):
            pass  # the last one to leave stops the server
        if PostgresServer(home / "postgres").running:
            raise BusyError(f"Somebody is using the demo in {home}.", cure="Close `workspace lab` first.")
        (home / FILE).unlink()  # first: without it the rest is no home, however much of it is left
    shutil.rmtree(home)


def _live(home: Path, until: datetime) -> None:
    from workspace.cli.shown import out, say
    from workspace.demo import advance as live
    from workspace.settings import load_settings

    if load_settings(home).now() >= until:
        return
    with out.status("The company lives on") as status:
        came = live(home, until=until, progress=lambda day: status.update(f"The company lives on: {day}"))
    events = f", {came.events:,} events on the website" if came.events else ""
    say(f"{came.days} days passed until {came.clock:%Y-%m-%d}: {came.transactions:,} transactions{events}.")


def _connect(home: Path) -> None:
    """Connect the workspace on the company's first day, so that all that follows comes from the write-ahead log."""
    from workspace.cli.shown import say
    from workspace.lake import Lake
    from workspace.settings import PostgresSource, load_settings
    from workspace.sources import ingest

    settings = load_settings(home)
    known = Lake(settings.lake).watermarks()
    for name, source in settings.sources.items():
        if isinstance(source, PostgresSource) and name not in known:
            say(f"First snapshot: {ingest(name, run='first snapshot', as_of='', settings=settings)}")


def _tick(home: Path, day: date) -> None:
    from workspace.cli.shown import say
    from workspace.cli.working import work_and_tell
    from workspace.runs import tick
    from workspace.settings import load_settings

    settings = load_settings(home)
    say(f"Tick of {day}", "bold")
    work_and_tell(settings, lambda progress: tick(settings, progress))


def _farewell(settings: Settings, seconds: float) -> None:
    from workspace.cli.shown import say
    from workspace.lake import Lake, releases

    published = releases(Lake(settings.lake), "published")
    say(f"The demo in {settings.home} has {len(published)} releases; this took {seconds:.0f} s.", "bold")
    for path in sorted((settings.var / "reports").rglob("*.html"))[-1:]:
        say(f"The newest report: {path}")
