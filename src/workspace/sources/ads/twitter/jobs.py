"""Statistics by jobs: many are put to work, asked after together, and fetched as each is done."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.errors import DeferredError, SourceError
from workspace.sources.ads import http as core
from workspace.sources.ads.answers import RestartError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from workspace.sources.ads.http import Answer, Http
    from workspace.sources.ads.twitter.days import Stretch

RUNNING = 100
"""Jobs of an account that may be at work at once."""

ASKED_AFTER = 200
"""Jobs that one question can be about."""

TRIES = 3
"""How often a job that failed is put to work."""

_PATIENCE = 1800.0  # seconds without any job being done, after which the source is put off
_ANEW = "Nothing: the statistics are asked for anew."
_PAUSES = (2.0, 4.0, 8.0, 15.0)  # seconds between questions; the last one again and again


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about statistics.

    Attributes:
        query: Its parameters.
        placement: The placement that it is about.
        stretch: The hours that it is about.
    """

    query: Mapping[str, str]
    placement: str
    stretch: Stretch


@dataclass
class Jobs:
    """The jobs of one account.

    Args:
        http: Where result files are fetched.
        ask: Asks X: method, path below `stats/jobs`, query.
    """

    http: Http
    ask: Callable[[str, Mapping[str, str]], Answer]
    _running: dict[str, tuple[Asked, int]] = field(default_factory=dict)
    _room: bool = True

    def results(self, questions: Iterable[Asked]) -> Iterator[tuple[Asked, Any]]:
        """Give each question with its answer, in the order in which X is done.

        Raises:
            TooLargeError: A job failed again and again.
            DeferredError: X does not get on with them.
            RestartError: A result is not there any more.
        """
        waiting = deque((asked, 1) for asked in questions)
        waited, turn = 0.0, 0
        while waiting or self._running:
            self._start(waiting)
            done = 0
            for result in self._done(waiting):
                done += 1
                yield result
            if done or (waiting and not self._running):
                waited, turn = 0.0, 0
                continue
            seconds = _PAUSES[min(turn, len(_PAUSES) - 1)]
            if waited + seconds > _PATIENCE:
                msg = (
                    f"twitter_ads: {len(self._running)} statistics jobs make no progress in {waited / 60:.0f} minutes."
                )
                raise DeferredError(msg, until=datetime.now(UTC) + timedelta(hours=1))
            core.pause(seconds)
            waited, turn = waited + seconds, turn + 1

    def _start(self, waiting: deque[tuple[Asked, int]]) -> None:
        # Where others use up the account's jobs and none of ours runs, only asking tells when there is room again.
        while waiting and len(self._running) < RUNNING and (self._room or not self._running):
            asked, turn = waiting[0]
            answer = self._asked("POST", asked.query)
            self._running[job_id(answer.data["data"])] = asked, turn
            waiting.popleft()

    def _asked(self, method: str, query: Mapping[str, str]) -> Answer:
        answer = self.ask(method, query)
        self._room = answer.headers.get("x-concurrent-job-limit-remaining") != "0"
        return answer

    def _done(self, waiting: deque[tuple[Asked, int]]) -> Iterator[tuple[Asked, Any]]:
        ids = list(self._running)
        for begin in range(0, len(ids), ASKED_AFTER):
            some = ids[begin : begin + ASKED_AFTER]
            answer = self._asked("GET", {"job_ids": ",".join(some), "count": "1000"})
            told = {job_id(job): job for job in answer.data["data"]}
            for job in some:
                state = told.get(job, {"status": "FAILED"})  # one that is forgotten will never be done
                # A job may be called done before its file has an address.
                if state["status"] == "SUCCESS" and state.get("url"):
                    asked, _ = self._running.pop(job)
                    yield asked, self._fetched(str(state["url"]))
                elif state["status"] not in ("SUCCESS", "PROCESSING", "QUEUED", "UPLOADING"):
                    self._again(job, str(state["status"]), waiting)

    def _again(self, job: str, status: str, waiting: deque[tuple[Asked, int]]) -> None:
        asked, turn = self._running.pop(job)
        if turn >= TRIES:
            msg = f"twitter_ads: a statistics job of {asked.query['start_time']} to {asked.query['end_time']}"
            raise TooLargeError(f"{msg} ended as {status}, {TRIES} times.", cure="Ask for fewer days.")
        waiting.append((asked, turn + 1))

    def _fetched(self, url: str) -> Any:
        for _ in range(TRIES):
            try:
                return json.loads(self.http.file(url).decode("utf-8-sig"), parse_float=Decimal)
            except ValueError:
                core.pause(_PAUSES[0])
            except SourceError as error:
                # The address holds for two days; a new job has a new one.
                msg = f"twitter_ads: a result cannot be fetched: {error.message}"
                raise RestartError(msg, cure=_ANEW) from None
        raise RestartError(f"twitter_ads: a result file is no JSON, {TRIES} times.", cure=_ANEW)


def job_id(job: Mapping[str, Any]) -> str:
    """Give a job's id as text: the number beside it has more digits than many programs can hold.

    Some answers carry `id` twice, as text and as a number, and no `id_str`.
    """
    return str(job.get("id_str") or job["id"])
