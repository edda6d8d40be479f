"""Which sheets of which Excel workbooks are read, and what their columns mean: `[sources.<name>.tables.<table>]`.

```toml
[sources.sheets.tables.targets]
workbook = "planning.xlsx"          # within the folder that the source names
sheet = "Targets"
key = ["month", "city"]
decimal = ","                       # how texts such as "1.234" are meant; without it they are refused

[sources.sheets.tables.targets.columns]
month = "month"
city = { type = "text", merged = true }
target = { type = "decimal", header = "Target (EUR)", currency = "EUR" }
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workspace.errors import SettingsError, did_you_mean
from workspace.settings.typed import build

TYPES = ("text", "date", "month", "integer", "decimal")
TOTALS = ("total", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme", "insgesamt")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_WORKBOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True, kw_only=True)
class SheetColumn:
    """A column of a sheet.

    Attributes:
        name: What the lake calls it.
        type: What its cells hold; a month is kept as its first day.
        header: What the sheet calls it; capitals and blanks do not matter.
        merged: Whether a merged cell's value is that of every cell that it covers.
        currency: What its amounts are in; a cell with the sign of another currency is refused.
        personal: Whether it holds personal data.
    """

    name: str
    type: Literal["text", "date", "month", "integer", "decimal"]
    header: str
    merged: bool = False
    currency: str = ""
    personal: bool = False

    def __post_init__(self) -> None:
        """Check the currency."""
        if self.currency and not (_CURRENCY.fullmatch(self.currency) and self.type in ("integer", "decimal")):
            msg = f"The column {self.name} has currency = {self.currency!r}, which cannot be."
            raise SettingsError(msg, cure='Write a code such as "EUR", on a column of type decimal or integer.')


@dataclass(frozen=True, kw_only=True)
class SheetTable:
    """A table that a sheet holds.

    Attributes:
        name: What the lake calls it, below the source's name.
        sheet: The sheet's name.
        key: The columns whose values together are a row's own.
        columns: By name, in the lake's order.
        workbook: The file's name within the source's folder; empty if the source names one file.
        decimal: How numbers that were typed as texts are meant where that is open ("1.234"); such are refused if empty.
        totals: A row in which a column of the key begins with one of these words is a total, and is left out.
    """

    name: str
    sheet: str
    key: tuple[str, ...]
    columns: dict[str, SheetColumn]
    workbook: str = ""
    decimal: Literal["", ",", "."] = ""
    totals: tuple[str, ...] = TOTALS

    def __post_init__(self) -> None:
        """Check that the key's columns are there."""
        for each in self.key:
            if each not in self.columns:
                msg = f"The table {self.name} has no column {each!r}, which its key names."
                raise SettingsError(msg, cure=did_you_mean(each, self.columns))
        if not self.key:
            cure = "Name the columns whose values together are a row's own."
            raise SettingsError(f"The table {self.name} has an empty key.", cure=cure)


@dataclass(frozen=True, kw_only=True)
class SheetsSource:
    """Tables that people keep in Excel workbooks.

    Attributes:
        name: The source's name; its tables are `<name>.<table>`.
        workbook: A workbook (.xlsx), or a folder of them.
        tables: What is read of them, by name.
        required: Whether a release needs this source to have reached its `as_of`.
    """

    name: str
    workbook: str
    tables: dict[str, SheetTable]
    required: bool = False

    def __post_init__(self) -> None:
        """Read the tables as `workspace.toml` has them."""
        folder = Path(self.workbook).suffix.lower() not in _WORKBOOKS
        where = f"[sources.{self.name}] tables"
        given = _mapping(self.tables, where, "targets = { ... }")
        read = {
            name: each if isinstance(each, SheetTable) else _table(name, each, f"{where}.{name}", folder=folder)
            for name, each in given.items()
        }
        object.__setattr__(self, "tables", read)

    def path(self, table: SheetTable) -> Path:
        """Tell where a table's workbook is."""
        place = Path(self.workbook)
        return place if place.suffix.lower() in _WORKBOOKS else place / table.workbook


def _table(name: str, entry: Any, where: str, *, folder: bool) -> SheetTable:
    _named(name, where)
    given = dict(_mapping(entry, where, 'sheet = "..."'))
    if folder and not given.get("workbook"):
        raise SettingsError(f"{where} lacks workbook.", cure="Name its file in the folder, or name one file above.")
    columns = _mapping(given.get("columns"), f"{where} columns", 'month = "month"')
    given["columns"] = {each: _column(each, about, f"{where} columns.{each}") for each, about in columns.items()}
    return build(SheetTable, given | {"name": name}, where)


def _column(name: str, given: Any, where: str) -> SheetColumn:
    _named(name, where)
    entry = {"type": given} if isinstance(given, str) else dict(_mapping(given, where, 'type = "text"'))
    if entry.get("type") not in TYPES:
        raise SettingsError(
            f"{where} has type = {entry.get('type')!r}.", cure=did_you_mean(str(entry.get("type")), TYPES)
        )
    return build(SheetColumn, {"header": name.replace("_", " ")} | entry | {"name": name}, where)


def _named(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        cure = "Use small letters, digits and underscores, a letter first; `header` says what the sheet calls a column."
        raise SettingsError(f"{where}: {name!r} cannot be a name in the lake.", cure=cure)


def _mapping(entry: Any, where: str, example: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or not entry:
        raise SettingsError(f"{where} is no table of TOML with entries.", cure=f"Write {{ {example}, ... }}.")
    return entry
