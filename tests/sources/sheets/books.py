"""Workbooks as people keep them, and what the lake then holds of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import openpyxl

from workspace.settings import SheetsSource
from workspace.sources import sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from workspace.lake import Lake
    from workspace.sources import Ingested

COLUMNS = {
    "month": "month",
    "city": {"type": "text", "merged": True},
    "target": {"type": "decimal", "header": "Target (EUR)", "currency": "EUR"},
}
TARGETS = {"sheet": "Targets", "key": ["month", "city"], "columns": COLUMNS}
HEADER = ("Month", "City", "Target (EUR)")


def write(
    path: Path, *sheets_: tuple[str, Sequence[Sequence[Any]]], then: Callable[[Worksheet], None] | None = None
) -> Path:
    """Write a workbook with sheets of rows; `then` may do more to each."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets_:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if then:
            then(sheet)
    book.save(path)
    return path


def source(workbook: Path, **tables: dict[str, Any]) -> SheetsSource:
    """Name the tables that a workbook holds; of targets, unless told otherwise."""
    given: Any = tables or {"targets": TARGETS}  # as workspace.toml has them
    return SheetsSource(name="sheets", workbook=str(workbook), tables=given)


def ingest(lake: Lake, about: SheetsSource, day: int) -> Ingested:
    """Read the workbook on a day of March 2026."""
    now = datetime(2026, 3, day, tzinfo=UTC)
    return sheets.ingest(about, lake, run=f"r{day}", as_of=now, now=now)


def live(lake: Lake, name: str = "sheets.targets") -> list[dict[str, Any]]:
    """Give the rows that exist now, in the order of their keys."""
    log = lake.log(name)
    rows = log.live().read_all().sort_by([(key, "ascending") for key in log.keys])
    return [{c.name: row[c.name] for c in log.columns} for row in rows.to_pylist()]
