"""The ledger: what ran, when, with what outcome. `var/ledger.sqlite`, written by the holder of the lease.

It is an optimisation: sinks take every change exactly once whatever the ledger says, so losing the file
costs only re-runs.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from workspace.runs.database import FILE, Database, wall

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    from workspace.runs.parameters import Value

State = Literal["running", "done", "failed", "timeout", "interrupted", "blocked", "deferred"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A step to be executed for a period.

    Attributes:
        step: The step's name.
        period: The period's label.
        parameters: Every value that the notebook is given, but for those that the run sets.
        fingerprint: What code, parameters and upstreams it is executed with.
    """

    step: str
    period: str
    parameters: Mapping[str, Value]
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that was done for one tick, or for one command.

    Attributes:
        run: Its name, e.g. `2026-10-31`, then `2026-10-31.2`.
        kind: "tick", or the command that it is.
        as_of: The exclusive end of what it may know.
        state: "running", "done", "failed", "deferred" or "interrupted".
    """

    run: str
    kind: str
    as_of: datetime
    state: State


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One execution of a step for a period."""

    id: int
    run: str
    step: str
    period: str
    attempt: int
    state: State
    clock: datetime
    started: datetime
    ended: datetime | None
    fingerprint: str
    parameters: str
    output: str
    error: str


class Ledger:
    """The ledger of a home, open. Threads may share it.

    Args:
        var: The home's folder of runtime state.
    """

    def __init__(self, var: Path) -> None:
        self._database = Database(var / FILE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def begin(
        self, kind: str, as_of: datetime, label: str, clock: datetime, *, join: Container[str] | None = None
    ) -> Run:
        """Resume the unfinished run of this kind and `as_of`, or begin one under the first free name.

        Only the holder of the lease may call it: whatever still counts as running was left by one who died.

        Args:
            kind: "tick", or the command that it is.
            as_of: The exclusive end of what it may know.
            label: Its name, if that is free.
            clock: The business time.
            join: Instead of whether it is finished, let decide whether any of these steps was done in the run.
        """
        with self._database.transaction() as query:
            query.execute("update attempts set state = 'interrupted', ended = ? where state = 'running'", [wall()])
            query.execute("update runs set state = 'interrupted', ended = ? where state = 'running'", [wall()])
            if (run := self._open_run(query, kind, as_of, join)) is not None:
                query.execute("update runs set state = 'running', ended = null where run = ?", [run])
            else:
                taken = {row["run"] for row in query.execute("select run from runs")}
                names = (label if number == 1 else f"{label}.{number}" for number in itertools.count(1))
                run = next(name for name in names if name not in taken)
                row = [run, kind, as_of.isoformat(), "running", clock.isoformat(), wall(), None]
                query.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?)", row)
        return Run(run=run, kind=kind, as_of=as_of, state="running")

    def end(self, run: str, state: State) -> None:
        """Note how a run ended."""
        with self._database.transaction() as query:
            query.execute("update runs set state = ?, ended = ? where run = ?", [state, wall(), run])

    def start(self, job: Job, *, run: str, clock: datetime, folder: Path) -> Attempt:
        """Note that an attempt starts; give it the next number, and its own path below `folder`."""
        with self._database.transaction() as query:
            number = self._number(query, run, job)
            output = folder / run / job.step / job.period / f"{number}.ipynb"
            return self._insert(query, run, job, number, "running", clock=clock, output=str(output))

    def finish(self, attempt: Attempt, state: State, error: str = "") -> None:
        """Note how an attempt ended, unless a later holder of the lease has given it up already."""
        with self._database.transaction() as query:
            update = "update attempts set state = ?, error = ?, ended = ? where id = ? and state = 'running'"
            query.execute(update, [state, error, wall(), attempt.id])

    def block(self, job: Job, *, run: str, clock: datetime, reason: str) -> None:
        """Note that a step was not tried, and why."""
        with self._database.transaction() as query:
            number = self._number(query, run, job)
            self._insert(query, run, job, number, "blocked", clock=clock, error=reason, ended=wall())

    def done(self, run: str | None = None) -> dict[tuple[str, str], str]:
        """Map each finished (step, period), of one run or of all, to the fingerprint that it was last done with."""
        found = (
            "select step, period, fingerprint from attempts where state = 'done' and ifnull(?, run) = run order by id"
        )
        with self._database.transaction() as query:
            return {(row["step"], row["period"]): row["fingerprint"] for row in query.execute(found, [run])}

    def attempts(self, limit: int = 100) -> list[Attempt]:
        """List the newest attempts, newest first."""
        with self._database.transaction() as query:
            return [_attempt(row) for row in query.execute("select * from attempts order by id desc limit ?", [limit])]

    def runs(self, limit: int = 10) -> list[Run]:
        """List the newest runs, newest first."""
        found = "select run, kind, as_of, state from runs order by started desc limit ?"
        with self._database.transaction() as query:
            rows = query.execute(found, [limit]).fetchall()
        return [Run(**{**row, "as_of": datetime.fromisoformat(row["as_of"])}) for row in rows]

    def uncopied(self) -> list[Attempt]:
        """List the attempts that have ended and are not in the lake yet, oldest first."""
        found = "select * from attempts where not copied and state != 'running' order by id"
        with self._database.transaction() as query:
            return [_attempt(row) for row in query.execute(found)]

    def copied(self, attempts: Iterable[Attempt]) -> None:
        """Note that these are in the lake."""
        with self._database.transaction() as query:
            query.executemany("update attempts set copied = 1 where id = ?", [[attempt.id] for attempt in attempts])

    @staticmethod
    def _open_run(query: sqlite3.Connection, kind: str, as_of: datetime, join: Container[str] | None) -> str | None:
        newest = "select run, state from runs where kind = ? and as_of = ? order by rowid desc limit 1"
        found = query.execute(newest, [kind, as_of.isoformat()]).fetchone()
        if found is None:
            return None
        steps = query.execute("select step from attempts where run = ? and state = 'done'", [found["run"]])
        finished = found["state"] == "done" if join is None else any(row["step"] in join for row in steps)
        return None if finished else str(found["run"])

    @staticmethod
    def _number(query: sqlite3.Connection, run: str, job: Job) -> int:
        last = "select ifnull(max(attempt), 0) + 1 from attempts where run = ? and step = ? and period = ?"
        return int(query.execute(last, [run, job.step, job.period]).fetchone()[0])

    @staticmethod
    def _insert(
        query: sqlite3.Connection,
        run: str,
        job: Job,
        number: int,
        state: State,
        *,
        clock: datetime,
        output: str = "",
        error: str = "",
        ended: str | None = None,
    ) -> Attempt:
        row = {
            "run": run,
            "step": job.step,
            "period": job.period,
            "attempt": number,
            "state": state,
            "clock": clock.isoformat(),
            "started": wall(),
            "ended": ended,
            "fingerprint": job.fingerprint,
            "parameters": json.dumps(dict(job.parameters)),
            "output": output,
            "error": error,
        }
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        insert = f"insert into attempts ({names}) values ({marks}) returning *"  # noqa: S608 - the names are ours
        return _attempt(query.execute(insert, row).fetchone())


def _attempt(row: sqlite3.Row) -> Attempt:
    names = {field.name for field in dataclasses.fields(Attempt)}
    times = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("clock", "started", "ended")}
    return Attempt(**{name: row[name] for name in names} | times)
