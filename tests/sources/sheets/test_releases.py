"""Plans in releases: each keeps what was planned then, a refused sheet stands still, personal columns stay inside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sources.sheets.books import COLUMNS, HEADER, TARGETS, ingest, source, write
from workspace.cli.discreet import Discreet
from workspace.errors import SourceError
from workspace.front import Workspace, connect
from workspace.lake import Lake, prepare, publish
from workspace.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def release(settings: Settings, day: int) -> Workspace:
    moment = datetime(2026, 3, day, tzinfo=UTC)
    lake = Lake(settings.lake)
    prepare(lake, run=f"r{day}", as_of=moment, required={"sheets": False}, now=moment)
    publish(lake, run=f"r{day}", now=moment)
    return connect(settings=settings)


def settings(home: Path, workbook: Path, table: dict[str, Any]) -> Settings:
    places: dict[str, Any] = {"home": home, "lake": str(home / "lake"), "var": home, "pipelines": home}
    return Settings(**places, sources={"sheets": source(workbook, targets=table)})


def targets(ws: Workspace) -> dict[date, float]:
    return {row["month"]: float(row["target"]) for row in ws.table("sheets.targets").to_pyarrow().to_pylist()}


def test_each_release_has_the_plan_of_its_time_and_the_last_one_its_history(tmp_path: Path) -> None:
    path = tmp_path / "plan.xlsx"
    home = settings(tmp_path, path, TARGETS)
    lake = Lake(home.lake)
    for day, rows in ((5, [("2026-01", "Bonn", 10), ("2026-02", "Bonn", 20)]), (6, [("2026-01", "Bonn", 11)])):
        write(path, ("Targets", [HEADER, *rows]))
        ingest(lake, source(path), day)
        ws = release(home, day)
    assert targets(ws) == {JAN: 11}
    assert targets(ws.at("2026-03-04")) == {JAN: 10, FEB: 20}
    versions = ws.history("sheets.targets").order_by("month", "valid_from").to_pyarrow().to_pylist()
    assert [(row["month"], row["target"], row["valid_from"].day, row["valid_to"].year) for row in versions] == [
        (JAN, 10, 5, 2026),
        (JAN, 11, 6, 9999),
        (FEB, 20, 5, 2026),
    ]


def test_a_refused_sheet_stands_still_and_releases_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("2026-01", "Bonn", 10)]))
    home = settings(tmp_path, path, TARGETS)
    lake = Lake(home.lake)
    ingest(lake, source(path), 5)
    release(home, 5)
    write(path, ("Targets", [("Month", "City", "Amount"), ("2026-01", "Bonn", 12)]))
    with pytest.raises(SourceError, match="lacks 'Target"):
        ingest(lake, source(path), 6)
    ws = release(home, 6)
    assert targets(ws) == {JAN: 10}
    [pin] = ws.release.tables.values()
    assert "the header lacks 'Target (EUR)'" in pin.stopped


def test_a_personal_column_is_not_shown_to_assistants_nor_named_in_reasons(tmp_path: Path) -> None:
    columns = {**COLUMNS, "salary": {"type": "decimal", "personal": True}}
    about = {**TARGETS, "columns": columns}
    rows = [(*HEADER, "Salary"), ("2026-01", "Bonn", 10, 900), ("2026-02", "Bonn", 10, "9oo")]
    path = write(tmp_path / "plan.xlsx", ("Targets", rows))
    home = settings(tmp_path, path, about)
    lake = Lake(home.lake)
    report = ingest(lake, source(path, targets=about), 5)
    assert report.notes == ("targets: refused: Targets!D3 cannot be read as decimal, and is personal.",)
    assert "9oo" not in str(report.watermark)
    ws = release(home, 5)
    assert Discreet(ws).personal() == ["sheets.targets.salary"]
    assert "salary" not in Discreet(ws).table("sheets.targets").columns
