"""`tick`: do what is due. Catch-up, retry and repair are the same thing, as the ledger says what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workspace.errors import RunError
from workspace.runs.crew import Crew, Event, Progress
from workspace.runs.leases import Lease
from workspace.runs.ledger import Ledger, Run
from workspace.runs.parameters import GIVEN, parse_values, refuse_secrets
from workspace.runs.periods import Period, parse_range
from workspace.runs.plan import Plan, changed, due, jobs_for
from workspace.runs.redaction import secrets
from workspace.runs.schedule import Schedule, Step, load_schedule
from workspace.runs.signals import terminable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from workspace.runs.parameters import Value
    from workspace.settings import Settings

BY_HAND = "by hand"


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What a tick, a run or a backfill came to.

    Attributes:
        as_of: The exclusive end of what it could know.
        run: The run that did it; None if nothing was due.
        outcomes: One event for each step and period, in the steps' order.
        outdated: Pairs that were done by other code or parameters than there are now, and are left as they are.
        left_out: The steps of sources that `workspace.toml` does not have.
        downstream: The steps whose results rest on a step that was done by hand, and were left as they are.
    """

    as_of: datetime
    run: Run | None = None
    outcomes: tuple[Event, ...] = ()
    outdated: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Event, ...]:
        """The outcomes that went wrong themselves; what they blocked is left out."""
        return tuple(event for event in self.outcomes if event.state not in ("done", "blocked", "deferred"))

    @property
    def deferred(self) -> tuple[Event, ...]:
        """What was put off as its source asks to be left alone; a later tick does it."""
        return tuple(event for event in self.outcomes if event.state == "deferred")

    @property
    def complete(self) -> bool:
        """Whether all that could be done was: nothing failed, and nothing waits for what was put off."""
        return all(event.state in ("done", "deferred") for event in self.outcomes)


def silent(_: Event) -> None:
    """Show no progress."""


def tick(settings: Settings, progress: Progress = silent) -> Tick:
    """Do everything that is due and not done, and nothing twice.

    An unfinished run with the same `as_of` is resumed. What was done stays done when code or parameters
    change; `run` and `backfill` do it again.

    Args:
        settings: Of the home.
        progress: Told of every event.

    Raises:
        BusyError: Another process is at work; nothing was done.
        RunError: The schedule is wrong, or the lease was lost.
        KeyboardInterrupt: It was interrupted; its kernels are dead, its attempts marked.
    """
    schedule = load_schedule(settings.pipelines)
    day = schedule.tick(settings.now())
    with Lease(settings.var, "workspace tick") as lease, Ledger(settings.var) as ledger:
        done = ledger.done()
        outdated = tuple(changed(schedule, day.end, done))
        plan = due(schedule, day.end, done)
        left_out = tuple(name for name in plan if not has_source(settings, schedule.steps[name]))
        plan = {name: jobs for name, jobs in plan.items() if name not in left_out}
        if not plan:
            return Tick(as_of=day.end, outdated=outdated, left_out=left_out)
        _refuse(settings, schedule, plan)
        begun = ledger.begin("tick", day.end, day.label, settings.now())
        crew = Crew(settings, schedule, ledger=ledger, lease=lease, run=begun, progress=progress)
        outcomes = _work(crew, settings, ledger, begun, plan)
        return Tick(as_of=day.end, run=begun, outcomes=outcomes, outdated=outdated, left_out=left_out)


def run(
    settings: Settings,
    step: str,
    *,
    period: str | None = None,
    parameters: Sequence[str] = (),
    progress: Progress = silent,
) -> Tick:
    """Execute one step for one period, whether it was done or not.

    Steps that are executed by hand one after the other, in the schedule's order, share a run: that is how
    `run check` and then `run publish` make a release.

    Args:
        settings: Of the home.
        step: The step's name.
        period: A period's label; the newest that is over if not given.
        parameters: `name=value` texts that go before the schedule's values.
        progress: Told of every event.

    Raises:
        BusyError: Another process is at work; nothing was done.
        RunError: The step, the period or a parameter is wrong, or the lease was lost.
    """
    schedule = load_schedule(settings.pipelines)
    chosen = schedule.step(step)
    newest = Period.newest(schedule.tick(settings.now()).end, chosen.period)
    wanted = (Period.parse(period, chosen.period) if period else newest,)
    where = schedule.where(step)
    refuse_secrets({text.partition("=")[0]: text for text in parameters}, secrets(settings), where)
    settable = {name: parameter for name, parameter in chosen.declared.items() if name not in GIVEN}
    overrides = {**chosen.parameters, **parse_values(parameters, settable, where)}
    return _by_hand(settings, schedule, BY_HAND, step=chosen, periods=wanted, parameters=overrides, progress=progress)


def backfill(settings: Settings, step: str, periods: str, *, progress: Progress = silent) -> Tick:
    """Execute one step for every period of a range, done or not; one that was cut off goes on where it stopped.

    Args:
        settings: Of the home.
        step: The step's name.
        periods: `FROM..TO`, both included.
        progress: Told of every event.

    Raises:
        BusyError: Another process is at work; nothing was done.
        RunError: The step or the range is wrong, or the lease was lost.
    """
    schedule = load_schedule(settings.pipelines)
    chosen = schedule.step(step)
    wanted = parse_range(periods, chosen.period)
    kind = f"backfill {step} {periods}"
    return _by_hand(
        settings, schedule, kind, step=chosen, periods=wanted, parameters=chosen.parameters, progress=progress
    )


def _by_hand(
    settings: Settings,
    schedule: Schedule,
    kind: str,
    *,
    step: Step,
    periods: Sequence[Period],
    parameters: Mapping[str, Value],
    progress: Progress,
) -> Tick:
    """Do periods of one step that were asked for, under a run of their own."""
    day = schedule.tick(settings.now())
    if periods[-1].end > day.end:
        newest = Period.newest(day.end, step.period)
        raise RunError(f"{step.name} {periods[-1]} is not over yet.", cure=f"The newest that is over is {newest}.")
    jobs = jobs_for(schedule, step, periods, parameters)
    _refuse(settings, schedule, {step.name: jobs})
    work = f"run {step.name}" if kind == BY_HAND else kind
    downstream = schedule.downstream(step.name)
    with Lease(settings.var, f"workspace {work}") as lease, Ledger(settings.var) as ledger:
        join = (step.name, *downstream) if kind == BY_HAND else None
        begun = ledger.begin(kind, day.end, day.label, settings.now(), join=join)
        # What a backfill that was cut off has done in this very run stays done, if it was by the same code.
        done = {} if kind == BY_HAND else ledger.done(begun.run)
        left = [job for job in jobs if done.get((job.step, job.period)) != job.fingerprint]
        crew = Crew(settings, schedule, ledger=ledger, lease=lease, run=begun, progress=progress)
        outcomes = _work(crew, settings, ledger, begun, {step.name: left})
        return Tick(as_of=day.end, run=begun, outcomes=outcomes, downstream=downstream)


def _work(crew: Crew, settings: Settings, ledger: Ledger, run: Run, plan: Plan) -> tuple[Event, ...]:
    try:
        with terminable():
            outcomes = crew.work(plan)
    except KeyboardInterrupt:
        ledger.end(run.run, "interrupted")
        raise
    states = {event.state for event in outcomes}
    ledger.end(run.run, "done" if states <= {"done"} else "deferred" if states <= {"done", "deferred"} else "failed")
    # Only now, as a tick that finds nothing to do must not pay for importing the lake.
    from workspace.lake import Lake
    from workspace.runs.publish import publish_ledger

    publish_ledger(ledger, Lake(settings.lake))
    return tuple(outcomes)


def has_source(settings: Settings, step: Step) -> bool:
    """Tell whether a home has the source that a step names, if it names one: a home need not have them all."""
    named = step.parameters.get("source")
    return named is None or named in settings.sources


def _refuse(settings: Settings, schedule: Schedule, plan: Plan) -> None:
    hidden = secrets(settings)
    for step, jobs in plan.items():
        for job in jobs:
            refuse_secrets(job.parameters, hidden, schedule.where(step))
