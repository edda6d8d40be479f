"""A release sees events and what is derived from them at one state of both, for as long as it is kept."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clickstream.rows import SOURCE, START, append, at, event
from workspace.clickstream.derivation import derive
from workspace.engine import DuckDBEngine
from workspace.errors import ReleaseError
from workspace.lake import Lake, Watermark, find, maintain, prepare, publish
from workspace.settings import Keep

if TYPE_CHECKING:
    from workspace.lake import Release

NAME = SOURCE.name
ATOMIC, EVENTS, SESSIONS = f"{NAME}.atomic", f"{NAME}.events", f"{NAME}.sessions"
TABLES = [
    *(ATOMIC, EVENTS, f"{NAME}.identities", f"{NAME}.page_views", f"{NAME}.self_describing", SESSIONS),
    *(f"{NAME}.visitors", "marketing.touchpoints"),
]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def hour(number: int) -> datetime:
    return at(60 * number)


def take_in(lake: Lake, numbers: range, *, reached: int, minutes: float = 10) -> None:
    """Append a batch of page views, a session of its own each, so many minutes apart."""
    rows = [event(n, n * minutes, page=f"p{n}", domain_sessionid=f"s{n}", domain_userid=f"v{n}") for n in numbers]
    batch = append(lake, rows)
    mark = Watermark(
        source=NAME, position=batch, clock=None, reached=hour(reached), recorded_at=hour(reached), run="r", detail={}
    )
    lake.advance(mark)


def release(lake: Lake, as_of: int, *, required: bool = False) -> Release:
    run = f"run {as_of}"
    prepare(lake, run=run, as_of=hour(as_of), required={NAME: required}, now=hour(as_of))
    return publish(lake, run=run, now=hour(as_of))


def build(lake: Lake, as_of: int) -> None:
    derive(SOURCE, lake, run="r", as_of=hour(as_of))


def seen(lake: Lake, name: str) -> dict[str, list[dict[str, Any]]]:
    """Give all rows of all tables of a release."""
    engine = DuckDBEngine(lake, find(lake, name))
    return {table: sorted(engine.table(table).to_pyarrow().to_pylist(), key=repr) for table in engine.tables}


def sizes(lake: Lake, name: str) -> tuple[int, int, int]:
    """Give how many events, derived events and sessions a release has."""
    found = seen(lake, name)
    return len(found[ATOMIC]), len(found[EVENTS]), len(found[SESSIONS])


def test_events_and_derived_tables_are_cut_at_one_state(lake: Lake) -> None:
    take_in(lake, range(30), reached=4)
    build(lake, 4)
    done = release(lake, 4, required=True)
    assert sorted(done.tables) == TABLES == DuckDBEngine(lake, done).tables
    assert sizes(lake, done.name) == (24, 24, 24)  # of six an hour, those before the end of the fourth
    assert {name: pin.rows for name, pin in done.tables.items() if name in (ATOMIC, EVENTS, SESSIONS)} == {
        ATOMIC: 24,
        EVENTS: 24,
        SESSIONS: 24,
    }
    (source,) = done.sources
    assert (source.position, source.reached, source.late) == (1, hour(4), False)


def test_an_ingest_that_runs_ahead_is_not_seen(lake: Lake) -> None:
    take_in(lake, range(24), reached=4)
    build(lake, 4)
    # A batch more, with an event of the time that was derived already.
    take_in(lake, range(100, 101), reached=4, minutes=1)
    done = release(lake, 4, required=True)
    assert sizes(lake, done.name) == (24, 24, 24)
    build(lake, 5)
    take_in(lake, range(24, 36), reached=6)
    assert sizes(lake, release(lake, 5, required=True).name) == (25, 25, 25)
    assert sizes(lake, done.name) == (24, 24, 24)


def test_a_derivation_that_runs_ahead_is_not_seen(lake: Lake) -> None:
    take_in(lake, range(36), reached=6)
    build(lake, 4)
    prepare(lake, run="one", as_of=hour(4), required={NAME: True}, now=hour(4))
    build(lake, 5)
    publish(lake, run="one", now=hour(4))
    first = find(lake).name
    assert sizes(lake, first) == (24, 24, 24)
    assert sizes(lake, release(lake, 5).name) == (30, 30, 30)
    assert sizes(lake, first) == (24, 24, 24)


def test_a_source_that_may_be_late_is_shown_as_it_was_derived(lake: Lake) -> None:
    take_in(lake, range(36), reached=6)
    build(lake, 4)
    with pytest.raises(ReleaseError, match=r"were made only up to 2026-10-01 04:00 UTC") as caught:
        prepare(lake, run="one", as_of=hour(6), required={NAME: True}, now=hour(6))
    assert "required = false" in caught.value.cure
    done = release(lake, 6)
    (source,) = done.sources
    assert (source.late, source.reached) == (True, hour(4))
    assert sizes(lake, done.name) == (24, 24, 24)


def test_a_topic_that_was_not_read_so_far_is_late(lake: Lake) -> None:
    take_in(lake, range(24), reached=4)
    build(lake, 6)
    with pytest.raises(ReleaseError, match=r"only been read up to 2026-10-01 04:00"):
        prepare(lake, run="one", as_of=hour(6), required={NAME: True}, now=hour(6))
    (source,) = release(lake, 6).sources
    assert (source.late, source.reached) == (True, hour(4))


def test_events_without_derived_tables_are_released_alone(lake: Lake) -> None:
    take_in(lake, range(30), reached=5)
    with pytest.raises(ReleaseError, match="were made never"):
        prepare(lake, run="one", as_of=hour(4), required={NAME: True}, now=hour(4))
    done = release(lake, 4)
    assert list(done.tables) == [ATOMIC]
    assert len(seen(lake, done.name)[ATOMIC]) == 24


@pytest.mark.parametrize("kept", [90, 0], ids=["recent", "the last of its month"])
def test_a_kept_release_answers_the_same_for_good(lake: Lake, tmp_path: Path, kept: int) -> None:
    take_in(lake, range(24), reached=4)
    build(lake, 4)
    first = release(lake, 4).name
    before = seen(lake, first)
    # Each of these opens every day before it again, and the files of the events become many.
    for step in range(5, 8):
        take_in(lake, range(step * 100, step * 100 + 6), reached=step, minutes=0.1)
        build(lake, step)
        release(lake, step)
        done = maintain(lake, keep=Keep(days=90), now=hour(step), grace=timedelta(0), force=True)
        assert ATOMIC in done.compacted
    old = time.time() - 400 * 86400
    for path in (tmp_path / "lake").rglob("*.json"):
        os.utime(path, (old, old))
    take_in(lake, range(2000, 2001), reached=24 * 40, minutes=20)
    build(lake, 24 * 40)
    last = release(lake, 24 * 40)
    done = maintain(lake, keep=Keep(days=kept), now=hour(24 * 40), grace=timedelta(0), force=True)
    assert last.name in done.kept
    if first in done.kept:
        assert seen(lake, first) == before
    assert sizes(lake, last.name) == (43, 43, 43)
    newest_of_october = "2026-10-01T0700"
    assert newest_of_october in done.kept
    assert sizes(lake, newest_of_october) == (42, 42, 42)
    assert (first in done.kept) == (kept == 90)
    # What is derived next begins with what was kept.
    take_in(lake, range(2001, 2002), reached=24 * 41, minutes=20)
    build(lake, 24 * 41)
    assert sizes(lake, release(lake, 24 * 41).name) == (44, 44, 44)


def test_files_of_a_batch_that_was_never_committed_are_removed(lake: Lake) -> None:
    take_in(lake, range(24), reached=4)
    build(lake, 4)
    name = release(lake, 4).name
    folder = Path(lake.layout.uri("events", ATOMIC)) / f"collector_date={START:%Y-%m-%d}"
    stray = folder / "part-00000000-0000-4000-8000-000000000000.zstd.parquet"
    stray.write_bytes(b"cut off")
    for hours in (1, 0):  # one that is young may belong to a batch on its way
        assert stray.exists()
        maintain(lake, keep=Keep(days=90), now=hour(4), grace=timedelta(hours=hours), force=True)
    assert not stray.exists()
    assert sizes(lake, name) == (24, 24, 24)
