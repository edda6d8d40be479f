"""How a result looks, wherever it is shown: theme, charts, tables, workbooks."""

from __future__ import annotations

from workspace.display.charts import chart, svg
from workspace.display.formats import formatter
from workspace.display.tables import STYLE, html_table, text
from workspace.display.theme import config, enable, to_svg
from workspace.display.view import Column, View, tabled
from workspace.display.xlsx import write_xlsx

__all__ = [
    "STYLE",
    "Column",
    "View",
    "chart",
    "config",
    "enable",
    "formatter",
    "html_table",
    "svg",
    "tabled",
    "text",
    "to_svg",
    "write_xlsx",
]
