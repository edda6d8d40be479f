"""A result as an Excel workbook: values, a chart that Excel draws itself, and what the numbers mean."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workspace.display.formats import NAMELESS, excel_format, format_time, heading, plain
from workspace.display.theme import ACCENT, GREY, SERIES
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workspace.display.view import Column, View

HEAD = 3  # rows above the table: title, caption, an empty one
LONGEST = 31  # characters in the name of a sheet


def write_xlsx(
    path: str | Path, views: Mapping[str, View], definitions: Sequence[Mapping[str, str]], *, created: datetime
) -> Path:
    """Write a workbook; the same views give the same bytes.

    Args:
        path: The file to write.
        views: The values, by the name of their sheet. All rows are written, so `view.rows` must hold them all.
        definitions: One mapping a metric, with the same keys; the keys become headings.
        created: The time that the workbook carries as that of its creation.

    Returns:
        The path.

    Raises:
        WorkspaceError: The library that writes workbooks is not installed.
    """
    if importlib.util.find_spec("xlsxwriter") is None:
        msg = "Writing Excel workbooks needs the package xlsxwriter."
        raise WorkspaceError(msg, cure="Install the extra: pip install 'bookmyevent-workspace[lab]'.")
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        first = next(iter(views.values()))
        book.set_properties({"title": first.title, "created": created.replace(tzinfo=None)})
        for name, view in views.items():
            _values(book, name[:LONGEST], view)
        _definitions(book, first.caption, definitions)
    return Path(path)


def _values(book: Any, name: str, view: View) -> None:
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, view.title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(1, 0, view.caption, book.add_format({"font_color": GREY}))
    end = HEAD + view.rows.num_rows
    for index, column in enumerate(view.columns):
        values = view.values(column)
        cell = book.add_format({"num_format": excel_format(column, values)})
        right = column.kind == "value"
        head = book.add_format({"bold": True, "bottom": 1, "align": "right" if right else "left"})
        sheet.write_string(HEAD, index, heading(column), head)
        for row, value in enumerate(values, start=HEAD + 1):
            _write(sheet, row, index, value, column=column, cell=cell)
        if view.total is not None and view.count > 1:
            foot = book.add_format({"bold": True, "top": 1, "num_format": excel_format(column, values)})
            last = view.total.get(column.name, "total" if index == 0 else "")
            _write(sheet, end + 1, index, last, column=column, cell=foot)
        sheet.set_column(index, index, max(12, len(heading(column)) + 2, *(len(str(v)) + 2 for v in values[:100])))
    sheet.freeze_panes(HEAD + 1, 0)
    if view.rows.num_rows:
        sheet.autofilter(HEAD, 0, end, len(view.columns) - 1)
    for row, note in enumerate(view.notes, start=end + 3):
        sheet.write_string(row, 0, note, book.add_format({"italic": True}))
    _chart(book, sheet, view)


def _write(sheet: Any, row: int, index: int, value: Any, *, column: Column, cell: Any) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, index, value.replace(tzinfo=None), cell)
    elif isinstance(value, date) and column.grain != "quarter":
        sheet.write_datetime(row, index, datetime(value.year, value.month, value.day), cell)  # noqa: DTZ001 - a cell has no zone
    elif isinstance(value, date):
        sheet.write_string(row, index, format_time(value, column.grain), cell)
    elif value is None:
        sheet.write(row, index, None if column.kind == "value" else NAMELESS, cell)
    elif isinstance(value, bool | str) or column.kind != "value":
        sheet.write_string(row, index, str(value), cell)
    else:
        sheet.write_number(row, index, plain(value), cell)


def _chart(book: Any, sheet: Any, view: View) -> None:
    """Let Excel draw what a single time or category allows: editable, and with the table as its source."""
    labels = [*view.of("time"), *view.of("category")]
    value = next(iter(view.of("value")), None)
    if len(labels) != 1 or value is None or view.rows.num_rows < 2:
        return
    timely = labels[0].kind == "time"
    drawn = book.add_chart({"type": "line" if timely else "bar"})
    first, end = HEAD + 1, HEAD + (view.rows.num_rows if timely else min(view.rows.num_rows, 20))
    x, y = view.columns.index(labels[0]), view.columns.index(value)
    colour = {"color": ACCENT if timely else SERIES[0]}
    drawn.add_series(
        {
            "name": [sheet.name, HEAD, y],
            "categories": [sheet.name, first, x, end, x],
            "values": [sheet.name, first, y, end, y],
            "line" if timely else "fill": {**colour, **({"width": 2} if timely else {})},
        }
    )
    drawn.set_legend({"none": True})
    drawn.set_title({"name": f"{heading(value)} by {labels[0].heading}", "name_font": {"size": 12}})
    drawn.set_y_axis({"major_gridlines": {"visible": timely, "line": {"color": "#E5E7EB"}}, "reverse": not timely})
    drawn.set_x_axis({"text_axis": timely, "major_gridlines": {"visible": False}})
    drawn.set_size({"width": 620, "height": 340})
    sheet.insert_chart(HEAD, len(view.columns) + 1, drawn)


def _definitions(book: Any, caption: str, definitions: Sequence[Mapping[str, str]]) -> None:
    sheet = book.add_worksheet("Definitions")
    sheet.hide_gridlines(2)
    head = book.add_format({"bold": True, "bottom": 1})
    cell = book.add_format({"text_wrap": True, "valign": "top"})
    for column, name in enumerate(definitions[0] if definitions else ()):
        longest = max(len(entry[name]) for entry in definitions)
        sheet.set_column(column, column, min(60, max(len(name), longest) + 2))
        sheet.write_string(0, column, name, head)
        for row, entry in enumerate(definitions, start=1):
            sheet.write_string(row, column, entry[name], cell)
    sheet.write_string(len(definitions) + 2, 0, caption, book.add_format({"font_color": GREY}))
