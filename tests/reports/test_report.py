"""A report as it is handed on: one page that loads nothing, one workbook with the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from browser import browsing
from workspace.reports import Report, Week, figures, split, trend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.front import Workspace

WEEK = Week.parse("2026-W42")


@pytest.fixture
def saved(workspace: Workspace) -> list[Path]:
    m: Any = workspace.metrics
    report = Report(name="weekly", title="Weekly <b>", subtitle=str(WEEK), workspace=workspace, metrics=["gbv", "aov"])
    report.show_figures("In figures", "Some.", figures(m, (m.gbv, m.aov), WEEK))
    report.show_trend("Trend", "Twelve weeks.", trend(m, m.gbv, WEEK))
    report.show_split("By tier", "At the time.", split(m, m.gbv, m.listing.vendor.tier, WEEK))
    report.show_split("By type", "Nameless too.", split(m, m.gbv, m.booking.event_type, WEEK))
    return report.save(WEEK.label)


def test_the_files_lie_beside_those_of_other_weeks(saved: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "weekly"
    assert saved == [folder / "2026-W42.html", folder / "2026-W42.xlsx"]


def test_the_page_says_what_it_rests_on(saved: list[Path]) -> None:
    page = saved[0].read_text()
    assert "Weekly &lt;b&gt;" in page
    assert (
        "Release 2026-10-31, as of 2026-11-01 00:00 UTC. Sources: inventory_db up to 2026-11-01 00:00 (late)." in page
    )


@pytest.mark.slow
def test_the_page_asks_for_nothing_and_is_drawn(saved: list[Path]) -> None:
    with browsing() as browsed:
        browsed.page.goto(saved[0].as_uri())
        assert browsed.page.locator(".tile").count() == 2
        drawings = browsed.page.locator(".drawing svg").all()
        assert len(drawings) == 3
        for drawing in drawings:
            assert (box := drawing.bounding_box()) is not None
            assert min(box["width"], box["height"]) > 40
        wide = browsed.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        assert browsed.outside(saved[0].as_uri()) == []
        assert browsed.errors == []


def test_the_workbook_holds_the_same_numbers(
    saved: list[Path], workspace: Workspace, numbers: Callable[[Any], dict[Any, Any]]
) -> None:
    book = openpyxl.load_workbook(saved[1])
    assert book.sheetnames == ["Trend", "By tier", "By type", "Definitions"]
    m: Any = workspace.metrics
    tiers, types = _read(book["By tier"]), _read(book["By type"])
    assert tiers == {**numbers(split(m, m.gbv, m.listing.vendor.tier, WEEK)), "total": (50, None, 40)}
    assert types == {"(none)": (50, None, 40)}  # one row needs no total
    definitions = {cell for row in book["Definitions"].iter_rows(values_only=True) for cell in row}
    assert {"2026-10-31", *(definition.id for definition in m(m.gbv, m.aov).definitions)} <= definitions


def _read(sheet: Any) -> dict[Any, tuple[Any, ...]]:
    """Read the values of the three weeks by what stands before them, below the heading."""
    rows = list(sheet.iter_rows(values_only=True))
    (head,) = (number for number, row in enumerate(rows) if "a year before, EUR" in row)
    return {row[0]: row[1:4] for row in rows[head + 1 :] if row[0]}
