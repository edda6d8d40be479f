"""From a sheet to the rows of a table: where its header is, which rows are data, and what could not be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from workspace.errors import SourceError, did_you_mean
from workspace.sources.sheets import days
from workspace.sources.sheets.grid import tidy
from workspace.sources.sheets.numbers import UnreadableError, check_currency, fitted, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workspace.settings import SheetColumn, SheetTable
    from workspace.sources.sheets.grid import Cell, Grid

Value = str | date | int | Decimal | None
_DIGITS = 15  # what Excel keeps and shows of a number; a double has noise behind them
_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A row that could not be taken in.

    Attributes:
        row: Its number in the sheet.
        cells: The cells that could not be read, such as `Targets!C7`.
        reason: Why, with what is in them.
        content: What the row shows, by the table's columns.
        key: Its key, if that could be read.
    """

    row: int
    cells: tuple[str, ...]
    reason: str
    content: dict[str, str | None]
    key: tuple[Value, ...] | None

    def raw(self) -> bytes:
        """Write what the row shows as JSON."""
        return json.dumps(self.content, ensure_ascii=False).encode()


@dataclass(kw_only=True)
class Sheet:
    """What one reading of a sheet found.

    Attributes:
        rows: The rows, by their keys.
        refused: The rows that could not be read.
        totals: The numbers of the rows that are totals.
        remarks: The numbers of the rows that hold one text and nothing else, such as a footnote.
    """

    rows: dict[tuple[Value, ...], dict[str, Value]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    remarks: list[int] = field(default_factory=list)


def read(table: SheetTable, grid: Grid, workbook: str) -> Sheet:
    """Read a table from its sheet.

    Args:
        table: What is asked for.
        grid: The sheet.
        workbook: The file's name, for messages.

    Raises:
        SourceError: There is no header, a column is missing or there twice, or two rows have the same key.
    """
    reader = _Reader(table, grid, f"{workbook}, {table.sheet}")
    found = Sheet()
    seen: dict[tuple[Value, ...], int] = {}
    for row in grid.rows():
        if row >= reader.first:
            reader.add(row, found, seen)
    return found


class _Reader:
    def __init__(self, table: SheetTable, grid: Grid, where: str) -> None:
        self._table = table
        self._grid = grid
        self._where = where
        header, self._places = self._header()
        # A header's cell may reach down over several rows.
        self.first = 1 + max(grid.last_row(header, place) for place in self._places.values())

    def add(self, row: int, found: Sheet, seen: dict[tuple[Value, ...], int]) -> None:
        cells = {
            name: self._grid.cell(row, place, merged=self._table.columns[name].merged)
            for name, place in self._places.items()
        }
        if all(self._grid.cell(row, place).blank for place in self._places.values()):
            return  # only a remark beside the table, or a merged cell that reaches further than its rows
        if any(self._is_total(cells[name]) for name in self._table.key):
            found.totals.append(row)
            return
        values, faults = self._values(cells)
        key = None if faults.keys() & set(self._table.key) else tuple(values[name] for name in self._table.key)
        if faults and self._is_remark(cells, faults):
            found.remarks.append(row)
            return
        if faults or key is None:
            found.refused.append(self._refused(row, cells, faults, key))
            return
        if key in seen:
            open_ = [name for name in self._table.key if not self._table.columns[name].personal]
            about = f"about ({', '.join(str(values[name]) for name in open_)})" if open_ else "about the same"
            alike = " and the same personal data" if 0 < len(open_) < len(key) else ""
            msg = f"{self._where}: rows {seen[key]} and {row} are both {about}{alike}."
            raise SourceError(msg, cure="Delete one of them. Nothing of this sheet was taken in.")
        seen[key] = row
        found.rows[key] = values

    def _header(self) -> tuple[int, dict[str, int]]:
        """Find the first row that has every column's header; what stands above it does not matter."""
        wanted = {_folded(column.header): name for name, column in self._table.columns.items()}
        best: dict[int, str] = {}
        for row in self._grid.rows():
            titles = self._titles(row)
            found = [(place, wanted[_folded(title)]) for place, title in titles.items() if _folded(title) in wanted]
            if len({name for _place, name in found}) == len(wanted):
                return row, self._unique(row, found)
            if len(found) > sum(_folded(title) in wanted for title in best.values()):
                best = titles
        raise self._headless(best)

    def _headless(self, best: dict[int, str]) -> SourceError:
        """Say what lacks where a header might be meant."""
        there = {_folded(title) for title in best.values()}
        missing = [column.header for column in self._table.columns.values() if _folded(column.header) not in there]
        shown = ", ".join(map(repr, missing))
        if len(missing) * 2 > len(self._table.columns):
            cure = "Write these headers above the columns, or correct `header` in workspace.toml."
            return SourceError(f"{self._where} has no header: no row with {shown}.", cure=cure)
        near = did_you_mean(missing[0], best.values())
        msg = f"{self._where}: the header lacks {shown}."
        return SourceError(msg, cure=f"Correct it in the sheet, or `header` in workspace.toml. {near}")

    def _titles(self, row: int) -> dict[int, str]:
        values = {place: self._grid.cell(row, place, merged=True).value for place in self._grid.columns(row)}
        return {place: tidy(value) for place, value in values.items() if isinstance(value, str)}

    def _unique(self, row: int, found: list[tuple[int, str]]) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, name in found:
            if name in places and not self._grid.cell(row, place).cover:
                first, second = self._grid.cell(row, places[name]).place, self._grid.cell(row, place).place
                title = self._table.columns[name].header
                msg = f"{self._where}: {title!r} stands above two columns, {first} and {second}."
                raise SourceError(msg, cure="Rename one of them. Nothing of this sheet was taken in.")
            places.setdefault(name, place)
        return {name: places[name] for name in self._table.columns}

    def _is_total(self, cell: Cell) -> bool:
        if not isinstance(cell.value, str):
            return False
        shown = _folded(cell.value).rstrip(": ")
        return any(
            shown == word or shown.startswith((f"{word} ", f"{word}:")) for word in map(_folded, self._table.totals)
        )

    def _is_remark(self, cells: Mapping[str, Cell], faults: Mapping[str, str]) -> bool:
        """Tell whether a row holds one text and nothing else; a lone amount is one that lost what it is about."""
        alone = [name for name, cell in cells.items() if not cell.blank]
        if len(cells) == 1 or len(alone) != 1:
            return False
        (name,) = alone
        is_text = isinstance(cells[name].value, str)
        return name in self._table.key or (is_text and (name in faults or self._table.columns[name].type == "text"))

    def _values(self, cells: Mapping[str, Cell]) -> tuple[dict[str, Value], dict[str, str]]:
        values: dict[str, Value] = {}
        faults: dict[str, str] = {}
        for name, cell in cells.items():
            column = self._table.columns[name]
            try:
                values[name] = self._value(column, cell)
            except UnreadableError as error:
                shown = "" if column.personal or cell.blank else f"{_shown(cell)!r} "
                faults[name] = f"{shown}{error}"
        return values, faults

    def _value(self, column: SheetColumn, cell: Cell) -> Value:
        if cell.formula:
            raise UnreadableError("is a formula of which no result was saved; open the workbook in Excel and save it")
        if cell.error:
            raise UnreadableError("is an error")
        if cell.blank:
            if column.name not in self._table.key:
                return None
            if cell.cover:
                told = f"is covered by the merged cell {cell.cover}; merged = true in workspace.toml gives it its value"
                raise UnreadableError(told)
            raise UnreadableError("is blank, and belongs to the key")
        if isinstance(cell.value, bool):
            raise UnreadableError("is true or false")
        try:
            return _KINDS[column.type](column, cell, self._table.decimal)
        except UnreadableError:
            if column.personal:  # what the error says may have the value in it
                raise UnreadableError(f"cannot be read as {column.type}, and is personal") from None
            raise

    def _refused(
        self, row: int, cells: Mapping[str, Cell], faults: Mapping[str, str], key: tuple[Value, ...] | None
    ) -> Refused:
        places = {name: f"{self._table.sheet}!{cells[name].place}" for name in faults}
        return Refused(
            row=row,
            cells=tuple(places.values()),
            reason="; ".join(f"{places[name]} {fault}" for name, fault in faults.items()) + ".",
            content={name: None if cell.blank else _shown(cell) for name, cell in cells.items()},
            key=key,
        )


def _text(_column: SheetColumn, cell: Cell, _decimal: str) -> Value:
    if isinstance(cell.value, int | float):
        return f"{cell.value:.{_DIGITS}g}" if isinstance(cell.value, float) else str(cell.value)
    if not isinstance(cell.value, str):
        raise UnreadableError("is a date or a time, not a text")
    return tidy(cell.value)


def _day(_column: SheetColumn, cell: Cell, _decimal: str) -> Value:
    return _dated(cell, days.day, "a day")


def _month(_column: SheetColumn, cell: Cell, _decimal: str) -> Value:
    found = _dated(cell, days.month, "a month")
    return found.replace(day=1)


def _dated(cell: Cell, parse: Callable[[str], date], kind: str) -> date:
    value = cell.value
    if isinstance(value, datetime):
        if value.time() != time():
            raise UnreadableError(f"has a time of day, and is not {kind}")
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return parse(value)
    raise UnreadableError(f"is a number, not {kind}" if isinstance(value, int | float) else f"is not {kind}")


def _decimal(column: SheetColumn, cell: Cell, decimal: str) -> Value:
    return fitted(_number(column, cell, decimal, percent=True))


def _integer(column: SheetColumn, cell: Cell, decimal: str) -> Value:
    return whole(_number(column, cell, decimal, percent=False))


def _number(column: SheetColumn, cell: Cell, decimal: str, *, percent: bool) -> Decimal:
    if isinstance(cell.value, str):
        return number(cell.value, decimal=decimal, currency=column.currency, percent=percent)
    if not isinstance(cell.value, int | float):
        raise UnreadableError("is a date or a time, not a number")
    check_currency(cell.sign, column.currency)
    return Decimal(cell.value) if isinstance(cell.value, int) else Decimal(f"{cell.value:.{_DIGITS}g}")


_KINDS: dict[str, Callable[[SheetColumn, Cell, str], Value]] = {
    "text": _text,
    "date": _day,
    "month": _month,
    "integer": _integer,
    "decimal": _decimal,
}


def _folded(text: str) -> str:
    return tidy(text).casefold()


def _shown(cell: Cell) -> str:
    shown = cell.formula or str(cell.value).removesuffix(" 00:00:00")
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
