"""The crew: executes a plan in the steps' order, some steps side by side, each attempt in the ledger."""

from __future__ import annotations

import dataclasses
import graphlib
import random
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workspace.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workspace.runs.leases import Lease
    from workspace.runs.ledger import Job, Ledger, Run
    from workspace.runs.parameters import Value
    from workspace.runs.plan import Plan
    from workspace.runs.schedule import Schedule, Step
    from workspace.settings import Settings

_BACKOFF = 1.0  # seconds before the first retry; each further one waits twice as long
_LONGEST = 60.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """What just happened to a step and period; the last one for a pair is its outcome.

    Attributes:
        step: The step's name.
        period: The period's label.
        state: "waiting" and "running" come before an outcome, "retrying" before another attempt; "deferred": its source
            asks to be left alone, and a later tick does it.
        attempt: The number of the attempt; 0 before the first.
        error: What went wrong, or why it was not tried.
        output: The executed notebook.
        lasting: Whether another attempt would fail in the same way, until somebody changes the settings.
    """

    step: str
    period: str
    state: Literal["waiting", "running", "retrying", "done", "failed", "timeout", "interrupted", "blocked", "deferred"]
    attempt: int = 0
    error: RunError | None = None
    output: Path | None = None
    lasting: bool = False


Progress = Callable[[Event], None]


class Crew:
    """Works for one run.

    Args:
        settings: Of the home.
        schedule: Where the order of the steps and their limits come from.
        ledger: Where attempts are noted.
        lease: Held by the caller; work stops as soon as it is lost.
        run: The run that the attempts belong to.
        progress: Told of every event, from several threads, one at a time.
    """

    def __init__(
        self, settings: Settings, schedule: Schedule, *, ledger: Ledger, lease: Lease, run: Run, progress: Progress
    ) -> None:
        # Papermill is imported here and not above: a tick that finds nothing to do must not pay for it.
        from workspace.runs.execute import Executor
        from workspace.runs.redaction import secrets

        self._settings = settings
        self._schedule = schedule
        self._ledger = ledger
        self._lease = lease
        self._run = run
        self._progress = progress
        self._telling = threading.Lock()
        self._stopping = threading.Event()
        self._executor = Executor(settings.home, secrets(settings))
        lease.when_lost(self._stop)

    def work(self, plan: Plan) -> list[Event]:
        """Execute a plan.

        Args:
            plan: By step; steps that it leaves out count as done.

        Returns:
            The outcome of every job, in the steps' order.

        Raises:
            RunError: The lease was lost meanwhile.
        """
        for jobs in plan.values():
            for job in jobs:
                self._tell(Event(step=job.step, period=job.period, state="waiting"))
        outcomes: dict[str, list[Event]] = {}
        order = graphlib.TopologicalSorter({step.name: step.after for step in self._schedule.steps.values()})
        order.prepare()
        with ThreadPoolExecutor(self._settings.parallel, thread_name_prefix="step") as pool:
            try:
                self._follow(order, plan, pool, outcomes)
            except BaseException:
                self._stop()
                raise
        if self._lease.lost:
            raise RunError(
                "Another process has taken over, as this one had been silent for too long; its work was stopped.",
                cure="Nothing: the other one does what is left. Was this machine suspended?",
            )
        return [event for step in self._schedule.steps for event in outcomes.get(step, ())]

    def _follow(
        self,
        order: graphlib.TopologicalSorter[str],
        plan: Plan,
        pool: ThreadPoolExecutor,
        outcomes: dict[str, list[Event]],
    ) -> None:
        working: dict[Future[list[Event]], str] = {}
        while order.is_active():
            for name in order.get_ready():
                step, jobs = self._schedule.steps[name], plan.get(name, [])
                culprit = self._culprit(step, outcomes)
                if jobs and culprit is None:
                    working[pool.submit(self._step, step, jobs)] = name
                else:
                    outcomes[name] = [self._block(job, culprit) for job in jobs if culprit]
                    order.done(name)
            if working:
                for future in wait(working, return_when=FIRST_COMPLETED).done:
                    name = working.pop(future)
                    outcomes[name] = future.result()
                    order.done(name)

    def _step(self, step: Step, jobs: Sequence[Job]) -> list[Event]:
        """Do a step's periods one after the other; where one fails, the later ones have to wait."""
        outcomes: list[Event] = []
        for job in jobs:
            if outcomes and outcomes[-1].state != "done":
                outcomes.append(self._block(job, outcomes[-1]))
            else:
                outcomes.append(self._job(step, job))
        return outcomes

    def _job(self, step: Step, job: Job) -> Event:
        outcome = self._attempt(step, job)
        for retry in range(step.retries):
            # Of one that is deferred, asking again now is what must not be done.
            if outcome.lasting or outcome.state in ("done", "interrupted", "deferred"):
                break
            self._tell(dataclasses.replace(outcome, state="retrying"))
            pause = min(_BACKOFF * 2**retry, _LONGEST)
            self._stopping.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - it only spreads retries
            outcome = self._attempt(step, job)
        self._tell(outcome)
        return outcome

    def _attempt(self, step: Step, job: Job) -> Event:
        from workspace.runs.execute import Execution, NotebookError

        if self._stopping.is_set():
            return Event(step=job.step, period=job.period, state="interrupted")
        clock = self._settings.now()
        attempt = self._ledger.start(job, run=self._run.run, clock=clock, folder=self._settings.var / "runs")
        output = Path(attempt.output)
        event = Event(step=job.step, period=job.period, state="running", attempt=attempt.attempt, output=output)
        self._tell(event)
        parameters = {**job.parameters, **self._given(step, job)}
        execution = Execution(notebook=step.notebook, output=output, parameters=parameters, timeout=step.timeout)
        try:
            self._executor.execute(execution)
        except NotebookError as error:
            self._ledger.finish(attempt, error.state, str(error))
            return dataclasses.replace(event, state=error.state, error=error, lasting=error.lasting)
        self._ledger.finish(attempt, "done")
        return dataclasses.replace(event, state="done")

    def _given(self, step: Step, job: Job) -> Mapping[str, Value]:
        """Set those of the runner's own parameters that the notebook declares."""
        given = {"run": self._run.run, "as_of": self._run.as_of.isoformat(), "period": job.period}
        return {name: value for name, value in given.items() if name in step.declared}

    def _block(self, job: Job, culprit: Event) -> Event:
        root = culprit.error.message if culprit.state == "blocked" and culprit.error else ""
        reason = root or f"It comes after {culprit.step} {culprit.period}, which did not finish ({culprit.state})."
        self._ledger.block(job, run=self._run.run, clock=self._settings.now(), reason=reason)
        event = Event(step=job.step, period=job.period, state="blocked", error=RunError(reason))
        self._tell(event)
        return event

    def _culprit(self, step: Step, outcomes: Mapping[str, Sequence[Event]]) -> Event | None:
        """Find the event above a step for which it cannot be done, past steps that have no work themselves."""
        for above in (self._schedule.steps[name] for name in step.after):
            events = outcomes[above.name]
            found = next((e for e in events if e.state != "done"), None) if events else self._culprit(above, outcomes)
            if above.required and found:
                return found
        return None

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._progress(event)

    def _stop(self) -> None:
        self._stopping.set()
        self._executor.stop()
