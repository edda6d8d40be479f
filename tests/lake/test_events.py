"""Events: a batch with all that belongs to it is there whole, once, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lake.batches import COLUMNS, NOW, batch, killed, overtake, refused, run, write
from workspace.errors import LakeError
from workspace.lake import FILES, TAKEN, Lake, delta

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deltalake import DeltaTable


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def held(lake: Lake) -> tuple[list[int], list[int]]:
    log = lake.events("shop")
    events = sorted(delta.read(log.table).column("_offset").to_pylist())
    return events, log.quarantined().column("offset").to_pylist()


def test_a_batch_brings_events_refused_lines_and_offsets(lake: Lake) -> None:
    log = lake.events("shop", COLUMNS)
    assert write(log, 0, 3, [3]) == 1
    assert write(log, 4, 6) == 2
    again = lake.events("shop")
    assert (again.batch, again.mark("offset/t/0"), again.mark("offset/t/1")) == (2, 6, None)
    assert held(lake) == ([0, 1, 2, 4, 5], [3])
    assert again.columns == COLUMNS
    assert sorted(delta.read(again.table).column("_batch").to_pylist()) == [1, 1, 1, 2, 2]


def test_a_mark_never_goes_back(lake: Lake) -> None:
    log = lake.events("shop", COLUMNS)
    write(log, 0, 3)
    with pytest.raises(LakeError, match="lies before"):
        write(log, 0, 2)


def test_two_at_once_write_once(lake: Lake) -> None:
    one, two = lake.events("shop", COLUMNS), lake.events("shop")
    write(one, 0, 3, [3])
    with pytest.raises(LakeError, match="at the same time"):
        write(two, 0, 3, [3])
    assert held(lake) == ([0, 1, 2], [3])


def test_one_that_comes_in_between_shuts_the_slow_one_out(lake: Lake) -> None:
    """The slow one has its side rows in place already; they must not be taken for those of the other."""
    slow = lake.events("shop", COLUMNS)
    original = slow._write

    def write_and_be_slow(table: DeltaTable, found: pa.Table | None, number: int) -> None:
        original(table, found, number)
        if found is not None and found.num_rows:
            run(overtake, lake.layout.root)

    slow._write = write_and_be_slow  # type: ignore[assignment, method-assign]
    with pytest.raises(LakeError, match="at the same time"):
        write(slow, 0, 3, [3, 4])
    assert held(lake) == ([0, 1], [2])


@pytest.mark.parametrize("point", ["events.after_side", "events.before_commit", "events.after_commit"])
def test_killed_and_run_again(lake: Lake, point: str) -> None:
    lake.events("shop", COLUMNS)
    assert run(killed, lake.layout.root, point) == -9
    log = lake.events("shop")
    done = log.mark("offset/t/0") or 0
    assert done == (5 if point == "events.after_commit" else 0)
    assert held(lake)[1] == ([3, 4] if done else [])
    if not done:
        # Another parser may refuse other lines than the one that was killed did.
        write(log, 0, 4, [4])
        assert held(lake) == ([0, 1, 2, 3], [4])


def test_what_goes_wrong_in_the_source_is_said_as_it_is_and_leaves_nothing(lake: Lake) -> None:
    log = lake.events("shop", COLUMNS)

    def broken() -> Iterator[pa.RecordBatch]:
        yield from batch(0, 3)
        raise ConnectionError("the broker is gone")

    with pytest.raises(ConnectionError, match="the broker is gone"):
        log.append(broken(), marks={"offset/t/0": 3}, sides=dict)
    assert held(lake) == ([], [])
    assert write(lake.events("shop"), 0, 3) == 1


def test_what_is_taken_in_later_is_no_longer_in_quarantine(lake: Lake) -> None:
    log = lake.events("shop", COLUMNS)
    write(log, 0, 3, [3, 4])
    log.append(batch(3, 4), marks={}, sides=lambda: refused([3], TAKEN))
    assert held(lake) == ([0, 1, 2, 3], [4])


def test_files_are_known_by_batch(lake: Lake) -> None:
    log = lake.events("shop", COLUMNS)
    shape = pa.schema([field for field in FILES if field.name != "batch"])
    entry = {"path": "a.gz", "size": 3, "modified": NOW, "lines": 3, "recorded_at": NOW}
    log.append(batch(0, 3), marks={}, sides=lambda: {"files": pa.Table.from_pylist([entry], schema=shape)})
    assert lake.events("shop").side("files").to_pylist() == [{**entry, "batch": 1}]
