"""A derivation that is killed at any point goes on where it stopped; what readers see is whole or is not there."""

from __future__ import annotations

import dataclasses
import multiprocessing
import signal
from typing import TYPE_CHECKING, Any

import pytest

from clickstream.rows import DAY, SOURCE, TABLES, append, at, event, killed, read
from workspace.clickstream import derivation
from workspace.clickstream.derivation import derive
from workspace.errors import LakeError
from workspace.lake import Lake
from workspace.lake.periods import derivations

if TYPE_CHECKING:
    from pathlib import Path


def batches() -> list[list[dict[str, Any]]]:
    first = [event(n, n * 60, page=f"p{n}", user_id="u1", mkt_source="google") for n in range(30)]
    again = [event(n, 2 * DAY + n, page=f"p{n}", _offset=1000 + n) for n in range(5)]
    return [first, again + [event(100 + n, DAY + n, page="p3", event="page_ping") for n in range(5)]]


@pytest.mark.parametrize("point", [*(f"derive.after_table:{count}" for count in (6, 10, 17)), "derive.before_record"])
def test_a_killed_derivation_goes_on(point: str, tmp_path: Path) -> None:
    lake, other = Lake(str(tmp_path / "killed")), Lake(str(tmp_path / "whole"))
    for number, batch in enumerate(batches()):
        for each in (lake, other):
            append(each, batch)
        if not number:
            derive(SOURCE, lake, run="first", as_of=at(DAY))
    process = multiprocessing.get_context("spawn").Process(
        target=killed, args=(str(tmp_path / "killed"), point, 4 * DAY)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert [one.run for one in derivations(lake, "clickstream")] == ["first"]
    derive(SOURCE, lake, run="again", as_of=at(4 * DAY))
    derive(SOURCE, other, run="whole", as_of=at(4 * DAY))
    for name in TABLES:
        assert read(lake, name) == read(other, name), name
    assert [(one.build, one.run) for one in derivations(lake, "clickstream")] == [(1, "first"), (2, "again")]


def test_a_derivation_is_recorded_with_the_versions_of_its_tables(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    for batch in batches():
        append(lake, batch)
    derive(SOURCE, lake, run="one", as_of=at(DAY))
    derive(SOURCE, lake, run="one again", as_of=at(DAY))
    told = derive(SOURCE, lake, run="older", as_of=at(60))
    assert "Nothing to do" in repr(told)
    (known,) = derivations(lake, "clickstream")
    assert (known.build, known.batch, known.as_of, known.run) == (1, 2, at(DAY), "one")
    assert {table.name for table in known.tables} == set(TABLES)
    assert {table.name: table.rows for table in known.tables} == {name: len(read(lake, name)) for name in TABLES}


def test_two_at_once_derive_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path))
    append(lake, batches()[0])
    slices = derivation._slices

    def overtaken(*args: Any) -> Any:
        monkeypatch.setattr(derivation, "_slices", slices)
        derive(SOURCE, lake, run="fast", as_of=at(DAY))
        return slices(*args)

    monkeypatch.setattr(derivation, "_slices", overtaken)
    with pytest.raises(LakeError, match="at the same time"):
        derive(SOURCE, lake, run="slow", as_of=at(DAY))
    assert [one.run for one in derivations(lake, "clickstream")] == ["fast"]
    assert len(read(lake, "clickstream.events")) == 24


def test_a_second_source_is_refused(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    append(lake, batches()[0])
    derive(SOURCE, lake, run="r", as_of=at(DAY))
    append(lake, batches()[0], "other")
    with pytest.raises(LakeError, match="would overwrite it"):
        derive(dataclasses.replace(SOURCE, name="other"), lake, run="r", as_of=at(DAY))


def test_other_conversions_make_sessions_anew(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    append(lake, batches()[0])
    derive(SOURCE, lake, run="r", as_of=at(DAY))
    assert {row["conversions"] for row in read(lake, "clickstream.sessions")} == {0}
    other = dataclasses.replace(SOURCE, conversions=("page_view",))
    done = derive(other, lake, run="r", as_of=at(DAY))
    assert {row["conversions"] for row in read(lake, "clickstream.sessions")} == {24}
    assert done.written["clickstream.events"] == 0
