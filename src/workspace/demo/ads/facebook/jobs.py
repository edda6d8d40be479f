"""Meta's jobs: a question is put, looked at until it is done, and then read page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.facebook import insights
from workspace.demo.ads.facebook.errors import unfinished
from workspace.demo.ads.facebook.limits import PLATFORM
from workspace.demo.ads.facebook.nodes import pick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Simulation

KEPT = timedelta(days=30)
# What looking at a job says, one after the other; how many of the last ones, the knob `facebook_polls` tells.
_STEPS = (
    ("Job Not Started", 0),
    ("Job Started", 0),
    ("Job Running", 37),
    ("Job Running", 100),  # for a moment it is both
    ("Job Completed", 100),
)
_DONE = "Job Completed"
_DEFAULT = ("id", "account_id", "time_ref", "time_completed", "async_status", "async_percent_completion")
_ERRORS = ("error_code", "error_message", "error_subcode", "error_user_title", "error_user_msg")


@dataclass
class Job:
    """A job.

    Attributes:
        id: Its number.
        account: Whose.
        asked: What was asked.
        begun: When, by the virtual clock.
        looks: How often it was looked at.
        fate: What it ends as, if not well, and at how many percent.
        error: What it says of its failure.
        rows: Its result, as it was when it was done.
        completed: When that was.
    """

    id: str
    account: Account
    asked: insights.Question
    begun: datetime
    looks: int = 0
    fate: tuple[str, int] | None = None
    error: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] | None = None
    completed: datetime | None = None


def begin(sim: Simulation, account: Account, given: Mapping[str, str]) -> dict[str, str]:
    """Begin a job; one that asks for what cannot be is refused at once."""
    jobs = sim.state[PLATFORM].setdefault("jobs", {})
    number = str(6_028_000_000_000_000_001 + len(jobs))
    jobs[number] = Job(number, account, insights.read(sim, given), sim.now)
    return {"report_run_id": number}


def find(sim: Simulation, number: str) -> Job | None:
    """Give a job that is not forgotten yet."""
    job: Job | None = sim.state[PLATFORM].get("jobs", {}).get(number)
    return job if job is not None and sim.now - job.begun < KEPT else None


def status(sim: Simulation, job: Job, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Tell how far a job is; each look brings it on, or the virtual clock if the knob `facebook_job_seconds` is set."""
    word, percent = _look(sim, job)
    if word == _DONE and job.rows is None:
        job.rows, job.completed = insights.rows(sim, job.account, job.asked), sim.now
    known: dict[str, Any] = {
        "id": job.id,
        "account_id": job.account.id,
        "time_ref": int(job.begun.timestamp()),
        "time_completed": int(job.completed.timestamp()) if job.completed else None,
        "async_status": word,
        "async_percent_completion": percent,
        "is_running": word in ("Job Started", "Job Running"),
        "date_start": job.asked.first.isoformat(),
        "date_stop": job.asked.last.isoformat(),
        **dict.fromkeys(_ERRORS),
        **(job.error if word == "Job Failed" else {}),
    }
    return pick(known, asked or dict.fromkeys(_DEFAULT), "AdReportRun")


def _look(sim: Simulation, job: Job) -> tuple[str, int]:
    job.looks += 1
    if job.rows is not None:
        return _STEPS[-1]
    steps = _STEPS[-int(sim.settings.get("facebook_polls", 2)) :]
    place = job.looks - 1
    if seconds := sim.settings.get("facebook_job_seconds"):
        place = int((sim.now - job.begun).total_seconds() * (len(steps) - 1) / float(seconds))
    word, percent = steps[min(place, len(steps) - 1)]
    if job.fate is None:
        return word, percent
    if job.fate[0] in ("Job Failed", "Job Skipped"):
        return job.fate if word == _DONE else (word, percent)
    return job.fate if percent >= job.fate[1] else (word, percent)


def result(job: Job) -> list[dict[str, Any]]:
    """Give the rows of a job that is done.

    Raises:
        GraphError: It is not.
    """
    if job.rows is None:
        raise unfinished()
    return job.rows
