"""The steps of the pipeline, called as its notebooks call them, in one process that a test may kill."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import time
from typing import TYPE_CHECKING, Any

import ibis

from workspace.clickstream import derive
from workspace.front import connect
from workspace.lake import Lake, delta, duck, find, maintain, prepare, publish, releases
from workspace.lake.crash import VARIABLE
from workspace.lake.periods import derivations
from workspace.settings import PostgresSource, Settings, SnowplowSource, load_settings
from workspace.sources import ingest

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from deltalake import DeltaTable

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["main_job", "workspace.metrics", "workspace.sources.postgres"])


def settings_for(home: Path, name: str) -> Settings:
    """Give a home's settings with a lake and replication slots of their own, read by the same role."""
    settings = load_settings(home)
    sources = {
        key: dataclasses.replace(source, slot=f"{name}_{key}") if isinstance(source, PostgresSource) else source
        for key, source in settings.sources.items()
    }
    return dataclasses.replace(settings, lake=str(home / f"lake {name}"), sources=sources)


def read(settings: Settings) -> None:
    """Ingest every source, and derive what is derived from one."""
    for name, source in settings.sources.items():
        ingest(name, run=run_id(settings), as_of=settings.now().isoformat(), settings=settings)
        if isinstance(source, SnowplowSource):
            derive(name, run=run_id(settings), as_of=settings.now().isoformat(), settings=settings)


def work(settings: Settings) -> None:
    """Ingest, cut, check, publish, and tidy up, however little there is to gain."""
    read(settings)
    run = run_id(settings)
    candidate = connect(candidate=run, as_of=settings.now(), settings=settings)
    candidate.audit()
    candidate.publish()
    maintain(Lake(settings.lake), keep=settings.keep, now=settings.now(), force=True)


def work_unchecked(settings: Settings) -> None:
    """Do the same without the checks, which only read: for those who do it many times."""
    read(settings)
    lake, now = Lake(settings.lake), settings.now()
    required = {source.name: source.required for source in settings.sources.values()}
    prepare(lake, run=run_id(settings), as_of=now, required=required, now=now)
    publish(lake, run=run_id(settings), now=now)
    maintain(lake, keep=settings.keep, now=now, force=True)


def run_id(settings: Settings) -> str:
    """Name the run that covers the business time."""
    return f"until {settings.now():%Y-%m-%d}"


def in_process(
    job: Callable[[Settings], None], settings: Settings, *, crash: str = "", kill_after: float | None = None
) -> int | None:
    """Do a job in a process of its own.

    Args:
        job: `read` or `work`.
        settings: Of the home.
        crash: The named point at which it kills itself.
        kill_after: Seconds until it is killed from outside.

    Returns:
        The exit code: 0, or minus the signal.
    """
    process = PROCESSES.Process(target=_run, args=(job, settings, crash, dict(os.environ)))
    process.start()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def _run(job: Callable[[Settings], None], settings: Settings, crash: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    os.environ[VARIABLE] = crash
    job(settings)


def begin_rounds(home: Path, name: str, rounds: int) -> BaseProcess:
    """Begin to do the whole job again and again, as of the business time of each beginning, in another process."""
    process = PROCESSES.Process(target=_rounds, args=(home, name, rounds, dict(os.environ)))
    process.start()
    return process


def _rounds(home: Path, name: str, rounds: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    for _ in range(rounds):
        work(settings_for(home, name))


def timed(job: Callable[[Settings], None], settings: Settings) -> float:
    """Do a job undisturbed in a process of its own, and give the seconds that it took."""
    began = time.monotonic()
    code = in_process(job, settings)
    assert code == 0, f"the job ended with {code}"
    return time.monotonic() - began


def contents(settings: Settings) -> dict[str, Any]:
    """Give everything that a lake holds but the times of recording: logs row by row, and what each release shows."""
    lake = Lake(settings.lake)
    logs = {name: _rows(lake, name) for name in lake.names()}
    for name in filter(lake.has_events, settings.sources):
        log = lake.events(name)
        logs[log.name] = _sorted(log.table, ["_recorded_at", "_batch"])
        logs[f"{name} in quarantine"] = log.quarantined().drop(["recorded_at", "batch"]).to_pylist()
        for made in derivations(lake, name)[-1:]:
            for one in made.tables:
                logs[one.name] = _sorted(delta.open_table(lake.layout.uri("derived", one.name), one.version), [])
    published = [
        (r.name, r.as_of, {s.source: s.position for s in r.sources}, {t: pin.rows for t, pin in r.tables.items()})
        for r in releases(lake, "published")
    ]
    clocks = {name: mark.clock for name, mark in lake.watermarks().items()}
    return {"logs": logs, "published": published, "clocks": clocks}


def _rows(lake: Lake, name: str) -> list[tuple[Any, ...]]:
    rows = duck.register(duck.connect(), "log", delta.open_table(lake.layout.uri("log", name)))
    # Rates have no time but that of recording; a slot made later has its snapshot at a later position.
    left_out = ["_recorded_at", "_xid", *(["_valid_at"] if name.startswith("fx.") else [])]
    placed = rows.mutate(_position=ibis.ifelse(rows["_op"] == "S", 0, rows["_position"])).drop(left_out)
    return [tuple(row.values()) for row in placed.order_by("_position", "_seq").to_pyarrow().to_pylist()]


def _sorted(table: DeltaTable, left_out: list[str]) -> list[tuple[Any, ...]]:
    rows = duck.register(duck.connect(), "rows", table).drop(*left_out)
    return [tuple(row.values()) for row in rows.order_by(rows.columns).to_pyarrow().to_pylist()]


def shown(settings: Settings) -> dict[str, tuple[Any, Any]]:
    """Give what the newest release shows of each captured table: live rows and history, in a fixed order."""
    workspace = connect(settings=settings)
    found = {}
    for name in Lake(settings.lake).names():
        keys = Lake(settings.lake).log(name).keys
        live = workspace.table(name).order_by(keys).to_pyarrow()
        history = workspace.history(name).order_by([*keys, "valid_from"]).to_pyarrow()
        found[name] = (live, history if not name.startswith("fx.") else None)
    return found


def newest(settings: Settings) -> str:
    """Name the newest release."""
    return find(Lake(settings.lake)).name
