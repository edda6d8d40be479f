"""The finance department's workbook: targets by city and kind, and budgets for advertising, as people keep such things.

A title over merged cells, two blank rows, months that are written once for all their rows, totals between the months,
thousands separators, one city whose numbers were pasted as texts, and one target that nobody has decided on yet. It is
revised once, in the middle of October 2026.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from workspace.demo.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

FILE = "planning.xlsx"
TARGETS = "Targets"
BUDGETS = "Ad budgets"
YEAR = 2026
REVISED_ON = date(2026, 10, 15)
UNDECIDED = (date(YEAR, 12, 1), "Kraków", "service")
DROPPED = (date(YEAR, 12, 1), "Genève", "vendor")  # by the revision
AS_TEXT = "München"  # whose numbers came by e-mail

TOML = f"""\
[sources.sheets]
kind = "sheets"
workbook = "sheets/{FILE}"

[sources.sheets.tables.targets]
sheet = "{TARGETS}"
key = ["month", "city", "kind"]

[sources.sheets.tables.targets.columns]
month = {{ type = "month", merged = true }}
city = {{ type = "text", merged = true }}
kind = "text"
target = {{ type = "decimal", header = "Target GBV (EUR)", currency = "EUR" }}

[sources.sheets.tables.ad_budgets]
sheet = "{BUDGETS}"
key = ["month", "platform"]

[sources.sheets.tables.ad_budgets.columns]
month = {{ type = "month", header = "Monat", merged = true }}
platform = {{ type = "text", header = "Plattform" }}
budget = {{ type = "decimal", header = "Budget EUR", currency = "EUR" }}
"""
"""What a home's `workspace.toml` says about it; `publish` writes to `<home>/sheets`."""

# What the company plans to sell, in thousands of euros a month, and how that is shared out.
_MONTHS = (2400, 2400, 2400, 2700, 3500, 4000, 3700, 3200, 3100, 3100, 2700, 2600)
_KINDS = {"space": 0.45, "vendor": 0.33, "service": 0.22}
_CITIES = {
    "Berlin": 0.165,
    "London": 0.14,
    "München": 0.09,
    "New York": 0.09,
    "Paris": 0.085,
    "Hamburg": 0.075,
    "Manchester": 0.07,
    "Zürich": 0.065,
    "Warszawa": 0.055,
    "Stockholm": 0.055,
    "Praha": 0.05,
    "Kraków": 0.025,
    "Αθήνα": 0.025,
    "Genève": 0.01,
}
_GERMAN = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November"),
    "Dezember",
)
# Thousands of euros a month from September on, when advertising began; and what the revision made of them.
_SPENT = {"Google Ads": 125, "Facebook Ads": 160, "TikTok Ads": 175, "Twitter Ads": 85}
_REVISED = {"Google Ads": 1.1, "Facebook Ads": 1.0, "TikTok Ads": 0.85, "Twitter Ads": 1.0}
_ADVERTISED = range(9, 13)


def publish(folder: Path, until: date, scale: float) -> None:
    """Write the workbook as it stands when a day begins, at once or not at all.

    Args:
        folder: Where `planning.xlsx` is.
        until: That day.
        scale: The demo's; a company of half the size plans half as much.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    said = "revised on 15 October 2026" if until > REVISED_ON else "approved in December 2025"
    _targets(book.create_sheet(TARGETS), said, targets(until, scale))
    _budgets(book.create_sheet(BUDGETS), said, budgets(until, scale))
    content = io.BytesIO()
    book.save(content)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, content.getvalue())


def targets(until: date, scale: float) -> dict[tuple[date, str, str], int | None]:
    """Give the targets as they stand when a day begins: whole euros by month, city and kind; None where undecided."""
    revised = until > REVISED_ON
    found: dict[tuple[date, str, str], int | None] = {}
    for number, total in enumerate(_MONTHS, start=1):
        for city, part in _CITIES.items():
            for kind, share in _KINDS.items():
                key = (date(YEAR, number, 1), city, kind)
                raised = 1.03 if revised and number > REVISED_ON.month else 1.0
                found[key] = None if key == UNDECIDED else _rounded(total * 1000 * part * share * raised * scale)
    if revised:
        del found[DROPPED]
    return found


def budgets(until: date, scale: float) -> dict[tuple[date, str], int]:
    """Give the budgets for advertising as they stand when a day begins: whole euros by month and platform."""
    revised = until > REVISED_ON
    return {
        (date(YEAR, number, 1), platform): _rounded(
            amount * 1000 * (_REVISED[platform] if revised and number >= REVISED_ON.month else 1.0) * scale
        )
        for number in _ADVERTISED
        for platform, amount in _SPENT.items()
    }


def _rounded(amount: float) -> int:
    """Round as planners do: to three digits."""
    return int(round(amount, 3 - len(str(int(amount)))))


def _targets(sheet: Worksheet, said: str, found: dict[tuple[date, str, str], int | None]) -> None:
    row = _head(sheet, f"Gross booking value {YEAR}: targets by city and kind, {said}", _headers(TARGETS))
    for month in sorted({month for month, _, _ in found}):
        first = row
        for city in _CITIES:
            begins = row
            for kind in (kind for kind in _KINDS if (month, city, kind) in found):
                sheet.cell(row, 3, kind)
                _amount(sheet.cell(row, 4), found[month, city, kind], as_text=city == AS_TEXT)
                row += 1
            sheet.cell(begins, 2, city)
            _merge(sheet, 2, begins, row - 1)
        sheet.cell(first, 1, datetime(month.year, month.month, 1)).number_format = "mmm yyyy"  # noqa: DTZ001 - a day
        _merge(sheet, 1, first, row - 1)
        row = _total(sheet, row, first, 4)
    sheet.cell(row + 1, 1, "Source: budget round with the city managers")


def _budgets(sheet: Worksheet, said: str, found: dict[tuple[date, str], int]) -> None:
    row = _head(sheet, f"Werbebudget {YEAR} ({said})", _headers(BUDGETS))
    for month in sorted({month for month, _ in found}):
        first = row
        for platform in _SPENT:
            sheet.cell(row, 2, platform)
            _amount(sheet.cell(row, 3), found[month, platform])
            row += 1
        sheet.cell(first, 1, f"{_GERMAN[month.month - 1]} {month.year}")
        _merge(sheet, 1, first, row - 1)
        row = _total(sheet, row, first, 3)


def _headers(name: str) -> Sequence[str]:
    return {
        TARGETS: ("Month", "City", "Kind", "Target GBV (EUR)"),
        BUDGETS: ("Monat", "Plattform", "Budget EUR"),
    }[name]


def _head(sheet: Worksheet, title: str, headers: Sequence[str]) -> int:
    """Write a title over merged cells, two blank rows and the header; give the next row."""
    sheet.cell(1, 1, title).font = Font(bold=True, size=14)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(headers))
    for place, header in enumerate(headers, start=1):
        sheet.cell(4, place, header).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = 18
    sheet.freeze_panes = "A5"
    return 5


def _amount(cell: Cell, amount: int | None, *, as_text: bool = False) -> None:
    if amount is None:
        cell.value = "tbd"
    elif as_text:
        cell.value = f"{amount:,}".replace(",", ".") + ",00 €"
        cell.alignment = Alignment(horizontal="right")
    else:
        cell.value = amount
        cell.number_format = "#,##0"


def _merge(sheet: Worksheet, place: int, first: int, last: int) -> None:
    sheet.cell(first, place).alignment = Alignment(vertical="top")
    if last > first:
        sheet.merge_cells(start_row=first, start_column=place, end_row=last, end_column=place)


def _total(sheet: Worksheet, row: int, first: int, place: int) -> int:
    letter = get_column_letter(place)
    cells: Iterable[tuple[int, str]] = ((1, "Total"), (place, f"=SUM({letter}{first}:{letter}{row - 1})"))
    for where, value in cells:
        sheet.cell(row, where, value).font = Font(bold=True)
    sheet.cell(row, place).number_format = "#,##0"
    return row + 1
