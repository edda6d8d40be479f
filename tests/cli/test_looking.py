"""The commands that only look."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from workspace.errors import SourceError
from workspace.lake import Lake, Watermark
from workspace.sources import ingest

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from runs.homes import Home

    Call = Callable[..., Result]

CLICKS = '[sources.clicks]\nkind = "snowplow"\narchive = "archive"\non_gap = "{on_gap}"\n'
FX = '[sources.fx]\nkind = "fx"\nlocation = "rates.csv"\n'


def test_status_of_a_fresh_home_says_what_is_due(home: Home, workspace: Call) -> None:
    home.toml(more=FX)
    home.notebook("a")
    home.schedule('steps.a = { notebook = "a.ipynb", freshness = "26h" }')
    told = workspace("status")
    assert told.exit_code == 0
    assert [line.split() for line in told.stdout.splitlines() if line.startswith(("fx", "a "))] == [
        ["fx", "never", "no"],
        ["a", "day", "never"],
    ]
    assert told.stdout.endswith("Due: a 2026-10-31. `workspace tick` does it.\n")


def test_status_shows_how_far_behind_things_are(home: Home, workspace: Call) -> None:
    home.toml(more=FX)
    home.notebook("a")
    home.schedule('steps.a = { notebook = "a.ipynb", freshness = "26h" }')
    now = home.settings.now()
    mark = Watermark(source="fx", position=1, clock=None, reached=now, recorded_at=now, run="r")
    Lake(home.settings.lake).advance(mark)
    assert workspace("tick").exit_code == 0
    assert "Nothing is due." in workspace("status").stdout
    home.toml("2026-11-03T00:00:00Z", more=FX)
    told = workspace("status").stdout
    assert "2026-11-01 00:00 UTC" in told
    assert "2.0 days" in told
    assert "STALE: 2.0 days behind" in told


def test_releases_of_an_empty_lake(home: Home, workspace: Call) -> None:
    assert workspace("releases").stdout == "Releases: none\n"


def test_doctor_finds_nothing_wrong_in_a_good_home(home: Home, workspace: Call) -> None:
    home.notebook("a")
    home.schedule('steps.a = { notebook = "a.ipynb" }')
    told = workspace("doctor")
    assert told.exit_code == 0
    assert "ok       packages: as pinned" in told.stdout
    assert "1 steps" in told.stdout
    assert "ERROR" not in told.stdout


def test_doctor_goes_on_where_something_is_wrong(home: Home, workspace: Call) -> None:
    home.toml(more='[sources.inventory_db]\nkind = "postgres"\ndsn_env = "SURELY_NOT_SET"\n')
    home.notebook("a")
    home.schedule('steps.a = { notebok = "a.ipynb" }')
    told = workspace("doctor")
    assert told.exit_code == 1
    assert "ERROR    schedule: " in told.stdout
    assert "Did you mean notebook?" in told.stdout
    assert "must be mended" in told.stdout
    assert "SURELY_NOT_SET" in told.stdout


def test_status_shows_what_a_clickstream_went_on_without(home: Home, workspace: Call) -> None:
    home.notebook("a")
    home.schedule('steps.a = { notebook = "a.ipynb" }')
    home.toml(more=CLICKS.format(on_gap="stop"))
    folder = home.settings.home / "archive"
    folder.mkdir()
    (folder / "cut.gz").write_bytes(gzip.compress(b"not an event\n" * 1000)[:-12])
    (folder / "whole.tsv").write_bytes(b"not an event\n")
    with pytest.raises(SourceError, match=r"1 file of the archive .* cannot be read; everything else was taken in"):
        ingest("clicks", run="r", as_of="", settings=home.settings)
    assert "Gaps" not in workspace("status").stdout
    home.toml(more=CLICKS.format(on_gap="record"))
    ingest("clicks", run="r", as_of="", settings=home.settings)
    told = workspace("status").stdout.splitlines()
    row = next(line for line in told if line.startswith("clicks") and "cut.gz" in line)
    assert "cut off" in row
    assert next(line for line in told if line.startswith("clicks")).split()[-2:] == ["no", "1"]
    assert "archive: " in workspace("doctor").stdout
