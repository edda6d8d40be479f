"""A bakery's plans in Excel: the small world of this page. `python -i docs/sheets/plans.py` gives you `ws`."""  # noqa: INP001

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from workspace import connect
from workspace.errors import SourceError
from workspace.lake import Lake
from workspace.settings import load_settings
from workspace.sources import ingest

SETTINGS = """
[workspace]
clock = {clock}

[sources.sheets]
kind = "sheets"
workbook = "plans.xlsx"

[sources.sheets.tables.targets]
sheet = "Targets"
key = ["month", "city"]

[sources.sheets.tables.targets.columns]
month = {{ type = "month", merged = true }}
city = "text"
target = {{ type = "decimal", header = "Target (EUR)", currency = "EUR" }}
share = "decimal"
"""
# Rows 1 to 8 of the sheet as it was on June 1st; A4 to A5 and A6 to A7 are merged cells.
JUNE = [
    ["Our plan for the summer"],
    [],
    ["Month", "City", "Target (EUR)", "Share", "Remarks"],
    [date(2026, 6, 1), "Berlin", 12_000, 0.6],
    [None, "Wien", "€ 8,000.00", "40 %", "as Anna said"],
    ["July 2026", "Berlin", "1.500", 0.5],
    [None, "Wien", "tbd"],
    ["Total", None, 20_000],
    ["Preliminary!"],
]
# On June 10th Vienna's June was lowered and its July decided, and Berlin's July was typed as a number.
LATER = {"C5": 7_000, "D5": 0.35, "C6": 1_500, "C7": 1_400, "D7": 0.5}

home = Path(tempfile.mkdtemp(prefix="plans-"))
atexit.register(shutil.rmtree, home)
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "Targets"
for row in JUNE:
    sheet.append(row)
sheet.merge_cells("A4:A5")
sheet.merge_cells("A6:A7")


def read(day: int, **changed: Any) -> Any:
    """Change some cells, save the workbook, and read it on a day of June."""
    for cell, value in changed.items():
        sheet[cell] = value
    book.save(home / "plans.xlsx")
    (home / "workspace.toml").write_text(SETTINGS.format(clock=f"2026-06-{day:02}T06:00:00Z"))
    try:
        return ingest("sheets", run=f"june {day}", as_of="", settings=load_settings(home))
    except SourceError as error:
        return error.message


first = read(1)
second = read(10, **LATER)
third = read(11, C3="Goal (EUR)")
settings = load_settings(home)
lake = Lake(settings.lake)
ws = connect(candidate="june", as_of=datetime(2026, 6, 12, tzinfo=UTC), settings=settings)


def show(table: Any, *columns: str) -> None:
    """Print some columns of a table, in the order of the first three."""
    rows = table.to_pandas()[list(columns)].sort_values(list(columns[:3]), ignore_index=True)
    print(rows.map(_written).to_string(index=False))  # noqa: T201 - this is what the page shows


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return "-" if value.year == 9999 else f"{value:%m-%d}" if value.tzinfo else f"{value:%Y-%m-%d}"
    return value.decode() if isinstance(value, bytes) else "-" if pd.isna(value) else value
