"""The finance department's workbook, read as any other: every plan arrives but the one that nobody has decided on."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from workspace.demo import planning
from workspace.lake import Lake
from workspace.settings import load_settings
from workspace.sources import ingest

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.settings import Settings
    from workspace.sources import Ingested


def read(settings: Settings) -> dict[str, dict[tuple[object, ...], object]]:
    lake = Lake(settings.lake)
    found: dict[str, dict[tuple[object, ...], object]] = {}
    for name in ("targets", "ad_budgets"):
        log = lake.log(f"sheets.{name}")
        (value,) = (column.name for column in log.columns if not column.key)
        found[name] = {tuple(row[key] for key in log.keys): row[value] for row in log.live().read_all().to_pylist()}
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def tick(home: Path, day: date, scale: float) -> tuple[Ingested, Settings]:
    planning.publish(home / "sheets", day, scale)
    clock = datetime(day.year, day.month, day.day, tzinfo=UTC)
    (home / "workspace.toml").write_text(f"[workspace]\nclock = {clock:%Y-%m-%dT%H:%M:%SZ}\n\n{planning.TOML}")
    settings = load_settings(home)
    return ingest("sheets", run="r", as_of="", settings=settings), settings


@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_what_finance_planned_is_what_the_lake_holds(home: Path, scale: float) -> None:
    report, settings = tick(home, date(2026, 10, 3), scale)
    planned = planning.targets(date(2026, 10, 3), scale)
    assert read(settings) == {
        "targets": {key: amount for key, amount in planned.items() if amount is not None},
        "ad_budgets": planning.budgets(date(2026, 10, 3), scale),
    }
    assert report.rows == {"sheets.targets": {"S": 503}, "sheets.ad_budgets": {"S": 16}}
    [refused] = Lake(settings.lake).quarantined("sheets").to_pylist()
    assert refused["reason"].endswith("'tbd' is not a number.")
    assert json.loads(refused["raw"]) == {
        "month": "2026-12-01",
        "city": "Kraków",
        "kind": "service",
        "target": "tbd",
    }


def test_the_revision_is_a_version_of_its_own(home: Path) -> None:
    tick(home, date(2026, 10, 10), 1.0)
    assert tick(home, planning.REVISED_ON, 1.0)[0].rows == {}
    report, settings = tick(home, date(2026, 10, 17), 1.0)
    assert report.rows == {"sheets.targets": {"U": 82, "D": 1}, "sheets.ad_budgets": {"U": 6}}
    assert read(settings)["ad_budgets"] == planning.budgets(date(2026, 10, 17), 1.0)
    assert (*planning.DROPPED,) not in read(settings)["targets"]
    assert tick(home, date(2026, 10, 24), 1.0)[0].rows == {}


def test_the_settings_are_toml() -> None:
    assert set(tomllib.loads(planning.TOML)["sources"]["sheets"]["tables"]) == {"targets", "ad_budgets"}
