"""A sheet of a workbook as rows of cells: what Excel shows, which cells are merged, and what a formula came to."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import openpyxl
from openpyxl.utils import get_column_letter

from workspace.errors import SourceError, did_you_mean
from workspace.sources.sheets.numbers import is_currency

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_OLD = b"\xd0\xcf\x11\xe0"  # OLE: Excel 97-2003, and every workbook with a password
# What zipfile, the parser of XML and openpyxl raise about bytes that are not what they should be.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError),  # RuntimeError: a member that is encrypted
    *(SyntaxError, LookupError, ValueError, TypeError, AttributeError, OverflowError),
)
_SPACING = re.compile(r"[_*].")  # as wide as the next character, or filled with it
_LITERAL = re.compile(r"""\[\$([^\]-]*)[^\]]*\]|"([^"]*)"|\\(.)|([^\s\w#?,.;:%/()\[\]"\\+-])""")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell holds.

    Attributes:
        place: Its name in the sheet, such as `C7`.
        value: What Excel shows, before it is formatted: a text, number, bool, date, time; None if blank.
        error: Whether it shows an error, such as `#DIV/0!`, which is `value` then.
        formula: Its formula if it has one of which no result was saved.
        sign: The currency's sign with which the number is shown.
        cover: The merged cell that covers it, such as `A5:A7`, if it is not its first.
    """

    place: str
    value: Any = None
    error: bool = False
    formula: str = ""
    sign: str = ""
    cover: str = ""

    @property
    def blank(self) -> bool:
        """Whether nothing is in it."""
        return not self.formula and (self.value is None or (isinstance(self.value, str) and not tidy(self.value)))


class Grid:
    """One sheet.

    Args:
        values: The sheet, with what formulas came to when the workbook was saved.
        formulas: The same sheet, with the formulas themselves.
    """

    def __init__(self, values: Worksheet, formulas: Worksheet) -> None:
        self._merged = values.merged_cells.ranges
        # What is public in openpyxl makes every cell that it is asked for, up to the last row and column of all;
        # read-only worksheets do not, but know of no merged cells.
        self._shown: dict[tuple[int, int], Any] = values._cells  # noqa: SLF001
        self._written: dict[tuple[int, int], Any] = formulas._cells  # noqa: SLF001

    def rows(self) -> Iterator[int]:
        """Number the rows that are not blank, from 1."""
        yield from sorted(self._filled)

    def columns(self, row: int) -> list[int]:
        """Number the columns of a row that hold something or are part of a merged cell, from 1."""
        areas = [area for area in self._merged if area.min_row <= row <= area.max_row]
        merged = {column for area in areas for column in range(area.min_col, area.max_col + 1)}
        return sorted(merged.union(self._filled.get(row, ())))

    def cell(self, row: int, column: int, *, merged: bool = False) -> Cell:
        """Give a cell; rows and columns count from 1.

        Args:
            row: Its row.
            column: Its column.
            merged: Whether a merged cell's value is that of every cell that it covers.
        """
        place = f"{get_column_letter(column)}{row}"
        area = self._merges.get((row, column))
        if area and area[:2] != (row, column):
            if not merged:
                return Cell(place, cover=self._area(area))
            row, column = area[:2]
        shown, written = self._shown.get((row, column)), self._written.get((row, column))
        if shown is None or written is None:
            return Cell(place)
        # A result that is an empty text is saved as a text without a value; its data type is not a number's.
        unsaved = written.data_type == "f" and shown.value is None and shown.data_type == "n"
        return Cell(
            place,
            value=shown.value,
            error=shown.data_type == "e",
            formula=str(getattr(written.value, "text", written.value)) if unsaved else "",
            sign=_sign(shown.number_format),
        )

    def last_row(self, row: int, column: int) -> int:
        """Tell how far down a cell reaches; further than its row if it is merged."""
        area = self._merges.get((row, column))
        return area[2] if area else row

    @cached_property
    def _filled(self) -> dict[int, set[int]]:
        """Map each row that is not blank to its columns that are not."""
        filled: dict[int, set[int]] = {}
        for cells in (self._shown, self._written):
            for (row, column), cell in cells.items():
                if cell.value is not None and cell.value != "":
                    filled.setdefault(row, set()).add(column)
        return filled

    @cached_property
    def _merges(self) -> dict[tuple[int, int], tuple[int, int, int, int]]:
        """Map each cell that is part of a merged one to its first row and column, and its last."""
        return {
            (row, column): (area.min_row, area.min_col, area.max_row, area.max_col)
            for area in self._merged
            for row in range(area.min_row, area.max_row + 1)
            for column in range(area.min_col, area.max_col + 1)
        }

    @staticmethod
    def _area(area: tuple[int, int, int, int]) -> str:
        return f"{get_column_letter(area[1])}{area[0]}:{get_column_letter(area[3])}{area[2]}"


class Book:
    """A workbook, read once.

    Args:
        path: Where it is.

    Raises:
        SourceError: It is not there, or no workbook that can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            msg = f"The workbook {path} cannot be read: {error.strerror or error}."
            raise SourceError(msg, cure="Check `workbook` in workspace.toml, and that the file is there.") from error
        if content.startswith(_OLD):
            msg = f"The workbook {path} has a password, or is of Excel 97-2003 (.xls)."
            raise SourceError(msg, cure="Save it as .xlsx without a password.")
        self._values = self._load(content, formulas=False)
        self._formulas = self._load(content, formulas=True)

    def sheet(self, name: str) -> Grid:
        """Open a sheet by its name; capitals and blanks around it do not matter.

        Raises:
            SourceError: There is none.
        """
        known = {tidy(each).casefold(): each for each in self._values.sheetnames}
        found = known.get(tidy(name).casefold())
        if found is None or not hasattr(self._values[found], "iter_rows"):
            msg = f"The workbook {self.path.name} has no sheet {name!r}."
            raise SourceError(msg, cure=did_you_mean(name, self._values.sheetnames))
        return Grid(self._values[found], self._formulas[found])

    def _load(self, content: bytes, *, formulas: bool) -> Workbook:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # what openpyxl does not know is how a sheet looks
                return openpyxl.load_workbook(io.BytesIO(content), data_only=not formulas, keep_links=False)
        except _DAMAGED as error:
            msg = f"The workbook {self.path} is no Excel workbook, or is cut off: {error}."
            raise SourceError(msg, cure="Open it in Excel and save it again as .xlsx.") from error


def tidy(text: str) -> str:
    r"""Write a text in one way: composed letters, single blanks, none around it.

    Examples:
        >>> tidy("  Target\n GBV ")
        'Target GBV'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def _sign(number_format: str | None) -> str:
    """Find the currency in how a number is shown: `#,##0.00 [$€-407]` has the euro's sign."""
    plain = _SPACING.sub("", (number_format or "").split(";")[0])
    literals = [next(filter(None, found), "").strip() for found in _LITERAL.findall(plain)]
    return next((each for each in literals if is_currency(each)), "")
