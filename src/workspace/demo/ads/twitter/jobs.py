"""X's statistics jobs: put to work, done after some questions or some time, their results as packed files."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.simulation import Reply, dumps
from workspace.demo.ads.twitter.access import PLATFORM
from workspace.demo.ads.twitter.asked import DAY, Question, question
from workspace.demo.ads.twitter.replies import Asked, Refused, errors, unknown_page, utc
from workspace.demo.ads.twitter.stats import answer, known

if TYPE_CHECKING:
    from workspace.demo.ads.simulation import Request, Simulation
    from workspace.demo.ads.twitter.figures import Figures

RUNNING = 100
_FIRST = 1_120_829_647_711_653_888  # beyond what a double can hold
_KEPT = timedelta(hours=48)
_FILE = re.compile(r"/ton/advertiser-api-async-analytics/stats_job_(\d+)\.json\.gz")


@dataclass
class Job:
    """One job.

    Attributes:
        id: Its number.
        question: What it is to find out.
        created: When it was put to work.
        fate: What becomes of it: `SUCCESS`, `FAILED`, or `PROCESSING` for ever.
        polls: How often it was asked after.
        addressless: How often more it says that it is done, but not where its file is.
        done: When it was done.
        content: Its result, frozen then.
        lost: Whether the file is gone before its time.
    """

    id: int
    question: Question
    created: datetime
    fate: str = "SUCCESS"
    polls: int = 0
    addressless: int = 0
    done: datetime | None = None
    content: bytes = field(default=b"", repr=False)
    lost: bool = False

    @property
    def status(self) -> str:
        """Its state."""
        return self.fate if self.done else "PROCESSING"

    def told(self, base: str) -> dict[str, Any]:
        """Give it as X tells of it."""
        is_there = self.status == "SUCCESS" and self.addressless <= 0
        url = f"{base}/ton/advertiser-api-async-analytics/stats_job_{self.id}.json.gz" if is_there else None
        return {
            **self.question.params(),
            "url": url,
            "id_str": str(self.id),
            "id": self.id,
            "expires_at": utc(self.done + _KEPT) if self.done and is_there else None,
            "account_id": self.question.account.id,
            "status": self.status,
            "created_at": utc(self.created),
            "updated_at": utc(self.done or self.created),
        }


def jobs(sim: Simulation) -> dict[int, Job]:
    """Give all jobs, by their numbers."""
    found: dict[int, Job] = sim.state[PLATFORM].setdefault("jobs", {})
    return found


def create(asked: Asked) -> Reply:
    """Put a job to work."""
    sim, wanted = asked.sim, question(asked, 90 * DAY)
    if _left(asked) <= 0:
        raise Refused(400, "TOO_MANY_JOBS", f"At most {RUNNING} jobs may be processing at a time")
    job = Job(_FIRST + 4096 * (len(jobs(sim)) + 1) + 1, wanted, sim.now)
    fates: list[str] = sim.state[PLATFORM].setdefault("fates", [])
    if fates:
        job.fate = fates.pop(0)
    if job.fate == "ADDRESSLESS":
        job.fate, job.addressless = "SUCCESS", 2
    jobs(sim)[job.id] = job
    told = {name: value for name, value in wanted.params().items() if value is not None}
    return _reply(asked, {"request": {"params": told}, "data": job.told(sim.base)})


def listed(asked: Asked) -> Reply:
    """Tell of jobs; those that are asked after go on."""
    asked.known("job_ids", "count", "cursor")
    wanted = asked.several("job_ids")
    mine = [job for job in jobs(asked.sim).values() if job.question.account.id == asked.of.id]
    chosen = [job for job in mine if not wanted or str(job.id) in wanted]
    count = asked.number("count", 200, 1000)
    figures = known(asked.sim, asked.of, asked.sim.now)  # shared, as all that are done now know the same
    for job in chosen[:count]:
        _go_on(asked.sim, job, figures)
    # X gives a cursor to older jobs even to who names those that he means.
    older = [job for job in mine if job not in chosen]
    body = {
        "request": asked.echo(job_ids=[int(each) for each in wanted if each.isdigit()]),
        "next_cursor": str(older[-1].id) if older else None,
        "data": [job.told(asked.sim.base) for job in chosen[:count]],
    }
    for job in chosen[:count]:
        job.addressless -= job.status == "SUCCESS"
    return _reply(asked, body)


def _go_on(sim: Simulation, job: Job, figures: Figures) -> None:
    """Let a job be done once it was asked after often enough, and enough virtual time has passed."""
    if job.done is None:
        polls = int(sim.settings.get("twitter_job_polls", 0))
        seconds = float(sim.settings.get("twitter_job_seconds", 0))
        if job.fate != "PROCESSING" and job.polls >= polls and sim.now >= job.created + timedelta(seconds=seconds):
            job.done = sim.now
            if job.fate == "SUCCESS":
                job.content = gzip.compress(dumps(answer(sim, job.question, figures)).encode(), 1, mtime=0)
        job.polls += 1


def _left(asked: Asked) -> int:
    running = sum(job.question.account.id == asked.of.id and job.done is None for job in jobs(asked.sim).values())
    return int(asked.sim.settings.get("twitter_jobs_at_once", RUNNING)) - running


def _reply(asked: Asked, body: dict[str, Any]) -> Reply:
    limit = {
        "x-concurrent-job-limit": str(asked.sim.settings.get("twitter_jobs_at_once", RUNNING)),
        "x-concurrent-job-limit-remaining": str(max(0, _left(asked))),
    }
    if asked.sim.settings.get("twitter_double_id"):  # as in bodies that X's own client is tested with
        return Reply(200, dumps(body).replace('"id_str":', '"id":').encode(), limit)
    return Reply(200, body, limit)


def result(sim: Simulation, request: Request) -> Reply:
    """Give a result file; nobody asks who fetches it, and after two days it is gone."""
    read = _FILE.fullmatch(request.path)
    job = jobs(sim).get(int(read.group(1))) if read else None
    if job is None or not job.done or not job.content:
        return unknown_page()
    if job.lost or sim.now >= job.done + _KEPT:
        return errors(404, {"code": "NOT_FOUND", "message": "The file has expired"})
    return Reply(200, job.content, {}, "application/gzip")
