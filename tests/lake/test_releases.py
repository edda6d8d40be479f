"""A release is one checked cut; readers see it and nothing else, for as long as it is kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lake.changes import START, TABLE, Change, log_rows, new_log
from workspace.engine import DuckDBEngine
from workspace.errors import LakeError, ReleaseError, SemanticError
from workspace.lake import Lake, Watermark, delta, find, maintain, prepare, publish, reject, releases
from workspace.lake.pins import PIN, RELEASES
from workspace.settings import Keep

if TYPE_CHECKING:
    from pathlib import Path

REQUIRED = {"shop": True}


def mark(lake: Lake, position: int, reached: datetime, **detail: Any) -> None:
    lake.advance(
        Watermark(
            source="shop",
            position=position,
            clock=reached,
            reached=reached,
            recorded_at=reached,
            run="r",
            detail=detail,
        )
    )


def write(lake: Lake, changes: list[Change]) -> None:
    log = lake.log(TABLE)
    log.append(log_rows(log, changes), position=changes[-1].position)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def released(lake: Lake, run: str, minute: int) -> None:
    prepare(lake, run=run, as_of=at(minute), required=REQUIRED, now=at(minute))
    publish(lake, run=run, now=at(minute))


def stock(lake: Lake, **which: Any) -> dict[int, int]:
    rows = DuckDBEngine(lake, find(lake, **which)).table(TABLE).to_pyarrow().to_pylist()
    return {row["a"]: int(row["value"]) for row in rows}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake, _ = new_log(str(tmp_path / "lake"))
    write(lake, [Change("I", (1, "x"), 1, 10, 0, 1), Change("I", (2, "x"), 2, 10, 1, 1)])
    write(lake, [Change("U", (1, "x"), 5, 20, 0, 30)])
    mark(lake, 20, at(60))
    return lake


def test_a_release_sees_nothing_at_or_after_its_as_of(lake: Lake) -> None:
    released(lake, "one", 30)
    released(lake, "two", 31)
    assert stock(lake, name="2026-01-01T0030") == {1: 1, 2: 2}
    assert stock(lake) == {1: 5, 2: 2}
    assert find(lake).tables[TABLE].rows == 2


def test_only_what_is_published_is_read(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="No release has been published"):
        find(lake)
    prepare(lake, run="one", as_of=at(30), required=REQUIRED, now=at(30))
    assert stock(lake, candidate="one") == {1: 1, 2: 2}
    reject(lake, run="one", failed=["key"], now=at(30))
    with pytest.raises(ReleaseError, match="has no candidate"):
        publish(lake, run="one", now=at(30))
    with pytest.raises(ReleaseError, match="No release has been published"):
        find(lake)


def test_publishing_twice_publishes_once(lake: Lake) -> None:
    released(lake, "one", 30)
    assert publish(lake, run="one", now=at(40)).recorded_at == at(30)
    assert prepare(lake, run="one", as_of=at(30), required=REQUIRED, now=at(40)).status == "published"
    assert [r.name for r in releases(lake, "published")] == ["2026-01-01T0030"]


def test_a_second_release_of_a_day_is_numbered(lake: Lake) -> None:
    mark(lake, 30, at(60 * 24))
    released(lake, "one", 60 * 24)
    released(lake, "two", 60 * 24)
    assert [r.name for r in releases(lake, "published")] == ["2026-01-01", "2026-01-01.2"]


def test_releases_only_go_forward(lake: Lake) -> None:
    released(lake, "one", 40)
    with pytest.raises(ReleaseError, match="only go forward"):
        prepare(lake, run="two", as_of=at(30), required=REQUIRED, now=at(50))


def test_a_required_source_that_is_behind_forbids_a_release(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="only been read up to 2026-01-01 01:00"):
        prepare(lake, run="one", as_of=at(61), required=REQUIRED, now=at(61))
    with pytest.raises(ReleaseError, match="never been read"):
        prepare(lake, run="one", as_of=at(30), required={"crm": True}, now=at(61))
    late = prepare(lake, run="one", as_of=at(61), required={"shop": False, "crm": False}, now=at(61))
    assert [(s.source, s.late) for s in late.sources] == [("shop", True)]


def test_a_stopped_table_stays_at_its_last_good_position(lake: Lake) -> None:
    mark(lake, 20, at(60), stopped={"stock": {"position": 10, "reason": "value is NaN"}})
    released(lake, "one", 60)
    assert stock(lake) == {1: 1, 2: 2}
    assert find(lake).tables[TABLE].stopped == "value is NaN"


def test_a_required_table_that_has_stopped_forbids_a_release(lake: Lake) -> None:
    mark(lake, 20, at(60), stopped={"stock": {"position": 10, "reason": "value is NaN"}})
    with pytest.raises(ReleaseError, match=r"required table shop\.stock has stopped: value is NaN\.") as caught:
        prepare(lake, run="one", as_of=at(60), required=REQUIRED, tables=[TABLE], now=at(60))
    assert "`workspace resnapshot shop`" in caught.value.cure
    assert releases(lake) == []
    with pytest.raises(ReleaseError, match=r"shop\.stok has never been read") as caught:
        prepare(lake, run="one", as_of=at(60), required=REQUIRED, tables=["shop.stok"], now=at(60))
    assert "Did you mean stock?" in caught.value.cure


def test_a_table_that_goes_on_counts_as_stopped_until_then(lake: Lake) -> None:
    mark(lake, 20, at(60), resumed={"stock": {"at": at(40).isoformat(), "reason": "value is NaN"}})
    for minute, reason in ((40, f"value is NaN, until {at(40).isoformat()}"), (41, "")):
        cut = prepare(lake, run="one", as_of=at(minute), required=REQUIRED, now=at(60))
        assert cut.tables[TABLE].stopped == reason


def test_a_release_within_a_gap_is_refused_and_one_after_it_is_not(lake: Lake) -> None:
    gap = {"from": at(20).isoformat(), "to": at(40).isoformat(), "reason": "The slot is gone."}
    mark(lake, 20, at(60), gaps=[gap])
    with pytest.raises(ReleaseError, match="would lack some of it") as caught:
        prepare(lake, run="one", as_of=at(30), required=REQUIRED, now=at(60))
    assert "next period" in caught.value.cure
    late = prepare(lake, run="one", as_of=at(30), required={"shop": False}, now=at(60))
    assert [source.late for source in late.sources] == [True]
    for minute in (20, 40):
        cut = prepare(lake, run="one", as_of=at(minute), required=REQUIRED, now=at(60))
        assert [source.late for source in cut.sources] == [False]


def test_known_by_picks_the_newest_release_of_that_time(lake: Lake) -> None:
    released(lake, "one", 30)
    released(lake, "two", 50)
    assert find(lake, known_by="2026-01-01").run == "two"
    assert find(lake, known_by=at(45)).run == "one"
    with pytest.raises(ReleaseError, match="No release was known"):
        find(lake, known_by="2025-12-31")
    with pytest.raises(ReleaseError, match="Did you mean 2026-01-01T0030"):
        find(lake, "2026-01-01T0031")


def test_a_release_is_read_only(lake: Lake) -> None:
    released(lake, "one", 60)
    engine = DuckDBEngine(lake, find(lake))
    assert engine.sql("select sum(value) as total from shop.stock_history").to_pyarrow().to_pylist() == [{"total": 8}]
    for text in ("drop view shop.stock", "select 1; select 2", "copy (select 1) to 'x.csv'"):
        with pytest.raises(SemanticError, match="read-only"):
            engine.sql(text)
    with pytest.raises(SemanticError, match="disabled by configuration"):
        engine.sql("select * from read_csv('/etc/passwd')").to_pyarrow()
    with pytest.raises(LakeError, match=r"Did you mean shop\.stock\?"):
        engine.table("shop.stok")


def test_a_kept_release_answers_the_same_for_good(lake: Lake, tmp_path: Path) -> None:
    released(lake, "one", 30)
    before = (stock(lake, name="2026-01-01T0030"), history(lake, "2026-01-01T0030"))
    for step in range(1, 201):
        write(lake, [Change("U", (1 + step % 2, "x"), step, 20 + step * 10, 0, 60 + step)])
        if step % 50 == 0:
            mark(lake, 20 + step * 10, at(60 + step + 1))
            released(lake, f"run {step}", 60 + step + 1)
            maintain(lake, keep=Keep(days=90), now=at(500), grace=timedelta(0), force=True)
    old = time.time() - 40 * 86400
    for path in (tmp_path / "lake").rglob("*.json"):
        os.utime(path, (old, old))
    write(lake, [Change("U", (1, "x"), 0, 5000, 0, 600)])
    maintain(lake, keep=Keep(days=90), now=at(700), grace=timedelta(0), force=True)
    assert (stock(lake, name="2026-01-01T0030"), history(lake, "2026-01-01T0030")) == before


def history(lake: Lake, name: str) -> list[tuple[Any, ...]]:
    rows = DuckDBEngine(lake, find(lake, name)).history(TABLE).to_pyarrow().to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_what_no_kept_release_needs_is_removed(lake: Lake) -> None:
    released(lake, "one", 30)
    for step in range(1, 6):
        write(lake, [Change("U", (1, "x"), step, 20 + step * 10, 0, 60 + step)])
        mark(lake, 20 + step * 10, at(60 + step + 1))
        released(lake, f"run {step}", 60 + step + 1)
        maintain(lake, keep=Keep(), now=at(500), grace=timedelta(0), force=True)
    much_later = START + timedelta(days=200)
    done = maintain(lake, keep=Keep(days=90, month_ends=False), now=much_later, grace=timedelta(0), force=True)
    assert done.kept == ("2026-01-01T0106",)
    assert done.removed > 0
    assert stock(lake) == {1: 5, 2: 2}


def test_a_lake_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("source", pa.string())])
    root = str(tmp_path / "lake")
    delta.create(f"{root}/system/watermarks", schema, statistics=["source"], extra={"workspace.format": "99"})
    with pytest.raises(LakeError, match="has format 99; this version of the workspace knows format 2"):
        Lake(root)


def test_the_releases_of_an_older_lake_are_brought_along(lake: Lake) -> None:
    """In format 1 a pin did not say what kind of table it is of."""
    released(lake, "one", 30)
    made = releases(lake)
    uri = lake.layout.uri("system", "releases")
    table = delta.open_table(uri)
    entries = delta.read(table).to_pylist()
    for entry in entries:
        for pin in entry["tables"]:
            del pin["kind"], pin["until"]
    old = pa.Table.from_pylist(entries, schema=_format_1())
    delta.commit(table, old, app="releases", version=2, replace=True, reshape=True)
    marks = delta.open_table(lake.layout.uri("system", "watermarks"))
    marks.alter.set_table_properties({"workspace.format": "1"}, raise_if_not_exists=False)
    upgraded = Lake(lake.layout.root)
    assert releases(upgraded) == made
    released(upgraded, "two", 60)
    assert stock(Lake(lake.layout.root)) == {1: 5, 2: 2}


def _format_1() -> pa.Schema:
    pin = pa.struct([field for field in PIN if field.name not in ("kind", "until")])
    place = RELEASES.get_field_index("tables")
    return RELEASES.set(place, pa.field("tables", pa.list_(pin)))


def test_reading_leaves_no_thread_that_calls_back_into_python(lake: Lake, tmp_path: Path) -> None:
    # Arrow's do, through Delta's file system for them, and abort now and then a process that ends while they live.
    released(lake, "one", 30)
    code = (
        "import sys; from workspace.lake import Lake, releases\n"
        f"lake = Lake({str(tmp_path / 'lake')!r}); assert releases(lake) and lake.watermarks()\n"
        "assert lake.records('releases').num_rows == 2 and lake.quarantined('shop').num_rows == 0\n"
        "sys.exit('deltalake.fs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_month_ends_are_kept_for_good(tmp_path: Path) -> None:
    lake, _ = new_log(str(tmp_path))
    write(lake, [Change("I", (1, "x"), 1, 10, 0, 1)])
    mark(lake, 10, datetime(2027, 1, 1, tzinfo=UTC))
    for day in (datetime(2026, 1, 30, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 11, tzinfo=UTC)):
        prepare(lake, run=str(day), as_of=day, required=REQUIRED, now=day)
        publish(lake, run=str(day), now=day)
    done = maintain(lake, keep=Keep(days=1), now=datetime(2026, 12, 1, tzinfo=UTC))
    assert done.kept == ("2026-01-31", "2026-02-10")
