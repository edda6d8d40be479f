"""The commands that execute notebooks: tick, run, backfill, report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from workspace.cli.group import FAILED, servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.runs import Progress, Tick
    from workspace.settings import Settings

Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter of the notebook; may be given several times."
    ),
]


def tick() -> None:
    """Do everything that is due and not done: ingest, check, publish, report.

    This is what a scheduler calls. It leaves with 0 when all is done, 1 when something failed, and 75, having
    done nothing, when another one is at work.
    """
    from workspace.runs import tick as work
    from workspace.settings import load_settings

    settings = load_settings()
    work_and_tell(settings, lambda progress: work(settings, progress))


def run(
    step: Annotated[str, typer.Argument(help="A step of pipeline.toml.")],
    period: Annotated[str | None, typer.Option(help="A period such as 2026-10-31; the newest if not given.")] = None,
    parameter: Parameters = None,
) -> None:
    """Execute one step for one period, whether it was done or not."""
    from workspace.runs import run as work
    from workspace.settings import load_settings

    settings = load_settings()
    given = parameter or ()
    work_and_tell(settings, lambda progress: work(settings, step, period=period, parameters=given, progress=progress))


def backfill(
    step: Annotated[str, typer.Argument(help="A step of pipeline.toml.")],
    periods: Annotated[
        str, typer.Argument(metavar="FROM..TO", help="The first and the last period, e.g. 2026-10-01..2026-10-31.")
    ],
) -> None:
    """Execute one step for every period of a range; one that was cut off goes on where it stopped."""
    from workspace.runs import backfill as work
    from workspace.settings import load_settings

    settings = load_settings()
    work_and_tell(settings, lambda progress: work(settings, step, periods, progress=progress))


def report(
    name: Annotated[str, typer.Argument(help="A notebook in pipelines/reports, without its ending.")],
    release: Annotated[str | None, typer.Option(help="The release to report on; the newest if not given.")] = None,
    parameter: Parameters = None,
) -> None:
    """Make a report now, from a release that is published, and tell which files came of it."""
    from workspace.cli.shown import out, say
    from workspace.errors import RunError, did_you_mean
    from workspace.runs import execute_notebook
    from workspace.settings import load_settings

    settings = load_settings()
    folder = settings.pipelines / "reports"
    notebook = folder / f"{name}.ipynb"
    if not notebook.is_file():
        there = [path.stem for path in folder.glob("*.ipynb")]
        raise RunError(f"There is no report {name!r} in {folder}.", cure=did_you_mean(name, there))
    given = [*(parameter or ()), *([f"release={release}"] if release else [])]
    output = settings.var / "reports" / name / "executed" / f"{release or 'newest'}.ipynb"
    began = time.time()
    with out.status(f"Making {name}"):
        execute_notebook(settings, notebook, output, given)
    made = (path for path in (settings.var / "reports").rglob("*") if path.is_file() and path.stat().st_mtime >= began)
    for path in sorted(made):
        say(str(path))


def work_and_tell(settings: Settings, work: Callable[[Progress], Tick]) -> Tick:
    """Execute something with its progress shown, and end with one line on what came of it.

    Raises:
        typer.Exit: Something failed.
    """
    from workspace.cli.shown import box, progress, say

    began = time.monotonic()
    with servers(settings), progress() as show:
        did = work(show)
    for event in did.failed:
        if event.error:
            box(event.error, f"{event.step} {event.period}")
    for event in did.deferred:
        said = event.error.message.splitlines()[0] if event.error else ""
        say(f"{event.step} {event.period} was put off, and a later tick does it. {said}", "yellow")
    if did.left_out:
        say(f"Left out, as workspace.toml has no such source: {', '.join(did.left_out)}.", "dim")
    for step, period in did.outdated:
        say(
            f"{step} {period} was done before its code or parameters changed, and is left as it is; "
            f"`workspace run {step} --period {period}` does it again.",
            "dim",
        )
    if did.downstream and not did.failed:
        left = ", ".join(did.downstream)
        say(f"Left as they are, though they rest on it: {left}. `workspace run <step>` does each again.", "dim")
    say(_conclusion(settings, did, time.monotonic() - began))
    if not did.complete:
        raise typer.Exit(FAILED)
    return did


def _conclusion(settings: Settings, did: Tick, seconds: float) -> str:
    if did.run is None:
        return f"Nothing is due: everything before {did.as_of:%Y-%m-%d %H:%M} UTC is done."
    from workspace.lake import Lake, releases

    published = [r.name for r in releases(Lake(settings.lake), "published") if r.run == did.run.run]
    result = f"Published release {published[-1]}." if published else "No release was published."
    if did.failed:
        failed = ", ".join(f"{event.step} {event.period}" for event in did.failed)
        again = "`workspace tick` goes on from there" if did.run.kind == "tick" else "run it again"
        return f"{failed} did not finish. {result} Mend it, then {again}."
    steps = "1 step" if len(did.outcomes) == 1 else f"{len(did.outcomes)} steps"
    return f"{steps} done in {seconds:.0f} s. {result}"
